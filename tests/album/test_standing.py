"""How faces stand after answers: what grouping all of them from scratch gives, by whichever way it is found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles import agglomerative
from scipy.spatial.distance import pdist

from pyface.album import founded, kept, regrowing, standing
from pyface.album.close_calls import CloseCall, KeptApart, close_calls
from pyface.album.counted import Counted
from pyface.album.links import Links, no_links
from pyface.album.people import Grouping, check_grouping, group_faces, number_by_size
from pyface.album.same_photo import SamePhoto
from pyface.album.space import Near, Space
from pyface.album.standing import Question, Standing, stand, stand_again
from pyface.kernels.linkage_below import Joints

SEEDS = st.integers(0, 100_000)


@dataclass
class Case:
    """Faces, the way in which they are grouped, and the same as a question."""

    rows: np.ndarray
    photos: np.ndarray
    quality: np.ndarray
    grouping: Grouping
    metric: str
    has_ties: bool = False

    def at(self, share: float) -> Case:
        """The same at a lower threshold."""
        threshold = self.grouping.threshold
        assert threshold is not None
        limits = {"threshold": share * threshold, "poor_limit": 0.9 * share * threshold,
                  "stay_limit": 0.85 * share * threshold}  # fmt: skip
        return replace(self, grouping=replace(self.grouping, **limits))

    def question(self) -> Question:
        grouping, space = self.grouping, Space(self.rows, self.metric, 1)
        same_photo = None
        if grouping.same_photo_different_people:
            limit = grouping.picture_limit if grouping.same_photo_different_people == "auto" else None
            same_photo = SamePhoto(self.rows, self.photos, metric=self.metric, limit=limit)
        assert (
            grouping.threshold and grouping.poor_limit and grouping.stay_limit and grouping.doubtful_below is not None
        )
        low, doubtful = self.quality < (grouping.min_quality or 0.0), self.quality < grouping.doubtful_below
        return Question(
            space, grouping.threshold, low, grouping.poor_limit, doubtful, grouping.stay_limit, self.photos, same_photo
        )  # fmt: skip

    def check(self, found: Standing, links: Links) -> None:
        """That this is what grouping from scratch, by the estimator, gives; and so for the close calls.

        Where distances are equal any order of merges is right, and the last digit of a height decides about it. Then
        they are only replayed.
        """
        if self.has_ties:
            self.check_founded(found, links)
            return
        labels, set_aside = group_faces(
            self.rows, self.grouping, metric=self.metric, photos=self.photos, quality=self.quality, rules=links,
            n_threads=1,
        )  # fmt: skip
        assert_array_equal(number_by_size(found.labels), labels)
        assert_array_equal(found.set_aside, set_aside)
        somebody = np.flatnonzero(~(set_aside | links.nobody))
        is_apart = bool(self.grouping.same_photo_different_people)
        calls = close_calls(
            self.rows[somebody], labels[somebody], metric=self.metric, threshold=self.grouping.threshold,
            apart=self.kept_apart(links, somebody, is_apart),
        )  # fmt: skip
        expected = [CloseCall(int(somebody[call.face_id]), call.other) for call in calls]
        assert found.close_calls(self.question(), links, labels) == expected
        said = {frozenset(pair) for pair in links.apart.tolist()}
        for call in expected:  # nobody is asked about of whom it was said
            mates = [call.face_id] if links.together[call.face_id] < 0 else np.flatnonzero(
                links.together == links.together[call.face_id]
            )  # fmt: skip
            others = somebody[labels[somebody] == call.other]
            assert not any(frozenset((int(a), int(b))) in said for a in mates for b in others)

    def check_founded(self, found: Standing, links: Links) -> None:
        """That the merges are those of average linkage, by its definition."""
        question = self.question()
        rules, n = question.rules(links), len(self.rows)
        rows = np.flatnonzero(rules.is_in)
        place = np.full(n, -1)
        place[rows] = np.arange(len(rows))
        joints = found.founded.joints
        assert (place[joints.pairs] >= 0).all() and (found.founded.people[~rules.is_in] == -1).all()
        merges = Joints(place[joints.pairs].astype(np.int32), joints.heights).tree(len(rows))
        labels = found.founded.people[rows]
        pairs = place[rules.pairs]
        agglomerative.assert_is_agglomerative(
            SimpleNamespace(merges_=merges, labels_=labels, n_clusters_=len(np.unique(labels))),
            agglomerative.distances(self.rows[rows].astype(np.float64), self.metric, "average"), "average",
            threshold=question.threshold, cannot_link=pairs[(pairs >= 0).all(axis=1)],
            cannot_link_groups=rules.groups[rows], must_link_groups=rules.must[rows],
        )  # fmt: skip

    def kept_apart(self, links: Links, rows: np.ndarray, is_apart: bool) -> KeptApart:
        """By the definition: pairs of the groups that pairs of faces are of."""
        group = [row if links.together[row] < 0 else links.together[row] for row in range(len(self.rows))]
        pairs = [(group[a], group[b]) for a, b in links.apart]
        return KeptApart(
            self.photos[rows] if is_apart else None, np.array(group)[rows], np.array(pairs, np.int64).reshape(-1, 2)
        )


def a_case(seed: int, n_most: int = 90) -> Case:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, n_most))
    k, d = max(1, n // int(rng.choice([2, 4, 10]))), int(rng.choice([3, 8, 16]))
    rows = rng.normal(size=(k, d))[rng.integers(0, k, n)] + rng.choice([0.3, 0.6, 0.9]) * rng.normal(size=(n, d))
    has_ties = rng.random() < 0.2
    if has_ties:  # equal rows and equal distances
        rows = np.round(2 * rows) / 2 + 0.01
    rows = rows.astype(np.float32)
    metric = str(rng.choice(["cosine", "sqeuclidean"]))
    between = pdist(rows.astype(np.float64), metric)
    threshold = float(np.quantile(between, rng.uniform(0.02, 0.6))) * 1.0001 + 1e-3
    same_photo = [True, False, "auto"][int(rng.integers(3))]
    grouping = replace(
        check_grouping("average", threshold, None, same_photo, float(rng.choice([0, 0.1, 0.3]))),  # type: ignore[arg-type]
        picture_limit=0.3 * threshold, doubtful_below=float(rng.choice([0, 0.6])),
    )  # fmt: skip
    return Case(rows, np.sort(rng.integers(0, max(1, n // 2), n)), rng.random(n), grouping, metric, has_ties).at(0.999)


def some_links(case: Case, rng: np.random.Generator, n_facts: int) -> Links:
    """Rules as facts make them: groups by their smallest rows, pairs of their rows, nobodies."""
    n = len(case.rows)
    group = np.arange(n)
    is_alone = case.grouping.same_photo_different_people is True
    for a, b in rng.integers(0, n, (n_facts, 2)):
        both = (group == group[a]) | (group == group[b])
        if not (is_alone and len(np.unique(case.photos[both])) < both.sum()):
            group[both] = min(group[a], group[b])
    sizes = np.bincount(group, minlength=n)
    together = np.where(sizes[group] > 1, group, -1)
    pairs = group[rng.integers(0, n, (n_facts, 2))]
    nobody = rng.random(n) < rng.choice([0, 0.05])
    # Groups are spoken for by the first who is somebody's.
    first = np.array([min(np.flatnonzero((group == g) & ~nobody), default=-1) for g in range(n)])
    pairs = np.sort(first[pairs[pairs[:, 0] != pairs[:, 1]]], axis=1)
    pairs = np.unique(pairs[(pairs >= 0).all(axis=1)], axis=0).reshape(-1, 2)
    return replace(no_links(n), together=together.astype(np.int64), apart=pairs.astype(np.int64), nobody=nobody)


def grown(case: Case, links: Links, rng: np.random.Generator) -> Links:
    """The same with one more face in one of the groups, if that is possible."""
    members, row = np.flatnonzero(links.together >= 0), int(rng.integers(len(case.rows)))
    if not len(members) or links.nobody.any() or links.together[row] >= 0:
        return links
    if case.grouping.same_photo_different_people is True:
        return links
    together, old = links.together.copy(), links.together[rng.choice(members)]
    together[row] = old
    new = int(np.flatnonzero(together == old)[0])
    together[together == old] = new
    apart = links.apart.copy()
    apart[(apart == old) | (apart == row)] = new
    apart = np.unique(np.sort(apart[apart[:, 0] != apart[:, 1]], axis=1), axis=0).reshape(-1, 2)
    return replace(links, together=together, apart=apart)


@given(seed=SEEDS, at_once=st.sampled_from([1, 1000]))
def test_answers_one_after_the_other_are_as_all_of_them_at_once(seed: int, at_once: int) -> None:
    case, rng = a_case(seed), np.random.default_rng(seed)
    question = case.question()
    links = no_links(len(case.rows))
    found = stand(question, links)
    case.check(found, links)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(founded, "_AT_ONCE", at_once)  # 1 keeps merges of people of any size
        patch.setattr(standing, "stand", None)  # nothing is grouped from scratch
        for step in range(4):
            links = grown(case, links, rng) if step == 2 else some_links(case, rng, int(rng.choice([0, 1, 3])))
            found = stand_again(question, links, found)
            case.check(found, links)
        lower = case.at(float(rng.uniform(0.4, 1)))
        lower.check(stand_again(lower.question(), links, found), links)


@settings(max_examples=30)
@given(seed=SEEDS)
@example(seed=99_999)  # many equal distances
def test_merges_that_are_kept_are_those_of_all_faces(seed: int) -> None:
    """Nothing is left to chance where faces are many enough for chains of merges."""
    case, rng = a_case(seed, 300), np.random.default_rng(seed)
    question = case.question()
    found = stand(question, no_links(len(case.rows)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(founded, "_AT_ONCE", 1)
        for _ in range(2):
            links = some_links(case, rng, 2)
            found = stand_again(question, links, found)
            case.check_founded(found, links)
            if case.has_ties:
                continue
            again = stand(question, links)
            assert_array_equal(found.people, again.people)
            assert_array_equal(found.founded.people, again.founded.people)
            order, other = (
                np.lexsort((f.joints.pairs[:, 1], f.joints.heights)) for f in (found.founded, again.founded)
            )
            assert len(order) == len(other)
            assert (
                np.abs(found.founded.joints.heights[order] - again.founded.joints.heights[other]).max(initial=0) < 1e-9
            )


@pytest.mark.parametrize("seed", [0, 1])
def test_a_journal_of_many_facts_against_the_greedy_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 400
    rows = (rng.normal(size=(40, 12))[rng.integers(0, 40, n)] + 0.7 * rng.normal(size=(n, 12))).astype(np.float32)
    distances = agglomerative.distances(rows.astype(np.float64), "cosine", "average")
    grouping = replace(check_grouping("average", 0.5, None, False, 0.0), doubtful_below=0.0)
    case = Case(rows, np.arange(n), np.ones(n), grouping, "cosine").at(1.0)
    found = stand(case.question(), no_links(n))
    links = some_links(case, rng, 80)
    before = found
    for found in (stand(case.question(), links), stand_again(case.question(), links, before)):
        somebody = np.flatnonzero(~links.nobody)
        place = np.full(n, -1)
        place[somebody] = np.arange(len(somebody))
        pairs = place[links.apart]
        want = agglomerative.greedy(
            distances[np.ix_(somebody, somebody)], "average", threshold=0.5,
            cannot_link=pairs[(pairs >= 0).all(axis=1)], must_link_groups=links.together[somebody],
        )  # fmt: skip
        agglomerative.assert_same_partition(found.labels[somebody], want.labels)
        assert (found.labels[links.apart[:, 0]] != found.labels[links.apart[:, 1]]).all()


@pytest.mark.parametrize("seed", range(6))
def test_what_is_kept_is_what_was_known(seed: int) -> None:
    case, rng = a_case(seed), np.random.default_rng(seed)
    links = some_links(case, rng, 2)
    found = stand_again(case.question(), links, stand(case.question(), no_links(len(case.rows))))
    data = kept.to_bytes(found)
    assert data is not None
    read = kept.from_bytes(data)
    assert read is not None and read[1] is None
    again = read[0]
    with_counts = kept.from_bytes(kept.to_bytes(again, Counted(b"of what", {0.4: 7, 0.5: 6})) or b"")
    assert with_counts is not None and with_counts[1] is not None
    assert (with_counts[1].key, with_counts[1].people) == (b"of what", {0.4: 7, 0.5: 6})
    assert stand_again(case.question(), links, again) is again
    links = some_links(case, rng, 3)
    case.check(stand_again(case.question(), links, again), links)
    for damaged in (b"", b"garbage" * 99, data[:-40], data[: len(data) // 2]):
        assert kept.from_bytes(damaged) is None


def test_other_vectors_or_another_metric_have_another_key() -> None:
    rows = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    keys = {
        kept.key_of(Space(x, metric, 1)) for x in (rows, rows[::-1].copy(), rows[:8]) for metric in ("cosine", "l2")
    }
    assert len(keys) == 6


def test_where_too_many_are_near_all_is_done_from_scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyface.album import near, space

    case = next(case for case in map(a_case, range(99)) if len(case.rows) > 60)
    monkeypatch.setattr(space, "FEW_PAIRS", 16)
    monkeypatch.setattr(near, "FEW_PAIRS", 16)
    monkeypatch.setattr(space, "_PAIRS_PER_FACE", 0)
    links = no_links(len(case.rows))
    found = stand(case.question(), links)
    assert found.near is None and kept.to_bytes(found) is None
    case.check(found, links)
    links = some_links(case, np.random.default_rng(1), 3)
    case.check(stand_again(case.question(), links, found), links)


def test_a_chain_of_merges_is_not_taken_apart_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One face of a large person that is nobody's leaves most merges of the others as they were."""
    rng = np.random.default_rng(3)
    rows = (np.repeat(rng.normal(size=(6, 32)), 60, axis=0) + 0.25 * rng.normal(size=(360, 32))).astype(np.float32)
    grouping = replace(check_grouping("average", 0.4, None, False, 0.0), doubtful_below=0.0)
    case = Case(rows, np.arange(360), np.ones(360), grouping, "cosine").at(1.0)
    links = no_links(360)
    found = stand(case.question(), links)
    seen: list[regrowing.Regrown | None] = []

    def regrow(*arguments: object) -> regrowing.Regrown | None:
        seen.append(regrowing.regrow(*arguments))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(founded, "_AT_ONCE", 1)
    monkeypatch.setattr(founded, "regrow", regrow)
    links = replace(links, nobody=np.arange(360) == 17)
    case.check(stand_again(case.question(), links, found), links)
    assert seen[0] is not None
    assert len(seen[0].old.pairs) > 2 * len(seen[0].new.pairs) > 0


