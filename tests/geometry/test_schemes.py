"""Mean shapes and their meshes: symmetric to the bit, inside the published spread, and without a fold."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import delaunay as oracle

from pyface.geometry import mean_shape, mirror, triangulation

# Means of four published models, symmetrized, in distances between the eyes: jaw, brow, nose, eye, lips.
PUBLISHED = {
    0: (-1.23, -0.01), 1: (-1.19, 0.30), 2: (-1.14, 0.69), 3: (-1.08, 1.00), 4: (-0.97, 1.27), 5: (-0.76, 1.51),
    6: (-0.55, 1.67), 7: (-0.29, 1.80), 8: (0, 1.82), 17: (-0.92, -0.23), 18: (-0.77, -0.31), 19: (-0.59, -0.35),
    20: (-0.40, -0.33), 21: (-0.21, -0.28), 27: (0, -0.03), 28: (0, 0.16), 29: (0, 0.34), 30: (0, 0.50),
    31: (-0.23, 0.70), 32: (-0.11, 0.73), 33: (0, 0.75), 36: (-0.70, 0), 37: (-0.57, -0.06), 38: (-0.43, -0.06),
    39: (-0.29, 0.01), 40: (-0.43, 0.05), 41: (-0.57, 0.05), 48: (-0.41, 1.10), 49: (-0.25, 1.00), 50: (-0.12, 0.95),
    51: (0, 0.98), 57: (0, 1.26), 58: (-0.12, 1.25), 59: (-0.27, 1.20), 60: (-0.34, 1.10), 61: (-0.11, 1.06),
    62: (0, 1.07), 66: (0, 1.12), 67: (-0.11, 1.11),
}  # fmt: skip


def test_the_shape_is_a_face_and_its_own_mirror_image() -> None:
    shape, order = mean_shape("dlib-68"), mirror("dlib-68")
    assert shape.shape == (68, 2) and shape.dtype == np.float64
    assert order[order].tolist() == list(range(68)) and np.flatnonzero(order == np.arange(68)).tolist() == [
        8, 27, 28, 29, 30, 33, 51, 57, 62, 66,
    ]  # fmt: skip
    pairs = {0: 16, 17: 26, 31: 35, 36: 45, 37: 44, 40: 47, 41: 46, 48: 54, 59: 55, 60: 64, 67: 65}
    assert [order[i] for i in pairs] == list(pairs.values())
    np.testing.assert_array_equal(shape[order], shape * [-1, 1])
    for points, x in ((range(36, 42), -0.5), (range(42, 48), 0.5)):
        np.testing.assert_allclose(shape[points].mean(axis=0), [x, 0], atol=1e-15)
    for i, published in PUBLISHED.items():
        assert np.abs(shape[i] - published).max() <= 0.035, i
    assert len(np.unique(shape, axis=0)) == 68


def test_the_mesh_is_its_own_mirror_image_and_has_no_fold() -> None:
    shape, order, triangles = mean_shape("dlib-68"), mirror("dlib-68"), triangulation("dlib-68")
    assert triangles.dtype == np.int32
    rows = [tuple(t) for t in triangles.tolist()]
    assert rows == sorted(rows) and all(t[0] == min(t) for t in rows) and set().union(*rows) == set(range(68))
    sets = {frozenset(t) for t in rows}
    assert len(sets) == len(rows) and {frozenset(order[list(t)].tolist()) for t in rows} == sets
    p = [(round(20 * x), round(20 * y)) for x, y in shape.tolist()]
    assert all(oracle.orient(*(p[i] for i in t)) > 0 for t in rows)
    edges = [(t[i], t[i - 2]) for t in rows for i in range(3)]
    assert len(set(edges)) == len(edges)
    # Nothing is covered twice, and of the convex hull only the strip between the brows is not covered.
    corners, _ = oracle.hull(p)
    hull = sum(oracle.orient((0, 0), a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True))
    strip = oracle.orient(p[20], p[23], p[22]) + oracle.orient(p[20], p[22], p[21])
    assert strip > 0 and sum(oracle.orient(*(p[i] for i in t)) for t in rows) == hull - strip


def test_refusals() -> None:
    for function in (mean_shape, mirror, triangulation):
        with pytest.raises(ValueError, match="scheme must be one of 'dlib-68'"):
            function("dlib-5")
        with pytest.raises(TypeError, match="scheme must be a string"):
            function(68)
