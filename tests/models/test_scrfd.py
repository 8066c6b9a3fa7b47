"""SCRFD: networks whose answer is a known function of the pixels, in every form in which such files are published."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="these models are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from oracles import detector_files, plain_detectors  # noqa: E402

from pyface.errors import ModelFileError  # noqa: E402

BLUE, GREEN, RED = np.eye(3)[::-1]
FORMS = [
    (n_outputs, layout, size)
    for n_outputs in (6, 9, 10, 15)
    for layout in ("official", "flat", "batched", "fixed batch")
    for size in (None, (96, 64))
]
A_SCORE, B_SCORE = 4.0, 3.0


def heads(n_outputs: int = 9) -> dict[Any, Any]:
    """Of a pixel's numbers (v - 127.5) / 128: red is the score; green and blue go into the first anchor's box and
    points. The second anchor's box is a fixed one beside it, and less likely.
    """
    scores = [8 * RED, 8 * RED], [A_SCORE - 8, B_SCORE - 8]
    box = [0.1 * GREEN, 0.2 * BLUE, 0 * RED, 0 * RED, *[0 * RED] * 4], [0.25, 0.3, 0.15, 0.35, -1, 0.2, 2, 0.4]
    points = [0.1 * GREEN, 0.2 * BLUE] * 5 + [0 * RED] * 10, [*np.arange(10) / 10, *np.arange(10, 20) / 10]
    if n_outputs in (6, 9):
        return {"score": scores, "box": box, "points": points}
    return {
        "score": (scores[0][:1], scores[1][:1]),
        "box": (box[0][:4], box[1][:4]),
        "points": (points[0][:10], points[1][:10]),
    }


def expected(x: int, y: int, rgb: tuple[int, int, int], stride: int) -> tuple[float, list[float], np.ndarray]:
    """Score, box and points of the first anchor of a cell whose corner sees this pixel, at (x, y) of the picture."""
    red, green, blue = ((v - 127.5) / 128 for v in rgb)
    score = 1 / (1 + math.exp(-(8 * red + A_SCORE - 8)))
    left, top, right, bottom = 0.25 + 0.1 * green, 0.3 + 0.2 * blue, 0.15, 0.35
    box = [x - left * stride, y - top * stride, x + right * stride, y + bottom * stride]
    shifts = np.arange(10).reshape(5, 2) / 10 + np.array([0.1 * green, 0.2 * blue])
    return score, box, np.array([x, y]) + shifts * stride


def lone(rows: int, cols: int, y: int, x: int, rgb: tuple[int, int, int]) -> np.ndarray:
    image = np.zeros((rows, cols, 3), np.uint8)
    image[y, x] = rgb
    return image


@pytest.mark.parametrize(("n_outputs", "layout", "size"), FORMS)
def test_every_form_of_file(from_bytes: Callable[..., Any], n_outputs: int, layout: str, size: Any) -> None:
    """Colours, mean, scale, anchors and strides: the same faces, whatever the file's form."""
    data = detector_files.scrfd(heads(n_outputs), n_outputs=n_outputs, layout=layout, size=size)
    model = from_bytes(data, "scrfd", input_size=(96, 64))
    assert model.input_size == (96, 64) and model.input_side == 96
    image = lone(64, 96, 32, 64, (255, 30, 200))
    found = model.detect(image)
    n_levels, n_anchors = (3, 2) if n_outputs in (6, 9) else (5, 1)
    seen = [stride for stride in (8, 16, 32, 64, 128)[:n_levels] if 32 % stride == 64 % stride == 0]
    assert len(found) == len(seen) * n_anchors
    wanted = [expected(64, 32, (255, 30, 200), stride) for stride in seen]
    np.testing.assert_allclose(found.scores[: len(seen)], [w[0] for w in wanted], rtol=1e-5)
    np.testing.assert_allclose(found.boxes[: len(seen)], [w[1] for w in wanted], rtol=1e-5)
    if n_outputs in (6, 10):
        assert found.landmarks is None
    else:
        np.testing.assert_allclose(found.landmarks[: len(seen)], [w[2] for w in wanted], rtol=1e-5)
    turned = model.detect(image[:, :, ::-1], color="bgr")
    np.testing.assert_array_equal(turned.boxes, found.boxes)


