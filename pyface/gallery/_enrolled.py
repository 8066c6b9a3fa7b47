"""Names and the rows of each: what a gallery holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pyface._typing import FloatArray


class Enrolled:
    """People in the order of their first rows, and all rows in the order in which they came.

    Rows have been checked: (n, d) float32 or float64. They are joined when somebody asks for all of them, so that many
    small additions cost what they bring.
    """

    def __init__(self, names: list[str], rows: FloatArray, owner: NDArray[np.int64]) -> None:
        self.names = names
        self._number = {name: i for i, name in enumerate(names)}
        self._rows, self._owner = [rows], [owner]
        self._fingerprints: set[tuple[int, bytes]] | None = None

    @classmethod
    def nobody(cls, dimension: int) -> Enrolled:
        return cls([], np.empty((0, dimension), np.float32), np.empty(0, np.int64))

    @property
    def n_rows(self) -> int:
        return sum(map(len, self._owner))

    def number(self, name: object) -> int | None:
        """The place of a name, None if there is none such."""
        return self._number.get(name)  # type: ignore[call-overload, no-any-return]

    def all(self) -> tuple[FloatArray, NDArray[np.int64]]:
        """The rows, (n, d), float64 if some came so, and the name of each, (n,)."""
        if len(self._rows) > 1:
            some = [rows for rows in self._rows if len(rows)]
            dtype = np.result_type(*some)
            self._rows = [np.concatenate([rows.astype(dtype, copy=False) for rows in some])]
            self._owner = [np.concatenate(self._owner)]
        return self._rows[0], self._owner[0]

    def add(self, names: Sequence[str], rows: FloatArray, owner: NDArray[np.int64]) -> int:
        """Rows of several people, and for each which of ``names`` it is of; each of those has some.

        Returns how many are new: a vector that a person has already is not added twice.
        """
        if self._fingerprints is None:
            self._fingerprints = set(_fingerprints(*self.all()))
        self.names += [name for name in dict.fromkeys(names) if name not in self._number]
        numbers = [self._number.setdefault(name, len(self._number)) for name in names]
        whose = np.array(numbers, np.int64)[owner]
        is_new = np.ones(len(rows), np.bool_)
        for i, key in enumerate(_fingerprints(rows, whose)):
            is_new[i] = key not in self._fingerprints
            self._fingerprints.add(key)
        n_new = int(is_new.sum())
        if n_new:
            # A copy, as every choice of rows by a mask: what the caller does with its array changes nothing here.
            self._rows.append(rows[is_new])
            self._owner.append(whose[is_new])
        return n_new

    def remove(self, number: int) -> int:
        """Take a name out; those behind it move up. Returns how many rows it had."""
        rows, owner = self.all()
        kept = owner != number
        self.names.pop(number)
        self._number = {name: i for i, name in enumerate(self.names)}
        self._rows, self._owner = [rows[kept]], [owner[kept] - (owner[kept] > number)]
        self._fingerprints = None
        return len(owner) - len(self._owner[0])


def _fingerprints(rows: FloatArray, owner: NDArray[np.int64]) -> Iterable[tuple[int, bytes]]:
    """Name and digest of each row, the same for one vector in float32 and in float64."""
    for row, number in zip(rows, owner.tolist(), strict=True):
        yield number, hashlib.blake2b(row.astype(np.float64).tobytes(), digest_size=16).digest()
