"""Rows that are searched again and again: their codes are kept, and one query costs one pass over them.

Values, ties and decisions are those of :mod:`pyface.kernels.distance`: codes of 8 bits rule rows out by proven bounds,
float64 on the rows as given decides. How: docs/how-it-works/search.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _core, _memory
from pyface._typing import FloatArray

__all__ = ["RowIndex", "Segment", "build", "stored_stride", "usable"]

# A new segment for rows that come later has room for so many, or for this share of those that there are: rows are never
# moved, and there are few segments.
_LEAST_ROOM, _SHARE_OF_ROOM = 1024, 8
# Rows are coded anew, from a centre of their own, when they have become so many times more.
_GROWTH = 4
_SAMPLE = 1024
# Lengths in the frame: within these float32 screens all pairs that there can be (csrc/distance/query_block.cpp).
_LONGEST = 2.0**30
_BYTES_PER_HIT = 20  # of a search within a radius, while the result is written
_BESIDE_CODES = 16  # bytes a row: scale, residual, square


def stored_stride(dimension: int) -> int:
    """Bytes of a row of codes."""
    return -(-dimension // 32) * 32


def usable(x: FloatArray, n_threads: int) -> bool:
    """Whether all entries of ``x`` are finite."""
    return _core.all_usable(x, nonzero=False, n_threads=n_threads)


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Consecutive rows: ``rows`` (m, d) as given; ``codes`` (m, stride) uint8, ``bounds`` (m, 2), ``squares`` (m,)."""

    rows: FloatArray
    codes: NDArray[np.uint8]
    bounds: NDArray[np.float32]
    squares: NDArray[np.float64]

    def part(self, begin: int, end: int) -> Segment:
        return Segment(self.rows[begin:end], self.codes[begin:end], self.bounds[begin:end], self.squares[begin:end])

    def arrays(self) -> tuple[FloatArray, NDArray[np.uint8], NDArray[np.float32], NDArray[np.float64]]:
        return self.rows, self.codes, self.bounds, self.squares


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What rows are coded in (csrc/distance/frame.hpp): times ``scale``, minus ``centre``, (padded d,) or None."""

    metric: str
    scale: float = 1.0
    centre: NDArray[np.float64] | None = None

    def options(self) -> dict[str, Any]:
        return {"metric": self.metric, "scale": self.scale, "centre": self.centre}


class _Room:
    """A segment that is not full yet. Rows beyond ``used`` are nobody's."""

    def __init__(self, capacity: int, dimension: int, dtype: Any) -> None:
        self.all = _empty(np.empty((capacity, dimension), dtype))
        self.used = 0

    @property
    def free(self) -> int:
        return len(self.all.rows) - self.used


def _empty(rows: FloatArray) -> Segment:
    n, d = rows.shape
    codes = np.empty((n, stored_stride(d)), np.uint8)
    return Segment(rows, codes, np.empty((n, 2), np.float32), np.empty(n))


