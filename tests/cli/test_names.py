"""pyface name, names and forget, as a person types them."""

from __future__ import annotations

import csv
import errno
import sqlite3
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer", reason="the extra 'models' is not installed")

from album.records import two_to_a_photo, write_record
from command_line import pyface_here

import pyface
from pyface.report.folder import recluster_photos

TRUTH = [0, 1, 0, 1, 0, 2, 0, 1, 2, 1, 2, 3]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = write_record(tmp_path / "out", two_to_a_photo(TRUTH))
    recluster_photos(folder)
    return folder


def persons(out: Path) -> list[str]:
    with open(out / "faces.csv", newline="") as file:
        return [row["person"] for row in csv.DictReader(file)]


def test_name_names_and_undo(out: Path) -> None:
    done = pyface_here("name", out, 0, "Ada")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "0 is Ada now (4 faces)\n"
    assert persons(out) == ["Ada", "", "Ada", "", "Ada", "", "Ada", "", "", "", "", ""]
    assert pyface_here("name", out, "Ada", "Zoë").returncode == 0
    assert pyface_here("name", out, 1, "bob").returncode == 0
    done = pyface_here("names", out)
    assert done.stdout == "1\t4\tbob\n0\t4\tZoë\n"
    assert done.stderr == "2 people with a name; 2 people without one\n"
    done = pyface_here("names", out, "--undo")
    assert done.stdout == "0\t4\tZoë\n"
    assert "bob" not in persons(out)
    assert pyface_here("name", out, "Zoë", "--remove").stderr == "Zoë has no name any more (4 faces)\n"
    assert set(persons(out)) == {""}


def test_a_name_that_is_taken_asks(out: Path) -> None:
    pyface_here("name", out, 0, "Ada")
    done = pyface_here("name", out, 1, "Ada")
    assert done.returncode != 0
    assert "person 0 is called 'Ada' already" in done.stderr
    assert "--another" in done.stderr
    assert pyface_here("name", out, 1, "Ada", "--same").returncode == 0
    assert persons(out).count("Ada") == 8
    assert pyface_here("names", out).stdout == "0\t8\tAda\n"


