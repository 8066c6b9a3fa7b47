"""A contact sheet of faces turned to the front, to be looked at.

    python bench/frontal_sheet.py sheet.png

By row: the astronaut of scikit-image, the largest faces of the four group photos of ``images/wider`` that have the
largest, and ten faces of LFW of each class of yaw. By column: the photo with its landmarks and the head's axes, what of
it was seen (green) and hidden (red), the surface without and with symmetry, the mesh with it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from common import shared

import pyface
from pyface.errors import LicenseWarning
from pyface.geometry import HeadPose, frontalize, head_pose
from pyface.models import load
from pyface.photos.drawing import draw_dots
from pyface.pictures.pose_axes import draw_axes

SIDE = 160
CLASSES = ((0, 15), (15, 30), (30, 45), (45, 90))
IN_CLASS, GROUPS, IN_GROUP = 10, 4, 4
SCHEME = "dlib-68"


class Faces:
    """Photos to landmarks, by the default detector and dlib's 68 points."""

    def __init__(self) -> None:
        self.detector = load("yunet")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LicenseWarning)
            self.points = load(SCHEME)

    def of(self, image: np.ndarray, most: int) -> list[np.ndarray]:
        """Landmarks of the largest faces, (68, 2) each."""
        boxes = self.detector.detect(image).boxes
        largest = np.argsort(boxes[:, 0] - boxes[:, 2], kind="stable")[:most]
        return list(self.points.locate(image, boxes[largest]).points)


def rows(faces: Faces) -> Iterator[tuple[np.ndarray, np.ndarray, str]]:
    """Photo, landmarks and a caption of each row."""
    photo = skimage.data.astronaut()
    for points in faces.of(photo, 1):
        yield photo, points, "astronaut"
    groups = []
    for path in sorted(shared("images/wider").rglob("*Group*.jpg")):
        image = pyface.read_image(path)
        found = faces.of(image, IN_GROUP)
        if len(found) >= 2:
            groups.append((np.mean([head_pose(points, SCHEME).scale for points in found]), path.stem, image, found))
    for _, _, image, found in sorted(groups, key=lambda group: -group[0])[:GROUPS]:
        for points in found:
            yield image, points, "group"
    waiting: dict[tuple[int, int], int] = dict.fromkeys(CLASSES, IN_CLASS)
    for path in np.random.default_rng(0).permutation(sorted(map(str, shared("images/lfw").rglob("*.jpg")))):
        image = pyface.read_image(Path(path))
        for points in faces.of(image, 1):
            yaw = abs(head_pose(points, SCHEME).yaw)
            for low, high in CLASSES:
                if low <= yaw < high and waiting[low, high]:
                    waiting[low, high] -= 1
                    yield image, points, f"{low} to {high}"
        if not any(waiting.values()):
            return


def around(image: np.ndarray, points: np.ndarray, pose: HeadPose) -> np.ndarray:
    """The face in the photo, marked."""
    marked = image.copy()
    width = max(1, round(pose.scale / 60))
    draw_axes(marked, pose, width)
    draw_dots(marked, points, (0, 220, 255), width)
    middle, reach = points.mean(axis=0), 1.7 * pose.scale
    scale = SIDE / (2 * reach)
    matrix = np.array([[scale, 0, SIDE / 2 - scale * middle[0]], [0, scale, SIDE / 2 - scale * middle[1]]])
    return np.asarray(cv2.warpAffine(marked, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA))


def row(image: np.ndarray, points: np.ndarray, caption: str) -> np.ndarray:
    pose = head_pose(points, SCHEME)
    cells = [around(image, points, pose)]
    ways = [("surface", "none"), ("surface", "soft"), ("mesh", "soft")]
    for method, symmetry in ways:
        made = frontalize(
            image, points, SCHEME, method=method, symmetry=symmetry, size=SIDE, max_yaw=80, antialias=True
        )
        if made.image is None or made.visibility is None or made.mask is None:
            empty = np.full((SIDE, SIDE, 3), 60, np.uint8)
            cv2.putText(empty, "refused", (30, SIDE // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
            cells += [empty] * (2 if len(cells) == 1 else 1)
            continue
        if len(cells) == 1:
            seen = made.visibility[..., None]
            cells.append(np.uint8(made.mask[..., None] * (seen * [0, 170, 0] + (1 - seen) * [220, 40, 40])))
        cells.append(made.image)
    words = f"{caption}: yaw {pose.yaw:.0f}, pitch {pose.pitch:.0f}"
    cv2.putText(cells[0], words, (3, SIDE - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 0), 1, cv2.LINE_AA)
    return np.hstack(cells)


def main(out: Path) -> None:
    made = [row(*one) for one in rows(Faces())]
    made += [np.zeros_like(made[0])] * (-len(made) % 2)
    half = len(made) // 2
    sheet = np.hstack([np.vstack(made[:half]), np.vstack(made[half:])])
    cv2.imwrite(str(out), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    print(f"{len(made)} rows in {out}: photo, visibility, surface without and with symmetry, mesh")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
