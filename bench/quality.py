"""How well the quality of a face says whether it will be recognised: fitted on half of the people, judged on the rest.

    python bench/quality.py [--chains default dlib "YuNet's points"] [--cache FOLDER] [--step 1] [--fit]

Photos are those of ``images/lfw`` and poor copies of them: smaller, blurred, moved, pressed, noisy, dark, covered, cut
off, and several at once (:mod:`poor_photos`), each searched as a photo of its own; the face nearest to the middle
counts. People are those of ``images/lfw`` with at least two photos, every second by name for the fit. ``--step 4``
takes every fourth copy. ``--cache`` keeps what the networks gave.

Error against discarded share: of all pairs of two photos of one person of the other half, copies or not, the share
that is not nearer than the embedder's ``cluster_threshold``, once the pairs whose poorer face is worst have been left
out; the area is the mean over shares left out of 0 to 95 %. Then what the rules do to albums: how many faces are set
aside, which share of the threshold is the limit of poor faces, and BCubed F.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import machine, shared
from poor_photos import poor_copies
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

import pyface
from pyface.album.poor_faces import STAY_SHARE, doubtful_below, join_poor, join_share, let_go
from pyface.album.same_photo import picture_share, same_photo_links
from pyface.analysis.analyzer import detect, find_faces
from pyface.analysis.chain import Chain, load_chain
from pyface.analysis.quality import crop_sharpness, face_parts, face_quality, min_quality, vector_lengths
from pyface.cluster import AgglomerativeClustering
from pyface.metrics import bcubed_precision_recall_f
from pyface.types import Detections

CHAINS: dict[str, dict[str, Any]] = {
    "default": {"models": "opencv"},
    "YuNet's points": {"models": "opencv", "landmarks": "detector"},
    "dlib": {"models": "dlib"},
}
DISCARDED = np.linspace(0, 0.95, 96)


@dataclass(frozen=True)
class Faces:
    """What a chain gave for faces: n rows each; ``photo`` is a number, ``person`` a name, ``kind`` what was done."""

    photo: np.ndarray
    person: np.ndarray
    kind: np.ndarray
    box: np.ndarray
    score: np.ndarray
    points: np.ndarray
    embedding: np.ndarray
    sharpness: np.ndarray

    def known(self, chain: Chain) -> dict[str, Any]:
        """Arguments of :func:`face_parts`."""
        assert chain.detector is not None
        return {
            "points": self.points, "scheme": chain.scheme, "scores": self.score, "detector": chain.detector.family,
            "sharpness": self.sharpness, "lengths": vector_lengths(self.embedding),
        }  # fmt: skip

    def quality(self, chain: Chain) -> np.ndarray:
        assert chain.embedder is not None
        return face_quality(**self.known(chain), embedder=chain.embedder.name)

    def of(self, rows: np.ndarray) -> Faces:
        return Faces(**{name: values[rows] for name, values in vars(self).items()})


class Collector:
    """Faces of pictures, one by one."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.rows = chain, {name: [] for name in Faces.__dataclass_fields__}

    def add(self, found: Any, i: int, photo: int, person: str, kind: str) -> None:
        vector = self.chain.embedder.embed(found.crops[i : i + 1])[0]
        sharp = crop_sharpness(found.crops[i : i + 1])[0]
        row = (photo, person, kind, found.boxes[i], found.scores[i], found.landmarks[i, :, :2], vector, sharp)
        for values, value in zip(self.rows.values(), row, strict=True):
            values.append(value)

    def faces(self) -> Faces:
        return Faces(**{name: np.array(values) for name, values in self.rows.items()})


def kept(cache: Path | None, name: str, make: Any) -> Faces:
    """From the cache, or made and put there."""
    if cache is None:
        return make()
    file = cache / f"{name.replace(' ', '_')}.npz"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(file, **vars(make()))
    return Faces(**np.load(file))


