"""The raw relief: what it takes and gives, and that nothing else gets through."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pyface
from pyface import _core
from pyface.geometry import solid_shape
from pyface.kernels.frontal import radial_surface

STUB = ast.parse((Path(pyface.__file__).parent / "_core.pyi").read_text())
METHODS = {
    method.name: method
    for node in STUB.body
    if isinstance(node, ast.ClassDef) and node.name == "Relief"
    for method in node.body
    if isinstance(method, ast.FunctionDef)
}
SOLID = solid_shape("dlib-68")
MADE: dict[str, Any] = {
    "points": 10 * SOLID[:, :2] + [15, 12],
    "triangles": np.array([[0, 16, 8], [0, 8, 16]], np.int32)[:1],
    "shown": np.ones((32, 30), bool),
    "depth": np.zeros((32, 30), np.float32),
    "solid": SOLID,
    "node_points": 20 * SOLID[:, :2] + [31.5, 23],
    "nodes": np.zeros((4, 64, 64), np.float32),
    "on_face": np.ones((64, 64), bool),
    "first_x": 1.0,
    "first_y": 1.0,
    "step": 2.0,
}


def arguments(dtype: Any = np.uint8, n: int = 2) -> dict[str, Any]:
    return {
        "images": [np.full((40, 50, 3), 9, dtype)],
        "landmarks": np.tile(12 * SOLID[:, :2] + [20, 15], (n, 1, 1)),
        "rotations": np.tile(np.eye(3), (n, 1, 1)),
        "translations": np.full((n, 2), [20.0, 15]),
        "scales": np.full(n, 12.0),
        "out": np.empty((n, 32, 30, 3), dtype),
        "masks": np.empty((n, 32, 30), bool),
        "visibility": np.empty((n, 32, 30), np.float32),
        "outline_is_seen": True,
        "symmetric": True,
        "antialias": False,
        "n_threads": 1,
    }


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_it_takes_and_gives_what_the_stub_says(dtype: Any) -> None:
    of = {name: [*method.args.args, *method.args.kwonlyargs] for name, method in METHODS.items()}
    assert {a.arg for a in of["__init__"]} - {"self"} == MADE.keys()
    assert {a.arg for a in of["frontalize"]} - {"self"} == arguments().keys()
    assert METHODS.keys() - {"__init__"} == {name for name in dir(_core.Relief) if not name.startswith("_")}
    for depth in (MADE["depth"], None):
        shares = _core.Relief(**{**MADE, "depth": depth}).frontalize(**arguments(dtype))
        assert shares.dtype == np.float64 and shares.shape == (2,)


def test_nine_everywhere_comes_out_as_nine() -> None:
    given = arguments()
    assert not _core.Relief(**MADE).frontalize(**given).any()
    assert (
        given["masks"].any() and (given["out"][given["masks"]] == 9).all() and not given["out"][~given["masks"]].any()
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("points", MADE["points"][:, :1].copy(), r"points must have shape \(n, 2\)"),
        ("node_points", MADE["node_points"][:60], "n the same"),
        ("points", np.where(np.arange(68)[:, None] == 3, np.nan, MADE["points"]), "points must be finite"),
        ("triangles", np.array([[0, 1, 68]], np.int32), "68"),
        ("triangles", np.zeros((1, 2), np.int32), r"\(t, 3\)"),
        ("shown", np.ones((0, 3), bool), "shown"),
        ("depth", np.zeros((32, 31), np.float32), "depth must have the shape of shown"),
        ("depth", np.full((32, 30), np.nan, np.float32), "depth must be finite"),
        ("solid", SOLID[:, :2].copy(), r"solid must have shape \(n, 3\)"),
        ("solid", SOLID[:67], "solid must have the points of the mesh"),
        ("nodes", np.zeros((4, 64, 63), np.float32), r"\(4, 64, 64\)"),
        ("on_face", np.ones((63, 64), bool), r"\(64, 64\)"),
        ("step", 0.0, "apart"),
        ("first_x", float("nan"), "numbers"),
    ],
)
def test_what_makes_no_relief(name: str, value: Any, words: str) -> None:
    with pytest.raises((ValueError, IndexError), match=words):
        _core.Relief(**{**MADE, name: value})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("images", [], "images must not be empty"),
        ("images", [np.zeros((4, 4, 3), np.uint8)] * 3, "one image, or one per face"),
        ("images", [np.zeros((4, 4, 2), np.uint8)], "out must have shape|1, 3 or 4 channels"),
        ("images", [np.zeros((0, 4, 3), np.uint8)], "from 1 to 32767"),
        ("landmarks", np.zeros((2, 67, 2)), r"\(n, 68, 2\)"),
        ("landmarks", np.zeros((68, 2)), r"\(n, 68, 2\)"),
        ("landmarks", np.full((2, 68, 2), np.inf), "finite"),
        ("rotations", np.zeros((2, 3, 2)), r"\(n, 3, 3\)"),
        ("rotations", np.full((2, 3, 3), np.nan), "finite"),
        ("translations", np.zeros((1, 2)), r"\(n, 2\)"),
        ("scales", np.zeros(3), r"\(n,\)"),
        ("scales", np.zeros(2), "scales must be above 0"),
        ("out", np.empty((2, 32, 30), np.uint8), "out must have shape"),
        ("masks", np.empty((1, 32, 30), bool), "masks must have shape"),
        ("visibility", np.empty((2, 30, 32), np.float32), "visibility must have shape"),
        ("n_threads", 0, "n_threads"),
    ],
)
def test_what_is_no_face(name: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _core.Relief(**MADE).frontalize(**{**arguments(), name: value})


@pytest.mark.parametrize("name", ["landmarks", "rotations", "scales", "out", "masks", "visibility"])
def test_nothing_is_converted(name: str) -> None:
    given = arguments()
    given[name] = np.zeros(given[name].shape, np.float16)
    with pytest.raises(TypeError):
        _core.Relief(**MADE).frontalize(**given)


def test_what_may_not_be_written_to_is_not() -> None:
    for name in ("out", "masks", "visibility"):
        given = arguments()
        given[name].flags.writeable = False
        with pytest.raises(ValueError, match=name):
            _core.Relief(**MADE).frontalize(**given)


def test_the_radial_surface_by_hand() -> None:
    at = radial_surface(
        np.array([[0.0, 0], [3, 4]]), np.array([2.0, 1, 7, 0.5, -1]), np.array([0.0, 3]), np.array([4.0])
    )
    # Distances 4 and 3, then 5 and 0.
    np.testing.assert_array_equal(at, [[7 - 4 + 2 * 64 + 27, 7 + 1.5 - 4 + 2 * 125]])
    with pytest.raises(ValueError, match="weights"):
        _core.radial_surface(np.zeros((2, 2)), np.zeros(4), np.zeros(1), np.zeros(1))
    with pytest.raises(ValueError, match="centres"):
        _core.radial_surface(np.zeros((2, 3)), np.zeros(5), np.zeros(1), np.zeros(1))
