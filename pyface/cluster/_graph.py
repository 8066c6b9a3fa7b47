"""Clusters of the exact graph of neighbours, as scikit-learn estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from pyface import _check, _threads
from pyface._typing import FloatArray, Labels
from pyface.cluster import _params
from pyface.cluster._base import Clusterer
from pyface.errors import require_extra
from pyface.kernels.graphs import Graph, by_shared_neighbors, by_whispers, radius_graph, weights
from pyface.kernels.relabeling import by_first_row, cluster_numbers

_METHODS = ("nep", "map_equation")
_METRICS = ("cosine", "euclidean", "sqeuclidean")
_MOST_LEVELS, _LARGEST_SEED = 32, 2**63 - 1
# Measured at 5 million entries: 24.2, 43.2 and 15.5.
_BYTES_PER_ENTRY = {"nep": 25, "map_equation": 44, "whispers": 16}


class GraphClustering(Clusterer):
    """Clusters of the graph of all rows within a radius of each other.

    method : "nep" (neighbourhoods' shared probability) or "map_equation".
    radius : > 0, of a neighbourhood, inclusive, in the units of ``metric``; each row is its own neighbour.
    overlap : in (0, 1], of "nep": how much of their probability two neighbours share that belong together.
    temperature : > 0, in squared distances: how much nearer neighbours count for more.
    metric : "cosine", "euclidean" ("l2") or "sqeuclidean". Under cosine a squared distance is that of rows of length 1,
    twice the cosine distance, and a row of zeros is at distance 1 from every other row.
    random_state : from 0 to 2^63 - 1, of "map_equation": the seed.

    With N(i) the neighbours of i and p_im = exp(-d^2(i, m) / temperature) over its sum for all m in N(i), "nep" joins
    neighbours i and j where (1/2) sum of p_im + p_jm over the m that both have is at least ``overlap``; clusters are
    the components of that. The measure is that of FC-ES (arXiv:2408.13431), over the whole neighbourhood within a
    radius instead of the k nearest, so that it does not depend on the order of rows, nor on others farther away.

    "map_equation" looks for the clusters with the shortest two-level description of a random walk (Rosvall, Axelsson,
    Bergstrom 2009) over the graph with the weights exp(-d^2 / temperature), by NetworKit's LouvainMapEquation on one
    thread (extra ``graph``), which is a heuristic; the same rows and seed give the same clusters.

    The defaults were chosen on half of the people of LFW, 128-d embeddings of an ArcFace-type network; a radius goes
    with an embedder. Average linkage (:func:`pyface.cluster.for_embedder`) was the most consistent on four sets.

    After fit: ``labels_`` (n,) int64, numbered by smallest row, a row alone has a cluster of its own; ``n_clusters_``;
    ``n_edges_``, how many pairs are within the radius; ``n_features_in_``.

    Neighbours are decided in float64; probabilities are float64 of distances rounded to float32. Time of "nep":
    :func:`pyface.neighbors_within`, and O(degree) for each pair of neighbours not joined yet. Memory: 50 bytes a pair
    within the radius, 88 for "map_equation"; MemoryError, with their number, as soon as more are found than fit.
    """

    def __init__(
        self,
        method: str = "nep",
        *,
        radius: float = 0.52,
        overlap: float = 0.65,
        temperature: float = 0.5,
        metric: str = "cosine",
        random_state: int = 0,
    ) -> None:
        self.method = method
        self.radius = radius
        self.overlap = overlap
        self.temperature = temperature
        self.metric = metric
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> GraphClustering:
        """Cluster the rows of ``X``, (n, d). ``y`` is ignored. ValueError for n = 0, NaN, infinity, bad parameters."""
        with _params.checked():
            method = _params.one_of(self.method, "method", _METHODS)
            radius = _check.number(self.radius, "radius", above=0)
            overlap = _check.number(self.overlap, "overlap", above=0, maximum=1)
            temperature = _check.number(self.temperature, "temperature", above=0)
            metric = _metric(self)
            seed = _check.integer(self.random_state, "random_state", minimum=0, maximum=_LARGEST_SEED)
        if method == "map_equation":
            require_extra("networkit", "graph")
        graph = radius_graph(
            _rows(self, X), radius, metric=metric, bytes_per_entry=_BYTES_PER_ENTRY[method],
            n_threads=_threads.resolve(None),
        )  # fmt: skip
        if method == "nep":
            self.labels_ = by_shared_neighbors(graph, temperature, overlap)
        else:
            self.labels_ = _by_map_equation(graph, temperature, seed)
        self.n_clusters_ = int(self.labels_.max()) + 1
        self.n_edges_ = (len(graph.indices) - graph.n) // 2
        return self

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int64]:
        """Cluster as :meth:`fit` does and return ``labels_``."""
        return self.fit(X).labels_


class ChineseWhispers(Clusterer):
    """Chinese whispers (Biemann 2006) on the graph of all pairs nearer than a threshold, as dlib has it.

    threshold : > 0, exclusive as dlib's, in the units of ``metric``. dlib's examples take 0.6 and 0.5 for its own
    embedder's Euclidean distance.
    n_iterations : >= 1; n_iterations x n visits are made, or fewer where no further visit changes anything.
    metric : "euclidean" ("l2"), "sqeuclidean" or "cosine".     random_state : from 0 to 2^63 - 1, the seed.

    Every row begins with a label of its own; a row that is drawn takes the label that most of its neighbours have, the
    row itself among them, the smallest of several. The result depends on the order of the draws, which is not dlib's:
    use it to go on with what is known, and average linkage for what shall not depend on luck.

    After fit: ``labels_`` (n,) int64, numbered by smallest row; ``n_clusters_``; ``n_features_in_``.

    Distances are decided in float64, dlib's in float64 of its own loop. Time: :func:`pyface.neighbors_within` and
    O(pairs) for each iteration. Memory: 32 bytes a pair; MemoryError, with their number, as soon as more are found than
    fit.
    """

    def __init__(
        self, threshold: float = 0.6, *, n_iterations: int = 100, metric: str = "euclidean", random_state: int = 0
    ) -> None:
        self.threshold = threshold
        self.n_iterations = n_iterations
        self.metric = metric
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> ChineseWhispers:
        """Cluster the rows of ``X``, (n, d). ``y`` is ignored. ValueError for n = 0, NaN, infinity, bad parameters."""
        with _params.checked():
            threshold = _check.number(self.threshold, "threshold", above=0)
            n_iterations = _check.integer(self.n_iterations, "n_iterations", minimum=1)
            metric = _metric(self)
            seed = _check.integer(self.random_state, "random_state", minimum=0, maximum=_LARGEST_SEED)
        nearer = float(np.nextafter(threshold, 0))
        graph = radius_graph(
            _rows(self, X), nearer, metric=metric, bytes_per_entry=_BYTES_PER_ENTRY["whispers"],
            n_threads=_threads.resolve(None),
        )  # fmt: skip
        self.labels_ = by_whispers(graph, n_iterations, seed)
        self.n_clusters_ = int(self.labels_.max()) + 1
        return self

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int64]:
        """Cluster as :meth:`fit` does and return ``labels_``."""
        return self.fit(X).labels_


def disagreements(labels_a: Any, labels_b: Any) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The rows whose clusters two clusterings do not agree on, those that differ most first: ``(rows, agreement)``.

    labels_a, labels_b : (n,) integers; -1 is a cluster of one row.

    The agreement of a row is the Jaccard index of its two clusters, |A and B| / |A or B|, below 1 for the rows that are
    returned; ties by row. What a person should look at first. Time O(n log n).
    """
    a, b = _alone(labels_a, "labels_a"), _alone(labels_b, "labels_b")
    if len(a) != len(b):
        raise ValueError(f"labels_a and labels_b must label the same rows, got {len(a)} and {len(b)}")
    if not len(a):
        return np.zeros(0, np.int64), np.zeros(0)
    _, pair, in_both = np.unique(a * (b.max() + 1) + b, return_inverse=True, return_counts=True)
    both = in_both[pair]
    agreement = both / (np.bincount(a)[a] + np.bincount(b)[b] - both)
    rows = np.flatnonzero(agreement < 1)
    rows = rows[np.argsort(agreement[rows], kind="stable")]
    return rows, agreement[rows]


def _alone(labels: Any, name: str) -> Labels:
    """Labels from 0 on, with one of its own for each -1."""
    values = cluster_numbers(np.asarray(labels), name)
    is_noise = values == -1
    _, numbers = np.unique(values, return_inverse=True)
    numbers = numbers.astype(np.int64)
    numbers[is_noise] = numbers.max(initial=-1) + 1 + np.arange(np.count_nonzero(is_noise))
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


def _metric(estimator: Any) -> str:
    metric = "euclidean" if estimator.metric == "l2" else estimator.metric
    return _params.one_of(metric, "metric", _METRICS)


def _rows(estimator: Any, X: Any) -> FloatArray:
    _params.dense(X, "X.toarray() makes them so")
    _params.no_text(X)
    rows: FloatArray = validate_data(estimator, X, dtype=[np.float64, np.float32], order="C")
    return rows


def _by_map_equation(graph: Graph, temperature: float, seed: int) -> Labels:
    import networkit as nk

    n = graph.n
    row = np.repeat(np.arange(n, dtype=graph.indices.dtype), np.diff(graph.indptr))
    is_edge = row < graph.indices
    edges = (weights(graph, temperature)[is_edge], (row[is_edge], graph.indices[is_edge]))
    threads = nk.getMaxNumberOfThreads()
    nk.setNumberOfThreads(1)
    try:
        nk.setSeed(seed, False)
        whole = nk.GraphFromCoo(edges, n=n, weighted=True, directed=False)
        found = nk.community.LouvainMapEquation(whole, False, _MOST_LEVELS, "none")
        found.run()
        return by_first_row(np.array(found.getPartition().getVector(), np.int64))
    finally:
        nk.setNumberOfThreads(threads)
