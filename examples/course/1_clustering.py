"""K-means, DBSCAN and agglomerative clustering on blobs, circles and moons: scores and a picture.

    python examples/course/1_clustering.py [folder for the picture]

Needs scikit-learn, which makes the points, and matplotlib, which draws them.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import make_blobs, make_circles, make_moons

from pyface import metrics
from pyface.cluster import DBSCAN, AgglomerativeClustering, KMeans

N = 2000
COLORS = np.array(["#2255cc", "#e07b00", "#2a8f2a", "#cc2222", "#8844aa", "#00a0a0"])


def point_sets() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    blobs, of_blob = make_blobs(n_samples=N, random_state=170)
    np.random.seed(0)  # noqa: NPY002 (the course's points; the next two lines draw from it, in this order)
    circles = make_circles(n_samples=N, factor=0.5, noise=0.05)
    moons = make_moons(n_samples=N, noise=0.05)
    return {"blobs": (blobs @ [[0.6, -0.6], [-0.4, 0.8]], of_blob), "circles": circles, "moons": moons}


def estimators(points: str) -> dict[str, object]:
    k_means = {"K-means, k = 2": KMeans(2, n_init=10, random_state=170)}
    if points == "blobs":
        return k_means | {
            "DBSCAN, eps .25": DBSCAN(eps=0.25, min_samples=3),
            "Ward, below 40": AgglomerativeClustering(None, distance_threshold=40),
        }
    eps = 0.2 if points == "circles" else 0.25
    return k_means | {
        f"DBSCAN, eps {eps:.2g}".replace("0.", "."): DBSCAN(eps=eps),
        "single linkage, below .2": AgglomerativeClustering(None, distance_threshold=0.2, linkage="single"),
    }


def scores(true: np.ndarray, labels: np.ndarray) -> tuple[float, float, float, float]:
    """Purity, Rand, NMI and pair F. Rows that are noise, -1, count as one cluster, as in scikit-learn."""
    of_pairs = metrics.pair_precision_recall_f(true, labels)[2]
    nmi = metrics.normalized_mutual_info_score(true, labels)
    return metrics.purity_score(true, labels), metrics.rand_score(true, labels), nmi, of_pairs


def draw(panels: list[tuple[str, np.ndarray, np.ndarray]], path: Path) -> None:
    from matplotlib import pyplot as plt

    figure, grid = plt.subplots(3, 4, figsize=(10, 6.6), layout="constrained", height_ratios=[1, 1, 0.66])
    for axes, (title, x, labels) in zip(grid.flat, panels, strict=True):
        colors = np.where(labels < 0, "#000000", COLORS[labels % len(COLORS)])
        axes.scatter(*x.T, s=3, c=colors, linewidths=0)
        axes.set(title=title, xticks=[], yticks=[], aspect="equal")
        axes.title.set_size(10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80, metadata={"Software": None})


def main() -> None:
    panels = []
    print("| points | | clusters | purity | Rand | NMI | pair F |\n|---|---|---|---|---|---|---|")
    for points, (x, true) in point_sets().items():
        panels.append((f"{points}, the truth", x, true))
        for name, estimator in estimators(points).items():
            labels = estimator.fit_predict(x)
            row = " | ".join(f"{score:.6f}" for score in scores(true, labels))
            print(f"| {points} | {name} | {labels.max() + 1} | {row} |")
            panels.append((name, x, labels))
    draw(panels, Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "clustering.png")


if __name__ == "__main__":
    main()
