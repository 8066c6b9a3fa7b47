"""All photos of a folder through the chain: in parallel, in order, within bounds, and never twice.

A worker takes a photo from its bytes to its aligned faces; the calling thread collects the results in photo order,
sends full batches of faces back to the workers to be embedded, and saves finished photos. So the answer does not depend
on the number of workers. A photo that cannot be read, or for which there is not enough memory, is passed over; whatever
else goes wrong ends the run, with all that was found saved.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pyface import _memory
from pyface.album.records import FaceRecord, PhotoRecord
from pyface.album.tombstones import FORGOTTEN, NONE, Tombstones
from pyface.album.work import WorkFile
from pyface.analysis import scales
from pyface.analysis.analyzer import FoundFaces, detect, find_faces, keep_largest, side_for_crops
from pyface.analysis.chain import Chain
from pyface.analysis.quality import crop_sharpness
from pyface.errors import ImageReadError
from pyface.photos.finding import PhotoFile
from pyface.photos.reading import OpenPhoto
from pyface.photos.thumbnails import thumbnail

logger = logging.getLogger(__name__)

# (stage, done, total); called from the thread that runs it.
ProgressCallback = Callable[[str, int, int], None]

SAVE_EVERY_PHOTOS = 100
SAVE_EVERY_SECONDS = 5.0
# Photos in work or waiting for their turn, beyond those being worked on.
_PHOTOS_AHEAD = 4
# A face on its way to be embedded: its photo, and its aligned crop.
_Waiting = tuple["_Found", NDArray[np.uint8]]
# Decoded pictures held at one time. One that is larger than all of it is decoded alone.
_DECODED_BYTES = 1 << 29


class StoppedError(Exception):
    """Raised inside workers when the run is being stopped."""


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """What shapes the answer for one photo, beside the models."""

    min_face: float | None
    max_faces: int | None
    max_side: int
    refine: bool = True


class ByteBudget:
    """Lets threads hold a bounded number of bytes; one that asks for more than all of it gets it alone."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._free = total
        self._changed = threading.Condition()

    def take(self, size: int) -> int:
        """Wait until ``size`` bytes are free and take them. Returns what has to be given back."""
        size = min(size, self._total)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
        return size

    def give_back(self, size: int) -> None:
        """Return what :meth:`take` returned."""
        with self._changed:
            self._free += size
            self._changed.notify_all()


@dataclass(slots=True)
class StageClock:
    """Seconds spent in each stage, summed over the workers."""

    seconds: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, stage: str, since: float) -> float:
        """Book the time from ``since`` until now, and return now."""
        now = time.perf_counter()
        with self._lock:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + now - since
        return now


@dataclass(slots=True, eq=False)
class _Found:
    """A photo on its way: everything but the embeddings."""

    file: PhotoFile
    width: int = 0
    height: int = 0
    faces: FoundFaces | None = None
    thumbnails: list[bytes] = field(default_factory=list)
    sharpness: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    error: str | None = None
    digest: bytes = b""
    embeddings: list[NDArray[np.float32]] = field(default_factory=list)

    @property
    def n_faces(self) -> int:
        return 0 if self.faces is None else len(self.faces.boxes)

    @property
    def is_finished(self) -> bool:
        return len(self.embeddings) == self.n_faces

    def give_up(self, reason: str) -> None:
        """Pass the photo over."""
        logger.debug("skipped %r: %s", self.file.name, reason)
        self.error, self.faces, self.thumbnails, self.embeddings = reason, None, [], []

    def record(self) -> PhotoRecord:
        if self.faces is None:
            return PhotoRecord(self.file.name, self.width, self.height, error=self.error)
        assert self.faces.landmarks is not None
        faces = tuple(
            FaceRecord(
                self.faces.boxes[i],
                float(self.faces.scores[i]),
                self.faces.landmarks[i, :, :2],  # a record keeps no depths
                self.faces.scheme or "",
                self.embeddings[i],
                self.thumbnails[i],
                float(self.sharpness[i]),
            )
            for i in range(self.n_faces)
        )
        return PhotoRecord(self.file.name, self.width, self.height, faces, digest=self.digest)


def _reading() -> contextlib.AbstractContextManager[None]:
    return _memory.told("to read it", "a smaller copy of it needs less")


