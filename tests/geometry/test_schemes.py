"""Mean shapes and their meshes: symmetric to the bit, inside the published spread, and without a fold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from oracles import delaunay as oracle

from pyface import PiecewiseAffine
from pyface.geometry import mean_shape, mirror, solid_shape, triangulation

SCHEMES = ("dlib-68", "insightface-106")
STEPS = {"dlib-68": 20, "insightface-106": 40}

# Means of four published models, symmetrized, in distances between the eyes: jaw, brow, nose, eye, lips.
PUBLISHED = {
    0: (-1.23, -0.01, 1.00), 1: (-1.19, 0.30, 0.99), 2: (-1.14, 0.69, 0.97), 3: (-1.08, 1.00, 0.94),
    4: (-0.97, 1.27, 0.82), 5: (-0.76, 1.51, 0.60), 6: (-0.55, 1.67, 0.49), 7: (-0.29, 1.80, 0.16),
    8: (0, 1.82, -0.04), 17: (-0.92, -0.23, 0.16), 18: (-0.77, -0.31, -0.03), 19: (-0.59, -0.35, -0.14),
    20: (-0.40, -0.33, -0.22), 21: (-0.21, -0.28, -0.26), 27: (0, -0.03, -0.27), 28: (0, 0.16, -0.40),
    29: (0, 0.34, -0.51), 30: (0, 0.50, -0.61), 31: (-0.23, 0.70, -0.26), 32: (-0.11, 0.73, -0.34),
    33: (0, 0.75, -0.38), 36: (-0.70, 0, 0.07), 37: (-0.57, -0.06, -0.01), 38: (-0.43, -0.06, -0.02),
    39: (-0.29, 0.01, 0.00), 40: (-0.43, 0.05, -0.03), 41: (-0.57, 0.05, -0.01), 48: (-0.41, 1.10, -0.07),
    49: (-0.25, 1.00, -0.26), 50: (-0.12, 0.95, -0.34), 51: (0, 0.98, -0.36), 57: (0, 1.26, -0.30),
    58: (-0.12, 1.25, -0.28), 59: (-0.27, 1.20, -0.20), 60: (-0.34, 1.10, -0.09), 61: (-0.11, 1.06, -0.26),
    62: (0, 1.07, -0.28), 66: (0, 1.12, -0.28), 67: (-0.11, 1.11, -0.26),
}  # fmt: skip

# What insightface's 106 points are: Face++'s names of its 106 landmarks in alphabetical order (left is the image's).
_EDGES = ("lower", "upper")
_SIDES = [
    f"{side}_{part}"
    for side, other in (("left", "right"), ("right", "left"))
    for part in (
        *(f"eye_{name}" for name in ("bottom", "center", "left_corner", "pupil", "right_corner", "top")),
        *(f"eye_{edge}_{half}_quarter" for edge in _EDGES for half in ("left", "right")),
        f"eyebrow_{side}_corner",
        *(f"eyebrow_{edge}_{other}_corner" for edge in _EDGES),
        *(
            f"eyebrow_{edge}_{name}"
            for edge in ("lower", "upper")
            for name in ("left_quarter", "middle", "right_quarter")
        ),
    )
]
_NUMBERED = [
    f"{part.format(side)}{i}"
    for part, count in (
        ("contour_{}", 16), ("nose_{}_contour", 5),
        ("mouth_upper_lip_{}_contour", 4), ("mouth_lower_lip_{}_contour", 3),
    )
    for side in ("left", "right")
    for i in range(1, count + 1)
]  # fmt: skip
NAMES_106 = sorted(
    [
        *_SIDES, *_NUMBERED, "contour_chin", "nose_bridge1", "nose_bridge2", "nose_bridge3", "nose_tip",
        "nose_middle_contour", "mouth_left_corner", "mouth_right_corner",
        *(f"mouth_{lip}_lip_{end}" for lip in ("upper", "lower") for end in ("top", "bottom")),
    ]
)  # fmt: skip

# The points of "insightface-106" that stand where those of "dlib-68" do, in the order of these, as several projects
# convert one into the other. Lids and lips are divided otherwise: theirs are a tenth of the eye distance apart.
OF_68 = [
    1, 10, 12, 14, 16, 3, 5, 7, 0, 23, 21, 19, 32, 30, 28, 26, 17, 43, 48, 49, 51, 50, 102, 103, 104, 105, 101,
    72, 73, 74, 86, 78, 79, 80, 85, 84, 35, 41, 42, 39, 37, 36, 89, 95, 96, 93, 91, 90,
    52, 64, 63, 71, 67, 68, 61, 58, 59, 53, 56, 55, 65, 66, 62, 70, 69, 57, 60, 54,
]  # fmt: skip

# Contours of the left half that meshes must not cross.
CONTOURS = {
    "dlib-68": (
        range(9), range(17, 22), (27, 28, 29, 30), (31, 32, 33), (36, 37, 38, 39, 40, 41, 36),
        (51, 50, 49, 48, 59, 58, 57), (62, 61, 60, 67, 66),
    ),
    "insightface-106": (
        (1, *range(9, 17), *range(2, 9), 0), (43, 48, 49, 51, 50, 46, 47, 45, 44, 43), (72, 73, 74, 86),
        range(75, 81), (35, 41, 40, 42, 39, 37, 33, 36, 35), (71, 63, 64, 52, 55, 56, 53), (62, 66, 65, 54, 60),
    ),
}  # fmt: skip


def signed(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Twice the areas of triangles, negative where they are turned over."""
    (ux, uy), (vx, vy) = (b - a).T, (c - a).T
    areas: np.ndarray = ux * vy - uy * vx
    return areas


