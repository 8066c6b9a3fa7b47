"""K-means from given centres, and from those of k-means++."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import peers
import seeding
from bench_distances import some_rows
from contest import Call, Contender, ContenderMissingError, Work, with_vnni
from data import Data
from numpy.typing import NDArray

MAX_ITER = 20
# Of the inertia: from the same centres all follow the same path up to float32; k-means++ draws others in each library.
SAME_START, OTHER_START = 5e-4, 2e-2
# SuperKMeans leaves out products by a test that may err, for some rows in some rounds.
BY_A_TEST = 5e-3
FIRST_COST = 1e-4  # of SuperKMeans, which adds it up in float32; other centres differ by 1e-3
SEED = 42


@dataclass(frozen=True)
class Fitted:
    """What is compared: centres and how many rounds led to them."""

    centres: NDArray[np.float32]
    n_iter: int
    tolerance: float = SAME_START  # of its inertia, from the same centres


def first_rows(data: Data) -> NDArray[np.int64]:
    return np.sort(np.random.default_rng(2).choice(len(data.X), data.n_clusters, replace=False))


def first_centres(data: Data) -> NDArray[np.float32]:
    return data.X[first_rows(data)]


def kmeans(library: str, init: str | None) -> Any:
    """The class KMeans of a library with scikit-learn's parameters; init None means the given centres."""

    def prepare(data: Data, n_threads: int) -> Call:
        cluster = peers.module(f"{library}.cluster", n_threads)
        if not hasattr(cluster, "KMeans"):
            raise ContenderMissingError(f"{library}.cluster has no KMeans yet")
        start = first_centres(data) if init is None else init
        options = {"init": start, "n_init": 1, "max_iter": MAX_ITER, "tol": 0.0, "random_state": 0}
        return lambda: cluster.KMeans(data.n_clusters, **options).fit(data.X)

    return prepare


def faiss_kmeans(data: Data, n_threads: int) -> Call:
    faiss = peers.module("faiss", n_threads)
    n, d = data.X.shape
    start = first_centres(data)
    # Otherwise it trains on 256 rows per centre, and says so where there are fewer than 39.
    every_row = {"min_points_per_centroid": 1, "max_points_per_centroid": n}

    def call() -> Any:
        model = faiss.Kmeans(d, data.n_clusters, niter=MAX_ITER, nredo=1, **every_row)
        model.train(data.X, init_centroids=start)
        return model

    return call


def super_kmeans(data: Data, n_threads: int) -> Call:
    """From the same centres, as many rounds as pyface takes, labels included. It would draw from the rows otherwise."""
    cls = peers.module("superkmeans", n_threads).SuperKMeans
    rows = np.ascontiguousarray(data.X[seeding.order(len(data.X), first_rows(data), SEED)])
    n_iter = kmeans("pyface", None)(data, n_threads)().n_iter_
    options = {"hierarchical": False, "sampling_fraction": 1.0, "early_termination": False, "seed": SEED}

    def call() -> Any:
        model = cls(data.n_clusters, rows.shape[1], iters=n_iter, n_threads=n_threads, **options)
        centres = model.train(rows)
        return model, centres, model.assign_training_points(rows, centres)

    return call


def fitted_by_super_kmeans(result: Any, data: Data) -> Fitted:
    """Once it is known that it began at the given centres, and that labels are those of its last ones."""
    model, centres, labels = result
    first_cost = model.iteration_stats[0].objective
    if abs(first_cost / inertia(data, first_centres(data)) - 1) > FIRST_COST:
        raise ContenderMissingError("SuperKMeans began at other centres than those that were given")
    order = seeding.order(len(data.X), first_rows(data), SEED)
    assert_nearest(data.X[order], centres, labels)
    return Fitted(np.asarray(centres), len(model.iteration_stats), BY_A_TEST)


def fitted(model: Any, _: Data) -> Fitted:
    return Fitted(np.asarray(model.cluster_centers_), int(model.n_iter_))


def fitted_by_faiss(model: Any, _: Data) -> Fitted:
    return Fitted(model.centroids, len(model.obj))


def own_fitted(model: Any, data: Data) -> Fitted:
    """As the others, once labels and inertia are known to be those of the centres."""
    result = fitted(model, data)
    assert abs(model.inertia_ / inertia(data, result.centres) - 1) <= 1e-5
    assert_nearest(data.X, result.centres, model.labels_)
    return result


