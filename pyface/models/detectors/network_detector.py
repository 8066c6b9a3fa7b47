"""What detectors share that are one network on one picture: from the photo to its canvas, and from numbers to boxes."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory, _threads
from pyface._typing import Boxes, Points, Scores
from pyface.kernels import faces
from pyface.kernels.boxes import nms
from pyface.models.base import Detector
from pyface.models.detectors.canvas import Canvas
from pyface.models.session import Session
from pyface.types import Detections

__all__ = ["Candidates", "NetworkDetector", "centred"]

# Pictures at once where a processor of another kind computes: it has more units than one picture keeps busy.
_BATCH = 8


class Candidates(NamedTuple):
    """What a network says of one picture, in its pixels: boxes (n, 4), scores (n,), points (n, 5, 2) or None."""

    boxes: Boxes
    scores: Scores
    landmarks: Points | None


class NetworkDetector(Detector):
    """A detector whose network takes (b, 3, rows, cols) and gives several outputs, decoded by its family.

    open_session : a session of so many threads. One serves :meth:`detect`; :meth:`detect_many` has a second one with
        one thread, made when first needed, so that each thread of ours has a photo of its own.
    batches : whether the graph takes several pictures at once; they are used where the processor is not the CPU.
    """

    threshold: float
    nms_iou: float
    # Some count the pixels of both edges of a box.
    inclusive = False

    def __init__(
        self,
        open_session: Callable[[int | None], Session],
        *,
        name: str,
        family: str,
        digest: str,
        n_threads: int | None = None,
        batches: bool = False,
    ) -> None:
        self.name, self.family, self.digest = name, family, digest
        self.batches = batches
        self._open_session, self._n_threads = open_session, n_threads
        self._session = open_session(n_threads)
        self._one_thread: Session | None = None
        self._lock = threading.Lock()

    @abstractmethod
    def _canvas(self, pixels: NDArray[np.uint8]) -> Canvas:
        """The picture that the network sees of a photo (h, w, 3)."""

    @abstractmethod
    def _planes(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The numbers (3, rows, cols) that it takes of this picture."""

    @abstractmethod
    def _candidates(self, outputs: Sequence[NDArray[np.float32]], rows: int, cols: int, least: float) -> Candidates:
        """Of one picture, those whose score is greater than ``least``. Outputs have no axis of the batch."""

    @abstractmethod
    def _of_each(self, outputs: Sequence[NDArray[np.float32]], count: int) -> list[list[NDArray[np.float32]]]:
        """The outputs of a batch of ``count`` pictures, by picture, without that axis."""

    def detect(self, image: Any, *, threshold: float | None = None, color: str = "rgb") -> Detections:
        """The faces of one image, best first; boxes and points in its pixels, not rounded, possibly beyond its borders.

        image : (h, w, 3) or grey (h, w), uint8 or float32 in 0..255; ``color`` is ``"rgb"`` or ``"bgr"``. Floats are
            rounded to bytes, halves to even.
        threshold : scores must be greater; ``None`` is the family's. Lower finds more faces and more that are none.

        The class says how the image comes to the size that the network sees, and which boxes drop each other.
        MemoryError if there is too little.
        """
        least = self._least(threshold)
        return self._found(self._session, _bytes(image, color), least)

    def detect_many(
        self, images: Iterable[Any], *, threshold: float | None = None, color: str = "rgb"
    ) -> list[Detections]:
        """:meth:`detect` for each image, in order. The images may differ in size.

        On the CPU each thread has an image of its own, which is faster than a batch; elsewhere up to eight pictures of
        one size go in at once. The faces of an image are the same to 1e-3 pixels whatever else is in the call. An image
        that is refused is named by its number; nothing of the others is lost to it but the call.
        """
        _check.several(images, "images")
        least = self._least(threshold)
        photos = []
        for i, image in enumerate(images):
            try:
                photos.append(_bytes(image, color))
            except (TypeError, ValueError) as error:
                raise type(error)(f"image {i} of the batch: {error}") from error
        if self._session.is_on_cpu or not self.batches:
            return self._on_threads(photos, least)
        return self._in_batches(photos, least)

    def _on_threads(self, photos: list[NDArray[np.uint8]], least: float) -> list[Detections]:
        n_workers = min(_threads.resolve(self._n_threads), len(photos))
        if n_workers < 2:
            return [self._found(self._session, pixels, least) for pixels in photos]
        with self._lock:
            if self._one_thread is None:
                self._one_thread = self._open_session(1)
        session = self._one_thread
        pool = ThreadPoolExecutor(n_workers, thread_name_prefix="pyface")
        try:
            return [task.result() for task in [pool.submit(self._found, session, p, least) for p in photos]]
        finally:
            pool.shutdown(cancel_futures=True)

    def _in_batches(self, photos: list[NDArray[np.uint8]], least: float) -> list[Detections]:
        found: list[Detections | None] = [None] * len(photos)
        waiting: dict[tuple[int, ...], list[tuple[int, Canvas]]] = {}

        def search(group: list[tuple[int, Canvas]]) -> None:
            outputs = self._session.run_all(np.stack([self._planes(canvas.pixels) for _, canvas in group]))
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
        with _memory.told(f"to search an image of {cols} x {rows} pixels", "use a smaller one"):
            canvas = self._canvas(pixels)
            outputs = session.run_all(self._planes(canvas.pixels)[None])
            return self._chosen(self._of_each(outputs, 1)[0], canvas, least)

    def _chosen(self, outputs: list[NDArray[np.float32]], canvas: Canvas, least: float) -> Detections:
        rows, cols = canvas.pixels.shape[:2]
        boxes, scores, landmarks = self._candidates(outputs, rows, cols, least)
        kept = nms(boxes + np.array([0, 0, 1, 1]) if self.inclusive else boxes, scores, self.nms_iou)
        in_photo = canvas.in_photo(boxes[kept].reshape(-1, 2, 2)).reshape(-1, 4)
        points = None if landmarks is None else canvas.in_photo(landmarks[kept])
        return Detections(in_photo, scores[kept], points)

    def _least(self, threshold: float | None) -> float:
        return self.threshold if threshold is None else _check.number(threshold, "threshold")


def centred(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes x1 y1 x2 y2 of boxes (n, 4) by centre, width and height."""
    middle, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.hstack([middle - half, middle + half])


def _bytes(image: Any, color: str) -> NDArray[np.uint8]:
    pixels = _check.image(image, color=color)
    _check.warn_of_unit_range(pixels)
    return faces.rgb_bytes_of(pixels)
