"""Numbers of clusters that survive, against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles import relabel as oracle

from pyface.cluster import relabel

labels = st.integers(-1, 5)


@pytest.mark.parametrize(
    ("old", "new", "want"),
    [
        ([], [], []),
        ([-1, -1, -1], [7, 3, 7], [0, 1, 0]),  # nothing before: numbered by smallest row
        ([4, 4, 9], [0, 0, 1], [4, 4, 9]),  # the same clusters: the same numbers, gaps included
        ([0, 0, 1, 1, -1], [2, 2, 2, 2, 0], [0, 0, 0, 0, 2]),  # merged, equally large: the lower number; 1 is given up
        ([0, 1, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]),  # merged: the number of the larger part
        ([0, 0, 0, 1], [0, 1, 1, 2], [2, 0, 0, 1]),  # split: the larger part keeps the number, the other gets a new one
        ([3, 3], [5, 2], [4, 3]),  # split in equal parts: the smaller new number keeps it
        ([0, 0, 0, 1, 1], [0, 0, 1, 1, 1], [0, 0, 1, 1, 1]),  # a row has moved
        ([0, 0, 0, 0, 0, 1], [0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1]),  # the second best pair: its number is still free
        ([0, 0, -1], [-1, 0, -1], [-1, 0, -1]),  # rows in no cluster stay so
        ([2, 2], [-1, -1], [-1, -1]),
    ],
)
def test_by_hand(old: list[int], new: list[int], want: list[int]) -> None:
    got = relabel(np.array(old, np.int64), np.array(new, np.int64))
    assert got.dtype == np.int64
    assert got.tolist() == want
    assert oracle.relabel(old, new) == want


@given(st.lists(st.tuples(labels, labels), max_size=40))
def test_equals_the_definition(rows: list[tuple[int, int]]) -> None:
    old, new = [a for a, _ in rows], [b for _, b in rows]
    got = relabel(np.array(old, np.int64), np.array(new, np.int64)).tolist()
    assert got == oracle.relabel(old, new)
    pairs = set(zip(new, got, strict=True))
    assert len(pairs) == len(set(new)) == len(set(got))
    assert all((a == -1) == (b == -1) for a, b in pairs)


@given(st.lists(labels, max_size=40), st.permutations(range(6)))
def test_other_numbers_for_the_same_clusters_change_nothing(old: list[int], names: list[int]) -> None:
    before = np.array(old, np.int64)
    renamed = np.array([-1 if a < 0 else names[a] for a in old], np.int64)
    assert_array_equal(relabel(before, renamed), before)


def test_integers_of_any_kind_and_layout() -> None:
    old, new = np.array([1, 1, 0, 0], np.int8), np.array([0, 0, 5, 5], np.uint16)
    assert relabel(old, new).tolist() == [1, 1, 0, 0]
    assert relabel(old[::-1], new[::-1]).tolist() == [0, 0, 1, 1]
    assert relabel(np.array([2**63 - 1]), np.array([0])).tolist() == [2**63 - 1]


def test_many_rows() -> None:
    rng = np.random.default_rng(0)
    old = rng.integers(-1, 20_000, 200_000)
    moved = np.where(rng.random(len(old)) < 0.1, rng.integers(0, 20_000, len(old)), old)
    got = relabel(old, np.where(moved < 0, 20_000, 19_999 - moved))
    kept = got == old
    assert kept[old >= 0].mean() > 0.85


@pytest.mark.parametrize(
    ("old", "new", "error", "match"),
    [
        ([0], np.zeros(1, int), TypeError, "old must be a NumPy array of integers, got list"),
        (np.zeros(1, int), np.zeros(1), TypeError, "new must be a NumPy array of integers, got an array of float64"),
        (np.zeros(1, bool), np.zeros(1, int), TypeError, "old must be .* got an array of bool"),
        (np.ma.array([0]), np.zeros(1, int), TypeError, "old must be"),
        (np.zeros((1, 1), int), np.zeros(1, int), ValueError, r"old must have shape \(n,\), got shape \(1, 1\)"),
        (np.zeros(2, int), np.zeros(1, int), ValueError, "same length, got 2 and 1"),
        (np.array([0, -2]), np.zeros(2, int), ValueError, "old: row 1 is -2"),
        (np.zeros(1, int), np.array([2**63], np.uint64), ValueError, "new: row 0 is 9223372036854775808"),
        (np.array([2**63 - 1, -1]), np.array([0, 1]), ValueError, "old: 9223372036854775807 is too large"),
    ],
)
def test_bad_arguments(old: object, new: object, error: type, match: str) -> None:
    with pytest.raises(error, match=match):
        relabel(old, new)
