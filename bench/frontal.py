"""Frontalization: its time beside a warp's and ``cv2.remap``, and what real faces show of its bars.

    PYFACE_NUM_THREADS=1 python bench/frontal.py [--faces 200]

Time: one face in a photo of 500 x 500 RGB to 224 x 224, one thread, the surface kept; the least of many rounds, the
contenders taking turns. The warp and the remap fill the whole square, the face is 56 % of it.

Scale: photos of LFW scaled by 0.5, 1, 2 and 4 with their landmarks, ``antialias=True``, against the one at 1.

Yaw: faces of LFW that SCRFD's five points say are turned by 15 to 40 degrees; the same points of the results, in a grey
surround. The method knows dlib's 68 points alone, so these are another model's.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from common import machine, shared
from PIL import Image

from pyface import geometry, models

SIDE = 224
ROUNDS = 2000


def turns(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """The least milliseconds of each call, one after the other in each round."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - begin)
    return {name: seconds * 1e3 for name, seconds in best.items()}


def compare() -> None:
    turn = np.radians(25)
    rotation = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
    points = 110 * (geometry.solid_shape("dlib-68") @ rotation.T)[:, :2] + [250, 220]
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    photo = cv2.resize(noise, (500, 500), interpolation=cv2.INTER_CUBIC)
    mesh, source = geometry.face_mesh("dlib-68", SIDE), geometry.frame_points(points, "dlib-68")
    maps = mesh.maps(source)
    cv2.setNumThreads(1)
    faces = np.stack([points] * 16)
    calls: dict[str, Callable[[], Any]] = {
        "PiecewiseAffine.warp": lambda: mesh.warp(photo, source),
        "cv2.remap": lambda: cv2.remap(photo, *maps, cv2.INTER_LINEAR),
        "head_pose": lambda: geometry.head_pose(points, "dlib-68"),
        "frontalize": lambda: geometry.frontalize(photo, points, "dlib-68"),
        "frontalize, symmetry none": lambda: geometry.frontalize(photo, points, "dlib-68", symmetry="none"),
        "frontalize, mesh": lambda: geometry.frontalize(photo, points, "dlib-68", method="mesh"),
        "frontalize_many, 16 faces": lambda: geometry.frontalize_many(photo, faces, "dlib-68", n_threads=1),
    }
    best = turns(calls)
    print("| call | ms | over the warp |\n|---|---|---|")
    for name, milliseconds in best.items():
        print(f"| {name} | {milliseconds:.3f} | {milliseconds / best['PiecewiseAffine.warp']:.2f} |")


def found_faces(detector: Any, landmarker: Any) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(photo, 68 points, 5 points) of the face in the middle of each photo of LFW."""
    found = []
    for path in sorted(shared("images/lfw").glob("*/*.jpg")):
        photo = np.array(Image.open(path).convert("RGB"))
        detections = detector.detect(photo)
        if not len(detections.boxes):
            continue
        middles = (detections.boxes[:, :2] + detections.boxes[:, 2:]) / 2
        face = int(np.argmin(np.linalg.norm(middles - np.array(photo.shape[1::-1]) / 2, axis=1)))
        left, top, right, bottom = detections.boxes[face]
        # dlib's box: a square from the brows to the chin.
        side, middle_y = 0.475 * (right - left + bottom - top), (top + bottom) / 2 + 0.08 * (bottom - top)
        x, y = (left + right) / 2 - side / 2, middle_y - side / 2
        points = landmarker.locate(photo, [[x, y, x + side, y + side]]).points[0]
        found.append((photo, np.asarray(points), np.asarray(detections.landmarks[face])))
    return found


def scale_row(faces: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
    worst = {factor: [0.0, 1.0, 0.0] for factor in (0.5, 2.0, 4.0)}
    for photo, points, _ in faces:
        one = geometry.frontalize(photo, points, "dlib-68", antialias=True)
        for factor, row in worst.items():
            way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
            scaled = cv2.resize(photo, None, fx=factor, fy=factor, interpolation=way)
            other = geometry.frontalize(scaled, (points + 0.5) * factor - 0.5, "dlib-68", antialias=True)
            assert (one.refused is None) == (other.refused is None)
            if one.image is None or other.image is None or one.mask is None or other.mask is None:
                continue
            turned = max(abs(getattr(one.pose, n) - getattr(other.pose, n)) for n in ("pitch", "yaw", "roll"))
            both = one.mask & other.mask
            levels = np.abs(one.image.astype(float) - other.image)[both].mean()
            row[:] = max(row[0], turned), min(row[1], both.sum() / (one.mask | other.mask).sum()), max(row[2], levels)
    print(f"\n{len(faces)} faces, the worst of them\n\n| scale | pose, degrees | mask, IoU | mean levels |")
    print("|---|---|---|---|")
    for factor, (turned, overlap, levels) in worst.items():
        print(f"| {factor:g} | {turned:.1e} | {overlap:.4f} | {levels:.2f} |")


def yaw_row(detector: Any, faces: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
    before = np.array([geometry.head_pose(five, "arcface-5").yaw for _, _, five in faces])
    chosen = np.flatnonzero((np.abs(before) >= 15) & (np.abs(before) <= 40))
    print(f"\n{len(chosen)} faces turned by a median of {np.median(np.abs(before[chosen])):.1f} degrees\n")
    print("| method | refused | not found | median yaw after | towards where it was |\n|---|---|---|---|---|")
    for name, options in (
        ("surface", {}),
        ("surface, no symmetry", {"symmetry": "none"}),
        ("mesh", {"method": "mesh"}),
    ):
        after, refused = [], 0
        for i in chosen:
            photo, points, _ = faces[i]
            result = geometry.frontalize(photo, points, "dlib-68", antialias=True, **options)
            refused += result.refused is not None
            if result.image is None:
                continue
            surround = np.full((2 * SIDE, 2 * SIDE, 3), 128, np.uint8)
            middle = surround[SIDE // 2 : SIDE // 2 + SIDE, SIDE // 2 : SIDE // 2 + SIDE]
            middle[result.mask] = result.image[result.mask]
            detections = detector.detect(surround, threshold=0.1)
            if len(detections.boxes):
                yaw = geometry.head_pose(np.asarray(detections.landmarks[0]), "arcface-5").yaw
                after.append((abs(yaw), yaw * np.sign(before[i])))
        size, signed = np.median(after, axis=0)
        missing = len(chosen) - refused - len(after)
        print(f"| {name} | {refused / len(chosen):.1%} | {missing} | {size:.2f} | {signed:+.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=200, help="for the rows of scale")
    arguments = parser.parse_args()
    print(machine(), "\n")
    compare()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=UserWarning)  # of licences
        detector = models.load(shared("models/scrfd_500m.onnx"), "scrfd")
        landmarker = models.load("dlib-68")
    faces = found_faces(detector, landmarker)
    scale_row(faces[:: max(1, len(faces) // arguments.faces)])
    yaw_row(detector, faces)


if __name__ == "__main__":
    main()
