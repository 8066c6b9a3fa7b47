"""The graph part of DBSCAN: labels from edges in any order, in bounded memory, with sums of weights as NumPy's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interrupts import NEEDS_SIGNALS, stops_between_calls
from numpy.typing import NDArray
from oracles import dbscan as oracle

from pyface.kernels import density

SEEDS = st.integers(0, 2**32 - 1)
PIECES = st.sampled_from([1, 3, 20, 1 << 18])


def random_graph(rng: np.random.Generator, n: int, share: float) -> NDArray[np.bool_]:
    near = rng.random((n, n)) < share
    return near | near.T | np.eye(n, dtype=bool)


def stream(
    near: NDArray[np.bool_], rng: np.random.Generator
) -> Callable[[density.Settled | None], Iterator[density.Edges]]:
    """Edges i < j in random order, in pieces of random lengths up to a little more than was asked for.

    Before some of the pieces those that are not asked for any more are left out, or some of them.
    """

    def edges(settled: density.Settled | None = None) -> Iterator[density.Edges]:
        i, j = np.nonzero(np.triu(near, 1))
        order = rng.permutation(len(i))
        while order.size:
            length = int(rng.integers(1, density.EDGES_AT_ONCE + 3))
            yield i[order[:length]].astype(np.int32), j[order[:length]].astype(np.int32)
            order = order[length:]
            if settled is not None and rng.random() < 0.5:
                numbers = settled()
                is_out = (numbers[i[order]] == numbers[j[order]]) & (numbers[i[order]] >= 0)
                order = order[~is_out | (rng.random(len(order)) < rng.choice([0, 0.5]))]

    return edges


def in_pieces(size: int) -> mock._patch[int]:
    return mock.patch.object(density, "EDGES_AT_ONCE", size)


@settings(max_examples=150, deadline=None)
@given(SEEDS, st.integers(1, 40), st.floats(0, 0.4), st.integers(1, 12), PIECES)
def test_labels_do_not_depend_on_order_and_pieces(seed: int, n: int, share: float, min_samples: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    near = random_graph(rng, n, share)
    with in_pieces(size):
        labels, is_core = density._by_count(n, min_samples, stream(near, rng))
    expected, expected_core = oracle.dbscan(~near, 0, min_samples)
    assert labels.tolist() == expected.tolist() and is_core.tolist() == expected_core.tolist()


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.integers(1, 60), st.floats(0, 0.3), PIECES)
def test_labels_of_given_core_rows(seed: int, n: int, share: float, size: int) -> None:
    """Any rows may be core, as with weights."""
    rng = np.random.default_rng(seed)
    near = random_graph(rng, n, share)
    expected, is_core = oracle.dbscan(~near, 0, 1, rng.integers(-3, 4, n))
    with in_pieces(size):
        assert density.labels_of(is_core, stream(near, rng)).tolist() == expected.tolist()


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.integers(1, 60), st.floats(0, 0.3), st.integers(1, 4), PIECES)
def test_essential_pairs_of_parts_say_as_much(seed: int, n: int, share: float, n_parts: int, size: int) -> None:
    """The edges are dealt out, and each part is reduced without the others."""
    rng = np.random.default_rng(seed)
    near = random_graph(rng, n, share)
    expected, is_core = oracle.dbscan(~near, 0, 1, rng.integers(-3, 4, n))
    i, j = np.nonzero(np.triu(near, 1))
    part = rng.integers(n_parts, size=len(i))
    with in_pieces(size):
        pairs = [
            density.essential_pairs(is_core, iter([(i[part == p].astype(np.int32), j[part == p].astype(np.int32))]))
            for p in range(n_parts)
        ]
        labels = density.labels_of(is_core, lambda _: ((p[:, 0].copy(), p[:, 1].copy()) for p in pairs))
    assert labels.tolist() == expected.tolist()
    for found in pairs:
        is_inner = is_core[found].all(axis=1)
        assert is_inner.sum() < max(1, is_core.sum())  # a forest
        assert is_core[found].any(axis=1).all()
        assert near[found[~is_inner, 0], found[~is_inner, 1]].all()


def test_a_third_pass_if_borders_lie_between_many_clusters() -> None:
    n, n_core = 60, 20
    is_core = np.arange(n) >= n - n_core
    near = is_core[:, None] != is_core
    passes = 0

    def edges(settled: density.Settled) -> Iterator[density.Edges]:
        nonlocal passes
        passes += 1
        yield from stream(near, np.random.default_rng(passes))(settled)

    with in_pieces(16):
        labels = density.labels_of(is_core, edges)
    assert passes == 2
    assert labels.tolist() == [0] * (n - n_core) + list(range(n_core))


@pytest.mark.parametrize("min_samples", [2, 3, 10])
def test_what_is_kept_is_bounded(min_samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 80,000 edges at most twice min_samples - 2 for each row that is not core, and two pieces."""
    n, size = 400, 100
    most = 0
    add = density._Components.add

    def spy(self: density._Components, *edges: NDArray[np.int32], is_final: bool = False) -> None:
        nonlocal most
        add(self, *edges, is_final=is_final)
        most = max(most, self.n_kept)
        n_waiting = np.count_nonzero(~self._is_core)
        assert self.n_kept <= 2 * (min_samples - 2) * max(n_waiting, 1) + 2 * size + 2 or self.n_kept <= self._limit
        assert self._limit <= max(size, 2 * (min_samples - 2) * n)

    monkeypatch.setattr(density._Components, "add", spy)
    with in_pieces(size):
        labels, is_core = density._by_count(n, min_samples, stream(np.ones((n, n), bool), np.random.default_rng(0)))
    assert is_core.all() and not labels.any()
    assert (most == 0) == (min_samples == 2)