class FolderRun:
    """One pass over a folder's photos. ``run`` returns when all are saved, or raises with what is finished saved."""

    def __init__(
        self,
        chain: Chain,
        settings: AnalysisSettings,
        work: WorkFile,
        analysis: str,
        *,
        batch_size: int,
        n_threads: int,
        tombstones: Tombstones = NONE,
    ) -> None:
        assert chain.embedder is not None
        assert chain.scheme is not None
        self.clock = StageClock()
        self._chain = chain
        self._embedder = chain.embedder
        self._settings = settings
        self._work = work
        self._analysis = analysis
        self._batch_size = batch_size
        self._n_threads = n_threads
        self._tombstones = tombstones
        self._budget = ByteBudget(_DECODED_BYTES)
        self._stop = threading.Event()
        # Faces that wait for a batch to fill; batches being embedded; photos not yet saved.
        self._waiting: list[_Waiting] = []
        self._batches: deque[tuple[list[_Waiting], Future[list[NDArray[np.float32] | None]]]] = deque()
        self._unsaved: list[_Found] = []
        self._n_saved = 0
        self._last_save = time.monotonic()

    def run(self, photos: list[PhotoFile], progress: ProgressCallback | None) -> None:
        """Analyse these photos and save them. ``progress`` counts photos whose faces were found.

        When the run is stopped it is told once more, how many are saved.
        """
        report = progress or (lambda *_: None)
        report("photos", 0, len(photos))
        pool = ThreadPoolExecutor(self._n_threads, thread_name_prefix="pyface")
        in_flight: deque[Future[_Found]] = deque()
        queue = iter(photos)
        done = 0
        try:
            while True:
                while len(in_flight) < self._n_threads + _PHOTOS_AHEAD:
                    file = next(queue, None)
                    if file is None:
                        break
                    in_flight.append(pool.submit(self._find, file))
                if not in_flight:
                    break
                # Ctrl-C mostly comes while this waits, and may not lose what it waits for.
                found = in_flight[0].result()
                in_flight.popleft()
                self._collect(found, pool)
                done += 1
                report("photos", done, len(photos))
            self._embed_waiting(pool)
            self._finish_batches(0)
            self._save(force=True)
        except BaseException as error:
            self._stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            self._save_what_is_found(in_flight, error)
            with contextlib.suppress(BaseException):  # it may be what stops the run, and would do so again
                report("photos", self._n_saved, len(photos))
            raise
        pool.shutdown()

    def _find(self, file: PhotoFile) -> _Found:
        found = _Found(file)
        reason = ""
        # Other photos at work may have had the memory: what is passed over must not depend on how many there are.
        for alone in (False, True) if self._n_threads > 1 else (False,):
            try:
                self._look(found, alone=alone)
                return found
            except ImageReadError as error:
                reason = error.reason
                if not isinstance(error, MemoryError):
                    break
            except MemoryError as error:
                reason = _memory.reason(error)
        found.give_up(reason)
        return found

    def _look(self, found: _Found, *, alone: bool) -> None:
        """Read the photo and find its faces; ``alone`` waits until no other photo is at work."""
        taken = self._budget.take(_DECODED_BYTES) if alone else 0
        try:
            since = time.perf_counter()
            with _reading():
                photo = OpenPhoto(found.file.path)
            if not alone:
                taken = self._budget.take(photo.decoded_bytes)
            self._check_stop()
            found.digest = photo.digest()
            if self._tombstones.has_photo(found.digest):
                found.give_up(FORGOTTEN)
                return
            with _reading():
                found.width, found.height = size = photo.width, photo.height
                # With a min_face the picture may be searched at its own size or larger, so it is needed in full.
                small = photo.reduced(max(size) if self._settings.min_face is not None else self._settings.max_side)
            since = self.clock.add("read", since)
            detections = detect(
                self._chain,
                small,
                original_size=size,
                min_face=self._settings.min_face,
                max_side=self._settings.max_side,
                checkpoint=self._check_stop,
            )
            detections = keep_largest(detections, self._settings.max_faces)
            # After the largest: no other face may take the place of one that is forgotten.
            detections = self._tombstones.without(found.digest, detections)
            since = self.clock.add("detect", since)
            image = small
            side = side_for_crops(self._chain, detections, size)
            if side > max(small.shape[:2]):
                with _reading():
                    image = photo.reduced(side)
                since = self.clock.add("read", since)
            found.faces = find_faces(self._chain, image, detections, original_size=size, refine=self._settings.refine)
            with _memory.told("for thumbnails of its faces", "end what else takes memory"):
                boxes = scales.in_copy(detections.boxes.reshape(-1, 2, 2), image, size).reshape(-1, 4)
                found.thumbnails = [thumbnail(image, box) for box in boxes]
                if found.faces.crops is not None:
                    found.sharpness = crop_sharpness(found.faces.crops)
            self.clock.add("align", since)
        finally:
            self._budget.give_back(taken)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise StoppedError

    def _collect(self, found: _Found, pool: ThreadPoolExecutor) -> None:
        self._take_over(found)
        while len(self._waiting) >= self._batch_size:
            self._embed_waiting(pool)
        # One batch may be in work while photos go on; more would only hold memory.
        self._finish_batches(self._n_threads)
        self._save()

    def _take_over(self, found: _Found) -> None:
        self._unsaved.append(found)
        if found.faces is not None and found.faces.crops is not None:
            self._waiting += [(found, crop) for crop in found.faces.crops]
            # A photo may wait to be saved; its crops, 68 kB a face, need not.
            found.faces = replace(found.faces, crops=None)

    def _embed_waiting(self, pool: ThreadPoolExecutor) -> None:
        batch = self._next_batch()
        if batch:
            self._batches.append((batch, pool.submit(self._embed, batch)))

    def _next_batch(self) -> list[_Waiting]:
        batch, self._waiting = self._waiting[: self._batch_size], self._waiting[self._batch_size :]
        return batch

    def _embed(self, batch: list[_Waiting]) -> list[NDArray[np.float32] | None]:
        """The vector of each face; None where there is not enough memory for one."""
        since = time.perf_counter()
        vectors = self._vectors([crop for _, crop in batch])
        if vectors is None:
            alone = [self._vectors([crop]) for _, crop in batch]
            result = [None if vector is None else vector[0] for vector in alone]
        else:
            result = list(vectors)
        self.clock.add("embed", since)
        return result

    def _vectors(self, crops: list[NDArray[np.uint8]]) -> NDArray[np.float32] | None:
        try:
            return self._embedder.embed(np.stack(crops))
        except MemoryError:
            return None

    def _finish_batches(self, n_left: int) -> None:
        """Take in embedded batches, waiting until at most ``n_left`` are in work."""
        while self._batches and (len(self._batches) > n_left or self._batches[0][1].done()):
            batch, future = self._batches[0]
            vectors = future.result()
            self._batches.popleft()
            self._take_in(batch, vectors)

    @staticmethod
    def _take_in(batch: list[_Waiting], vectors: list[NDArray[np.float32] | None]) -> None:
        for (found, _), vector in zip(batch, vectors, strict=True):
            if vector is None:
                found.give_up("not enough memory to embed its faces; use fewer threads, or end what else takes memory")
            elif found.error is None:
                found.embeddings.append(vector)

    def _save_what_is_found(self, in_flight: deque[Future[_Found]], cause: BaseException) -> None:
        """Save what the photos of a run that was stopped have shown; the faces that wait are embedded first.

        That takes a second at most, and means that even runs stopped again and again get ahead. ``cause`` is what the
        caller hears of, so what goes wrong here is only logged.
        """
        for looked in in_flight:
            if not looked.cancelled() and looked.exception() is None:
                self._take_over(looked.result())
        again: list[list[_Waiting]] = []
        for batch, future in self._batches:
            if future.cancelled() or future.exception() is not None:
                again.append(batch)
            else:
                self._take_in(batch, future.result())
        while self._waiting:
            again.append(self._next_batch())
        for batch in again:
            try:
                self._take_in(batch, self._embed(batch))
            except Exception as error:  # the others may do
                logger.debug("%d faces that were found could not be embedded: %s", len(batch), error)
        try:
            self._save(force=True)
        except Exception as error:
            if str(error) != str(cause):
                logger.warning("the photos that were done last could not be saved: %s", error)

    def _save(self, *, force: bool = False) -> None:
        """Save the photos that are finished; not more often than is worth it."""
        ready = [found for found in self._unsaved if found.is_finished]
        overdue = time.monotonic() - self._last_save > SAVE_EVERY_SECONDS
        if not ready or not (force or overdue or len(ready) >= SAVE_EVERY_PHOTOS):
            return
        since = time.perf_counter()
        self._work.save(self._analysis, [(found.file, found.record()) for found in ready])
        self._unsaved = [found for found in self._unsaved if not found.is_finished]
        self._n_saved += len(ready)
        self._last_save = time.monotonic()
        self.clock.add("save", since)
