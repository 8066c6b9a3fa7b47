"""Verification over all pairs: its time beside the sweep's, and how well embedders tell people apart.

    python bench/verification.py [speed] [quality]

Speed: 20,000 vectors of 512 columns of 2,000 people, all 200 million pairs. The sweep is ``cosine_condensed``, which
writes the distances of all pairs once and does nothing with them; ``neighbors_within`` rules most pairs out with codes
of a few bits. Times are processor seconds, of all threads together, the least of several rounds that take turns: what
another process takes in between does not count.

Quality: all pairs of the faces of ``images/lfw``, one face a photo, with the default pack; and of half of
``embeddings/lfw_128.npy``. Intervals are of 95 %, by identity, of 1,000 draws (accuracy: twice the standard error of
ten folds of people, with as many pairs of two people, drawn, as there are of one).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import machine, shared

import pyface
from pyface.metrics.verification import equal_error_rate, kfold_accuracy, roc, tar_at_far

N, D, PEOPLE = 20_000, 512, 2_000
CHECKED = 2_000
FAR = [1e-5, 1e-4, 1e-3]
N_FOLDS, N_DRAWS = 10, 1000


def crowd(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows, cosine 0.55 within a person."""
    random = np.random.default_rng(0)
    labels = random.integers(0, max(2, n * PEOPLE // N), n)
    x = random.normal(size=(labels.max() + 1, D))[labels] + 0.9 * random.normal(size=(n, D))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), labels


def check() -> None:
    """The rates of all pairs are those of sorting them."""
    x, labels = crowd(CHECKED)
    first, second = np.triu_indices(CHECKED, 1)
    listed = {"pairs": np.column_stack([first, second]), "same": labels[first] == labels[second]}
    curve, sorted_ = roc(x, labels), roc(x, **listed)
    place = np.searchsorted(sorted_.thresholds, curve.thresholds, side="right") - 1
    assert (curve.far == sorted_.far[place]).all() and (curve.tar == sorted_.tar[place]).all()
    assert (tar_at_far(x, labels, FAR) == tar_at_far(x, far=FAR, **listed)).all()
    assert abs(equal_error_rate(x, labels) - equal_error_rate(x, **listed)) < 1e-12


def speed() -> None:
    check()
    x, labels = crowd(N)
    out = np.empty(N * (N - 1) // 2, np.float32)
    works: dict[str, Callable[[], Any]] = {
        "the sweep: `cosine_condensed`": lambda: pyface.cosine_condensed(x, out=out),
        "`neighbors_within` at 0.3": lambda: pyface.neighbors_within(x, 0.3),
        "`roc`, 2,049 thresholds": lambda: roc(x, labels),
        "`roc`, one threshold": lambda: roc(x, labels, thresholds=[0.6]),
        "`tar_at_far`, one rate": lambda: tar_at_far(x, labels, 1e-3),
        "`tar_at_far`, three rates": lambda: tar_at_far(x, labels, FAR),
        "`equal_error_rate`": lambda: equal_error_rate(x, labels),
    }
    least = dict.fromkeys(works, np.inf)
    for _ in range(3):
        for name, work in works.items():
            since = time.process_time()
            work()
            least[name] = min(least[name], time.process_time() - since)
    sweep = next(iter(least.values()))
    print(f"\n| {N:,} x {D}, all pairs | processor seconds | times the sweep |\n|---|---|---|")
    for name, seconds in least.items():
        print(f"| {name} | {seconds:.2f} | {seconds / sweep:.2f} |")


def of_photos() -> tuple[np.ndarray, np.ndarray]:
    """The face nearest to the middle of each photo, by the default pack, and whose photo it is."""
    files = sorted(shared("images/lfw").glob("*/*.jpg"))
    analyzer = pyface.FaceAnalyzer(landmarks=None)
    vectors, people = [], []
    for file in files:
        photo = pyface.read_image(file)
        middle = np.array([photo.shape[1], photo.shape[0]]) / 2
        faces = analyzer.analyze(photo)
        if faces:
            face = min(faces, key=lambda face: float(np.linalg.norm(face.box.reshape(2, 2).mean(axis=0) - middle)))
            vectors.append(face.embedding)
            people.append(file.parent.name)
    print(f"\n{len(vectors)} of {len(files)} photos have a face, {len(set(people))} people", flush=True)
    return np.array(vectors), np.array(people)


def balanced(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs within folds of people, those of two people drawn, as many in a fold as of one; and their folds."""
    _, who = np.unique(labels, return_inverse=True)
    random = np.random.default_rng(0)
    of_person = random.permutation(who.max() + 1) % N_FOLDS
    pairs, folds = [], []
    for f in range(N_FOLDS):
        rows = np.flatnonzero(of_person[who] == f)
        first, second = (rows[side] for side in np.triu_indices(len(rows), 1))
        same = who[first] == who[second]
        others = random.choice(np.flatnonzero(~same), same.sum(), replace=False)
        chosen = np.r_[np.flatnonzero(same), others]
        pairs.append(np.column_stack([first, second])[chosen])
        folds.append(np.full(len(chosen), f))
    return np.concatenate(pairs), np.concatenate(folds)


def row(name: str, x: np.ndarray, labels: np.ndarray, metric: str) -> None:
    pairs, folds = balanced(labels)
    accuracy = kfold_accuracy(x, labels, metric=metric, pairs=pairs, folds=folds)
    tar = tar_at_far(x, labels, [1e-4, 1e-3], metric=metric, n_bootstrap=N_DRAWS)
    equal = equal_error_rate(x, labels, metric=metric, n_bootstrap=N_DRAWS)
    cells = [f"{tar.value[k]:.4f} ({tar.low[k]:.4f} to {tar.high[k]:.4f})" for k in (0, 1)]
    print(
        f"| {name} | {len(x):,} | {accuracy.accuracy:.4f} ± {2 * accuracy.standard_error:.4f} ({len(pairs):,} pairs) | "
        + " | ".join(cells)
        + f" | {equal.value:.4f} ({equal.low:.4f} to {equal.high:.4f}) |",
        flush=True,
    )


def quality() -> None:
    x, people = of_photos()
    metric = pyface.FaceAnalyzer().chain.embedder.metric
    listed = np.load(shared("embeddings/lfw_128.npy"))
    names = [line.split("/")[0] for line in shared("embeddings/lfw_128_files.txt").read_text().splitlines()]
    print("\n| vectors | faces | accuracy, ten folds | TAR at FAR 1e-4 | TAR at FAR 1e-3 | EER |\n|" + "---|" * 6)
    row(f"default pack, `images/lfw`, {metric}", x, people, metric)
    # The first half of the alphabet: an interval of the equal error rate lists some per cent of all pairs.
    half = len(listed) // 2
    row("`lfw_128.npy`, first half, cosine", listed[:half], np.array(names[:half]), "cosine")


def main() -> None:
    wanted = sys.argv[1:] or ["speed", "quality"]
    print(machine())
    for name, part in (("speed", speed), ("quality", quality)):
        if name in wanted:
            part()


if __name__ == "__main__":
    main()
