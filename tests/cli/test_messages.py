"""What the command says: each thing once, and numbers that agree with their nouns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("typer", reason="the extra 'models' is not installed")

from rich.progress import Progress

from pyface.cli import people
from pyface.cli.console import ProgressLines, _RateColumn, _TimeLeftColumn, progress_bar, say_faces, set_up_logging
from pyface.errors import counted

# The command with a pipeline that stops in the way asked for, so that no moment has to be hit.
STOPPED = """
import sys
import pyface.report.folder as folder
def cluster_photos(*_, progress, **__):
    for n in range({n_done} + 1):
        progress("photos", n, {total})
    {stop}
folder.cluster_photos = cluster_photos
sys.argv = ["pyface", "cluster", "photos", "-o", "out"]
from pyface.cli.main import main
main()
"""


def stopped(tmp_path: Path, stop: str, n_done: int = 0, total: int = 0) -> tuple[int, list[str]]:
    """Exit code, and the lines on stderr."""
    code = STOPPED.format(stop=stop, n_done=n_done, total=total)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=tmp_path)
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(
    ("n_done", "total", "what"),
    [
        (0, 0, "all photos are done"), (0, 1, "no photo is done yet"), (1, 1, "all photos are done"),
        (1, 5, "1 of the 5 photos to do is done"), (1200, 5000, "1,200 of the 5,000 photos to do are done"),
    ],
)  # fmt: skip
def test_an_interruption_is_said_once(tmp_path: Path, n_done: int, total: int, what: str) -> None:
    code, lines = stopped(tmp_path, "raise KeyboardInterrupt", n_done, total)
    assert (code, lines) == (130, [f"pyface: interrupted, {what}; the same command goes on from there"])


def test_an_interruption_in_disguise_is_said_once(tmp_path: Path) -> None:
    stop = (
        "\n    try: raise KeyboardInterrupt\n    except KeyboardInterrupt as error: raise ImportError('x') from error"
    )
    assert stopped(tmp_path, stop) == (130, ["pyface: interrupted"])


@pytest.mark.parametrize(("text", "said"), [("'it takes 9 GiB; take less'", "it takes 9 GiB; take less"), ("", "")])
def test_the_way_out_of_a_lack_of_memory_is_said(tmp_path: Path, text: str, said: str) -> None:
    code, lines = stopped(tmp_path, f"raise MemoryError({text})")
    assert (code, lines) == (1, [f"pyface: {said or 'not enough memory'}"])


@pytest.mark.parametrize(
    ("n", "noun", "said"),
    [
        (0, ("face",), "0 faces"), (1, ("face",), "1 face"), (2, ("face",), "2 faces"),
        (1, ("person", "people"), "1 person"), (31_400, ("person", "people"), "31,400 people"),
    ],
)  # fmt: skip
def test_numbers_agree_with_their_nouns(n: int, noun: tuple[str, ...], said: str) -> None:
    assert counted(n, *noun) == said


def test_counts_of_an_album(capsys: pytest.CaptureFixture[str]) -> None:
    for n_photos, n_without, n_faces, n_people, n_skipped, said in (
        (1, 0, 5, 1, 1, "1 photo, 1 with a face; 5 faces of 1 person; 1 file skipped"),
        (2, 1, 1, 1, 0, "2 photos, 1 with a face; 1 face of 1 person; 0 files skipped"),
        (3, 3, 0, 0, 2, "3 photos, 0 with a face; 0 faces of 0 people; 2 files skipped"),
    ):
        album = SimpleNamespace(
            photos=(None,) * n_photos, n_photos_without_face=n_without, faces=(None,) * n_faces, n_people=n_people,
            skipped=(None,) * n_skipped, set_aside=np.zeros(n_faces, bool), hidden=np.zeros(n_faces, bool), notes=(),
        )  # fmt: skip
        people._say_counts(album, Path("out"))
        assert capsys.readouterr().err.splitlines()[0] == said


def test_counts_of_faces(capsys: pytest.CaptureFixture[str]) -> None:
    say_faces(1, 1, "x.npz")
    say_faces(2, 1000, "x.npz")
    assert capsys.readouterr().err == "1 face in 1 photo: x.npz\n2 faces in 1,000 photos: x.npz\n"


def test_a_rate_is_told_once_it_means_something() -> None:
    now = [0.0]
    bar = Progress(get_time=lambda: now[0])
    bar.add_task("photos", total=100)
    (task,) = bar.tasks

    def told(seconds: float, done: int) -> tuple[str, str]:
        now[0] = seconds
        bar.update(task.id, completed=done)
        return str(_RateColumn().render(task)), str(_TimeLeftColumn().render(task))

    # Several photos that were begun together are done together: 8 within no time are no 80,000 a second.
    assert told(3.9999, 0) == told(4.0, 8) == ("", "")
    assert told(10.0, 20) == ("2.0/s", "0:00:40")
    assert told(60.0, 20) == ("0.3/s", "0:04:00")
    assert told(80.0, 100) == ("1.2/s", "")


def lines_of(
    capsys: pytest.CaptureFixture[str], calls: list[tuple[float, str, int, int]], **options: bool
) -> list[str]:
    """What is said by progress at these seconds."""
    now = [calls[0][0]]
    set_up_logging(verbose=True)
    show = ProgressLines(clock=lambda: now[0], **options)
    for seconds, *call in calls:
        now[0] = seconds
        show(*call)
    return capsys.readouterr().err.splitlines()


def test_progress_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    at = [(100, 0), (109.9, 90), (110, 100), (110.1, 101), (119.9, 190), (125, 300), (134, 330), (500, 1000)]
    assert lines_of(capsys, [(seconds, "photos", done, 1000) for seconds, done in at]) == [
        "pyface: photos: 100 of 1,000, 10.0/s, 0:01:30 left",
        "pyface: photos: 300 of 1,000, 12.0/s, 0:00:58 left",
        "pyface: photos: 1,000 of 1,000, 2.5/s",
    ]
    # A stage that has just begun has no rate, and one in which nothing was done yet neither.
    assert lines_of(capsys, [(0, "known photos", 0, 9), (11, "photos", 0, 5), (30, "photos", 0, 5)]) == [
        "pyface: photos: 0 of 5", "pyface: photos: 0 of 5",
    ]  # fmt: skip
    calls = [(0, "a.onnx", 0, 0), (10, "a.onnx", 30_000_000, 0), (20, "a.onnx", 40_000_000, 1_234_500_000)]
    assert lines_of(capsys, calls, of_bytes=True) == [
        "pyface: a.onnx: 30.0 MB, 3.0 MB/s", "pyface: a.onnx: 40.0 MB of 1,234.5 MB, 2.0 MB/s, 0:09:57 left",
    ]  # fmt: skip


@pytest.mark.parametrize("verbose", [False, True])
def test_lines_take_the_place_of_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, verbose: bool
) -> None:
    now = [0.0]
    monkeypatch.setattr(ProgressLines.__init__, "__kwdefaults__", {"of_bytes": False, "clock": lambda: now[0]})
    set_up_logging(verbose=verbose)
    with progress_bar() as show:
        show("photos", 0, 5)
        now[0] = 10.0
        show("photos", 2, 5)
    assert capsys.readouterr().err == ("pyface: photos: 2 of 5, 0.2/s, 0:00:15 left\n" if verbose else "")
