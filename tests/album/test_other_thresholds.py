"""The people at other thresholds are those of grouping all faces anew, by whichever algorithm and with any answers."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from report.live_pages import mixed_record

from pyface import load_album
from pyface.album import other_thresholds as module
from pyface.album.album import Album
from pyface.album.names import name_people
from pyface.album.other_thresholds import LOWEST, OtherThresholds, other_thresholds, stops_between
from pyface.album.people import group_faces, number_by_size
from pyface.errors import ContradictionError
from pyface.report.folder import recluster_photos, save_album


def known_of(album: Album) -> OtherThresholds:
    known = other_thresholds(album)
    assert isinstance(known, OtherThresholds)
    return known


def check_all(album: Album, every: int = 1) -> None:
    """That the people at each threshold are those that grouping from scratch gives, and the album's at its own."""
    basis, known = album._basis, known_of(album)
    assert basis is not None
    name, average = basis.embedder
    metric, links = basis.space.metric, basis.links()
    for place, (text, stop) in enumerate(zip(known.thresholds, known.stops, strict=True)):
        if place == known.own:
            assert float(text) == basis.grouping.threshold
            assert_array_equal(number_by_size(stop.first), number_by_size(album.labels))
            assert_array_equal(stop.is_aside, album.set_aside)
            assert_array_equal(stop.is_hidden, album.hidden)
            continue
        if place % every:
            continue
        free = replace(basis.grouping, threshold=float(text), poor_limit=None, doubtful_below=None, stay_limit=None)
        labels, set_aside = group_faces(
            album.embeddings, free.for_embedder(name, metric, average), metric=metric, photos=basis.photos,
            quality=album.quality, rules=links, n_threads=1,
        )  # fmt: skip
        assert_array_equal(number_by_size(stop.first), labels)
        assert (stop.first <= np.arange(len(labels))).all() and (stop.first[stop.first] == stop.first).all()
        assert_array_equal(stop.is_aside, set_aside)
        named = name_people(labels, links)
        assert_array_equal(stop.is_hidden, named.hidden)
        for face in np.flatnonzero(stop.first == np.arange(len(labels))):
            own = {links.names.get(int(who), "") for who in named.person[labels == labels[face]]}
            assert stop.named.get(int(face), "") == (own.pop() if len(own) == 1 else "")


def answered(album: Album, rng: np.random.Generator, n_answers: int) -> Album:
    """The album after some answers."""
    n = len(album.faces)
    for i in range(n_answers):
        some = rng.choice(n, min(n, 2), replace=False).tolist()
        kind = rng.choice(["same", "different", "nobody", "hide", "name"])
        try:
            if kind == "same":
                album = album.same(some)
            elif kind == "different":
                album = album.different(some[:1], some[1:])
            elif kind == "name":
                album = album.name(int(album.labels[some[0]]), f"Name {i % 3}", another=True)
            else:
                album = album.nobody(some[:1]) if kind == "nobody" else album.hide(some[:1])
        except (ContradictionError, ValueError):
            continue
    return album


OPTIONS = [
    {}, {"threshold": 0.1}, {"threshold": 0.5}, {"min_quality": 0}, {"same_photo_different_people": False},
    {"same_photo_different_people": True, "threshold": 0.4}, {"algorithm": "complete"}, {"algorithm": "single"},
    {"algorithm": "dbscan"}, {"algorithm": "single", "min_quality": 0, "same_photo_different_people": False},
    {"threshold": 1.7},
]  # fmt: skip


@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 30),
    spread=st.sampled_from([0.1, 0.5, 0.7, 0.9]),
    options=st.sampled_from(OPTIONS),
    n_answers=st.sampled_from([0, 3, 8]),
)
def test_people_at_other_thresholds_are_as_grouped_anew(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n: int, spread: float, options: dict[str, object],
    n_answers: int,
) -> None:  # fmt: skip
    out = mixed_record(tmp_path_factory.mktemp("thresholds") / "out", seed, n, spread=spread)
    album = recluster_photos(out, **options)
    check_all(answered(album, np.random.default_rng(seed), n_answers), every=4)


