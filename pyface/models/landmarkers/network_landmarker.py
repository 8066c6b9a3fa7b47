"""What landmark models share that are one network on a square crop of one face: from boxes to crops, and back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface.errors import ModelFileError
from pyface.kernels import faces
from pyface.kernels.crops import FARTHEST, affine_crops, far_crops
from pyface.models.base import Landmarker
from pyface.models.detectors.canvas import planes
from pyface.models.onnx_file import OnnxFile
from pyface.models.parallel import for_each
from pyface.models.session import Port, Session
from pyface.types import Landmarks

__all__ = [
    "InsightfaceLandmarker",
    "NetworkLandmarker",
    "normalizes_itself",
    "output_of",
    "why_no_crops",
]


def why_no_crops(file: OnnxFile, size: int, count: int) -> str:
    """Why the file is none that takes crops of this side and gives so many numbers of each; or nothing."""
    port = file.inputs[0]
    if len(file.inputs) != 1 or len(port.shape) != 4 or _differs(port.shape[1], 3):
        return "it takes no picture of three colours"
    if port.kind != "tensor(float)":
        return f"it takes {port.kind}, expected tensor(float)"
    batch, _, rows, cols = port.shape
    if isinstance(batch, int) and batch > 1:
        return f"it takes {batch} pictures at once"
    if _differs(rows, size) or _differs(cols, size):
        return f"it takes pictures of {cols} x {rows}, expected {size} x {size}"
    if output_of(file, count) < 0:
        return f"it has no output of {count} numbers"
    return ""


def _differs(declared: int | str | None, wanted: int) -> bool:
    return isinstance(declared, int) and declared != wanted


def output_of(file: OnnxFile, count: int) -> int:
    """Which output holds so many numbers of a picture; a single one may leave its size open. -1 if there is none."""
    counts = [_numbers_in(port) for port in file.outputs]
    if count in counts:
        return counts.index(count)
    return 0 if counts == [None] else -1


def _numbers_in(port: Port) -> int | None:
    """Numbers that an output has of one picture, if its shape says so; 0 if it has no axis of pictures in front."""
    if port.shape and _differs(port.shape[0], 1):
        return 0
    sizes = port.shape[1:]
    if not sizes or not all(isinstance(size, int) and size > 0 for size in sizes):
        return None
    return int(np.prod([size for size in sizes if isinstance(size, int)]))


class NetworkLandmarker(Landmarker):
    """A landmark model whose network takes (1, 3, size, size) and gives points of one face, decoded by its family.

    open_session : a session of so many threads. It gets one, so that each of ``n_threads`` can have a face of its own.
    output : which output of the graph holds the points.
    flag : which one says how surely there is a face, before the logistic function; None if there is none.
    """

    size: int
    """Side of the crop in pixels."""
    n_points: int
    n_columns = 2
    """2, or 3 with a depth."""
    count: int
    """Numbers that the network gives."""
    antialias = True
    """Whether a pixel of the crop is the mean over its area where it spans several of the image."""
    side_ratio = 1.0
    """Side of the square that is looked at, in longer sides of the box, whose middle it has."""

    def __init__(
        self,
        open_session: Callable[[int | None], Session],
        *,
        output: int,
        flag: int | None = None,
        name: str,
        family: str,
        digest: str,
        n_threads: int | None = None,
    ) -> None:
        self.name, self.family, self.digest = name, family, digest
        self._session, self._n_threads = open_session(1), n_threads
        self._output, self._flag = output, flag
        # Once, as files may say nothing, or something else than they do, about what they give.
        self._run(np.zeros((self.size, self.size, 3), np.uint8))

    @abstractmethod
    def _planes(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The numbers (3, size, size) that the network takes of a crop (size, size, 3), RGB."""

    @abstractmethod
    def _in_crop(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (n_points, n_columns) of what it gives, in pixels of the crop, the middle of whose first one is 0."""

    @property
    def _middle(self) -> float:
        """Where in the crop the middle of the square lies."""
        return (self.size - 1) / 2

    def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
        """Points (n, k, 2 or 3) float64 of the faces in ``boxes`` (n, 4), x1 y1 x2 y2, not rounded.

        image : (h, w, 3) or grey (h, w), uint8 or float32 in 0..255; ``color`` is ``"rgb"`` or ``"bgr"``. Floats are
            rounded to bytes, halves to even.

        The class says which square around each box is looked at. What lies outside the image is black; a box without
        extent is taken for one pixel. Depths, where there are any, are in pixels of the image. ``Landmarks.scores``,
        in 0..1, say how surely there is a face, where the network does. What is found for a face is the same to the bit
        whatever else is in the call and for any number of threads, each of which has a face of its own; where memory is
        short all go through one. ValueError names the box whose square reaches beyond 1e9 pixels.
        ModelFileError if the network gives NaN or infinite numbers.
        """
        rows = _check.boxes(boxes)
        pixels = _check.image(image, color=color)
        _check.warn_of_unit_range(pixels)
        points = np.empty((len(rows), self.n_points, self.n_columns))
        scores = np.empty(len(rows), np.float32) if self._flag is not None else None
        matrices = self._matrices(rows)
        pixels = faces.rgb_bytes_of(pixels)

        def look(i: int) -> None:
            crop = affine_crops(
                pixels, matrices[i : i + 1], (self.size, self.size), antialias=self.antialias, n_threads=1
            )
            outputs = self._run(crop[0])
            if not np.isfinite(outputs[self._output]).all():
                raise ModelFileError(
                    f"{self.name} gives NaN or infinite values for face {i}: its weights are damaged, or too large for "
                    "the numbers it computes with"
                )
            points[i] = self._in_crop(outputs[self._output].astype(np.float64).ravel()) * matrices[i, 0, 0]
            points[i, :, :2] += matrices[i, :, 2]
            if scores is not None and self._flag is not None:
                scores[i] = _logistic(float(outputs[self._flag].ravel()[0]))

        with _memory.told("to look at faces", "end what else takes memory, or use fewer threads"):
            for_each(look, len(rows), self._n_threads)
        return Landmarks(points, self.scheme, scores)

    def _run(self, crop: NDArray[np.uint8]) -> list[NDArray[Any]]:
        outputs = self._session.run_all(self._planes(crop)[None])
        if outputs[self._output].size != self.count:
            raise ModelFileError(
                f"{self.name} gives {outputs[self._output].size} numbers, expected {self.count}: it is not of the "
                f"family {self.family!r}"
            )
        return outputs

    def _matrices(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2, 3): from pixels of each crop to pixels of the image."""
        matrices = np.zeros((len(boxes), 2, 3))
        with np.errstate(over="ignore", invalid="ignore"):
            # A box without extent is taken for one pixel.
            sides = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0), 1.0)
            scale = sides * self.side_ratio / self.size
            matrices[:, 0, 0] = matrices[:, 1, 1] = scale
            matrices[:, :, 2] = (boxes[:, :2] + boxes[:, 2:]) / 2 - scale[:, None] * self._middle
        far = far_crops(matrices, self.size, self.size)
        if far.size:
            raise ValueError(f"boxes: what is looked at for row {far[0]} reaches beyond {FARTHEST:g} pixels")
        return matrices


