"""Clusters of graphs of neighbours by their definitions, with loops over all pairs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def neighbors(distances: NDArray[np.float64], radius: float) -> list[list[int]]:
    return [[j for j in range(len(row)) if i == j or row[j] <= radius] for i, row in enumerate(distances)]


def components(n: int, edges: list[tuple[int, int]]) -> NDArray[np.int64]:
    group = list(range(n))
    for i, j in edges:
        old, new = group[i], group[j]
        group = [new if number == old else number for number in group]
    seen = list(dict.fromkeys(group))
    return np.array([seen.index(number) for number in group], np.int64)


def shared_probability(squares: NDArray[np.float64], near: list[list[int]], temperature: float) -> NDArray[np.float64]:
    """(n, n) half of what the probabilities of common neighbours sum to."""
    n = len(squares)
    p = np.zeros((n, n))
    for i in range(n):
        total = sum(math.exp(-squares[i, m] / temperature) for m in near[i])
        for m in near[i]:
            p[i, m] = math.exp(-squares[i, m] / temperature) / total
    shared = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            common = set(near[i]) & set(near[j]) if j in near[i] else ()
            shared[i, j] = sum(p[i, m] + p[j, m] for m in common) / 2
    return shared


def is_settled(near: list[list[int]], labels: NDArray[np.int64]) -> bool:
    """Whether every row has the label of most of its neighbours."""
    for row, others in enumerate(near):
        votes = [int(labels[j]) for j in others]
        if votes.count(int(labels[row])) < max(map(votes.count, votes)):
            return False
    return True
