"""Thumbnails: always a square JPEG of the size asked for, showing the face, whatever box a detector gives."""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyface.errors import MissingExtraError
from pyface.photos.thumbnails import PAD_GREY, thumbnail

FACE = (220, 40, 30)


def photo(height: int = 200, width: int = 300, box: tuple[int, int, int, int] = (100, 50, 150, 110)) -> Any:
    image = np.full((height, width, 3), (20, 60, 120), np.uint8)
    x1, y1, x2, y2 = box
    image[y1:y2, x1:x2] = FACE
    return image


def decode(jpeg: bytes) -> Any:
    assert jpeg[:3] == b"\xff\xd8\xff" and jpeg[-2:] == b"\xff\xd9"
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_UNCHANGED)
    return picture[..., ::-1] if picture.ndim == 3 else picture


def test_the_face_is_in_the_middle_with_some_surroundings() -> None:
    picture = decode(thumbnail(photo(), (100, 50, 150, 110)))
    assert picture.shape == (112, 112, 3)
    np.testing.assert_allclose(picture[56, 56], FACE, atol=6)
    is_face = np.abs(picture.astype(int) - FACE).sum(axis=2) < 60
    rows, columns = np.flatnonzero(is_face.any(axis=1)), np.flatnonzero(is_face.any(axis=0))
    assert np.ptp(rows) + 1 == pytest.approx(112 / 1.35, abs=4)
    assert np.ptp(columns) + 1 == pytest.approx(112 / 1.35 * 50 / 60, abs=4)
    assert rows.mean() == pytest.approx(55.5, abs=2)
    assert columns.mean() == pytest.approx(55.5, abs=2)


@pytest.mark.parametrize("size", [1, 2, 17, 112, 200])
@pytest.mark.parametrize("side", [1, 3, 40, 112, 180])
def test_sizes(size: int, side: int) -> None:
    picture = decode(thumbnail(photo(), (60, 10, 60 + side, 10 + side), size))
    assert picture.shape == (size, size, 3)


@pytest.mark.parametrize("box", [(0, 0, 60, 60), (240, 0, 300, 60), (0, 140, 60, 200), (240, 140, 300, 200)])
def test_at_the_border_the_square_moves_inside(box: tuple[int, int, int, int]) -> None:
    picture = decode(thumbnail(photo(box=box), box)).astype(int)
    assert not (np.abs(picture - PAD_GREY).max(axis=2) < 12).any()
    is_face = np.abs(picture - FACE).sum(axis=2) < 60
    assert is_face.mean() == pytest.approx(1 / 1.35**2, abs=0.05)


def test_a_photo_hardly_larger_than_the_face_is_not_padded() -> None:
    image = photo(100, 100, (0, 0, 100, 100))
    picture = decode(thumbnail(image, (2, 3, 98, 99)))
    np.testing.assert_allclose(picture, np.broadcast_to(FACE, picture.shape), atol=6)


def test_a_face_longer_than_the_photo_is_wide_is_padded_on_both_sides() -> None:
    picture = decode(thumbnail(photo(200, 50, (0, 0, 50, 200)), (0, 0, 50, 200)))
    np.testing.assert_allclose(picture[56, 56], FACE, atol=6)
    np.testing.assert_allclose(picture[[56, 56], [5, 106]], PAD_GREY, atol=6)


@pytest.mark.parametrize(
    "box",
    [
        (-500, -500, -400, -400), (900, 900, 950, 990), (-50, 60, -10, 100), (-1e9, -1e9, 1e9, 1e9), (100, 50, 100, 50),
        (150, 110, 100, 50), (299.5, 199.5, 300, 200), (300, 200, 300, 200),
    ],
)  # fmt: skip
def test_odd_boxes_give_the_nearest_part(box: tuple[float, float, float, float]) -> None:
    assert decode(thumbnail(photo(), box)).shape == (112, 112, 3)


@settings(deadline=None)
@given(st.tuples(*[st.floats(-1e12, 1e12)] * 4), st.integers(1, 40), st.integers(1, 40))
def test_any_finite_box(box: tuple[float, float, float, float], height: int, width: int) -> None:
    assert decode(thumbnail(np.zeros((height, width), np.uint8), box, 16)).shape == (16, 16)


def test_grey() -> None:
    image = photo()[..., 0]
    picture = decode(thumbnail(image, (100, 50, 150, 110)))
    assert picture.shape == (112, 112)
    assert picture[56, 56] == pytest.approx(FACE[0], abs=4)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floating_point_photos_give_the_same_picture(dtype: type) -> None:
    expected = decode(thumbnail(photo(), (100, 50, 150, 110))).astype(int)
    found = decode(thumbnail(photo().astype(dtype), (100, 50, 150, 110)))
    assert np.abs(found - expected).max() <= 8


def test_floating_point_values_are_clipped() -> None:
    image = np.full((50, 50), 1e300)
    image[10] = np.nan
    image[20] = -np.inf
    image[30] = np.inf
    assert decode(thumbnail(image, (0, 0, 50, 50), 50)).shape == (50, 50)


def test_views_and_read_only_photos() -> None:
    image = photo()
    expected = thumbnail(image, (100, 50, 150, 110))
    image.flags.writeable = False
    assert thumbnail(image, (100, 50, 150, 110)) == expected
    assert thumbnail(np.asfortranarray(image), (100, 50, 150, 110)) == expected
    assert thumbnail(image[::-1, ::-1], (150, 90, 200, 150)) == thumbnail(image[::-1, ::-1].copy(), (150, 90, 200, 150))
    np.testing.assert_array_equal(image, photo())


def test_equal_input_equal_bytes() -> None:
    image = np.random.default_rng(5).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    assert len({thumbnail(image, (100, 100, 700, 700)) for _ in range(3)}) == 1


def test_a_large_face_is_averaged_not_sampled() -> None:
    # One-pixel stripes: sampling would give black or white, averaging gives grey.
    image = np.zeros((2000, 2000), np.uint8)
    image[::2] = 255
    picture = decode(thumbnail(image, (300, 300, 1700, 1700)))
    np.testing.assert_allclose(picture, 127.5, atol=12)


@pytest.mark.parametrize(
    ("image", "box", "size", "error", "match"),
    [
        (np.zeros((4, 4, 4), np.uint8), (0, 0, 1, 1), 8, ValueError, "image: expected"),
        (np.zeros((0, 4, 3), np.uint8), (0, 0, 1, 1), 8, ValueError, "image: expected"),
        (np.zeros(4, np.uint8), (0, 0, 1, 1), 8, ValueError, "image: expected"),
        (np.zeros((4, 4), np.int64), (0, 0, 1, 1), 8, TypeError, "int64"),
        (np.zeros((4, 4), np.uint8), (0, 0, 1), 8, ValueError, "box: expected four"),
        (np.zeros((4, 4), np.uint8), (0, 0, 1, np.nan), 8, ValueError, "box: expected four"),
        (np.zeros((4, 4), np.uint8), (0, 0, 1, 1), 0, ValueError, "size: expected"),
    ],
)
def test_wrong_input(image: Any, box: Any, size: int, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        thumbnail(image, box, size)


def test_missing_opencv_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"pyface-toolkit\[models\]"):
        thumbnail(photo(), (0, 0, 10, 10))
