"""`make peers`: ours stand where theirs were, what is not expected fails, and what is expected must fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[1] / "tools"

pytestmark = pytest.mark.skipif(not (TOOLS / "peers").is_dir(), reason="the tools are not part of a wheel")

# A peer with one function, which is right, and its tests. Ours, which stands in its place, is wrong for 3.
PEER = "def square(x):\n    return x * x\n"
TESTS = """
import pytest
from some_peer import square

@pytest.mark.parametrize("x", [1, 2, 3])
def test_square(x):
    assert square(x) == x * x

class TestMore:
    def test_three(self):
        if square(3) == 9:
            raise KeyError("theirs")
        raise ValueError("ours")
"""
RUN = """
import sys
import some_peer
from peers.expected import Expected
from peers.peer import Peer
from peers.runner import run

def ours(x):
    return 10 if x == 3 else x * x

expected = tuple(Expected("test_some_peer", *one) for one in {expected!r})
expected = tuple(Expected(e.tests, e.pattern, e.reason, getattr(__builtins__, e.raises)) for e in expected)
peer = Peer("test_some_peer", {{{name!r}: ours}}, (some_peer,), stays={stays!r})
sys.exit(run([peer], expected, ["-rA"]))
"""
BOTH = [(r"test_square\[3\]", "is 10", "AssertionError"), ("TestMore::test_three", "is 10", "ValueError")]


def run(
    folder: Path, expected: list[tuple[str, str, str]], *, stays: bool = True, name: str = "square"
) -> tuple[int, str]:
    (folder / "some_peer.py").write_text(PEER)
    (folder / "test_some_peer.py").write_text(TESTS)
    (folder / "run.py").write_text(RUN.format(expected=expected, stays=stays, name=name))
    path = os.pathsep.join([str(TOOLS), str(folder)])
    done = subprocess.run(
        [sys.executable, str(folder / "run.py")],
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("stays", [True, False])
def test_what_is_expected_fails_and_the_rest_passes(tmp_path: Path, stays: bool) -> None:
    code, said = run(tmp_path, BOTH, stays=stays)
    assert code == 0 and "2 passed, 2 xfailed" in said and "is 10" in said, said


def test_a_failure_that_is_not_listed_is_one(tmp_path: Path) -> None:
    code, said = run(tmp_path, BOTH[:1])
    assert code == 1 and "1 failed, 2 passed, 1 xfailed" in said, said


def test_another_error_than_the_listed_one_is_a_failure(tmp_path: Path) -> None:
    code, said = run(tmp_path, [BOTH[0], ("TestMore::test_three", "is 10", "OSError")])
    assert code == 1 and "1 failed" in said, said


def test_what_is_listed_and_passes_is_a_failure(tmp_path: Path) -> None:
    code, said = run(tmp_path, [(r"test_square\[[23]\]", "is 10", "AssertionError"), BOTH[1]])
    assert code == 1 and "XPASS(strict)" in said, said


def test_what_is_no_longer_there_is_only_reported(tmp_path: Path) -> None:
    code, said = run(tmp_path, [*BOTH, ("test_cube", "gone", "ValueError")])
    assert code == 0 and "test_some_peer: test_cube" in said, said


def test_a_name_that_stands_nowhere_is_an_error(tmp_path: Path) -> None:
    code, said = run(tmp_path, BOTH, name="cube")
    assert code != 0 and "nothing is called cube" in said, said
