"""At which sizes photos are searched: every face is seen whole and large enough by some look, and found once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

pytest.importorskip("cv2", reason="the extra 'models' is not installed")

from pyface.analysis.scales import detect_at_scales, plan_looks
from pyface.models.base import Detector
from pyface.types import Detections


class MarkerDetector(Detector):
    """Finds white squares of at least ``smallest_face`` pixels on black that are seen whole or cut."""

    name = "marker"
    family = "marker"
    digest = "0"
    smallest_face = 70.0

    def detect(self, image: np.ndarray, *, threshold: float | None = None) -> Detections:
        import cv2

        self.largest_seen = max(getattr(self, "largest_seen", 0), *image.shape[:2])
        _, _, stats, _ = cv2.connectedComponentsWithStats((image[:, :, 0] > 127).astype(np.uint8))
        boxes = [
            (x, y, x + w - 1, y + h - 1) for x, y, w, h, _ in stats[1:].tolist() if min(w, h) >= self.smallest_face - 3
        ]
        array = np.array(boxes, np.float64).reshape(-1, 4)
        return Detections(array, np.ones(len(array), np.float32))


@settings(max_examples=300, deadline=None)
@given(
    width=st.integers(1, 6000), height=st.integers(1, 6000), min_face=st.one_of(st.none(), st.floats(8, 2000)),
    data=st.data(),
)  # fmt: skip
def test_every_face_is_seen_whole_and_large_enough(
    width: int, height: int, min_face: float | None, data: st.DataObject
) -> None:
    looks = plan_looks(width, height, 70, min_face=min_face)
    assert all(0 <= k.x0 < k.x1 <= width and 0 <= k.y0 < k.y1 <= height for k in looks)
    if min_face is None:
        assert len(looks) == 1
        assert max(looks[0].width, looks[0].height) == min(1280, max(width, height))
        return
    if min_face > min(width, height):
        return
    size = data.draw(st.floats(min_face, min(width, height)))
    x = data.draw(st.floats(0, width - size))
    y = data.draw(st.floats(0, height - size))
    seen = [
        k.width / (k.x1 - k.x0) * size
        for k in looks
        if k.x0 <= x and k.y0 <= y and x + size <= k.x1 and y + size <= k.y1
    ]
    assert max(seen, default=0) >= 70 * 0.98


@settings(max_examples=300, deadline=None)
@given(
    width=st.integers(1, 6000), height=st.integers(1, 6000), min_face=st.one_of(st.none(), st.floats(8, 2000)),
    largest=st.floats(100, 900), data=st.data(),
)  # fmt: skip
def test_no_face_is_too_large_for_all_looks(
    width: int, height: int, min_face: float | None, largest: float, data: st.DataObject
) -> None:
    looks = plan_looks(width, height, 20, largest_face=largest, min_face=min_face)
    without = plan_looks(width, height, 20, min_face=min_face)
    assert looks[: len(without)] == without and len(looks) - len(without) in (0, 1)
    whole = [look for look in looks if (look.x0, look.y0, look.x1, look.y1) == (0, 0, width, height)]
    size = data.draw(st.floats(1, max(width, height)))
    # By the longer side: the shorter one is a whole number of pixels, at least one.
    scales = [look.width / width if width >= height else look.height / height for look in whole]
    sizes = [scale * size for scale, look in zip(scales, whole, strict=True) if size > look.left_to_others]
    assert min(sizes) <= 1.5 * largest * 1.01 + 1


class NearsightedDetector(MarkerDetector):
    """Sees nothing larger than ``largest_face``, and everything else with a score that tells how large it was."""

    smallest_face, largest_face = 20.0, 200.0

    def detect(self, image: np.ndarray, *, threshold: float | None = None) -> Detections:
        found = super().detect(image)
        sides = found.boxes[:, 2] - found.boxes[:, 0] + 1
        kept = sides <= self.largest_face
        return Detections(found.boxes[kept], (sides[kept] / 1000).astype(np.float32))


def test_faces_that_fill_the_photo_are_found_and_others_are_left_alone() -> None:
    image = np.zeros((1000, 1280, 3), np.uint8)
    image[100:1000, 300:1200] = 255
    image[10:80, 10:80] = 255
    found = detect_at_scales(NearsightedDetector(), image)
    order = np.argsort(found.boxes[:, 0])
    assert_allclose(found.boxes[order], [[10, 10, 79, 79], [300, 100, 1199, 999]], atol=6)
    # The small one has the score of the large look, to the bit: in the small look it has 11 pixels.
    assert found.scores[order[0]] == np.float32(0.07)

    copy = np.ascontiguousarray(image[::2, ::2])
    of_a_copy = detect_at_scales(NearsightedDetector(), copy, original_size=(1280, 1000), max_side=640)
    assert_allclose(of_a_copy.boxes[np.argsort(of_a_copy.boxes[:, 0])][-1], [300, 100, 1199, 999], atol=8)


def test_a_small_photo_gets_no_second_look() -> None:
    assert len(plan_looks(300, 200, 20, largest_face=200.0)) == 1
    assert len(plan_looks(301, 200, 20, largest_face=200.0)) == 2


@pytest.mark.parametrize(("width", "height", "min_face"), [(3000, 2000, 30), (1300, 700, 25), (500, 400, 40)])
def test_faces_are_found_once_where_they_are(width: int, height: int, min_face: int) -> None:
    rng = np.random.default_rng(width)
    image = np.zeros((height, width, 3), np.uint8)
    truth = []
    for _ in range(60):
        size = int(rng.integers(min_face + 3, max(min_face + 4, height // 3)))
        x, y = int(rng.integers(2, width - size - 2)), int(rng.integers(2, height - size - 2))
        if image[y - 2 : y + size + 2, x - 2 : x + size + 2].any():
            continue
        image[y : y + size, x : x + size] = 255
        truth.append((x, y, x + size - 1, y + size - 1))
    detector = MarkerDetector()
    found = detect_at_scales(detector, image, min_face=min_face)
    order = np.lexsort(np.round(found.boxes).T)
    want = np.array(truth, np.float64)
    want_order = np.lexsort(want.T)
    assert len(found) == len(truth)
    matched = np.abs(found.boxes[:, None] - want[None]).max(axis=2)
    assert (matched.min(axis=0) <= 3).all()
    assert len(order) == len(want_order)
    assert detector.largest_seen <= 1300


def test_smaller_copy_gives_boxes_of_the_original() -> None:
    image = np.zeros((800, 1280, 3), np.uint8)
    image[100:200, 300:400] = 255
    found = detect_at_scales(MarkerDetector(), image, original_size=(5120, 3200))
    # The first pixel of the copy covers pixels 0 to 3 of the original: its centre is at 1.5.
    assert_allclose(found.boxes, [[1201.5, 401.5, 1597.5, 797.5]])


def test_boxes_at_full_size_are_unchanged() -> None:
    image = np.zeros((400, 600, 3), np.uint8)
    image[100:200, 300:400] = 255
    assert detect_at_scales(MarkerDetector(), image).boxes.tolist() == [[300, 100, 399, 199]]


def test_stop_between_looks() -> None:
    class StopNowError(Exception):
        pass

    calls = []

    def checkpoint() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise StopNowError

    with pytest.raises(StopNowError):
        detect_at_scales(MarkerDetector(), np.zeros((3000, 3000, 3), np.uint8), min_face=30, checkpoint=checkpoint)


class LetterboxDetector(NearsightedDetector):
    """Sees every picture enlarged or shrunk to 640 pixels, as detectors with an ``input_side`` do."""

    input_side = 640

    def __init__(self) -> None:
        self.shapes: list[tuple[int, int]] = []

    def detect(self, image: np.ndarray, *, threshold: float | None = None) -> Detections:
        import cv2

        self.shapes.append((image.shape[0], image.shape[1]))
        scale = 640 / max(image.shape[:2])
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        seen = super().detect(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST))
        return Detections(seen.boxes / scale, seen.scores)


def test_a_detector_of_one_size_gets_pictures_that_it_neither_shrinks_nor_enlarges() -> None:
    image = np.zeros((2000, 2560, 3), np.uint8)
    image[200:2000, 600:2400] = 255  # 450 pixels in the first look: too large
    image[100:300, 100:300] = 255  # 50 pixels there
    detector = LetterboxDetector()
    found = detect_at_scales(detector, image)
    assert detector.shapes == [(500, 640), (640, 640)]
    order = np.argsort(found.boxes[:, 0])
    assert_allclose(found.boxes[order], [[100, 100, 299, 299], [600, 200, 2399, 1999]], atol=16)

    detector = LetterboxDetector()
    detect_at_scales(detector, image, min_face=50)
    assert max(max(shape) for shape in detector.shapes) <= 641 and len(detector.shapes) == 6
    assert detector.shapes[-2:] == [(400, 512), (640, 640)]  # the whole, and once more for what fills it

    detector = LetterboxDetector()
    small = np.zeros((100, 120, 3), np.uint8)
    small[10:100, 20:110] = 255  # 480 pixels when enlarged
    assert_allclose(detect_at_scales(detector, small).boxes, [[20, 10, 109, 99]], atol=1)
    assert detector.shapes == [(100, 120), (640, 640)]
