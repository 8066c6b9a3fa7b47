"""What detectors share that are one network on one picture: from the photo to its canvas, and from numbers to boxes."""

from __future__ import annotations

import functools
import logging
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory, _threads
from pyface._typing import Boxes, Points, Scores
from pyface.errors import ModelFileError
from pyface.kernels.boxes import nms
from pyface.models.base import Detector
from pyface.models.detectors.canvas import Canvas, planes
from pyface.models.images import Batch, rgb_bytes
from pyface.models.onnx_file import OnnxFile
from pyface.models.parallel import of_each
from pyface.models.session import Session
from pyface.types import Detections

__all__ = ["SCHEME", "Candidates", "NetworkDetector", "centred", "misfit", "picture_size", "takes_no_picture"]

SCHEME = "arcface-5"
"""Order of all their points: image-left eye, image-right eye, tip of the nose, image-left and -right mouth corner."""

log = logging.getLogger(__name__)

# Pictures at once where a processor of another kind computes: it has more units than one picture keeps busy.
_BATCH = 8
# Small, and not square, so that a batch that is read in the wrong order shows.
_PROOF_SIZE = (128, 96)
_WORTH_REFUSING = 1 << 29
_FLOATS = "tensor(float)"
_BYTES = "tensor(uint8)"


class Candidates(NamedTuple):
    """What a network says of one picture, in its pixels: boxes (n, 4), scores (n,), points (n, 5, 2) or None.

    Boxes whose ends are in the wrong order, or not finite, are dropped.
    """

    boxes: Boxes
    scores: Scores
    landmarks: Points | None


