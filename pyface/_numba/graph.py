"""Loops over graphs of neighbours in rows (CSR): joining by what neighbourhoods share, and Chinese whispers.

Loops release the GIL and do a bounded piece of work a call, since Ctrl-C is seen between calls only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface._numba.compiling import entry, jit
from pyface._numba.trees import find_root


@jit
def _shared(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], probabilities: NDArray[np.float64], i: int, j: int
) -> float:
    """Half of what both rows' probabilities of their common neighbours sum to."""
    a, b = indptr[i], indptr[j]
    of_i = of_j = 0.0
    while a < indptr[i + 1] and b < indptr[j + 1]:
        if indices[a] == indices[b]:
            of_i += probabilities[a]
            of_j += probabilities[b]
            a += 1
            b += 1
        elif indices[a] < indices[b]:
            a += 1
        else:
            b += 1
    return 0.5 * (of_i + of_j)


@entry
def join_shared(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    probabilities: NDArray[np.float64],
    overlap: float,
    row: int,
    steps: int,
    parents: NDArray[np.int32],
) -> int:
    """Join rows with neighbours of which they share ``overlap``, from ``row`` on, in about so many steps: the next row.

    Rows that are joined already need no look: a component is the same whichever of its edges are found.
    """
    n = len(indptr) - 1
    while row < n and steps > 0:
        for e in range(indptr[row], indptr[row + 1]):
            other = indices[e]
            steps -= 1
            if other <= row:
                continue
            one, two = find_root(parents, row), find_root(parents, other)
            if one == two:
                continue
            steps -= indptr[row + 1] - indptr[row] + indptr[other + 1] - indptr[other]
            if _shared(indptr, indices, probabilities, row, other) >= overlap:
                parents[max(one, two)] = min(one, two)
        row += 1
    return row


@jit
def _loudest(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], labels: NDArray[np.int64], votes: NDArray[np.int64], row: int
) -> int:
    """The label that most neighbours of a row have, the smallest of several; ``votes`` is all 0 before and after."""
    for e in range(indptr[row], indptr[row + 1]):
        votes[labels[indices[e]]] += 1
    best, most = int(labels[row]), 0
    for e in range(indptr[row], indptr[row + 1]):
        label = int(labels[indices[e]])
        if votes[label] > most or (votes[label] == most and label < best):
            best, most = label, votes[label]
    for e in range(indptr[row], indptr[row + 1]):
        votes[labels[indices[e]]] = 0
    return best


@entry
def whisper(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    visits: int,
    steps: int,
    state: NDArray[np.uint64],
    labels: NDArray[np.int64],
    votes: NDArray[np.int64],
) -> int:
    """Visit rows drawn at random, at most ``visits`` of them and about ``steps`` steps; how many were visited.

    A visited row takes the label of most neighbours. ``state`` has the state of the generator (SplitMix64) and how many
    labels have changed.
    """
    n = np.uint64(len(labels))
    done = 0
    while done < visits and steps > 0:
        done += 1
        state[0] += np.uint64(0x9E3779B97F4A7C15)
        z = state[0]
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        row = np.int64((z ^ (z >> np.uint64(31))) % n)
        label = _loudest(indptr, indices, labels, votes, row)
        steps -= 3 * (indptr[row + 1] - indptr[row])
        if label != labels[row]:
            labels[row] = label
            state[1] += np.uint64(1)
    return done


@entry
def first_unsettled(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    row: int,
    steps: int,
    labels: NDArray[np.int64],
    votes: NDArray[np.int64],
) -> tuple[int, bool]:
    """Look from ``row`` on for one whose label another visit would change: the row where it ended, whether it would."""
    while row < len(labels) and steps > 0:
        if _loudest(indptr, indices, labels, votes, row) != labels[row]:
            return row, True
        steps -= 3 * (indptr[row + 1] - indptr[row])
        row += 1
    return row, False
