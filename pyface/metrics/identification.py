"""Identification: whose face is it? Searches of probes in a gallery of people whose names are known.

Rows of ``X`` are probes, one search each; rows of ``gallery`` are enrolled. A gallery may hold several rows of an
identity: its distance to a probe is that of the nearest of them, and candidates are identities, the nearest first.
Equal distances go by the lower row of the gallery. A probe has a mate if the gallery holds its label.

Distances are the float64 ones of :func:`pyface.nearest_neighbors`, whose sweep finds the candidates: O(n m d) time for
n probes and m gallery rows, no n x m array.

Intervals are by identity: people who are searched for are drawn, with all
of their searches, and the gallery stays as it is (one without those who were not drawn would be an easier one). Those
with a mate and those without are drawn apart, as many of each as there are: who is enrolled is up to the experiment.

Rates are those of NIST's FRVT 1:N (Grother, Ngan and Hanaoka, NISTIR 8271) and of ISO/IEC 19795-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory, _threads
from pyface._typing import FloatArray
from pyface.kernels import pairs as kernel
from pyface.kernels.distance import METRICS, nearest_neighbors
from pyface.metrics._contingency import coded
from pyface.metrics._contingency import labels as checked_labels
from pyface.metrics._intervals import Bootstrap, Interval, ends
from pyface.metrics._rates import most_within, rates, shaped

_MOST_LISTED = 1 << 20  # rows of the gallery that are listed at a time, of all searches together

__all__ = ["Interval", "cmc", "fnir_at_fpir", "rank_k"]


@dataclass(frozen=True, slots=True, eq=False)
class _Searches:
    """probes : (n, d), gallery : (m, d), checked. sought, enrolled : their labels as numbers of one list."""

    probes: FloatArray
    gallery: FloatArray
    sought: NDArray[np.int64]
    enrolled: NDArray[np.int64]
    metric: str
    n_threads: int

    @property
    def has_mate(self) -> NDArray[np.bool_]:
        return np.isin(self.sought, self.enrolled)

    def nearest(self, probes: NDArray[np.int64], k: int) -> NDArray[np.int64]:
        """(len(probes), k) rows of the gallery, the nearest first."""
        return nearest_neighbors(self.probes[probes], k, self.gallery, metric=self.metric, n_threads=self.n_threads)[1]

    def distances(self, probes: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(p,) float64 distances of probes and rows of the gallery, (p,) each."""
        both = np.concatenate([self.probes[probes], self.gallery])
        first, second = np.arange(len(probes), dtype=np.int32), (rows + len(probes)).astype(np.int32)
        return kernel.distances_of_pairs(both, first, second, metric=self.metric, n_threads=self.n_threads)


def cmc(
    X: FloatArray,
    labels: Any,
    gallery: FloatArray,
    gallery_labels: Any,
    *,
    max_rank: int = 20,
    metric: str = "cosine",
    n_bootstrap: int = 0,
    confidence: float = 0.95,
    random_state: int = 0,
    n_threads: int | None = None,
) -> Any:
    """Cumulative match characteristic: the share of searches that have the mate among their first r candidates.

    X : (n, d) float32, float64 or float16, probes. labels : (n,) integers or strings. gallery : (m, d).
    gallery_labels : (m,). max_rank : at least 1. metric : "cosine", "euclidean" or "sqeuclidean".
    n_bootstrap : 0, or how many times people are drawn for an interval; 1,000 is usual. confidence : in (0, 1). The
    interval is the same for the same ``random_state``.

    Returns (max_rank,) float64, entry r - 1 for rank r: not decreasing, 1 from the number of identities on; with
    ``n_bootstrap`` an :class:`Interval` of such arrays. Searches without a mate are left out, as closed sets have none.

    ValueError if no probe has a mate, for an interval where those that have are of one identity, for NaN in labels,
    for lengths that differ, and for rows as in :func:`pyface.cosine_distances`; TypeError for other dtypes and for
    labels of two kinds.
    Memory O((n + m) d); O(n + max_rank) time a draw.
    """
    how = Bootstrap.checked(n_bootstrap, confidence, random_state)
    most = _check.integer(max_rank, "max_rank", minimum=1)
    # Counts, their sums and the shares.
    _memory.require(24 * most * max(1, how.n), f"max_rank={most:,}", "ask for fewer ranks, or draws")
    searches = _checked(X, labels, gallery, gallery_labels, metric, n_threads)
    mated = np.flatnonzero(searches.has_mate)
    if not mated.size:
        raise ValueError("labels: no probe has a label of the gallery, so that there is no rank to count")
    draw = _Draw(searches.sought[mated], "with a mate", how)
    ranks, _ = _ranks(searches, mated, most)

    def shares(times: NDArray[np.int64]) -> NDArray[np.float64]:
        result: NDArray[np.float64] = np.bincount(ranks, times, most + 1)[1:].cumsum() / times.sum()
        return result

    values = shares(np.ones(len(mated), np.int64))
    if how.n == 0:
        return values
    random = np.random.default_rng(how.random_state)
    low, high = ends(np.stack([shares(draw(random)) for _ in range(how.n)]), how)
    return Interval(values, low, high)


