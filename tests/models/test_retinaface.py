"""Both kinds of RetinaFace: networks whose answer is a known function of the pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="these models are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from oracles import detector_files, plain_detectors  # noqa: E402

from pyface.errors import ModelFileError  # noqa: E402
from pyface.models.detectors.priors import priors  # noqa: E402

BLUE, GREEN, RED = np.eye(3)[::-1]
NONE = 0 * RED


def lone(rows: int, cols: int, y: int, x: int, rgb: tuple[int, int, int]) -> np.ndarray:
    image = np.zeros((rows, cols, 3), np.uint8)
    image[y, x] = rgb
    return image


# Of MXNet's files: the first anchor of a cell likes red, the second blue.
LEGACY = {
    "prob": ([NONE, NONE, RED / 16, BLUE / 16], [0, 0, -8, -8]),
    "box": ([GREEN / 1000, NONE, NONE, NONE, NONE, NONE, GREEN / 1000, NONE], [0, 0.125, -0.5, 0.25, 0.5, 0, 0, -1]),
    "points": ([GREEN / 1000, NONE] * 10, [*np.arange(10) / 20 - 0.25, *np.arange(10) / 40 - 0.125]),
    "mask": ([RED] * 6, [0] * 6),
}


def legacy_expected(x: int, y: int, green: int, stride: int, anchor: int) -> tuple[list[float], np.ndarray]:
    side = {8: (32, 16), 16: (128, 64), 32: (512, 256)}[stride][anchor]
    x, y, g = x + 7.5, y + 7.5, green / 1000
    dx, dy, dw, dh = (g, 0.125, -0.5, 0.25) if anchor == 0 else (0.5, 0, g, -1)
    x_mid, y_mid, half_w, half_h = (
        x + dx * side,
        y + dy * side,
        (side * math.exp(dw) - 1) / 2,
        (side * math.exp(dh) - 1) / 2,
    )
    shifts = (np.arange(10) / 20 - 0.25 if anchor == 0 else np.arange(10) / 40 - 0.125).reshape(5, 2) + np.array([g, 0])
    return [x_mid - half_w, y_mid - half_h, x_mid + half_w, y_mid + half_h], shifts * side + [x, y]


@pytest.mark.parametrize("anchor", [0, 1])
@pytest.mark.parametrize(("x", "y", "green"), [(8, 40, 0), (72, 24, 100), (40, 56, 255)])
def test_legacy_colours_anchors_and_places(
    from_bytes: Callable[..., Any], x: int, y: int, green: int, anchor: int
) -> None:
    """Numbers go in as they are; the centre of an anchor is 7.5 pixels from its cell's corner, and edges count."""
    model = from_bytes(detector_files.retinaface(LEGACY, size=(96, 64)), "retinaface")
    rgb = (200, green, 0) if anchor == 0 else (0, green, 200)
    found = model.detect(lone(64, 96, y, x, rgb))
    box, points = legacy_expected(x, y, green, 8, anchor)
    assert len(found) == 1
    assert found.scores[0] == pytest.approx(1 / (1 + math.exp(8 - 200 / 16)), rel=1e-5)
    np.testing.assert_allclose(found.boxes[0], box, rtol=1e-5)
    np.testing.assert_allclose(found.landmarks[0], points, rtol=1e-5)
    turned = model.detect(lone(64, 96, y, x, rgb)[:, :, ::-1], color="bgr")
    np.testing.assert_array_equal(turned.boxes, found.boxes)


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("declared", [False, True])
def test_legacy_levels_in_any_order(from_bytes: Callable[..., Any], shuffled: bool, declared: bool) -> None:
    data = detector_files.retinaface(LEGACY, shuffled=shuffled, declared=declared)
    found = from_bytes(data, "retinaface", input_size=(96, 64)).detect(lone(64, 96, 32, 64, (200, 20, 0)))
    wanted = [legacy_expected(64, 32, 20, stride, 0) for stride in (8, 16, 32)]
    np.testing.assert_allclose(found.boxes, [box for box, _ in wanted], rtol=1e-5)
    np.testing.assert_allclose(found.landmarks, [points for _, points in wanted], rtol=1e-5)


