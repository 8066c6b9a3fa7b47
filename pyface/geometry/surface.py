"""A generic face as a height field, and as a mesh, laid into the frame of :func:`~pyface.geometry.face_mesh`."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _memory
from pyface._typing import Points
from pyface.geometry.frames import face_mesh
from pyface.geometry.schemes import solid_shape, triangulation
from pyface.kernels.frontal import NODES, STEP, Relief, radial_surface
from pyface.kernels.piecewise import PiecewiseAffine

__all__ = ["METHODS", "face_surface", "surface_depth"]

Floats = NDArray[np.float64]

METHODS = ("surface", "mesh")
_SCHEME = "dlib-68"

# Lengths are in distances between the eyes, x right, y down and z away from the camera, from the point between them.
# Depths of the jaw, from the ear to the chin. Landmarks of the jaw differ by 0.2 in depth from model to model; these
# continue the cheeks, where the deeper ones of solid_shape would make a cliff of the last twentieth.
_JAW = (0.75, 0.75, 0.7, 0.65, 0.5, 0.4, 0.25, 0.1, 0.0)
# Where there are no landmarks: the forehead in the middle; and pairs, of which this is the right one: middle of the
# cheek, before the ear, lower cheek, beside the wing of the nose, forehead, temple. Rounded to 0.05; published faces
# differ by as much. Without the pairs the cheeks would be off by up to 0.3.
_MIDDLE = ((-0.35, -0.25), (-0.6, -0.2), (-0.9, -0.15))
_PAIRS = (
    (1.0, 0.5, 0.3), (1.15, 0.3, 0.6), (0.95, 0.9, 0.35), (0.25, 0.35, -0.2),
    (0.55, -0.85, 0.0), (1.0, -0.6, 0.35), (1.2, -0.25, 0.75),
)  # fmt: skip

# The frame of face_mesh: 3.1 a side, the eyes 1.1 below its upper one, so its middle is 0.45 below them.
_SIDE, _MIDDLE_Y = 3.1, 0.45
_FOREHEAD = 0.95  # how far the face is shown above the eyes, an ellipse from ear to ear
_FIRST_NODE_Y = -1.15
_NODE_MARGIN = 0.03  # places so far outside still count as the face
# Eyes and mouth, which are not mirrored: so much larger than their landmarks, fading out over this part of that.
_FEATURE_MARGIN, _FEATURE_FADE = (0.04, 0.07), 0.8
_FEATURES = (range(36, 42), range(42, 48), range(48, 68))


@lru_cache(maxsize=4)
def face_surface(method: str, size: tuple[int, int]) -> Relief:
    """The surface ``"surface"`` or ``"mesh"`` in a picture of (h, w) pixels, the frame's square centred in it.

    The last four are kept; an object takes 5 to 9 bytes a pixel. Takes about 10 ms for 224 x 224, 2 s for 4,096 x
    4,096, and MemoryError before more is taken than is free.
    """
    height, width = size
    _memory.require(24 * height * width, f"a surface of {height} x {width} pixels", "choose a smaller size")
    side = min(size)
    unit = (side - 1) / _SIDE
    mesh = face_mesh(_SCHEME, side)
    shift = np.array([(width - side) / 2, (height - side) / 2])
    target = mesh.target + shift
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    in_units = (target - middle) / unit + [0, _MIDDLE_Y]
    in_nodes = in_units / STEP + [(NODES - 1) / 2, -_FIRST_NODE_Y / STEP]
    xs, ys = _from_middle(width) / unit, _from_middle(height) / unit + _MIDDLE_Y
    points = np.zeros((len(target), 3))
    points[:, :2] = in_units
    depth: NDArray[np.float32] | None = None
    if method == "surface":
        nodes, on_face = _surface_nodes()
        shown = np.abs(xs) <= _half_width(ys)[:, None]
        depth = _depth_of(shown, xs, ys)
        points[:68, 2] = surface_depth(points[:68, :2])
    else:
        nodes, on_face = _mesh_nodes()
        shown = PiecewiseAffine(target, size, triangulation(_SCHEME)).mask
        points[:68] = solid_shape(_SCHEME)
    return Relief(
        target, mesh.triangles, shown=np.ascontiguousarray(shown), depth=depth, solid=points, node_points=in_nodes,
        nodes=nodes, on_face=on_face,
        first=(float(xs[0] / STEP + (NODES - 1) / 2), float((ys[0] - _FIRST_NODE_Y) / STEP)), step=1 / (unit * STEP),
    )  # fmt: skip


def surface_depth(points: Any) -> Floats:
    """(m,) depths of the height field at points (m, 2), in distances between the eyes; symmetric to the bit."""
    centres, weights = _radial()
    at = np.asarray(points, np.float64)
    return np.array([radial_surface(centres, weights, -abs(x[:1]), x[1:])[0, 0] for x in at])


def _from_middle(n: int) -> Floats:
    """Pixels from the middle of n; each the opposite of its mirror image."""
    return (2 * np.arange(n) - (n - 1)) / 2


@cache
def _radial() -> tuple[Points, Floats]:
    """Centres (n, 2) and weights (n + 3,) of the height field: cubes of distances and a plane through all points."""
    landmarks = solid_shape(_SCHEME)
    landmarks[:17, 2] = _JAW + _JAW[-2::-1]
    pairs = [(sign * x, y, z) for x, y, z in _PAIRS for sign in (-1, 1)]
    known = np.vstack([landmarks, [(0, y, z) for y, z in _MIDDLE], pairs])
    centres = np.ascontiguousarray(known[:, :2])
    squares = np.square(centres[:, None] - centres).sum(axis=2)
    plane = np.column_stack([np.ones(len(known)), centres])
    system = np.block([[squares * np.sqrt(squares), plane], [plane.T, np.zeros((3, 3))]])
    return centres, _solve(system, np.append(known[:, 2], np.zeros(3)))


def _solve(system: Floats, right: Floats) -> Floats:
    """Gauss's elimination, one product and one difference at a time: the same bits on every machine, unlike LAPACK."""
    rows = np.column_stack([system, right])
    n = len(right)
    for i in range(n):
        best = i + int(np.argmax(np.abs(rows[i:, i])))
        rows[[i, best]] = rows[[best, i]]
        rows[i + 1 :] -= (rows[i + 1 :, i] / rows[i, i])[:, None] * rows[i]
    for i in range(n - 1, -1, -1):
        rows[i, n] /= rows[i, i]
        rows[:i, n] -= rows[:i, i] * rows[i, n]
    return np.ascontiguousarray(rows[:, n])


