"""Landmark models with real weights, on real photos: near to what another network sees, and to each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shared_photos
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("onnx", reason="the models are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")
pytest.importorskip("cv2", reason="the extra 'models' is not installed")

from pyface import FaceAnalyzer, models
from pyface.errors import ModelFileError
from pyface.geometry import convert_landmarks, mirror

FILES = {
    "pfld": "landmarks_68_pfld.onnx",
    "five_point": "landmarks-regression-retail-0009.onnx",
    "mesh_468": "face_mesh_468.onnx",
}
# Mean distance to SCRFD's five points, in eye distances, over 939 photos of LFW, and what is allowed on a few of them.
NEAR = {"pfld": 0.054, "five_point": 0.052, "mesh_468": 0.067}
MIRROR_5 = np.array([1, 0, 2, 4, 3])


def load(family: str, n_threads: int = 1) -> Any:
    return models.load(shared_photos.weights(FILES[family]), family=family, n_threads=n_threads)


@pytest.fixture(scope="module", params=sorted(FILES))
def model(request: pytest.FixtureRequest) -> Any:
    return load(request.param)


@pytest.fixture(scope="module")
def faces() -> list[Any]:
    """(image, box, five points) of the face nearest to the middle of each photo, as SCRFD sees it."""
    detector = models.load(shared_photos.weights("scrfd_500m.onnx"), family="scrfd", n_threads=1)
    found = []
    for _, image in shared_photos.photos(15):
        seen = detector.detect(image)
        if len(seen):
            middles = (seen.boxes[:, :2] + seen.boxes[:, 2:]) / 2
            i = int(np.argmin(np.square(middles - 124.5).sum(axis=1)))
            found.append((image, seen.boxes[i], seen.landmarks[i]))
    assert len(found) >= 25
    return found


def five(located: Any) -> np.ndarray:
    return convert_landmarks(located.points[..., :2], located.scheme, "arcface-5")[0]


def off(points: np.ndarray, wanted: np.ndarray, eyes: np.ndarray) -> float:
    """Mean distance in eye distances."""
    return float(np.linalg.norm(points - wanted, axis=1).mean() / np.linalg.norm(eyes[1] - eyes[0]))


def test_near_to_scrfds_points(model: Any, faces: list[Any]) -> None:
    offs = np.array([off(five(model.locate(image, [box])), points, points) for image, box, points in faces])
    assert offs.mean() < NEAR[model.family] + 0.012
    assert (offs > 0.15).mean() < 0.1


def test_a_mirrored_photo_has_mirrored_points(model: Any, faces: list[Any]) -> None:
    """But for what the network itself makes of a mirrored face."""
    offs = []
    for image, box, points in faces:
        last = image.shape[1] - 1
        turned = np.ascontiguousarray(image[:, ::-1])
        there = five(model.locate(turned, [(last - box[2], box[1], last - box[0], box[3])]))[MIRROR_5]
        offs.append(off(five(model.locate(image, [box])), there * [-1, 1] + [last, 0], points))
    assert np.mean(offs) < 0.09


def test_an_enlarged_photo_has_the_same_points(model: Any, faces: list[Any]) -> None:
    """Each pixel three times: positions are counted from middles of pixels, there and here."""
    for image, box, points in faces[::6]:
        large = np.repeat(np.repeat(image, 3, axis=0), 3, axis=1)
        there = (five(model.locate(large, [(box + 0.5) * 3 - 0.5])) + 0.5) / 3 - 0.5
        assert off(there, five(model.locate(image, [box])), points) < 0.05


def test_a_face_does_not_depend_on_others(model: Any, faces: list[Any]) -> None:
    image = np.concatenate([faces[0][0], faces[1][0]], axis=1)
    boxes = np.array([faces[0][1], faces[1][1] + [250, 0, 250, 0], (-30, -30, 60, 80), (400, 100, 700, 400)])
    want = [model.locate(image, [box]) for box in boxes]
    for n_threads in (1, 2, 4):
        got = load(model.family, n_threads).locate(image, boxes)
        assert_array_equal(got.points, np.concatenate([one.points for one in want]))
        if got.scores is not None:
            assert_array_equal(got.scores, np.concatenate([one.scores for one in want]))


def test_a_mesh_knows_a_face(faces: list[Any]) -> None:
    mesh = load("mesh_468")
    scores = [mesh.locate(image, [box]).scores[0] for image, box, _ in faces]
    assert np.mean(np.array(scores) > 0.9) > 0.9
    nothing = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    assert mesh.locate(nothing, [(20, 20, 180, 180)]).scores[0] < 0.1
    assert mesh.locate(np.zeros_like(nothing), [(20, 20, 180, 180)]).scores[0] < 0.1


def test_the_nose_of_a_mesh_is_nearest(faces: list[Any]) -> None:
    mesh = load("mesh_468")
    depths = np.array([mesh.locate(image, [box]).points[0, :, 2] for image, box, _ in faces])
    assert (depths[:, 4] < depths[:, [127, 356, 152, 10]].min(axis=1)).all()


def test_the_mesh_and_the_68_points_are_one_face(faces: list[Any]) -> None:
    """Two networks of different makers: 0.09 eye distances apart over 939 photos, at no point more than 0.2."""
    mesh, pfld = load("mesh_468"), load("pfld")
    apart = []
    for image, box, points in faces:
        brought = convert_landmarks(mesh.locate(image, [box]).points[:, :, :2], "mediapipe-468", "dlib-68")
        eyes = np.linalg.norm(points[1] - points[0])
        apart.append(np.linalg.norm(brought[0] - pfld.locate(image, [box]).points[0], axis=1) / eyes)
    assert np.mean(apart) < 0.105
    assert np.mean(apart, axis=0).max() < 0.2


def test_68_points_of_a_mesh_are_mirrored_with_the_photo(faces: list[Any]) -> None:
    """Each point with its own partner: a vertex too much on one side would show."""
    mesh, order = load("mesh_468"), mirror("dlib-68")
    apart = []
    for image, box, points in faces:
        last = image.shape[1] - 1
        boxes = (box, np.array([last - box[2], box[1], last - box[0], box[3]]))
        images = (image, np.ascontiguousarray(image[:, ::-1]))
        here, there = (
            convert_landmarks(mesh.locate(one, [at]).points[:, :, :2], mesh.scheme, "dlib-68")[0]
            for one, at in zip(images, boxes, strict=True)
        )
        eyes = np.linalg.norm(points[1] - points[0])
        apart.append((here - (there[order] * [-1, 1] + [last, 0])) / eyes)
    assert np.abs(np.mean(apart, axis=0)).max() < 0.05


def test_each_file_is_told_its_family() -> None:
    for family, file in FILES.items():
        for other in FILES:
            if other != family:
                with pytest.raises(ModelFileError, match=f"it may be of the family .*'{family}'"):
                    models.load(shared_photos.weights(file), family=other)


def test_faces_with_points_of_each_kind(faces: list[Any]) -> None:
    """SCRFD's own points, and a mesh for an embedder that is aligned by ArcFace's."""
    detector = models.load(shared_photos.weights("scrfd_500m.onnx"), family="scrfd", n_threads=1)
    image = faces[0][0]
    own = FaceAnalyzer(detector=detector, embedder=False).analyze(image)
    assert own[0].scheme == "arcface-5"
    assert_array_equal(own[0].landmarks, detector.detect(image).landmarks[0])
    mesh = FaceAnalyzer(detector=detector, landmarks=load("mesh_468"), embedder=False).analyze(image)
    assert mesh[0].scheme == "mediapipe-468" and mesh[0].landmarks.shape == (468, 3)
    assert_allclose(mesh[0].box, own[0].box)
