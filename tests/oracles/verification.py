"""Verification and identification by definition: loops over thresholds, over pairs and over candidates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np


def accepted(distances: Sequence[float], same: Sequence[bool], threshold: float) -> tuple[int, int]:
    """How many pairs of two identities, and of one, a threshold accepts."""
    counts = [0, 0]
    for d, s in zip(distances, same, strict=True):
        counts[bool(s)] += d <= threshold
    return counts[0], counts[1]


def rates(distances: Sequence[float], same: Sequence[bool], threshold: float) -> tuple[float, float]:
    """FAR and TAR of a threshold."""
    different, one = accepted(distances, same, threshold)
    return different / sum(not s for s in same), one / sum(bool(s) for s in same)


def tar_at_far(distances: Sequence[float], same: Sequence[bool], far: float) -> float:
    """The best TAR of the thresholds that are -inf or a distance, among those with no more than this FAR."""
    points = [rates(distances, same, t) for t in [-math.inf, *distances]]
    return max(tar for f, tar in points if f <= far)


def equal_error_rate(distances: Sequence[float], same: Sequence[bool]) -> float:
    """Where the line through the points of the curve meets FAR = 1 - TAR, by bisection of the leg that does."""
    points = [rates(distances, same, t) for t in sorted({-math.inf, *distances})]
    for (f0, t0), (f1, t1) in pairwise(points):
        if f0 + t0 <= 1 <= f1 + t1:
            low, high = 0.0, 1.0
            for _ in range(80):
                middle = (low + high) / 2
                f, t = f0 + middle * (f1 - f0), t0 + middle * (t1 - t0)
                low, high = (middle, high) if f + t < 1 else (low, middle)
            return f0 + low * (f1 - f0)
    raise AssertionError("a curve from (0, 0) to (1, 1) meets every line between them")


def resampled(matrix: np.ndarray, labels: Sequence[int], drawn: Sequence[int]) -> tuple[list[float], list[bool]]:
    """All pairs of the rows of the identities drawn, copies included, which are not compared with each other."""
    rows = [(place, i) for place, who in enumerate(drawn) for i, label in enumerate(labels) if label == who]
    distances, same = [], []
    for (place, i), (other, j) in combinations(rows, 2):
        if place == other or labels[i] != labels[j]:
            distances.append(float(matrix[i, j]))
            same.append(place == other)
    return distances, same


def best_threshold(distances: Sequence[float], same: Sequence[bool]) -> float:
    """The lowest of the cuts halfway between two distances, or beyond all, that tell most pairs right."""
    values = sorted(set(distances))
    cuts = [-math.inf, *((a + b) / 2 for a, b in pairwise(values)), math.inf]
    right = [sum((d <= cut) == s for d, s in zip(distances, same, strict=True)) for cut in cuts]
    return cuts[right.index(max(right))]


def candidates(row: Sequence[float], enrolled: Sequence[int]) -> list[tuple[int, float]]:
    """The identities of a gallery, each with its nearest distance, the nearest first; ties by the lower row."""
    found: dict[int, float] = {}
    for j in sorted(range(len(row)), key=lambda j: (row[j], j)):
        found.setdefault(enrolled[j], row[j])
    return list(found.items())


def cmc(matrix: np.ndarray, sought: Sequence[int], enrolled: Sequence[int], max_rank: int) -> list[float]:
    mated = [i for i, who in enumerate(sought) if who in enrolled]
    ranks = [[who for who, _ in candidates(matrix[i], enrolled)].index(sought[i]) + 1 for i in mated]
    return [sum(rank <= r for rank in ranks) / len(mated) for r in range(1, max_rank + 1)]


def fnir_at_fpir(matrix: np.ndarray, sought: Sequence[int], enrolled: Sequence[int], fpir: float, rank: int) -> float:
    """The least FNIR of the thresholds with no more than this FPIR."""
    lists = [candidates(row, enrolled) for row in matrix]
    alone = [found for found, who in zip(lists, sought, strict=True) if who not in enrolled]
    mated = [(found, who) for found, who in zip(lists, sought, strict=True) if who in enrolled]
    best = 1.0
    for t in [-math.inf, *np.unique(matrix)]:
        if sum(found[0][1] <= t for found in alone) / len(alone) <= fpir:
            hits = sum(any(w == who and d <= t for w, d in found[:rank]) for found, who in mated)
            best = min(best, 1 - hits / len(mated))
    return best


def searches_drawn(sought: Sequence[int], drawn: Sequence[int]) -> list[int]:
    """The searches for the identities drawn, copies included."""
    return [i for who in drawn for i, label in enumerate(sought) if label == who]
