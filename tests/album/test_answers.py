"""Names and corrections of an album's faces: what the album is then, what is written, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from album.records import face_record, two_to_a_photo, vectors, write_record
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles.facts import SlowFacts

import pyface
from pyface.album.album import Album
from pyface.errors import ContradictionError
from pyface.report.folder import recluster_photos

# Two people of four faces, one of three, and one seen once; nobody twice in a photo.
TRUTH = [0, 1, 0, 1, 0, 2, 0, 1, 2, 1, 2, 3]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return write_record(tmp_path / "out", two_to_a_photo(TRUTH))


@pytest.fixture
def album(out: Path) -> Album:
    return recluster_photos(out)


def people_of(album: Album) -> set[frozenset[int]]:
    return {frozenset(rows.tolist()) for rows in album.people()}


def of(person: int) -> list[int]:
    return [i for i, who in enumerate(TRUTH) if who == person]


def rows_of(out: Path) -> list[dict[str, str]]:
    with open(out / "faces.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_people_without_answers(album: Album) -> None:
    assert people_of(album) == {frozenset(of(person)) for person in range(4)}
    assert album.persons == ("",) * 12
    assert album.states == [""] * 12
    assert (album.quality > 0.3).all()


def test_loaded_as_it_was_left(out: Path, album: Album) -> None:
    loaded = pyface.load_album(out)
    assert_array_equal(loaded.labels, album.labels)
    assert_array_equal(loaded.quality, album.quality)
    assert (loaded.settings, loaded.models, loaded.close_calls) == (album.settings, album.models, album.close_calls)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.suffix != ".sqlite"}
    pyface.save_album(loaded)
    after = {path.name: path.read_bytes() for path in out.iterdir() if path.suffix != ".sqlite"}
    for files in (before, after):
        summary = json.loads(files["summary.json"])
        summary["seconds"].pop("page")
        files["summary.json"] = json.dumps(summary).encode()
    assert before == after


def test_same_puts_two_people_together(out: Path, album: Album) -> None:
    joined = album.same([0, 11])
    assert frozenset(of(0) + of(3)) not in people_of(album)
    assert joined.labels[0] == joined.labels[11]
    for options in ({}, {"threshold": 1e-6}, {"algorithm": "complete"}, {"algorithm": "dbscan"}):
        labels = recluster_photos(out, **options).labels
        assert labels[0] == labels[11]


def test_different_splits_a_person(out: Path, album: Album) -> None:
    parted = album.different([0], [2])
    assert parted.labels[0] != parted.labels[2]
    for threshold in (None, 1.9):
        for algorithm in ("average", "complete", "single"):
            labels = recluster_photos(out, threshold=threshold, algorithm=algorithm).labels
            assert labels[0] != labels[2]
    labels = recluster_photos(out, algorithm="dbscan").labels
    assert labels[0] != labels[2]
    with pytest.raises(ValueError, match="'kmeans' cannot keep to what was said"):
        recluster_photos(out, algorithm="kmeans", n_clusters=4)
    assert people_of(parted.undo()) == people_of(album)


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    """Face 1 is nearly as near to the other person, of the faces 2 and 3, as to its own."""
    angles = np.radians([0, 41, 83.2, 83.2])
    faces = {
        f"{i}.jpg": [face_record(np.array([20 * np.cos(angle), 20 * np.sin(angle)], np.float32))]
        for i, angle in enumerate(angles)
    }
    out = tmp_path / "angles"
    album = recluster_photos(write_record(out, faces))
    number = album.labels.tolist()
    assert number[0] == number[1] != number[2] == number[3]

    def calls(album: Album) -> list[tuple[int, int | None]]:
        return [(call.face_id, call.other) for call in album.close_calls]

    assert calls(album) == [(1, number[2])]
    assert f"could also be person {number[2]}" in (out / "report.html").read_text()
    pyface.save_album(album.name(number[2], "Ada"))
    assert f"could also be Ada ({number[2]})" in (out / "report.html").read_text()

    answered = album.different([1], [2])
    assert calls(answered) == []
    for options in ({}, {"algorithm": "complete", "threshold": 0.3}):
        assert calls(recluster_photos(out, **options)) == []
    other = answered.undo().different([0], [3])
    assert calls(other) == [(1, number[2])]  # it was said of another face, which may not be that person either
    assert calls(other.same([0, 1])) == []


def test_people_keep_their_numbers(album: Album) -> None:
    parted = album.different([0], [2])
    others = [i for i in range(12) if TRUTH[i] != 0]
    assert_array_equal(parted.labels[others], album.labels[others])
    larger = album.labels[2] if (parted.labels == album.labels[2]).sum() else album.labels[0]
    assert larger == album.labels[0]
    assert parted.labels.max() == album.labels.max() + 1


def test_nobody_stands_alone_and_is_hidden(out: Path, album: Album) -> None:
    gone = album.nobody([0])
    assert gone.states[0] == "hidden"
    assert (gone.labels == gone.labels[0]).sum() == 1
    assert gone.n_people == album.n_people
    pyface.save_album(gone)
    assert [row["state"] for row in rows_of(out)] == ["hidden"] + [""] * 11
    assert 'data-face="0"' not in (out / "report.html").read_text()
    assert 'data-face="2"' in (out / "report.html").read_text()
    assert people_of(gone.show([0])) == people_of(album)


def test_what_was_said_of_a_group_holds_without_the_face_that_is_nobodys(out: Path, album: Album) -> None:
    parted = album.same([0, 2]).different([2], [4])
    assert parted.labels[2] != parted.labels[4]
    gone = parted.nobody([0])
    assert gone.labels[2] != gone.labels[4]
    labels = recluster_photos(out).labels
    assert labels[2] != labels[4]


def test_a_hidden_person_is_grouped_and_not_shown(out: Path, album: Album) -> None:
    hidden = album.hide([0])
    assert_array_equal(hidden.labels, album.labels)
    assert [state == "hidden" for state in hidden.states] == [i in of(0) for i in range(12)]
    assert hidden.n_people == album.n_people - 1
    assert recluster_photos(out).states == hidden.states
    assert hidden.show([2]).states == [""] * 12


def test_contradictions_are_said_with_their_faces(out: Path, album: Album) -> None:
    album.same([0, 5])
    album.same([5, 11])
    journal = (out / "facts.sqlite").read_bytes()
    with pytest.raises(ContradictionError, match="faces 0 and 11 were said to be one person") as caught:
        album.different([0], [11])
    assert caught.value.pairs == [(0, 11)]
    assert (out / "facts.sqlite").read_bytes() == journal
    parted = album.different([0], [11], overrule=True)
    assert parted.labels[0] not in (parted.labels[5], parted.labels[11])
    assert parted.labels[5] == parted.labels[11]
    with pytest.raises(ContradictionError, match="faces 0 and 11 were said to be different"):
        album.same([11, 0])
    joined = album.same([11, 0], overrule=True)
    assert joined.labels[0] == joined.labels[11] == joined.labels[5]
    back = joined.undo()
    assert_array_equal(back.labels == back.labels[0], parted.labels == parted.labels[0])
    assert frozenset((0, 5, 11)) <= next(rows for rows in people_of(back.undo()) if 0 in rows)


FACTS = st.lists(
    st.tuples(
        st.sampled_from(["same", "different"]), st.sets(st.integers(0, 11), min_size=2, max_size=3),
        st.sets(st.integers(0, 11), min_size=1, max_size=2),
    ),
    max_size=6,
)  # fmt: skip


@given(FACTS)
def test_answers_are_kept_or_refused_as_by_the_definition(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, set[int], set[int]]]
) -> None:
    out = write_record(tmp_path_factory.mktemp("facts") / "out", two_to_a_photo(TRUTH))
    album = first = recluster_photos(out)
    slow = SlowFacts(12)
    for kind, faces, others in said:
        if kind == "different" and faces & others:
            with pytest.raises(ValueError, match="on both sides"):
                album.different(faces, others)
            continue
        try:
            album = album.same(faces) if kind == "same" else album.different(faces, others)
            taken = True
        except ContradictionError:
            taken = False
        assert taken == slow.add(kind, faces, others)
    same, different = slow.pairs()
    for pair in same | different:
        if len(pair) == 2:
            a, b = pair
            assert (album.labels[a] == album.labels[b]) == (pair in same)
    while True:
        try:
            album = album.undo()
        except ValueError:
            break
    assert people_of(album) == people_of(first)


def test_two_faces_of_one_photo_can_be_said_to_be_one(out: Path, album: Album) -> None:
    joined = album.same([0, 1])
    assert joined.labels[0] == joined.labels[1]
    for apart in (True, "auto"):
        labels = recluster_photos(out, same_photo_different_people=apart).labels
        assert labels[0] == labels[1]


def poor_album(out: Path) -> Album:
    """Faces 0 and 5 are poor, as short vectors say: 0 is near to its person and 5 is nobody's."""
    faces = two_to_a_photo(TRUTH)
    x = vectors(TRUTH)
    for photo, place, vector in (("000.jpg", 0, x[0]), ("002.jpg", 1, -x[5])):
        faces[photo][place] = face_record((vector * (4 / np.linalg.norm(vector))).astype(np.float32), place)
    return recluster_photos(write_record(out, faces), min_quality=0.5)


