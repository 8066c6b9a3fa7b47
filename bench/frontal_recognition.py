"""Does turning faces to the front help to recognize them? Plain crops against frontalized ones, on LFW's photos.

    python bench/frontal_recognition.py

For the default embedder and those of ``models``: every pair of one person and as many of strangers, by the yaw of the
pair's harder photo (by PFLD's points, which nothing else here uses); accuracy of verification and BCubed F of average
linkage, each threshold from one half of the people and judged on the other; 95 % intervals by resampling people. Last,
whether a person is still nearer to itself than to strangers, on 200 pairs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from common import machine, shared

import pyface
from pyface.errors import LicenseWarning
from pyface.geometry import convert_landmarks, face_mesh, frontalize_many, head_pose
from pyface.models import load

WAYS = {
    "plain": None, "plain, black around": ("surface", "black"),
    "surface, soft": ("surface", "soft"), "surface, none": ("surface", "none"),
    "mesh, soft": ("mesh", "soft"), "mesh, none": ("mesh", "none"),
}  # fmt: skip
CLASSES = {"all": (0, 90), "0 to 15": (0, 15), "15 to 30": (15, 30), "30 and more": (30, 90)}
RESAMPLED, KEPT_PAIRS, SIDE = 1000, 200, 224


@dataclass
class Photos:
    images: list[np.ndarray]
    points: np.ndarray  # (n, 68, 2)
    yaws: np.ndarray
    people: np.ndarray


def photos() -> Photos:
    """One face each, the nearest to the middle."""
    detector = load("yunet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LicenseWarning)
        model = load("dlib-68")
    other = load(shared("models/landmarks_68_pfld.onnx"), "pfld")
    images, points, yaws, people = [], [], [], []
    for path in sorted(shared("images/lfw").rglob("*.jpg")):
        image = pyface.read_image(path)
        boxes = detector.detect(image).boxes
        if not len(boxes):
            continue
        off = boxes.reshape(-1, 2, 2).mean(axis=1) - np.array(image.shape[1::-1]) / 2
        box = boxes[[np.hypot(*off.T).argmin()]]
        images.append(image)
        points.append(model.locate(image, box).points[0])
        yaws.append(head_pose(other.locate(image, box).points[0], "dlib-68").yaw)
        people.append(path.parent.name)
    return Photos(images, np.array(points), np.abs(yaws), np.array(people))


def vectors(embedder: Any, some: Photos, way: tuple[str, str] | None) -> tuple[np.ndarray, np.ndarray]:
    """(n, d) unit vectors, and which faces were refused and are their plain crops."""
    five = convert_landmarks(some.points, "dlib-68", "arcface-5")
    scheme = "arcface-5" if "arcface-5" in embedder.schemes else "dlib-5"
    plain = five if scheme == "arcface-5" else convert_landmarks(some.points, "dlib-68", "dlib-5")
    target = convert_landmarks(face_mesh("dlib-68", SIDE).target[:68], "dlib-68", scheme)
    crops, refused = [], np.zeros(len(plain), bool)
    made = [None] * len(plain)
    is_masked = way is not None and way[1] == "black"
    if way is not None:
        symmetry = "none" if is_masked else way[1]
        made = frontalize_many(some.images, some.points, "dlib-68", method=way[0], symmetry=symmetry, size=SIDE)
    for i, front in enumerate(made):
        if front is None or front.image is None:
            refused[i] = front is not None
            crops.append(embedder.crop(some.images[i], plain[[i]])[0])
        elif is_masked:  # what the turned face lacks around it, of the one that is not turned
            mask = np.repeat(255 * front.mask.astype(np.uint8)[..., None], 3, axis=2)
            shown = embedder.crop(mask, target[None])[0] >= 128
            crops.append(embedder.crop(some.images[i], plain[[i]])[0] * shown)
        else:
            crops.append(embedder.crop(front.image, target[None])[0])
    found = np.concatenate([embedder.embed(np.array(crops[i : i + 32])) for i in range(0, len(crops), 32)])
    return found / np.linalg.norm(found, axis=1, keepdims=True), refused


def pairs(people: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(p, 2) of one person each, and as many of strangers."""
    i, j = np.triu_indices(len(people), 1)
    is_same = people[i] == people[j]
    same = np.stack([i[is_same], j[is_same]], axis=1)
    others = rng.permutation(np.flatnonzero(~is_same))[: len(same)]
    return same, np.stack([i[others], j[others]], axis=1)