@dataclass(frozen=True, eq=False)
class RowIndex:
    """Rows and their codes. It does not change: :meth:`grown` gives a new one that shares the rows.

    longest : of the rows in the frame. any_scaled : whether rows are too long or short for their products.
    framed_at : how many rows there were when the frame was made.
    """

    frame: Frame
    segments: tuple[Segment, ...]
    longest: float
    any_scaled: bool
    framed_at: int
    room: _Room | None = None

    @cached_property
    def size(self) -> int:
        return sum(len(segment.rows) for segment in self.segments)

    @property
    def dimension(self) -> int:
        return int(self.segments[0].rows.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.segments[0].rows.dtype

    @cached_property
    def _core_index(self) -> Any:
        return _core.SearchIndex(
            [segment.arrays() for segment in self.segments],
            dimension=self.dimension,
            longest=self.longest,
            any_scaled=self.any_scaled,
            **self.frame.options(),
        )

    def __getstate__(self) -> dict[str, Any]:
        state = {name: getattr(self, name) for name in ("frame", "segments", "longest", "any_scaled", "framed_at")}
        return {**state, "room": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    # --- searching -----------------------------------------------------------------------------------------------

    def nearest(self, x: FloatArray | None, k: int, n_threads: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The ``k`` nearest rows of each row of ``x``, (m, k) distances and indices; k is in order.

        x : (m, d) float32 or float64, finite; None: each row of the index, of which none is its own neighbour.
        """
        n_queries = self.size if x is None else len(x)
        shape = (n_queries, k)
        what = f"a result of shape {shape}"
        _memory.require(12 * n_queries * k, what, "choose a smaller n_neighbors, or take some rows at a time")
        distances, indices = np.empty(shape, np.float32), np.empty(shape, np.int64)
        for rows, begin, own in self._queries(x):
            out = slice(begin, begin + len(rows))
            self._core_index.nearest(rows, own, distances[out], indices[out], n_threads=n_threads)
        return distances, indices

    def within(
        self, x: FloatArray | None, radius: float, n_threads: int, *, by_distance: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """The rows within ``radius`` of each row of ``x``: indptr (m + 1,), indices and distances.

        Rows of a query are increasing; ``by_distance``: nearest first by the float64 distance, ties by lower index.
        """
        limit = _memory.limit(_BYTES_PER_HIT * self.size * (self.size if x is None else len(x)))
        parts = [
            self._core_index.within(rows, own, radius, by_distance=by_distance, memory_limit=limit, n_threads=n_threads)
            for rows, _, own in self._queries(x)
        ]
        if len(parts) == 1:
            indptr, indices, distances = parts[0]
            return indptr, indices, distances
        counts = np.concatenate([np.diff(indptr) for indptr, _, _ in parts])
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        return ends, np.concatenate([part[1] for part in parts]), np.concatenate([part[2] for part in parts])

    def _queries(self, x: FloatArray | None) -> list[tuple[FloatArray, int, int]]:
        """Rows to search for, where their results begin, and the number of the first in the index or -1."""
        if x is not None:
            return [(x.astype(np.float64, copy=False) if self.dtype == np.float64 else x, 0, -1)]
        begin, queries = 0, []
        for segment in self.segments:
            queries.append((segment.rows, begin, begin))
            begin += len(segment.rows)
        return queries

    # --- growing -------------------------------------------------------------------------------------------------

    def grown(self, x: FloatArray, n_threads: int) -> RowIndex:
        """The index with copies of the rows of ``x``, (m, d) of its dtype, behind its own."""
        segments, room = list(self.segments), self.room
        if room is not None and room.used != len(segments[-1].rows):  # an index of the same origin has written there
            room = None
        longest, any_scaled, begin = self.longest, self.any_scaled, 0
        while begin < len(x):
            if room is None or not room.free:
                left = len(x) - begin
                capacity = max(left, _LEAST_ROOM, (self.size + begin) // _SHARE_OF_ROOM)
                bytes_per_row = self.dimension * self.dtype.itemsize + stored_stride(self.dimension) + _BESIDE_CODES
                _memory.require(left * bytes_per_row, f"{left:,} more rows in the index", "add some of them")
                room = _Room(capacity, self.dimension, self.dtype)
                segments.append(room.all.part(0, 0))
            first = room.used
            end = first + min(room.free, len(x) - begin)
            new = room.all.part(first, end)
            new.rows[:] = x[begin : begin + end - first]
            summary = _core.store_rows(*new.arrays(), n_threads=n_threads, **self.frame.options())
            longest, any_scaled = max(longest, summary[0]), any_scaled or summary[1]
            room.used = end
            segments[-1] = room.all.part(0, end)
            begin += end - first
        result = RowIndex(self.frame, tuple(segments), longest, any_scaled, self.framed_at, room)
        outgrown = result.size >= _GROWTH * self.framed_at or longest > _LONGEST
        return result.framed_anew(n_threads) if self.frame.metric != "cosine" and outgrown else result

    def framed_anew(self, n_threads: int) -> RowIndex:
        """The same rows, coded from where they lie now."""
        frame = search_frame(self._sample(), self.frame.metric, n_threads)
        most = self.longest / self.frame.scale * frame.scale
        if most > _LONGEST:
            smaller = 2.0 ** math.floor(math.log2(_LONGEST / most))
            centre = None if frame.centre is None else frame.centre * smaller
            frame = Frame(frame.metric, frame.scale * smaller, centre)
        return _coded([segment.rows for segment in self.segments], frame, n_threads)

    def _sample(self) -> FloatArray:
        step = -(-self.size // _SAMPLE)
        parts, begin = [], 0
        for segment in self.segments:
            parts.append(segment.rows[-begin % step :: step])
            begin += len(segment.rows)
        return np.ascontiguousarray(np.concatenate(parts))


def search_frame(x: FloatArray, metric: str, n_threads: int) -> Frame:
    scale, centre = _core.search_frame(x, metric=metric, n_threads=n_threads)
    return Frame(metric, scale, centre)


def build(x: FloatArray, metric: str, n_threads: int) -> RowIndex:
    """An index of the rows of ``x``, (n, d) float32 or float64 in C order, finite, n >= 1, which is kept, not copied.

    Time O(n d). Memory: d rounded up to a multiple of 32, and 16 more bytes a row; MemoryError where that is not free.
    """
    n, d = x.shape
    _memory.require(n * (stored_stride(d) + _BESIDE_CODES), f"an index of {n:,} rows", "search some rows at a time")
    return _coded([x], search_frame(x, metric, n_threads), n_threads)


def _coded(parts: list[FloatArray], frame: Frame, n_threads: int) -> RowIndex:
    segments, longest, any_scaled = [], 0.0, False
    for rows in parts:
        segment = _empty(rows)
        summary = _core.store_rows(*segment.arrays(), n_threads=n_threads, **frame.options())
        longest, any_scaled = max(longest, summary[0]), any_scaled or summary[1]
        segments.append(segment)
    return RowIndex(frame, tuple(segments), longest, any_scaled, sum(map(len, parts)))
