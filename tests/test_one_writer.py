"""One process writes to an OUT; threads and nested calls of it do not keep each other out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pyface._one_writer import one_writer
from pyface.errors import OutputFolderError

HOLD = (
    "import sys; from pyface._one_writer import one_writer\n"
    "with one_writer(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
)


def test_another_process_is_kept_out_until_the_first_has_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdin is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(OutputFolderError, match="in use by another run of pyface"), one_writer(str(tmp_path)):
            pass
        other.stdin.close()
        other.wait()
    with one_writer(str(tmp_path)):
        pass
    assert os.name == "nt" or not list(tmp_path.iterdir())


def test_nested_and_in_threads(tmp_path: Path) -> None:
    entered = []

    def enter() -> None:
        with one_writer(str(tmp_path)):
            entered.append(1)

    with one_writer(str(tmp_path)), one_writer(f"{tmp_path}/."):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        with pytest.raises(OutputFolderError, match="open in another review"), one_writer(str(tmp_path), alone=True):
            pass
    assert entered
    with one_writer(str(tmp_path), alone=True):
        pass


def test_a_folder_that_is_not_there_locks_nothing(tmp_path: Path) -> None:
    with one_writer(str(tmp_path / "none")):
        pass
