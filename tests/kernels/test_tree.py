"""A tree looked through, and BCubed of all its cuts: exact sums, every order of merges, bad input at both doors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import tree as oracle

import pyface
from pyface import _core
from pyface.kernels import tree as trees

# Centroid and median linkage have inversions: merges below one of their parts.
METHODS = ("average", "single", "complete", "ward", "centroid", "median")
MERGES = np.array([[0.0, 1, 1, 2], [2, 3, 2, 3]])
Z = NDArray[np.float64]


@st.composite
def some_trees(draw: st.DrawFn, least: int = 1, most: int = 14) -> Z:
    """Trees of a few points on a grid: many ties, some heights of 0."""
    n = draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return pyface.linkage(rng.integers(0, 4, (n, 2)).astype(float), draw(st.sampled_from(METHODS)), "euclidean")


def random_tree(n: int, seed: int = 0) -> Z:
    """A tree of n rows in O(n) steps: in each round a third of the clusters that are left are paired at random."""
    rng = np.random.default_rng(seed)
    alive, rounds, sizes = np.arange(n), [], np.ones(2 * n - 1)
    while len(alive) > 1:
        count = max(1, len(alive) // 3)
        alive = rng.permutation(alive)
        pair = np.sort(np.column_stack([alive[:count], alive[count : 2 * count]]), axis=1)
        begin = n + sum(map(len, rounds))
        new = np.arange(begin, begin + count)
        sizes[new] = sizes[pair].sum(axis=1)
        rounds.append(np.column_stack([pair, np.zeros(count), sizes[new]]))
        alive = np.concatenate([alive[2 * count :], new])
    z = np.concatenate(rounds)
    z[:, 2] = np.sort(rng.random(n - 1))
    return z


@settings(max_examples=60, deadline=None)
@given(some_trees())
def test_the_clusters_of_merges(z: Z) -> None:
    tree, n = trees.inspect(z), len(z) + 1
    nodes, heights = oracle.members(z)[n:], oracle.effective_heights(z)[n:]
    assert tree.n == n
    assert tree.heights.tolist() == heights
    assert tree.sizes.tolist() == [len(rows) for rows in nodes]
    assert tree.first_rows.tolist() == [rows[0] for rows in nodes]
    assert tree.order.tolist() == sorted(range(n - 1), key=lambda i: heights[i])
    at, n_merges = tree.cuts()
    assert at.tolist() == sorted({0.0, *heights})
    assert n_merges.tolist() == [sum(height <= cut for height in heights) for cut in at]


@settings(max_examples=80, deadline=None)
@given(some_trees(), st.data())
def test_bcubed_is_exact(z: Z, data: st.DataObject) -> None:
    n = len(z) + 1
    classes = data.draw(st.lists(st.integers(-1, data.draw(st.integers(0, min(4, n - 1)))), min_size=n, max_size=n))
    if max(classes) < 0:
        classes[-1] = 0
    tree = trees.inspect(z)
    others_count = data.draw(st.booleans())
    precision, recall = trees.bcubed_by_merge(tree, np.array(classes), others_count=others_count)
    assert precision.shape == recall.shape == (n,)
    for height, k in zip(*tree.cuts(), strict=True):
        wanted = oracle.bcubed(classes, oracle.clusters(z, height), others_count)
        for ours, exact in zip((precision[k], recall[k]), wanted, strict=True):
            # The sum and its quotient are rounded once each.
            assert ours == pytest.approx(float(exact), rel=2.3e-16, abs=0) and ours <= 1


def test_bcubed_after_many_merges() -> None:
    # Classes of 8 rows each, scattered: sums of quotients of all sizes.
    n = 2**17
    classes = np.random.default_rng(1).permutation(n) // 8
    tree = trees.inspect(random_tree(n))
    precision, recall = trees.bcubed_by_merge(tree, classes)
    assert (precision[0], recall[0]) == (1.0, 1 / 8)
    assert (precision[-1], recall[-1]) == (8 / n, 1.0)  # not one bit has been lost on the way
    for n_clusters in (n - 1000, n // 2, n // 7, 12):
        wanted = pyface.metrics.bcubed_precision_recall_f(classes, pyface.cut(tree.z, n_clusters=n_clusters))
        assert (precision[n - n_clusters], recall[n - n_clusters]) == pytest.approx(wanted[:2], rel=1e-12)


def test_a_chain_is_not_climbed_by_recursion() -> None:
    n = 300_000
    ids = np.arange(n - 1.0)
    z = np.column_stack([np.append(0, ids[1:] + 1), np.append(1, ids[1:] + n - 1), ids, ids + 2])
    z[:, :2].sort(axis=1)
    precision, recall = trees.bcubed_by_merge(trees.inspect(z), np.arange(n) % 2)
    assert (precision[-1], recall[-1]) == (0.5, 1.0)


def test_merges_in_another_layout_and_type() -> None:
    for other in (np.asfortranarray(MERGES), MERGES.astype(np.int32), MERGES.astype(np.float32)):
        tree = trees.inspect(other)
        assert (tree.sizes.tolist(), tree.heights.tolist()) == ([2, 3], [1, 2])


@pytest.mark.parametrize(
    ("z", "error", "said"),
    [
        ([[0, 1, 1, 2]], TypeError, "Z must be a NumPy array of numbers, got list"),
        (np.array([["a"] * 4]), TypeError, "Z must be a NumPy array of numbers"),
        (np.ones((3, 3)), ValueError, r"Z must have shape \(n - 1, 4\), got shape \(3, 3\)"),
        (np.array([[0, 1, np.nan, 2.0]]), ValueError, "Z: row 0 merges at the height nan"),
        (np.array([[0, 1, 1, 2.0], [2, 3, np.inf, 3]]), ValueError, "Z: row 1 merges at the height inf"),
        (np.array([[0, 1, -0.5, 2.0]]), ValueError, "must be finite and not negative"),
        (np.array([[0, 2, 1, 2.0]]), ValueError, "does not exist yet"),
        (np.array([[0, 1, 1, 2.0], [1, 2, 1, 2]]), ValueError, "merged twice"),
        (np.array([[0, 0.5, 1, 2.0]]), ValueError, "whole numbers"),
    ],
)
def test_what_is_no_tree(z: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        trees.inspect(z)


ORDER, CLASSES = np.arange(2), np.array([0, 0, 1])


@pytest.mark.parametrize(
    "call",
    [
        lambda: _core.bcubed_by_merge(MERGES, CLASSES[:2], ORDER, n_classes=2),
        lambda: _core.bcubed_by_merge(MERGES, CLASSES, ORDER[:1], n_classes=2),
        lambda: _core.bcubed_by_merge(MERGES, CLASSES, ORDER[::-1].copy(), n_classes=2),
        lambda: _core.bcubed_by_merge(MERGES, CLASSES, np.array([0, 0]), n_classes=2),
        lambda: _core.bcubed_by_merge(MERGES, CLASSES, np.array([0, 2]), n_classes=2),
        lambda: _core.bcubed_by_merge(MERGES, CLASSES, np.array([0, -1]), n_classes=2),
        lambda: _core.bcubed_by_merge(MERGES, CLASSES, ORDER, n_classes=1),
        lambda: _core.bcubed_by_merge(MERGES, CLASSES, ORDER, n_classes=0),
        lambda: _core.bcubed_by_merge(MERGES, CLASSES - 2, ORDER, n_classes=2),
        lambda: _core.bcubed_by_merge(MERGES, np.full(3, -1), ORDER, n_classes=2),
        lambda: _core.bcubed_by_merge(MERGES[:, :3].copy(), CLASSES, ORDER, n_classes=2),
        lambda: _core.bcubed_by_merge(MERGES[0], CLASSES, ORDER, n_classes=2),
        lambda: _core.bcubed_by_merge(MERGES + 5, CLASSES, ORDER, n_classes=2),
        lambda: _core.tree_clusters(MERGES[:, :3].copy()),
        lambda: _core.tree_clusters(MERGES * np.nan),
    ],
)
def test_the_second_gate(call: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"Z|classes|order|class"):
        call()


def test_the_second_gate_takes_one_type() -> None:
    for z, classes in ((MERGES.astype(np.float32), CLASSES), (MERGES, CLASSES.astype(np.int32))):
        with pytest.raises(TypeError):
            _core.bcubed_by_merge(z, classes, ORDER, n_classes=2)
