"""Floats within 0..1 are black to models that take 0..255: a warning says so, once, where they come in."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import pyface

WARNING = r"image holds floats within 0\.\.1, and 0\.\.255 is expected"


@pytest.fixture
def unit(astronaut: np.ndarray) -> np.ndarray:
    return (astronaut[:256, 100:350] / 255).astype(np.float32)


def warned(call: Any, *arguments: Any, **options: Any) -> list[str]:
    """The files that the warnings point to."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(*arguments, **options)
    assert all(issubclass(warning.category, UserWarning) for warning in caught)
    return [warning.filename for warning in caught]


@pytest.fixture
def analyzer(detector: Any, landmarker: Any, embedder: Any) -> pyface.FaceAnalyzer:
    return pyface.FaceAnalyzer(detector=detector, landmarks=landmarker, embedder=embedder)


def test_each_door_of_the_models_warns(detector: Any, landmarker: Any, embedder: Any, unit: np.ndarray) -> None:
    box = np.array([[68.0, 69.0, 163.0, 164.0]])
    points = landmarker.locate(np.rint(unit * 255).astype(np.uint8), box)
    assert warned(detector.detect, unit) == [__file__]
    assert warned(landmarker.locate, unit, box) == [__file__]
    assert warned(embedder.crop, unit, points) == [__file__]
    crops = embedder.crop(np.rint(unit * 255).astype(np.uint8), points)
    assert warned(embedder.embed, crops.astype(np.float32) / 255) == [__file__]
    with pytest.warns(UserWarning, match="crops holds? floats within 0..1"):
        embedder.embed(crops.astype(np.float32) / 255)
    assert warned(embedder.embed, crops.astype(np.float32)) == []
    assert warned(embedder.embed, crops[:0].astype(np.float32)) == []


def test_an_analyzer_warns_once_an_image(analyzer: pyface.FaceAnalyzer, unit: np.ndarray) -> None:
    assert warned(analyzer.analyze, unit) == [__file__]
    assert warned(analyzer.analyze_many, [unit, unit]) == [__file__] * 2
    with pytest.warns(UserWarning, match=WARNING):
        assert analyzer.analyze(unit) == []
    with pytest.warns(UserWarning, match=r"within -1\.\.1"):
        analyzer.analyze(unit * 2 - 1)
    with pytest.warns(UserWarning, match=WARNING):
        analyzer.analyze(unit[:, :, 0] * 1.02)  # grey, and a little beyond, as resampling leaves it


def test_what_is_in_range_is_taken_without_a_word(analyzer: pyface.FaceAnalyzer, unit: np.ndarray) -> None:
    full = unit * 255
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(analyzer.analyze(full)) == 1
        assert len(analyzer.analyze(full.astype(np.uint8))) == 1
        for level in (0, 1):
            analyzer.analyze(np.full((64, 64, 3), level, np.uint8))
        analyzer.analyze(np.zeros((64, 64, 3), np.float32))


def test_dark_parts_of_a_photo_are_not_taken_for_the_whole(detector: Any, unit: np.ndarray) -> None:
    """Searching for small faces shows the detector one tile at a time, and a tile may be all but black."""
    night = np.full((700, 2600, 3), 0.5, np.float32)
    night[:256, :250] = unit * 255
    analyzer = pyface.FaceAnalyzer(detector=detector, landmarks=False, embedder=False, min_face=70)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(analyzer.analyze(night)) == 1
    assert warned(detector.detect, night[:, 1300:]) == [__file__]  # asked alone, nobody can know