def test_names_are_listed_where_nothing_can_be_written(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyface_here("name", out, 0, "Ada")
    before = {path: path.read_bytes() for path in out.iterdir()}
    connect = sqlite3.connect

    def read_only(address: str, **options: Any) -> sqlite3.Connection:
        return connect(str(address).replace("mode=rw", "mode=ro"), **options)

    monkeypatch.setattr("sqlite3.connect", read_only)
    assert pyface_here("names", out).stdout == "0\t4\tAda\n"
    done = pyface_here("names", out, "--undo")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_on_a_full_disk_it_is_said_what_is_kept(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ("faces.csv", "report.html", "summary.json")
    before = {name: (out / name).read_bytes() for name in files}

    def full(*_: object, **__: object) -> tuple[int, str]:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pyface.album.out_folder.tempfile.mkstemp", full)
        done = pyface_here("name", out, 0, "Ada")
        assert done.returncode == 1
        assert done.stderr.splitlines()[1:] == [
            "this is kept, and the other files do not have it yet: when they can be written, 'pyface recluster "
            f"{out}' with the options that OUT was made with writes them anew",
            f"pyface: {out}: the disk is full; make space first, or choose another folder",
        ]
        done = pyface_here("recluster", out)
        assert done.stderr == f"pyface: {out}: the disk is full; make space first, or choose another folder\n"
    assert {name: (out / name).read_bytes() for name in files} == before
    assert pyface_here("recluster", out).returncode == 0
    assert persons(out).count("Ada") == 4


def test_two_people_of_one_name_are_two_people(out: Path) -> None:
    for number, options in ((0, ()), (1, ("--another",)), (2, ())):
        assert pyface_here("name", out, number, "Bill" if number < 2 else "Ada", *options).returncode == 0
    assert pyface_here("names", out).stderr == "3 people with a name; 1 person without one\n"


def test_undo_says_what_was_taken_back(out: Path) -> None:
    pyface_here("name", out, 0, "Ada")
    pyface_here("name", out, 1, "Ada", "--same")
    album = pyface.load_album(out)
    album = album.different([5], [11]).hide([5, 8]).show([8]).nobody([3]).unname("Ada")
    for told in (
        "that 8 faces have no name", "that 1 face belongs to nobody", "that 2 faces are shown",
        "that the people of 2 faces are hidden", "that 1 face and 1 other are different people",
        "that 8 faces are one person, the name Ada of 8 faces", "the name Ada of 4 faces",
    ):  # fmt: skip
        done = pyface_here("names", out, "--undo")
        assert done.stderr.startswith(f"taken back: {told}\n"), done.stderr
    assert pyface_here("names", out, "--undo").returncode == 2


def test_an_answer_before_it_can_be_overruled(out: Path) -> None:
    pyface_here("name", out, 0, "Ada")
    pyface.load_album(out).different([0], [1])
    done = pyface_here("name", out, 1, "Ada", "--same")
    assert done.returncode == 1
    assert "(--overrule)" in done.stderr
    done = pyface_here("name", out, 1, "Ada", "--same", "--overrule")
    assert done.returncode == 0, done.stderr
    assert pyface_here("names", out).stdout == "0\t8\tAda\n"
    done = pyface_here("name", out, "Ada", "--remove", "--overrule")
    assert (done.returncode, done.stderr.count("--remove")) == (2, 1)


def test_wrong_names_are_refused_in_one_line(out: Path) -> None:
    for arguments, message in (
        ((0, "a\nb"), "control character"),
        ((0, ""), "name is empty"),
        ((0, "12"), "'12' is a number"),
        ((0,), "give either a NAME or --remove"),
        ((0, "Ada", "--remove"), "give either a NAME or --remove"),
        ((9, "Ada"), "nobody has the number 9"),
        (("Cleo", "Ada"), "nobody is called 'Cleo'"),
    ):
        done = pyface_here("name", out, *arguments)
        assert done.returncode != 0
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (out / "facts.sqlite").exists()


def test_an_empty_person_is_nobody(out: Path) -> None:
    before = (out / "work.sqlite").read_bytes()
    for arguments in (("forget", out, "--person", ""), ("name", out, " ", "Ada"), ("name", out, "", "--remove")):
        done = pyface_here(*arguments)
        assert done.returncode == 2
        assert done.stderr == "pyface: person is empty; give the number of one person, or the name that it has\n"
    assert (out / "work.sqlite").read_bytes() == before
    assert not (out / "facts.sqlite").exists()


def called_by_digits(out: Path, number: int, name: str) -> None:
    """As an older version took names."""
    album = pyface.load_album(out)
    basis = album._basis
    assert basis is not None
    basis.journal.add("name", [basis.keys[face] for face in album.faces_of(number)], name=name)


def test_digits_that_are_a_number_and_a_name_are_not_guessed_at(out: Path) -> None:
    called_by_digits(out, 0, "3")
    before = (out / "facts.sqlite").read_bytes()
    for arguments in (("forget", out, "--person", 3), ("name", out, 3, "Ada"), ("name", out, 3, "--remove")):
        done = pyface_here(*arguments)
        assert done.returncode == 2
        assert done.stderr == (
            "pyface: person: 3 is the number of one person and the name of another; give that one another name by "
            "number first: pyface name OUT 0 NAME\n"
        )
    assert (out / "facts.sqlite").read_bytes() == before
    assert pyface_here("name", out, 0, "Ada").returncode == 0  # the way out
    assert pyface_here("forget", out, "--person", 3).stderr.startswith("forgotten: person 3, 1 face; 11 faces left\n")


def test_digits_that_are_a_name_alone_are_that_name(out: Path) -> None:
    called_by_digits(out, 0, "77")
    called_by_digits(out, 1, "1")  # its own number
    assert pyface_here("forget", out, "--person", 77).stderr.startswith("forgotten: person 0 (77), 4 faces; 8 faces")
    assert pyface_here("forget", out, "--person", 1).stderr.startswith("forgotten: person 1 (1), 4 faces; 4 faces")
    assert "nobody has the number 8" in pyface_here("forget", out, "--person", 8).stderr


def test_forget(out: Path) -> None:
    pyface_here("name", out, 0, "Ada")
    done = pyface_here("forget", out, "--person", "Ada")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "forgotten: person 0 (Ada), 4 faces; 8 faces left", "the disk and backups of it may keep old blocks",
    ]  # fmt: skip
    assert len(persons(out)) == 8
    assert pyface_here("forget", out, "--face", 0, "--photo", "000.jpg").returncode != 0
    assert "none named 'x.jpg'" in pyface_here("forget", out, "--photo", "x.jpg").stderr
    assert "1 photo" in pyface_here("forget", out, "--photo", "000.jpg").stderr


def test_forget_a_photo_by_the_path_of_its_file(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "somewhere" / "else.jpg"
    path.parent.mkdir()
    path.write_bytes(b"001.jpg")  # in the record the digest of a photo is that of its name
    done = pyface_here("forget", out, "--photo", path)
    assert done.stderr.startswith("forgotten: photo 001.jpg, 2 faces, 1 photo; 10 faces left\n"), done.stderr
    path.write_bytes(b"another one")
    assert "none named" in pyface_here("forget", out, "--photo", path).stderr


def test_no_album(tmp_path: Path) -> None:
    for arguments in (
        ("name", tmp_path / "no", 0, "Ada"),
        ("names", tmp_path / "no"),
        ("forget", tmp_path / "no", "--face", 0),
    ):
        done = pyface_here(*arguments)
        assert done.returncode != 0
        assert "does not exist; name a folder that 'pyface cluster' wrote" in done.stderr
