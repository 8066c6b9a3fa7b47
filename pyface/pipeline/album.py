"""A folder of photos and the people in it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import __version__, _threads
from pyface.errors import OutputFolderError, require_extra
from pyface.pipeline import scales
from pyface.pipeline.analyzer import Chain, check_count, check_max_side, check_min_face, check_threshold, load_chain
from pyface.pipeline.out_folder import prepare_folder
from pyface.pipeline.people import ALGORITHMS, CloseCall, close_calls, cluster_threshold, group_faces
from pyface.pipeline.photos import PhotoFile, Skipped, find_photos, quiet_pillow
from pyface.pipeline.run import AnalysisSettings, FolderRun, ProgressCallback
from pyface.pipeline.thumbnails import THUMBNAIL_VERSION
from pyface.pipeline.work import FILE_NAME, FaceRecord, WorkFile
from pyface.types import Face

logger = logging.getLogger(__name__)

# Raise it when the same models and settings would give other faces than before.
_ANALYSIS_VERSION = 1


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
    labels : (n,) int64, the person of each face: by decreasing number of faces, then smallest face_id.
    embeddings : (n, d) float32, rows in face_id order.
    photos : all photos that were read, also those without a face.       skipped : files that were not, with reasons.
    settings : what was asked for, defaults filled in.                   models : name -> digest of the models used.
    close_calls : faces nearest to the threshold.                        seconds : time spent, by stage.
    """

    faces: tuple[AlbumFace, ...]
    labels: NDArray[np.int64]
    embeddings: NDArray[np.float32]
    photos: tuple[PhotoInfo, ...]
    skipped: tuple[Skipped, ...]
    settings: dict[str, Any]
    models: dict[str, str]
    close_calls: tuple[CloseCall, ...]
    seconds: dict[str, float]
    _thumbnails: str | dict[tuple[str, int], bytes] = field(repr=False, default_factory=dict)

    @property
    def n_people(self) -> int:
        """How many different people there are, people seen once included."""
        return int(self.labels.max(initial=-1)) + 1

    @property
    def n_photos_without_face(self) -> int:
        """How many of the photos that were read show no face that was found."""
        return len(self.photos) - len({entry.photo for entry in self.faces})

    def people(self) -> list[NDArray[np.int64]]:
        """For each person the face_ids of its faces, ascending."""
        order = np.argsort(self.labels, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.labels))[:-1]) if len(order) else []

    def thumbnails(self, face_ids: Sequence[int]) -> list[bytes]:
        """JPEG thumbnails of these faces."""
        keys = [(self.faces[i].photo, self.faces[i].position) for i in face_ids]
        if isinstance(self._thumbnails, dict):
            return [self._thumbnails[key] for key in keys]
        with contextlib.closing(WorkFile(self._thumbnails)) as work:
            return [work.thumbnail(*key) for key in keys]


