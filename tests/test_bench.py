"""The benchmarks themselves: the data is what it is said to be, a wrong result is noticed, the table counts right."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import pdist

import pyface
from pyface.cluster import DBSCAN, HDBSCAN

BENCH = Path(__file__).resolve().parents[1] / "bench"
MODULES = [
    "data", "contest", "peers", "seeding", "bench_distances", "bench_neighbors", "bench_dbscan", "bench_hdbscan",
    "bench_kmeans", "bench_linkage", "bench_trees", "table", "common",
]  # fmt: skip

if not BENCH.exists():
    pytest.skip("the benchmarks are not part of a wheel", allow_module_level=True)


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The modules of bench/, which import each other by their bare names."""
    sys.path.insert(0, str(BENCH))
    yield SimpleNamespace(**{name: import_module(name) for name in MODULES})
    sys.path.remove(str(BENCH))
    for name in MODULES:
        del sys.modules[name]


def test_made_people_look_alike_as_much_as_they_should(bench: SimpleNamespace) -> None:
    rows = bench.data.synthetic(9_000)  # more than one piece
    assert rows.X.dtype == np.float32 and rows.X.shape == (9_000, 512)
    assert abs(np.linalg.norm(rows.X, axis=1) - 1).max() < 1e-6
    cosines = rows.X[:2000] @ rows.X[-2000:].T
    same = rows.people[:2000, None] == rows.people[-2000:]
    assert abs(cosines[same].mean() - bench.data.SIMILARITY) < 0.01 and abs(cosines[~same].mean()) < 0.01
    assert 850 < len(np.unique(rows.people)) <= 900
    np.testing.assert_array_equal(rows.X[:10], bench.data.synthetic(9_000).X[:10])


def test_results_are_held_against_the_definition(bench: SimpleNamespace) -> None:
    rows = bench.data.synthetic(60, d=64)  # so few that every row is looked at
    distances = pyface.cosine_distances(rows.X)
    bench.bench_distances.verify(distances, rows)
    bench.bench_distances.agree(distances + 1e-6, distances, rows)
    distances[3, 4] += 1e-4
    with pytest.raises(AssertionError):
        bench.bench_distances.verify(distances, rows)
    with pytest.raises(AssertionError):
        bench.bench_distances.agree(distances, pyface.cosine_distances(rows.X), rows)

    neighbors, dbscan = bench.bench_neighbors, bench.bench_dbscan
    graph = pyface.neighbors_within(rows.X, rows.radius)
    neighbors.verify_within(graph, rows)
    neighbors.agree_within(graph, graph, rows)
    larger = pyface.neighbors_within(rows.X, rows.radius + 0.2)
    assert larger.nnz > graph.nnz
    with pytest.raises(AssertionError):
        neighbors.verify_within(larger, rows)

    nearest = pyface.nearest_neighbors(rows.X, neighbors.K)
    neighbors.verify_nearest(nearest, rows)
    neighbors.agree_nearest(nearest, nearest, rows)
    for distances, indices in ((nearest[0] + 1e-3, nearest[1]), (nearest[0], (nearest[1] + 1) % 60)):
        with pytest.raises(AssertionError):
            neighbors.verify_nearest((distances, indices), rows)
        with pytest.raises(AssertionError):
            neighbors.agree_nearest((distances, indices), nearest, rows)

    labels = DBSCAN(rows.radius, min_samples=dbscan.MIN_SAMPLES, metric="cosine").fit_predict(rows.X)
    dbscan.verify(labels, rows)
    for wrong in (np.zeros_like(labels) - 1, np.arange(60), np.where(labels >= 0, labels + 1, labels)):
        with pytest.raises(AssertionError):
            dbscan.verify(wrong, rows)


def test_a_hierarchy_is_held_against_the_definition(bench: SimpleNamespace) -> None:
    rows = bench.data.synthetic(60, d=64)
    model = HDBSCAN(bench.bench_hdbscan.MIN_SIZE, metric="cosine").fit(rows.X)
    bench.bench_hdbscan.verify(model, rows)
    model._tree.heights[:] += 1e-6
    with pytest.raises(AssertionError):
        bench.bench_hdbscan.verify(model, rows)


