"""UltraFace: networks whose answer is a known function of the pixels, with and without their boxes decoded."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="these models are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from oracles import detector_files, plain_detectors, zoo_files  # noqa: E402

from pyface import models  # noqa: E402

BLUE, GREEN, RED = np.eye(3)[::-1]
NONE = 0 * RED
PRIORS = plain_detectors.ultraface_priors(320, 240)
SIDES = {8: (10, 16, 24), 16: (32, 48), 32: (64, 96), 64: (128, 192, 256)}


def heads() -> dict[Any, Any]:
    """Numbers of a pixel are (v - 127) / 128. The last anchor of a cell likes red; green and blue move its box."""
    made: dict[Any, Any] = {}
    for stride, sides in SIDES.items():
        n = len(sides)
        made["chance", stride] = [NONE] * (2 * n - 1) + [8 * RED], [0] * (2 * n - 2) + [4, 0]
        made["chance", stride][1][0 : 2 * n - 2 : 2] = [20] * (n - 1)
        made["box", stride] = [NONE] * (4 * n - 4) + [GREEN, NONE, BLUE, NONE], [*[0] * (4 * n - 4), 0.5, -1, 0, 2]
    return made


@pytest.fixture
def pair(from_bytes: Callable[..., Any]) -> list[Any]:
    """Two models of one network: boxes decoded in the file, and distances."""
    return [
        from_bytes(detector_files.ultraface(heads(), decoded=decoded, priors=PRIORS), "ultraface")
        for decoded in (True, False)
    ]


def expected(x: int, y: int, rgb: tuple[int, int, int], stride: int) -> tuple[float, list[float]]:
    red, green, blue = ((v - 127) / 128 for v in rgb)
    side = SIDES[stride][-1]
    w, h = min(side, 320), min(side, 240)
    x_mid, y_mid = min(x + stride / 2, 320) + (green + 0.5) * 0.1 * w, min(y + stride / 2, 240) - 0.1 * h
    w, h = w * math.exp(0.2 * blue), h * math.exp(0.4)
    return 1 / (1 + math.exp(4 - 8 * red)), [x_mid - w / 2, y_mid - h / 2, x_mid + w / 2, y_mid + h / 2]


@pytest.mark.parametrize("rgb", [(255, 0, 0), (230, 255, 60), (250, 10, 255)])
@pytest.mark.parametrize(("x", "y"), [(8, 24), (312, 232), (72, 8)])
def test_colours_and_place(pair: list[Any], x: int, y: int, rgb: tuple[int, int, int]) -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    image[y, x] = rgb
    score, box = expected(x, y, rgb, 8)
    for model in pair:
        found = model.detect(image)
        assert len(found) == 1 and found.landmarks is None
        assert found.scores[0] == pytest.approx(score, rel=1e-5)
        np.testing.assert_allclose(found.boxes[0], box, rtol=1e-4, atol=1e-3)
        turned = model.detect(image[:, :, ::-1], color="bgr")
        np.testing.assert_array_equal(turned.boxes, found.boxes)


def test_every_level_has_its_priors(pair: list[Any]) -> None:
    """The largest are cut off at the picture's height."""
    image = np.zeros((240, 320, 3), np.uint8)
    image[192, 128] = (255, 127, 127)
    for model in pair:
        found = model.detect(image)
        wanted = [expected(128, 192, (255, 127, 127), stride)[1] for stride in SIDES]
        np.testing.assert_allclose(sorted(found.boxes.tolist()), sorted(wanted), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("shape", [(480, 640), (480, 400), (240, 160), (120, 160)])
def test_proportions_are_not_kept(pair: list[Any], shape: tuple[int, int]) -> None:
    """The photo fills the picture, and boxes are multiplied by each side."""
    x_scale, y_scale = shape[1] / 320, shape[0] / 240
    image = np.zeros((*shape, 3), np.uint8)
    image[int(228 * y_scale) :, int(306 * x_scale) :] = (255, 0, 0)  # the last cell alone
    for model in pair:
        assert model._canvas(image).pixels.shape == (240, 320, 3)
        found = model.detect(image)
        _, box = expected(312, 232, (255, 0, 0), 8)
        np.testing.assert_allclose(
            found.boxes, [np.array(box) * np.array([x_scale, y_scale] * 2)], rtol=1e-4, atol=1e-3
        )


def test_files_without_a_softmax(from_bytes: Callable[..., Any]) -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    image[24, 8] = (230, 0, 0)
    data = [detector_files.ultraface(heads(), decoded=False, softmax=softmax) for softmax in (True, False)]
    one, other = (from_bytes(d, "ultraface").detect(image) for d in data)
    assert len(one) == 1
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-6)


