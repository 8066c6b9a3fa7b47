"""Landmarks of tilted faces, with and without ``refine``: photos turned in steps of 10 degrees all around.

    python bench/tilt.py [--faces 100] [--chains NAME ...] [--people]

Faces are those of ``images/lfw``, one a person, and large ones of ``images/wider``, all within 10 degrees of upright.
Each photo is turned about the middle of its face and shown in a square that has room for the face at any tilt, black
where there is no photo. The reference are the landmarks that the same models give in the unturned square, without
``refine``, turned along. A tilt of either sign counts as one. "Found" is the detector's share of the faces that it
finds at 0; only those are judged, at tilts from 0 on. The first row, "as it is", has squares enlarged by 10 % and not
turned: what it says is the models' own noise, which nothing can be better than.

``--people`` measures what ``refine`` does to ``pyface cluster`` on the photos of ``images/lfw`` instead.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import SHARED, machine, shared

import pyface
from pyface import metrics
from pyface.analysis.analyzer import detect, find_faces
from pyface.analysis.chain import Chain, load_chain
from pyface.geometry import convert_landmarks, roll_angle
from pyface.kernels.crops import affine_crops
from pyface.types import Detections

STEP, LEVEL, FAR = 10, 2.0, 10.0
ENLARGED = 1.1
UPRIGHT = 10.0  # degrees within which the photos are
LARGE = 70  # pixels, of a face of images/wider
FOUND_WITHIN, FOUND_SIZES = 0.4, 1.8  # of the longer side of the box at 0
SCRFD = str(SHARED / "models/scrfd_500m.onnx")
CHAINS: dict[str, dict[str, Any]] = {
    "YuNet + O-Net (default)": {"detector": "yunet", "landmarks": "mtcnn-onet"},
    "YuNet + dlib-5": {"detector": "yunet", "landmarks": "dlib-5"},
    "YuNet + dlib-68": {"detector": "yunet", "landmarks": "dlib-68"},
    "dlib + dlib-5": {"detector": "dlib-mmod", "landmarks": "dlib-5"},
    "dlib + dlib-68": {"detector": "dlib-mmod", "landmarks": "dlib-68"},
    "SCRFD, own points": {"detector": SCRFD, "detector_family": "scrfd", "landmarks": "detector"},
}
TITLES = ("median", "95 %", f"> {LEVEL:g}°", f"> {FAR:g}°", "off")


@dataclass(frozen=True)
class Sample:
    """A photo, the middle of its face, and the side of the square that shows it."""

    image: np.ndarray
    middle: np.ndarray
    side: int

    def turned(self, degrees: float, scale: float = 1.0) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """The square with the photo turned clockwise, and the way of points of the unturned square into it."""
        radians = np.radians(degrees)
        turn = np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]])
        side = round(self.side * scale)
        before, after = np.full(2, (self.side - 1) / 2), np.full(2, (side - 1) / 2)
        back = turn.T / scale
        matrix = np.column_stack([back, self.middle - back @ after])
        square = affine_crops(self.image, matrix[None], (side, side))[0]
        return square, lambda points: (points - before) @ turn.T * scale + after


def samples(count: int) -> list[Sample]:
    """So many faces, four of five from images/lfw."""
    chain = load_chain("opencv", landmarks=False, embedder=False)

    def upright(path: Path) -> list[tuple[np.ndarray, np.ndarray, float]]:
        image = pyface.read_image(path)
        seen = detect(chain, image)
        assert seen.landmarks is not None
        rolls = roll_angle(seen.landmarks[:, 0], seen.landmarks[:, 1])
        return [
            (image, (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max()))
            for box, roll in zip(seen.boxes, rolls, strict=True)
            if abs(roll) <= UPRIGHT
        ]

    found: list[Sample] = []
    n_lfw = count * 4 // 5
    people = sorted(path for path in shared("images/lfw").iterdir() if path.is_dir())
    for person in people[:: max(1, len(people) * 9 // (n_lfw * 10))]:
        faces = upright(sorted(person.glob("*.jpg"))[0])
        if faces and len(found) < n_lfw:
            centre = np.array(faces[0][0].shape[1::-1]) / 2
            image, middle, _ = min(faces, key=lambda face: float(np.linalg.norm(face[1] - centre)))
            found.append(Sample(image, middle, 356))
    for path in sorted(shared("images/wider").rglob("*.jpg")):
        large = [face for face in upright(path) if face[2] >= LARGE]
        found += [Sample(image, middle, round(4 * side)) for image, middle, side in large]
    return found[:count]


def in_middle(seen: Detections, square: np.ndarray, side: float | None) -> Detections | None:
    """The detection of the square's own face; ``side`` is that of its box at 0, scaled along."""
    if len(seen) == 0:
        return None
    middle = (np.array(square.shape[1::-1]) - 1) / 2
    sides = (seen.boxes[:, 2:] - seen.boxes[:, :2]).max(axis=1)
    away = np.linalg.norm((seen.boxes[:, :2] + seen.boxes[:, 2:]) / 2 - middle, axis=1)
    wanted = sides if side is None else np.full(len(sides), side)
    is_it = (away <= FOUND_WITHIN * wanted) & (sides <= wanted * FOUND_SIZES) & (sides >= wanted / FOUND_SIZES)
    if not is_it.any():
        return None
    i = int(np.argmin(np.where(is_it, away, np.inf)))
    own = None if seen.landmarks is None else seen.landmarks[i : i + 1]
    return Detections(seen.boxes[i : i + 1], seen.scores[i : i + 1], own)


