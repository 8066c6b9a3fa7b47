"""The mesh of upright faces in a square picture, and its rim in a photo."""

from __future__ import annotations

import numpy as np
import pytest
from warp_meshes import noise

from pyface.geometry import face_mesh, frame_points, mean_shape, mirror, similarity_transform, triangulation

ORDER = np.concatenate([mirror("dlib-68"), 68 + np.array([2, 1, 0, 4, 3, 7, 6, 5])])
SCHEMES = {"dlib-68": 68, "insightface-106": 106}
EYES = (range(36, 42), range(42, 48))


def sets_of(triangles: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(row) for row in triangles.tolist()}


def areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    corners = points[triangles]
    (ax, ay), (bx, by) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    return (ax * by - ay * bx) / 2


def turned_shape(degrees: float = 27, scale: float = 83, shift: tuple[float, float] = (400, 300)) -> np.ndarray:
    """Landmarks of a mean face that is tilted clockwise, so and so large, in a photo."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return scale * mean_shape("dlib-68") @ np.array([[c, s], [-s, c]]) + shift


@pytest.mark.parametrize("face_only", [False, True])
@pytest.mark.parametrize("size", [16, 17, 255, 256, 1000])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_mesh_is_its_own_mirror_image_and_has_no_fold(scheme: str, size: int, face_only: bool) -> None:
    mesh = face_mesh(scheme, size, face_only=face_only)
    order = mirror(scheme)
    if not face_only:
        order = np.concatenate([order, len(order) + np.array([2, 1, 0, 4, 3, 7, 6, 5])])
    mirrored = mesh.target[order] * [-1, 1] + [size - 1, 0]
    np.testing.assert_allclose(mesh.target, mirrored, atol=1e-9 * size)
    rows = sets_of(mesh.triangles)
    assert len(rows) == len(mesh.triangles)
    if scheme == "dlib-68":
        assert len(rows) == (107 if face_only else 142)
    assert {frozenset(order[list(row)].tolist()) for row in rows} == rows
    assert (areas(mesh.target, mesh.triangles) > 0).all()
    np.testing.assert_array_equal(mesh.mask, mesh.mask[:, ::-1])


@pytest.mark.parametrize("size", [2, 16, 17, 255, 256])
@pytest.mark.parametrize(("scheme", "k"), SCHEMES.items())
def test_the_mesh_fills_the_square(scheme: str, k: int, size: int) -> None:
    mesh = face_mesh(scheme, size)
    assert mesh.mask.all()
    assert areas(mesh.target, mesh.triangles).sum() == pytest.approx((size - 1) ** 2)
    last, half = size - 1, (size - 1) / 2
    rim = [(0, 0), (half, 0), (last, 0), (0, half), (last, half), (0, last), (half, last), (last, last)]
    np.testing.assert_array_equal(mesh.target[k:], rim)
    turned = frame_points(mean_shape(scheme) * 50 + 100, scheme)
    if size >= 16:  # else triangles are thinner than the grid that decides who owns a pixel
        assert mesh.report(turned).anisotropy == pytest.approx(1)


def test_face_only_is_the_inside_of_the_other_mesh() -> None:
    whole, face = face_mesh("dlib-68", 256), face_mesh("dlib-68", 256, face_only=True)
    np.testing.assert_array_equal(face.target, whole.target[:68])
    inner = {row for row in sets_of(whole.triangles) if max(row) < 68}
    assert sets_of(face.triangles) - inner == {frozenset((21, 22, 27))}
    np.testing.assert_array_equal(face.triangles, triangulation("dlib-68"))


def test_where_the_face_lies() -> None:
    """Upright, in the middle, with room on all sides: a tenth beside the jaw, a third above the eyes."""
    target = face_mesh("dlib-68", 311).target[:68]  # 310 is 100 pixels a distance between the eyes
    left, right = (target[list(eye)].mean(axis=0) for eye in EYES)
    np.testing.assert_allclose([left, right], [(105, 110), (205, 110)], atol=1e-9)
    np.testing.assert_allclose(target.min(axis=0), (35, 75), atol=1e-9)
    np.testing.assert_allclose(target.max(axis=0), (275, 295), atol=1e-9)


def test_the_rim_is_a_square_that_turns_with_the_face() -> None:
    points = frame_points(turned_shape(), "dlib-68")
    assert points.shape == (76, 2)
    np.testing.assert_array_equal(points[:68], turned_shape())
    fit = similarity_transform(face_mesh("dlib-68", 311).target, points)
    assert (fit.rotation, fit.scale) == pytest.approx((27, 0.83))
    assert fit.residual < 1e-9
    both = frame_points(np.stack([turned_shape(), turned_shape(-100, 9, (-20, 0))]), "dlib-68")
    assert both.shape == (2, 76, 2)
    np.testing.assert_allclose(both[0], points, atol=1e-9)


def test_landmarks_that_fit_badly_push_the_rim_outwards() -> None:
    moved = turned_shape() + np.random.default_rng(0).normal(0, 15, (68, 2))
    good, bad = (frame_points(points, "dlib-68")[68:] for points in (turned_shape(), moved))
    assert np.ptp(bad @ [0.6, 0.8]) > np.ptp(good @ [0.6, 0.8])


@pytest.mark.parametrize("face_only", [False, True])
def test_a_mirrored_photo_gives_the_mirrored_picture(face_only: bool) -> None:
    photo = noise(300, 420, 3)
    landmarks = turned_shape(12, 60, (200, 120)) + np.random.default_rng(1).normal(0, 2, (68, 2))
    flipped = (landmarks * [-1, 1] + [419, 0])[ORDER[:68]]
    mesh = face_mesh("dlib-68", 128, face_only=face_only)
    one, other = (
        mesh.warp(image, points if face_only else frame_points(points, "dlib-68"))
        for image, points in ((photo, landmarks), (np.ascontiguousarray(photo[:, ::-1]), flipped))
    )
    assert one.any()
    assert np.abs(one[:, ::-1].astype(int) - other).max() <= 1  # positions differ by rounding


def test_face_only_is_black_around_the_face() -> None:
    mesh = face_mesh("dlib-68", 128, face_only=True)
    white = np.full((600, 800), 255, np.uint8)
    warped = mesh.warp(white, turned_shape())
    np.testing.assert_array_equal(warped, np.where(mesh.mask, 255, 0))
    assert 0.4 < mesh.mask.mean() < 0.5
    assert face_mesh("dlib-68", 128).warp(white, frame_points(turned_shape(), "dlib-68")).all()


def test_a_jaw_that_is_round_folds_nothing() -> None:
    """The mean shape's own jaw is straight at the ears by its rounding, a person's is not."""
    landmarks = turned_shape(0)
    for jaw, out in ((range(17), [1.02, 1]), ((1, 15), [1.03, 1])):
        landmarks[list(jaw)] = (landmarks[list(jaw)] - [400, 300]) * out + [400, 300]
    for face_only in (False, True):
        source = landmarks if face_only else frame_points(landmarks, "dlib-68")
        assert face_mesh("dlib-68", 256, face_only=face_only).report(source).n_flipped == 0


def test_refusals() -> None:
    with pytest.raises(ValueError, match="scheme must be one of 'dlib-68', 'insightface-106', got 'dlib-5'"):
        face_mesh("dlib-5", 256)
    with pytest.raises(ValueError, match="scheme must be one of 'dlib-68', 'insightface-106', got 'dlib-5'"):
        frame_points(np.zeros((5, 2)), "dlib-5")
    for size in (1, 40_000):
        with pytest.raises(ValueError, match="size must be at"):
            face_mesh("dlib-68", size)
    with pytest.raises(TypeError, match="size must be an integer"):
        face_mesh("dlib-68", 256.0)
    with pytest.raises(ValueError, match=r"landmarks of dlib-68 must have shape .*k = 68, got \(5, 2\)"):
        frame_points(np.zeros((5, 2)), "dlib-68")
    with pytest.raises(ValueError, match="landmarks: face 1: all points are equal"):
        frame_points(np.stack([turned_shape(), np.ones((68, 2))]), "dlib-68")
    with pytest.raises(ValueError, match="landmarks: point 0 is not finite"):
        frame_points(np.full((68, 2), np.nan), "dlib-68")
    with pytest.raises(ValueError, match=r"^landmarks: face 0: all points are equal"):
        frame_points(np.zeros((2, 68, 2)), "dlib-68")
    for value in ("no", 0, None):
        with pytest.raises(TypeError, match="face_only must be True or False, got"):
            face_mesh("dlib-68", 256, face_only=value)
