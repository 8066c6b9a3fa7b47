"""Photos that are known by their bytes: moved, renamed, copied, touched; and names for others of a name that is taken.

A photo is known by its size and SHA-256, whatever it is called now, so that a folder that was tidied up is not analysed
a second time. The plan is made first, and reads only; the record then follows it in one transaction.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pyface.photos.finding import PhotoFile

# Name in the record -> size, mtime_ns, SHA-256.
Known = Mapping[str, tuple[int, int, bytes]]


@dataclass(frozen=True, slots=True)
class Move:
    """What is known of the photo ``source`` is known of ``file``, under its name; of both if ``is_copy``."""

    file: PhotoFile
    source: str
    is_copy: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do. ``pending`` are the photos to analyse, under the names that they get."""

    pending: list[PhotoFile]
    moves: list[Move]


def plan_run(
    photos: Sequence[PhotoFile],
    known: Known,
    *,
    anew: Collection[bytes] = (),
    progress: Callable[[str, int, int], None] | None = None,
) -> Plan:
    """For a run on all photos: what the record holds of other names is taken over, and what is at a name replaced.

    anew : digests of photos that are analysed although they are known.
    progress : told of the files that are compared, as stage ``"known photos"``, if there are any.
    """
    looked = _Looked(photos, known, anew, progress)
    moves = looked.touched + looked.renamed() + looked.copied()
    return Plan(looked.in_order([*looked.again, *looked.new]), moves)


def plan_addition(
    photos: Sequence[PhotoFile],
    known: Known,
    *,
    folder: str,
    is_same_folder: bool,
    anew: Collection[bytes] = (),
    progress: Callable[[str, int, int], None] | None = None,
) -> Plan:
    """For photos that are added to those of the record, all of which stay.

    folder : its own name. A photo that is not known and whose name is taken becomes ``folder/name``, then
        ``folder/name (2)`` and so on, the number before the suffix.
    is_same_folder : the names of the record are relative to this folder, so that they follow what was moved in it.
        Otherwise a photo that is known by another name is passed over.
    """
    looked = _Looked(photos, known, anew, progress)
    moves = list(looked.touched)
    left: set[str] = set()
    if is_same_folder:
        renamed = _possible(looked.renamed(), known)
        left = {move.source for move in renamed}
        moves += renamed
        moves += [move for move in looked.copied() if move.file.name not in known or move.file.name in left]
    # What is analysed anew stays where it is in the record.
    again = {looked.sources(photo)[0]: photo for photo in looked.again}
    pending = [replace(photo, name=name) for name, photo in again.items()]
    taken = {*known, *(photo.name for photo in photos)}
    for photo in looked.new:
        name = photo.name
        if name in known and name not in left:
            name = _own_name(folder, name, taken)
            taken.add(name)
        pending.append(replace(photo, name=name))
    return Plan(looked.in_order(pending), moves)


