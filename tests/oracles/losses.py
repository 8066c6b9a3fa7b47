"""Losses by definition: loops over rows, classes, pairs and triplets; gradients by differences of the value."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np


def angle(x: Sequence[float], w: Sequence[float]) -> float:
    """Between two vectors, in [0, pi], with all digits also where they are nearly parallel (Kahan)."""
    u, v = (np.asarray(row, float) / math.sqrt(math.fsum(np.square(row))) for row in (x, w))
    return 2 * math.atan2(math.hypot(*(u - v)), math.hypot(*(u + v)))


def psi(
    theta: float, m1: float = 1, m2: float = 0, m3: float = 0, easy: bool = False, lam: float = 0, pieces: int = 99
) -> float:
    """cos(m1 theta + m2) - m3, mirrored so that it goes on falling at every multiple of pi."""
    value = math.cos(m1 * theta + m2)
    for k in range(1, pieces):
        if m1 * theta + m2 >= k * math.pi:
            value = (-1) ** k * math.cos(m1 * theta + m2) - 2 * k
    value -= m3
    if easy and theta >= math.pi / 2:
        value = math.cos(theta)
    return (lam * math.cos(theta) + value) / (1 + lam)


def cross_entropy(logits: Sequence[float], own: int) -> float:
    highest = max(logits)
    return highest - logits[own] + math.log(math.fsum(math.exp(z - highest) for z in logits))


def softmax(x: np.ndarray, y: Sequence[int], w: np.ndarray, b: Sequence[float]) -> float:
    logits = [[math.fsum(row * weights) + bias for weights, bias in zip(w, b, strict=True)] for row in x]
    return math.fsum(cross_entropy(z, own) for z, own in zip(logits, y, strict=True)) / len(x)


def margin_softmax(x: np.ndarray, y: Sequence[int], w: np.ndarray, s: float | None, **margins: float) -> float:
    """``s`` None is the length of the row."""
    total = 0.0
    for row, own in zip(x, y, strict=True):
        scale = math.hypot(*row) if s is None else s
        thetas = [angle(row, weights) for weights in w]
        logits = [scale * (psi(t, **margins) if j == own else math.cos(t)) for j, t in enumerate(thetas)]
        total += cross_entropy(logits, own)
    return total / len(x)


def contrastive(x: np.ndarray, pairs: Sequence[tuple[int, int]], same: Sequence[bool], m: float) -> float:
    losses = []
    for (i, j), is_same in zip(pairs, same, strict=True):
        distance = math.hypot(*(x[i] - x[j]))
        losses.append(distance**2 / 2 if is_same else max(0.0, m - distance) ** 2 / 2)
    return math.fsum(losses) / len(losses)


def triplets(x: np.ndarray, who: Sequence, choice: str, metric: str, alpha: float) -> list[tuple[int, int, int]]:
    """The triplets (a, p, n) of a choice."""
    n, d = len(x), lambda a, b: _distance(x, a, b, metric)
    chosen = []
    for a in range(n):
        own = [p for p in range(n) if p != a and who[p] == who[a]]
        others = [o for o in range(n) if who[o] != who[a]]
        if choice == "batch-all":
            chosen += [(a, p, o) for p, o in itertools.product(own, others)]
        elif choice == "batch-hard" and own and others:
            chosen.append((a, max(own, key=lambda p: d(a, p)), min(others, key=lambda o: d(a, o))))
        elif choice == "semi-hard":
            for p in own:
                farther = [o for o in others if d(a, p) < d(a, o) < d(a, p) + alpha]
                if farther:
                    chosen.append((a, p, min(farther, key=lambda o: d(a, o))))
    return chosen


def _distance(x: np.ndarray, a: int, b: int, metric: str) -> float:
    squared = math.fsum(np.square(x[a] - x[b]))
    return squared if metric == "sqeuclidean" else math.sqrt(squared)


def hinges(x: np.ndarray, chosen: Sequence[tuple[int, int, int]], metric: str, alpha: float) -> list[float]:
    return [max(0.0, _distance(x, a, p, metric) - _distance(x, a, n, metric) + alpha) for a, p, n in chosen]


def differences(value: Callable[[np.ndarray], float], at: np.ndarray, step: float, points: int = 4) -> np.ndarray:
    """The gradient of ``value`` by central differences of 2 or 4 points, entry by entry."""
    weights = {2: [(1, 1 / 2)], 4: [(1, 2 / 3), (2, -1 / 12)]}[points]
    gradient = np.zeros(at.shape)
    for entry in np.ndindex(at.shape):
        for far, weight in weights:
            for sign in (1, -1):
                moved = at.copy()
                moved[entry] += sign * far * step
                gradient[entry] += sign * weight * value(moved) / step
    return gradient
