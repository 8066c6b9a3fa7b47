"""Pixels of the piecewise-affine warp against the twin and other libraries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import piecewise as oracle
from warp_meshes import face_like, noise, random_mesh

import pyface
from pyface import PiecewiseAffine, _core

BORDERS = ("constant", "replicate", "reflect")
SHAPES = ((), (3,), (4,))


def as_3d(image: np.ndarray) -> np.ndarray:
    return image.reshape(*image.shape[:2], -1)


@given(
    seed=st.integers(0, 2**31), channels=st.sampled_from(SHAPES), border=st.sampled_from(BORDERS),
    interpolation=st.sampled_from(["linear", "nearest"]), floats=st.booleans(), rows=st.integers(1, 30),
    cols=st.integers(1, 30), scale=st.sampled_from([0.3, 1.0, 5.0]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_pixels_are_the_twins(*, isa, seed, channels, border, interpolation, floats, rows, cols, scale) -> None:
    rng, size = np.random.default_rng(seed), (12, 15)
    target, triangles = random_mesh(rng, size, 9)
    source = scale * target + rng.normal(0, 3, target.shape)
    image = noise(rows, cols, *channels, seed=seed, dtype=np.float32 if floats else np.uint8)
    fill = rng.integers(0, 256, channels)
    mesh = PiecewiseAffine(target, size, triangles)
    got = mesh.warp(image, source, interpolation=interpolation, border=border, fill=fill)
    assert got.dtype == image.dtype and got.shape == (*size, *channels)
    want = oracle.warp(as_3d(image), source, target, triangles, size, interpolation, border, fill)
    # Where positions are steep, rounding of the twin's own equations shows; the limit of bytes is half a level more.
    limit = (0 if floats or interpolation == "nearest" else 0.5) + 0.002
    wrong = (abs(as_3d(got).astype(float) - want) > limit).any(axis=2)
    assert wrong.sum() <= (2 if interpolation == "nearest" else 0)  # ties


def test_noise_and_photos_are_within_half_a_level() -> None:
    skimage = pytest.importorskip("skimage", reason="scikit-image is not installed")
    size = (112, 112)
    target, source, triangles = face_like(size)
    mesh = PiecewiseAffine(target, size, triangles)
    for image in (noise(224, 224, 3), skimage.data.astronaut()[:224, 100:324]):
        positions = mesh._mesh.positions(source)
        x, y = positions[..., 0], positions[..., 1]
        col, row = np.floor(x).astype(int), np.floor(y).astype(int)
        fx, fy, real = (x - col)[..., None], (y - row)[..., None], image.astype(float)
        top = real[row, col] * (1 - fx) + real[row, col + 1] * fx
        bottom = real[row + 1, col] * (1 - fx) + real[row + 1, col + 1] * fx
        want = top * (1 - fy) + bottom * fy
        assert abs(mesh.warp(image, source) - want).max() <= 0.501
        assert abs(mesh.warp(image.astype(np.float32), source) - want).max() <= 1e-3


@pytest.mark.parametrize("channels", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_every_instruction_set_gives_the_same_bits(channels: tuple[int, ...], dtype: Any) -> None:
    before = _core.active_isa()
    results = []
    try:
        for name in _core.supported_isas():
            _core.set_isa(name)
            for border in BORDERS:
                for width in (33, 112):
                    target, source, triangles = face_like((40, width), seed=width)
                    mesh = PiecewiseAffine(target, (40, width), triangles)
                    image = noise(70, 2 * width - 20, *channels, dtype=dtype)  # a part of the points is outside
                    results.append((name, border, width, mesh.warp(image, source, border=border)))
                    results.append((name, border, -width, mesh._mesh.positions(source)))
    finally:
        _core.set_isa(before)
    portable = {result[1:3]: result[3] for result in results if result[0] == "portable"}
    for name, border, width, got in results:
        np.testing.assert_array_equal(got, portable[border, width], err_msg=f"{name} {border} {width}")


def test_the_last_bytes_of_a_buffer_are_enough() -> None:
    """Images at the very end of their memory, positions up to the last pixel."""
    size = (9, 33)
    corners = np.array([(0, 0), (32, 0), (0, 8), (32, 8.0)])
    mesh = PiecewiseAffine(corners, size, [[0, 1, 2], [1, 2, 3]])
    for channels in SHAPES:
        image = noise(*size, *channels)
        np.testing.assert_array_equal(mesh.warp(image, corners), image)
        np.testing.assert_array_equal(mesh.warp(image.astype(np.float32), corners), image)
        np.testing.assert_array_equal(mesh.warp(image, corners, interpolation="nearest"), image)


def test_images_of_one_pixel_row_or_column() -> None:
    corners = np.array([(0, 0), (4, 0), (0, 4), (4, 4.0)])
    mesh = PiecewiseAffine(corners, (5, 5), [[0, 1, 2], [1, 2, 3]])
    for border in ("replicate", "reflect"):
        assert (mesh.warp(np.full((1, 1, 3), 7, np.uint8), corners * 9 - 3, border=border) == 7).all()
        column = noise(5, 1)
        np.testing.assert_array_equal(mesh.warp(column, corners, border=border), np.repeat(column, 5, axis=1))
    one = mesh.warp(np.full((1, 1), 200, np.uint8), corners / 4, fill=100)
    assert one[0, 0] == 200 and one[4, 4] == 100 and one[0, 2] == 150


def test_halves_go_to_even() -> None:
    image = np.array([[0, 1, 2, 3]], np.uint8)
    corners = np.array([(0, 0), (2, 0), (0, 1), (2, 1.0)])
    mesh = PiecewiseAffine(corners, (2, 3), [[0, 1, 2], [1, 2, 3]])
    got = mesh.warp(np.repeat(image, 3, axis=0), corners + np.array([0.5, 0]))
    assert got.tolist() == [[0, 2, 2], [0, 2, 2]]
    nearest = mesh.warp(np.repeat(image, 3, axis=0), corners + np.array([0.5, 0]), interpolation="nearest")
    assert nearest.tolist() == [[1, 2, 3], [1, 2, 3]]


def test_nan_comes_where_it_has_a_weight() -> None:
    corners = np.array([(0, 0), (6, 0), (0, 6), (6, 6.0)])
    mesh = PiecewiseAffine(corners, (7, 7), [[0, 1, 2], [1, 2, 3]])
    image = np.ones((9, 9, 3), np.float32)
    image[3, 4] = np.nan
    assert np.argwhere(np.isnan(mesh.warp(image, corners)[..., 0])).tolist() == [[3, 4]]
    shifted = mesh.warp(image, corners + np.array([0.25, 0]))
    assert np.argwhere(np.isnan(shifted[..., 0])).tolist() == [[3, 3], [3, 4]]
    assert not np.isnan(mesh.warp(image[:7, :7], corners - 100, fill=2)).any()
    assert np.isnan(mesh.warp(image[:7, :7], corners - 100, fill=np.nan)).all()


def test_points_far_outside() -> None:
    target, source, triangles = face_like((20, 20))
    mesh = PiecewiseAffine(target, (20, 20), triangles)
    image = noise(40, 40, 3)
    for far in (1e4, -1e6, 9e8):
        assert (mesh.warp(image, source + far, fill=(1, 2, 3)) == (1, 2, 3)).all()
        replicated = mesh.warp(image, source + far, border="replicate")
        assert (replicated == image[-1 if far > 0 else 0, -1 if far > 0 else 0]).all()
        assert mesh.report(source + far, image.shape).sampled_outside == 1
        stretched = source * far / 100
        reflected = mesh.warp(image, stretched, border="reflect")
        for y, x in [(0, 0), (3, 17), (10, 10), (11, 4), (19, 19)]:
            u, v = mesh._mesh.positions(stretched)[y, x]  # the twin's own may be off by more than a pixel's hundredth
            want = oracle.sample(image, u, v, "linear", "reflect", 0)
            np.testing.assert_allclose(reflected[y, x], want, atol=0.502)
    # So much is averaged that nothing but the mean of the photo is left.
    anywhere = np.random.default_rng(0).uniform(-9e8, 9e8, source.shape)
    mean = mesh.warp(image, anywhere, border="reflect", antialias=True)
    np.testing.assert_allclose(mean - image.mean(axis=(0, 1)), 0, atol=0.502)


def test_folded_sources_are_drawn() -> None:
    target, source, triangles = face_like((20, 20))
    mesh = PiecewiseAffine(target, (20, 20), triangles)
    for wrong in (source[::-1], np.zeros_like(source), np.random.default_rng(1).uniform(0, 40, source.shape)):
        want = oracle.warp(noise(40, 40, 3), wrong, target, triangles, (20, 20))
        assert abs(mesh.warp(noise(40, 40, 3), wrong) - want).max() <= 0.502
        assert mesh.report(wrong, (40, 40)).n_flipped + mesh.report(wrong).n_collapsed > 0


def test_many_is_one_by_one() -> None:
    size = (24, 31)
    target, source, triangles = face_like(size)
    mesh = PiecewiseAffine(target, size, triangles)
    rng = np.random.default_rng(5)
    sources = source + rng.normal(0, 4, (17, 1, 2))
    images = [noise(int(rng.integers(20, 60)), int(rng.integers(20, 60)), 3, seed=i) for i in range(17)]
    for options in ({}, {"interpolation": "nearest", "border": "reflect"}, {"antialias": True, "fill": 9}):
        want = [mesh.warp(image, s, **options) for image, s in zip(images, sources, strict=True)]
        for n_threads in (1, 2, 5):
            np.testing.assert_array_equal(mesh.warp_many(images, sources, n_threads=n_threads, **options), want)
        want = [mesh.warp(images[0], s, **options) for s in sources]
        out = np.empty((17, *size, 3), np.uint8)
        assert mesh.warp_many(images[0], sources, out=out, **options) is out
        np.testing.assert_array_equal(out, want)
    stack = noise(17, 40, 40, 4)
    got = mesh.warp_many(stack, sources)
    np.testing.assert_array_equal(got[3], mesh.warp(stack[3], sources[3]))
    assert mesh.warp_many(images[0][:, :, 0], sources[:0]).shape == (0, *size)
    one = pyface.piecewise_affine(images[0], sources[0], target, size=size, triangles=triangles, border="reflect")
    np.testing.assert_array_equal(one, mesh.warp(images[0], sources[0], border="reflect"))


@pytest.mark.parametrize(("scale", "block"), [(1.0, 1), (1.99, 1), (2.01, 2), (3.99, 2), (4.01, 3), (8.5, 5)])
@pytest.mark.parametrize("channels", SHAPES)
def test_antialias_samples_a_smaller_copy(scale: float, block: int, channels: tuple[int, ...]) -> None:
    size = (14, 17)
    target, _, triangles = face_like(size, n=9)
    source = target * scale + [11.3, 7.9]
    image = noise(173, 181, *channels)
    copy = oracle.reduced(as_3d(image), block)
    mesh = PiecewiseAffine(target, size, triangles)
    for border in BORDERS:
        for shift in (0.0, -30.0):
            moved = source + shift
            smaller = (moved + 0.5) / block - 0.5
            for dtype, limit in ((np.float32, 0.01), (np.uint8, 0.505)):
                got = mesh.warp(image.astype(dtype), moved, antialias=True, border=border, fill=50)
                want = oracle.warp(copy, smaller, target, triangles, size, border=border, fill=50)
                assert abs(as_3d(got).astype(float) - want).max() <= limit


def test_bands_of_a_large_face_change_nothing() -> None:
    """More than 2^18 pixels are several tasks."""
    target, source, triangles = face_like((700, 900))
    mesh = PiecewiseAffine(target, (700, 900), triangles)
    image = noise(300, 400, 3)
    whole = mesh.warp(image, source / 4)
    np.testing.assert_array_equal(mesh.warp_many(image, source[None] / 4, n_threads=3)[0], whole)
    rows = slice(280, 300)  # the first band ends at 291
    x, y = (positions[rows] for positions in np.moveaxis(mesh._mesh.positions(source / 4), 2, 0))
    want = [
        oracle.sample(image, u, v, "linear", "constant", 0) if owned else np.zeros(3)
        for u, v, owned in zip(x.ravel(), y.ravel(), mesh.mask[rows].ravel(), strict=True)
    ]
    assert abs(whole[rows].reshape(-1, 3) - np.array(want)).max() <= 0.502


def test_opencv_agrees_within_its_precision() -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    target, source, triangles = face_like((60, 80))
    mesh = PiecewiseAffine(target, (60, 80), triangles)
    y, x = np.mgrid[:120, :160]
    image = np.stack([x, y, (x + y) / 2], axis=2).astype(np.float32)  # smooth: positions in 1/32 pixel hardly show
    theirs = cv2.remap(image, *mesh.maps(source), cv2.INTER_LINEAR)
    assert abs(theirs - mesh.warp(image, source)).max() <= 2 / 32


def test_scikit_image_agrees() -> None:
    transform = pytest.importorskip("skimage.transform", reason="scikit-image is not installed")
    target, source, triangles = face_like((40, 50))
    if not hasattr(transform.PiecewiseAffineTransform, "from_estimate"):
        pytest.skip("needs scikit-image 0.26")
    fit = transform.PiecewiseAffineTransform.from_estimate(target, source)
    image = noise(80, 100, 3).astype(np.float32)
    theirs = transform.warp(image, fit, output_shape=(40, 50), order=1, preserve_range=True)
    got = PiecewiseAffine(target, (40, 50), triangles).warp(image, source)
    # Its outermost pixels may count as outside; a pixel within 1/362 of an edge may be the other triangle's there.
    assert abs(theirs - got)[1:-1, 1:-1].max() <= 0.2
