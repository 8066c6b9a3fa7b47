"""One run of pytest over the installed tests of peers."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from peers.expected import Expected
from peers.peer import Peer
from peers.plugin import Peers

# Theirs, not ours: warnings are no errors here, and their tests say nothing about markers of ours.
SETTINGS = "[pytest]\naddopts = --import-mode=prepend\n"


def run(peers: Sequence[Peer], expected: Sequence[Expected], options: list[str]) -> int:
    """Its exit status. ``options`` are those of pytest."""
    paths = [path for peer in peers if (path := _file_of(peer.tests)) is not None]
    if not paths:
        return 1
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "pytest.ini")
        settings.write_text(SETTINGS)
        # The folder of settings is where pytest's own files would go.
        arguments = ["-c", str(settings), "--rootdir", folder, "-p", "no:cacheprovider", "-q", "--tb=line", *options]
        return int(pytest.main([*arguments, *paths], plugins=[Peers(peers, expected)]))


def _file_of(module: str) -> str | None:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        print(f"{module} is not installed: its tests are left out", file=sys.stderr)
        return None
    return spec.origin
