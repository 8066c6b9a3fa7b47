"""Agglomerative linkage below a threshold, component by component, and what it takes to do it again for some rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface import _core, _memory
from pyface._typing import FloatArray
from pyface.kernels.components import connected, first_of_group, to_pairs
from pyface.kernels.link_groups import CannotLinks, Groups, sets_of
from pyface.kernels.origin import Origin, common_origin

# Clusters of these linkages are at least as far apart as their nearest rows, so that no merge below a threshold joins
# two components of the graph of the pairs of rows within it.
METHODS = ("single", "complete", "average", "weighted")

# Pairs within the threshold are kept up to the larger of so many and what an eighth of the rows' memory holds; beyond
# that only the components are, and pairs are found again, or done without, in each.
_FEW_EDGES = 1 << 22
_BYTES_PER_EDGE = 8


@dataclass(frozen=True, slots=True, eq=False)
class NearGraph:
    """The pairs of rows within a threshold and what they connect.

    component : (n,) int32, a row of each row's component.
    edges : (m, 2) int32, the pairs; for single linkage those of a minimum spanning forest, which say as much. None
    where there were too many.
    """

    component: NDArray[np.int32]
    edges: NDArray[np.int32] | None

    def of(self, rows: NDArray[np.int64]) -> NearGraph:
        """The graph of some rows, in increasing order: all of some components. They are numbered from 0 then."""
        edges = self.edges
        if edges is not None:
            place = np.full(len(self.component), -1, np.int32)
            place[rows] = np.arange(len(rows), dtype=np.int32)
            edges = place[edges]
            edges = edges[edges[:, 0] >= 0]
        return NearGraph(first_of_group(self.component[rows]), edges)

    def with_must_links(self, must_link: Groups) -> NDArray[np.int32]:
        """Of each row the number, from 0, of what can be clustered by itself: components that must-links connect."""
        parts = [to_pairs(self.component)]
        if self.edges is not None:
            parts.append(self.edges)
        if must_link is not None:
            parts.append(to_pairs(first_of_group(must_link)))
        return connected(len(self.component), parts)


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """Merges by the smallest rows of both clusters: pairs (m, 2) int32 and heights (m,), those of parts first."""

    pairs: NDArray[np.int32]
    heights: NDArray[np.float64]

    def tree(self, n: int) -> NDArray[np.float64]:
        """The merges as (m, 4) float64 in SciPy's format, by increasing height; fewer than n - 1 make a forest."""
        return _core.tree_of_joints(self.pairs, self.heights, n)


