"""What docs/how-it-works/warp.md says beside its pictures is what the scripts that draw them compute."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pyface import PiecewiseAffine, geometry

DOCS = Path(__file__).resolve().parents[1] / "docs"
PICTURES = DOCS / "how-it-works" / "pictures"
MODULES = ["warp_face", "warp_folds", "warp_seams", "warp_large", "warp_peers"]

if not PICTURES.exists():
    pytest.skip("the documents are not part of a wheel", allow_module_level=True)


@pytest.fixture(scope="module")
def drawn() -> Iterator[SimpleNamespace]:
    """The scripts, which import each other by their bare names and put bench/ on the path."""
    for module in ("cv2", "skimage", "matplotlib"):
        if find_spec(module) is None:
            pytest.skip(f"needs {module}: pip install 'pyface-toolkit[models,demo]'")
    before = sys.path.copy()
    sys.path.insert(0, str(PICTURES))
    yield SimpleNamespace(**{name: import_module(name) for name in MODULES})
    sys.path[:] = before
    for name in MODULES:
        del sys.modules[name]


@pytest.fixture(scope="module")
def face(drawn: SimpleNamespace) -> SimpleNamespace:
    """The warps of the picture, the exact one, and what they were made from."""
    for module in ("onnxruntime", "onnx", "face_recognition_models"):
        if find_spec(module) is None:
            pytest.skip(f"needs {module} for the landmarks of a photo: pip install 'pyface-toolkit[models,dlib]'")
    made, exact = drawn.warp_seams.warps()
    target, source = drawn.warp_face.layout(drawn.warp_seams.SIDE, drawn.warp_seams.EYES)
    return SimpleNamespace(made=made, exact=exact, target=target, source=source)


def table(first: str) -> list[list[str]]:
    """The cells of the table of warp.md whose heading begins with this cell."""
    text = (DOCS / "how-it-works" / "warp.md").read_text(encoding="utf-8")
    rows = re.search(rf"^\| {first} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert rows, f"warp.md has no table that begins with {first}"
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1].splitlines()]


def words() -> str:
    """The text of warp.md on one line."""
    return " ".join((DOCS / "how-it-works" / "warp.md").read_text(encoding="utf-8").split())


def test_the_table_of_a_turning_head_is_the_report(drawn: SimpleNamespace) -> None:
    rows = table("yaw")
    assert len(rows) >= 10
    reports = drawn.warp_folds.reports([float(row[0]) for row in rows])
    for row, r in zip(rows, reports, strict=True):
        said = [f"{100 * r.flipped_area:.1f} %", str(r.n_flipped), str(r.n_collapsed), f"{r.anisotropy:.1f}"]
        assert row[1:] == said, f"yaw {row[0]}"


def test_the_other_heads_of_the_text(drawn: SimpleNamespace) -> None:
    text = words()
    back, forward = ([100 * r.flipped_area for r in drawn.warp_folds.reports((35, 45), jaw)] for jaw in (0.2, -0.2))
    assert f"farther back {back[0]:.1f} % have turned over at 35 degrees" in text
    assert f"farther forward {forward[0]:.1f} %; at 45 degrees it is {back[1]:.1f} and {forward[1]:.1f} %" in text


def test_the_head_is_the_mean_shape_and_turns_to_both_sides_alike(drawn: SimpleNamespace) -> None:
    folds = drawn.warp_folds
    head, order = folds.head(), geometry.mirror("dlib-68")
    np.testing.assert_array_equal(head[order], head * [-1, 1, 1])
    np.testing.assert_array_equal(folds.turned(0)[:, :2], geometry.mean_shape("dlib-68"))
    assert head[30, 2] == head[:, 2].min()  # the tip of the nose is nearest, an ear farthest
    assert head[0, 2] == head[:, 2].max()
    assert folds.turned(30)[30, 0] > 0  # to the right
    for one, other in zip(folds.reports((20, 33, 47)), folds.reports((-20, -33, -47)), strict=True):
        assert (one.n_flipped, one.n_collapsed) == (other.n_flipped, other.n_collapsed)
        assert one.flipped_area == pytest.approx(other.flipped_area, rel=1e-12)
        assert one.anisotropy == pytest.approx(other.anisotropy, rel=1e-9)
    for yaw in (10, 30, 45, 70):
        points = folds.pixels(folds.turned(yaw))
        assert folds.flipped(points).sum() == folds.frontal().report(points).n_flipped


def test_the_table_of_seams_is_what_the_warps_are_off(drawn: SimpleNamespace, face: SimpleNamespace) -> None:
    """Within a fifth for others, whose versions differ: OpenCV rounds positions up to version 4."""
    rows = {row[0]: [float(cell.removesuffix(" %")) for cell in row[1:]] for row in table("warp")}
    assert rows.keys() == face.made.keys()
    for name, (most, mean, beyond) in rows.items():
        got = drawn.warp_seams.off(face.made[name], face.exact)
        if name == "pyface":
            assert got.most < 1e-4 and got.mean < 1e-5 and got.beyond_one == 0
            assert most < 1e-4 and mean < 1e-5 and beyond == 0
        else:
            assert got == pytest.approx((most, mean, beyond / 100), rel=0.2), name


def test_antialias_is_nearer_to_the_mean_of_each_pixel(drawn: SimpleNamespace, face: SimpleNamespace) -> None:
    made, mean = drawn.warp_large.warps()
    plain, smooth = (abs(warped - mean).mean() for warped in made.values())
    assert f"({smooth:.1f} grey levels off instead of {plain:.1f})" in words()


def test_nothing_of_the_frontal_face_is_turned_over(drawn: SimpleNamespace, face: SimpleNamespace) -> None:
    assert drawn.warp_folds.frontal().report(face.source[:68]).n_flipped == 0
    assert "though none of the frontal photo above is" in words()


def test_bytes_are_off_by_their_rounding_alone(drawn: SimpleNamespace, face: SimpleNamespace) -> None:
    side = drawn.warp_seams.SIDE
    warped = PiecewiseAffine(face.target, (side, side)).warp(drawn.warp_face.photo(), face.source)
    assert abs(warped - face.exact).max() <= 0.501


def test_what_the_recipe_does_to_a_white_photo(drawn: SimpleNamespace, face: SimpleNamespace) -> None:
    import cv2

    side = drawn.warp_seams.SIDE
    mesh = PiecewiseAffine(face.target, (side, side))
    white = np.full_like(drawn.warp_face.photo(), 255)
    recipe = drawn.warp_peers.recipe
    dark = recipe(white, face.source, face.target, mesh.triangles, side, cv2.BORDER_CONSTANT) < 128
    assert 0.005 < dark.any(axis=2).mean() < 0.02  # 1.1 % in the text
    assert (recipe(white, face.source, face.target, mesh.triangles, side) > 254.9).all()  # wrong, but not dark
    assert (mesh.warp(white, face.source) == 255).all()
    mask, smooth = np.zeros((30, 30), np.float32), np.zeros((30, 30), np.uint8)
    for picture, full in ((mask, 1), (smooth, 255)):
        cv2.fillConvexPoly(picture, np.array([(1, 2), (26, 9), (8, 27)]), full, cv2.LINE_AA)
    assert set(np.unique(mask)) == {0, 1} and len(np.unique(smooth)) > 10


def test_scikit_image_differs_by_its_triangles_alone(drawn: SimpleNamespace, face: SimpleNamespace) -> None:
    side = drawn.warp_seams.SIDE
    mesh = PiecewiseAffine(face.target, (side, side))

    def rows(triangles: np.ndarray) -> list[tuple[int, ...]]:
        return [tuple(sorted(row)) for row in np.asarray(triangles).tolist()]

    made = drawn.warp_peers.fit(face.target, face.source)
    there, back = set(rows(made._tesselation.simplices)), set(rows(made._inverse_tesselation.simplices))
    own = rows(mesh.triangles)
    other = np.array([row not in there for row in own])
    assert 0 < other.sum() <= 16 and len(there - back) > 20  # 8 and 37 in the text
    error = abs(face.made["scikit-image"] - face.exact).max(axis=2)
    assert error[~other[mesh._mesh.owners()]].max() < 1e-9


def test_maps_outside_the_mesh_are_the_border(drawn: SimpleNamespace, face: SimpleNamespace) -> None:
    import cv2

    side = drawn.warp_seams.SIDE
    mesh = PiecewiseAffine(face.target[:68], (side, side), geometry.triangulation("dlib-68"))
    maps = mesh.maps(face.source[:68])
    for interpolation in (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4):
        warped = cv2.remap(drawn.warp_face.photo(), *maps, interpolation, borderMode=cv2.BORDER_CONSTANT)
        assert not warped[~mesh.mask].any()
    warped = cv2.remap(drawn.warp_face.photo(), *maps, cv2.INTER_LINEAR)
    assert abs(warped.astype(int) - mesh.warp(drawn.warp_face.photo(), face.source[:68])).max() <= 6
