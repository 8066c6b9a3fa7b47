"""Greedy merging on a full matrix with Lance and Williams' formulas, and a certificate for any order of ties.

Groups: rows of a must-link group merge first, at height 0, in order of the rows; clusters with rows of one cannot-link
group, or with the two rows of a pair, never merge.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

SQUARED = ("ward", "centroid", "median")
NO_GROUP = -1


def joined(method: str, ac: float, bc: float, ab: float, a: int, b: int, c: int) -> float:
    """The distance of the union of a and b to c; squared distances for the last three."""
    return {
        "single": lambda: min(ac, bc),
        "complete": lambda: max(ac, bc),
        "average": lambda: (a * ac + b * bc) / (a + b),
        "weighted": lambda: (ac + bc) / 2,
        "ward": lambda: ((a + c) * ac + (b + c) * bc - c * ab) / (a + b + c),
        "centroid": lambda: (a * ac + b * bc) / (a + b) - a * b * ab / (a + b) ** 2,
        "median": lambda: (ac + bc) / 2 - ab / 4,
    }[method]()


class Clusters:
    """Clusters by node, as SciPy numbers them, and the distances between them."""

    def __init__(
        self,
        matrix: NDArray[np.float64],
        method: str,
        cannot: NDArray[np.int64] | None = None,
        pairs: NDArray[np.int64] | None = None,
    ) -> None:
        self.n, self.method = len(matrix), method
        self.next_node = self.n
        self.rows = {i: [i] for i in range(self.n)}
        power = 2 if method in SQUARED else 1
        self.between = {(i, j): float(matrix[i, j]) ** power for i, j in combinations(range(self.n), 2)}
        self.cannot = np.full(self.n, NO_GROUP) if cannot is None else cannot
        self.apart = set() if pairs is None else {(i, j) for p in pairs.tolist() for i, j in (p, p[::-1])}

    def distance(self, a: int, b: int) -> float:
        return self.between[min(a, b), max(a, b)]

    def height(self, a: int, b: int) -> float:
        distance = self.distance(a, b)
        return max(0.0, distance) ** 0.5 if self.method in SQUARED else distance

    def groups(self, node: int) -> set[int]:
        return set(self.cannot[self.rows[node]].tolist()) - {NO_GROUP}

    def may_merge(self, a: int, b: int) -> bool:
        is_apart = any((i, j) in self.apart for i in self.rows[a] for j in self.rows[b])
        return not is_apart and not self.groups(a) & self.groups(b)

    def closest(self) -> tuple[int, int] | None:
        """The closest pair that may merge; of equally close ones that of the smallest rows."""
        pairs = [(a, b) for a, b in combinations(self.rows, 2) if self.may_merge(a, b)]
        names = {node: min(rows) for node, rows in self.rows.items()}
        return min(pairs, key=lambda p: (self.distance(*p), *sorted((names[p[0]], names[p[1]]))), default=None)

    def merge(self, a: int, b: int) -> None:
        node = self.next_node
        sizes = {c: len(rows) for c, rows in self.rows.items()}
        for c in self.rows:
            if c not in (a, b):
                parts = self.distance(a, c), self.distance(b, c), self.distance(a, b)
                self.between[c, node] = joined(self.method, *parts, sizes[a], sizes[b], sizes[c])
        self.rows[node] = self.rows.pop(a) + self.rows.pop(b)
        self.next_node += 1

    def must_link(self, groups: NDArray[np.int64] | None) -> list[tuple[int, int]]:
        """Merges the rows of each group; the pairs merged."""
        merged = []
        for group in sorted(set((groups if groups is not None else np.array([], int)).tolist()) - {NO_GROUP}):
            own, *others = (int(i) for i in np.flatnonzero(groups == group))
            for row in others:
                merged.append((own, row))
                self.merge(own, row)
                own = self.next_node - 1
        return merged


def greedy(
    matrix: NDArray[np.float64],
    method: str,
    *,
    must: NDArray[np.int64] | None = None,
    cannot: NDArray[np.int64] | None = None,
    pairs: NDArray[np.int64] | None = None,
    stop: float = np.inf,
) -> list[tuple[float, frozenset[int]]]:
    """Height and rows of each union, in the order of merging; O(n^3)."""
    clusters = Clusters(matrix, method, cannot, pairs)
    clusters.must_link(must)
    unions = [(0.0, frozenset(rows)) for node, rows in clusters.rows.items() if node >= clusters.n]
    while (pair := clusters.closest()) is not None and (height := clusters.height(*pair)) < stop:
        clusters.merge(*pair)
        unions.append((height, frozenset(clusters.rows[clusters.next_node - 1])))
    return unions


def assert_is_greedy(
    z: NDArray[np.float64],
    matrix: NDArray[np.float64],
    method: str,
    *,
    must: NDArray[np.int64] | None = None,
    cannot: NDArray[np.int64] | None = None,
    pairs: NDArray[np.int64] | None = None,
    stop: float = np.inf,
    rel: float = 1e-9,
) -> None:
    """Replay the merges: each must be of a closest pair that may merge, and none may be left that should."""
    clusters = Clusters(matrix, method, cannot, pairs)
    close = {"rel": rel, "abs": rel * float(matrix.max(initial=0))}
    linked = [] if must is None else must[must != NO_GROUP].tolist()
    n_linked = len(linked) - len(set(linked))
    assert z.shape[1] == 4 and (z[:, 0] < z[:, 1]).all()
    for step, (left, right, height, size) in enumerate(z):
        a, b = int(left), int(right)
        if step < n_linked:
            assert height == 0 and len({int(must[i]) for i in clusters.rows[a] + clusters.rows[b]} | {-1}) == 2
        else:
            assert clusters.may_merge(a, b) and height < stop
            pair = clusters.closest()
            assert pair is not None
            chosen = clusters.height(a, b)
            assert chosen == pytest.approx(clusters.height(*pair), **close), f"step {step}: {a}, {b}, not {pair}"
            assert height == pytest.approx(chosen, **close)
        clusters.merge(a, b)
        assert size == len(clusters.rows[clusters.n + step])
    pair = clusters.closest()
    assert pair is None or clusters.height(*pair) >= stop * (1 - rel)
