"""Clusters below a threshold that take in more rows: only the components that new rows touch are clustered again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.cluster._whole_tree import KeptRows
from pyface.kernels.components import connected, first_of_group, to_pairs
from pyface.kernels.link_groups import CannotLinks, Groups, Pairs, cannot_links, check_agreement, joined_pairs
from pyface.kernels.linkage_below import (
    Joints,
    NearGraph,
    edge_limit,
    joints_below,
    near_graph,
    origin_for,
    pairs_between,
)
from pyface.kernels.origin import Origin, kept_origin
from pyface.kernels.relabeling import relabel


@dataclass(frozen=True, slots=True)
class Settings:
    """What a clustering below a threshold is made with."""

    linkage: str
    metric: str
    threshold: float


@dataclass(slots=True, eq=False)
class Clustering:
    """Rows in pieces, as they came, the pairs that are near each other, and the merges made of them."""

    settings: Settings
    pieces: list[KeptRows]
    origin: Origin
    cannot_link: CannotLinks | None
    must_link: Groups
    component: NDArray[np.int32]  # 0 .. number of components - 1
    edges: NDArray[np.int32] | None
    joints: Joints

    @property
    def n_rows(self) -> int:
        return sum(len(piece) for piece in self.pieces)


def cluster(
    x: NDArray[Any], settings: Settings, cannot_link: CannotLinks | None, must_link: Groups, *, n_threads: int
) -> Clustering:
    """Cluster rows from scratch. ``x`` and what is known of it have been checked; ``x`` is kept, not copied."""
    origin = origin_for(x, settings.linkage, settings.metric)
    graph = _graph(x, settings, cannot_link is not None, n_threads)
    joints = _solve(x, graph, settings, origin, cannot_link, must_link, n_threads)
    rows = [KeptRows.borrow(x, n_threads=n_threads)]
    component = graph.with_must_links(must_link)
    return Clustering(settings, rows, origin, cannot_link, must_link, component, graph.edges, joints)


def add(
    old: Clustering, x: NDArray[Any], cannot_groups: Groups, pairs: Pairs, must_link: Groups, *, n_threads: int
) -> tuple[Clustering, NDArray[np.int64]]:
    """The clustering of the old rows and these, as from scratch, and the rows that were clustered anew for it.

    Time: new rows x all rows, and the components that new rows and ``pairs``, which are of all rows, touch. Groups are
    those of the new rows, -1 = none.
    """
    settings = old.settings
    n, m = old.n_rows, len(x)
    for piece in old.pieces:
        piece.unchanged()
    kept = [*old.pieces, KeptRows.borrow(x, n_threads=n_threads)]
    if any(piece.values.dtype != x.dtype for piece in kept):
        kept = [
            piece if piece.values.dtype == np.float64 else KeptRows(piece.values.astype(np.float64), None)
            for piece in kept
        ]
    pieces = [piece.values for piece in kept]
    origin = None if old.origin is None else kept_origin(old.origin, x)
    known = old.cannot_link or CannotLinks(n, None, None)
    cannot = cannot_links(n + m, _appended(known.groups, cannot_groups, n, m), joined_pairs(known.pairs, pairs))
    must = _appended(old.must_link, must_link, n, m)
    check_agreement(cannot, must)
    old_edges = old.edges
    if settings.linkage == "single" and old.cannot_link is None and cannot is not None:
        old_edges = None  # a spanning forest, which does not do where groups may forbid its edges

    among = _graph(pieces[-1], settings, cannot is not None, n_threads)
    links, across = _across(pieces, old.component, settings, n_threads)
    # What connects old components, by number, and new rows, from n_old on.
    n_old = int(old.component.max(initial=-1)) + 1
    node = np.concatenate([old.component, np.arange(n_old, n_old + m, dtype=np.int32)])
    parts = [links + np.array([0, n_old], np.int32), to_pairs(among.component) + np.int32(n_old)]
    if among.edges is not None:
        parts.append(among.edges + np.int32(n_old))
    if must is not None:
        parts.append(node[to_pairs(first_of_group(must))])
    merged = connected(n_old + m, parts)
    touched = [merged[n_old:]]
    if pairs is not None:
        first, second = merged[node[pairs]].T
        touched.append(first[first == second])
    is_touched = np.isin(merged, np.concatenate(touched))[node]
    if origin is not None and not np.array_equal(origin, old.origin):  # type: ignore[arg-type]
        is_touched[:] = True  # means counted from another place are rounded otherwise
    component = merged[node]
    rows = np.flatnonzero(is_touched)

    edges = None
    if old_edges is not None and among.edges is not None and across is not None:
        edges = np.concatenate([old_edges, among.edges + np.int32(n), across])
        if len(edges) > edge_limit(n_bytes=sum(piece.nbytes for piece in pieces)):
            edges = None
    own = None
    if edges is not None:
        own = NearGraph(component, edges).of(rows)
    touched_rows = _gathered(pieces, rows)
    # All pairs for single linkage, even if nobody here may be kept apart yet: they are kept.
    graph = own or _graph(touched_rows, settings, cannot is not None, n_threads)
    left = None if cannot is None else cannot.of(rows)
    joints = _solve(touched_rows, graph, settings, origin, left, _of(must, rows), n_threads)
    if edges is None and old_edges is not None and graph.edges is not None:
        # Single linkage: a spanning forest of what was touched says as much as all its pairs.
        edges = np.concatenate([old_edges[~is_touched[old_edges[:, 0]]], rows[graph.edges].astype(np.int32)])
    stays = ~is_touched[old.joints.pairs[:, 0]]
    joints = Joints(
        np.concatenate([old.joints.pairs[stays], rows[joints.pairs].astype(np.int32)]),
        np.concatenate([old.joints.heights[stays], joints.heights]),
    )
    return Clustering(settings, _joined(kept), origin, cannot, must, component, edges, joints), rows


def number(old_labels: NDArray[np.int64], labels: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers for all rows after :func:`add`: old ones survive by largest overlap, see :func:`relabel`.

    labels : (n,) the new clusters in any numbers. rows : those that were clustered anew; clusters of other rows are
    what they were. New numbers follow the largest old one.
    """
    n_old = len(old_labels)
    result = np.concatenate([old_labels, np.full(len(labels) - n_old, -1)])
    # One more row, of a cluster of its own, so that new numbers follow the largest of all old ones.
    before = np.append(result[rows], old_labels.max(initial=0))
    now = np.append(labels[rows], labels.max(initial=0) + 1)
    result[rows] = relabel(before, now)[:-1]
    return result


