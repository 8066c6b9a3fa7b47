"""Draws the picture of ../losses.md next to this file. Needs the extras bench (matplotlib) and nothing else.

python docs/how-it-works/pictures/losses.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from pyface.losses._margins import Margin

HERE = Path(__file__).parent
CURVES = {
    "no margin": (Margin(), "#888a85", "-"),
    "ArcFace, m = 0.5": (Margin(m2=0.5), "#cc2222", "-"),
    "ArcFace, easy margin": (Margin(m2=0.5, easy=True), "#cc2222", ":"),
    "CosFace, m = 0.35": (Margin(m3=0.35), "#2255cc", "-"),
    "SphereFace, m = 4": (Margin(m1=4.0), "#2a8f2a", "-"),
    "combined, (1, 0.3, 0.2)": (Margin(1.0, 0.3, 0.2), "#e07b00", "--"),
}


def main() -> None:
    """What each margin makes of the cosine of a row and its class, and how fast that falls."""
    mpl.rcParams["svg.hashsalt"] = "pyface"  # the same file from every run
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    degrees = np.linspace(0, 180, 721)
    for name, (margin, color, style) in CURVES.items():
        psi, slope = margin(np.radians(degrees))
        if margin.easy:
            psi[degrees == 90] = np.nan  # it jumps there
        left.plot(degrees, psi, style, color=color, label=name)
        right.plot(degrees, slope, style, color=color)
    left.set(ylabel="ψ(θ)", ylim=(-3.2, 1.1), title="what counts as the cosine of a row and its class")
    right.set(ylabel="dψ/dθ", title="and how fast it falls")
    left.axvline(180 - np.degrees(0.5), color="#c8ccd0", linewidth=0.8, zorder=0)
    left.legend(fontsize=8, loc="lower right")
    for axes in (left, right):
        axes.set(xlabel="θ, degrees", xlim=(0, 180), xticks=range(0, 181, 45))
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(HERE / "losses.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
