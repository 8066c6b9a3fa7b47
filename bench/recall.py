"""Faces found and missed by their height, on WIDER FACE photos.

    python bench/recall.py

A face counts as found if a detection overlaps its box by IoU >= 0.3: dlib's boxes are squares from brow to chin, the
truth's go to the hairline. Truth boxes marked invalid do not count. A detection is unmatched if it overlaps no box,
valid or not, by 0.1: a false one, or a face that nobody annotated.
"""

from __future__ import annotations

import json
import time

import numpy as np
from common import machine, shared

from pyface import FaceAnalyzer, read_image

RANGES = [(20, 40), (40, 80), (80, 160), (160, 10_000)]
SAME_FACE_IOU, UNMATCHED_IOU = 0.3, 0.1
RUNS = (
    ("default", {}),
    ("`min_face=15`", {"min_face": 15}),
    ("dlib's pack", {"models": "dlib"}),
    ("dlib's pack, `min_face=20`", {"models": "dlib", "min_face": 20}),
)


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m) of boxes (n, 4) and (m, 4), x1 y1 x2 y2."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inner = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    return inner / np.maximum(areas[0][:, None] + areas[1][None] - inner, 1e-9)


def match(found: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One detection for each true face, best overlap first: (truth is found, detection is used)."""
    overlap = iou(truth, found)
    hit, used = np.zeros(len(truth), bool), np.zeros(len(found), bool)
    for flat in np.argsort(-overlap, axis=None, kind="stable"):
        i, j = np.unravel_index(flat, overlap.shape)
        if overlap[i, j] < SAME_FACE_IOU:
            break
        if not hit[i] and not used[j]:
            hit[i] = used[j] = True
    return hit, used


def main() -> None:
    folder = shared("images/wider")
    truth = json.loads((folder / "ground_truth.json").read_text())
    print(machine())
    print("\n| | " + " | ".join(f"{a}-{b} px" if b < 10_000 else f"over {a} px" for a, b in RANGES), end="")
    print(" | unmatched | seconds |\n|---|" + "---|" * (len(RANGES) + 2))
    for title, options in RUNS:
        analyzer = FaceAnalyzer(landmarks=False, embedder=False, **options)
        n_true, n_hit, n_unmatched, seconds = np.zeros(len(RANGES), int), np.zeros(len(RANGES), int), 0, 0.0
        for name, entry in truth.items():
            image = read_image(folder / name)
            since = time.perf_counter()
            faces = analyzer.analyze(image)
            seconds += time.perf_counter() - since
            found = np.array([face.box for face in faces]).reshape(-1, 4)
            boxes = np.array(entry["boxes_xywh"], float).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            valid = ~np.array(entry["invalid"], bool)
            hit, _ = match(found, boxes)
            n_unmatched += int((iou(boxes, found).max(axis=0, initial=0) < UNMATCHED_IOU).sum())
            heights = boxes[:, 3] - boxes[:, 1]
            for k, (low, high) in enumerate(RANGES):
                here = valid & (heights >= low) & (heights < high)
                n_true[k] += here.sum()
                n_hit[k] += (hit & here).sum()
        cells = [f"{h / t:.3f} ({h} of {t})" for h, t in zip(n_hit, n_true, strict=True)]
        print(f"| {title} | " + " | ".join(cells) + f" | {n_unmatched} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