def test_the_68_points_are_a_face_and_their_own_mirror_image() -> None:
    shape, order = mean_shape("dlib-68"), mirror("dlib-68")
    solid = solid_shape("dlib-68")
    assert shape.shape == (68, 2) and np.flatnonzero(order == np.arange(68)).tolist() == [
        8, 27, 28, 29, 30, 33, 51, 57, 62, 66,
    ]  # fmt: skip
    pairs = {0: 16, 17: 26, 31: 35, 36: 45, 37: 44, 40: 47, 41: 46, 48: 54, 59: 55, 60: 64, 67: 65}
    assert [order[i] for i in pairs] == list(pairs.values())
    for i, published in PUBLISHED.items():
        assert np.abs(solid[i] - published).max() <= 0.055, i
        assert np.abs(shape[i] - published[:2]).max() <= 0.035, i
    assert len(np.unique(shape, axis=0)) == 68


def test_the_106_points_are_where_their_names_say() -> None:
    shape, order = mean_shape("insightface-106"), mirror("insightface-106")
    assert shape.shape == (106, 2) and len(NAMES_106) == len(set(NAMES_106)) == 106
    at = {name: i for i, name in enumerate(NAMES_106)}
    for name, i in at.items():
        assert order[i] == at[name.replace("left", "?").replace("right", "left").replace("?", "right")], name
    point = {name: shape[i] for name, i in at.items()}
    for side, sign in (("left", -1), ("right", 1)):
        for name in NAMES_106:
            if (
                name.startswith((f"{side}_", f"contour_{side}", f"nose_{side}", f"mouth_{side}"))
                or f"lip_{side}" in name
            ):
                assert sign * point[name][0] > 0, name
        contour = np.array([*(point[f"contour_{side}{i}"] for i in range(1, 17)), point["contour_chin"]])
        assert (np.diff(contour[:, 1]) >= 0).all() and (sign * np.diff(contour[:, 0]) <= 0).all()
        steps = np.linalg.norm(np.diff(contour, axis=0), axis=1)
        assert steps.max() < 1.4 * steps.min()  # one contour, without a point out of its turn
        for part, heights in (("eye", ("upper", "lower")), ("eyebrow", ("upper", "lower"))):
            for half in ("left", "right"):
                upper, lower = (point[f"{side}_{part}_{height}_{half}_quarter"] for height in heights)
                assert 0 < lower[1] - upper[1] < 0.15 and abs(lower[0] - upper[0]) < 0.04
            assert point[f"{side}_{part}_upper_left_quarter"][0] < point[f"{side}_{part}_upper_right_quarter"][0]
        np.testing.assert_array_equal(point[f"{side}_eye_center"], point[f"{side}_eye_pupil"])
    middle = ["nose_bridge1", "nose_bridge2", "nose_bridge3", "nose_tip", "nose_middle_contour", "mouth_upper_lip_top"]
    middle += ["mouth_upper_lip_bottom", "mouth_lower_lip_top", "mouth_lower_lip_bottom", "contour_chin"]
    column = np.array([point[name] for name in middle])
    assert (column[:, 0] == 0).all() and (np.diff(column[:, 1]) > 0).all()
    assert len(np.unique(shape, axis=0)) == 104  # two pupils


def test_both_schemes_are_one_face() -> None:
    assert sorted(set(OF_68)) == sorted(OF_68) and len(OF_68) == 68
    apart = np.linalg.norm(mean_shape("insightface-106")[OF_68] - mean_shape("dlib-68"), axis=1)
    assert apart.max() <= 0.1 + 1e-9 and np.sqrt(np.mean(apart**2)) < 0.05
    np.testing.assert_array_equal(mirror("insightface-106")[OF_68], np.array(OF_68)[mirror("dlib-68")])
    apart = np.abs(solid_shape("insightface-106")[OF_68, 2] - solid_shape("dlib-68")[:, 2])
    assert apart.max() <= 0.125 and np.sqrt(np.mean(apart**2)) < 0.05  # most along the edges of brows and jaw


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_face_in_space_is_the_mean_shape_seen_from_the_front(scheme: str) -> None:
    solid, order = solid_shape(scheme), mirror(scheme)
    np.testing.assert_array_equal(solid[:, :2], mean_shape(scheme))
    np.testing.assert_array_equal(solid[order] * [-1, 1, 1] + 0.0, solid)
    np.testing.assert_array_equal(solid * STEPS[scheme], np.rint(solid * STEPS[scheme]))
    tip = {"dlib-68": 30, "insightface-106": 86}[scheme]
    assert solid[:, 2].argmin() == tip and solid[tip, 2] == -0.6


