"""From what was said about faces to rules for the rows of an album: together, apart, nobody, hidden, named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.album.close_calls import KeptApart
from pyface.album.facts import FaceKey, Fact, Journal
from pyface.kernels.boxes import iou
from pyface.kernels.components import first_connected

# A face that another model found is the one that was spoken of if the boxes overlap by this much.
SAME_FACE_IOU = 0.5

Pairs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """The rules for n faces.

    together : (n,) group numbers, -1 = none; faces of one group are one person.
    apart : (m, 2), m pairs of faces that are not one person, for their groups; no pair inside a group, none of nobody.
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

    def kept_apart(self, photos: Labels | None, rows: NDArray[np.int64] | None = None) -> KeptApart:
        """From whom faces are kept apart, of all or of these rows; photos : theirs, if one photo shows nobody twice."""
        groups = np.where(self.together >= 0, self.together, np.arange(len(self.together)))
        return KeptApart(photos, groups if rows is None else groups[rows], groups[self.apart])


class Rows:
    """Which rows of an album each face of a journal is; copies of a photo make it several.

    digests : of each row's photo.       photos : (n,) its number, not decreasing.       boxes : (n, 4).
    """

    def __init__(self, digests: Sequence[bytes], photos: Labels, boxes: NDArray[np.float64]) -> None:
        self.n = len(photos)
        self._digests, self._photos = digests, photos
        self._boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        self._found: dict[FaceKey, list[int]] = {}
        # Made when a face is looked for: most albums have no facts.
        self._copies: dict[bytes, list[tuple[int, int]]] | None = None

    def of(self, key: FaceKey) -> list[int]:
        """The rows of a face: in each copy of its photo the one with this box, or with the box that overlaps most."""
        rows = self._found.get(key)
        if rows is None:
            rows = self._found[key] = self._look_for(key)
        return rows

    def _look_for(self, key: FaceKey) -> list[int]:
        if self._copies is None:
            self._copies = {}
            ends = [*(np.flatnonzero(np.diff(self._photos)) + 1).tolist(), self.n]
            for begin, end in zip([0, *ends], ends, strict=False):
                if end > begin and self._digests[begin]:
                    self._copies.setdefault(self._digests[begin], []).append((begin, end))
        copies = self._copies.get(key.digest, [])
        exact = [
            row for begin, end in copies for row in range(begin, end) if tuple(self._boxes[row].tolist()) == key.box
        ]
        if len(exact) == len(copies):
            return exact
        rows = []
        for begin, end in copies:
            overlaps = iou([key.box], self._boxes[begin:end])[0]
            best = int(np.argmax(overlaps))
            if overlaps[best] >= SAME_FACE_IOU:
                rows.append(begin + best)
        return rows


