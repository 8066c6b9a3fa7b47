"""Crops through affine maps against their twin, and against OpenCV."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracles import alignment as oracle

from pyface import _core
from pyface.kernels.crops import affine_crops


def noise(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    if dtype is np.uint8:
        return random.integers(0, 256, shape).astype(np.uint8)
    return random.uniform(-300, 300, shape).astype(np.float32)


def similarity(scale: float, angle: float, x: float, y: float) -> np.ndarray:
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, x], [s, c, y]])


@given(
    rows=st.integers(1, 20), cols=st.integers(1, 20), channels=st.sampled_from([1, 3, 4]),
    dtype=st.sampled_from([np.uint8, np.float32]), border=st.sampled_from(["constant", "replicate", "reflect"]),
    entries=st.lists(st.floats(-3, 3), min_size=4, max_size=4), x=st.floats(-30, 40), y=st.floats(-30, 40),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)), fill=st.integers(0, 255), whole=st.booleans(),
    seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_crops_equal_the_twin(*, rows, cols, channels, dtype, border, entries, x, y, size, fill, whole, seed) -> None:
    image = noise(rows, cols, channels, dtype=dtype, seed=seed)
    matrix = np.array([[entries[0], entries[1], x], [entries[2], entries[3], y]])
    if whole:  # pixels hit in their centres, borders met exactly
        matrix = np.rint(matrix)
    got = affine_crops(image, matrix[None], size, border=border, fill=fill)[0]
    assert got.dtype == dtype
    want = oracle.crop(image, matrix, size, border, fill)
    # A byte is rounded from float32; a float keeps what float32 can hold.
    np.testing.assert_allclose(got, want, atol=0.501 if dtype is np.uint8 else 1e-4)


@given(
    spans=st.floats(0.3, 13), angle=st.floats(-4, 4), x=st.floats(-40, 60), y=st.floats(-40, 60),
    dtype=st.sampled_from([np.uint8, np.float32]), channels=st.sampled_from([1, 3, 4]), seed=st.integers(0, 9),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_antialias_equals_the_twin(*, spans, angle, x, y, dtype, channels, seed) -> None:
    assume(abs(spans % 1 - 0.5) > 1e-9)  # there rounding decides how many samples a pixel has
    image = noise(31, 45, channels, dtype=dtype, seed=seed)
    matrix = similarity(spans, angle, x, y)
    fill = np.arange(channels) * 20 + 7
    got = affine_crops(image, matrix[None], (5, 4), fill=fill, antialias=True)[0]
    want = oracle.crop(image, matrix, (5, 4), fill=fill, antialias=True)
    np.testing.assert_allclose(got, want, atol=0.501 if dtype is np.uint8 else 1e-4)


def about(scale: float, angle: float, centre: tuple[float, float], side: int) -> np.ndarray:
    """The similarity that brings the middle of a crop of ``side`` to ``centre``."""
    matrix = similarity(scale, angle, 0, 0)
    matrix[:, 2] = centre - matrix[:, :2] @ np.full(2, (side - 1) / 2)
    return matrix


@pytest.mark.parametrize("angle", [0, 0.12, 0.6, np.pi / 4])
@pytest.mark.parametrize(("spans", "limit"), [(1.6, 6), (2.4, 8), (3.2, 4), (4, 3), (5.3, 5), (7.7, 5), (12.4, 5)])
def test_antialias_is_close_to_the_mean_over_each_pixel(spans: float, limit: float, angle: float) -> None:
    """Of white noise, the hardest; blocks as wide as a crop pixel would be 13 to 22 levels off up to spans of 3.2."""
    side, fine = 24, 24
    image = noise(500, 500)
    matrix = about(spans, angle, (250.3, 249.8), side)
    samples = affine_crops(image.astype(np.float32), about(spans / fine, angle, (250.3, 249.8), side * fine)[None],
                           (side * fine, side * fine))[0]  # fmt: skip
    mean = samples.reshape(side, fine, side, fine).mean(axis=(1, 3), dtype=np.float64)

    def off(antialias: bool) -> float:
        got = affine_crops(image, matrix[None], (side, side), antialias=antialias)[0]
        return float(np.sqrt(((got - mean) ** 2).mean()))

    assert off(antialias=True) < limit < off(antialias=False) / 3


@pytest.mark.parametrize("spans", [1.7, 4.2, 9.1])
def test_tiles_of_averaged_crops_do_not_show(spans: float) -> None:
    image = noise(300, 400, 3, dtype=np.float32)
    matrix = about(spans, 0.5, (200, 150), 280)
    whole = affine_crops(image, matrix[None], (270, 280), antialias=True)[0]
    for row, col in ((120, 118), (118, 125), (250, 120), (249, 248)):
        part = matrix.copy()
        part[:, 2] += part[:, :2] @ (col, row)
        alone = affine_crops(image, part[None], (20, 30), antialias=True)[0]
        np.testing.assert_allclose(alone, whole[row : row + 20, col : col + 30], atol=1e-4)


def test_every_instruction_set_gives_the_same_bits() -> None:
    before = _core.active_isa()
    random = np.random.default_rng(3)
    maps = np.array(
        [similarity(s, random.uniform(-3, 3), *random.uniform(0, 60, 2)) for s in (0.6, 1.6, 3.3, 4.8, 7.6)]
    )
    try:
        for shape in ((90, 120), (90, 120, 3), (90, 120, 4)):
            for dtype in (np.uint8, np.float32):
                got = []
                for name in _core.supported_isas():
                    _core.set_isa(name)
                    got += [
                        affine_crops(noise(*shape, dtype=dtype), maps, (33, 41), antialias=a) for a in (False, True)
                    ]
                for i, crops in enumerate(got):
                    assert crops.tobytes() == got[i % 2].tobytes()
    finally:
        _core.set_isa(before)


def test_bytes_are_within_half_a_level_on_noise() -> None:
    image = noise(200, 300, 3)
    matrix = similarity(1.37, 0.4, 60.3, 20.9)
    got = affine_crops(image, matrix[None], (90, 90))[0]
    assert np.abs(got - oracle.crop(image, matrix, (90, 90))).max() <= 0.501


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40_000), (40_000, 1), (7, 9, 1), (7, 9, 3), (7, 9, 4)])
@pytest.mark.parametrize("border", ["constant", "replicate", "reflect"])
def test_the_identity_changes_nothing(dtype: type, shape: tuple[int, ...], border: str) -> None:
    image = noise(*shape, dtype=dtype)
    got = affine_crops(image, np.eye(2, 3)[None], shape[:2], border=border)[0]
    np.testing.assert_array_equal(got, image)


@pytest.mark.parametrize("border", ["constant", "replicate", "reflect"])
def test_borders_are_those_of_numpy(border: str) -> None:
    image = noise(6, 5, 3)
    shift = np.array([[[1.0, 0, -4], [0, 1, -3]]])
    got = affine_crops(image, shift, (12, 13), border=border, fill=9)[0]
    mode = {"constant": "constant", "replicate": "edge", "reflect": "reflect"}[border]
    options = {"constant_values": 9} if border == "constant" else {}
    np.testing.assert_array_equal(got, np.pad(image, ((3, 3), (4, 4), (0, 0)), mode, **options))


def test_nan_reaches_only_what_it_contributes_to() -> None:
    image = noise(9, 9, dtype=np.float32)
    image[4, 4] = np.nan
    np.testing.assert_array_equal(affine_crops(image, np.eye(2, 3)[None], (9, 9))[0], image)
    half = np.array([[[1.0, 0, 0.5], [0, 1, 0]]])
    assert np.argwhere(np.isnan(affine_crops(image, half, (9, 8))[0])).tolist() == [[4, 3], [4, 4]]


def test_threads_batches_and_layouts_change_nothing() -> None:
    image = noise(300, 400, 3)
    random = np.random.default_rng(5)
    maps = np.array(
        [similarity(random.uniform(0.2, 4), random.uniform(-3, 3), *random.uniform(0, 300, 2)) for _ in range(9)]
    )
    for antialias in (False, True):
        one = affine_crops(image, maps, (300, 250), antialias=antialias, n_threads=1)
        np.testing.assert_array_equal(affine_crops(image, maps, (300, 250), antialias=antialias, n_threads=3), one)
        for i in (0, 4, 8):
            alone = affine_crops(image, maps[i : i + 1], (300, 250), antialias=antialias)[0]
            np.testing.assert_array_equal(alone, one[i])
    frozen = image[::-1, ::-1, ::-1]
    frozen.flags.writeable = False
    np.testing.assert_array_equal(
        affine_crops(frozen, maps, (20, 20)), affine_crops(np.ascontiguousarray(frozen), maps, (20, 20))
    )
    assert affine_crops(image, np.empty((0, 2, 3)), (4, 5)).shape == (0, 4, 5, 3)
    assert affine_crops(image[..., 0], maps[:2], (4, 5)).shape == (2, 4, 5)


def test_opencv_gives_the_same_but_for_its_rounding_of_positions() -> None:
    cv2 = pytest.importorskip("cv2", reason="the extra 'models' is not installed")
    # Older versions round positions to 1/32 pixel: at most 1/64 along each axis, times the slope, and rounding.
    smooth = cv2.GaussianBlur(noise(400, 400, 3), (0, 0), 3)
    slope = max(np.abs(np.diff(smooth.astype(int), axis=axis)).max() for axis in (0, 1))
    for scale, angle in ((0.7, 0.2), (1.5, -0.5), (2.6, 3.0)):
        matrix = similarity(scale, angle, 200 - 40 * scale, 200 - 40 * scale)
        theirs = cv2.warpAffine(smooth, matrix, (112, 112), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        ours = affine_crops(smooth, matrix[None], (112, 112))[0]
        assert np.abs(ours.astype(int) - theirs).max() <= np.ceil(2 * slope / 64) + 1


def test_refusals() -> None:
    image, maps = noise(9, 9, 3), np.eye(2, 3)[None]
    for wrong, error, message in [
        (image.astype(np.float64), TypeError, "uint8 or float32"),
        (noise(9, 9, 2), ValueError, "1, 3 or 4 channels"),
        (noise(9), ValueError, "shape"),
        (noise(0, 9, 3), ValueError, "empty"),
        (np.broadcast_to(np.uint8(0), (2**24, 1)), ValueError, "at most 16,777,215"),
        ([[1]], TypeError, "NumPy array"),
    ]:
        with pytest.raises(error, match=message):
            affine_crops(wrong, maps, (3, 3))
    for border, fill, antialias, message in [
        ("wrap", 0, False, "border must be one of"),
        ("reflect", 0, True, "needs border='constant'"),
        ("constant", 256, False, "from 0 to 255"),
        ("constant", 7.5, False, "whole numbers"),
        ("constant", np.nan, False, "from 0 to 255"),
        ("constant", [1, 2], False, "one number or 3"),
    ]:
        with pytest.raises(ValueError, match=message):
            affine_crops(image, maps, (3, 3), border=border, fill=fill, antialias=antialias)
    for value in (np.nan, np.inf, 2e9):
        far = np.concatenate([maps, maps])
        far[1, 0, 2] = value
        with pytest.raises(ValueError, match="face 1"):
            affine_crops(image, far, (3, 3))
    with pytest.raises(ValueError, match="close to a similarity"):
        affine_crops(image, np.array([[[1e6, 0, 0], [0, 1, 0.0]]]), (9, 9), antialias=True)


def test_the_module_checks_again() -> None:
    image, maps, fill = noise(9, 9, 3), np.eye(2, 3)[None], [0.0, 0.0, 0.0]
    rule = {"border": "constant", "fill": fill, "antialias": False, "n_threads": 1}
    good = {"image": image, "matrices": maps, "out": np.empty((1, 4, 4, 3), np.uint8)}
    frozen = np.empty((1, 4, 4, 3), np.uint8)
    frozen.flags.writeable = False
    for change, message in [
        ({"out": np.empty((2, 4, 4, 3), np.uint8)}, "out must"),
        ({"out": np.empty((1, 4, 4, 1), np.uint8)}, "out must"),
        ({"out": np.empty((1, 0, 4, 3), np.uint8)}, "at least one pixel"),
        ({"out": frozen}, "out must be writable"),
        ({"matrices": maps[0]}, "matrices must"),
        ({"matrices": maps * np.nan}, "not within"),
        ({"matrices": maps * 9e8}, "beyond 1e9"),
        ({"fill": [0.0, 0.0]}, "one value per channel"),
        ({"fill": [0.0, 0.0, 256.0]}, "from 0 to 255"),
        ({"border": "wrap"}, "border must"),
        ({"border": "reflect", "antialias": True}, "antialias needs"),
        ({"image": noise(9, 9, 2), "fill": [0.0, 0.0], "out": np.empty((1, 4, 4, 2), np.uint8)}, "1, 3 or 4"),
        ({"image": noise(0, 9, 3)}, "empty"),
    ]:
        with pytest.raises(ValueError, match=message):
            _core.affine_crops(**{**good, **rule, **change})
    with pytest.raises(TypeError):
        _core.affine_crops(**{**good, **rule, "out": np.empty((1, 4, 4, 3), np.float32)})