class NetworkDetector(Detector):
    """A detector whose network takes (b, 3, rows, cols) and gives several outputs, decoded by its family.

    open_session : a session of so many threads. One serves :meth:`detect`; :meth:`detect_many` has a second one with
        one thread, made when first needed, so that each thread of ours has a photo of its own.
    input_size : (width, height) of the picture that the network sees, if it sees all photos at one size.

    Points, of those that give them, are in the order :data:`SCHEME`.
    """

    threshold: float
    nms_iou: float
    # What the network takes of a byte x: (x - mean) * scale. ``mean`` is in the order of its planes.
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale = 1.0
    bgr = False
    # Some count the pixels of both edges of a box.
    inclusive = False
    # What a search takes at least. It is compared with what is free if it is much: systems promise memory that they do
    # not have, and end the process that uses it.
    _bytes_per_pixel = 50
    # How files lay out what they give of several pictures, in the order in which that is tried.
    _orders: tuple[str, ...] = ("by picture",)

    def __init__(
        self,
        open_session: Callable[[int | None], Session],
        *,
        name: str,
        family: str,
        digest: str,
        input_size: tuple[int, int] | None = None,
        n_threads: int | None = None,
    ) -> None:
        self.name, self.family, self.digest = name, family, digest
        self.input_size = input_size
        self.input_side = None if input_size is None else max(input_size)
        self._order = self._orders[0]
        self._takes_batches: bool | None = None
        self._open_session, self._n_threads = open_session, n_threads
        self._session = open_session(n_threads)
        self._one_thread: Session | None = None
        self._lock = threading.Lock()

    @abstractmethod
    def _canvas(self, pixels: NDArray[np.uint8]) -> Canvas:
        """The picture that the network sees of a photo (h, w, 3)."""

    def _numbers(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """What the network takes of this picture: (1, rows, 3 * cols) bytes, or (3, rows, cols) float32."""
        if self._session.inputs[0].kind == _BYTES:
            rows, cols = pixels.shape[:2]
            return np.ascontiguousarray(pixels).reshape(1, rows, 3 * cols)
        return planes(pixels, self.mean, self.scale, bgr=self.bgr)

    @abstractmethod
    def _candidates(self, outputs: Sequence[NDArray[np.float32]], rows: int, cols: int, least: float) -> Candidates:
        """Of one picture, those whose score is greater than ``least``. Outputs have no axis of the batch."""

    def _of_each(self, outputs: Sequence[NDArray[np.float32]], count: int) -> list[list[NDArray[np.float32]]]:
        """The outputs of a batch of ``count`` pictures, by picture, without that axis; ``_order`` says how they lie.

        ValueError if they are those of another number of pictures.
        """
        if any(output.ndim < 2 or len(output) != count for output in outputs):
            raise ValueError(f"outputs of {[output.shape for output in outputs]} for {count} pictures")
        return [[output[i] for output in outputs] for i in range(count)]

    def detect(self, image: Any, *, threshold: float | None = None, color: str = "rgb") -> Detections:
        """The faces of one image, best first; boxes and points in its pixels, not rounded, possibly beyond its borders.

        image : (h, w, 3) or grey (h, w), uint8 or float32 in 0..255; ``color`` is ``"rgb"`` or ``"bgr"``. Floats are
            rounded to bytes, halves to even.
        threshold : scores must be greater; ``None`` is the family's. Lower finds more faces and more that are none.

        The class says how the image comes to the size that the network sees, and which boxes drop each other.
        MemoryError if there is too little.
        """
        least = self._least(threshold)
        return self._found(self._session, rgb_bytes(image, color, stacklevel=3), least)

    def detect_many(
        self, images: Iterable[Any], *, threshold: float | None = None, color: str = "rgb"
    ) -> list[Detections]:
        """:meth:`detect` for each image, in order. The images may differ in size.

        On the CPU each thread has an image of its own, which is faster than a batch; elsewhere up to eight pictures of
        one size go in at once. The faces of an image are the same to 1e-3 pixels whatever else is in the call. If
        some are no images, the others are searched all the same; then a BatchError names the first one, and has what
        was found as ``results``.
        """
        least = self._least(threshold)
        batch = Batch(images, color)
        photos = list(map(functools.partial(rgb_bytes, stacklevel=3), batch.images))  # no frame of a comprehension
        in_batches = not self._session.is_on_cpu and self._is_for_batches()
        return batch.of_all(self._in_batches(photos, least) if in_batches else self._on_threads(photos, least))

    def _is_for_batches(self) -> bool:
        """Whether two pictures at once give what each gives alone; in which order is found out, once.

        Many files say that they take one. Some that are told otherwise do, some refuse it, and some mix them up.
        """
        with self._lock:
            if self._takes_batches is None:
                self._takes_batches = self._tries_batches()
            return self._takes_batches

    def _tries_batches(self) -> bool:
        session = self._session
        width, height = self.input_size or _PROOF_SIZE
        pictures = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
        pair = np.stack([self._numbers(picture) for picture in pictures])
        alone = [self._of_each(session.run_all(one[None]), 1)[0] for one in pair]
        try:
            together = session.run_all(pair)
        except ModelFileError as error:
            log.info("%s takes one picture at a time: %s", self.name, error)
            return False
        for order in self._orders:
            self._order = order
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
        self._order = self._orders[0]
        return False

    def _on_threads(self, photos: list[NDArray[np.uint8]], least: float) -> list[Detections]:
        n_workers = min(_threads.resolve(self._n_threads), len(photos))
        if n_workers < 2:
            return [self._found(self._session, pixels, least) for pixels in photos]
        with self._lock:
            if self._one_thread is None:
                self._one_thread = self._open_session(1)
        session = self._one_thread
        return of_each(lambda pixels: self._found(session, pixels, least), photos, n_workers)

    def _in_batches(self, photos: list[NDArray[np.uint8]], least: float) -> list[Detections]:
        found: list[Detections | None] = [None] * len(photos)
        waiting: dict[tuple[int, ...], list[tuple[int, Canvas]]] = {}

        def search(group: list[tuple[int, Canvas]]) -> None:
            outputs = self._session.run_all(np.stack([self._numbers(canvas.pixels) for _, canvas in group]))
            for (i, canvas), own in zip(group, self._of_each(outputs, len(group)), strict=True):
                found[i] = self._chosen(own, canvas, least)

        for i, pixels in enumerate(photos):
            canvas = self._canvas(pixels)
            group = waiting.setdefault(canvas.pixels.shape, [])
            group.append((i, canvas))
            if len(group) == _BATCH:
                search(waiting.pop(canvas.pixels.shape))
        for group in waiting.values():
            search(group)
        return [one for one in found if one is not None]

    def _found(self, session: Session, pixels: NDArray[np.uint8], least: float) -> Detections:
        rows, cols = pixels.shape[:2]
        width, height = self.input_size or (cols, rows)
        # The picture takes the memory, and is as large for a small photo.
        instead = "use a smaller one" if self.input_size is None else "use a smaller input_size"
        seen = "" if self.input_size is None else f" in a picture of {width} x {height}"
        with _memory.told(f"to search an image of {cols} x {rows} pixels{seen}", instead):
            need = self._bytes_per_pixel * width * height
            if need >= _WORTH_REFUSING and session.is_on_cpu:
                _memory.require(need, "searching it", instead)
            canvas = self._canvas(pixels)
            try:
                outputs = session.run_all(self._numbers(canvas.pixels)[None])
            except ModelFileError as error:
                if self.input_size is None:
                    raise
                raise ModelFileError(
                    f"{self.name} cannot be run on pictures of {width} x {height}, but may be on those of another "
                    f"input_size: {error}"
                ) from error
            try:
                own = self._of_each(outputs, 1)[0]
            except ValueError as error:
                raise ModelFileError(f"{self.name} gives {error}: it is not of the family {self.family!r}") from None
            return self._chosen(own, canvas, least)

    def _chosen(self, outputs: list[NDArray[np.float32]], canvas: Canvas, least: float) -> Detections:
        rows, cols = canvas.pixels.shape[:2]
        # A single cell may hold anything. But where all is NaN no score is greater, as if there were no face.
        if any(output.size and np.isnan(output.flat[0]) and np.isnan(output).all() for output in outputs):
            raise ModelFileError(
                f"{self.name} gives NaN alone: its weights are damaged, or too large for the numbers it computes with"
            )
        seen, scores, landmarks = self._candidates(outputs, rows, cols, least)
        boxes = canvas.in_photo(seen.reshape(-1, 2, 2)).reshape(-1, 4)
        # Distances of unlikely faces may be negative.
        real = (boxes[:, :2] <= boxes[:, 2:]).all(axis=1) & np.isfinite(boxes).all(axis=1)
        if not real.all():
            boxes, scores, landmarks = boxes[real], scores[real], None if landmarks is None else landmarks[real]
        # Edges are counted in the pixels of the photo, as the makers do.
        kept = nms(boxes + np.array([0, 0, 1, 1]) if self.inclusive else boxes, scores, self.nms_iou)
        points = None if landmarks is None else canvas.in_photo(landmarks[kept])
        return Detections(boxes[kept], scores[kept], points)

    def _least(self, threshold: float | None) -> float:
        return self.threshold if threshold is None else _check.number(threshold, "threshold")


def takes_no_picture(file: OnnxFile) -> str:
    """Why the first and only input is no picture of three colours as floats, or nothing."""
    shape = file.inputs[0].shape
    if len(file.inputs) != 1 or len(shape) != 4 or _fixed(shape[1]) not in (3, None):
        return "it takes no picture of three colours by planes"
    if file.inputs[0].kind != _FLOATS:
        return f"it takes {file.inputs[0].kind}, expected {_FLOATS}"
    return ""


def misfit(file: OnnxFile, ranks: tuple[int, ...], axis: int, wanted: Sequence[int]) -> str:
    """Why the outputs are not of these ranks and ``wanted`` sizes along an axis, whatever their order, or nothing.

    What the file leaves open fits.
    """
    if len(file.outputs) != len(wanted):
        return f"it has {len(file.outputs)} outputs, expected {len(wanted)}"
    declared = [port.shape for port in file.outputs if port.shape]
    other = [shape for shape in declared if len(shape) not in ranks]
    if other:
        return f"it has an output with {len(other[0])} axes, expected {' or '.join(map(str, ranks))}"
    left = sorted(wanted)
    for size in (_fixed(shape[axis]) for shape in declared):
        if size is not None and size not in left:
            return (
                f"axis {axis} of an output has the size {size}, expected {', '.join(map(str, sorted(wanted)))} in all"
            )
        if size is not None:
            left.remove(size)
    return ""


def _fixed(size: int | str | None) -> int | None:
    return size if isinstance(size, int) and size > 0 else None


def picture_size(
    file: OnnxFile, given: tuple[int, int] | None, default: tuple[int, int], multiple: int
) -> tuple[int, int]:
    """(width, height) of the picture: what the file fixes, else what was asked for, else the default.

    ValueError where both are there and differ, or if what was asked for is no multiple.
    """
    fixed = [_fixed(size) for size in file.inputs[0].shape[:1:-1]]
    width, height = (own or side for own, side in zip(fixed, given or default, strict=True))
    if given is not None and given != (width, height):
        raise ValueError(
            f"{file.name} takes pictures of {width} x {height} only; input_size cannot be {given[0]} x {given[1]}"
        )
    if given is not None and None in fixed and any(side % multiple for side in given):
        raise ValueError(f"input_size must be multiples of {multiple}, got {given[0]} x {given[1]}")
    return width, height


def centred(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes x1 y1 x2 y2 of boxes (n, 4) by centre, width and height."""
    middle, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.hstack([middle - half, middle + half])
