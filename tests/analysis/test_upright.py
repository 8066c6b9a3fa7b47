"""Points of tilted faces, located once more: right at any roll, and nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_faces import Noses, Spots, photo, points_of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("cv2", reason="the extra 'models' is not installed")

import pyface
from pyface.analysis.analyzer import FaceAnalyzer, find_faces
from pyface.analysis.chain import Chain
from pyface.analysis.upright import refined, rolls_of
from pyface.geometry import template_points
from pyface.geometry.conversions import COUNTS
from pyface.kernels.crops import affine_crops
from pyface.models import Detector
from pyface.types import Detections

CHAINS = {
    "score": lambda: Chain(Noses(), Spots(), None),
    "agreement": lambda: Chain(Noses(None), Spots(right=45, halved=45), None),
    "points of the detector": lambda: Chain(Noses(own=True), None, None),
}


def found(chain: Chain, image: Any, detections: Detections | None = None, *, refine: bool = True) -> np.ndarray:
    assert chain.detector is not None
    faces = find_faces(chain, image, detections or chain.detector.detect(image), refine=refine)
    assert faces.landmarks is not None
    return faces.landmarks


@pytest.mark.parametrize("kind", CHAINS)
@settings(max_examples=8, deadline=None)
@given(st.floats(-180, 180), st.floats(45, 160), st.floats(0, 1), st.floats(0, 1))
@example(180, 100, 0.5, 0.5)
@example(-90, 60, 0, 0)
@example(30, 160, 1, 1)
def test_points_turn_along_with_the_photo(kind: str, roll: float, side: float, right: float, down: float) -> None:
    """A wrong sign, a shift or half a pixel in a face's picture is 0.2 pixels of the photo and more."""
    room = 0.45 * side  # the spots stay inside, the box and what is shown around it do not
    middle = np.array([room + right * (359 - 2 * room), room + down * (319 - 2 * room)])
    points = found(CHAINS[kind](), photo((middle, side, roll)))
    assert_allclose(points[0], points_of(middle, side, roll), atol=0.1)


@pytest.mark.parametrize("kind", CHAINS)
def test_without_refine_they_are_wrong(kind: str) -> None:
    face = (np.array([170.0, 150.0]), 100.0, 120.0)
    wrong = found(CHAINS[kind](), photo(face), refine=False)[0] - points_of(*face)
    assert np.linalg.norm(wrong, axis=1).max() > 20


@pytest.mark.parametrize("kind", CHAINS)
def test_a_face_is_found_as_if_it_were_alone(kind: str) -> None:
    faces = [((80.0, 90.0), 90.0, 75.0), ((250.0, 90.0), 80.0, 3.0), ((120.0, 240.0), 110.0, -160.0)]
    image, chain = photo(*faces), CHAINS[kind]()
    assert chain.detector is not None
    seen = chain.detector.detect(image)
    together = found(chain, image, seen)
    for order in ([0, 1, 2], [2, 0, 1], [1]):
        own = None if seen.landmarks is None else seen.landmarks[order]
        some = Detections(seen.boxes[order], seen.scores[order], own)
        assert_array_equal(found(chain, image, some), together[order])


def test_upright_faces_keep_their_points_and_are_not_looked_at_again() -> None:
    image = photo(((80.0, 90.0), 90.0, 4.0), ((250.0, 90.0), 80.0, -6.0))
    chain = CHAINS["score"]()
    assert isinstance(chain.detector, Noses)
    seen = chain.detector.detect(image)
    plain = found(chain, image, seen, refine=False)
    before = chain.detector.calls
    assert_array_equal(found(chain, image, seen), plain)
    assert chain.detector.calls == before


def test_without_a_score_three_looks_say_that_a_face_is_upright() -> None:
    image, chain = photo(((80.0, 90.0), 90.0, 4.0)), CHAINS["agreement"]()
    assert isinstance(chain.landmarks, Spots)
    found(chain, image)
    assert chain.landmarks.calls == 1 + 3


def test_a_face_without_a_detector() -> None:
    face = (np.array([50.0, 52.0]), 101.0, 130.0)
    image = photo(face, size=(101, 101))
    chain = Chain(None, Spots(right=45, halved=45), None)
    box = np.array([[0.0, 2.0, 100.0, 102.0]])
    better = find_faces(chain, image, Detections(box, np.ones(1, np.float32))).landmarks
    assert better is not None
    assert_allclose(better[0], points_of(*face), atol=0.1)


def test_no_faces() -> None:
    image = np.zeros((40, 50, 3), np.uint8)
    for kind, make in CHAINS.items():
        assert found(make(), image).shape == (0, 5, 2), kind
    none = Detections(np.empty((0, 4)), np.empty(0, np.float32))
    better, rows = refined(Noses(), Spots(), image, none.boxes, none.scores, np.empty((0, 5, 2)), "arcface-5")
    assert better.shape == (0, 5, 2)
    assert rows.shape == (0,)


