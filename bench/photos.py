"""``pyface cluster`` as a person runs it: photos a second, peak memory, quality, and how soon a second run begins.

    python bench/photos.py [--large 200]

Small photos are those of ``images/lfw``. Large ones (12 megapixels) are made from them, by tiling 4 x 3 photos and
enlarging the sheet to 4000 x 3000 pixels.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np
from common import machine, run_child, shared

from pyface import metrics
from pyface.album.truth import compare_labels


def make_large(folder: Path, sources: list[Path], count: int) -> None:
    """``count`` JPEGs of 4000 x 3000 pixels, twelve faces each."""
    for number in range(count):
        picked = [sources[(number * 12 + i) % len(sources)] for i in range(12)]
        tiles = [cv2.imread(str(path)) for path in picked]
        sheet = np.vstack([np.hstack(tiles[row * 4 : row * 4 + 4]) for row in range(3)])
        large = cv2.resize(sheet, (4000, 3000), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{number:04}.jpg"), large, [cv2.IMWRITE_JPEG_QUALITY, 92])


def measure(name: str, photos: Path, out: Path, n_photos: int, *arguments: str) -> None:
    """Run once from scratch and print a row of the table."""
    shutil.rmtree(out, ignore_errors=True)
    child = run_child(["cluster", str(photos), "-o", str(out), *arguments])
    assert child.returncode == 0, child.stderr
    summary = json.loads((out / "summary.json").read_text())
    counts = summary["counts"]
    analyse = summary["seconds"]["analyse"]
    print(
        f"| {name} | {n_photos / child.seconds:.1f} | {n_photos / analyse:.1f} | {child.seconds:.2f} | "
        f"{child.peak_mb:.0f} | {counts['photos'] - counts['photos_without_face']} | {counts['faces']} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=200, help="number of 12-megapixel photos; 0 leaves them out")
    arguments = parser.parse_args()
    lfw = shared("images/lfw")
    sources = sorted(lfw.rglob("*.jpg"))
    print(machine())
    print("\n| photos | photos/s, whole command | photos/s, analysis | seconds | peak MB | with a face | faces |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        measure("250 x 250, first run", lfw, work / "out", len(sources))
        for _ in range(2):
            measure("250 x 250", lfw, work / "out", len(sources))
        pred = compare_labels(str(work / "out"), None, "folder", one_per_photo=True)
        again = run_child(["cluster", str(lfw), "-o", str(work / "out")])
        if arguments.large:
            (work / "large").mkdir()
            make_large(work / "large", sources, arguments.large)
            measure("4000 x 3000", work / "large", work / "large-out", arguments.large)
    scores = metrics.evaluate(pred.labels_true, pred.labels_pred)
    print(
        f"\nBCubed F {scores.bcubed_f:.4f} (precision {scores.bcubed_precision:.4f}, recall {scores.bcubed_recall:.4f})"
    )
    print(f"the same command again, nothing to do: {again.seconds:.2f} s")


if __name__ == "__main__":
    main()
