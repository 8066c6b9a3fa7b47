"""Draws the picture of ../delaunay.md next to this file. Needs the extras bench (matplotlib) and nothing else.

python docs/how-it-works/pictures/schemes.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from pyface.geometry import mean_shape, triangulation

HERE = Path(__file__).parent
BLUE, GREY = "#3465a4", "#555753"


def main() -> None:
    """Both mean shapes with their meshes, each point with its number."""
    mpl.rcParams["svg.hashsalt"] = "pyface"  # the same file from every run
    figure, axes = plt.subplots(1, 2, figsize=(13, 6.6), layout="constrained")
    for axis, scheme in zip(axes, ("dlib-68", "insightface-106"), strict=True):
        shape, triangles = mean_shape(scheme), triangulation(scheme)
        axis.triplot(*shape.T, triangles, color=BLUE, linewidth=0.5, alpha=0.8)
        axis.plot(*shape.T, ".", color="black", markersize=3)
        numbers: dict[tuple[float, float], list[str]] = {}
        for i, point in enumerate(shape.tolist()):
            numbers.setdefault(tuple(point), []).append(str(i))
        for point, names in numbers.items():
            place = {"xytext": (1.5, 1.5), "textcoords": "offset points"}
            axis.annotate(" ".join(names), point, fontsize=5.5, color=GREY, **place)
        axis.set_title(f"{scheme}: {len(shape)} points, {len(triangles)} triangles", fontsize=10)
        axis.set_aspect("equal")
        axis.set_xlim(-1.32, 1.32)
        axis.set_ylim(1.98, -0.48)
        axis.axis("off")
    figure.savefig(HERE / "schemes.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
