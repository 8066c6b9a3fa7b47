"""Whose points faces get: a landmark model's, or the detector's own; and what the embedder is given of them."""

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
from pyface.analysis import chain as module
from pyface.analysis.analyzer import FaceAnalyzer, find_faces
from pyface.analysis.chain import Chain
from pyface.geometry import convert_landmarks
from pyface.geometry.conversions import COUNTS
from pyface.models import Embedder, Landmarker
from pyface.pictures.aligned import align_photos
from pyface.pictures.warped import warp_photos
from pyface.types import Detections, Landmarks

IMAGE = np.full((60, 80, 3), 90, np.uint8)
FIVE = np.array([[(30.5, 20), (50, 21), (41, 30), (33, 40), (48, 41)]])


class Pointing(OneFace):
    """A detector with points of its own."""

    name, scheme = "pointing", "arcface-5"

    def detect(self, image: Any, **kinds: Any) -> Detections:
        found = super().detect(image, **kinds)
        return Detections(found.boxes, found.scores, FIVE * image.shape[1] / 80)


class Silent(Pointing):
    name = "silent"

    def detect(self, image: Any, **kinds: Any) -> Detections:
        found = super().detect(image, **kinds)
        return Detections(found.boxes, found.scores)


class Of(Landmarker):
    """Landmarks of any scheme, with depths if asked for."""

    family, digest = "made-up", "o"

    def __init__(self, scheme: str, columns: int = 2) -> None:
        self.name, self.scheme, self.columns = f"of-{scheme}", scheme, columns

    def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
        count = COUNTS.get(self.scheme, 7)
        points = np.random.default_rng(0).uniform(5, 50, (len(boxes), count, self.columns))
        return Landmarks(points * (image.shape[1] / 80), self.scheme)


class Asking(Embedder):
    """Keeps what it is asked to crop."""

    name, family, digest, dimension, size = "asking", "made-up", "a", 3, 4
    metric, cluster_threshold, pair_threshold = "euclidean", 40.0, 40.0

    def __init__(self, *schemes: str) -> None:
        self.schemes, self.given = schemes, []

    def crop(self, image: Any, landmarks: Any, *, color: str = "rgb") -> np.ndarray:
        self.given.append(landmarks)
        return np.zeros((len(landmarks), 4, 4, 3), np.uint8)

    def embed(self, crops: Any) -> np.ndarray:
        return np.zeros((len(crops), 3), np.float32)


def test_without_a_landmark_model_the_detectors_points_are_the_faces() -> None:
    for landmarks in (False, None):
        embedder = Asking("arcface-5")
        analyzer = FaceAnalyzer(detector=Pointing(), landmarks=landmarks, embedder=embedder)
        assert analyzer.chain.landmarks is None and analyzer.chain.scheme == "arcface-5"
        (face,) = analyzer.analyze(IMAGE)
        assert face.scheme == "arcface-5"
        assert_array_equal(face.landmarks, FIVE[0])
        assert_array_equal(embedder.given[0], FIVE)
        assert "of-" not in str(analyzer.chain.digests())
    (face,) = FaceAnalyzer(detector=Pointing(), landmarks=False, embedder=False).analyze(IMAGE)
    assert_array_equal(face.landmarks, FIVE[0])


def test_a_detector_without_points_gives_none() -> None:
    (face,) = FaceAnalyzer(detector=OneFace(), landmarks=False, embedder=False).analyze(IMAGE)
    assert face.landmarks is None and face.scheme is None
    with pytest.raises(ValueError, match=r"asking aligns faces by landmarks of arcface-5, got landmarks=False; choose"):
        FaceAnalyzer(detector=OneFace(), landmarks=False, embedder=Asking("arcface-5"))
    with pytest.raises(ValueError, match=r"'silent'.*has the scheme 'arcface-5' but gave no landmarks"):
        FaceAnalyzer(detector=Silent(), landmarks=False, embedder=False).analyze(IMAGE)


def test_points_of_a_copy_are_told_in_the_photo() -> None:
    """To the bit: they were found in the photo's pixels, and are brought into the copy for the crops alone."""
    embedder = Asking("arcface-5")
    found = Detections(np.array([[80.0, 60, 240, 180]]), np.ones(1, np.float32), FIVE * 4 + 0.3)
    copy = np.zeros((60, 80, 3), np.uint8)
    faces = find_faces(Chain(Pointing(), None, embedder), copy, found, original_size=(320, 240))
    assert_array_equal(faces.landmarks, FIVE * 4 + 0.3)
    assert_allclose(embedder.given[0], (FIVE * 4 + 0.8) / 4 - 0.5, atol=1e-12)
    none = Detections(np.empty((0, 4)), np.empty(0, np.float32))
    faces = find_faces(Chain(Pointing(), None, embedder), copy, none)
    assert faces.landmarks is not None and faces.landmarks.shape == (0, 5, 2) and faces.crops is not None


@pytest.mark.parametrize("scheme", ["dlib-68", "insightface-106", "insightface-68-3d", "mediapipe-468"])
@pytest.mark.parametrize("own", ["arcface-5", "dlib-5"])
def test_landmarks_are_brought_to_what_the_embedder_wants(scheme: str, own: str) -> None:
    columns = 3 if scheme.endswith(("3d", "468")) else 2
    embedder = Asking("something-else", own)
    analyzer = FaceAnalyzer(detector=OneFace(), landmarks=Of(scheme, columns), embedder=embedder)
    (face,) = analyzer.analyze(IMAGE)
    located = Of(scheme, columns).locate(IMAGE, [0]).points
    assert face.scheme == scheme
    assert_array_equal(face.landmarks, located[0])
    (given,) = embedder.given
    assert isinstance(given, Landmarks) and given.scheme == own
    assert_array_equal(given.points, convert_landmarks(located[:, :, :2], scheme, own))


