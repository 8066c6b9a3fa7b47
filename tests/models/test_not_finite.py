"""Networks that give NaN, infinite numbers or zeros, as damaged weights do: none passes for an answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_up_models
import numpy as np
import pytest

pytest.importorskip("onnx", reason="the files are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from oracles import embedder_files, landmark_files
from oracles.broken_files import times
from PIL import Image

import pyface
from pyface.analysis.files import compare_photos
from pyface.errors import ModelFileError, PyfaceError


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_point_is_nan(tmp_path: Path, from_bytes: Callable[..., Any], value: float) -> None:
    path = landmark_files.saved(landmark_files.pixels(48, np.arange(10)), tmp_path / "points.onnx")
    model = from_bytes(times(path.read_bytes(), value), "five_point")
    image = np.full((60, 60, 3), 9, np.uint8)
    assert model.locate(image, []).points.shape == (0, 5, 2)
    with pytest.raises(ModelFileError, match="NaN or infinite values for face 0: its weights are damaged"):
        model.locate(image, [(0, 0, 59, 59)])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("family", ["arcface", "omz_0095"])
def test_no_vector_is_nan(from_bytes: Callable[..., Any], family: str, value: float) -> None:
    size, n = (112, 16) if family == "arcface" else (128, 256)
    model = from_bytes(times(embedder_files.seeing(size, np.arange(n) * 97), value), family)
    crops = np.full((2, size, size, 3), 200, np.uint8)
    assert model.embed(crops[:0]).shape == (0, n)
    with pytest.raises(ModelFileError, match="NaN or infinite values for crop 0: its weights are damaged"):
        model.embed(crops)


def test_batches_are_looked_at_as_well(from_bytes: Callable[..., Any], elsewhere: None) -> None:
    model = from_bytes(times(embedder_files.seeing(112, np.arange(16) * 97), 1e37), "arcface", normalization="raw")
    crops = np.full((3, 112, 112, 3), 200, np.uint8)
    with pytest.raises(ModelFileError, match="NaN or infinite values for crop 0"):
        model.embed(crops)


def test_vectors_of_zeros_are_not_compared(tmp_path: Path) -> None:
    class Nothing(made_up_models.ByColour):
        metric = "cosine"

        def embed(self, crops: Any) -> np.ndarray:
            return np.zeros((len(crops), 3), np.float32)

    photo = tmp_path / "photo.png"
    Image.new("RGB", (100, 80), (9, 200, 30)).save(photo)
    analyzer = pyface.FaceAnalyzer(detector=False, landmarks=made_up_models.FivePoints(), embedder=Nothing())
    with pytest.raises(PyfaceError, match="a vector of zeros, which has no direction"):
        compare_photos(analyzer, photo, photo)


def test_where_batches_are_tried_nan_is_told_no_sooner(from_bytes: Callable[..., Any], elsewhere: None) -> None:
    model = from_bytes(times(embedder_files.seeing(112, np.arange(16) * 97), np.inf), "arcface")
    with pytest.raises(ModelFileError, match="NaN or infinite values for crop 0"):
        model.embed(np.full((3, 112, 112, 3), 200, np.uint8))