def _half_width(ys: Floats) -> Floats:
    """Half of the face's width at heights: the outline of the jaw, an ellipse above; negative where there is none."""
    jaw = solid_shape(_SCHEME)[8:17, :2]
    below = np.interp(ys, jaw[::-1, 1], jaw[::-1, 0])
    above = jaw[-1, 0] * np.sqrt(np.clip(1 - np.square(ys / _FOREHEAD), 0, None))
    return np.where((ys < -_FOREHEAD) | (ys > jaw[0, 1]), -1.0, np.where(ys < 0, above, below))


def _depth_of(shown: NDArray[np.bool_], xs: Floats, ys: Floats) -> NDArray[np.float32]:
    """(h, w): the height field where the face is shown, else 0; the right half is the mirrored left one."""
    depth = np.zeros(shown.shape, np.float32)
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    half = columns[columns <= (len(xs) - 1) // 2]
    if not rows.size or not half.size:
        return depth
    centres, weights = _radial()
    made = radial_surface(centres, weights, xs[half[0] : half[-1] + 1].copy(), ys[rows[0] : rows[-1] + 1].copy())
    depth[rows[0] : rows[-1] + 1, half[0] : half[-1] + 1] = made
    depth[:, ::-1][:, half[0] : half[-1] + 1] = depth[:, half[0] : half[-1] + 1]
    depth[~shown] = 0
    return depth


def _node_axes() -> tuple[Floats, Floats]:
    return _from_middle(NODES) * STEP, np.asarray(_FIRST_NODE_Y + STEP * np.arange(NODES), np.float64)


@cache
def _surface_nodes() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Planes (4, 64, 64) and which places are of the face, for the height field."""
    centres, weights = _radial()
    xs, ys = _node_axes()
    left = xs[: NODES // 2]
    depth = radial_surface(centres, weights, left.copy(), ys)
    slope_x, slope_y = np.full(depth.shape, weights[-2]), np.full(depth.shape, weights[-1])
    for (x, y), weight in zip(centres, weights, strict=False):
        dx, dy = left - x, (ys - y)[:, None]
        r = np.sqrt(dx * dx + dy * dy)
        slope_x += 3 * weight * r * dx
        slope_y += 3 * weight * r * dy
    planes = [_mirrored(depth, 1), _mirrored(slope_x, -1), _mirrored(slope_y, 1), _feature_plane()]
    return np.array(planes, np.float32), np.abs(xs) <= _half_width(ys)[:, None] + _NODE_MARGIN


def _mirrored(left: NDArray[Any], sign: int) -> NDArray[Any]:
    return np.hstack([left, left[:, ::-1] if sign > 0 else -left[:, ::-1]])


@cache
def _mesh_nodes() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The same for the mesh of the landmarks, each triangle a plane; outside of it, the nearest place's values."""
    solid = solid_shape(_SCHEME)
    triangles = triangulation(_SCHEME)
    xs, ys = _node_axes()
    target = (solid[:, :2] - [xs[0], ys[0]]) / STEP
    mesh = PiecewiseAffine(target, (NODES, NODES), triangles)
    corners = solid[triangles]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = np.cross(first, second)
    slopes = -normal[:, :2] / normal[:, 2:]
    places = np.stack(np.meshgrid(xs, ys), axis=-1)
    inside = np.argwhere(mesh.mask)
    nearest = np.array([inside[np.argmin(np.square(inside - at).sum(axis=1))] for at in np.ndindex(NODES, NODES)])
    owner = mesh._mesh.owners()[tuple(nearest.T)].reshape(NODES, NODES)
    depth = corners[owner, 0, 2] + (slopes[owner] * (places - corners[owner, 0, :2])).sum(axis=-1)
    # A place on an edge belongs to one of two triangles, and to the mirrored one in the right half.
    left = slice(NODES // 2)
    planes = [_mirrored(depth[:, left], 1), _mirrored(slopes[owner][:, left, 0], -1)]
    planes += [_mirrored(slopes[owner][:, left, 1], 1), _feature_plane()]
    return np.array(planes, np.float32), _mirrored(mesh.mask[:, left], 1)


@cache
def _feature_plane() -> Floats:
    """(64, 64): 1 in eyes and mouth, fading to 0 around them."""
    xs, ys = _node_axes()
    landmarks = solid_shape(_SCHEME)[:, :2]
    plane = np.zeros((NODES, NODES))
    for part in _FEATURES:
        low, high = landmarks[list(part)].min(axis=0), landmarks[list(part)].max(axis=0)
        radius, middle = (high - low) / 2 + _FEATURE_MARGIN, (high + low) / 2
        away = np.sqrt(np.square((xs - middle[0]) / radius[0]) + np.square((ys - middle[1]) / radius[1])[:, None])
        way = np.clip((away - 1) / _FEATURE_FADE, 0, 1)
        plane = np.maximum(plane, 1 - way * way * (3 - 2 * way))
    return plane