@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 30),
    spread=st.sampled_from([0.1, 0.5, 0.7, 0.9]),
    metric=st.sampled_from(["cosine", "sqeuclidean"]),
    options=st.sampled_from(OPTIONS[:6]),
    n_answers=st.sampled_from([0, 3, 8]),
)
def test_people_of_a_large_album_from_what_is_kept(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n: int, spread: float, metric: str,
    options: dict[str, object], n_answers: int,
) -> None:  # fmt: skip
    """No look at all pairs, up to 1.05 times the threshold; also where a larger one than the album's is kept."""
    out = mixed_record(tmp_path_factory.mktemp("thresholds") / "out", seed, n, spread=spread, metric=metric)
    if metric == "sqeuclidean":
        options = {**options, "threshold": 400 * float(options.get("threshold", 0.3))}  # type: ignore[arg-type]
    album = recluster_photos(out, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_FACES", 1)
        patch.setattr(module, "_near_enough", None)
        assert album.settings["threshold"] < float(known_of(album).thresholds[-1]) * (1 + 1e-9)
        check_all(answered(album, np.random.default_rng(seed), n_answers), every=2)
        lower = {**options, "threshold": 0.9 * album.settings["threshold"]}
        recluster_photos(out, **lower)
        check_all(load_album(out), every=2)


@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 30),
    spread=st.sampled_from([0.1, 0.5, 0.9]),
    options=st.sampled_from([*OPTIONS[:6], OPTIONS[-1]]),
    n_answers=st.sampled_from([0, 3, 8]),
)
def test_counts_that_are_remembered_are_those_that_are_counted(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n: int, spread: float, options: dict[str, object],
    n_answers: int,
) -> None:  # fmt: skip
    """After answers, from one threshold to another, and through the record."""
    out = mixed_record(tmp_path_factory.mktemp("thresholds") / "out", seed, n, spread=spread)
    rng = np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_FACES", 1)
        patch.setattr(module, "_MOST_NUMBERS", 0)
        album = recluster_photos(out, **options)
        assert known_of(load_album(out)).counts == counted_anew(album)
        album = answered(album, rng, n_answers)
        assert known_of(album).counts == counted_anew(album)
        save_album(album)
        for share in (0.9, 0.95, 1.0):
            recluster_photos(out, **{**options, "threshold": share * album.settings["threshold"]})
            assert known_of(load_album(out)).counts == counted_anew(load_album(out))


def counted_anew(album: Album) -> tuple[int, ...]:
    assert album._basis is not None
    album._basis._memory.counted = None
    return known_of(album).counts


def test_nothing_is_counted_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FACES", 1)
    monkeypatch.setattr(module, "_MOST_NUMBERS", 0)
    counted: list[float] = []
    people = module._People

    def counting(*args: Any, **kwargs: Any) -> Any:
        counted.extend(map(float, args[4]))
        return people(*args, **kwargs)

    def thresholds() -> set[float]:
        return set(map(float, known_of(load_album(out)).thresholds))

    monkeypatch.setattr(module, "_People", counting)
    out = mixed_record(tmp_path / "out", 7, 60)
    recluster_photos(out)
    first = thresholds()
    assert set(counted) == first - {0.3} and len(counted) > 5
    recluster_photos(out)
    recluster_photos(out, threshold=0.29)
    assert set(counted) == (first | thresholds()) - {0.29, 0.3}
    recluster_photos(out)
    save_album(load_album(out))
    assert len(counted) == len(set(counted))
    save_album(load_album(out).hide([0]))
    assert len(counted) > len(set(counted))  # who is hidden is not counted


def test_a_large_album_of_which_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = mixed_record(tmp_path / "out", 1, 30)
    recluster_photos(out)
    with sqlite3.connect(out / "work.sqlite") as db:
        db.execute("DELETE FROM standing")
    db.close()
    monkeypatch.setattr(module, "MOST_FACES", 1)
    assert other_thresholds(load_album(out)) == "too many faces are near each other, or nothing is kept of them"


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("algorithm", ["average", "complete", "single"])
def test_other_metrics(tmp_path: Path, metric: str, algorithm: str) -> None:
    out = mixed_record(tmp_path / "out", 3, 80, metric=metric)
    album = recluster_photos(out, algorithm=algorithm)
    assert len({stop.first.tobytes() for stop in known_of(album).stops}) > 1
    check_all(answered(album, np.random.default_rng(1), 6), every=3)


