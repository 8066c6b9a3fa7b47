"""Front doors of frontalization: a relief compiled once for a picture's size, and any number of faces through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core, _threads
from pyface._typing import Image, Points

__all__ = ["NODES", "STEP", "Fronts", "Relief", "radial_surface"]

NODES = 64  # places a side of the grid on which it is decided what a photo shows
STEP = 0.05  # between places, in distances between the eyes

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fronts:
    """Pictures (f, h, w[, c]) of the images' dtype, masks (f, h, w) bool, visibility (f, h, w) float32, shares (f,).

    mirrored : shares of the masks that were filled; NaN where the photo has no pixel of the face.
    """

    pictures: Image
    masks: NDArray[np.bool_]
    visibility: NDArray[np.float32]
    mirrored: Floats


class Relief:
    """The surface of a face over a picture; compiled once, for many threads at once.

    points (n, 2), triangles (t, 3) : the mesh, in pixels of the picture.        shown (h, w) bool : the face's pixels.
    depth : (h, w) float32 in distances between the eyes, away from the camera; None for a flat one.
    solid (n, 3) : the mesh's points on the face, the 68 landmarks of ``"dlib-68"`` first.
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
        solid: Floats,
        node_points: Points,
        nodes: NDArray[np.float32],
        on_face: NDArray[np.bool_],
        first: tuple[float, float],
        step: float,
    ) -> None:
        self.size = shown.shape
        self._relief = _core.Relief(
            points, triangles, shown=shown, depth=depth, solid=solid, node_points=node_points, nodes=nodes, on_face=on_face,
            first_x=first[0], first_y=first[1], step=step,
        )  # fmt: skip

    def frontalize(
        self,
        images: Sequence[Image],
        landmarks: Points,
        rotations: Floats,
        translations: Floats,
        scales: Floats,
        *,
        outline_is_seen: bool,
        symmetric: bool,
        antialias: bool,
        n_threads: int | None = None,
    ) -> Fronts:
        """Faces from the front; ``images`` is one, or one for each, all of one dtype and number of channels.

        landmarks (f, 68, 2), rotations (f, 3, 3), translations (f, 2), scales (f,) : float64 in C order, finite, within
            1e9; see :class:`~pyface.geometry.HeadPose`.
        outline_is_seen : landmarks of the jaw follow what is seen of it.

        Neither threads nor instruction set change a bit, a face takes one thread, and Ctrl-C ends it within about
        0.1 s. MemoryError before the results take more than is free.
        """
        f, rest = len(landmarks), images[0].shape[2:]
        instead = "frontalize fewer faces at a time, or to a smaller size"
        pictures = _check.output(None, (f, *self.size, *rest), images[0].dtype.type, instead=instead)
        masks: NDArray[np.bool_] = _check.output(None, (f, *self.size), np.bool_, instead=instead)
        visibility: NDArray[np.float32] = _check.output(None, (f, *self.size), np.float32, instead=instead)
        mirrored = self._relief.frontalize(
            list(images), landmarks, rotations=rotations, translations=translations, scales=scales, out=pictures,
            masks=masks, visibility=visibility, outline_is_seen=outline_is_seen, symmetric=symmetric,
            antialias=antialias, n_threads=_threads.resolve(n_threads),
        )  # fmt: skip
        return Fronts(pictures, masks, visibility, mirrored)


def radial_surface(centres: Points, weights: Floats, xs: Floats, ys: Floats) -> Floats:
    """(len(ys), len(xs)): w[n] + w[n + 1] x + w[n + 2] y + the sum of w[k] r^3, r the distance from centre k (n, 2)."""
    return _core.radial_surface(centres, weights, xs, ys)
