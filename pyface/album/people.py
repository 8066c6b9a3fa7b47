"""From embeddings to people: what was asked for, checked; the clustering; and the numbers that people get."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _threads
from pyface._typing import Embeddings, Labels
from pyface.album.links import Links, no_links
from pyface.album.poor_faces import STAY_SHARE, doubtful_below, join_poor, join_share, let_go
from pyface.album.same_photo import picture_share, same_photo_links
from pyface.analysis import quality as qualities
from pyface.analysis.analyzer import check_count, check_threshold
from pyface.errors import counted
from pyface.kernels.density import dbscan

logger = logging.getLogger(__name__)

SamePhoto = bool | Literal["auto"]

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
    """How faces become people. Exactly one of ``threshold`` and ``n_clusters`` is set once the embedder is known.

    same_photo_different_people : "auto" frees faces of one photo that are nearer than ``picture_limit``.
    min_quality : faces below it found no people; they join them below ``poor_limit``. None is the embedder's, where
        there is a threshold; with 0 the next one does nothing, either.
    doubtful_below : faces of less quality stay with a person only below ``stay_limit``.
    """

    algorithm: str
    threshold: float | None
    n_clusters: int | None
    same_photo_different_people: SamePhoto
    min_quality: float | None = 0.0
    picture_limit: float | None = None
    poor_limit: float | None = None
    doubtful_below: float | None = None
    stay_limit: float | None = None

    def for_embedder(self, name: str, metric: str, average_threshold: float) -> Grouping:
        """The same with a threshold where one is needed and none was given; ``average_threshold`` is the embedder's."""
        filled = replace(self, picture_limit=picture_share(name, metric) * average_threshold)
        if self.n_clusters is not None:
            return filled
        threshold = self.threshold
        if threshold is None:
            threshold = cluster_threshold(self.algorithm, name, metric, average_threshold)
        least = qualities.min_quality(name) if self.min_quality is None else self.min_quality
        filled = replace(filled, threshold=threshold, min_quality=least)
        if least == 0:
            return filled
        # Whoever asks for nearer faces asks for nearer poor ones, too.
        filled = replace(filled, poor_limit=join_share(name, metric) * min(threshold, average_threshold))
        if self.algorithm not in ("average", "complete"):  # chains join faces that are far from most others
            return filled
        stay = STAY_SHARE**0.5 if metric == "euclidean" else STAY_SHARE
        return replace(filled, doubtful_below=doubtful_below(name), stay_limit=stay * threshold)


def check_grouping(
    algorithm: str,
    threshold: float | None,
    n_clusters: int | None,
    same_photo_different_people: SamePhoto = "auto",
    min_quality: float | None = None,
) -> Grouping:
    """Options as users give them. TypeError or ValueError, which say what goes together, for those that do not.

    "auto" is for the linkages with a threshold, and means nothing for others. ``min_quality=None`` is the embedder's
    own where there is a threshold, and 0 elsewhere.
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}; got {algorithm!r}")
    threshold = check_threshold(threshold)
    n_clusters = check_count(n_clusters, "n_clusters")
    if same_photo_different_people != "auto" and not isinstance(same_photo_different_people, bool):
        raise TypeError(
            f"same_photo_different_people must be True, False or 'auto', got {same_photo_different_people!r}"
        )
    by_threshold = n_clusters is None and algorithm != "kmeans"
    if min_quality is not None:
        min_quality = _check.number(min_quality, "min_quality", minimum=0, maximum=1)
    elif not by_threshold:
        min_quality = 0.0
    if min_quality and not by_threshold:
        raise ValueError(
            "min_quality needs a threshold, by which poor faces join people: leave it out with n_clusters (--clusters)"
        )
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
    if same_photo_different_people == "auto":
        same_photo_different_people = "auto" if by_threshold and algorithm in LINKAGES else False
    if same_photo_different_people and algorithm not in LINKAGES:
        raise ValueError(
            f"algorithm {algorithm!r} cannot keep faces of one photo apart (same_photo_different_people): "
            f"{', '.join(LINKAGES)} can"
        )
    return Grouping(algorithm, threshold, n_clusters, same_photo_different_people, min_quality)


def cluster_threshold(algorithm: str, embedder: str, metric: str, average_threshold: float) -> float:
    """The threshold to use with ``algorithm`` if the user gives none; ``average_threshold`` is the embedder's."""
    complete, single = _FACTORS.get(embedder, _FACTORS["sface"])
    factor = {"average": 1.0, "complete": complete, "single": single, "dbscan": single}[algorithm]
    return average_threshold * (factor**0.5 if metric == "euclidean" else factor)