def test_trees_and_clusters_are_held_against_the_definition(bench: SimpleNamespace) -> None:
    rows = bench.data.synthetic(300, d=64)
    pieces = bench.peers.condensed(rows.X, chunk=70)
    np.testing.assert_allclose(pieces, pdist(rows.X, "cosine"), atol=1e-6)
    np.testing.assert_allclose(bench.peers.condensed(rows.X, euclidean=True), pdist(rows.X), atol=1e-3)

    trees, linkage = bench.bench_trees, bench.bench_linkage
    for method, metric in (("average", "cosine"), ("ward", "euclidean"), ("single", "cosine")):
        tree = pyface.linkage(rows.X, method, metric)
        trees.verify_tree(method)(tree, rows)
        trees.agree_tree(tree, tree, rows)
        higher, swapped = tree.copy(), tree.copy()
        higher[250, 2] += 1e-4
        swapped[[40, 41], :2] = tree[[41, 40], :2]
        for wrong in (higher, swapped):
            with pytest.raises(AssertionError):
                trees.verify_tree(method)(wrong, rows)
        with pytest.raises(AssertionError):
            trees.agree_tree(higher, tree, rows)

    tree = pyface.linkage(rows.X, "average", "cosine")
    labels = pyface.cut(tree, height=rows.thresholds["average"])
    rows = replace(rows, people=labels)  # in so few columns they are not those that were made
    linkage.verify(labels, rows)
    more, fewer = (pyface.cut(tree, n_clusters=int(labels.max()) + k) for k in (31, -9))
    for wrong in (more, fewer, labels[::-1].copy(), labels + 1):
        with pytest.raises(AssertionError):
            linkage.verify(wrong, rows)
    for wrong in (more, fewer):
        with pytest.raises(AssertionError):
            linkage.agree(wrong, labels, rows)
    linkage.agree(labels.max() - labels, labels, rows)
    np.testing.assert_array_equal(linkage.numbered_anew(labels.max() - labels, rows), labels)

    assert linkage.n_violations(labels, rows) > 0
    with pytest.raises(AssertionError):
        linkage.verify_photos(labels, rows)
    with pytest.raises(AssertionError):
        linkage.agree_photos(np.arange(300), labels, rows)


RUN = {
    "kind": "run", "machine": "a machine", "isa": "avx512vnni", "threads": 2, "quick": False, "load": 0.1,
    "versions": {"NumPy": "2"}, "gemm": 300.0, "peak": {"float32": 400.0, "codes": 1600.0},
}  # fmt: skip
ROW = {
    "kind": "row", "group": "g", "work": "distances", "title": "`f(X)`", "source": "synthetic", "n": 1000, "d": 10,
    "unit": "float32", "contender": "pyface", "own": True, "at_least": None, "bars": {"share": 0.5}, "x": 10.0,
    "seconds": 0.5, "rounds": 3, "threads": 2, "operations": 1e11, "peak": {"float32": 390.0, "codes": 1500.0},
    "note": "", "memory": 15.0, "total": 100.0,
}  # fmt: skip
PEER = {"contender": "peer", "own": False, "bars": {}, "peak": None}


