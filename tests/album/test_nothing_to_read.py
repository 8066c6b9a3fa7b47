"""A folder of which no photo can be read, because it is empty by mistake or away, costs nothing that is known."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")

import photo_sets
from made_up_models import ByColour, FivePoints, OneFace

import pyface
from pyface.errors import NoPhotosError

MADE_UP = {"detector": OneFace(), "landmarks": FivePoints(), "embedder": ByColour()}
NAMES = ["a.png", "b.png"]


def cluster(photos: Path, out: Path | None, **options: object) -> pyface.album.album.Album:
    return pyface.cluster_photos(photos, out=out, **{**MADE_UP, **options})


def everything(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def damaged(folder: Path) -> Path:
    """The photos of the album, all of them files that are none now."""
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text("this is no photo\n")
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    for i, name in enumerate(NAMES):
        photo_sets.save(tmp_path / "photos" / name, photo_sets.astronaut()[i : i + 90, :90])
    cluster(tmp_path / "photos", tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.parametrize("options", [{}, {"again": True}, {"threshold": 1.0}, {"max_side": 640}])
def test_an_album_stays_as_it_was(out: Path, empty: Path, tmp_path: Path, options: dict[str, object]) -> None:
    before = everything(out)
    with pytest.raises(NoPhotosError, match=rf"{empty}: there is no photo in it; {out} stays as it was"):
        cluster(empty, out, **options)
    assert everything(out) == before
    with pytest.raises(NoPhotosError, match=r"none of the files could be read; .* stays as it was") as told:
        cluster(damaged(tmp_path / "bad"), out, **options)
    assert [item.photo for item in told.value.skipped] == ["a.png", "b.png", "gone.jpg"]
    assert told.value.skipped[0].reason == "not an image in a format that can be read"
    assert everything(out) == before


def test_a_first_run_leaves_nothing(empty: Path, tmp_path: Path) -> None:
    bad = damaged(tmp_path / "bad")
    for folder in (empty, bad):
        for add in (False, True):
            with pytest.raises(NoPhotosError) as told:
                cluster(folder, tmp_path / "new", add=add)
            assert "as it was" not in str(told.value)
            assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    for folder in (empty, bad):
        with pytest.raises(NoPhotosError):
            cluster(folder, tmp_path / "mine")
    assert not list((tmp_path / "mine").iterdir())


def test_without_out_it_is_an_album_of_nothing(empty: Path, tmp_path: Path) -> None:
    assert (len(cluster(empty, None).faces), cluster(empty, None).people()) == (0, [])
    album = cluster(damaged(tmp_path / "bad"), None)
    assert (album.photos, [item.photo for item in album.skipped]) == ((), ["a.png", "b.png", "gone.jpg"])


def test_one_photo_that_can_be_read_makes_a_run(out: Path, tmp_path: Path) -> None:
    for name in (NAMES[0], "z.png"):  # known; and new, after others that cannot be read
        folder = damaged(tmp_path / f"with {name}")
        (folder / name).unlink(missing_ok=True)
        source = tmp_path / "photos" / NAMES[0]
        os.link(source, folder / name)
        copy = Path(shutil.copytree(out, tmp_path / f"out {name}"))
        album = cluster(folder, copy)
        assert [photo.name for photo in album.photos] == [name]
        assert [item.photo for item in album.skipped] == sorted({*NAMES, "gone.jpg"} - {name})


def test_the_error_reaches_other_processes_whole(empty: Path, tmp_path: Path) -> None:
    with pytest.raises(NoPhotosError) as told:
        cluster(damaged(tmp_path / "bad"), tmp_path / "out")
    again = pickle.loads(pickle.dumps(told.value))
    assert (str(again), again.skipped) == (str(told.value), told.value.skipped)
