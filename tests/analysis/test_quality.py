"""Quality of faces: what makes it worse, what is not known, and sharpness against its formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import convolve, gaussian_filter

from pyface.analysis.quality import crop_sharpness, face_parts, face_quality, min_quality, vector_lengths
from pyface.geometry import convert_landmarks, head_pose, solid_shape, template_points

FACE = template_points("arcface", 112)
SFACE: dict[str, Any] = {"detector": "yunet", "embedder": "sface"}


def quality(n: int = 1, *, side: float = 300, turn: float = 0, **parts: Any) -> np.ndarray:
    """Of n equal faces, ``side`` pixels large, the nose moved sideways by ``turn`` eye distances."""
    points = FACE * side / 112
    points[2, 0] += turn * side / 3
    known = {name: None if value is None else np.full(n, value, float) for name, value in parts.items()}
    return face_quality(np.repeat(points[None], n, axis=0), "arcface-5", **known, **SFACE)


GOOD = {"scores": 0.95, "sharpness": 0.5, "lengths": 20.0}


def test_a_good_face_is_as_good_as_can_be_and_nothing_known_counts_for_good() -> None:
    best = quality(**GOOD)
    assert 0.9 < best[0] <= 1
    assert quality()[0] == quality(scores=None, sharpness=np.nan, lengths=np.nan)[0] == best[0]
    for points, scheme in ((np.full((1, 7, 2), 3.0), "my-own"), (np.zeros((1, 5, 2)), None)):
        assert face_quality(points, scheme, embedder="sface")[0] == best[0]


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("side", [300, 60, 30, 18, 10]),
        ("turn", [0, 0.5, 0.65, 0.8]),
        ("scores", [0.95, 0.8, 0.7, 0.4]),
        ("sharpness", [0.5, 0.002, 0.001, 0.0001, 0]),
        ("lengths", [20, 12, 9, 7, 4]),
    ],
)
def test_each_part_makes_it_worse(part: str, values: list[float]) -> None:
    found = [quality(**{**GOOD, part: value})[0] for value in values]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == len(found)
    assert all(0 <= value <= 1 for value in found)


def test_scores_are_those_of_the_detector_and_lengths_count_for_sface_alone() -> None:
    points, scores = FACE[None] * 3, np.array([0.94])
    of_dlib, of_yunet, of_another = (
        face_quality(points, "arcface-5", scores=scores, detector=name)[0] for name in ("dlib_mmod", "yunet", "scrfd")
    )
    assert of_dlib < of_yunet == of_another
    short = np.array([1.0])
    for name, counts in (("sface", True), ("dlib-resnet", False), ("my own", False), (None, False)):
        with_it = face_quality(points, "arcface-5", lengths=short, embedder=name)[0]
        assert (with_it < face_quality(points, "arcface-5", embedder=name)[0]) == counts


def test_it_is_its_formula() -> None:
    points = FACE[None] * 12 / 35  # eyes about 12 pixels apart
    known = {"scores": np.array([0.84]), "sharpness": np.array([0.0005]), "lengths": np.array([10.0])}
    parts = face_parts(points, "arcface-5", detector="yunet", **known)
    eyes = head_pose(points[0], "arcface-5").scale
    assert_allclose(parts["eyes"], np.log2(40 / eyes))
    assert_allclose([parts["sharpness"][0], parts["score"][0], parts["turn"][0]], [np.log2(5), 1, 0])
    bad = 0.29 * parts["eyes"] + 0.34 * np.log2(5) + 0.30 + 7.21 * np.log2(1.4)
    found = face_quality(points, "arcface-5", detector="yunet", embedder="sface", **known)
    assert_allclose(found, 1 / (1 + np.exp(bad - 5.86)))


def test_points_that_show_no_pose_are_as_if_unknown_and_change_no_other() -> None:
    points = np.stack([FACE * 0.2, np.zeros((5, 2)), FACE * 3, np.ones((5, 2)), FACE * 0.1])
    found = face_quality(points, "arcface-5")
    each = [face_quality(one[None], "arcface-5")[0] for one in points]
    assert_allclose(found, each, rtol=1e-12)
    assert found[1] == found[3] == face_quality(points[:1], None)[0]
    assert face_quality(points[:0], "arcface-5").shape == (0,)


@pytest.mark.parametrize("name", ["sface", "dlib-resnet", "my own"])
def test_faces_of_which_nothing_speaks_against_are_not_set_aside(name: str) -> None:
    assert 0 < min_quality(name) < face_quality(FACE[None] * 3, "arcface-5", embedder=name)[0]


@pytest.mark.parametrize("scheme", ["dlib-5", "dlib-68", "insightface-106"])
def test_every_scheme_has_a_size_and_a_pose(scheme: str) -> None:
    solid = "dlib-68" if scheme == "dlib-5" else scheme
    head = convert_landmarks(solid_shape(solid), solid, scheme)
    flat = np.ascontiguousarray(head[None, :, :2])
    small, large = face_quality(flat * 8, scheme)[0], face_quality(flat * 100, scheme)[0]
    assert small < large - 0.02


def drawn(seed: int, size: int = 112, *, rgb: bool = True) -> np.ndarray:
    rng = np.random.default_rng(seed)
    picture = gaussian_filter(rng.normal(size=(size, size, 3) if rgb else (size, size)), (2, 2, 0) if rgb else 2)
    return np.clip(110 + 40 * picture / picture.std(), 0, 255).astype(np.uint8)


@given(seed=st.integers(0, 1000), rgb=st.booleans())
def test_sharpness_is_its_formula(seed: int, rgb: bool) -> None:
    crop = drawn(seed, rgb=rgb)
    grey = crop[14:98, 14:98].astype(float)
    if rgb:
        grey = grey @ [0.299, 0.587, 0.114]
    smooth = convolve(grey, np.outer([1, 2, 1], [1, 2, 1]) / 16)
    lines = [((0, 1), 1), ((1, 0), 1), ((1, 1), 2), ((1, -1), 2)]
    bends = [(np.roll(smooth, d, (0, 1)) + np.roll(smooth, (-d[0], -d[1]), (0, 1)) - 2 * smooth) / s for d, s in lines]
    least = min(bend[2:-2, 2:-2].var() for bend in bends)
    assert_allclose(crop_sharpness(crop[None]), least / grey.var(), rtol=1e-4)


def test_sharpness_knows_movement_along_any_line() -> None:
    picture = gaussian_filter(np.random.default_rng(9).normal(size=(112, 112)), 1.0)
    crops = []
    for way in ((0, 1), (1, 0), (1, 1), (1, -1)):
        moved = np.mean([np.roll(picture, (k * way[0], k * way[1]), (0, 1)) for k in range(8)], axis=0)
        crops.append(127 + 100 * moved / np.abs(moved).max())
    still = np.rint(127 + 100 * picture / np.abs(picture).max()).astype(np.uint8)
    assert (crop_sharpness(np.rint(crops).astype(np.uint8)) < 0.5 * crop_sharpness(still[None])).all()


def test_sharpness_knows_blur_and_not_light() -> None:
    rng = np.random.default_rng(3)
    picture = gaussian_filter(rng.normal(size=(112, 112)), 1.0)
    picture /= np.abs(picture).max()
    blurred = [gaussian_filter(picture, s) for s in (0, 1, 2, 4)]
    values = crop_sharpness(np.stack([np.rint(120 + 100 * p / np.abs(p).max()) for p in blurred]).astype(np.uint8))
    assert (values[1:] < 0.6 * values[:-1]).all()
    lit = np.stack([np.rint(light + contrast * picture) for light, contrast in ((127, 120), (60, 60), (200, 30))])
    assert_allclose(crop_sharpness(lit.astype(np.uint8)), values[0], rtol=0.05)


def test_sharpness_hardly_depends_on_the_size_of_crops() -> None:
    wide = gaussian_filter(np.random.default_rng(4).normal(size=(672, 672)), 12)
    wide = 127 + 100 * wide / np.abs(wide).max()
    values = [
        crop_sharpness(wide.reshape(s, 672 // s, s, 672 // s).mean(axis=(1, 3)).round().astype(np.uint8)[None])[0]
        for s in (112, 168, 224)
    ]
    assert_allclose(values, values[0], rtol=0.15)


def test_sharpness_of_one_colour_and_of_no_crop() -> None:
    assert_array_equal(crop_sharpness(np.full((2, 112, 112, 3), 7, np.uint8)), 0)
    assert crop_sharpness(np.empty((0, 112, 112, 3), np.uint8)).shape == (0,)


def test_lengths() -> None:
    rows = np.array([[3, 4], [0, 0], [1e30, 0]], np.float32)
    assert_allclose(vector_lengths(rows), [5, 0, 1e30], rtol=1e-6)