def test_landmarks_that_fit_are_given_as_they_are() -> None:
    embedder = Asking("arcface-5", "dlib-68")
    FaceAnalyzer(detector=OneFace(), landmarks=Of("dlib-68"), embedder=embedder).analyze(IMAGE)
    assert_array_equal(embedder.given[0], Of("dlib-68").locate(IMAGE, [0]).points)


@pytest.mark.parametrize("scheme", ["dlib-5", "my-7"])
def test_what_cannot_be_brought_is_told_before_the_first_photo(scheme: str) -> None:
    with pytest.raises(ValueError, match=f"by landmarks of arcface-5, got landmarks of the scheme '{scheme}'"):
        FaceAnalyzer(detector=Pointing(), landmarks=Of(scheme), embedder=Asking("arcface-5"))
    with pytest.raises(ValueError, match="got landmarks=False and the detector's own, of the scheme 'arcface-5'"):
        FaceAnalyzer(detector=Pointing(), landmarks=False, embedder=Asking("dlib-5"))


def test_whose_points_where_none_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default landmark model stays where the default's detector is, a pack is named, or the embedder needs it."""
    loaded: list[str] = []
    made = {"mtcnn-onet": Of("arcface-5"), "dlib-5": FivePoints(), "sface": Asking("arcface-5"), "yunet": Pointing()}

    def load(name: str, **_: Any) -> Any:
        loaded.append(name)
        return made[name]

    monkeypatch.setattr(module, "load", load)
    default = Pointing()
    default.family = "yunet"  # type: ignore[misc]
    for arguments, want in (
        ({"detector": Pointing()}, ["sface"]),
        ({"detector": default}, ["sface", "mtcnn-onet"]),
        ({"detector": "yunet", "embedder": False}, ["yunet"]),
        ({"detector": OneFace()}, ["sface", "mtcnn-onet"]),
        ({"detector": Pointing(), "models": "opencv"}, ["sface", "mtcnn-onet"]),
        ({"detector": Pointing(), "embedder": Asking("arcface-5")}, []),
        ({"detector": Pointing(), "landmarks": "mtcnn-onet"}, ["sface", "mtcnn-onet"]),
        ({"detector": Pointing(), "landmarks": False, "embedder": False}, []),
    ):
        loaded.clear()
        made["yunet"].family = "made-up" if want == ["yunet"] else "yunet"  # type: ignore[misc]
        FaceAnalyzer(**arguments)
        assert loaded == want, arguments
    embedder = Asking("dlib-5")
    embedder.family = "dlib_resnet"  # type: ignore[misc]
    loaded.clear()
    FaceAnalyzer(detector=Pointing(), embedder=embedder)
    assert loaded == ["dlib-5"]


def test_an_album_of_the_detectors_points_and_of_depths(tmp_path: Path) -> None:
    photo_sets.save(tmp_path / "photos" / "one.png", np.full((60, 80, 3), (200, 40, 30), np.uint8))
    album = pyface.cluster_photos(tmp_path / "photos", detector=Pointing(), embedder=ByArcface())
    (face,) = album.faces
    assert face.face.scheme == "arcface-5"
    assert_array_equal(face.face.landmarks, FIVE[0])
    with_depths = Of("mediapipe-468", 3)
    album = pyface.cluster_photos(tmp_path / "photos", detector=OneFace(), landmarks=with_depths, embedder=ByArcface())
    (face,) = album.faces
    assert_array_equal(face.face.landmarks, with_depths.locate(IMAGE, [0]).points[0, :, :2])


def test_an_album_says_that_it_had_other_points(tmp_path: Path) -> None:
    photo_sets.save(tmp_path / "photos" / "one.png", np.full((60, 80, 3), (200, 40, 30), np.uint8))
    out = tmp_path / "out"
    models: dict[str, Any] = {"detector": Pointing(), "embedder": ByArcface()}
    pyface.cluster_photos(tmp_path / "photos", out=out, landmarks=Of("arcface-5"), **models)
    with pytest.raises(pyface.errors.OutputFolderError, match=r"of-arcface-5 .*not with .*the detector's points"):
        pyface.cluster_photos(tmp_path / "photos", out=out, **models)


class ByArcface(ByColour):
    schemes = ("arcface-5",)


@pytest.mark.parametrize("scheme", ["insightface-106", "insightface-68-3d", "mediapipe-468"])
def test_pictures_of_faces_with_other_points(tmp_path: Path, scheme: str) -> None:
    """Aligned and warped by what the points are as the 68, as if these had been found."""
    photo = tmp_path / "one.png"
    photo_sets.save(photo, np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8))
    columns = 2 if scheme == "insightface-106" else 3
    located = Of(scheme, columns).locate(IMAGE, [0]).points[..., :2]

    class As68(Of):
        def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
            return Landmarks(convert_landmarks(located, scheme, "dlib-68"), "dlib-68")

    pictures: list[dict[str, bytes]] = []
    for i, landmarks in enumerate((Of(scheme, columns), As68("dlib-68"))):
        analyzer = FaceAnalyzer(detector=OneFace(), landmarks=landmarks, embedder=False)
        align_photos(analyzer, [photo], tmp_path / f"aligned{i}", template="dlib-5", size=64, overlay=i == 0)
        warp_photos(analyzer, [photo], tmp_path / f"warped{i}", size=64, overlay=i == 0)
        names = [f"aligned{i}/one-0.png", f"warped{i}/one-0.png"]
        pictures.append({name.replace(str(i) + "/", "/"): (tmp_path / name).read_bytes() for name in names})
    assert pictures[0] == pictures[1]
