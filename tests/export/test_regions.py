"""Regions of the stored picture against a twin that turns a picture with marked faces by Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("PIL.Image", reason="the extra 'models' is not installed")

from export.exported import BOXES, COLOURS, HEIGHT, ORIENTATIONS, WIDTH, encoded, stored, upright

from pyface.export.regions import Area, relative_box, stored_area, stored_size
from pyface.photos.reading import OpenPhoto, read_image

FORMATS = ["JPEG", "PNG", "TIFF", "WEBP", "HEIC"]


def edge_box(place: int) -> np.ndarray:
    x1, y1, x2, y2 = BOXES[place]
    return np.array([x1 - 0.5, y1 - 0.5, x2 + 0.5, y2 + 0.5])


def pixels_of(area: Area, width: int, height: int) -> tuple[slice, slice]:
    """Rows and columns of an area."""
    left, right = (area.x - area.w / 2) * width, (area.x + area.w / 2) * width
    top, bottom = (area.y - area.h / 2) * height, (area.y + area.h / 2) * height
    return slice(round(top), round(bottom)), slice(round(left), round(right))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("place", [0, 1])
def test_the_region_is_the_face_in_the_stored_picture(orientation: int, place: int) -> None:
    picture = stored(upright(), orientation)
    height, width = picture.shape[:2]
    assert stored_size(WIDTH, HEIGHT, orientation) == (width, height)
    area = stored_area(edge_box(place), WIDTH, HEIGHT, orientation)
    assert area is not None
    is_face = (picture == COLOURS[place]).all(axis=2)
    marked = np.zeros_like(is_face)
    marked[pixels_of(area, width, height)] = True
    np.testing.assert_array_equal(marked, is_face)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("format_", FORMATS)
def test_the_orientation_of_a_file_is_the_one_by_which_it_is_read(format_: str, orientation: int) -> None:
    data = encoded(stored(upright(), orientation), format_, orientation)
    photo = OpenPhoto(data)
    assert photo.orientation == orientation
    assert (photo.width, photo.height) == (WIDTH, HEIGHT)
    assert photo.orientation == orientation  # after decoding, too
    read = read_image(io.BytesIO(data)).astype(int)
    for (x1, y1, x2, y2), colour in zip(BOXES, COLOURS, strict=True):
        assert np.abs(read[y1 + 3 : y2 - 2, x1 + 3 : x2 - 2] - colour).max() < 40


def test_what_sticks_out_is_cut_off() -> None:
    area = stored_area(np.array([-60.5, -0.5, 59.5, 79.5]), 120, 80, 1)
    assert area == Area(0.25, 0.5, 0.5, 1.0)
    assert stored_area(np.array([-60.0, 0.0, -10.0, 20.0]), 120, 80, 1) is None
    assert stored_area(np.array([10.0, 10.0, 10.0, 20.0]), 120, 80, 6) is None


def test_relative_boxes_begin_at_the_edge_of_the_picture() -> None:
    assert relative_box(np.array([-0.5, -0.5, 119.5, 79.5]), 120, 80) == (0, 0, 1, 1)


@given(st.lists(st.integers(0, 19), min_size=8, max_size=8))
def test_overlap_against_counted_pixels(numbers: list[int]) -> None:
    masks, areas = [], []
    for x1, y1, w, h in (numbers[:4], numbers[4:]):
        mask = np.zeros((40, 40), bool)
        mask[y1 : y1 + h + 1, x1 : x1 + w + 1] = True
        masks.append(mask)
        areas.append(Area((x1 + (w + 1) / 2) / 40, (y1 + (h + 1) / 2) / 40, (w + 1) / 40, (h + 1) / 40))
    expected = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
    assert areas[0].overlap(areas[1]) == pytest.approx(expected)
    assert areas[0].overlap(areas[0]) == pytest.approx(1)
