"""What ``align_face(antialias=True)`` does to the vectors of embedders, on photos of people whose names are known.

    python bench/antialias.py

Crops smaller than the embedder's own make the option act where faces are no larger than its crops, as those of
``images/lfw``: at half the size a crop pixel spans twice as many photo pixels. Small crops are enlarged (bilinear) to
the size that the network takes. "area" is the mean of 4 x 4 plain samples a crop pixel, for comparison.

Two embedders: the default one, fed with crops in dlib's frame by ``align_face`` ("chips" are those that it cuts itself,
as ``FaceAnalyzer`` has it), and ``models/mobilefacenet.onnx``, fed with crops in ArcFace's frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from common import SHARED, machine, shared
from scipy.stats import rankdata
from skimage import data

import pyface
from pyface import geometry, metrics
from pyface.cluster import for_embedder, threshold_advice
from pyface.models import load

PARTS = (1, 1.5, 2, 3, 4)  # the embedder's own size divided by these
REDUCED = (2, 3, 4)
ACTS_FROM = 1.5  # photo pixels a crop pixel
FEW = 1e-3  # false accepts
KINDS = ("plain", "antialias", "area")
SAMPLES = 4


@dataclass(frozen=True)
class Fed:
    """An embedder that takes aligned crops: ``embed`` takes (n, size, size, 3) uint8 and gives (n, d)."""

    name: str
    template: str
    size: int
    metric: str
    embed: Callable[[np.ndarray], np.ndarray]
    threshold: float | None = None  # of pairs
    chips: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None  # its own crops of (n, 5, 2) landmarks

    def target(self, size: int) -> np.ndarray:
        """dlib's five points in a crop of any size, the frame being that of the own size."""
        return (geometry.template_points(self.template, self.size) + 0.5) * size / self.size - 0.5

    def spans(self, points: np.ndarray) -> float:
        """Photo pixels a pixel of the own crop."""
        return float(1 / geometry.similarity_transform(points, self.target(self.size)).scale)

    def crop(self, image: np.ndarray, points: np.ndarray, size: int, kind: str) -> np.ndarray:
        """The own-sized crop that goes through one of ``size``."""
        if kind == "area":
            target = self.target(size * SAMPLES)
            large = geometry.align_face(image, points, size * SAMPLES, template=target)
            small = cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA)
        else:
            target = self.target(size)
            small = geometry.align_face(image, points, size, template=target, antialias=kind == "antialias")
        if size == self.size:
            return small
        return np.asarray(cv2.resize(small, (self.size, self.size), interpolation=cv2.INTER_LINEAR))

    def distances(self, X: np.ndarray, Y: np.ndarray | None = None) -> np.ndarray:
        if self.metric == "cosine":
            return pyface.cosine_distances(X, Y)
        return pyface.euclidean_distances(X, Y, squared=True)

    def between(self, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        """(n,) distances of rows to those of the same number."""
        if self.metric == "cosine":
            return 1 - (X * Y).sum(axis=1) / np.linalg.norm(X, axis=1) / np.linalg.norm(Y, axis=1)
        return ((X - Y) ** 2).sum(axis=1)


def default_embedder() -> Fed:
    model = load("dlib-resnet")
    return Fed("dlib-resnet", "dlib-5", model.size, model.metric, model.embed, model.pair_threshold, model.crop)


def mobilefacenet() -> Fed | None:
    path = SHARED / "models/mobilefacenet.onnx"
    if not path.exists():
        print(f"\nmobilefacenet left out: {path} is not there")
        return None
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])

    def embed(crops: np.ndarray) -> np.ndarray:
        parts = []
        for begin in range(0, len(crops), 32):
            x = (crops[begin : begin + 32] / 255 - mean) / deviation
            parts.append(session.run(None, {"input": x.transpose(0, 3, 1, 2).astype(np.float32)})[0])
        return np.concatenate(parts)

    return Fed("mobilefacenet", "arcface-dlib-5", 112, "cosine", embed)


def labelled_faces(folder: Path) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """(photo, five points) of the face nearest to each photo's centre, and whose photo it is."""
    analyzer = pyface.FaceAnalyzer(embedder=False)
    faces, people = [], []
    for path in sorted(folder.glob("*/*.jpg")):
        photo = pyface.read_image(path)
        centre = np.array(photo.shape[1::-1]) / 2
        found = analyzer.analyze(photo)
        if found:
            nearest = min(found, key=lambda face: np.linalg.norm(face.box.reshape(2, 2).mean(axis=0) - centre))
            faces.append((photo, nearest.landmarks))
            people.append(path.parent.name)
    return faces, np.unique(people, return_inverse=True)[1]


