"""Landmarks of one scheme as another has them: which points, whose means, and that mirror images stay mirror images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from pyface.geometry import convert_landmarks, direct_points, mean_shape, mirror
from pyface.geometry.conversions import COUNTS, can_convert

POSSIBLE = {
    "arcface-5": set(),
    "dlib-5": set(),
    "dlib-68": {"dlib-5", "arcface-5"},
    "insightface-68-3d": {"dlib-68", "dlib-5", "arcface-5"},
    "insightface-106": {"dlib-68", "dlib-5", "arcface-5"},
    "mediapipe-468": {"dlib-68", "dlib-5", "arcface-5"},
}
MIRROR_5 = {"arcface-5": [1, 0, 2, 4, 3], "dlib-5": [2, 3, 0, 1, 4]}
# Names of the 106 points are in test_schemes.py: those that the 68 have too, but for lids and inner lips.
LIDS_AND_INNER_LIPS = [37, 38, 40, 41, 43, 44, 46, 47, 61, 63, 65, 67]


def faces(scheme: str, columns: int = 2, n: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-50, 900, (n, COUNTS[scheme], columns))


@pytest.mark.parametrize("source", COUNTS)
@pytest.mark.parametrize("target", COUNTS)
def test_which_go_where(source: str, target: str) -> None:
    points = faces(source)
    possible = target == source or target in POSSIBLE[source]
    assert can_convert(source, target) is possible
    if possible:
        assert convert_landmarks(points, source, target).shape == (3, COUNTS[target], 2)
        assert direct_points(source, target).shape == (COUNTS[target],)
        return
    for refuse in (lambda: convert_landmarks(points, source, target), lambda: direct_points(source, target)):
        with pytest.raises(ValueError, match=f"scheme '{source}' cannot be brought to '{target}'"):
            refuse()


def test_why_dlibs_five_are_not_arcfaces() -> None:
    with pytest.raises(ValueError, match="tip of the nose and the corners of the mouth cannot be told"):
        convert_landmarks(faces("dlib-5"), "dlib-5", "arcface-5")
    with pytest.raises(ValueError, match="they go to arcface-5 and dlib-5"):
        convert_landmarks(faces("dlib-68"), "dlib-68", "insightface-106")


def test_arcfaces_five_of_68() -> None:
    points = faces("dlib-68", 3)
    got = convert_landmarks(points, "dlib-68", "arcface-5")
    want = [points[:, 36:42].mean(axis=1), points[:, 42:48].mean(axis=1), points[:, 30], points[:, 48], points[:, 54]]
    assert_array_equal(got, np.stack(want, axis=1))
    assert direct_points("dlib-68", "arcface-5").tolist() == [False, False, True, True, True]
    assert_array_equal(convert_landmarks(points, "insightface-68-3d", "arcface-5"), got)
    assert_array_equal(convert_landmarks(points, "insightface-68-3d", "dlib-68"), points)


def test_dlibs_five_of_68() -> None:
    points = faces("dlib-68")
    got = convert_landmarks(points, "dlib-68", "dlib-5")
    assert_array_equal(got, points[:, [45, 42, 36, 39, 33]])
    assert direct_points("dlib-68", "dlib-5").all() and direct_points("insightface-106", "dlib-5").all()


def test_five_of_106_are_centres_tip_and_corners() -> None:
    shape = mean_shape("insightface-106")
    five = convert_landmarks(shape, "insightface-106", "arcface-5")
    assert_array_equal(five, shape[[34, 88, 86, 52, 61]])
    assert_allclose(five, convert_landmarks(mean_shape("dlib-68"), "dlib-68", "arcface-5"), atol=0.06)


def test_68_of_106_are_where_68_are() -> None:
    """The two mean shapes are one face, so what is brought over must come nearer than the nearest single points."""
    shape, order = mean_shape("insightface-106"), np.array(LIDS_AND_INNER_LIPS)
    got = convert_landmarks(shape, "insightface-106", "dlib-68")
    apart = np.linalg.norm(got - mean_shape("dlib-68"), axis=1)
    assert apart.max() <= 0.08
    assert np.flatnonzero(~direct_points("insightface-106", "dlib-68")).tolist() == LIDS_AND_INNER_LIPS
    nearest = np.linalg.norm(shape[:, None] - mean_shape("dlib-68")[order], axis=2).min(axis=0)
    assert apart[order].mean() < 0.7 * nearest.mean()
    # A lid of four parts and one of three: on a straight one with even parts the thirds are met exactly.
    even = np.zeros((106, 2))
    even[[35, 41, 40, 42, 39], 0] = 0, 3, 6, 9, 12
    even[[36, 33, 37], 0] = 3, 6, 9
    assert_allclose(convert_landmarks(even, "insightface-106", "dlib-68")[36:42, 0], [0, 4, 8, 12, 8, 4])


def test_the_outline_is_every_second_point() -> None:
    contour = [1, *range(9, 17), *range(2, 9), 0, *range(24, 17, -1), *range(32, 24, -1), 17]
    points = faces("insightface-106", n=1)[0]
    got = convert_landmarks(points, "insightface-106", "dlib-68")
    assert_array_equal(got[:17], points[contour][::2])


@pytest.mark.parametrize("target", ["dlib-68", "arcface-5", "dlib-5"])
@pytest.mark.parametrize("source", ["dlib-68", "insightface-106"])
def test_mirror_images_stay_mirror_images(source: str, target: str) -> None:
    points = faces(source)
    mirrored = (points * [-1, 1])[:, mirror(source)]
    order = np.array(MIRROR_5[target]) if target in MIRROR_5 else mirror(target)
    want = (convert_landmarks(points, source, target) * [-1, 1])[:, order]
    assert_allclose(convert_landmarks(mirrored, source, target), want, atol=1e-9)
    assert_array_equal(direct_points(source, target)[order], direct_points(source, target))


@pytest.mark.parametrize("source", COUNTS)
def test_shapes_in_and_out(source: str) -> None:
    for target in (source, *POSSIBLE[source]):
        for columns in (2, 3):
            points = faces(source, columns)
            before = points.copy()
            got = convert_landmarks(points, source, target)
            assert got.dtype == np.float64 and got.shape == (3, COUNTS[target], columns)
            assert not np.shares_memory(got, points)
            assert_array_equal(points, before)
            for one, want in zip(points, got, strict=True):
                assert_array_equal(convert_landmarks(one, source, target), want)
            assert_array_equal(convert_landmarks(points[:, :, :2], source, target), got[:, :, :2])
            assert convert_landmarks(points[:0], source, target).shape == (0, COUNTS[target], columns)
        assert_array_equal(convert_landmarks(points.tolist(), source, target), got)
    assert direct_points(source, source).all()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda p: p[:, :-1], ValueError, r"points of dlib-68 must have shape \(68, c\) or \(f, 68, c\)"),
        (lambda p: p[:, :, :1], ValueError, "c 2 or 3"),
        (lambda p: np.concatenate([p, p], axis=2), ValueError, "c 2 or 3"),
        (lambda p: p[None], ValueError, "must have shape"),
        (lambda p: p.astype(str), TypeError, "points must be numbers"),
        (lambda p: np.where(np.arange(68)[:, None] == 7, np.nan, p), ValueError, "face 0: point 7 is not finite"),
        (lambda p: np.where(np.arange(68)[:, None] == 7, np.inf, p)[0], ValueError, "points: point 7 is not finite"),
    ],
)
def test_bad_points(change: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        convert_landmarks(change(faces("dlib-68")), "dlib-68", "arcface-5")


def test_unknown_schemes() -> None:
    for source, target, name in (("dlib-67", "dlib-68", "source"), ("dlib-68", "arcface", "target")):
        with pytest.raises(ValueError, match=f"{name} must be one of 'arcface-5', 'dlib-5'"):
            convert_landmarks(faces("dlib-68"), source, target)
        assert not can_convert(source, target)
    with pytest.raises(TypeError, match="source must be a string"):
        convert_landmarks(faces("dlib-68"), 68, "dlib-68")  # type: ignore[arg-type]
