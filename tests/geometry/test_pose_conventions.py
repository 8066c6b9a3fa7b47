"""A head turned by each convention's own formula, projected, must come back in that convention."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import pose as oracle

from pyface.geometry import head_pose, solid_shape

HEAD = solid_shape("dlib-68")
MIDDLE = np.array([320.0, 240.0])
angles = st.tuples(st.floats(-50, 50), st.floats(-80, 80), st.floats(-180, 180))


def face_of(pitch: float, yaw: float, roll: float) -> np.ndarray:
    return oracle.projected(HEAD, oracle.rotation(pitch, yaw, roll), 70, MIDDLE)


@given(angles)
def test_the_convention_of_insightface(turn: tuple[float, ...]) -> None:
    mean = HEAD * [1, 1, -1]
    face = face_of(*turn)
    wanted = oracle.insightface_pose(mean, face)
    found = head_pose(face, "dlib-68").to_insightface()
    assert np.abs((found - wanted + 180) % 360 - 180).max() < 1e-4


@given(st.tuples(st.floats(-0.8, 0.8), st.floats(-1.4, 1.4), st.floats(-1.5, 1.5)))
def test_the_convention_of_300wlp(turn: tuple[float, ...]) -> None:
    """x right, y up, z to the viewer; the image has y down."""
    flip = np.array([1, -1, -1])
    turned = oracle.matrix_of_300wlp(*turn)
    face = 70 * ((HEAD * flip) @ turned.T)[:, :2] * [1, -1] + MIDDLE
    found = head_pose(face, "dlib-68").to_300wlp()
    np.testing.assert_allclose(found, turn, atol=1e-6)


def test_signs_of_300wlp() -> None:
    up, right, clockwise = (head_pose(face_of(*t), "dlib-68") for t in ((20, 0, 0), (0, 20, 0), (0, 0, 20)))
    np.testing.assert_allclose(np.degrees(up.to_300wlp()), (20, 0, 0), atol=1e-9)
    np.testing.assert_allclose(np.degrees(right.to_300wlp()), (0, -20, 0), atol=1e-9)
    np.testing.assert_allclose(np.degrees(clockwise.to_300wlp()), (0, 0, 20), atol=1e-9)


@given(angles, st.booleans())
def test_the_convention_of_opencv(turn: tuple[float, ...], y_up: bool) -> None:
    cv2 = pytest.importorskip("cv2")
    head = HEAD
    face = oracle.seen(head, oracle.rotation(*turn), (0.5, -0.2, 12), 900, (319.5, 239.5))
    pose = head_pose(face, "insightface-68-3d", camera=900, image_size=(480, 640))
    rvec, tvec = pose.to_opencv(y_up=y_up)
    k = np.array([[900, 0, 319.5], [0, 900, 239.5], [0, 0, 1.0]])
    points = head * [1, -1, -1] if y_up else head
    back, _ = cv2.projectPoints(points, rvec, tvec, k, None)
    np.testing.assert_allclose(back[:, 0], face, atol=1e-4)
    found, r, t = cv2.solvePnP(points, face, k, None, rvec.copy(), tvec.copy(), True)
    assert found
    np.testing.assert_allclose(cv2.Rodrigues(r)[0], cv2.Rodrigues(rvec)[0], atol=1e-4)
    np.testing.assert_allclose(t.reshape(3), tvec, atol=1e-3)


def test_opencv_from_afar() -> None:
    """A pose without perspective, seen by a long lens from where the face is as large."""
    cv2 = pytest.importorskip("cv2")
    pose = head_pose(face_of(10, -20, 30), "dlib-68")
    rvec, tvec = pose.to_opencv(1e6, (320, 240))
    k = np.array([[1e6, 0, 320], [0, 1e6, 240], [0, 0, 1.0]])
    back, _ = cv2.projectPoints(HEAD, rvec, tvec, k, None)
    np.testing.assert_allclose(back[:, 0], pose.project(HEAD), atol=0.01)
    with pytest.raises(ValueError, match="needs focal_length and center"):
        pose.to_opencv()
    with pytest.raises(ValueError, match="center must have shape"):
        pose.to_opencv(100, 3)
    with pytest.raises(ValueError, match="the pose's own camera"):
        head_pose(face_of(0, 0, 0), "dlib-68", camera=900, image_size=(480, 640)).to_opencv(900, (0, 0))
