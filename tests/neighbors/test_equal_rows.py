"""Rows of which very many are equal: the nearest are those of the lowest numbers, and few pairs decide that."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from switches import floats_used

import pyface

pytestmark = pytest.mark.usefixtures("isa")


def by_definition(x: NDArray, y: NDArray | None, k: int, metric: str) -> NDArray:
    """Of copies of a few rows: the distances of these, then the lower number; a row itself first."""
    distances = (pyface.cosine_distances if metric == "cosine" else pyface.euclidean_distances)(
        x, x if y is None else y
    )
    distances = np.round(distances.astype(np.float64), 4)
    if y is None:
        np.fill_diagonal(distances, -1)
    order = np.lexsort((np.broadcast_to(np.arange(distances.shape[1]), distances.shape), distances), axis=1)
    return order[:, :k]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kinds=st.integers(1, 4),
    d=st.sampled_from([5, 40]),
    k=st.integers(1, 12),
    metric=st.sampled_from(["cosine", "euclidean"]),
    n_threads=st.integers(1, 3),
    is_to_itself=st.booleans(),
)
def test_lower_numbers_first(
    seed: int, kinds: int, d: int, k: int, metric: str, n_threads: int, is_to_itself: bool
) -> None:
    rng = np.random.default_rng(seed)
    some = rng.standard_normal((kinds, d)).astype(np.float32)
    y = some[rng.integers(0, kinds, 900)]
    x = y if is_to_itself else some[rng.integers(0, kinds, 250)]
    _, found = pyface.nearest_neighbors(x, k, None if is_to_itself else y, metric=metric, n_threads=n_threads)
    np.testing.assert_array_equal(found, by_definition(x, None if is_to_itself else y, k, metric))
    if not is_to_itself:
        index = pyface.NearestNeighbors(k, metric=metric, n_threads=n_threads).fit(y[:500]).partial_fit(y[500:])
        np.testing.assert_array_equal(index.kneighbors(x)[1], found)


@pytest.mark.parametrize(("floats", "in_float64", "others"), [("where_they_pay", 600, 2100), ("always", 100, 3000)])
def test_few_pairs_of_equal_rows_are_looked_at_in_float64(floats: str, in_float64: int, others: int) -> None:
    """By codes, as such rows are compared by themselves, and all with all in float32."""
    x = np.tile(np.random.default_rng(0).standard_normal(64).astype(np.float32), (3000, 1))
    with floats_used(floats):
        pyface.debug_counters(reset=True)
        pyface.nearest_neighbors(x, 5, n_threads=1)
        counts = pyface.debug_counters(reset=True)
    assert counts["pairs_in_float64"] < in_float64 * 3000
    assert counts["pairs_in_codes"] + counts["pairs_in_float32"] <= others * 3000
