"""The record of work in OUT: what is known of each photo, safe against Ctrl-C, a kill and a full disk.

One SQLite file, ``work.sqlite``. A photo is written with all its faces in one transaction or not at all, and is used
again only if its size, its modification time and everything that shaped the answer (models, settings) are the same.
It also knows what the last run was asked for and which numbers people got, so that faces can be grouped anew without
their photos.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.errors import OutputFolderError
from pyface.photos.finding import PhotoFile, Skipped

FILE_NAME = "work.sqlite"
_APPLICATION_ID = 0x70796663
_SCHEMA_VERSION = 2
# Another run that holds the record holds it for long; this is for one that is just ending.
_PATIENCE_SECONDS = 1.0

_SCHEMA = """
CREATE TABLE photos (
    name BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest BLOB NOT NULL,
    analysis TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, error TEXT
) WITHOUT ROWID;
CREATE TABLE faces (
    photo BLOB NOT NULL, position INTEGER NOT NULL, box BLOB NOT NULL, score REAL NOT NULL,
    landmarks BLOB NOT NULL, scheme TEXT NOT NULL, embedding BLOB NOT NULL, thumbnail BLOB NOT NULL,
    PRIMARY KEY (photo, position)
) WITHOUT ROWID;
CREATE TABLE people (
    photo BLOB NOT NULL, position INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (photo, position)
) WITHOUT ROWID;
CREATE TABLE skipped (name BLOB PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE run (id INTEGER PRIMARY KEY CHECK (id = 0), described TEXT NOT NULL, has_ended INTEGER NOT NULL);
"""
_TABLES = ("photos", "faces", "people", "skipped", "run")


@dataclass(frozen=True, slots=True, eq=False)
class FaceRecord:
    """One face as it is kept: (4,) float64, float, (k, 2) float64, name, (d,) float32, JPEG bytes."""

    box: NDArray[np.float64]
    score: float
    landmarks: NDArray[np.float64]
    scheme: str
    embedding: NDArray[np.float32]
    thumbnail: bytes


@dataclass(frozen=True, slots=True, eq=False)
class PhotoRecord:
    """What became of one photo: its size in pixels and its faces, or the reason why it could not be read."""

    name: str
    width: int
    height: int
    faces: tuple[FaceRecord, ...] = ()
    error: str | None = None
    digest: bytes = b""
    """SHA-256 of the file; empty if it could not be read."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What the last run was asked for, as far as it shaped the faces, and how their vectors are compared.

    title : name of the folder of photos.       analysis : digest of what shapes a photo's faces, see ``known``.
    settings : as in the summary, those of the grouping aside.       models : name -> digest.
    """

    title: str
    version: str
    analysis: str
    metric: str
    cluster_threshold: float
    dimension: int
    settings: dict[str, Any]
    models: dict[str, str]


class WorkFile:
    """The open record. ``path=None`` keeps it in memory, for runs without an OUT.

    As long as it is open no other process can open it. Every method raises OutputFolderError, in words, if the file is
    damaged or cannot be written. What another version of pyface wrote is thrown away, as it can be computed again;
    with ``keep`` it is an OutputFolderError.
    """

    def __init__(self, path: str | None, *, keep: bool = False) -> None:
        self._path = path
        self._keep = keep
        self._is_new = path is not None and not os.path.lexists(path)
        # What a run is asked for that has not begun, and the photos that it could not read.
        self._to_begin: tuple[RunInfo, list[PhotoFile], list[Skipped], bool] | None = None
        self._held: list[tuple[PhotoFile, PhotoRecord]] = []
        with self._in_words():
            if path is not None and self._is_new:
                # SQLite gives its journal the mode of the file, so both are the owner's alone from the start.
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(path or ":memory:", timeout=_PATIENCE_SECONDS)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:  # ValueError: a value of a wrong length
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                text = "in use by another run of pyface; wait for its end, or choose another folder"
            elif code == sqlite3.SQLITE_FULL:
                text = "the disk is full; the same command goes on when there is space"
            elif code == sqlite3.SQLITE_READONLY or isinstance(error, PermissionError):
                text = f"cannot be written ({error}); choose another folder"
            else:
                text = f"cannot be used as a record of work ({error}); remove it to begin anew"
            raise OutputFolderError(f"{self._path}: {text}") from error

    def _prepare(self) -> None:
        # Taken now and held until the end: whatever forbids writing is told before any work is done.
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("BEGIN IMMEDIATE")
        self._db.rollback()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, _SCHEMA_VERSION):
            if self._keep:
                raise OutputFolderError(
                    f"{self._path}: was written by an incompatible version of pyface; 'pyface cluster' without --add "
                    "begins anew"
                )
            for table in _TABLES:
                self._db.execute(f"DROP TABLE IF EXISTS {table}")
            version = 0
        if version == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA application_id = {_APPLICATION_ID}; "
                                   f"PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;")  # fmt: skip

    def close(self) -> None:
        """Close the record. One that was made here and in which nothing was begun is removed."""
        self._db.close()
        if self._path is not None and self._is_new and self._to_begin is not None:
            with contextlib.suppress(OSError):
                os.remove(self._path)

    def known(self, analysis: str) -> dict[str, tuple[int, int]]:
        """Photos analysed in this way that could be read: name -> (size, mtime_ns).

        One that could not be read is tried again: the cause may be gone without the file having changed.
        """
        query = "SELECT name, size, mtime_ns FROM photos WHERE analysis = ? AND error IS NULL"
        with self._in_words():
            return {os.fsdecode(name): (size, mtime) for name, size, mtime in self._db.execute(query, (analysis,))}

    def contents(self) -> dict[str, tuple[int, int, bytes]]:
        """Photos that could be read, in whatever way they were analysed: name -> (size, mtime_ns, digest)."""
        query = "SELECT name, size, mtime_ns, digest FROM photos WHERE error IS NULL"
        with self._in_words():
            return {os.fsdecode(name): tuple(known) for name, *known in self._db.execute(query)}

    def analysed_otherwise(self, analysis: str) -> str | None:
        """The first photo that could be read and was analysed in another way, if there is one."""
        query = "SELECT name FROM photos WHERE analysis <> ? AND error IS NULL ORDER BY name LIMIT 1"
        with self._in_words():
            row = self._db.execute(query, (analysis,)).fetchone()
        return None if row is None else os.fsdecode(row[0])

    def touch(self, photos: Iterable[PhotoFile]) -> None:
        """These photos have a new modification time and are the same otherwise."""
        with self._in_words(), self._db:
            self._db.executemany(
                "UPDATE photos SET mtime_ns = ? WHERE name = ?",
                [(photo.mtime_ns, os.fsencode(photo.name)) for photo in photos],
            )

    def begin(
        self,
        info: RunInfo,
        photos: Iterable[PhotoFile],
        skipped: Iterable[Skipped],
        *,
        add: bool,
        at_first_photo: bool = False,
    ) -> None:
        """Write down what a run is asked for, and which files it passes over.

        ``add`` keeps those of runs before, unless they are among the ``photos`` now. ``at_first_photo`` : not before a
        photo is saved that could be read. Until then nothing of the record is changed: a folder that cannot be read,
        or is empty by mistake, may not cost what is known.
        """
        self._to_begin = (info, list(photos), list(skipped), add)
        if not at_first_photo:
            with self._in_words(), self._db:
                self._write_run(*self._to_begin)
            self._to_begin = None

    def _write_run(self, info: RunInfo, photos: list[PhotoFile], skipped: list[Skipped], add: bool) -> None:
        described = json.dumps(asdict(info))  # ASCII: a name that is no text stays readable
        self._db.execute("INSERT OR REPLACE INTO run VALUES (0, ?, 0)", (described,))
        if add:
            found = [(os.fsencode(photo.name),) for photo in photos]
            self._db.executemany("DELETE FROM skipped WHERE name = ?", found)
        else:
            self._db.execute("DELETE FROM skipped")
        rows = [(os.fsencode(item.photo), item.reason) for item in skipped]
        self._db.executemany("INSERT OR REPLACE INTO skipped VALUES (?, ?)", rows)

    @property
    def has_begun(self) -> bool:
        """Whether the run is written down, see :meth:`begin`."""
        return self._to_begin is None

    def held_back(self) -> list[Skipped]:
        """What a run that has not begun passed over."""
        passed_over = [] if self._to_begin is None else self._to_begin[2]
        return in_order([*passed_over, *(Skipped(record.name, record.error or "") for _, record in self._held)])

    def end(self) -> None:
        """All photos of the run are saved."""
        with self._in_words(), self._db:
            self._db.execute("UPDATE run SET has_ended = 1")

    def last_run(self) -> tuple[RunInfo, bool] | None:
        """What the last run was asked for, and whether it ended; None if there was none."""
        with self._in_words():
            row = self._db.execute("SELECT described, has_ended FROM run").fetchone()
            if row is None:
                return None
            try:
                return RunInfo(**json.loads(row[0])), bool(row[1])
            except TypeError as error:
                raise ValueError(f"the last run is not described: {error}") from error

    def save(self, analysis: str, photos: Iterable[tuple[PhotoFile, PhotoRecord]]) -> None:
        """Write these photos and their faces in one transaction."""
        rows = [*self._held, *photos]
        if self._to_begin is not None and all(record.error is not None for _, record in rows):
            self._held = rows
            return
        with self._in_words(), self._db:
            if self._to_begin is not None:
                self._write_run(*self._to_begin)
            for file, record in rows:
                name = os.fsencode(record.name)
                self._db.execute("DELETE FROM faces WHERE photo = ?", (name,))
                self._db.execute("DELETE FROM people WHERE photo = ?", (name,))
                self._db.execute(
                    "INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (name, file.size, file.mtime_ns, record.digest, analysis, record.width, record.height,
                     record.error),
                )  # fmt: skip
                self._db.executemany(
                    "INSERT INTO faces VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (name, i, f.box.tobytes(), f.score, f.landmarks.tobytes(), f.scheme, f.embedding.tobytes(),
                         f.thumbnail)
                        for i, f in enumerate(record.faces)
                    ],
                )  # fmt: skip
        self._to_begin, self._held = None, []

    def keep_only(self, names: Iterable[str]) -> None:
        """Forget photos that are no longer in the folder."""
        keep = {os.fsencode(name) for name in names}
        with self._in_words(), self._db:
            gone = [(name,) for (name,) in self._db.execute("SELECT name FROM photos") if name not in keep]
            self._db.executemany("DELETE FROM faces WHERE photo = ?", gone)
            self._db.executemany("DELETE FROM people WHERE photo = ?", gone)
            self._db.executemany("DELETE FROM photos WHERE name = ?", gone)

    def photos(self) -> list[tuple[str, int, int, str | None]]:
        """(name, width, height, error) of all photos, in byte order of the name."""
        with self._in_words():
            rows = self._db.execute("SELECT name, width, height, error FROM photos ORDER BY name").fetchall()
        return [(os.fsdecode(name), width, height, error) for name, width, height, error in rows]

    def faces(self) -> list[tuple[str, FaceRecord]]:
        """(photo, face without its thumbnail) in face_id order: byte order of the photo's name, then position."""
        query = "SELECT photo, box, score, landmarks, scheme, embedding FROM faces ORDER BY photo, position"
        with self._in_words():
            return [
                (
                    os.fsdecode(photo),
                    FaceRecord(
                        np.frombuffer(box), score, np.frombuffer(landmarks).reshape(-1, 2), scheme,
                        np.frombuffer(embedding, np.float32), b"",
                    ),
                )
                for photo, box, score, landmarks, scheme, embedding in self._db.execute(query)
            ]  # fmt: skip

    def skipped(self) -> list[Skipped]:
        """Files that were passed over before they were opened."""
        with self._in_words():
            rows = self._db.execute("SELECT name, reason FROM skipped ORDER BY name").fetchall()
        return [Skipped(os.fsdecode(name), reason) for name, reason in rows]

    def numbers(self) -> Labels:
        """The number of the person that each face was given last, in face_id order; -1 for none."""
        query = (
            "SELECT COALESCE(number, -1) FROM faces LEFT JOIN people USING (photo, position) ORDER BY photo, position"
        )
        with self._in_words():
            return np.array([number for (number,) in self._db.execute(query)], np.int64)

    def save_numbers(self, faces: Sequence[tuple[str, int]], numbers: Labels) -> None:
        """Write down the numbers of these faces (photo, position), in place of all that were there."""
        rows = [(os.fsencode(photo), position, int(n)) for (photo, position), n in zip(faces, numbers, strict=True)]
        with self._in_words(), self._db:
            self._db.execute("DELETE FROM people")
            self._db.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)

    def thumbnail(self, photo: str, position: int) -> bytes:
        """The JPEG thumbnail of a photo's face."""
        query = "SELECT thumbnail FROM faces WHERE photo = ? AND position = ?"
        with self._in_words():
            row = self._db.execute(query, (os.fsencode(photo), position)).fetchone()
        return b"" if row is None else bytes(row[0])


