"""HDBSCAN from its definition, in plain Python, on a matrix of distances: sets of rows and dictionaries.

Campello, Moulavi and Sander, "Density-Based Clustering Based on Hierarchical Density Estimates" (2013); the choices it
leaves open (ties of stability, epsilon, one cluster alone, the numbers of clusters) are scikit-learn's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


def reachability(
    distances: NDArray[np.float64], min_samples: int, alpha: float = 1.0, *, scale_cores: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mutual reachabilities (n, n) and core distances (n,)."""
    cores = np.sort(distances, axis=1)[:, min_samples - 1] / (alpha if scale_cores else 1.0)
    return np.maximum(distances / alpha, np.maximum(cores[:, None], cores)), cores


def spanning_tree(weights: NDArray[np.float64], distances: NDArray[np.float64]) -> list[tuple[float, float, int, int]]:
    """Prim's algorithm from row 0 on, edges ordered by (weight, distance, lower row, higher row); in that order."""
    n = len(weights)
    inside, edges = {0}, []
    best = {j: (weights[0, j], distances[0, j], 0, j) for j in range(1, n)}
    while best:
        edge, row = min((edge, row) for row, edge in best.items())
        edges.append(edge)
        inside.add(row)
        del best[row]
        for j, known in best.items():
            a, b = min(row, j), max(row, j)
            best[j] = min(known, (weights[a, b], distances[a, b], a, b))
    return sorted(edges)


def without_ties(weights: NDArray[np.float64], distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights, equal ones lifted by as little as makes them differ in the order of :func:`spanning_tree`."""
    a, b = np.triu_indices(len(weights), 1)
    order = np.lexsort((b, a, distances[a, b], weights[a, b]))
    lifted = np.zeros_like(weights)
    last = -math.inf
    for i, j in zip(a[order], b[order], strict=True):
        last = max(weights[i, j], math.nextafter(last, math.inf))
        lifted[i, j] = lifted[j, i] = last
    return lifted


@dataclass
class Node:
    """Rows that merged at a height; of a single row neither."""

    rows: frozenset[int]
    height: float = 0.0
    children: tuple[Node, ...] = ()


def hierarchy(edges: list[tuple[float, float, int, int]]) -> Node:
    """Kruskal's merges; a walk from row 0 along shortest edges enters the first child of a node first."""
    n = len(edges) + 1
    top = {row: Node(frozenset([row])) for row in range(n)}
    bridge = {}
    for weight, _, a, b in edges:
        node = Node(top[a].rows | top[b].rows, weight, (top[a], top[b]))
        bridge[id(node)] = (a, b)
        for row in node.rows:
            top[row] = node

    def turn(node: Node, start: int) -> None:
        if not node.children:
            return
        (one, other), (a, b) = node.children, bridge[id(node)]
        if start not in one.rows:
            one, other, b = other, one, a
        node.children = (one, other)
        turn(one, start)
        turn(other, b)

    turn(top[0], 0)
    return top[0]


@dataclass
class Cluster:
    """Of the condensed tree. ``left`` holds (rows that leave, their lambda) in the order in which they do."""

    parent: Cluster | None
    birth: float
    size: int
    left: list[tuple[frozenset[int], float]] = field(default_factory=list)
    parts: list[Cluster] = field(default_factory=list)
    stability: float = 0.0
    is_selected: bool = False

    def below(self) -> list[Cluster]:
        return [c for part in self.parts for c in (part, *part.below())]


def _inverse(value: float) -> float:
    return 1 / value if value > 0 else math.inf


def condense(root: Node, min_size: int) -> list[Cluster]:
    """Clusters level by level; the root first."""
    clusters = [Cluster(None, 0.0, len(root.rows))]
    level = [(root, clusters[0])]
    while level:
        below = []
        for node, cluster in level:
            value = _inverse(node.height)
            is_split = all(len(child.rows) >= min_size for child in node.children)
            for child in node.children:
                if len(child.rows) < min_size:
                    cluster.left.append((child.rows, value))
                    for _ in child.rows:
                        cluster.stability += value - cluster.birth
                elif is_split:
                    part = Cluster(cluster, value, len(child.rows))
                    cluster.stability += (value - cluster.birth) * part.size
                    cluster.parts.append(part)
                    clusters.append(part)
                    below.append((child, part))
                else:
                    below.append((child, cluster))
        level = below
    return clusters


def select(
    clusters: list[Cluster], method: str, with_root: bool, epsilon: float, max_size: int | None
) -> list[Cluster]:
    """The selected clusters, in the order of ``clusters``."""
    root, most = clusters[0], math.inf if max_size is None else max_size
    candidates = clusters if with_root else clusters[1:]
    if method == "leaf":
        chosen = [c for c in clusters[1:] if not c.parts]
    else:
        for c in reversed(candidates):
            size = c.size if c is not root else sum(part.size for part in c.parts)
            below = sum(part.stability for part in c.parts)
            if below > c.stability or size > most:
                c.stability = below
            else:
                c.is_selected = True
                for other in c.below():
                    other.is_selected = False
        chosen = [c for c in candidates if c.is_selected]
    if epsilon > 0 and chosen != [root]:
        chosen = [_widened(c, epsilon, with_root) if _inverse(c.birth) < epsilon else c for c in chosen]
    return [c for c in clusters if any(c is other for other in chosen)]


def _widened(cluster: Cluster, epsilon: float, with_root: bool) -> Cluster:
    parent = cluster.parent
    if parent.parent is None:
        return parent if with_root else cluster
    return parent if _inverse(parent.birth) > epsilon else _widened(parent, epsilon, with_root)


def hdbscan(
    weights: NDArray[np.float64],
    distances: NDArray[np.float64],
    min_size: int,
    *,
    method: str = "eom",
    with_root: bool = False,
    epsilon: float = 0.0,
    max_size: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """``(labels, probabilities)`` from mutual reachabilities, and distances that tell equal ones apart."""
    clusters = condense(hierarchy(spanning_tree(weights, distances)), min_size)
    root = clusters[0]
    chosen = select(clusters, method, with_root, epsilon, max_size)
    labels, probabilities = np.full(len(weights), -1), np.zeros(len(weights))
    for cluster in clusters:
        owner = cluster
        while owner is not root and not any(owner is c for c in chosen):
            owner = owner.parent
        deaths = [value for _, value in owner.left] + [part.birth for part in owner.parts]
        for rows, value in cluster.left:
            if owner is root:
                least = 1 / epsilon if epsilon > 0 else max(deaths)
                if len(chosen) != 1 or chosen[0] is not root or value < least:
                    continue
            number = next(i for i, c in enumerate(chosen) if c is owner)
            for row in rows:
                labels[row] = number
                probabilities[row] = 1.0 if math.isinf(value) or max(deaths) == 0 else min(1, value / max(deaths))
    return labels, probabilities
