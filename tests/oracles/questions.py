"""What a reviewer's questions rest on, from the definitions: partitions, BCubed F, and merges one by one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def partitions(n: int) -> Iterator[list[int]]:
    """Every way to put n things into groups, as group numbers."""

    def more(begun: list[int]) -> Iterator[list[int]]:
        if len(begun) == n:
            yield begun
            return
        for group in range(max(begun, default=-1) + 2):
            yield from more([*begun, group])

    yield from more([])


def chance_of(odds: NDArray[np.float64], a: int, b: int) -> float:
    """The share of the partitions with a and b together, each weighed by the product of the odds of its pairs."""
    n, together, total = len(odds), 0.0, 0.0
    for groups in partitions(n):
        weight = 1.0
        for i in range(n):
            for j in range(i):
                weight *= odds[i, j] if groups[i] == groups[j] else 1.0
        total += weight
        together += weight if groups[a] == groups[b] else 0.0
    return together / total


def precision_and_recall(truth: list[int], labels: list[int]) -> tuple[float, float]:
    """BCubed, face by face."""
    n = len(truth)
    precision = recall = 0.0
    for i in range(n):
        both = sum(truth[i] == truth[j] and labels[i] == labels[j] for j in range(n))
        precision += both / labels.count(labels[i]) / n
        recall += both / truth.count(truth[i]) / n
    return precision, recall


def last_parts(distances: NDArray[np.float64], together: list[int]) -> set[frozenset[int]]:
    """The two groups that average linkage puts together last, by means over all pairs; -1 is together with nobody."""
    groups = [{i} for i in range(len(distances)) if together[i] < 0]
    groups += [{i for i in range(len(distances)) if together[i] == k} for k in sorted(set(together)) if k >= 0]
    while len(groups) > 2:
        _, a, b = min(
            (float(np.mean([distances[i, j] for i in one for j in other])), k, m)
            for k, one in enumerate(groups)
            for m, other in enumerate(groups[:k])
        )
        groups = [group for k, group in enumerate(groups) if k not in (a, b)] + [groups[a] | groups[b]]
    return {frozenset(group) for group in groups}
