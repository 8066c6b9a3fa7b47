"""The loops of HDBSCAN: from a spanning tree to clusters. No loop calls one of another file; dbscan.py says why.

Nodes 0 .. n - 1 of a hierarchy are rows, node n + i is merge i. Cluster 0 of a condensed tree is the root, parents
come before their children. Loops follow scikit-learn's arithmetic, its order of additions and its comparisons with
NaN, which infinite densities (rows at distance 0) lead to.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pyface._numba.compiling import entry, jit
from pyface._numba.trees import find_root


@jit
def _inverse(value: Any) -> Any:
    return 1.0 / value if value > 0.0 else math.inf


@jit
def _size(node: Any, n: Any, sizes: Any) -> Any:
    return sizes[node - n] if node >= n else 1


@entry
def grow(
    distances: Any, cores: Any, steps: Any, state: Any, weights: Any, lengths: Any, sources: Any, pairs: Any, order: Any
) -> None:
    """``steps`` steps of Prim's algorithm on a matrix of distances, from row 0 on.

    Edges are ordered by reachability, distance, lower row, higher row. ``state`` holds the number of edges so far and
    the row that came last; ``weights``, ``lengths`` and ``sources`` the best edge of each row to the tree: sources are
    -1 before there is one, -2 in the tree. Edges go to ``pairs``, the rows that they brought to ``order``; weights and
    lengths of those stay.
    """
    n = len(cores)
    for step in range(state[0], min(n - 1, state[0] + steps)):
        last = state[1]
        sources[last] = -2
        best = -1
        for row in range(n):
            if sources[row] == -2:
                continue
            length = distances[last, row]
            weight = max(length, cores[last], cores[row])
            if sources[row] == -1 or _is_before(
                weight, length, last, row, weights[row], lengths[row], sources[row], row
            ):
                weights[row], lengths[row], sources[row] = weight, length, last
            if best == -1 or _is_before(
                weights[row], lengths[row], sources[row], row, weights[best], lengths[best], sources[best], best
            ):
                best = row
        pairs[step, 0], pairs[step, 1] = min(sources[best], best), max(sources[best], best)
        order[step] = best
        state[0], state[1] = step + 1, best


@jit
def _is_before(
    weight: Any, length: Any, a: Any, b: Any, other_weight: Any, other_length: Any, other_a: Any, other_b: Any
) -> Any:
    if weight != other_weight:
        return weight < other_weight
    if length != other_length:
        return length < other_length
    low, other_low = min(a, b), min(other_a, other_b)
    return low < other_low or (low == other_low and max(a, b) < max(other_a, other_b))


@entry
def link(pairs: Any, children: Any, sizes: Any) -> None:
    """Merges along the edges of a spanning tree, in their order: the nodes and the sizes.

    The left node is the one that Prim's algorithm reaches first from row 0 on; it takes a node before it goes on.
    """
    n = len(pairs) + 1
    tops = np.arange(2 * n - 1)
    for i in range(n - 1):
        for side in range(2):
            node = np.int64(pairs[i, side])
            while tops[node] != node:
                tops[node] = tops[tops[node]]
                node = tops[node]
            children[i, side] = node
        sizes[i] = _size(children[i, 0], n, sizes) + _size(children[i, 1], n, sizes)
        tops[children[i, 0]] = tops[children[i, 1]] = n + i
    begins = _begins(children, sizes)
    entries = np.zeros(2 * n - 1, np.int64)
    for i in range(n - 2, -1, -1):
        row = entries[n + i]
        left = children[i, 0]
        other = pairs[i, 1]
        if not begins[left] <= begins[row] < begins[left] + _size(left, n, sizes):
            children[i, 0], children[i, 1] = children[i, 1], left
            other = pairs[i, 0]
        entries[children[i, 0]], entries[children[i, 1]] = row, other


@jit
def _begins(children: Any, sizes: Any) -> Any:
    """Where the rows of each node begin if rows stand in the order of the leaves, those of the root at 0."""
    n = len(children) + 1
    begins = np.zeros(2 * n - 1, np.int64)
    for i in range(n - 2, -1, -1):
        left = children[i, 0]
        begins[left] = begins[n + i]
        begins[children[i, 1]] = begins[n + i] + _size(left, n, sizes)
    return begins


@entry
def condense(
    children: Any,
    sizes: Any,
    heights: Any,
    min_size: Any,
    row_clusters: Any,
    row_lambdas: Any,
    parents: Any,
    births: Any,
    cluster_sizes: Any,
    stabilities: Any,
    deaths: Any,
) -> int:
    """The condensed tree: clusters of at least ``min_size`` rows, and where each row leaves; the number of clusters.

    Level by level, left before right. Lambda is 1 / height, and ``births`` are lambdas. ``stabilities``: the sum of
    (lambda - birth) over what leaves a cluster; ``deaths``: the largest lambda at which something does.
    """
    n = len(children) + 1
    begins = _begins(children, sizes)
    rows = np.empty(n, np.int64)
    for row in range(n):
        rows[begins[row]] = row
    # No more nodes are waiting than there are clusters.
    nodes, owners = np.empty(n, np.int64), np.empty(n, np.int64)
    nodes[0], owners[0] = 2 * n - 2, 0
    parents[0], births[0], cluster_sizes[0], stabilities[0], deaths[0] = -1, 0.0, n, 0.0, 0.0
    n_clusters = 1
    head, count = 0, 1
    while count > 0:
        node, owner = nodes[head], owners[head]
        head = (head + 1) % n
        count -= 1
        merge = node - n
        value = _inverse(heights[merge])
        deaths[owner] = max(deaths[owner], value)
        are_large = True
        for side in range(2):
            are_large = are_large and _size(children[merge, side], n, sizes) >= min_size
        for side in range(2):
            child = children[merge, side]
            size = _size(child, n, sizes)
            if size < min_size:
                for place in range(begins[child], begins[child] + size):
                    row_clusters[rows[place]], row_lambdas[rows[place]] = owner, value
                    stabilities[owner] += value - births[owner]
                continue
            heir = owner
            if are_large:
                heir = n_clusters
                n_clusters += 1
                parents[heir], births[heir], cluster_sizes[heir] = owner, value, size
                stabilities[heir], deaths[heir] = 0.0, 0.0
                stabilities[owner] += (value - births[owner]) * size
            place = (head + count) % n
            nodes[place], owners[place] = child, heir
            count += 1
    return n_clusters


@entry
def excess_of_mass(
    parents: Any, cluster_sizes: Any, stabilities: Any, with_root: Any, max_size: Any, selected: Any
) -> None:
    """Select clusters that are at least as stable as the best ones below them together, from the leaves up.

    ``stabilities`` become those of what was selected. Of a cluster of more than ``max_size`` rows its parts are taken.
    """
    n_clusters, first = len(parents), 0 if with_root else 1
    below = np.zeros(n_clusters)
    root_size = 0  # what scikit-learn compares for the root
    for c in range(1, n_clusters):
        if parents[c] == 0:
            root_size += cluster_sizes[c]
    for c in range(n_clusters - 1, first - 1, -1):
        size = cluster_sizes[c] if c > 0 else root_size
        selected[c] = not (below[c] > stabilities[c] or size > max_size)
        if not selected[c]:
            stabilities[c] = below[c]
        if c > 0:
            below[parents[c]] += stabilities[c]
    is_covered = np.zeros(n_clusters, np.bool_)
    for c in range(1, n_clusters):
        is_covered[c] = is_covered[parents[c]] or selected[parents[c]]
    for c in range(1, n_clusters):
        if is_covered[c]:
            selected[c] = False


@entry
def leaves(parents: Any, selected: Any) -> None:
    """Select the clusters without parts; none if the root is all there is."""
    selected[:] = len(parents) > 1
    selected[0] = False
    for c in range(1, len(parents)):
        selected[parents[c]] = False


@entry
def widen(parents: Any, births: Any, epsilon: Any, with_root: Any, selected: Any) -> None:
    """Instead of selected clusters born below ``epsilon`` take the nearest ones above them that were born beyond it.

    Where there is none: the root, or else the cluster next to it.
    """
    n_clusters = len(parents)
    targets = np.empty(n_clusters, np.int64)
    result = np.zeros(n_clusters, np.bool_)
    result[0] = selected[0]
    for c in range(1, n_clusters):
        parent = parents[c]
        if parent == 0:
            targets[c] = 0 if with_root else c
        elif _inverse(births[parent]) > epsilon:
            targets[c] = parent
        else:
            targets[c] = targets[parent]
        if selected[c]:
            result[targets[c] if _inverse(births[c]) < epsilon else c] = True
    selected[:] = result


@entry
def label(
    row_clusters: Any,
    row_lambdas: Any,
    parents: Any,
    deaths: Any,
    selected: Any,
    least_lambda: Any,
    labels: Any,
    probabilities: Any,
) -> None:
    """Labels and probabilities of rows. Rows that leave the root alone are noise, unless it is all that was selected:
    then those whose lambda is at least ``least_lambda`` belong to it.
    """
    n_clusters = len(parents)
    owners, numbers = np.zeros(n_clusters, np.int64), np.zeros(n_clusters, np.int64)
    count = 0
    for c in range(n_clusters):
        if c > 0:
            owners[c] = c if selected[c] else owners[parents[c]]
        numbers[c] = count
        count += selected[c]
    root_is_all = count == 1 and selected[0]
    for row in range(len(labels)):
        owner, value = owners[row_clusters[row]], row_lambdas[row]
        labels[row], probabilities[row] = -1, 0.0
        if owner == 0 and not (root_is_all and value >= least_lambda):
            continue
        labels[row] = numbers[owner]
        death = deaths[owner]
        probabilities[row] = 1.0 if death == 0.0 or math.isinf(value) else min(value, death) / death


@entry
def cut(children: Any, heights: Any, height: Any, min_size: Any, labels: Any) -> None:
    """Labels after all merges below ``height``, -1 for clusters of less than ``min_size`` rows.

    Numbered by the nodes that scikit-learn's union by rank calls them by.
    """
    n = len(children) + 1
    parents, ranks = np.arange(2 * n - 1), np.zeros(2 * n - 1, np.int64)
    for i in range(n - 1):
        if not heights[i] < height:
            continue
        for side in range(2):
            one, other = find_root(parents, children[i, side]), find_root(parents, n + i)
            if ranks[one] < ranks[other]:
                one, other = other, one
            elif ranks[one] == ranks[other]:
                ranks[one] += 1
            parents[other] = one
    counts = np.zeros(2 * n - 1, np.int64)
    for row in range(n):
        counts[find_root(parents, row)] += 1
    numbers = np.full(2 * n - 1, -1)
    n_clusters = 0
    for node in range(2 * n - 1):
        if counts[node] >= max(min_size, 1):
            numbers[node] = n_clusters
            n_clusters += 1
    for row in range(n):
        labels[row] = numbers[find_root(parents, row)]
