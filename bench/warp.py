"""Piecewise-affine warps against scikit-image, the per-triangle recipe with OpenCV, and one cv2.remap.

    PYFACE_NUM_THREADS=1 python bench/warp.py

68 points and eight on the frame, uint8 RGB, photo of twice the size; one thread on each side, except where it says two.
The least of several rounds counts. The picture of each peer is compared with ours: cv2.remap rounds positions to 1/32
pixel up to OpenCV 4, so that smooth pictures differ by some levels at most.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from common import machine
from numpy.typing import NDArray
from skimage import transform
from warp_peers import fit, recipe, usual_recipe

from pyface import PiecewiseAffine

SIZES = (112, 256, 1024)
FACES = 1000


def least(call: Callable[[], Any], seconds: float = 1.0) -> float:
    """The least time of one call, in seconds, over rounds of at least ``seconds`` in all, three at least."""
    call()
    best, n, since = float("inf"), 0, time.perf_counter()
    while n < 3 or time.perf_counter() - since < seconds:
        begin = time.perf_counter()
        call()
        best, n = min(best, time.perf_counter() - begin), n + 1
    return best


def face(side: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8]]:
    """(target, source, photo): points in an ellipse and on the frame, and a smooth photo of twice the side."""
    rng = np.random.default_rng(seed)
    radius, angle = np.sqrt(rng.uniform(0.02, 1, 68)), rng.uniform(0, 2 * np.pi, 68)
    frame = np.array([(x, y) for y in (0, 0.5, 1) for x in (0, 0.5, 1) if (x, y) != (0.5, 0.5)])
    unit = np.concatenate([0.5 + 0.4 * np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), frame])
    source = (0.1 + 0.8 * (unit + rng.normal(0, 0.004, unit.shape))) * (2 * side - 1)
    noise = rng.integers(0, 256, (2 * side // 16 + 1, 2 * side // 16 + 1, 3)).astype(np.uint8)
    return unit * (side - 1), source, cv2.resize(noise, (2 * side, 2 * side), interpolation=cv2.INTER_CUBIC)


def row(name: str, seconds: float, own: float, note: str = "") -> None:
    print(f"| {name} | {seconds * 1e3:.3f} | {seconds / own:.2f} | {note} |")


def compare(side: int) -> None:
    target, source, photo = face(side)
    mesh = PiecewiseAffine(target, (side, side))
    warped = mesh.warp(photo, source)
    out = np.empty_like(warped)
    row(f"compile {side}", own := least(lambda: PiecewiseAffine(target, (side, side)), 0.5), own)
    row(f"pyface {side}", own := least(lambda: mesh.warp(photo, source, out=out)), own)
    maps = mesh.maps(source)
    remapped = cv2.remap(photo, *maps, cv2.INTER_LINEAR)
    off = f"{np.abs(remapped.astype(int) - warped).max()} levels at most"
    row(f"cv2.remap {side}", least(lambda: cv2.remap(photo, *maps, cv2.INTER_LINEAR, remapped)), own, off)
    theirs = recipe(photo, source, target, mesh.triangles, side)
    # The published one is cut to bytes, and its corners are float64 where they are cut to whole pixels.
    assert (np.abs(usual_recipe(photo, source, target, mesh.triangles, side) - theirs) > 1.001).mean() < 1e-3
    off = f"{np.abs(theirs - warped).mean():.2f} levels on average"
    for name, way in (("as published", usual_recipe), ("tightened", recipe)):
        seconds = least(lambda way=way: way(photo, source, target, mesh.triangles, side))
        row(f"OpenCV per triangle, {name}, {side}", seconds, own, off)

    def scikit_image() -> NDArray[Any]:
        return transform.warp(photo, fit(target, source), output_shape=(side, side))

    off = f"{np.abs(255 * scikit_image() - warped)[1:-1, 1:-1].max():.2f} levels at most"
    row(f"scikit-image {side}", least(scikit_image), own, off)


def many(n: int) -> None:
    target, source, photo = face(112)
    mesh = PiecewiseAffine(target, (112, 112))
    sources = source + np.random.default_rng(1).normal(0, 2, (n, 1, 2))
    faces = np.empty((n, 112, 112, 3), np.uint8)
    two = least(lambda: mesh.warp_many(photo, sources, out=faces, n_threads=2))
    row(f"{n} faces of 112, 2 threads", two, two)
    row(f"{n} faces of 112, 1 thread", least(lambda: mesh.warp_many(photo, sources, out=faces, n_threads=1)), two)


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    cv2.setNumThreads(1)
    print(machine(), f"OpenCV {cv2.__version__}", sep=", ")
    print("\n| work | ms | times ours | difference |\n|---|---|---|---|")
    for side in SIZES[: 1 if quick else None]:
        compare(side)
    many(FACES // 10 if quick else FACES)


if __name__ == "__main__":
    main()
