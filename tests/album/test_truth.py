"""What the truth lacks, names twice or names in vain is listed; what it contradicts is an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from album.scored_faces import write_folder

from pyface.album.truth import Comparison, compare_labels
from pyface.errors import PyfaceError, listed

PHOTOS = ["a.jpg", "b.jpg", "b.jpg", "c.jpg", "d.jpg"]


@pytest.fixture
def pred(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "out", PHOTOS, [0, 1, 2, 0, 3], empty=["e.jpg"])


def against(pred: Path, text: str, **options: bool) -> Comparison:
    truth = pred.parent / "truth.csv"
    truth.write_text(text)
    return compare_labels(str(pred), str(truth), None, one_per_photo=options.get("one_per_photo", False))


def test_photos(pred: Path) -> None:
    lines = ["a.jpg,x", "d.jpg,", "nowhere.jpg,y", "a.jpg,x", "e.jpg,z", "nowhere.jpg,y", "a.jpg,x"]
    found = against(pred, "\n".join(["photo,person", *lines, ""]))
    assert (found.by, found.labels_true, found.rows.tolist(), found.n_left_out) == ("photo", ["x"], [0], 4)
    assert found.missing == ("b.jpg", "c.jpg")
    assert found.unnamed == ("d.jpg",)
    assert found.unknown == ("nowhere.jpg", "nowhere.jpg")
    assert found.doubled == ("a.jpg", "nowhere.jpg")
    assert found.without_face == ()


def test_photos_without_a_face(pred: Path) -> None:
    found = against(pred, "photo,person\na.jpg,x\ne.jpg,x\nb.jpg,y\n", one_per_photo=True)
    assert (found.labels_true, found.rows.tolist()) == (["x", "y", "x"], [0, 1, -1])
    assert (found.missing, found.without_face) == (("c.jpg", "d.jpg"), ("e.jpg",))


def test_faces(pred: Path) -> None:
    found = against(pred, "face_id,person\n0,x\n1,\n01,y\n9,y\n0,x\n")
    assert (found.by, found.missing, found.unnamed) == ("face_id", ("2", "3", "4"), ("1",))
    assert (found.unknown, found.doubled) == (("01", "9"), ("0",))


def test_a_photo_that_many_lines_name_is_not_doubled_where_lines_are_faces(pred: Path) -> None:
    found = against(pred, "face_id,photo,person\n0,a.jpg,x\n1,b.jpg,x\n2,b.jpg,y\n3,c.jpg,x\n4,d.jpg,z\n")
    assert found.doubled == found.missing == found.unknown == ()


def test_rules(pred: Path) -> None:
    found = compare_labels(str(pred), None, "[abd]", one_per_photo=False)
    assert (found.by, found.missing, found.unnamed, found.n_left_out) == ("rule", ("c.jpg",), (), 1)


def test_contradictions_are_an_error_that_names_the_lines(pred: Path) -> None:
    with pytest.raises(PyfaceError, match=r"line 3 gives photo 'a\.jpg' another person than a line before$"):
        against(pred, "photo,person\na.jpg,x\na.jpg,y\n")
    many = "".join(f"{i},x\n{i},y\n" for i in range(14))
    message = r"line 3 gives .*; so do, for others, lines 5, 7, 9, 11, 13, 15, 17, 19, 21, 23 and 3 more$"
    with pytest.raises(PyfaceError, match=message):
        against(pred, "face_id,person\n" + many)
    with pytest.raises(PyfaceError, match="line 3 gives face_id '0' another person"):
        against(pred, "face_id,person\n0,x\n0,\n")


def test_ten_names_are_listed() -> None:
    assert listed([]) == ""
    assert listed(list(range(10))) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert listed(list(range(2011))) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2,001 more"


def test_a_rule_that_finds_no_character_finds_nobody(pred: Path) -> None:
    found = compare_labels(str(pred), None, r"^([ab]?)", one_per_photo=False)
    assert (found.labels_true, found.n_left_out, found.missing) == (["a", "b", "b"], 2, ("c.jpg", "d.jpg"))
    with pytest.raises(PyfaceError, match=r"none has a known person; check the rule or the file; PRED has 'a\.jpg'"):
        compare_labels(str(pred), None, "", one_per_photo=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("photo,person\na.jpg,Smith, Ann\nb.jpg,Smith, Bob\n", "line 2 has more fields than the header; .* quotes"),
        ("photo,person,person\na.jpg,x,y\n", "names the column 'person' more than once"),
        ("photo,person\n", "names nobody; it needs a header with 'person'"),
        ("photo,person\nz.jpg,x\n", "PRED has 'a.jpg', and TRUTH names 'z.jpg'"),
    ],
)
def test_tables_that_would_mislead(pred: Path, text: str, message: str) -> None:
    with pytest.raises(PyfaceError, match=message):
        against(pred, text)


def test_a_comma_at_the_end_of_a_line_is_no_field(pred: Path) -> None:
    assert against(pred, "photo,person\na.jpg,x,\n").labels_true == ["x"]
