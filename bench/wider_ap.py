"""Average precision of detectors on WIDER FACE photos, each beside a plain decoding of the same file.

    python bench/wider_ap.py [NAME | FAMILY=FILE[@WIDTHxHEIGHT] ...]

Without arguments: the detectors of the shared folder. A NAME is one of the catalog, or a family that needs no file.

The protocol is that of the official evaluation: a detection belongs to the annotated face that it overlaps most, if
by IoU >= 0.5, both edges counted. One of a face outside the level (easy, medium, hard) counts for nothing, a second one
of the same face is wrong. Scores are brought to 0..1 over all photos; precision and recall are taken at 1,000
thresholds of them, and the area under the upper envelope of precision is the result. Photos are not grouped by event.

The plain decodings are the slow twins of the tests (tests/oracles/plain_detectors.py): NumPy alone, from the photo to
the boxes. Asked: both are within 0.01 of each other at all levels.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from common import machine, shared
from numpy.typing import NDArray

from pyface import models, read_image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

LEVELS = ("easy", "medium", "hard")
FILES = (
    ("scrfd", "scrfd_500m.onnx"),
    ("pytorch_retinaface", "retinaface_mobile0.25.onnx"),
    ("yunet", "yunet_n_dynamic.onnx"),
    ("yunet", "yunet_s_dynamic.onnx"),
    ("ultraface", "ultraface_rfb_320.onnx"),
)
LEAST_SCORE = 0.02
N_THRESHOLDS = 1000
SAME_FACE_IOU = 0.5
ASKED = 0.01

Found = tuple[NDArray[Any], NDArray[Any]]
"""Boxes (n, 4) and scores (n,) of a photo, best first."""


def overlaps(found: NDArray[Any], truth: NDArray[Any]) -> NDArray[Any]:
    """(n, m) intersection over union of boxes x1 y1 x2 y2, both edges counted."""
    low = np.maximum(found[:, None, :2], truth[None, :, :2])
    high = np.minimum(found[:, None, 2:], truth[None, :, 2:])
    inner = np.prod(np.maximum(high - low + 1, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2] + 1, axis=1) for boxes in (found, truth)]
    return inner / (areas[0][:, None] + areas[1][None] - inner)


def counted(found: NDArray[Any], truth: NDArray[Any], of_level: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Of the best 1, 2, ... detections: how many count, and how many faces of the level they find."""
    n_counted, n_hit = np.zeros(len(found), int), np.zeros(len(found), int)
    overlap, is_hit, counts = overlaps(found, truth), np.zeros(len(truth), bool), 0
    for i in range(len(found)):
        face = int(overlap[i].argmax()) if len(truth) else -1
        belongs = face >= 0 and overlap[i, face] >= SAME_FACE_IOU
        if belongs and not of_level[face]:
            pass
        else:
            counts += 1
            if belongs:
                is_hit[face] = True
        n_counted[i], n_hit[i] = counts, is_hit.sum()
    return n_counted, n_hit


def average_precision(photos: Iterable[tuple[Found, dict[str, Any]]], level: str) -> float:
    """Of detections and annotations of all photos."""
    photos = list(photos)
    every = np.concatenate([scores for (_, scores), _ in photos])
    if not every.size:
        return 0.0
    low, high = float(every.min()), float(every.max())
    totals, n_faces = np.zeros((N_THRESHOLDS, 2)), 0
    for (boxes, scores), entry in photos:
        truth = np.array(entry["boxes_xywh"], float).reshape(-1, 4)
        truth[:, 2:] += truth[:, :2]
        of_level = np.zeros(len(truth), bool)
        of_level[entry[level]] = True
        n_faces += len(entry[level])
        if not len(boxes):
            continue
        n_counted, n_hit = counted(boxes, truth, of_level)
        relative = (scores - low) / max(high - low, 1e-12)
        for t in range(N_THRESHOLDS):
            last = np.searchsorted(-relative, -(1 - (t + 1) / N_THRESHOLDS), side="right") - 1
            if last >= 0:
                totals[t] += n_counted[last], n_hit[last]
    recall = totals[:, 1] / max(n_faces, 1)
    precision = totals[:, 1] / np.maximum(totals[:, 0], 1)
    recall = np.concatenate([[0], recall, [1]])
    envelope = np.maximum.accumulate(np.concatenate([[0], precision, [0]])[::-1])[::-1]
    return float(np.sum(np.diff(recall) * envelope[1:]))


def ours(model: models.Detector) -> Callable[[NDArray[Any]], Found]:
    def search(image: NDArray[Any]) -> Found:
        found = model.detect(image, threshold=LEAST_SCORE)
        return found.boxes, found.scores

    return search


def plainly(model: models.Detector, path: Path) -> Callable[[NDArray[Any]], Found] | None:
    """The slow twin on the same file, if there is one for the family."""
    from oracles import plain_detectors, zoo_files

    twin = getattr(plain_detectors, model.family, None)
    if twin is None:
        return None
    run = zoo_files.runner(path.read_bytes(), n_threads=1)
    size = {} if getattr(model, "input_size", None) is None else {"size": model.input_size}

    def search(image: NDArray[Any]) -> Found:
        boxes, scores, _ = twin(lambda value: list(run(value).values()), image, LEAST_SCORE, **size)
        return boxes, scores

    return search


def loaded(asked: str) -> tuple[str, models.Detector, Path | None]:
    """Title, detector and file of ``NAME`` or ``FAMILY=FILE[@WIDTHxHEIGHT]``."""
    family, _, rest = asked.partition("=")
    if not rest:
        return asked, models.load(asked, n_threads=1), None
    file, _, size = rest.partition("@")
    options = {"input_size": tuple(int(side) for side in size.split("x"))} if size else {}
    title = f"{family}, {Path(file).name}" + (f", {size}" if size else "")
    return title, models.load(Path(file), family, n_threads=1, **options), Path(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detectors", nargs="*", metavar="NAME | FAMILY=FILE[@WIDTHxHEIGHT]")
    parser.add_argument("--no-plain", action="store_true", help="leave the plain decodings out")
    arguments = parser.parse_args()
    folder = shared("images/wider")
    truth = json.loads((folder / "ground_truth.json").read_text())
    photos = {name: np.asarray(read_image(folder / name)) for name in truth}
    asked = arguments.detectors or [f"{family}={shared('models')}/{file}" for family, file in FILES]
    print(machine())
    print(f"\n{len(photos)} photos; scores from {LEAST_SCORE} on\n")
    print("| detector | " + " | ".join(LEVELS) + " | plain: " + " | ".join(LEVELS) + " | largest difference |")
    print("|---|" + "---|" * (2 * len(LEVELS) + 1))
    is_apart = False
    for one in asked:
        title, model, path = loaded(one)
        rows = []
        for search in (ours(model), None if path is None or arguments.no_plain else plainly(model, path)):
            if search is not None:
                found = [(search(photos[name]), truth[name]) for name in truth]
                rows.append([average_precision(found, level) for level in LEVELS])
        cells = [f"{value:.4f}" for row in rows for value in row] + [""] * (len(LEVELS) * (2 - len(rows)))
        apart = max((abs(a - b) for a, b in zip(*rows, strict=True)), default=0.0) if len(rows) == 2 else None
        is_apart |= apart is not None and apart > ASKED
        print(f"| {title} | " + " | ".join(cells) + f" | {'' if apart is None else f'{apart:.4f}'} |", flush=True)
    if is_apart:
        sys.exit(f"a detector differs from its plain decoding by more than {ASKED}")


if __name__ == "__main__":
    main()
