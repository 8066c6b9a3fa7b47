"""The mean shape of 68 landmarks beside the means of what landmark models find on real faces, and how its mesh folds.

    python bench/mean_shapes.py

Faces of ``images/lfw``, one a photo, as far as they look ahead. ``dlib-68`` finds the landmarks of the scheme itself;
``models/landmarks_68_pfld.onnx`` and 68 of the vertices of ``models/face_mesh_468.onnx`` are independent of it.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from common import shared

import pyface
from pyface.geometry import mean_shape, mirror, triangulation
from pyface.models import load

AHEAD = 0.12  # distances between the eyes from the middle to the tip of the nose; 0.17 is a turn of 15 degrees
LEFT_EYE, RIGHT_EYE, TIP, JAW = slice(36, 42), slice(42, 48), 30, 17

# Vertices of MediaPipe's mesh where the 68 points are; its jaw line lies further in.
OF_MESH = [
    127, 234, 132, 58, 172, 150, 149, 148, 152, 377, 378, 379, 397, 288, 361, 454, 356, 70, 63, 105, 66, 107,
    336, 296, 334, 293, 300, 168, 197, 5, 4, 98, 97, 2, 326, 327, 130, 160, 158, 133, 153, 144, 362, 385, 387, 263,
    373, 380, 61, 39, 37, 0, 267, 269, 291, 321, 314, 17, 84, 91, 78, 82, 13, 312, 308, 317, 14, 87,
]  # fmt: skip


def by_network(path: Path, photo: np.ndarray, box: np.ndarray, cache: dict[Path, Any]) -> np.ndarray:
    """(k, 2) pixels of the photo: landmarks that an ONNX model of a square crop finds."""
    if path not in cache:
        import onnxruntime

        cache[path] = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    is_mesh = "mesh" in path.name
    size, margin = (192, 1.5) if is_mesh else (112, 1.2)
    scale = size / (margin * (box[2:] - box[:2]).max())
    shift = size / 2 - scale * (box[:2] + box[2:]) / 2
    crop = cv2.warpAffine(photo, np.column_stack([np.eye(2) * scale, shift]), (size, size)).astype(np.float32)
    pixels = crop / 127.5 - 1 if is_mesh else crop / 255
    (entry,) = cache[path].get_inputs()
    tensor = pixels[None] if entry.shape[-1] == 3 else pixels.transpose(2, 0, 1)[None]
    values = np.asarray(cache[path].run(None, {entry.name: tensor})[0])
    found = values.reshape(468, 3)[OF_MESH, :2] if is_mesh else values.reshape(68, 2) * 112
    return np.asarray((found - shift) / scale)


def framed(points: np.ndarray) -> np.ndarray:
    """Faces (n, 68, 2) turned, scaled and shifted until the eyes are 1 apart and level."""
    left, right = points[:, LEFT_EYE].mean(axis=1), points[:, RIGHT_EYE].mean(axis=1)
    away = points - ((left + right) / 2)[:, None]
    turned = (away @ [1, 1j]) / ((right - left) @ [1, 1j])[:, None]
    return np.stack([turned.real, turned.imag], axis=2)


def describe(name: str, points: np.ndarray) -> None:
    faces = framed(points)
    faces = faces[np.abs(faces[:, TIP, 0]) < AHEAD]
    mean = faces.mean(axis=0)
    mean = (mean + mean[mirror("dlib-68")] * [-1, 1]) / 2
    squared = ((mean - mean_shape("dlib-68")) ** 2).sum(axis=1)
    a, b, c = (faces[:, triangulation("dlib-68")[:, k]] for k in range(3))
    (ux, uy), (vx, vy) = np.moveaxis(b - a, 2, 0), np.moveaxis(c - a, 2, 0)
    is_flipped = ux * vy - uy * vx <= 0
    rms = " | ".join(f"{np.sqrt(part.mean()):.3f}" for part in (squared, squared[JAW:], squared[:JAW]))
    print(
        f"| {name} | {len(faces)} | {rms} | {is_flipped.any(axis=1).mean():.1%} | {is_flipped.sum(axis=1).mean():.2f} |"
    )


def main() -> None:
    photos = sorted(shared("images/lfw").glob("*/*.jpg"))
    networks = [shared("models/landmarks_68_pfld.onnx"), shared("models/face_mesh_468.onnx")]
    analyzer = pyface.FaceAnalyzer(embedder=False, max_faces=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its licence, which is said elsewhere
        dlib_68 = load("dlib-68")
    found: dict[str, list[np.ndarray]] = {"dlib-68": [], "PFLD": [], "MediaPipe's mesh": []}
    cache: dict[Path, Any] = {}
    for path in photos:
        photo = pyface.read_image(path)
        for face in analyzer.analyze(photo):
            points = dlib_68.locate(photo, face.box[None]).points[0]
            box = np.concatenate([points.min(axis=0), points.max(axis=0)])
            for entry, one in zip(
                found.values(), [points, *(by_network(n, photo, box, cache) for n in networks)], strict=True
            ):
                entry.append(one)
    print(
        "| landmarks of | faces | rms, all | without jaw | jaw | faces with a triangle turned over | such triangles |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, faces in found.items():
        describe(name, np.stack(faces))


if __name__ == "__main__":
    main()
