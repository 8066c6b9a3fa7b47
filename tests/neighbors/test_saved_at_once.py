"""An index that is saved while others save or load it, and headers of its files that are not as they were."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pyface import NearestNeighbors
from pyface.errors import IndexFileError
from pyface.neighbors import _saved

HOLD = (
    "import sys; from pyface._one_writer import one_writer\n"
    "with one_writer(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
)


def rows(seed: int, n: int = 60) -> NDArray:
    return np.random.default_rng(seed).normal(size=(n, 8)).astype(np.float32)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    NearestNeighbors(3).fit(rows(0)).save(tmp_path / "index")
    return tmp_path / "index"


def test_another_process_that_saves_is_let_finish(saved: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(saved)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdin is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(IndexFileError, match="another process is saving to it; wait for its end"):
            NearestNeighbors().fit(rows(1)).save(saved)
        assert NearestNeighbors.load(saved).n_samples_fit_ == 60  # who reads need not wait
        other.stdin.close()
        other.wait()
    NearestNeighbors().fit(rows(1, 70)).save(saved)
    assert NearestNeighbors.load(saved).n_samples_fit_ == 70


def test_threads_save_one_after_the_other(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, second = _saved._write_array, NearestNeighbors(3).fit(rows(2, 80))
    thread = threading.Thread(target=lambda: second.save(saved))

    def write(file: Path, parts: Any) -> None:
        real(file, parts)
        if not thread.ident:
            thread.start()
            thread.join(0.2)
            assert thread.is_alive(), "it must wait for the one that is at work"

    monkeypatch.setattr(_saved, "_write_array", write)
    NearestNeighbors(3).fit(rows(1, 70)).save(saved)
    thread.join()
    assert NearestNeighbors.load(saved).n_samples_fit_ == 80


def test_a_load_that_a_save_comes_between_finds_the_new_index(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = _saved._content, 0

    def content(folder: Path) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        found = real(folder)
        if calls == 1:
            NearestNeighbors(3).fit(rows(1, 70)).save(saved)
        return found

    monkeypatch.setattr(_saved, "_content", content)
    assert NearestNeighbors.load(saved).n_samples_fit_ == 70
    assert calls == 2


@pytest.mark.parametrize("name", ["rows", "codes", "bounds", "squares"])
def test_any_byte_of_a_header(saved: Path, name: str) -> None:
    file = next(saved.glob(f"{name}-*.npy"))
    content, want = file.read_bytes(), NearestNeighbors.load(saved).kneighbors()
    for place in range(128):
        for bit in (place % 8, (place + 3) % 8):
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            file.write_bytes(changed)
            try:
                found = NearestNeighbors.load(saved).kneighbors()
            except IndexFileError:
                continue
            # A byte of the padding, or a 0 before a number, means nothing.
            np.testing.assert_array_equal(found[0], want[0])
            np.testing.assert_array_equal(found[1], want[1])
