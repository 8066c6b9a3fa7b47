"""MTCNN beside mtcnn-runtime, which runs the same weights in ONNX Runtime: the faces of both, and the time of both.

    python bench/mtcnn_peer.py --peer-path FOLDER [--photos FOLDER] [--first N] [--rounds 3]

FOLDER holds the package ``mtcnnruntime``, as unpacked from its wheel (PyPI mtcnn-runtime 1.0.0). It asks for
opencv-python, which sits badly beside the headless one, so it should not be installed where pyface is.

Both get the same thresholds and overlaps. The peer's pyramid shrinks by 0.707 and cannot be told otherwise, so ours is
told to; what our own 0.709 changes is shown in a row of its own. Two things of the peer's are not ours, and rows show
what they change. OpenCV's crops differ from exact ones by at most 1 in some bytes, which is enough for a face at a
threshold, or a box that is rounded to whole pixels in between. And the peer cuts boxes at the edges of the photo before
it moves their edges by what the network said of the uncut ones: in a black frame of a quarter of the longer side around
the photo that does not happen.

Both use every CPU they may: to compare on one thread, start this with ``taskset -c 0``. ``--rounds 0`` compares faces
alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from common import least, machine, shared

from pyface import models, read_image
from pyface.models.mtcnn import mtcnn
from pyface.models.mtcnn.mtcnn import THRESHOLDS

PEERS_FACTOR = 0.707
OVERLAPS = [0.7, 0.7, 0.7]
"""Between levels, after R-Net, after O-Net; within a level both have 0.5."""
WITHIN = 1.0  # pixels


def the_peer(folder: str | None) -> Any:
    if folder is not None:
        sys.path.append(folder)  # last: what it needs itself is taken from here
    try:
        from mtcnnruntime import MTCNN
    except ImportError as error:
        sys.exit(
            f"the peer is not there ({error}): unpack the wheel of mtcnn-runtime 1.0.0 into a folder of its own and "
            "give it as --peer-path"
        )
    return MTCNN()


def of_peer(peer: Any, bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (n, 4), scores (n,) and points (n, 5, 2). Without any candidate it stops at a stack of nothing."""
    try:
        boxes, points = peer.detect(bgr, 20.0, list(THRESHOLDS), OVERLAPS)
    except ValueError as error:
        if "at least one array to concatenate" not in str(error):
            raise
        boxes, points = [], []
    rows = np.asarray(boxes, np.float64).reshape(-1, 5)
    return rows[:, :4], rows[:, 4], np.asarray(points, np.float64).reshape(-1, 2, 5).transpose(0, 2, 1)