@pytest.mark.parametrize("masks", [False, True])
def test_legacy_points_of_five_times_the_distance(from_bytes: Callable[..., Any], masks: bool) -> None:
    """Files that know masks give them for certain; of the others points that are too far apart tell."""
    far = {**LEGACY, "points": ([5 * f for f in LEGACY["points"][0]], 5 * np.array(LEGACY["points"][1]))}
    model = from_bytes(detector_files.retinaface(far, masks=masks, size=(96, 64)), "retinaface")
    found = model.detect(lone(64, 96, 24, 72, (200, 10, 0)))
    box, points = legacy_expected(72, 24, 10, 8, 0)
    np.testing.assert_allclose(found.boxes[0], box, rtol=1e-5)
    np.testing.assert_allclose(found.landmarks[0], points, rtol=1e-5)
    if masks:  # also where they lie near each other
        found = from_bytes(detector_files.retinaface(LEGACY, masks=True, size=(96, 64)), "retinaface").detect(
            lone(64, 96, 24, 72, (200, 10, 0))
        )
        middle = np.array([79.5, 31.5])
        np.testing.assert_allclose(found.landmarks[0], middle + (points - middle) / 5, rtol=1e-5)


@pytest.mark.parametrize("masks", [False, True])
def test_legacy_by_its_slow_twin(from_bytes: Callable[..., Any], masks: bool) -> None:
    rng = np.random.default_rng(3)
    random = detector_files.random_heads(rng, {"prob": 4, "box": 8, "points": 20, "mask": 6})
    random = {name: (f / 255, s - 1.5 * (name == "prob")) for name, (f, s) in random.items()}
    model = from_bytes(detector_files.retinaface(random, masks=masks), "retinaface", input_size=(160, 128))
    image = rng.integers(0, 256, (128, 160, 3), dtype=np.uint8)
    found = model.detect(image, threshold=0.2)
    scale = 0.2 if masks else 1.0
    boxes, scores, points = plain_detectors.retinaface(model._session.run_all, image, 0.2, (160, 128), scale)
    assert len(found) == len(boxes) > 5
    np.testing.assert_allclose(found.scores, scores, rtol=1e-6)
    np.testing.assert_allclose(found.boxes, boxes, rtol=1e-5, atol=1e-4)
    apart = np.ptp(points, axis=1).max(axis=1) > 0.9 * (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    if not masks:
        assert 0 < apart.sum() < len(apart)
    np.testing.assert_allclose(found.landmarks[~apart | masks], points[~apart | masks], rtol=1e-5, atol=1e-4)


# Of PyTorch's files: numbers of a pixel are B - 104, G - 117, R - 123.
TORCH = {
    "chance": ([NONE, BLUE / 16, NONE, RED / 16], [0, -4, 0, -2]),
    "box": ([NONE, NONE, GREEN / 100, NONE, NONE, NONE, NONE, GREEN / 100], [1, -2, 0, 0.5, -1, 0, 1, 0]),
    "points": ([GREEN / 100, NONE] * 10, [*np.arange(10), *(-np.arange(10))]),
}
# The file's planes are blue, green, red.
TORCH = {name: (np.asarray(factors)[:, ::-1], summands) for name, (factors, summands) in TORCH.items()}


def torch_expected(x: int, y: int, green: int, stride: int, anchor: int) -> tuple[list[float], np.ndarray]:
    side, g = {8: (16, 32), 16: (64, 128), 32: (256, 512)}[stride][anchor], (green - 117) / 100
    x, y = x + stride / 2, y + stride / 2
    dx, dy, dw, dh = (1, -2, g, 0.5) if anchor == 0 else (-1, 0, 1, g)
    x_mid, y_mid = x + dx * 0.1 * side, y + dy * 0.1 * side
    half_w, half_h = side * math.exp(0.2 * dw) / 2, side * math.exp(0.2 * dh) / 2
    shifts = (np.arange(10) * (1 if anchor == 0 else -1)).reshape(5, 2) + np.array([g, 0])
    return [x_mid - half_w, y_mid - half_h, x_mid + half_w, y_mid + half_h], shifts * 0.1 * side + [x, y]


@pytest.mark.parametrize("anchor", [0, 1])
@pytest.mark.parametrize(("x", "y", "green"), [(8, 40, 0), (72, 24, 117), (40, 56, 255)])
def test_torch_colours_priors_and_places(
    from_bytes: Callable[..., Any], x: int, y: int, green: int, anchor: int
) -> None:
    model = from_bytes(detector_files.pytorch_retinaface(TORCH, size=(96, 64)), "pytorch_retinaface")
    rgb = (0, green, 250) if anchor == 0 else (250, green, 0)
    found = model.detect(lone(64, 96, y, x, rgb))
    box, points = torch_expected(x, y, green, 8, anchor)
    logit = (250 - 104) / 16 - 4 if anchor == 0 else (250 - 123) / 16 - 2
    assert len(found) == 1
    assert found.scores[0] == pytest.approx(1 / (1 + math.exp(-logit)), rel=1e-5)
    np.testing.assert_allclose(found.boxes[0], box, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.landmarks[0], points, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("order", [("box", "chance", "points"), ("points", "box", "chance")])
@pytest.mark.parametrize("softmax", [True, False])
@pytest.mark.parametrize("size", [(96, 64), None])
def test_torch_tables_in_any_order(
    from_bytes: Callable[..., Any], order: tuple[str, ...], softmax: bool, size: Any
) -> None:
    """And of files that leave the softmax to the caller, and such as take every size."""
    data = detector_files.pytorch_retinaface(TORCH, size=size, order=order, softmax=softmax)
    found = from_bytes(data, "pytorch_retinaface", input_size=(96, 64)).detect(lone(64, 96, 32, 64, (250, 20, 0)))
    wanted = [torch_expected(64, 32, 20, stride, 1) for stride in (8, 16, 32)]
    assert len(found) == 3
    np.testing.assert_allclose(found.scores, 1 / (1 + math.exp(2 - 127 / 16)), rtol=1e-5)
    np.testing.assert_allclose(found.boxes, [box for box, _ in wanted], rtol=1e-5)
    np.testing.assert_allclose(found.landmarks, [points for _, points in wanted], rtol=1e-5)


def test_torch_by_its_slow_twin(from_bytes: Callable[..., Any]) -> None:
    rng = np.random.default_rng(4)
    random = detector_files.random_heads(rng, {"chance": 4, "box": 8, "points": 20})
    random = {name: (factors / 100, summands) for name, (factors, summands) in random.items()}
    model = from_bytes(detector_files.pytorch_retinaface(random), "pytorch_retinaface", input_size=(160, 128))
    image = rng.integers(0, 256, (128, 160, 3), dtype=np.uint8)
    found = model.detect(image)
    boxes, scores, points = plain_detectors.pytorch_retinaface(model._session.run_all, image, 0.5, (160, 128))
    assert len(found) == len(boxes) > 20
    np.testing.assert_allclose(found.scores, scores, rtol=1e-5)
    np.testing.assert_allclose(found.boxes, boxes, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found.landmarks, points, rtol=1e-5, atol=1e-4)


def test_priors_by_their_slow_twin() -> None:
    strides, sides = (8, 16, 32), ((16, 32), (64, 128), (256, 512))
    for width, height in ((640, 640), (96, 64), (100, 70)):
        wanted = plain_detectors.prior_boxes(width, height, strides, sides) * [width, height, width, height]
        np.testing.assert_allclose(priors(height, width, strides, sides), wanted, rtol=1e-12)
    assert len(priors(640, 640, strides, sides)) == 16_800


def test_decoded_boxes_are_refused(from_bytes: Callable[..., Any]) -> None:
    model = onnx.ModelProto.FromString(detector_files.pytorch_retinaface(TORCH, size=(96, 64)))
    model.graph.node.append(onnx.helper.make_node("Exp", ["out_box"], ["decoded"]))
    model.graph.output[0].name = "decoded"
    with pytest.raises(ModelFileError, match="its boxes are decoded in the file"):
        from_bytes(model.SerializeToString(), "pytorch_retinaface")


def test_another_number_of_rows(from_bytes: Callable[..., Any]) -> None:
    model = onnx.ModelProto.FromString(detector_files.pytorch_retinaface(TORCH))
    for node in model.graph.node:
        if node.op_type == "Concat":
            node.input.pop()
    detector = from_bytes(model.SerializeToString(), "pytorch_retinaface", input_size=64)
    with pytest.raises(ModelFileError, match=r"expected \[\(168, 4\), \(168, 2\), \(168, 10\)\]: it is not of"):
        detector.detect(np.zeros((64, 64, 3), np.uint8))


@pytest.mark.parametrize("shape", [(60, 80), (300, 100), (100, 300), (1, 5000)])
@pytest.mark.parametrize("family", ["retinaface", "pytorch_retinaface"])
def test_the_letterbox(from_bytes: Callable[..., Any], family: str, shape: tuple[int, int]) -> None:
    made = detector_files.retinaface(LEGACY) if family == "retinaface" else detector_files.pytorch_retinaface(TORCH)
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    canvas = from_bytes(made, family, input_size=(128, 96))._canvas(image)
    pixels, x_scale, y_scale = plain_detectors.letterbox(image, 128, 96)
    assert (canvas.x_scale, canvas.y_scale) == (x_scale, y_scale)
    assert np.abs(canvas.pixels.astype(int) - pixels).max() <= 1