def poor_lfw(chain: Chain, step: int) -> Faces:
    """The middle faces of photos of images/lfw and their poor copies."""
    collector = Collector(chain)
    for photo, file in enumerate(sorted(shared("images/lfw").glob("*/*.jpg"))):
        copies = poor_copies(pyface.read_image(file), np.random.default_rng(photo))
        for number, (kind, picture, min_face) in enumerate(copies):
            if number and (number + photo) % step:
                continue
            seen = detect(chain, picture, min_face=min_face)
            if not len(seen):
                continue
            size = np.array([picture.shape[1], picture.shape[0]])
            away = seen.boxes.reshape(-1, 2, 2).mean(axis=1) / size - 0.5
            i = int(np.argmin(np.linalg.norm(away * size, axis=1)))
            if kind == "cut off" or np.abs(away[i]).max() <= 0.2:
                own = None if seen.landmarks is None else seen.landmarks[i : i + 1]
                face = Detections(seen.boxes[i : i + 1], seen.scores[i : i + 1], own)
                collector.add(find_faces(chain, picture, face), 0, photo, file.parent.name, kind)
    return collector.faces()


def album_lfw(chain: Chain) -> Faces:
    """All faces of images/lfw, as ``pyface cluster`` finds them."""
    collector = Collector(chain)
    for photo, file in enumerate(sorted(shared("images/lfw").glob("*/*.jpg"))):
        picture = pyface.read_image(file)
        found = find_faces(chain, picture, detect(chain, picture))
        for i in range(len(found.boxes)):
            collector.add(found, i, photo, file.parent.name, "as it is")
    return collector.faces()


def distances(x: np.ndarray, y: np.ndarray, metric: str) -> np.ndarray:
    return cdist(x.astype(np.float64), y.astype(np.float64), metric)


def recognised(faces: Faces, who: np.ndarray, metric: str, limit: float) -> np.ndarray:
    """(n,) share of the photos as they are, of the person but not of the same photo, that are nearer than ``limit``."""
    good = np.flatnonzero(faces.kind == "as it is")
    near = distances(faces.embedding, faces.embedding[good], metric) < limit
    mated = (who[:, None] == who[good]) & (faces.photo[:, None] != faces.photo[good])
    with np.errstate(invalid="ignore"):
        return (near & mated).sum(axis=1) / mated.sum(axis=1)


def fitted(parts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """``best`` and the weights, at least 0, of the largest likelihood."""

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        odds = weights[0] - parts @ weights[1:]
        wrong = 1 / (1 + np.exp(-odds)) - shares
        gradient = np.r_[wrong.mean(), -(wrong[:, None] * parts).mean(axis=0)]
        return float((np.logaddexp(0, odds) - shares * odds).mean()), gradient

    start = np.r_[3, np.full(parts.shape[1], 0.5)]
    bounds = [(None, None)] + [(0, None)] * parts.shape[1]
    return minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x


def against_discarded(values: np.ndarray, first: np.ndarray, second: np.ndarray, is_wrong: np.ndarray) -> np.ndarray:
    """The share of wrong pairs once each of DISCARDED has gone, those whose poorer face is worst first."""
    order = np.lexsort((np.random.default_rng(0).random(len(first)), np.minimum(values[first], values[second])))
    left = np.cumsum(is_wrong[order][::-1])[::-1]
    gone = (DISCARDED * len(order)).astype(int)
    return left[gone] / (len(order) - gone)


def fit(faces: Faces, chain: Chain) -> None:
    assert chain.embedder is not None
    _, who = np.unique(faces.person, return_inverse=True)
    shares = recognised(faces, who, chain.embedder.metric, chain.embedder.pair_threshold)
    rows = np.isfinite(shares) & (who % 2 == 0)
    parts = face_parts(**faces.known(chain))
    for names in (list(parts), [name for name in parts if name != "length"]):
        weights = fitted(np.column_stack([parts[name] for name in names])[rows], shares[rows])
        words = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(["best", *names], weights, strict=True))
        print(f"fitted on {rows.sum():,} faces: {words}")


