"""Which question is asked, against partitions, BCubed and merges taken one by one; and what an answer does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from album.records import face_record, two_to_a_photo, vectors, write_record
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles.questions import chance_of, last_parts, precision_and_recall
from scipy.spatial.distance import cdist

from pyface.album.album import Album
from pyface.album.odds import average_threshold, features, learned, odds_of, with_rivals
from pyface.album.parting import Vectors, two_parts
from pyface.album.questions import Question, Questions, answer, apart
from pyface.report.folder import recluster_photos

TRUTH = [0, 1, 0, 1, 0, 2, 0, 1, 2, 1, 2, 3, 3, 0, 2, 3]


@pytest.fixture
def album(tmp_path: Path) -> Album:
    """People of which some are in several parts: a low threshold."""
    out = write_record(tmp_path / "out", two_to_a_photo(TRUTH))
    return recluster_photos(out, threshold=0.02)


def made(truth: list[int], labels: list[int], *, metric: str = "cosine", threshold: float = 0.3) -> Album:
    """An album of one face a photo in memory, without facts."""
    n = len(truth)
    none = np.zeros(n, np.bool_)
    share = 0.55**0.5 if metric == "euclidean" else 0.55
    settings = {"embedder": "sface", "metric": metric, "threshold": threshold, "picture_limit": share * threshold}
    return Album(
        (), np.array(labels, np.int64), vectors(truth, spread=0.3), (), (), settings, {}, (), {},
        quality=np.linspace(0.2, 1, n), set_aside=none, hidden=none,
    )  # fmt: skip


@given(st.data())
def test_rivals_are_shares_of_partitions(data: st.DataObject) -> None:
    """Three groups in any case; more where those beside the pair are known to be different people."""
    n = data.draw(st.integers(2, 6))
    odds = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            if n == 3 or j < 2:
                odds[i, j] = odds[j, i] = data.draw(st.sampled_from([0.0, 1e-6, 0.2, 1.0, 3.0, 40.0]))
    pairs = np.array([(j, i) for i in range(n) for j in range(i)], np.int64)
    pairs = np.sort(pairs, axis=1)
    chances = with_rivals(pairs, odds[tuple(pairs.T)], n)
    for (a, b), chance in zip(pairs.tolist(), chances, strict=True):
        if n == 3 or (a, b) == (0, 1):
            assert_allclose(chance, chance_of(odds, a, b), rtol=1e-9, atol=1e-12)


def test_what_is_known_of_one_pair_moves_the_others() -> None:
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    before = with_rivals(pairs, np.array([1.0, 1.0, 1.0]), 3)
    after = with_rivals(pairs, np.array([0.0, 1.0, 1.0]), 3)
    assert_allclose(before, [0.4, 0.4, 0.4])
    assert_allclose(after, [0, 1 / 3, 1 / 3])


@given(st.lists(st.integers(-1, 2), min_size=2, max_size=9), st.integers(0, 50), st.booleans())
def test_parts_are_those_of_merges_one_by_one(together: list[int], seed: int, cosine: bool) -> None:
    rows = np.random.default_rng(seed).normal(size=(len(together), 3)).astype(np.float32)
    metric = "cosine" if cosine else "sqeuclidean"
    groups = np.array(together, np.int64)
    parts = two_parts(Vectors(rows, metric), np.arange(len(rows)), groups)
    n_units = sum(k < 0 for k in together) + len({k for k in together if k >= 0})
    if n_units < 2:
        assert parts is None
        return
    assert parts is not None
    expected = last_parts(cdist(rows.astype(float), rows.astype(float), metric), together)
    assert {frozenset(part.tolist()) for part in parts} == expected
    assert (len(parts[0]), parts[0][0]) < (len(parts[1]), parts[1][0])


def test_parts_of_many_are_those_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = vectors([0] * 20 + [1] * 11, spread=0.3)
    together = np.full(31, -1, np.int64)
    together[[0, 4, 9]] = 5
    for metric in ("cosine", "sqeuclidean"):
        found = two_parts(Vectors(rows, metric), np.arange(31), together)
        monkeypatch.setattr("pyface.album.parting._MOST_IN_MATRIX", 3)
        by_clusterer = two_parts(Vectors(rows, metric), np.arange(31), together)
        monkeypatch.undo()
        assert found is not None and by_clusterer is not None
        for one, other in zip(found, by_clusterer, strict=True):
            assert_array_equal(one, other)


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 5))
def test_the_gain_is_that_of_bcubed(a: int, b: int, rest: int) -> None:
    """Half of what recall lacks if both are one and apart, and of what precision lacks if they are two and together."""
    n = a + b + rest
    others = list(range(2, 2 + rest))
    one, two = [0] * a + [0] * b + others, [0] * a + [1] * b + others
    _, recall = precision_and_recall(one, two)
    precision, _ = precision_and_recall(two, one)
    for kind, labels, lacking in (("merge", two, 1 - recall), ("split", one, 1 - precision)):
        album = made([0] * n, labels)
        questions = [
            q for q in Questions(album).all() if q.kind == kind and (len(q.first), len(q.second)) in ((a, b), (b, a))
        ]
        for question in questions:
            if set(question.first.tolist()) | set(question.second.tolist()) == set(range(a + b)):
                wrong = question.chance if kind == "merge" else 1 - question.chance
                assert question.gain <= wrong * lacking / 2 + 1e-12
                if kind == "merge":
                    assert_allclose(question.gain, wrong * lacking / 2, atol=1e-12)


def slow_merges(album: Album) -> dict[tuple[int, ...], tuple[float, float]]:
    """Share and chance of every pair of people, from all pairs of faces."""
    metric = {"euclidean": "sqeuclidean"}.get(album.settings["metric"], album.settings["metric"])
    limit = album.settings["threshold"] ** (2 if album.settings["metric"] == "euclidean" else 1)
    rows = album.embeddings.astype(float)
    between = cdist(rows, rows, metric)
    people = album.people()
    found, odds = {}, np.zeros((len(people), len(people)))
    for i, one in enumerate(people):
        for j, other in enumerate(people[:i]):
            share = between[np.ix_(one, other)].mean() / limit
            if share < 1.5:
                size, quality = [len(one), len(other)], [album.quality[rows].mean() for rows in (one, other)]
                columns = features(*(np.array([v]) for v in (share, *map(float, size), *quality)), 1.0)
                odds[i, j] = odds_of(columns, "sface", of_one=False)[0]
                found[i, j] = share
    pairs = np.array([sorted(pair) for pair in found], np.int64).reshape(-1, 2)
    chances = with_rivals(pairs, np.array([odds[pair] for pair in found]), len(people))
    return {
        tuple(sorted((int(people[j][0]), int(people[i][0])))): (share, chance)
        for ((i, j), share), chance in zip(found.items(), chances, strict=True)
    }


@pytest.mark.parametrize("metric", ["cosine", "sqeuclidean", "euclidean"])
@given(seed=st.integers(0, 20))
def test_questions_are_those_of_all_pairs(metric: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 4, 14).tolist()
    labels = [2 * who + int(random.integers(2)) for who in truth]
    threshold = {"cosine": 0.3, "sqeuclidean": 150.0, "euclidean": 12.0}[metric]
    album = made(truth, labels, metric=metric, threshold=threshold)
    found = {
        tuple(sorted((int(q.first[0]), int(q.second[0])))): (q.share, q.chance)
        for q in Questions(album).all() if q.kind == "merge"
    }  # fmt: skip
    expected = slow_merges(album)
    assert found.keys() == expected.keys()
    for pair, values in expected.items():
        assert_allclose(found[pair], values, rtol=1e-6, atol=1e-9)


def test_kept_up_to_date_as_if_made_anew(album: Album) -> None:
    questions = Questions(album)
    random = np.random.default_rng(1)
    for _ in range(12):
        found = questions.best(None)
        if not found:
            break
        question = found[int(random.integers(len(found)))]
        album = answer(album, question, TRUTH[question.first[0]] == TRUTH[question.second[0]])
        questions.update(album)
        anew = {q.key: (q.kind, q.share, q.chance, q.gain) for q in Questions(album).all()}
        kept = {q.key: (q.kind, q.share, q.chance, q.gain) for q in questions.all()}
        assert kept.keys() == anew.keys()
        for key, (kind, *numbers) in anew.items():
            assert kept[key][0] == kind
            assert_allclose(kept[key][1:], numbers, rtol=1e-9, atol=1e-12)


def test_a_reviewer_who_knows_ends_with_the_truth_and_is_asked_nothing_twice(album: Album) -> None:
    questions, asked = Questions(album), set()
    for _ in range(200):
        found = questions.best(1)
        if not found:
            break
        assert found[0].key not in asked
        asked.add(found[0].key)
        album = answer(album, found[0], TRUTH[found[0].first[0]] == TRUTH[found[0].second[0]])
        questions.update(album)
    assert not questions.all()
    people = {frozenset(rows.tolist()) for rows in album.people()}
    assert people == {frozenset(i for i, who in enumerate(TRUTH) if who == person) for person in range(4)}


def test_answers_are_not_asked_for_again_nor_what_follows(album: Album) -> None:
    people = [rows for rows in album.people() if len(rows)]
    album = album.same([*people[0], *people[1]])
    album = album.different(people[1], people[2])
    keys = [{int(q.first[0]), int(q.second[0])} for q in Questions(album).all() if q.kind == "merge"]
    assert {min(people[0][0], people[1][0]), people[2][0]} not in keys
    joined = album.faces_of(int(album.labels[people[0][0]]))
    parts = [q for q in Questions(album).all() if q.kind == "split" and set(q.first) <= set(joined)]
    for question in parts:  # whoever was said to be together stays on one side
        assert not {*people[0], *people[1]} - set(question.first) or not {*people[0], *people[1]} - set(question.second)


def test_people_of_one_photo_are_not_asked_about(tmp_path: Path) -> None:
    rows = vectors([0, 0, 1], spread=0.35)
    faces = {"a.jpg": [face_record(rows[0], 0), face_record(rows[1], 1)], "b.jpg": [face_record(rows[2])]}
    out = write_record(tmp_path / "out", faces)
    apart_in_photo = recluster_photos(out, threshold=1e-6, same_photo_different_people=True)
    assert not [q for q in Questions(apart_in_photo).all() if set(q.first) | set(q.second) == {0, 1}]
    free = recluster_photos(out, threshold=1e-6, same_photo_different_people=False)
    assert [q for q in Questions(free).all() if set(q.first) | set(q.second) == {0, 1}]


def test_hidden_faces_are_left_out(album: Album) -> None:
    gone = album.nobody([0, 2])
    assert not [q for q in Questions(gone).all() if {0, 2} & {*q.first.tolist(), *q.second.tolist()}]


def test_a_part_that_somebody_else_would_take_is_worth_less(tmp_path: Path) -> None:
    album = made([0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 2, 2])
    rows = album.embeddings
    rows[3] = rows[0] + 1.3 * (rows[4] - rows[0])
    near = Questions(album).all()
    rows[4:] = -rows[4:]
    far = Questions(album).all()
    gain = {len(q.second): q.gain for q in near if q.kind == "split"}
    alone = {len(q.second): q.gain for q in far if q.kind == "split"}
    assert 0 <= gain[3] < alone[3]


def test_apart_writes_few_pairs_of_many_faces() -> None:
    said: list[tuple[int, int]] = []

    class Fake:
        embeddings = vectors([0] * 3000 + [1] * 3000)
        settings = {"metric": "cosine"}  # noqa: RUF012

        def different(self, faces: list[int], others: list[int], *, overrule: bool) -> None:
            said.append((len(faces), len(others)))

    for size in (1, 10, 3000):
        apart(Fake(), np.arange(size), np.arange(3000, 6000))  # type: ignore[arg-type]
    assert said == [(1, 3000), (10, 409), (3000, 1)]


def test_answers_shift_the_odds() -> None:
    expected = np.full(40, 0.5)
    assert learned(np.zeros(0), np.zeros(0, np.bool_)) == 0
    assert learned(expected, np.arange(40) % 2 == 0) == pytest.approx(0, abs=1e-9)
    shift = learned(expected, np.zeros(40, np.bool_))
    assert -4 < shift < -2
    assert learned(expected, np.ones(40, np.bool_)) == pytest.approx(-shift)
    # The maximum: its slope is 0 there.
    chances, same = np.array([0.1, 0.7, 0.9]), np.array([True, False, True])
    best = learned(chances, same)
    odds = chances / (1 - chances) * np.exp(best)
    assert (same - odds / (1 + odds)).sum() - best == pytest.approx(0, abs=1e-6)


def test_the_threshold_is_the_embedders_own() -> None:
    assert average_threshold("sface", "cosine", 0.55 * 0.5) == pytest.approx(0.5)
    assert average_threshold("own", "euclidean", 0.55**0.5 * 3) == pytest.approx(9)
    assert average_threshold("dlib-resnet", "sqeuclidean", None) == 0.281
    with pytest.raises(ValueError, match="nothing is known of the threshold of 'own'"):
        average_threshold("own", "cosine", None)


def test_best_first_and_ties_by_face(album: Album) -> None:
    found = Questions(album).best(None)
    order = [(-q.gain, int(q.first[0]), int(q.second[0])) for q in found]
    assert order == sorted(order)
    assert isinstance(found[0], Question) and found[0].kind in ("merge", "split")
    assert [q.key for q in Questions(album).best(2)] == [q.key for q in found[:2]]


@settings(max_examples=15)
@given(seed=st.integers(0, 30), n=st.integers(1, 40))
def test_the_best_are_found_without_looking_at_all(seed: int, n: int) -> None:
    """As many people near each other as make parts join others, so that gains change when they are looked at."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 12, 150).tolist()
    album = made(truth, [3 * who + int(random.integers(3)) for who in truth], threshold=0.6)
    found, few = Questions(album).best(None), Questions(album)
    assert sum(question.kind == "split" for question in found) > 20
    for most in (1, n):
        assert [(q.key, q.gain) for q in few.best(most)] == [(q.key, q.gain) for q in found[:most]]
    looked_at = sum(question.gain for question in found)
    assert looked_at - 1e-9 <= few.left(0.0)
    few.best(None)
    assert few.left(0.0) == pytest.approx(looked_at)