def pairs(a: np.ndarray, b: np.ndarray) -> list[tuple[int, int]]:
    """Faces found by both: the nearest boxes first, as far as their overlap is over 0.4."""
    corner, end = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.clip(end - corner, 0, None).prod(axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    overlap = both / (areas[0][:, None] + areas[1][None] - both)
    found = []
    while overlap.size and overlap.max() > 0.4:
        i, j = np.unravel_index(overlap.argmax(), overlap.shape)
        found.append((int(i), int(j)))
        overlap[i], overlap[:, j] = 0, 0
    return found


class Comparison:
    """What two detectors agree on, photo by photo."""

    def __init__(self) -> None:
        self.boxes: list[float] = []
        self.points: list[float] = []
        self.scores: list[float] = []
        self.only_ours = self.only_peers = 0

    def add(self, ours: Any, theirs: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
        boxes, scores, points = theirs
        same = pairs(ours.boxes, boxes)
        for i, j in same:
            self.boxes.append(float(np.abs(ours.boxes[i] - boxes[j]).max()))
            self.scores.append(float(abs(ours.scores[i] - scores[j])))
            # The peer counts from the corner of the first pixel, we from its middle.
            self.points.append(float(np.abs(ours.landmarks[i] + 0.5 - points[j]).max()))
        self.only_ours += len(ours) - len(same)
        self.only_peers += len(boxes) - len(same)

    def row(self, title: str) -> str:
        boxes = np.array(self.boxes)
        if not len(boxes):
            return f"| {title} | 0 | {self.only_ours} | {self.only_peers} | | | | |"
        return (
            f"| {title} | {len(boxes)} | {self.only_ours} | {self.only_peers} | {np.mean(boxes <= WITHIN):.1%} "
            f"| {np.median(boxes):.4f} | {boxes.max():.4f} | {max(self.points):.4f} | {max(self.scores):.5f} |"
        )


def crops_of_opencv(image: np.ndarray, boxes: np.ndarray, size: tuple[int, int], **_: Any) -> np.ndarray:
    """What ``area_crops`` does, as the peer does it."""
    import cv2

    crops = np.empty((len(boxes), *size, 3), np.uint8)
    for crop, (x1, y1, x2, y2) in zip(crops, boxes, strict=True):
        patch = np.zeros((y2 - y1 + 1, x2 - x1 + 1, 3), np.uint8)
        top, left = max(y1, 0), max(x1, 0)
        inside = image[top : max(y2 + 1, 0), left : max(x2 + 1, 0)]
        patch[top - y1 : top - y1 + inside.shape[0], left - x1 : left - x1 + inside.shape[1]] = inside
        crop[:] = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)
    return crops


def framed(image: np.ndarray) -> np.ndarray:
    margin = max(image.shape) // 4
    return np.pad(image, [(margin, margin), (margin, margin), (0, 0)])


def with_opencvs_crops(detector: Any, image: np.ndarray) -> Any:
    own = mtcnn.area_crops
    try:
        mtcnn.area_crops = crops_of_opencv
        return detector.detect(image)
    finally:
        mtcnn.area_crops = own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-path", help="the folder that holds the package mtcnnruntime")
    parser.add_argument("--photos", type=Path, help="a folder of photos; the shared ones of WIDER FACE if left out")
    parser.add_argument("--first", type=int, help="only so many photos")
    parser.add_argument("--rounds", type=int, default=3, help="the least time of so many counts; 0 times nothing")
    given = parser.parse_args()
    peer = the_peer(given.peer_path)
    folder = given.photos or shared("images/wider")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))[
        : given.first
    ]
    if not paths:
        sys.exit(f"no photos in {folder}")
    detector = models.load("mtcnn")
    alike = detector.with_factor(PEERS_FACTOR)
    in_frame, with_peers_crops, with_peers_factor, as_it_is = (Comparison() for _ in range(4))
    seconds = {"pyface": 0.0, "mtcnn-runtime": 0.0}
    ratios = []
    for path in paths:
        image = read_image(path)
        bgr = np.ascontiguousarray(image[:, :, ::-1])
        in_frame.add(with_opencvs_crops(alike, framed(image)), of_peer(peer, framed(bgr)))
        theirs = of_peer(peer, bgr)
        with_peers_crops.add(with_opencvs_crops(alike, image), theirs)
        with_peers_factor.add(alike.detect(image), theirs)
        as_it_is.add(detector.detect(image), theirs)
        if given.rounds > 0:
            ours = least(lambda image=image: alike.detect(image), given.rounds)[0]
            other = least(lambda bgr=bgr: of_peer(peer, bgr), given.rounds)[0]
            seconds["pyface"] += ours
            seconds["mtcnn-runtime"] += other
            ratios.append(other / ours)
    print(machine())
    print(f"{len(paths)} photos of {folder}\n")
    print("| pyface | faces of both | only ours | only the peer's | boxes within 1 px | median px | most px "
          "| points, most px | scores, most |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    print(in_frame.row(f"by {PEERS_FACTOR}, OpenCV's crops, photos in a black frame"))
    print(with_peers_crops.row(f"by {PEERS_FACTOR}, OpenCV's crops"))
    print(with_peers_factor.row(f"by {PEERS_FACTOR}, exact crops"))
    print(as_it_is.row(f"by {mtcnn.FACTOR}, exact crops: as it is"))
    if given.rounds > 0:
        print("\n| | ms a photo | times the peer's speed: all, least, median |")
        print("|---|---|---|")
        all_of_them = seconds["mtcnn-runtime"] / seconds["pyface"]
        ours, other = (1e3 * total / len(paths) for total in seconds.values())
        print(f"| pyface | {ours:.1f} | {all_of_them:.2f}, {min(ratios):.2f}, {np.median(ratios):.2f} |")
        print(f"| mtcnn-runtime | {other:.1f} | |")


if __name__ == "__main__":
    main()