def test_many_faces(tmp_path: Path) -> None:
    album = recluster_photos(mixed_record(tmp_path / "out", 5, 300))
    check_all(answered(album, np.random.default_rng(2), 12), every=3)


def test_the_range_ends_where_people_flow_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    album = recluster_photos(mixed_record(tmp_path / "out", 5, 60))
    whole = known_of(album)
    assert whole.end == "" and float(whole.thresholds[-1]) == pytest.approx(0.45)
    monkeypatch.setattr(module, "_PAIRS_PER_FACE", 0.2)
    part = known_of(album)
    assert part.end and part.own == whole.own
    assert 0.3 <= float(part.thresholds[-1]) < 0.45
    assert part.thresholds == whole.thresholds[: len(part.thresholds)]
    check_all(album)
    monkeypatch.setattr(module, "_PAIRS_PER_FACE", 0)
    assert known_of(album).thresholds[-1] == "0.3"
    check_all(album)


def test_too_many_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyface.album import space

    album = recluster_photos(mixed_record(tmp_path / "out", 5, 60))
    monkeypatch.setattr(space, "_PAIRS_PER_FACE", 0)
    counts = np.count_nonzero(_distances(album) <= 1.2 * 0.3)
    monkeypatch.setattr(space, "FEW_PAIRS", int(counts))
    known = known_of(album)
    assert known.end and 0.3 < float(known.thresholds[-1]) <= 1.15 * 0.3
    check_all(album)
    monkeypatch.setattr(space, "FEW_PAIRS", 3)
    assert other_thresholds(album) == "too many faces are near each other"


def _distances(album: Album) -> np.ndarray:
    from scipy.spatial.distance import pdist

    founders = album.quality >= 0.015
    return pdist(album.embeddings[founders].astype(np.float64), "cosine")


def test_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = mixed_record(tmp_path / "out", 1, 12)
    for options in ({"n_clusters": 3}, {"algorithm": "kmeans", "n_clusters": 3}):
        assert other_thresholds(recluster_photos(out, **options)) == "the number of people was given, not a threshold"
    monkeypatch.setattr(module, "MOST_FACES", 11)
    monkeypatch.setattr(module, "_MOST_BY_MATRIX", 9)
    assert other_thresholds(recluster_photos(out, algorithm="complete")) == "there are more than 9 faces"
    assert other_thresholds(recluster_photos(out, algorithm="single")) == "there are more than 11 faces"
    alone = recluster_photos(mixed_record(tmp_path / "alone", 1, 1))
    assert other_thresholds(alone) == "there are no faces to put together"


@pytest.mark.parametrize(
    ("threshold", "highest", "first", "last", "n"),
    [
        (0.55, 1.5 * 0.55, "0.33", "0.82", 50),
        (0.3, 0.45, "0.18", "0.45", 55),
        (0.281, 0.281, "0.17", "0.281", 24),
        (0.5005000000000001, 0.6, "0.31", "0.6", 31),
        (120.0, 180.0, "72", "180", 55),
        (1e-6, 1.5e-6, "0.0000006", "0.0000015", 46),
    ],
)
def test_stops_are_round_numbers(threshold: float, highest: float, first: str, last: str, n: int) -> None:
    texts, own = stops_between(threshold, highest)
    assert (texts[0].rstrip("0") if "." in texts[0] else texts[0], float(texts[-1]), len(texts)) == (
        first,
        float(last),
        n,
    )
    assert float(texts[own]) == threshold


@given(st.floats(1e-9, 1e9), st.floats(1, 1.5))
def test_any_range(threshold: float, share: float) -> None:
    texts, own = stops_between(threshold, share * threshold)
    values = [float(text) for text in texts]
    assert values == sorted(set(values)) and values[own] == threshold
    assert len(texts) <= 62
    assert LOWEST * threshold * (1 - 1e-9) <= values[0] and values[-1] <= share * threshold * (1 + 1e-9)
    assert own > 5  # in no album there is nothing to see below