def links(journal: Journal, rows: Rows, heard: Heard | None = None) -> Links:
    """The rules that a journal's facts make for these rows. Time and memory as the facts and the rows.

    heard : what is remembered between calls for the same rows.
    """
    return Spoken(journal.facts(), journal.keys(), rows, heard).links()


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What one fact says, by nodes: pairs that it joins and parts, its faces that are rows, and nodes that are none."""

    fact: Fact
    joined: Pairs
    parted: Pairs
    here: NDArray[np.int64]
    waiting: NDArray[np.int64]


@dataclass(slots=True, eq=False)
class _Story:
    """Facts with what all of them say: ``ends`` (n + 1, 2) tells the pairs of each, ``others`` are neither same nor
    different, ``waiting`` speak of faces that no row is."""

    facts: list[Fact]
    joined: Pairs
    parted: NDArray[np.int64]
    ends: NDArray[np.int64]
    others: list[tuple[int, _Part]]
    waiting: list[tuple[int, _Part]]
    groups: Labels | None = None

    def begins_as(self, facts: list[Fact]) -> int:
        """How many facts both have in common from the first one on."""
        n = min(len(self.facts), len(facts))
        if self.facts[:n] == facts[:n]:
            return n
        return next(i for i in range(n) if self.facts[i] != facts[i])

    def told(self, n: int, facts: list[Fact], parts: list[_Part]) -> _Story:
        """The first n facts, and these with what they say."""
        joined, parted = self.ends[n].tolist()
        numbers = [np.column_stack([p.parted, np.full(len(p.parted), p.fact.id)]) for p in parts]
        ends = np.cumsum([self.ends[n], *([len(p.joined), len(p.parted)] for p in parts)], axis=0)
        later = list(enumerate(parts, n))
        return _Story(
            [*self.facts[:n], *facts],
            np.concatenate([self.joined[:joined], *(p.joined for p in parts)]),
            np.concatenate([self.parted[:parted], *numbers]),
            np.concatenate([self.ends[:n], ends]),
            [item for item in self.others if item[0] < n]
            + [item for item in later if item[1].fact.kind not in ("same", "different")],
            [item for item in self.waiting if item[0] < n] + [item for item in later if len(item[1].waiting)],
        )


class Heard:
    """Facts as they were last looked at, so that one more fact, or one less, does not cost all of them again."""

    def __init__(self) -> None:
        self.nodes: dict[int, tuple[FaceKey, list[int]]] = {}
        self.n_waiting = 0
        none = np.zeros((0, 2), np.int64)
        self.story = _Story([], none, np.zeros((0, 3), np.int64), np.zeros((1, 2), np.int64), [], [])


class Spoken:
    """Facts as graphs over nodes: rows 0 .. n - 1, then the faces that no row is, which connect others all the same."""

    def __init__(
        self, facts: Iterable[Fact], keys: Mapping[int, FaceKey], rows: Rows, heard: Heard | None = None
    ) -> None:
        self._keys, self._rows = keys, rows
        self._heard = Heard() if heard is None else heard
        self.facts = list(facts)
        story = self._heard.story
        n = story.begins_as(self.facts)
        if n < len(self.facts) or n < len(story.facts):
            story = story.told(n, self.facts[n:], [self._part(fact) for fact in self.facts[n:]])
        self._story = self._heard.story = story

    @property
    def n_nodes(self) -> int:
        return self._rows.n + self._heard.n_waiting

    def _part(self, fact: Fact) -> _Part:
        joined = self._same_pairs(fact) if fact.kind == "same" else []
        parted = self._different_pairs(fact) if fact.kind == "different" else []
        here, others = self.nodes(fact.faces), self.nodes(fact.others)
        n = self._rows.n
        return _Part(
            fact,
            np.array(joined, np.int64).reshape(-1, 2),
            np.array(parted, np.int64).reshape(-1, 2),
            np.array([node for node in here if node < n], np.int64),
            np.array([node for node in (*here, *others) if node >= n], np.int64),
        )

    def _at(self, face: int) -> list[int]:
        """The nodes of a face of the journal."""
        key = self._keys[face]
        known = self._heard.nodes.get(face)
        if known is None or known[0] != key:
            nodes = self._rows.of(key)
            if not nodes:
                nodes = [self.n_nodes]
                self._heard.n_waiting += 1
            known = self._heard.nodes[face] = (key, nodes)
        return known[1]

    def groups(self) -> Labels:
        """(nodes,) which nodes ``same`` facts make one person: the smallest node of each group."""
        known = self._story.groups
        if known is None or len(known) != self.n_nodes:
            known = np.arange(self.n_nodes)
            if len(self._story.joined):
                # Only nodes that were spoken of: their numbers keep the order.
                nodes, places = np.unique(self._story.joined, return_inverse=True)
                known[nodes] = nodes[first_connected(len(nodes), places.reshape(-1, 2))]
            self._story.groups = known
        return known

    def _same_pairs(self, fact: Fact) -> list[tuple[int, int]]:
        """Edges that hold a fact's faces together; those that a later fact took out of it hold to each other."""
        out: dict[int, tuple[int, ...]] = {}
        for face, later in fact.overruled:
            out[face] = (*out.get(face, ()), later)
        first: dict[tuple[int, ...], int] = {}
        pairs = []
        for face in fact.faces:
            nodes = self._at(face)
            start = first.setdefault(out.get(face, ()), nodes[0])
            pairs += [(start, node) for node in nodes]
        return pairs

    def _different_pairs(self, fact: Fact) -> list[tuple[int, int]]:
        pairs: list[tuple[int, int]] = []
        by_face: dict[int, set[int]] = {}
        for face, later in fact.overruled:
            by_face.setdefault(face, set()).add(later)
        for a in fact.faces:
            for b in fact.others:
                if by_face and by_face.get(a, set()) & by_face.get(b, set()):
                    continue
                pairs += [(i, j) for i in self._at(a) for j in self._at(b)]
        return pairs

    def different(self) -> NDArray[np.int64]:
        """(m, 3): pairs of nodes that were said to be different, and the fact that says so."""
        return self._story.parted

    def broken(self) -> list[tuple[int, int, int]]:
        """(node, node, fact) of pairs that were said to be different and are one by other facts."""
        group, pairs = self.groups(), self.different()
        found = pairs[group[pairs[:, 0]] == group[pairs[:, 1]]]
        return [(a, b, fact) for a, b, fact in found.tolist()]

    def nodes(self, faces: Iterable[int]) -> list[int]:
        """The nodes of faces of the journal."""
        return [node for face in faces for node in self._at(face)]

    def faces_at(self, node: int) -> list[int]:
        """The faces of the journal that are this node."""
        faces = {face for fact in self.facts for face in (*fact.faces, *fact.others)}
        return [face for face in sorted(faces) if node in self._at(face)]

    def links(self) -> Links:
        n = self._rows.n
        group = self.groups()
        pairs = self.different()
        roots = group[pairs[:, :2]]
        is_broken = roots[:, 0] == roots[:, 1]
        broken = pairs[is_broken, :2]
        sizes = np.bincount(group[:n], minlength=self.n_nodes)
        together = np.where(sizes[group[:n]] > 1, group[:n], -1)
        nobody, hidden = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        person = np.full(n, -1, np.int64)
        names: dict[int, str] = {}
        for _, part in self._story.others:
            kind, here = part.fact.kind, part.here
            if kind == "nobody":
                nobody[here] = True
            elif kind == "hide":
                hidden[here] = True
            elif kind == "show":
                nobody[here] = hidden[here] = False
            elif kind == "unname":
                person[here] = -1
            elif kind == "name":
                assert part.fact.person is not None and part.fact.name is not None
                person[here] = part.fact.person
                names[part.fact.person] = part.fact.name
        # A group is spoken for by its smallest row that is somebody's: nobody's faces are not grouped.
        speakers, somebody = np.full(self.n_nodes, -1), np.flatnonzero(~nobody)
        speakers[group[somebody[::-1]]] = somebody[::-1]  # of what is written to one place, the last stays
        apart = speakers[roots[~is_broken]]
        low, high = np.sort(apart[(apart >= 0).all(axis=1)], axis=1).T
        codes = np.unique(low * n + high)
        waiting = [part.waiting for _, part in self._story.waiting]
        return Links(
            together.astype(np.int64),
            np.column_stack([codes // max(n, 1), codes % max(n, 1)]).astype(np.int64),
            nobody,
            hidden,
            person,
            names,
            broken[(broken < n).all(axis=1)],
            len(np.unique(np.concatenate(waiting))) if waiting else 0,
        )


def no_links(n: int) -> Links:
    """The rules of an album of which nothing was said."""
    none = np.zeros(n, np.bool_)
    return Links(
        np.full(n, -1, np.int64), np.zeros((0, 2), np.int64), none, none.copy(), np.full(n, -1, np.int64), {},
        np.zeros((0, 2), np.int64),
    )  # fmt: skip
