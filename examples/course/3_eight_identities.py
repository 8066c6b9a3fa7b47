"""Eight identities in two dimensions: one small network trained with softmax, normalized softmax and ArcFace.

    python examples/course/3_eight_identities.py [folder for the picture]

The identities are the digits 0 to 7 of scikit-learn's scanned digits. Needs scikit-learn and matplotlib.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from pyface.losses import arcface, softmax_cross_entropy
from pyface.metrics.verification import equal_error_rate

HIDDEN, EPOCHS, BATCH, RATE, SEEDS = 256, 60, 64, 3e-3, 5
LOSSES = {"softmax": softmax_cross_entropy, "normalized softmax": partial(arcface, s=16, m=0)}
LOSSES["ArcFace, m = 0.5"] = partial(arcface, s=16, m=0.5)
pixels, digit = load_digits(n_class=8, return_X_y=True)
X = np.c_[pixels / 16, np.ones(len(pixels))]  # the last column takes the bias
trained = np.arange(len(X)) % 2 == 0  # every other row is held out


def embed(loss, seed: int) -> np.ndarray:
    """Rows z = B relu(A x) of all digits, A, B and the classes' weights W trained by Adam (Kingma, Ba 2015)."""
    random = np.random.default_rng(seed)
    turns = np.arange(8) / 8 * 2 * np.pi  # in two dimensions a class cannot get past another: they start evenly spread
    A, B = 0.2 * random.normal(size=(HIDDEN, X.shape[1])), 0.1 * random.normal(size=(2, HIDDEN))
    weights = [A, B, W := np.c_[np.cos(turns), np.sin(turns)]]
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    orders = [random.permutation(np.flatnonzero(trained)) for _ in range(EPOCHS)]
    batches = [rows for order in orders for rows in np.array_split(order, len(order) // BATCH)]
    for step, rows in enumerate(batches, 1):
        hidden = np.maximum(X[rows] @ A.T, 0)
        result = loss(hidden @ B.T, digit[rows], W)
        d_hidden = (result.d_features @ B) * (hidden > 0)
        rate = RATE * (1 - step / len(batches)) * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        for i, g in enumerate([d_hidden.T @ X[rows], result.d_features.T @ hidden, result.d_weights]):
            first[i] += 0.1 * (g - first[i])
            second[i] += 0.001 * (g * g - second[i])
            weights[i] -= rate * first[i] / (np.sqrt(second[i]) + 1e-8)
    return np.maximum(X @ A.T, 0) @ B.T


def judge(z: np.ndarray) -> tuple[np.ndarray, float, float, float]:
    """Centres; of rows held out: share nearest to the own centre, median degrees to it, EER of all pairs."""
    unit, own = z / np.linalg.norm(z, axis=1, keepdims=True), digit[~trained]
    centres = np.stack([unit[trained & (digit == k)].mean(axis=0) for k in range(8)])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    degrees = np.degrees(np.arccos(np.clip(unit[~trained] @ centres.T, -1, 1)))
    nearest = (degrees.argmin(axis=1) == own).mean()
    return centres, nearest, np.median(degrees[np.arange(len(own)), own]), equal_error_rate(z[~trained], own)


def draw(axes, name: str, z: np.ndarray, centres: np.ndarray) -> None:
    blur = 1 + 0.04 * np.random.default_rng(0).normal(size=(len(z), 1))  # on a bare circle points hide each other
    place = z / np.abs(z).max() * 1.1 if name == "softmax" else z / np.linalg.norm(z, axis=1, keepdims=True) * blur
    axes.scatter(*place[~trained].T, s=5, c=digit[~trained], cmap="tab10", vmax=9, linewidths=0)
    for k, (x, y) in enumerate(centres):
        axes.plot([0, x], [0, y], color=f"C{k}", linewidth=1.2)
        axes.text(1.24 * x, 1.24 * y, str(k), color=f"C{k}", ha="center", va="center")
    axes.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal", title=name)
    axes.axis("off")


if __name__ == "__main__":
    from matplotlib import pyplot as plt

    figure, row = plt.subplots(1, len(LOSSES), figsize=(11, 3.9), layout="constrained")
    print("| loss | nearest to the own centre | degrees to it, median | equal error rate |\n|---|---|---|---|")
    for axes, (name, loss) in zip(row, LOSSES.items(), strict=True):
        outputs = [embed(loss, seed) for seed in range(SEEDS)]
        (centres, *_), *_ = results = [judge(z) for z in outputs]
        columns = zip(list(zip(*results, strict=True))[1:], (3, 2, 3), strict=True)
        print(f"| {name} |", *(f"{np.mean(c):.{d}f} ({min(c):.{d}f} to {max(c):.{d}f}) |" for c, d in columns))
        draw(axes, name, outputs[0], centres)
    (folder := Path(sys.argv[1] if len(sys.argv) > 1 else ".")).mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "eight-identities.png", dpi=80, metadata={"Software": None})
