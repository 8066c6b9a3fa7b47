"""YuNet's look at pixels: networks whose answer is a known function of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the models of OpenCV's zoo are built with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from oracles import zoo_files

from pyface.models.opencv import reader, yunet, yunet_graph
from pyface.models.session import Session

BLUE, GREEN, RED = np.eye(3)
# Each cell sees the pixel in its upper left corner: red is the score, 128 is one half; green is the width, blue the
# height, 0 is a cell; the points lie on a diagonal, the further down the more green.
HEADS = {
    "cls": ([RED / 16], [-8.0]),
    "obj": ([RED / 16], [-8.0]),
    "bbox": ([0 * RED, 0 * RED, GREEN / 128, BLUE / 128], [0.5, 0.25, 0, 0]),
    "kps": ([GREEN / 100 * (i % 2) for i in range(10)], [i / 10 for i in range(10)]),
}


def detector(data: bytes, n_threads: int = 1) -> yunet.YuNet:
    graph = yunet_graph.yunet_graph(reader.read_network(data, "file"))
    return yunet.YuNet(Session(graph, name="tiny", n_threads=n_threads), name="tiny", family="yunet", digest="")


@pytest.fixture(scope="module")
def tiny() -> yunet.YuNet:
    return detector(zoo_files.yunet(heads=HEADS))


def lone(shape: tuple[int, int], row: int, col: int, rgb: tuple[float, ...], dtype: Any = np.uint8) -> np.ndarray:
    image = np.zeros((*shape, 3), dtype)
    image[row, col] = rgb
    return image


def expected(row: int, col: int, rgb: tuple[float, ...], stride: int) -> tuple[float, list[float], list[list[float]]]:
    """Score, box and points of a cell that sees this pixel in its corner, counted from centres of pixels."""
    red, green, blue = rgb
    score = 1 / (1 + math.exp(8 - red / 16))
    x, y = col + 0.5 * stride - 0.5, row + 0.25 * stride - 0.5
    w, h = stride * math.exp(green / 128), stride * math.exp(blue / 128)
    places = [
        [col + stride * 2 * j / 10 - 0.5, row + stride * ((2 * j + 1) / 10 + green / 100) - 0.5] for j in range(5)
    ]
    return score, [x - w / 2, y - h / 2, x + w / 2, y + h / 2], places


@pytest.mark.parametrize("rgb", [(200, 0, 0), (160, 64, 0), (255, 0, 128), (150, 30, 90)])
@pytest.mark.parametrize(("row", "col"), [(8, 40), (8, 24)])
def test_colours_scale_and_place(tiny: yunet.YuNet, row: int, col: int, rgb: tuple[int, int, int]) -> None:
    found = tiny.detect(lone((64, 96), row, col, rgb))
    score, box, places = expected(row, col, rgb, 8)
    assert len(found) == 1 and found.scores.dtype == np.float32 and found.landmarks is not None
    assert found.scores[0] == pytest.approx(score, rel=1e-5)
    np.testing.assert_allclose(found.boxes[0], box, rtol=1e-5)
    np.testing.assert_allclose(found.landmarks[0], places, rtol=1e-5)
    turned = tiny.detect(lone((64, 96), row, col, rgb[::-1]), color="bgr")
    np.testing.assert_array_equal(turned.boxes, found.boxes)


def test_every_level_has_its_stride(tiny: yunet.YuNet) -> None:
    found = tiny.detect(lone((64, 96), 32, 64, (200, 0, 0)))
    wanted = [expected(32, 64, (200, 0, 0), stride) for stride in (8, 16, 32)]
    # Equal scores: in the order of the levels. None overlaps another by more than 0.3.
    np.testing.assert_allclose(found.boxes, [box for _, box, _ in wanted], rtol=1e-5)
    np.testing.assert_allclose(found.landmarks, [places for _, _, places in wanted], rtol=1e-5)


@pytest.mark.parametrize("shape", [(57, 89), (33, 64), (64, 33), (9, 9), (1, 1), (1, 10_000)])
def test_the_padding_is_black_and_below_and_on_the_right(tiny: yunet.YuNet, shape: tuple[int, int]) -> None:
    """The last cell of the image as given is where it was, and what is added has no face."""
    row, col = ((side - 1) // 8 * 8 for side in shape)
    white = np.full((*shape, 3), 1, np.uint8)
    white[row, col] = (200, 0, 0)
    found = tiny.detect(white)
    n_levels = sum(row % stride == col % stride == 0 for stride in (8, 16, 32))
    assert len(found) == n_levels
    np.testing.assert_allclose(found.boxes[0], expected(row, col, (200, 0, 0), 8)[1], rtol=1e-5)
    assert len(tiny.detect(np.zeros((*shape, 3), np.uint8))) == 0
    padded = yunet._padded(white)
    assert padded.shape[0] % 32 == padded.shape[1] % 32 == 0 and max(np.subtract(padded.shape[:2], shape)) < 32
    assert padded.sum() == white.sum() and (padded[: shape[0], : shape[1]] == white).all()


def test_floats_are_rounded_to_bytes(tiny: yunet.YuNet) -> None:
    for value, byte in ((159.4, 159), (159.6, 160), (160.5, 160), (161.5, 162), (300.0, 255), (254.7, 255)):
        floats = lone((32, 32), 8, 8, (value, -3.0, 0.4), np.float32)
        got, want = tiny.detect(floats), tiny.detect(lone((32, 32), 8, 8, (byte, 0, 0)))
        np.testing.assert_array_equal(got.scores, want.scores)
        np.testing.assert_array_equal(got.boxes, want.boxes)
    with pytest.warns(UserWarning, match=r"0\.\.1"):
        assert len(tiny.detect(lone((32, 32), 8, 8, (1.0, 0.5, 0.5), np.float32))) == 0


def test_grey_is_all_three_colours(tiny: yunet.YuNet) -> None:
    grey = np.zeros((40, 41), np.uint8)
    grey[8, 24] = 180
    for image in (grey, grey.astype(np.float32)):
        got, want = tiny.detect(image), tiny.detect(np.repeat(grey[:, :, None], 3, axis=2))
        np.testing.assert_array_equal(got.boxes, want.boxes)
        assert len(got) == 1


def test_scores_must_be_greater(tiny: yunet.YuNet) -> None:
    image = lone((32, 32), 8, 8, (144, 0, 0))
    score = float(tiny.detect(image).scores[0])
    assert 0.7 < score < 0.75 and len(tiny.detect(image, threshold=score)) == 0
    assert len(tiny.detect(image, threshold=float(np.nextafter(np.float32(score), np.float32(0))))) == 1
    assert len(tiny.detect(lone((32, 32), 8, 8, (140, 0, 0)))) == 0  # 0.68
    assert len(tiny.detect(image, threshold=2)) == 0
    with pytest.raises(ValueError, match="threshold must be a number"):
        tiny.detect(image, threshold=math.nan)


@pytest.mark.parametrize("image", [np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 4), np.uint8), [[1]], None])
def test_what_is_no_image(tiny: yunet.YuNet, image: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="image"):
        tiny.detect(image)


def test_decoding_by_its_slow_twin() -> None:
    rng = np.random.default_rng(2)
    data = zoo_files.yunet(rng)
    image = rng.integers(0, 256, (96, 160, 3), dtype=np.uint8)
    wanted = zoo_files.decoded(zoo_files.run(data, image[None, ..., ::-1], "input"), 96, 160, 0.4)
    model = detector(data)
    boxes, scores, places = yunet.decoded(model._session.run(image[None])[0], 96, 160, 0.4)
    assert len(wanted) == len(scores) > 20
    np.testing.assert_allclose(scores, [score for score, _, _ in wanted], rtol=1e-4)
    np.testing.assert_allclose(boxes + 0.5, [box for _, box, _ in wanted], rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(places + 0.5, [k for _, _, k in wanted], rtol=1e-3, atol=1e-2)


def test_many_images_are_as_many_single_ones() -> None:
    rng = np.random.default_rng(2)
    data = zoo_files.yunet(rng)
    images = [
        rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((64, 96, 3), (64, 95, 3), (40, 50), (64, 96, 3))
    ]
    many = detector(data, 2).detect_many(images, threshold=0.5)
    for got, image in zip(many, images, strict=True):
        want = detector(data, 1).detect(image, threshold=0.5)
        assert len(got) > 3
        np.testing.assert_array_equal(got.boxes, want.boxes)
        np.testing.assert_array_equal(got.landmarks, want.landmarks)
        np.testing.assert_array_equal(got.scores, want.scores)
        assert (np.diff(got.scores) <= 0).all()
