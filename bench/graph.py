"""Graph clustering: defaults fitted on half of the people and judged on the other, beside average linkage and dlib.

    python bench/graph.py [--fit] [--rows 20000] [--dlib PYTHON]

BCubed F on ``embeddings/lfw_128.npy``, and times beside ``neighbors_within``. ``--fit`` looks for radius, temperature
and overlap on every second person. ``--dlib`` names a Python that has dlib (PyPI: dlib-bin), which need not be this
one: its ``chinese_whispers_clustering`` is timed on the same rows at the same threshold.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from common import least, machine
from data import lfw, lfw_again, synthetic

import pyface
from pyface.cluster import AgglomerativeClustering, ChineseWhispers, GraphClustering
from pyface.metrics import bcubed_precision_recall_f

_PEER = """
import json, sys, time, dlib, numpy as np
rows = [dlib.vector(row.tolist()) for row in np.load(sys.argv[1])]
since = time.perf_counter()
labels = dlib.chinese_whispers_clustering(rows, float(sys.argv[2]))
print(json.dumps([time.perf_counter() - since, list(labels)]))
"""


def score(who: np.ndarray, labels: np.ndarray) -> float:
    return bcubed_precision_recall_f(who, labels)[2]


def fit(x: np.ndarray, who: np.ndarray) -> None:
    half = who % 2 == 0
    found = []
    for radius, temperature, overlap in product(
        np.arange(0.4, 0.7, 0.04), (0.15, 0.3, 0.5, 1.0), np.arange(0.4, 0.85, 0.05)
    ):
        estimator = GraphClustering(radius=float(radius), temperature=temperature, overlap=float(overlap))
        found.append((score(who[half], estimator.fit_predict(x[half])), radius, temperature, overlap))
    print("\n| F on the fitted half | radius | temperature | overlap |\n|---|---|---|---|")
    for f, *values in sorted(found, reverse=True)[:8]:
        print(f"| {f:.4f} | " + " | ".join(f"{value:.2f}" for value in values) + " |")


def quality(x: np.ndarray, who: np.ndarray) -> None:
    print("\n| clusterer | first half of the people | other half | all |\n|---|---|---|---|")
    halves = (who % 2 == 0, who % 2 == 1, np.ones(len(who), np.bool_))
    average = AgglomerativeClustering(None, metric="cosine", linkage="average", distance_threshold=0.56)
    for name, estimator in (
        ("GraphClustering()", GraphClustering()),
        ('GraphClustering("map_equation")', GraphClustering("map_equation")),
        ('ChineseWhispers(0.52, metric="cosine")', ChineseWhispers(0.52, metric="cosine")),
        ("average linkage below 0.56", average),
    ):
        print(f"| {name} | " + " | ".join(f"{score(who[h], estimator.fit_predict(x[h])):.4f}" for h in halves) + " |")


def times(x: np.ndarray, radius: float, metric: str, name: str) -> None:
    sweep, _ = least(lambda: pyface.neighbors_within(x, radius, metric=metric), 3)
    print(f"\n{name}: neighbors_within {sweep:.2f} s\n\n| clusterer | s | of the sweep |\n|---|---|---|")
    for label, estimator in (
        ('GraphClustering("nep")', GraphClustering(radius=radius, metric=metric)),
        ('GraphClustering("map_equation")', GraphClustering("map_equation", radius=radius, metric=metric)),
        ("ChineseWhispers", ChineseWhispers(radius, metric=metric)),
    ):
        estimator.fit(x[:100])
        seconds, _ = least(lambda estimator=estimator: estimator.fit(x), 3)
        print(f"| {label} | {seconds:.2f} | {seconds / sweep:.2f} |")


def beside_dlib(python: str, x: np.ndarray, who: np.ndarray, threshold: float) -> None:
    estimator = ChineseWhispers(threshold).fit(x[:100])
    seconds, _ = least(lambda: estimator.fit(x), 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        np.save(path, x.astype(np.float64))
        said: Any = subprocess.run(
            [python, "-c", _PEER, path, str(threshold)], check=True, capture_output=True, text=True
        )
    theirs, labels = json.loads(said.stdout)
    ours = score(who, estimator.labels_)
    print(f"\n{len(x):,} rows, Euclidean {threshold}: ChineseWhispers {seconds:.2f} s, F {ours:.4f}; "
          f"dlib {theirs:.1f} s, F {score(who, np.array(labels)):.4f}; {theirs / seconds:.0f} times")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--dlib")
    asked = parser.parse_args()
    print(machine())
    real = lfw(20_000)
    x, who = real.X, real.people
    if asked.fit:
        fit(x, who)
        return
    quality(x, who)
    times(x, 0.52, "cosine", f"LFW, {len(x):,} x {x.shape[1]}")
    times(synthetic(asked.rows).X, 0.6, "cosine", f"made, {asked.rows:,} x 512")
    if asked.dlib:
        beside_dlib(asked.dlib, x, who, 1.0)
        more = lfw_again(asked.rows)
        beside_dlib(asked.dlib, more.X, more.people, 1.0)


if __name__ == "__main__":
    main()
