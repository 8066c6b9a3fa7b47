"""Names of files as they are written: whole letters, and bytes that are no text."""

from __future__ import annotations

import json
import os
import unicodedata

import pytest

pytest.importorskip("PIL", reason="the extra 'models' is not installed")

from pyface.photos.names import as_utf8, shortened
from pyface.pictures.face_files import stem_of

posix_only = pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX systems alone")
FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f466"


@pytest.mark.parametrize(
    "letter", ["a", "é", "顔", "\U0001f600", unicodedata.normalize("NFD", "ế"), FAMILY, "\U0001f44d\U0001f3fd", "กี"]
)
@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_a_long_name_is_cut_between_signs(letter: str, before: str) -> None:
    short = shortened(before + letter * 200, 200)
    assert 150 < len(short.encode()) <= 200
    assert (len(short) - len(before)) % len(letter) == 0
    assert short == before + letter * ((len(short) - len(before)) // len(letter))


def test_a_name_that_fits_is_kept() -> None:
    for name in ("", "a", "顔" * 66, "e\u0301", "\u0301", "ab" * 100):
        assert shortened(name, 200) == name
    assert shortened("\u0301" * 300, 200) == ""  # nothing of it can stand alone


@posix_only
def test_bytes_that_are_no_text_are_kept() -> None:
    name = os.fsdecode(b"\xff\xfe" * 120)
    assert os.fsencode(shortened(name, 200)) == b"\xff\xfe" * 100
    assert as_utf8(name) == name
    assert json.loads(json.dumps(as_utf8(name))) == name


@pytest.mark.parametrize("name", ["顔" * 70, "\u0301" * 150, "x" * 230, "é" * 120])
def test_stems_are_utf_8_and_differ(name: str) -> None:
    taken: set[str] = set()
    stems = [stem_of(f"/photos/{name}{end}.jpg", taken) for end in ("", "1", "2")]
    assert len(set(stems)) == 3
    for stem in stems:
        assert 0 < len(stem.encode()) <= 202  # a lone surrogate would be an error
