"""How the record of work is laid out, and how one that an older version wrote is moved up."""

from __future__ import annotations

import sqlite3

from pyface.album.database import keep_copy
from pyface.errors import OutputFolderError

APPLICATION_ID = 0x70796663
VERSION = 3
# Out of a record that is damaged, and what it costs.
WAY_OUT = (
    "remove it to begin anew: people get other numbers, and photos that --add brought are to be added again; names and "
    "answers stay"
)

_SCHEMA = """
CREATE TABLE photos (
    name BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest BLOB NOT NULL,
    analysis TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, error TEXT
) WITHOUT ROWID;
CREATE TABLE faces (
    photo BLOB NOT NULL, position INTEGER NOT NULL, box BLOB NOT NULL, score REAL NOT NULL,
    landmarks BLOB NOT NULL, scheme TEXT NOT NULL, embedding BLOB NOT NULL, thumbnail BLOB NOT NULL,
    sharpness REAL,
    PRIMARY KEY (photo, position)
) WITHOUT ROWID;
CREATE TABLE people (
    photo BLOB NOT NULL, position INTEGER NOT NULL, number INTEGER NOT NULL, set_aside INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (photo, position)
) WITHOUT ROWID;
CREATE TABLE skipped (name BLOB PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE run (id INTEGER PRIMARY KEY CHECK (id = 0), described TEXT NOT NULL, has_ended INTEGER NOT NULL);
CREATE TABLE grouping (id INTEGER PRIMARY KEY CHECK (id = 0), described TEXT NOT NULL);
CREATE TABLE standing (id INTEGER PRIMARY KEY CHECK (id = 0), faces TEXT NOT NULL, kept BLOB NOT NULL);
"""
_TABLES = ("photos", "faces", "people", "skipped", "run", "grouping", "standing")

# From each older version to the next one. Version 1 kept no digests of photos, without which nothing is known again.
_STEPS = {
    2: """
ALTER TABLE faces ADD COLUMN sharpness REAL;
ALTER TABLE people ADD COLUMN set_aside INTEGER NOT NULL DEFAULT 0;
CREATE TABLE grouping (id INTEGER PRIMARY KEY CHECK (id = 0), described TEXT NOT NULL);
CREATE TABLE standing (id INTEGER PRIMARY KEY CHECK (id = 0), faces TEXT NOT NULL, kept BLOB NOT NULL);
""",
}


def is_known(version: int) -> bool:
    """Whether a record of this version can be read, or moved up and read."""
    return version == VERSION or version in _STEPS


def prepare(db: sqlite3.Connection, path: str | None, *, keep: bool) -> None:
    """Give a record the tables of this version. Whatever is in it stays, where this version can read it.

    What an older version wrote is moved up in one transaction, and a copy of it is kept beside it. What is too old for
    that is thrown away, as it can be computed again; with ``keep`` it is an OutputFolderError. So is, in any case, what
    a newer version wrote, which is left as it is: that version can read it.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    if version in _STEPS:
        if path is not None:
            keep_copy(db, path, version)
        steps = "".join(_STEPS[step] for step in range(version, VERSION))
        db.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {VERSION}; COMMIT;")
        return
    if version > VERSION:
        raise OutputFolderError(
            f"{path}: was written by a newer version of pyface (layout {version}, this one knows {VERSION}); update "
            "pyface, or choose another folder. Nothing was changed"
        )
    if version != 0:
        if keep:
            raise OutputFolderError(
                f"{path}: was written by an incompatible, older version of pyface (layout {version}); 'pyface cluster' "
                "without --add begins anew"
            )
        for table in _TABLES:
            db.execute(f"DROP TABLE IF EXISTS {table}")
    db.executescript(
        f"BEGIN; {_SCHEMA} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
    )