class _Looked:
    """The photos of a folder by what is known of them.

    touched : known by name and bytes, with another time.       elsewhere : known by their bytes, by other names.
    again : known, and to be analysed all the same.       new : not known.
    """

    def __init__(
        self,
        photos: Sequence[PhotoFile],
        known: Known,
        anew: Collection[bytes],
        progress: Callable[[str, int, int], None] | None,
    ) -> None:
        self.touched: list[Move] = []
        self.elsewhere: list[PhotoFile] = []
        self.again: list[PhotoFile] = []
        self.new: list[PhotoFile] = []
        self._names: dict[bytes, list[str]] = {}
        for name in sorted(known, key=os.fsencode):
            self._names.setdefault(known[name][2], []).append(name)
        self._digests: dict[str, bytes] = {}
        # Names whose photo is where the record has it.
        self._at_home: set[str] = set()
        to_compare = []
        sizes = {size for size, _, _ in known.values()}
        for photo in photos:
            size, mtime_ns, digest = known.get(photo.name, (-1, 0, b""))
            if (photo.size, photo.mtime_ns) == (size, mtime_ns):
                self._sort_in(photo, digest, anew, is_fresh=True)
            elif photo.size in sizes:
                to_compare.append(photo)
            else:
                self.new.append(photo)
        for n_done, photo in enumerate(to_compare):
            if progress is not None:
                progress("known photos", n_done, len(to_compare))
            self._sort_in(photo, _digest(photo.path), anew, is_fresh=False)
        if to_compare and progress is not None:
            progress("known photos", len(to_compare), len(to_compare))

    def _sort_in(self, photo: PhotoFile, digest: bytes, anew: Collection[bytes], *, is_fresh: bool) -> None:
        names = self._names.get(digest, []) if digest else []
        self._digests[photo.name] = digest
        if photo.name in names:
            self._at_home.add(photo.name)
        if not names:
            self.new.append(photo)
        elif digest in anew:
            self.again.append(photo)
        elif photo.name not in names:
            self.elsewhere.append(photo)
        elif not is_fresh:
            self.touched.append(Move(photo, photo.name))

    def sources(self, photo: PhotoFile) -> list[str]:
        """The names that the record has for the bytes of this photo, its own first."""
        return sorted(self._names[self._digests[photo.name]], key=lambda name: name != photo.name)

    def renamed(self) -> list[Move]:
        """For each photo whose old name does not show it any more, the move from there."""
        moves, claimed = [], set(self._at_home)
        for photo in self.elsewhere:
            free = next((name for name in self.sources(photo) if name not in claimed), None)
            if free is not None:
                claimed.add(free)
                moves.append(Move(photo, free))
        return moves

    def copied(self) -> list[Move]:
        """The other photos that are known by other names: these are copies."""
        are_renamed = {move.file.name for move in self.renamed()}
        return [
            Move(photo, self.sources(photo)[0], is_copy=True)
            for photo in self.elsewhere
            if photo.name not in are_renamed
        ]

    @staticmethod
    def in_order(photos: Iterable[PhotoFile]) -> list[PhotoFile]:
        """In byte order of their names."""
        return sorted(photos, key=lambda photo: os.fsencode(photo.name))


def _possible(moves: list[Move], known: Known) -> list[Move]:
    """Those moves that replace nothing: to names that are free, or that another of them leaves."""
    by_source = {move.source: move for move in moves}
    by_name = {move.file.name: move for move in moves}
    blocked = [name for name in by_name if name in known and name not in by_source]
    while blocked:
        move = by_name.pop(blocked.pop())
        # Its source stays where it is, and is in the way of whoever was to come there.
        if move.source in by_name:
            blocked.append(move.source)
    return [move for move in moves if move.file.name in by_name]


def _own_name(folder: str, name: str, taken: Collection[str]) -> str:
    stem, suffix = os.path.splitext(name)
    own, n = f"{folder}/{name}", 1
    while own in taken:
        n += 1
        own = f"{folder}/{stem} ({n}){suffix}"
    return own


def _digest(path: str) -> bytes:
    """SHA-256 of a file; nothing's if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b""


def write_moves(db: sqlite3.Connection, moves: Sequence[Move]) -> None:
    """Do these moves in a record, inside the caller's transaction.

    No file and no source that is left may come twice. Photos may change names with each other, so all of them get a
    name that no file has, with a zero byte in front, before any gets its own.
    """
    copies: list[tuple[bytes, bytes]] = []
    renames: list[tuple[bytes, bytes]] = []
    for move in moves:
        if move.file.name != move.source:
            row = (os.fsencode(move.file.name), os.fsencode(move.source))
            (copies if move.is_copy else renames).append(row)
    new = [(name,) for name, _ in (*copies, *renames)]
    for table, key in (("photos", "name"), ("faces", "photo"), ("people", "photo")):
        others = ", ".join(name for _, name, *_ in db.execute(f"PRAGMA table_info({table})") if name != key)
        copy = f"INSERT INTO {table} ({key}, {others}) SELECT x'00' || ?, {others} FROM {table} WHERE {key} = ?"
        db.executemany(copy, copies)
        db.executemany(f"UPDATE {table} SET {key} = x'00' || ? WHERE {key} = ?", renames)
        db.executemany(f"DELETE FROM {table} WHERE {key} = ?", new)
        db.executemany(f"UPDATE {table} SET {key} = ?1 WHERE {key} = x'00' || ?1", new)
    db.executemany(
        "UPDATE photos SET size = ?, mtime_ns = ? WHERE name = ?",
        [(move.file.size, move.file.mtime_ns, os.fsencode(move.file.name)) for move in moves],
    )
