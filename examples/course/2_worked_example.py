"""The worked example: 17 rows of three classes in three clusters, every pair judged; and 20 rows for NMI.

python examples/course/2_worked_example.py [folder for the picture]
"""

import sys
from pathlib import Path

import numpy as np

from pyface import metrics

CLUSTERS = ["xxxxxo", "xoooo+", "xx+++"]  # the class of each row, cluster by cluster
OF_20 = [{"a": 3, "b": 3, "c": 4}, {"a": 2, "b": 7, "c": 1}]  # rows of each class in two clusters of ten
STYLES = {"x": ("X", "#2255cc"), "o": ("o", "#e07b00"), "+": ("P", "#2a8f2a")}


def seventeen() -> tuple[list[str], list[int]]:
    return list("".join(CLUSTERS)), [number for number, rows in enumerate(CLUSTERS) for _ in rows]


def twenty() -> tuple[list[str], list[int]]:
    rows = [(name, number) for number, counts in enumerate(OF_20) for name in counts for _ in range(counts[name])]
    return [name for name, _ in rows], [number for _, number in rows]


def draw(path: Path) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "pyface"  # the same file from every run
    figure, axes = plt.subplots(figsize=(8, 2.8), layout="constrained")
    for number, rows in enumerate(CLUSTERS):
        axes.add_patch(plt.Circle((2.5 * number, 0), 1, facecolor="#f2f4f7", edgecolor="#888a85"))
        turns = np.arange(len(rows)) / len(rows) * 2 * np.pi
        for name, x, y in zip(rows, 0.6 * np.cos(turns), 0.6 * np.sin(turns), strict=True):
            axes.scatter(2.5 * number + x, y, s=110, marker=STYLES[name][0], color=STYLES[name][1])
        axes.text(2.5 * number, -1.25, f"cluster {number + 1}", ha="center", va="center")
    axes.set(xlim=(-1.1, 6.1), ylim=(-1.45, 1.1), aspect="equal")
    axes.axis("off")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    true, labels = seventeen()
    # Each pair is counted twice in it, once from either row.
    (tn, fp), (fn, tp) = metrics.pair_confusion_matrix(true, labels) // 2
    precision, recall, f = metrics.pair_precision_recall_f(true, labels)
    print(f"TP {tp}, FP {fp}, FN {fn}, TN {tn}: Rand {tp + tn}/{tp + fp + fn + tn}", end=" ")
    print(f"= {metrics.rand_score(true, labels):.4f}")
    print(f"pair precision {precision:.4f}, recall {recall:.4f}, F {f:.4f}; purity", end=" ")
    print(f"{metrics.purity_score(true, labels):.4f}; NMI {metrics.normalized_mutual_info_score(true, labels):.4f}")
    true, labels = twenty()
    bits = metrics.mutual_info_score(true, labels) / np.log(2)
    print(f"20 rows: mutual information {bits:.4f} bits", end=", ")
    print(f"NMI {metrics.normalized_mutual_info_score(true, labels):.4f}")
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "worked-example.svg")


if __name__ == "__main__":
    main()
