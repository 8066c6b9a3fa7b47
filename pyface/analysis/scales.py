"""At which sizes a photo is searched: one bounded look by default, a ladder of sizes and tiles for small faces.

A detector finds faces from ``smallest_face`` pixels up. By default the photo is searched once, its longer side at most
``max_side`` pixels. A ``min_face`` asks for more: the photo is searched at the size where such a face is just large
enough, in tiles when that size is large, and again at each halving of it down to one look at the whole. A face that is
too large for the overlap of two tiles is found whole at one of the halvings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pyface.errors import require_extra
from pyface.models import Detector
from pyface.models.looks import merged
from pyface.types import Detections

MAX_SIDE = 1280
# Tiles of one step of the ladder have to show faces of up to twice `smallest_face` whole, with their surroundings.
_TILE_OVERLAP_FACES = 4.0
# A face nearer to the edge of a tile than this is left to the tile that shows it whole.
_TILE_MARGIN_FACES = 0.25
# A look whose longer side is so many times the detector's largest face gets a small one beside it.
_WORTH_A_SMALL_LOOK = 1.5


@dataclass(frozen=True, slots=True)
class Look:
    """A rectangle of the photo (``x0 <= x < x1``), searched at ``width`` x ``height`` pixels.

    What is at most ``left_to_others`` pixels of the photo long and high is left to the other looks. With a ``canvas``
    the rectangle is shown in the corner of a black square of that side, so that a detector does not enlarge it.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    width: int
    height: int
    left_to_others: float = 0.0
    canvas: int = 0


def plan_looks(
    width: int,
    height: int,
    smallest_face: float,
    *,
    largest_face: float | None = None,
    input_side: int | None = None,
    min_face: float | None = None,
    max_side: int = MAX_SIDE,
) -> list[Look]:
    """The looks that find faces of ``min_face`` pixels (None: what one bounded look finds) in a photo of this size.

    smallest_face, largest_face, input_side : the detector's.
    """
    if input_side is not None:
        max_side = min(max_side, input_side)
    looks = _ladder(width, height, smallest_face, min_face=min_face, max_side=max_side)
    # The last look shows all of the photo; a detector of one size enlarges what is smaller.
    long_side, seen = max(width, height), input_side or max(looks[-1].width, looks[-1].height)
    if largest_face is not None and seen > _WORTH_A_SMALL_LOOK * largest_face:
        small_look = _whole(width, height, min(1.0, largest_face / long_side))
        looks.append(replace(small_look, left_to_others=largest_face * long_side / seen, canvas=input_side or 0))
    return looks


def _ladder(width: int, height: int, smallest_face: float, *, min_face: float | None, max_side: int) -> list[Look]:
    long_side = max(width, height)
    if min_face is None:
        return [_whole(width, height, min(1.0, max_side / long_side))]
    scale = smallest_face / min_face
    overlap = round(_TILE_OVERLAP_FACES * smallest_face)
    # Tiles much smaller than this would consist of overlap.
    side = max(max_side, 4 * overlap)
    looks: list[Look] = []
    while scale * long_side > side:
        looks += _tiles(width, height, scale, side, overlap)
        scale /= 2
    return [*looks, _whole(width, height, scale)]


def _whole(width: int, height: int, scale: float) -> Look:
    return Look(0, 0, width, height, max(1, round(width * scale)), max(1, round(height * scale)))


def _tiles(width: int, height: int, scale: float, side: int, overlap: int) -> Iterator[Look]:
    """Tiles of about ``side`` pixels at this scale; their edges are whole pixels of the photo."""
    for y0, y1 in _spans(height, side / scale, overlap / scale):
        for x0, x1 in _spans(width, side / scale, overlap / scale):
            yield Look(x0, y0, x1, y1, max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))


def _spans(length: int, side: float, overlap: float) -> list[tuple[int, int]]:
    if length <= side:
        return [(0, length)]
    count = int(np.ceil((length - overlap) / (side - overlap)))
    starts = np.linspace(0, length - side, count)
    return [(int(np.floor(start)), min(length, int(np.ceil(start + side)))) for start in starts]


