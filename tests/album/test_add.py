"""Photos added to an album: grouped with the old ones, under numbers that survive."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import photo_sets
import pytest
from album.albums import contents, damage, partition, people, split
from numpy.testing import assert_array_equal

pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")

import pyface
from pyface.album import run
from pyface.album.album import Album
from pyface.errors import OutputFolderError
from pyface.report.folder import recluster_photos


@pytest.mark.parametrize("add_all", [False, True])
def test_added_photos_are_grouped_as_all_at_once(photos: Path, tmp_path: Path, add_all: bool) -> None:
    (tmp_path / "all").mkdir()
    everything = Path(shutil.copytree(photos, tmp_path / "all" / "photos", symlinks=True, copy_function=os.link))
    (everything / "gone.jpg").unlink()
    first, second = split(everything, tmp_path, {"h1.jpg", "h2.webp", "a4.jpg", "none.png"})
    out = tmp_path / "out"
    pyface.cluster_photos(first, out=out)
    before = people(out)
    assert before[("h1.jpg", next(x for photo, x in before if photo == "h1.jpg"))] == 0  # Hopper is seen more often

    counts: list[int] = []
    album = pyface.cluster_photos(
        everything if add_all else second,
        out=out,
        add=True,
        progress=lambda stage, _, total: counts.append(total) if stage == "photos" else None,
    )
    assert counts[-1] == 5  # four photos and one that is none
    whole = pyface.cluster_photos(everything, out=tmp_path / "whole")
    after = people(out)
    assert partition(after) == partition(people(tmp_path / "whole"))
    assert_array_equal(album.embeddings, whole.embeddings)
    assert all(after[face] == number for face, number in before.items())
    assert {item.photo for item in album.skipped} == {"text.jpg"}
    assert json.loads((out / "summary.json").read_text())["counts"]["photos"] == 8
    assert "People in first" in (out / "report.html").read_text()
    # By size again, and the same to the byte, without it.
    pyface.cluster_photos(everything, out=out)
    assert (out / "faces.csv").read_bytes() == (tmp_path / "whole" / "faces.csv").read_bytes()


def test_new_people_get_new_numbers_and_gaps_stay(photos: Path, tmp_path: Path) -> None:
    first, second = split(photos, tmp_path, {"h1.jpg", "h2.webp"})
    out = tmp_path / "out"
    pyface.cluster_photos(first, out=out, threshold=1e-12)
    assert sorted(people(out).values()) == [0, 1]
    # Joined now: the first of two equal ones survives, and 1 is given up; who is new comes after both.
    album = pyface.cluster_photos(second, out=out, add=True)
    numbers = people(out)
    assert {n for (photo, _), n in numbers.items() if photo.startswith("h")} == {0}
    assert {n for (photo, _), n in numbers.items() if photo.startswith(("a", "sub/a"))} == {2}
    assert album.n_people == 2
    assert [rows.tolist() for rows in album.people()] == [
        np.flatnonzero(album.labels == 0).tolist(), np.flatnonzero(album.labels == 2).tolist(),
    ]  # fmt: skip
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["counts"]["people"], summary["counts"]["people_seen_once"]) == (2, 0)
    page = (out / "report.html").read_text()
    assert 'id="person-2"' in page
    assert 'id="person-1"' not in page
    assert "2 people" in page


def test_adding_nothing_changes_nothing(photos: Path, out: Path, tmp_path: Path) -> None:
    before = contents(out)
    pyface.cluster_photos(photos, out=out, add=True)
    assert contents(out) == before
    (tmp_path / "nothing").mkdir()
    pyface.cluster_photos(tmp_path / "nothing", out=out, add=True)
    assert contents(out) == before


def test_adding_to_nothing_is_an_ordinary_run(photos: Path, done: Path, tmp_path: Path) -> None:
    pyface.cluster_photos(photos, out=tmp_path / "new", add=True)
    assert contents(tmp_path / "new") == contents(done)


def test_numbers_survive_a_regrouping_in_between(photos: Path, tmp_path: Path) -> None:
    first, second = split(photos, tmp_path, {"h1.jpg", "h2.webp", "a1.png"})
    pyface.cluster_photos(first, out=tmp_path / "out")
    recluster_photos(tmp_path / "out", threshold=1e-12)
    single = people(tmp_path / "out")
    pyface.cluster_photos(second, out=tmp_path / "out", add=True, threshold=1e-12)
    after = people(tmp_path / "out")
    assert {face: after[face] for face in single} == single
    assert sorted(set(after.values())) == list(range(7))  # one face is the same to the byte in two photos


def test_a_namesake_gets_a_name_of_its_own_and_nothing_is_lost(photos: Path, out: Path, tmp_path: Path) -> None:
    before = people(out)
    new = tmp_path / "new"
    for name in ("a1.png", "h1.jpg"):
        photo_sets.save(new / name, photo_sets.hopper()[::2, ::2])
    # Of the same size and not the same.
    data = bytearray((photos / "a2.jpg").read_bytes())
    data[-20] ^= 1
    (new / "a2.jpg").write_bytes(data)
    album = pyface.cluster_photos(new, out=out, add=True)
    added = {photo.name for photo in album.photos if photo.name.startswith("new/")}
    assert added == {"new/a1.png", "new/h1.jpg", "new/a2.jpg"}
    after = people(out)
    assert {face: after[face] for face in before} == before
    assert {photo for photo, _ in after} >= added
    assert "new/h1.jpg" in (out / "report.html").read_text()
    # Again: all are known. From another folder of that name, which begins with the same numbers: not.
    done = contents(out)
    pyface.cluster_photos(new, out=out, add=True)
    assert contents(out) == done
    other = tmp_path / "other" / "new"
    photo_sets.save(other / "a1.png", photo_sets.astronaut()[::2, ::2])
    album = pyface.cluster_photos(other, out=out, add=True)
    assert {photo.name for photo in album.photos} - {photo for photo, _ in after} == {"new/a1 (2).png", "none.png"}


def test_a_copy_with_another_time_is_known(photos: Path, out: Path, tmp_path: Path) -> None:
    before = contents(out)
    new = tmp_path / "new"
    new.mkdir()
    (new / "a1.png").write_bytes((photos / "a1.png").read_bytes())
    os.utime(new / "a1.png", ns=(1, 1))
    told: list[tuple[str, int]] = []
    for _ in range(2):
        told.clear()
        pyface.cluster_photos(new, out=out, add=True, progress=lambda stage, _, total: told.append((stage, total)))
        assert [call for call in told if call[0] != "known photos"] == [("photos", 0), ("people", 8), ("people", 8)]
        assert contents(out) == before


def test_a_photo_that_could_not_be_read_may_be_mended(out: Path, tmp_path: Path) -> None:
    photo_sets.save(tmp_path / "new" / "text.jpg", photo_sets.astronaut())
    photo_sets.save(tmp_path / "new" / "gone.jpg", photo_sets.hopper())
    album = pyface.cluster_photos(tmp_path / "new", out=out, add=True)
    assert (len(album.photos), len(album.faces), album.skipped) == (10, 10, ())


def test_files_that_were_skipped_stay_listed(out: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    photo_sets.save(new / "more.png", photo_sets.astronaut())
    (new / "empty.jpg").touch()
    (new / "a1.png").symlink_to(new / "nowhere.png")
    album = pyface.cluster_photos(new, out=out, add=True)
    assert [item.photo for item in album.skipped] == ["a1.png", "empty.jpg", "gone.jpg", "text.jpg"]
    assert "a1.png" in {photo.name for photo in album.photos}
    assert recluster_photos(out).skipped == album.skipped


@pytest.mark.parametrize(
    ("options", "match"),
    [({"max_faces": 1}, r"made in another way \(max_faces was None, is 1\)"), ({"max_side": 640}, "max_side was 1280")],
)
def test_adding_in_another_way_is_refused(
    photos: Path, out: Path, tmp_path: Path, options: dict[str, Any], match: str
) -> None:
    before = contents(out)
    with pytest.raises(OutputFolderError, match=match):
        pyface.cluster_photos(photos, out=out, add=True, **options)
    recluster_photos(out)
    assert contents(out) == before


def test_adding_without_a_record_is_refused(photos: Path, out: Path) -> None:
    with pytest.raises(ValueError, match="add=True needs out"):
        pyface.cluster_photos(photos, add=True)
    before = contents(out)
    damage(out, "PRAGMA user_version = 1")
    with pytest.raises(OutputFolderError, match="incompatible, older version"):
        pyface.cluster_photos(photos, out=out, add=True)
    (out / "work.sqlite").unlink()
    for _ in range(2):
        with pytest.raises(OutputFolderError, match="no record of work to add to"):
            pyface.cluster_photos(photos, out=out, add=True)
    assert contents(out) == before
    pyface.cluster_photos(photos, out=out)
    assert contents(out) == before


def test_adding_goes_on_after_an_interruption(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = split(photos, tmp_path, {"h1.jpg", "h2.webp", "a4.jpg"})
    pyface.cluster_photos(first, out=tmp_path / "out")
    Path(shutil.copytree(tmp_path / "out", tmp_path / "whole"))
    pyface.cluster_photos(second, out=tmp_path / "whole", add=True)
    old = contents(tmp_path / "out")
    monkeypatch.setattr(run, "SAVE_EVERY_PHOTOS", 1)

    def interrupt(stage: str, n_done: int, total: int) -> None:
        if n_done == 1 < total:
            raise KeyboardInterrupt

    def add() -> Album:
        return pyface.cluster_photos(
            second, out=tmp_path / "out", add=True, batch_size=1, n_threads=1, progress=interrupt
        )

    n_stops = 0
    for _ in range(20):
        try:
            add()
            break
        except KeyboardInterrupt:
            n_stops += 1
            assert contents(tmp_path / "out") == old
    assert n_stops >= 2
    assert people(tmp_path / "out") == people(tmp_path / "whole")
    assert (tmp_path / "out" / "report.html").read_bytes() == (tmp_path / "whole" / "report.html").read_bytes()
