"""Names of people: which can be given, to whom, and where they are then."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from album.records import two_to_a_photo, write_record
from numpy.testing import assert_array_equal

import pyface
from pyface.album.album import Album
from pyface.album.forget import forget
from pyface.album.names import check_name
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


def test_a_name_is_everywhere_and_stays(out: Path, album: Album) -> None:
    number = int(album.labels[0])
    named = album.name(number, "  Zoë O\u0301 Brien ")
    name = "Zoë \u00d3 Brien"  # composed
    assert [named.persons[i] == name for i in range(12)] == [i in of(0) for i in range(12)]
    assert_array_equal(named.labels, album.labels)
    assert album.persons == ("",) * 12  # as it was
    assert_array_equal(named.faces_of(name), of(0))
    pyface.save_album(named)
    assert [row["person"] for row in rows_of(out)] == list(named.persons)
    assert name in (out / "report.html").read_text()
    # Other thresholds, other numbers, a record made anew: the name is the faces'.
    split = recluster_photos(out, threshold=1e-6)
    assert {split.persons[i] for i in of(0)} == {name}
    assert [note for note in split.notes if name in note]
    again = recluster_photos(out)
    assert again.persons == named.persons
    assert again.notes == ()


def test_two_people_of_one_name(out: Path, album: Album) -> None:
    first, second = int(album.labels[0]), int(album.labels[1])
    ada = album.name(first, "Ada")
    with pytest.raises(ValueError, match=rf"person {first} is called 'Ada' already; say whether"):
        ada.name(second, "Ada")
    another = ada.name(second, "Ada", another=True)
    assert_array_equal(another.labels, album.labels)
    assert another.notes == ()
    assert set(another.persons) == {"Ada", ""}
    with pytest.raises(ValueError, match=rf"several people are called 'Ada'; say which by number, one of {first}"):
        another.faces_of("Ada")
    together = another.undo().name(second, "Ada", same=True)
    assert frozenset(of(0) + of(1)) in people_of(together)
    assert set(together.faces_of("Ada")) == set(of(0) + of(1))
    assert people_of(recluster_photos(out)) == people_of(together)
    with pytest.raises(ValueError, match="exclude each other"):
        album.name(first, "Ada", same=True, another=True)


def test_one_undo_takes_back_all_that_one_call_said(out: Path, album: Album) -> None:
    ada = album.name(int(album.labels[0]), "Ada")
    both = ada.name(int(ada.labels[1]), "Ada", same=True)
    for back in (both.undo(), recluster_photos(out)):
        assert people_of(back) == people_of(album)
        assert back.persons == ada.persons
    assert ada.undo().persons == ("",) * 12


def test_a_name_that_puts_together_may_overrule(album: Album) -> None:
    first, second = int(album.labels[0]), int(album.labels[1])
    album.name(first, "Ada")
    apart = album.different(of(0), of(1))
    with pytest.raises(ContradictionError, match=r"overrule=True \(--overrule\)") as caught:
        apart.name(second, "Ada", same=True)
    assert len(caught.value.pairs) == 16
    assert apart.persons[1] == ""
    joined = apart.name(second, "Ada", same=True, overrule=True)
    assert frozenset(of(0) + of(1)) in people_of(joined)
    assert set(joined.faces_of("Ada")) == set(of(0) + of(1))
    with pytest.raises(ValueError, match=r"overrule .* is for same"):
        album.name(second, "Bob", overrule=True)


def test_a_new_name_takes_the_place_of_the_old_one(album: Album) -> None:
    number = int(album.labels[0])
    album.name(number, "Aba")
    named = album.name(number, "Ada")
    assert {named.persons[i] for i in of(0)} == {"Ada"}
    by_name = named.name("Ada", "Ada L.")
    assert {by_name.persons[i] for i in of(0)} == {"Ada L."}
    assert by_name.unname("Ada L.").persons == ("",) * 12
    with pytest.raises(ValueError, match="nobody is called 'Ada'"):
        by_name.faces_of("Ada")


def test_two_names_that_fall_together_are_said(out: Path, album: Album) -> None:
    album.name(int(album.labels[0]), "Ada")
    album.name(int(album.labels[1]), "Bob")
    everybody = recluster_photos(out, threshold=1.9, same_photo_different_people=False)
    assert everybody.n_people == 1
    assert {everybody.persons[i] for i in of(0)} == {"Ada"}
    assert {everybody.persons[i] for i in of(1)} == {"Bob"}
    assert {everybody.persons[i] for i in of(2) + of(3)} == {""}
    assert everybody.notes == ("person 0 has several names: Ada (4 faces), Bob (4 faces)",)
    with pytest.raises(ContradictionError, match="called Ada and Bob"):
        album.same([0, 1])
    with pytest.raises(ValueError, match="has faces of Ada and Bob; part them first"):
        everybody.name(0, "Cleo")


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("", "name is empty"),
        ("  ", "name is empty"),
        ("a\nb", r"character 2 is a control character \(U\+000A\)"),
        ("a\u202eb", r"character 2 is a mark for the direction of text \(U\+202E\)"),
        ("a\u2028b", "a line break"),
        ("\udcff", "half a character"),
        ("\u200b", r"character 1 is a character that cannot be seen \(U\+200B\)"),
        ("\u2800", "a character that cannot be seen"),
        ("\u3164", "a character that cannot be seen"),
        ("A\u200bda", r"character 2 is a character that cannot be seen"),
        ("Ada\ufeff", "a character that cannot be seen"),
        ("A\u2060da", "a character that cannot be seen"),
        ("A\u00adda", r"U\+00AD"),
        ("Ada\U000e0041", r"U\+E0041"),
        ("Ada\u3164", r"U\+3164"),
        ("Ada\ufffe", r"character 4 is no character \(U\+FFFE\)"),
        ("Ada\U0010ffff", "no character"),
        ("\u0301", "nothing that can be seen"),
        (" \ufe0f\u200d ", "nothing that can be seen"),
        ("12", "'12' is a number, and people have numbers"),
        ("x" * 10_000, "name has 10,000 characters; give one of at most 200"),
    ],
)
def test_names_that_cannot_be_used(out: Path, album: Album, name: str, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        album.name(0, name)
    assert not (out / "facts.sqlite").exists()


@pytest.mark.parametrize(
    "name", ["نعمت\u200cاله", "क्\u200dष", "👩\u200d🚀", "葛\U000e0100", "?", "J\u0301", "Ada 2", "٣"]
)
def test_names_of_all_scripts_can_be_given(name: str) -> None:
    assert check_name(name) == name


def test_markup_and_right_to_left_names_are_text(out: Path, album: Album) -> None:
    pyface.save_album(album.name(0, '<b>A</b> & "B"').name(1, "=אדה"))
    page = (out / "report.html").read_text()
    assert "<b>A</b>" not in page
    assert "&lt;b&gt;A&lt;/b&gt; &amp; &#34;B&#34;" in page
    assert {row["person"] for row in rows_of(out)} == {'<b>A</b> & "B"', "=אדה", ""}


def test_names_go_over_to_another_detector_and_wait_where_it_finds_nothing(out: Path, album: Album) -> None:
    album.name(int(album.labels[0]), "Ada").same([0, 1])
    moved = two_to_a_photo(TRUTH)
    for photo, faces in moved.items():
        for place, face in enumerate(faces):
            shift = 120 if (photo, place) == ("000.jpg", 0) else 40  # boxes are 180 wide
            faces[place] = replace(face, box=face.box + np.array([shift, 0, shift, 0]))
    write_record(out, moved, analysis="another")
    again = recluster_photos(out)
    # The face itself has no name any more; it is in the cluster of those who have one.
    assert [again.persons[i] for i in of(0)] == ["Ada"] * 4
    assert again.notes == (
        "names and answers are kept of 1 face that was not found here: the photo is gone, or the box is another",
    )  # fmt: skip
    assert again.labels[0] != again.labels[1]


@pytest.mark.parametrize("empty", ["", "  ", "\t"])
def test_no_name_is_nobodys_name(out: Path, album: Album, empty: str) -> None:
    """Those who have no name are not one person of the name ""."""
    for use in (
        album.faces_of,
        album.unname,
        lambda person: album.name(person, "Ada"),
        lambda p: forget(out, person=p),
    ):
        with pytest.raises(ValueError, match="person is empty; give the number"):
            use(empty)
    assert not (out / "facts.sqlite").exists()
