"""Rows in ``.npy`` files, one after the other, of which nobody holds more than some blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pyface._npy import mapped
from pyface._typing import FloatArray


@dataclass(frozen=True, slots=True)
class Rows:
    """Where rows are: ``paths`` of ``.npy`` files, each with its number of rows; all have d columns of one type."""

    paths: tuple[str, ...]
    lengths: tuple[int, ...]
    d: int
    stored: str  # the type in the files
    starts: NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", np.concatenate([[0], np.cumsum(self.lengths, dtype=np.int64)]))

    @property
    def n(self) -> int:
        return int(self.starts[-1])

    @property
    def dtype(self) -> type:
        """The type in which they are computed with: float32, or float64."""
        return np.float64 if np.dtype(self.stored).itemsize == 8 else np.float32

    @property
    def row_bytes(self) -> int:
        """Bytes of a row in memory."""
        return self.d * np.dtype(self.dtype).itemsize

    @property
    def stored_bytes(self) -> int:
        """Bytes of a row in the file."""
        return self.d * np.dtype(self.stored).itemsize

    def read(self, begin: int, end: int, out: FloatArray | None = None) -> FloatArray:
        """(end - begin, d) in C order, a copy."""
        result = np.empty((end - begin, self.d), self.dtype) if out is None else out
        shard = int(np.searchsorted(self.starts, begin, side="right")) - 1
        at = begin
        while at < end:
            first = at - int(self.starts[shard])
            last = min(end - int(self.starts[shard]), self.lengths[shard])
            if last > first:
                result[at - begin : at - begin + last - first] = mapped(self.paths[shard])[first:last]
                at += last - first
            shard += 1
        return result

    def take(self, rows: NDArray[np.int64]) -> FloatArray:
        """Some rows, in increasing order, as a copy."""
        result: FloatArray = np.empty((len(rows), self.d), self.dtype)
        ends = np.searchsorted(rows, self.starts)
        for shard, path in enumerate(self.paths):
            begin, end = ends[shard], ends[shard + 1]
            if end > begin:
                result[begin:end] = mapped(path)[rows[begin:end] - self.starts[shard]]
        return result

    def where(self, row: int) -> tuple[str, int]:
        """The file that holds a row, and its number there."""
        shard = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.paths[shard], row - int(self.starts[shard])


def rows_of_files(paths: Sequence[str]) -> Rows:
    """The rows of ``.npy`` files, one after the other. An error names the file that is not like the first."""
    lengths, first = [], None
    for path in paths:
        try:
            array = mapped(path)
        except (ValueError, EOFError) as error:
            why = "it holds pickled objects" if "pickle" in str(error) else error
            raise ValueError(f"{path}: is no .npy file of numbers ({why})") from None
        if array.ndim != 2 or array.shape[1] == 0:
            raise ValueError(f"{path}: must hold an array of shape (n, d) with d >= 1, has shape {array.shape}")
        if array.dtype.type not in (np.float16, np.float32, np.float64):
            raise TypeError(f"{path}: must hold float32, float64 or float16, holds {array.dtype}")
        kind = (array.shape[1], array.dtype.newbyteorder("=").name)
        lengths.append(len(array))
        first = first or kind
        if kind[0] != first[0]:
            raise ValueError(f"{path}: has {kind[0]} columns, and {paths[0]} has {first[0]}")
        if kind[1] != first[1]:
            raise TypeError(f"{path}: holds {kind[1]}, and {paths[0]} {first[1]}; write all of them in one type")
    assert first is not None
    return Rows(tuple(paths), tuple(lengths), *first)
