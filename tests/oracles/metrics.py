"""Measures of clusterings by definition: loops over rows and over pairs of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations


def purity(true: Sequence, pred: Sequence) -> float:
    hits = sum(max(Counter(t for t, p in zip(true, pred, strict=True) if p == c).values()) for c in set(pred))
    return hits / len(true) if true else 1.0


def pair_counts(true: Sequence, pred: Sequence) -> tuple[int, int, int, int]:
    """Pairs together in both, in pred, in true; all pairs."""
    pairs = list(combinations(range(len(true)), 2))
    together_true = [true[i] == true[j] for i, j in pairs]
    together_pred = [pred[i] == pred[j] for i, j in pairs]
    both = sum(t and p for t, p in zip(together_true, together_pred, strict=True))
    return both, sum(together_pred), sum(together_true), len(pairs)


def f(precision: float, recall: float, beta: float) -> float:
    if precision + recall == 0:
        return 0.0
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def pair_scores(true: Sequence, pred: Sequence, beta: float = 1.0) -> tuple[float, float, float]:
    both, predicted, actual, _ = pair_counts(true, pred)
    precision = both / predicted if predicted else 1.0
    recall = both / actual if actual else 1.0
    return precision, recall, f(precision, recall, beta)


def bcubed(true: Sequence, pred: Sequence, beta: float = 1.0) -> tuple[float, float, float]:
    n = len(true)
    if n == 0:
        return 1.0, 1.0, 1.0
    precision = recall = 0.0
    for i in range(n):
        cluster = [j for j in range(n) if pred[j] == pred[i]]
        person = [j for j in range(n) if true[j] == true[i]]
        shared = [j for j in cluster if j in person]
        precision += len(shared) / len(cluster) / n
        recall += len(shared) / len(person) / n
    return precision, recall, f(precision, recall, beta)
