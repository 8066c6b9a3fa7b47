"""pyface export, as a person types it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="the extra 'models' is not installed")

from command_line import one_line, pyface_here
from export.exported import jpeg, named, tree, write_album

PHOTOS = {"a.jpg": (jpeg(1), [0, 1]), "b.jpg": (jpeg(2), [0, 2]), "c.jpg": (jpeg(3), [0])}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = write_album(tmp_path / "out", tmp_path / "photos", PHOTOS)
    named(folder, f0="Ada", f1="Bob")
    return folder


def test_folders(out: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "people"
    done = pyface_here("export", out, "--to", "folders", "-o", target, "--photos", photos)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"left out: 1 person without a name, seen once\n4 files; 2 people: {target}\n"
    (photos / "c.jpg").unlink()
    done = pyface_here("export", out, "--to", "folders", "-o", target, "--photos", photos, "--how", "hardlink")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "skipped c.jpg: not in the folder of photos any more",
        "skipped Ada/c.jpg: left: its photo is not there, so this may be the only copy",
        "note: these are hard links: a program that edits such a file in place changes the photo itself",
        "left out: 1 person without a name, seen once",
        f"3 files; 2 people: {target}",
    ]
    assert "people (folders)" in pyface_here("forget", out, "--person", "Bob").stderr


def test_tables(out: Path, tmp_path: Path) -> None:
    for kind, names in (("csv", ["faces.csv", "people.csv", "photos.csv"]), ("json", ["album.json"])):
        done = pyface_here("export", out, "--to", kind, "-o", tmp_path / kind)
        assert done.stderr == f"{len(names)} file{'s' * (len(names) > 1)}; 3 people: {tmp_path / kind}\n"
        assert list(tree(tmp_path / kind)) == names


def test_sidecars_beside_photos(out: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    command = ("export", out, "--to", "xmp", "--beside-photos", "--photos", photos)
    done = pyface_here(*command)
    assert done.returncode == 0
    would_be = f"nothing is written without --write; it would be 3 new sidecars; 2 people: {photos}"
    assert done.stderr.splitlines() == ["left out: 1 person without a name", would_be]
    assert sorted(tree(photos)) == ["a.jpg", "b.jpg", "c.jpg"]
    done = pyface_here(*command, "--write")
    assert done.stderr.splitlines()[-1] == f"3 new sidecars; 2 people: {photos}"
    assert len(tree(photos)) == 6
    (photos / "a.jpg.xmp").write_bytes(b"no xml")
    done = pyface_here(*command, "--write")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith(f"skipped {photos / 'a.jpg.xmp'}: is no XML")
    assert done.stderr.splitlines()[-1] == f"0 new sidecars, 2 as before; 2 people: {photos}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--to", "xmp", "-o", "{t}/x"), "where are the photos?"),
        (("--to", "xmp", "-o", "{t}/x", "--photos", "{t}/none"), "does not exist"),
        (("--to", "csv"), "give a folder for the export: out (-o)"),
        (("--to", "csv", "-o", "{t}/x", "--write"), "write (--write) is for beside_photos (--beside-photos)"),
        (("--to", "tables", "-o", "{t}/x"), "to must be one of 'folders', 'csv', 'json', 'xmp'"),
        (("--to", "folders", "-o", "{t}/x", "--photos", "{t}/photos", "--how", "move"), "how must be one of"),
    ],
)
def test_bad_usage(out: Path, tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    done = pyface_here("export", out, *(option.format(t=tmp_path) for option in options))
    one_line(done, 2, message)
    assert not (tmp_path / "x").exists()


def test_no_album_and_no_photos(out: Path, tmp_path: Path) -> None:
    one_line(pyface_here("export", tmp_path / "no", "--to", "csv", "-o", tmp_path / "x"), 1, "does not exist")
    (tmp_path / "empty").mkdir()
    done = pyface_here("export", out, "--to", "xmp", "-o", tmp_path / "x", "--photos", tmp_path / "empty")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"pyface: {tmp_path / 'empty'}: none of the album's photos is in it")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/x").touch()
    one_line(pyface_here("export", out, "--to", "csv", "-o", tmp_path / "mine"), 1, "was not written by pyface export")


def test_a_full_disk_leaves_the_sidecar(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = tmp_path / "photos"
    command = ("export", out, "--to", "xmp", "--beside-photos", "--photos", photos, "--write")
    pyface_here(*command)
    pyface_here("name", out, "Ada", "Eva")
    before = tree(photos)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        one_line(pyface_here(*command), 1, "a.jpg.xmp.bak: cannot be written (No space left on device)")
    assert tree(photos) == before
    assert pyface_here(*command).returncode == 0
    assert b"Eva" in tree(photos)["a.jpg.xmp"]
