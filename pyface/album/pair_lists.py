"""Files of pairs for ``pyface evaluate --pairs``: LFW's protocol, or a CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface.album.predictions import read_csv, refuse_long_lines
from pyface.errors import PyfaceError
from pyface.metrics.verification import read_lfw_pairs

_YES, _NO = ("1", "true", "yes"), ("0", "false", "no")


@dataclass(frozen=True, slots=True, eq=False)
class PairList:
    """Pairs as a file lists them.

    first, second : (p,) what is compared: names of photos, or numbers of faces. same : (p,) bool, of one person.
    folds : (p,) which fold each is in, None if the file does not say. lines : (p,) where they stand.
    by : "photo" or "face_id". person : whose photo a name is, for files whose names say so, or None.
    """

    path: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    same: NDArray[np.bool_]
    folds: NDArray[np.int64] | None
    lines: tuple[int, ...]
    by: str
    person: Callable[[str], str] | None = None


def read_pairs(path: str) -> PairList:
    """The pairs of a file.

    path : LFW's ``pairs.txt`` or ``pairsDevTest.txt``, told by its first line of numbers
    (:func:`pyface.metrics.verification.read_lfw_pairs`). Else a CSV with two columns whose names begin with "photo", or
    two that begin with "face_id"; with ``same``: 1 or 0, true or false, yes or no; and, if folds are given, ``fold``.

    FileNotFoundError, PyfaceError and ValueError, which name the line.
    """
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            first_line = file.readline().split()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except OSError as error:
        raise PyfaceError(f"{path}: cannot be read ({error.strerror or error})") from error
    if first_line and all(word.isdecimal() for word in first_line):
        return _of_lfw(path)
    return _of_csv(path)


def _of_lfw(path: str) -> PairList:
    try:
        pairs = read_lfw_pairs(path)
    except UnicodeDecodeError as error:
        raise PyfaceError(f"{path}: not a text in UTF-8 ({error.reason})") from error
    lines = tuple(range(2, 2 + len(pairs)))
    folds = pairs.folds if pairs.folds.any() else None  # one fold is none
    return PairList(
        *(path, pairs.first, pairs.second, pairs.same, folds, lines, "photo"),
        person=lambda name: name.rpartition("_")[0],
    )


def _of_csv(path: str) -> PairList:
    rows = read_csv(path, once=("same", "fold"))
    columns = [name for name in rows[0][1] if name is not None] if rows else []
    by, sides = "", list[str]()
    for by in ("photo", "face_id"):
        sides = [name for name in columns if name.lower().startswith(by)]
        if len(sides) == 2:
            break
    if len(sides) != 2 or "same" not in columns:
        raise PyfaceError(
            f"{path}: neither LFW's pairs.txt nor a CSV with two columns photo... or face_id... and a column 'same'; "
            f"its columns are {columns}"
        )
    refuse_long_lines(path, rows)
    same, places = [], []
    for number, row in rows:
        word = (row["same"] or "").strip().lower()
        if word not in _YES + _NO:
            raise PyfaceError(f"{path}: line {number}: same must be 1 or 0, true or false, yes or no, got {word!r}")
        if any(not (row[side] or "").strip() for side in sides):
            raise PyfaceError(f"{path}: line {number} does not name two {'photos' if by == 'photo' else 'faces'}")
        same.append(word in _YES)
        places.append(number)
    folds = None
    if "fold" in columns:
        names = [(row["fold"] or "").strip() for _, row in rows]
        if any(names) and not all(names):
            raise PyfaceError(f"{path}: line {places[names.index('')]} has no fold, and others have; give all, or none")
        folds = np.unique(names, return_inverse=True)[1].astype(np.int64)
    first, second = (tuple(row[side].strip() if by == "face_id" else row[side] for _, row in rows) for side in sides)
    return PairList(path, first, second, np.array(same, bool), folds, tuple(places), by)


def identities(pairs: PairList) -> dict[str, int]:
    """Which names are one person, by number: as the names say, else whoever pairs of one person connect.

    PyfaceError if a pair says another thing than the names, or than other pairs.
    """
    names = dict.fromkeys((*pairs.first, *pairs.second))
    if pairs.person is not None:
        numbers: dict[str, int] = {}
        of_name = {name: numbers.setdefault(pairs.person(name), len(numbers)) for name in names}
        because = "by their names"
    else:
        of_name = _connected(list(names), pairs)
        because = "by other lines"
    for first, second, is_same, line in zip(pairs.first, pairs.second, pairs.same, pairs.lines, strict=True):
        if (of_name[first] == of_name[second]) != is_same:
            said, other = ("one person", "two") if is_same else ("two people", "one")
            raise PyfaceError(
                f"{pairs.path}: line {line}: {first} and {second} are {said} here, and {other} {because}; "
                "correct the file"
            )
    return of_name


def _connected(names: Sequence[str], pairs: PairList) -> dict[str, int]:
    parent = {name: name for name in names}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for first, second, is_same in zip(pairs.first, pairs.second, pairs.same, strict=True):
        if is_same:
            parent[root(first)] = root(second)
    numbers: dict[str, int] = {}
    return {name: numbers.setdefault(root(name), len(numbers)) for name in names}