def test_poor_faces_join_or_are_set_aside(tmp_path: Path) -> None:
    out = tmp_path / "out"
    album = poor_album(out)
    assert (album.quality < 0.5).nonzero()[0].tolist() == [0, 5]
    assert album.states == ["set_aside" if i == 5 else "" for i in range(12)]
    assert album.labels[0] == album.labels[2]
    assert (album.labels == album.labels[5]).sum() == 1
    assert album.n_people == 4
    assert [row["state"] for row in rows_of(out)] == album.states
    page = (out / "report.html").read_text()
    assert "Cannot be told" in page and 'aria-labelledby="aside">' in page
    assert "1 face set aside" in page
    everybody = recluster_photos(out, min_quality=0)
    assert everybody.states == [""] * 12
    assert everybody.n_people == 5
    assert 'aria-labelledby="aside" hidden>' in (out / "report.html").read_text()  # a place for other thresholds


def test_a_poor_face_of_which_it_was_said_is_its_persons(tmp_path: Path) -> None:
    out = tmp_path / "out"
    album = poor_album(out).same([5, 8])
    assert album.states == [""] * 12
    assert album.labels[5] == album.labels[8]
    back = album.undo()
    assert back.states[5] == "set_aside"
    # It joins nobody of whom it was said that it is not that person, however near.
    parted = back.different([0], [2, 4, 6])
    assert parted.states[0] == "set_aside"


