"""Warps and crops of images between guard pages, into guard pages: for a child process (guarded.py).

Positions reach, touch and pass the rim of the image. Each case runs on every instruction set, which must agree.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from guarded import Room, sparse
from numpy.typing import NDArray
from warp_meshes import noise

from pyface import PiecewiseAffine, _check, _core
from pyface.geometry import solid_shape
from pyface.geometry.surface import face_surface
from pyface.kernels.crops import BORDERS, affine_crops
from pyface.kernels.piecewise import LONGEST_SIDE

ROOM = 1 << 19
Array = NDArray[Any]


class Cases:
    """Random cases; the same for each instruction set, as each starts from the same seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.image_room, self.out_room = Room(ROOM), Room(ROOM)

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def one_of(self, *values: Any) -> Any:
        return values[self.rng.integers(len(values))]

    def side(self) -> int:
        return int(self.rng.integers(1, 41))

    def image(self, channels: tuple[int, ...], dtype: Any) -> Array:
        image = noise(int(self.rng.integers(1, 13)), self.side(), *channels, seed=self.side(), dtype=dtype)
        placed = self.image_room.copy(image, at_end=self.chance(0.7))
        assert _check.pixels(placed, longest=99) is placed  # no copy takes its place
        return placed

    def out(self, shape: tuple[int, ...], dtype: Any) -> Array:
        out = self.out_room.array(shape, dtype, at_end=self.chance(0.7))
        out[...] = 77
        return out

    def ends(self, size: int) -> tuple[float, float]:
        """Where the first and the last pixel of a row or column lie in an image with this many."""
        last = size - 1.0

        def end() -> float:
            near = (last - 1, last - 0.5, last + 0.5, last + 1, -1.0, -0.5)
            beside = (
                np.nextafter(last, 0),
                np.nextafter(last, 99),
                np.nextafter(0, -1),
                self.rng.uniform(-3, size + 2),
            )
            return float(self.one_of(self.one_of(0.0, last), self.one_of(0.0, last), self.one_of(*near, *beside)))

        return end(), end()

    def line(self, size: int, count: int) -> tuple[float, float]:
        """Step and start of a line over `count` pixels between such ends."""
        first, last = self.ends(size)
        return (last - first) / max(count - 1, 1), first


def on_every_isa(run_all: Any) -> None:
    results = {}
    for isa in _core.supported_isas():
        _core.set_isa(isa)
        print(isa, flush=True)  # the last line says where a crash was
        results[isa] = run_all()
        assert len(results[isa]) == len(results["portable"])
        for case, (got, want) in enumerate(zip(results[isa], results["portable"], strict=True)):
            np.testing.assert_array_equal(got, want, err_msg=f"{isa}, case {case}")


def crops(count: int) -> None:
    on_every_isa(lambda: _crops(count))


def _crops(count: int) -> list[Array]:
    cases, results = Cases(1), []
    for _ in range(count):
        channels = cases.one_of((), (3,), (4,))
        dtype = cases.one_of(np.uint8, np.float32)
        image = cases.image(channels, dtype)
        rows, cols = (131, 130) if cases.chance(0.01) else (int(cases.rng.integers(1, 6)), cases.side())
        (across, x), (down, y) = cases.line(image.shape[1], cols), cases.line(image.shape[0], rows)
        matrix = np.array([[across, 0, x], [0, down, y]])
        if cases.chance(0.2):
            matrix[:, :2] += cases.rng.normal(0, 0.05, (2, 2))
        elif cases.chance(0.2):
            matrix = np.ascontiguousarray(matrix[:, [1, 0, 2]])
        antialias = cases.chance(0.2)
        if antialias:
            matrix[:, :2] = cases.rng.uniform(1.5, 9) * np.array([[1, 0], [0, 1]])
        border = "constant" if antialias else cases.one_of(*BORDERS)
        if cases.chance(0.1):
            results.append(affine_crops(image, matrix[None], (rows, cols), border=border, antialias=antialias))
            continue
        out = cases.out((1, rows, cols, *(channels or (1,))), dtype)
        fill = [9.0] * (channels or (1,))[0]
        _core.affine_crops(image, matrix[None], out, border=border, fill=fill, antialias=antialias, n_threads=1)
        results.append(out.copy())
    return results


def warps(count: int) -> None:
    on_every_isa(lambda: _warps(count))