def _graph(x: NDArray[Any], settings: Settings, has_cannot_link: bool, n_threads: int) -> NearGraph:
    return near_graph(
        x, settings.linkage, settings.metric, settings.threshold, has_cannot_link=has_cannot_link, n_threads=n_threads
    )


def _solve(
    x: NDArray[Any],
    graph: NearGraph,
    settings: Settings,
    origin: Origin,
    cannot: CannotLinks | None,
    must: Groups,
    n_threads: int,
) -> Joints:
    return joints_below(
        x, graph, settings.linkage, settings.metric, settings.threshold, origin=origin, cannot_link=cannot,
        must_link=must, n_threads=n_threads,
    )  # fmt: skip


def _across(
    pieces: list[NDArray[Any]], component: NDArray[np.int32], settings: Settings, n_threads: int
) -> tuple[NDArray[np.int32], NDArray[np.int32] | None]:
    """What connects old and new rows: pairs (component, new row), and pairs of rows (old, new), or None if too many.

    New rows count from 0 in the first, from the number of old rows in the second.
    """
    *before, x = pieces
    n_old = len(component)
    most = edge_limit(sum(piece.nbytes for piece in pieces))
    links, parts = [], []
    first, are_all = 0, True
    for piece in before:
        own = component[first : first + len(piece)]
        pairs, has_rows = pairs_between(
            x, piece, own, settings.metric, settings.threshold, max_edges=most, n_threads=n_threads
        )
        are_all = are_all and has_rows
        links.append(np.column_stack([own[pairs[:, 1]] if has_rows else pairs[:, 1], pairs[:, 0]]))
        if are_all:
            parts.append(pairs[:, ::-1] + np.array([first, n_old], np.int32))
        first += len(piece)
    return np.concatenate(links), np.concatenate(parts) if are_all else None


def _joined(pieces: list[KeptRows]) -> list[KeptRows]:
    """The same rows in pieces of which each is more than twice as long as the next: few, however many came."""
    pieces = list(pieces)
    while len(pieces) > 1 and len(pieces[-2]) <= 2 * len(pieces[-1]):
        pieces[-2:] = [KeptRows(np.concatenate([piece.values for piece in pieces[-2:]]), None)]
    return pieces


def _appended(old: Groups, new: Groups, n: int, m: int) -> Groups:
    if old is None and new is None:
        return None
    return np.concatenate([np.full(n, -1) if old is None else old, np.full(m, -1) if new is None else new])


def _of(groups: Groups, rows: NDArray[np.int64]) -> Groups:
    return None if groups is None else groups[rows]


def _gathered(pieces: list[NDArray[Any]], rows: NDArray[np.int64]) -> NDArray[Any]:
    result = np.empty((len(rows), pieces[0].shape[1]), pieces[-1].dtype)
    first = 0
    for piece in pieces:
        begin, end = np.searchsorted(rows, [first, first + len(piece)])
        np.take(piece, rows[begin:end] - first, axis=0, out=result[begin:end])
        first += len(piece)
    return result
