"""SFace: how faces are cut out, and networks whose answer is a known function of the pixels."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from pyface import geometry, types

onnx = pytest.importorskip("onnx", reason="the models of OpenCV's zoo are built with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from oracles import alignment, zoo_files  # noqa: E402

from pyface.geometry.templates import template_points  # noqa: E402
from pyface.models import parallel  # noqa: E402
from pyface.models.opencv import reader, sface, sface_graph  # noqa: E402
from pyface.models.session import Session  # noqa: E402

TEMPLATE = template_points("arcface", 112)


def embedder(data: bytes, size: int, n_threads: int = 1) -> sface.SFace:
    graph = sface_graph.sface_graph(reader.read_network(data, "file"))
    session = Session(graph, name="tiny", n_threads=1)
    dimension = session.output_shape[1]
    about = {"name": "tiny", "family": "sface", "digest": ""}
    return sface.SFace(session, **about, size=size, dimension=dimension, n_threads=n_threads)


def seeing(size: int, slope: float, taps: list[tuple[int, int]]) -> bytes:
    """Numbers of the vector: red, green and blue of the pixel in row 2 and column 3, normalised, through a PReLU; then
    the sum of the three-by-three taps (row, column, each from -1 to 1) around the corner pixel (0, 0), red alone.
    """
    file = zoo_files.File()
    for name, value in (("mean", [127.5]), ("scale", [0.0078125])):
        file.constant(np.array(value), name)
    value = file.step("Mul", [file.step("Sub", ["data", "mean"], "centred"), "scale"], "scaled")
    weights = np.zeros((4, 3, 3, 3))
    weights[range(3), range(3), 1, 1] = 1
    for row, col in taps:
        weights[3, 0, 1 + row, 1 + col] += 1
    value = file.conv(value, weights, None, "conv")

    def norm(value: str, n: int, output: str) -> str:
        names = [file.constant(np.full(n, v), f"{output}_{i}") for i, v in enumerate((1.0, 0.0, 0.0, 1.0))]
        return str(file.step("BatchNormalization", [value, *names], output, epsilon=1e-12))

    file.constant(np.full((4, 1, 1), slope), "slopes")
    value = file.step("PRelu", [norm(value, 4, "norm"), "slopes"], "prelu")
    full = np.zeros((4, 4, size, size))
    full[range(3), range(3), 2, 3] = 1
    full[3, 3, 0, 0] = 1
    value = file.step("Flatten", [value], "flat")
    inputs = [value, file.constant(full.reshape(4, -1), "full"), file.constant(np.zeros(4), "bias")]
    norm(file.step("Gemm", inputs, "pre", transB=1), 4, "fc1")
    return bytes(file.data("data", [1, 3, size, size], ["fc1"]))


@pytest.mark.parametrize("slope", [0.25, -0.5, 1.5])
def test_colours_scale_and_edge(slope: float) -> None:
    taps = [(-1, -1), (0, 0), (1, 1)]
    model = embedder(seeing(8, slope, taps), 8)
    crops = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    x = (crops.astype(float) - 127.5) / 128
    # Beyond the edge there is the mean, not black.
    wanted = np.hstack([x[:, 2, 3], (x[:, 0, 0, 0] + x[:, 1, 1, 0])[:, None]])
    wanted = np.where(wanted > 0, wanted, slope * wanted)
    np.testing.assert_allclose(model.embed(crops), wanted, rtol=1e-6, atol=1e-7)


def test_floats_are_rounded_to_bytes() -> None:
    model = embedder(seeing(8, 1.0, []), 8)
    floats = np.full((5, 8, 8, 3), 7, np.float32)
    floats[:, 2, 3, 0] = (127.4, 128.5, 129.5, -4, 300)
    got = np.rint(model.embed(floats)[:, 0] * 128 + 127.5)
    assert got.tolist() == [127, 128, 130, 0, 255]


def test_crops_are_those_of_align_face(smooth: np.ndarray, syn: np.ndarray) -> None:
    model = embedder(zoo_files.sface(np.random.default_rng(0), size=112, channels=(4,)), 112, 2)
    rng = np.random.default_rng(1)
    points = TEMPLATE * rng.uniform(0.2, 1.5, (6, 1, 1)) + rng.uniform(-20, 90, (6, 1, 2)) + rng.normal(size=(6, 5, 2))
    for image in (smooth, syn):
        crops = model.crop(image, points)
        assert crops.shape == (6, 112, 112, 3) and crops.dtype == np.uint8
        np.testing.assert_array_equal(crops, geometry.align_face(image, points))
        np.testing.assert_array_equal(crops[2:3], model.crop(image, points[2:3]))
        np.testing.assert_array_equal(crops, model.crop(image[:, :, ::-1], points, color="bgr"))
        np.testing.assert_array_equal(crops, model.crop(image.astype(np.float32) + np.float32(0.3), points))
    matrix = np.linalg.inv(np.vstack([alignment.umeyama(points[0], TEMPLATE)[0], (0, 0, 1)]))[:2]
    corner = alignment.crop(smooth, matrix, (6, 6))
    np.testing.assert_allclose(model.crop(smooth, points[:1])[0, :6, :6], corner, atol=0.502)
    grey = model.crop(smooth[:, :, 0], points)
    assert (grey == grey[..., :1]).all() and grey.shape == crops.shape


def test_points_at_the_template_leave_pixels_alone(syn: np.ndarray) -> None:
    model = embedder(zoo_files.sface(np.random.default_rng(0), size=112, channels=(4,)), 112)
    crop = model.crop(syn, TEMPLATE[None] + (40, 30))
    np.testing.assert_array_equal(crop[0], syn[30:142, 40:152])


def test_a_vector_is_its_crops_alone() -> None:
    data = zoo_files.sface(np.random.default_rng(0), size=32, channels=(16, 16, 32, 32, 64))
    crops = np.random.default_rng(1).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    singly = np.concatenate([embedder(data, 32).embed(crop[None]) for crop in crops])
    for n_threads in (1, 2, 4, 16):
        model = embedder(data, 32, n_threads)
        np.testing.assert_array_equal(model.embed(crops), singly)
        np.testing.assert_array_equal(model.embed(crops[::-1]), singly[::-1])
        np.testing.assert_array_equal(model.embed(np.asfortranarray(crops)), singly)
        assert model.embed(crops[:0]).shape == (0, 6)


def test_what_goes_wrong_in_a_thread_is_told_and_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    model = embedder(zoo_files.sface(np.random.default_rng(0)), 16, 2)
    n_before = threading.active_count()
    calls: list[int] = []
    ended = threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            ended.set()
            super().shutdown(wait=wait)

    class Failing:
        def run(self, value: np.ndarray) -> np.ndarray:
            calls.append(1)
            if len(calls) > 1:  # the others are as slow as it takes to end all
                ended.wait()
            raise RuntimeError("no")

    monkeypatch.setattr(parallel, "ThreadPoolExecutor", Pool)
    model._session = Failing()  # type: ignore[assignment]
    with pytest.raises(RuntimeError, match="no"):
        model.embed(np.zeros((500, 16, 16, 3), np.uint8))
    assert threading.active_count() == n_before and len(calls) <= 3


def test_where_memory_is_short_faces_go_one_at_a_time() -> None:
    model = embedder(zoo_files.sface(np.random.default_rng(0)), 16, 3)
    crops = np.random.default_rng(1).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)
    want, session = model.embed(crops), model._session

    class Short:
        """Has memory for the first thread, if at all."""

        def __init__(self, has_some: bool) -> None:
            self.has_some = has_some

        def run(self, value: np.ndarray) -> np.ndarray:
            if not self.has_some or threading.current_thread() is not threading.main_thread():
                raise MemoryError("bad_alloc")
            return session.run(value)

    model._session = Short(True)  # type: ignore[assignment]
    np.testing.assert_array_equal(model.embed(crops), want)
    model._session = Short(False)  # type: ignore[assignment]
    with pytest.raises(MemoryError, match="not enough memory to embed faces"):
        model.embed(crops)


@pytest.mark.parametrize(
    ("crops", "error", "words"),
    [
        (np.zeros((2, 15, 16, 3), np.uint8), ValueError, r"crops must have shape \(n, 16, 16, 3\)"),
        (np.zeros((16, 16, 3), np.uint8), ValueError, "crops must have shape"),
        (np.zeros((1, 16, 16, 3), np.float64), TypeError, "crops must be a NumPy array of uint8 or float32"),
        (np.full((1, 16, 16, 3), np.nan, np.float32), ValueError, "crops hold NaN"),
        ([[1]], TypeError, "crops must be"),
    ],
)
def test_what_is_no_crop(crops: Any, error: type[Exception], words: str) -> None:
    model = embedder(zoo_files.sface(np.random.default_rng(0)), 16)
    with pytest.raises(error, match=words):
        model.embed(crops)


@pytest.mark.parametrize(
    ("landmarks", "words"),
    [
        (TEMPLATE, r"landmarks must have shape \(n, 5, 2\)"),
        (np.zeros((2, 6, 2)), r"landmarks must have shape \(n, 5, 2\)"),
        (np.zeros((2, 5, 2)), "landmarks: face 0: all points are equal"),
        (np.full((2, 5, 2), np.nan), "landmarks: face 0: point 0 is not finite"),
        (types.Landmarks(TEMPLATE[None], "dlib-5"), "of the scheme 'dlib-5'; tiny is aligned by arcface-5"),
    ],
)
def test_what_are_no_landmarks(smooth: np.ndarray, landmarks: Any, words: str) -> None:
    model = embedder(zoo_files.sface(np.random.default_rng(0), size=112, channels=(4,)), 112)
    with pytest.raises(ValueError, match=words):
        model.crop(smooth, landmarks)
    assert model.crop(smooth, types.Landmarks(np.zeros((0, 5, 2)), "arcface-5")).shape == (0, 112, 112, 3)
