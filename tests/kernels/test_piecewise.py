"""The mesh of the piecewise-affine warp: who owns a pixel, where points go, what is reported."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import piecewise as oracle
from warp_meshes import face_like, random_mesh

from pyface import PiecewiseAffine, _core
from pyface.geometry import face_mesh


def owners(target: np.ndarray, triangles: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return _core.WarpMesh(target, np.ascontiguousarray(triangles, np.int32), *size).owners()


def in_hull(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w) bool: pixels in the convex hull of points on multiples of 1/256, rim included, in integers."""
    corners = sorted(tuple(int(v) for v in p) for p in oracle.snap(points))
    y, x = 256 * np.mgrid[: size[0], : size[1]]
    inside = np.ones(size, bool)
    for ordered in (corners, corners[::-1]):  # Andrew's monotone chain: one half, then the other
        chain: list[tuple[int, int]] = []
        for p in ordered:
            while len(chain) > 1 and oracle.edge(chain[-2], chain[-1], p) <= 0:
                chain.pop()
            chain.append(p)
        for a, b in pairwise(chain):
            inside &= oracle.edge(a, b, (x, y)) >= 0
    return inside


@pytest.mark.parametrize("part", range(10))
def test_every_pixel_of_the_hull_belongs_to_one_triangle(part: int) -> None:
    """1,000 random meshes in ten parts: the owners are the twin's, no pixel has two, none in the hull has none."""
    rng = np.random.default_rng(part)
    for _ in range(100):
        size = (int(rng.integers(1, 20)), int(rng.integers(1, 20)))
        target, triangles = random_mesh(rng, size, int(rng.integers(5, 16)))
        turned = np.where(rng.integers(2, size=(len(triangles), 1)), triangles, triangles[:, ::-1])
        got = owners(target, turned, size)
        within, touching = oracle.claims(target, turned, *size)
        want = np.full(size, -1)
        for pixel, who in touching.items():
            want[pixel] = within.get(pixel, who)[0]
        np.testing.assert_array_equal(got, want)
        on_grid = np.rint(256 * target) / 256
        if (on_grid == target).all():
            assert all(len(who) == 1 for who in within.values())
            np.testing.assert_array_equal(got >= 0, in_hull(target, size))


def test_spans_cover_what_the_mask_says() -> None:
    target, _, triangles = face_like((40, 60))
    mesh = PiecewiseAffine(target, (40, 60), triangles)
    assert mesh.mask.all() and mesh.mask.shape == (40, 60)
    smaller = PiecewiseAffine(target * 0.5 + 0.25, (40, 60), triangles)
    assert smaller.mask.sum() == 20 * 30 - 20 - 30 + 1  # centres from 0.25 to 29.75 and 19.75
    assert not smaller.mask[:, 0].any() and smaller.mask[1:20, 1:30].all()


def test_ties_by_hand() -> None:
    square = np.array([(0, 0), (4, 0), (0, 4), (4, 4.0)])
    got = owners(square, np.array([[0, 1, 2], [1, 2, 3]]), (5, 5))
    y, x = np.mgrid[:5, :5]
    want = np.where(x + y < 4, 0, 1)  # the diagonal is the left edge of the second
    want[0, 4] = want[4, 0] = 0  # by the rule nobody's, and the first touches them
    np.testing.assert_array_equal(got, want)
    upper_and_lower = owners(square + np.array([0, 0.5]), np.array([[0, 1, 2], [1, 2, 3]]), (5, 5))
    assert (upper_and_lower[0] == -1).all() and (upper_and_lower[1:] >= 0).all()


def test_a_mesh_with_a_hole_and_a_notch() -> None:
    ring = np.array([(0, 0), (9, 0), (9, 9), (0, 9), (3, 3), (6, 3), (6, 6), (3, 6.0)])
    triangles = np.array([[0, 1, 4], [1, 5, 4], [1, 2, 5], [2, 6, 5], [2, 3, 6], [3, 7, 6], [3, 0, 7], [0, 4, 7]])
    got = owners(ring, triangles, (10, 10))
    assert np.argwhere(got < 0).tolist() == [[4, 4], [4, 5], [5, 4], [5, 5]]
    notch = owners(ring, triangles[1:], (10, 10))
    assert notch[0, 0] == 5 and notch[3, 3] >= 0 and (notch[0, 1:9] == -1).all()


@given(seed=st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_points_go_there_and_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target, triangles = random_mesh(rng, (30, 40), 12)
    source = target @ rng.normal(0, 1, (2, 2)) + rng.normal(0, 20, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mesh = PiecewiseAffine(target, (30, 40), triangles)
    used = np.unique(triangles)
    scale = abs(source).max() + abs(target).max()
    np.testing.assert_array_equal(mesh.map_points(target[used], source), source[used])
    weights = rng.dirichlet(np.ones(3), 200)
    chosen = triangles[rng.integers(len(triangles), size=200)]
    inside = np.einsum("ij,ijk->ik", weights, target[chosen])
    there = mesh.map_points(inside, source)
    matrix = np.linalg.lstsq(np.column_stack([target, np.ones(len(target))]), source, rcond=None)[0]
    np.testing.assert_allclose(there, np.column_stack([inside, np.ones(200)]) @ matrix, atol=1e-8 * scale)
    back = mesh.inverse_map_points(there, source)
    condition = np.linalg.cond(matrix[:2])
    np.testing.assert_allclose(back, inside, atol=1e-11 * scale * condition)
    assert np.isnan(mesh.map_points([[1e4, 0.0], [-1e4, 3]], source)).all()


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.1, 2.0])
@pytest.mark.parametrize("shift", [0.0, 3e4])
def test_points_of_the_rim_go_there_and_back(angle: float, shift: float) -> None:
    mesh = face_mesh("dlib-68", 64)
    c, s = np.cos(angle), np.sin(angle)
    source = 1.37 * mesh.target @ np.array([[c, s], [-s, c]]) + [50.1 + shift, 33.7]
    source += np.random.default_rng(7).normal(0, 0.1, source.shape)
    assert mesh.report(source).n_flipped == 0
    y, x = np.mgrid[:64, :64]
    pixels = np.stack([x.ravel(), y.ravel()], axis=1).astype(float)
    back = mesh.inverse_map_points(mesh.map_points(pixels, source), source)
    np.testing.assert_allclose(back, pixels, atol=1e-9 * (1 + shift))
    beside = np.array([(-1e-6, 30), (30, 63.00001), (-5, -5), (np.nan, 3), (np.nan, np.nan)])
    assert np.isnan(mesh.map_points(beside, source)).all()
    assert np.isnan(mesh.inverse_map_points(mesh.map_points(beside, source), source)).all()


