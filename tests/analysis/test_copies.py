"""Faces cut from a smaller copy: large enough for what is made of them, and told in the pixels of their photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import photo_sets
import pytest
from made_up_models import ByColour, FivePoints, OneFace
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("PIL", reason="the extra 'models' is not installed")
pytest.importorskip("cv2", reason="the extra 'models' is not installed")

import pyface
from pyface.analysis import scales
from pyface.analysis.analyzer import Chain, find_faces, side_for_crops
from pyface.types import Detections


def detections(*sides: float) -> Detections:
    boxes = np.array([(10, 20, 10 + side / 2, 20 + side) for side in sides]).reshape(-1, 4)
    return Detections(boxes, np.ones(len(sides), np.float32))


class Size112(ByColour):
    size = 112


def test_the_smallest_face_decides() -> None:
    chain = Chain(OneFace(), FivePoints(), Size112())
    for sides, want in [((1400,), 400), ((1400, 700, 5000), 800), ((140,), 4000), ((20, 900), 4000), ((), 0)]:
        assert side_for_crops(chain, detections(*sides), (3000, 4000)) == want
    without = Chain(OneFace(), FivePoints(), None)  # its thumbnail
    assert side_for_crops(without, detections(1050), (4000, 3000)) == 400


def test_points_of_a_copy_and_back() -> None:
    copy = np.zeros((30, 40, 3), np.uint8)
    corners = np.array([[-0.5, -0.5], [399.5, 299.5], [4.5, 14.5]])
    there = scales.in_copy(corners, copy, (400, 300))
    assert_allclose(there, [[-0.5, -0.5], [39.5, 29.5], [0, 1]], atol=1e-12)
    assert_allclose(scales.in_photo(there, copy, (400, 300)), corners, atol=1e-12)
    assert scales.in_copy(corners, copy, (40, 30)) is corners


def test_landmarks_and_boxes_are_told_in_the_photo() -> None:
    seen: list[Any] = []
    chain = Chain(OneFace(), FivePoints(), ByColour(crop_hook=seen.append))
    found = detections(80)
    copy = np.zeros((60, 80, 3), np.uint8)
    faces = find_faces(chain, copy, found, original_size=(320, 240))
    assert_array_equal(faces.boxes, found.boxes)
    assert seen[0] is copy
    assert faces.landmarks is not None
    box_in_copy = (found.boxes.reshape(-1, 2, 2) + 0.5) / 4 - 0.5
    in_copy = FivePoints().locate(copy, box_in_copy.reshape(-1, 4)).points
    assert_allclose(faces.landmarks, (in_copy + 0.5) * 4 - 0.5, atol=1e-9)


@pytest.mark.parametrize(("least", "seen"), [(None, [(600, 800)]), (100, [(1200, 1600)])])
def test_a_folder_decodes_no_more_than_it_needs(tmp_path: Path, least: int | None, seen: list[Any]) -> None:
    """The one face is half the picture: 800 of 1,600 pixels, for crops of 112."""
    photo_sets.save(tmp_path / "photos" / "large.jpg", np.full((1200, 1600, 3), (200, 40, 30), np.uint8))
    sizes: list[Any] = []
    models: dict[str, Any] = {
        "detector": OneFace(),
        "landmarks": FivePoints(),
        "embedder": Size112(crop_hook=lambda image: sizes.append(image.shape[:2])),
    }
    album = pyface.cluster_photos(tmp_path / "photos", max_side=800, min_face=least, **models)
    assert sizes == seen
    if least is None:
        assert_allclose(album.faces[0].face.box, [400, 300, 1200, 900], atol=1)
