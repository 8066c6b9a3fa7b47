"""Every score of equal partitions is exactly 1, and every score is in its range, whatever rounding does on the way."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyface import metrics

AVERAGES = ["arithmetic", "geometric", "min", "max"]
# Fowlkes-Mallows is 0 where no pair is together, as scikit-learn has it, and not 1 for equal partitions of singletons.
NOT_SCORES = {"n_samples", "n_classes", "n_clusters", "n_noise", "fowlkes_mallows"}


def all_scores(true: object, pred: object) -> dict[str, float]:
    """Every score, by name."""
    evaluation = dataclasses.asdict(metrics.evaluate(true, pred, noise="cluster"))
    scores = {name: value for name, value in evaluation.items() if name not in NOT_SCORES}
    for average in AVERAGES:
        scores[f"nmi {average}"] = metrics.normalized_mutual_info_score(true, pred, average_method=average)
        scores[f"ami {average}"] = metrics.adjusted_mutual_info_score(true, pred, average_method=average)
    return scores


def renamed(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The same partition under other names, so that its groups come in another order."""
    return rng.permutation(labels.max(initial=0) + 1)[labels]


@pytest.mark.parametrize("n", [1, 2, 3, 10, 256, 1000, 30_011])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.5, 1.0])
def test_equal_partitions(n: int, share: float) -> None:
    rng = np.random.default_rng(n)
    k = max(1, round(share * n))
    for labels in (rng.integers(0, k, n), np.minimum(rng.geometric(1.5 / (k + 1), n), k), np.arange(n) % k):
        scores = all_scores(labels, renamed(labels, rng))
        assert scores == dict.fromkeys(scores, 1.0)


@pytest.mark.parametrize("k", [3, 1000, 1_000_000])
def test_a_million_rows(k: int) -> None:
    rng = np.random.default_rng(k)
    labels = rng.integers(0, k, 1_000_000)
    for average in AVERAGES:
        assert metrics.normalized_mutual_info_score(labels, renamed(labels, rng), average_method=average) == 1.0
    # Two rows put with others: as near to 1 as it should be, and not beyond.
    other = labels.copy()
    other[:2] = labels[-2:]
    score = metrics.normalized_mutual_info_score(labels, other)
    assert 1 - 1e-4 < score < 1


@st.composite
def partitions(draw: st.DrawFn) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two labellings: unrelated, nearly equal, or one a refinement of the other."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(2, 300))
    true = rng.integers(0, draw(st.integers(1, n)), n)
    kind = draw(st.sampled_from(["unrelated", "near", "finer", "singletons"]))
    if kind == "unrelated":
        return true, rng.integers(0, draw(st.integers(1, n)), n)
    if kind == "near":
        return true, np.where(rng.random(n) < 0.05, rng.integers(0, n, n), renamed(true, rng))
    return true, np.arange(n) if kind == "singletons" else true * 3 + rng.integers(0, 3, n)


@settings(max_examples=200, deadline=None)
@given(partitions())
def test_ranges(pair: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
    for true, pred in (pair, pair[::-1]):
        for name, value in all_scores(true, pred).items():
            # Corrected for chance, and worse than chance: how far below 0 depends on the average.
            least = -np.inf if name.startswith("ami") else -0.5 if name == "adjusted_rand" else 0.0
            assert least <= value <= 1.0, name


@settings(max_examples=100, deadline=None)
@given(partitions(), st.sampled_from(AVERAGES))
def test_as_scikit_learn_has_it(pair: tuple[NDArray[np.int64], NDArray[np.int64]], average: str) -> None:
    ours = metrics.normalized_mutual_info_score(*pair, average_method=average)
    theirs = sklearn.metrics.normalized_mutual_info_score(*pair, average_method=average)
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_one_that_implies_the_other_has_all_its_information() -> None:
    coarse, fine = np.arange(999) % 7, np.arange(999) % 21
    assert metrics.normalized_mutual_info_score(coarse, fine, average_method="min") == 1.0
    assert metrics.normalized_mutual_info_score(fine, coarse, average_method="min") == 1.0


@pytest.mark.parametrize("beta", [1e-160, 1.0, 1e16, 1e200])
def test_any_weight_of_recall(beta: float) -> None:
    precision, recall, f = metrics.bcubed_precision_recall_f([1, 1, 1, 2], [1, 1, 2, 2], beta=beta)
    assert min(precision, recall) <= f <= max(precision, recall)
    assert metrics.bcubed_precision_recall_f([1, 1, 2], [5, 5, 3], beta=beta) == (1.0, 1.0, 1.0)
