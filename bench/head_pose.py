"""Head poses: their time beside OpenCV's, their spread under noise, on real faces, and in photos turned and mirrored.

    python bench/head_pose.py

Real faces are one a photo of ``images/lfw``; the models beside the packs' are ``models/landmarks_68_pfld.onnx`` and
``models/face_mesh_468.onnx``. Everything runs on one thread.
"""

from __future__ import annotations

import warnings
from typing import Any

import cv2
import numpy as np
from common import least, shared

import pyface
from pyface.errors import LicenseWarning
from pyface.geometry import convert_landmarks, head_pose, solid_shape
from pyface.kernels.crops import affine_crops
from pyface.kernels.poses import fit_poses
from pyface.models import load

INSIDE = np.where(np.arange(68) < 17, 0.0, 1.0)
FACES, NOISY, PHOTOS, TURNED = 10_000, 3_000, 300, 200
CLEAR = 5  # degrees of yaw, from which on its sign is not a matter of noise


def rotations(pitch: Any, yaw: Any, roll: Any) -> np.ndarray:
    """(f, 3, 3) of angles (f,) in degrees."""
    sx, sy, sz = np.sin(np.radians([-pitch, -yaw, roll]))
    cx, cy, cz = np.cos(np.radians([-pitch, -yaw, roll]))
    one, no = np.ones_like(sx), np.zeros_like(sx)
    about_x = np.moveaxis(np.array([[one, no, no], [no, cx, -sx], [no, sx, cx]]), 2, 0)
    about_y = np.moveaxis(np.array([[cy, no, sy], [no, one, no], [-sy, no, cy]]), 2, 0)
    about_z = np.moveaxis(np.array([[cz, -sz, no], [sz, cz, no], [no, no, one]]), 2, 0)
    return np.asarray(about_z @ about_y @ about_x)


def faces(head: np.ndarray, n: int, rng: np.random.Generator, yaw: float | None = None) -> np.ndarray:
    """(n, k, 2): the head 70 pixels between the eyes, with noise of 2 %; turned at random, or by a yaw alone."""
    angles = [rng.uniform(-a, a, n) for a in (30, 50, 40)] if yaw is None else np.outer([0, yaw, 0], np.ones(n))
    seen = 70 * (head @ rotations(*angles).swapaxes(1, 2))[..., :2] + [300, 200]
    return np.ascontiguousarray(seen + rng.normal(0, 1.4, seen.shape))


def cost() -> None:
    rng = np.random.default_rng(0)
    head, contour = solid_shape("dlib-68"), np.arange(68) < 17
    some = faces(head, FACES, rng)
    five = convert_landmarks(some, "dlib-68", "arcface-5")
    k = np.array([[900, 0, 300], [0, 900, 200], [0, 0, 1.0]])
    few = some[:1000]
    print(f"{FACES:,} faces, one thread, ms")
    rows = {
        "68 points, closed form": lambda: fit_poses(some, head, is_contour=contour, refined=False),
        "68 points": lambda: head_pose(some, "dlib-68"),
        "68 points, a focal length": lambda: head_pose(some, "dlib-68", camera=900, image_size=(400, 600)),
        "5 points": lambda: head_pose(five, "arcface-5"),
    }
    for name, work in rows.items():
        print(f"  {name:<28}{1e3 * least(work, 7)[0]:8.1f}")
    cv2.setNumThreads(1)
    one_by_one = 1e4 * least(lambda: [cv2.solvePnP(head, face, k, None) for face in few], 3)[0]
    print(f"  {'cv2.solvePnP one by one':<28}{one_by_one:8.1f}")
    one = some[:1]
    print(f"  one face alone: {1e6 * least(lambda: head_pose(one, 'dlib-68'), 50)[0]:.0f} us")