def test_points_of_a_folded_source_belong_to_the_first_triangle() -> None:
    square = np.array([(0, 0), (4, 0), (0, 4), (4, 4.0)])
    mesh = PiecewiseAffine(square, (5, 5), [[0, 1, 2], [1, 2, 3]])
    folded = square.copy()
    folded[3] = (0.5, 0.5)  # over the first triangle
    np.testing.assert_allclose(mesh.inverse_map_points([[1.0, 1.0]], folded), [[1, 1]])
    assert mesh.report(folded).n_flipped == 1 and mesh.report(folded).flipped_area == 0.5


def test_report_by_hand() -> None:
    square = np.array([(0, 0), (4, 0), (0, 4), (4, 4.0)])
    mesh = PiecewiseAffine(square, (5, 5), [[0, 1, 2], [1, 2, 3]])
    same = mesh.report(square, (5, 5))
    assert (same.flipped_area, same.n_flipped, same.n_collapsed, same.sampled_outside) == (0, 0, 0, 0)
    assert same.anisotropy == pytest.approx(1) and same.minification == pytest.approx(1)
    wide = mesh.report(square * [6, 2], (9, 13, 3))
    assert wide.anisotropy == pytest.approx(3) and wide.minification == pytest.approx(6)
    assert wide.sampled_outside == pytest.approx(2 / 5)  # of columns 0, 6, 12, 18, 24 the last two
    mirrored = mesh.report(square * [-1, 1] + [4, 0])
    assert mirrored.flipped_area == 1 and mirrored.n_flipped == 2 and mirrored.sampled_outside is None
    line = square.copy()
    line[3] = (2, 2)
    flat = mesh.report(line)
    assert flat.n_collapsed == 1 and flat.n_flipped == 0 and np.isfinite(flat.anisotropy)
    point = mesh.report(np.ones((4, 2)))
    assert point.n_collapsed == 2 and point.anisotropy == float("inf") and point.minification == 0


def test_thin_triangles_stay_in_their_source() -> None:
    """A pixel on a triangle of no width to speak of must not be taken from the other end of the photo."""
    target = np.array([(0, 5), (10, 5), (5, 5 + 1e-9), (5, 0), (5, 10)])
    triangles = [[0, 2, 1], [0, 1, 3], [0, 4, 2], [2, 4, 1]]
    source = np.array([(0, 5), (10, 5), (5, 7), (5, 0), (5, 10.0)])
    positions = PiecewiseAffine(target, (11, 11), triangles)._mesh.positions(source)
    assert np.nanmin(positions) > -0.1 and np.nanmax(positions) < 10.1
    rounded_over = np.array([(0, 5), (10, 5), (5, 5 + 1 / 1024), (5, 0), (5, 10)])
    assert (owners(rounded_over, np.array(triangles), (11, 11))[5] >= 0).all()


def test_maps_are_the_positions() -> None:
    target, source, triangles = face_like((30, 40))
    mesh = PiecewiseAffine(target * 0.8 + 2.1, (30, 40), triangles)
    x, y = mesh.maps(source)
    assert x.dtype == y.dtype == np.float32 and x.shape == y.shape == (30, 40)
    assert (x[~mesh.mask] == -1).all() and (y[~mesh.mask] == -1).all() and not mesh.mask.all()
    rows, cols = np.nonzero(mesh.mask)
    through = mesh.map_points(np.stack([cols, rows], axis=1), source)
    known = ~np.isnan(through).any(axis=1)
    np.testing.assert_allclose(np.stack([x, y], axis=2)[mesh.mask][known], through[known], atol=1e-4)
    inside = mesh.inside(source, (60, 50))
    np.testing.assert_array_equal(inside, mesh.mask & (x >= 0) & (x <= 49) & (y >= 0) & (y <= 59))


def test_the_targets_own_triangles() -> None:
    target = np.array([(0, 0), (4, 0), (0, 4), (4, 4.0), (4, 0), (0, 0)])
    mesh = PiecewiseAffine(target, (5, 5))
    assert mesh.triangles.shape == (2, 3) and mesh.triangles.max() == 3 and mesh.mask.all()
    assert mesh.duplicates.tolist() == [[4, 1], [5, 0]]
    for points, message in [(np.zeros((4, 2)), "are equal"), (np.arange(8).reshape(4, 2), "lie on one line")]:
        with pytest.raises(ValueError, match=f"target: all 4 {message}"):
            PiecewiseAffine(points, (5, 5))
