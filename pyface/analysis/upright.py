"""Landmarks of tilted faces, located once more in a small picture in which the face is upright.

Landmark models are trained on upright faces in a detector's boxes. Detectors find faces at tilts at which neither
their own points nor those of a landmark model are right. Here the roll comes from the points found first and, where
they may be wrong, from turns of the face: the one at which the detector is surest, or at which what the landmark model
says of the roll does not depend on the turn. Then both see the face upright, and what they find is turned back. Figures
and limits: docs/how-it-works/alignment.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Boxes, Points, Scores
from pyface.geometry import convert_landmarks, similarity_transform, template_points
from pyface.geometry.conversions import can_convert
from pyface.kernels.crops import affine_crops
from pyface.kernels.faces import bytes_of
from pyface.models import Detector, Landmarker
from pyface.types import Detections

__all__ = ["TILTED", "refined", "rolls_of"]

TILTED = 10.0
"""Degrees. Points of faces that are tilted by less are as good as those of upright ones, by measurement."""
# Degrees: a face that is tilted by less in its own picture is not turned again.
_SETTLED = 5.0
_PASSES = 3
# Pixels; of a smaller face neither the roll nor which way is up can be told.
_SMALLEST = 20.0
_FARTHEST = 1e7
# Side of a face's picture in sides of its box, and of the face in it, in pixels: the detector finds the face in it, and
# whole pixels are fine enough for the eyes' angle.
_MARGIN, _SIDE = 2.0, 128
# The same in the picture that shows a face at all turns, in which it is only to be found; rows and columns of that.
_MARGIN_IN_SEARCH, _SIDE_IN_SEARCH = 2.5, 48
_ROWS, _COLS = 2, 3
# How much surer the detector must be of a face that is turned than of it as its points have it.
_SURER = 0.02
# Degrees: steps of the turns at which a landmark model is asked for the roll; how far apart its answers may lie at the
# face as it is and two steps to both sides; and at most at a turn that is believed and three steps to both sides. Away
# from the upright it answers what it is used to, so that they lie as far apart as the turns.
_STEP, _AGREE, _AGREE_TURNED = 10, 5.0, 5.0
_SIDE_OF_TURNS = 96
# Templates by the order of points.
_TEMPLATES = {"arcface-5": "arcface", "dlib-5": "arcface-dlib-5"}
_TEMPLATE_SIZE = 112


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A face in the image: middle (2,) and longer side of its box in pixels, and its roll in degrees, clockwise."""

    middle: NDArray[np.float64]
    side: float
    roll: float

    def matrix(self, pixels: int, side: float) -> NDArray[np.float64]:
        """(2, 3), from a picture of pixels x pixels that shows the face upright in its middle, ``side`` pixels long."""
        radians = np.radians(self.roll)
        c, s = np.cos(radians), np.sin(radians)
        turn = np.array([[c, -s], [s, c]]) * (self.side / side)
        return np.column_stack([turn, self.middle - turn @ np.full(2, (pixels - 1) / 2)])


