"""Who is in an album, kept from answer to answer: a place for each person, with its faces and their means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.album.parting import Vectors
from pyface.kernels.components import first_of_group

__all__ = ["Census"]

FaceIds = NDArray[np.int64]
Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class Census:
    """The people of an album, each at a place that it keeps as long as its faces are the same.

    place : (n,) of each face's person, -1 for those that are hidden.
    faces : face_ids by place, ascending; empty where nobody is.
    taken : (P,) whether somebody is there.
    means, squares : (P, d), (P,) as :meth:`Vectors.means` gives them.       sizes : (P,) numbers of faces.
    quality : (P,) mean quality of the faces.
    """

    def __init__(self, vectors: Vectors, quality: Floats) -> None:
        self._vectors, self._quality = vectors, quality
        self._first = np.full(len(quality), -1, np.int64)
        self.place = np.full(len(quality), -1, np.int64)
        self.faces: list[FaceIds] = []
        self.taken = np.zeros(0, np.bool_)
        self.means = np.zeros((0, vectors.rows.shape[1]))
        self.squares, self.sizes, self.quality = np.zeros(0), np.zeros(0), np.zeros(0)

    def update(self, labels: Labels, hidden: NDArray[np.bool_]) -> tuple[Places, Places]:
        """The places of people who are gone, and of those who are new, by their smallest face.

        A person is the set of its faces: one more face, and it is somebody new. Time O(n), and O(d) for each face of
        somebody new.
        """
        first = np.where(hidden, -1, first_of_group(np.where(hidden, -1, labels)))
        # Whoever is not the same set of faces has gained or lost one whose smallest companion is another now.
        changed = first != self._first
        heads = np.unique(np.r_[self._first[changed], first[changed]])
        heads = heads[heads >= 0]
        gone = np.unique(self.place[heads][self._first[heads] == heads])
        is_new = np.zeros(len(first), np.bool_)
        is_new[heads] = True
        rows = np.flatnonzero((first >= 0) & is_new[first])
        rows = rows[np.argsort(first[rows], kind="stable")]
        groups = np.split(rows, np.flatnonzero(np.diff(first[rows])) + 1) if len(rows) else []
        self._leave(gone)
        new = self._room_for(len(groups))
        self.place[changed] = -1
        for at, group in zip(new.tolist(), groups, strict=True):
            self.faces[at] = group
            self.place[group] = at
        self.taken[new] = True
        self.means[new], self.squares[new] = self._vectors.means(groups)
        self.sizes[new] = [len(group) for group in groups]
        self.quality[new] = [self._quality[group].mean() for group in groups]
        self._first = first
        return gone, new

    def _leave(self, gone: Places) -> None:
        self.taken[gone] = False
        for at in gone.tolist():
            self.faces[at] = np.zeros(0, np.int64)

    def _room_for(self, n: int) -> Places:
        """The n lowest places that are free; there are more of them if need be."""
        more = n - int(np.count_nonzero(~self.taken))
        if more > 0:
            self.faces += [np.zeros(0, np.int64)] * more
            self.taken = np.r_[self.taken, np.zeros(more, np.bool_)]
            self.means = np.concatenate([self.means, np.zeros((more, self.means.shape[1]))])
            self.squares, self.sizes, self.quality = (
                np.r_[column, np.zeros(more)] for column in (self.squares, self.sizes, self.quality)
            )
        return np.flatnonzero(~self.taken)[:n]
