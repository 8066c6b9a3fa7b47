"""What people said about faces: names and corrections, in a journal that nothing but ``pyface forget`` shortens.

One SQLite file, ``facts.sqlite``, beside the record of work and independent of it: that one can be computed again, this
one cannot. A face is known by the digest of its photo and by its box, so that facts survive other thresholds, other
models, moved folders and new numbers. Every answer is one transaction, and in the file before :meth:`Journal.add`
returns. How facts become rules for rows of an album: :mod:`pyface.album.links`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, get_args

from pyface._one_writer import one_writer
from pyface.album.database import PATIENCE_SECONDS, create_private, has_application_id, in_words
from pyface.errors import OutputFolderError

FILE_NAME = "facts.sqlite"
APPLICATION_ID = 0x70796661
VERSION = 1

Kind = Literal["same", "different", "nobody", "hide", "show", "name", "unname"]
KINDS = get_args(Kind)

_SCHEMA = """
CREATE TABLE faces (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL,
    y2 REAL NOT NULL, photo BLOB NOT NULL, UNIQUE (digest, x1, y1, x2, y2)
);
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, kind TEXT NOT NULL, person INTEGER, name TEXT,
    undoes INTEGER
);
CREATE TABLE said (
    fact INTEGER NOT NULL, face INTEGER NOT NULL, side INTEGER NOT NULL, PRIMARY KEY (fact, side, face)
) WITHOUT ROWID;
CREATE TABLE overruled (
    fact INTEGER NOT NULL, face INTEGER NOT NULL, later INTEGER NOT NULL, PRIMARY KEY (fact, face, later)
) WITHOUT ROWID;
CREATE TABLE forgotten (digest BLOB NOT NULL, x1 REAL, y1 REAL, x2 REAL, y2 REAL);
CREATE TABLE exports (path BLOB PRIMARY KEY, kind TEXT NOT NULL, time TEXT NOT NULL) WITHOUT ROWID;
"""


_DAMAGED = (
    "cannot be used as a record of names and corrections ({}); put a copy of it back, or move it away: names and "
    "answers are lost without it, and faces that were forgotten may come back"
)
# Facts that one command said, by the first of them; made where there are any. Versions that do not know it undo them
# one by one.
_AT_ONCE = "CREATE TABLE IF NOT EXISTS at_once (fact INTEGER PRIMARY KEY, first INTEGER NOT NULL)"


@dataclass(frozen=True, slots=True)
class FaceKey:
    """A face by what does not change: SHA-256 of its photo's file and its box; ``photo`` is the name it had then."""

    digest: bytes
    box: tuple[float, float, float, float]
    photo: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was said, by numbers of :class:`FaceKey` in the journal.

    kind : ``same`` (``faces`` are one person), ``different`` (none of ``faces`` is the person of any of ``others``),
        ``nobody`` (no face, or nobody's), ``hide`` and ``show`` (which takes back ``nobody`` and ``hide``), ``name``
        (``faces`` are ``person``, who is called ``name`` from now on), ``unname``.
    overruled : face -> the later fact by which this one no longer holds for it.
    """

    id: int
    kind: Kind
    faces: tuple[int, ...]
    others: tuple[int, ...] = ()
    person: int | None = None
    name: str | None = None
    time: str = ""
    overruled: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact to be written down. A ``name`` without a ``person`` is somebody new.

    overrules : (fact, face) of older facts that no longer hold for that face.
    """

    kind: Kind
    faces: Sequence[FaceKey]
    others: Sequence[FaceKey] = ()
    person: int | None = None
    name: str | None = None
    overrules: Iterable[tuple[int, int]] = ()


class Journal:
    """The facts of one OUT. ``path=None`` keeps them in memory, for albums without an OUT.

    No file is made before something is said. Nothing is held open in between, so that several processes can read and
    write; each sees what the others said at its next call.
    """

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._memory: sqlite3.Connection | None = None
        self._seen: tuple[int, int] = (-1, -1)
        self._keys: dict[int, FaceKey] = {}
        self._facts: dict[int, Fact] = {}
        # The first fact of what was said at once, for those after it; and of what is being said now.
        self._firsts: dict[int, int] = {}
        self._first: int | None = None
        self._is_one = False

    def facts(self) -> list[Fact]:
        """All facts that hold, in the order in which they were said; those undone are left out."""
        self._refresh()
        return list(self._facts.values())

    def keys(self) -> dict[int, FaceKey]:
        """The faces that facts speak of, by their numbers in the journal."""
        self._refresh()
        return self._keys

    def add(
        self,
        kind: Kind,
        faces: Sequence[FaceKey],
        others: Sequence[FaceKey] = (),
        *,
        person: int | None = None,
        name: str | None = None,
        overrules: Iterable[tuple[int, int]] = (),
    ) -> Fact:
        """Write one fact down, see :class:`Entry`."""
        return self.add_all([Entry(kind, faces, others, person, name, overrules)])[0]

    def add_all(self, entries: Sequence[Entry]) -> list[Fact]:
        """Write these facts down, all or none, as one thing that was said."""
        with self.opened(write=True) as db:
            assert db is not None
            self._refuse_forgotten(db, [face for entry in entries for face in (*entry.faces, *entry.others)])
            numbers = [_write(db, entry) for entry in entries]
            first = numbers[0] if self._first is None else self._first
            later = [(number, first) for number in numbers if number != first]
            if later:
                db.execute(_AT_ONCE)
                db.executemany("INSERT INTO at_once VALUES (?, ?)", later)
        if self._is_one:
            self._first = first
        self._refresh()
        return [self._facts[number] for number in numbers]

    def _refuse_forgotten(self, db: sqlite3.Connection, faces: Sequence[FaceKey]) -> None:
        """Whoever speaks of a face that was forgotten has an album of before: nothing of it may be written again."""
        gone = {(digest, tuple(box)) for digest, *box in db.execute("SELECT digest, x1, y1, x2, y2 FROM forgotten")}
        for face in faces if gone else ():
            if (face.digest, face.box) in gone or (face.digest, (None,) * 4) in gone:
                raise OutputFolderError(
                    f"{self.path}: a face in {face.photo} was forgotten since the album was loaded; load it again"
                )

    @contextlib.contextmanager
    def one_thing(self) -> Iterator[None]:
        """What is written down within this block is one thing that was said: :meth:`undo` takes all of it back."""
        self._is_one = True
        try:
            yield
        finally:
            self._is_one, self._first = False, None

    def undo(self) -> list[Fact]:
        """Take back what was said last and holds, and return its facts; none if there are none. The journal says it."""
        facts = self.facts()
        if not facts:
            return []
        last = self._firsts.get(facts[-1].id, facts[-1].id)
        gone = [fact for fact in facts if self._firsts.get(fact.id, fact.id) == last]
        with self.opened(write=True) as db:
            assert db is not None
            rows = [(_now(), fact.id) for fact in reversed(gone)]
            db.executemany("INSERT INTO journal (time, kind, undoes) VALUES (?, 'undo', ?)", rows)
        return gone

    def forgotten(self) -> dict[bytes, list[tuple[float, ...] | None]]:
        """What may not come back: digest of a photo -> boxes of faces, None for the whole photo."""
        with self.opened() as db:
            rows = [] if db is None else db.execute("SELECT digest, x1, y1, x2, y2 FROM forgotten").fetchall()
        gone: dict[bytes, list[tuple[float, ...] | None]] = {}
        for digest, *box in rows:
            gone.setdefault(digest, []).append(None if box[0] is None else tuple(box))
        return gone

    def allow_again(self, digests: Iterable[bytes]) -> None:
        """These photos, and the faces in them, may come back."""
        with self.opened(write=True) as db:
            assert db is not None
            db.executemany("DELETE FROM forgotten WHERE digest = ?", [(digest,) for digest in digests])

    def exports(self) -> list[tuple[str, str]]:
        """(path, kind) of what was made of this album and holds its faces or names, by path."""
        with self.opened() as db:
            rows = [] if db is None else db.execute("SELECT path, kind FROM exports ORDER BY path").fetchall()
        return [(os.fsdecode(path), kind) for path, kind in rows]

    def note_export(self, path: str, kind: str) -> None:
        """Remember that something was made at this path, so that forgetting can say what it does not reach."""
        with self.opened(write=True) as db:
            assert db is not None
            row = (os.fsencode(os.path.abspath(path)), kind, _now())
            db.execute("INSERT OR REPLACE INTO exports VALUES (?, ?, ?)", row)

    @contextlib.contextmanager
    def opened(self, *, write: bool = False) -> Iterator[sqlite3.Connection | None]:
        """The database inside a transaction; None where there is none and nothing is to be written."""
        if self.path is None:
            if self._memory is None:
                self._memory = sqlite3.connect(":memory:", check_same_thread=False)
                _lay_out(self._memory)
            with self._memory:
                yield self._memory
            return
        is_there = os.path.lexists(self.path)
        if not is_there and not write:
            yield None
            return
        lock = one_writer(os.path.dirname(self.path) or ".") if write else contextlib.nullcontext()
        with lock, in_words(self.path, _DAMAGED):
            if not is_there:
                self._make(self.path)
            # What a run that was killed left half done is rolled back by whoever may write.
            mode = "rw" if write or os.access(self.path, os.W_OK) else "ro"
            address = f"file:{_quoted(self.path)}?mode={mode}"
            with contextlib.closing(sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS)) as db:
                if write:
                    db.execute("PRAGMA synchronous = FULL")
                self._check(db)
                with db:
                    db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                    yield db

    def _make(self, path: str) -> None:
        """Make an empty journal, whole or not at all: an empty file is one whose contents were lost."""
        temporary = f"{path}.writing"
        try:
            with contextlib.suppress(FileNotFoundError):
                os.remove(temporary)
            create_private(temporary)
            with contextlib.closing(sqlite3.connect(temporary)) as db:
                _lay_out(db)
            if not os.path.lexists(path):
                os.replace(temporary, path)
        finally:
            with contextlib.suppress(OSError):
                os.remove(temporary)

    def _check(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            raise ValueError("it is empty" if not os.path.getsize(str(self.path)) else "it has none")
        if version != VERSION:
            raise OutputFolderError(
                f"{self.path}: holds names and corrections of a newer version of pyface (layout {version}, this one "
                f"knows {VERSION}); update pyface. Nothing was changed"
            )

    def _refresh(self) -> None:
        """Read what is new. Facts are only added, but for forgetting, after which everything is read anew."""
        with self.opened() as db:
            if db is None:
                self._seen, self._keys, self._facts, self._firsts = (-1, -1), {}, {}, {}
                return
            (last,) = db.execute("SELECT COALESCE(MAX(id), 0) FROM journal").fetchone()
            (n_forgotten,) = db.execute("SELECT COUNT(*) FROM forgotten").fetchone()
            if (last, n_forgotten) == self._seen:
                return
            if n_forgotten != self._seen[1]:
                self._seen, self._keys, self._facts = (0, n_forgotten), {}, {}
            new_keys = db.execute("SELECT * FROM faces WHERE id > ?", (max(self._keys, default=0),))
            self._keys |= {
                number: FaceKey(digest, tuple(box), os.fsdecode(photo)) for number, digest, *box, photo in new_keys
            }
            _go_on(self._facts, db, self._seen[0])
            self._firsts = _firsts(db)
            self._seen = (last, n_forgotten)


def _lay_out(db: sqlite3.Connection) -> None:
    db.executescript(
        f"BEGIN; {_SCHEMA} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
    )


def is_facts_file(path: str) -> bool:
    """Whether this file is a record of facts (it need not be intact)."""
    return has_application_id(path, APPLICATION_ID)


def _go_on(facts: dict[int, Fact], db: sqlite3.Connection, seen: int) -> None:
    """Change ``facts`` by what the journal has after its entry ``seen``."""
    sides: dict[tuple[int, int], list[int]] = {}
    for fact, face, side in db.execute("SELECT fact, face, side FROM said WHERE fact > ? ORDER BY face", (seen,)):
        sides.setdefault((fact, side), []).append(face)
    overruled: dict[int, list[tuple[int, int]]] = {}
    for later, fact, face in db.execute("SELECT later, fact, face FROM overruled WHERE later > ?", (seen,)):
        overruled.setdefault(later, []).append((fact, face))
    query = "SELECT id, time, kind, person, name, undoes FROM journal WHERE id > ? ORDER BY id"
    for number, time, kind, person, name, undoes in db.execute(query, (seen,)):
        if undoes is not None:
            facts.pop(undoes, None)
            for old in [fact for fact in facts.values() if any(later == undoes for _, later in fact.overruled)]:
                facts[old.id] = replace(old, overruled=tuple(item for item in old.overruled if item[1] != undoes))
        elif kind in KINDS:
            faces, others = (tuple(sides.get((number, side), ())) for side in (0, 1))
            facts[number] = Fact(number, kind, faces, others, person, name, time)
            for old_id, face in sorted(overruled.get(number, ())):
                if old_id in facts:
                    old = facts[old_id]
                    facts[old_id] = replace(old, overruled=(*old.overruled, (face, number)))


def _firsts(db: sqlite3.Connection) -> dict[int, int]:
    """The first fact of what was said at once, for those after it."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'at_once'").fetchone() is None:
        return {}
    return dict(db.execute("SELECT fact, first FROM at_once").fetchall())


def _write(db: sqlite3.Connection, entry: Entry) -> int:
    """Write an entry down; its number."""
    query = "INSERT INTO journal (time, kind, person, name) VALUES (?, ?, ?, ?)"
    fact = db.execute(query, (_now(), entry.kind, entry.person, entry.name)).lastrowid
    assert fact is not None
    if entry.kind == "name" and entry.person is None:
        db.execute("UPDATE journal SET person = ? WHERE id = ?", (fact, fact))
    for side, several in enumerate((entry.faces, entry.others)):
        numbers = [(fact, number, side) for number in _numbers(db, several)]
        db.executemany("INSERT OR IGNORE INTO said VALUES (?, ?, ?)", numbers)
    overrules = [(old, face, fact) for old, face in entry.overrules]
    db.executemany("INSERT OR IGNORE INTO overruled VALUES (?, ?, ?)", overrules)
    return fact


def _numbers(db: sqlite3.Connection, faces: Sequence[FaceKey]) -> list[int]:
    """The numbers of these faces in the journal, where they are written down if they are not there."""
    numbers = []
    for face in faces:
        where = (face.digest, *face.box)
        db.execute(
            "INSERT OR IGNORE INTO faces (digest, x1, y1, x2, y2, photo) VALUES (?, ?, ?, ?, ?, ?)",
            (*where, os.fsencode(face.photo)),
        )
        query = "SELECT id FROM faces WHERE digest = ? AND x1 = ? AND y1 = ? AND x2 = ? AND y2 = ?"
        numbers.append(db.execute(query, where).fetchone()[0])
    return numbers


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(os.fsencode(os.path.abspath(path)))
