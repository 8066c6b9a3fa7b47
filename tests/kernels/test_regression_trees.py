"""Regression trees and the integer code of their files, against their twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import detect as oracle
from oracles.dlib_files import compact, random_trees

from pyface import _core
from pyface.kernels import faces

TREES = random_trees(n_cascades=3, n_trees=30, n_splits=15, n_pixels=50, n_points=5)
KERNEL = faces.RegressionTrees(TREES)
coordinate = st.floats(-80, 160, allow_nan=False)


@given(
    corners=st.lists(st.tuples(coordinate, coordinate, st.floats(0, 150), st.floats(0, 150)), max_size=20),
    rows=st.integers(1, 90), cols=st.integers(1, 90), grey=st.booleans(), n_threads=st.integers(1, 4),
    seed=st.integers(0, 9),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_locate_equals_the_twin(*, corners, rows, cols, grey, n_threads, seed) -> None:
    boxes = [(x, y, x + w, y + h) for x, y, w, h in corners]
    shape = (rows, cols) if grey else (rows, cols, 3)
    image = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    got = KERNEL.locate(image, boxes, n_threads=n_threads)
    assert got.shape == (len(boxes), 5, 2)
    for points, box in zip(got, boxes, strict=True):
        np.testing.assert_array_equal(points, oracle.locate(TREES, image, box))


def test_another_tree_size() -> None:
    arrays = random_trees(n_cascades=2, n_trees=9, n_splits=3, n_pixels=8, n_points=3)
    image = np.random.default_rng(1).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    got = faces.RegressionTrees(arrays).locate(image, [(5, 6, 50, 51)])
    np.testing.assert_array_equal(got[0], oracle.locate(arrays, image, (5, 6, 50, 51)))


def test_boxes_far_away_see_black() -> None:
    image = np.full((30, 30, 3), 200, np.uint8)
    far = KERNEL.locate(image, [(1e9, 1e9, 1e9 + 20, 1e9 + 20)])
    near = KERNEL.locate(np.zeros_like(image), [(0, 0, 20, 20)])
    np.testing.assert_array_equal(far - 1e9, near)
    assert np.isfinite(KERNEL.locate(image, [(-1e300, -1e300, 1e300, 1e300)])[0, 0, 0])


@pytest.mark.parametrize(
    ("name", "index", "value", "words"),
    [
        ("features", (1, 2, 3, 0), 50, "pixel that does not exist"),
        ("features", (0, 0, 0, 1), -1, "pixel that does not exist"),
        ("anchors", (2, 4), 5, "point that does not exist"),
        ("anchors", (0, 0), -1, "point that does not exist"),
    ],
)
def test_indices_outside_are_refused(name, index, value, words) -> None:
    arrays = {k: v.copy() for k, v in TREES.items()}
    arrays[name][index] = value
    with pytest.raises(ValueError, match=words):
        faces.RegressionTrees(arrays)


@pytest.mark.parametrize("name", TREES)
def test_wrong_shapes_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must have shape"):
        faces.RegressionTrees({**TREES, name: TREES[name][1:, ..., 1:]})
    with pytest.raises(TypeError):
        faces.RegressionTrees({**TREES, name: TREES[name].astype(np.float64)})


def test_degenerate_predictors_are_refused() -> None:
    with pytest.raises(ValueError, match="single point"):
        faces.RegressionTrees({**TREES, "initial_shape": np.zeros((5, 2), np.float32)})
    empty = {**TREES, **{k: TREES[k][:0] for k in ("features", "thresholds", "leaves", "anchors", "deltas")}}
    with pytest.raises(ValueError, match="needs cascades"):
        faces.RegressionTrees(empty)


def test_wrong_images_and_boxes_are_refused() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    for boxes, words in [
        ([(0, 0, 1)], "shape"), ([(0, 0, np.nan, 1)], "finite"), ([(5, 0, 1, 1)], "x2 < x1"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=words):
            KERNEL.locate(image, boxes)
    with pytest.raises(ValueError, match="1 or 3 channels"):
        KERNEL.locate(np.zeros((9, 9, 2), np.uint8), [(0, 0, 5, 5)])
    with pytest.raises(ValueError, match="n_threads"):
        KERNEL.locate(image, [(0, 0, 5, 5)], n_threads=0)


numbers = st.integers(-(2**63) + 1, 2**63 - 1)


@given(st.lists(numbers), st.integers(0, 5))
def test_compact_ints_come_back(values: list[int], begin: int) -> None:
    data = np.frombuffer(b"\xff" * begin + b"".join(map(compact, values)), np.uint8)
    got, end = faces.scan_compact_ints(data, begin, len(values))
    assert got.tolist() == values and end == len(data)


@given(st.lists(numbers, min_size=1, max_size=4), st.data())
def test_cut_compact_ints_are_refused(values: list[int], data: st.DataObject) -> None:
    whole = b"".join(map(compact, values))
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ValueError, match="byte"):
        faces.scan_compact_ints(np.frombuffer(whole[:cut], np.uint8), 0, len(values))


@pytest.mark.parametrize("bad", [b"\x00\x01", b"\x09" + b"\x01" * 9, b"\x11\x01", b"\x08" + b"\xff" * 8])
def test_bad_codes_are_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match="byte 0"):
        _core.scan_compact_ints(np.frombuffer(bad, np.uint8), 0, np.empty(1, np.int64))
    with pytest.raises(ValueError, match="outside"):
        _core.scan_compact_ints(np.frombuffer(bad, np.uint8), 99, np.empty(1, np.int64))