def refined(
    detector: Detector | None,
    landmarker: Landmarker | None,
    image: Any,
    boxes: Boxes,
    scores: Scores,
    points: Points,
    scheme: str,
    of_detector: Points | None = None,
) -> tuple[Points, NDArray[np.int64]]:
    """Better points of the faces that are tilted, (m, k, 2 or 3) in pixels of the image, and their m rows, ascending.

    detector : None if the boxes are from elsewhere. It looks for each of these faces, and for no others.
    landmarker : None if the points are the detector's.
    image : (h, w, 3) or (h, w), RGB or grey, uint8 or float32.
    boxes, scores, points : (n, 4), (n,) and (n, k, 2 or 3), as the two gave them, and the order of the points.
    of_detector : (n, 5, 2), points that the detector gave, too, whose roll counts where it is the larger one.

    A face is tilted if its points are turned by more than :data:`TILTED`; if its score is below the detector's
    :attr:`~pyface.models.Detector.upright_score` and it is surer of the face at another turn; or, where the detector
    has neither that score nor points, if the landmark model contradicts itself on the face as it is and not on the face
    turned. It is turned by what its points say until they say less than 5 degrees, three times at most. If they are
    turned by more than TILTED in each of its pictures, too, the face is left as it was. So are faces of less than 20
    pixels, and all if nothing is known of the order of the points.

    What is found for a face does not depend on the others. Time for a tilted face: that of up to four small pictures
    for the detector and three for the landmark model (39 where the detector has no ``upright_score``). For another one:
    of one picture for the detector where its score is low, of three for the landmark model where the detector has
    neither such a score nor points; else nothing.
    """
    none = points[:0], np.empty(0, np.int64)
    if len(points) == 0 or not _is_known(scheme):
        return none
    rolls = rolls_of(points, scheme)
    if detector is not None and detector.scheme is not None and of_detector is not None and _is_known(detector.scheme):
        others = rolls_of(of_detector, detector.scheme)
        rolls = np.where(np.abs(others) > np.abs(rolls), others, rolls)
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    is_unsure = np.zeros(len(boxes), bool)
    if detector is not None and detector.upright_score is not None:
        is_unsure = scores < detector.upright_score
    elif landmarker is not None and (detector is None or detector.scheme is None):
        is_unsure[:] = True
    is_usable = (sides >= _SMALLEST) & (np.abs(boxes) <= _FARTHEST).all(axis=1)
    chosen = np.flatnonzero(is_usable & (is_unsure | (np.abs(rolls) > TILTED)))
    if not chosen.size:
        return none
    pixels = bytes_of(image)
    rows, better = [], []
    for i in chosen:
        place = _Place((boxes[i, :2] + boxes[i, 2:]) / 2, float(sides[i]), float(rolls[i]))
        found = _located(detector, landmarker, pixels, place, boxes[i, 2:] - boxes[i, :2], scheme)
        if found is not None:
            rows.append(i)
            better.append(found)
    return (np.stack(better), np.array(rows, np.int64)) if rows else none


def rolls_of(points: Points, scheme: str) -> NDArray[np.float64]:
    """(n,) degrees clockwise by which faces of points (n, k, 2 or 3) are turned: the best fit of an upright face.

    It is 0 for points that are all one, or not finite. ValueError for an order that cannot be brought to five points.
    """
    rolls = np.zeros(len(points))
    five = points[..., :2]
    is_good = np.isfinite(five).all(axis=(1, 2)) & (np.abs(five) <= _FARTHEST).all(axis=(1, 2))
    five = five[is_good] if scheme in _TEMPLATES else convert_landmarks(five[is_good], scheme, "arcface-5")
    has_spread = (np.ptp(five, axis=1) > 1e-3).any(axis=1)
    if has_spread.any():
        template = template_points(_TEMPLATES.get(scheme, "arcface"), _TEMPLATE_SIZE)
        fitted = similarity_transform(five[has_spread], template)
        rolls[np.flatnonzero(is_good)[has_spread]] = -fitted.rotation
    return rolls


def _is_known(scheme: str) -> bool:
    return scheme in _TEMPLATES or can_convert(scheme, "arcface-5")


def _located(
    detector: Detector | None,
    landmarker: Landmarker | None,
    pixels: NDArray[np.uint8],
    place: _Place,
    extent: NDArray[np.float64],
    scheme: str,
) -> Points | None:
    """Points (k, 2 or 3) of one face from its upright picture, or None if they are no better.

    extent : width and height of its box, which stay as they are for a detector that loses the face.
    """
    turned = place
    if detector is not None and detector.upright_score is not None:
        turned = _surest(detector, pixels, place)
    elif landmarker is not None:
        turned = _agreed(landmarker, pixels, place, extent, scheme)
    if turned is place and abs(place.roll) <= TILTED:
        return None
    place = turned
    size = round(_MARGIN * _SIDE)
    best = None
    for _ in range(_PASSES):
        matrix = place.matrix(size, _SIDE)
        picture = affine_crops(pixels, matrix[None], (size, size), antialias=True, n_threads=1)[0]
        box = _box_in(size, extent * (_SIDE / place.side))
        own = None
        if detector is not None:
            seen = detector.detect(picture)
            which = _of_middle(seen, np.full(2, (size - 1) / 2), _SIDE)
            if which is not None:
                box = seen.boxes[which]
                own = None if seen.landmarks is None else seen.landmarks[which]
        if landmarker is not None:
            own = landmarker.locate(picture, box[None]).points[0]
        if own is None:
            break
        left = float(rolls_of(own[None], scheme)[0])
        if abs(left) <= TILTED:
            best = _mapped(own, matrix)
        if abs(left) <= _SETTLED:
            break
        corners = _mapped(box.reshape(2, 2), matrix)
        extent = (box[2:] - box[:2]) * (place.side / _SIDE)
        place = _Place(corners.mean(axis=0), max(float(extent.max()), 1.0), place.roll + left)
    return best


