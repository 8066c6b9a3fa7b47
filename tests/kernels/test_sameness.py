"""The answer does not depend on threads, layout or instruction set: equality to the bit."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

import pyface
from pyface import _core


def matrices(x: NDArray, n_threads: int) -> list[NDArray]:
    """What is computed in float32: the same to the bit on one instruction set, within 1e-6 on all."""
    y = x[::3].copy()
    return [
        pyface.cosine_distances(x, n_threads=n_threads),
        pyface.cosine_distances(x, y, n_threads=n_threads),
        pyface.euclidean_distances(x, y, n_threads=n_threads),
        pyface.cosine_condensed(x, n_threads=n_threads),
    ]


def decisions(x: NDArray, n_threads: int) -> list[NDArray]:
    """What float64 decides: the same to the bit everywhere."""
    graph = pyface.neighbors_within(x, 1.0, metric="euclidean", n_threads=n_threads)
    return [
        graph.indptr,
        graph.indices,
        graph.data,
        *pyface.nearest_neighbors(x, 9, n_threads=n_threads),
        pyface.linkage(x, "average", "cosine", n_threads=n_threads),
        pyface.linkage(x, "average", "sqeuclidean", n_threads=n_threads),
        pyface.linkage(x, "ward", "euclidean", n_threads=n_threads),
        pyface.linkage(x, "complete", "cosine", n_threads=n_threads),
    ]


def sample(dtype: type) -> NDArray:
    rng = np.random.default_rng(6)
    x = np.repeat(rng.normal(size=(100, 67)) / 8, 4, axis=0) + rng.normal(size=(400, 67)) / 16
    x[50:60] = x[40:50]
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_layouts_and_instruction_sets(dtype: type) -> None:
    x = sample(dtype)
    before = _core.active_isa()
    want = decisions(x, 1)
    values = matrices(x, 1)
    try:
        for isa in _core.supported_isas():
            _core.set_isa(isa)
            own = matrices(x, 1)
            for got, expected in zip(own, values, strict=True):
                np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)
            for n_threads in (1, 2, 5):
                for got, expected in zip(decisions(x, n_threads), want, strict=True):
                    np.testing.assert_array_equal(got, expected)
                for got, expected in zip(matrices(x, n_threads), own, strict=True):
                    np.testing.assert_array_equal(got, expected)
    finally:
        _core.set_isa(before)
    other_layout = np.asfortranarray(x)
    for got, expected in zip(decisions(other_layout, 2) + matrices(other_layout, 2), want + values, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_set_isa() -> None:
    before = _core.active_isa()
    assert before in _core.supported_isas()
    assert set(_core.supported_isas()) <= set(_core.compiled_isas())
    assert _core.compiled_isas()[0] == "portable"
    assert _core.set_isa("portable") == before
    assert _core.active_isa() == "portable"
    assert _core.set_isa(before) == "portable"
    with pytest.raises(ValueError, match=r"'sse9' is not an instruction set of this build; choose one of: portable"):
        _core.set_isa("sse9")
    assert _core.active_isa() == before


def run_with_isa(isa: str, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYFACE_ISA": isa}, capture_output=True, text=True, check=False
    )


def test_environment_chooses_the_isa() -> None:
    done = run_with_isa("portable", "import pyface; print(pyface.build_info()['isa_active'])")
    assert done.stdout.strip() == "portable", done.stderr


def test_wrong_environment_is_an_error_where_a_kernel_is_needed() -> None:
    code = "import numpy as np, pyface; print('imported'); pyface.cosine_distances(np.ones((2, 3)))"
    done = run_with_isa("sse9", code)
    assert done.returncode == 1 and done.stdout.strip() == "imported"
    assert "RuntimeError: the environment variable PYFACE_ISA: 'sse9' is not an instruction set" in done.stderr