def judge(faces: Faces, chain: Chain) -> None:
    assert chain.embedder is not None
    metric, limit = chain.embedder.metric, chain.embedder.cluster_threshold
    _, who = np.unique(faces.person, return_inverse=True)
    quality = faces.quality(chain)
    shares = recognised(faces, who, metric, chain.embedder.pair_threshold)
    is_other = np.isfinite(shares) & (who % 2 == 1)
    print("\n| quality | " + " | ".join(f"{k / 10:.1f}" for k in range(10)) + " |\n|" + "---|" * 11)
    in_tenth = [is_other & (np.minimum((quality * 10).astype(int), 9) == k) for k in range(10)]
    print("| faces | " + " | ".join(str(m.sum()) for m in in_tenth) + " |")
    print("| mean quality | " + " | ".join(f"{quality[m].mean():.2f}" if m.any() else "" for m in in_tenth) + " |")
    print("| recognised | " + " | ".join(f"{shares[m].mean():.2f}" if m.any() else "" for m in in_tenth) + " |")
    other = faces.of(is_other)
    parts = {name: -values for name, values in face_parts(**other.known(chain)).items()}
    alone = {
        "quality": quality[is_other], "score": other.score, "eyes": parts["eyes"], "sharpness": other.sharpness,
        "turn": parts["turn"], "length": vector_lengths(other.embedding),
    }  # fmt: skip
    between = distances(other.embedding, other.embedding, metric)
    one = who[is_other]
    is_mated = (one[:, None] == one) & (other.photo[:, None] != other.photo)
    first, second = np.nonzero(np.triu(is_mated, 1))
    is_wrong = between[first, second] >= limit
    print(f"\n{len(first):,} pairs of {is_other.sum():,} faces\n\n| | area | error with 0, 10, 20, 50, 80 % left out |")
    print("|---|---|---|")
    for name, values in alone.items():
        curve = against_discarded(values, first, second, is_wrong)
        print(f"| {name} | {curve.mean():.4f} | " + ", ".join(f"{curve[k]:.3f}" for k in (0, 10, 20, 50, 80)) + " |")


def joining(faces: Faces, chain: Chain) -> None:
    """Wrong and right pairs of a face with a photo as it is, below shares of the threshold."""
    assert chain.embedder is not None
    _, who = np.unique(faces.person, return_inverse=True)
    quality, good = faces.quality(chain), np.flatnonzero(faces.kind == "as it is")
    between = distances(faces.embedding, faces.embedding[good], chain.embedder.metric)
    between /= chain.embedder.cluster_threshold
    is_one = who[:, None] == who[good]
    is_mated = is_one & (faces.photo[:, None] != faces.photo[good])
    print("\n| faces | share | wrong pairs | right pairs | wrong for a right one |\n|---|---|---|---|---|")
    low, high = np.quantile(quality, [0.05, 0.2])
    groups = {"photos as they are": faces.kind == "as it is", f"quality below {low:.2f}": quality < low,
              f"quality below {high:.2f}": quality < high}  # fmt: skip
    for name, rows in groups.items():
        for share in (1.0,) if name.startswith("photos") else (1.0, 0.95, 0.9, 0.85, 0.8):
            wrong = (between[rows][~is_one[rows]] < share).mean()
            right = (between[rows][is_mated[rows]] < share).mean()
            print(f"| {name} | {share} | {wrong:.1e} | {right:.4f} | {wrong / max(right, 1e-9):.1e} |")


