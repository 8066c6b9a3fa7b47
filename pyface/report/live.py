"""What the page's slider knows: the people at each threshold, as what each one changes of the one before."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface.album.other_thresholds import OtherThresholds, Stop

__all__ = ["ReportLive", "live_of"]


@dataclass(frozen=True, slots=True)
class ReportLive:
    """The people of an album at other thresholds, for a page.

    thresholds : in increasing order, as the command line takes them.       own : the place of the album's own.
    changes : see :func:`live_of`.       names : the names of people that occur in it.
    options : what ``pyface recluster`` needs beside OUT and the threshold, as it is typed.
    end : why there are no higher ones, "" where they go as far as they should.
    counts : where ``changes`` is "", the number of people at each: all that is known of so many faces.
    """

    thresholds: tuple[str, ...]
    own: int
    changes: str
    names: tuple[str, ...]
    options: str = ""
    end: str = ""
    counts: tuple[int, ...] = ()


def live_of(known: OtherThresholds, options: str = "") -> ReportLive:
    """What a page needs to show the people of an album at other thresholds.

    ``changes`` is a sequence of whole numbers in Base64: 7 bits a byte from the lowest on, the highest bit set where
    more follow. The first is the number of faces, n. Then for each threshold the number of faces of which something
    has changed, and for each of these, in increasing order, how many faces lie between it and the one before, and
    twice the difference of its number and the smallest face of its person, plus 1 if another number follows. That one
    comes with smallest faces alone and says of a person: 1 if it is a face set aside, plus 2 if it is hidden, plus 4
    times the place of its name, counted from 1, if it has one. Before the first threshold all faces are alone, with
    nothing said of them.

    About 3 bytes for each face and each face that changes, times 4/3.
    """
    if known.counts:
        return ReportLive(known.thresholds, known.own, "", (), options, known.end, known.counts)
    parts: list[NDArray[np.int64]] = []
    names: dict[str, int] = {}
    first = said = np.empty(0, np.int64)
    for stop in known.stops:
        if not parts:
            first, said = np.arange(len(stop.first)), np.zeros(len(stop.first), np.int64)
            parts.append(np.array([len(first)]))
        parts.append(_change(first, said, stop.first, now := _said(stop, names)))
        first, said = stop.first, now
    changes = base64.b64encode(_in_bytes(np.concatenate(parts))).decode("ascii")
    return ReportLive(known.thresholds, known.own, changes, tuple(names), options, known.end)


def _said(stop: Stop, names: dict[str, int]) -> NDArray[np.int64]:
    """(n,) what is said of people, at their smallest faces; ``names`` grows."""
    n = len(stop.first)
    said = np.where(stop.first == np.arange(n), stop.is_aside + 2 * stop.is_hidden.astype(np.int64), 0)
    for face, name in stop.named.items():
        said[face] += 4 * (names.setdefault(name, len(names)) + 1)
    return said


def _change(
    first: NDArray[np.int64], said: NDArray[np.int64], first_now: NDArray[np.int64], said_now: NDArray[np.int64]
) -> NDArray[np.int64]:
    rows = np.flatnonzero((first != first_now) | (said != said_now))
    numbers = np.empty((len(rows), 3), np.int64)
    numbers[:, 0] = np.diff(rows, prepend=-1) - 1
    numbers[:, 1] = 2 * (rows - first_now[rows]) + (said_now[rows] > 0)
    numbers[:, 2] = said_now[rows]
    is_there = np.ones(numbers.shape, np.bool_)
    is_there[:, 2] = said_now[rows] > 0
    return np.concatenate([[len(rows)], numbers[is_there]])


def _in_bytes(numbers: NDArray[np.int64]) -> bytes:
    """Whole numbers from 0 on, 7 bits a byte from the lowest on; the highest bit of all but the last is set."""
    shifts = 7 * np.arange(9)
    digits = (numbers[:, None] >> shifts) & 127
    n_digits = np.maximum(1, 9 - np.argmax(digits[:, ::-1] > 0, axis=1))
    n_digits[numbers == 0] = 1
    place = np.arange(9)
    digits[place < n_digits[:, None] - 1] |= 128
    data: bytes = digits[place < n_digits[:, None]].astype(np.uint8).tobytes()
    return data
