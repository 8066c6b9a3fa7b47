"""MTCNN: three networks one after another, each of which looks closer at what the one before it has left.

Zhang and others, "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016. What the
paper leaves open is done as in the family of programs that mtcnn-runtime belongs to: docs/decisions.md.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory, _threads
from pyface._typing import Boxes, Points, Scores
from pyface.errors import require_extra
from pyface.kernels.boxes import nms, nms_of_smaller
from pyface.kernels.crops import area_crops
from pyface.models.base import Detector
from pyface.models.images import Batch, rgb_bytes
from pyface.models.mtcnn.detector_graphs import CELL, ONET_SIZE, RNET_SIZE, STRIDE
from pyface.models.mtcnn.onet_graph import N_POINTS
from pyface.models.parallel import of_each
from pyface.models.session import Session
from pyface.types import Detections

__all__ = ["FACTOR", "THRESHOLDS", "Mtcnn", "level_scales"]

FACTOR = 0.709
"""Each level of the pyramid is so many times as wide and high as the one before: half the pixels."""
MIN_FACE = 20.0
THRESHOLDS = (0.6, 0.7, 0.7)
"""Probabilities of P-Net, R-Net and O-Net must be greater."""
_LEVEL_IOU, _PYRAMID_IOU, _REFINED_IOU, _SAME_FACE = 0.5, 0.7, 0.7, 0.7

# A level is searched in tiles of so many cells, which bounds memory and keeps all threads busy. The network holds about
# so many bytes for a pixel of a tile.
_TILE_CELLS = 192
_TILE_BYTES = 300
# Crops that R-Net and O-Net see at once.
_RNET_BATCH, _ONET_BATCH = 64, 16
_SMALLEST_MIN_FACE = 1.0
# Boxes that a network has thrown as far as this hold no face, and no crop could be cut.
_FARTHEST, _LONGEST = 1e9, 1 << 22


Each = Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]
"""Does a piece of work for every item and gives what comes of it, in order."""


class _Tile(NamedTuple):
    """Cells of a level: the row and column of the first one, and the pixels that they see."""

    top: int
    left: int
    pixels: NDArray[np.uint8]


class _Cells(NamedTuple):
    """Where P-Net sees a face: column and row in the level (n, 2), probability (n,), better edges (n, 4)."""

    places: NDArray[np.int64]
    scores: Scores
    shifts: NDArray[np.float32]


class Mtcnn(Detector):
    """Faces from 20 pixels up (:meth:`detect` can be told another size), their boxes and five points (``arcface-5``).

    pnet, rnet, onet : sessions of the three graphs, of one thread each: tiles, crops and photos go to threads of ours.
    factor : from one level of the pyramid to the next, in (0, 1).
    """

    smallest_face = MIN_FACE
    largest_face = None

    def __init__(
        self,
        pnet: Session,
        rnet: Session,
        onet: Session,
        *,
        name: str,
        family: str,
        digest: str,
        n_threads: int | None = None,
        factor: float = FACTOR,
    ) -> None:
        self.name, self.family, self.digest = name, family, digest
        self._pnet, self._rnet, self._onet = pnet, rnet, onet
        self._n_threads, self._factor = n_threads, factor

    def with_factor(self, factor: float) -> Mtcnn:
        """The same networks with other steps of the pyramid, in (0, 1); near 1 there are many. It cannot be pickled."""
        given = _check.number(factor, "factor", above=0)
        if given >= 1:
            raise ValueError(f"factor must be less than 1, got {factor!r}")
        return Mtcnn(
            self._pnet,
            self._rnet,
            self._onet,
            name=self.name,
            family=self.family,
            digest=f"{self.digest} factor {given!r}",
            n_threads=self._n_threads,
            factor=given,
        )

    def detect(
        self, image: Any, *, threshold: float | None = None, color: str = "rgb", min_face: float = MIN_FACE
    ) -> Detections:
        """The faces of one image, best first, with five points each; boxes and points are not whole pixels.

        image : (h, w, 3) or grey (h, w), uint8 or float32 in 0..255; ``color`` is ``"rgb"`` or ``"bgr"``. Floats are
            rounded to bytes, halves to even. An image whose shorter side is less than ``min_face`` holds no face.
        threshold : O-Net's scores, in 0..1, must be greater; ``None`` is 0.7. Those of P-Net and R-Net stay 0.6 and
            0.7.
        min_face : side in pixels of the smallest face that is looked for, at least 1. Half of it takes four times the
            time and memory.

        The image is seen at 12 / ``min_face`` times its size and at each 0.709 of that, bilinear, as long as the
        shorter side has 12 pixels. P-Net's boxes drop others of their level that they overlap by more than 0.5 and
        others of any level by more than 0.7, intersection over union with both edges counted; R-Net's by 0.7, O-Net's
        by 0.7 of the smaller one. Crops are squares of whole pixels, brought to 24 and 48 pixels by area; what lies
        outside the image is black. What the networks turn inside out is dropped.

        Nothing depends on threads. Memory about 870 / ``min_face``² bytes a pixel, and 50 MB a thread; MemoryError
        if there is less.
        """
        least, smallest = _least(threshold), _smallest(min_face)
        pixels = rgb_bytes(image, color, stacklevel=3)
        n_workers = _threads.resolve(self._n_threads)
        if n_workers < 2:
            return self._found(pixels, least, smallest, _one_by_one, 1)
        pool = ThreadPoolExecutor(n_workers, thread_name_prefix="pyface")
        try:
            return self._found(pixels, least, smallest, lambda work, items: list(pool.map(work, items)), n_workers)
        finally:
            pool.shutdown(cancel_futures=True)

    def detect_many(
        self,
        images: Iterable[Any],
        *,
        threshold: float | None = None,
        color: str = "rgb",
        min_face: float = MIN_FACE,
    ) -> list[Detections]:
        """:meth:`detect` for each image, in order, to the bit. The images may differ in size.

        Each thread has an image of its own. If some are no images, the others are searched all the same; then a
        BatchError names the first one, and has what was found as ``results``.
        """
        least, smallest = _least(threshold), _smallest(min_face)
        batch = Batch(images, color)
        photos = list(map(functools.partial(rgb_bytes, stacklevel=3), batch.images))  # no frame of a comprehension
        n_workers = min(_threads.resolve(self._n_threads), len(photos))
        if n_workers < 2:
            return batch.of_all([self._found(pixels, least, smallest, _one_by_one, 1) for pixels in photos])
        return batch.of_all(
            of_each(lambda pixels: self._found(pixels, least, smallest, _one_by_one, n_workers), photos, n_workers)
        )

    def _found(
        self,
        pixels: NDArray[np.uint8],
        least: float,
        min_face: float,
        each: Each,
        n_at_once: int,
    ) -> Detections:
        """The faces of a photo (h, w, 3). So many pieces of work, of this photo or of others, may be under way."""
        rows, cols = pixels.shape[:2]
        with _memory.told(f"to search an image of {cols} x {rows} pixels", "use a smaller one or a larger min_face"):
            scales = level_scales(rows, cols, min_face, self._factor)
            sizes = [(math.ceil(rows * scale), math.ceil(cols * scale)) for scale in scales]
            tile = min((STRIDE * _TILE_CELLS + CELL) ** 2, max((r * c for r, c in sizes), default=0))
            need = 3 * sum(r * c for r, c in sizes) + _TILE_BYTES * tile * n_at_once
            _memory.require(need, "searching it", "use a smaller one or a larger min_face")
            levels = each(lambda size: _level(pixels, *size), sizes)
            tiles = [_tiles(level) for level in levels]
            answers = iter(each(self._proposed, [tile for level in tiles for tile in level]))
            parts = [[next(answers) for _ in level] for level in tiles]
            boxes = _proposals([_of_level(cells, scale) for cells, scale in zip(parts, scales, strict=True)])
            boxes = self._refined(pixels, boxes, each)
            return self._confirmed(pixels, boxes, least, each)

    def _proposed(self, tile: _Tile) -> _Cells:
        found = self._pnet.run(np.ascontiguousarray(tile.pixels)[None])[0]
        row, column = np.nonzero(found[0] > THRESHOLDS[0])
        places = np.stack([column + tile.left, row + tile.top], axis=1)
        return _Cells(places, found[0, row, column], found[1:, row, column].T)

    def _refined(self, pixels: NDArray[np.uint8], boxes: Boxes, each: Each) -> Boxes:
        """Of squares (n, 4), those that R-Net takes for faces, as squares around its better boxes."""
        found = _looked_at(self._rnet, pixels, boxes, RNET_SIZE, _RNET_BATCH, each)
        passed = np.flatnonzero(found[:, 0] > THRESHOLDS[1])
        kept = passed[nms(_with_last_pixels(boxes[passed]), found[passed, 0], _REFINED_IOU)]
        return _squares(_shifted(boxes[kept], found[kept, 1:]))

    def _confirmed(self, pixels: NDArray[np.uint8], boxes: Boxes, least: float, each: Each) -> Detections:
        """Of squares (n, 4), those that O-Net takes for faces, with its better boxes and its points."""
        found = _looked_at(self._onet, pixels, boxes, ONET_SIZE, _ONET_BATCH, each)
        better = _shifted(boxes, found[:, 1:5])
        passed = np.flatnonzero((found[:, 0] > least) & _is_upright(better))
        kept = passed[nms_of_smaller(_with_last_pixels(better[passed]), found[passed, 0], _SAME_FACE)]
        return Detections(better[kept], found[kept, 0], _points(boxes[kept], found[kept, 5:]))


def level_scales(rows: int, cols: int, min_face: float, factor: float = FACTOR) -> list[float]:
    """The sizes, in parts of its own, at which an image is seen, largest first."""
    scales: list[float] = []
    scale = CELL / min_face
    while min(rows, cols) * scale >= CELL:
        scales.append(scale)
        scale *= factor
    return scales


def _level(pixels: NDArray[np.uint8], rows: int, cols: int) -> NDArray[np.uint8]:
    cv2 = require_extra("cv2")
    level: NDArray[np.uint8] = cv2.resize(pixels, (cols, rows), interpolation=cv2.INTER_LINEAR)
    return level


def _tiles(level: NDArray[np.uint8]) -> list[_Tile]:
    """Tiles that together have each cell of the level once. What a cell gives does not depend on the tile it is in."""
    rows, columns = (_parts((side - 1) // STRIDE - 4) for side in level.shape[:2])  # as many as P-Net gives
    more = CELL - STRIDE
    # Where a side is odd, a pixel of the last cells lies outside.
    return [
        _Tile(top, left, level[STRIDE * top : STRIDE * bottom + more, STRIDE * left : STRIDE * right + more])
        for top, bottom in rows
        for left, right in columns
    ]


def _parts(count: int) -> list[tuple[int, int]]:
    """``count`` cells in parts of about the same size, none larger than a tile."""
    ends = np.linspace(0, count, -(-count // _TILE_CELLS) + 1).astype(int).tolist()
    return list(itertools.pairwise(ends))


def _of_level(parts: list[_Cells], scale: float) -> tuple[Boxes, _Cells]:
    """The best cells of a level ``scale`` times the size of the photo, and their boxes in it."""
    places, scores, shifts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    # By rows, whatever the tiles: of equal scores the first one stays.
    order = np.lexsort(places.T)
    places, scores, shifts = places[order], scores[order], shifts[order]
    # A cell is counted from its second to its thirteenth pixel and beyond, as the networks after it are used to.
    corner = STRIDE * places + 1
    boxes = np.rint(np.hstack([corner, corner + CELL]) / scale)
    kept = nms(_with_last_pixels(boxes), scores, _LEVEL_IOU)
    return boxes[kept], _Cells(places[kept], scores[kept], shifts[kept])


def _proposals(levels: list[tuple[Boxes, _Cells]]) -> Boxes:
    """The squares (n, 4) that R-Net is to look at."""
    if not levels:
        return np.empty((0, 4))
    boxes = np.concatenate([boxes for boxes, _ in levels])
    scores = np.concatenate([cells.scores for _, cells in levels])
    shifts = np.concatenate([cells.shifts for _, cells in levels])
    kept = nms(_with_last_pixels(boxes), scores, _PYRAMID_IOU)
    return _squares(_shifted(boxes[kept], shifts[kept]))


def _looked_at(
    session: Session, pixels: NDArray[np.uint8], boxes: Boxes, size: int, at_once: int, each: Each
) -> NDArray[np.float32]:
    """What a network gives for squares (n, 4) of the photo, (n, numbers)."""

    def look(batch: NDArray[np.int64]) -> NDArray[np.float32]:
        return session.run(area_crops(pixels, batch, (size, size), n_threads=1))

    whole = boxes.astype(np.int64)
    answers = each(look, [whole[i : i + at_once] for i in range(0, len(whole), at_once)])
    return np.concatenate([np.empty((0, session.output_shape[1]), np.float32), *answers])


def _with_last_pixels(boxes: Boxes) -> Boxes:
    """Boxes of pixels as rectangles, so that the last pixels count."""
    rectangles: Boxes = boxes + np.array([0, 0, 1, 1])
    return rectangles


def _shifted(boxes: Boxes, shifts: NDArray[np.float32]) -> Boxes:
    """Boxes whose edges were moved by parts of their width and height."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    shifted: Boxes = boxes + np.hstack([sides, sides]) * shifts
    return shifted


