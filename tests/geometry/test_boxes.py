"""Crops of boxes against OpenCV, against areas, and what they take and refuse."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyface import _memory, geometry


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def area_mean(part: np.ndarray, side: int) -> np.ndarray:
    """Each pixel repeated side times along both axes, then blocks of the part's height and width averaged."""
    height, width = part.shape[:2]
    fine = part.astype(float).repeat(side, axis=0).repeat(side, axis=1)
    return fine.reshape(side, height, side, width, *part.shape[2:]).mean(axis=(1, 3))


@given(
    height=st.integers(1, 260), width=st.integers(1, 260), side=st.integers(1, 230),
    channels=st.sampled_from([(), (1,), (3,), (4,)]), dtype=st.sampled_from([np.uint8, np.float32]),
    seed=st.integers(0, 99),
)  # fmt: skip
@example(height=1, width=1, side=5, channels=(3,), dtype=np.uint8, seed=0)
@example(height=160, width=160, side=160, channels=(3,), dtype=np.float32, seed=0)
@example(height=68, width=68, side=96, channels=(), dtype=np.float32, seed=0)  # OpenCV's rounding picks a neighbour
@example(height=14, width=200, side=100, channels=(3,), dtype=np.uint8, seed=0)
@example(height=100, width=300, side=100, channels=(3,), dtype=np.uint8, seed=0)
@example(height=100, width=30, side=100, channels=(4,), dtype=np.float32, seed=0)
@settings(max_examples=150, deadline=None)
def test_any_part_is_stretched_as_opencv_does(*, height, width, side, channels, dtype, seed) -> None:
    cv2 = pytest.importorskip("cv2", reason="the extra 'models' is not installed")
    image = noise(height, width, *channels, seed=seed).astype(dtype)
    got = geometry.crop_box(image, (0, 0, width, height), side)
    want = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA).reshape(got.shape)
    assert got.dtype == dtype
    if dtype == np.uint8:
        assert np.abs(got.astype(int) - want).max() <= 1
    else:
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=0.02)


@pytest.mark.parametrize(("height", "width", "side"), [(7, 5, 13), (30, 20, 9), (13, 13, 13), (1, 9, 20), (24, 31, 24)])
def test_a_pixel_is_the_mean_over_its_area(height: int, width: int, side: int) -> None:
    image = noise(height, width, 3).astype(np.float32)
    got = geometry.crop_box(image, (0, 0, width, height), side)
    np.testing.assert_allclose(got, area_mean(image, side), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("box", [(20, 30, 170, 190), (20.9, 30.2, 61.7, 190.4), (-15, -9, 400, 400), (50, 50, 70, 71)])
@pytest.mark.parametrize("margin", [0, 30])
def test_boxes_are_those_of_facenet_pytorch(box: tuple[float, ...], margin: float) -> None:
    cv2 = pytest.importorskip("cv2", reason="the extra 'models' is not installed")
    image = noise(200, 190, 3)
    grow = [margin * (box[2] - box[0]) / (100 - margin) / 2, margin * (box[3] - box[1]) / (100 - margin) / 2]
    left, top = (int(max(box[i] - grow[i], 0)) for i in (0, 1))
    right, bottom = int(min(box[2] + grow[0], 190)), int(min(box[3] + grow[1], 200))
    got = geometry.crop_box(image, box, 100, margin=margin)
    want = cv2.resize(image[top:bottom, left:right], (100, 100), interpolation=cv2.INTER_AREA)
    assert np.abs(got.astype(int) - want).max() <= 1
    assert got.shape == (100, 100, 3)
    np.testing.assert_array_equal(geometry.crop_box(image, [box, box], 100, margin=margin), [got, got])


def test_boxes_of_floats_and_of_their_own_size() -> None:
    image = noise(40, 40).astype(np.float32)
    np.testing.assert_array_equal(geometry.crop_box(image, (5, 6, 25, 26), 20), image[6:26, 5:25])
    halved = geometry.crop_box(image, (0, 0, 40, 40), 20)
    np.testing.assert_allclose(halved, image.reshape(20, 2, 20, 2).mean(axis=(1, 3)), rtol=1e-6)
    assert geometry.crop_box(image[:1, :1], (0, 0, 1, 1), 5).tolist() == [[image[0, 0]] * 5] * 5
    assert geometry.crop_box(image, np.empty((0, 4)), 20).shape == (0, 20, 20)
    assert geometry.crop_box(image, [], 20).shape == (0, 20, 20)


def test_nan_reaches_what_it_contributes_to_and_no_more() -> None:
    image = noise(8, 8).astype(np.float32)
    image[3, 4] = np.nan
    assert np.argwhere(np.isnan(geometry.crop_box(image, (0, 0, 8, 8), 4))).tolist() == [[1, 2]]
    assert np.argwhere(np.isnan(geometry.crop_box(image, (0, 0, 8, 8), 16))).tolist() == [
        [6, 8], [6, 9], [7, 8], [7, 9],
    ]  # fmt: skip


SHAPES = [((1, 200_000, 3), 160), ((200_000, 1), 160), ((2000, 1500, 3), 90), ((400_000, 2), 1), ((5, 7, 4), 900)]


@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_no_more_memory_is_taken_than_was_asked_for(
    shape: tuple[int, ...], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(_memory, "require", lambda n_bytes, *_: asked.append(n_bytes))
    image = np.zeros(shape, np.uint8)
    box = (0, 0, shape[1], shape[0])
    geometry.crop_box(image[:2, :2], (0, 0, 1, 1), 2)  # loads what is loaded late
    asked.clear()
    tracemalloc.start()
    try:
        geometry.crop_box(image, box, size)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= sum(asked) + 100_000  # of the result, and of the work on it
    assert asked[-1] < 60 * image.size + 100 * size**2 + (1 << 25)


def test_results_that_do_not_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "available", lambda: 1 << 20)
    image = noise(60, 60, 3)
    with pytest.raises(MemoryError, match="crop fewer boxes at a time, or to a smaller size"):
        geometry.crop_box(image, np.tile([0, 0, 60, 60], (500, 1)))
    long = np.broadcast_to(np.uint8(0), (1, 2**23)).copy()
    with pytest.raises(
        MemoryError, match=r"stretching 8388608 x 1 pixels to 160 x 160 .*take a smaller size or a smaller"
    ):
        geometry.crop_box(long, (0, 0, 2**23, 1))


def test_refusals() -> None:
    image = noise(50, 50, 3)
    for box, options, message in [
        ((60, 0, 70, 10), {}, "row 0 shows no whole pixel"),
        ((3.1, 3, 3.9, 9), {}, "row 0 shows no whole pixel"),
        ((3, 3, 2, 9), {}, "row 0 has x2 < x1"),
        ((0, 0, 1e9, 9), {}, "row 0 lies beyond"),
        ((0, 0, np.nan, 9), {}, "finite"),
        ((0, 0, 9), {}, r"^box must have shape \(4,\) or \(n, 4\), got \(3,\)"),
        ([(0, 0, 9)], {}, r"^box must have shape \(4,\) or \(n, 4\), got \(1, 3\)"),
        ([[(0, 0, 9, 9)]], {}, r"^box must have shape \(4,\) or \(n, 4\), got \(1, 1, 4\)"),
        (5, {}, r"^box must have shape \(4,\) or \(n, 4\), got \(\)"),
        ((0, 0, 9, 9), {"margin": 160}, "margin must be less than size"),
        ((0, 0, 9, 9), {"margin": -1}, "margin must be at least 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            geometry.crop_box(image, box, **options)
