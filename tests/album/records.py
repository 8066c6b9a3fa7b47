"""Records of work without photos or models: people as vectors, two faces to a photo."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyface.album.records import FaceRecord, PhotoRecord, RunInfo
from pyface.album.work import FILE_NAME, WorkFile
from pyface.photos.finding import PhotoFile
from pyface.photos.thumbnails import thumbnail

DIMENSION = 16
THRESHOLD = 0.3


def vectors(truth: list[int], *, spread: float = 0.12, seed: int = 0) -> NDArray[np.float32]:
    """One vector a face, near to its person's; lengths differ."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(truth) + 1, DIMENSION))
    rows = centres[truth] + spread * rng.normal(size=(len(truth), DIMENSION))
    return (rows * rng.uniform(5, 20, size=(len(truth), 1))).astype(np.float32)


def digest_of(name: str) -> bytes:
    return hashlib.sha256(os.fsencode(name)).digest()


def face_record(vector: NDArray[np.float32], place: int = 0, *, eyes: float = 60.0, shift: float = 0.0) -> FaceRecord:
    """A face looking ahead; ``eyes`` is the distance between them, which is what makes it good or poor."""
    x = 300.0 * place + shift
    five = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.55], [0.1, 1.1], [0.9, 1.1]]) * eyes + (x + eyes, 80.0)
    picture = np.random.default_rng(int(abs(vector[0]) * 1e6) + place).integers(0, 255, (64, 64, 3), np.uint8)
    box = np.array([x, 10.0, x + 3 * eyes, 10.0 + 3 * eyes])
    jpeg = thumbnail(picture, np.array([0.0, 0.0, 63.0, 63.0]))
    return FaceRecord(box, 0.95, five, "arcface-5", vector, jpeg, sharpness=0.05)


def write_record(
    out: Path,
    faces: dict[str, list[FaceRecord]],
    *,
    embedder: str = "sface",
    add: bool = False,
    analysis: str = "a",
    copies: dict[str, str] | None = None,
    metric: str = "cosine",
    threshold: float = THRESHOLD,
) -> Path:
    """OUT with the record of these photos, as a run leaves it before its faces are grouped.

    copies : photos that are the same file as another one.
    """
    digests = {name: digest_of((copies or {}).get(name, name)) for name in faces}
    out.mkdir(exist_ok=True)
    settings = {
        "detector": "yunet", "landmarks": "detector", "embedder": embedder, "min_face": None, "max_faces": None,
        "max_side": 1280, "refine": True, "batch_size": 32, "n_threads": 1, "providers": None,
    }  # fmt: skip
    dimension = next((len(face.embedding) for some in faces.values() for face in some), DIMENSION)
    info = RunInfo("photos", "1", analysis, metric, threshold, dimension, settings, {"yunet": "1", embedder: "2"})
    files = [PhotoFile(f"/nowhere/{name}", name, 1000 + i, 7) for i, name in enumerate(sorted(faces))]
    with contextlib.closing(WorkFile(str(out / FILE_NAME))) as work:
        work.begin(info, files, [], add=add)
        records = [PhotoRecord(f.name, 900, 600, tuple(faces[f.name]), digest=digests[f.name]) for f in files]
        work.save(analysis, zip(files, records, strict=True))
        work.end()
    return out


def two_to_a_photo(truth: list[int], **options: float) -> dict[str, list[FaceRecord]]:
    """Photos 000.jpg, 001.jpg, ... of two faces each, in the order of ``truth``: face_id is the place in it."""
    rows = vectors(truth)
    faces: dict[str, list[FaceRecord]] = {}
    for i, row in enumerate(rows):
        faces.setdefault(f"{i // 2:03}.jpg", []).append(face_record(row, i % 2, **options))
    return faces
