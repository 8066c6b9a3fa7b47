"""The loops of DBSCAN. No loop calls one of another file: Numba's cache would not see an edit there.

Each loop is compiled at its first call and kept on disk, so that later processes load it. The files lie in
``__pycache__`` next to this one or, where that cannot be written (a read-only installation), in the user's cache folder
(``~/.cache/numba`` on Linux); ``NUMBA_CACHE_DIR`` chooses another one. Where no folder can be written, each process
compiles anew.

What is kept is used only if all of this is as it was: this source file (Numba compares a digest of its contents from
0.68 on, its time stamp and size before), the bytecode of the function, the types of the arguments, the versions of
Numba and Python, the name and the features of the CPU. Otherwise the function is compiled and stored again.

Loops release the GIL and do a bounded piece of work a call, since Ctrl-C is seen between calls only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface._numba.compiling import entry
from pyface._numba.trees import find_root


@entry
def count(
    i: NDArray[np.int32],
    j: NDArray[np.int32],
    min_samples: int,
    counts: NDArray[np.int32],
    is_core: NDArray[np.bool_],
) -> None:
    """Count both ends of each edge; rows that reach ``min_samples`` become core rows."""
    for e in range(len(i)):
        a, b = i[e], j[e]
        counts[a] += 1
        counts[b] += 1
        if counts[a] >= min_samples:
            is_core[a] = True
        if counts[b] >= min_samples:
            is_core[b] = True


@entry
def weigh(
    i: NDArray[np.int32],
    j: NDArray[np.int32],
    weights: NDArray[np.float64],
    counts: NDArray[np.int32],
    sums: NDArray[np.float64],
    magnitudes: NDArray[np.float64],
) -> None:
    """Add to both ends of each edge the weight of the other, and its absolute value."""
    for e in range(len(i)):
        a, b = i[e], j[e]
        counts[a] += 1
        counts[b] += 1
        sums[a] += weights[b]
        sums[b] += weights[a]
        magnitudes[a] += abs(weights[b])
        magnitudes[b] += abs(weights[a])


@entry
def join(
    i: NDArray[np.int32],
    j: NDArray[np.int32],
    is_core: NDArray[np.bool_],
    is_final: bool,
    parents: NDArray[np.int32],
    anchors: NDArray[np.int32],
) -> int:
    """Take in edges; those that may matter later are moved to the front of ``i`` and ``j``, and their number returned.

    Two core rows: their trees become one, under the smaller root. A core row and another row: the first such core row
    is the other's anchor; an edge to the anchor's tree says nothing more. Edges to other trees stay, core row first.
    Two rows that are not core stay unless ``is_core`` is final.
    """
    n_kept = 0
    for e in range(len(i)):
        a, b = i[e], j[e]
        if not is_core[a]:
            a, b = b, a
        if is_core[b]:
            root, other = find_root(parents, a), find_root(parents, b)
            if root < other:
                parents[other] = root
            else:
                parents[root] = other
            continue
        if is_core[a]:
            if anchors[b] == -1:
                anchors[b] = a
                continue
            if find_root(parents, anchors[b]) == find_root(parents, a):
                continue
        elif is_final:
            continue
        i[n_kept], j[n_kept] = a, b
        n_kept += 1
    return n_kept


@entry
def put_roots(
    parents: NDArray[np.int32], is_core: NDArray[np.bool_], begin: int, end: int, roots: NDArray[np.int32]
) -> None:
    """The roots of the core rows in [begin, end)."""
    for row in range(begin, end):
        if is_core[row]:
            roots[row] = find_root(parents, row)


@entry
def number(
    parents: NDArray[np.int32],
    is_core: NDArray[np.bool_],
    begin: int,
    end: int,
    n_clusters: int,
    labels: NDArray[np.int64],
) -> int:
    """Number the clusters by their smallest core row, for the core rows in [begin, end); the number of clusters."""
    for row in range(begin, end):
        if is_core[row]:
            root = find_root(parents, row)
            if root == row:
                labels[row] = n_clusters
                n_clusters += 1
            else:
                labels[row] = labels[root]
    return n_clusters


@entry
def walk(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    is_near: NDArray[np.bool_],
    is_core: NDArray[np.bool_],
    steps: int,
    state: NDArray[np.int64],
    stack: NDArray[np.int32],
    labels: NDArray[np.int64],
) -> bool:
    """About ``steps`` steps of the walk over a graph that need not be symmetric; whether rows are left.

    Rows are visited upwards; an unlabelled core row starts the next cluster, which takes every unlabelled row that a
    chain of core rows leads to: scikit-learn's rule. ``state`` holds the next row, the height of the stack and the
    number of clusters.
    """
    row, height, n_clusters = state[0], state[1], state[2]
    while steps > 0 and (height > 0 or row < len(is_core)):
        steps -= 1
        if height == 0:
            if is_core[row] and labels[row] == -1:
                labels[row] = n_clusters
                n_clusters += 1
                stack[0] = row
                height = 1
            row += 1
            continue
        height -= 1
        top = stack[height]
        steps -= indptr[top + 1] - indptr[top]
        for place in range(indptr[top], indptr[top + 1]):
            other = indices[place]
            if is_near[place] and labels[other] == -1:
                labels[other] = n_clusters - 1
                if is_core[other]:
                    stack[height] = other
                    height += 1
    state[0], state[1], state[2] = row, height, n_clusters
    return bool(height > 0 or row < len(is_core))