@pytest.mark.parametrize("decoded", [True, False])
@pytest.mark.parametrize("size", [(320, 240), (128, 96)])
def test_by_its_slow_twin(from_bytes: Callable[..., Any], size: tuple[int, int], decoded: bool) -> None:
    rng = np.random.default_rng(5)
    channels = {("chance", s): 2 * len(sides) for s, sides in SIDES.items()}
    channels |= {("box", s): 4 * len(sides) for s, sides in SIDES.items()}
    random = detector_files.random_heads(rng, channels)
    priors = plain_detectors.ultraface_priors(*size)
    model = from_bytes(detector_files.ultraface(random, size=size, decoded=decoded, priors=priors), "ultraface")
    image = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    found = model.detect(image, threshold=0.6)
    boxes, scores, _ = plain_detectors.ultraface(model._session.run_all, image, 0.6, size, decoded)
    assert len(found) == len(boxes) > 20
    np.testing.assert_allclose(found.scores, scores, rtol=1e-5)
    np.testing.assert_allclose(found.boxes, boxes, rtol=1e-4, atol=1e-3)


def test_real_weights_without_their_last_steps(
    shared: Callable[[str], Path], from_bytes: Callable[..., Any], astronaut: np.ndarray
) -> None:
    """The known file, cut where its makers cut theirs: the same boxes."""
    path = shared("models/ultraface_rfb_320.onnx")
    whole = models.load(path, "ultraface", n_threads=1)
    model = onnx.ModelProto.FromString(path.read_bytes())
    softmax = next(node for node in model.graph.node if node.op_type == "Softmax")
    tables = {node.output[0]: node for node in model.graph.node if node.op_type == "Concat"}
    cut = next(
        name
        for name in tables
        if "Exp" not in steps_of(model, name)
        and name != softmax.input[0]
        and any(node.op_type == "Slice" and name in node.input for node in model.graph.node)
    )
    decoder = next(node for node in model.graph.node if "boxes" in node.output)
    decoder.output[0] = "decoded"
    model.graph.node.append(onnx.helper.make_node("Identity", [cut], ["boxes"]))
    raw = from_bytes(model.SerializeToString(), "ultraface")
    want, got = whole.detect(astronaut, threshold=0.3), raw.detect(astronaut, threshold=0.3)
    assert len(want) >= 1
    np.testing.assert_array_equal(got.scores, want.scores)
    np.testing.assert_allclose(got.boxes, want.boxes, atol=1e-3)
    run = raw._session.run_all(raw._numbers(np.zeros((240, 320, 3), np.uint8))[None])
    assert run[1].min() < -0.5 or run[1].max() > 1.5, "these are no distances"


def steps_of(model: Any, output: str) -> set[str]:
    needed, kinds = {output}, set()
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kinds.add(node.op_type)
    return kinds


def test_the_known_file_by_its_slow_twin(shared: Callable[[str], Path], astronaut: np.ndarray) -> None:
    path = shared("models/ultraface_rfb_320.onnx")
    model = models.load(path, "ultraface", n_threads=1)
    run = lambda value: list(zoo_files.run_planes(path.read_bytes(), value).values())  # noqa: E731
    boxes, scores, _ = plain_detectors.ultraface(run, astronaut, 0.5)
    found = model.detect(astronaut, threshold=0.5)
    assert len(found) == len(boxes) == 1
    np.testing.assert_allclose(found.boxes, boxes, atol=0.5)
    np.testing.assert_allclose(found.scores, scores, atol=0.01)
