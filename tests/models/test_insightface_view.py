"""insightface's ``FaceAnalysis`` on models of pyface: its names, its BGR, its order and choice of faces."""

from __future__ import annotations

from typing import Any

import made_up_models
import numpy as np
import pytest

from pyface import errors
from pyface.geometry import solid_shape
from pyface.models import Detector, Landmarker
from pyface.models.insightface import Face, FaceAnalysis
from pyface.types import Detections, Landmarks

BOXES = np.array([[0, 0, 20, 20], [45, 45, 55, 55], [60, 60, 100, 100]], float)
SCORES = np.array([0.9, 0.8, 0.7], np.float32)
POINTS = BOXES[:, None, :2] + np.arange(10).reshape(5, 2)


class ThreeFaces(Detector):
    name, family, digest, smallest_face = "three", "made-up", "d", 8.0

    def __init__(self, landmarks: np.ndarray | None = POINTS) -> None:
        self.points = landmarks
        self.seen: list[Any] = []

    def detect(self, image: Any, *, threshold: float | None = None, color: str = "rgb") -> Detections:
        self.seen.append((image, threshold, color))
        kept = (threshold or 0) < SCORES
        return Detections(BOXES[kept], SCORES[kept], None if self.points is None else self.points[kept])


class Many(Landmarker):
    name, family, digest, scheme = "many", "made-up", "l", "insightface-106"

    def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
        return Landmarks(np.repeat(boxes[:, None, :2], 106, axis=1), self.scheme)


def image(width: int = 100) -> np.ndarray:
    picture = np.zeros((100, width, 3), np.uint8)
    picture[...] = (10, 20, 30)  # BGR
    return picture


class Aligned(made_up_models.ByColour):
    schemes = ("arcface-5",)


def prepared(*members: Any, **options: Any) -> FaceAnalysis:
    app = FaceAnalysis(models=members, **options)
    app.prepare(ctx_id=-1)
    return app


def test_names_and_colours() -> None:
    detector = ThreeFaces()
    app = prepared(detector, Aligned(), Many())
    faces = app.get(image())
    assert [face.det_score for face in faces] == SCORES.tolist()
    for face, box, points in zip(faces, BOXES, POINTS, strict=True):
        np.testing.assert_array_equal(face.bbox, box)
        np.testing.assert_array_equal(face["kps"], points)
        assert face.landmark_2d_106.shape == (106, 2) and face.landmark_2d_106[0].tolist() == box[:2].tolist()
        assert face.embedding.tolist() == [30, 20, 10]  # RGB: blue was first
        np.testing.assert_allclose(face.normed_embedding, np.array([30, 20, 10]) / np.sqrt(1400), rtol=1e-6)
        assert face.embedding_norm == pytest.approx(np.sqrt(1400))
        assert face.landmark_3d_68 is None and face.pose is None and face.age is None and face.sex is None
    seen, threshold, color = detector.seen[0]
    assert seen[0, 0].tolist() == [30, 20, 10] and color == "rgb" and threshold == 0.5
    assert sorted(app.models) == ["detection", "landmark_2d_106", "recognition"]


def test_the_pose_is_that_of_the_68_points_in_space() -> None:
    solid = solid_shape("dlib-68")
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    turned = 10 * solid @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]).T + 50  # the nose to the image's right

    class Solid(Many):
        scheme = "insightface-68-3d"

        def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
            flat = np.zeros_like(turned)  # points that show no pose
            return Landmarks(np.stack([turned, flat, turned])[: len(boxes)], self.scheme)

    first, second, third = prepared(ThreeFaces(), Aligned(), Solid()).get(image())
    np.testing.assert_allclose(first.pose, [0, 20, 0], atol=1e-6)
    np.testing.assert_allclose(third.pose, first.pose)
    assert second.pose is None and first.landmark_3d_68.shape == (68, 3)


def test_points_of_a_model_of_five_take_the_place_of_the_detectors() -> None:
    class Five(Many):
        scheme = "arcface-5"

        def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
            return Landmarks(np.repeat(boxes[:, None, 2:], 5, axis=1), self.scheme)

    face = prepared(ThreeFaces(), Five(), Aligned()).get(image())[0]
    assert face.kps.tolist() == [[20, 20]] * 5 and set(face) == {"bbox", "det_score", "kps", "embedding"}


def test_thresholds_and_modules() -> None:
    app = FaceAnalysis(models=[ThreeFaces(), Aligned()], allowed_modules=["detection"])
    app.prepare(det_thresh=0.75)
    faces = app.get(image())
    assert len(faces) == 2 and faces[0].embedding is None and faces[0].normed_embedding is None
    app.prepare(det_thresh=0.95)
    assert app.get(image()) == []


def test_which_faces_stay_when_there_are_too_many() -> None:
    app = prepared(ThreeFaces())
    assert [face.det_score for face in app.get(image(), max_num=3)] == SCORES.tolist()
    # The largest is far from the middle: 1600 - 2 * 2 * 30 ** 2, against 100 and 400 - 2 * 2 * 40 ** 2.
    assert app.get(image(), max_num=1)[0].bbox[0] == 45
    assert [face.bbox[0] for face in app.get(image(), max_num=2, det_metric="max")] == [60, 0]