def in_order(skipped: Iterable[Skipped]) -> list[Skipped]:
    """Files in byte order of their name, as photos are."""
    return sorted(skipped, key=lambda item: os.fsencode(item.photo))


def last_models(path: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings of the last run in a record, and its models' name -> digest; nothing where it holds no run, or
    cannot be read by this version.

    Nothing is changed and nothing is raised: whoever opens it as a :class:`WorkFile` hears what is wrong.
    """
    address = f"{Path(path).absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE_SECONDS)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            row = db.execute("SELECT described FROM run").fetchone() if version == _SCHEMA_VERSION else None
            described = {} if row is None else json.loads(row[0])
            settings, models = described.get("settings"), described.get("models")
    except (sqlite3.Error, OSError, ValueError, AttributeError, TypeError):
        return {}, {}
    return settings if isinstance(settings, dict) else {}, models if isinstance(models, dict) else {}


def is_work_file(path: str) -> bool:
    """Whether this file is a record of work (it need not be intact)."""
    try:
        with open(path, "rb") as file:
            header = file.read(72)
    except OSError:
        return False
    if not header:  # killed between creating the file and writing its first page
        return True
    return header[:15] == b"SQLite format 3" and header[68:72] == _APPLICATION_ID.to_bytes(4, "big")
