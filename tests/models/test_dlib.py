"""The default models as callers meet them: colours, sizes, batches, threads, refusals."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from pyface.models.dlib.detector import DlibMmod
from pyface.types import Landmarks

FIVE = np.array([[(255, 104), (237, 105), (195, 101), (212, 103), (224, 135)]], np.float64)


def same(a, b) -> None:
    np.testing.assert_array_equal(a.boxes, b.boxes)
    np.testing.assert_array_equal(a.scores, b.scores)


def test_colours_and_types_of_the_detector(detector, astronaut) -> None:
    photo = np.ascontiguousarray(astronaut[:256, 100:350])
    want = detector.detect(photo)
    assert len(want) == 1 and want.landmarks is None
    assert want.boxes.dtype == np.float64 and want.scores.dtype == np.float32
    same(detector.detect(photo[:, :, ::-1], color="bgr"), want)
    same(detector.detect(photo.astype(np.float32)), want)
    same(detector.detect(np.asfortranarray(photo)), want)
    grey = photo.mean(axis=2).astype(np.uint8)
    same(detector.detect(grey), detector.detect(np.stack([grey] * 3, axis=-1)))
    for one, many in zip([want, want], detector.detect_many([photo, photo]), strict=True):
        same(many, one)


def test_another_byte_order(detector, embedder, astronaut) -> None:
    photo = astronaut[:256, 100:350].astype(np.float32)
    same(detector.detect(photo.astype(">f4")), detector.detect(photo))
    crops = embedder.crop(astronaut, FIVE).astype(np.float32)
    np.testing.assert_array_equal(embedder.embed(crops.astype(">f4")), embedder.embed(crops))


def test_a_detection_within_a_detection_keeps_its_canvas() -> None:
    """A handler of a signal may detect while the same thread is in the network."""
    seen = []

    class Network:
        def run(self, canvas):
            before = canvas.copy()
            if len(seen) == 1:  # not in the first run, which has no canvas from before
                seen.append(None)
                detector.detect(np.full((40, 60, 3), 200, np.uint8))
            seen.append(np.array_equal(canvas, before))
            return np.full((1, 1, canvas.shape[2] // 8, canvas.shape[3] // 8), -1, np.float32)

    detector = DlibMmod(Network(), name="x", family="dlib_mmod", digest="", mean=(0, 0, 0), nms_overlap=0.3)
    for _ in range(2):
        detector.detect(np.full((60, 60, 3), 90, np.uint8))
    assert seen == [True, None, True, True]


def test_threshold(detector, astronaut) -> None:
    score = detector.detect(astronaut).scores[0]
    assert len(detector.detect(astronaut, threshold=float(score))) == 0
    low = detector.detect(astronaut, threshold=-2.0)
    assert len(low) > 1 and (np.diff(low.scores) <= 0).all() and (low.scores > -2).all()
    assert low.boxes[0].tolist() == [168, 69, 263, 164]


@pytest.mark.parametrize("shape", [(9, 300, 3), (300, 9, 3), (1, 1), (5, 5, 3)])
def test_tiny_images_hold_no_face(detector, shape) -> None:
    found = detector.detect(np.zeros(shape, np.uint8))
    assert found.boxes.shape == (0, 4) and found.scores.shape == (0,)


@pytest.mark.parametrize("shape", [(10, 10, 3), (10, 500), (500, 10, 3), (11, 57, 3), (80, 80, 3)])
def test_small_and_narrow_images(detector, shape) -> None:
    found = detector.detect(np.full(shape, 90, np.uint8), threshold=-1e9)
    assert len(found) and np.isfinite(found.boxes).all()


def test_no_face_gives_empty_results_all_the_way(detector, landmarker, embedder) -> None:
    image = np.full((120, 120, 3), 90, np.uint8)
    found = detector.detect(image)
    landmarks = landmarker.locate(image, found.boxes)
    crops = embedder.crop(image, landmarks)
    assert found.boxes.shape == (0, 4) and landmarks.points.shape == (0, 5, 2) and crops.shape == (0, 150, 150, 3)
    vectors = embedder.embed(crops)
    assert vectors.shape == (0, 128) and vectors.dtype == np.float32


def test_a_vector_does_not_depend_on_its_batch(embedder) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (35, 150, 150, 3)).astype(np.uint8)
    whole = embedder.embed(crops)
    for begin, end in [(0, 1), (0, 2), (3, 8), (31, 35), (32, 33)]:
        np.testing.assert_array_equal(embedder.embed(crops[begin:end]), whole[begin:end])
    np.testing.assert_array_equal(embedder.embed(crops[::-2]), whole[::-2])
    np.testing.assert_array_equal(embedder.embed(crops[:2].astype(np.float32)), whole[:2])


def test_crops_of_other_colours_and_landmarks(embedder, astronaut) -> None:
    want = embedder.crop(astronaut, FIVE)
    np.testing.assert_array_equal(embedder.crop(astronaut[:, :, ::-1], FIVE, color="bgr"), want)
    np.testing.assert_array_equal(embedder.crop(astronaut.astype(np.float32), Landmarks(FIVE, "dlib-5")), want)
    np.testing.assert_array_equal(embedder.crop(astronaut, FIVE.tolist()), want)
    grey = embedder.crop(astronaut[:, :, 0], FIVE)
    np.testing.assert_array_equal(grey, np.repeat(want[..., :1], 3, axis=3))


def test_68_points_give_nearly_the_same_crop(embedder, weights, shared_cache, astronaut) -> None:
    from pyface import models
    from pyface.errors import LicenseWarning
    from pyface.models.catalog import _warned

    _warned.discard("dlib-68")
    with pytest.warns(LicenseWarning):
        landmarks = models.load("dlib-68").locate(astronaut, [(168, 69, 263, 164)])
    crops = [embedder.crop(astronaut, landmarks), embedder.crop(astronaut, landmarks.points)]
    np.testing.assert_array_equal(*crops)
    vectors = embedder.embed(np.concatenate([crops[0], embedder.crop(astronaut, FIVE)]))
    assert np.linalg.norm(vectors[0] - vectors[1]) < 0.3  # one person, two alignments


def test_facts(detector, landmarker, embedder) -> None:
    assert detector.smallest_face == 70 and landmarker.scheme == "dlib-5"
    assert (embedder.metric, embedder.cluster_threshold, embedder.pair_threshold) == ("sqeuclidean", 0.281, 0.36)
    assert (embedder.size, embedder.dimension, embedder.schemes) == (150, 128, ("dlib-5", "dlib-68"))


def test_one_model_in_many_threads(detector, landmarker, embedder, astronaut) -> None:
    photos = [np.ascontiguousarray(astronaut[:256, 100 + 4 * i : 350 + 2 * i]) for i in range(4)]

    def chain(photo):
        boxes = detector.detect(photo).boxes
        return embedder.embed(embedder.crop(photo, landmarker.locate(photo, boxes)))

    want = [chain(photo) for photo in photos]
    wrong = []

    def work(i: int) -> None:
        for k in range(4):
            j = (i + k) % 4
            if not np.array_equal(chain(photos[j]), want[j]):
                wrong.append(j)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


IMAGE = np.zeros((60, 60, 3), np.uint8)
NAN = IMAGE.astype(np.float32)
NAN[3, 4] = np.nan


@pytest.mark.parametrize(
    ("image", "options", "error", "words"),
    [
        (NAN, {}, ValueError, "NaN"),
        (IMAGE.astype(np.float64), {}, TypeError, "uint8 or float32"),
        ([[0]], {}, TypeError, "uint8 or float32"),
        (np.zeros((60, 60, 4), np.uint8), {}, ValueError, "shape"),
        (np.zeros((0, 60, 3), np.uint8), {}, ValueError, "empty"),
        (IMAGE, {"color": "hsv"}, ValueError, "color"),
        (IMAGE, {"threshold": float("nan")}, ValueError, "threshold"),
        (IMAGE, {"upsample": -1}, ValueError, "upsample"),
        (IMAGE, {"upsample": 5}, ValueError, "upsample"),
        (IMAGE, {"upsample": 1.5}, TypeError, "upsample"),
        (IMAGE, {"threshold": "0"}, TypeError, "threshold"),
        (NAN.astype(">f4"), {}, ValueError, "NaN"),
        (np.ma.masked_array(IMAGE), {}, TypeError, "masked"),
    ],
)
def test_the_detector_refuses(detector, image, options, error, words) -> None:
    with pytest.raises(error, match=words):
        detector.detect(image, **options)


@pytest.mark.parametrize(
    ("boxes", "words"),
    [([(0, 0, 1)], "shape"), ([(0, 0, np.nan, 9)], "finite"), ([(9, 0, 1, 9)], "x2 < x1"), ([0, 0, 9, 9], "shape")],
)
def test_the_landmarker_refuses(landmarker, boxes, words) -> None:
    with pytest.raises(ValueError, match=words):
        landmarker.locate(IMAGE, boxes)
    with pytest.raises(ValueError, match="NaN"):
        landmarker.locate(NAN, [(0, 0, 9, 9)])


@pytest.mark.parametrize(
    ("landmarks", "error", "words"),
    [
        (FIVE[0], ValueError, r"\(n, 5, 2\)"),
        (FIVE[:, :4], ValueError, r"\(n, 5, 2\)"),
        (np.zeros((1, 5, 3)), ValueError, r"\(n, 5, 2\)"),
        ("landmarks", TypeError, "numbers"),
        (FIVE + np.nan, ValueError, "face 0"),
        (FIVE * 1e9, ValueError, "face 0"),
        (Landmarks(FIVE, "insightface-5"), ValueError, "'insightface-5'; dlib-resnet is aligned by dlib-5 or dlib-68"),
    ],
)
def test_the_crop_refuses(embedder, landmarks, error, words) -> None:
    with pytest.raises(error, match=words):
        embedder.crop(IMAGE, landmarks)


@pytest.mark.parametrize(
    ("crops", "error", "words"),
    [
        (np.zeros((1, 112, 112, 3), np.uint8), ValueError, "150"),
        (np.zeros((150, 150, 3), np.uint8), ValueError, "150"),
        (np.zeros((1, 150, 150, 3)), TypeError, "uint8 or float32"),
        ([0], TypeError, "uint8 or float32"),
        (np.full((1, 150, 150, 3), np.nan, np.float32), ValueError, "NaN"),
    ],
)
def test_the_embedder_refuses(embedder, crops, error, words) -> None:
    with pytest.raises(error, match=words):
        embedder.embed(crops)
