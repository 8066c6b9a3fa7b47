"""Folders as people have them: tidied up, copied, begun again, with things in them that were forgotten."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import photo_sets
import pytest
from made_up_models import ByColour, FivePoints, OneFace

import pyface
from pyface.album.album import Album
from pyface.album.facts import FILE_NAME as FACTS_FILE
from pyface.album.facts import Journal
from pyface.errors import NoPhotosError

pytest.importorskip("PIL", reason="the extra 'models' is not installed")
pytest.importorskip("cv2", reason="the extra 'models' is not installed")

COLOURS = {"a.png": 0, "b.png": 100, "sub/c.png": 200, "sub/d.png": 203}


def picture(folder: Path, name: str, colour: int) -> None:
    photo_sets.save(folder / name, np.full((40, 40, 3), colour, np.uint8))


def cluster(photos: Path, out: Path | None, **options: Any) -> tuple[Album, int]:
    """The album, and how many photos were looked at."""
    searched: list[int] = []
    album = pyface.cluster_photos(
        photos, out=out, detector=OneFace(lambda image: searched.append(1)), landmarks=FivePoints(),
        embedder=ByColour(), min_quality=0, n_threads=1, **options,
    )  # fmt: skip
    return album, len(searched)


def colours(album: Album) -> dict[str, int]:
    """Photo -> colour of its face."""
    return {entry.photo: int(row[0]) for entry, row in zip(album.faces, album.embeddings, strict=True)}


def numbers(out: Path) -> dict[str, int]:
    with open(out / "faces.csv", newline="") as file:
        return {row["photo"]: int(row["cluster"]) for row in csv.DictReader(file)}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name, colour in COLOURS.items():
        picture(tmp_path / "photos", name, colour)
    return tmp_path / "photos"


@pytest.fixture
def out(photos: Path, tmp_path: Path) -> Path:
    assert cluster(photos, tmp_path / "out")[1] == 4
    return tmp_path / "out"


def tidy_up(photos: Path) -> None:
    """Rename, move, swap, copy; and replace a photo by another one."""
    (photos / "2020").mkdir()
    (photos / "sub" / "c.png").rename(photos / "2020" / "c2.png")
    (photos / "a.png").rename(photos / "x")
    (photos / "b.png").rename(photos / "a.png")
    (photos / "x").rename(photos / "b.png")
    shutil.copy(photos / "sub" / "d.png", photos / "copy.png")


def test_a_folder_that_was_tidied_up_is_known(photos: Path, out: Path, tmp_path: Path) -> None:
    thumbnails = {entry.photo: pyface.load_album(out).thumbnails([i])[0]
                  for i, entry in enumerate(pyface.load_album(out).faces)}  # fmt: skip
    tidy_up(photos)
    moved = Path(shutil.move(photos, tmp_path / "archive"))
    album, n_searched = cluster(moved, out)
    assert n_searched == 0
    assert colours(album) == {"2020/c2.png": 200, "a.png": 100, "b.png": 0, "copy.png": 203, "sub/d.png": 203}
    fresh, _ = cluster(moved, tmp_path / "fresh")
    assert (out / "faces.csv").read_bytes() == (tmp_path / "fresh" / "faces.csv").read_bytes()
    assert album.thumbnails(range(5)) == fresh.thumbnails(range(5))
    assert thumbnails["sub/c.png"] == album.thumbnails([0])[0]
    assert cluster(moved, out)[1] == 0


def test_people_keep_their_numbers_when_their_photos_move(photos: Path, out: Path) -> None:
    before = numbers(out)
    assert sorted(before.values()) == [0, 0, 1, 2]
    # Two more of one who had the number 2: by size it would be 0 now.
    for i in range(2):
        picture(photos, f"new{i}.png", 101 + i)
    tidy_up(photos)
    album, n_searched = cluster(photos, out, add=True)
    assert n_searched == 2
    after = numbers(out)
    assert after == {
        "2020/c2.png": before["sub/c.png"], "a.png": before["b.png"], "b.png": before["a.png"],
        "copy.png": before["sub/d.png"], "sub/d.png": before["sub/d.png"], "new0.png": before["b.png"],
        "new1.png": before["b.png"],
    }  # fmt: skip
    assert colours(album)["a.png"] == 100
    assert cluster(photos, out, add=True)[1] == 0
    assert numbers(out) == after


def test_names_move_with_their_photos(photos: Path, out: Path) -> None:
    pyface.save_album(pyface.load_album(out).name(numbers(out)["a.png"], "Ada"))
    tidy_up(photos)
    album, _ = cluster(photos, out)
    assert {entry.photo for entry, person in zip(album.faces, album.persons, strict=True) if person} == {"b.png"}


def test_a_photo_that_was_moved_and_edited_is_looked_at(photos: Path, out: Path) -> None:
    (photos / "a.png").unlink()
    picture(photos, "sub/a.png", 50)
    album, n_searched = cluster(photos, out)
    assert n_searched == 1
    assert colours(album) == {"b.png": 100, "sub/a.png": 50, "sub/c.png": 200, "sub/d.png": 203}


def test_an_addition_from_another_folder_changes_no_name(out: Path, tmp_path: Path) -> None:
    for name, colour in (("z.png", 0), ("a.png", 100), ("b.png", 150), ("q.png", 203)):
        picture(tmp_path / "card", name, colour)
    before = numbers(out)
    album, n_searched = cluster(tmp_path / "card", out, add=True)
    assert n_searched == 1
    assert colours(album) == {**COLOURS, "card/b.png": 150}
    assert {name: n for name, n in numbers(out).items() if name in before} == before
    files = (out / "faces.csv").read_bytes()
    assert cluster(tmp_path / "card", out, add=True)[1] == 0
    assert (out / "faces.csv").read_bytes() == files


def test_a_run_that_was_stopped_while_it_added_namesakes_goes_on(out: Path, tmp_path: Path) -> None:
    for i, name in enumerate(COLOURS):
        picture(tmp_path / "card", name, 20 + 10 * i)

    class StopError(Exception):
        pass

    def stop(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("photos", 2):
            raise StopError

    with pytest.raises(StopError):
        cluster(tmp_path / "card", out, add=True, progress=stop)
    album, _ = cluster(tmp_path / "card", out, add=True)
    assert colours(album) == COLOURS | {f"card/{name}": 20 + 10 * i for i, name in enumerate(COLOURS)}


def test_what_is_left_out_stays_listed(photos: Path, out: Path, tmp_path: Path) -> None:
    picture(photos, "@eaDir/a.png", 1)
    album, _ = cluster(photos, out, exclude=["b.*"])
    assert {item.path: item.reason for item in album.left_out} == {
        "@eaDir/": "@eaDir: thumbnails of a NAS", "b.png": "--exclude b.*",
    }  # fmt: skip
    assert set(colours(album)) == {"a.png", "sub/c.png", "sub/d.png"}
    assert pyface.load_album(out).left_out == album.left_out
    picture(tmp_path / "card", "#recycle/x.png", 1)
    added, _ = cluster(tmp_path / "card", out, add=True)
    assert [item.path for item in added.left_out] == ["@eaDir/", "b.png", "#recycle/"]
    assert cluster(photos, None)[0].left_out[0].path == "@eaDir/"
    with pytest.raises(ValueError, match=r"exclude \(--exclude\): '' is no pattern: it names nothing"):
        cluster(photos, out, exclude=["a", ""])
    with pytest.raises(TypeError, match=r"exclude .* must be a list of patterns"):
        cluster(photos, out, exclude="*.png")


def forget(out: Path, photo: str, *boxes: tuple[float, ...]) -> None:
    """Write tombstones for a photo, or for faces of it, and leave the rest as it is."""
    digest = next(digest for name, digest in _digests(out) if name == photo)
    with Journal(str(out / FACTS_FILE)).opened(write=True) as facts:
        assert facts is not None
        facts.executemany("INSERT INTO forgotten VALUES (?, ?, ?, ?, ?)", [
            (digest, *box) for box in boxes or [(None,) * 4]
        ])  # fmt: skip


def _digests(out: Path) -> list[tuple[str, bytes]]:
    with sqlite3.connect(out / "work.sqlite") as record:
        return [(os.fsdecode(name), digest) for name, digest in record.execute("SELECT name, digest FROM photos")]


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("is_fresh", [False, True])
def test_a_forgotten_photo_is_passed_over(photos: Path, out: Path, add: bool, is_fresh: bool) -> None:
    """Also where the record, brought back from a copy, knows it, and whatever it is called now."""
    forget(out, "b.png")
    if is_fresh:
        (out / "work.sqlite").unlink()
        (out / "summary.json").unlink()
        album, n_searched = cluster(photos, out, add=add)
        assert n_searched == 3
    else:
        (photos / "b.png").rename(photos / "sub" / "b2.png")
        album, n_searched = cluster(photos, out, add=add)
        assert n_searched == 0
    assert set(colours(album)) == set(COLOURS) - {"b.png"}
    (item,) = album.skipped
    assert item.reason == "forgotten; --allow-again takes it back"
    assert json.loads((out / "summary.json").read_text())["counts"]["photos"] == 3
    back, n_searched = cluster(photos, out, add=add, allow_again=True)
    assert n_searched == 1
    assert sorted(colours(back).values()) == sorted(COLOURS.values())
    assert back.skipped == ()
    again, n_searched = cluster(photos, out, add=add)  # taken back for good
    assert (n_searched, len(again.faces)) == (0, 4)


@pytest.mark.parametrize("overlap", [0.55, 0.45])
def test_a_forgotten_face_does_not_come_back(photos: Path, out: Path, tmp_path: Path, overlap: float) -> None:
    box = (10.0, 10.0, 10 + 20 * overlap, 30.0)  # of the face from 10 to 30
    forget(out, "b.png", box)
    (photos / "b.png").rename(photos / "e.png")
    album, n_searched = cluster(photos, out)
    is_gone = overlap > 0.5
    assert n_searched == 0
    assert ("e.png" in colours(album)) is not is_gone
    assert "e.png" in {photo.name for photo in album.photos}
    (out / "work.sqlite").unlink()
    fresh, n_searched = cluster(photos, out)
    assert n_searched == 4
    assert colours(fresh) == colours(album)
    if is_gone:
        back, n_searched = cluster(photos, out, allow_again=True)
        assert (n_searched, len(back.faces)) == (1, 4)
        assert Journal(str(out / FACTS_FILE)).forgotten() == {}


def test_what_another_folder_has_forgotten_stays_so(photos: Path, out: Path, tmp_path: Path) -> None:
    forget(out, "b.png")
    forget(out, "a.png", (10.0, 10.0, 30.0, 30.0))
    picture(tmp_path / "card", "b2.png", 100)
    album, _ = cluster(tmp_path / "card", out, add=True, allow_again=True)
    assert sum(colour == 100 for colour in colours(album).values()) == 1
    (left,) = Journal(str(out / FACTS_FILE)).forgotten().values()
    assert left == [(10.0, 10.0, 30.0, 30.0)]


def test_a_folder_of_nothing_but_forgotten_photos(photos: Path, out: Path) -> None:
    for name in COLOURS:
        forget(out, name)
    (out / "work.sqlite").unlink()
    with pytest.raises(NoPhotosError, match="all of its photos are forgotten"):
        cluster(photos, out)