@pytest.mark.parametrize(("x", "y", "rgb"), [(8, 8, (255, 0, 0)), (40, 24, (240, 90, 7)), (88, 56, (250, 255, 128))])
def test_colours_and_place(from_bytes: Callable[..., Any], x: int, y: int, rgb: tuple[int, int, int]) -> None:
    found = from_bytes(detector_files.scrfd(heads(), size=(96, 64)), "scrfd").detect(lone(64, 96, y, x, rgb))
    score, box, points = expected(x, y, rgb, 8)
    assert found.scores.dtype == np.float32 and found.scores[0] == pytest.approx(score, rel=1e-5)
    np.testing.assert_allclose(found.boxes[0], box, rtol=1e-5)
    np.testing.assert_allclose(found.landmarks[0], points, rtol=1e-5)


def test_the_anchors_of_a_cell_follow_each_other(from_bytes: Callable[..., Any]) -> None:
    """The second one lies beside the first, with the second's ten points."""
    found = from_bytes(detector_files.scrfd(heads(), size=(96, 64)), "scrfd").detect(lone(64, 96, 8, 40, (255, 0, 0)))
    assert len(found) == 2 and found.scores[0] > found.scores[1]
    np.testing.assert_allclose(found.boxes[1], [40 + 8, 8 - 1.6, 40 + 16, 8 + 3.2], rtol=1e-5)
    np.testing.assert_allclose(found.landmarks[1], [40, 8] + np.arange(10, 20).reshape(5, 2) / 10 * 8, rtol=1e-5)


@pytest.mark.parametrize("declared", [True, False])
def test_outputs_in_any_order(from_bytes: Callable[..., Any], declared: bool) -> None:
    """They are known by their shapes when they come."""
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    made = [detector_files.scrfd(heads(), size=(96, 64), shuffled=s, declared=declared) for s in (False, True)]
    one, other = (from_bytes(data, "scrfd").detect(image) for data in made)
    assert len(one) > 5
    np.testing.assert_array_equal(one.boxes, other.boxes)
    np.testing.assert_array_equal(one.landmarks, other.landmarks)


