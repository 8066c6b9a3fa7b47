"""Who is nearest, from the definition: all distances in float64, each name's by its rule, sorted."""

from __future__ import annotations

import numpy as np


def distance(x, y, metric):
    """Of two rows, in float64."""
    x, y = x.astype(float), y.astype(float)
    if metric == "cosine":
        return 1 - x @ y / np.sqrt((x @ x) * (y @ y))
    squared = ((x - y) ** 2).sum()
    return squared if metric == "sqeuclidean" else np.sqrt(squared)


def name_distances(query, people, rule, votes, metric):
    """name -> distance of the query to it. people : name -> (n, d) rows, in the order of enrolling."""
    result = {}
    for name, rows in people.items():
        if rule == "mean":
            unit = rows.astype(float)
            if metric == "cosine":
                unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
            result[name] = distance(query, unit.mean(axis=0).astype(rows.dtype), metric)
        else:
            ordered = sorted(distance(query, row, metric) for row in rows)
            result[name] = ordered[min(len(rows), votes if rule == "k_of_n" else 1) - 1]
    return result


def nearest(query, people, k, rule, votes, metric):
    """The k nearest names with their distances; Python's sort keeps those at equal distances in the order they have."""
    distances = name_distances(query, people, rule, votes, metric)
    return sorted(distances.items(), key=lambda item: item[1])[:k]


def threshold_for(distances, fpir):
    """The largest distance that a share of at most ``fpir`` does not exceed; None if there is none."""
    fitting = [t for t in distances if sum(d <= t for d in distances) / len(distances) <= fpir]
    return max(fitting, default=None)
