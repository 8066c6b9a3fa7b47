"""How near a name is, whose faces are several: by its nearest face, by the mean of its faces, or by k of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface._typing import FloatArray
from pyface.gallery._search import FaceSearch

RULES = ("nearest", "mean", "k_of_n")

_MOST_LISTED = 1 << 20  # rows that are listed at a time, of all queries together
_LEAST_LISTED, _MOST_AT_FIRST = 16, 256  # rows that are listed of a query at first


def means(rows: FloatArray, owner: NDArray[np.int64], names: list[str], metric: str) -> FloatArray:
    """(n_names, d) the mean of each name's rows, under cosine of their unit vectors, in the dtype of the rows.

    ValueError, with the name, for unit vectors that cancel each other out.
    """
    order = np.argsort(owner, kind="stable")
    owned, sizes = rows[order].astype(np.float64), np.bincount(owner, minlength=len(names))
    if metric == "cosine":
        # Large and small rows alike: squares of float64 may overflow.
        owned /= np.abs(owned).max(axis=1, keepdims=True)
        owned /= np.linalg.norm(owned, axis=1, keepdims=True)
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    # Divided first: a sum of large rows may overflow.
    result = np.add.reduceat(owned / np.repeat(sizes, sizes)[:, None], begins, axis=0)
    if metric == "cosine":
        opposite = np.flatnonzero(np.linalg.norm(result, axis=1) < 1e-9)
        if opposite.size:
            raise ValueError(
                f"the faces of {names[opposite[0]]!r} cancel each other out and have no mean; use rule='nearest'"
            )
    return result.astype(rows.dtype)


class NameSearch:
    """The names that are nearest to queries.

    search : over the rows (n, d) of faces, or of one mean for each name.
    owner : (n,) the name of each row, from 0.
    needed : (n_names,) which of a name's rows, by distance from 1, decides; at most as many as it has.
    """

    def __init__(self, search: FaceSearch, owner: NDArray[np.int64], needed: NDArray[np.int64]) -> None:
        self._search, self._owner, self._needed = search, owner, needed
        self._most_rows = np.cumsum(np.sort(np.bincount(owner, minlength=len(needed)))[::-1])

    def nearest(self, queries: FloatArray, k: int, n_threads: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The ``k`` nearest names of each query, (m, k), and their float64 distances, (m, k).

        Rows are listed by distance, ties by lower row, and a name is complete at its ``needed``-th row: names are in
        the order in which they are complete. Lists grow until k are.
        """
        m, n = len(queries), len(self._owner)
        names, rows = np.empty((m, k), np.int64), np.empty((m, k), np.int64)
        # The names of most rows may come before the k-th with all of theirs. Lists of more than some are rather grown.
        length = min(n, max(_LEAST_LISTED, k, min(int(self._most_rows[k - 1]) + 1, _MOST_AT_FIRST)))
        left = np.arange(m)
        while left.size:
            undecided = []
            for part in np.array_split(left, left.size * length // _MOST_LISTED + 1):
                listed = self._search.nearest(queries[part], length, n_threads)
                who = self._owner[listed]
                is_complete = _turns(who) == self._needed[who]
                done = is_complete.sum(axis=1) >= k
                places = np.argsort(~is_complete[done], axis=1, kind="stable")[:, :k]
                names[part[done]] = np.take_along_axis(who[done], places, axis=1)
                rows[part[done]] = np.take_along_axis(listed[done], places, axis=1)
                undecided.append(part[~done])
            left, length = np.concatenate(undecided), min(4 * length, n)
        return names, self._search.distances(queries, rows, n_threads)

    def distances_to(self, name: int, queries: FloatArray, n_threads: int) -> NDArray[np.float64]:
        """(m,) float64 distances of the queries to one name."""
        rows = np.flatnonzero(self._owner == name)
        found = self._search.distances(queries, np.tile(rows, (len(queries), 1)), n_threads)
        decides = int(self._needed[name]) - 1
        nearest: NDArray[np.float64] = np.partition(found, decides, axis=1)[:, decides]
        return nearest


def _turns(who: NDArray[np.int64]) -> NDArray[np.int64]:
    """(m, k) of names: how often each has come up in its row until then, itself included."""
    order = np.argsort(who, axis=1, kind="stable")
    ordered = np.take_along_axis(who, order, axis=1)
    places = np.arange(who.shape[1])
    begins = np.zeros_like(who)
    begins[:, 1:] = np.where(ordered[:, 1:] != ordered[:, :-1], places[1:], 0)
    turns = np.empty_like(who)
    np.put_along_axis(turns, order, places - np.maximum.accumulate(begins, axis=1) + 1, axis=1)
    return turns
