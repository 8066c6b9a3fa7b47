"""What is in an OUT folder, and the two parts of an album: for the tests of regrouping and adding."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

FILES = ("faces.csv", "embeddings.npy", "summary.json", "report.html")


def contents(out: Path) -> dict[str, Any]:
    """What is in OUT; of the summary all but the seconds."""
    files: dict[str, Any] = {name: (out / name).read_bytes() for name in FILES}
    summary = json.loads(files["summary.json"])
    del summary["seconds"]
    files["summary.json"] = json.dumps(summary)  # in the order in which it stands there
    return files


def people(out: Path) -> dict[tuple[str, str], int]:
    """(photo, left edge of the box) -> number."""
    with open(out / "faces.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["face_id"]) for row in rows] == list(range(len(rows)))
    assert [row["photo"] for row in rows] == sorted(row["photo"] for row in rows)
    return {(row["photo"], row["x1"]): int(row["cluster"]) for row in rows}


def partition(numbers: dict[tuple[str, str], int]) -> set[frozenset[tuple[str, str]]]:
    return {frozenset(face for face in numbers if numbers[face] == n) for n in numbers.values()}


def damage(out: Path, sql: str) -> None:
    record = sqlite3.connect(out / "work.sqlite")
    with record:
        record.execute(sql)
    record.close()


def split(photos: Path, folder: Path, first: set[str]) -> tuple[Path, Path]:
    """Two folders: those photos, and the others."""
    for path in sorted(photos.rglob("*")):
        name = path.relative_to(photos).as_posix()
        if path.is_file() and not path.is_symlink():
            target = folder / ("first" if name in first else "second") / name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)
    return folder / "first", folder / "second"
