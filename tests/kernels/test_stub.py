"""``_core.pyi`` against the compiled module: the same names, and every function callable by keyword as it says."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles.dlib_files import random_trees

import pyface
from pyface import _core

STUB = ast.parse((Path(pyface.__file__).parent / "_core.pyi").read_text())
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
ATTRIBUTES = {
    node.target.id for node in STUB.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
}

BYTES = np.zeros((20, 30, 3), np.uint8)
MARKS = np.array([[0.2, 0.3], [0.8, 0.3], [0.5, 0.7]])
TREES = random_trees(n_cascades=1, n_trees=2, n_splits=3, n_pixels=4, n_points=3)
FLOAT32, FLOAT64 = np.eye(3, dtype=np.float32), np.eye(3)
MERGES = np.array([[0.0, 1, 1, 2]])
THREADS = {"n_threads": 1}
COSINE = {"metric": "cosine", **THREADS}
CROPS = {"matrices": np.eye(2, 3)[None], "border": "constant", "fill": np.zeros(3), "antialias": False, **THREADS}
NO_GROUPS = {"cannot_link": None, "must_link": None}
CONDENSED = {"n": 3, "method": "average", "stop": 2.0, **THREADS}
GROUPS = np.array([-1, 0, -1])
SETS = (np.array([0, 0, 1, 1]), np.array([0]))
THREE = np.zeros(3, np.int32)
STORED = {"codes": np.empty((3, 32), np.uint8), "bounds": np.empty((3, 2), np.float32), "squares": np.empty(3)}


def canvas() -> np.ndarray:
    rows, cols, _ = _core.mmod_layout(20, 30)
    return np.empty((3, rows, cols), np.float32)


# The least that is valid, for each function; for some, one call for each dtype that the stub allows.
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("tree_of_joints", {"pairs": np.array([[0, 1]], np.int32), "heights": np.array([1.0]), "n": 2}),
    ("label_forest", {"z": np.empty((0, 4)), "n": 3}),
    ("nms", {"boxes": np.ones((1, 4)), "scores": np.ones(1), "iou_threshold": 0.5}),
    ("nms_of_smaller", {"boxes": np.ones((1, 4)), "scores": np.ones(1), "overlap_threshold": 0.5}),
    (
        "area_crops",
        {"image": BYTES, "boxes": np.zeros((1, 4), np.int64), "out": np.empty((1, 4, 5, 3), np.uint8), "n_threads": 1},
    ),
    ("mmod_nms", {"boxes": np.ones((1, 4), np.int64), "scores": np.ones(1), "overlap_threshold": 0.5}),
    ("mmod_layout", {"rows": 20, "cols": 30}),
    ("mmod_canvas", {"image": BYTES, "mean": (1.0, 2.0, 3.0), "out": canvas()}),
    ("mmod_canvas", {"image": BYTES.astype(np.float32), "mean": (1.0, 2.0, 3.0), "out": canvas()}),
    ("mmod_decode", {"scores": np.ones((2, 2), np.float32), "rows": 20, "cols": 30, "threshold": 0.0}),
    ("upsample", {"image": BYTES, "out": np.empty((41, 62, 3), np.uint8)}),
    ("face_chips", {"image": BYTES, "landmarks": MARKS[None], "template": MARKS, "size": 8, "padding": 0.2, **THREADS}),
    ("chip_place", {"landmarks": MARKS, "template": MARKS, "size": 8, "padding": 0.2}),
    ("affine_crops", {"image": BYTES, "out": np.empty((1, 4, 5, 3), np.uint8), **CROPS}),
    ("affine_crops", {"image": BYTES.astype(np.float32), "out": np.empty((1, 4, 5, 3), np.float32), **CROPS}),
    ("fit_similarities", {"source": MARKS[None], "target": MARKS[None], "weights": np.ones((1, len(MARKS)))}),
    (
        "head_poses",
        {
            "landmarks": MARKS[None],
            "head": np.eye(3),
            "is_contour": np.zeros(3, bool),
            "weights": np.ones((1, 3)),
            "camera": (900.0, 15.0, 10.0),
            "refined": True,
            **THREADS,
        },
    ),
    *(("search_frame", {"x": x, **COSINE}) for x in (FLOAT32, FLOAT64)),
    *(("store_rows", {"x": x, **STORED, "scale": 1.0, "centre": None, **COSINE}) for x in (FLOAT32, FLOAT64)),
    ("scan_compact_ints", {"bytes": np.array([1, 5], np.uint8), "begin": 0, "out": np.empty(1, np.int64)}),
    ("delaunay", {"points": np.array([[0.0, 0], [1, 0], [0, 1]])}),
    ("radial_surface", {"centres": MARKS, "weights": np.ones(6), "xs": np.zeros(2), "ys": np.zeros(4)}),
    *(
        ("bin_pairs", {"x": x, "labels": THREE, "thresholds": np.ones(1), "wanted": wanted, **COSINE})
        for x in (FLOAT32, FLOAT64)
        for wanted in (None, np.ones((2, 2), np.uint8))
    ),
    *(
        (
            "distances_of_pairs",
            {"x": x, "first": np.zeros(1, np.int32), "second": np.ones(1, np.int32), "out": np.empty(1), **COSINE},
        )
        for x in (FLOAT32, FLOAT64)
    ),
    ("compiled_isas", {}),
    ("supported_isas", {}),
    ("active_isa", {}),
    ("set_isa", {"name": _core.active_isa()}),
    ("peak_rates", {"seconds": 0.01, "n_threads": 2}),
    ("repeat_tile", {"x": FLOAT32, "y": FLOAT32, "repeats": 2, "out": np.empty((3, 3), np.float32), **THREADS}),
    ("debug_counters", {}),
    ("reset_debug_counters", {}),
    ("use_axes", {"use": "where_they_pay"}),
    ("use_floats", {"use": "where_they_pay"}),
    ("cut_by_count", {"z": MERGES, "n_merges": 1}),
    ("cut_by_height", {"z": MERGES, "height": 1.0}),
    ("tree_clusters", {"z": MERGES}),
    (
        "bcubed_by_merge",
        {
            "z": MERGES,
            "classes": np.zeros(2, np.int64),
            "order": np.zeros(1, np.int64),
            "n_classes": 1,
            "others_count": True,
        },
    ),
]
for x in (FLOAT32, FLOAT64):
    for y in (None, x):
        CALLS += [
            ("distances_dense", {"x": x, "y": y, "out": np.empty((3, 3), np.float32), **COSINE}),
            ("within_radius", {"x": x, "y": y, "radius": 0.5, "memory_limit": -1, **COSINE}),
            (
                "nearest",
                {
                    "x": x,
                    "y": y,
                    "distances": np.empty((3, 1), np.float32),
                    "indices": np.empty((3, 1), np.int64),
                    "few": 2,
                    **COSINE,
                },
            ),
        ]
    CALLS += [
        ("all_usable", {"x": x, "nonzero": True, **THREADS}),
        (
            "nearest_other_means",
            {
                "x": x,
                "means": np.ones((2, 3)),
                "variances": np.ones(2),
                "own": np.zeros(3, np.int64),
                "out": np.empty(3),
                "unit": True,
                **THREADS,
            },
        ),
        (
            "group_sums",
            {
                "x": x,
                "origin": None,
                "order": np.arange(3),
                "begins": np.array([0, 1, 3]),
                "sums": np.empty((2, 3)),
                "squares": np.empty(2),
                **THREADS,
            },
        ),
        (
            "squared_to_means",
            {
                "x": x,
                "origin": np.zeros(3),
                "rows": np.arange(3),
                "places": np.arange(3),
                "means": FLOAT64,
                "squares": np.ones(3),
                "out": np.empty(3),
                **THREADS,
            },
        ),
        ("fingerprint", {"x": x, **THREADS}),
        ("distances_dense", {"x": x, "y": None, "out": np.empty((3, 3)), **COSINE}),
        ("distances_condensed", {"x": x, "out": np.empty(3, np.float32), **COSINE}),
        ("distances_condensed", {"x": x, "out": np.empty(3), **COSINE}),
        (
            "joints_from_vectors",
            {"x": x, "method": "average", "height_limit": np.inf, "origin": None, **NO_GROUPS, "few": 2, **COSINE},
        ),
        (
            "joints_from_vectors",
            {
                "x": x,
                "method": "ward",
                "metric": "euclidean",
                "height_limit": np.inf,
                "origin": np.ones(3),
                **NO_GROUPS,
                "few": 9,
                **THREADS,
            },
        ),
        ("spanning_edges", {"x": x, "height_limit": np.inf, "few": 9, **COSINE}),
        ("reachability_tree", {"x": x, "n_neighbors": 2, "core_factor": 1.0, **COSINE}),
        (
            "edges_between",
            {"x": x, "y": x, "component": np.arange(3, dtype=np.int32), "threshold": 0.5, "max_edges": 9, **COSINE},
        ),
        ("near_graph", {"x": x, "threshold": 0.5, "max_edges": 100, **COSINE}),
        ("linkage_from_condensed", {"distances": x[0].copy(), **CONDENSED, "must_link": None, "cannot_link": None}),
        ("linkage_from_condensed", {"distances": x[0].copy(), **CONDENSED, "must_link": GROUPS, "cannot_link": SETS}),
    ]
    CALLS += [
        (
            "joints_of_components",
            {
                "x": x,
                "component": np.zeros(3, np.int32),
                "edges": edges,
                "method": "average",
                "threshold": 0.5,
                "memory_limit": -1,
                "origin": None,
                **NO_GROUPS,
                **COSINE,
            },
        )
        for edges in (None, np.array([[0, 1]], np.int32))
    ]


def names(arguments: ast.arguments) -> tuple[list[str], list[str]]:
    """Parameters by place or keyword, and by keyword only; ``self`` left out."""
    return [a.arg for a in arguments.args if a.arg != "self"], [a.arg for a in arguments.kwonlyargs]


def assert_is(value: Any, annotation: ast.expr) -> None:
    """The value is of the annotated type, for the few forms that the stub uses."""
    text = ast.unparse(annotation)
    if isinstance(annotation, ast.BinOp):  # something or None
        if value is not None:
            assert_is(value, annotation.left)
    elif isinstance(annotation, ast.Subscript):
        inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        kind = ast.unparse(annotation.value)
        if kind == "NDArray":
            assert isinstance(value, np.ndarray) and value.dtype == getattr(np, ast.unparse(inner[0]).split(".")[1])
        elif kind == "tuple":
            assert isinstance(value, tuple) and len(value) == len(inner)
            for part, wanted in zip(value, inner, strict=True):
                assert_is(part, wanted)
        elif kind == "dict":
            assert isinstance(value, dict)
            for key, part in value.items():
                assert_is(key, inner[0])
                assert_is(part, inner[1])
        else:
            assert kind == "list" and isinstance(value, list)
            for part in value:
                assert_is(part, inner[0])
    else:
        assert type(value).__name__ == {"None": "NoneType"}.get(text, text)


def test_the_names_are_the_modules() -> None:
    there = {name for name in dir(_core) if not name.startswith("_")} | {"__version__"}
    assert FUNCTIONS.keys() | CLASSES.keys() | ATTRIBUTES == there
    for name in ATTRIBUTES:
        assert isinstance(getattr(_core, name), str)


def test_every_function_is_called_below() -> None:
    assert {name for name, _ in CALLS} == FUNCTIONS.keys()


@pytest.mark.parametrize(("name", "arguments"), CALLS)
def test_functions_take_and_give_what_the_stub_says(name: str, arguments: dict[str, Any]) -> None:
    stub, function = FUNCTIONS[name], getattr(_core, name)
    by_place, by_keyword = names(stub.args)
    assert set(by_place + by_keyword) == arguments.keys()
    assert stub.returns is not None
    assert_is(function(**arguments), stub.returns)
    rest = {key: arguments[key] for key in by_keyword}
    assert_is(function(*(arguments[key] for key in by_place), **rest), stub.returns)
    if by_keyword:
        with pytest.raises(TypeError):
            function(*(arguments[key] for key in by_place + by_keyword))


def test_the_stream_takes_and_gives_what_the_stub_says() -> None:
    methods = {node.name: node for node in CLASSES["EdgeStream"].body if isinstance(node, ast.FunctionDef)}
    assert methods.keys() - {"__init__"} == {n for n in dir(_core.EdgeStream) if not n.startswith("_")}
    assert names(methods["__init__"].args) == (["x"], ["metric", "radius", "n_threads"])
    stream = _core.EdgeStream(FLOAT32, metric="euclidean", radius=2.0, n_threads=1)
    edges = stream.next(max_edges=10)
    assert edges is not None
    assert [part.dtype for part in edges] == [np.int32, np.int32] and [part.tolist() for part in edges] == [
        [0, 0, 1],
        [1, 2, 2],
    ]
    assert stream.next(10) is None


@pytest.mark.parametrize("x", [FLOAT32, FLOAT64])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_search_index_takes_and_gives_what_the_stub_says(x: np.ndarray, metric: str) -> None:
    methods = {node.name: node for node in CLASSES["SearchIndex"].body if isinstance(node, ast.FunctionDef)}
    assert methods.keys() - {"__init__"} == {n for n in dir(_core.SearchIndex) if not n.startswith("_")}
    scale, centre = _core.search_frame(x=x, metric=metric, n_threads=1)
    assert (centre is None) == (metric == "cosine")
    stored = np.empty((3, 32), np.uint8), np.empty((3, 2), np.float32), np.empty(3)
    frame = {"metric": metric, "scale": scale, "centre": centre}
    names_of = dict(zip(("codes", "bounds", "squares"), stored, strict=True))
    longest, any_scaled = _core.store_rows(x=x, **names_of, **frame, n_threads=1)
    options = {"dimension": 3, "longest": longest, "any_scaled": any_scaled, **frame}
    assert set(names(methods["__init__"].args)[1]) == options.keys()
    index = _core.SearchIndex(segments=[(x, *stored)], **options)
    found = np.empty((3, 1), np.float32), np.empty((3, 1), np.int64)
    assert names(methods["nearest"].args) == (["x", "self_begin", "distances", "indices"], ["panels", "n_threads"])
    index.nearest(x=x, self_begin=-1, distances=found[0], indices=found[1], panels=-1, n_threads=1)
    assert found[1].tolist() == [[0], [1], [2]]
    returns = methods["within"].returns
    assert returns is not None
    result = index.within(x=x, self_begin=0, radius=9.0, by_distance=True, memory_limit=-1, panels=-1, n_threads=1)
    assert_is(result, returns)
    assert result[0].tolist() == [0, 2, 4, 6]


@pytest.mark.parametrize("x", [FLOAT32, FLOAT64])
@pytest.mark.parametrize("weights", [None, np.ones(3)])
def test_k_means_takes_and_gives_what_the_stub_says(x: np.ndarray, weights: np.ndarray | None) -> None:
    methods = {node.name: node for node in CLASSES["KMeansData"].body if isinstance(node, ast.FunctionDef)}
    assert methods.keys() - {"__init__"} == {n for n in dir(_core.KMeansData) if not n.startswith("_")}
    assert names(methods["__init__"].args) == (["x", "weights"], ["n_threads"])
    data = _core.KMeansData(x=x, weights=weights, n_threads=1)
    labels = np.full(3, -1, np.int32)
    calls: dict[str, dict[str, Any]] = {
        "mean_variance": {},
        "plus_plus": {"first": 0, "draws": np.ones((1, 2)) / 2},
        "lloyd": {"centers": x[:2].copy(), "labels": labels, "max_iter": 2, "tolerance": 0.0, "spherical": False},
        "nearest": {"centers": x[:2].copy(), "labels": labels, "distances": np.empty(3)},
    }
    assert methods.keys() - {"__init__"} == calls.keys()
    for name, arguments in calls.items():
        by_place, by_keyword = names(methods[name].args)
        assert set(by_place + by_keyword) == arguments.keys()
        returns = methods[name].returns
        assert returns is not None
        assert_is(getattr(data, name)(**arguments), returns)


@pytest.mark.parametrize("image", [BYTES, BYTES.astype(np.float32)])
def test_the_mesh_takes_and_gives_what_the_stub_says(image: np.ndarray) -> None:
    methods = {node.name: node for node in CLASSES["WarpMesh"].body if isinstance(node, ast.FunctionDef)}
    assert methods.keys() - {"__init__"} == {n for n in dir(_core.WarpMesh) if not n.startswith("_")}
    mesh = _core.WarpMesh(points=MARKS, triangles=np.array([[0, 1, 2]], np.int32), rows=2, cols=3)
    assert mesh.n_spans == 0
    options = {"linear": True, "antialias": False, "border": "reflect", "fill": [0.0] * 3, **THREADS}
    out = np.empty((1, 2, 3, 3), image.dtype)
    calls: dict[str, dict[str, Any]] = {
        "mask": {},
        "owners": {},
        "positions": {"source": MARKS},
        "coefficients": {"source": MARKS},
        "map_points": {"points": MARKS, "source": MARKS, "back": True},
        "warp": {"images": [image], "sources": MARKS[None], "out": out, **options},
    }
    assert methods.keys() - {"__init__", "n_spans"} == calls.keys()
    for name, arguments in calls.items():
        by_place, by_keyword = names(methods[name].args)
        assert set(by_place + by_keyword) == arguments.keys()
        returns = methods[name].returns
        assert returns is not None
        assert_is(getattr(mesh, name)(**arguments), returns)


def test_the_class_takes_and_gives_what_the_stub_says() -> None:
    assert set(CLASSES) == {"RegressionTrees", "EdgeStream", "KMeansData", "WarpMesh", "Relief", "SearchIndex"}
    methods = {node.name: node for node in CLASSES["RegressionTrees"].body if isinstance(node, ast.FunctionDef)}
    assert methods.keys() - {"__init__"} == {n for n in dir(_core.RegressionTrees) if not n.startswith("_")}
    assert set(names(methods["__init__"].args)[0]) == TREES.keys()
    trees = _core.RegressionTrees(**TREES)
    assert trees.n_points == 3
    assert names(methods["locate"].args) == (["image", "boxes"], ["n_threads"])
    assert methods["locate"].returns is not None
    assert_is(trees.locate(image=BYTES, boxes=np.array([[1.0, 1, 9, 9]]), n_threads=1), methods["locate"].returns)
