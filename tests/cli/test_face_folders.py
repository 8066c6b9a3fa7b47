"""What the commands that write pictures of faces share: the folder, what happens to it, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import photo_sets
import pytest
from command_line import messages, one_line, pixels
from command_line import pyface_here as pyface
from interrupts import NEEDS_SIGNALS, interrupted_command

pytest.importorskip("typer", reason="the extra 'models' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")

pytestmark = pytest.mark.filterwarnings("ignore::pyface.errors.LicenseWarning")
COMMANDS = {
    "align": ("align",), "warp": ("warp", "--landmarks", "dlib-68"),
    "frontalize": ("frontalize", "--landmarks", "dlib-68"),
}  # fmt: skip
OTHER = {"align": "warp", "warp": "frontalize", "frontalize": "align"}
each_command = pytest.mark.parametrize("command", COMMANDS)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photo_sets.save(tmp_path_factory.mktemp("photos") / "astronaut.png", photo_sets.astronaut())


def run_here(
    command: str, paths: list[Path], out: Path, progress: Callable[[str, int, int], None], overlay: Any = True
) -> Any:
    """The command's function, in this process."""
    from pyface.analysis.analyzer import FaceAnalyzer
    from pyface.pictures.aligned import align_photos
    from pyface.pictures.frontal import frontalize_photos
    from pyface.pictures.warped import warp_photos

    analyzer = FaceAnalyzer(landmarks=None if command == "align" else "dlib-68", embedder=False)
    run = {"align": align_photos, "warp": warp_photos, "frontalize": frontalize_photos}[command]
    return run(analyzer, paths, out, overlay=overlay, progress=progress)  # type: ignore[operator]


def assert_whole(out: Path) -> dict[str, Any]:
    """Every file is listed, can be read and has its own name; returns the summary."""
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    assert {path.name for path in out.iterdir()} == {"summary.json", *summary["files"]}
    for name in summary["files"]:
        pixels(out / name).copy()
    return summary


@each_command
def test_again_with_other_options_removes_the_old_files_and_no_others(
    photo: Path, tmp_path: Path, command: str
) -> None:
    out = tmp_path / "out"
    assert pyface(*COMMANDS[command], photo, "-o", out, "--overlay").returncode == 0
    assert (out / "astronaut-overlay.png").exists()
    (out / "mine.png").write_bytes(b"mine")
    done = pyface(*COMMANDS[command], photo, "-o", out, "--format", "jpeg", "--size", 224)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} == {"astronaut-0.jpg", "mine.png", "summary.json"}
    assert pixels(out / "astronaut-0.jpg").shape == (224, 224, 3)
    # A file that was taken away meanwhile is no trouble.
    (out / "astronaut-0.jpg").unlink()
    assert pyface(*COMMANDS[command], photo, "-o", out).returncode == 0
    assert {path.name for path in out.iterdir()} == {"astronaut-0.png", "mine.png", "summary.json"}


@each_command
def test_folders_of_others_are_refused(photo: Path, tmp_path: Path, command: str) -> None:
    folders = [tmp_path / name for name in ("letters", "album", "other")]
    for folder in folders:
        folder.mkdir()
    (folders[0] / "letter.txt").write_text("x")
    (folders[1] / "summary.json").write_text('{"generator": "pyface"}')
    (folders[2] / "summary.json").write_text(json.dumps({"generator": "pyface", "command": OTHER[command]}))
    for folder in folders:
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        one_line(pyface(*COMMANDS[command], photo, "-o", folder), 1, f"was not written by pyface {command}")
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@each_command
def test_bad_input_leaves_no_folder(photo: Path, tmp_path: Path, command: str) -> None:
    for arguments, message in [
        (("--size", 0), "size must be at least 16, got 0"),
        (("--size", 40000), "size must be at most 4096, got 40000"),
        (("--format", "bmp"), "image_format (--format) must be one of 'png', 'jpeg', got 'bmp'"),
        (("--detector", "dlib-5"), "detector must be a detector: a name, a path or a loaded one"),
    ]:
        one_line(pyface(*COMMANDS[command], photo, "-o", tmp_path / "a", *arguments), 2, message)
    done = pyface(*COMMANDS[command], photo, tmp_path / "nothing.jpg", "-o", tmp_path / "a")
    one_line(done, 2, "nothing.jpg: no such file or folder")
    one_line(pyface(command, photo, "-o", tmp_path / "a", "--landmarks", "dlib-86"), 2, "Did you mean 'dlib-68'")
    assert not (tmp_path / "a").exists()


@each_command
def test_bad_arguments_of_the_function_leave_no_folder(photo: Path, tmp_path: Path, command: str) -> None:
    for paths in (str(photo), photo, bytes(photo)):
        with pytest.raises(TypeError, match="paths must be a list of photos and folders, got"):
            run_here(command, paths, tmp_path / "a", lambda *_: None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="overlay must be True or False, got 'no'"):
        run_here(command, [photo], tmp_path / "a", lambda *_: None, overlay="no")
    assert not (tmp_path / "a").exists()


@each_command
def test_help_says_what_a_family_is_of(command: str) -> None:
    assert "What the path of --landmarks is of" in " ".join(pyface(command, "--help").stdout.split())


