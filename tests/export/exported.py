"""Albums of drawn photos that lie in a folder, as an export finds them; and pictures stored turned."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from album.records import THRESHOLD, face_record, vectors
from numpy.typing import NDArray

from pyface.album.album import Album
from pyface.album.build import load_album
from pyface.album.records import FaceRecord, PhotoRecord, RunInfo
from pyface.album.work import FILE_NAME, WorkFile
from pyface.photos.finding import PhotoFile
from pyface.report.folder import recluster_photos

WIDTH, HEIGHT = 120, 80
BOXES = [(12, 8, 31, 27), (70, 30, 99, 63)]  # first and last pixel of a face, in columns and rows
COLOURS = [(220, 30, 30), (30, 60, 220)]
ORIENTATIONS = range(1, 9)


def upright() -> NDArray[np.uint8]:
    """A grey picture in which two faces are a red and a blue rectangle."""
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for (x1, y1, x2, y2), colour in zip(BOXES, COLOURS, strict=True):
        picture[y1 : y2 + 1, x1 : x2 + 1] = colour
    return picture


def stored(picture: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The picture that its EXIF orientation turns into the upright one, by Pillow's turns."""
    from PIL import Image

    turn = Image.Transpose
    back = {2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE,
            6: turn.ROTATE_90, 7: turn.TRANSVERSE, 8: turn.ROTATE_270}  # fmt: skip
    image = Image.fromarray(picture)
    return np.asarray(image if orientation == 1 else image.transpose(back[orientation]))


def encoded(picture: NDArray[np.uint8], format_: str, orientation: int = 1) -> bytes:
    """A file that stores this picture and says that it is to be turned. HEIC skips where there is no encoder."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = orientation
    data = io.BytesIO()
    if format_ == "HEIC":
        heif = pytest.importorskip("pillow_heif", reason="the extra 'heic' is not installed")
        heif.from_pillow(Image.fromarray(picture)).save(data, quality=95, exif=exif.tobytes())
    else:
        options: dict[str, Any] = {"quality": 95, "subsampling": 0} if format_ == "JPEG" else {}
        Image.fromarray(picture).save(data, format_, exif=exif, **options)
    return data.getvalue()


def jpeg(shade: int = 0) -> bytes:
    """The drawn photo; another shade is another file."""
    picture = upright()
    picture[0, :8] = shade
    return encoded(picture, "JPEG")


def face(vector: NDArray[np.float32], place: int) -> FaceRecord:
    """The record of the red (0) or the blue (1) face, whose box goes from edge to edge of its pixels."""
    x1, y1, x2, y2 = BOXES[place]
    record = face_record(vector, place)
    box = np.array([x1 - 0.5, y1 - 0.5, x2 + 0.5, y2 + 0.5])
    return FaceRecord(box, record.score, record.landmarks, record.scheme, vector, record.thumbnail, 0.05)


def write_album(out: Path, folder: Path, photos: dict[str, tuple[bytes, list[int]]]) -> Path:
    """Photos in ``folder``, each with its content and the people of its faces, and the OUT of a run over them."""
    truth = [who for _, (_, people) in sorted(photos.items()) for who in people]
    rows = iter(vectors(truth))
    records: list[tuple[PhotoFile, PhotoRecord]] = []
    for name, (data, people) in sorted(photos.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        status = path.stat()
        faces = tuple(face(next(rows), place) for place, _ in enumerate(people))
        records.append(
            (
                PhotoFile(str(path), name, status.st_size, status.st_mtime_ns),
                PhotoRecord(name, WIDTH, HEIGHT, faces, digest=hashlib.sha256(data).digest()),
            )
        )
    out.mkdir()
    settings = {
        "detector": "yunet", "landmarks": "detector", "embedder": "sface", "min_face": None, "max_faces": None,
        "max_side": 1280, "refine": True, "batch_size": 32, "n_threads": 1, "providers": None,
    }  # fmt: skip
    info = RunInfo("photos", "1", "a", "cosine", THRESHOLD, 16, settings, {"yunet": "1", "sface": "2"})
    with contextlib.closing(WorkFile(str(out / FILE_NAME))) as work:
        work.begin(info, [file for file, _ in records], [], add=False)
        work.save("a", records)
        work.end()
    recluster_photos(out)
    return out


def named(out: Path, **names: str) -> Album:
    """The album, in which the person of face ``f3`` is called as ``f3=`` says."""
    album = load_album(out)
    for key, name in names.items():
        album = album.name(int(album.labels[int(key[1:])]), name, another=True)
    return album


def tree(folder: Path) -> dict[str, bytes]:
    """Path -> content of all files in a folder, its summary aside."""
    return {name: path.read_bytes() for name, path in files_in(folder) if name != "summary.json"}


def files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Path relative to the folder, with ``/``, and path of all files in it."""
    for path in sorted(folder.rglob("*")):
        if not path.is_dir():
            yield path.relative_to(folder).as_posix(), path