def _surest(detector: Detector, pixels: NDArray[np.uint8], place: _Place) -> _Place:
    """The face as it is, or turned by a multiple of 60 degrees if the detector is clearly surer of it so.

    All turns are looked at in one picture.
    """
    side = max(_SIDE_IN_SEARCH, round(1.2 * detector.smallest_face))
    size = round(_MARGIN_IN_SEARCH * side)
    count = _ROWS * _COLS
    turns = [_Place(place.middle, place.side, place.roll + 360 / count * i) for i in range(count)]
    matrices = np.stack([turn.matrix(size, side) for turn in turns])
    tiles = affine_crops(pixels, matrices, (size, size), antialias=True, n_threads=1)
    picture = np.vstack([np.hstack(list(tiles[i : i + _COLS])) for i in range(0, count, _COLS)])
    seen = detector.detect(np.ascontiguousarray(picture))
    sure = np.full(count, -np.inf)
    for i in range(count):
        middle = np.array([i % _COLS, i // _COLS]) * size + (size - 1) / 2
        which = _of_middle(seen, middle, side)
        if which is not None:
            sure[i] = seen.scores[which]
    best = int(np.argmax(sure))
    return turns[best] if best and sure[best] > sure[0] + _SURER else place


def _agreed(
    landmarker: Landmarker, pixels: NDArray[np.uint8], place: _Place, extent: NDArray[np.float64], scheme: str
) -> _Place:
    """The face as it is, or at another roll that the landmark model clearly sees, whichever way it is shown the face.

    Where it says the same of the roll of the face as it is and turned a little to both sides, nothing else is asked.
    """
    count, size = 360 // _STEP, round(_MARGIN * _SIDE_OF_TURNS)
    box = _box_in(size, extent * (_SIDE_OF_TURNS / place.side))[None]

    def said(i: int) -> float:
        turn = _Place(place.middle, place.side, place.roll + _STEP * i)
        matrix = turn.matrix(size, _SIDE_OF_TURNS)
        picture = affine_crops(pixels, matrix[None], (size, size), antialias=True, n_threads=1)[0]
        return turn.roll + float(rolls_of(landmarker.locate(picture, box).points, scheme)[0])

    answers = {i: said(i) for i in (0, 2, count - 2)}
    if max(_apart(answer, answers[0]) for answer in answers.values()) <= _AGREE:
        return place
    answers |= {i: said(i) for i in range(count) if i not in answers}
    spreads = [max(_apart(answers[(i + k) % count], answers[i]) for k in (-3, -2, -1, 1, 2, 3)) for i in range(count)]
    best = int(np.argmin(spreads))
    return _Place(place.middle, place.side, answers[best]) if best and spreads[best] <= _AGREE_TURNED else place


def _apart(a: float, b: float) -> float:
    """Degrees between two directions, 0 to 180."""
    return abs((a - b + 180) % 360 - 180)


def _box_in(size: int, extent: NDArray[np.float64]) -> NDArray[np.float64]:
    """The box (4,) of this width and height in the middle of a picture of size x size pixels."""
    return np.concatenate([-extent, extent]) / 2 + (size - 1) / 2


def _of_middle(seen: Detections, middle: NDArray[np.float64], side: float) -> int | None:
    """The surest of the faces that are about there and about so large, or None."""
    if len(seen) == 0:
        return None
    boxes = seen.boxes
    distances = np.linalg.norm((boxes[:, :2] + boxes[:, 2:]) / 2 - middle, axis=1)
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    is_it = (distances <= 0.4 * side) & (sides >= 0.5 * side) & (sides <= 1.8 * side)
    return int(np.argmax(np.where(is_it, seen.scores, -np.inf))) if is_it.any() else None


def _mapped(points: Points, matrix: NDArray[np.float64]) -> Points:
    """Points (k, 2 or 3) of a face's picture in the image; depths are only scaled."""
    flat = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    if points.shape[1] == 2:
        return flat
    return np.concatenate([flat, points[:, 2:] * np.hypot(matrix[0, 0], matrix[1, 0])], axis=1)
