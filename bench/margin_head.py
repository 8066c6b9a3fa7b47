"""What a head trained on some people gains for others: BCubed F and TAR at FAR, beside the raw embedding.

    python bench/margin_head.py [--quick] [--sets vectors pack pixels]

Three sets of rows: the 128-d vectors of all of LFW; those of the default pack for some of its photos; and the pixels of
the crops of those photos, 16 x 16 grey values, as a weak embedding. People with two and more photos are split in halves
at random. Heads are trained on one half, with one person in five of it held out, and judged on the other, of which they
have seen nobody. The raw rows get their threshold from the same held-out people in the same way. Intervals are 95 % by
identity: people of the judged half are drawn again with replacement; of differences, the same people for both sides.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from common import machine, shared
from numpy.typing import ArrayLike

import pyface
from pyface.losses import MarginHead
from pyface.losses._judging import judge
from pyface.metrics import bcubed_precision_recall_f
from pyface.metrics._intervals import Bootstrap, replicates
from pyface.metrics._pairs import asked
from pyface.metrics.verification import tar_at_far, true_accept_rates

FAR, N_BOOTSTRAP, N_SPLITS = 1e-3, 500, 3
HEADS = {
    "softmax": {"loss": "softmax"},
    "arcface": {"loss": "arcface"},
    "cosface": {"loss": "cosface"},
    "sphereface": {"loss": "sphereface"},
    "combined": {"loss": "combined"},
    "contrastive": {"loss": "contrastive"},
    "triplet, semi-hard": {"loss": "triplet"},
    "triplet, batch-hard": {"loss": "triplet", "choice": "batch-hard"},
    "arcface, hidden layer": {"loss": "arcface", "n_hidden": 128},
    "arcface, half the columns": {"loss": "arcface", "n_components": 0.5},
}


@dataclass(frozen=True)
class Scores:
    """What can be drawn again by person: rows' precision and recall; and TAR at FAR, of all people and of each draw."""

    precision: np.ndarray  # sums over the rows of each person
    recall: np.ndarray
    sizes: np.ndarray
    tar: float
    tars: np.ndarray  # of each draw of people
    best_f: float

    def f(self, weights: np.ndarray) -> float:
        n = weights @ self.sizes
        precision, recall = weights @ self.precision / n, weights @ self.recall / n
        return float(2 * precision * recall / (precision + recall))


def scores(x: np.ndarray, who: np.ndarray, threshold: float) -> Scores:
    tree = pyface.linkage(x, "average", "cosine")
    clusters = pyface.cut(tree, height=threshold)
    n_people = int(who.max()) + 1
    sizes = np.bincount(who)
    table = np.zeros((n_people, int(clusters.max()) + 1))
    np.add.at(table, (who, clusters), 1)
    precision = (table**2 / table.sum(axis=0)).sum(axis=1)
    recall = (table**2).sum(axis=1) / sizes
    tar = tar_at_far(x, who, FAR)
    pairs = asked(x, who, "cosine", None, None, None)
    # Few people vary more: so many of the nearest pairs of two people are likely to be enough for all draws.
    n_nearest = max(50_000, int(5 * FAR * pairs.n_different))
    tars = replicates(pairs, true_accept_rates(np.array([FAR])), n_nearest, Bootstrap(N_BOOTSTRAP, 0.95, 0))[:, 0]
    result = Scores(precision, recall, sizes, tar, tars, judge(x, who).f)
    assert abs(result.f(np.ones(n_people)) - bcubed_precision_recall_f(who, clusters)[2]) < 1e-12
    return result