def eyes(points: np.ndarray, scheme: str) -> tuple[np.ndarray, np.ndarray]:
    """Left and right eye, as seen in the image, of one face (1, k, 2)."""
    if scheme == "dlib-5":
        return points[:, 2:4].mean(axis=1), points[:, :2].mean(axis=1)
    five = convert_landmarks(points, scheme, "arcface-5")
    return five[:, 0], five[:, 1]


def off(points: np.ndarray, wanted: np.ndarray, scheme: str) -> tuple[float, float]:
    """Degrees between the lines of the eyes, and the mean distance of points in eye distances."""
    left, right = eyes(wanted, scheme)
    angle = float(roll_angle(*eyes(points, scheme))[0] - roll_angle(left, right)[0])
    distance = np.linalg.norm(points - wanted, axis=2).mean() / np.linalg.norm(right - left)
    return abs((angle + 180) % 360 - 180), float(distance)


def cells(values: list[tuple[float, float]]) -> str:
    angles, distances = np.array(values).T
    shares = " | ".join(f"{(angles > limit).mean():.0%}" for limit in (LEVEL, FAR))
    return f"{np.median(angles):.2f} | {np.quantile(angles, 0.95):.1f} | {shares} | {np.median(distances):.3f}"


def of_chain(name: str, chain: Chain, faces: list[Sample]) -> None:
    scheme = chain.scheme
    assert scheme is not None
    looked: dict[str, int] = {}
    without: dict[str, list[tuple[float, float]]] = {}
    refined: dict[str, list[tuple[float, float]]] = {}
    n_faces = 0
    for sample in faces:
        square, _ = sample.turned(0)
        first = in_middle(detect(chain, square), square, None)
        if first is None:
            continue
        n_faces += 1
        side = float((first.boxes[0, 2:] - first.boxes[0, :2]).max())
        reference = find_faces(chain, square, first, refine=False).landmarks
        assert reference is not None
        kinds = [("as it is", 0, ENLARGED)] + [(f"{abs(t)}°", t, 1.0) for t in range(-180 + STEP, 181, STEP)]
        for row, degrees, scale in kinds:
            square, along = sample.turned(degrees, scale)
            looked[row] = looked.get(row, 0) + 1
            seen = in_middle(detect(chain, square), square, side * scale)
            if seen is None:
                continue
            wanted = along(reference)
            for refine, rows in ((False, without), (True, refined)):
                points = find_faces(chain, square, seen, refine=refine).landmarks
                assert points is not None
                rows.setdefault(row, []).append(off(points, wanted, scheme))
    print(f"\n### {name}: {n_faces} faces\n\n| tilt | found |" + " |".join(f" {title}" for title in TITLES), end=" |")
    print(" |".join(f" refined: {title}" for title in TITLES) + " |\n|---|---|" + "---|" * 2 * len(TITLES))
    for row, count in sorted(looked.items(), key=lambda item: int(item[0].rstrip("°")) if "°" in item[0] else -1):
        share = f"{len(without.get(row, [])) / count:.0%}"
        if row in without:
            print(f"| {row} | {share} | {cells(without[row])} | {cells(refined[row])} |")
        else:
            print(f"| {row} | {share} |" + " |" * 2 * len(TITLES))
    for title, rows in (("without", without), ("refined", refined)):
        tilted = [value for row, values in rows.items() if row not in ("as it is", "0°") for value in values]
        print(f"\nAll found at 10° and more, {title}: {cells(tilted).replace('|', ',')}", end="")
    print("", flush=True)


def of_people() -> None:
    folder = shared("images/lfw")
    print("\n| models | refine | BCubed F | precision | recall | people | seconds |\n|---|---|---|---|---|---|---|")
    for pack in ("opencv", "dlib"):
        for refine in (False, True):
            since = time.perf_counter()
            album = pyface.cluster_photos(folder, models=pack, refine=refine)
            seconds = time.perf_counter() - since
            centre = {photo.name: np.array([photo.width, photo.height]) / 2 for photo in album.photos}
            nearest: dict[str, int] = {}
            distance = partial(_from_middle, album, centre)
            for i, face in enumerate(album.faces):
                if face.photo not in nearest or distance(i) < distance(nearest[face.photo]):
                    nearest[face.photo] = i
            true = np.unique([Path(name).parent.name for name in nearest], return_inverse=True)[1]
            scores = metrics.evaluate(true, album.labels[list(nearest.values())])
            print(
                f"| {pack} | {refine} | {scores.bcubed_f:.4f} | {scores.bcubed_precision:.4f} | "
                f"{scores.bcubed_recall:.4f} | {album.n_people} | {seconds:.1f} |",
                flush=True,
            )


def _from_middle(album: Any, centre: dict[str, np.ndarray], i: int) -> float:
    """How far a face is from the middle of its photo."""
    face = album.faces[i]
    return float(np.linalg.norm(face.face.box.reshape(2, 2).mean(axis=0) - centre[face.photo]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=100)
    parser.add_argument("--chains", nargs="+", default=list(CHAINS), choices=list(CHAINS), metavar="NAME")
    parser.add_argument("--people", action="store_true")
    arguments = parser.parse_args()
    print(machine())
    if arguments.people:
        of_people()
        return
    faces = samples(arguments.faces)
    for name in arguments.chains:
        if name.startswith("SCRFD") and not Path(SCRFD).exists():
            print(f"\n{name} left out: {SCRFD} is not there")
            continue
        of_chain(name, load_chain(embedder=False, **CHAINS[name]), faces)


if __name__ == "__main__":
    main()
