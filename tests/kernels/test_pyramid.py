"""The tiled pyramid, its decoding, and enlarging, against their twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import detect as oracle

from pyface import _core
from pyface.kernels import faces

MEAN = (122.782, 117.001, 104.298)
side = st.integers(10, 160)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@given(st.integers(10, 2000), st.integers(10, 2000))
def test_layout_equals_the_twin(rows: int, cols: int) -> None:
    shape, levels = faces.mmod_layout(rows, cols)
    want_shape, want = oracle.layout(rows, cols)
    assert shape == want_shape
    assert levels.tolist() == [list(r) for r in want]


@pytest.mark.parametrize(
    ("cols", "rows", "canvas", "n_levels"),
    [
        (250, 250, (957, 272), 20), (640, 480, (1782, 662), 24), (1280, 886, (3239, 1302), 27),
        (263, 163, (642, 285), 18), (512, 512, (1895, 534), 24), (300, 200, (776, 322), None),
    ],
)  # fmt: skip
def test_known_layouts(cols: int, rows: int, canvas: tuple[int, int], n_levels: int | None) -> None:
    shape, levels = faces.mmod_layout(rows, cols)
    assert shape == canvas
    assert n_levels is None or len(levels) == n_levels
    if cols == 250:
        assert [r[0] != 11 for r in levels.tolist()].index(True) == 5
    if cols == 512:
        assert levels[:3].tolist() == [[11, 11, 522, 522], [11, 533, 436, 958], [11, 969, 365, 1323]]


# From 60 columns on no two levels overlap, so that the twin needs no canvas to read from.
@given(st.integers(10, 160), st.integers(60, 160), st.booleans(), st.booleans(), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_canvas_equals_the_twin(rows: int, cols: int, grey: bool, floats: bool, seed: int) -> None:
    image = noise(rows, cols, seed=seed) if grey else noise(rows, cols, 3, seed=seed)
    image = image.astype(np.float32) if floats else image
    np.testing.assert_allclose(faces.mmod_canvas(image, MEAN), oracle.canvas(image, MEAN), atol=3e-6)


def test_bytes_and_floats_give_the_same_canvas() -> None:
    image = noise(40, 70, 3)
    np.testing.assert_array_equal(faces.mmod_canvas(image, MEAN), faces.mmod_canvas(image.astype(np.float32), MEAN))


@given(side, side)
@settings(max_examples=30, deadline=None)
def test_every_canvas_pixel_is_written(rows: int, cols: int) -> None:
    shape, _ = faces.mmod_layout(rows, cols)
    canvas = np.full((3, *shape), np.nan, np.float32)
    _core.mmod_canvas(noise(rows, cols, 3), MEAN, canvas)
    assert np.isfinite(canvas).all()


@given(side, side, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_decode_equals_the_twin(rows: int, cols: int, seed: int) -> None:
    (height, width), _ = faces.mmod_layout(rows, cols)
    scores = np.random.default_rng(seed).normal(-2, 1, (height // 8 + 1, width // 8 + 1)).astype(np.float32)
    boxes, found = faces.mmod_decode(scores, rows, cols, 0.0)
    want_boxes, want = oracle.decode(scores, rows, cols, 0.0)
    assert boxes.tolist() == want_boxes
    assert found.tolist() == want


def test_the_first_cell_is_the_corner_of_the_image() -> None:
    scores = np.full((20, 20), -1, np.float32)
    scores[5, 5] = 0.5
    scores[0, 0] = 0.0  # not greater than the threshold
    boxes, found = faces.mmod_decode(scores, 80, 80, 0.0)
    # Pixel 54 of the canvas is 43 of the image; halves round away from zero.
    assert boxes.tolist() == [[4, 4, 83, 83]] and found.tolist() == [0.5]


@given(st.integers(1, 24), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_upsample_equals_the_twin(rows: int, cols: int, channels: int, seed: int) -> None:
    image = noise(rows, cols, channels, seed=seed)
    got = faces.upsample(image)
    np.testing.assert_array_equal(got, oracle.upsample(image))
    exact = oracle.resize(image.astype(np.float64), 2 * rows + 1, 2 * cols + 2)
    assert np.abs(got - np.floor(exact + 1e-4)).max() <= 1


def test_upsample_sizes() -> None:
    assert faces.upsample(noise(200, 300, 3)).shape == (401, 602, 3)
    assert faces.upsample(noise(200, 300)).shape == (401, 602)
    assert faces.upsample(noise(9, 7, 3), 2).shape == (39, 34, 3)
    assert faces.upsample(noise(9, 7, 3), 0).shape == (9, 7, 3)


def test_second_gate() -> None:
    image = noise(20, 30, 3)
    with pytest.raises(ValueError, match="at least 10"):
        faces.mmod_layout(9, 30)
    with pytest.raises(ValueError, match="too large"):
        faces.mmod_layout(2**24, 30)
    with pytest.raises(ValueError, match="out must have shape"):
        _core.mmod_canvas(image, MEAN, np.empty((3, 5, 5), np.float32))
    with pytest.raises(TypeError):
        _core.mmod_canvas(image.astype(np.float64), MEAN, np.empty((3, 5, 5), np.float32))
    with pytest.raises(ValueError, match="1 or 3 channels"):
        _core.mmod_canvas(noise(20, 30, 2), MEAN, np.empty((3, 5, 5), np.float32))
    frozen = np.empty((3, *faces.mmod_layout(20, 30)[0]), np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="writ"):
        _core.mmod_canvas(image, MEAN, frozen)
    with pytest.raises(ValueError, match="out must have"):
        _core.upsample(image, np.empty((41, 60, 3), np.uint8))
    with pytest.raises(ValueError, match="dimensions"):
        _core.upsample(image, np.empty((41, 62), np.uint8))
    with pytest.raises(ValueError, match="empty"):
        _core.upsample(np.empty((0, 0, 3), np.uint8), np.empty((1, 2, 3), np.uint8))
    with pytest.raises(ValueError, match="shape"):
        _core.mmod_decode(np.empty(3, np.float32), 20, 30, 0.0)