def draws(n_people: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(N_BOOTSTRAP):
        yield np.bincount(rng.integers(0, n_people, n_people), minlength=n_people).astype(float)


def interval(values: ArrayLike) -> str:
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{low:.4f} to {high:.4f}"


def row(title: str, got: Scores, raw: Scores, note: str) -> str:
    n_people = len(got.sizes)
    cells = [title]
    weights = list(draws(n_people))
    for now, before, ours, theirs in (
        (got.f(np.ones(n_people)), raw.f(np.ones(n_people)), [got.f(w) for w in weights], [raw.f(w) for w in weights]),
        (got.tar, raw.tar, got.tars, raw.tars),
    ):
        cells.append(f"{now:.4f} ({interval(ours)})")
        gain = f"{now - before:+.4f} ({interval(np.subtract(ours, theirs))})"
        cells.append("" if got is raw else gain)
    return "| " + " | ".join([*cells, f"{got.best_f:.4f}", note]) + " |"


def vectors() -> tuple[np.ndarray, list[str]]:
    files = shared("embeddings/lfw_128_files.txt").read_text().split()
    return np.load(shared("embeddings/lfw_128.npy")), [file.split("/")[0] for file in files]


def of_photos(row_of: Callable[[np.ndarray, pyface.Face], np.ndarray]) -> tuple[np.ndarray, list[str]]:
    """A row for the face nearest to the middle of each photo in which there is one."""
    analyzer = pyface.FaceAnalyzer()
    rows, names = [], []
    for file in sorted(shared("images/lfw").glob("*/*.jpg")):
        image = pyface.read_image(file)
        middle = np.array(image.shape[1::-1]) / 2
        faces = analyzer.analyze(image)
        if faces:
            centers = [(face.box[:2] + face.box[2:]) / 2 for face in faces]
            rows.append(row_of(image, faces[int(np.argmin(np.linalg.norm(centers - middle, axis=1)))]))
            names.append(file.parent.name)
    return np.array(rows, np.float32), names


def pixels(image: np.ndarray, face: pyface.Face) -> np.ndarray:
    grey = pyface.geometry.align_face(image, face.landmarks).mean(axis=2)
    small = grey.reshape(16, 7, 16, 7).mean(axis=(1, 3)).ravel()
    return (small - small.mean()) / small.std()


SETS: dict[str, Callable[[], tuple[np.ndarray, list[str]]]] = {
    "vectors": vectors,
    "pack": lambda: of_photos(lambda image, face: face.embedding),
    "pixels": lambda: of_photos(pixels),
}


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows and people, as numbers, of those with two and more photos."""
    x, names = SETS[name]()
    people, numbers = np.unique(names, return_inverse=True)
    keep = np.bincount(numbers)[numbers] >= 2
    print(f"\n{name}: {len(people)} people, {len(x)} photos; {len(np.unique(numbers[keep]))} people with two and more")
    return x[keep], np.unique(numbers[keep], return_inverse=True)[1]


def run(x: np.ndarray, who: np.ndarray, *, quick: bool) -> None:
    for seed in range(1 if quick else N_SPLITS):
        people = np.random.default_rng(seed).permutation(int(who.max()) + 1)
        is_train = np.isin(who, people[: len(people) // 2])
        rows, theirs = x[is_train], who[is_train]
        judged, names = x[~is_train], np.unique(who[~is_train], return_inverse=True)[1]
        print(f"\nsplit {seed}: {len(rows)} rows of {len(people) // 2} people, judged on {len(judged)} of the others\n")
        print("| head | BCubed F at its threshold | gain | TAR at FAR 1e-3 | gain | best F of all cuts | training |")
        print("|---|---|---|---|---|---|---|")
        raw = None
        for title, options in list(HEADS.items())[: 2 if quick else None]:
            given = dict(options)
            if isinstance(given.get("n_components"), float):
                given["n_components"] = int(given["n_components"] * x.shape[1])
            since = time.perf_counter()
            head = MarginHead(random_state=seed, **given).fit(rows, theirs)
            seconds = time.perf_counter() - since
            if raw is None:
                held_out = np.isin(theirs, head.held_out_classes_)
                among = judge(rows[held_out], np.unique(theirs[held_out], return_inverse=True)[1], rows[~held_out])
                raw = scores(judged, names, among.threshold)
                print(row("none", raw, raw, ""), flush=True)
            note = f"epoch {head.best_iter_} of {head.n_iter_}, {seconds:.1f} s"
            print(row(title, scores(head.transform(judged), names, head.cluster_threshold_), raw, note), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="one split, two heads: does everything run?")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    options = parser.parse_args()
    print(machine())
    for name in options.sets:
        run(*load(name), quick=options.quick)


if __name__ == "__main__":
    main()