@pytest.mark.parametrize("side", [8.0, 19.0])
def test_tiny_faces_are_left_as_they_are(side: float) -> None:
    image = np.zeros((40, 50, 3), np.uint8)
    box = np.array([[20.0, 20, 20 + side, 20 + side]])
    seen = Detections(box, np.full(1, 0.1, np.float32))
    chain = CHAINS["score"]()
    assert isinstance(chain.detector, Noses)
    found(chain, image, seen)
    assert chain.detector.calls == 0


def test_a_detector_that_loses_the_face_leaves_its_box_to_the_landmark_model() -> None:
    face = (np.array([170.0, 150.0]), 100.0, 30.0)
    image = photo(face)
    seen = Noses().detect(image)

    class Blind(Noses):
        def detect(self, image: Any, **kinds: Any) -> Detections:
            return Detections(np.empty((0, 4)), np.empty(0, np.float32))

    points = found(Chain(Blind(), Spots(), None), image, seen)
    assert_allclose(points[0], points_of(*face), atol=0.1)
    own = Detections(seen.boxes, seen.scores, Spots().locate(image, seen.boxes).points)
    blind = Blind(own=True)
    assert_array_equal(found(Chain(blind, None, None), image, own), own.landmarks)


def test_depths_are_scaled_along() -> None:
    face = (np.array([170.0, 150.0]), 100.0, 120.0)
    points = found(Chain(Noses(), Spots(depths=True), None), photo(face))[0]
    true = points_of(*face)
    assert_allclose(points[:, :2], true, atol=0.1)
    assert_allclose(points[:, 2], np.linalg.norm(true - true[2], axis=1), atol=0.2)


def test_a_smaller_copy_gives_points_of_the_photo() -> None:
    face = (np.array([170.0, 150.0]), 100.0, 120.0)
    image, chain = photo(face), CHAINS["score"]()
    assert chain.detector is not None
    seen = chain.detector.detect(image)
    twice = Detections((seen.boxes.reshape(-1, 2, 2) * 2 + 0.5).reshape(-1, 4), seen.scores)
    faces = find_faces(chain, image, twice, original_size=(720, 640))
    assert faces.landmarks is not None
    assert_allclose(faces.landmarks[0], points_of(*face) * 2 + 0.5, atol=0.2)


def test_bytes_and_floats_give_the_same() -> None:
    image, chain = photo(((170.0, 150.0), 100.0, 120.0)), CHAINS["score"]()
    assert chain.detector is not None
    seen = chain.detector.detect(image)
    assert_array_equal(found(chain, image.astype(np.float32), seen), found(chain, image, seen))


def test_grey_images_are_looked_at_as_they_are() -> None:
    shapes = []

    class Grey(Noses):
        def detect(self, image: Any, **kinds: Any) -> Detections:
            shapes.append(image.shape)
            return super().detect(image, **kinds)

    seen = Detections(np.array([[20.0, 20, 80, 80]]), np.full(1, 0.5, np.float32))
    points = found(Chain(Grey(), Spots(), None), np.zeros((100, 120), np.uint8), seen)
    assert points.shape == (1, 5, 2)
    assert shapes
    assert all(len(shape) == 2 for shape in shapes)


def test_orders_of_points_that_are_not_known_are_left_alone() -> None:
    class Other(Spots):
        scheme = "of-somebody"

    image = photo(((170.0, 150.0), 100.0, 120.0))
    chain = Chain(Noses(), Other(), None)
    assert_array_equal(found(chain, image), found(chain, image, refine=False))


@pytest.mark.parametrize("points", [np.full((1, 5, 2), 7.0), np.full((1, 5, 2), np.nan), np.full((1, 5, 2), 1e300)])
def test_points_that_have_no_roll(points: np.ndarray) -> None:
    assert_array_equal(rolls_of(points, "arcface-5"), [0.0])


@pytest.mark.parametrize(("scheme", "template"), [("arcface-5", "arcface"), ("dlib-5", "arcface-dlib-5")])
def test_rolls_are_clockwise(scheme: str, template: str) -> None:
    five = template_points(template, 112)
    rolls = np.array([0.0, 35, -170, 90])
    c, s = np.cos(np.radians(rolls)), np.sin(np.radians(rolls))
    turned = five @ np.array([[c, s], [-s, c]]).transpose(2, 0, 1)
    assert_allclose(rolls_of(turned, scheme), rolls, atol=1e-9)


def test_every_known_order_has_a_roll() -> None:
    for scheme, count in COUNTS.items():
        assert rolls_of(np.random.default_rng(0).normal(size=(3, count, 2)), scheme).shape == (3,)
    with pytest.raises(ValueError, match="source"):
        rolls_of(np.zeros((1, 5, 2)), "of-somebody")


