"""Crops by area against their twin, by hand, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import detect as oracle

from pyface import _core
from pyface.kernels.crops import area_crops


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def crop(image: np.ndarray, box: tuple[int, ...], size: tuple[int, int]) -> np.ndarray:
    return area_crops(image, np.array([box]), size, n_threads=1)[0]


@given(
    x=st.integers(-12, 22), y=st.integers(-12, 22), width=st.integers(1, 25), height=st.integers(1, 25),
    rows=st.integers(1, 12), cols=st.integers(1, 12), channels=st.sampled_from([0, 1, 3, 4]), seed=st.integers(0, 9),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_crops_equal_the_twin(*, x, y, width, height, rows, cols, channels, seed) -> None:
    image = noise(18, 20, *([channels] if channels else []), seed=seed)
    box = (x, y, x + width - 1, y + height - 1)
    got = crop(image, box, (rows, cols))
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, oracle.area_crop(image, box, rows, cols))


def test_by_hand() -> None:
    image = np.array([[0, 1, 100, 200], [2, 3, 100, 200]], np.uint8)
    np.testing.assert_array_equal(crop(image, (0, 0, 3, 1), (2, 4)), image)
    # Means of 1.5, 150 and of halves: to even.
    np.testing.assert_array_equal(crop(image, (0, 0, 3, 1), (1, 2)), [[2, 150]])
    np.testing.assert_array_equal(crop(image, (0, 0, 1, 1), (2, 1)), [[0], [2]])
    # Three pixels in two: 0 and half of 1; half of 1 and 100.
    np.testing.assert_array_equal(crop(image, (0, 0, 2, 0), (1, 2)), [[0, 67]])
    # Two pixels in three: the middle one is a half of each.
    np.testing.assert_array_equal(crop(image, (2, 0, 3, 0), (1, 3)), [[100, 150, 200]])
    # Beyond the image all is black, as here half of the width and of the height.
    np.testing.assert_array_equal(crop(image, (2, -2, 5, 1), (2, 2)), [[0, 0], [150, 0]])
    np.testing.assert_array_equal(crop(image, (2, -2, 5, 1), (1, 1)), [[38]])  # 37.5


def test_as_opencv_does_it() -> None:
    cv2 = pytest.importorskip("cv2", reason="the peer is OpenCV")
    image = noise(90, 90, 3)
    for side in range(5, 90, 3):
        got = crop(image, (0, 0, side - 1, side - 1), (24, 24)).astype(int)
        want = cv2.resize(image[:side, :side], (24, 24), interpolation=cv2.INTER_AREA)
        assert abs(got - want).max() <= 1  # OpenCV has weights of 11 bits where it enlarges


def test_threads_and_the_other_crops_change_nothing() -> None:
    rng, image = np.random.default_rng(3), noise(200, 150, 3)
    corner = rng.integers(-60, 180, (40, 2))
    boxes = np.hstack([corner, corner + rng.integers(0, 120, (40, 2))])
    one = area_crops(image, boxes, (24, 24), n_threads=1)
    np.testing.assert_array_equal(area_crops(image, boxes, (24, 24), n_threads=4), one)
    for i in (0, 17, 39):
        np.testing.assert_array_equal(crop(image, boxes[i], (24, 24)), one[i])
    np.testing.assert_array_equal(
        area_crops(image[:, ::-1], boxes, (24, 24))[:1], crop(image[:, ::-1], boxes[0], (24, 24))[None]
    )
    assert area_crops(image, boxes[:0], (24, 24)).shape == (0, 24, 24, 3)
    assert area_crops(image[:, :, 0], boxes[:2], (5, 7)).shape == (2, 5, 7)


def test_the_largest_and_the_farthest() -> None:
    image = np.full((3, 5000, 3), 255, np.uint8)
    assert (crop(image, (0, 0, 4999, 2), (2, 3)) == 255).all()
    # A rectangle of 2^44 pixels, of which 15,000 are white: far less than half of one.
    far = 1_000_000_000
    side = 1 << 22
    for box in ((0, 0, side - 1, side - 1), (far, far, far, far), (-far, -far, -far + side - 1, -far + side - 1)):
        assert not crop(image, box, (2, 2)).any()
    # A row of 2^22 columns of which as many are white as one crop pixel covers.
    wide = np.full((1, side // 2), 255, np.uint8)
    np.testing.assert_array_equal(crop(wide, (0, 0, side - 1, 0), (1, 4)), [[255, 255, 0, 0]])


@pytest.mark.parametrize(
    ("image", "boxes", "size", "error", "words"),
    [
        (noise(9, 9, 3).astype(np.float32), [(0, 0, 1, 1)], (2, 2), TypeError, "image must be uint8"),
        (noise(9, 9, 2), [(0, 0, 1, 1)], (2, 2), ValueError, "channels"),
        (noise(0, 9, 3), [(0, 0, 1, 1)], (2, 2), ValueError, "empty"),
        (noise(9, 9, 3), [(0, 0, 1.0, 1)], (2, 2), TypeError, "boxes must be a NumPy array of int64"),
        (noise(9, 9, 3), [(0, 0, 1)], (2, 2), ValueError, r"boxes must have shape \(n, 4\)"),
        (noise(9, 9, 3), [(0, 0, 1, 1), (2, 0, 1, 1)], (2, 2), ValueError, "x2 < x1"),
        (noise(9, 9, 3), [(0, 2, 1, 1)], (2, 2), ValueError, "y2 < y1"),
        (noise(9, 9, 3), [(0, 0, 1 << 22, 1)], (2, 2), ValueError, "longer than 4,194,304"),
        (noise(9, 9, 3), [(0, 0, 1, 10**9 + 1)], (2, 2), ValueError, "beyond 1e9"),
        (noise(9, 9, 3), [(-(2**63), 0, 1, 1)], (2, 2), ValueError, "beyond 1e9"),
        (noise(9, 9, 3), [(0, 0, 1, 1)], (0, 2), ValueError, "1 to 1,024"),
        (noise(9, 9, 3), [(0, 0, 1, 1)], (2, 1025), ValueError, "1 to 1,024"),
    ],
)
def test_refusals(image: np.ndarray, boxes: list, size: tuple[int, int], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        area_crops(image, np.array(boxes), size)


def test_the_raw_binding_reads_nothing_else() -> None:
    image, boxes = noise(9, 9, 3), np.array([(0, 0, 4, 4)])
    for out in (
        np.empty((2, 4, 4, 3), np.uint8), np.empty((1, 4, 4, 4), np.uint8), np.empty((1, 4, 4), np.uint8)
    ):  # fmt: skip
        with pytest.raises(ValueError, match="out must"):
            _core.area_crops(image, boxes, out, n_threads=1)
    read_only = np.empty((1, 4, 4, 3), np.uint8)
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="out must"):
        _core.area_crops(image, boxes, read_only, n_threads=1)
    for wrong in (boxes.astype(np.float64), boxes.astype(np.int32)):
        with pytest.raises(TypeError):
            _core.area_crops(image, wrong, np.empty((1, 4, 4, 3), np.uint8), n_threads=1)
    with pytest.raises(ValueError, match="boxes"):
        _core.area_crops(image, boxes[:, :3].copy(), np.empty((1, 4, 4, 3), np.uint8), n_threads=1)
