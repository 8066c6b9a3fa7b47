"""Files that say which pairs of photos a verification compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPairs:
    """Pairs of photos by name, as a protocol lists them.

    first, second : names of photos without folder and ending, "Aaron_Peirsol_0001". same : (p,) bool, of one person.
    folds : (p,) int64, from 0.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    same: NDArray[np.bool_]
    folds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first)

    def rows(self, names: Sequence[str]) -> NDArray[np.int64]:
        """(p, 2) rows of the photos: ``names`` says which photo each row of an array is.

        Folders and endings of names do not count: "Aaron_Peirsol/Aaron_Peirsol_0001.jpg" is that photo. ValueError for
        photos that ``names`` lacks, with how many and which come first, and for two rows of one name.
        """
        numbers = _numbered(names)
        known = [(numbers.get(a, -1), numbers.get(b, -1)) for a, b in zip(self.first, self.second, strict=True)]
        rows = np.array(known, np.int64).reshape(-1, 2)
        missing = dict.fromkeys(
            name for name, row in zip((*self.first, *self.second), rows.T.ravel(), strict=True) if row < 0
        )
        if missing:
            listed = ", ".join(list(missing)[:5]) + (", ..." if len(missing) > 5 else "")
            raise ValueError(
                f"names: {len(missing)} photos of the pairs are not among them: {listed}; "
                "give all, or take LabelledPairs.among(names)"
            )
        return rows

    def among(self, names: Sequence[str]) -> LabelledPairs:
        """The pairs of which ``names`` has both photos."""
        numbers = _numbered(names)
        both = zip(self.first, self.second, strict=True)
        kept = [p for p, names_of_pair in enumerate(both) if all(name in numbers for name in names_of_pair)]
        first, second = (tuple(side[p] for p in kept) for side in (self.first, self.second))
        return LabelledPairs(first, second, self.same[kept], self.folds[kept])


def _numbered(names: Sequence[str]) -> dict[str, int]:
    if isinstance(names, str):
        raise TypeError(f"names must be a list of names, one for each row, got the string {names!r}")
    numbers: dict[str, int] = {}
    for row, name in enumerate(names):
        stem = PurePosixPath(_check.text(name, f"names: entry {row}").replace("\\", "/")).stem
        if stem in numbers:
            raise ValueError(f"names: rows {numbers[stem]} and {row} are both {stem}; a photo must have one row")
        numbers[stem] = row
    return numbers


def read_lfw_pairs(path: str | PathLike[str]) -> LabelledPairs:
    """The pairs of a protocol file of Labeled Faces in the Wild: ``pairs.txt``, ``pairsDevTrain.txt``.

    The first line has the number of folds and of pairs of each kind in a fold, or the latter alone for one fold. Then
    come, fold by fold, so many lines ``name  1  4`` of one person's photos 1 and 4, and so many ``name  1  other  2``.
    Columns are apart by tabs, or by blanks; photo 4 of a person is ``name_0004``.

    Returns a :class:`LabelledPairs`. ValueError, with the number of the line, for anything else.
    """
    file = Path(_check.path_text(path, "path"))
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    while lines and not lines[-1]:
        lines.pop()

    def wrong(number: int, words: str) -> ValueError:
        return ValueError(f"{file.name}, line {number}: {words}")

    header = lines[0] if lines else []
    if len(header) not in (1, 2) or not all(word.isdecimal() and int(word) > 0 for word in header):
        raise wrong(1, "expected the number of folds and of pairs of each kind in a fold")
    n_folds, n_each = (1, int(header[0])) if len(header) == 1 else (int(header[0]), int(header[1]))
    if len(lines) - 1 != 2 * n_folds * n_each:
        raise wrong(
            len(lines),
            f"{n_folds} folds of {n_each} pairs of each kind make {2 * n_folds * n_each} lines after the first, "
            f"found {len(lines) - 1}",
        )
    first: list[str] = []
    second: list[str] = []
    for number, words in enumerate(lines[1:], 2):
        is_same = (number - 2) // n_each % 2 == 0
        if len(words) != (3 if is_same else 4):
            kind, form = ("one person", "name 1 2") if is_same else ("two people", "name 1 other 2")
            raise wrong(number, f"expected a pair of {kind}, as in {form!r}, got {' '.join(words)!r}")
        name, photo, other, other_photo = [words[0], words[1], words[0], words[2]] if is_same else words
        for value in (photo, other_photo):
            if not value.isdecimal():
                raise wrong(number, f"{value!r} is not the number of a photo")
        first.append(_photo(name, photo))
        second.append(_photo(other, other_photo))
    places = np.arange(len(first))
    return LabelledPairs(tuple(first), tuple(second), places // n_each % 2 == 0, places // (2 * n_each))


def _photo(name: str, number: str) -> Any:
    return f"{name}_{int(number):04d}"
