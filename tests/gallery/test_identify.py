"""Who is nearest, against the definition; what is refused; what is remembered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gallery.crowds import crowd, of
from hypothesis import given
from hypothesis import strategies as st
from oracles import gallery as oracle

from pyface.cluster import for_embedder
from pyface.errors import GalleryError, ModelNotFoundError
from pyface.gallery import RULES, Gallery

METRICS = ("cosine", "euclidean", "sqeuclidean")


@given(
    seed=st.integers(0, 999), n_people=st.integers(1, 40), n_faces=st.integers(1, 9), dimension=st.integers(2, 40),
    metric=st.sampled_from(METRICS), rule=st.sampled_from(RULES), votes=st.integers(1, 4),
    dtype=st.sampled_from([np.float32, np.float64]), data=st.data(),
)  # fmt: skip
def test_names_and_distances_are_those_of_the_definition(
    seed: int, n_people: int, n_faces: int, dimension: int, metric: str, rule: str, votes: int, dtype: Any, data: Any
) -> None:
    people = crowd(n_people, n_faces, dimension, seed, dtype)
    gallery = of(people, metric=metric, rule=rule, votes=votes)
    k = data.draw(st.integers(1, n_people))
    queries = np.random.default_rng(seed + 1).normal(size=(4, dimension)).astype(np.float32)
    limit = data.draw(st.floats(0, 2))
    # Means are sums in another order, rounded to the dtype of the rows.
    tolerance = 1e-6 if rule == "mean" and dtype == np.float32 else 1e-9
    found = gallery.identify(queries, k, limit)
    for i, query in enumerate(queries):
        expected = oracle.nearest(query, people, k, rule, votes, metric)
        assert found.candidates[i] == tuple(name for name, _ in expected)
        np.testing.assert_allclose(found.distances[i], [d for _, d in expected], rtol=tolerance, atol=1e-12)
        assert found.names[i] == (found.candidates[i][0] if found.distances[i, 0] <= limit else None)
        for name, seen in zip(found.candidates[i], found.distances[i].tolist(), strict=True):
            verified = gallery.verify(name, query, limit)
            assert (verified.distance, verified.is_same) == (seen, seen <= limit)


def test_lists_grow_until_enough_names_are_complete() -> None:
    """One name has more faces near the query than are listed at first, and the others are far behind."""
    random = np.random.default_rng(0)
    people = {"many": (10 + 0.01 * random.normal(size=(3000, 4))).astype(np.float32)}
    people |= {f"p{i}": random.normal(size=(5, 4)).astype(np.float32) for i in range(3)}
    for rule, votes in (("nearest", 1), ("k_of_n", 2000), ("k_of_n", 4), ("mean", 1)):
        gallery = of(people, metric="euclidean", rule=rule, votes=votes)
        query = np.full(4, 10, np.float32)
        found = gallery.identify(query, 4)
        assert found.candidates[0] == tuple(n for n, _ in oracle.nearest(query, people, 4, rule, votes, "euclidean"))


@pytest.mark.parametrize("rule", RULES)
def test_ties_go_to_who_was_enrolled_first(rule: str) -> None:
    gallery = of({}, metric="euclidean", rule=rule)
    for name, x in (("b", 1.0), ("a", -1.0), ("c", 1.0), ("d", 0.5)):
        gallery.enroll(name, np.array([[x, 0.0]], np.float32))
    assert gallery.identify(np.zeros((1, 2), np.float32), 4).candidates == (("d", "b", "a", "c"),)
    many = of({f"p{i}": np.ones((1, 3), np.float32) for i in range(600)}, metric="euclidean", rule=rule)
    assert many.identify(np.ones(3, np.float32), 500).candidates[0] == tuple(f"p{i}" for i in range(500))


def test_the_threshold_is_inclusive_and_decided_in_float64() -> None:
    gallery = of({"a": np.array([[1.0, 0.1]])})
    query = np.array([1.0, 0.3])
    exact = oracle.distance(query, np.array([1.0, 0.1]), "cosine")
    found = gallery.identify(query, threshold=1.0).distances[0, 0]
    assert found == pytest.approx(exact, abs=1e-15)
    assert np.float32(found) != found
    assert gallery.identify(query, threshold=found).names == ("a",)
    assert gallery.identify(query, threshold=np.nextafter(found, 0)).names == (None,)
    assert gallery.verify("a", query, threshold=found).is_same
    assert not gallery.verify("a", query, threshold=np.nextafter(found, 0)).is_same


def test_results_do_not_depend_on_threads_layout_or_how_many_are_asked_at_once() -> None:
    people = crowd(60, 6, 32)
    queries = np.random.default_rng(5).normal(size=(30, 32)).astype(np.float32)
    one = of(people, n_threads=1).identify(queries, 5)
    for other in (
        of(people, n_threads=3).identify(np.asfortranarray(queries), 5),
        of(people).identify(np.repeat(queries, 2, axis=0)[::2], 5),
    ):
        assert other.candidates == one.candidates
        np.testing.assert_array_equal(other.distances, one.distances)
    for i, query in enumerate(queries):
        alone = of(people).identify(query, 5)
        assert alone.candidates[0] == one.candidates[i]
        np.testing.assert_array_equal(alone.distances[0], one.distances[i])


def test_who_is_in_it() -> None:
    gallery = Gallery("sface")
    advised = for_embedder("sface")
    assert (gallery.metric, gallery.threshold) == (advised.metric, advised.distance_threshold) == ("cosine", 0.55)
    assert (gallery.dimension, len(gallery)) == (None, 0)
    x = np.random.default_rng(0).normal(size=(6, 16)).astype(np.float32)
    assert gallery.enroll(" Ann ", x[:2]) == 2
    assert gallery.enroll("Be\u0301la", x[2]) == 1
    # A name again: its faces are beside those from before, and none is there twice.
    assert gallery.enroll("Ann", x[[1, 3, 3]].astype(np.float64)) == 1
    assert gallery.names == ("Ann", "B\u00e9la")
    assert gallery.counts.tolist() == [3, 1]
    assert "Ann" in gallery and "Bob" not in gallery and gallery.n_faces == 4
    x[:] = 0  # the caller's array is the caller's
    assert gallery.identify(np.ones((1, 16), np.float32), 2).distances.max() > 0.1
    assert gallery.remove("Ann") == 3
    assert gallery.names == ("B\u00e9la",) and gallery.n_faces == 1
    assert gallery.enroll("Ann", np.ones(16, np.float32)) == 1
    assert gallery.identify(np.ones(16, np.float32)).names == ("Ann",)
    assert gallery.remove("B\u00e9la") + gallery.remove("Ann") == 2
    assert len(gallery) == gallery.n_faces == 0
    assert gallery.enroll("Ann", np.ones(16, np.float32)) == 1


@given(st.lists(st.tuples(st.sampled_from(["enroll", "enroll", "remove", "merge", "identify"]), st.integers(0, 5),
                          st.integers(0, 9)), max_size=25))  # fmt: skip
def test_any_order_of_changes_ends_as_one_who_was_made_at_once(steps: list[tuple[str, int, int]]) -> None:
    pool = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    gallery, expected = of({}), {}
    for what, person, face in steps:
        name, row = f"p{person}", 10 * person + face
        if what == "enroll":
            have = expected.setdefault(name, [])
            assert gallery.enroll(name, pool[row]) == (row not in have)
            have += [row] * (row not in have)
        elif what == "remove" and name in expected:
            assert gallery.remove(name) == len(expected.pop(name))
        elif what == "merge":
            other = of({name: pool[[row]]})
            have = expected.setdefault(name, [])
            assert gallery.merge(other) == (row not in have)
            have += [row] * (row not in have)
        elif expected:
            gallery.identify(pool[row])
    assert gallery.names == tuple(expected)
    assert gallery.counts.tolist() == [len(rows) for rows in expected.values()]
    if expected:
        fresh = of({name: pool[rows] for name, rows in expected.items()}).identify(pool, len(expected))
        assert gallery.identify(pool, len(expected)).candidates == fresh.candidates


def test_names_may_be_numbers() -> None:
    """As the folders of many data sets are; leading zeros are part of them."""
    gallery = Gallery("of my own", metric="cosine")
    rows = np.eye(3, dtype=np.float32)
    for name, row in zip(("0000045", "45", "n000001"), rows, strict=True):
        gallery.enroll(name, row[None])
    assert list(gallery.names) == ["0000045", "45", "n000001"]
    assert gallery.identify(rows, threshold=0.5).names == ("0000045", "45", "n000001")
    gallery.remove("45")
    assert list(gallery.names) == ["0000045", "n000001"]


def test_merging() -> None:
    one, other = of(crowd(5, 3, seed=1)), of(crowd(7, 3, seed=2))
    together = one.n_faces + other.n_faces
    assert one.merge(other) == other.n_faces
    assert (len(one), one.n_faces, len(other)) == (7, together, 7)
    assert one.merge(one) == 0 and one.merge(of({})) == 0
    with pytest.raises(GalleryError, match="vectors of the embedder made-up, which cannot be compared with those of s"):
        one.merge(Gallery("sface"))
    with pytest.raises(GalleryError, match="compares by cosine, the other one by euclidean"):
        one.merge(of({}, metric="euclidean"))
    with pytest.raises(ValueError, match="other must have 8 columns, as vectors of made-up have, got 5"):
        one.merge(of(crowd(1, 1, 5)))


def test_bad_input_changes_nothing() -> None:
    gallery = of({"Ann": np.eye(3, dtype=np.float32)})
    for name, rows, error, message in (
        ("", np.ones((1, 3)), ValueError, "name is empty; give it a letter"),
        ("a\nb", np.ones((1, 3)), ValueError, "control character"),
        (7, np.ones((1, 3)), TypeError, "name must be a text"),
        ("Bob", np.ones((0, 3)), ValueError, "embeddings has no rows: 'Bob' needs one face at least"),
        ("Bob", np.ones((1, 4)), ValueError, "embeddings must have 3 columns, as vectors of made-up have, got 4"),
        ("Bob", np.array([[1, 2, 3], [0, 0, 0.0]]), ValueError, "row 1 is all zeros"),
        ("Bob", np.array([[1, 2, np.nan]]), ValueError, "row 0 holds nan in column 2"),
        ("Bob", np.ones((1, 3), int), TypeError, "embeddings must be a NumPy array of float32"),
        ("Bob", [[1.0, 2.0, 3.0]], TypeError, "embeddings must be a NumPy array"),
        ("Bob", np.ones((1, 1, 3)), ValueError, "shape"),
    ):
        with pytest.raises(error, match=message):
            gallery.enroll(name, rows)  # type: ignore[arg-type]
    assert gallery.names == ("Ann",) and gallery.n_faces == 3
    query = np.ones((1, 3), np.float32)
    for call, message in (
        (lambda: gallery.identify(query, 2), "k must be at most 1, the number of names, got 2"),
        (lambda: gallery.identify(query, 0), "k must be at least 1"),
        (lambda: gallery.identify(query[:, :2]), "embeddings must have 3 columns"),
        (lambda: gallery.identify(query, threshold=-1), "threshold must be at least 0"),
        (lambda: gallery.identify(query, threshold=np.nan), "threshold must be a number, got nan"),
        (lambda: gallery.verify("Bob", query), "nobody is enrolled as 'Bob'"),
        (lambda: gallery.verify("Ann", np.ones((2, 3))), "embedding must be of one face, got 2 rows"),
        (lambda: gallery.remove("Bob"), "nobody is enrolled as 'Bob'"),
        (lambda: of({}).identify(query), "the gallery is empty"),
        (lambda: of({}, threshold=None).identify(query), "threshold: none is known for made-up"),
        (lambda: of({}, rule="median"), "rule must be one of 'nearest', 'mean', 'k_of_n'"),
        (lambda: of({}, votes=0), "votes must be at least 1"),
        (lambda: of({}, metric="l1"), "metric must be one of"),
        (
            lambda: of({"A": np.array([[1.0, 0], [-1.0, 0]])}, rule="mean").identify(np.ones(2)),
            "the faces of 'A' cancel",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ModelNotFoundError, match="no embedder named 'made-up' is known; give its metric"):
        Gallery("made-up")
    with pytest.raises(TypeError, match="embedder must be the name of one, or a loaded one, got 3"):
        Gallery(3)  # type: ignore[arg-type]
    assert gallery.identify(np.empty((0, 3), np.float32)).names == ()
    assert len(gallery.identify(query)) == 1
    assert "1 name, 3 faces" in repr(gallery)


def test_embedders_are_told_apart_by_digest_and_by_name() -> None:
    pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")
    from made_up_models import ByColour

    model = ByColour()
    gallery = Gallery(model)
    assert (gallery.embedder, gallery.metric, gallery.threshold, gallery.dimension) == ("by-colour", "euclidean", 40, 3)
    gallery.require(model)
    gallery.require("by-colour")
    with pytest.raises(
        GalleryError, match="vectors of the embedder by-colour, which cannot be compared with those of s"
    ):
        gallery.require("sface")
    other = ByColour()
    other.digest = "f" * 64
    with pytest.raises(GalleryError, match=r"by-colour with other weights or code \(e, not ffffffffffff\)"):
        gallery.require(other)
    other.name, other.digest = "a copy of the file", "e"
    gallery.require(other)


def test_means_of_rows_whose_squares_are_beyond_float64() -> None:
    people = {"a": np.array([[1e200, 0.0], [0.0, 1e-200]]), "b": np.array([[1.0, 0.0]])}
    found = of(people, rule="mean").identify(np.array([1.0, 1.0]), 2)
    assert found.candidates == (("a", "b"),)
    np.testing.assert_allclose(found.distances, [[0, 1 - 0.5**0.5]], atol=1e-12)
    huge = {"a": np.full((4, 2), 1e308)}
    assert of(huge, rule="mean", metric="euclidean").identify(np.full(2, 1e308)).distances[0, 0] == 0