@pytest.mark.parametrize(
    ("rows", "cols", "width", "height", "seen_rows", "seen_cols"),
    [
        (64, 96, 96, 64, 64, 96),
        (200, 77, 64, 64, 64, 24),  # 24.64 is cut, not rounded
        (77, 200, 64, 64, 24, 64),
        (100, 100, 128, 64, 64, 64),
        (10, 20, 64, 96, 32, 64),  # enlarged
        (33, 1000, 96, 64, 3, 96),
        (1, 10_000, 64, 64, 1, 64),  # never nothing
        (10_000, 1, 64, 64, 64, 1),
    ],
)
def test_the_letterbox(
    from_bytes: Callable[..., Any], rows: int, cols: int, width: int, height: int, seen_rows: int, seen_cols: int
) -> None:
    """A red photo is seen by the cells that it covers, from the upper left corner on, and black by none."""
    model = from_bytes(detector_files.scrfd(heads(), n_outputs=9), "scrfd", input_size=(width, height))
    red = np.zeros((rows, cols, 3), np.uint8)
    red[:, :, 0] = 255
    found = model.detect(red)
    n_seen = sum(-(-seen_rows // stride) * -(-seen_cols // stride) for stride in (8, 16, 32))
    centres = found.boxes[found.scores > 0.97]  # of first anchors
    assert model._canvas(red).pixels.shape == (height, width, 3) and len(found) > 0
    scale = np.array([seen_cols / cols, seen_rows / rows])
    x, y = centres[:, 0] * scale[0] + 8 * (0.25 - 0.0996), centres[:, 1] * scale[1]
    small = np.isclose((centres[:, 2] - centres[:, 0]) * scale[0], 8 * (0.4 - 0.0996), rtol=1e-3)
    assert small.sum() == -(-seen_rows // 8) * -(-seen_cols // 8) <= n_seen
    assert x[small].max() == pytest.approx((seen_cols - 1) // 8 * 8, abs=0.01) and y[small].size
    wanted = plain_detectors.letterbox(red, width, height)
    np.testing.assert_array_equal(model._canvas(red).pixels, wanted[0])
    assert (model._canvas(red).x_scale, model._canvas(red).y_scale) == wanted[1:]


def test_coordinates_are_divided_by_the_scale(from_bytes: Callable[..., Any]) -> None:
    model = from_bytes(detector_files.scrfd(heads()), "scrfd", input_size=(192, 128))
    image = np.zeros((64, 96, 3), np.uint8)
    image[18:23, 42:47] = (255, 60, 0)  # around (44, 20), which is (88, 40) there
    found = model.detect(image)
    _, box, points = expected(88, 40, (255, 60, 0), 8)
    nearest = np.abs(found.boxes - np.array(box) / 2).sum(axis=1).argmin()
    np.testing.assert_allclose(found.boxes[nearest], np.array(box) / 2, rtol=1e-5)
    np.testing.assert_allclose(found.landmarks[nearest], points / 2, rtol=1e-5)


def test_640_by_640_unless_told(from_bytes: Callable[..., Any]) -> None:
    assert from_bytes(detector_files.scrfd(heads()), "scrfd").input_size == (640, 640)
    model = from_bytes(detector_files.scrfd(heads(), size=(96, 64)), "scrfd")
    assert model.input_size == (96, 64)
    with pytest.raises(ValueError, match="takes pictures of 96 x 64 only; input_size cannot be 64 x 96"):
        from_bytes(detector_files.scrfd(heads(), size=(96, 64)), "scrfd", input_size=(64, 96))
    with pytest.raises(ValueError, match="multiples of 32, got 100 x 64"):
        from_bytes(detector_files.scrfd(heads()), "scrfd", input_size=(100, 64))


def test_overlaps_count_both_edges_in_pixels_of_the_photo(from_bytes: Callable[..., Any]) -> None:
    """Boxes of 8 x 8 pixels, 4 apart: a third of both together without their edges, .385 with them; twice as large in
    the picture .36; of 4 x 4 pixels, 2 apart, in the photo .43.
    """
    side = [0 * RED] * 8, [0, 0, 1, 1, -0.5, 0, 1.5, 1]
    data = detector_files.scrfd({**heads(), "box": side})
    image = lone(32, 32, 8, 8, (255, 0, 0))
    model = from_bytes(data, "scrfd", input_size=32)
    assert len(model.detect(image)) == 2
    small = np.zeros((16, 16, 3), np.uint8)
    small[3:6, 3:6] = (255, 0, 0)
    found = model.detect(small)
    assert (found.boxes[:, 0] == 4).sum() == 1 and not ((found.boxes == [6, 4, 10, 8]).all(axis=1)).any()


def test_scores_must_be_greater(from_bytes: Callable[..., Any]) -> None:
    model = from_bytes(detector_files.scrfd(heads(6), n_outputs=6, size=(96, 64)), "scrfd")
    image = lone(64, 96, 8, 8, (255, 0, 0))
    score = float(model.detect(image).scores[0])
    assert len(model.detect(image, threshold=score)) == 0
    assert len(model.detect(image, threshold=float(np.nextafter(np.float32(score), np.float32(0))))) == 1
    assert len(model.detect(lone(64, 96, 8, 8, (190, 0, 0)))) == 0  # .475
    assert len(model.detect(lone(64, 96, 8, 8, (193, 0, 0)))) == 1  # .52
    with pytest.raises(ValueError, match="threshold must be a number"):
        model.detect(image, threshold=math.nan)


@pytest.mark.parametrize("n_outputs", [6, 9, 10, 15])
def test_by_its_slow_twin(from_bytes: Callable[..., Any], n_outputs: int) -> None:
    rng = np.random.default_rng(n_outputs)
    anchors = 2 if n_outputs in (6, 9) else 1
    random = detector_files.random_heads(rng, {"score": anchors, "box": 4 * anchors, "points": 10 * anchors})
    random["box"][1][:] += 1.5
    model = from_bytes(detector_files.scrfd(random, n_outputs=n_outputs), "scrfd", input_size=(160, 128))
    image = rng.integers(0, 256, (128, 160, 3), dtype=np.uint8)
    found = model.detect(image)
    boxes, scores, points = plain_detectors.scrfd(model._session.run_all, image, 0.5, (160, 128))
    assert len(found) == len(boxes) > 20
    np.testing.assert_allclose(found.scores, scores, rtol=1e-6)
    np.testing.assert_allclose(found.boxes, boxes, rtol=1e-5, atol=1e-4)
    assert (found.landmarks is None) == (points is None)
    if points is not None:
        np.testing.assert_allclose(found.landmarks, points, rtol=1e-5, atol=1e-4)


def test_boxes_turned_inside_out_are_dropped(from_bytes: Callable[..., Any]) -> None:
    negative = [0 * RED] * 8, [0.5, 0.5, -0.6, 1, 0.5, 0.5, 0.5, 0.5]
    model = from_bytes(detector_files.scrfd({**heads(), "box": negative}), "scrfd", input_size=64)
    found = model.detect(lone(64, 64, 8, 40, (255, 0, 0)))
    np.testing.assert_allclose(found.boxes, [[36, 4, 44, 12]], rtol=1e-5)
    assert found.landmarks.shape == (1, 5, 2)


def photos(rng: np.random.Generator) -> list[np.ndarray]:
    shapes = [(64, 96), (64, 95), (40, 50), (64, 96), (10, 90), *[(64, 96)] * 9]
    return [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]


@pytest.mark.parametrize(
    ("layout", "order"), [("official", "by place"), ("flat", "by picture"), ("batched", "by picture")]
)
@pytest.mark.parametrize("n_outputs", [9, 15])
def test_batches_give_what_each_photo_gives(
    from_bytes: Callable[..., Any], elsewhere: None, layout: str, order: str, n_outputs: int
) -> None:
    model = from_bytes(
        detector_files.scrfd(heads(n_outputs), n_outputs=n_outputs, layout=layout), "scrfd", input_size=(96, 64)
    )
    images = photos(np.random.default_rng(1))
    many = model.detect_many(images)
    assert model._takes_batches and model._order == order
    for got, image in zip(many, images, strict=True):
        want = model.detect(image)
        assert len(want) > 0
        np.testing.assert_allclose(got.boxes, want.boxes, atol=1e-3)
        np.testing.assert_allclose(got.landmarks, want.landmarks, atol=1e-3)
        np.testing.assert_allclose(got.scores, want.scores, atol=1e-6)


@pytest.mark.parametrize(
    ("layout", "words"), [("one batch", "cannot run"), ("fixed batch", "two at once give something else")]
)
def test_what_takes_no_batch_goes_one_by_one(
    from_bytes: Callable[..., Any], elsewhere: None, caplog: pytest.LogCaptureFixture, layout: str, words: str
) -> None:
    model = from_bytes(detector_files.scrfd(heads(), layout=layout, size=(96, 64)), "scrfd")
    images = photos(np.random.default_rng(1))[:3]
    with caplog.at_level(logging.INFO, "pyface"):
        many = [model.detect_many(images) for _ in range(2)][1]
    said = [record.getMessage() for record in caplog.records if "one picture at a time" in record.getMessage()]
    assert len(said) == 1 and words in said[0] and model.name in said[0]
    for got, image in zip(many, images, strict=True):
        np.testing.assert_array_equal(got.boxes, model.detect(image).boxes)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_threads_change_nothing(from_bytes: Callable[..., Any], n_threads: int) -> None:
    data = detector_files.scrfd(heads())
    images = photos(np.random.default_rng(1))
    many = from_bytes(data, "scrfd", input_size=(96, 64), n_threads=n_threads).detect_many(images)
    single = from_bytes(data, "scrfd", input_size=(96, 64))
    for got, image in zip(many, images, strict=True):
        want = single.detect(image)
        np.testing.assert_array_equal(got.boxes, want.boxes)
        np.testing.assert_array_equal(got.scores, want.scores)


def test_what_is_no_scrfd_after_all(from_bytes: Callable[..., Any]) -> None:
    """Shapes that the file does not declare are seen when it runs."""
    data = detector_files.retinaface(
        {"prob": ([0 * RED] * 4, [0] * 4), "box": ([0 * RED] * 8, [0] * 8), "points": ([0 * RED] * 20, [0] * 20)},
        declared=False,
    )
    model = from_bytes(data, "scrfd", input_size=64)
    with pytest.raises(ModelFileError, match="it is no SCRFD"):
        model.detect(np.zeros((64, 64, 3), np.uint8))


def test_a_file_that_refuses_the_size(from_bytes: Callable[..., Any]) -> None:
    data = detector_files.scrfd(heads(), layout="one batch", size=(96, 64))
    model = onnx.ModelProto.FromString(data)
    for dim, name in zip(model.graph.input[0].type.tensor_type.shape.dim[2:], "hw", strict=True):
        dim.dim_param = name
    with pytest.raises(ModelFileError, match="cannot run it"):
        from_bytes(model.SerializeToString(), "scrfd", input_size=64).detect(np.zeros((64, 64, 3), np.uint8))