def test_boxes_that_lie_far_away_are_left_alone() -> None:
    image = photo(((170.0, 150.0), 100.0, 120.0))
    seen = Detections(np.array([[1e8, 1e8, 1e8 + 60, 1e8 + 60]]), np.full(1, 0.1, np.float32))
    chain = Chain(Noses(), Spots(), None)
    assert chain.detector is not None
    points = np.array([points_of((1e8, 1e8), 60, 120)])
    better, rows = refined(chain.detector, chain.landmarks, image, seen.boxes, seen.scores, points, "arcface-5")
    assert rows.size == 0
    assert better.shape == (0, 5, 2)


def test_the_argument() -> None:
    models: dict[str, Any] = {"detector": Noses(), "landmarks": Spots(), "embedder": False}
    image = photo(((170.0, 150.0), 100.0, 120.0), ((60.0, 60.0), 70.0, -80.0))
    analyzer = FaceAnalyzer(**models)
    assert analyzer.refine is True
    plain = FaceAnalyzer(**models, refine=False).analyze(image)
    better = analyzer.analyze(image)
    for a, b in zip(plain, better, strict=True):
        assert a.landmarks is not None
        assert b.landmarks is not None
        assert_array_equal(a.box, b.box)
        assert np.abs(a.landmarks - b.landmarks).max() > 10
    for batch_size in (1, 2, 32):
        for faces in analyzer.analyze_many([image] * 3, batch_size=batch_size):
            for a, b in zip(faces, better, strict=True):
                assert_array_equal(a.landmarks, b.landmarks)
    with pytest.raises(TypeError, match="refine"):
        FaceAnalyzer(**models, refine="yes")  # type: ignore[arg-type]


def astronaut(roll: float) -> np.ndarray:
    """scikit-image's sample photo, turned clockwise about the face."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    c, s = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    back = np.array([[c, s], [-s, c]])
    middle, half = np.array([222.0, 115.0]), 199.5
    return affine_crops(data.astronaut(), np.column_stack([back, middle - back @ [half, half]])[None], (400, 400))[0]


@pytest.mark.filterwarnings("ignore::pyface.errors.LicenseWarning")
@pytest.mark.parametrize("landmarks", ["mtcnn-onet", "dlib-5", "dlib-68"])
def test_a_photo_with_the_default_models(landmarks: str) -> None:
    try:
        analyzers = [
            FaceAnalyzer("opencv", landmarks=landmarks, embedder=False, n_threads=threads) for threads in (1, 2)
        ]
    except pyface.errors.MissingExtraError as error:
        pytest.skip(str(error))
    reference = analyzers[0].analyze(astronaut(0))[0]
    assert reference.landmarks is not None
    upright = rolls_of(reference.landmarks[None], str(reference.scheme))[0]
    n_found = 0
    for roll in (-150, -90, -45, -20, 30, 70, 120, 180):
        image = astronaut(roll)
        faces = [analyzer.analyze(image) for analyzer in analyzers]
        if not faces[0]:
            continue  # the detector's own limit
        n_found += 1
        points = faces[0][0].landmarks
        assert points is not None
        left = rolls_of(points[None], str(faces[0][0].scheme))[0] - roll - upright
        assert abs((left + 180) % 360 - 180) < 3, roll
        for others in faces[1:]:
            assert_array_equal(others[0].landmarks, points)
    assert n_found >= 6


def test_albums_say_it_and_do_not_mix_both(tmp_path: Path) -> None:
    from made_up_models import ByColour, FivePoints, OneFace

    pytest.importorskip("PIL", reason="the extra 'models' is not installed")
    from PIL import Image

    (tmp_path / "photos").mkdir()
    Image.fromarray(np.full((40, 40, 3), 90, np.uint8)).save(tmp_path / "photos/a.png")
    parts: dict[str, Any] = {"detector": OneFace(), "landmarks": FivePoints(), "embedder": ByColour()}
    out = tmp_path / "out"
    album = pyface.cluster_photos(tmp_path / "photos", out=out, **parts)
    assert album.settings["refine"] is True
    with pytest.raises(pyface.errors.OutputFolderError, match="refine was True, is False"):
        pyface.cluster_photos(tmp_path / "photos", out=out, add=True, refine=False, **parts)
    calls: list[Any] = []
    again = {**parts, "detector": OneFace(calls.append)}
    assert pyface.cluster_photos(tmp_path / "photos", out=out, **again).settings["refine"] is True
    assert not calls
    other = pyface.cluster_photos(tmp_path / "photos", out=out, refine=False, **again)
    assert other.settings["refine"] is False
    assert calls


def test_the_detectors_that_have_a_score_of_upright_faces() -> None:
    from pyface.models.opencv.yunet import YuNet

    assert Detector.upright_score is None
    assert YuNet.upright_score == 0.9
