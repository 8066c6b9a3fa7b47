"""Contrastive and triplet losses: by definition, gradients by differences, ties, easy batches."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import losses as oracle

from pyface import losses

CHOICES, METRICS = ["batch-all", "batch-hard", "semi-hard"], ["sqeuclidean", "euclidean"]


def unit(x: NDArray[Any]) -> NDArray[Any]:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def assert_gradient(got: NDArray[Any], want: NDArray[Any]) -> None:
    assert np.abs(got - want).max() <= 1e-6 * np.abs(want).max()


@st.composite
def batches(draw: st.DrawFn) -> tuple[NDArray[np.float64], list[int]]:
    """Rows with whole coordinates, so that distances are exact and often equal; a person of one row now and then."""
    n = draw(st.integers(3, 9))
    entries = st.lists(st.integers(-3, 3), min_size=2, max_size=2)
    x = np.array(draw(st.lists(entries, min_size=n, max_size=n)), float)
    who = [0, 0, 1, *draw(st.lists(st.integers(0, 3), min_size=n - 3, max_size=n - 3))]
    return x, who


@settings(max_examples=120, deadline=None)
@given(batches(), st.sampled_from(CHOICES), st.sampled_from(["all", "active"]), st.sampled_from([0.5, 1.0, 4.0]))
def test_triplets_are_those_of_the_definition(
    batch: tuple[Any, list[int]], choice: str, average: str, m: float
) -> None:
    x, who = batch
    chosen = oracle.triplets(x, who, choice, "sqeuclidean", m)
    hinges = oracle.hinges(x, chosen, "sqeuclidean", m)
    n_active = sum(hinge > 0 for hinge in hinges)
    got = losses.triplet(x, who, margin=m, choice=choice, average=average, normalize=False)
    assert (got.n_terms, got.n_active) == (len(chosen), n_active)
    n_mean = max(1, n_active if average == "active" else len(chosen))
    assert got.value == pytest.approx(sum(hinges) / n_mean, rel=1e-14)
    gradient = np.zeros_like(x)
    for (a, p, n), hinge in zip(chosen, hinges, strict=True):
        if hinge > 0:
            gradient[a] += 2 * (x[n] - x[p])
            gradient[p] -= 2 * (x[a] - x[p])
            gradient[n] += 2 * (x[a] - x[n])
    np.testing.assert_allclose(got.d_features, gradient / n_mean, atol=1e-12)


@pytest.mark.parametrize(("choice", "metric", "normalize"), list(product(CHOICES, METRICS, [True, False])))
def test_gradients_of_triplets(choice: str, metric: str, normalize: bool) -> None:
    x, who = np.random.default_rng(3).normal(size=(9, 4)), [0, 1, 2, 0, 1, 0, 2, 1, 3]
    prepare = unit if normalize else np.asarray
    chosen = oracle.triplets(prepare(x), who, choice, metric, 0.7)
    assert chosen

    def value(a: NDArray[Any]) -> float:
        return sum(oracle.hinges(prepare(a), chosen, metric, 0.7)) / len(chosen)

    got = losses.triplet(x, who, margin=0.7, choice=choice, metric=metric, normalize=normalize)
    assert got.value == pytest.approx(value(x), rel=1e-12)
    assert_gradient(got.d_features, oracle.differences(value, x, 1e-5))


@pytest.mark.parametrize("normalize", [True, False])
def test_gradients_of_pairs(normalize: bool) -> None:
    x, who = np.random.default_rng(4).normal(size=(8, 3)), list("aabbbcda")
    prepare = unit if normalize else np.asarray
    pairs = list(combinations(range(8), 2))
    same = [who[i] == who[j] for i, j in pairs]

    def value(a: NDArray[Any]) -> float:
        return oracle.contrastive(prepare(a), pairs, same, 1.5)

    got = losses.contrastive(x, who, margin=1.5, normalize=normalize)
    assert got.value == pytest.approx(value(x), rel=1e-12) and got.n_terms == 28
    assert_gradient(got.d_features, oracle.differences(value, x, 1e-5))
    given_ones = losses.contrastive(x, pairs=np.array(pairs), same=np.array(same), margin=1.5, normalize=normalize)
    assert given_ones.value == pytest.approx(got.value, rel=1e-13)
    assert (given_ones.n_terms, given_ones.n_active) == (got.n_terms, got.n_active)
    np.testing.assert_allclose(given_ones.d_features, got.d_features, atol=1e-15)
    twice = losses.contrastive(x, pairs=[(0, 1), (3, 0), (0, 1)], same=[True, False, True], margin=1.5)
    assert twice.value == pytest.approx(oracle.contrastive(x, [(0, 1), (3, 0), (0, 1)], [True, False, True], 1.5))


def test_corners_of_pairs() -> None:
    x = np.array([[0.0, 0], [0, 0], [1, 0], [3, 0]])
    got = losses.contrastive(x, pairs=[(0, 1), (0, 2), (0, 3)], same=[False, False, False], margin=1.0)
    # Equal rows of different people pay in full and have no direction to part in; at the margin nothing is left.
    assert got.value == pytest.approx(0.5 / 3) and got.n_active == 1 and not got.d_features.any()
    together = losses.contrastive(x[:2], [0, 0])
    assert together.value == 0 and together.n_active == 0 and not together.d_features.any()
    assert losses.contrastive(x, [0, 1, 2, 3], margin=1.0).value == pytest.approx(0.5 / 6)


@pytest.mark.parametrize("choice", CHOICES)
def test_corners_of_triplets(choice: str) -> None:
    x, who = np.array([[0.0], [1.0], [2.0]]), [0, 0, 1]
    # From 0: p at 1, n at 2, so that a margin of 1 is just kept; from 1 both are at 1.
    got = losses.triplet(x, who, margin=1.0, choice=choice, metric="euclidean", normalize=False)
    wanted = {"batch-all": (2, 1, 0.5), "batch-hard": (2, 1, 0.5), "semi-hard": (0, 0, 0.0)}[choice]
    assert (got.n_terms, got.n_active, got.value) == wanted
    if choice != "semi-hard":
        np.testing.assert_array_equal(got.d_features, np.array([[-1.0], [2.0], [-1.0]]) / 2)
    equal = losses.triplet(np.ones((3, 2)), who, choice=choice, metric="euclidean")
    assert np.isfinite(equal.d_features).all() and not equal.d_features.any()


@pytest.mark.parametrize(("choice", "average"), list(product(CHOICES, ["all", "active"])))
def test_all_triplets_easy(choice: str, average: str) -> None:
    x = np.array([[1.0, 0], [1, 0.01], [0, 1], [0.01, 1]])
    got = losses.triplet(x, [5, 5, 7, 7], choice=choice, average=average)
    assert got.value == 0.0 and got.n_active == 0 and not got.d_features.any()


def test_a_person_of_one_row_is_no_anchor_but_an_other() -> None:
    x, who = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 0, 1, 2, 3])
    assert losses.triplet(x, who, choice="batch-all").n_terms == 2 * 3
    assert losses.triplet(x, who, choice="batch-hard").n_terms == 2


@pytest.mark.parametrize("choice", CHOICES)
def test_types_and_layouts(choice: str) -> None:
    x, who = np.random.default_rng(6).normal(size=(12, 5)), np.arange(12) % 4
    want = losses.triplet(x, who, choice=choice)
    single = losses.triplet(x.astype(np.float32), who.astype(str), choice=choice)
    assert want.d_features.dtype == np.float64 and single.d_features.dtype == np.float32
    np.testing.assert_allclose(single.d_features, want.d_features, atol=1e-6)
    assert losses.triplet(np.asfortranarray(x), list(who), choice=choice).value == want.value
    assert losses.contrastive(x.astype(np.float32), who).d_features.dtype == np.float32


def test_near_duplicates_keep_their_digits() -> None:
    x = np.array([[1.0, 0, 0], [1, 1e-9, 0], [0, 1, 0]])
    got = losses.contrastive(x, pairs=[(0, 1)], same=[True])
    assert got.value == pytest.approx(0.5e-18, rel=1e-6)
    np.testing.assert_allclose(got.d_features, [[0, -1e-9, 0], [0, 1e-9, 0], [0, 0, 0]], rtol=1e-6)


X = np.random.default_rng(9).normal(size=(6, 3))
BAD, ZERO = X.copy(), X.copy()
BAD[4, 1] = np.inf
ZERO[2] = 0
WHO = [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: losses.triplet(BAD, WHO), ValueError, "X: row 4 holds inf in column 1"),
        (lambda: losses.triplet(ZERO, WHO), ValueError, "X: row 2 has a length of 0 and no direction"),
        (lambda: losses.triplet(X, WHO[:5]), ValueError, "labels has 5 entries and X has 6 rows"),
        (lambda: losses.triplet(X, [WHO]), ValueError, "labels must be one-dimensional"),
        (lambda: losses.triplet(X, range(6)), ValueError, "each of 6 people has one row"),
        (lambda: losses.triplet(X, [1] * 6), ValueError, "all 6 rows are the same person"),
        (lambda: losses.triplet(X, [0, 0, 1, 1, np.nan, 2]), ValueError, "labels: entry 4 is nan"),
        (
            lambda: losses.triplet(X, ["a", "a", 1, 1, "b", "b"]),
            TypeError,
            "not a mixture: entry 0 is 'a' and entry 2 is 1",
        ),
        (lambda: losses.triplet(X, [None, "a", "a", "b", "b", "b"]), TypeError, "labels: entry 0 is None"),
        (lambda: losses.triplet(X, WHO, margin=-0.1), ValueError, "margin must be greater than 0"),
        (lambda: losses.triplet(X, WHO, margin="soft"), TypeError, "margin must be a number"),
        (lambda: losses.triplet(X, WHO, choice="hard"), ValueError, "choice must be one of 'batch-all'"),
        (lambda: losses.triplet(X, WHO, metric="cosine"), ValueError, "metric must be one of 'sqeuclidean'"),
        (lambda: losses.triplet(X, WHO, average="none"), ValueError, "average must be one of 'all'"),
        (lambda: losses.triplet(X, WHO, normalize=1), TypeError, "normalize must be True or False"),
        (lambda: losses.triplet(X * 1e200, WHO, normalize=False), ValueError, "X: row 0 is at an infinite distance"),
        (lambda: losses.contrastive(BAD, WHO), ValueError, "X: row 4 holds inf"),
        (lambda: losses.contrastive(X, WHO, margin=0.0), ValueError, "margin must be greater than 0"),
        (lambda: losses.contrastive(X), ValueError, "give either labels, or pairs and same"),
        (lambda: losses.contrastive(X, WHO, pairs=[(0, 1)], same=[True]), ValueError, "give either labels"),
        (lambda: losses.contrastive(X, pairs=[(0, 1)]), ValueError, "give either labels"),
        (lambda: losses.contrastive(X, pairs=[(0, 6)], same=[True]), ValueError, r"pairs: row 0 is \[0, 6\]"),
        (lambda: losses.contrastive(X, pairs=[0, 6], same=[True]), ValueError, r"pairs must be integers of shape"),
        (lambda: losses.contrastive(X, pairs=np.zeros((0, 2), int), same=[]), ValueError, "pairs is empty"),
        (lambda: losses.contrastive(X, pairs=[(0, 1)], same=[True, False]), ValueError, "there are 1 pairs"),
        (lambda: losses.contrastive(X, pairs=[(0, 1)], same=[1]), TypeError, "same must be True or False"),
        (lambda: losses.contrastive(X[:1], [0]), ValueError, "X has one row"),
        (lambda: losses.contrastive(X[:0], []), ValueError, "X has no rows"),
    ],
)
def test_bad_input(call: Callable[[], object], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_names_of_a_table_are_labels() -> None:
    names = np.array(["a", "a", "b", "b", "c", "c"], dtype=object)  # as pandas has them
    assert losses.triplet(X, names).value == losses.triplet(X, WHO).value
    assert losses.contrastive(X, names).value == losses.contrastive(X, WHO).value