@pytest.mark.parametrize("scheme", SCHEMES)
def test_shapes_are_symmetric_in_whole_steps(scheme: str) -> None:
    shape, order = mean_shape(scheme), mirror(scheme)
    assert shape.dtype == np.float64 and order.dtype == np.int64
    assert order[order].tolist() == list(range(len(shape)))
    np.testing.assert_array_equal(shape[order], shape * [-1, 1])
    np.testing.assert_array_equal(shape, np.round(shape * STEPS[scheme]) / STEPS[scheme])
    lids = CONTOURS[scheme][4][:-1]
    np.testing.assert_allclose(shape[list(lids)].mean(axis=0), [-0.5, 0], atol=1e-15)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_mesh_is_its_own_mirror_image_and_has_no_fold(scheme: str) -> None:
    shape, order, triangles = mean_shape(scheme), mirror(scheme), triangulation(scheme)
    assert triangles.dtype == np.int32
    rows = [tuple(t) for t in triangles.tolist()]
    assert rows == sorted(rows) and all(t[0] == min(t) for t in rows)
    pupils = {38, 92} if scheme == "insightface-106" else set()
    assert set().union(*rows) == set(range(len(shape))) - pupils
    sets = {frozenset(t) for t in rows}
    assert len(sets) == len(rows) and {frozenset(order[list(t)].tolist()) for t in rows} == sets
    p = [(round(STEPS[scheme] * x), round(STEPS[scheme] * y)) for x, y in shape.tolist()]
    assert all(oracle.orient(*(p[i] for i in t)) > 0 for t in rows)
    edges = [(t[i - 1], t[i]) for t in rows for i in range(3)]
    assert len(set(edges)) == len(edges)
    # Nothing is covered twice, and of the convex hull only the strip between the brows is not covered.
    corners, _ = oracle.hull(p)
    hull = sum(oracle.orient((0, 0), a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True))
    high, low = {"dlib-68": (20, 21), "insightface-106": (51, 50)}[scheme]
    strip = oracle.orient(p[high], p[order[high]], p[order[low]]) + oracle.orient(p[high], p[order[low]], p[low])
    assert strip > 0 and sum(oracle.orient(*(p[i] for i in t)) for t in rows) == hull - strip


@pytest.mark.parametrize("scheme", SCHEMES)
def test_contours_are_edges_of_the_mesh(scheme: str) -> None:
    edges = {frozenset((t[i - 1], t[i])) for t in triangulation(scheme).tolist() for i in range(3)}
    for contour in CONTOURS[scheme]:
        missing = [pair for pair in pairwise(contour) if frozenset(pair) not in edges]
        assert not missing, missing


@pytest.mark.parametrize("scheme", SCHEMES)
def test_contours_bulge_so_that_no_sliver_lies_along_them(scheme: str) -> None:
    # A triangle of two neighbours and the next but one turns over with every breath of a landmark.
    shape, contour = mean_shape(scheme), list(CONTOURS[scheme][0])
    whole = np.round(shape[contour] * STEPS[scheme])
    assert (signed(whole[:-2], whole[1:-1], whole[2:]) <= 0).all()


def test_no_triangle_reaches_from_lip_to_lip() -> None:
    # But for those of the gap between them, which has the inner contour's points alone.
    for scheme, upper, lower in (
        ("dlib-68", {*range(49, 54), 61, 62, 63}, {*range(55, 60), 65, 66, 67}),
        ("insightface-106", *({i for i, n in enumerate(NAMES_106) if f"{lip}_lip" in n} - {65, 69} for lip in _EDGES)),
    ):
        order = mirror(scheme)
        inner = {*CONTOURS[scheme][6], *order[list(CONTOURS[scheme][6])].tolist()}
        for t in map(set, triangulation(scheme).tolist()):
            assert not (t & upper and t & lower) or t <= inner, (scheme, t)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_warp_takes_the_mesh_and_the_pupils_move_nothing(scheme: str) -> None:
    target = 40 * mean_shape(scheme) + [56, 30]
    mesh = PiecewiseAffine(target, size=(112, 112), triangles=triangulation(scheme))
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    warped = mesh.warp(image, target)
    np.testing.assert_array_equal(warped[mesh.mask], image[mesh.mask])
    np.testing.assert_array_equal(mesh.mask[:, 1:], mesh.mask[:, :0:-1])  # mirrored about x = 56
    if scheme == "insightface-106":
        aside = target.copy()
        aside[[38, 92]] += [3, 0]
        np.testing.assert_array_equal(mesh.warp(image, aside), warped)


def test_refusals() -> None:
    for function in (mean_shape, mirror, triangulation):
        with pytest.raises(ValueError, match="scheme must be one of 'dlib-68', 'insightface-106'"):
            function("dlib-5")
        with pytest.raises(TypeError, match="scheme must be a string"):
            function(68)  # type: ignore[arg-type]
