"""Forgetting faces: out of the record of work, the journal and every file of OUT, and never to come back by themselves.

In this order, none of which takes more room than a page or two: the mark, by which whoever opens OUT next to write ends
what is broken off; the records, where SQLite overwrites what it deletes (``secure_delete``); the files that were made
of them. Then the records are written anew without gaps (``VACUUM``), if there is room. What the disk underneath keeps
of old blocks, and what backups have, is out of reach.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pyface._signals import ctrl_c_waits
from pyface._typing import Labels
from pyface.album.album import Album
from pyface.album.assembly import stored_album
from pyface.album.basis import Basis
from pyface.album.build import record_of
from pyface.album.facts import Journal
from pyface.album.out_folder import remove_made
from pyface.album.work import WorkFile
from pyface.errors import OutputFolderError

# Facts that say nothing any more once so few faces are left on a side.
_LEAST = {"same": (2, 0), "different": (1, 1)}


@dataclass(frozen=True, slots=True, eq=False)
class Forgotten:
    """What was forgotten: the album without it, how many faces and photos, and the exports that were not reached."""

    album: Album
    n_faces: int
    n_photos: int
    exports: tuple[tuple[str, str], ...]


def forget(
    out: str | os.PathLike[str],
    *,
    person: int | str | None = None,
    photo: str | None = None,
    face: int | None = None,
    n_threads: int | None = None,
) -> Forgotten:
    """Take faces out of ``out`` for good. The files that were made of them are gone, and the caller's to write anew.

    out : a folder that :func:`pyface.cluster_photos` wrote.
    person : number or name: all faces of it.       photo : its name in ``faces.csv``, with all copies of the file.
    face : a face_id. Exactly one of the three.

    Vectors, thumbnails, names and answers go, and copies of the records that a move to a newer layout left. What stays
    is a mark, digest of the photo and box of the face, by which later runs pass over it. Other faces keep their numbers
    of people and get new face_ids. Copies of a photo go along. It cannot be undone, and Ctrl-C waits for it.

    ValueError if there is no such face; :class:`pyface.errors.OutputFolderError` as :func:`pyface.load_album`.
    """
    asked = [value is not None for value in (person, photo, face)]
    if sum(asked) != 1:
        raise ValueError("give exactly one of person, photo and face")
    out = os.fsdecode(out)
    with ctrl_c_waits(), record_of(out) as (work, work_path, info, _):
        album = stored_album(work, work_path, info, n_threads=n_threads or 1)
        basis = album._basis
        assert basis is not None
        photos: list[str] = []
        if photo is not None:
            photos, rows = _photo(album, work, photo)
        elif person is not None:
            rows = album.faces_of(person)
        else:
            rows = _face(album, face)
        # The same face in every copy of its photo, whomever the copies were taken for.
        rows = np.unique([i for row in rows.tolist() for i in basis.rows.of(basis.keys[row])] + rows.tolist())
        digests = {name: digest for name, *_, digest in work.photos()}
        marks: list[tuple[object, ...]] = (
            [(digest, None, None, None, None) for digest in {digests[name] for name in photos} if digest]
            if photos
            else [(basis.keys[row].digest, *basis.keys[row].box) for row in rows]
        )
        _forget_facts(basis, rows, marks)
        try:
            _forget_work(work, album, rows, photos)
            remove_made(out)
        except (OutputFolderError, OSError) as error:
            raise OutputFolderError(
                f"{out}: what is to be forgotten is marked but not all gone ({error}); make room and run 'pyface "
                "recluster', which ends it. Do not say it again: face_ids may be others then"
            ) from error
        _write_anew(basis.journal)
        work.close_gaps()
        album = stored_album(work, work_path, info, n_threads=n_threads or 1)
    basis = album._basis
    assert basis is not None
    calls = basis.close_calls(basis.stored(album.labels, album.set_aside), album.labels)
    album = replace(album, close_calls=calls)
    return Forgotten(album, len(rows), len(photos), tuple(basis.journal.exports()))


def _photo(album: Album, work: WorkFile, photo: str) -> tuple[list[str], Labels]:
    digests = {name: digest for name, *_, digest in work.photos()}
    if photo not in digests:
        raise ValueError(f"photo: there is none named {photo!r}; the column 'photo' of faces.csv has the names")
    digest = digests[photo]
    names = [name for name in digests if name == photo or (digest and digests[name] == digest)]
    rows = np.flatnonzero(np.isin([entry.photo for entry in album.faces], names))
    return names, rows.astype(np.int64)


def _face(album: Album, face: int | None) -> Labels:
    from pyface import _check

    number = _check.integer(face, "face", minimum=0)
    if number >= len(album.faces):
        raise ValueError(f"face: there is no face {number}; the album has {len(album.faces):,}, numbered from 0")
    return np.array([number], np.int64)


def _forget_facts(basis: Basis, rows: Labels, marks: Sequence[tuple[object, ...]]) -> None:
    """Write the marks down and take all that was said of these rows out of the journal, undone things included."""
    journal = basis.journal
    gone = set(rows.tolist())
    numbers = [(number,) for number, key in journal.keys().items() if gone & set(basis.rows.of(key))]
    with journal.opened(write=True) as db:
        assert db is not None
        db.execute("PRAGMA secure_delete = ON")
        db.executemany("INSERT INTO forgotten VALUES (?, ?, ?, ?, ?)", marks)
        for table, column in (("said", "face"), ("overruled", "face"), ("faces", "id")):
            db.executemany(f"DELETE FROM {table} WHERE {column} = ?", numbers)
        left: dict[int, list[int]] = {}
        for fact, side, n in db.execute("SELECT fact, side, COUNT(*) FROM said GROUP BY fact, side"):
            left.setdefault(fact, [0, 0])[side] = n
        empty = [
            (fact,)
            for fact, kind in db.execute("SELECT id, kind FROM journal WHERE undoes IS NULL").fetchall()
            if any(n < least for n, least in zip(left.get(fact, (0, 0)), _LEAST.get(kind, (1, 0)), strict=True))
        ]
        for statement in (
            "DELETE FROM journal WHERE undoes = ?", "DELETE FROM journal WHERE id = ?",
            "DELETE FROM said WHERE fact = ?", "DELETE FROM overruled WHERE fact = ?",
            "DELETE FROM overruled WHERE later = ?",
        ):  # fmt: skip
            db.executemany(statement, empty)
        # A face that only facts without it spoke of is nobody's business any more, either.
        db.execute("DELETE FROM faces WHERE id NOT IN (SELECT face FROM said)")


def _write_anew(journal: Journal) -> None:
    assert journal.path is not None
    with (
        contextlib.suppress(sqlite3.OperationalError),  # no room; what was deleted is overwritten already
        contextlib.closing(sqlite3.connect(journal.path, isolation_level=None)) as db,
    ):
        db.execute("PRAGMA secure_delete = ON")
        db.execute("VACUUM")


def _forget_work(work: WorkFile, album: Album, rows: Labels, photos: Sequence[str]) -> None:
    keep = np.ones(len(album.faces), np.bool_)
    keep[rows] = False
    names = [(entry.photo, entry.position) for entry in album.faces]
    work.forget([name for name, kept in zip(names, keep, strict=True) if not kept], photos)
    work.save_people(_renumbered(names, keep), album.labels[keep], album.set_aside[keep], {**work.grouping(),
                     "close_calls": []})  # fmt: skip


def _renumbered(names: Sequence[tuple[str, int]], keep: NDArray[np.bool_]) -> list[tuple[str, int]]:
    """The faces that are kept, with their new places in their photos."""
    places: dict[str, int] = {}
    kept = []
    for (name, _), is_kept in zip(names, keep, strict=True):
        if is_kept:
            kept.append((name, places.setdefault(name, 0)))
            places[name] += 1
    return kept
