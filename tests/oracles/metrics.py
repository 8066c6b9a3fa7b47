"""Measures of clusterings by definition: loops over rows and over pairs of rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
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


def information(true: Sequence, pred: Sequence) -> tuple[float, float, float]:
    """Mutual information and both entropies, in nats, from shares of rows."""
    n = len(true)

    def entropy(labels: Sequence) -> float:
        return -sum(c / n * math.log(c / n) for c in Counter(labels).values())

    joint = entropy(list(zip(true, pred, strict=True)))
    return entropy(true) + entropy(pred) - joint, entropy(true), entropy(pred)


def expected_information(class_sizes: Sequence[int], cluster_sizes: Sequence[int]) -> float:
    """Mean mutual information of random labellings with these sizes, with whole numbers for the probabilities."""
    n = sum(class_sizes)
    total = 0.0
    for a in class_sizes:
        for b in cluster_sizes:
            for k in range(max(1, a + b - n), min(a, b) + 1):
                chance = Fraction(math.comb(b, k) * math.comb(n - b, a - k), math.comb(n, a))
                total += k / n * math.log(n * k / (a * b)) * float(chance)
    return total


def resampled(true: Sequence, pred: Sequence, drawn: Sequence) -> dict[str, float]:
    """Scores of the rows of the classes drawn, each row as often as its class, judged within the whole result."""
    everybody = list(zip(true, pred, strict=True))
    rows = [row for t in drawn for row in everybody if row[0] == t]
    n, per_class, per_cluster = len(true), Counter(true), Counter(pred)
    main_class = {p: min(per_class, key=lambda t: (-everybody.count((t, p)), t)) for p in per_cluster}
    main_cluster = {t: min(per_cluster, key=lambda p: (-everybody.count((t, p)), p)) for t in per_class}

    def mean(values: Sequence[float]) -> float:
        return math.fsum(values) / len(rows)

    shared = [everybody.count(row) for row in rows]
    in_class, in_cluster = [per_class[t] for t, _ in rows], [per_cluster[p] for _, p in rows]
    both, actual, predicted = sum(shared) - len(rows), sum(in_class) - len(rows), sum(in_cluster) - len(rows)
    total = len(rows) * (n - 1)
    of_class, of_cluster = mean([math.log(n / c) for c in in_class]), mean([math.log(n / c) for c in in_cluster])
    within = mean([math.log(c / s) for c, s in zip(in_cluster, shared, strict=True)])
    return {
        "purity": mean([main_class[p] == t for t, p in rows]),
        "inverse_purity": mean([main_cluster[t] == p for t, p in rows]),
        "bcubed_precision": mean([s / c for s, c in zip(shared, in_cluster, strict=True)]),
        "bcubed_recall": mean([s / c for s, c in zip(shared, in_class, strict=True)]),
        "pair_precision": both / predicted if predicted else 1.0,
        "pair_recall": both / actual if actual else 1.0,
        "rand": (total - predicted - actual + 2 * both) / total,
        "nmi": max(0.0, of_class - within) / ((of_class + of_cluster) / 2) if of_class + of_cluster else 1.0,
    }
