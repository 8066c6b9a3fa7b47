"""From what was said about faces to rules for the rows of an album: together, apart, nobody, hidden, named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.album.facts import FaceKey, Fact, Journal
from pyface.kernels.boxes import iou

# A face that another model found is the one that was spoken of if the boxes overlap by this much.
SAME_FACE_IOU = 0.5

Pairs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """The rules for n faces.

    together : (n,) group numbers, -1 = none; faces of one group are one person.
    apart : (m, 2), m pairs of faces that are not one person; no pair inside a group.
    nobody, hidden : (n,), True for faces of which that was said.
    person : (n,) the person that a face was named as, a key of ``names``; -1 = none.
    broken : pairs of faces that were said to be different and, by facts that speak of the same faces, one person. They
        are left out of ``apart``.
    n_waiting : faces that facts speak of and the album does not have.
    """

    together: Labels
    apart: Pairs
    nobody: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    person: Labels
    names: dict[int, str]
    broken: Pairs
    n_waiting: int = 0


class Rows:
    """Which rows of an album each face of a journal is; copies of a photo make it several.

    digests : of each row's photo.       boxes : (n, 4).
    """

    def __init__(self, digests: Sequence[bytes], photos: Labels, boxes: NDArray[np.float64]) -> None:
        self.n = len(digests)
        self._boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        self._found: dict[FaceKey, list[int]] = {}
        self._exact: dict[tuple[bytes, tuple[float, ...]], list[int]] = {}
        self._copies: dict[bytes, dict[int, list[int]]] = {}
        for row, (digest, photo, box) in enumerate(zip(digests, photos.tolist(), self._boxes.tolist(), strict=True)):
            if digest:
                self._exact.setdefault((digest, tuple(box)), []).append(row)
                self._copies.setdefault(digest, {}).setdefault(photo, []).append(row)

    def of(self, key: FaceKey) -> list[int]:
        """The rows of a face: in each copy of its photo the one with this box, or with the box that overlaps most."""
        rows = self._found.get(key)
        if rows is None:
            rows = self._found[key] = self._look_for(key)
        return rows

    def _look_for(self, key: FaceKey) -> list[int]:
        copies = self._copies.get(key.digest, {})
        exact = self._exact.get((key.digest, key.box), [])
        if len(exact) == len(copies):
            return exact
        rows = []
        for members in copies.values():
            overlaps = iou([key.box], self._boxes[members])[0]
            best = int(np.argmax(overlaps))
            if overlaps[best] >= SAME_FACE_IOU:
                rows.append(members[best])
        return rows


def links(journal: Journal, rows: Rows) -> Links:
    """The rules that a journal's facts make for these rows. Time and memory as the facts and the rows."""
    return Spoken(journal.facts(), journal.keys(), rows).links()


class Spoken:
    """Facts as graphs over nodes: rows 0 .. n - 1, then the faces that no row is, which connect others all the same."""

    def __init__(self, facts: Iterable[Fact], keys: dict[int, FaceKey], rows: Rows) -> None:
        self.facts = list(facts)
        self._rows = rows
        self._n_waiting = 0
        self._nodes: dict[int, list[int]] = {}
        for fact in self.facts:
            for face in (*fact.faces, *fact.others):
                if face not in self._nodes:
                    self._nodes[face] = rows.of(keys[face]) or [self._add_waiting()]

    def _add_waiting(self) -> int:
        self._n_waiting += 1
        return self._rows.n + self._n_waiting - 1

    @property
    def n_nodes(self) -> int:
        return self._rows.n + self._n_waiting

    def groups(self) -> Labels:
        """(nodes,) which nodes ``same`` facts make one person: the smallest node of each group."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        pairs = [pair for fact in self.facts if fact.kind == "same" for pair in self._same_pairs(fact)]
        a, b = np.array(pairs, np.int64).reshape(-1, 2).T
        n = self.n_nodes
        graph = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(n, n))
        component = connected_components(graph, directed=False)[1] if n else np.zeros(0, np.int64)
        _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
        return first.astype(np.int64)[inverse]

    def _same_pairs(self, fact: Fact) -> list[tuple[int, int]]:
        """Edges that hold a fact's faces together; those that a later fact took out of it hold to each other."""
        out: dict[int, tuple[int, ...]] = {}
        for face, later in fact.overruled:
            out[face] = (*out.get(face, ()), later)
        first: dict[tuple[int, ...], int] = {}
        pairs = []
        for face in fact.faces:
            nodes = self._nodes[face]
            start = first.setdefault(out.get(face, ()), nodes[0])
            pairs += [(start, node) for node in nodes]
        return pairs

    def different(self) -> NDArray[np.int64]:
        """(m, 3): pairs of nodes that were said to be different, and the fact that says so."""
        found: list[tuple[int, int, int]] = []
        for fact in self.facts:
            if fact.kind != "different":
                continue
            by_face: dict[int, set[int]] = {}
            for face, later in fact.overruled:
                by_face.setdefault(face, set()).add(later)
            for a in fact.faces:
                for b in fact.others:
                    if by_face and by_face.get(a, set()) & by_face.get(b, set()):
                        continue
                    found += [(i, j, fact.id) for i in self._nodes[a] for j in self._nodes[b]]
        return np.array(found, np.int64).reshape(-1, 3)

    def nodes(self, faces: Iterable[int]) -> list[int]:
        """The nodes of faces of the journal."""
        return [node for face in faces for node in self._nodes[face]]

    def faces_at(self, node: int) -> list[int]:
        """The faces of the journal that are this node."""
        return [face for face, nodes in self._nodes.items() if node in nodes]

    def links(self) -> Links:
        n = self._rows.n
        group = self.groups()
        pairs = self.different()
        roots = group[pairs[:, :2]]
        is_broken = roots[:, 0] == roots[:, 1]
        # A group is spoken for by its smallest row; one without a row forbids nothing here.
        apart = np.unique(np.sort(roots[~is_broken], axis=1), axis=0)
        apart = apart[(apart < n).all(axis=1)]
        broken = pairs[is_broken, :2]
        sizes = np.bincount(group[:n], minlength=self.n_nodes)
        together = np.where(sizes[group[:n]] > 1, group[:n], -1)
        nobody, hidden = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        person = np.full(n, -1, np.int64)
        names: dict[int, str] = {}
        for fact in self.facts:
            here = [node for node in self.nodes(fact.faces) if node < n]
            if fact.kind == "nobody":
                nobody[here] = True
            elif fact.kind == "hide":
                hidden[here] = True
            elif fact.kind == "show":
                nobody[here] = hidden[here] = False
            elif fact.kind == "unname":
                person[here] = -1
            elif fact.kind == "name":
                assert fact.person is not None and fact.name is not None
                person[here] = fact.person
                names[fact.person] = fact.name
        return Links(
            together.astype(np.int64),
            apart,
            nobody,
            hidden,
            person,
            names,
            broken[(broken < n).all(axis=1)],
            self._n_waiting,
        )


def no_links(n: int) -> Links:
    """The rules of an album of which nothing was said."""
    none = np.zeros(n, np.bool_)
    return Links(
        np.full(n, -1, np.int64), np.zeros((0, 2), np.int64), none, none.copy(), np.full(n, -1, np.int64), {},
        np.zeros((0, 2), np.int64),
    )  # fmt: skip
