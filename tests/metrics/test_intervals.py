"""Intervals by identity, against drawing people one by one and comparing their photos anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from oracles import verification as oracle

from pyface.kernels.distance import condensed_float64
from pyface.metrics import _intervals
from pyface.metrics.verification import equal_error_rate, tar_at_far

FAR = [0.0, 0.02, 0.2, 1.0]


def crowd(seed: int, k: int = 7, n: int = 24) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    labels = np.r_[np.arange(k), random.integers(0, k, n - k)]
    return (random.normal(size=(k, 5))[labels] + random.normal(size=(n, 5))).astype(np.float32), labels


def replicates(x: NDArray, labels: NDArray[np.int64], n: int, statistic: Any) -> NDArray[np.float64]:
    """The statistic on the photos of people drawn, one draw after the other."""
    square = np.zeros((len(x), len(x)))
    square[np.triu_indices(len(x), 1)] = condensed_float64(x, "cosine", 1)
    square += square.T
    random = np.random.default_rng(0)
    k = labels.max() + 1
    values = []
    while len(values) < n:
        distances, same = oracle.resampled(square, labels.tolist(), random.integers(0, k, k).tolist())
        if any(same) and not all(same):
            values.append(statistic(distances, same))
    return np.array(values)


@pytest.mark.parametrize("seed", range(4))
def test_people_are_drawn_with_their_pairs(seed: int) -> None:
    x, labels = crowd(seed)
    first, second = np.triu_indices(len(x), 1)
    pairs = np.column_stack([first, second])
    want = replicates(x, labels, 12, lambda d, s: [oracle.tar_at_far(d, s, far) for far in FAR])
    equal = replicates(x, labels, 12, oracle.equal_error_rate)
    for how in ({"labels": labels}, {"labels": labels, "pairs": pairs}):
        found = tar_at_far(x, far=FAR, n_bootstrap=12, confidence=0.8, **how)
        np.testing.assert_array_equal(found.value, tar_at_far(x, far=FAR, **how))
        np.testing.assert_allclose([found.low, found.high], np.quantile(want, [0.1, 0.9], axis=0), atol=1e-12)
        found = equal_error_rate(x, n_bootstrap=12, confidence=0.8, **how)
        assert found.value == equal_error_rate(x, **how)
        assert (found.low, found.high) == pytest.approx(np.quantile(equal, [0.1, 0.9]), abs=1e-12)
        one = tar_at_far(x, far=0.02, n_bootstrap=3, **how)
        assert {type(end) for end in (one.value, one.low, one.high)} == {float}


def test_a_sample_that_was_too_small_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels = crowd(1, k=60, n=300)
    plain = [tar_at_far(x, labels, [1e-3, 0.1], n_bootstrap=30), equal_error_rate(x, labels, n_bootstrap=30)]
    limits, sizes = _intervals.limits, []

    def from_few(pairs: Any, statistic: Any, n_different: int, how: Any) -> Any:
        sample = type(pairs).sample

        def counted(self: Any, n: int) -> Any:
            sizes.append(n)
            return sample(self, n)

        monkeypatch.setattr(type(pairs), "sample", counted)
        return limits(pairs, statistic, 3, how)

    monkeypatch.setattr("pyface.metrics.verification.limits", from_few)
    again = [tar_at_far(x, labels, [1e-3, 0.1], n_bootstrap=30), equal_error_rate(x, labels, n_bootstrap=30)]
    assert max(sizes) > 1000 > min(sizes)
    for ours, theirs in zip(plain, again, strict=True):
        np.testing.assert_array_equal(ours.low, theirs.low)
        np.testing.assert_array_equal(ours.high, theirs.high)


def test_the_same_seed_gives_the_same_interval() -> None:
    x, labels = crowd(2, k=40, n=200)
    found = [
        tar_at_far(x, labels, 0.01, n_bootstrap=40, random_state=s, n_threads=t) for s, t in [(5, 1), (5, 3), (6, 1)]
    ]
    assert (found[0].low, found[0].high) == (found[1].low, found[1].high) != (found[2].low, found[2].high)
    assert found[0].low < found[0].value < found[0].high


def test_too_few_people_for_an_interval() -> None:
    x, labels = crowd(0, k=2, n=3)
    # With both drawn there are pairs of either kind; a person drawn twice has none of two identities.
    interval = tar_at_far(x, labels, 0.0, n_bootstrap=4)
    assert interval.low <= interval.high
