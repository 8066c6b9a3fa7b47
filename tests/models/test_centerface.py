"""CenterFace: networks whose answer is a known function of the pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="these models are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from oracles import detector_files, plain_detectors

BLUE, GREEN, RED = np.eye(3)[::-1]
NONE = 0 * RED
HEADS = {
    "heat": ([RED / 16], [-8]),
    "size": ([GREEN / 200, BLUE / 200], [0.5, 1]),  # of height, then of width
    "shift": ([NONE, GREEN / 1000], [0.25, -0.125]),  # down, then to the right
    "points": ([NONE, BLUE / 1000] * 5, np.arange(10) / 10),
}


def expected(x: int, y: int, rgb: tuple[int, int, int]) -> tuple[float, list[float], np.ndarray]:
    red, green, blue = rgb
    h, w = 4 * math.exp(0.5 + green / 200), 4 * math.exp(1 + blue / 200)
    left, top = x + 4 * (0.5 - 0.125 + green / 1000) - w / 2, y + 4 * (0.5 + 0.25) - h / 2
    down, right = np.arange(0, 10, 2) / 10, np.arange(1, 10, 2) / 10 + blue / 1000
    points = np.stack([left + right * w, top + down * h], axis=1)
    return 1 / (1 + math.exp(8 - red / 16)), [left, top, left + w, top + h], points


def lone(rows: int, cols: int, y: int, x: int, rgb: tuple[int, int, int]) -> np.ndarray:
    image = np.zeros((rows, cols, 3), np.uint8)
    image[y, x] = rgb
    return image


@pytest.mark.parametrize("rgb", [(200, 0, 0), (160, 64, 0), (255, 0, 128), (150, 30, 90)])
@pytest.mark.parametrize(("x", "y"), [(40, 8), (0, 0), (92, 60)])
def test_colours_and_place(from_bytes: Callable[..., Any], x: int, y: int, rgb: tuple[int, int, int]) -> None:
    """Raw numbers of RGB; y comes before x; points count from the corner of the whole box, also where it is cut off."""
    model = from_bytes(detector_files.centerface(HEADS), "centerface")
    assert model.input_size is None and model.input_side is None
    found = model.detect(lone(64, 96, y, x, rgb))
    score, box, points = expected(x, y, rgb)
    assert len(found) == 1 and found.scores[0] == pytest.approx(score, rel=1e-5)
    np.testing.assert_allclose(found.boxes[0], box, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.landmarks[0], points, rtol=1e-5, atol=1e-5)
    turned = model.detect(lone(64, 96, y, x, rgb)[:, :, ::-1], color="bgr")
    np.testing.assert_array_equal(turned.boxes, found.boxes)


@pytest.mark.parametrize("shape", [(57, 89), (33, 64), (64, 33), (9, 9), (1, 1), (1, 10_000), (10_000, 1)])
def test_the_padding_is_black_and_below_and_on_the_right(
    from_bytes: Callable[..., Any], shape: tuple[int, int]
) -> None:
    model = from_bytes(detector_files.centerface(HEADS), "centerface")
    y, x = ((side - 1) // 4 * 4 for side in shape)
    image = lone(*shape, y, x, (200, 0, 0))
    found = model.detect(image)
    assert len(found) == 1
    np.testing.assert_allclose(found.boxes[0], expected(x, y, (200, 0, 0))[1], rtol=1e-5, atol=1e-4)
    padded = model._canvas(image).pixels
    assert padded.shape == (*(-(-side // 32) * 32 for side in shape), 3)
    assert padded.sum() == image.sum() and (padded[: shape[0], : shape[1]] == image).all()


def test_an_input_size(from_bytes: Callable[..., Any]) -> None:
    """The image is enlarged into it."""
    model = from_bytes(detector_files.centerface(HEADS), "centerface", input_size=(192, 160))
    assert model.input_size == (192, 160) and model.input_side == 192
    image = np.zeros((64, 96, 3), np.uint8)
    image[8:13, 38:43] = (200, 0, 0)
    found = model.detect(image)
    _, box, points = expected(80, 20, (200, 0, 0))
    nearest = np.abs(found.boxes - np.array(box) / 2).sum(axis=1).argmin()
    np.testing.assert_allclose(found.boxes[nearest], np.array(box) / 2, rtol=1e-5)
    np.testing.assert_allclose(found.landmarks[nearest], points / 2, rtol=1e-5)


def test_files_without_points(from_bytes: Callable[..., Any]) -> None:
    model = from_bytes(detector_files.centerface(HEADS, has_points=False), "centerface")
    found = model.detect(lone(64, 96, 8, 40, (200, 0, 0)))
    assert found.landmarks is None
    np.testing.assert_allclose(found.boxes[0], expected(40, 8, (200, 0, 0))[1], rtol=1e-5)


def test_a_file_that_takes_one_size_only(from_bytes: Callable[..., Any]) -> None:
    data = detector_files.centerface(HEADS, declared=(1, 3, 64, 128), fixed=True)
    model = from_bytes(data, "centerface")
    assert model.input_size == (128, 64)
    found = model.detect(lone(64, 128, 8, 40, (200, 0, 0)))
    np.testing.assert_allclose(found.boxes, [expected(40, 8, (200, 0, 0))[1]], rtol=1e-5)
    with pytest.raises(ValueError, match="takes pictures of 128 x 64 only"):
        from_bytes(data, "centerface", input_size=64)


def test_by_its_slow_twin(from_bytes: Callable[..., Any]) -> None:
    rng = np.random.default_rng(6)
    random = detector_files.random_heads(rng, {"heat": 1, "size": 2, "shift": 2, "points": 10})
    random = {name: (factors / 128, summands) for name, (factors, summands) in random.items()}
    model = from_bytes(detector_files.centerface(random), "centerface")
    image = rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)
    found = model.detect(image, threshold=0.5)
    boxes, scores, points = plain_detectors.centerface(model._session.run_all, image, 0.5)
    assert len(found) == len(boxes) > 20
    np.testing.assert_allclose(found.scores, scores, rtol=1e-6)
    np.testing.assert_allclose(found.boxes, boxes, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found.landmarks, points, rtol=1e-5, atol=1e-4)


def test_batches_of_equal_canvases(from_bytes: Callable[..., Any], elsewhere: None) -> None:
    rng = np.random.default_rng(7)
    model = from_bytes(detector_files.centerface(HEADS), "centerface")
    images = [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in ((60, 90), (64, 96), (40, 40), (50, 70))]
    many = model.detect_many(images)
    assert model._takes_batches
    for got, image in zip(many, images, strict=True):
        want = model.detect(image)
        assert len(want) > 0
        np.testing.assert_allclose(got.boxes, want.boxes, atol=1e-3)
        np.testing.assert_allclose(got.landmarks, want.landmarks, atol=1e-3)