@each_command
def test_help_says_how_large_pictures_may_be(command: str) -> None:
    assert "in pixels, 16 to 4096" in " ".join(pyface(command, "--help").stdout.split())


def test_a_picture_too_large_for_its_format_names_the_way_out() -> None:
    from pyface.pictures.face_files import encoded

    with pytest.raises(ValueError, match=r"70000 x 1 cannot be written as \.jpg; try png as image_format \(--format\)"):
        encoded(np.zeros((1, 70_000, 3), np.uint8), ".jpg")


@each_command
def test_odd_photos_are_done_and_bad_ones_named(tmp_path: Path, command: str) -> None:
    good, bad = photo_sets.trouble(tmp_path / "photos")
    done = pyface(*COMMANDS[command], tmp_path / "photos", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    lines = messages(done)
    assert len(lines) == len(bad) + 1
    for name, reason in bad.items():
        assert any(line.startswith("skipped ") and f"/{name}: " in line and reason in line for line in lines), name
    summary = assert_whole(tmp_path / "out")
    assert len(summary["photos"]) == len(good) and len(summary["skipped"]) == len(bad)
    assert sum(bool(photo["faces"]) for photo in summary["photos"]) >= len(photo_sets.NASTY_NAMES)


@each_command
def test_nothing_to_read(tmp_path: Path, command: str) -> None:
    (tmp_path / "text.jpg").write_text("this is no photo\n")
    (tmp_path / "empty").mkdir()
    done = pyface(*COMMANDS[command], tmp_path / "text.jpg", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert messages(done)[-1] == "pyface: none of the files could be read" and "not an image" in messages(done)[0]
    one_line(pyface(*COMMANDS[command], tmp_path / "empty", "-o", tmp_path / "out"), 1, "there is no photo there")
    assert not (tmp_path / "out").exists()


@each_command
def test_nothing_to_read_costs_no_picture(photo: Path, tmp_path: Path, command: str) -> None:
    out, bad = tmp_path / "out", tmp_path / "bad"
    run_here(command, [photo], out, lambda *_: None)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    bad.mkdir()
    for content in (None, "this is no photo\n"):
        if content is not None:
            (bad / photo.name).write_text(content)
        done = run_here(command, [bad], out, lambda *_: None)
        assert (done.n_photos, len(done.skipped)) == (0, content is not None)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@each_command
def test_an_interruption_leaves_whole_files_that_the_next_run_knows(photo: Path, tmp_path: Path, command: str) -> None:
    paths = [photo_sets.save(tmp_path / f"{name}.png", photo_sets.astronaut()[:300, 50:350]) for name in "abc"]
    out = tmp_path / "out"

    def stop_after_two(stage: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_here(command, paths, out, stop_after_two)
    summary = assert_whole(out)
    assert [Path(photo["photo"]).stem for photo in summary["photos"]] == ["a", "b"]
    assert {name[0] for name in summary["files"]} == {"a", "b"}
    run_here(command, paths[2:], out, lambda *_: None)
    assert {name[0] for name in assert_whole(out)["files"]} == {"c"}


@NEEDS_SIGNALS
@each_command
def test_ctrl_c_leaves_no_half_written_file(photo: Path, tmp_path: Path, command: str) -> None:
    many, out = tmp_path / "photos", tmp_path / "out"
    many.mkdir()
    for i in range(40):
        os.link(photo, many / f"{i:03}.png")
    run = [*COMMANDS[command], str(many), "-o", str(out), "--overlay"]
    done = interrupted_command(run, "open", 20, prefix=str(many))
    assert done.returncode == 130, done.stderr
    assert done.stderr.splitlines()[-1] == "pyface: interrupted"
    assert 1 <= len(assert_whole(out)["photos"]) < 40


@each_command
def test_names_that_meet_get_numbers(photo: Path, tmp_path: Path, command: str) -> None:
    crop = photo_sets.astronaut()[:300, 50:350]
    for folder in ("a", "b"):
        photo_sets.save(tmp_path / folder / "one.png", crop)
    photo_sets.save(tmp_path / "b" / "ONE~2.png", np.zeros((90, 90, 3), np.uint8))
    done = run_here(command, [tmp_path / "a", tmp_path / "b"], tmp_path / "out", lambda *_: None)
    assert (done.n_photos, done.n_faces, done.skipped) == (3, 2, ())
    names = {
        name for name in assert_whole(tmp_path / "out")["files"] if not name.endswith(("-mesh.png", "-visibility.png"))
    }
    assert names == {"one-0.png", "one-overlay.png", "ONE~2-overlay.png", "one~3-0.png", "one~3-overlay.png"}


def test_a_warning_is_one_printable_line() -> None:
    code = (
        "import logging\n"
        "from pyface.cli.console import progress_bar, set_up_logging\n"
        "set_up_logging(False)\n"
        "with progress_bar():\n"
        "    logging.getLogger('pyface.pictures').warning('%s, face %d', 'a\\nb\\udcff.png', 0)\n"
        "logging.getLogger('pyface.pictures').info('not told')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "pyface: a\\nb\\udcff.png, face 0\n"
