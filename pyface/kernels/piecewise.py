"""Piecewise-affine warping: one triangle mesh in the output, compiled once, for any number of faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core, _memory, _threads
from pyface._typing import Image, Points
from pyface.kernels.crops import BORDERS
from pyface.kernels.delaunay import delaunay_with_duplicates

__all__ = ["LONGEST_SIDE", "PiecewiseAffine", "WarpReport", "piecewise_affine"]

LONGEST_SIDE = 32_767  # pixels a side, of images and of the output
FARTHEST_TARGET = 1e6  # pixels
FARTHEST_SOURCE = 1e9
COLLAPSED = 0.05  # of the median of |det J|: a triangle with less is called collapsed

INTERPOLATIONS = ("linear", "nearest")


@dataclass(frozen=True, slots=True)
class WarpReport:
    """What a warp does to a face. J is a triangle's 2 x 2 matrix from output to photo, s1 >= s2 its singular values.

    Triangles without area in the target count nowhere.
    """

    flipped_area: float  # share of the mesh's area, in the output, whose triangles are turned over: det J < 0
    n_flipped: int
    n_collapsed: int  # |det J| below 0.05 of the median
    anisotropy: float  # largest s1 / s2 of those not collapsed; 1 is a similarity
    minification: float  # largest s1: pixels of the photo per output pixel; above about 2, use antialias
    sampled_outside: float | None  # share of the mesh's pixels that lie outside the photo; None without its shape


class PiecewiseAffine:
    """Warps photos so that points of a face come to lie on ``target``; linear inside each triangle of a mesh.

    target    : (n, 2) numbers, x y in pixels of the output, pixel centres at integers; finite, within 1e6.
    size      : (h, w) of the output, from 1 to 32,767 each.
    triangles : (t, 3) integers, rows of point indices of either orientation; None: the Delaunay triangles of target.

    The mesh is compiled once; an object may be used from many threads at once. Every pixel whose centre lies in the
    mesh, its rim included, belongs to one triangle: the one it is in; on an edge the one that has it as its left or top
    edge; in a mesh that overlaps the lowest row. For this question alone points are rounded to 1/256 pixel; positions
    in the photo are those of the points as given, but for triangles thinner than 1/32 pixel, which would lead far out
    of the photo's triangle.

    Attributes: ``target``, ``size``, ``triangles`` (t, 3) int32, ``duplicates`` (m, 2) int32, ``mask`` (h, w) bool. All
    arrays are read-only. A duplicate (i, j) says that point i of the target equals point j < i and is in no Delaunay
    triangle. The mask is the mesh: True where an output pixel shows the photo (or its border), not the fill.

    It can be pickled and copied; the mesh is then compiled again.

    A ValueError for fewer than 3 points, points on one line, NaN, rows of triangles that name a point that does not
    exist, or that are folded over a neighbour in the target. Triangles without area are legal and cover nothing.
    Time about 0.4 ms for 76 points and 256 x 256 pixels. Memory 12 bytes per run of pixels and 1 per pixel, while it is
    compiled 4 per pixel more; MemoryError before that takes more than is free.
    """

    def __init__(self, target: Any, size: Any, triangles: Any = None) -> None:
        self.target = _read_only(_points(target, "target", FARTHEST_TARGET))
        self.size = _size(size)
        if len(self.target) < 3:
            raise ValueError(f"target must have at least 3 points, got {len(self.target)}")
        duplicates = np.empty((0, 2), np.int32)
        if triangles is None:
            try:
                made, representative = delaunay_with_duplicates(self.target)
            except ValueError as error:
                raise ValueError(str(error).replace("points:", "target:")) from None
            double = np.flatnonzero(representative != np.arange(len(self.target)))
            duplicates = np.stack([double, representative[double]], axis=1).astype(np.int32)
        else:
            made = _triangles(triangles)
        self.triangles = _read_only(np.ascontiguousarray(made, np.int32))
        self.duplicates = _read_only(duplicates)
        self._compile()
        self._areas = abs(_determinants(_edges(self.target, self.triangles))) / 2
        if not self._areas.any():
            raise ValueError(
                "target: all triangles are without area; the points must not lie on one line, or too near to each other"
            )
        self.mask = _frozen(self._mesh.mask())

    def _compile(self) -> None:
        height, width = self.size
        _memory.require(5 * height * width, f"a mesh of {height} x {width} pixels", "choose a smaller size")
        self._mesh = _core.WarpMesh(self.target, self.triangles, *self.size)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_mesh"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for array in (self.target, self.triangles, self.duplicates, self.mask):
            _frozen(array)  # arrays are writable again when they come back
        self._compile()

    def __repr__(self) -> str:
        return f"PiecewiseAffine({len(self.target)} points, {len(self.triangles)} triangles, size={self.size})"

    def warp(
        self,
        image: Image,
        source: Any,
        *,
        interpolation: str = "linear",
        antialias: bool = False,
        border: str = "constant",
        fill: Any = 0,
        out: Image | None = None,
    ) -> Image:
        """The image warped so that its points ``source`` come to lie on ``target``.

        image  : (H, W) or (H, W, c) with c one of 1, 3, 4, uint8 or float32, from 1 to 32,767 pixels a side; any
                 layout, read-only or not (copied unless C-contiguous).
        source : (n, 2) numbers, x y in pixels of the image; anywhere, also outside of it, but finite and within 1e9.

        interpolation : "linear", the exact blend of four pixels: positions in float64, weights and values in float32,
            bytes rounded to the nearest, halves to even; at most 0.501 from the real number. Or "nearest", halves to
            the right and down.
        antialias : shrink the photo first, see docs/how-it-works/warp.md. A copy of 1 / k is used in which a pixel is
            the mean of k x k; k = 1 + floor(s / 2), where s is the square root of the area of the triangles in the
            photo over that in the target, one for the whole mesh. Below s = 2 there is no copy.
        border : what lies outside the image. "constant": pixels of the colour ``fill``; "replicate": the nearest
            position inside; "reflect": mirrored at the centres of the outermost pixels (OpenCV's reflect-101).
        fill : a number, or one per channel; also outside the mesh. For bytes whole numbers from 0 to 255.
        out : (h, w) or (h, w, c) to write to, of the image's dtype, C-contiguous; must not overlap the image.

        Returns (h, w) or (h, w, c) of the image's dtype. NaN in a float image comes to those pixels it has a weight in;
        infinite values, and those beyond 1e38, may become infinite or NaN. The same bits on every machine. One thread,
        the GIL is released, Ctrl-C ends it within about 0.1 s. Time about 3 ns per output pixel, and 10 us; memory 50
        bytes per output column, 100 for four floats, and with ``antialias`` that of the smaller photo.
        """
        checked = _check.pixels(image, longest=LONGEST_SIDE)
        points = self._source(source, "source")
        shape = (*self.size, *checked.shape[2:])
        result = _check.output(out, shape, checked.dtype.type, instead="use a mesh of a smaller size")
        options = _options(checked, interpolation, antialias, border, fill)
        if out is not None:
            _check.no_overlap(out, image)
        self._mesh.warp([checked], points[None], result[None], n_threads=1, **options)
        return result

    def warp_many(
        self,
        images: Any,
        sources: Any,
        *,
        interpolation: str = "linear",
        antialias: bool = False,
        border: str = "constant",
        fill: Any = 0,
        out: Image | None = None,
        n_threads: int | None = None,
    ) -> Image:
        """(m, h, w) or (m, h, w, c): ``warp`` of m faces, on several threads; the same bits as one by one.

        images  : one image for all faces, or a list, tuple or (m, H, W, c) array of one per face; of any sizes, but of
                  one dtype and number of channels.
        sources : (m, n, 2) numbers, the points of each face.

        Large faces are warped in bands of rows, so that threads share them too (not with ``antialias``). Ctrl-C ends it
        within about 0.1 s. The other arguments are those of :meth:`warp`.
        """
        points = _check.numbers(sources, "sources", f"(m, {len(self.target)}, 2)")
        if points.ndim != 3 or points.shape[1:] != self.target.shape:
            raise ValueError(f"sources must have shape (m, {len(self.target)}, 2), got {points.shape}")
        far = np.argwhere(~(np.abs(points) <= FARTHEST_SOURCE).all(axis=2))
        if far.size:
            raise ValueError(f"sources: point {far[0, 1]} of face {far[0, 0]} is not finite or beyond 1e9 pixels")
        checked = _images(images, len(points))
        shape = (len(points), *self.size, *checked[0].shape[2:])
        result = _check.output(out, shape, checked[0].dtype.type, instead="warp fewer faces at a time")
        options = _options(checked[0], interpolation, antialias, border, fill)
        if out is not None:
            _check.no_overlap(out, *checked)
        self._mesh.warp(checked, points, result, n_threads=_threads.resolve(n_threads), **options)
        return result

    def map_points(self, points: Any, source: Any) -> Points:
        """(m, 2) float64: where points (m, 2) of the output lie in the photo whose points are ``source``.

        NaN outside the mesh, and for points that are NaN. A corner of the mesh comes to its source exactly; edges
        belong to both triangles, which agree; what lies beside the rim by rounding alone is on it. The points as given
        decide, without rounding to 1/256 pixel. O(m t) time.
        """
        return self._mesh.map_points(_places(points, "points"), self._source(source, "source"), back=False)

    def inverse_map_points(self, points: Any, source: Any) -> Points:
        """(m, 2) float64: where points (m, 2) of the photo come to lie in the output, through the same triangles.

        The inverse of :meth:`map_points` up to rounding, also on the rim. NaN outside the triangles in the photo. Where
        these are folded a point lies in several: the lowest row counts. Triangles without area in the photo count
        nowhere.
        """
        return self._mesh.map_points(_places(points, "points"), self._source(source, "source"), back=True)

    def maps(self, source: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """x and y of each output pixel in the photo, (h, w) float32 each, -1 outside the mesh: for ``cv2.remap``.

        float32 keeps 1/1024 pixel or better in photos of up to 16,384 pixels. Memory 32 bytes per pixel, 8 in the end.
        """
        positions = self._positions(source, 32)
        positions[~self.mask] = -1
        x, y = np.moveaxis(positions, 2, 0).astype(np.float32)
        return x, y

    def inside(self, source: Any, shape: Any) -> NDArray[np.bool_]:
        """(h, w) bool: output pixels of the mesh whose position lies in a photo of ``shape`` (H, W, ...).

        Inside is [0, W - 1] x [0, H - 1], from centre to centre of the outermost pixels, give or take 1e-6 pixel.
        """
        height, width = _photo_size(shape)
        x, y = np.moveaxis(self._positions(source, 20), 2, 0)
        slack = 1e-6
        with np.errstate(invalid="ignore"):
            found: NDArray[np.bool_] = (
                (x >= -slack) & (y >= -slack) & (x <= width - 1 + slack) & (y <= height - 1 + slack)
            )
        return found

    def report(self, source: Any, shape: Any = None) -> WarpReport:
        """What the warp from ``source`` does to the face; with the photo's ``shape`` (H, W, ...) also what is missing.

        A folded source is no error: the picture then shows parts mirrored, and this tells how much.
        """
        points = self._source(source, "source")
        counted = self._areas > 0
        areas = self._areas[counted]
        j = self._mesh.coefficients(points)[counted][:, :, 1:]
        det = _determinants(_edges(points, self.triangles[counted])) * np.sign(
            _determinants(_edges(self.target, self.triangles[counted]))
        )
        shrunk = abs(det) / (2 * areas)
        collapsed = shrunk < COLLAPSED * np.median(shrunk) if shrunk.any() else np.ones(len(shrunk), bool)
        largest, least = np.linalg.svd(j, compute_uv=False).T
        usable = ~collapsed & (least > 0)
        outside = None
        if shape is not None:
            n_pixels = np.count_nonzero(self.mask)
            n_inside = np.count_nonzero(self.inside(points, shape))
            outside = float(1 - n_inside / n_pixels) if n_pixels else 0.0
        return WarpReport(
            flipped_area=float(areas[det < 0].sum() / areas.sum()),
            n_flipped=int(np.count_nonzero(det < 0)),
            n_collapsed=int(np.count_nonzero(collapsed)),
            anisotropy=float((largest[usable] / least[usable]).max()) if usable.any() else float("inf"),
            minification=float(largest.max()),
            sampled_outside=outside,
        )

    def _positions(self, source: Any, bytes_per_pixel: int) -> NDArray[np.float64]:
        points, (height, width) = self._source(source, "source"), self.size
        what = f"the positions of {height} x {width} pixels"
        _memory.require(bytes_per_pixel * height * width, what, "use a mesh of a smaller size")
        return self._mesh.positions(points)

    def _source(self, source: Any, name: str) -> Points:
        points = _points(source, name, FARTHEST_SOURCE)
        if points.shape != self.target.shape:
            raise ValueError(f"{name} must have {len(self.target)} points like target, got {len(points)}")
        return points


def piecewise_affine(
    image: Image,
    source: Any,
    target: Any,
    *,
    size: Any = None,
    triangles: Any = None,
    interpolation: str = "linear",
    antialias: bool = False,
    border: str = "constant",
    fill: Any = 0,
    out: Image | None = None,
) -> Image:
    """``PiecewiseAffine(target, size, triangles).warp(image, source, ...)``; ``size`` (h, w) is by default the image's.

    source : (n, 2) points in the image.        target : (n, 2), where they shall be in the result.
    For several faces and the same target make the :class:`PiecewiseAffine` once.
    """
    checked = _check.pixels(image, longest=LONGEST_SIDE)
    mesh = PiecewiseAffine(target, checked.shape[:2] if size is None else size, triangles)
    return mesh.warp(image, source, interpolation=interpolation, antialias=antialias, border=border, fill=fill, out=out)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    return _frozen(array.copy())


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


def _points(value: Any, name: str, farthest: float = FARTHEST_SOURCE) -> Points:
    array = value if _check.is_plain(value, np.float64) else _check.numbers(value, name, "(n, 2)")
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{name} must have shape (n, 2), got {array.shape}")
    # The sum of squares asks all at once; NaN is no number, so it compares to nothing.
    if not np.vdot(array, array) <= farthest**2:
        far = np.flatnonzero(~(np.abs(array) <= farthest).all(axis=1))
        if far.size:
            raise ValueError(
                f"{name}: row {far[0]} is not finite or beyond {farthest:g} pixels: {array[far[0]].tolist()}"
            )
    return array


def _places(value: Any, name: str) -> Points:
    """Points that may also be NaN: those that lead nowhere."""
    array = _check.numbers(value, name, "(m, 2)")
    if array.ndim == 2 and array.shape[1] == 2 and np.isnan(array).any():
        _points(np.where(np.isnan(array), 0, array), name)
        return array
    return _points(array, name)


def _photo_size(shape: Any) -> tuple[int, int]:
    if isinstance(shape, np.ndarray) or not isinstance(shape, Sequence) or len(shape) < 2:
        got = "an array" if isinstance(shape, np.ndarray) else repr(shape)
        raise TypeError(f"shape must be (H, W) or (H, W, c) of the photo, as photo.shape has it, got {got}")
    return _size(tuple(shape[:2]), "shape")


def _size(value: Any, name: str = "size") -> tuple[int, int]:
    try:
        height, width = value
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be (height, width), got {value!r}") from None
    rule = " pixels a side"
    return (
        _check.integer(height, f"the height in {name}", minimum=1, maximum=LONGEST_SIDE, why=rule),
        _check.integer(width, f"the width in {name}", minimum=1, maximum=LONGEST_SIDE, why=rule),
    )


def _triangles(value: Any) -> NDArray[np.int32]:
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"triangles must be integers of shape (t, 3), got {array.dtype}")
    if array.ndim != 2 or array.shape[1] != 3 or not len(array):
        raise ValueError(f"triangles must have shape (t, 3), t at least 1, got {array.shape}")
    wide = np.flatnonzero(((array < 0) | (array > np.iinfo(np.int32).max)).any(axis=1))
    if wide.size:
        raise ValueError(f"triangles: row {wide[0]} names a point that does not exist: {array[wide[0]].tolist()}")
    return array.astype(np.int32)


def _edges(points: Points, triangles: NDArray[np.int32]) -> NDArray[np.float64]:
    """(t, 2, 2): the vectors from the first corner of each triangle to the others."""
    corners = points[triangles]
    return corners[:, 1:] - corners[:, :1]


def _determinants(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]


def _images(value: Any, n: int) -> list[Image]:
    if isinstance(value, np.ndarray) and value.ndim != 4:
        return [_check.pixels(value, "images", longest=LONGEST_SIDE)]
    if not isinstance(value, np.ndarray | Sequence):
        raise TypeError(f"images must be an array or a list of arrays, got {type(value).__name__}")
    if not len(value):
        raise ValueError("images must hold at least one image")
    if len(value) != n:
        raise ValueError(f"images must be one for all, or one for each of the {n} faces of sources, got {len(value)}")
    checked = [_check.pixels(image, f"images[{i}]", longest=LONGEST_SIDE) for i, image in enumerate(value)]
    first = checked[0]
    for i, image in enumerate(checked):
        if image.dtype != first.dtype or image.shape[2:] != first.shape[2:]:
            raise ValueError(
                f"images[{i}] has {image.dtype} and shape {image.shape}, but images[0] has {first.dtype} and shape "
                f"{first.shape}; dtype and channels must be the same"
            )
    return checked


def _options(image: Image, interpolation: Any, antialias: Any, border: Any, fill: Any) -> dict[str, Any]:
    return {
        "linear": _check.choice(interpolation, "interpolation", INTERPOLATIONS) == "linear",
        "antialias": _check.flag(antialias, "antialias"),
        "border": _check.choice(border, "border", BORDERS),
        "fill": _check.colour(fill, image),
    }
