"""A stream of edges of which those between rows of one number are not asked for: DBSCAN's dense groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import pyface
from pyface import _core
from pyface.cluster import DBSCAN

pytestmark = pytest.mark.usefixtures("isa")


def grouped_rows(seed: int, n: int, d: int, n_groups: int, spread: float) -> tuple[NDArray[np.float32], NDArray]:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, n_groups, n)
    x = rng.standard_normal((n_groups, d))[group] + spread * rng.standard_normal((n, d))
    return x.astype(np.float32), group


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 700),
    d=st.sampled_from([3, 16, 17, 128]),
    spread=st.sampled_from([0.0, 1e-4, 0.1, 1.0]),
    metric=st.sampled_from(["cosine", "euclidean"]),
    n_threads=st.integers(1, 3),
)
def test_all_others_come_and_none_twice(seed: int, n: int, d: int, spread: float, metric: str, n_threads: int) -> None:
    x, group = grouped_rows(seed, n, d, 3, spread)
    rng = np.random.default_rng(seed)
    numbers = np.where(rng.random(n) < rng.choice([0, 0.1]), -1, group).astype(np.int32)
    if rng.random() < 0.5:  # blocks of one number are passed over as a whole
        order = np.argsort(group, kind="stable")
        x, numbers = x[order], numbers[order]
    radius = float(np.quantile(pyface.cosine_distances(x), 0.4)) + 1e-3
    graph = pyface.neighbors_within(x, radius, metric=metric)
    near = np.zeros((n, n), bool)
    near[np.repeat(np.arange(n), np.diff(graph.indptr)), graph.indices] = True
    found = np.zeros((n, n), bool)
    stream = _core.EdgeStream(x, metric=metric, radius=radius, n_threads=n_threads)
    asked = None
    while (edges := stream.next(500, asked)) is not None:
        i, j = edges
        assert (i < j).all() and not found[i, j].any()
        found[i, j] = True
        asked = numbers if rng.random() < 0.7 else None
    is_settled = (numbers[:, None] == numbers) & (numbers >= 0)
    upper = np.triu(near, 1)
    assert not (found & ~upper).any()
    assert not (upper & ~is_settled & ~found).any()


def test_rows_of_one_group_are_not_compared_with_each_other() -> None:
    x = np.tile(np.random.default_rng(0).standard_normal(64).astype(np.float32), (3000, 1))
    pyface.debug_counters(reset=True)
    labels = DBSCAN(0.1, metric="cosine").fit_predict(x)
    counts = pyface.debug_counters(reset=True)
    assert not labels.any()
    assert counts["pairs_in_codes"] + counts["pairs_in_float32"] < 0.75 * 3000 * 2999 / 2
    assert counts["pairs_accepted"] + counts["pairs_in_float64"] < 0.75 * 3000 * 2999 / 2


def test_what_does_not_fit() -> None:
    x = np.ones((5, 3), np.float32)
    stream = _core.EdgeStream(x, metric="euclidean", radius=1.0, n_threads=1)
    with pytest.raises(ValueError, match="a number for each row"):
        stream.next(10, np.zeros(4, np.int32))
    with pytest.raises(TypeError):
        stream.next(10, np.zeros(5, np.int64))
