"""From embeddings to people: what was asked for, checked; the clustering; and the numbers that people get."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _threads
from pyface._typing import Embeddings, Labels
from pyface.analysis.analyzer import check_count, check_threshold
from pyface.errors import counted
from pyface.kernels.density import dbscan

logger = logging.getLogger(__name__)

LINKAGES = ("average", "complete", "single")
ALGORITHMS = (*LINKAGES, "dbscan", "kmeans")

# The embedders' thresholds are made for average linkage. The best cut of complete linkage, and of single linkage and
# DBSCAN, lies at these multiples of it (in squared or cosine distance), measured on labelled photos:
# docs/how-it-works/photos-to-people.md. Other embedders are taken to be like SFace, as most are trained alike.
_FACTORS = {"dlib-resnet": (1.24, 0.82), "sface": (1.09, 0.91)}

# K-means ends in the nearest of many valleys. Ten starts find better ones than one (same document).
_STARTS = 10


@dataclass(frozen=True, slots=True)
class Grouping:
    """How faces become people. Exactly one of ``threshold`` and ``n_clusters`` is set once the embedder is known."""

    algorithm: str
    threshold: float | None
    n_clusters: int | None
    same_photo_different_people: bool

    def for_embedder(self, name: str, metric: str, average_threshold: float) -> Grouping:
        """The same with a threshold where one is needed and none was given; ``average_threshold`` is the embedder's."""
        if self.threshold is not None or self.n_clusters is not None:
            return self
        return replace(self, threshold=cluster_threshold(self.algorithm, name, metric, average_threshold))


def check_grouping(
    algorithm: str, threshold: float | None, n_clusters: int | None, same_photo_different_people: bool
) -> Grouping:
    """Options as users give them. TypeError or ValueError, which say what goes together, for those that do not."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}; got {algorithm!r}")
    threshold = check_threshold(threshold)
    n_clusters = check_count(n_clusters, "n_clusters")
    if not isinstance(same_photo_different_people, bool):
        raise TypeError(f"same_photo_different_people must be True or False, got {same_photo_different_people!r}")
    if algorithm == "kmeans":
        if n_clusters is None:
            raise ValueError("algorithm 'kmeans' needs the number of people: n_clusters (--clusters)")
        if threshold is not None:
            raise ValueError("algorithm 'kmeans' knows no threshold: give n_clusters (--clusters) alone")
    elif algorithm == "dbscan" and n_clusters is not None:
        raise ValueError(
            "algorithm 'dbscan' finds the number of people itself: give a threshold instead of n_clusters (--clusters),"
            f" or choose one of {', '.join(LINKAGES)}, kmeans"
        )
    if threshold is not None and n_clusters is not None:
        raise ValueError("give either a threshold or n_clusters (--clusters), not both: each decides how many people")
    if same_photo_different_people and algorithm not in LINKAGES:
        raise ValueError(
            f"algorithm {algorithm!r} cannot keep faces of one photo apart (same_photo_different_people): "
            f"{', '.join(LINKAGES)} can"
        )
    return Grouping(algorithm, threshold, n_clusters, same_photo_different_people)


def cluster_threshold(algorithm: str, embedder: str, metric: str, average_threshold: float) -> float:
    """The threshold to use with ``algorithm`` if the user gives none; ``average_threshold`` is the embedder's."""
    complete, single = _FACTORS.get(embedder, _FACTORS["sface"])
    factor = {"average": 1.0, "complete": complete, "single": single, "dbscan": single}[algorithm]
    return average_threshold * (factor**0.5 if metric == "euclidean" else factor)


def group_faces(
    embeddings: Embeddings, grouping: Grouping, *, metric: str, photos: NDArray[np.int64], n_threads: int
) -> Labels:
    """Cluster numbers (n,), by decreasing size, then by the smallest row. Rows that belong to nobody stand alone.

    photos : (n,) number of the photo that each face is in, not decreasing.

    ``average``, ``complete``, ``single``: groups are put together at distances strictly below the threshold, or until
    ``n_clusters`` are left; with ``same_photo_different_people`` never two that have faces of one photo. ``dbscan``:
    faces strictly nearer than the threshold are one person, two of them are enough; the people of ``single``.
    ``kmeans``: ``n_clusters`` means, of directions under cosine; the same draws in every run.

    ValueError if there are fewer faces than ``n_clusters``; without any face there is nobody, whatever was asked for.
    """
    n = len(embeddings)
    if n == 0:
        return np.zeros(0, np.int64)
    _refuse_too_many(grouping, photos)
    if n == 1:
        return np.zeros(1, np.int64)
    with _threads.default(n_threads):
        if grouping.algorithm == "dbscan":
            return number_by_size(_dbscan(embeddings, grouping.threshold, metric, n_threads))
        # Here, since the module brings scikit-learn: half a second that a run which fails early does without.
        from pyface.cluster import AgglomerativeClustering, KMeans

        if grouping.algorithm == "kmeans":
            assert grouping.n_clusters is not None
            means = KMeans(grouping.n_clusters, n_init=_STARTS, random_state=0, spherical=metric == "cosine")
            return number_by_size(means.fit(embeddings).labels_)
        tree = AgglomerativeClustering(
            grouping.n_clusters,
            metric=metric,
            linkage=grouping.algorithm,
            distance_threshold=grouping.threshold,
        )
        rules: dict[str, Any] = {"cannot_link_groups": photos} if grouping.same_photo_different_people else {}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".* clusters were asked for", UserWarning)  # said below, of people
            labels = number_by_size(tree.fit(embeddings, **rules).labels_)
    n_people = int(labels.max()) + 1
    if grouping.n_clusters is not None and n_people != grouping.n_clusters:
        logger.warning("%d people are left, since no two of them may be put together", n_people)
    return labels


def _people(n: int) -> str:
    return counted(n, "person", "people")


def _refuse_too_many(grouping: Grouping, photos: NDArray[np.int64]) -> None:
    wanted, n = grouping.n_clusters, len(photos)
    if wanted is None:
        return
    if wanted > n:
        raise ValueError(
            f"n_clusters (--clusters): {_people(wanted)} asked for, but only {counted(n, 'face was', 'faces were')} "
            "found; lower it"
        )
    most = int(np.unique(photos, return_counts=True)[1].max())
    if grouping.same_photo_different_people and wanted < most:
        raise ValueError(
            f"n_clusters (--clusters): {_people(wanted)} asked for, but one photo shows {most:,}; raise it, or allow "
            "faces of one photo to be one person"
        )


def _dbscan(embeddings: Embeddings, threshold: float | None, metric: str, n_threads: int) -> Labels:
    assert threshold is not None
    # eps is inclusive, the threshold is not: no float64 lies between the two.
    eps = float(np.nextafter(threshold, 0))
    labels, _ = dbscan(embeddings, eps, 2, metric=metric, weights=None, n_threads=n_threads)
    alone = labels < 0
    labels[alone] = labels.max(initial=-1) + 1 + np.arange(np.count_nonzero(alone))
    return labels


def number_by_size(labels: NDArray[np.integer[Any]]) -> Labels:
    """Renumber clusters 0, 1, ... by decreasing size; equal sizes by their smallest row."""
    _, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.arange(len(order))
    return numbers[inverse]


def keep_numbers(old: Labels, labels: Labels) -> Labels:
    """The people of ``labels`` under the numbers that they had; ``old`` is -1 for faces that had none.

    If no face had one, numbers stay by size.
    """
    if old.max(initial=-1) < 0:
        return labels
    from pyface.cluster import relabel

    return relabel(old, labels)
