"""Photos named one by one, one of which memory is too short for: the commands beside ``cluster``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import photo_sets
import pytest
from made_up_models import ByColour, FivePoints, OneFace
from numpy.typing import NDArray

import pyface
from pyface import _memory
from pyface.analysis.files import analyze_files, compare_photos
from pyface.photos.thumbnails import thumbnail
from pyface.pictures.aligned import align_photos

pytest.importorskip("PIL", reason="the extra 'models' is not installed")
cv2 = pytest.importorskip("cv2", reason="the extra 'models' is not installed")

REASON = (
    "not enough memory to find faces in a picture of 300 x 40 pixels (72 MiB more at once); a smaller max_side "
    "(--max-side) needs less"
)


def only_small(image: NDArray[Any]) -> None:
    if image.shape[1] > 40:
        error = cv2.error("(-4:Insufficient memory) Failed to allocate 75000000 bytes in function 'OutOfMemoryError'")
        error.code = -4
        raise error


@pytest.fixture
def analyzer() -> pyface.FaceAnalyzer:
    return pyface.FaceAnalyzer(detector=OneFace(only_small), landmarks=FivePoints(), embedder=ByColour())


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    sides = {"a.png": 40, "b.png": 300, "c.png": 40}
    return [photo_sets.save(tmp_path / name, np.full((40, side, 3), 9, np.uint8)) for name, side in sides.items()]


def test_an_image(analyzer: pyface.FaceAnalyzer) -> None:
    image = np.zeros((40, 300, 3), np.uint8)
    with pytest.raises(MemoryError) as error:
        analyzer.analyze(image)
    assert str(error.value) == REASON
    analyzer.min_face = 10
    with pytest.raises(MemoryError, match=r"; a larger min_face \(--min-face\) needs less"):
        analyzer.analyze(image)


def test_files_are_passed_over(analyzer: pyface.FaceAnalyzer, paths: list[Path]) -> None:
    found, skipped = analyze_files(analyzer, paths, lambda *_: None)
    assert [name for name, _ in found] == [str(paths[0]), str(paths[2])]
    assert [(item.photo, item.reason) for item in skipped] == [(str(paths[1]), REASON)]


def test_of_two_photos_the_one_is_named(analyzer: pyface.FaceAnalyzer, paths: list[Path]) -> None:
    assert compare_photos(analyzer, paths[0], paths[2]).same
    with pytest.raises(MemoryError) as error:
        compare_photos(analyzer, paths[0], paths[1])
    assert str(error.value) == f"{paths[1]}: {REASON}"


def test_crops_of_the_others_are_written(analyzer: pyface.FaceAnalyzer, paths: list[Path], tmp_path: Path) -> None:
    done = align_photos(analyzer, paths, tmp_path / "out")
    assert (done.n_photos, done.n_faces) == (2, 2)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [item["reason"] for item in summary["skipped"]] == [REASON]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["a-0.png", "c-0.png"]


@pytest.mark.parametrize("kind", ["silent", "raising"])
def test_pictures_that_cannot_be_encoded(
    analyzer: pyface.FaceAnalyzer, paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def imencode(*_: Any) -> Any:  # as OpenCV 5 says it, and as OpenCV 4 does
        if kind == "silent":
            return False, np.empty(0, np.uint8)
        error = cv2.error("no memory")
        error.code = -4
        raise error

    monkeypatch.setattr(cv2, "imencode", imencode)
    done = align_photos(analyzer, paths[:1], tmp_path / "out")
    assert done.n_photos == 0
    assert done.skipped[0].reason.startswith("not enough memory to draw its faces; a smaller size (--size)")
    with pytest.raises(MemoryError if kind == "silent" else cv2.error):
        thumbnail(np.zeros((9, 9, 3), np.uint8), (0, 0, 9, 9))


def test_what_a_kernel_says_of_its_need_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "available", lambda: 2**20)
    with pytest.raises(MemoryError) as error, _memory.told("to draw it", "draw less"):
        _memory.require(2**25, "a mesh", "choose a smaller size")
    assert str(error.value) == (
        "not enough memory to draw it: a mesh takes 32 MiB and 1 MiB are free; choose a smaller size"
    )
    with pytest.raises(MemoryError) as error, _memory.told("to draw it", "draw less"):
        raise MemoryError("std::bad_alloc")
    assert str(error.value) == "not enough memory to draw it; draw less"
    with pytest.raises(ValueError, match="another"), _memory.told("to draw it", "draw less"):
        raise ValueError("another")
