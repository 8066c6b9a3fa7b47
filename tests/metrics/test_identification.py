"""Identification: ranks and open-set rates by definition, at ties, with many rows a person, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import verification as oracle

from pyface.kernels.distance import METRICS
from pyface.kernels.pairs import distances_of_pairs
from pyface.metrics import identification
from pyface.metrics.identification import cmc, fnir_at_fpir, rank_k

X = np.eye(4, dtype=np.float32)
RATES = [0.0, 0.2, 0.5, 1.0]


def matrix(probes: NDArray, gallery: NDArray, metric: str) -> NDArray[np.float64]:
    """(n, m) distances in float64, to the bit."""
    both = np.concatenate([probes, gallery])
    first, second = np.indices((len(probes), len(gallery))).reshape(2, -1).astype(np.int32)
    distances = distances_of_pairs(both, first, second + np.int32(len(probes)), metric=metric, n_threads=1)
    return distances.reshape(len(probes), -1)


@settings(max_examples=80)
@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 6), st.sampled_from(METRICS))
def test_definitions(seed: int, m: int, k: int, metric: str) -> None:
    random = np.random.default_rng(seed)
    probes, gallery = (random.integers(1, 4, (n, 3)).astype(np.float32) for n in (12, m))
    enrolled, sought = random.integers(0, k, m), random.integers(0, k + 3, 12)
    sought[0], sought[1] = enrolled[0], k + 5
    distances = matrix(probes, gallery, metric)
    arguments = (probes, sought, gallery, enrolled)
    for most in (1, 3, 9):
        want = oracle.cmc(distances, sought.tolist(), enrolled.tolist(), most)
        np.testing.assert_allclose(cmc(*arguments, max_rank=most, metric=metric), want, atol=1e-15)
        assert rank_k(*arguments, most, metric=metric) == pytest.approx(want[-1], abs=1e-15)
        rates = [oracle.fnir_at_fpir(distances, sought.tolist(), enrolled.tolist(), f, most) for f in RATES]
        found = fnir_at_fpir(*arguments, RATES, rank=most, metric=metric)
        np.testing.assert_allclose(found, rates, atol=1e-15)
        assert fnir_at_fpir(*arguments, 0.2, rank=most, metric=metric) == found[1]


def test_equal_distances_go_by_the_lower_row() -> None:
    gallery = X[[0, 0, 1]]
    assert cmc(X[:1], ["b"], gallery, ["a", "b", "c"], max_rank=3).tolist() == [0, 1, 1]
    assert cmc(X[:1], ["b"], gallery, ["b", "a", "c"], max_rank=3).tolist() == [1, 1, 1]
    # The search without a mate is as near to its candidate as the one with a mate: both are accepted, or none.
    assert fnir_at_fpir(X[[0, 0]], ["a", "?"], gallery, ["a", "b", "c"], [0, 0.99, 1]).tolist() == [1, 1, 0]


def test_a_person_with_many_rows_is_one_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists must grow until they hold enough people, and searches go by parts."""
    monkeypatch.setattr(identification, "_MOST_LISTED", 100)
    random = np.random.default_rng(0)
    gallery, enrolled = random.normal(size=(300, 4)), np.repeat(np.arange(4), [240, 30, 20, 10])
    gallery[:240] = gallery[0] + 1e-3 * random.normal(size=(240, 4))
    probes, sought = gallery[0] + 0.5 * random.normal(size=(40, 4)), random.integers(0, 4, 40)
    want = oracle.cmc(matrix(probes, gallery, "cosine"), sought.tolist(), enrolled.tolist(), 4)
    np.testing.assert_allclose(cmc(probes, sought, gallery, enrolled, max_rank=4), want, atol=1e-15)
    assert want[-1] == 1


