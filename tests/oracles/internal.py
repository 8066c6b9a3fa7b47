"""Scores of clusters without the truth, by definition: the whole matrix of distances, loops over rows and clusters."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from oracles.distance import matrix

Rows = NDArray[np.floating]
Labels = NDArray[np.int64]


def silhouettes(x: Rows, labels: Labels, metric: str) -> NDArray[np.float64]:
    d = matrix(x.astype(np.float64), x.astype(np.float64), metric)
    result = np.zeros(len(x))
    for i in range(len(x)):
        own = [j for j in np.flatnonzero(labels == labels[i]) if j != i]
        if not own:
            continue
        a = np.mean([d[i, j] for j in own])
        b = min(d[i, labels == other].mean() for other in set(labels.tolist()) - {labels[i]})
        result[i] = (b - a) / max(a, b) if max(a, b) > 0 else 0.0
    return result


def to_other_clusters(x: Rows, codes: Labels) -> NDArray[np.float64]:
    """Of each row the least of its mean squared distances to the rows of another cluster, infinity without one."""
    d = matrix(x.astype(np.float64), x.astype(np.float64), "sqeuclidean")
    others = [sorted(set(codes.tolist()) - {own}) for own in codes.tolist()]
    return np.array([min((d[i, codes == c].mean() for c in others[i]), default=np.inf) for i in range(len(x))])


def dunn(x: Rows, labels: Labels, metric: str) -> float:
    d = matrix(x.astype(np.float64), x.astype(np.float64), metric)
    same = labels[:, None] == labels
    gap, diameter = d[~same].min(), d[same].max()
    if gap == 0:
        return 0.0
    return float(gap / diameter) if diameter else math.inf


def _groups(x: Rows, labels: Labels) -> list[NDArray[np.float64]]:
    return [x[labels == c].astype(np.float64) for c in np.unique(labels)]


def davies_bouldin(x: Rows, labels: Labels) -> float:
    groups = _groups(x, labels)
    means = [g.mean(axis=0) for g in groups]
    spread = [np.mean([math.dist(row, m) for row in g]) for g, m in zip(groups, means, strict=True)]
    k = range(len(groups))
    return float(
        np.mean([max((spread[i] + spread[j]) / math.dist(means[i], means[j]) for j in k if j != i) for i in k])
    )


def calinski_harabasz(x: Rows, labels: Labels) -> float:
    groups = _groups(x, labels)
    mean = x.astype(np.float64).mean(axis=0)
    between = sum(len(g) * math.dist(g.mean(axis=0), mean) ** 2 for g in groups)
    within = sum(math.dist(row, g.mean(axis=0)) ** 2 for g in groups for row in g)
    return between / (len(groups) - 1) / (within / (len(x) - len(groups)))
