"""The command as a person runs it, and its pictures."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pyface(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "pyface", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(command, text=True, errors="surrogateescape", timeout=600, check=False, **pipes)


def pyface_here(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, which is quicker; what it sets for the whole process is set back.

    With ``options`` it runs in one of its own, as they are about processes.
    """
    if options:
        return pyface(*arguments, **options)
    from typer.testing import CliRunner

    from pyface.cli.commands import app

    log, ctrl_c = logging.getLogger("pyface"), signal.getsignal(signal.SIGINT)
    handlers, level = log.handlers[:], log.level
    try:
        with warnings.catch_warnings():
            done = CliRunner().invoke(app, list(map(str, arguments)))
    finally:
        log.handlers[:] = handlers
        log.setLevel(level)
        signal.signal(signal.SIGINT, ctrl_c)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess([*map(str, arguments)], done.exit_code, done.stdout, done.stderr)


def messages(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines on stderr but for the licence that goes with dlib-68."""
    return [line for line in done.stderr.splitlines() if not line.startswith("pyface: dlib-68: ")]


def one_line(done: subprocess.CompletedProcess[str], code: int, message: str) -> None:
    """The command ended with this exit code and one line that holds the message."""
    assert done.returncode == code, done.stderr
    assert len(messages(done)) == 1, done.stderr
    assert messages(done)[0].startswith("pyface: ")
    assert message in done.stderr


def pixels(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.open(path))