def people_of(faces: Faces, chain: Chain, *, least: float, same_photo: str) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and which faces are set aside, as the defaults would have them. ``same_photo``: "off" or "auto"."""
    embedder = chain.embedder
    assert embedder is not None
    limits = {"metric": embedder.metric}
    groups = pairs = None
    if same_photo == "auto":
        limit = picture_share(embedder.name, embedder.metric) * embedder.cluster_threshold
        groups, pairs = same_photo_links(faces.embedding, faces.photo, limit=limit, **limits)
    good = faces.quality(chain) >= least
    rows = np.flatnonzero(good)
    rules: dict[str, Any] = {}
    if groups is not None and pairs is not None:
        place = np.full(len(good), -1)
        place[rows] = np.arange(len(rows))
        among = place[pairs]
        rules = {"cannot_link_groups": groups[rows], "cannot_link": among[(among >= 0).all(axis=1)]}
    tree = AgglomerativeClustering(None, linkage="average", distance_threshold=embedder.cluster_threshold, **limits)
    labels = np.full(len(good), -1)
    labels[rows] = tree.fit(faces.embedding[rows], **rules).labels_
    if least > 0:
        is_doubtful, stay = (
            faces.quality(chain) < doubtful_below(embedder.name),
            STAY_SHARE * embedder.cluster_threshold,
        )
        labels = let_go(faces.embedding, labels, is_doubtful, limit=stay, **limits)
    limit = join_share(embedder.name, embedder.metric) * embedder.cluster_threshold
    return join_poor(faces.embedding, labels, limit=limit, photos=groups, pairs=pairs, **limits)


def albums(faces: Faces, chain: Chain) -> None:
    """BCubed F and faces set aside, of images/lfw."""
    assert chain.embedder is not None
    _, who = np.unique(faces.person, return_inverse=True)
    shape = faces.box.reshape(-1, 2, 2).mean(axis=1) - 125
    order = np.lexsort((np.linalg.norm(shape, axis=1), faces.photo))
    is_main = np.zeros(len(who), bool)
    is_main[order[np.flatnonzero(np.diff(faces.photo[order], prepend=-1))]] = True
    print("\n| `images/lfw` | BCubed precision, recall, F | set aside: of the photos' people, of all |\n|---|---|---|")
    for name, least, same_photo in (
        ("without the rules", 0.0, "off"),
        ("poor faces set aside, doubtful ones let go", min_quality(chain.embedder.name), "off"),
        ("and faces of one photo kept apart", min_quality(chain.embedder.name), "auto"),
    ):
        labels, aside = people_of(faces, chain, least=least, same_photo=same_photo)
        found = bcubed_precision_recall_f(who[is_main], labels[is_main])
        print(
            f"| {name} | " + ", ".join(f"{value:.4f}" for value in found)
            + f" | {aside[is_main].sum()} of {is_main.sum()}, {aside.sum()} of {len(aside)} |", flush=True,
        )  # fmt: skip


def mixed_albums(faces: Faces, chain: Chain) -> None:
    """BCubed of albums of the other half of the people in which some photos are poor copies; means of four draws."""
    assert chain.embedder is not None
    _, who = np.unique(faces.person, return_inverse=True)
    is_good = faces.kind == "as it is"
    print("\n| photos that are poor | without the rules | poor faces set aside, doubtful ones let go |\n|---|---|---|")
    for share in (0.3, 0.7):
        scores: dict[float, list[tuple[float, float, float]]] = {0.0: [], min_quality(chain.embedder.name): []}
        for seed in range(4):
            random = np.random.default_rng(seed)
            rows = []
            for photo in np.unique(faces.photo[who % 2 == 1]):
                copies = np.flatnonzero((faces.photo == photo) & ~is_good)
                as_it_is = np.flatnonzero((faces.photo == photo) & is_good)
                if random.random() < share and copies.size:
                    rows.append(random.choice(copies))
                elif as_it_is.size:
                    rows.append(as_it_is[0])
            album = faces.of(np.array(rows))
            for least, found in scores.items():
                labels, _ = people_of(album, chain, least=least, same_photo="off")
                found.append(bcubed_precision_recall_f(who[rows], labels))
        cells = [", ".join(f"{value:.4f}" for value in np.mean(found, axis=0)) for found in scores.values()]
        print(f"| {share:.0%} | {cells[0]} | {cells[1]} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="The quality of faces, fitted and judged.")
    parser.add_argument("--chains", nargs="+", default=list(CHAINS), choices=list(CHAINS))
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    print(machine())
    for name in options.chains:
        chain = load_chain(**CHAINS[name])
        print(f"\n## {name}", flush=True)
        poor = kept(options.cache, f"{name}-poor-{options.step}", lambda chain=chain: poor_lfw(chain, options.step))
        if options.fit:
            fit(poor, chain)
        judge(poor, chain)
        joining(poor, chain)
        mixed_albums(poor, chain)
        albums(kept(options.cache, f"{name}-lfw", lambda chain=chain: album_lfw(chain)), chain)


if __name__ == "__main__":
    main()
