"""Front doors of frontalization: a relief compiled once for a picture's size, and any number of faces through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core, _threads
from pyface._typing import Image, Points

__all__ = ["NODES", "STEP", "FacePoses", "Fronts", "Relief", "radial_surface"]

NODES = 64  # places a side of the grid on which it is decided what a photo shows
STEP = 0.05  # between places, in distances between the eyes

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FacePoses:
    """f faces in photos, as the kernel wants them; all finite, float64 in C order.

    sources : (f, n, 2), where the mesh's points would lie in the photo if the face were flat.
    views : (f, 3), the third rows of the rotations from face to camera (x right, y down, z away).
    bends : (f, 2), photo pixels that a point moves for each unit of depth.
    uprights : (f, 2, 3), from photo pixels to lengths of the face: towards the side turned away, and down.
    contours : (f, m, 2), the outlines of that side in those lengths; the second number grows.
    contour_weights : (f,) from 0, the outline says nothing, to 1: what lies beyond it is not the face.
    blocks : (f,) int64, 1, or how many pixels of the photo are averaged a side before it is sampled.
    """

    sources: Floats
    views: Floats
    bends: Floats
    uprights: Floats
    contours: Floats
    contour_weights: Floats
    blocks: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sources)

    def of(self, which: Any) -> FacePoses:
        """Some of the faces, by their numbers."""
        return FacePoses(*(np.ascontiguousarray(getattr(self, name)[which]) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Fronts:
    """Pictures (f, h, w[, c]) of the images' dtype, masks (f, h, w) bool, visibility (f, h, w) float32, shares (f,)."""

    pictures: Image
    masks: NDArray[np.bool_]
    visibility: NDArray[np.float32]
    mirrored: Floats


class Relief:
    """The surface of a face over a picture; compiled once, for many threads at once.

    points (n, 2), triangles (t, 3) : the mesh, in pixels of the picture.        shown (h, w) bool : the face's pixels.
    depth : (h, w) float32 in distances between the eyes, away from the camera; None for a flat one.
    node_points (n, 2) : the mesh in places of the grid.        nodes (4, 64, 64) float32 : depth there, its slopes along x
        and y, and features: 1 in eyes and mouth, which are not mirrored, 0 elsewhere.        on_face (64, 64) bool.
    first (x, y), step : the place of pixel (0, 0), and places per pixel.
    """

    def __init__(
        self,
        points: Points,
        triangles: NDArray[np.int32],
        *,
        shown: NDArray[np.bool_],
        depth: NDArray[np.float32] | None,
        node_points: Points,
        nodes: NDArray[np.float32],
        on_face: NDArray[np.bool_],
        first: tuple[float, float],
        step: float,
    ) -> None:
        self.size = shown.shape
        self._relief = _core.Relief(
            points, triangles, shown=shown, depth=depth, node_points=node_points, nodes=nodes, on_face=on_face,
            first_x=first[0], first_y=first[1], step=step,
        )  # fmt: skip

    def frontalize(
        self, images: Sequence[Image], poses: FacePoses, *, symmetric: bool, n_threads: int | None = None
    ) -> Fronts:
        """Faces from the front; ``images`` is one, or one for each, all of one dtype and number of channels.

        Neither threads nor instruction set change a bit, a face takes one thread, and Ctrl-C ends it within about
        0.1 s. MemoryError before the results take more than is free.
        """
        f, rest = len(poses), images[0].shape[2:]
        instead = "frontalize fewer faces at a time, or to a smaller size"
        pictures = _check.output(None, (f, *self.size, *rest), images[0].dtype.type, instead=instead)
        masks: NDArray[np.bool_] = _check.output(None, (f, *self.size), np.bool_, instead=instead)
        visibility: NDArray[np.float32] = _check.output(None, (f, *self.size), np.float32, instead=instead)
        mirrored = self._relief.frontalize(
            list(images), poses.sources, views=poses.views, bends=poses.bends, uprights=poses.uprights,
            contours=poses.contours, contour_weights=poses.contour_weights, blocks=poses.blocks, out=pictures,
            masks=masks, visibility=visibility, symmetric=symmetric, n_threads=_threads.resolve(n_threads),
        )  # fmt: skip
        return Fronts(pictures, masks, visibility, mirrored)


def radial_surface(centres: Points, weights: Floats, xs: Floats, ys: Floats) -> Floats:
    """(len(ys), len(xs)): w[n] + w[n + 1] x + w[n + 2] y + the sum of w[k] r^3, r the distance from centre k (n, 2)."""
    return _core.radial_surface(centres, weights, xs, ys)
