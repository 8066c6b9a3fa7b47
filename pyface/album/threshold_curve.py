"""What other thresholds would have given: BCubed scores of every cut of the tree of an album's faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _threads
from pyface._typing import Labels
from pyface.album.predictions import Prediction
from pyface.album.same_photo import same_photo_links
from pyface.album.truth import Comparison
from pyface.errors import PyfaceError
from pyface.kernels import linkage, tree
from pyface.kernels.link_groups import cannot_links


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdCurve:
    """BCubed scores of all cuts; entry i holds for thresholds in (heights[i], heights[i + 1]], as they are strict.

    heights : (c,) float64, increasing. The first is 0, the others are those of merges.
    precision, recall, f : (c,) float64. linkage, metric : of the tree.
    best : the middle of the lowest interval of thresholds with the best F; best_f : that F.
    threshold : that of the clusters, None if they have none. at_threshold : precision, recall and F there.
    """

    heights: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f: NDArray[np.float64]
    linkage: str
    metric: str
    best: float
    best_f: float
    threshold: float | None
    at_threshold: tuple[float, float, float] | None


def threshold_curve(prediction: Prediction, comparison: Comparison, *, n_threads: int | None = None) -> ThresholdCurve:
    """The scores that the faces of an album would have at every threshold.

    prediction : with its vectors. comparison : who is scored, :func:`pyface.album.truth.compare` of the prediction.

    All faces are clustered, by the linkage of the album, and those of the comparison scored; a photo without a face is
    a cluster of its own at every threshold. Faces of one photo are kept apart as in the album; that poor faces were set
    aside, and what was said about faces, is left out. Without a linkage (K-means) it is average linkage, and no
    threshold. At the
    album's threshold the scores are those of its clusters, if they are as ``pyface cluster`` left them.

    PyfaceError for vectors that cannot be clustered. Time and memory of :func:`pyface.linkage`.
    """
    vectors = prediction.vectors
    assert vectors is not None
    method = vectors.linkage or "average"
    n = len(prediction.faces)
    try:
        x = _check.embeddings(vectors.embeddings, "embeddings", nonzero=vectors.metric == "cosine")
    except (TypeError, ValueError) as error:
        raise PyfaceError(f"{prediction.path}: {error}") from error
    apart = None
    if vectors.apart:
        photos = np.unique([face.photo for face in prediction.faces], return_inverse=True)[1].astype(np.int64)
        apart = cannot_links(n, *same_photo_links(x, photos, metric=vectors.metric, limit=vectors.picture_limit))
    merges = linkage.tree(x, method, vectors.metric, cannot_link=apart, n_threads=_threads.resolve(n_threads))

    n_alone = int(np.count_nonzero(comparison.rows < 0))
    rows = np.where(comparison.rows < 0, n + np.cumsum(comparison.rows < 0) - 1, comparison.rows)
    classes = np.full(n + n_alone, -1, np.int64)
    classes[rows] = np.unique(comparison.labels_true, return_inverse=True)[1]
    return _curve(merges, classes, n, method, vectors.metric, vectors.threshold)


def _curve(
    merges: NDArray[np.float64], classes: Labels, n: int, method: str, metric: str, threshold: float | None
) -> ThresholdCurve:
    whole = tree.inspect(_completed(merges, n, len(classes) - n))
    heights, n_merges = whole.cuts()
    # What was put on top to make one tree is no cut of the faces.
    n_cuts = int(np.searchsorted(n_merges, len(merges), side="right"))
    heights, n_merges = heights[:n_cuts], n_merges[:n_cuts]
    precision, recall = (score[n_merges] for score in tree.bcubed_by_merge(whole, classes))
    f = 2 * precision * recall / (precision + recall)
    first = int(np.argmax(f))
    worse = np.flatnonzero(f[first:] < f[first])
    low = float(heights[first])
    high = float(heights[first + worse[0]]) if worse.size else float(np.nextafter(low, np.inf))
    best = low + (high - low) / 2
    at = None if threshold is None else max(0, int(np.searchsorted(heights, threshold, side="left")) - 1)
    return ThresholdCurve(
        heights=heights,
        precision=precision,
        recall=recall,
        f=f,
        linkage=method,
        metric=metric,
        best=best if best > low else high,
        best_f=float(f[first]),
        threshold=threshold,
        at_threshold=None if at is None else (float(precision[at]), float(recall[at]), float(f[at])),
    )


def _completed(merges: NDArray[np.float64], n: int, n_alone: int) -> NDArray[np.float64]:
    """A forest of ``n`` rows as one tree with ``n_alone`` more: what is left is merged above all that there is."""
    n_rows, n_done = n + n_alone, len(merges)
    z = np.empty((n_rows - 1, 4))
    z[:n_done] = merges
    z[:n_done, :2] += np.where(merges[:, :2] >= n, n_alone, 0)
    is_top = np.ones(n_rows + n_done, bool)
    is_top[z[:n_done, :2].astype(np.int64)] = False
    tops = np.flatnonzero(is_top)
    sizes = np.concatenate([np.ones(n_rows), merges[:, 3]])
    height = 2.0 * float(merges[:, 2].max(initial=0.0)) + 1.0
    last, size = tops[0], sizes[tops[0]]
    for step, top in enumerate(tops[1:].tolist(), n_done):
        size += sizes[top]
        z[step] = min(last, top), max(last, top), height, size
        last = n_rows + step
    return z