def noise() -> None:
    print("noise of 2 %: standard deviations of pitch, yaw, roll (expected)")
    head = solid_shape("dlib-68")
    rows: list[tuple[str, Any, str]] = [
        ("arcface-5", np.ones(5), "arcface-5, all alike"), ("arcface-5", None, "arcface-5"), ("dlib-5", None, "dlib-5"),
        ("dlib-68", INSIDE, "68, inside alone"), ("dlib-68", np.ones(68), "68, all alike"), ("dlib-68", None, "68"),
        ("insightface-106", None, "106"),
    ]  # fmt: skip
    for scheme, weights, name in rows:
        points = solid_shape(scheme) if scheme == "insightface-106" else convert_landmarks(head, "dlib-68", scheme)
        for yaw in (0, 30, 60):
            pose = head_pose(faces(points, NOISY, np.random.default_rng(1), yaw), scheme, weights=weights)
            spread = [np.std(a) for a in (pose.pitch, pose.yaw, pose.roll)]
            expected = np.sqrt((pose.expected_error**2).mean(axis=0))
            words = " / ".join(f"{s:.1f} ({e:.1f})" for s, e in zip(spread, expected, strict=True))
            print(f"  {name:<22} yaw {yaw:<4}{words}")


def angles_of(points: np.ndarray, scheme: str, weights: Any = None) -> np.ndarray:
    pose = head_pose(points, scheme, weights=weights)
    return np.stack([pose.pitch, pose.yaw, pose.roll], axis=1)


def real() -> None:
    rng = np.random.default_rng(0)
    files = sorted(shared("images/lfw").rglob("*.jpg"))
    detector = load("yunet", n_threads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LicenseWarning)
        models = {"mtcnn-onet": load("mtcnn-onet"), "dlib-5": load("dlib-5"), "dlib-68": load("dlib-68")}
    models["pfld"] = load(shared("models/landmarks_68_pfld.onnx"), "pfld")
    models["mesh"] = load(shared("models/face_mesh_468.onnx"), "mesh_468")
    found: dict[str, list[np.ndarray]] = {name: [] for name in models}
    people = []
    for i in rng.permutation(len(files))[:PHOTOS]:
        photo = pyface.read_image(files[i])
        boxes = detector.detect(photo).boxes
        if not len(boxes):
            continue
        largest = boxes[[np.argmax(boxes[:, 2] - boxes[:, 0])]]
        for name, model in models.items():
            found[name].append(model.locate(photo, largest).points[0])
        people.append(files[i].parent.name)
    points = {name: np.array(some) for name, some in found.items()}
    solid = in_space(points["mesh"])
    columns = {}
    for name, model in models.items():
        columns[name] = angles_of(points[name][..., :2], model.scheme)
        if model.scheme == "dlib-68":
            columns[f"{name}, all alike"] = angles_of(points[name], "dlib-68", np.ones(68))
            columns[f"{name}, inside alone"] = angles_of(points[name], "dlib-68", INSIDE)
            five = convert_landmarks(points[name], "dlib-68", "arcface-5")
            columns[f"{name}, 5 of them"] = angles_of(five, "arcface-5")
        if model.scheme in ("arcface-5", "mediapipe-468"):
            k = points[name].shape[1]
            columns[f"{name}, all alike"] = angles_of(points[name][..., :2], model.scheme, np.ones(k))
    halves = np.array([sum(map(ord, name)) % 2 for name in people], bool)
    print(f"{len(solid)} photos of LFW against the mesh in space: median difference and spread of pitch, yaw, roll,")
    print("  the slopes of pitch and yaw, and the spread of pitch on either half of the people")
    for name, angles in columns.items():
        off = angles - solid
        middle = np.median(off, axis=0)
        spread = 1.4826 * np.median(np.abs(off - middle), axis=0)
        slopes = [np.polyfit(solid[:, i], angles[:, i], 1)[0] for i in (0, 1)]
        both = [1.4826 * np.median(np.abs(off[half, 0] - middle[0])) for half in (halves, ~halves)]
        words = "  ".join(f"{m:+.1f} +- {s:.1f}" for m, s in zip(middle, spread, strict=True))
        print(f"  {name:<24}{words}   {slopes[0]:.2f}  {slopes[1]:.2f}   {both[0]:.1f}  {both[1]:.1f}")