def test_no_answer_depends_on_threads_and_types() -> None:
    random = np.random.default_rng(1)
    gallery, enrolled = random.normal(size=(200, 16)).astype(np.float32), np.arange(200) // 2
    probes, sought = gallery[::3] + random.normal(size=(67, 16)).astype(np.float32), np.arange(200)[::3] // 2
    sought[:20] += 1000
    results = {
        (cmc(a, sought, b, enrolled, n_threads=t).tobytes(), fnir_at_fpir(a, sought, b, enrolled, 0.1, n_threads=t))
        for a, b in ((probes, gallery), (np.asfortranarray(probes), gallery), (probes.astype(np.float64), gallery))
        for t in (1, 3)
    }
    assert len(results) == 1


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(2, 20), st.integers(2, 6), st.sampled_from([0.5, 0.9, 0.95]))
def test_intervals_are_those_of_searches_drawn_again(seed: int, m: int, k: int, confidence: float) -> None:
    random = np.random.default_rng(seed)
    probes, gallery = (random.integers(1, 4, (n, 3)).astype(np.float32) for n in (14, m))
    enrolled, sought = random.integers(0, k, m), random.integers(0, k + 4, 14)
    enrolled[:2], sought[:4] = [0, 1], [0, 1, k + 5, k + 6]
    distances = matrix(probes, gallery, "cosine")
    mated = sorted(set(sought.tolist()) & set(enrolled.tolist()))
    alone = sorted(set(sought.tolist()) - set(enrolled.tolist()))
    n, most, state = 25, 3, 7
    how = {"n_bootstrap": n, "confidence": confidence, "random_state": state}
    tail = [(1 - confidence) / 2, (1 + confidence) / 2]

    def draw(generator: np.random.Generator, people: list[int]) -> list[int]:
        drawn = [people[i] for i in generator.integers(0, len(people), len(people))]
        return oracle.searches_drawn(sought.tolist(), drawn)

    generator, curves = np.random.default_rng(state), []
    for _ in range(n):
        rows = draw(generator, mated)
        curves.append(oracle.cmc(distances[rows], sought[rows].tolist(), enrolled.tolist(), most))
    arguments = (probes, sought, gallery, enrolled)
    got = cmc(*arguments, max_rank=most, **how)
    np.testing.assert_allclose([got.low, got.high], np.quantile(curves, tail, axis=0), atol=1e-14)
    assert got.value.tolist() == cmc(*arguments, max_rank=most).tolist()
    last = rank_k(*arguments, most, **how)
    assert (last.value, last.low, last.high) == (got.value[-1], got.low[-1], got.high[-1])

    generator, rates = np.random.default_rng(state), []
    for _ in range(n):
        rows = draw(generator, mated) + draw(generator, alone)
        given_ = distances[rows], sought[rows].tolist(), enrolled.tolist()
        rates.append([oracle.fnir_at_fpir(*given_, f, most) for f in RATES])
    missed = fnir_at_fpir(*arguments, RATES, rank=most, **how)
    np.testing.assert_allclose([missed.low, missed.high], np.quantile(rates, tail, axis=0), atol=1e-14)
    assert missed.value.tolist() == fnir_at_fpir(*arguments, RATES, rank=most).tolist()
    one = fnir_at_fpir(*arguments, RATES[1], rank=most, **how)
    assert (one.value, one.low, one.high) == (missed.value[1], missed.low[1], missed.high[1])


def test_intervals_hold_what_they_say() -> None:
    """People who fail with all of their searches: the rate of 60 people, each with 5 searches, not of 300 searches."""
    people, failing = np.repeat(np.arange(60), 5), 12
    gallery = np.eye(61)
    probes = gallery[np.where(people < failing, 60, people)]
    got = rank_k(probes, people, gallery, np.arange(61), n_bootstrap=2000)
    spread = np.sqrt(0.2 * 0.8 / 60)
    assert got.value == pytest.approx(0.8)
    assert [got.low, got.high] == pytest.approx([0.8 - 1.96 * spread, 0.8 + 1.96 * spread], abs=0.02)