def test_a_face_is_a_dict_with_attributes() -> None:
    face = Face(bbox=np.zeros(4))
    face.name = "Ann"
    assert face["name"] == "Ann" and face.nothing is None and "nothing" not in face
    with pytest.raises(AttributeError):
        _ = face.__deepcopy__


def test_what_is_refused() -> None:
    with pytest.raises(
        errors.ModelNotFoundError, match=r"no pack of models is named .*opencv.*did you mean 'buffalo_l'"
    ):
        FaceAnalysis("buffalo_xl")
    with pytest.raises(ValueError, match="allowed_modules must be"):
        FaceAnalysis("opencv", allowed_modules=["genderage"])
    with pytest.raises(RuntimeError, match=r"prepare\(\)"):
        FaceAnalysis(models=[ThreeFaces()]).get(image())
    with pytest.raises(ValueError, match="must be a detector"):
        FaceAnalysis(models=[Aligned()]).prepare()
    with pytest.raises(TypeError, match="loaded models, got int"):
        FaceAnalysis(models=[3]).prepare()
    with pytest.raises(TypeError, match="allowed_modules must be several words, got 'detection'"):
        FaceAnalysis("opencv", allowed_modules="detection")
    with pytest.raises(TypeError, match="ctx_id must be an integer"):
        FaceAnalysis(models=[ThreeFaces()]).prepare("cpu")  # type: ignore[arg-type]
    for size in (320, 0, (640,), "640", (1, 2, 3)):
        with pytest.raises(ValueError, match=r"det_size must be \(width, height\) or None"):
            FaceAnalysis(models=[ThreeFaces()]).prepare(det_size=size)  # type: ignore[arg-type]
    for size in ((0, 0), (1.5, 64), (64, 1 << 20)):
        with pytest.raises((TypeError, ValueError), match="det_size must be"):
            FaceAnalysis(models=[ThreeFaces()]).prepare(det_size=size)  # type: ignore[arg-type]
    app = prepared(ThreeFaces(landmarks=None), Aligned())
    with pytest.raises(ValueError, match="gives no points"):
        app.get(image())
    with pytest.raises((TypeError, ValueError), match="img"):
        app.get(np.zeros((4, 4, 4), np.uint8))


def test_an_embedder_that_aligns_by_other_points_is_refused_before_any_face_is_cut_by_them() -> None:
    app = FaceAnalysis(models=[ThreeFaces(), made_up_models.ByColour()])  # of dlib-5
    with pytest.raises(ValueError, match=r"by-colour aligns faces by landmarks of dlib-5, and here .* arcface-5 alone"):
        app.prepare()
    with pytest.raises(RuntimeError, match=r"prepare\(\)"):
        app.get(image())
    FaceAnalysis(models=[ThreeFaces(), made_up_models.ByColour()], allowed_modules=["detection"]).prepare()


@pytest.mark.parametrize(("k", "columns", "name"), [(68, 2, "landmark_2d_68"), (468, 3, "landmark_3d_468")])
def test_points_without_a_name_of_insightfaces_own_are_named_alike(k: int, columns: int, name: str) -> None:
    class Others(Many):
        scheme = f"made-up-{k}"

        def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
            return Landmarks(np.zeros((len(boxes), k, columns)) + boxes[:, None, :1], self.scheme)

    for face, box in zip(prepared(ThreeFaces(), Others(), Many()).get(image()), BOXES, strict=True):
        assert face[name].shape == (k, columns) and face[name].dtype == np.float32 and (face[name] == box[0]).all()
        assert face.landmark_2d_106.shape == (106, 2)
    assert (
        name not in prepared(ThreeFaces(), Others(), allowed_modules=["detection", "landmark_2d_106"]).get(image())[0]
    )


def test_what_it_is_made_of_is_shown() -> None:
    assert repr(prepared(ThreeFaces())) == "<FaceAnalysis of models ['detection']>"
    assert repr(FaceAnalysis("opencv")) == "<FaceAnalysis 'opencv' []>"


def test_a_pack_that_is_not_here_says_how_all_of_it_comes(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path))
    with pytest.raises(errors.ModelFileError, match="pyface models pull buffalo_l --accept-license"):
        FaceAnalysis("buffalo_l").prepare(ctx_id=-1)


def test_a_detector_of_a_fixed_size_keeps_it(from_bytes: Any) -> None:
    pytest.importorskip("onnx", reason="the file is made with onnx")
    from oracles import detector_files

    heads = detector_files.random_heads(np.random.default_rng(0), {"score": 2, "box": 8, "points": 20})
    app = FaceAnalysis(models=[from_bytes(detector_files.scrfd(heads, size=(96, 64)), "scrfd")])
    app.prepare(ctx_id=-1)
    assert app.det_size == (96, 64) and len(app._detectors) == 1
    app.get(image())
    with pytest.raises(ValueError, match=r"^det_size: .* takes pictures of 96 x 64 only"):
        app.prepare(det_size=(640, 640))


def test_the_default_pack_by_its_name(opencv: list[Any]) -> None:
    skimage = pytest.importorskip("skimage.data", reason="scikit-image brings the photo")
    app = FaceAnalysis("opencv")
    app.prepare(ctx_id=-1)
    (face,) = app.get(skimage.astronaut()[:, :, ::-1])
    assert face.kps.shape == (5, 2) and face.embedding.shape == (128,) and face.det_score > 0.7
