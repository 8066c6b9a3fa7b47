"""The command on files that look like photos: each is named with what it is, and none is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import photo_sets
import pytest
from command_line import messages, one_line
from command_line import pyface_here as pyface

pytest.importorskip("typer", reason="the extra 'models' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")

posix_only = pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX systems alone")
PROGRAM = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n{} loop\n"


def test_a_folder_of_what_cannot_be_read_is_listed(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    contents = {
        "a.jpg": PROGRAM,
        "b.CR3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(99),
        "c.jxl": b"\xff\x0a" + bytes(99),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    done = pyface("cluster", folder, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert messages(done) == [
        "skipped a.jpg: PostScript, which is a program and no photo",
        "skipped b.CR3: a RAW photo (Canon CR3), which is not read; develop it to JPEG or TIFF first",
        "skipped c.jxl: a JPEG XL picture, which is not read; convert it to JPEG or PNG",
        f"pyface: {folder}: none of the files could be read",
    ]


def test_a_jpeg_that_is_called_heic(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    photo_sets.save(folder / "a.jpg", photo_sets.astronaut(), quality=92)
    (folder / "a.jpg").rename(folder / "a.HEIC")
    done = pyface("cluster", folder, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "faces.csv").read_text().splitlines()[1].startswith("0,a.HEIC,")


def test_a_damaged_jpeg_says_nothing_that_names_no_file(tmp_path: Path) -> None:
    path = photo_sets.save(tmp_path / "photos" / "a.jpg", photo_sets.astronaut(), quality=92)
    data = path.read_bytes()
    path.write_bytes(data[:-2] + bytes(20) + data[-2:])  # "Corrupt JPEG data: 20 extraneous bytes before marker"
    done = pyface("cluster", path.parent, "-o", tmp_path / "out", "--max-side", "400")
    assert done.returncode == 0
    assert all(line.startswith(("page: ", "1 photo")) for line in messages(done)), done.stderr


@posix_only
def test_names_that_are_no_text_stay_apart_everywhere(tmp_path: Path) -> None:
    face = photo_sets.astronaut()[:256, 100:350]
    source = photo_sets.save(tmp_path / "face.png", face)
    folder = tmp_path / "photos"
    folder.mkdir()
    names = [b"a\xfe.png", b"a\xff.png", "ü.png".encode()]
    for name in names:
        os.link(source, os.fsencode(folder) + b"/" + name)
    assert pyface("embed", folder, "-o", tmp_path / "e.npz").returncode == 0
    with np.load(tmp_path / "e.npz") as data:
        assert [os.path.basename(os.fsencode(str(name))) for name in data["photo"]] == names
        assert data["photo"].dtype.kind == "U"  # no pickle
    assert pyface("align", folder, "-o", tmp_path / "crops").returncode == 0
    summary = json.loads((tmp_path / "crops" / "summary.json").read_text())
    assert [os.path.basename(os.fsencode(photo["photo"])) for photo in summary["photos"]] == names


@posix_only
@pytest.mark.parametrize("command", [("align",), ("warp", "--landmarks", "dlib-68")])
def test_a_long_name_makes_files_whose_names_are_text(tmp_path: Path, command: tuple[str, ...]) -> None:
    photo = photo_sets.save(tmp_path / ("顔" * 70 + ".png"), photo_sets.astronaut()[:256, 100:350])
    done = pyface(*command, photo, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    name = "顔" * 66 + "-0.png"
    assert sorted(os.listdir(os.fsencode(tmp_path / "out"))) == sorted([name.encode(), b"summary.json"])
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["files"] == [name]


def test_photos_one_by_one_are_no_folder(tmp_path: Path) -> None:
    import pyface as library

    for wrong in (["a.jpg", "b.jpg"], None, 3):
        with pytest.raises(TypeError, match=r"folder must be the path of a folder of photos, got .*put single photos"):
            library.cluster_photos(wrong, out=tmp_path / "out")  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
    photo = photo_sets.save(tmp_path / "a.png", np.zeros((20, 20, 3), np.uint8))
    one_line(pyface("cluster", photo, "-o", tmp_path / "out"), 2, "PHOTOS must be a folder")


# Each of the commands, in a process where nothing may be read as far as typer can tell; root may read all.
UNREADABLE = """
import os, sys
access = os.access
os.access = lambda path, mode, **options: not mode & os.R_OK and access(path, mode, **options)
from pyface.cli.main import main

for line in sys.argv[1].split(", "):
    sys.argv = ["pyface", *line.split()]
    try:
        main()
    except SystemExit as stop:
        sys.stderr.write(f"exit {stop.code}\\n")
"""


def test_what_cannot_be_read_is_told_without_the_usage(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("this is no photo\n")
    (tmp_path / "out").mkdir()
    both = ["detect a.jpg", "detect a.jpg -o out/a.csv", "embed a.jpg -o out/a.npz", "align a.jpg -o out"]
    one = ["compare a.jpg a.jpg", "evaluate a.jpg a.jpg", "recluster a.jpg", "cluster a.jpg -o out", "recluster out"]
    command = [sys.executable, "-c", UNREADABLE, ", ".join([*both, *one])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    lines = messages(done)
    text = ["skipped a.jpg: not an image in a format that can be read", "pyface: none of the files could be read"]
    assert lines[: 3 * len(both)] == [*text, "exit 1"] * len(both)
    assert [line.split()[0] for line in lines[3 * len(both) :]] == ["pyface:", "exit"] * len(one), lines
