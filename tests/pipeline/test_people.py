"""Numbers of people, and close calls against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from pyface.pipeline.people import ALGORITHMS, close_calls, cluster_threshold, group_faces, number_by_size


@given(st.lists(st.integers(0, 6), max_size=40))
def test_numbers_by_size_then_first_face(raw: list[int]) -> None:
    labels = number_by_size(np.array(raw, np.int64))
    groups = [np.flatnonzero(labels == k) for k in range(int(labels.max(initial=-1)) + 1)]
    keys = [(-len(rows), int(rows[0])) for rows in groups]
    assert keys == sorted(keys)
    pairs = {(a, int(b)) for a, b in zip(raw, labels, strict=True)}
    assert len(pairs) == len(groups) == len(set(raw))


def people(metric: str, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(6), [7, 5, 4, 2, 1, 1])
    rows = rng.normal(size=(6, 16))[truth] + 0.15 * rng.normal(size=(len(truth), 16))
    order = rng.permutation(len(truth))
    rows = rows[order].astype(np.float32)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True) if metric == "cosine" else rows), truth[order]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(("metric", "threshold"), [("cosine", 0.2), ("sqeuclidean", 5.0), ("euclidean", 2.2)])
def test_groups(algorithm: str, metric: str, threshold: float) -> None:
    rows, truth = people(metric)
    labels = group_faces(rows, metric=metric, algorithm=algorithm, threshold=threshold, n_threads=2)
    assert_array_equal(labels, number_by_size(truth))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_faces(algorithm: str, n: int) -> None:
    rows = np.eye(3, dtype=np.float32)[:n]
    labels = group_faces(rows, metric="sqeuclidean", algorithm=algorithm, threshold=0.5, n_threads=1)
    assert labels.tolist() == list(range(n))
    assert labels.dtype == np.int64
    assert cluster_threshold(algorithm, "sqeuclidean", 0.3) > 0


def distance(a: np.ndarray, b: np.ndarray, metric: str) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    if metric == "cosine":
        return float(1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    return float(((a - b) ** 2).sum())


@pytest.mark.parametrize("metric", ["cosine", "sqeuclidean", "euclidean"])
@pytest.mark.parametrize("threshold", [0.02, 0.2, 0.8, 1.0])
def test_close_calls_follow_the_definition(metric: str, threshold: float) -> None:
    rows, truth = people(metric)
    labels = number_by_size(truth)
    limit = threshold**2 if metric == "euclidean" else threshold
    want = {}
    for i, row in enumerate(rows):
        means = {}
        for k in range(labels.max() + 1):
            others = [j for j in np.flatnonzero(labels == k) if j != i]
            if others:
                means[k] = np.mean([distance(row, rows[j], metric) for j in others])
        own = means.pop(labels[i], None)
        other = min(means, key=means.get)
        if means[other] < 1.05 * limit and (own is None or means[other] < own + 0.05 * limit):
            want[i] = other
        elif own is not None and own > 0.95 * limit:
            want[i] = None
    got = {call.face_id: call.other for call in close_calls(rows, labels, metric=metric, threshold=threshold)}
    assert got == want


def test_no_close_calls_among_too_few() -> None:
    one = np.ones((1, 4), np.float32)
    assert close_calls(one, np.zeros(1, np.int64), metric="cosine", threshold=0.5) == []
    assert close_calls(one[:0], np.zeros(0, np.int64), metric="cosine", threshold=0.5) == []