def build_album(
    folder: str | os.PathLike[str],
    *,
    out: str | None = None,
    models: str | None = None,
    detector: Any = None,
    embedder: Any = None,
    landmarks: Any = None,
    algorithm: str = "average",
    threshold: float | None = None,
    min_face: float | None = None,
    max_faces: int | None = None,
    max_side: int = scales.MAX_SIDE,
    batch_size: int = 32,
    n_threads: int | None = None,
    providers: list[str] | None = None,
    progress: ProgressCallback | None = None,
) -> Album:
    """Find and group the faces of a folder, with the record of work in ``out`` (which is checked before any work)."""
    folder = os.fsdecode(folder)
    if not os.path.isdir(folder):
        raise NotADirectoryError(
            f"PHOTOS must be a folder: {folder!r} " + ("is a file" if os.path.exists(folder) else "does not exist")
        )
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}; got {algorithm!r}")
    threshold = check_threshold(threshold)
    for role, choice in (("detector", detector), ("landmarks", landmarks), ("embedder", embedder)):
        if choice is False:
            raise ValueError(f"{role}=False: people cannot be told apart without the {role}")
    batch = check_count(batch_size, "batch_size") or 32
    workers = _threads.resolve(n_threads)
    settings = AnalysisSettings(check_min_face(min_face), check_count(max_faces, "max_faces"), check_max_side(max_side))

    # A part that is missing is told now, not when the first photo needs it.
    for module in ("PIL.Image", "cv2"):
        require_extra(module)
    if out is not None:
        if os.path.exists(out) and os.path.samefile(folder, out):
            raise OutputFolderError(f"{out}: is the folder of photos itself; choose another, for instance one in it")
        prepare_folder(out)
    clock: dict[str, float] = {}
    with _timed(clock, "load models"):
        # One thread inside the networks: photos run side by side, and that scales better than splitting one of them.
        chain = load_chain(
            models, detector=detector, landmarks=landmarks, embedder=embedder, providers=providers, n_threads=1
        )
    assert chain.embedder is not None
    metric = chain.embedder.metric
    limit = threshold
    if limit is None:
        limit = cluster_threshold(algorithm, metric, chain.embedder.cluster_threshold)

    with _timed(clock, "find photos"):
        photos, skipped = find_photos(folder, exclude=out)
    analysis = analysis_key(chain, settings, providers)
    work_path = None if out is None else os.path.join(out, FILE_NAME)
    with contextlib.closing(WorkFile(work_path)) as work:
        pending = _pending(photos, work.known(analysis))
        logger.info("%d photos, %d of them known", len(photos), len(photos) - len(pending))
        run = FolderRun(chain, settings, work, analysis, batch_size=batch, n_threads=workers)
        with _timed(clock, "analyse"), quiet_pillow():
            run.run(pending, progress)
        work.keep_only(photo.name for photo in photos)
        infos = work.photos()
        records = work.faces()
        positions = _positions([name for name, _ in records])
        thumbnails: str | dict[tuple[str, int], bytes] = work_path or {
            (name, position): work.thumbnail(name, position)
            for (name, _), position in zip(records, positions, strict=True)
        }

    embeddings = np.zeros((len(records), chain.embedder.dimension), np.float32)
    for row, (_, record) in zip(embeddings, records, strict=True):
        if record.embedding.shape != row.shape or record.box.shape != (4,):
            raise OutputFolderError(f"{work_path}: the record of work is damaged; remove it to begin anew")
        row[:] = record.embedding
    if progress is not None:
        progress("people", 0, len(records))
    with _timed(clock, "cluster"):
        labels = group_faces(embeddings, metric=metric, algorithm=algorithm, threshold=limit, n_threads=workers)
        calls = close_calls(embeddings, labels, metric=metric, threshold=limit)
    if progress is not None:
        progress("people", len(records), len(records))
    unread = [Skipped(name, error) for name, _, _, error in infos if error is not None]
    return Album(
        faces=tuple(
            AlbumFace(name, position, _face(record))
            for (name, record), position in zip(records, positions, strict=True)
        ),
        labels=labels,
        embeddings=embeddings,
        photos=tuple(PhotoInfo(name, width, height) for name, width, height, error in infos if error is None),
        skipped=tuple(sorted([*skipped, *unread], key=lambda s: os.fsencode(s.photo))),
        settings={
            "algorithm": algorithm, "threshold": limit, "metric": metric, **asdict(settings),
            "batch_size": batch, "n_threads": workers, "providers": providers,
            "detector": chain.detector.name if chain.detector else None,
            "landmarks": chain.landmarks.name if chain.landmarks else None,
            "embedder": chain.embedder.name,
        },
        models=chain.digests(),
        close_calls=tuple(calls),
        seconds={name: round(value, 3) for name, value in [*clock.items(), *_worker_seconds(run)]},
        _thumbnails=thumbnails,
    )  # fmt: skip


def analysis_key(chain: Chain, settings: AnalysisSettings, providers: list[str] | None) -> str:
    """Digest of everything that shapes the faces of a photo, its own bytes aside."""
    described = {
        "version": [__version__, _ANALYSIS_VERSION, THUMBNAIL_VERSION],
        "models": chain.digests(),
        "settings": asdict(settings),
        "providers": providers,
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _pending(photos: list[PhotoFile], known: dict[str, tuple[int, int]]) -> list[PhotoFile]:
    return [photo for photo in photos if known.get(photo.name) != (photo.size, photo.mtime_ns)]


def _positions(names: list[str]) -> list[int]:
    """0, 1, ... within each run of equal names."""
    positions: list[int] = []
    for i, name in enumerate(names):
        positions.append(positions[-1] + 1 if i and names[i - 1] == name else 0)
    return positions


def _face(record: FaceRecord) -> Face:
    return Face(record.box, record.score, record.landmarks, record.scheme, record.embedding)


def _worker_seconds(run: FolderRun) -> list[tuple[str, float]]:
    return [(f"analyse: {stage} (all threads)", value) for stage, value in sorted(run.clock.seconds.items())]


@contextlib.contextmanager
def _timed(clock: dict[str, float], stage: str) -> Iterator[None]:
    since = time.perf_counter()
    yield
    clock[stage] = time.perf_counter() - since
