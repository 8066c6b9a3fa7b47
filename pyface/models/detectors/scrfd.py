"""SCRFD, and insightface's newer files of RetinaFace, which are decoded alike.

Contract: insightface, python-package/insightface/model_zoo/scrfd.py. RGB, (x - 127.5) / 128, letterboxed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError
from pyface.models.detectors.canvas import Canvas, letterboxed, planes
from pyface.models.detectors.network_detector import Candidates, NetworkDetector
from pyface.models.onnx_file import OnnxFile
from pyface.models.session import Session

__all__ = ["Scrfd", "why_not"]

log = logging.getLogger(__name__)

_STRIDES = {6: (8, 16, 32), 9: (8, 16, 32), 10: (8, 16, 32, 64, 128), 15: (8, 16, 32, 64, 128)}
_DEFAULT_SIZE = (640, 640)
_MULTIPLE = 32
# Small, and not square, so that a batch that is read in the wrong order shows.
_PROOF_SIZE = (96, 128)


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    if len(file.inputs) != 1 or len(file.inputs[0].shape) != 4 or file.inputs[0].shape[1] not in (3, None):
        return "it takes no picture of three colours"
    if len(file.outputs) not in _STRIDES:
        return f"it has {len(file.outputs)} outputs, expected 6, 9, 10 or 15"
    widths = sorted(port.shape[-1] if port.shape else 0 for port in file.outputs if port.shape and port.shape[-1])
    levels = len(_STRIDES[len(file.outputs)])
    per_level = (1, 4) if len(file.outputs) == 2 * levels else (1, 4, 10)
    known = [width for width in widths if isinstance(width, int)]
    if len(known) == len(file.outputs) and known != sorted(per_level * levels):
        return f"its outputs end in {known}, expected {sorted(per_level * levels)}"
    return ""


class Scrfd(NetworkDetector):
    """Boxes and, where the file has them, five points (``arcface-5``); a picture of 640 x 640 unless told.

    The image is enlarged or shrunk to fit into that picture, as insightface does, in its upper left corner. Scores
    must be greater than 0.5; of boxes that overlap by more than 0.4, both edges counted, the best stays.
    """

    smallest_face = 12.0
    largest_face = 300.0
    threshold = 0.5
    nms_iou = 0.4
    inclusive = True

    def __init__(
        self,
        open_session: Callable[[int | None], Session],
        *,
        input_size: tuple[int, int],
        strides: tuple[int, ...],
        has_points: bool,
        **about: Any,
    ) -> None:
        super().__init__(open_session, **about)
        self.input_size, self.input_side = input_size, max(input_size)
        self._strides, self._has_points = strides, has_points
        self.scheme = "arcface-5" if has_points else None
        self._interleaved = False
        self.batches = self._takes_batches()

    def _takes_batches(self) -> bool:
        """Whether two pictures at once give what each gives alone; in which order is found out.

        Older files say that they take one, and lay out what they give by place first and picture second.
        """
        session = self._session
        free = [isinstance(size, int) for size in session.inputs[0].shape]
        height, width = (self.input_size[::-1]) if free[2] or free[3] else _PROOF_SIZE
        pair = np.random.default_rng(0).standard_normal((2, 3, height, width)).astype(np.float32)
        try:
            together = session.run_all(pair)
        except ModelFileError as error:
            log.info("%s takes one picture at a time: %s", self.name, error)
            return False
        alone = [self._of_each(session.run_all(one[None]), 1)[0] for one in pair]
        for self._interleaved in (False, True):
            try:
                parted = self._of_each(together, 2)
            except ValueError:
                continue
            if all(
                a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-4)
                for own, other in zip(alone, parted, strict=True)
                for a, b in zip(own, other, strict=True)
            ):
                return True
        log.info("%s takes one picture at a time: two at once give something else", self.name)
        self._interleaved = False
        return False

    def _canvas(self, pixels: NDArray[np.uint8]) -> Canvas:
        return letterboxed(pixels, *self.input_size)

    def _planes(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return planes(pixels, (127.5, 127.5, 127.5), 1 / 128)

    def _of_each(self, outputs: Sequence[NDArray[np.float32]], count: int) -> list[list[NDArray[np.float32]]]:
        parted = []
        for output in outputs:
            width = output.shape[-1]
            if output.ndim == 3 or not self._interleaved:
                parted.append(output.reshape(count, -1, width))
            else:
                # Rows are cells, then pictures, then anchors; five levels have one anchor, three have two.
                anchors = 1 if len(self._strides) == 5 else 2
                parted.append(output.reshape(-1, count, anchors, width).swapaxes(0, 1).reshape(count, -1, width))
        return [[output[i] for output in parted] for i in range(count)]

    def _candidates(self, outputs: Sequence[NDArray[np.float32]], rows: int, cols: int, least: float) -> Candidates:
        # By what they hold and then by level, the finest first, whatever their order and names.
        by_width = {
            width: sorted((o for o in outputs if o.shape[1] == width), key=len, reverse=True) for width in (1, 4, 10)
        }
        boxes, scores, points = [], [], []
        for level, stride in enumerate(self._strides):
            found = by_width[1][level][:, 0]
            n_cells = -(-rows // stride) * -(-cols // stride)
            anchors = len(found) // n_cells if n_cells else 0
            if anchors < 1 or anchors * n_cells != len(found):
                raise ModelFileError(
                    f"{self.name} gives {len(found)} scores for {n_cells} cells of {stride} pixels: it is no SCRFD"
                )
            kept = np.flatnonzero(found > least)
            cell = kept // anchors
            centre = np.stack([cell % -(-cols // stride), cell // -(-cols // stride)], axis=1) * float(stride)
            away = by_width[4][level][kept].astype(np.float64) * stride
            boxes.append(np.hstack([centre - away[:, :2], centre + away[:, 2:]]))
            scores.append(found[kept])
            if self._has_points:
                shift = by_width[10][level][kept].astype(np.float64).reshape(-1, 5, 2) * stride
                points.append(centre[:, None] + shift)
        return Candidates(
            np.concatenate(boxes), np.concatenate(scores), np.concatenate(points) if self._has_points else None
        )


def build(file: OnnxFile, open_graph: Callable[[bytes], Callable[[int | None], Session]], **about: Any) -> Scrfd:
    """The detector of a file that fits; ``open_graph`` makes sessions of a graph."""
    given = about.pop("input_size")
    fixed = tuple(size if isinstance(size, int) and size > 0 else None for size in file.inputs[0].shape[:1:-1])
    size = fixed_or_given(file.name, fixed, given, _DEFAULT_SIZE, _MULTIPLE)
    n_outputs = len(file.outputs)
    strides = _STRIDES[n_outputs]
    has_points = n_outputs == 3 * len(strides)
    graph = file.with_free(0)
    return Scrfd(open_graph(graph), input_size=size, strides=strides, has_points=has_points, **about)


def fixed_or_given(
    name: str,
    fixed: tuple[int | None, ...],
    given: tuple[int, int] | None,
    default: tuple[int, int],
    multiple: int,
) -> tuple[int, int]:
    """(width, height) of the picture: what the file fixes, else what was asked for, else the default.

    ValueError where both are there and differ, or if what was asked for is no multiple.
    """
    if given is not None and any(side % multiple for side in given):
        raise ValueError(f"input_size must be multiples of {multiple}, got {given[0]} x {given[1]}")
    width, height = (own or side for own, side in zip(fixed, given or default, strict=True))
    if given is not None and given != (width, height):
        raise ValueError(
            f"{name} takes pictures of {width} x {height} only; input_size cannot be {given[0]} x {given[1]}"
        )
    return width, height
