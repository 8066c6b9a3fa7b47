"""Names as one component of a path that every common file system takes."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyface.export.path_names import LONGEST, Taken, safe_component, safe_file_name

FORBIDDEN = set('/\\:*?"<>|') | {chr(code) for code in range(32)} | {"\x7f"}
DEVICES = {"con", "prn", "aux", "nul", *(f"com{i}" for i in range(10)), *(f"lpt{i}" for i in range(10))}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada", "Ada"),
        ("Zoë", "Zoë"),
        ("Zoe\u0308", "Zoë"),
        ("Dr. Ada Lovelace", "Dr. Ada Lovelace"),
        ("a/b\\c:d", "a_b_c_d"),
        ("..", "_"),
        (".", "_"),
        ("...", "_"),
        ("../../etc/passwd", "___.._etc_passwd"),
        (".hidden", "_hidden"),
        ("Anna.", "Anna_"),
        ("Anna. ", "Anna_"),
        (" Anna ", "Anna"),
        ("con", "_con"),
        ("CON.txt", "_CON.txt"),
        ("COM1", "_COM1"),
        ("lpt¹", "_lpt¹"),
        ("con .x", "_con .x"),
        ("console", "console"),
        ("a\nb\x00c", "a_b_c"),
        ("\u202eevil", "_evil"),
        ("\ud800", "_"),
        ("", "_"),
        ("👩‍👧", "👩‍👧"),
    ],
)
def test_names(name: str, expected: str) -> None:
    assert safe_component(name) == expected


@given(st.text(max_size=300))
def test_every_name_is_one_component(name: str) -> None:
    safe = safe_component(name)
    assert safe
    assert not set(safe) & FORBIDDEN
    assert not safe.startswith(".")
    assert not safe.endswith((".", " "))
    assert safe == safe.strip()
    assert safe.split(".")[0].rstrip().lower() not in DEVICES
    assert len(os.fsencode(safe)) <= LONGEST
    assert safe_component(safe) == safe
    assert os.path.basename(safe) == safe


@given(st.lists(st.text(max_size=40), max_size=30))
def test_no_two_names_are_one_where_case_and_accents_do_not_count(names: list[str]) -> None:
    taken = Taken()
    got = [taken.take(safe_component(name)) for name in names]
    keys = {unicodedata.normalize("NFD", name).casefold() for name in got}
    assert len(keys) == len(names)
    again = Taken()
    assert [again.take(safe_component(name)) for name in names] == got


def test_the_second_of_a_name_is_numbered() -> None:
    taken = Taken("summary.json")
    assert [taken.take(name) for name in ("Ada", "ada", "ADA~2", "Dr. No", "dr. no", "Summary.JSON")] == [
        "Ada", "ada~2", "ADA~2~2", "Dr. No", "dr. no~2", "Summary.JSON~2",
    ]  # fmt: skip
    assert [taken.take("img", ".jpg"), taken.take("IMG", ".JPG")] == ["img.jpg", "IMG~2.JPG"]


def test_names_of_photos_keep_their_suffix() -> None:
    assert safe_file_name("IMG 1.JPG") == "IMG 1.JPG"
    assert safe_file_name("a" * 300 + ".jpeg").endswith("a.jpeg")
    assert safe_file_name("a:b?.jpg") == "a_b_.jpg"
    assert safe_file_name("aux.png") == "_aux.png"
    assert safe_file_name("\udcff.jpg") == "photo.jpg"


@given(st.text(max_size=100))
def test_a_folder_of_that_name_can_be_made(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder: Path = tmp_path_factory.getbasetemp() / "names"
    (folder / safe_component(name)).mkdir(parents=True, exist_ok=True)
    assert safe_component(name) in os.listdir(folder)
