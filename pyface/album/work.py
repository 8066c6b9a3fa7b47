"""The record of work in OUT: what is known of each photo, safe against Ctrl-C, a kill and a full disk.

One SQLite file, ``work.sqlite``. A photo is written with all its faces in one transaction or not at all, and is used
again only if its size, its modification time and everything that shaped the answer (models, settings) are the same.
It also knows what the last run was asked for and which numbers people got, so that faces can be grouped anew without
their photos.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._one_writer import one_writer
from pyface._typing import Labels
from pyface.album import layout
from pyface.album.database import PATIENCE_SECONDS, create_private, has_application_id, in_words, open_snapshot
from pyface.album.moved import Move, write_moves
from pyface.album.records import FaceTable, PhotoRecord, RunInfo, as_points, as_rows, of_one_size
from pyface.album.tombstones import Tombstones
from pyface.photos.finding import LeftOut, PhotoFile, Skipped

FILE_NAME = "work.sqlite"

_FACES_AT_ONCE = 512


class WorkFile:
    """The open record. ``path=None`` keeps it in memory, for runs without an OUT.

    As long as it is open no other process can open it, or write to its folder. With ``reading`` it is only read, whole
    as it was when it was opened, and others may read it meanwhile. Every method raises OutputFolderError, in words, if
    the file is damaged or cannot be written. What an older version of pyface wrote is moved up; what is too
    old for that is thrown away, as it can be computed again; with ``keep`` that is an OutputFolderError.
    """

    def __init__(self, path: str | None, *, keep: bool = False, reading: bool = False) -> None:
        self._path = path
        self._keep = keep
        self._is_new = False
        # What a run is asked for that has not begun, and the photos that it could not read.
        self._to_begin: tuple[RunInfo, list[PhotoFile], list[Skipped], bool] | None = None
        self._held: list[tuple[PhotoFile, PhotoRecord]] = []
        self._lock = contextlib.ExitStack()
        if path is not None and reading:
            with self._in_words():
                db = open_snapshot(path, layout.VERSION)
            if db is not None:
                self._db = db
                return
        if path is not None:
            self._lock.enter_context(one_writer(os.path.dirname(path) or "."))
        try:
            self._open_to_write(path)
        except BaseException:
            self._lock.close()
            raise

    def _open_to_write(self, path: str | None) -> None:
        self._is_new = path is not None and not os.path.lexists(path)
        with self._in_words():
            if path is not None and self._is_new:
                create_private(path)
            self._db = sqlite3.connect(path or ":memory:", timeout=PATIENCE_SECONDS)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def _in_words(self) -> contextlib.AbstractContextManager[None]:
        return in_words(self._path, f"cannot be used as a record of work ({{}}); {layout.WAY_OUT}")

    def _prepare(self) -> None:
        # Taken now and held until the end: whatever forbids writing is told before any work is done.
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("BEGIN IMMEDIATE")
        self._db.rollback()
        layout.prepare(self._db, self._path, keep=self._keep)

    def close(self) -> None:
        """Close the record. One that was made here and in which nothing was begun is removed."""
        self._db.close()
        self._lock.close()
        if self._path is not None and self._is_new and self._to_begin is not None:
            with contextlib.suppress(OSError):
                os.remove(self._path)

    def known(self, analysis: str) -> dict[str, tuple[int, int, bytes]]:
        """Photos analysed in this way that could be read: name -> (size, mtime_ns, SHA-256).

        One that could not be read is tried again: the cause may be gone without the file having changed.
        """
        query = "SELECT name, size, mtime_ns, digest FROM photos WHERE analysis = ? AND error IS NULL"
        with self._in_words():
            return {os.fsdecode(name): tuple(row) for name, *row in self._db.execute(query, (analysis,))}

    def analysed_otherwise(self, analysis: str) -> str | None:
        """The first photo that could be read and was analysed in another way, if there is one."""
        query = "SELECT name FROM photos WHERE analysis <> ? AND error IS NULL ORDER BY name LIMIT 1"
        with self._in_words():
            row = self._db.execute(query, (analysis,)).fetchone()
        return None if row is None else os.fsdecode(row[0])

    def take_over(self, moves: Sequence[Move], tombstones: Tombstones) -> None:
        """Let what is known of photos hold under the names that they have now, without what is forgotten."""
        with self._in_words(), self._db:
            write_moves(self._db, moves)
        self.drop_forgotten(tombstones)

    def drop_forgotten(self, tombstones: Tombstones) -> bool:
        """Take out what is marked as forgotten; whether there was anything."""
        if not tombstones:
            return False
        photos: list[str] = []
        faces: list[tuple[str, int]] = []
        for name, *_, digest in self.photos():
            if tombstones.has_faces(digest):
                query = "SELECT box FROM faces WHERE photo = ? ORDER BY position"
                with self._in_words():
                    boxes = [np.frombuffer(box) for (box,) in self._db.execute(query, (os.fsencode(name),))]
                are_gone = tombstones.forgotten(digest, np.reshape(boxes, (-1, 4)))
                faces += [(name, int(position)) for position in np.flatnonzero(are_gone)]
                photos += [name] if tombstones.has_photo(digest) else []
        if faces or photos:
            self.forget(faces, photos)
            self.close_gaps()
        return bool(faces or photos)

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
                described = json.loads(row[0])
                left_out = tuple(LeftOut(**item) for item in described.pop("left_out", ()))
                return RunInfo(**described, left_out=left_out), bool(row[1])
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
                    "INSERT INTO faces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (name, i, f.box.tobytes(), f.score, f.landmarks.tobytes(), f.scheme, f.embedding.tobytes(),
                         f.thumbnail, f.sharpness)
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

    def forget(self, faces: Sequence[tuple[str, int]], photos: Sequence[str]) -> None:
        """Take these faces (photo, position) and photos out for good; later faces of a photo move up."""
        touched = sorted({os.fsencode(photo) for photo, _ in faces})
        with self._in_words():
            self._db.execute("PRAGMA secure_delete = ON")
            with self._db:
                rows = [(os.fsencode(photo), position) for photo, position in faces]
                for table in ("faces", "people"):
                    self._db.executemany(f"DELETE FROM {table} WHERE photo = ? AND position = ?", rows)
                for name in touched:
                    query = "SELECT position FROM faces WHERE photo = ? ORDER BY position"
                    for place, (position,) in enumerate(self._db.execute(query, (name,)).fetchall()):
                        for table in ("faces", "people"):
                            self._db.execute(
                                f"UPDATE {table} SET position = ? WHERE photo = ? AND position = ?",
                                (place, name, position),
                            )
                self._db.executemany("DELETE FROM photos WHERE name = ?", [(os.fsencode(name),) for name in photos])
                self._db.execute("DELETE FROM standing")

    def close_gaps(self) -> None:
        """Write the file anew without what was deleted and is overwritten, if there is room."""
        with contextlib.suppress(sqlite3.OperationalError):
            self._db.execute("VACUUM")

    def photos(self) -> list[tuple[str, int, int, str | None, bytes]]:
        """(name, width, height, error, digest) of all photos, in byte order of the name."""
        with self._in_words():
            rows = self._db.execute("SELECT name, width, height, error, digest FROM photos ORDER BY name").fetchall()
        return [(os.fsdecode(name), *rest) for name, *rest in rows]

    def faces(self) -> FaceTable:
        """All faces without their thumbnails, in face_id order: byte order of the photo's name, then position."""
        query = "SELECT photo, box, score, landmarks, scheme, sharpness, embedding FROM faces ORDER BY photo, position"
        columns: tuple[list[Any], ...] = ([], [], [], [], [], [])
        # A bytearray, so that the numbers can be written to; some faces at a time, so that memory is used again.
        embeddings = bytearray()
        sizes: set[int] = set()
        with self._in_words():
            cursor = self._db.execute(query)
            while rows := cursor.fetchmany(_FACES_AT_ONCE):
                *others, blobs = zip(*rows, strict=True)
                for column, values in zip(columns, others, strict=True):
                    column.extend(values)
                sizes.update(map(len, blobs))
                embeddings += b"".join(blobs)
            photos, boxes, scores, landmarks, schemes, sharpness = columns
            if not photos:
                return FaceTable([], np.zeros((0, 4)), np.zeros(0), [], [], np.zeros((0, 0), np.float32), np.zeros(0))
            names = {photo: os.fsdecode(photo) for photo in set(photos)}
            return FaceTable(
                [names[photo] for photo in photos],
                as_rows(boxes, np.float64),
                np.array(scores, np.float64),
                as_points(landmarks),
                schemes,
                of_one_size(embeddings, sizes, len(photos)),
                np.array([math.nan if value is None else value for value in sharpness]),  # SQLite keeps NaN as NULL
            )

    def skipped(self) -> list[Skipped]:
        """Files that were passed over before they were opened."""
        with self._in_words():
            rows = self._db.execute("SELECT name, reason FROM skipped ORDER BY name").fetchall()
        return [Skipped(os.fsdecode(name), reason) for name, reason in rows]

    def n_faces(self) -> int:
        """How many faces there are."""
        with self._in_words():
            return int(self._db.execute("SELECT COUNT(*) FROM faces").fetchone()[0])

    def boxes(self) -> list[tuple[str, int, bytes]]:
        """(photo, position, box) of all faces, in face_id order."""
        with self._in_words():
            rows = self._db.execute("SELECT photo, position, box FROM faces ORDER BY photo, position").fetchall()
        return [(os.fsdecode(photo), position, box) for photo, position, box in rows]

    def people(self) -> tuple[Labels, NDArray[np.bool_]]:
        """The number that each face was given last, -1 for none, and whether it was set aside, in face_id order."""
        query = (
            "SELECT COALESCE(number, -1), COALESCE(set_aside, 0) FROM faces LEFT JOIN people USING (photo, position) "
            "ORDER BY photo, position"
        )
        with self._in_words():
            rows = np.array(self._db.execute(query).fetchall(), np.int64).reshape(-1, 2)
        return rows[:, 0].copy(), rows[:, 1] != 0

    def grouping(self) -> dict[str, Any]:
        """How the numbers came about, as :meth:`save_people` was told; empty where nothing was."""
        with self._in_words():
            described = json.loads(*(self._db.execute("SELECT described FROM grouping").fetchone() or ("{}",)))
        return described if isinstance(described, dict) else {}

    def standing(self, faces: str) -> bytes | None:
        """What :meth:`save_people` was told to keep of these faces, if it was."""
        with self._in_words():
            row = self._db.execute("SELECT kept FROM standing WHERE faces = ?", (faces,)).fetchone()
        return None if row is None else bytes(row[0])

    def save_people(
        self,
        faces: Sequence[tuple[str, int]],
        numbers: Labels,
        set_aside: NDArray[np.bool_],
        described: dict[str, Any],
        standing: tuple[str, bytes] | None = None,
    ) -> None:
        """Write down the numbers of these faces (photo, position) and how they came about, in place of all before.

        standing : which faces they are, and what spares the next run some work; None leaves what is there.
        """
        with self._in_words(), self._db:
            if not self._are_written(numbers, set_aside):
                names = {photo: os.fsencode(photo) for photo in {photo for photo, _ in faces}}
                columns = zip(faces, numbers.tolist(), set_aside.astype(np.int64).tolist(), strict=True)
                rows = [(names[photo], position, number, aside) for (photo, position), number, aside in columns]
                self._db.execute("DELETE FROM people")
                self._db.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", rows)
            self._db.execute("INSERT OR REPLACE INTO grouping VALUES (0, ?)", (json.dumps(described),))
            if standing is not None:
                self._db.execute("INSERT OR REPLACE INTO standing VALUES (0, ?, ?)", standing)

    def _are_written(self, numbers: Labels, set_aside: NDArray[np.bool_]) -> bool:
        """Whether the people of all faces are these; looking is quicker than writing them again."""
        (n,) = self._db.execute("SELECT COUNT(*) FROM people").fetchone()
        if n != len(numbers):
            return False
        written, aside = self.people()
        return np.array_equal(written, numbers) and np.array_equal(aside, set_aside)

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
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            row = db.execute("SELECT described FROM run").fetchone() if layout.is_known(version) else None
            described = {} if row is None else json.loads(row[0])
            settings, models = described.get("settings"), described.get("models")
    except (sqlite3.Error, OSError, ValueError, AttributeError, TypeError):
        return {}, {}
    return settings if isinstance(settings, dict) else {}, models if isinstance(models, dict) else {}


def is_work_file(path: str) -> bool:
    """Whether this file is a record of work (it need not be intact)."""
    return has_application_id(path, layout.APPLICATION_ID)
