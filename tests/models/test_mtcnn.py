"""MTCNN's graphs and cascade against their twins, by hand, in every number of threads, and with bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("onnx", reason="the models are built with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")
pytest.importorskip("cv2", reason="levels are made by OpenCV")

import mtcnn_weights
from oracles import mtcnn_by_loops as oracle

from pyface import _memory, errors
from pyface.models.mtcnn import detector_graphs, mtcnn
from pyface.models.session import Session

GRAPHS = (detector_graphs.pnet_graph, detector_graphs.rnet_graph, detector_graphs.onet_graph)


def drawn(rows: int, cols: int) -> np.ndarray:
    y, x = np.mgrid[:rows, :cols]
    planes = [(3 * x + 5 * y) % 256, (7 * x + y) % 256, (x + 11 * y) % 256]
    return np.stack(planes, axis=-1).astype(np.uint8)


def detector(seed: int, n_threads: int = 1, **more: Any) -> mtcnn.Mtcnn:
    made = zip(GRAPHS, mtcnn_weights.networks(seed), strict=True)
    sessions = [Session(graph(arrays, "file"), name="tiny", n_threads=1) for graph, arrays in made]
    return mtcnn.Mtcnn(*sessions, name="tiny", family="mtcnn", digest="", n_threads=n_threads, **more)


def assert_same_faces(got: Any, want: list[oracle.Found]) -> None:
    assert len(got) == len(want)
    assert got.boxes.shape == (len(want), 4) and got.landmarks.shape == (len(want), 5, 2)
    for i, face in enumerate(want):
        assert_allclose(got.boxes[i], face.box, atol=1e-3)
        assert_allclose(got.scores[i], face.score, atol=1e-5)
        assert_allclose(got.landmarks[i], face.points, atol=1e-3)


# --- the graphs ---------------------------------------------------------------------------------------------------

SLOPES = [(0.0, 1.0), (-0.05, 1.3), (-1.5, -0.1), (1.1, 1.6), (-0.3, 0.3)]
"""None below 0; some on both sides; all below 0, for which no block has room; all above 1; many below 0."""


@pytest.mark.parametrize("slopes", SLOPES)
@pytest.mark.parametrize("size", [(12, 12), (13, 12), (20, 31), (33, 26)])
def test_pnet_is_the_network(slopes: tuple[float, float], size: tuple[int, int]) -> None:
    arrays = mtcnn_weights.networks(3, slopes)[0]
    pictures = np.stack([drawn(*size), drawn(*size)[::-1]])
    found = Session(detector_graphs.pnet_graph(arrays, "file"), name="tiny").run(pictures)
    for got, picture in zip(found, pictures, strict=True):
        assert_allclose(got.transpose(1, 2, 0), oracle.pnet(arrays, picture), atol=2e-5)


@pytest.mark.parametrize("slopes", SLOPES)
@pytest.mark.parametrize("place", [1, 2])
def test_rnet_and_onet_are_the_networks(slopes: tuple[float, float], place: int) -> None:
    arrays = mtcnn_weights.networks(4, slopes)[place]
    twin, size = (oracle.rnet, 24) if place == 1 else (oracle.onet, 48)
    crops = np.random.default_rng(1).integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    found = Session(GRAPHS[place](arrays, "file"), name="tiny").run(crops)
    for got, crop in zip(found, crops, strict=True):
        assert_allclose(got, twin(arrays, crop), atol=5e-5)


def test_other_arrays_are_refused() -> None:
    networks = mtcnn_weights.networks(0)
    for graph, arrays, name in zip(GRAPHS, networks, ("P-Net", "R-Net", "O-Net"), strict=True):
        turned = [arrays[0].transpose(3, 0, 1, 2), *arrays[1:]]
        others = [other for other in networks if other is not arrays]
        for wrong in (arrays[:-1], [*arrays, arrays[0]], turned, [], *others):
            with pytest.raises(errors.ModelFileError, match=f"file does not hold the arrays of {name}"):
                graph(wrong, "file")


# --- the cascade --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 4])
@pytest.mark.parametrize(("rows", "cols"), [(70, 90), (41, 60), (96, 33), (20, 47)])
def test_faces_equal_the_twins(seed: int, rows: int, cols: int) -> None:
    image = drawn(rows, cols)
    assert_same_faces(detector(seed).detect(image), oracle.detect(mtcnn_weights.networks(seed), image))


def test_the_twin_finds_some() -> None:
    """Else there would be nothing to compare."""
    found = oracle.detect(mtcnn_weights.networks(1), drawn(70, 90))
    assert len(found) > 10 and len({round(float(face.box[2] - face.box[0])) for face in found}) > 5


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"min_face": 13.5}, {"min_face": 13.5}),
        ({"min_face": 31}, {"min_face": 31}),
        ({"threshold": 0.9}, {"thresholds": (0.6, 0.7, 0.9)}),
        ({"threshold": 0.05}, {"thresholds": (0.6, 0.7, 0.05)}),
    ],
)
def test_what_it_is_told(given: dict[str, float], told: dict[str, Any]) -> None:
    image = drawn(70, 90)
    got = detector(1).detect(image, **given)
    assert_same_faces(got, oracle.detect(mtcnn_weights.networks(1), image, **told))
    assert_array_equal(got.boxes, detector(1).detect_many([image], **given)[0].boxes)


def test_other_steps_of_the_pyramid() -> None:
    image = drawn(70, 90)
    for factor in (0.5, 0.8):
        got = detector(1).with_factor(factor).detect(image)
        assert_same_faces(got, oracle.detect(mtcnn_weights.networks(1), image, factor=factor))
    assert detector(1).with_factor(0.5).digest != detector(1).with_factor(0.8).digest
    for wrong in (0, 1, -0.5, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="factor must be"):
            detector(1).with_factor(wrong)


def test_the_sizes_at_which_an_image_is_seen() -> None:
    assert mtcnn.level_scales(20, 900, 20) == [0.6]
    assert mtcnn.level_scales(19, 900, 20) == []
    assert mtcnn.level_scales(900, 16, 12) == [1.0]
    assert_allclose(mtcnn.level_scales(100, 41, 20), [0.6, 0.6 * 0.709, 0.6 * 0.709**2])
    assert mtcnn.level_scales(24, 24, 6, 0.5) == [2.0, 1.0, 0.5]


class Answering:
    """A session that keeps what it is shown and always gives the same."""

    def __init__(self, answer: np.ndarray) -> None:
        self.answer, self.seen = answer.astype(np.float32), []
        self.output_shape = ["batch", answer.shape[-1]]

    def run(self, value: np.ndarray) -> np.ndarray:
        self.seen.append(value)
        return self.answer


def by_hand(
    cell: tuple[int, int] | None, level: tuple[int, int], rnet: list[float], onet: list[float]
) -> tuple[mtcnn.Mtcnn, list[Answering]]:
    """A detector whose P-Net sees a face in one cell (row, column), with these answers of R-Net and O-Net."""
    cells = np.zeros((1, 5, *level))
    if cell is not None:
        cells[0, :, cell[0], cell[1]] = (0.9, 0.0, 0.0, 0.0, 0.0)
    sessions = [Answering(cells), Answering(np.array([rnet])), Answering(np.array([onet]))]
    return mtcnn.Mtcnn(*sessions, name="t", family="mtcnn", digest="", n_threads=1), sessions  # type: ignore[arg-type]


def test_where_it_looks_and_what_its_numbers_mean() -> None:
    # One level of 30 x 36 pixels, seen as 18 x 22: cells 4 x 6, of which the third column of the second row.
    image = drawn(30, 36)
    points = np.array([(0.25, 0.5), (0.75, 0.5), (0.5, 0.625), (0.25, 0.75), (0.75, 0.875)])
    onet = [0.75, 0.125, -0.25, 0.25, 0.5, *points.T.ravel()]
    model, (pnet, rnet, last) = by_hand((1, 2), (4, 6), [0.8, 0.25, 0.0, 0.25, 0.0], onet)
    found = model.with_factor(0.1).detect(image)

    import cv2

    (level,) = pnet.seen
    assert_array_equal(level[0], cv2.resize(image, (22, 18)))
    # (2 * 2 + 1) / 0.6 = 8.33, (5 + 12) / 0.6 = 28.33; (2 + 1) / 0.6 = 5, (3 + 12) / 0.6 = 25: 21 x 21 pixels.
    (crops,) = rnet.seen
    assert crops.dtype == np.uint8 and crops.shape == (1, 24, 24, 3)
    patch = image[5:26, 8:29]
    by_area = np.repeat(np.repeat(patch.astype(float), 24, 0), 24, 1).reshape(24, 21, 24, 21, 3).mean(axis=(1, 3))
    assert_array_equal(crops[0], np.rint(by_area))
    # To the right by a quarter of 21: 13.25, which is 13. What lies beyond the 36 columns is black.
    (crops,) = last.seen
    patch = np.zeros((21, 21, 3))
    patch[:, :23] = image[5:26, 13:34]
    by_area = np.repeat(np.repeat(patch, 48, 0), 48, 1).reshape(48, 21, 48, 21, 3).mean(axis=(1, 3))
    assert_array_equal(crops[0], np.rint(by_area))
    assert_allclose(found.boxes, [(13 + 21 / 8, 5 - 21 / 4, 33 + 21 / 4, 25 + 21 / 2)], atol=1e-9)
    assert found.scores.tolist() == [0.75] and found.scores.dtype == np.float32
    assert_allclose(found.landmarks, [(13, 5) + points * 21 - 0.5], atol=1e-9)


def test_beyond_the_image_all_is_black() -> None:
    image = np.full((30, 36, 3), 200, np.uint8)
    model, (_, rnet, last) = by_hand((0, 5), (4, 6), [0.8, 1.0, -0.5, 1.0, -0.5], [0.75] + [0.0] * 14)
    model.with_factor(0.1).detect(image)
    # Columns 18 to 38 of 36, rows 2 to 22; then columns 39 on, of which there are none.
    assert (rnet.seen[0][0, :, :20] == 200).all() and not rnet.seen[0][0, :, 21:].any()
    assert not last.seen[0].any()


def test_thresholds_are_not_reached_but_passed() -> None:
    image = drawn(30, 36)
    some = [0.75] + [0.0] * 14
    for rnet, onet, count in (([0.7] + [0.0] * 4, some, 0), ([0.71] + [0.0] * 4, some, 1)):
        model, (_, _, last) = by_hand((1, 2), (4, 6), rnet, onet)
        assert len(model.with_factor(0.1).detect(image)) == len(last.seen) == count
    model, _ = by_hand((1, 2), (4, 6), [0.71] + [0.0] * 4, some)
    assert len(model.with_factor(0.1).detect(image, threshold=0.75)) == 0


def test_what_a_network_turns_inside_out_is_dropped() -> None:
    image = drawn(30, 36)
    inside_out, far = [0.9, 0.6, 0.6, -0.6, -0.6], [0.9, -1e9, 0.0, 1e9, 0.0]
    for rnet in (inside_out, far):
        model, (_, _, last) = by_hand((1, 2), (4, 6), rnet, [0.9] * 15)
        assert len(model.with_factor(0.1).detect(image)) == 0 and not last.seen
    model, _ = by_hand((1, 2), (4, 6), [0.9] + [0.0] * 4, [*inside_out, *[0.5] * 10])
    assert len(model.with_factor(0.1).detect(image)) == 0


# --- batches and threads ------------------------------------------------------------------------------------------


def test_nothing_depends_on_threads_tiles_or_other_images(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [drawn(70, 90), drawn(19, 19), drawn(130, 61), drawn(70, 90)[::-1].copy(), drawn(64, 64)[:, :, 0]]
    wanted = [detector(1).detect(image) for image in images]
    assert sum(map(len, wanted)) > 30

    def same(got: list[Any]) -> None:
        for one, other in zip(got, wanted, strict=True):
            assert_array_equal(one.boxes, other.boxes)
            assert_array_equal(one.scores, other.scores)
            assert_array_equal(one.landmarks, other.landmarks)

    for n_threads in (1, 2, 5):
        model = detector(1, n_threads)
        same([model.detect(image) for image in images])
        same(model.detect_many(images))
        same(model.detect_many(iter(images)))
        assert model.detect_many([]) == []
    monkeypatch.setattr(mtcnn, "_TILE_CELLS", 7)
    for n_threads in (1, 3):
        got = detector(1, n_threads).detect_many(images)
        for one, other in zip(got, wanted, strict=True):
            assert_allclose(one.boxes, other.boxes, atol=1e-3)
    for at_once in (1, 5):
        monkeypatch.setattr(mtcnn, "_RNET_BATCH", at_once)
        monkeypatch.setattr(mtcnn, "_ONET_BATCH", at_once)
        for one, other in zip(detector(1).detect_many(images), wanted, strict=True):
            assert_allclose(one.boxes, other.boxes, atol=1e-3)


@pytest.mark.parametrize("count", [1, 2, 192, 193, 385, 1000])
def test_parts_cover_each_cell_once(count: int) -> None:
    parts = mtcnn._parts(count)
    assert [cell for begin, end in parts for cell in range(begin, end)] == list(range(count))
    sizes = [end - begin for begin, end in parts]
    assert max(sizes) <= 192 and max(sizes) - min(sizes) <= 1


def test_an_image_that_is_refused_is_named() -> None:
    model = detector(1, 2)
    with pytest.raises(errors.BatchError, match="image 1 of the batch: image must have shape") as caught:
        model.detect_many([drawn(30, 30), np.zeros((30, 30, 4), np.uint8)])
    np.testing.assert_array_equal(caught.value.results[0].boxes, model.detect(drawn(30, 30)).boxes)
    with pytest.raises(errors.BatchError, match="image 0 of the batch: image must be a NumPy array"):
        model.detect_many(["photo.jpg"])


# --- images of all kinds ------------------------------------------------------------------------------------------


def test_colours_grey_and_floats() -> None:
    image, model = drawn(70, 90), detector(1)
    wanted = model.detect(image)
    assert_array_equal(model.detect(image[:, :, ::-1], color="bgr").boxes, wanted.boxes)
    assert_array_equal(model.detect(image.astype(np.float32) + np.float32(0.25)).boxes, wanted.boxes)
    grey = np.ascontiguousarray(image[:, :, 1])
    assert_array_equal(model.detect(grey).boxes, model.detect(np.repeat(grey[:, :, None], 3, axis=2)).boxes)
    assert_array_equal(model.detect(image[::-1, ::-1][::-1, ::-1]).boxes, wanted.boxes)
    with pytest.warns(UserWarning, match=r"floats within 0\.\.1"):
        model.detect(image.astype(np.float32) / 255)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 10_000, 3), (10_000, 1, 3), (19, 300), (300, 19, 3)])
def test_images_too_small_for_a_face(shape: tuple[int, ...]) -> None:
    for found in (
        detector(1).detect(np.zeros(shape, np.uint8)),
        *detector(1, 2).detect_many([np.zeros(shape, np.uint8)]),
    ):
        assert found.boxes.shape == (0, 4) and found.boxes.dtype == np.float64
        assert found.scores.shape == (0,) and found.scores.dtype == np.float32
        assert found.landmarks is not None and found.landmarks.shape == (0, 5, 2)


def test_no_face_at_any_stage() -> None:
    image, none = drawn(30, 36), [0.0] * 15
    for cell, rnet in ((None, [0.9] + [0.0] * 4), ((1, 2), [0.1] + [0.0] * 4), ((1, 2), [0.9] + [0.0] * 4)):
        model, _ = by_hand(cell, (4, 6), rnet, none)
        found = model.with_factor(0.1).detect(image)
        assert found.boxes.shape == (0, 4) and found.scores.shape == (0,) and found.landmarks.shape == (0, 5, 2)


def test_a_narrow_image_is_searched() -> None:
    image = drawn(20, 3000)
    got = detector(4).detect(image)
    assert len(got) > 10 and got.boxes[:, 2].max() > 2500


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"min_face": 0.5}, ValueError, "min_face must be at least 1"),
        ({"min_face": float("nan")}, ValueError, "min_face must be a number, got nan"),
        ({"min_face": "20"}, TypeError, "min_face must be a number"),
        ({"threshold": "high"}, TypeError, "threshold must be a number"),
        ({"threshold": float("nan")}, ValueError, "threshold must be a number, got nan"),
        ({"color": "gbr"}, ValueError, "color must be 'rgb' or 'bgr'"),
    ],
)
def test_options_that_are_refused(given: dict[str, Any], error: type[Exception], words: str) -> None:
    model = detector(1)
    with pytest.raises(error, match=words):
        model.detect(drawn(30, 30), **given)
    with pytest.raises(error, match=words):
        model.detect_many([drawn(30, 30)], **given)


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (np.zeros((30, 30, 4), np.uint8), ValueError),
        (np.zeros((30, 30, 3), np.float64), TypeError),
        (np.zeros((0, 30, 3), np.uint8), ValueError),
        (np.full((30, 30, 3), np.nan, np.float32), ValueError),
        ([[1, 2], [3, 4]], TypeError),
    ],
)
def test_images_that_are_refused(image: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="image"):
        detector(1).detect(image)


def test_too_little_memory_is_said_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(_memory, "available", lambda: asked.append(1) or 30 << 20)
    words = "not enough memory to search an image of 4000 x 3000 pixels.*use a smaller one or a larger min_face"
    with pytest.raises(MemoryError, match=words):
        detector(1, 2).detect(np.zeros((3000, 4000, 3), np.uint8))
    with pytest.raises(MemoryError, match=words):
        detector(1, 2).detect_many([drawn(30, 30), np.zeros((3000, 4000, 3), np.uint8)])
    # Half the size of the smallest face takes four times the memory.
    monkeypatch.setattr(_memory, "available", lambda: 200 << 20)
    with pytest.raises(MemoryError, match=r"takes \d+ MiB and 200 MiB are free"):
        detector(1).detect(np.zeros((3000, 4000, 3), np.uint8), min_face=5)
    assert asked