@pytest.mark.parametrize(("length", "distance", "stays"), [(9, 0.29, False), (20, 0.29, True), (9, 0.28, True)])
def test_doubtful_faces_stay_only_where_they_are_near(
    tmp_path: Path, length: float, distance: float, stays: bool
) -> None:
    """Below 0.3 faces are one person; one whose short vector makes it doubtful only below 0.285."""
    other = np.array([1 - distance, (1 - (1 - distance) ** 2) ** 0.5]) * length
    faces = {
        "0.jpg": [face_record(np.array([20, 0], np.float32))],
        "1.jpg": [face_record(other.astype(np.float32))],
    }
    out = write_record(tmp_path / "out", faces)
    album = recluster_photos(out)
    assert (album.labels[0] == album.labels[1]) == stays
    assert album.states == ["", ""]
    for options in ({"min_quality": 0}, {"algorithm": "single", "threshold": 0.3}):
        assert recluster_photos(out, **options).n_people == 1


def test_wrong_arguments(album: Album) -> None:
    with pytest.raises(ValueError, match="nobody has the number 99"):
        album.name(99, "Ada")
    with pytest.raises(ValueError, match="there is no face 12; the album has 12"):
        album.same([0, 12])
    with pytest.raises(ValueError, match="expected at least 2, got 1"):
        album.same([3, 3])
    with pytest.raises(TypeError, match="face_ids must be face_ids, several whole numbers"):
        album.same(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="whole numbers; got an array of float64"):
        album.nobody([1.5])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="name must be a text, got int"):
        album.name(0, 7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nothing to undo"):
        album.undo()
    with pytest.raises(ValueError, match="has no name to take away"):
        album.unname(0)
