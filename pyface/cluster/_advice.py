"""Where to cut a tree, from rows whose people are known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.cluster._groups import row_labels
from pyface.kernels import tree as trees
from pyface.metrics._sets import checked_beta


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdAdvice:
    """The best height to cut a tree at, and the scores of all others.

    height : the middle of ``interval``, or its beginning if it has no end.
    interval : (low, high), all cuts at low <= height < high have the best score. high is infinite if that is the score
        of one cluster of all rows.
    n_clusters : clusters of all rows, labelled or not, of the cut at ``height``.
    bcubed_precision, bcubed_recall, bcubed_f : of the labelled rows there. n_labelled, n_classes : rows that were
        scored, and their people.
    heights : (c,) float64, all cuts: entry i of the next three holds in [heights[i], heights[i + 1]). The first is 0.
    precisions, recalls, scores : (c,) float64, BCubed precision, recall and F.
    """

    height: float
    interval: tuple[float, float]
    n_clusters: int
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f: float
    n_labelled: int
    n_classes: int
    heights: NDArray[np.float64] = field(repr=False)
    precisions: NDArray[np.float64] = field(repr=False)
    recalls: NDArray[np.float64] = field(repr=False)
    scores: NDArray[np.float64] = field(repr=False)


def threshold_advice(Z: NDArray[np.float64], labels: Labels, *, beta: float = 1.0) -> ThresholdAdvice:
    """The height of the best BCubed F of all cuts of a tree, from rows whose people are known.

    Z : (n - 1, 4), SciPy's format. labels : (n,) integers, who each row is, -1 = unknown. At least two labelled rows
    must share a label, and two must not. beta : weight of recall in F, as in
    :func:`pyface.metrics.bcubed_precision_recall_f`, whose scores of the labelled rows these are.

    Cuts apply merges at <= height, for heights of 0 and above. Cuts next to each other with the best score make one
    interval, and its middle is advised; of several such intervals the lowest, since different people in one cluster are
    worse than one person in two. Precision and recall are sums in twice float64's digits, rounded: equal ones are equal
    to the bit.

    Rows without a label are clustered but not scored: if one is in a wrong cluster, nobody notices. So label some
    hundred rows drawn at random. All photos of a few people are a worse choice: they meet too few strangers, and the
    advice comes out too high. Figures: docs/how-it-works/trees.md.

    TypeError and ValueError as in :func:`cut_profile`; TypeError for labels that are not integers, ValueError for other
    shapes and for labels that cannot advise. O(n log n) time and O(n) memory, for all cuts together.
    """
    weight = checked_beta(beta)
    tree = trees.inspect(Z)
    known = row_labels(labels, tree.n)
    is_known = known >= 0
    people, numbers = np.unique(known[is_known], return_inverse=True)
    n_labelled = len(numbers)
    if len(people) == n_labelled:
        raise ValueError(
            f"labels: of {n_labelled} labelled rows no two are the same person, so nothing tells how far apart those "
            "are; label several rows of a person"
        )
    if len(people) == 1:
        raise ValueError(
            f"labels: all {n_labelled} labelled rows are the same person, so nothing tells how near others are; label "
            "rows of several people"
        )
    classes = np.full(tree.n, -1, np.int64)
    classes[is_known] = numbers.ravel()
    heights, n_merges = tree.cuts()
    precision, recall = (score[n_merges] for score in trees.bcubed_by_merge(tree, classes))
    squared = weight * weight
    scores = (1 + squared) * precision * recall / (squared * precision + recall)
    first = int(np.argmax(scores))
    worse = np.flatnonzero(scores[first:] < scores[first])
    low = float(heights[first])
    high = float(heights[first + worse[0]]) if worse.size else np.inf
    height = low + (high - low) / 2 if np.isfinite(high) else low
    if height >= high:  # no number lies between them
        height = low
    at = int(np.searchsorted(heights, height, side="right")) - 1
    return ThresholdAdvice(
        height=height,
        interval=(low, high),
        n_clusters=tree.n - int(n_merges[at]),
        bcubed_precision=float(precision[at]),
        bcubed_recall=float(recall[at]),
        bcubed_f=float(scores[at]),
        n_labelled=n_labelled,
        n_classes=len(people),
        heights=heights,
        precisions=precision,
        recalls=recall,
        scores=scores,
    )
