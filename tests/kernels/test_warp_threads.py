"""Warps and crops beside other threads: the GIL, one mesh for all of them, and Ctrl-C."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from interrupts import NEEDS_SIGNALS, stops
from warp_meshes import face_like, noise

from pyface import PiecewiseAffine, _core

LARGE = np.array([(0, 0), (1499, 0), (0, 1499), (1499, 1499.0)])


# The raw bindings: NumPy and the search for free memory, in the functions above them, give the GIL away, too.
def long_warp() -> Callable[[], object]:
    image, out, sources = noise(1500, 1500), np.empty((1, 1500, 1500), np.uint8), LARGE[None, ::-1].copy()
    mesh = PiecewiseAffine(LARGE, (1500, 1500), [[0, 1, 2], [1, 2, 3]])
    options = {"linear": True, "antialias": False, "border": "constant", "fill": [0.0], "n_threads": 1}
    return lambda: mesh._mesh.warp([image], sources, out, **options)


def long_crops() -> Callable[[], object]:
    image, out = noise(1500, 1500), np.empty((1, 1500, 1500, 1), np.uint8)
    matrix = np.array([[[0.6, 0.8, 0], [-0.8, 0.6, 900]]])
    options = {"border": "reflect", "fill": [0.0], "antialias": False, "n_threads": 1}
    return lambda: _core.affine_crops(image, matrix, out, **options)


def long_points() -> Callable[[], object]:
    target = np.random.default_rng(0).uniform(0, 99, (400, 2))
    mesh, points = PiecewiseAffine(target, (100, 100)), np.full((9000, 2), -1.0)
    return lambda: mesh._mesh.map_points(points, target, back=False)


@pytest.mark.parametrize("work", [long_warp, long_crops, long_points])
def test_other_threads_go_on_meanwhile(work: Callable[[], Callable[[], object]]) -> None:
    call, count, stop = work(), 0, threading.Event()

    def other() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            time.sleep(1e-4)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # seconds: the GIL changes hands only where one gives it away
    thread = threading.Thread(target=other)
    try:
        thread.start()
        limit = time.monotonic() + 600
        moved = False
        while not moved and time.monotonic() < limit:  # on a busy machine the other thread may miss many calls
            start = count
            call()
            moved = count > start
    finally:
        sys.setswitchinterval(before)
        stop.set()
        thread.join()
    assert moved


def test_one_mesh_in_four_threads_at_once() -> None:
    size = (60, 70)
    target, source, triangles = face_like(size)
    mesh = PiecewiseAffine(target, size, triangles)
    sources = source + np.random.default_rng(1).normal(0, 3, (24, 1, 2))
    images = [noise(120 + i, 140, 3, seed=i) for i in range(24)]
    points = np.random.default_rng(2).uniform(0, 60, (200, 2))
    want = [mesh.warp(image, at, border="reflect") for image, at in zip(images, sources, strict=True)]
    mapped = mesh.map_points(points, source)
    start = threading.Barrier(4)

    def work(n_threads: int) -> None:
        start.wait()
        for _ in range(5):
            got = mesh.warp_many(images, sources, border="reflect", n_threads=n_threads)
            np.testing.assert_array_equal(got, want)
            np.testing.assert_array_equal(mesh.warp(images[3], sources[3], border="reflect"), want[3])
            np.testing.assert_array_equal(mesh.map_points(points, source), mapped)
            assert mesh.report(source) == PiecewiseAffine(target, size, triangles).report(source)

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work, n_threads) for n_threads in (1, 2, 1, 3)]:
            future.result()


# Each face and each crop is the mean over a large photo; each point is looked for in all triangles.
LONG_KERNELS = {
    "warp_many": "mesh.warp_many(image, sources, antialias=True, n_threads={t})",
    "affine_crops": "affine_crops(image, matrices, (8, 8), antialias=True, n_threads={t})",
    "map_points": "many.map_points(points, many.target)",
}
SETUP = """
import numpy as np
from pyface import PiecewiseAffine
from pyface.kernels.crops import affine_crops
random = np.random.default_rng(0)
image = random.integers(0, 256, (1500, 1500), dtype=np.uint8)
corners = np.array([(0, 0), (7, 0), (0, 7), (7, 7.0)])
mesh, sources = PiecewiseAffine(corners, (8, 8)), np.tile(200 * corners, (50_000, 1, 1))
matrices = np.tile(np.array([(180.0, 0, 90), (0, 180, 90)]), (50_000, 1, 1))
many, points = PiecewiseAffine(random.uniform(0, 99, (700, 2)), (100, 100)), np.full((3_000_000, 2), -1.0)
"""


@NEEDS_SIGNALS
@pytest.mark.parametrize(
    ("kernel", "n_threads"), [("warp_many", 1), ("warp_many", 2), ("affine_crops", 1), ("affine_crops", 2),
                              ("map_points", 1)]
)  # fmt: skip
def test_ctrl_c_stops_a_long_kernel(kernel: str, n_threads: int) -> None:
    assert stops(SETUP, LONG_KERNELS[kernel].format(t=n_threads)) == "stopped"
