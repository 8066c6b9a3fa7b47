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

import pyface
from pyface.losses import MarginHead
from pyface.losses._judging import judge
from pyface.metrics import bcubed_precision_recall_f

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
    """What can be drawn again by person: rows' precision and recall, and the pairs that decide about FAR."""

    precision: np.ndarray  # sums over the rows of each person
    recall: np.ndarray
    sizes: np.ndarray
    genuine: np.ndarray  # distances of pairs of one person, and whose they are
    owner: np.ndarray
    impostor: np.ndarray  # the smallest distances of pairs of two people, increasing, and whose
    left: np.ndarray
    right: np.ndarray
    best_f: float

    def f(self, weights: np.ndarray) -> float:
        n = weights @ self.sizes
        precision, recall = weights @ self.precision / n, weights @ self.recall / n
        return float(2 * precision * recall / (precision + recall))

    def tar(self, weights: np.ndarray) -> float:
        """Share of pairs of one person nearer than the distance that a share FAR of the others is within."""
        n_rows = weights @ self.sizes
        n_impostor = (n_rows**2 - (weights**2) @ (self.sizes**2)) / 2
        passed = np.cumsum(weights[self.left] * weights[self.right])
        assert passed[-1] > FAR * n_impostor, "too few of the nearest pairs were kept"
        at = self.impostor[np.searchsorted(passed, FAR * n_impostor, side="right")]
        own = weights[self.owner]
        return float(own @ (self.genuine < at) / own.sum())


def scores(x: np.ndarray, who: np.ndarray, threshold: float) -> Scores:
    tree = pyface.linkage(x, "average", "cosine")
    clusters = pyface.cut(tree, height=threshold)
    n_people = int(who.max()) + 1
    sizes = np.bincount(who)
    table = np.zeros((n_people, int(clusters.max()) + 1))
    np.add.at(table, (who, clusters), 1)
    precision = (table**2 / table.sum(axis=0)).sum(axis=1)
    recall = (table**2).sum(axis=1) / sizes
    distances = pyface.cosine_condensed(x)
    i, j = np.triu_indices(len(x), 1)
    is_same = who[i] == who[j]
    genuine, owner = distances[is_same], who[i[is_same]]
    impostor, i, j = distances[~is_same], who[i[~is_same]], who[j[~is_same]]
    n_kept = min(len(impostor) - 1, max(50_000, int(5 * FAR * len(impostor))))  # few people vary more
    nearest = np.argpartition(impostor, n_kept)[:n_kept]
    nearest = nearest[np.argsort(impostor[nearest], kind="stable")]
    result = Scores(
        precision, recall, sizes, genuine, owner, impostor[nearest], i[nearest], j[nearest], judge(x, who).f
    )
    assert abs(result.f(np.ones(n_people)) - bcubed_precision_recall_f(who, clusters)[2]) < 1e-12
    return result


def draws(n_people: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(N_BOOTSTRAP):
        yield np.bincount(rng.integers(0, n_people, n_people), minlength=n_people).astype(float)


def interval(values: list[float]) -> str:
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{low:.4f} to {high:.4f}"


def row(title: str, got: Scores, raw: Scores, note: str) -> str:
    n_people = len(got.sizes)
    cells = [title]
    for score in (Scores.f, Scores.tar):
        measure: Callable[[Scores, np.ndarray], float] = score
        ours = [measure(got, weights) for weights in draws(n_people)]
        cells.append(f"{measure(got, np.ones(n_people)):.4f} ({interval(ours)})")
        if got is not raw:
            gain = [mine - measure(raw, weights) for mine, weights in zip(ours, draws(n_people), strict=True)]
            difference = measure(got, np.ones(n_people)) - measure(raw, np.ones(n_people))
            cells.append(f"{difference:+.4f} ({interval(gain)})")
        else:
            cells.append("")
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
