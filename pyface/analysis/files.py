"""Photos named one by one: for the commands that look at files, not at an album."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pyface import _memory
from pyface._typing import Image
from pyface.analysis.analyzer import FaceAnalyzer, check_threshold
from pyface.errors import ImageReadError, PyfaceError
from pyface.photos.finding import Skipped, find_photos
from pyface.photos.reading import quiet_pillow, read_image
from pyface.types import Face

logger = logging.getLogger(__name__)


def list_files(paths: Iterable[Path], out: str | None = None) -> tuple[list[str], list[Skipped]]:
    """The photos named: files as they are, folders searched, but for the folder ``out``.

    Raises FileNotFoundError for what does not exist, TypeError for one path in place of several: the letters of a
    string would be taken for paths.
    """
    if isinstance(paths, str | bytes | os.PathLike):
        raise TypeError(f"paths must be a list of photos and folders, got {paths!r}")
    files: list[str] = []
    skipped: list[Skipped] = []
    for path in map(os.fspath, paths):
        if os.path.isdir(path):
            found = find_photos(path, out=out)
            files += [photo.path for photo in found.photos]
            skipped += [Skipped(os.path.join(path, item.photo), item.reason) for item in found.skipped]
            for left in found.left_out:
                logger.info("left out %r (%s)", os.path.join(path, left.path), left.reason)
        elif os.path.lexists(path):
            files.append(path)
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")
    return files, skipped


def read_photo(path: str | os.PathLike[str]) -> Image:
    """A photo in full. ImageReadError or MemoryError, in words."""
    with quiet_pillow(), _memory.told("to read it", "a smaller copy of it needs less"):
        return read_image(path)


def analyze_files(
    analyzer: FaceAnalyzer, paths: Iterable[Path], progress: Callable[[str, int, int], None]
) -> tuple[list[tuple[str, list[Face]]], list[Skipped]]:
    """(name, faces) of every photo that can be read, in the order named, and the others with their reasons.

    A photo that is too large for what memory is left is one of the others.
    """
    files, skipped = list_files(paths)
    found: list[tuple[str, list[Face]]] = []
    for done, path in enumerate(files):
        progress("photos", done, len(files))
        try:
            found.append((path, analyzer.analyze(read_photo(path))))
        except ImageReadError as error:
            skipped.append(Skipped(path, error.reason))
        except MemoryError as error:
            skipped.append(Skipped(path, _memory.reason(error)))
    progress("photos", len(files), len(files))
    return found, skipped


@dataclass(frozen=True, slots=True)
class PairResult:
    """How two photos' largest faces compare. ``distance`` and ``threshold`` are of the metric named."""

    metric: str
    distance: float
    threshold: float
    same: bool
    n_faces_a: int
    n_faces_b: int


def compare_photos(analyzer: FaceAnalyzer, a: Path, b: Path, threshold: float | None = None) -> PairResult:
    """Compare the largest faces of two photos. Squared Euclidean distances are told as Euclidean ones.

    ``threshold`` is a Euclidean or cosine distance, as it is told. Raises FileNotFoundError for a photo that is not
    there and ValueError for a folder, before any work; PyfaceError if a photo shows no face, MemoryError, with its
    name, if it is too large.
    """
    for path in (a, b):
        if os.path.isdir(path):
            raise ValueError(f"{path}: is a folder; name one photo")
        if not os.path.lexists(path):
            raise FileNotFoundError(f"{path}: no such file")
    embedder = analyzer.chain.embedder
    assert embedder is not None
    threshold = check_threshold(threshold)
    vectors = []
    counts = []
    for path in (a, b):
        try:
            faces = analyzer.analyze(read_photo(path))
        except MemoryError as error:
            raise MemoryError(f"{path}: {_memory.reason(error)}") from error
        if not faces:
            raise PyfaceError(f"{path}: no face found; smaller faces are found with a smaller --min-face")
        largest = max(faces, key=lambda face: (face.box[2] - face.box[0]) * (face.box[3] - face.box[1]))
        assert largest.embedding is not None
        vectors.append(largest.embedding.astype(np.float64))
        counts.append(len(faces))
    x, y = vectors
    if embedder.metric == "cosine":
        lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
        if lengths == 0:
            raise PyfaceError(f"{embedder.name} gives a vector of zeros, which has no direction to compare")
        metric, distance = "cosine", 1 - float(x @ y) / lengths
        limit = embedder.pair_threshold
    else:
        metric, distance = "Euclidean", float(np.linalg.norm(x - y))
        limit = embedder.pair_threshold**0.5 if embedder.metric == "sqeuclidean" else embedder.pair_threshold
    limit = limit if threshold is None else threshold
    return PairResult(metric, distance, limit, distance <= limit, *counts)