def test_real_embeddings(lfw: tuple[NDArray, NDArray]) -> None:
    x, people = lfw
    _, first, counts = np.unique(people, return_index=True, return_counts=True)
    enrolled = first[counts > 1]
    probes = np.setdiff1d(np.arange(len(x)), enrolled)
    ranks = cmc(x[probes], people[probes], x[enrolled], people[enrolled], max_rank=5)
    assert 0.9 < ranks[0] <= ranks[-1] <= 1
    missed = fnir_at_fpir(x[probes], people[probes], x[enrolled], people[enrolled], [0.01, 0.1, 1])
    assert 1 > missed[0] >= missed[1] >= missed[2] == pytest.approx(1 - ranks[0])


def refused(**how: Any) -> Callable[[], object]:
    given_ = {"X": X[:2], "labels": [0, 9], "gallery": X, "gallery_labels": [0, 1, 2, 3]} | how
    return lambda: fnir_at_fpir(**given_)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (refused(labels=[0]), ValueError, "labels must have one entry for each row of X, 2, got 1"),
        (
            refused(gallery_labels=[0]),
            ValueError,
            "gallery_labels must have one entry for each row of gallery, 4, got 1",
        ),
        (refused(gallery_labels=[0, 1, 2, np.nan]), ValueError, "gallery_labels: entry 3 is nan"),
        (refused(labels=["0", "9"]), TypeError, "labels and gallery_labels must be of one kind"),
        (refused(labels=np.array([0, "a"], object)), TypeError, "must be all integers or all strings"),
        (refused(labels=[8, 9]), ValueError, "no probe has a label of the gallery, so that no mate"),
        (refused(labels=[0, 1]), ValueError, "every probe has a label of the gallery"),
        (refused(gallery=X[:0], gallery_labels=[]), ValueError, "gallery has no rows"),
        (refused(X=X[:0], labels=[]), ValueError, "no probe has a label"),
        (refused(X=X[:2, :2]), ValueError, "X must have 4 columns"),
        (refused(gallery=0 * X), ValueError, "gallery: row 0 is all zeros"),
        (refused(X=np.full((2, 4), np.inf)), ValueError, "X: row 0 holds inf"),
        (refused(metric="dot"), ValueError, "metric must be one of"),
        (refused(fpir=-0.1), ValueError, "fpir must be from 0 to 1, got -0.1"),
        (refused(n_bootstrap=-1), ValueError, "n_bootstrap must be at least 0"),
        (refused(n_bootstrap=1), ValueError, "n_bootstrap must be 0, for no interval, or at least 2, got 1"),
        (refused(n_bootstrap=10**15), MemoryError, "n_bootstrap=1,000,000,000,000,000"),
        (refused(n_bootstrap=9, confidence=1.0), ValueError, "confidence must be less than 1"),
        (refused(n_bootstrap=9), ValueError, "two identities at least with a mate to draw from, got 1; use n_boot"),
        (
            refused(X=X[:3], labels=[0, 1, 9], n_bootstrap=9),
            ValueError,
            "two identities at least without a mate to draw from, got 1",
        ),
        (refused(rank=0), ValueError, "rank must be at least 1"),
        (lambda: cmc(X, [0, 1, 2, 3], X, [4, 5, 6, 7]), ValueError, "so that there is no rank"),
        (lambda: cmc(X, [0, 1, 2, 3], X, [0, 1, 2, 3], max_rank=0), ValueError, "max_rank must be at least 1"),
        (lambda: rank_k(X, [0, 1, 2, 3], X, [0, 1, 2, 3], 1.5), TypeError, "k must be an integer"),
    ],
)
def test_refusals(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_more_ranks_than_there_are_identities() -> None:
    random = np.random.default_rng(0)
    gallery, who = random.normal(size=(6, 3)), np.arange(6)
    assert rank_k(gallery + 0.5, who, gallery, who, k=10**15) == 1.0
    with pytest.raises(MemoryError, match="max_rank=1,000,000,000,000,000"):
        cmc(gallery, who, gallery, who, max_rank=10**15)