def assert_nearest(x: NDArray[np.float32], centres: NDArray[np.float32], labels: NDArray[Any]) -> None:
    """Labels of some rows name the nearest centre, up to float32."""
    rows = some_rows(len(x), 200)
    squares = squares_to(x[rows], centres)
    assert (squares[np.arange(len(rows)), labels[rows]] <= squares.min(axis=1) + 1e-6).all()


def squares_to(x: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float64]:
    a, b = x.astype(float), centres.astype(float)
    return np.einsum("ij,ij->i", a, a)[:, None] - 2 * a @ b.T + np.einsum("ij,ij->i", b, b)


def inertia(data: Data, centres: NDArray[np.float32], chunk: int = 2048) -> float:
    """Sum of the squared distances to the nearest centre, in float64."""
    return sum(
        float(squares_to(data.X[begin : begin + chunk], centres).min(axis=1).sum())
        for begin in range(0, len(data.X), chunk)
    )


def verify(result: Fitted, data: Data) -> None:
    assert result.centres.shape == (data.n_clusters, data.X.shape[1]) and 1 <= result.n_iter <= MAX_ITER


def agree_within(tolerance: float) -> Any:
    def agree(result: Fitted, ours: Fitted, data: Data) -> None:
        ratio = inertia(data, result.centres) / inertia(data, ours.centres)
        allowed = max(tolerance, result.tolerance)
        assert abs(ratio - 1) <= allowed, f"inertia {ratio:.6f} times pyface's, {result.n_iter} iterations"

    return agree


def products_of_lloyd(data: Data, result: Fitted) -> float:
    """Of all the rounds, as if bounds saved none."""
    return 2.0 * len(data.X) * data.n_clusters * data.X.shape[1] * result.n_iter


def iterations(result: Fitted) -> str:
    return f"{result.n_iter} iterations"


BOTH: dict[str, Any] = {
    "note": iterations,
    "sizes": (("synthetic", 20_000), ("lfw", 13_233)),
    "quick_sizes": (("synthetic", 2_000), ("lfw", 2_000)),
}

SUPER_KMEANS = Contender("SuperKMeans", super_kmeans, peers.as_told, fitted_by_super_kmeans, at_least={"avx2": 1.5})

WORKS = [
    Work(
        "kmeans",
        f"`KMeans({{k}}, init=given, n_init=1, max_iter={MAX_ITER})`",
        (
            Contender("pyface", kmeans("pyface", None), peers.own_threads, own_fitted),
            Contender("scikit-learn", kmeans("sklearn", None), peers.sklearn_threads, fitted, 2, with_vnni(4, avx2=5)),
            Contender("scikit-learn-intelex", kmeans("sklearnex", None), peers.sklearnex_threads, fitted, 2),
            Contender("faiss", faiss_kmeans, peers.faiss_threads, fitted_by_faiss, 2, with_vnni(3)),
            SUPER_KMEANS,
        ),
        "float32",
        products_of_lloyd,
        verify,
        agree_within(SAME_START),
        **BOTH,
    ),
    Work(
        "kmeans++",
        f'`KMeans({{k}}, init="k-means++", n_init=1, max_iter={MAX_ITER})`',
        (
            Contender("pyface", kmeans("pyface", "k-means++"), peers.own_threads, own_fitted),
            Contender(
                "scikit-learn", kmeans("sklearn", "k-means++"), peers.sklearn_threads, fitted, 1, with_vnni(8, avx2=15)
            ),
            Contender("scikit-learn-intelex", kmeans("sklearnex", "k-means++"), peers.sklearnex_threads, fitted, 1),
        ),
        "float32",
        products_of_lloyd,
        verify,
        agree_within(OTHER_START),
        **BOTH,
    ),
    Work(
        "kmeans-many",
        f"`KMeans({{k}}, init=given, n_init=1, max_iter={MAX_ITER})`",
        (
            Contender("pyface", kmeans("pyface", None), peers.own_threads, own_fitted),
            Contender("faiss", faiss_kmeans, peers.faiss_threads, fitted_by_faiss, 1),
            SUPER_KMEANS,
        ),
        "float32",
        products_of_lloyd,
        verify,
        agree_within(SAME_START),
        note=iterations,
        sizes=(("lfw-mixed", 100_000),),
        quick_sizes=(("lfw-mixed", 20_000),),
    ),
]


def test_row(case: Any, measure: Any) -> None:
    measure(case)
