"""Quality of faces: what makes it worse, what is not known, and sharpness against its formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import convolve, gaussian_filter

from pyface.analysis.quality import crop_sharpness, face_quality, vector_lengths
from pyface.geometry import convert_landmarks, solid_shape, template_points

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
    assert face_quality(np.full((1, 7, 2), 3.0), "my-own")[0] == best[0]
    assert face_quality(np.zeros((1, 5, 2)), None)[0] == best[0]


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("side", [300, 60, 30, 18, 10]),
        ("turn", [0, 0.25, 0.4, 0.6]),
        ("scores", [0.95, 0.8, 0.7, 0.4]),
        ("sharpness", [0.5, 0.004, 0.002, 0.0002, 0]),
        ("lengths", [20, 9, 7, 4, 0]),
    ],
)
def test_each_part_makes_it_worse(part: str, values: list[float]) -> None:
    found = [quality(**{**GOOD, part: value})[0] for value in values]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == len(found)
    assert all(0 <= value <= 1 for value in found)


def test_detectors_have_their_own_scores_and_lengths_count_for_sface_alone() -> None:
    points = FACE[None] * 3
    of_dlib = face_quality(points, "arcface-5", scores=np.array([0.95]), detector="dlib_mmod")
    assert of_dlib[0] < face_quality(points, "arcface-5", scores=np.array([0.95]), detector="yunet")[0]
    short = np.array([1.0])
    assert face_quality(points, "arcface-5", lengths=short, embedder="dlib-resnet")[0] == quality(**GOOD)[0]
    assert face_quality(points, "arcface-5", lengths=short, embedder="sface")[0] < quality(**GOOD)[0]


def test_points_that_show_no_pose_are_as_if_unknown_and_change_no_other() -> None:
    points = np.stack([FACE * 0.2, np.zeros((5, 2)), FACE * 3, np.ones((5, 2)), FACE * 0.1])
    found = face_quality(points, "arcface-5")
    each = [face_quality(one[None], "arcface-5")[0] for one in points]
    assert_allclose(found, each, rtol=1e-12)
    assert found[1] == found[3] == quality()[0]
    assert face_quality(points[:0], "arcface-5").shape == (0,)


@pytest.mark.parametrize("scheme", ["dlib-5", "dlib-68", "insightface-106"])
def test_every_scheme_has_a_size_and_a_pose(scheme: str) -> None:
    solid = "dlib-68" if scheme == "dlib-5" else scheme
    head = convert_landmarks(solid_shape(solid), solid, scheme)
    flat = np.ascontiguousarray(head[None, :, :2])
    small, large = face_quality(flat * 8, scheme)[0], face_quality(flat * 100, scheme)[0]
    assert small < 0.9 * large


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
    edges = convolve(smooth, np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]))
    assert_allclose(crop_sharpness(crop[None]), edges[2:-2, 2:-2].var() / grey.var(), rtol=1e-4)


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