def _logistic(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(1 / (1 + np.exp(-value)))


class InsightfaceLandmarker(NetworkLandmarker):
    """What insightface's landmark models share: python-package/insightface/model_zoo/landmark.py.

    The square has 1.5 times the longer side of the box and its middle, which lies at 96 of the crop: its pixels are
    counted from the middle of the first one, as the network's are. Bilinear without averaging, as it was made with.
    Outputs are in -1..1, so that (p + 1) * 96 is the place in the crop; depths are p * 96.
    """

    size = 192
    antialias = False
    side_ratio = 1.5

    def __init__(self, open_session: Callable[[int | None], Session], *, is_normalised: bool, **about: Any) -> None:
        self.is_normalised = is_normalised
        super().__init__(open_session, **about)

    @property
    def _middle(self) -> float:
        return self.size / 2

    def _planes(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self.is_normalised:
            return planes(crop, (0.0, 0.0, 0.0), 1.0)
        return planes(crop, (127.5, 127.5, 127.5), 1 / 128)

    def _in_crop(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        points = numbers.reshape(-1, self.n_columns)[-self.n_points :] * (self.size / 2)
        points[:, :2] += self.size / 2
        return points


def normalizes_itself(file: OnnxFile) -> bool:
    """Whether the graph begins with its own normalisation, by insightface's rule for landmarks."""
    return "bn_data" in [node.name for node in file.model.graph.node[:3]] or file.normalizes_itself()