def in_space(meshes: np.ndarray) -> np.ndarray:
    """(f, 3): pitch, yaw, roll of meshes (f, 468, 3) with the depths that the model gives.

    They are those of the turn that brings their mean nearest to each. Nothing of pyface's head or projection is in it
    but the zero of the angles, which is the mean's.
    """
    mean = meshes[np.argmin(np.abs(angles_of(meshes[..., :2], "mediapipe-468")).sum(axis=1))]
    for _ in range(5):
        turns = np.stack([turn_between(mean, mesh) for mesh in meshes])
        centred = meshes - meshes.mean(axis=1, keepdims=True)
        sizes = np.linalg.norm(centred, axis=(1, 2), keepdims=True)
        mean = (centred / sizes @ turns).mean(axis=0)
    r = np.stack([turn_between(mean, mesh) for mesh in meshes])
    pitch, roll = np.arctan2(-r[:, 2, 1], r[:, 2, 2]), np.arctan2(r[:, 1, 0], r[:, 0, 0])
    return np.degrees(np.stack([pitch, np.arctan2(r[:, 2, 0], np.hypot(r[:, 0, 0], r[:, 1, 0])), roll], axis=1))


def turn_between(head: np.ndarray, face: np.ndarray) -> np.ndarray:
    """The rotation (3, 3) that brings points (k, 3) nearest to others (Kabsch)."""
    u, _, vt = np.linalg.svd((head - head.mean(axis=0)).T @ (face - face.mean(axis=0)))
    return np.asarray((u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt).T)


def turned_and_mirrored() -> None:
    """Photos turned about the face by a known angle, and mirrored: does roll follow, does yaw change its sign?"""
    rng = np.random.default_rng(0)
    files = sorted(shared("images/lfw").rglob("*.jpg"))
    analyzer = pyface.FaceAnalyzer(embedder=False, n_threads=1)
    roll_off, yaw_sum, yaw, missed = [], [], [], 0
    for i in rng.permutation(len(files))[:TURNED]:
        photo = pyface.read_image(files[i])
        straight = surest(analyzer, photo)
        mirrored = surest(analyzer, np.ascontiguousarray(photo[:, ::-1]))
        angle = rng.uniform(-30, 30)
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        back = np.array([[c, s], [-s, c]])  # from the turned photo to the straight one
        if straight is None or mirrored is None:
            missed += 1
            continue
        middle = straight.landmarks.mean(axis=0)
        matrix = np.column_stack([back, middle - back @ middle])
        picture = affine_crops(photo, matrix[None], photo.shape[:2], border="reflect")[0]
        tilted = surest(analyzer, picture)
        if tilted is None:
            missed += 1
            continue
        roll_off.append(tilted.pose.roll - straight.pose.roll - angle)
        yaw_sum.append(mirrored.pose.yaw + straight.pose.yaw)
        yaw.append(straight.pose.yaw)
    off, both = np.abs(roll_off), np.abs(yaw_sum)
    print(f"{len(off)} photos of LFW turned by up to 30 degrees, and mirrored ({missed} without the face)")
    print(
        f"  roll - turn: median {np.median(off):.2f}, 90 % {np.quantile(off, 0.9):.2f}, mean {np.mean(roll_off):+.2f}"
    )
    straight_yaw, mirrored_yaw = np.array(yaw), np.array(yaw_sum) - np.array(yaw)
    is_clear = np.abs(straight_yaw) > CLEAR
    changed = (np.sign(mirrored_yaw) == -np.sign(straight_yaw))[is_clear].mean()
    print(f"  yaw + mirrored yaw: median {np.median(both):.2f}")
    print(f"  its sign changed: {changed:.1%} of the {is_clear.sum()} faces with a yaw beyond {CLEAR} degrees")


def surest(analyzer: pyface.FaceAnalyzer, photo: np.ndarray) -> pyface.Face | None:
    """The face nearest to the middle of a photo of LFW."""
    middle = np.array(photo.shape[1::-1]) / 2
    some = analyzer.analyze(photo)
    return min(some, key=lambda face: np.linalg.norm(face.box.reshape(2, 2).mean(axis=0) - middle), default=None)


if __name__ == "__main__":
    for part in (cost, noise, real, turned_and_mirrored):
        part()