def group_faces(
    embeddings: Embeddings,
    grouping: Grouping,
    *,
    metric: str,
    photos: Labels,
    quality: NDArray[np.float64] | None = None,
    rules: Links | None = None,
    n_threads: int,
) -> tuple[Labels, NDArray[np.bool_]]:
    """Cluster numbers (n,), by decreasing size, then by the smallest row, and which faces were set aside.

    photos : (n,) number of the photo that each face is in, not decreasing.       rules : what was said about the faces.
    quality : (n,), NaN where unknown; None is unknown for all.

    ``average``, ``complete``, ``single``: groups are put together at distances strictly below the threshold, or until
    ``n_clusters`` are left; with ``same_photo_different_people`` never two that have faces of one photo, with "auto"
    only such as are one picture twice. ``dbscan``: faces strictly nearer than the threshold are one person, two of them
    are enough; the people of ``single``. ``kmeans``: ``n_clusters`` means, of directions under cosine; the same draws
    in every run. Faces that were said to be one person begin as one; pairs that were said to be two never meet.

    Faces below ``min_quality`` that were not said to be one person with others found no people and join those that are
    there (:func:`pyface.album.poor_faces.join_poor`); what joins nobody is set aside and has a number of its own, as
    nobodies and people seen once have. Doubtful ones stay only where they are near (``let_go``).

    ValueError if there are fewer faces than ``n_clusters``, or the algorithm cannot keep to the rules; without any face
    there is nobody, whatever was asked for.
    """
    n = len(embeddings)
    set_aside = np.zeros(n, np.bool_)
    if n == 0:
        return np.zeros(0, np.int64), set_aside
    rules = no_links(n) if rules is None else rules
    quality = np.full(n, np.nan) if quality is None else quality
    is_known = (rules.together >= 0) | rules.nobody
    is_poor = (quality < (grouping.min_quality or 0.0)) & ~is_known
    rows = np.flatnonzero(~is_poor & ~rules.nobody)
    _refuse_too_many(grouping, photos[rows])
    groups, pairs = _apart(embeddings, grouping, metric, photos, rules)
    labels = np.full(n, -1, np.int64)
    if len(rows):
        labels[rows] = _cluster(
            embeddings[rows], grouping, metric, *_of_rows(rows, n, groups, pairs), rules.together[rows], n_threads
        )
    if grouping.doubtful_below is not None and grouping.stay_limit is not None:
        is_doubtful = (quality < grouping.doubtful_below) & ~is_known
        labels = let_go(embeddings, labels, is_doubtful, metric=metric, limit=grouping.stay_limit)
    labels[rules.nobody] = labels.max(initial=-1) + 1 + np.arange(np.count_nonzero(rules.nobody))
    poor = np.flatnonzero(is_poor)
    if len(poor):
        assert grouping.poor_limit is not None  # min_quality goes with a threshold alone
        others = np.flatnonzero(~rules.nobody)
        here, here_pairs = _of_rows(others, n, groups, pairs)
        joined, alone = join_poor(
            embeddings[others], labels[others], metric=metric, limit=grouping.poor_limit, photos=here, pairs=here_pairs
        )
        joined[alone] += n  # numbers that nobody else has
        labels[others], set_aside[others] = joined, alone
    return number_by_size(labels), set_aside


def _apart(
    embeddings: Embeddings, grouping: Grouping, metric: str, photos: Labels, rules: Links
) -> tuple[Labels, NDArray[np.int64]]:
    """Which faces may not come together, as groups (n,) and as pairs: of one photo, and of which it was said."""
    if not grouping.same_photo_different_people:
        return np.full(len(photos), -1, np.int64), rules.apart
    limit = grouping.picture_limit if grouping.same_photo_different_people == "auto" else None
    groups, pairs = same_photo_links(embeddings, photos, metric=metric, limit=limit, together=rules.together)
    return groups, np.concatenate([pairs, rules.apart])


