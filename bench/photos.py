"""``pyface cluster`` as a person runs it: photos a second, peak memory, quality, and how soon a second run begins.

    python bench/photos.py [--large 200] [--packs opencv dlib]

Small photos are those of ``images/lfw``. Large ones (12 megapixels) are made from them, by tiling 4 x 3 photos and
enlarging the sheet to 4000 x 3000 pixels; or of one photo, enlarged to 3000 x 3000 beside a grey margin. The photos of
``images/wider`` are as they come.
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

from pyface import metrics, models
from pyface.album.truth import compare_labels


def make_large(folder: Path, sources: list[Path], count: int) -> None:
    """``count`` JPEGs of 4000 x 3000 pixels, twelve faces each."""
    for number in range(count):
        picked = [sources[(number * 12 + i) % len(sources)] for i in range(12)]
        tiles = [cv2.imread(str(path)) for path in picked]
        sheet = np.vstack([np.hstack(tiles[row * 4 : row * 4 + 4]) for row in range(3)])
        large = cv2.resize(sheet, (4000, 3000), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{number:04}.jpg"), large, [cv2.IMWRITE_JPEG_QUALITY, 92])


def make_portraits(folder: Path, sources: list[Path], count: int) -> None:
    """``count`` JPEGs of 4000 x 3000 pixels, one large face each."""
    for number in range(count):
        large = np.full((3000, 4000, 3), 128, np.uint8)
        large[:, 500:3500] = cv2.resize(cv2.imread(str(sources[number])), (3000, 3000), interpolation=cv2.INTER_CUBIC)
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
    parser.add_argument("--packs", nargs="+", default=list(models.PACKS), choices=list(models.PACKS))
    arguments = parser.parse_args()
    lfw, wider = shared("images/lfw"), shared("images/wider")
    sources = sorted(lfw.rglob("*.jpg"))
    n_wider = len(list(wider.rglob("*.jpg")))
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for folder, make in (("sheets", make_large), ("portraits", make_portraits)):
            (work / folder).mkdir()
            make(work / folder, sources, arguments.large)
        print("\n| photos | photos/s, whole command | photos/s, analysis | seconds | peak MB | with a face | faces |")
        print("|---|---|---|---|---|---|---|")
        said = []
        for pack in arguments.packs:
            options = ("--models", pack)
            measure(f"{pack}: 250 x 250, first run", lfw, work / pack, len(sources), *options)
            for _ in range(2):
                measure(f"{pack}: 250 x 250", lfw, work / pack, len(sources), *options)
            pred = compare_labels(str(work / pack), None, "folder", one_per_photo=True)
            again = run_child(["cluster", str(lfw), "-o", str(work / pack)])
            if arguments.large:
                for folder, faces in (("portraits", "1 face"), ("sheets", "13 faces")):
                    measure(
                        f"{pack}: 4000 x 3000, {faces}",
                        work / folder,
                        work / f"{pack}-{folder}",
                        arguments.large,
                        *options,
                    )
            measure(f"{pack}: WIDER", wider, work / f"{pack}-wider", n_wider, *options)
            scores = metrics.evaluate(pred.labels_true, pred.labels_pred)
            said.append(
                f"{pack}: BCubed F {scores.bcubed_f:.4f} (precision {scores.bcubed_precision:.4f}, recall "
                f"{scores.bcubed_recall:.4f}); the same command again, nothing to do: {again.seconds:.2f} s"
            )
    print("\n" + "\n".join(said))


if __name__ == "__main__":
    main()
