"""NaN and infinities in photos reach the pixels in which they have a weight and no others, on any instruction set."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from warp_meshes import face_like, noise

from pyface import PiecewiseAffine, _core
from pyface.kernels.crops import BORDERS, affine_crops

CHANNELS = (1, 3, 4)
BAD = (np.nan, np.inf, -np.inf)
Array = NDArray[Any]


def folded(at: Array, size: int, border: str) -> Array:
    """Positions in the image that stand for those outside."""
    if border == "replicate":
        return np.clip(at, 0, size - 1)
    if border == "reflect":
        period = max(2 * (size - 1), 1)
        at = abs(at) % period if size > 1 else 0 * at
        return np.where(at > size - 1, period - at, at)
    return at


def reached(bad: Array, x: Array, y: Array, border: str, bad_fill: Array, interpolation: str = "linear") -> Array:
    """(h, w, c): where a bad pixel of (H, W, c), or a bad fill (c,), has a weight, at positions x (w,) and y (h,)."""
    shape = bad.shape
    x, y = folded(x, shape[1], border), folded(y, shape[0], border)
    if interpolation == "nearest":
        x, y = np.floor(x + 0.5), np.floor(y + 0.5)
    found = np.zeros((len(y), len(x), shape[2]), bool)
    col, row = np.floor(x).astype(int), np.floor(y).astype(int)
    for dy in (0, 1):
        for dx in (0, 1):
            i, j = (row + dy)[:, None], (col + dx)[None]
            counts = ((y > row) | (dy == 0))[:, None] & ((x > col) | (dx == 0))[None]
            inside = (i >= 0) & (i < shape[0]) & (j >= 0) & (j < shape[1])
            pixel = bad[np.clip(i, 0, shape[0] - 1), np.clip(j, 0, shape[1] - 1)]
            found |= counts[..., None] & np.where(inside[..., None], pixel, bad_fill)
    return found


class Case:
    """A photo of float32 with some bad values, and positions on quarters of a pixel, where float32 makes no error."""

    def __init__(self, seed: int, channels: int) -> None:
        rng = np.random.default_rng(seed)
        shape = (*rng.integers(1, 12, 2), channels)
        self.good = rng.uniform(-9, 9, shape).astype(np.float32)
        self.bad = rng.random(shape) < rng.choice([0.03, 0.2])
        self.image = np.where(self.bad, rng.choice(BAD, shape), self.good).astype(np.float32)
        self.fill = np.where(rng.random(shape[2]) < 0.2, rng.choice(BAD, shape[2]), 3.0)
        self.border = str(rng.choice(BORDERS))
        self.interpolation = str(rng.choice(["linear", "linear", "nearest"]))
        self.step = rng.choice([-1, 0.25, 0.5, 1, 1, 1.25, 2], 2)  # x, y
        self.start = np.where(self.step < 0, shape[1::-1], 0) + rng.integers(-8, 8, 2) / rng.choice([1, 2, 4])
        self.size = tuple(int(side) for side in rng.choice([2, 3, 5, 9, 17], 2))

    def check(self, call: Callable[..., Array], interpolation: str) -> None:
        """``call(image, fill=...)`` makes the picture."""
        x, y = (self.step[k] * np.arange(self.size[1 - k]) + self.start[k] for k in (0, 1))
        want = reached(self.bad, x, y, self.border, ~np.isfinite(self.fill), interpolation)
        got = call(self.image, fill=self.fill).reshape(want.shape)
        np.testing.assert_array_equal(~np.isfinite(got), want)
        # All other pixels are what they are if the bad ones hold any number.
        clean = call(self.good, fill=np.where(np.isfinite(self.fill), self.fill, 5)).reshape(want.shape)
        np.testing.assert_array_equal(got[~want], clean[~want])


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.usefixtures("isa")
def test_warps_show_them_where_they_have_a_weight(channels: int) -> None:
    for seed in range(250):
        case = Case(seed, channels)
        rows, cols = case.size
        corners = np.array([(0, 0), (cols - 1, 0), (0, rows - 1), (cols - 1, rows - 1)], float)
        mesh = PiecewiseAffine(corners, case.size, [[0, 1, 2], [1, 2, 3]])
        options = {"border": case.border, "interpolation": case.interpolation}
        case.check(partial(mesh.warp, source=corners * case.step + case.start, **options), case.interpolation)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.usefixtures("isa")
def test_crops_show_them_where_they_have_a_weight(channels: int) -> None:
    for seed in range(250):
        case = Case(seed, channels)
        matrix = np.column_stack([np.diag(case.step), case.start])
        case.check(partial(affine_crops, matrices=matrix[None], size=case.size, border=case.border), "linear")


def spoilt(rows: int, cols: int, channels: int) -> Array:
    image = noise(rows, cols, channels, dtype=np.float32)
    rng = np.random.default_rng(rows)
    return np.where(rng.random(image.shape) < 0.05, rng.choice(BAD, image.shape), image).astype(np.float32)


def pictures(channels: int) -> dict[str, Array]:
    """Warps and crops of bytes, of floats and of bad floats by the instruction set in use."""
    made = {}
    target, source, triangles = face_like((30, 43), seed=3)
    mesh = PiecewiseAffine(target, (30, 43), triangles)
    angle = np.array([[0.8, -0.6, 20.3], [0.6, 0.8, -7.9]])
    matrices = np.stack([angle, 2.6 * angle, [[1, 0, 0], [0, 1, 0]], [[-1, 0, 65], [0, -1, 50]]])
    for kind, image in {
        "bytes": noise(51, 66, channels),
        "floats": noise(51, 66, channels, dtype=np.float32) / np.float32(7),
        "bad floats": spoilt(51, 66, channels),
    }.items():
        for border in BORDERS:
            for interpolation in ("linear", "nearest"):
                options = {"border": border, "interpolation": interpolation}
                made[f"{kind} {options}"] = mesh.warp(image, source, **options)
                made[f"{kind} {options} identity"] = mesh.warp(image, target, **options)
            made[f"{kind} {border} crops"] = affine_crops(image, matrices, (29, 37), border=border)
        made[f"{kind} antialias"] = mesh.warp(image, 2 * source, antialias=True)
        made[f"{kind} antialias crops"] = affine_crops(image, matrices, (29, 37), antialias=True)
    return made


@pytest.mark.parametrize("channels", CHANNELS)
def test_every_instruction_set_gives_the_same_bits(channels: int) -> None:
    """But for the bits of NaN, which the standard leaves open."""
    before = _core.set_isa("portable")
    try:
        portable = pictures(channels)
        assert any(np.isnan(picture).any() for picture in portable.values())
        for isa in _core.supported_isas():
            _core.set_isa(isa)
            for name, picture in pictures(channels).items():
                np.testing.assert_array_equal(picture, portable[name], err_msg=f"{isa}: {name}")
                if picture.dtype == np.float32:
                    both = np.stack([picture, portable[name]])
                    signs = np.signbit(both) & ~np.isnan(both)  # 0 equals -0
                    np.testing.assert_array_equal(signs[0], signs[1], err_msg=f"{isa}: {name}")
    finally:
        _core.set_isa(before)
