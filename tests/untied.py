"""scikit-learn's HDBSCAN on mutual reachabilities of which no two are equal, so that its answer is the only one."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.cluster
from numpy.typing import NDArray
from oracles import hdbscan as oracle
from scipy.spatial.distance import cdist


def rows(rng: np.random.Generator, n: int, d: int) -> NDArray[np.float64]:
    spread = rng.uniform(0.1, 0.6)
    return rng.normal(size=(8, d))[rng.integers(0, 8, n)] + spread * rng.normal(size=(n, d))


def distances(x: NDArray[Any], metric: str) -> NDArray[np.float64]:
    x = x.astype(np.float64)
    if metric != "cosine":
        return cdist(x, x, metric)
    squares = np.array([(row * row).sum() for row in x])
    norms = np.sqrt(np.outer(squares, squares))
    dots = np.array([(x * row).sum(axis=1) for row in x])
    d = np.clip(1 - np.divide(dots, norms, out=np.zeros_like(dots), where=norms > 0), 0, 2)
    np.fill_diagonal(d, 0)
    return d


def reachabilities(x: NDArray[Any], options: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mutual reachabilities, and distances with those of equal rows below 0, as ties have it."""
    metric = options.get("metric", "euclidean")
    d = x if metric == "precomputed" else distances(x, metric)
    min_samples = options.get("min_samples") or options.get("min_cluster_size", 5)
    scale_cores = metric != "euclidean" or options.get("algorithm") == "brute"
    weights, _ = oracle.reachability(d, min_samples, options.get("alpha", 1.0), scale_cores=scale_cores)
    if metric == "precomputed":
        return weights, d
    return weights, np.where((x[:, None] == x).all(axis=2) & (d == 0), -1.0, d)


def fit_without_ties(x: NDArray[Any], options: dict[str, Any]) -> sklearn.cluster.HDBSCAN:
    """scikit-learn on mutual reachabilities of which equal ones differ by a last bit, in our order."""
    weights = oracle.without_ties(*reachabilities(x, options))
    others = {"min_samples": 1, "metric": "precomputed", "alpha": 1.0, "algorithm": "auto"}
    options = {"min_samples": options.get("min_cluster_size", 5), **options, **others}
    return sklearn.cluster.HDBSCAN(**options).fit(weights)
