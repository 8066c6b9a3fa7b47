"""What it does to vectors that faces are cut from the smallest copy that enlarges none, not from the photo in full.

    python bench/copies.py [--side 3000] [--pack opencv]

Photos are those of ``images/wider`` as they come, and those of ``images/lfw`` enlarged to ``--side`` pixels: there the
copy has a quarter of the photo's pixels, and there is a truth to cluster by.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from common import machine, shared

import pyface
from pyface import metrics, models
from pyface.analysis.analyzer import Chain, detect, find_faces, load_chain, side_for_crops
from pyface.photos.reading import OpenPhoto
from pyface.types import Detections


def vectors(chain: Chain, path: Path, max_side: int) -> tuple[np.ndarray, np.ndarray, float]:
    """(n, d) of the photo's faces from the small copy, (n, d) from the photo in full, and sides of copy to photo.

    The face nearest to the photo's centre comes first.
    """
    photo = OpenPhoto(path)
    size = photo.width, photo.height
    small = photo.reduced(max_side)
    detections = detect(chain, small, original_size=size, min_face=None, max_side=max_side, checkpoint=lambda: None)
    none = np.empty((0, chain.embedder.dimension), np.float32)
    if not len(detections):
        return none, none, 1.0
    middles = detections.boxes[:, :2] + detections.boxes[:, 2:]
    first = np.argsort(np.hypot(*(middles - size).T), kind="stable")
    detections = Detections(detections.boxes[first], detections.scores[first], None)
    side = side_for_crops(chain, detections, size)
    copy = small if side <= max(small.shape[:2]) else photo.reduced(side)
    found = [find_faces(chain, image, detections, original_size=size) for image in (copy, photo.reduced(max(size)))]
    a, b = (chain.embedder.embed(faces.crops) for faces in found)
    return a, b, max(copy.shape[:2]) / max(size)


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine distances row by row."""
    return 1 - (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=3000)
    parser.add_argument("--pack", default=models.DEFAULT_PACK, choices=list(models.PACKS))
    arguments = parser.parse_args()
    chain = load_chain(arguments.pack)
    threshold = chain.embedder.cluster_threshold
    print(machine(), f"\nthreshold {threshold}")
    print("\n| photos | faces | cut from a smaller copy | distance, mean | 99 % | most |\n|---|---|---|---|---|---|")

    def row(name: str, results: list[tuple[np.ndarray, np.ndarray, float]]) -> None:
        of_smaller = [distance(a, b) for a, b, share in results if share < 1 and len(a)]
        total = sum(len(a) for a, _, _ in results)
        away = np.concatenate(of_smaller) if of_smaller else np.zeros(1)
        print(
            f"| {name} | {total} | {sum(map(len, of_smaller))} | {away.mean():.4f} | {np.quantile(away, 0.99):.4f} | "
            f"{away.max():.4f} |",
            flush=True,
        )

    row("WIDER", [vectors(chain, path, 1280) for path in sorted(shared("images/wider").rglob("*.jpg"))])
    sources = sorted(shared("images/lfw").rglob("*.jpg"))
    with tempfile.TemporaryDirectory() as temporary:
        large, results = Path(temporary) / "large.jpg", []
        for path in sources:
            side = (arguments.side, arguments.side)
            enlarged = cv2.resize(cv2.imread(str(path)), side, interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(large), enlarged, [cv2.IMWRITE_JPEG_QUALITY, 92])
            results.append(vectors(chain, large, 1280))
    row(f"LFW at {arguments.side} x {arguments.side}", results)
    # One face a photo, that in the middle.
    names = [path.parent.name for path, (a, _, _) in zip(sources, results, strict=True) if len(a)]
    for title, place in (("smaller copies", 0), ("photos in full", 1)):
        rows = np.stack([result[place][0] for result in results if len(result[0])])
        tree = pyface.linkage(rows, "average", "cosine")
        found = metrics.evaluate(names, pyface.cut(tree, height=threshold))
        print(f"\n{title}: BCubed F {found.bcubed_f:.4f}", end="")
    print()


if __name__ == "__main__":
    main()