@pytest.mark.parametrize("metric", ["cosine", "sqeuclidean", "euclidean"])
@given(seed=SEEDS, n=st.integers(1, 40))
def test_pairs_within_a_distance(metric: str, seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 5)).astype(np.float32)
    space = Space(rows, metric, 1)
    every = space.near(np.stack(np.triu_indices(n, 1), axis=1).astype(np.int32))
    distance = float(np.quantile(every.lengths, 0.3)) if n > 1 else 0.5
    some = np.flatnonzero(rng.random(n) < 0.6)
    others = np.setdiff1d(np.arange(n), some)

    def pairs(near: Near | None) -> set[tuple[int, int]]:
        assert near is not None
        return {(int(min(pair)), int(max(pair))) for pair in near.pairs}

    within = pairs(every.where(every.lengths <= space.within(distance)))
    assert pairs(space.among(some, distance)) == {p for p in within if set(p) <= set(some.tolist())}
    across = {p for p in within if len(set(p) & set(some.tolist())) == 1}
    assert pairs(space.between(some, others, distance)) == across
    is_asked = rng.random(n) < 0.3
    for later in (every.where(np.zeros(len(every), bool)), space.near(every.pairs[:2]), space.near(every.pairs)):
        joined = every.with_pairs(later)
        assert pairs(joined.of(is_asked)) == {p for p in pairs(every) if is_asked[list(p)].any()}
        assert len(joined) == len(joined.pairs) == len(joined.lengths)
