"""Verification: by definition, against sorting all pairs, against scikit-learn, at ties, and what is refused."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import verification as oracle
from sklearn.metrics import det_curve, roc_curve

import pyface
from pyface.kernels.distance import METRICS, condensed_float64
from pyface.metrics import _steps, verification
from pyface.metrics.verification import det, equal_error_rate, roc, tar_at_far

RATES = [0.0, 1e-3, 0.1, 1 / 3, 0.5, 0.9, 1.0]
X = np.eye(4, dtype=np.float32)


def people(n: int, k: int, d: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Rows of k people, as far apart as faces are."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, k, n)
    return (random.normal(size=(k, d))[labels] + 0.9 * random.normal(size=(n, d))).astype(np.float32), labels


def listed(x: NDArray, labels: Any, metric: str = "cosine") -> tuple[NDArray, NDArray[np.bool_], NDArray[np.int64]]:
    """Distances of all pairs, whether they are of one identity, and the pairs."""
    first, second = np.triu_indices(len(x), 1)
    labels = np.asarray(labels)
    return condensed_float64(x, metric, 1), labels[first] == labels[second], np.column_stack([first, second])


@st.composite
def crowds(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.int64], str]:
    """Few rows of small whole numbers, so that many distances are equal; pairs of one and of two identities."""
    n, seed = draw(st.integers(3, 14)), draw(st.integers(0, 2**32))
    random = np.random.default_rng(seed)
    labels = random.integers(0, draw(st.integers(2, 5)), n)
    labels[:3] = [0, 0, 1]
    return random.integers(1, 4, (n, 3)).astype(np.float32), labels, draw(st.sampled_from(METRICS))


@settings(max_examples=80)
@given(crowds())
def test_definitions(crowd: tuple[NDArray[np.float32], NDArray[np.int64], str]) -> None:
    x, labels, metric = crowd
    distances, same, pairs = listed(x, labels, metric)
    want = [oracle.tar_at_far(distances, same, rate) for rate in RATES]
    equal = oracle.equal_error_rate(distances, same)
    for kind in ({"labels": labels}, {"pairs": pairs, "same": same}, {"pairs": pairs[::-1, ::-1], "labels": labels}):
        how = {"metric": metric, **kind}
        assert tar_at_far(x, far=RATES, **how).tolist() == want
        assert tar_at_far(x, far=RATES[2], **how) == want[2]
        assert equal_error_rate(x, **how) == pytest.approx(equal, abs=1e-12)
        at = [float(distances[0]), 0.0, float(distances[-1]), 1.0]
        curve = roc(x, thresholds=at, **how)
        assert [tuple(point) for point in zip(curve.far, curve.tar, strict=True)] == [
            oracle.rates(distances, same, t) for t in at
        ]
        assert curve.thresholds.tolist() == at


@settings(max_examples=40)
@given(crowds())
def test_scikit_learns_curves(crowd: tuple[NDArray[np.float32], NDArray[np.int64], str]) -> None:
    x, labels, metric = crowd
    distances, same, pairs = listed(x, labels, metric)
    curve = roc(x, metric=metric, pairs=pairs, same=same)
    far, tar, thresholds = roc_curve(same, -distances, drop_intermediate=False)
    np.testing.assert_array_equal(curve.far, far)
    np.testing.assert_array_equal(curve.tar, tar)
    np.testing.assert_array_equal(curve.thresholds, -thresholds)
    tradeoff = det(x, metric=metric, pairs=pairs, same=same)
    np.testing.assert_array_equal(tradeoff.far, far)
    theirs = list(zip(*det_curve(same, -distances)[:2], strict=True))  # without what the ends repeat
    ours = list(zip(tradeoff.far, tradeoff.frr, strict=True))
    assert all(any(np.allclose(point, other, atol=1e-15) for other in ours) for point in theirs)


@pytest.mark.parametrize("metric", METRICS)
def test_all_pairs_are_those_of_sorting(metric: str) -> None:
    x, labels = people(2000, 250, 48)
    distances, same, pairs = listed(x, labels, metric)
    order = np.argsort(distances, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(distances[order])), len(order) - 1]
    far = np.cumsum(~same[order])[ends] / (~same).sum()
    tar = np.cumsum(same[order])[ends] / same.sum()
    curve = roc(x, labels, metric=metric)
    assert len(curve.far) == 2050
    assert (curve.far[0], curve.tar[0], curve.far[-1], curve.tar[-1]) == (0, 0, 1, 1)
    place = np.searchsorted(distances[order][ends], curve.thresholds, side="right")
    np.testing.assert_array_equal(curve.far, np.r_[0, far][place])
    np.testing.assert_array_equal(curve.tar, np.r_[0, tar][place])
    rates = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1]
    want = [np.r_[0, tar][np.searchsorted(far, rate, side="right")] for rate in rates]
    assert tar_at_far(x, labels, rates, metric=metric).tolist() == want
    first = np.argmax(far + tar >= 1)
    share = (1 - far[first - 1] - tar[first - 1]) / (far[first] + tar[first] - far[first - 1] - tar[first - 1])
    want_equal = far[first - 1] + share * (far[first] - far[first - 1])
    assert equal_error_rate(x, labels, metric=metric) == pytest.approx(want_equal, abs=1e-12)
    assert equal_error_rate(x, metric=metric, pairs=pairs, same=same) == pytest.approx(want_equal, abs=1e-12)


def test_neither_layout_nor_threads_change_a_rate() -> None:
    x, labels = people(700, 90, 32)
    wide = np.empty((700, 64), np.float32)
    wide[:, ::2] = x
    results = {
        (
            tar_at_far(rows, labels, 1e-3, n_threads=n_threads),
            equal_error_rate(rows, labels, n_threads=n_threads),
            roc(rows, labels, n_threads=n_threads).tar.tobytes(),
        )
        for rows in (x, np.asfortranarray(x), wide[:, ::2], x.astype(">f4"))
        for n_threads in (1, 3)
    }
    assert len(results) == 1
    names = np.array([f"person {label}" for label in labels])
    assert tar_at_far(x, names, 1e-3) == tar_at_far(x, labels, 1e-3)


def test_steps_are_found_in_crowded_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row far away makes the first thresholds useless, and equal rows are more than may be listed."""
    monkeypatch.setattr(_steps, "_MOST_LISTED", 50)
    x, labels = people(300, 40, 6)
    x[:40] = x[0]
    x[-1] = 1e6
    for metric in METRICS:
        distances, same, pairs = listed(x, labels, metric)
        how = {"metric": metric, "pairs": pairs, "same": same}
        far = [0.0, 1e-4, float(np.mean(distances[~same] == 0)), 0.03, 0.4]
        np.testing.assert_array_equal(tar_at_far(x, labels, far, metric=metric), tar_at_far(x, far=far, **how))
        assert equal_error_rate(x, labels, metric=metric) == pytest.approx(equal_error_rate(x, **how), abs=1e-12)


