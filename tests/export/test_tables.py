"""Tables of an album against the album."""

from __future__ import annotations

import contextlib
import csv
import errno
import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("PIL.Image", reason="the extra 'models' is not installed")
pytest.importorskip("jinja2", reason="the extra 'models' is not installed")

from export.exported import BOXES, HEIGHT, WIDTH, jpeg, named, tree, write_album

from pyface.album.build import load_album
from pyface.errors import OutputFolderError
from pyface.export.albums import export_album
from pyface.report.folder import save_album

PHOTOS = {
    "a,b.jpg": (jpeg(1), [0, 1]),
    "nobody.jpg": (jpeg(2), []),
    "ü.jpg": (jpeg(3), [0, 2]),
}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = write_album(tmp_path / "out", tmp_path / "photos", PHOTOS)
    named(folder, f0='Ada "A", the 1st', f1="=Bob|x")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv(out: Path, tmp_path: Path) -> None:
    album = load_album(out)
    done = export_album(out, "csv", tmp_path / "tables")
    assert (done.n_new, done.n_people, done.left_out) == (3, 3, ())
    assert list(tree(tmp_path / "tables")) == ["faces.csv", "people.csv", "photos.csv"]
    faces = rows(tmp_path / "tables/faces.csv")
    save_album(album)
    known = rows(out / "faces.csv")
    for face, other in zip(faces, known, strict=True):
        assert {key: face[key] for key in other} == other
        x1, y1, x2, y2 = BOXES[int(face["face_id"]) % 2]
        relative = [float(face[f"rel_{key}"]) for key in ("x1", "y1", "x2", "y2")]
        np.testing.assert_allclose(relative, [x1 / WIDTH, y1 / HEIGHT, (x2 + 1) / WIDTH, (y2 + 1) / HEIGHT], atol=1e-6)
    assert rows(tmp_path / "tables/people.csv") == [
        {"cluster": "1", "person": "=Bob|x", "faces": "1", "photos": "1"},
        {"cluster": "0", "person": 'Ada "A", the 1st', "faces": "2", "photos": "2"},
        {"cluster": "2", "person": "", "faces": "1", "photos": "1"},
    ]
    assert [list(row.values()) for row in rows(tmp_path / "tables/photos.csv")] == [
        ["a,b.jpg", "120", "80", "2", 'Ada "A", the 1st|=Bob|x'],
        ["nobody.jpg", "120", "80", "0", ""],
        ["ü.jpg", "120", "80", "2", 'Ada "A", the 1st|person-0002'],
    ]
    assert album._basis.journal.exports() == [(str(tmp_path / "tables"), "csv")]


def test_json(out: Path, tmp_path: Path) -> None:
    export_album(out, "json", tmp_path / "tables")
    album = json.loads((tmp_path / "tables/album.json").read_text())
    assert [(p["cluster"], p["person"], p["faces"], p["photos"]) for p in album["people"]] == [
        (1, "=Bob|x", [1], ["a,b.jpg"]),
        (0, 'Ada "A", the 1st', [0, 2], ["a,b.jpg", "ü.jpg"]),
        (2, None, [3], ["ü.jpg"]),
    ]
    assert [(p["photo"], p["faces"], p["people"]) for p in album["photos"]] == [
        ("a,b.jpg", [0, 1], ['Ada "A", the 1st', "=Bob|x"]),
        ("nobody.jpg", [], []),
        ("ü.jpg", [2, 3], ['Ada "A", the 1st', "person-0002"]),
    ]
    first = album["faces"][0]
    assert first["box"] == [11.5, 7.5, 31.5, 27.5]
    assert first["relative_box"] == [0.1, 0.1, round(32 / 120, 6), 0.35]
    assert (first["person"], first["state"]) == ('Ada "A", the 1st', "")


def test_only_who_is_asked_for(out: Path, tmp_path: Path) -> None:
    album = load_album(out)
    album = album.hide(album.faces_of("=Bob|x"))
    for hidden, expected in ((False, ["0", "2"]), (True, ["0", "1", "2"])):
        done = export_album(album, "csv", tmp_path / "tables", named_only=True, hidden=hidden)
        assert [row["face_id"] for row in rows(tmp_path / "tables/faces.csv")] == expected
        assert "1 person without a name" in done.left_out


@pytest.mark.parametrize("has_facts", [True, False])
def test_an_album_that_cannot_be_written_is_exported(
    out: Path, tmp_path: Path, has_facts: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a disk mounted to be read. Whoever runs the tests may be allowed to write anywhere."""
    expected = sorted(tree(tmp_path / "one")) if export_album(out, "csv", tmp_path / "one") else []
    if not has_facts:
        (out / "facts.sqlite").unlink()
    connect = sqlite3.connect

    def read_only(address: str, **options: Any) -> sqlite3.Connection:
        return connect(str(address).replace("mode=rw", "mode=ro"), **options)

    def refused(path: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("sqlite3.connect", read_only)
    monkeypatch.setattr("pyface.album.facts.create_private", refused)
    before = tree(out)
    export_album(out, "csv", tmp_path / "other")
    assert sorted(tree(tmp_path / "other")) == expected
    export_album(out, "xmp", tmp_path / "sidecars", photos=tmp_path / "photos", named_only=False)
    assert tree(out) == before
    assert "'pyface forget' will not know of this export" in caplog.text


def test_an_album_in_use_is_not_exported_unnoted(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyface.album.facts.PATIENCE_SECONDS", 0.0)
    with contextlib.closing(sqlite3.connect(out / "facts.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputFolderError, match="in use"):
            export_album(out, "csv", tmp_path / "tables")
    assert not (tmp_path / "tables").exists()


def test_a_second_export_replaces_the_first(out: Path, tmp_path: Path) -> None:
    export_album(out, "csv", tmp_path / "tables")
    before = tree(tmp_path / "tables")
    export_album(out, "csv", tmp_path / "tables")
    assert tree(tmp_path / "tables") == before
    named(out, f3="Cy")
    export_album(out, "csv", tmp_path / "tables")
    assert rows(tmp_path / "tables/people.csv")[-1]["person"] == "Cy"
