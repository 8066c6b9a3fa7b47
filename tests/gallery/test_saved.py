"""A gallery on disk: it comes back as it was, is written whole or not at all, and every changed byte is seen."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gallery.crowds import crowd, of

from pyface.errors import GalleryError, OutputFolderError
from pyface.gallery import Gallery
from pyface.gallery._files import _sealed


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    of(crowd(4, 3)).save(tmp_path / "g")
    return tmp_path / "g"


def rewritten(folder: Path, **changes: Any) -> None:
    """The manifest with other entries, sealed again: what somebody else's program may write."""
    content = json.loads((folder / "gallery.json").read_text()) | changes
    content.pop("sha256")
    (folder / "gallery.json").write_bytes(_sealed(content))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_comes_back_as_it_was(tmp_path: Path, dtype: Any) -> None:
    people = crowd(9, 4, dtype=dtype) | {"Zo\u00eb \u4e2d": np.ones((1, 8), dtype)}
    gallery = of(people, rule="k_of_n", votes=3)
    gallery.models = {"embedder": "made-up", "detector": "/a\udcff/b"}
    strangers = np.random.default_rng(9).normal(size=(200, 8)).astype(np.float32)
    gallery.calibrate(strangers, 0.05)
    gallery.save(tmp_path / "new" / "g")
    for check in (True, False):
        other = Gallery.load(tmp_path / "new" / "g", embedder="made-up", check=check)
        for name in ("names", "rule", "votes", "threshold", "calibration", "metric", "dimension", "embedder", "models"):
            assert getattr(other, name) == getattr(gallery, name), name
        assert other.counts.tolist() == gallery.counts.tolist()
        one, two = (g.identify(strangers, 5) for g in (gallery, other))
        assert one.candidates == two.candidates and one.names == two.names
        np.testing.assert_array_equal(one.distances, two.distances)
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "new" / "g").stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new" / "g").iterdir()} == {0o600}


def test_nothing_is_pickled_and_vectors_are_mapped(tmp_path: Path) -> None:
    gallery = of({}, threshold=0.1)
    random = np.random.default_rng(0)
    gallery.enroll("Ann", random.normal(size=(9000, 128)).astype(np.float32))
    gallery.save(tmp_path / "g")
    assert {path.suffix for path in (tmp_path / "g").iterdir()} == {".json", ".npy"}
    other = Gallery.load(tmp_path / "g")
    rows, _ = other._enrolled.all()
    assert isinstance(rows, np.memmap) and not rows.flags.writeable
    # Mapped rows can be added to, saved where they lie, and asked afterwards.
    other.enroll("Bob", random.normal(size=(1, 128)).astype(np.float32))
    other.save(tmp_path / "g")
    assert Gallery.load(tmp_path / "g").names == ("Ann", "Bob")
    assert other.identify(rows[:3]).names == ("Ann",) * 3
    assert len(list((tmp_path / "g").iterdir())) == 4


def test_nobody_can_be_saved_and_loaded(tmp_path: Path, saved: Path) -> None:
    gallery = Gallery.load(saved)
    for name in gallery.names:
        gallery.remove(name)
    gallery.save(saved)
    assert len(Gallery.load(saved)) == 0 and Gallery.load(saved).dimension == 8
    Gallery("sface").save(tmp_path / "empty")
    other = Gallery.load(tmp_path / "empty")
    assert (len(other), other.threshold, other.dimension) == (0, 0.55, None)
    assert other.enroll("Ann", np.ones((1, 5))) == 1


def test_every_changed_byte_is_seen(saved: Path) -> None:
    for path in sorted(saved.iterdir()):
        data = bytearray(path.read_bytes())
        for place in range(len(data)):
            data[place] ^= 1 << place % 8
            path.write_bytes(data)
            with pytest.raises(GalleryError):
                Gallery.load(saved)
            data[place] ^= 1 << place % 8
        path.write_bytes(data)
    assert len(Gallery.load(saved)) == 4


def test_what_is_cut_off_or_missing_is_told_by_name(saved: Path) -> None:
    for path in sorted(saved.iterdir()):
        data = path.read_bytes()
        for n in (0, 1, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:n])
            with pytest.raises(GalleryError, match=str(path) if path.suffix == ".npy" else str(saved)) as caught:
                Gallery.load(saved, check=False)
            assert "\n" not in str(caught.value)
        path.write_bytes(data + b"\n")
        with pytest.raises(GalleryError):
            Gallery.load(saved)
        path.unlink()
        with pytest.raises(GalleryError, match="is missing" if path.name != "gallery.json" else "has no gallery.json"):
            Gallery.load(saved)
        path.write_bytes(data)


