"""Times similarities beside scikit-image's, and aligned crops beside ``cv2.warpAffine``; one thread, least of several.

python bench/alignment.py
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from skimage import data, transform

from pyface import geometry

N_FACES = 10_000
N_THEIRS = 500  # scikit-image's time is linear in the faces
ROUNDS = 30


def least(call: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Seconds of the fastest of some calls."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def by_scikit_image(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    made = transform.SimilarityTransform()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions prefer a class method that older ones lack
        made.estimate(points, target)
    return made.params[:2]


def similarities() -> None:
    random = np.random.default_rng(0)
    target = geometry.template_points("arcface", 112)
    points = target * random.uniform(0.5, 5, (N_FACES, 1, 1)) + random.normal(size=(N_FACES, 5, 2)) * 3
    ours = least(lambda: geometry.similarity_transform(points, target))
    theirs = least(lambda: [by_scikit_image(p, target) for p in points[:N_THEIRS]], 3) * N_FACES / N_THEIRS
    got = geometry.similarity_transform(points, target).matrix
    error = max(np.abs(by_scikit_image(p, target) - m).max() for p, m in zip(points[:N_THEIRS], got, strict=False))
    assert error < 1e-9, error
    print(
        f"{N_FACES:,} similarities: {ours * 1e3:.2f} ms, scikit-image {theirs * 1e3:.0f} ms, {theirs / ours:.0f} times"
    )


def crops() -> None:
    photo = data.astronaut()
    target = geometry.template_points("arcface", 112)
    for spans in (0.8, 2.0):
        points = (target - 56) * spans + 230
        many = np.repeat(points[None], 100, axis=0)
        matrix = geometry.similarity_transform(points, target).matrix
        ours = least(lambda many=many: geometry.align_face(photo, many, n_threads=1)) / len(many)
        smooth = least(lambda many=many: geometry.align_face(photo, many, antialias=True, n_threads=1)) / len(many)
        theirs = least(lambda matrix=matrix: [cv2.warpAffine(photo, matrix, (112, 112)) for _ in range(100)]) / 100
        print(
            f"112 x 112 RGB, {spans} photo pixels each: {ours * 1e6:.0f} us, antialias {smooth * 1e6:.0f} us, "
            f"cv2.warpAffine {theirs * 1e6:.0f} us"
        )

    one = (target - 56) * 0.8 + 230

    def as_insightface() -> np.ndarray:
        return cv2.warpAffine(photo, by_scikit_image(one, target), (112, 112))

    ours, theirs = least(lambda: geometry.align_face(photo, one), 300), least(as_insightface, 300)
    print(
        f"one face, fit and crop: {ours * 1e6:.0f} us, scikit-image and cv2.warpAffine, as insightface does, "
        f"{theirs * 1e6:.0f} us"
    )


if __name__ == "__main__":
    cv2.setNumThreads(1)
    print(f"load {os.getloadavg()[0]:.1f}, OpenCV {cv2.__version__}, NumPy {np.__version__}")
    similarities()
    crops()
