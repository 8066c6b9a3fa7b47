"""Runs the installed tests of scikit-learn and SciPy with pyface's classes and functions in their places.

    PYTHONPATH=tools python -m peers [options of pytest]

Names are replaced at run time (``swaps.py``); no line of theirs is copied or changed. What fails for a reason is listed
with it in ``expected.py``: everything else must pass, and what is listed must fail.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

import pytest

from peers.plugin import Peers
from peers.swaps import PEERS

# Theirs, not ours: warnings are no errors here, and their tests say nothing about markers of ours.
SETTINGS = "[pytest]\naddopts = --import-mode=prepend\n"


def main(options: list[str]) -> int:
    paths = [path for peer in PEERS if (path := _file_of(peer.tests)) is not None]
    if not paths:
        return 1
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "pytest.ini")
        settings.write_text(SETTINGS)
        # The folder of settings is where pytest's own files would go.
        arguments = ["-c", str(settings), "--rootdir", folder, "-p", "no:cacheprovider", "-q", "--tb=line", *options]
        return int(pytest.main([*arguments, *paths], plugins=[Peers()]))


def _file_of(module: str) -> str | None:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        print(f"{module} is not installed: its tests are left out", file=sys.stderr)
        return None
    return spec.origin


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
