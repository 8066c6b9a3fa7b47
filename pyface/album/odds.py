"""How probable it is that two groups of faces are one person: by their distance, their sizes and their quality."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface._embedders import COMPARISONS
from pyface.album.same_photo import picture_share

__all__ = ["REACH", "average_threshold", "features", "learned", "odds_of", "with_rivals"]

Floats = NDArray[np.float64]

# Groups at a mean distance beyond this share of the threshold are not asked about: of a thousand such pairs one or two
# are one person, and there are hundreds of times as many as nearer ones.
REACH = 1.5


# Weights of :func:`features` for two people of an album, and for two parts of one: by name of the embedder, fitted on
# half of the people of labelled photos and poor copies by bench/review.py. Other embedders are taken to be like SFace,
# as most are trained alike.
_WEIGHTS = {
    "sface": (
        (17.1, -14.0, 3.59, -4.47, 0.9, -6.77, 6.33, -0.11),
        (19.62, -20.47, 26.55, -21.95, 1.09, -9.27, 9.34, 0.99),
    ),
    "dlib-resnet": (
        (14.48, -8.08, 0.55, -0.75, 0.85, -9.49, 7.79, -5.42),
        (12.55, -14.42, 1.42, -1.31, 0.88, -13.33, 10.65, 1.55),
    ),
}
# Beyond these logarithms odds are as good as certain.
_MOST = 30.0


def average_threshold(embedder: str, metric: str, picture_limit: float | None) -> float:
    """The embedder's threshold of average linkage, as a squared or cosine distance.

    picture_limit : :attr:`pyface.album.people.Grouping.picture_limit`, a known share of it; None asks the table of
        embedders that are known by name. ValueError if neither says it.
    """
    if picture_limit is not None:
        limit = picture_limit / picture_share(embedder, metric)
    elif embedder in COMPARISONS:
        limit = COMPARISONS[embedder].cluster_threshold
    else:
        raise ValueError(f"embedder: nothing is known of the threshold of {embedder!r}")
    return limit**2 if metric == "euclidean" else limit


def features(
    shares: Floats, sizes: Floats, others: Floats, quality: Floats, other_quality: Floats, height: float
) -> Floats:
    """(n, 8) what the odds of n pairs of groups depend on.

    shares : mean distance of the faces of one group to those of the other, squared or cosine, over the threshold.
    sizes, others : numbers of faces of both.       quality, other_quality : mean quality of both, in [0, 1].
    height : the threshold by which the album was grouped, over the embedder's own: below it more is left apart.

    With x the share, a <= b the sizes, and u the sum of what both qualities lack of 1: 1, x, log2 a, x log2 a, log2 b,
    u, x u, height. Distances of larger groups are means of more, so that they say more; poor faces are farther from
    everybody.
    """
    small, large = np.log2(np.minimum(sizes, others)), np.log2(np.maximum(sizes, others))
    lacking = (1 - quality) + (1 - other_quality)
    return np.column_stack(
        [
            np.ones_like(shares),
            shares,
            small,
            shares * small,
            large,
            lacking,
            shares * lacking,
            np.full_like(shares, height),
        ]
    )


def odds_of(columns: Floats, embedder: str, *, of_one: bool) -> Floats:
    """(n,) the odds that pairs with these :func:`features` are one person, others who are near aside.

    embedder : its name.       of_one : they are two parts of one person of the album, not two people.
    """
    weights = _WEIGHTS.get(embedder, _WEIGHTS["sface"])[of_one]
    odds: Floats = np.exp(np.clip(columns @ np.array(weights), -_MOST, _MOST))
    return odds


def with_rivals(pairs: NDArray[np.int64], odds: Floats, n: int) -> Floats:
    """(m,) the probability that both of a pair are one person, where others are near to them, too.

    pairs : (m, 2) of n groups, each pair once.       odds : (m,); 0 for those that are known to be two people.

    A group is one person with at most one of those who are different people. With o the odds of a pair, r those of A
    with each third group C and s those of B with it, "one" weighs o (1 + sum r s) and "two" weighs
    (1 + sum r)(1 + sum s) - sum r s. Where the others are different people from each other, and wherever there are
    three groups, this is the share of the partitions in which A and B are together, each weighed by the product of
    the odds of its pairs. So what is answered of one pair moves the others.
    """
    from scipy.sparse import coo_array

    a, b = pairs.T
    matrix = coo_array((np.r_[odds, odds], (np.r_[a, b], np.r_[b, a])), shape=(n, n)).tocsr()
    total = np.asarray(matrix.sum(axis=1)).ravel()
    both = np.asarray((matrix[a].multiply(matrix[b])).sum(axis=1)).ravel() if len(odds) else np.zeros(0)
    # A and B are rivals of others, not of each other.
    one = odds * (1 + both)
    two = (1 + total[a] - odds) * (1 + total[b] - odds) - both
    chance: Floats = one / (one + two)
    return chance


def learned(chances: Floats, same: NDArray[np.bool_]) -> float:
    """What answers say of the odds: the shift of log odds that makes both most likely, pulled to 0 as by one deviation.

    chances : (k,) probabilities that were expected of answered questions.       same : (k,) what was answered.

    Families are more alike than strangers, and photos differ; a few answers show it.
    """
    expected = np.log(np.clip(chances, 1e-9, 1 - 1e-9))
    expected -= np.log1p(-np.exp(expected))
    shift = 0.0
    for _ in range(50):
        now = 1 / (1 + np.exp(-(expected + shift)))
        step = (float(np.sum(same - now)) - shift) / (1 + float(np.sum(now * (1 - now))))
        shift += max(-1.0, min(1.0, step))
        if abs(step) < 1e-9:
            break
    return shift