def rank_k(
    X: FloatArray,
    labels: Any,
    gallery: FloatArray,
    gallery_labels: Any,
    k: int = 1,
    *,
    metric: str = "cosine",
    n_bootstrap: int = 0,
    confidence: float = 0.95,
    random_state: int = 0,
    n_threads: int | None = None,
) -> Any:
    """Rank-k identification rate: the share of searches that have the mate among their first ``k`` candidates.

    The last entry of :func:`cmc` with ``max_rank=k``, of which arguments, errors and costs are. A float, with
    ``n_bootstrap`` an :class:`Interval` of floats.
    """
    rank = _check.integer(k, "k", minimum=1)
    if np.ndim(gallery_labels) == 1:
        rank = min(rank, max(1, len(gallery_labels)))  # every mate is among so many
    found = cmc(
        *(X, labels, gallery, gallery_labels),
        max_rank=rank,
        metric=metric,
        n_bootstrap=n_bootstrap,
        confidence=confidence,
        random_state=random_state,
        n_threads=n_threads,
    )
    if isinstance(found, Interval):
        return Interval(*(float(side[-1]) for side in (found.value, found.low, found.high)))
    return float(found[-1])


def fnir_at_fpir(
    X: FloatArray,
    labels: Any,
    gallery: FloatArray,
    gallery_labels: Any,
    fpir: Any = 1e-2,
    *,
    rank: int = 1,
    metric: str = "cosine",
    n_bootstrap: int = 0,
    confidence: float = 0.95,
    random_state: int = 0,
    n_threads: int | None = None,
) -> Any:
    """False negative identification rate of an open set, at the largest threshold with FPIR at most ``fpir``.

    FPIR(t), the false positive identification rate, is the share of the searches without a mate that have a candidate
    at a distance of at most t. FNIR(t) is the share of the searches with a mate that miss it: it is farther than t, or
    not among the first ``rank`` candidates.

    fpir : one rate in [0, 1], or several. Nothing is interpolated; searches at equal distances are accepted together.
    Other arguments and errors as in :func:`cmc`; ValueError also if every probe has a mate, and for an interval
    where those that have none are of one identity.

    Returns a float, for several rates an array of their shape; with ``n_bootstrap`` an :class:`Interval` of those.
    O(n + rates log n) time a draw.
    """
    how = Bootstrap.checked(n_bootstrap, confidence, random_state)
    asked = rates(fpir, "fpir")
    most = _check.integer(rank, "rank", minimum=1)
    searches = _checked(X, labels, gallery, gallery_labels, metric, n_threads)
    has_mate = searches.has_mate
    mated, alone = np.flatnonzero(has_mate), np.flatnonzero(~has_mate)
    if not mated.size:
        raise ValueError("labels: no probe has a label of the gallery, so that no mate can be missed")
    if not alone.size:
        raise ValueError("labels: every probe has a label of the gallery, so that no candidate is false")
    draws = (
        _Draw(searches.sought[mated], "with a mate", how),
        _Draw(searches.sought[alone], "without a mate", how),
    )
    nearest = searches.distances(alone, searches.nearest(alone, 1)[:, 0])
    by_distance = np.argsort(nearest)
    ranks, distances = _ranks(searches, mated, most)
    hits = np.flatnonzero(ranks)
    hits = hits[np.argsort(distances[hits])]

    def missed(times: NDArray[np.int64], times_alone: NDArray[np.int64]) -> NDArray[np.float64]:
        accepted = times_alone[by_distance].cumsum()
        found = np.r_[0, times[hits].cumsum()]
        result = np.empty(asked.size)
        for place, rate in enumerate(asked.ravel()):
            # The next search must not be accepted, nor any at the same distance.
            following = int(np.searchsorted(accepted, most_within(rate, int(accepted[-1])), side="right"))
            n_near = len(hits)
            if following < len(alone):
                n_near = int(np.searchsorted(distances[hits], nearest[by_distance[following]], side="left"))
            result[place] = 1.0 - found[n_near] / times.sum()
        return result

    values = missed(np.ones(len(mated), np.int64), np.ones(len(alone), np.int64))
    if how.n == 0:
        return shaped(values, asked)
    random = np.random.default_rng(how.random_state)
    low, high = ends(np.stack([missed(*(draw(random) for draw in draws)) for _ in range(how.n)]), how)
    return Interval(shaped(values, asked), shaped(low, asked), shaped(high, asked))


