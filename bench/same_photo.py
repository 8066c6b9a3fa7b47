"""Faces of one photo put together: how many, with and without the rules; and how near one picture twice is.

    python bench/same_photo.py [--chains default dlib "YuNet's points"] [--cache FOLDER]

Photos are the 50 of ``images/wider``, searched with ``min_face=40``. Two faces of one photo are two people, but for
the one collage among the photos, which shows a woman twice. Faces found smaller than that count in "all" alone; the
annotated ones are those that overlap a box of the truth, valid and at least 40 pixels high, by 0.4.

One picture twice: photos of ``images/wider`` (faces from 40 pixels on in both) and every eighth of ``images/lfw``,
beside pictures of them: pasted, mirrored, of another size, and on a screen (:mod:`poor_photos`). Distances are in
``cluster_threshold``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from common import machine, shared
from poor_photos import second_pictures
from quality import CHAINS, Collector, Faces, distances, kept, people_of
from recall import iou

import pyface
from pyface.album.same_photo import picture_share
from pyface.analysis.analyzer import detect, find_faces
from pyface.analysis.chain import Chain, load_chain
from pyface.analysis.quality import min_quality

MIN_FACE, OVERLAP = 40, 0.4
COLLAGE = "44--Aerobics/44_Aerobics_Aerobics_44_652.jpg"
SHARES = (0.4, 0.45, 0.5, 0.55, 0.6)


def truth() -> dict[str, Any]:
    return json.loads((shared("images/wider") / "ground_truth.json").read_text())


def crowds(chain: Chain) -> Faces:
    """All faces of images/wider."""
    collector = Collector(chain)
    for number, name in enumerate(sorted(truth())):
        picture = pyface.read_image(shared("images/wider") / name)
        found = find_faces(chain, picture, detect(chain, picture, min_face=MIN_FACE))
        for i in range(len(found.boxes)):
            collector.add(found, i, number, name, "as it is")
    return collector.faces()


def annotated(faces: Faces) -> np.ndarray:
    """(n,) which faces are those of a valid box of the truth that is at least 40 pixels high."""
    is_large = np.zeros(len(faces.photo), bool)
    for name, entry in truth().items():
        rows = np.flatnonzero(faces.person == name)
        boxes = np.array(entry["boxes_xywh"], float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        if rows.size and len(boxes):
            overlaps = iou(faces.box[rows], boxes)
            best = overlaps.argmax(axis=1)
            is_known = (overlaps.max(axis=1) >= OVERLAP) & ~np.array(entry["invalid"], bool)[best]
            is_large[rows] = is_known & (boxes[best, 3] - boxes[best, 1] >= MIN_FACE)
    return is_large


def put_together(faces: Faces, chain: Chain) -> None:
    assert chain.embedder is not None
    is_large = annotated(faces)
    first, second = np.triu_indices(len(is_large), 1)
    both = faces.photo[first] == faces.photo[second]
    first, second = first[both], second[both]
    of_two = faces.person[first] != COLLAGE
    large = is_large[first] & is_large[second]
    print(f"\n| {len(is_large)} faces, {is_large.sum()} of them annotated | pairs of one photo, of all faces | "
          "pairs of annotated ones | set aside, of all | of annotated ones |\n|---|---|---|---|---|")  # fmt: skip
    for name, least, same_photo in (
        ("no rule", 0.0, "off"),
        ("poor faces set aside, doubtful ones let go", min_quality(chain.embedder.name), "off"),
        ("faces of one photo kept apart", 0.0, "auto"),
        ("all", min_quality(chain.embedder.name), "auto"),
    ):
        labels, aside = people_of(faces, chain, least=least, same_photo=same_photo)
        together = labels[first] == labels[second]
        cells = [f"{(together & of_two & rows).sum()} of {rows.sum():,}" for rows in (np.ones(len(first), bool), large)]
        print(f"| {name} | {' | '.join(cells)} | {aside.sum()} | {aside[is_large].sum()} |", flush=True)
    collage = np.flatnonzero(~of_two & (labels[first] == labels[second]))
    print(f"\nThe woman of the collage is {'one person' if collage.size else 'two people'} with all rules.")
    between = distances(faces.embedding, faces.embedding, chain.embedder.metric) / chain.embedder.cluster_threshold
    nearest = np.sort(between[first[of_two], second[of_two]])
    print("Nearest two people of one photo, all faces: " + ", ".join(f"{value:.2f}" for value in nearest[:5]))
    nearest = np.sort(between[first[of_two & large], second[of_two & large]])
    print("The same of annotated faces: " + ", ".join(f"{value:.2f}" for value in nearest[:5]))


def twice(chain: Chain, *, wider: bool) -> dict[str, np.ndarray]:
    """Of faces and second pictures of them: ``where``, ``kind``, ``side`` of the smaller box, ``distance``."""
    rows: dict[str, list[Any]] = {"where": [], "kind": [], "side": [], "distance": []}
    photos = [("lfw", file, None) for file in sorted(shared("images/lfw").glob("*/*.jpg"))[::8]]
    if wider:
        photos += [("wider", shared("images/wider") / name, MIN_FACE) for name in sorted(truth())]
    number = {"lfw": 0, "wider": 0}
    for where, file, min_face in photos:
        picture = pyface.read_image(file)
        random = np.random.default_rng(number[where])
        number[where] += 1
        faces, vectors = _faces(chain, picture, min_face)
        for kind, second, place in second_pictures(picture, random) if len(faces) else ():
            scale = abs(np.linalg.det(place[:2, :2])) ** 0.5
            smallest = None if min_face is None else max(8, min_face * min(1, scale))
            others, their = _faces(chain, np.ascontiguousarray(second), smallest)
            if not len(others):
                continue
            middles = others.reshape(-1, 2, 2).mean(axis=1)
            expected = cv2.perspectiveTransform(faces.reshape(-1, 2, 2).mean(axis=1)[None], place)[0]
            between = distances(vectors, their, chain.embedder.metric)  # type: ignore[union-attr]
            for i, point in enumerate(expected):
                away = np.linalg.norm(middles - point, axis=1)
                k, side = int(away.argmin()), (faces[i, 2:] - faces[i, :2]).max()
                if away[k] < 0.25 * side * scale:
                    values = (where, kind, min(side, (others[k, 2:] - others[k, :2]).max()), between[i, k])
                    for column, value in zip(rows.values(), values, strict=True):
                        column.append(value)
    return {name: np.array(values) for name, values in rows.items()}


def _faces(chain: Chain, picture: np.ndarray, min_face: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and vectors."""
    found = find_faces(chain, picture, detect(chain, picture, min_face=min_face))
    assert chain.embedder is not None and found.crops is not None
    return found.boxes, chain.embedder.embed(found.crops)