def weighty(near: NDArray[np.bool_], weights: NDArray[np.float64], min_samples: int, size: int) -> tuple[list, int]:
    """Core rows by the kernel, and how many rows it looked at again."""
    again = 0

    def neighbors(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        nonlocal again
        again += len(rows)
        found = [np.flatnonzero(near[row]) for row in rows]
        return np.cumsum([0, *map(len, found)]), np.concatenate(found).astype(np.int32)

    with in_pieces(size):
        is_core = density._core_by_weight(weights, min_samples, stream(near, np.random.default_rng(1)), neighbors)
    return is_core.tolist(), again


@settings(max_examples=150, deadline=None)
@given(SEEDS, st.integers(1, 60), st.floats(0, 0.5), st.sampled_from([1.0, 0.25, 0.1, 0.7, 1 / 3, 1e17]), PIECES)
def test_weights_reach_min_samples_when_numpys_sum_does(
    seed: int, n: int, share: float, unit: float, size: int
) -> None:
    rng = np.random.default_rng(seed)
    near = random_graph(rng, n, share)
    weights = rng.integers(-3, 8, n) * unit
    min_samples = int(rng.integers(1, 8))
    found, again = weighty(near, weights, min_samples, size)
    assert found == [bool(np.sum(weights[row]) >= min_samples) for row in near]
    assert again == 0 or unit not in (1.0, 0.25)


def test_sums_in_doubt_are_added_up_again_and_others_are_not() -> None:
    def one_by_one(weights: NDArray[np.float64]) -> float:
        return float(np.add.accumulate(weights)[-1])

    kinds = set()
    for min_samples in range(1, 40):
        n = 10 * min_samples
        tenths = np.full(n, 0.1)
        is_reached = bool(np.sum(tenths) >= min_samples)
        found, again = weighty(np.ones((n, n), bool), tenths, min_samples, 1 << 18)
        assert found == [is_reached] * n and again == n
        kinds.add((is_reached, bool(one_by_one(tenths) >= min_samples)))
    assert {(True, False), (False, True)} & kinds, "the order of additions makes no difference here"
    rng = np.random.default_rng(0)
    assert weighty(random_graph(rng, 300, 0.2), rng.random(300), 10, 1 << 18)[1] == 0


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered in reduce")
def test_sums_that_overflow() -> None:
    for weights in (np.full(4, 1e308), np.array([1e308, 1e308, -1e308, -1e308]), np.array([-1e308, -1e308, 1e308, 9])):
        assert weighty(np.ones((4, 4), bool), weights, 1, 7)[0] == [bool(np.sum(weights) >= 1)] * 4


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_common_power_of_two(weights: list[float]) -> None:
    unit = density._common_power_of_two(np.array(weights))
    if not any(weights):
        assert unit == np.inf
        return
    assert all(np.fmod(w, unit) == 0 for w in weights)
    assert np.frexp(unit)[0] == 0.5
    assert any(np.fmod(w, 2 * unit) != 0 for w in weights)


def test_common_power_of_two_by_hand() -> None:
    assert density._common_power_of_two(np.array([3.0, -0.5, 0.0, 96.0])) == 0.5
    assert density._common_power_of_two(np.array([-48.0, 80.0])) == 16.0


def child(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


STREAM = """
import itertools
import numpy as np
from pyface.kernels import density

n = 10_000
rng = np.random.default_rng(0)

def edges(n_pieces, then=lambda: None):
    for piece in itertools.count():
        if piece == n_pieces:
            break
        if piece == 1:
            then()
        yield rng.integers(0, n, 1 << 18, np.int32), rng.integers(0, n, 1 << 18, np.int32)
"""
BY_COUNT, BY_WEIGHT = "density._by_count(n, 40, {})", "density._core_by_weight(np.ones(n), 40, {}, None)"


@NEEDS_SIGNALS
@pytest.mark.parametrize("call", [BY_COUNT, BY_WEIGHT], ids=["count", "weight"])
def test_ctrl_c_between_pieces(call: str) -> None:
    """A stream without end, so that only Ctrl-C can end the process."""
    compiled = f"{STREAM}\n{call.format('lambda *_: edges(1)')}"
    assert stops_between_calls(compiled, call.format("lambda *_: edges(None, begun.set)")) == "stopped"


@NEEDS_SIGNALS
@pytest.mark.parametrize("call", [BY_COUNT, BY_WEIGHT], ids=["count", "weight"])
def test_ctrl_c_while_a_loop_is_compiled(call: str, tmp_path: Path) -> None:
    """One signal, while LLVM calls Python back: an exception that is raised there goes nowhere."""
    code = (
        f"{STREAM}\n"
        "import os, signal\n"
        "from numba.core.codegen import CPUCodeLibrary\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "original, sent = CPUCodeLibrary._object_getbuffer_hook, []\n"
        "@classmethod\n"
        "def hook(cls, *arguments):\n"
        "    if not sent:\n"
        "        sent.append(os.kill(os.getpid(), signal.SIGINT))\n"
        "    return original(*arguments)\n"
        "CPUCodeLibrary._object_getbuffer_hook = hook\n"
        "try:\n"
        f"    {call.format('lambda *_: edges(20)')}\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped', len(sent))\n"
    )
    done = child(code, NUMBA_CACHE_DIR=str(tmp_path))
    assert (done.stdout, done.stderr) == ("stopped 1\n", "")


ROWS_AND_DISTANCES = """
x = np.random.default_rng(0).integers(0, 9, (60, 2)).astype(float)
d = np.abs(x[:, :1] - x[:, 1])
"""


def test_every_loop_is_compiled_once() -> None:
    """Ctrl-C is held back at the first call alone, so the types of the arguments may not change later."""
    code = (
        "import numpy as np, scipy.sparse\n"
        "from pyface._numba import dbscan as jit\n"
        "from pyface.cluster import DBSCAN\n"
        f"{ROWS_AND_DISTANCES}"
        "for rows in (x, x.astype(np.float32), np.asfortranarray(x), x[::2]):\n"
        "    for min_samples in (1, 4, 99):\n"
        "        DBSCAN(1, min_samples=min_samples).fit(rows)\n"
        "        DBSCAN(1, min_samples=min_samples).fit(rows, sample_weight=rows[:, 0] / 10)\n"
        "for graph in (d, scipy.sparse.csr_array(d)):\n"
        "    DBSCAN(1, min_samples=9, metric='precomputed').fit(graph)\n"
        "print([len(getattr(jit, name).loop.signatures) for name in ('count', 'weigh', 'join', 'number', 'walk')])\n"
    )
    done = child(code, NUMBA_DISABLE_JIT="0")
    assert (done.stdout, done.stderr) == ("[1, 1, 1, 1, 1]\n", "")


def test_without_numba_s_compiler() -> None:
    code = (
        "import numba, numpy as np, scipy.sparse\n"
        "from pyface.cluster import DBSCAN\n"
        "assert numba.config.DISABLE_JIT == expected\n"
        f"{ROWS_AND_DISTANCES}"
        "print(DBSCAN(1, min_samples=4).fit_predict(x).tolist())\n"
        "print(DBSCAN(1, min_samples=4).fit_predict(x, sample_weight=x[:, 0] / 10).tolist())\n"
        "print(DBSCAN(1, min_samples=9, metric='precomputed').fit_predict(scipy.sparse.csr_array(d)).tolist())\n"
    )
    plain = child(f"expected = 1\n{code}", NUMBA_DISABLE_JIT="1")
    compiled = child(f"expected = 0\n{code}", NUMBA_DISABLE_JIT="0")
    assert plain.returncode == compiled.returncode == 0, plain.stderr + compiled.stderr
    assert plain.stdout == compiled.stdout and plain.stdout.count("1") > 10


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_compiled_code_is_cached_elsewhere_if_the_package_cannot_be_written(tmp_path: Path) -> None:
    """A copy of the JIT file whose folder refuses a cache: the user's cache folder takes it; failing that, no cache."""
    import pyface._numba.dbscan as original

    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "jit.py").write_text(Path(original.__file__).read_text())
    (folder / "__pycache__").touch()  # a file where the folder should be: refuses root too
    code = (
        "import numpy as np, jit\n"
        "labels = np.full(2, -1)\n"
        "assert jit.number(np.zeros(2, np.int32), np.ones(2, bool), 0, 2, 0, labels) == 1\n"
        "print(labels, sum(jit.number.loop.stats.cache_misses.values()))\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "XDG"))}
    environment |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(home)}

    def run() -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert run() == "[0 0] 1"
    assert list(home.rglob("*.nbi")), "no cache was written"
    assert run() == "[0 0] 0", "the cache was not read"
    environment["HOME"] = str(home / "file")
    (home / "file").touch()
    assert run().startswith("[0 0]")