class _Draw:
    """As many identities as there are, with replacement: how often each search counts, (n,) int64.

    who : (n,) the identity of each search. kind : which searches these are.
    """

    def __init__(self, who: NDArray[np.int64], kind: str, how: Bootstrap) -> None:
        present, self.who = np.unique(who, return_inverse=True)
        self.n_identities = len(present)
        if how.n > 0 and self.n_identities < 2:
            raise ValueError(
                f"labels: an interval needs two identities at least {kind} to draw from, got {self.n_identities}; "
                "use n_bootstrap=0"
            )

    def __call__(self, random: np.random.Generator) -> NDArray[np.int64]:
        drawn = random.integers(0, self.n_identities, self.n_identities)
        return np.bincount(drawn, minlength=self.n_identities)[self.who]


def _ranks(
    searches: _Searches, mated: NDArray[np.int64], max_rank: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The rank of the mate among the identities, 0 beyond ``max_rank``, and its distance (inf there)."""
    n_rows = len(searches.gallery)
    ranks, rows = np.zeros(len(mated), np.int64), np.zeros(len(mated), np.int64)
    left, k = np.arange(len(mated)), min(max_rank, n_rows)
    while left.size:
        undecided = []
        for part in np.array_split(left, left.size * k // _MOST_LISTED + 1):
            nearest = searches.nearest(mated[part], k)
            who = searches.enrolled[nearest]
            rank = _rank_of_each(who)
            is_mate = who == searches.sought[mated[part], None]
            each, at = np.arange(len(part)), is_mate.argmax(axis=1)
            found = is_mate[each, at] & (rank[each, at] <= max_rank)
            ranks[part[found]], rows[part[found]] = rank[each, at][found], nearest[each, at][found]
            # A list of max_rank identities without the mate among them does not have it further down either.
            undecided.append(part[~found & (rank[:, -1] < max_rank)])
        left = np.concatenate(undecided) if k < n_rows else left[:0]
        k = min(4 * k, n_rows)
    distances = np.full(len(mated), np.inf)
    hits = np.flatnonzero(ranks)
    distances[hits] = searches.distances(mated[hits], rows[hits])
    return ranks, distances


def _rank_of_each(who: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n, k) of identities, the nearest first: how many of them are different up to each place."""
    order = np.argsort(who, axis=1, kind="stable")
    ordered = np.take_along_axis(who, order, axis=1)
    is_first = np.ones_like(who, bool)
    np.put_along_axis(is_first, order[:, 1:], ordered[:, 1:] != ordered[:, :-1], axis=1)
    return is_first.cumsum(axis=1)


def _checked(X: Any, labels: Any, gallery: Any, gallery_labels: Any, metric: Any, n_threads: int | None) -> _Searches:
    _check.choice(metric, "metric", METRICS)
    threads = _threads.resolve(n_threads)
    enrolled = kernel.usable_rows(gallery, metric, threads, name="gallery")
    probes = kernel.usable_rows(X, metric, threads, columns=enrolled.shape[1])
    if len(enrolled) == 0:
        raise ValueError("gallery has no rows: nobody is enrolled")
    if len(probes) + len(enrolled) >= 2**31 - 1:
        raise ValueError("X and gallery must have fewer than 2^31 - 1 rows together; take some probes at a time")
    names = []
    for value, name, rows, of in (
        (labels, "labels", probes, "X"),
        (gallery_labels, "gallery_labels", enrolled, "gallery"),
    ):
        array = checked_labels(value, name)
        if len(array) != len(rows):
            raise ValueError(f"{name} must have one entry for each row of {of}, {len(rows)}, got {len(array)}")
        names.append(array)
    if len(names[0]) and (names[0].dtype.kind in "US") != (names[1].dtype.kind in "US"):
        raise TypeError(f"labels and gallery_labels must be of one kind, got {names[0].dtype} and {names[1].dtype}")
    _, numbered = coded(np.concatenate(names))
    probes_as, gallery_as = _check.same_dtype(probes, enrolled)
    assert gallery_as is not None
    return _Searches(probes_as, gallery_as, numbered[: len(probes)], numbered[len(probes) :], metric, threads)
