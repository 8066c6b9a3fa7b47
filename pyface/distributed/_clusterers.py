"""DBSCAN, and agglomerative clustering below a threshold, of more rows than fit into memory."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.cluster._base import Clusterer
from pyface.distributed._graph import add_degrees
from pyface.distributed._run import Progress, Run
from pyface.distributed._tasks import LEAST_MEMORY, Job
from pyface.kernels import density
from pyface.kernels.distance import METRICS
from pyface.kernels.linkage_below import METHODS, edge_limit, radius_for

# Small components are clustered together, so many rows at a time: enough that a task is worth its file, and so few that
# looking at all pairs of them once more costs 2 % of what the first look has.
_LEAST, _MOST, _SHARE = 512, 4096, 50


class DBSCAN(Clusterer):
    """DBSCAN of rows in files, label for label as :class:`pyface.cluster.DBSCAN` has it of all of them.

    eps : > 0, radius of a neighbourhood, inclusive, in the units of ``metric``.
    min_samples : >= 1, neighbours, the row itself among them, that make a row a core row.
    metric : "euclidean", "cosine" (a row of zeros is at distance 1 from every other row) or "sqeuclidean".

    After fit: ``labels_`` (n,) int64, -1 = noise; ``core_sample_indices_``; ``n_features_in_``; ``totals_``, a
    :class:`Totals`. Weights and ``components_`` are not offered.

    Tasks: all pairs of blocks, which find the pairs within ``eps``; then, as it is known which rows are core rows, the
    same again from what was kept of that. Kept are as many pairs as take a 16th of the rows of a task, or 16 MB; where
    there are more, the second task looks for them anew. This process takes about 30 bytes a row.
    """

    def __init__(self, eps: float = 0.5, *, min_samples: int = 5, metric: str = "euclidean") -> None:
        self.eps = eps
        self.min_samples = min_samples
        self.metric = metric

    def fit(
        self,
        rows: Any,
        y: Any = None,
        *,
        folder: Any,
        executor: Executor | None = None,
        n_threads: int | None = None,
        memory: int | None = None,
        progress: Progress | None = None,
    ) -> DBSCAN:
        """Cluster ``rows``; all arguments are those of :mod:`pyface.distributed`, ``y`` is ignored.

        ValueError for no rows, NaN or infinity, with file and row, and bad parameters; DistributedError as said there.
        """
        min_samples = _check.integer(self.min_samples, "min_samples", minimum=1)
        ask = {
            "operation": "DBSCAN",
            "metric": _check.choice(self.metric, "metric", METRICS),
            "radius": _check.number(self.eps, "eps", above=0),
            "nonzero": False,
            "origin": False,
            "min_samples": min_samples,
        }
        run = Run(rows, ask, folder=folder, executor=executor, n_threads=n_threads, memory=memory, progress=progress)
        jobs = run.block_pairs("pairs")
        run.require_disk(16 * run.n * run.work.n_blocks)
        degrees = np.ones(run.n, np.int32)
        for job, result in zip(jobs, run.stage("pairs", jobs), strict=True):
            add_degrees(run, job, result, degrees)
        is_core = degrees >= min_samples
        run.write_core(is_core)
        joins = [
            run.job("joins", *job.parameters["blocks"], blocks=job.parameters["blocks"], pairs=job.name) for job in jobs
        ]
        list(run.stage("joins", joins))
        self.labels_ = density.labels_of(is_core, lambda _: run.edges(joins))
        self.core_sample_indices_ = np.flatnonzero(is_core)
        self.n_features_in_ = run.work.rows.d
        self.totals_ = run.done()
        return self

    def fit_predict(self, rows: Any, y: Any = None, **how: Any) -> NDArray[np.int64]:
        """Cluster as :meth:`fit` does, with its arguments, and return ``labels_``."""
        return self.fit(rows, **how).labels_


class AgglomerativeClustering(Clusterer):
    """Agglomerative clustering below a threshold of rows in files, as :class:`pyface.cluster.AgglomerativeClustering`.

    distance_threshold : >= 0; clusters are merged at heights strictly below it.
    metric : "euclidean", "cosine" or "sqeuclidean". linkage : "average", "complete", "single" or "weighted";
        average by default, not Ward's as on one machine, which does not fall apart into components below a threshold.

    After fit: ``labels_`` (n,) int64, numbered by the smallest row of each cluster; ``n_clusters_``,
    ``n_features_in_``; ``totals_``, a :class:`Totals`. Trees, groups and pairs that may not be linked are not offered.

    Tasks: all pairs of blocks, which find the components that the pairs below the threshold make, at most 8 bytes a row
    of each task; single linkage ends there. Then the components, small ones some thousand rows together, whose rows are
    gathered and clustered as on one machine. A component must fit ``memory`` whole. This process takes about 70 bytes a
    row.
    """

    def __init__(
        self, *, distance_threshold: float | None = None, metric: str = "euclidean", linkage: str = "average"
    ) -> None:
        self.distance_threshold = distance_threshold
        self.metric = metric
        self.linkage = linkage

    def fit(
        self,
        rows: Any,
        y: Any = None,
        *,
        folder: Any,
        executor: Executor | None = None,
        n_threads: int | None = None,
        memory: int | None = None,
        progress: Progress | None = None,
    ) -> AgglomerativeClustering:
        """Cluster ``rows``; all arguments are those of :mod:`pyface.distributed`, ``y`` is ignored.

        ValueError for fewer than 2 rows, NaN, infinity and under cosine a row of zeros, with file and row, and bad
        parameters; MemoryError, with its size, for a component that takes more than ``memory``; DistributedError as
        said there.
        """
        if self.distance_threshold is None:
            raise ValueError(
                "distance_threshold must be given: a number of clusters needs the whole tree, which is that of "
                "pyface.cluster.AgglomerativeClustering"
            )
        threshold = _check.number(self.distance_threshold, "distance_threshold", minimum=0)
        metric = _check.choice(self.metric, "metric", METRICS)
        linkage = _check.choice(self.linkage, "linkage", METHODS)
        # Strictly below, on the float64 distances themselves; of clusters, pairs that are a little farther do no harm.
        radius = np.nextafter(threshold, -1) if linkage == "single" else radius_for(threshold, metric)
        ask = {
            "operation": "AgglomerativeClustering",
            "metric": metric,
            "linkage": linkage,
            "threshold": threshold,
            "radius": float(radius),
            "nonzero": metric == "cosine",
            "origin": metric == "sqeuclidean" and linkage in ("average", "weighted"),
        }
        run = Run(
            rows, ask, folder=folder, executor=executor, n_threads=n_threads, memory=memory, progress=progress,
            n_least=2,
        )  # fmt: skip
        run.require_disk(16 * run.n * run.work.n_blocks)
        jobs = run.block_pairs("forest") if radius >= 0 else []
        list(run.stage("forest", jobs))
        labels = density.labels_of(np.ones(run.n, np.bool_), lambda _: run.edges(jobs))
        if linkage != "single":
            labels = _cluster_components(run, labels)
        self.labels_ = labels
        self.n_clusters_ = int(labels.max()) + 1
        self.n_features_in_ = run.work.rows.d
        self.totals_ = run.done()
        return self

    def fit_predict(self, rows: Any, y: Any = None, **how: Any) -> NDArray[np.int64]:
        """Cluster as :meth:`fit` does, with its arguments, and return ``labels_``."""
        return self.fit(rows, **how).labels_


def _cluster_components(run: Run, component: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels of all rows, from components numbered by their smallest rows."""
    sizes = np.bincount(component)
    _require_memory(run, component, int(sizes.argmax()), int(sizes.max()))
    order = np.argsort(component, kind="stable")
    order = order[sizes[component[order]] > 1]
    run.write_order(order)
    ends = np.cumsum(sizes[sizes > 1])
    together = max(_LEAST, min(_MOST, run.n // _SHARE))
    jobs: list[Job] = []
    begin = 0
    while begin < len(order):
        # The components that end within reach, or else one that is larger.
        last = int(np.searchsorted(ends, begin + together, side="right")) - 1
        end = int(ends[last]) if last >= 0 and ends[last] > begin else int(ends[last + 1])
        jobs.append(run.job("batch", len(jobs), rows=[begin, end], has_origin=run.has_origin))
        begin = end
    first = np.arange(run.n)
    for result in run.stage("components", jobs):
        first[result.array("rows")] = result.array("first")
    return np.unique(first, return_inverse=True)[1].astype(np.int64, copy=False)


def _require_memory(run: Run, component: NDArray[np.int64], number: int, size: int) -> None:
    """MemoryError for a component that a task has no memory for: its rows, codes and links, means, a matrix."""
    ask, rows = run.work.ask, run.work.rows
    links = min(edge_limit(size * rows.row_bytes), size * (size - 1) // 2)
    needed = size * rows.row_bytes * 3 // 2 + 2 * 8 * links
    if ask["linkage"] in ("average", "weighted"):
        needed += 2 * size * (size - 1) if ask["metric"] == "euclidean" else 8 * size * rows.d
    if needed > max(run.memory, LEAST_MEMORY):
        path, place = run.where(int(np.argmax(component == number)))
        raise MemoryError(
            f"the pairs below distance_threshold connect {size:,} rows (that of {path}, row {place}), which take "
            f"about {needed / 2**20:,.0f} MiB to be clustered, and memory= is {run.memory / 2**20:,.0f} MiB; give "
            "more, choose a smaller distance_threshold, or linkage='single'"
        )