def _squares(boxes: Boxes) -> Boxes:
    """Squares of whole pixels with the middles and the longer sides of boxes; those that no crop can be cut of go."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    longer = sides.max(axis=1, keepdims=True)
    corner = boxes[:, :2] + sides / 2 - longer / 2
    squares = np.rint(np.hstack([corner, corner + longer - 1]))
    is_near = (longer[:, 0] < _LONGEST) & np.all(np.abs(squares) < _FARTHEST, axis=1)
    kept: Boxes = squares[_is_upright(squares) & is_near]
    return kept


def _is_upright(boxes: Boxes) -> NDArray[np.bool_]:
    upright: NDArray[np.bool_] = np.all(boxes[:, 2:] >= boxes[:, :2], axis=1)
    return upright


def _points(boxes: Boxes, found: NDArray[np.float32]) -> Points:
    """(n, 5, 2) of parts (n, 10) of squares: x of five points, y of five points, from the corners of first pixels."""
    parts = found.astype(np.float64).reshape(-1, 2, N_POINTS).transpose(0, 2, 1)
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes[:, None, :2] - 0.5 + parts * sides[:, None]


def _least(threshold: float | None) -> float:
    return THRESHOLDS[2] if threshold is None else _check.number(threshold, "threshold")


def _smallest(min_face: float) -> float:
    return _check.number(min_face, "min_face", minimum=_SMALLEST_MIN_FACE)


def _one_by_one(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    return [work(item) for item in items]
