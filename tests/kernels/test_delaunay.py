"""Delaunay triangles: their twin on small sets, a certificate in whole numbers on large ones, SciPy on random ones."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import delaunay as oracle
from scipy import spatial

import pyface
from pyface import _core
from pyface.kernels.delaunay import delaunay_with_duplicates


def rows(triangles):
    return [tuple(t) for t in triangles.tolist()]


def found(points):
    """The triangles as the twin gives them; none where there cannot be one."""
    try:
        return rows(pyface.delaunay(points))
    except ValueError:
        return []


def random_points(n, seed=0):
    return np.random.default_rng(seed).random((n, 2))


# Few whole numbers give duplicates, points on one line, and circles through four to eight points.
lattice = st.tuples(st.integers(0, 4), st.integers(0, 4))
# Doubles from the smallest to the largest, many of them the same or one unit in the last place apart.
extremes = st.sampled_from(
    [0.0, -0.0, 5e-324, -5e-324, 1e-310, 2.3e-308, 1e-160, 1.0, 1 + 2**-52, 1e160, sys.float_info.max]
)
number = st.one_of(extremes, extremes.map(lambda v: -v), st.floats(allow_nan=False, allow_infinity=False))


@given(st.lists(lattice, min_size=1, max_size=11))
def test_the_twin_on_lattices(points) -> None:
    assert found(points) == oracle.delaunay(points)


@given(st.lists(lattice, min_size=1, max_size=9), st.sampled_from([0.1, 1 / 3, 5e-324, 1e-200, 2.0**1021, 4e307]))
def test_the_twin_on_lattices_of_any_scale(points, unit) -> None:
    """A tenth is no double, so that circles nearly go through four points; the smallest and largest ones are exact."""
    points = np.array(points) * unit
    assert found(points) == oracle.delaunay(points)


@given(st.lists(st.tuples(number, number), min_size=1, max_size=7))
def test_the_twin_on_any_doubles(points) -> None:
    assert found(points) == oracle.delaunay(points)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=9))
def test_the_twin_on_doubles_of_one_scale(points) -> None:
    assert found(points) == oracle.delaunay(points)


@pytest.mark.parametrize("n", [3, 4, 5, 76, 1000, 10_000])
def test_scipys_triangles_on_random_points(n) -> None:
    points = random_points(n, n)
    ours = {tuple(sorted(t)) for t in rows(pyface.delaunay(points))}
    assert ours == {tuple(sorted(t)) for t in rows(spatial.Delaunay(points).simplices)}


def lattice_circle(radius=32_045):
    """The 324 whole points of a circle: 32,045 = 5 * 13 * 17 * 29."""
    xs = np.arange(-radius, radius + 1)
    ys = np.sqrt(radius**2 - xs**2).round().astype(int)
    exact = xs**2 + ys**2 == radius**2
    points = {(x, s * y) for x, y in zip(xs[exact].tolist(), ys[exact].tolist(), strict=True) for s in (1, -1)}
    assert len(points) == 324
    return np.random.default_rng(0).permutation(sorted(points))


def grid(n, unit=1.0):
    return np.random.default_rng(n).permutation(np.stack(np.meshgrid(range(n), range(n)), -1).reshape(-1, 2) * unit)


def near_a_line(n=16):
    """A square of neighbouring doubles that two far points look along; rounded signs of areas are wrong there."""
    return np.vstack([0.5 + grid(n, 2.0**-53), [[12.0, 12], [24, 24]]])


def two_clusters():
    points = random_points(400)
    points[:200] = points[:200] * 1e-12 + 1e-12
    return points + np.where(np.arange(400) < 200, 0, 1e9)[:, None]


SETS = {
    "random": random_points(3000),
    "grid of pixels": grid(40),
    "grid far from the origin": grid(20) + np.array([2.0**40, -(2.0**40) + 7]),
    "grid of more than 12 bits": grid(20, 1001.0),
    "grid of tenths": grid(20, 0.1),
    "grid of 1/256 pixel": grid(20) + np.round(random_points(400) * 2) / 256,
    "circle": lattice_circle(),
    "circle and its centre": np.vstack([lattice_circle(), [[0, 0]]]),
    "rounded circle": np.stack([np.cos(np.arange(500.0)), np.sin(np.arange(500.0))], axis=1),
    "one point beside a line": np.vstack([np.stack([np.arange(500.0), 3 * np.arange(500.0)], axis=1), [[7, 5]]]),
    "parabola": np.stack([np.arange(500.0), np.arange(500.0) ** 2], axis=1),
    "two columns": np.stack([np.arange(500) % 2, np.arange(500) // 2], axis=1),
    "near a line": near_a_line(),
    "duplicates": np.repeat(random_points(200), 4, axis=0)[np.random.default_rng(0).permutation(800)],
    "multiples of the smallest double": grid(20, 5e-324),
    "near the largest double": (2 * random_points(300) - 1) * sys.float_info.max,
    "all scales": 10.0 ** (600 * random_points(300) - 300),
    "two clusters": two_clusters(),
    "one speck": np.vstack([random_points(300), 0.5 + 1e-200 * random_points(30), 1e-200 * random_points(30)]),
}


@pytest.mark.parametrize("points", SETS.values(), ids=SETS.keys())
def test_the_certificate(points) -> None:
    triangles, representative = delaunay_with_duplicates(points)
    assert triangles.dtype == representative.dtype == np.int32
    assert representative.tolist() == oracle.representatives(points)
    oracle.assert_is_delaunay(points, rows(triangles))


def test_a_certificate_refuses_what_is_wrong() -> None:
    points = [(0, 0), (1, 0), (1, 1), (0, 1), (2, 2)]
    right = oracle.delaunay(points)
    oracle.assert_is_delaunay(points, right)
    # The other diagonal, which is legal but does not start at 0; another start; a triangle less; the one out of order.
    for wrong in (
        [(0, 1, 3), (1, 2, 3), (1, 4, 2), (2, 4, 3)],
        [(1, 2, 0), *right[1:]],
        right[1:],
        right[::-1],
    ):
        with pytest.raises(AssertionError):
            oracle.assert_is_delaunay(points, sorted(wrong) if wrong[0] == (0, 1, 3) else wrong)


def test_rules_by_hand() -> None:
    # Clockwise as it is seen on an image, from the lowest index; the diagonal starts at 0, in whatever order they come.
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    assert rows(pyface.delaunay(square)) == [(0, 1, 2), (0, 2, 3)]
    assert rows(pyface.delaunay(square[[1, 2, 3, 0]])) == [(0, 1, 2), (0, 2, 3)]
    assert (
        rows(pyface.delaunay(square[[0, 2, 1, 3]])) == [(0, 1, 3), (0, 2, 1)] == oracle.delaunay(square[[0, 2, 1, 3]])
    )
    # A hexagon is a fan around its lowest index, wherever that is.
    hexagon = np.array([(7, 1), (5, 5), (1, 7), (-1, -7), (-5, -5), (-7, -1)])
    assert all((t[0] == 0) for t in rows(pyface.delaunay(hexagon)))
    # A point in the middle of an edge of the hull is used, and 4 equals 1.
    triangles, same = delaunay_with_duplicates([(0, 0), (2, 0), (1, 0), (1, 3), (2, -0.0)])
    assert rows(triangles) == [(0, 2, 3), (1, 3, 2)] and same.tolist() == [0, 1, 2, 3, 1]
    assert pyface.delaunay([(0, 0), (1, 0), (0, 1)]).dtype == np.int32
    assert rows(pyface.delaunay([(0, 0), (0, 1), (1, 0)])) == [(0, 2, 1)]


def test_the_twin_by_hand() -> None:
    square = [(0, 0), (1, 0), (1, 1), (0, 1)]
    assert oracle.cells([*square, (5, 0), (0, 0)]) == {frozenset({0, 1, 2, 3}), frozenset({1, 2, 4})}
    assert oracle.delaunay(square) == [(0, 1, 2), (0, 2, 3)]
    assert oracle.hull([*square, (0.5, 0), (0.5, 0.5)]) == ([(0, 0), (2, 0), (2, 2), (0, 2)], 5)


@given(st.permutations(range(60)))
def test_a_permutation_of_points_permutes_the_triangles(order) -> None:
    """Where no four points are on one circle, the triangles do not depend on the order of points."""
    points = random_points(60)
    before = {frozenset(t) for t in rows(pyface.delaunay(points))}
    after = {frozenset(order[i] for i in t) for t in rows(pyface.delaunay(points[order]))}
    assert before == after


@given(st.lists(lattice, min_size=3, max_size=10, unique=True), st.randoms(use_true_random=False))
def test_a_permutation_of_points_permutes_the_cells(points, random) -> None:
    """Where more are, their polygons do not depend on it, and each is cut from the index that is now the lowest."""
    order = list(range(len(points)))
    random.shuffle(order)
    shuffled = [points[i] for i in order]
    assert {frozenset(order[i] for i in cell) for cell in oracle.cells(shuffled)} == oracle.cells(points)
    assert found(shuffled) == oracle.delaunay(shuffled)


@given(st.integers(-1000, 900), st.integers(0, 3))
def test_powers_of_two_change_nothing(power, seed) -> None:
    points = np.round(random_points(50, seed) * 64)
    assume(found(points))
    assert found(np.ldexp(points, power)) == found(points)


def test_layouts_and_types_change_nothing() -> None:
    points = np.round(random_points(40) * 100).astype(np.float32)
    want = rows(pyface.delaunay(points))
    wide = np.zeros((80, 4))
    wide[::2, 1:3] = points
    frozen = points.astype(float)
    frozen.flags.writeable = False
    for same in (wide[::2, 1:3], np.asfortranarray(points), points.astype(int), points.tolist(), frozen):
        assert rows(pyface.delaunay(same)) == want


def test_many_at_once() -> None:
    points = [random_points(2000, seed) for seed in range(8)]
    want = [rows(pyface.delaunay(p)) for p in points]
    with ThreadPoolExecutor(4) as pool:
        assert [rows(t) for t in pool.map(pyface.delaunay, points)] == want


@pytest.mark.parametrize(
    ("points", "error", "words"),
    [
        ([], ValueError, "points: got 0; a triangulation needs 3 that are not on one line"),
        (np.empty((0, 2)), ValueError, "got 0"),
        ([(0, 1)], ValueError, "got 1"),
        ([(0, 1), (1, 0)], ValueError, "got 2"),
        ([(3, 1)] * 5, ValueError, "all 5 are equal"),
        ([(0.0, 0), (-0.0, -0.0), (0, 0)], ValueError, "all 3 are equal"),
        ([(0, 0), (3, 1)] * 5, ValueError, "all 10 lie on one line"),
        ([(0.1 * k, 0.1 * k) for k in range(40)], ValueError, "all 40 lie on one line"),
        ([(0, 0), (1, 0), (2, np.nan)], ValueError, "points: row 2 holds nan in column 1"),
        ([(0, 0), (np.inf, 0), (2, 1)], ValueError, "points: row 1 holds inf in column 0"),
        (np.zeros((3, 3)), ValueError, r"points must have shape \(n, 2\), got \(3, 3\)"),
        (np.zeros(6), ValueError, r"points must have shape \(n, 2\), got \(6,\)"),
        ("points", TypeError, "points must be numbers"),
        ([(0, 0), (1,)], TypeError, "points must be numbers"),
        ([(0, 0), (1, 1j), (2, 2)], TypeError, "points must be numbers"),
        (np.ma.masked_array([(0, 0), (1, 0), (0, 1)]), TypeError, "points must not be masked"),
    ],
)
def test_refusals(points, error, words) -> None:
    with pytest.raises(error, match=words):
        pyface.delaunay(points)


def test_second_gate() -> None:
    points = random_points(6)
    for wrong in (points.astype(np.float32), points[::2]):
        with pytest.raises(TypeError):
            _core.delaunay(wrong)
    for wrong in (points.T.copy(), points[0], np.full((3, 2), np.nan), np.array([[0, 0], [1, np.inf], [2, 1]])):
        with pytest.raises(ValueError, match="points must"):
            _core.delaunay(wrong)
