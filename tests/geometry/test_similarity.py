"""Similarities against Umeyama's method, against scikit-image, and against what they must do; roll angles."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import alignment as oracle

from pyface import _core, geometry

ARCFACE = geometry.template_points("arcface", 112)


def turned(points: np.ndarray, scale: float, degrees: float, shift: tuple[float, float]) -> np.ndarray:
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return points @ np.array([[c, s], [-s, c]]) + shift


@given(
    n=st.integers(2, 9), faces=st.integers(1, 4), seed=st.integers(0, 10_000), size=st.floats(0.1, 1e4),
    weighted=st.sampled_from(["no", "all", "each"]), mirrored=st.booleans(), own_target=st.booleans(),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_equals_umeyama(*, n, faces, seed, size, weighted, mirrored, own_target) -> None:
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(faces, n, 2)) * size + rng.normal(size=2) * 100
    target = rng.normal(size=(faces, n, 2) if own_target else (n, 2)) * 30
    if mirrored:
        source = np.broadcast_to(target, source.shape) * [-1, 1] + rng.normal(size=source.shape)
    weights = {"no": None, "all": rng.uniform(0.1, 9, n), "each": rng.uniform(0.1, 9, (faces, n))}[weighted]
    got = geometry.similarity_transform(source, target, weights=weights)
    assert got.matrix.shape == (faces, 2, 3)
    for i in range(faces):
        d = target[i] if own_target else target
        w = weights if weighted != "each" else weights[i]
        matrix, residual = oracle.umeyama(source[i], d, w)
        np.testing.assert_allclose(got.matrix[i], matrix, rtol=1e-9, atol=1e-9)
        assert got.residual[i] == pytest.approx(residual, rel=1e-9, abs=1e-9)
        one = geometry.similarity_transform(source[i], d, weights=w)
        np.testing.assert_allclose(one.matrix, got.matrix[i], rtol=1e-12, atol=1e-12)
        assert isinstance(one.scale, float) and isinstance(one.rotation, float) and isinstance(one.residual, float)


def test_equals_scikit_image() -> None:
    transform = pytest.importorskip("skimage.transform", reason="scikit-image is not installed")
    source = np.random.default_rng(0).normal(size=(100, 5, 2)) * 60 + 300
    got = geometry.similarity_transform(source, ARCFACE)
    for i, points in enumerate(source):
        theirs = transform.SimilarityTransform()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # newer versions prefer a class method that older ones lack
            assert theirs.estimate(points, ARCFACE)
        np.testing.assert_allclose(got.matrix[i], theirs.params[:2], atol=1e-9)
        assert got.scale[i] == pytest.approx(theirs.scale, abs=1e-9)
        assert got.rotation[i] == pytest.approx(np.degrees(theirs.rotation), abs=1e-7)


@given(
    scale=st.floats(1e-3, 1e3), degrees=st.floats(-179.9, 179.9), x=st.floats(-1e4, 1e4), y=st.floats(-1e4, 1e4),
)  # fmt: skip
def test_finds_what_was_done(scale, degrees, x, y) -> None:
    got = geometry.similarity_transform(ARCFACE, turned(ARCFACE, scale, degrees, (x, y)))
    assert got.scale == pytest.approx(scale, rel=1e-9)
    assert (got.rotation - degrees + 180) % 360 == pytest.approx(180, abs=1e-6)
    assert got.residual == pytest.approx(0, abs=1e-8)
    np.testing.assert_allclose(got.inverse().apply(got.apply(ARCFACE)), ARCFACE, atol=1e-6)


def test_the_inverse_has_the_residual_in_its_own_pixels() -> None:
    source = ARCFACE * 3 + np.random.default_rng(1).normal(size=(4, 5, 2))
    there = geometry.similarity_transform(source, ARCFACE)
    back = there.inverse()
    np.testing.assert_allclose(back.scale, 1 / there.scale)
    np.testing.assert_allclose(back.rotation, -there.rotation)
    off = np.sqrt(((back.apply(ARCFACE) - source) ** 2).sum(axis=2).mean(axis=1))
    np.testing.assert_allclose(back.residual, off)


def test_weights_of_zero_are_as_if_the_point_were_not_there() -> None:
    source = np.array([(0.0, 0.0), (0, 0), (50, 3), (7, 30)])
    target = np.array([(900.0, -9.0), (1, 2), (3, 4), (9, 9)])
    got = geometry.similarity_transform(source, target, weights=[0, 1, 2, 3])
    want = geometry.similarity_transform(source[1:], target[1:], weights=[1, 2, 3])
    np.testing.assert_allclose(got.matrix, want.matrix, atol=1e-12)
    huge = geometry.similarity_transform(source, target, weights=np.array([0, 1, 2, 3]) * 5e307)
    np.testing.assert_allclose(huge.matrix, got.matrix, atol=1e-12)


def test_no_faces_and_no_reflection() -> None:
    none = geometry.similarity_transform(np.empty((0, 5, 2)), ARCFACE)
    assert none.matrix.shape == (0, 2, 3) and none.residual.shape == (0,)
    assert none.inverse().apply(ARCFACE).shape == (0, 5, 2)
    mirrored = geometry.similarity_transform(ARCFACE * [-1, 1], ARCFACE)
    assert np.linalg.det(mirrored.matrix[:, :2]) >= 0
    assert mirrored.residual > 5


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e6 + 0.7, 0.0])
def test_equal_points_are_refused_with_the_face(value: float) -> None:
    source = np.stack([ARCFACE, ARCFACE, np.full((5, 2), value)])
    with pytest.raises(ValueError, match="face 2: all points are equal"):
        geometry.similarity_transform(source, ARCFACE)
    with pytest.raises(ValueError, match="source: all points are equal"):
        geometry.similarity_transform(source[2], ARCFACE)
    with pytest.raises(ValueError, match="all points are equal"):  # those that count
        geometry.similarity_transform([(1, 1), (1, 1), (5, 9)], ARCFACE[:3], weights=[1, 1, 0])
    with pytest.raises(ValueError, match="source: all points are equal, or so near to each other"):
        geometry.similarity_transform(ARCFACE * 1e-200, ARCFACE)  # their squares underflow
    target = geometry.similarity_transform(ARCFACE, np.full((5, 2), value))
    assert target.scale == pytest.approx(0, abs=1e-9)


def test_refusals() -> None:
    transform = geometry.similarity_transform
    bad = np.stack([ARCFACE, ARCFACE])
    for value in (np.nan, np.inf, 2e7):
        bad[1, 3, 1] = value
        with pytest.raises(
            ValueError, match=r"source: face 1: point 3 is not finite or beyond 1e\+07 pixels: \[41.5493, "
        ):
            transform(bad, ARCFACE)
        with pytest.raises(ValueError, match="target: point 3 is not finite"):
            transform(ARCFACE, bad[1])
    for source, target, message in [
        (ARCFACE[:1], ARCFACE[:1], "at least 2 points"),
        (ARCFACE[:, :1], ARCFACE, r"source must have shape \(n, 2\)"),
        (ARCFACE, ARCFACE[:4], "the same points"),
        (np.stack([ARCFACE] * 3), np.stack([ARCFACE] * 2), "the same points"),
        (ARCFACE, np.stack([ARCFACE] * 2), "target is of 2 faces"),
    ]:
        with pytest.raises(ValueError, match=message):
            transform(source, target)
    for weights, message in [
        ([1, 1], "one number a point"),
        ([0] * 5, "not all 0"),
        ([1, 1, 1, 1, -1], "at least 0"),
        ([1, 1, 1, 1, np.nan], "finite"),
    ]:
        with pytest.raises(ValueError, match=message):
            transform(ARCFACE, ARCFACE, weights=weights)
    with pytest.raises(TypeError, match="source must be numbers"):
        transform("points", ARCFACE)
    with pytest.raises(ValueError, match=r"points must have shape \(m, 2\)"):
        transform(ARCFACE, ARCFACE).apply(np.zeros((2, 5, 2)))
    flat = transform(np.stack([ARCFACE, ARCFACE]), np.stack([ARCFACE, np.zeros((5, 2))]))
    with pytest.raises(ValueError, match="face 1: the scale is 0"):
        flat.inverse()
    with pytest.raises(ValueError, match="the scale is 1e-200, and nothing leads back"):
        transform(ARCFACE, ARCFACE * 1e-200).inverse()


def test_the_module_checks_again() -> None:
    faces, one = np.stack([ARCFACE, ARCFACE, ARCFACE]), ARCFACE[None]
    for wrong, message in [
        ({"source": ARCFACE}, "source must have shape"),
        ({"source": faces[:, :, :1].copy()}, "source must have shape"),
        ({"source": np.empty((3, 0, 2))}, "source must have shape"),
        ({"target": faces[:2]}, "target must have shape"),
        ({"target": one[:, :4].copy()}, "target must have shape"),
        ({"weights": np.ones(5)}, "weights must have shape"),
        ({"weights": np.ones((2, 5))}, "weights must have shape"),
        ({"weights": np.zeros((1, 5))}, "not all 0"),
        ({"weights": np.full((1, 5), 1e308)}, "not all 0"),
        ({"weights": np.full((1, 5), np.nan)}, "not all 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            _core.fit_similarities(**{"source": faces, "target": one, "weights": None, **wrong})
    with pytest.raises(TypeError):
        _core.fit_similarities(faces.astype(np.float32), one)
    faces[1] = 7
    assert _core.fit_similarities(faces, one)[-1] == 1


@pytest.mark.parametrize(
    ("right", "degrees"),
    [((1, 0), 0), ((1, 1), 45), ((0, 1), 90), ((-1, 0), 180), ((-1, -0.0), 180), ((0, -1), -90), ((1, -1), -45)],
)
def test_roll_angle_is_clockwise_from_level(right: tuple[float, float], degrees: float) -> None:
    assert geometry.roll_angle((10, 20), (10 + right[0], 20 + right[1])) == pytest.approx(degrees)
    both = geometry.roll_angle(np.zeros((2, 2)), np.array([right, right]))
    np.testing.assert_allclose(both, [degrees, degrees])


def test_roll_angle_is_exact_near_level_and_refuses_one_point() -> None:
    assert geometry.roll_angle((0, 0), (100, 1e-9)) == pytest.approx(np.degrees(1e-11), rel=1e-12)
    with pytest.raises(ValueError, match="face 1: left_eye and right_eye are the same point"):
        geometry.roll_angle([(0, 0), (5, 5)], [(1, 0), (5, 5)])
    with pytest.raises(ValueError, match="same shape"):
        geometry.roll_angle((0, 0), [(1, 0)])
    with pytest.raises(ValueError, match=r"left_eye must have shape \(2,\)"):
        geometry.roll_angle(3, (1, 0))
    with pytest.raises(ValueError, match=r"right_eye: the point is not finite or beyond 1e\+07 pixels: \[nan, 0.0\]"):
        geometry.roll_angle((0, 0), (np.nan, 0))
    with pytest.raises(ValueError, match="left_eye: face 1: the point is not finite"):
        geometry.roll_angle([(0, 0), (0, 2e7)], [(1, 0), (1, 0)])