def _of_rows(
    rows: NDArray[np.int64], n: int, groups: Labels, pairs: NDArray[np.int64]
) -> tuple[Labels, NDArray[np.int64]]:
    """Groups of these rows of n, and the pairs of two of them, by their places among the rows."""
    place = np.full(n, -1, np.int64)
    place[rows] = np.arange(len(rows))
    places = place[pairs]
    return groups[rows], places[(places >= 0).all(axis=1)]


def _cluster(
    embeddings: Embeddings,
    grouping: Grouping,
    metric: str,
    groups: Labels,
    pairs: NDArray[np.int64],
    together: Labels,
    n_threads: int,
) -> Labels:
    """The clusters of some faces, numbered in any way."""
    if len(embeddings) == 1:
        return np.zeros(1, np.int64)
    algorithm = grouping.algorithm
    has_rules = len(pairs) > 0 or bool((together >= 0).any()) or bool((groups >= 0).any())
    with _threads.default(n_threads):
        if algorithm == "dbscan":
            if not has_rules:
                return _dbscan(embeddings, grouping.threshold, metric, n_threads)
            algorithm = "single"  # the same people, and it keeps to the rules
        # Here, since the module brings scikit-learn: half a second that a run which fails early does without.
        from pyface.cluster import AgglomerativeClustering, KMeans

        if algorithm == "kmeans":
            if has_rules:
                raise ValueError(
                    "algorithm 'kmeans' cannot keep to what was said about who is one person and who is not; "
                    f"{', '.join(LINKAGES)} can"
                )
            assert grouping.n_clusters is not None
            means = KMeans(grouping.n_clusters, n_init=_STARTS, random_state=0, spherical=metric == "cosine")
            return means.fit(embeddings).labels_.astype(np.int64)
        tree = AgglomerativeClustering(
            grouping.n_clusters, metric=metric, linkage=algorithm, distance_threshold=grouping.threshold
        )
        links: dict[str, Any] = {}
        if (groups >= 0).any():
            links["cannot_link_groups"] = groups
        if len(pairs):
            links["cannot_link"] = pairs
        if (together >= 0).any():
            links["must_link_groups"] = together
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".* clusters were asked for", UserWarning)  # said below, of people
            labels: Labels = tree.fit(embeddings, **links).labels_
    n_people = len(np.unique(labels))
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
    most = int(np.unique(photos, return_counts=True)[1].max(initial=0))
    if grouping.same_photo_different_people is True and wanted < most:
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
    n = len(labels)
    if n == 0 or labels.min() < 0 or labels.max() > 4 * n:
        labels = np.unique(labels, return_inverse=True)[1]
    sizes = np.bincount(labels)
    first = np.full(len(sizes), n)
    first[labels[::-1]] = np.arange(n - 1, -1, -1)  # of what is written to one place, the last stays
    order = np.lexsort((first, -sizes))
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.arange(len(order))
    result: Labels = numbers[labels]
    return result


def keep_numbers(old: Labels, labels: Labels) -> Labels:
    """The people of ``labels`` under the numbers that they had; ``old`` is -1 for faces that had none.

    If no face had one, numbers stay by size.
    """
    if old.max(initial=-1) < 0:
        return labels
    rows = _changed(old, labels)
    if len(rows) == 0:
        return old
    from pyface.cluster import relabel

    # Whoever has the same faces as before keeps the number in any case. One more row, so that new numbers follow all.
    result = old.copy()
    before, now = np.append(old[rows], old.max()), np.append(labels[rows], labels.max() + 1)
    result[rows] = relabel(before, now)[:-1]
    return result


def _changed(old: Labels, labels: Labels) -> NDArray[np.int64]:
    """The rows of those who are not the same faces as before."""
    n = len(old)
    was, now = (some + 1 if some.max() <= 4 * n else np.unique(some, return_inverse=True)[1] for some in (old, labels))
    some_now, some_was = np.empty(was.max() + 1, np.int64), np.empty(now.max() + 1, np.int64)
    some_now[was], some_was[now] = now, was
    has_other, is_other = np.zeros(len(some_now), np.bool_), np.zeros(len(some_was), np.bool_)
    has_other[was[(some_now[was] != now) | (old < 0)]] = True
    is_other[now[some_was[now] != was]] = True
    return np.flatnonzero(has_other[was] | is_other[now])
