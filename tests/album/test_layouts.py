"""Records that commits before wrote, and what becomes of them."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path

import numpy as np
import photo_sets
import pytest
from numpy.testing import assert_array_equal

import pyface
from pyface.album import layout
from pyface.album.facts import Journal
from pyface.album.work import FILE_NAME, WorkFile, last_models
from pyface.errors import OutputFolderError
from pyface.report.folder import recluster_photos


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """What ``pyface cluster`` left in layout 2: six faces of three people, who got the numbers 5, 1 and 9."""
    folder = tmp_path / "out"
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(folder / FILE_NAME)) as db:
        db.executescript((Path(__file__).parent / "record_v2.sql").read_text())
    return folder


def version(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as db:
        (number,) = db.execute("PRAGMA user_version").fetchone()
    return int(number)


def test_an_older_record_is_moved_up_and_a_copy_kept(out: Path) -> None:
    before = (out / FILE_NAME).read_bytes()
    with contextlib.closing(WorkFile(str(out / FILE_NAME), keep=True)) as work:
        assert_array_equal(work.people()[0], [5, 1, 5, 1, 5, 9])
        assert np.isnan(work.faces().sharpness).all() and len(work.faces().photos) == 6
        assert work.thumbnail("1.jpg", 1) == b"thumbnail 3"
    assert version(out / FILE_NAME) == layout.VERSION
    copy = out / f"{FILE_NAME}.v2"
    assert version(copy) == 2
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with contextlib.closing(sqlite3.connect(copy)) as one, contextlib.closing(sqlite3.connect(":memory:")) as other:
        other.deserialize(before)
        assert list(one.iterdump()) == list(other.iterdump())


def test_a_record_moved_up_is_as_one_made_now(out: Path) -> None:
    with contextlib.closing(WorkFile(str(out / FILE_NAME), keep=True)):
        pass
    with contextlib.closing(sqlite3.connect(out / FILE_NAME)) as moved, contextlib.closing(WorkFile(None)) as made:
        for table in ("photos", "faces", "people", "skipped", "run", "grouping"):
            query = f"SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('{table}')"
            assert moved.execute(query).fetchall() == made._db.execute(query).fetchall()


def test_its_models_are_known_before_it_is_moved(out: Path) -> None:
    assert last_models(str(out / FILE_NAME))[1] == {"yunet": "1", "sface": "2"}
    assert version(out / FILE_NAME) == 2


def test_it_is_grouped_anew_and_takes_names(out: Path) -> None:
    album = recluster_photos(out)
    assert {frozenset(rows.tolist()) for rows in album.people()} == {
        frozenset((0, 2, 4)), frozenset((1, 3)), frozenset((5,)),
    }  # fmt: skip
    named = album.name(0, "Ada")
    pyface.save_album(named)
    assert pyface.load_album(out).persons == ("Ada", "", "Ada", "", "Ada", "")


def test_before_it_is_grouped_there_are_no_people_to_load(out: Path) -> None:
    with pytest.raises(OutputFolderError, match="holds no people yet; run 'pyface recluster'"):
        pyface.load_album(out)


def test_a_disk_that_is_full_leaves_it_as_it_was(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (out / FILE_NAME).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyface.album.database.os.replace", full)
    with pytest.raises(OutputFolderError, match="the disk is full"):
        WorkFile(str(out / FILE_NAME), keep=True)
    assert (out / FILE_NAME).read_bytes() == before
    assert sorted(path.name for path in out.iterdir()) == [FILE_NAME]


@pytest.mark.parametrize("layout_of_it", [layout.VERSION + 1, 99])
def test_a_record_of_a_newer_version_is_refused_and_left_alone(out: Path, layout_of_it: int) -> None:
    recluster_photos(out)
    with contextlib.closing(sqlite3.connect(out / FILE_NAME)) as db:
        db.execute(f"PRAGMA user_version = {layout_of_it}")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    photos = out.parent / "photos"
    photo_sets.two_people(photos)
    for use in (
        lambda: pyface.cluster_photos(photos, out=out),
        lambda: pyface.cluster_photos(photos, out=out, add=True),
        lambda: recluster_photos(out), lambda: pyface.load_album(out), lambda: WorkFile(str(out / FILE_NAME)),
    ):  # fmt: skip
        with pytest.raises(
            OutputFolderError, match=rf"newer version of pyface \(layout {layout_of_it},.* update pyface"
        ):
            use()
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_record_of_no_known_layout_is_thrown_away_and_facts_are_not(out: Path) -> None:
    album = recluster_photos(out).name(0, "Ada")
    with contextlib.closing(sqlite3.connect(out / FILE_NAME)) as db:
        db.execute("PRAGMA user_version = 1")
    before = (out / "facts.sqlite").read_bytes()
    with pytest.raises(OutputFolderError, match=r"incompatible, older version of pyface \(layout 1\)"):
        recluster_photos(out)
    with contextlib.closing(WorkFile(str(out / FILE_NAME))) as work:
        assert work.photos() == []
    assert (out / "facts.sqlite").read_bytes() == before
    assert len(Journal(str(out / "facts.sqlite")).facts()) == 1
    assert album.persons[0] == "Ada"