def detect_at_scales(
    detector: Detector,
    image: NDArray[np.generic],
    *,
    original_size: tuple[int, int] | None = None,
    min_face: float | None = None,
    max_side: int = MAX_SIDE,
    checkpoint: Callable[[], None] = lambda: None,
) -> Detections:
    """Search ``image`` as :func:`plan_looks` says; boxes in the pixels of the original.

    ``original_size`` (width, height) is that of the photo if ``image`` is a smaller copy of it (the default plan only
    shrinks, so a smaller copy will do). ``checkpoint`` is called between looks and may raise to stop.
    """
    rows, cols = image.shape[:2]
    width, height = original_size or (cols, rows)
    found: list[Detections] = []
    looks = plan_looks(
        width,
        height,
        detector.smallest_face,
        largest_face=detector.largest_face,
        input_side=detector.input_side,
        min_face=min_face,
        max_side=max_side,
    )
    for look in looks:
        checkpoint()
        found.append(_detect_in(detector, image, look, (width, height)))
    return merged(found)


def _detect_in(detector: Detector, image: NDArray[np.generic], look: Look, size: tuple[int, int]) -> Detections:
    """The faces in one look, in the pixels of the photo of this size (width, height)."""
    x_ratio, y_ratio = image.shape[1] / size[0], image.shape[0] / size[1]
    left, right = round(look.x0 * x_ratio), max(1, round(look.x1 * x_ratio))
    top, bottom = round(look.y0 * y_ratio), max(1, round(look.y1 * y_ratio))
    picture = _resized(image[top:bottom, left:right], look.width, look.height)
    if look.canvas > max(look.width, look.height):
        rest = ((0, look.canvas - look.height), (0, look.canvas - look.width), (0, 0))
        picture = np.pad(picture, rest[: picture.ndim])
    seen = detector.detect(picture)
    scale = np.array([(look.x1 - look.x0) / look.width, (look.y1 - look.y0) / look.height])
    origin = np.array([look.x0, look.y0])

    def to_photo(points: NDArray[np.float64]) -> NDArray[np.float64]:
        # Pixel centres are at integers, so the edge of the first pixel lies at -0.5 in both images.
        mapped: NDArray[np.float64] = (points + 0.5) * scale - 0.5 + origin
        return mapped

    boxes = to_photo(seen.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
    landmarks = None if seen.landmarks is None else to_photo(seen.landmarks)
    margin = _TILE_MARGIN_FACES * detector.smallest_face * scale
    kept = _not_cut(boxes, look, size, margin) & ((boxes[:, 2:] - boxes[:, :2]).max(axis=1) > look.left_to_others)
    return Detections(boxes[kept], seen.scores[kept], None if landmarks is None else landmarks[kept])


def _not_cut(
    boxes: NDArray[np.float64], look: Look, size: tuple[int, int], margin: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """False for boxes that come close to an edge of the look which is not an edge of the photo of this size."""
    keep = np.ones(len(boxes), dtype=bool)
    for axis, begin, end in ((0, look.x0, look.x1), (1, look.y0, look.y1)):
        if begin > 0:
            keep &= boxes[:, axis] >= begin + margin[axis]
        if end < size[axis]:
            keep &= boxes[:, axis + 2] <= end - 1 - margin[axis]
    return keep


def in_copy(points: NDArray[np.float64], image: NDArray[np.generic], size: tuple[int, int]) -> NDArray[np.float64]:
    """Points (..., 2) of a photo of this size (width, height), in the pixels of ``image``, a smaller copy of it.

    Depths of points (..., 3) go along with x.
    """
    return _mapped(points, size, (image.shape[1], image.shape[0]))


def in_photo(points: NDArray[np.float64], image: NDArray[np.generic], size: tuple[int, int]) -> NDArray[np.float64]:
    """The way back from :func:`in_copy`."""
    return _mapped(points, (image.shape[1], image.shape[0]), size)


def _mapped(points: NDArray[np.float64], size: tuple[int, int], other: tuple[int, int]) -> NDArray[np.float64]:
    if size == other:
        return points
    ratio = np.array(other) / size
    mapped = (points[..., :2] + 0.5) * ratio - 0.5
    return mapped if points.shape[-1] == 2 else np.concatenate([mapped, points[..., 2:] * ratio[0]], axis=-1)


def _resized(image: NDArray[np.generic], width: int, height: int) -> NDArray[np.generic]:
    if image.shape[:2] == (height, width):
        return np.ascontiguousarray(image)
    cv2 = require_extra("cv2")
    shrinks = width <= image.shape[1] and height <= image.shape[0]
    resized: NDArray[np.generic] = cv2.resize(
        image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return resized