def _warps(count: int) -> list[Array]:
    cases, results = Cases(2), []
    for _ in range(count):
        height, width = int(cases.rng.integers(2, 13)), max(cases.side(), 2)
        if cases.chance(0.3):
            height, width = cases.one_of(3, 5, 9), cases.one_of(3, 5, 9, 17, 33)  # steps without rounding
        right, lower = width - 1, height - 1
        target = np.array([(0, 0), (right, 0), (0, lower), (right, lower)], float)
        if cases.chance(0.5):
            inner = cases.rng.uniform(0.1, 0.9, (cases.one_of(1, 2, 5), 2)) * (right, lower)
            target = np.concatenate([target, np.rint(4 * inner) / 4 if cases.chance(0.5) else inner])
        mesh = PiecewiseAffine(target, (height, width))
        results += [_warp(cases, mesh) for _ in range(4)]
    return results


def _warp(cases: Cases, mesh: PiecewiseAffine) -> Array:
    channels = cases.one_of((), (3,), (4,))
    dtype = cases.one_of(np.uint8, np.float32)
    image = cases.image(channels, dtype)
    (across, x), (down, y) = cases.line(image.shape[1], mesh.size[1]), cases.line(image.shape[0], mesh.size[0])
    source = mesh.target * (across, down) + (x, y)
    if cases.chance(0.3):
        # The frame exactly where it was meant to be, which the line before may miss by rounding, others anywhere.
        source[:4] = np.rint(4 * source[:4]) / 4
        source[4:] += cases.rng.normal(0, 1, source[4:].shape)
    options = {
        "interpolation": cases.one_of("linear", "linear", "nearest"),
        "border": cases.one_of(*BORDERS),
        "antialias": cases.chance(0.2),
    }
    shape = (*mesh.size, *channels)
    if cases.chance(0.5):
        return mesh.warp(image, source, out=cases.out(shape, dtype), **options).copy()
    sources = np.stack([source, source + 0.25, source[::-1]])
    return mesh.warp_many(image, sources, out=cases.out((3, *shape), dtype), n_threads=1, **options).copy()


def large(shape: tuple[int, ...]) -> None:
    """The last corner of an image of more than 2^31 values is that of a small one; exit status 3: no such memory."""
    try:
        image = sparse(*shape)
    except (OSError, MemoryError, ValueError) as error:
        print(error)
        raise SystemExit(3) from None
    side, size = 20, (16, 18)
    small = noise(side, side, *shape[2:])
    image[-side:, -side:] = small
    shift = np.array([shape[1] - side, shape[0] - side], float)
    corners = np.array([(0, 0), (17, 0), (0, 15), (17, 15.0)])
    mesh = PiecewiseAffine(corners, size, [[0, 1, 2], [1, 2, 3]])
    for isa in _core.supported_isas():
        _core.set_isa(isa)
        print(isa, flush=True)
        for start, step in ((1.25, 1.0), (2.0, 1.0), (1.75, 0.75), (4.5, 1.25)):  # inside, on the rim, across it
            for border in BORDERS:
                matrix = np.array([[step, 0, start], [0, step, start]])
                moved = matrix + np.column_stack([np.zeros((2, 2)), shift])
                want = affine_crops(small, matrix[None], size, border=border)
                np.testing.assert_array_equal(affine_crops(image, moved[None], size, border=border), want)
                if max(shape) > LONGEST_SIDE:
                    continue
                for interpolation in ("linear", "nearest"):
                    options = {"border": border, "interpolation": interpolation}
                    want = mesh.warp(small, step * corners + start, **options)
                    got = mesh.warp(image, step * corners + start + shift, **options)
                    np.testing.assert_array_equal(got, want)


def frontals(count: int) -> None:
    """Faces through a relief, at the rims of their photos; photos and pictures lie between the guards."""
    on_every_isa(lambda: _frontals(count))


def _frontals(count: int) -> list[Array]:
    cases, results = Cases(3), []
    solid = solid_shape("dlib-68")
    for _ in range(count):
        channels, dtype = cases.one_of((), (3,), (4,)), cases.one_of(np.uint8, np.float32)
        image = cases.image(channels, dtype)
        size = (int(cases.rng.integers(8, 11)), int(cases.rng.integers(8, 12)))
        relief = face_surface(cases.one_of("surface", "mesh"), size)
        yaw = cases.rng.uniform(-1, 1)
        turn = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
        scale, middle = float(cases.rng.uniform(0.5, 8)), cases.rng.uniform(-2, 14, 2)
        points = (scale * (solid @ turn.T)[:, :2] + middle)[None]
        out = cases.out((1, *size, *channels), dtype)
        masks, visibility = np.empty((1, *size), bool), np.empty((1, *size), np.float32)
        options = {"outline_is_seen": cases.chance(0.5), "symmetric": cases.chance(0.7), "antialias": cases.chance(0.4)}
        shares = relief._relief.frontalize(
            [image], points, rotations=turn[None], translations=middle[None], scales=np.array([scale]), out=out,
            masks=masks, visibility=visibility, n_threads=1, **options,
        )  # fmt: skip
        results += [out.copy(), masks, visibility, shares]
    return results