def other_faces(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """(photo, five points) of all faces of the photos of WIDER FACE, and of scikit-image's astronaut."""
    analyzer = pyface.FaceAnalyzer(embedder=False)
    photos = [pyface.read_image(path) for path in sorted(folder.rglob("*.jpg"))]
    return [(photo, face.landmarks) for photo in [data.astronaut(), *photos] for face in analyzer.analyze(photo)]


def bcubed(fed: Fed, X: np.ndarray, people: np.ndarray) -> float:
    """F of the recommended clustering, or where there is none the best F of all cuts of average linkage."""
    if fed.threshold is not None:
        return float(metrics.bcubed_precision_recall_f(people, for_embedder(fed.name).fit_predict(X))[2])
    return float(threshold_advice(pyface.linkage(X, "average", fed.metric), people).bcubed_f)


def interval(people: np.ndarray, difference: np.ndarray) -> tuple[float, float]:
    """95 % of the mean of pairs' differences when people are drawn anew (bootstrap)."""
    groups, numbers = np.unique(people, return_inverse=True)
    sums, counts = np.bincount(numbers, difference), np.bincount(numbers)
    drawn = np.random.default_rng(0).integers(len(groups), size=(2000, len(groups)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def on_labelled(fed: Fed, faces: list[tuple[np.ndarray, np.ndarray]], people: np.ndarray) -> None:
    i, j = np.triu_indices(len(people), 1)
    is_same = people[i] == people[j]
    spans = np.array([fed.spans(points) for _, points in faces])
    print(
        f"\n{fed.name}: {len(faces)} faces of {people.max() + 1} people, {is_same.sum():,} pairs of one person and "
        f"{(~is_same).sum():,} of two; {np.median(spans):.2f} photo pixels a crop pixel (median; 95 %: "
        f"{np.quantile(spans, 0.95):.2f}), {(spans >= ACTS_FROM).sum()} faces of {ACTS_FROM} and more\n\n"
        "| crop | photo pixels a crop pixel | | from the own size's vector (median) | AUC | FRR at FAR 0.1 % | "
        "less than plain (95 %) | FAR, FRR at the threshold | BCubed F |\n|---|---|---|---|---|---|---|---|---|"
    )
    own: Any = None

    def row(start: str, crops: np.ndarray, plain: np.ndarray | None) -> np.ndarray:
        nonlocal own
        X = fed.embed(crops)
        own = X if own is None else own
        d = fed.distances(X)[i, j]
        same, other = d[is_same], d[~is_same]
        auc = 1 - (rankdata(d)[is_same].sum() - len(same) * (len(same) + 1) / 2) / len(same) / len(other)
        missed = same > np.quantile(other, FEW)
        gain = at = ""
        if plain is not None:
            difference = plain.astype(float) - missed
            low, high = interval(people[i][is_same], difference)
            gain = f"{difference.mean():+.2%} ({low:+.2%} to {high:+.2%})"
        if fed.threshold is not None:
            at = f"{(other < fed.threshold).mean():.3%}, {(same >= fed.threshold).mean():.1%}"
        print(
            f"| {start} | {np.median(fed.between(X, own)):.4f} | {auc:.5f} | {missed.mean():.2%} | {gain} | {at} | "
            f"{bcubed(fed, X, people):.4f} |",
            flush=True,
        )
        return missed

    if fed.chips is not None:
        row("chips | | ", np.concatenate([fed.chips(photo, points[None]) for photo, points in faces]), None)
        own = None
    for part in PARTS:
        size = round(fed.size / part)
        plain = None
        for kind in KINDS:
            start = f"{size} | {np.median(spans) * fed.size / size:.2f} | {kind}"
            missed = row(start, np.stack([fed.crop(*face, size, kind) for face in faces]), plain)
            plain = missed if kind == "plain" else plain


def on_large(fed: Fed, faces: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """How far a face's vector moves when its photo is reduced, if the crop from the full photo is as small."""
    spans = np.array([fed.spans(points) for _, points in faces])
    print(f"\n{fed.name}: {len(faces)} faces, {(spans >= ACTS_FROM).sum()} of {ACTS_FROM} and more photo pixels a crop")
    print("pixel; distance to the vector of the own-sized crop of the photo reduced by means, median\n")
    print("| crop | faces | plain | antialias | area | nearer with antialias than plain |\n|---|---|---|---|---|---|")
    large = [face for face, s in zip(faces, spans, strict=True) if s >= ACTS_FROM]
    if large:
        factors = [max(2, round(fed.spans(points))) for _, points in large]
        compare(fed, f"own size, {ACTS_FROM} and more", large, factors, [fed.size] * len(large))
    at_least = [face for face, s in zip(faces, spans, strict=True) if s >= ACTS_FROM / 2]
    for factor in REDUCED:
        size = round(fed.size / factor)
        compare(fed, f"{size}, photo / {factor}", at_least, [factor] * len(at_least), [size] * len(at_least))


def compare(
    fed: Fed, title: str, faces: list[tuple[np.ndarray, np.ndarray]], factors: list[int], sizes: list[int]
) -> None:
    reduced = []
    for (photo, points), k in zip(faces, factors, strict=True):
        height, width = photo.shape[0] // k, photo.shape[1] // k
        small = cv2.resize(photo[: height * k, : width * k], (width, height), interpolation=cv2.INTER_AREA)
        reduced.append(fed.crop(small, (points + 0.5) / k - 0.5, fed.size, "plain"))
    base = fed.embed(np.stack(reduced))
    far = {}
    for kind in KINDS:
        crops = [fed.crop(*face, size, kind) for face, size in zip(faces, sizes, strict=True)]
        far[kind] = fed.between(fed.embed(np.stack(crops)), base)
    nearer = (far["antialias"] < far["plain"]).mean()
    medians = " | ".join(f"{np.median(far[kind]):.4f}" for kind in KINDS)
    print(f"| {title} | {len(faces)} | {medians} | {nearer:.0%} |", flush=True)


def main() -> None:
    labelled, people = labelled_faces(shared("images/lfw"))
    others = other_faces(shared("images/wider"))
    print(machine())
    for fed in (default_embedder(), mobilefacenet()):
        if fed is not None:
            on_labelled(fed, labelled, people)
            on_large(fed, others)


if __name__ == "__main__":
    main()