def edge_limit(n_bytes: int) -> int:
    """How many pairs are kept for rows that take so many bytes."""
    return max(_FEW_EDGES, n_bytes // 8 // _BYTES_PER_EDGE)


def origin_for(x: FloatArray, method: str, metric: str) -> Origin:
    """What the means of clusters are counted from, (d,), or None: they are only for distances that are made of them."""
    return common_origin(x) if method in ("average", "weighted") and metric == "sqeuclidean" else None


def near_graph(
    x: FloatArray, method: str, metric: str, threshold: float, *, has_cannot_link: bool, n_threads: int
) -> NearGraph:
    """What :func:`joints_below` needs. Time O(n^2 d) operations on codes; memory O(n) and the edges."""
    if method == "single" and not has_cannot_link:
        edges = _core.spanning_edges(x, metric=metric, height_limit=threshold, n_threads=n_threads)
        return NearGraph(np.arange(len(x), dtype=np.int32), edges)
    most = edge_limit(x.nbytes)
    component, edges, are_all = _core.near_graph(
        x, metric=metric, threshold=threshold, max_edges=most, n_threads=n_threads
    )
    if not are_all and method == "single":
        raise MemoryError(
            "single linkage with cannot-links needs all pairs within the threshold at once, and more than "
            f"{most:,} were found; choose a smaller distance_threshold, or average linkage"
        )
    return NearGraph(component, edges if are_all else None)


def joints_below(
    x: FloatArray,
    graph: NearGraph,
    method: str,
    metric: str,
    threshold: float,
    *,
    origin: Origin = None,
    cannot_link: CannotLinks | None = None,
    must_link: Groups = None,
    memory_limit: int | None = None,
    n_threads: int,
) -> Joints:
    """All merges at heights strictly below ``threshold``, and those of must-links, at height 0, before all others.

    ``x`` has been checked; ``graph`` is its :func:`near_graph`, ``origin`` the :func:`origin_for` all rows, of which
    these may be a part. MemoryError where a component needs a matrix of
    distances (average and weighted linkage by "euclidean"; complete linkage where nearly all pairs are near) that is
    too large: for ``memory_limit``, or else for what is available.
    """
    limit = _memory.available() if memory_limit is None else memory_limit
    pairs, heights = _core.joints_of_components(
        x, graph.component, graph.edges, method=method, metric=metric, threshold=threshold,
        memory_limit=-1 if limit is None else limit, origin=origin, cannot_link=sets_of(cannot_link),
        must_link=must_link, n_threads=n_threads,
    )  # fmt: skip
    return Joints(pairs, heights)


def joints_among(
    x: FloatArray,
    rows: NDArray[np.int64],
    graph: NearGraph,
    method: str,
    metric: str,
    threshold: float,
    *,
    origin: Origin = None,
    cannot_link: CannotLinks | None = None,
    must_link: Groups = None,
    n_threads: int,
) -> Joints:
    """Those of :func:`joints_below` that some rows take part in, to the bit, in the time of these rows alone.

    rows : (k,) increasing, all of some of the numbers of :meth:`NearGraph.with_must_links`. No other row has a say in
    their merges, whatever is kept apart: rows of two numbers never come together. So where what is known of rows has
    changed, the rows that are worth another look are those of the numbers that new pairs and groups lie in, or lay in.
    x, graph, origin, cannot_link, must_link : those of all rows, as for :func:`joints_below`. ``graph`` of single
    linkage must have been made with ``has_cannot_link`` if there are any.
    """
    joints = joints_below(
        np.ascontiguousarray(x[rows]), graph.of(rows), method, metric, threshold, origin=origin,
        cannot_link=None if cannot_link is None else cannot_link.of(rows),
        must_link=None if must_link is None else must_link[rows], n_threads=n_threads,
    )  # fmt: skip
    return Joints(rows[joints.pairs].astype(np.int32), joints.heights)


def near_pairs(
    x: FloatArray, metric: str, threshold: float, *, max_edges: int, n_threads: int
) -> NDArray[np.int32] | None:
    """The pairs of rows that :func:`near_graph` would find, (m, 2); None where there are more than ``max_edges``."""
    if len(x) < 2:
        return np.empty((0, 2), np.int32)
    _, edges, are_all = _core.near_graph(
        x, metric=metric, threshold=threshold, max_edges=max_edges, n_threads=n_threads
    )
    return edges if are_all else None


def near_pairs_between(
    x: FloatArray, y: FloatArray, metric: str, threshold: float, *, max_edges: int, n_threads: int
) -> NDArray[np.int32] | None:
    """The same of a row of ``x`` and one of ``y``."""
    pairs, are_all = pairs_between(
        x, y, np.zeros(len(y), np.int32), metric, threshold, max_edges=max_edges, n_threads=n_threads
    )
    return pairs if are_all else None


def radius_for(threshold: float, metric: str) -> float:
    """Up to which distance pairs count as within a threshold: a little more, for both formulas of a distance."""
    size = abs(threshold)
    return threshold + 1e-9 * size + (1e-12 if metric == "cosine" else min(1e-12, size))


def forest_labels(z: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Clusters of n rows after all merges of ``z``, (m, 4) in SciPy's format, numbered by their smallest row."""
    return _core.label_forest(z, n)


def pairs_between(
    x: FloatArray,
    y: FloatArray,
    component: NDArray[np.int32],
    metric: str,
    threshold: float,
    *,
    max_edges: int,
    n_threads: int,
) -> tuple[NDArray[np.int32], bool]:
    """Pairs (row of x, row of y) that may be at a distance below ``threshold``, (m, 2) int32, and True.

    Where there are more than ``max_edges``: pairs (row of x, component of y), each once, and False. ``component`` has
    the number of each row of ``y``.
    """
    return _core.edges_between(
        x, y, component, metric=metric, threshold=threshold, max_edges=max_edges, n_threads=n_threads
    )