def interval(score: Callable[[np.ndarray], float], n: int, rng: np.random.Generator) -> tuple[float, float]:
    """95 % of the scores of resampled people: ``score`` gets how often each of n was drawn."""
    drawn = [score(np.bincount(rng.integers(0, n, n), minlength=n).astype(float)) for _ in range(RESAMPLED)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def verification(x: np.ndarray, some: Photos, chooses: np.ndarray, codes: np.ndarray) -> list[str]:
    rng = np.random.default_rng(0)
    same, strange = pairs(some.people, rng)
    both = np.vstack([same, strange])
    is_same = np.arange(len(both)) < len(same)
    alike = (x[both[:, 0]] * x[both[:, 1]]).sum(axis=1)
    harder = some.yaws[both].max(axis=1)
    learn, judge = chooses[both].all(axis=1), ~chooses[both].any(axis=1)
    steps = np.unique(np.quantile(alike[learn], np.linspace(0, 1, 400)))
    best = max(steps, key=lambda t: np.mean((alike[learn] >= t) == is_same[learn]))
    cells = []
    for low, high in CLASSES.values():
        rows = np.flatnonzero(judge & (harder >= low) & (harder < high))
        good = ((alike >= best) == is_same)[rows].astype(float)
        kinds = [is_same[rows], ~is_same[rows]]

        def accuracy(times: np.ndarray, rows: np.ndarray = rows, good: np.ndarray = good, kinds: Any = kinds) -> float:
            weights = times[codes[both[rows, 0]]] * times[codes[both[rows, 1]]]
            weights[kinds[0]] = times[codes[both[rows, 0]]][kinds[0]]
            shares = [np.average(good[k], weights=weights[k]) if weights[k].sum() else np.nan for k in kinds]
            return float(np.mean(shares))

        n = codes.max() + 1
        middle, (a, b) = accuracy(np.ones(n)), interval(accuracy, n, np.random.default_rng(1))
        cells.append(f"{middle:.3f} [{a:.3f}, {b:.3f}] of {kinds[0].sum()}")
    return cells


def bcubed(x: np.ndarray, some: Photos, chooses: np.ndarray, codes: np.ndarray) -> str:
    heights = np.arange(0.1, 1.0, 0.01)
    tree = pyface.linkage(x[chooses], "average", "cosine")
    scores = [pyface.metrics.evaluate(some.people[chooses], pyface.cut(tree, height=t)).bcubed_f for t in heights]
    best = float(np.median(heights[scores == np.max(scores)]))
    labels = pyface.cut(pyface.linkage(x[~chooses], "average", "cosine"), height=best)
    true = codes[~chooses]
    same_person, same_cluster = true[:, None] == true, labels[:, None] == labels

    def f(times: np.ndarray) -> float:
        w = times[true]
        together = (same_person & same_cluster) @ w
        with np.errstate(invalid="ignore"):
            precision = np.average(together / (same_cluster @ w), weights=w)
            recall = np.average(together / (same_person @ w), weights=w)
        return float(2 * precision * recall / (precision + recall))

    n = codes.max() + 1
    rng = np.random.default_rng(2)
    drawn = []
    for _ in range(RESAMPLED // 5):
        times = np.bincount(rng.integers(0, n, n), minlength=n).astype(float)
        times[times == 0] = 1e-12  # no division by nothing
        drawn.append(f(times))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{f(np.ones(n)):.4f} [{low:.4f}, {high:.4f}]"


def identity_kept(x: np.ndarray, plain: np.ndarray, some: Photos) -> list[str]:
    """Of 200 faces, by class: how alike the turned face is to another photo of the person, and to a stranger's."""
    rng = np.random.default_rng(3)
    same, _ = pairs(some.people, rng)
    harder = some.yaws[same].max(axis=1)
    cells = []
    for name, (low, high) in CLASSES.items():
        if name == "all":
            continue
        rows = rng.permutation(np.flatnonzero((harder >= low) & (harder < high)))[:KEPT_PAIRS]
        turned = np.where(some.yaws[same[rows, 0]] >= some.yaws[same[rows, 1]], same[rows, 0], same[rows, 1])
        other = same[rows].sum(axis=1) - turned
        stranger = np.array([rng.choice(np.flatnonzero(some.people != some.people[i])) for i in turned])
        medians = []
        for partner in (other, stranger):
            alike = (x[turned] * plain[partner]).sum(axis=1)
            drawn = [np.median(rng.choice(alike, len(alike))) for _ in range(RESAMPLED)]
            medians.append((np.median(alike), *np.quantile(drawn, [0.025, 0.975])))
        (s, sl, sh), (o, ol, oh) = medians
        is_apart = "apart" if sl > oh else "NOT apart"
        cells.append(f"{s:.3f} [{sl:.3f}, {sh:.3f}] : {o:.3f} [{ol:.3f}, {oh:.3f}] {is_apart}")
    return cells


def main() -> None:
    print(machine())
    some = photos()
    names, codes = np.unique(some.people, return_inverse=True)
    chosen = np.isin(np.arange(len(names)), np.random.default_rng(0).permutation(len(names))[::2])
    chooses = chosen[codes]
    print(f"{len(some.people)} faces of {len(names)} people; {np.mean(some.yaws >= 15):.0%} beyond 15 degrees")
    embedders = {
        "sface": load("sface"),
        "0095": load(shared("models/face-reidentification-retail-0095.onnx"), "omz_0095"),
        "mobilefacenet": load(shared("models/mobilefacenet.onnx"), "arcface", normalization="imagenet"),
    }
    for name, embedder in embedders.items():
        plain, _ = vectors(embedder, some, None)
        print(f"\n{name}: way, refused; accuracy of verification {', '.join(CLASSES)}; BCubed F")
        kept = []
        for way, options in WAYS.items():
            x, refused = (plain, np.zeros(len(plain), bool)) if options is None else vectors(embedder, some, options)
            cells = verification(x, some, chooses, codes)
            score = bcubed(x, some, chooses, codes)
            print(f"  {way:<20}{refused.sum():4d}  {' | '.join(cells)} | F {score}", flush=True)
            kept.append((way, identity_kept(x, plain, some)))
        print(f"{name}: the same person : a stranger, medians, {', '.join(list(CLASSES)[1:])}")
        for way, cells in kept:
            print(f"  {way:<20}{' | '.join(cells)}")


if __name__ == "__main__":
    main()
