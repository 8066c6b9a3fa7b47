"""Block against block, the answers are those of one machine: to the label, and to the bit of a distance."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed_crowds import RADII, crowd, memory_for, shards
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import pyface
from pyface import cluster, distributed
from pyface.distributed import _clusterers, _files, _tasks

METRICS = list(RADII)


def same_graph(one: Any, other: Any) -> None:
    assert one.shape == other.shape
    for name in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def same_nearest(x: NDArray, k: int, metric: str, **how: Any) -> None:
    distances, indices = distributed.nearest_neighbors(x, k, metric=metric, **how)
    expected = pyface.nearest_neighbors(x, k, metric=metric)
    assert (distances.dtype, indices.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(indices, expected[1])
    np.testing.assert_array_equal(distances, expected[0])


def same_dbscan(x: NDArray, eps: float, min_samples: int, metric: str, **how: Any) -> None:
    found = distributed.DBSCAN(eps, min_samples=min_samples, metric=metric).fit(x, **how)
    expected = cluster.DBSCAN(eps, min_samples=min_samples, metric=metric).fit(x)
    np.testing.assert_array_equal(found.labels_, expected.labels_)
    np.testing.assert_array_equal(found.core_sample_indices_, expected.core_sample_indices_)
    assert found.labels_.dtype == np.int64 and found.n_features_in_ == x.shape[1]


def same_linkage(x: NDArray, threshold: float, linkage: str, metric: str, **how: Any) -> None:
    options = {"distance_threshold": threshold, "metric": metric, "linkage": linkage}
    found = distributed.AgglomerativeClustering(**options).fit(x, **how)
    expected = cluster.AgglomerativeClustering(None, **options).fit(x)
    np.testing.assert_array_equal(found.labels_, expected.labels_)
    assert found.n_clusters_ == expected.n_clusters_ and found.labels_.dtype == np.int64


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_neighbors(metric: str, dtype: Any, tmp_path: Path) -> None:
    x, radius = crowd(170, dtype=dtype), RADII[metric]
    found = distributed.neighbors_within(x, radius, metric=metric, folder=tmp_path / "within", memory=memory_for(x, 50))
    expected = pyface.neighbors_within(x, radius, metric=metric)
    same_graph(found.to_csr(), expected)
    assert found.nnz == expected.nnz and found.shape == expected.shape
    np.testing.assert_array_equal(found.degrees(), np.diff(expected.indptr))
    for begin, end in ((0, 0), (3, 4), (40, 130), (0, 170)):
        same_graph(found.rows(begin, end), expected[begin:end])
    blocks = list(found.blocks())
    assert [begin for begin, _ in blocks] == [0, 43, 86, 129]
    assert sum(block.nnz for _, block in blocks) == expected.nnz
    memory = memory_for(x, 50, more=120 * 9)
    same_nearest(x, 9, metric, folder=tmp_path / "nearest", memory=memory)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("whole", [False, True])
def test_clusters(metric: str, whole: bool, tmp_path: Path) -> None:
    """Also where whole numbers make distances equal, and equal to the radius."""
    x = crowd(200, d=4, seed=3, whole=whole)
    radius = {"cosine": 0.1, "euclidean": 1.0, "sqeuclidean": 2.0}[metric]
    how = {"memory": memory_for(x, 70)}
    same_dbscan(x, radius, 4, metric, folder=tmp_path / "dbscan", **how)
    for linkage in ("average", "complete", "single", "weighted"):
        same_linkage(x, radius, linkage, metric, folder=tmp_path / linkage, **how)


@given(
    n=st.integers(2, 90),
    d=st.integers(1, 9),
    rows_per_block=st.integers(15, 60),
    metric=st.sampled_from(METRICS),
    factor=st.sampled_from([0.3, 1.0, 2.5]),
    whole=st.booleans(),
    seed=st.integers(0, 99),
    data=st.data(),
)
@settings(max_examples=15)
def test_any_rows_in_any_blocks(
    n: int, d: int, rows_per_block: int, metric: str, factor: float, whole: bool, seed: int, data: st.DataObject
) -> None:
    x = crowd(n, d, seed, data.draw(st.sampled_from([np.float32, np.float64])), whole=whole)
    radius, memory = RADII[metric] * factor, memory_for(x, rows_per_block)
    ends = sorted(data.draw(st.lists(st.integers(0, n), max_size=2)))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        paths = shards(place / "rows", x, *ends)
        min_samples = data.draw(st.integers(1, 6))
        model = distributed.DBSCAN(radius, min_samples=min_samples, metric=metric)
        expected = cluster.DBSCAN(radius, min_samples=min_samples, metric=metric).fit(x)
        found = model.fit(paths, folder=place / "dbscan", memory=memory)
        np.testing.assert_array_equal(found.labels_, expected.labels_)
        same_nearest(x, data.draw(st.integers(1, n)), metric, folder=place / "nearest", memory=60_000)
        same_linkage(x, radius, "single", metric, folder=place / "single", memory=memory)
        same_linkage(x, radius, "average", metric, folder=place / "average", memory=memory)


def test_rows_of_zeros_are_at_1_from_all_others_for_dbscan(tmp_path: Path) -> None:
    x = crowd(40)
    x[[3, 30]] = 0
    for eps in (0.2, 1.0):
        same_dbscan(x, eps, 3, "cosine", folder=tmp_path / str(eps), memory=memory_for(x, 15))


def test_pairs_that_are_too_many_to_keep_are_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = crowd(120)
    monkeypatch.setattr(_tasks, "edge_limit", lambda _: 20)
    found = distributed.DBSCAN(RADII["cosine"], metric="cosine").fit(
        x, folder=tmp_path / "work", memory=memory_for(x, 60)
    )
    kept = [_files.read(path).header["is_kept"] for path in sorted((tmp_path / "work").glob("pairs-*"))]
    assert kept == [False, True, False] or not any(kept)
    np.testing.assert_array_equal(found.labels_, cluster.DBSCAN(RADII["cosine"], metric="cosine").fit(x).labels_)
    assert found.totals_.pairs > 120 * 119 // 2


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_found_stays_within_a_quarter_of_the_memory(
    metric: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows are near each other; the engine is asked for less until what it finds fits."""
    x = crowd(60, d=3)
    x = np.abs(x) / 100 + 1
    expected = pyface.neighbors_within(x, 1.0, metric=metric)
    memory, most = memory_for(x, 30), []
    engine = _tasks.distance.pairs_within

    def watched(*rows: Any, **options: Any) -> Any:
        found = engine(*rows, **options)
        assert options["memory_limit"] == memory // 4
        most.append(len(found[1]))
        return found

    monkeypatch.setattr(_tasks.distance, "pairs_within", watched)
    graph = distributed.neighbors_within(x, 1.0, metric=metric, folder=tmp_path / "work", memory=memory)
    assert graph.nnz == 60 * 60
    same_graph(graph.to_csr(), expected)
    assert len(most) > 12 and max(most) <= memory // 4 // 12


