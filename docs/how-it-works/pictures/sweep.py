"""Draws the pictures of ../sweep.md next to this file. Needs the extras bench (matplotlib) and nothing else.

python docs/how-it-works/pictures/sweep.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

HERE = Path(__file__).parent
BLUE, ORANGE, GREEN, GREY = "#3465a4", "#e07b00", "#4e9a06", "#c8ccd0"


def save(figure: plt.Figure, name: str) -> None:
    figure.savefig(HERE / name, metadata={"Date": None})
    plt.close(figure)


def blocks() -> None:
    """The upper triangle in blocks, one tile with its micro-tiles, one micro-tile in registers."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
    n_rows, n_cols = 8, 6
    for i in range(n_rows):
        for j in range(n_cols):
            row, col = i / n_rows, j / n_cols
            computed = (j + 1) / n_cols > row
            left.add_patch(
                Rectangle(
                    (col, row), 1 / n_cols, 1 / n_rows, facecolor=BLUE if computed else "white", edgecolor="white"
                )
            )
            if not computed:
                left.add_patch(Rectangle((col, row), 1 / n_cols, 1 / n_rows, fill=False, edgecolor=GREY))
    left.add_patch(Rectangle((3 / n_cols, 2 / n_rows), 1 / n_cols, 1 / n_rows, facecolor=ORANGE, edgecolor="white"))
    left.plot([0, 1], [0, 1], color="black", linewidth=1)
    left.set_title("all pairs: tiles of 192 x 256\nat and above the diagonal", fontsize=9)
    for i in range(16):
        for j in range(8):
            middle.add_patch(
                Rectangle((j / 8, i / 16), 1 / 8, 1 / 16, facecolor=ORANGE, edgecolor="white", linewidth=0.7)
            )
    middle.add_patch(Rectangle((2 / 8, 5 / 16), 1 / 8, 1 / 16, facecolor=GREEN, edgecolor="white", linewidth=0.7))
    middle.add_patch(Rectangle((2 / 8, 0), 1 / 8, 1, fill=False, edgecolor="black", linewidth=1.2))
    middle.set_title("a tile: micro-tiles of 12 x 32.\nA column panel stays in the first cache", fontsize=9)
    for i in range(12):
        for j in range(2):
            right.add_patch(Rectangle((0.25 + j * 0.36, 0.2 + i / 16), 0.35, 1 / 17, facecolor=GREEN))
    for j in range(2):
        right.add_patch(Rectangle((0.25 + j * 0.36, 0.06), 0.35, 1 / 17, facecolor=BLUE))
    right.add_patch(Rectangle((0.08, 0.2), 0.1, 12 / 16 - 0.01, facecolor=ORANGE))
    right.text(0.6, 0.0, "2 registers of columns", ha="center", fontsize=8)
    right.text(
        0.04, 0.58, "one value of each row,\nspread over a register", rotation=90, va="center", ha="center", fontsize=8
    )
    right.text(
        0.6, 0.58, "24 registers of sums", ha="center", va="center", fontsize=9, color="white", backgroundcolor=GREEN
    )
    right.set_title("a micro-tile (AVX-512): 14 loads\nfor 24 multiply-adds of 16 values", fontsize=9)
    for axes in (left, middle, right):
        axes.set(xlim=(-0.02, 1.02), ylim=(1.02, -0.04), xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    save(figure, "sweep-blocks.svg")


def identities(n: int, d: int) -> NDArray[np.float64]:
    """Unit rows of n / 10 identities, cosine 0.55 within one."""
    rng = np.random.default_rng(0)
    centres, noise = rng.normal(size=(n // 10, d)), rng.normal(size=(n, d))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    x = np.sqrt(0.55) * centres[rng.integers(0, n // 10, n)] + np.sqrt(0.45) * noise
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def coded(x: NDArray[np.float64], largest: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the codes say, and the length of what they leave out."""
    scale = np.maximum(np.abs(x).max(axis=1) / largest, 1 / 46340)[:, None] * 1.0001
    c = np.round(x / scale) * scale
    return c, np.linalg.norm(x - c, axis=1)


def doubt() -> None:
    """Cosines of all pairs, and the band around the radius in which a bound does not decide."""
    n, radius = 2000, 0.6
    figure, panels = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained", sharey=True)
    for axes, d in zip(panels, (128, 512), strict=True):
        x = identities(n, d)
        upper = np.triu_indices(n, 1)
        cosines = (x @ x.T)[upper]
        axes.hist(cosines, bins=np.linspace(-0.4, 0.8, 241), color=GREY, log=True, histtype="stepfilled")
        for largest, colour, name in ((127, ORANGE, "8-bit codes"), (32767, BLUE, "16-bit codes")):
            c, residual = coded(x, largest)
            bound = residual[:, None] + np.linalg.norm(c, axis=1)[:, None] * residual
            half = bound[upper].mean()
            near = np.abs((c @ c.T)[upper] - (1 - radius)) <= bound[upper]
            error = np.abs((c @ c.T)[upper] - cosines).max()
            label = f"{name}: ±{half:.1e}, largest error {error:.1e}, {near.mean():.0e} of the pairs in doubt"
            axes.axvspan(1 - radius - half, 1 - radius + half, color=colour, alpha=0.8, label=label)
        axes.set(xlabel="cosine", title=f"d = {d}")
        axes.legend(fontsize=7, loc="upper right")
    panels[0].set(ylabel="pairs", ylim=(0.8, 3e6))
    save(figure, "sweep-doubt.svg")


if __name__ == "__main__":
    mpl.rcParams.update({"svg.hashsalt": "pyface", "svg.fonttype": "none", "font.size": 8, "font.family": "sans-serif"})
    blocks()
    doubt()
