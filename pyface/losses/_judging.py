"""How well rows of known people fall into clusters, and the threshold at which they do so best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyface import _threads
from pyface._typing import FloatArray, Labels
from pyface.kernels import linkage, linkage_below, tree
from pyface.metrics import bcubed_precision_recall_f

_FARTHEST = 2.0  # cosine distance
_ROUNDING = 1e-12  # scores nearer than that are equal


@dataclass(frozen=True, slots=True)
class Judgement:
    """The best BCubed F of all cuts of average linkage by cosine distance, and the middle of the heights that have it.

    Of several such intervals the lowest counts: different people in one cluster are worse than one person in two.
    """

    f: float
    threshold: float


def judge(x: FloatArray, who: Labels, crowd: FloatArray | None = None) -> Judgement:
    """``x`` (n, d) rows, n >= 2, ``who`` (n,) numbers from 0 of their people. O(n^2 d) time.

    crowd : (m, d) rows of others, or None. They are clustered too and make clusters impure, but are not scored
    themselves: among few people a threshold may be high that is too high among many. Rows of zeros have no direction
    and do not count.
    """
    rows = x if crowd is None else np.concatenate([x, crowd])
    numbers = np.concatenate([who, np.full(len(rows) - len(x), -1)])
    has_direction = rows.any(axis=1)
    rows, numbers = rows[has_direction], numbers[has_direction]
    if len(rows) < 2 or numbers.max() < 0:
        return Judgement(0.0, _FARTHEST / 2)
    merges = tree.inspect(linkage.tree(rows, "average", "cosine", n_threads=_threads.resolve(None)))
    heights, n_merges = merges.cuts()
    precision, recall = (score[n_merges] for score in tree.bcubed_by_merge(merges, numbers, others_count=True))
    scores = 2 * precision * recall / (precision + recall)
    best = scores >= scores.max() - _ROUNDING
    first = int(np.argmax(best))
    worse = np.flatnonzero(~best[first:])
    low = float(heights[first])
    high = float(heights[first + worse[0]]) if worse.size else max(low, _FARTHEST)
    return Judgement(float(scores[first]), low + (high - low) / 2)


def bcubed_f_below(x: FloatArray, who: Labels, threshold: float) -> float:
    """BCubed F of the clusters that average linkage makes strictly below ``threshold``. O(n d) memory."""
    n_threads = _threads.resolve(None)
    graph = linkage_below.near_graph(x, "average", "cosine", threshold, has_cannot_link=False, n_threads=n_threads)
    joints = linkage_below.joints_below(x, graph, "average", "cosine", threshold, n_threads=n_threads)
    labels = linkage_below.forest_labels(joints.tree(len(x)), len(x))
    return bcubed_precision_recall_f(who, labels)[2]