def cells(bench: SimpleNamespace, folder: Path, records: list[dict[str, Any]]) -> list[list[str]]:
    """The table's rows that these records give."""
    (folder / "rows.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    text = bench.table.write(folder).read_text()
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_table(bench: SimpleNamespace, tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        {"run": "1", **RUN},
        {"run": "1", **ROW},
        {"run": "1", **ROW, **PEER, "seconds": 1.9, "at_least": 4},
        {"run": "2", **RUN, "machine": "another machine"},
        {"run": "2", **ROW, "seconds": 0.001},
        {"run": "3", **RUN},
        {"run": "3", **ROW, "group": "h", "bars": {"memory_of_x": 1.4}},
        {"run": "3", **ROW, **PEER, "group": "h", "seconds": 2.1, "at_least": 4},
    ]
    own, peer, other_own, other_peer = cells(bench, tmp_path, records)
    # 1e11 operations in 0.5 s are 200 GFLOP/s; 390 were seen beside the row, which is more than the matrix product.
    assert own[3:] == [
        "pyface",
        "2",
        "0.500",
        "",
        "200 GFLOP/s",
        "51%",
        "15 = 1.50 X; 100 in all",
        "≥ 50% of the ceiling, measured 51.3%: met",
    ]
    assert peer[3:7] == ["peer", "2", "1.90", "3.80"] and peer[-1] == "≥ 4, measured 3.80: **missed**"
    assert other_own[-1] == "≤ 1.4 X, measured 1.50: **missed**" and other_peer[-1] == "≥ 4, measured 4.20: met"
    text = (tmp_path / "engine.md").read_text()
    assert "| asked on avx512vnni |" in text and "Asked with avx512vnni: 4 bars, 2 met, 2 missed." in text


def test_disturbed_rows_are_named(bench: SimpleNamespace, tmp_path: Path) -> None:
    slow = {"group": "h", "peak": {"float32": 300.0, "codes": 1500.0}}
    records: list[dict[str, Any]] = [{"run": "1", **RUN}, {"run": "1", **ROW}, {"run": "1", **ROW, **slow}]
    cells(bench, tmp_path, records)
    (line,) = [line for line in (tmp_path / "engine.md").read_text().splitlines() if "Disturbed" in line]
    assert line.endswith("beside these rows at less (h: 300).")
    cells(bench, tmp_path, records[:2])
    assert "Disturbed" not in (tmp_path / "engine.md").read_text()


def test_bars_depend_on_the_instruction_set(bench: SimpleNamespace) -> None:
    contest = bench.contest
    both, only_vnni, only_avx2 = contest.with_vnni(4, avx2=3), contest.with_vnni(4), {"avx2": 3}
    for bars, expected in (
        (both, {"avx512vnni": 4, "avx2": 3, "avx512": 3, "avx2vnni": 3, "neondot": 3, "portable": None}),
        ({**both, "neon": 2}, {"neon": 2, "avx512": 3}),
        (only_vnni, {"avx512vnni": 4, "avx2": None, "avx512": None, "neon": None}),
        (only_avx2, {"avx512vnni": None, "avx2": 3, "avx512": 3}),
        (contest.everywhere(0.9), {"avx512vnni": 0.9, "avx2": 0.9, "portable": 0.9}),
        ({}, {"avx2": None}),
    ):
        assert {isa: contest.on(bars, isa) for isa in expected} == expected


def test_the_rows_super_kmeans_begins_at(bench: SimpleNamespace) -> None:
    """What ``std::shuffle(..., std::mt19937(42))`` of libstdc++ 12 gives; both of its ways."""
    known = {
        1: [0],
        2: [1, 0],
        7: [4, 0, 2, 3, 6, 5, 1],
        8: [1, 6, 7, 0, 5, 4, 3, 2],
        65_535: [62_975, 49_266, 14_830, 16_855],
        65_536: [37_384, 53_608, 43_891, 25_566],
    }
    for n, first in known.items():
        shuffled = bench.seeding.shuffled(n, 42)
        assert shuffled[: len(first)].tolist() == first and (np.sort(shuffled) == np.arange(n)).all()
    wanted = np.array([5, 2, 900])
    order = bench.seeding.order(1_000, wanted, 42)
    assert (np.sort(order) == np.arange(1_000)).all()
    assert order[bench.seeding.shuffled(1_000, 42)[:3]].tolist() == wanted.tolist()


def test_labels_are_held_against_the_centres(bench: SimpleNamespace) -> None:
    x = bench.data.synthetic(60, d=64).X
    labels = np.arange(60) % 30
    labels[30:] = bench.bench_kmeans.squares_to(x[30:], x[:30]).argmin(axis=1)
    bench.bench_kmeans.assert_nearest(x, x[:30], labels)
    with pytest.raises(AssertionError):
        bench.bench_kmeans.assert_nearest(x, x[:30], np.roll(labels, 1))


def test_the_repeated_tile_is_held_against_the_definition(bench: SimpleNamespace) -> None:
    rows = bench.data.synthetic(sum(bench.bench_distances.TILE), d=64)
    x, y = bench.bench_distances.tile(rows)
    assert x.shape == (192, 64) and y.shape == (256, 64)
    tile = pyface.cosine_distances(x, y)
    bench.bench_distances.verify_tile(tile, rows)
    tile[3, 4] += 1e-4
    with pytest.raises(AssertionError):
        bench.bench_distances.verify_tile(tile, rows)


def test_the_slope(bench: SimpleNamespace, tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [{"run": "1", **RUN}]
    for n in (1000, 2000, 4000):
        row = {"work": "within-scaling", "group": str(n), "n": n, "seconds": 1e-9 * n**2.1, "bars": {"slope": 2.05}}
        records.append({"run": "1", **ROW, **row})
    *first, last = cells(bench, tmp_path, records)
    assert [row[-1] for row in first] == ["", ""] and last[-1] == "slope ≤ 2.05, measured 2.100: **missed**"
