"""The people in a folder of photos, and how they come from the record of work."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings, Labels
from pyface.album.close_calls import CloseCall, close_calls
from pyface.album.people import Grouping, group_faces, keep_numbers
from pyface.album.run import ProgressCallback
from pyface.album.work import FILE_NAME, FaceRecord, RunInfo, WorkFile, in_order
from pyface.errors import OutputFolderError
from pyface.photos.finding import Skipped
from pyface.types import Face


@dataclass(frozen=True, slots=True)
class PhotoInfo:
    """A photo that was read: its name (path relative to the folder, with ``/``) and its upright size in pixels."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class AlbumFace:
    """One face of an album: which photo it is in, its place among that photo's faces, and the face itself."""

    photo: str
    position: int
    face: Face


@dataclass(frozen=True, slots=True, eq=False)
class Album:
    """The faces of a folder of photos and who they belong to.

    faces : in face_id order, that is photos in byte order of their name, then best first.
    labels : (n,) int64, the person of each face: by decreasing number of faces, then smallest face_id. Where faces were
        added to those of a run before, people keep the number that they had, and numbers may have gaps.
    embeddings : (n, d) float32, rows in face_id order.
    photos : all photos that were read, also those without a face.       skipped : files that were not, with reasons.
    settings : what was asked for, defaults filled in.                   models : name -> digest of the models used.
    close_calls : faces that are hard to place.                          seconds : time spent, by stage.
    title : name of the folder of photos.
    """

    faces: tuple[AlbumFace, ...]
    labels: Labels
    embeddings: Embeddings
    photos: tuple[PhotoInfo, ...]
    skipped: tuple[Skipped, ...]
    settings: dict[str, Any]
    models: dict[str, str]
    close_calls: tuple[CloseCall, ...]
    seconds: dict[str, float]
    title: str = ""
    _thumbnails: str | dict[tuple[str, int], bytes] = field(repr=False, default_factory=dict)

    @property
    def n_people(self) -> int:
        """How many different people there are, people seen once included."""
        return len(np.unique(self.labels))

    @property
    def n_photos_without_face(self) -> int:
        """How many of the photos that were read show no face that was found."""
        return len(self.photos) - len({entry.photo for entry in self.faces})

    def people(self) -> list[NDArray[np.int64]]:
        """For each person, by number, the face_ids of its faces, ascending."""
        order = np.argsort(self.labels, kind="stable")
        _, sizes = np.unique(self.labels, return_counts=True)
        return np.split(order, np.cumsum(sizes)[:-1]) if len(order) else []

    def thumbnails(self, face_ids: Sequence[int]) -> list[bytes]:
        """JPEG thumbnails of these faces."""
        keys = [(self.faces[i].photo, self.faces[i].position) for i in face_ids]
        if isinstance(self._thumbnails, dict):
            return [self._thumbnails[key] for key in keys]
        with contextlib.closing(WorkFile(self._thumbnails, keep=True)) as work:
            return [work.thumbnail(*key) for key in keys]


def album_of(
    work: WorkFile,
    path: str | None,
    info: RunInfo,
    grouping: Grouping,
    *,
    keep: bool,
    n_threads: int,
    clock: dict[str, float],
    progress: ProgressCallback | None,
) -> Album:
    """Group the faces of a record. ``path`` is its file, None if it is in memory; ``keep`` lets old numbers survive."""
    grouping = grouping.for_embedder(info.settings["embedder"], info.metric, info.cluster_threshold)
    with timed(clock, "read record"):
        infos = work.photos()
        records = work.faces()
        positions = _positions([name for name, _ in records])
        embeddings = _embeddings(records, info.dimension, path)
        thumbnails: str | dict[tuple[str, int], bytes] = path or {
            (name, position): work.thumbnail(name, position)
            for (name, _), position in zip(records, positions, strict=True)
        }
    if progress is not None:
        progress("people", 0, len(records))
    with timed(clock, "cluster"):
        photos = np.cumsum(np.array(positions, np.int64) == 0)
        labels = group_faces(embeddings, grouping, metric=info.metric, photos=photos, n_threads=n_threads)
        if keep:
            labels = keep_numbers(work.numbers(), labels)
        calls = close_calls(
            embeddings,
            labels,
            metric=info.metric,
            threshold=grouping.threshold,
            photos=photos if grouping.same_photo_different_people else None,
        )
    if progress is not None:
        progress("people", len(records), len(records))
    unread = [Skipped(name, error) for name, _, _, error in infos if error is not None]
    return Album(
        faces=tuple(
            AlbumFace(name, position, Face(record.box, record.score, record.landmarks, record.scheme, record.embedding))
            for (name, record), position in zip(records, positions, strict=True)
        ),
        labels=labels,
        embeddings=embeddings,
        photos=tuple(PhotoInfo(name, width, height) for name, width, height, error in infos if error is None),
        skipped=tuple(in_order([*work.skipped(), *unread])),
        settings={**asdict(grouping), "metric": info.metric, **info.settings, "n_threads": n_threads},
        models=info.models,
        close_calls=tuple(calls),
        seconds={name: round(value, 3) for name, value in clock.items()},
        title=info.title,
        _thumbnails=thumbnails,
    )


def remember_numbers(out: str, album: Album) -> None:
    """Write the numbers of an album's people into the record of work, for photos that are added later."""
    with contextlib.closing(WorkFile(os.path.join(out, FILE_NAME), keep=True)) as work:
        work.save_numbers([(entry.photo, entry.position) for entry in album.faces], album.labels)


def _embeddings(records: list[tuple[str, FaceRecord]], dimension: int, path: str | None) -> Embeddings:
    embeddings = np.zeros((len(records), dimension), np.float32)
    for row, (_, record) in zip(embeddings, records, strict=True):
        if record.embedding.shape != row.shape or record.box.shape != (4,):
            raise OutputFolderError(f"{path}: the record of work is damaged; remove it to begin anew")
        row[:] = record.embedding
    return embeddings


def _positions(names: list[str]) -> list[int]:
    """0, 1, ... within each run of equal names."""
    positions: list[int] = []
    for i, name in enumerate(names):
        positions.append(positions[-1] + 1 if i and names[i - 1] == name else 0)
    return positions


@contextlib.contextmanager
def timed(clock: dict[str, float], stage: str) -> Iterator[None]:
    """Book the time that the block takes."""
    since = time.perf_counter()
    yield
    clock[stage] = time.perf_counter() - since