def one_picture(pairs: dict[str, np.ndarray], chain: Chain) -> None:
    assert chain.embedder is not None
    near = pairs["distance"] / chain.embedder.cluster_threshold
    print(f"\nThe limit is {picture_share(chain.embedder.name, chain.embedder.metric):.2f} of the threshold.")
    print("\n| | faces | median | 90 % | " + " | ".join(f"below {share}" for share in SHARES) + " |")
    print("|" + "---|" * (4 + len(SHARES)))
    for where in ("lfw", "wider"):
        for kind in dict.fromkeys(pairs["kind"].tolist()):
            rows = (pairs["where"] == where) & (pairs["kind"] == kind)
            rows &= (pairs["side"] >= MIN_FACE) | (where == "lfw")
            if rows.any():
                cells = [f"{(near[rows] < share).mean():.3f}" for share in SHARES]
                middle, most = np.quantile(near[rows], [0.5, 0.9])
                print(f"| {where}, {kind} | {rows.sum()} | {middle:.2f} | {most:.2f} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description="Faces of one photo put together, and one picture twice.")
    parser.add_argument("--chains", nargs="+", default=list(CHAINS), choices=list(CHAINS))
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    print(machine())
    for name in options.chains:
        chain = load_chain(**CHAINS[name])
        print(f"\n## {name}", flush=True)
        put_together(kept(options.cache, f"{name}-wider", lambda chain=chain: crowds(chain)), chain)
        file = None if options.cache is None else options.cache / f"{name.replace(' ', '_')}-twice.npz"
        if file is not None and file.exists():
            pairs = dict(np.load(file))
        else:
            # dlib's detector takes seconds for each of the pictures of crowds.
            pairs = twice(chain, wider=name != "dlib")
            if file is not None:
                np.savez(file, **pairs)
        one_picture(pairs, chain)


if __name__ == "__main__":
    main()