def test_degenerate_crowds() -> None:
    apart, labels = np.eye(3, dtype=np.float32)[[0, 0, 1, 1]], [0, 0, 1, 1]
    assert tar_at_far(apart, labels, [0, 0.5, 1]).tolist() == [1, 1, 1]
    assert equal_error_rate(apart, labels) == 0
    # All distances are equal: everything or nothing is accepted.
    equal = np.eye(4, dtype=np.float32)
    assert tar_at_far(equal, labels, [0, 0.99, 1]).tolist() == [0, 0, 1]
    assert equal_error_rate(equal, labels) == 0.5
    assert equal_error_rate(np.ones((4, 2), np.float32), labels, metric="euclidean") == 0.5
    # Photos of one person are farther apart than those of two: half of the latter come first.
    assert tar_at_far(apart, [0, 1, 0, 1], 0.4) == 0
    assert equal_error_rate(apart, [0, 1, 0, 1]) == pytest.approx(2 / 3)


def test_no_matrix_is_made() -> None:
    x, labels = people(6000, 700, 8)
    tracemalloc.start()
    tar_at_far(x, labels, [1e-4, 1e-3], n_bootstrap=2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(x) ** 2  # a byte a pair, twice; distances would take sixteen


def test_real_embeddings(lfw: tuple[NDArray, NDArray]) -> None:
    x, labels = lfw
    distances, same, _ = listed(x, labels)
    limit = np.sort(distances[~same])[int(1e-3 * (~same).sum())]
    assert tar_at_far(x, labels) == (distances[same] < limit).mean() > 0.95
    assert 0 < equal_error_rate(x, labels) < 0.02


def refused(**how: Any) -> Callable[[], object]:
    return lambda: tar_at_far(**({"X": X, "labels": [0, 0, 1, 1]} | how))


PAIRS = [[0, 1], [0, 2]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (refused(labels=[0, 0, 1]), ValueError, "labels must have one entry for each row of X, 4, got 3"),
        (refused(labels=[0, 0, 1, np.nan]), ValueError, "labels: entry 3 is nan"),
        (refused(labels=np.array([0, "a", 1, 1], object)), TypeError, "labels must be all integers or all strings"),
        (refused(labels=[0, None, 1, 1]), TypeError, "labels: entry 1 is None; labels must be integers or strings"),
        (refused(labels=[0, 0, 0, 0]), ValueError, "labels: there are no pairs of two identities"),
        (refused(labels=[0, 1, 2, 3]), ValueError, "labels: there are no pairs of one identity"),
        (refused(X=X[:0], labels=[]), ValueError, "labels: there are no pairs of one identity"),
        (refused(X=X[:1], labels=[0]), ValueError, "labels: there are no pairs of one identity"),
        (refused(X=X.tolist()), TypeError, "X must be a NumPy array of float32"),
        (refused(X=X * np.nan), ValueError, "X: row 0 holds nan in column 0"),
        (refused(X=0 * X), ValueError, "X: row 0 is all zeros"),
        (refused(labels=None), ValueError, "labels or pairs must be given"),
        (refused(same=[True, False]), ValueError, "give pairs as well"),
        (refused(pairs=PAIRS, same=[True, False]), ValueError, "give either labels .* or same"),
        (refused(pairs=PAIRS, labels=None), ValueError, "give either labels .* or same"),
        (refused(pairs=PAIRS, labels=None, same=[True]), ValueError, "each of the 2 pairs, got shape"),
        (refused(pairs=PAIRS, labels=None, same=[1, 2]), ValueError, "same: entry 1 is 2"),
        (refused(pairs=PAIRS, labels=None, same=["yes", "no"]), TypeError, "same must be True or False"),
        (refused(pairs=PAIRS, labels=None, same=[1, 1]), ValueError, "same: there are no pairs of two"),
        (refused(pairs=[[0, 1], [0, 4]]), ValueError, r"pairs: row 1 is \[0, 4\], but X has the rows 0 to 3"),
        (refused(pairs=[[0, 1], [-1, 2]]), ValueError, r"pairs: row 1 is \[-1, 2\]"),
        (refused(pairs=[[0, 1], [2, 2]]), ValueError, "pairs: row 1 compares row 2 of X with itself"),
        (refused(pairs=[0, 1]), ValueError, r"pairs must have shape \(p, 2\)"),
        (refused(pairs=[["a", "b"]]), TypeError, "names become rows by LabelledPairs.rows"),
        (refused(pairs=[]), ValueError, "there are no pairs of one identity"),
        (refused(metric="l2"), ValueError, "metric must be one of 'cosine'"),
        (refused(far=1.5), ValueError, "far must be from 0 to 1, got 1.5"),
        (refused(far=[0.1, np.nan]), ValueError, "far must be from 0 to 1, got nan"),
        (refused(far="0.1"), TypeError, "far must be numbers"),
        (refused(n_bootstrap=-1), ValueError, "n_bootstrap must be at least 0"),
        (refused(n_bootstrap=1), ValueError, "n_bootstrap must be 0, for no interval, or at least 2, got 1"),
        (refused(n_bootstrap=10**15), MemoryError, "n_bootstrap=1,000,000,000,000,000"),
        (refused(confidence=1), ValueError, "confidence must be less than 1"),
        (refused(n_bootstrap=2, random_state=None), TypeError, "random_state must be an integer"),
        (refused(pairs=PAIRS, labels=None, same=[1, 0], n_bootstrap=2), ValueError, "give labels instead of same"),
        (lambda: roc(X, [0, 0, 1, 1], thresholds=[0.5, 2.5]), ValueError, "entry 1 is 2.5, but cosine .* from 0 to 2"),
        (lambda: roc(X, [0, 0, 1, 1], thresholds=[-0.1]), ValueError, "entry 0 is -0.1"),
        (lambda: det(X, [0, 0, 1, 1], thresholds=[np.nan]), ValueError, "entry 0 is nan"),
        (lambda: roc(X, [0, 0, 1, 1], metric="euclidean", thresholds=[-1]), ValueError, "from 0 upwards"),
        (lambda: roc(X, [0, 0, 1, 1], thresholds=[]), ValueError, "thresholds must have shape"),
        (lambda: roc(X, [0, 0, 1, 1], thresholds=0.5), ValueError, "thresholds must have shape"),
        (
            lambda: roc(np.array([[1e200], [-1e200], [0], [1]]), [0, 0, 1, 1], metric="euclidean"),
            ValueError,
            "squares of their distances overflow",
        ),
    ],
)
def test_refusals(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_the_names_of_the_package() -> None:
    assert pyface.metrics.verification is verification
    assert sorted(verification.__all__) == verification.__all__
