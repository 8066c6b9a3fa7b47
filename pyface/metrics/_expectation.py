"""The mutual information that chance alone gives, from the sizes of groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Probabilities below this share of the most likely one are left out: far below a rounding error of the sum.
_NEGLIGIBLE = 1e-22
# Pairs of sizes that are worked on at a time: their arrays stay in the second cache.
_CHUNK = 1 << 15
# Steps between two looks at which pairs are done.
_STRIDE = 4


def expected_mutual_information(class_sizes: NDArray[np.int64], cluster_sizes: NDArray[np.int64], n: int) -> float:
    """Mean mutual information, in nats, of random labellings with these sizes (Vinh, Epps and Bailey 2010).

    ``sum_ij sum_k k/n log(n k / (a_i b_j)) P(k)`` with P hypergeometric. It depends on the sizes alone, so equal sizes
    are computed once: a hundred thousand clusters have a few hundred different sizes.

    P(k) comes from its neighbour, ``P(k+1)/P(k) = (a-k)(b-k) / ((k+1)(n-a-b+k+1))``, from the most likely k both ways,
    and is divided by the sum in the end. No factorial is needed, and none of their rounding, which at a million rows
    is 1e-9 of the result.
    """
    a, a_count = np.unique(class_sizes, return_counts=True)
    b, b_count = np.unique(cluster_sizes, return_counts=True)
    weights = np.outer(a_count.astype(np.float64), b_count.astype(np.float64))
    rows = max(1, _CHUNK // max(1, len(b)))
    total = 0.0
    for first in range(0, len(a), rows):
        part = a[first : first + rows]
        mean = _mean_terms(np.repeat(part, len(b)), np.tile(b, len(part)), n)
        total += float(weights[first : first + rows].ravel() @ mean)
    return total / n


def _mean_terms(a: NDArray[np.int64], b: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Mean of ``k log(n k / (a b))`` for each pair of a group of size a and one of size b."""
    mode = (a + 1) * (b + 1) // (n + 2)
    result = np.zeros(len(a))
    # Most pairs of groups are likeliest to share nothing. They take the steps together, and k is one number for all.
    for pairs in (np.flatnonzero(mode == 0), np.flatnonzero(mode)):
        if len(pairs):
            # float64 holds all of these whole numbers, and their products within a rounding.
            sizes = a[pairs].astype(np.float64), b[pairs].astype(np.float64)
            log_mean = np.log(sizes[0]) + np.log(sizes[1]) - np.log(n)
            k = mode[pairs].astype(np.float64)
            result[pairs] = _mean_term(k if k[0] else np.zeros(()), *sizes, log_mean, n)
    return result


def _mean_term(
    mode: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64], log_mean: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    """The same where all modes are 0 and given as one number, or none is."""
    weight, total = np.ones(len(a)), np.zeros(len(a)) + _term(mode, log_mean)
    for step in (1, -1) if mode.ndim else (1,):
        pairs = np.arange(len(a))
        # One row each: a, b, n - a - b, log_mean, P(k) / P(mode), and the two sums since the last look.
        state = np.stack([a, b, n - a - b, log_mean, np.ones(len(a)), np.zeros(len(a)), np.zeros(len(a))])
        k = mode
        while len(pairs):
            a_left, b_left, rest, log_left, p, weights, totals = state
            for _ in range(_STRIDE):
                # Beyond the largest and the smallest k one factor was 0, and so is p from there on.
                if step > 0:
                    p *= a_left - k
                    p *= b_left - k
                    p /= (k + 1) * (rest + (k + 1))
                    k = k + 1
                else:
                    p *= k * (rest + k)
                    p /= (a_left - k + 1) * (b_left - k + 1)
                    k = np.maximum(k - 1, 0)
                weights += p
                totals += p * _term(k, log_left)
            is_alive = p > _NEGLIGIBLE
            if not is_alive.all():
                weight[pairs] += weights
                total[pairs] += totals
                pairs, state = pairs[is_alive], state[:, is_alive]
                state[-2:] = 0
                k = k[is_alive] if k.ndim else k
    return total / weight


def _term(k: NDArray[np.float64], log_mean: NDArray[np.float64]) -> NDArray[np.float64]:
    return k * (np.log(np.maximum(k, 1)) - log_mean)
