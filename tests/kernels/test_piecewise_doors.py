"""Bad input of the piecewise-affine warp, through both doors."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import numpy as np
import pytest
from warp_meshes import face_like, noise

import pyface
from pyface import PiecewiseAffine, _core, _memory

SIZE = (20, 24)
TARGET, SOURCE, TRIANGLES = face_like(SIZE)
MESH = PiecewiseAffine(TARGET, SIZE, TRIANGLES)
IMAGE = noise(40, 48, 3)
SQUARE = np.array([(0, 0), (4, 0), (0, 4), (4, 4.0)])


def changed(points: np.ndarray, row: int, value: float) -> np.ndarray:
    points = points.copy()
    points[row, 1] = value
    return points


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((TARGET[:2], SIZE), ValueError, "at least 3 points, got 2"),
        ((np.empty((0, 2)), SIZE), ValueError, "at least 3 points, got 0"),
        ((np.arange(8.0).reshape(4, 2), SIZE, [[0, 1, 2], [1, 2, 3]]), ValueError, "must not lie on one line"),
        ((changed(TARGET, 3, np.nan), SIZE), ValueError, "target: row 3 is not finite"),
        ((changed(TARGET, 3, -2e6), SIZE), ValueError, "target: row 3 is not finite or beyond 1e+06 pixels"),
        ((TARGET.T, SIZE), ValueError, "target must have shape (n, 2), got (2, 76)"),
        ((["a", "b"], SIZE), TypeError, "target must be numbers of shape (n, 2)"),
        ((TARGET, (0, 5)), ValueError, "the height in size must be at least 1, got 0"),
        ((TARGET, (5, 32_768)), ValueError, "the width in size must be at most 32767 pixels a side, got 32768"),
        ((TARGET, 112), TypeError, "size must be (height, width), got 112"),
        ((TARGET, (5.0, 5)), TypeError, "the height in size must be an integer"),
        ((SQUARE, SIZE, [[0, 1, 4]]), ValueError, "triangles: row 0 names point 4, but there are 4 points"),
        ((SQUARE, SIZE, [[0, 1, 2], [-1, 2, 3]]), ValueError, "triangles: row 1 names a point that does not exist"),
        ((SQUARE, SIZE, [[0, 1, 2], [1, 1, 3]]), ValueError, "triangles: row 1 names point 1 twice"),
        ((SQUARE, SIZE, [[0, 1, 2], [0, 1, 3]]), ValueError, "triangles: row 1 is folded over row 0"),
        ((SQUARE, SIZE, [[0, 1, 2], [2, 1, 0]]), ValueError, "triangles: row 1 is folded over row 0"),
        (([*SQUARE, (6, 6)], SIZE, [[0, 1, 2], [1, 2, 3], [1, 2, 4]]), ValueError, "row 2 is the third at the edge"),
        ((SQUARE, SIZE, [[0.0, 1, 2]]), TypeError, "triangles must be integers"),
        ((SQUARE, SIZE, np.empty((0, 3), int)), ValueError, "triangles must have shape (t, 3), t at least 1"),
        ((SQUARE, SIZE, [[0, 1]]), ValueError, "triangles must have shape (t, 3)"),
    ],
)  # fmt: skip
def test_meshes_that_are_none(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        PiecewiseAffine(*arguments)


def test_flat_triangles_are_legal() -> None:
    flat = np.array([(0, 0), (2, 0), (4, 0), (0, 4), (4, 4.0)])
    mesh = PiecewiseAffine(flat, (5, 5), [[0, 1, 2], [0, 1, 3], [1, 2, 4], [1, 4, 3]])
    assert mesh.mask.all() and mesh.report(flat).n_collapsed == 0


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        (IMAGE[:, :, :2], {}, ValueError, "image must have shape (h, w) or (h, w, c) with 1, 3 or 4 channels"),
        (IMAGE[None], {}, ValueError, "image must have shape (h, w) or (h, w, c)"),
        (IMAGE[:0], {}, ValueError, "image is empty"),
        (np.zeros((1, 32_768), np.uint8), {}, ValueError, "at most 32,767 pixels a side"),
        (
            IMAGE.astype(float),
            {},
            TypeError,
            "image must be a NumPy array of uint8 or float32, got an array of float64",
        ),
        (IMAGE.tolist(), {}, TypeError, "image must be a NumPy array"),
        (IMAGE, {"interpolation": "cubic"}, ValueError, "interpolation must be one of 'linear', 'nearest'"),
        (IMAGE, {"border": "wrap"}, ValueError, "border must be one of 'constant', 'replicate', 'reflect'"),
        (IMAGE, {"antialias": 1}, TypeError, "antialias must be True or False"),
        (IMAGE, {"fill": 256}, ValueError, "fill must be whole numbers from 0 to 255"),
        (IMAGE, {"fill": 0.5}, ValueError, "fill must be whole numbers from 0 to 255"),
        (IMAGE, {"fill": (1, 2)}, ValueError, "fill must be one number or 3, got 2"),
        (IMAGE.astype(np.float32), {"fill": 1e300}, ValueError, "fill must fit float32"),
        (IMAGE, {"fill": "black"}, TypeError, "fill must be numbers"),
        (IMAGE, {"out": np.empty((20, 24), np.uint8)}, ValueError, "out must have shape (20, 24, 3)"),
        (IMAGE, {"out": np.empty((20, 24, 3), np.float32)}, TypeError, "out must have dtype uint8"),
        (IMAGE, {"out": IMAGE[:20, :24]}, ValueError, "out must be C-contiguous"),
    ],
)
def test_images_and_options(image: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        MESH.warp(image, SOURCE, **options)


@pytest.mark.parametrize("call", ["warp", "maps", "report", "map_points", "inverse_map_points", "inside"])
def test_sources(call: str) -> None:
    def run(source: Any) -> Any:
        first = {"warp": [IMAGE], "map_points": [SOURCE], "inverse_map_points": [SOURCE]}.get(call, [])
        return getattr(MESH, call)(*first, source, *([(40, 48)] if call == "inside" else []))

    run(SOURCE.astype(int).tolist())
    with pytest.raises(ValueError, match="source must have 76 points like target, got 75"):
        run(SOURCE[1:])
    with pytest.raises(ValueError, match="source: row 7 is not finite or beyond 1e\\+09 pixels"):
        run(changed(SOURCE, 7, np.inf))
    with pytest.raises(TypeError, match="source must be numbers"):
        run(None)


def test_many() -> None:
    sources = np.stack([SOURCE, SOURCE])
    for images, bad, message in [
        ([], sources, "images must hold at least one image"),
        ([IMAGE], sources, "one for each of the 2 faces of sources, got 1"),
        ([IMAGE, IMAGE[:, :, 0]], sources, "dtype and channels must be the same"),
        ([IMAGE, IMAGE.astype(np.float32)], sources, "images[1] has float32"),
        ([IMAGE, IMAGE[:, :, :2]], sources, "images[1] must have shape"),
        (IMAGE, SOURCE, "sources must have shape (m, 76, 2), got (76, 2)"),
        (IMAGE, np.stack([SOURCE, changed(SOURCE, 4, np.nan)]), "sources: point 4 of face 1 is not finite"),
    ]:
        with pytest.raises(ValueError, match=re.escape(message)):
            MESH.warp_many(images, bad)
    with pytest.raises(TypeError, match="images must be an array or a list"):
        MESH.warp_many(7, sources)
    with pytest.raises(ValueError, match="n_threads"):
        MESH.warp_many(IMAGE, sources, n_threads=0)


def test_layouts_change_nothing() -> None:
    want = MESH.warp(IMAGE, SOURCE)
    read_only = IMAGE.copy()
    read_only.flags.writeable = False
    wide = noise(40, 96, 3)
    wide[:, ::2] = IMAGE
    for image in (read_only, np.asfortranarray(IMAGE), IMAGE[::-1].copy()[::-1], wide[:, ::2]):
        np.testing.assert_array_equal(MESH.warp(image, SOURCE), want)
    np.testing.assert_array_equal(pyface.piecewise_affine(IMAGE, SOURCE, TARGET, size=SIZE, triangles=TRIANGLES), want)
    out = np.empty_like(want)
    assert MESH.warp(IMAGE, np.asfortranarray(SOURCE), out=out) is out
    np.testing.assert_array_equal(out, want)
    large = noise(100, 48, 3)
    with pytest.raises(ValueError, match="out must not share memory"):
        MESH.warp(large, SOURCE, out=large.reshape(-1)[: want.size].reshape(want.shape))
    for array in (MESH.mask, MESH.target, MESH.triangles, MESH.duplicates):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_copies_are_the_mesh() -> None:
    made = PiecewiseAffine(np.vstack([TARGET, TARGET[:1]]), SIZE)
    source = np.vstack([SOURCE, SOURCE[:1]])
    for other in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
        np.testing.assert_array_equal(other.warp(IMAGE, source), made.warp(IMAGE, source))
        assert repr(other) == repr(made) and other.duplicates.tolist() == made.duplicates.tolist() != []
        with pytest.raises(ValueError, match="read-only"):
            other.target[0] = 0


def test_what_is_too_large_is_refused_first(monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = PiecewiseAffine(SQUARE, (2000, 2000))
    monkeypatch.setattr(_memory, "available", lambda: 10_000_000)
    for call, words in [
        (lambda: PiecewiseAffine(SQUARE, (2000, 2000)), "a mesh of 2000 x 2000 pixels takes 19 MiB"),
        (lambda: mesh.maps(SQUARE), "the positions of 2000 x 2000 pixels takes 122 MiB"),
        (lambda: mesh.inside(SQUARE, (9, 9)), "use a mesh of a smaller size"),
        (lambda: mesh.report(SQUARE, (9, 9)), "use a mesh of a smaller size"),
        (lambda: mesh.warp(np.zeros((9, 9, 4), np.float32), SQUARE), "use a mesh of a smaller size"),
    ]:
        with pytest.raises(MemoryError, match=words):
            call()


@pytest.mark.parametrize("shape", [5, None, (5,), "ab", IMAGE])
def test_a_shape_is_two_numbers(shape: object) -> None:
    for call in (MESH.inside, MESH.report):
        if shape is None and call == MESH.report:
            continue
        with pytest.raises(TypeError, match=r"shape must be \(H, W\) or|the height in shape must be an integer"):
            call(SOURCE, shape)


def test_the_second_gate() -> None:
    mesh = _core.WarpMesh(SQUARE, np.array([[0, 1, 2]], np.int32), 5, 5)
    good: dict[str, Any] = {
        "images": [IMAGE], "sources": SQUARE[None], "out": np.empty((1, 5, 5, 3), np.uint8), "linear": True,
        "antialias": False, "border": "constant", "fill": [0.0, 0, 0], "n_threads": 1,
    }  # fmt: skip
    mesh.warp(**good)
    for bad in (
        {"images": []}, {"images": [IMAGE, IMAGE]}, {"images": [IMAGE[:, :, :2].copy()], "fill": [0.0, 0]},
        {"images": [IMAGE[:0]]}, {"sources": SQUARE[None, :3]}, {"sources": SQUARE[None] * np.nan},
        {"sources": SQUARE[None] + 1e10}, {"out": np.empty((1, 5, 4, 3), np.uint8)},
        {"out": np.empty((1, 5, 5), np.uint8)}, {"border": "wrap"}, {"fill": [0.0]}, {"fill": [0.0, 0, 256]},
        {"fill": [0.0, 0, np.nan]}, {"n_threads": 0}, {"images": [np.zeros((1, 32_768, 3), np.uint8)]},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"must|one image"):
            mesh.warp(**(good | bad))
    for bad in ({"images": [IMAGE[::2]]}, {"images": [IMAGE.astype(float)]}, {"sources": SQUARE[None].astype(int)}):
        with pytest.raises(TypeError):
            mesh.warp(**(good | bad))
    triangle = np.array([[0, 1, 2]], np.int32)
    for bad_mesh in (
        (SQUARE, triangle + 2, 5, 5), (SQUARE, triangle - 1, 5, 5), (SQUARE, triangle, 0, 5),
        (SQUARE, triangle, 5, 40_000), (SQUARE * np.nan, triangle, 5, 5), (SQUARE + 1e7, triangle, 5, 5),
        (SQUARE[:, :1].copy(), triangle, 5, 5), (SQUARE, triangle[:, :2].copy(), 5, 5),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"must|triangles: row"):
            _core.WarpMesh(*bad_mesh)
    for name in ("positions", "coefficients"):
        with pytest.raises(ValueError, match="source must"):
            getattr(mesh, name)(SQUARE[:3])
    with pytest.raises(ValueError, match="points must"):
        mesh.map_points(np.zeros((2, 3)), SQUARE, back=True)
