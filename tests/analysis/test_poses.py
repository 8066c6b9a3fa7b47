"""The poses of analyzed faces: those of their landmarks, where these show one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made_up_models import OneFace

from pyface.analysis.analyzer import FaceAnalyzer
from pyface.geometry import convert_landmarks, head_pose, solid_shape
from pyface.models import Landmarker
from pyface.types import Landmarks

IMAGE = np.full((60, 80, 3), 90, np.uint8)


class Given(Landmarker):
    name, family, digest = "given", "made-up", "g"

    def __init__(self, points: np.ndarray, scheme: str) -> None:
        self.points, self.scheme = points, scheme

    def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
        return Landmarks(np.repeat(self.points[None], len(boxes), axis=0), self.scheme)


def pose_of(points: np.ndarray, scheme: str, **options: Any) -> Any:
    analyzer = FaceAnalyzer(detector=OneFace(), landmarks=Given(points, scheme), embedder=False, **options)
    (face,) = analyzer.analyze(IMAGE)
    (again,) = analyzer.analyze_many([IMAGE])[0]
    assert (again.pose is None) == (face.pose is None)
    return face.pose


def five() -> np.ndarray:
    head = convert_landmarks(solid_shape("dlib-68"), "dlib-68", "arcface-5")[:, :2]
    return 10 * head + [40, 25] + np.random.default_rng(0).normal(size=(5, 2))


def test_it_is_the_pose_of_the_landmarks() -> None:
    pose = pose_of(five(), "arcface-5")
    wanted = head_pose(five(), "arcface-5")
    assert (pose.pitch, pose.yaw, pose.roll) == (wanted.pitch, wanted.yaw, wanted.roll)
    np.testing.assert_array_equal(pose.rotation, wanted.rotation)


def test_off_it_is_none() -> None:
    assert pose_of(five(), "arcface-5", pose=False) is None
    with pytest.raises(TypeError, match="pose must be True or False"):
        FaceAnalyzer(detector=OneFace(), landmarks=False, embedder=False, pose="no")  # type: ignore[arg-type]


@pytest.mark.parametrize("points", [np.ones((5, 2)), np.outer(np.arange(5), [1, 2]), np.full((5, 2), np.nan)])
def test_points_that_show_none(points: np.ndarray) -> None:
    assert pose_of(points, "arcface-5") is None


def test_a_scheme_of_ones_own_and_no_landmarks() -> None:
    assert pose_of(np.random.default_rng(0).uniform(0, 50, (7, 2)), "seven") is None
    (face,) = FaceAnalyzer(detector=OneFace(), landmarks=False, embedder=False).analyze(IMAGE)
    assert face.pose is None and face.landmarks is None