def test_other_versions_other_things_and_other_embedders(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(
        GalleryError, match="vectors of the embedder made-up, which cannot be compared with those of sf"
    ):
        Gallery.load(saved, embedder="sface")
    rewritten(saved, format_version=2, version="9.0")
    with pytest.raises(GalleryError, match=r"is a gallery of version 2, and this pyface reads version 1; .*'9\.0'"):
        Gallery.load(saved)
    for text in ("[]", '{"format": "x"}', "{", "\x00", "[" * 100_000):
        (saved / "gallery.json").write_text(text)
        with pytest.raises(GalleryError):
            Gallery.load(saved)
    with pytest.raises(GalleryError, match="is not a gallery: it does not exist"):
        Gallery.load(tmp_path / "no")
    with pytest.raises(GalleryError, match="does not exist or is no folder"):
        Gallery.load(saved / "gallery.json")


def test_files_that_do_not_fit_together_are_refused(saved: Path) -> None:
    """Digests are right, and the content is somebody else's."""
    good = (saved / "gallery.json").read_bytes()
    files = json.loads(good)["files"]
    for changes in (
        {"n_faces": 1}, {"n_names": 1}, {"files": files | {"faces": files["owners"]}},
        {"files": files | {"owners": files["faces"]}},
    ):  # fmt: skip
        rewritten(saved, **changes)
        with pytest.raises(GalleryError, match="is damaged"):
            Gallery.load(saved)
        (saved / "gallery.json").write_bytes(good)
    assert len(Gallery.load(saved)) == 4


def test_a_gallery_of_somebody_else_is_not_written_over(saved: Path, tmp_path: Path) -> None:
    new = of({"Ann": np.ones((1, 8), np.float32)})
    with pytest.raises(GalleryError, match="holds another gallery; load it and merge into it"):
        new.save(saved)
    assert len(Gallery.load(saved)) == 4
    one, other = Gallery.load(saved), Gallery.load(saved)
    one.enroll("Ann", np.ones((1, 8), np.float32))
    one.save(saved)
    other.enroll("Bob", np.ones((1, 8), np.float32))
    with pytest.raises(GalleryError, match="somebody has written to this gallery since it was loaded"):
        other.save(saved)
    one.remove("Ann")
    one.save(saved)
    assert len(Gallery.load(saved)) == 4
    new.save(saved, overwrite=True)
    assert Gallery.load(saved).names == ("Ann",)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    for folder, message in ((tmp_path / "full", "holds 'thesis.txt' and no gallery"),
                            (tmp_path / "full" / "thesis.txt", "is not a folder")):  # fmt: skip
        with pytest.raises(OutputFolderError, match=message):
            new.save(folder, overwrite=True)
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"


def test_whoever_is_removed_is_in_no_file_any_more(tmp_path: Path) -> None:
    gallery = of({"Ann Unmistakable": np.full((1, 8), 1.5, np.float32), "Bob": np.eye(1, 8, dtype=np.float32)})
    gallery.save(tmp_path / "g")
    gallery.remove("Ann Unmistakable")
    gallery.save(tmp_path / "g")
    for path in (tmp_path / "g").iterdir():
        assert b"Unmistakable" not in path.read_bytes()
        assert np.full(8, 1.5, np.float32).tobytes() not in path.read_bytes()


def test_a_save_that_fails_leaves_what_was_there(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    gallery = Gallery.load(saved)
    gallery.enroll("Ann", np.ones((1, 8), np.float32))
    real, left = os.replace, 2

    def replace(*arguments: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")
        real(*arguments)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OutputFolderError, match="the disk is full"):
        gallery.save(saved)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before
    gallery.save(saved)
    assert Gallery.load(saved).names[-1] == "Ann"


_KILLED = """
import os, sys
import numpy as np
from pyface.gallery import Gallery
gallery = Gallery.load(sys.argv[1])
gallery.enroll("Ann", np.ones((1, 8), np.float32))
real, left = os.replace, int(sys.argv[2])
def replace(*arguments):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    real(*arguments)
os.replace = replace
gallery.save(sys.argv[1])
"""


def test_a_save_that_is_killed_leaves_the_old_or_the_new(saved: Path) -> None:
    for n in range(5):
        done = subprocess.run([sys.executable, "-c", _KILLED, str(saved), str(n)], check=False)
        names = Gallery.load(saved).names
        assert (names[-1] == "Ann") == (done.returncode == 0)
        if done.returncode == 0:
            break
    assert n >= 2
    # What was left behind is gone with the next one.
    assert len(list(saved.iterdir())) == 4


@pytest.mark.parametrize("part", ["faces", "owners"])
def test_a_header_with_a_changed_byte_is_an_error_of_the_gallery_without_check_too(saved: Path, part: str) -> None:
    file = next(saved.glob(f"{part}-*.npy"))
    content, n_faces, n_refused = file.read_bytes(), Gallery.load(saved).n_faces, 0
    for place in range(128):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 7
        file.write_bytes(changed)
        try:
            assert Gallery.load(saved, check=False).n_faces == n_faces
        except GalleryError:
            n_refused += 1
    assert n_refused > 60
