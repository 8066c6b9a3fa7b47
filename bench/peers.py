"""The other libraries: how each is told its number of threads, how many it then has, and what it takes to be compared.

Quirks met, which the benchmarks allow for:

* scikit-learn-intelex is used through its own classes. ``patch_sklearn()`` would replace those of scikit-learn, whose
  rows would then measure it, too. It has DBSCAN on Euclidean distances only, and no search within a radius: for
  anything else its classes call scikit-learn.
* It runs on TBB, which threadpoolctl does not know; daal4py sets the number of threads.
* scikit-learn computes cosine through BLAS, and ``n_jobs`` splits the work a second time on top of that; Euclidean
  searches run on OpenMP, whatever ``n_jobs`` says. So there is a row for each way.
* threadpoolctl sees only what is loaded: limits are set after a library was imported.
* faiss' ``range_search`` keeps inner products *above* its radius, pyface distances up to and including it, and it
  leaves the neighbours of a row unsorted. Its ``Kmeans`` would train on 256 rows per centre only.
* scikit-learn and faiss end K-means early once no label changes; iterations done are part of what is compared.
* scikit-learn's ``AgglomerativeClustering`` calls SciPy's ``linkage``: distances in float64, one thread. fastcluster
  has one thread, too; its ``linkage_vector`` needs no distances, its ``linkage`` may be given quicker ones.
* fastcluster overwrites its input only if told so; SciPy's linkage always copies it, but for single linkage.
* SciPy's ``cdist`` has one thread and works in float64. simsimd's ``cdist`` returns float64 unless told otherwise.
* NumKong's ``cdist`` (simsimd's successor) computes half of a matrix of X with itself and returns float64; asked for
  float32 it takes four to seven times as long, so it keeps float64. Its ``angulars_symmetric`` leaves the lower half
  unset.
* SuperKMeans takes no centres: it begins at the first k rows of a shuffle of its own, so its rows are given in an order
  that puts the wanted centres there (``seeding.py``), and the cost that it states for its first round is compared. It
  leaves out products by a statistical test (ADSampling), so it may end at a little more inertia. faiss 1.15 has the
  same as ``faiss.SuperKmeans``, which refuses centres; ``use_super_kmeans`` does nothing where centres are given.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from typing import Any

import numpy as np
from contest import ContenderMissingError
from data import Data
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_info, threadpool_limits

DISTRIBUTIONS = {
    "NumPy": "numpy",
    "SciPy": "scipy",
    "scikit-learn": "scikit-learn",
    "scikit-learn-intelex": "scikit-learn-intelex",
    "faiss": "faiss-cpu",
    "simsimd": "simsimd",
    "NumKong": "numkong",
    "SuperKMeans": "superkmeans",
    "fastcluster": "fastcluster",
    "hdbscan": "hdbscan",
    "fast_hdbscan": "fast_hdbscan",
    "Numba": "numba",
}


def module(name: str, n_threads: int) -> Any:
    """Import a peer's module and give every thread pool of the process ``n_threads`` threads."""
    try:
        found = importlib.import_module(name)
    except ImportError as error:
        raise ContenderMissingError(f"{name} is not installed ({error})") from error
    os.environ["PYFACE_NUM_THREADS"] = str(n_threads)
    threadpool_limits(n_threads)
    if name.startswith("faiss"):
        found.omp_set_num_threads(n_threads)
    if name in ("numkong", "simsimd") and is_held_to_avx2():
        for capability, is_there in found.get_capabilities().items():
            if is_there and capability not in ("serial", "haswell"):
                found.disable_capability(capability)
    if name.startswith("sklearnex"):
        importlib.import_module("daal4py").daalinit(n_threads)
    return found


def is_held_to_avx2() -> bool:
    """Whether ``tools/bench.sh`` has told OpenBLAS and faiss to leave AVX-512 alone, as pyface is told to."""
    return os.environ.get("OPENBLAS_CORETYPE") == "Haswell"


def own_threads(n_threads: int) -> int:
    """pyface's, as it resolves them itself."""
    import pyface

    threads: int = pyface.build_info()["threads"]
    assert threads == n_threads
    return threads


def one_thread(_: int) -> int:
    """Of a library that has no more."""
    return 1


def as_told(n_threads: int) -> int:
    """Of a library that takes the number with each call."""
    return n_threads


def pool_threads(*folders: str) -> int:
    """The fewest threads that a pool of these packages has, BLAS or OpenMP."""
    pools = [pool for pool in threadpool_info() if any(folder in pool["filepath"] for folder in folders)]
    if not pools:  # linked with a library of the system
        pools = threadpool_info()
    return min((pool["num_threads"] for pool in pools), default=1)


def numpy_threads(_: int) -> int:
    return pool_threads("numpy")


def sklearn_threads(_: int) -> int:
    return pool_threads("scikit_learn", "numpy", "scipy")


def sklearnex_threads(_: int) -> int:
    threads: int = importlib.import_module("daal4py").num_threads()
    return threads


def faiss_threads(_: int) -> int:
    threads: int = importlib.import_module("faiss").omp_get_max_threads()
    return min(threads, pool_threads("faiss"))


def versions() -> dict[str, str]:
    """Of those peers that are installed."""
    found = {}
    for name, distribution in DISTRIBUTIONS.items():
        try:
            found[name] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


# --- results in one form ----------------------------------------------------------------------------------------------


def graph_of_ranges(result: tuple[Any, ...], data: Data) -> csr_array:
    """faiss' ranges of inner products as a graph of cosine distances."""
    starts, products, columns = result
    n = len(data.X)
    graph = csr_array((1 - products, columns, starts.astype(np.int64)), shape=(n, n))
    graph.sort_indices()
    return graph


def graph_of_cosine(result: Any, _: Data) -> csr_array:
    return sorted_graph(csr_array(result))


def graph_of_euclidean(result: Any, _: Data) -> csr_array:
    """Of unit rows: half the square of the Euclidean distance is the cosine distance."""
    graph = csr_array(result)
    graph.data = graph.data**2 / 2
    return sorted_graph(graph)


def sorted_graph(graph: csr_array) -> csr_array:
    graph.sort_indices()
    return graph


def nearest_of_products(result: tuple[Any, ...], _: Data) -> tuple[NDArray[Any], NDArray[Any]]:
    return 1 - result[0], result[1]


def nearest_of_euclidean(result: tuple[Any, ...], _: Data) -> tuple[NDArray[Any], NDArray[Any]]:
    return result[0] ** 2 / 2, result[1]


def condensed(x: NDArray[np.float32], *, euclidean: bool = False, chunk: int = 512) -> NDArray[np.float64]:
    """Cosine distances of all pairs of unit rows, (n (n - 1) / 2,), in about the least time that NumPy takes for them.

    Blocks of the upper half of ``1 - X @ X.T``, so that a product is still in cache when it is copied row by row;
    ``euclidean`` makes Euclidean distances of them.
    """
    n, end = len(x), 0
    found = np.empty(n * (n - 1) // 2)
    for begin in range(0, n, chunk):
        block = x[begin : begin + chunk] @ x[begin:].T
        np.subtract(1, block, out=block)
        if euclidean:
            np.sqrt(np.maximum(2 * block, 0, out=block), out=block)
        for i, row in enumerate(block, start=1):
            since, end = end, end + len(row) - i
            found[since:end] = row[i:]
    return found


def euclidean_radius(data: Data) -> float:
    """The Euclidean distance of unit rows whose cosine distance is ``data.radius``."""
    return float(np.sqrt(2 * data.radius))