def test_components_larger_than_a_batch_and_many_small_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_clusterers, "_LEAST", 10)
    x = crowd(240, d=6, seed=5)
    for linkage in ("average", "complete"):
        same_linkage(x, 0.08, linkage, "cosine", folder=tmp_path / linkage)
    assert len(list((tmp_path / "average").glob("batch-*"))) > 4


def test_average_linkage_far_away_from_zero_keeps_its_digits(tmp_path: Path) -> None:
    """Means are counted from one place near all rows, which no task has seen whole."""
    x = crowd(90, dtype=np.float64) + np.array([1e9] * 6 + [0.0] * 6)
    for linkage in ("average", "weighted"):
        same_linkage(x, 3.0, linkage, "sqeuclidean", folder=tmp_path / linkage, memory=memory_for(x, 40))
    assert np.load(tmp_path / "average" / "origin.npy").tolist() == [*x[0, :6], *[0.0] * 6]


@pytest.mark.parametrize("threshold", [0.0, np.inf])
def test_thresholds_at_the_ends(threshold: float, tmp_path: Path) -> None:
    x = crowd(30)
    for linkage in ("single", "average"):
        same_linkage(x, threshold, linkage, "euclidean", folder=tmp_path / linkage)


def test_few_rows(tmp_path: Path) -> None:
    x = crowd(3)
    same_dbscan(x[:1], 0.5, 1, "euclidean", folder=tmp_path / "one")
    same_dbscan(x, 0.5, 9, "euclidean", folder=tmp_path / "none")
    same_nearest(x, 3, "cosine", folder=tmp_path / "nearest")
    same_linkage(x[:2], 9.0, "average", "euclidean", folder=tmp_path / "two")
    none = distributed.neighbors_within(x[:0], 0.5, folder=tmp_path / "empty")
    assert none.shape == (0, 0) and none.to_csr().shape == (0, 0) and list(none.blocks()) == []


def test_real_embeddings(lfw: tuple[NDArray, NDArray], tmp_path: Path) -> None:
    x = lfw[0]
    memory = memory_for(x, 800)
    same_dbscan(x, 0.45, 3, "cosine", folder=tmp_path / "dbscan", memory=memory)
    same_linkage(x, 0.56, "average", "cosine", folder=tmp_path / "average", memory=memory)
    same_nearest(x, 10, "cosine", folder=tmp_path / "nearest", memory=memory_for(x, 800, more=1200))
