"""Draws the pictures of ../warp.md next to this file. Needs the extras models, bench and demo.

python docs/how-it-works/pictures/warp.py

The points of the face are those of dlib's 68-point model, whose training data exclude commercial use. The head that
turns, the comparison with others, and a large face are in warp_folds.py, warp_seams.py and warp_large.py.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import matplotlib as mpl
import numpy as np
import warp_folds
import warp_large
import warp_seams
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle
from warp_face import BLUE, ORANGE, RED, bare, landmarks, layout, photo, save

from pyface import PiecewiseAffine, geometry

PALE = ("#fce3bd", "#d3e2f2", "#d9ecc7", "#f3d3d3", "#e4d7ec", "#f5f0b8")


def mesh() -> None:
    """Triangles on the photo, on the warped face, and the fixed mesh of the scheme alone."""
    side, eyes = 224, 70
    target, source = layout(side, eyes)
    whole = PiecewiseAffine(target, (side, side))
    face = PiecewiseAffine(target[:68], (side, side), geometry.triangulation("dlib-68"))
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.9), layout="constrained")
    left.imshow(photo())
    (x0, y0), (x1, y1) = source.min(axis=0) - 6, source.max(axis=0) + 6
    left.set(xlim=(x0, x1), ylim=(y1, y0))
    middle.imshow(whole.warp(photo(), source))
    right.imshow(face.warp(photo(), landmarks(), fill=255))
    ring = (whole.triangles >= 68).any(axis=1)
    for axes, points in ((left, source), (middle, target)):
        axes.triplot(*points.T, whole.triangles[ring], color="white", linewidth=0.7)
        axes.triplot(*points.T, whole.triangles[~ring], color=ORANGE, linewidth=0.7)
        axes.plot(*points[:68].T, ".", color=ORANGE, markersize=3)
        axes.plot(*points[68:].T, "o", color="white", markeredgecolor="black", markersize=4, clip_on=False)
    bare(left, "the photo: 68 landmarks, and eight points\nof the frame by their similarity")
    bare(middle, f"the output, {side} x {side}: {len(whole.triangles)} triangles\nover the mean shape, Delaunay's")
    bare(right, f"the fixed mesh of the 68 points alone,\n{len(face.triangles)} triangles, and fill outside")
    save(figure, "warp-mesh.jpg")


def spans() -> None:
    """Which pixel belongs to whom: around an eye, and in a small mesh with many centres on edges."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 4.6), layout="constrained", gridspec_kw={"width_ratios": (1.35, 1)}
    )
    target, _ = layout(112, 35)
    grid(left, target, PiecewiseAffine(target, (112, 112)).triangles, 112, (26, 45, 33, 45))
    bare(left, "the image-left eye of a face of 112 x 112")
    small = np.array([(0, 0), (8, 0), (0, 8), (8, 8), (4, 3), (2, 6), (6, 6.0)])
    triangles = np.array([(0, 1, 4), (0, 4, 5), (0, 5, 2), (4, 1, 6), (1, 3, 6), (4, 6, 5), (5, 6, 3), (5, 3, 2)])
    on_an_edge(right, grid(right, small, triangles, 9, (0, 8, 0, 8)), small, triangles)
    bare(right, "centres on edges: ring = left or top edge of its\ntriangle, square = rim, by the second pass")
    save(figure, "warp-spans.svg")


def grid(axes: plt.Axes, target: np.ndarray, triangles: np.ndarray, side: int, window: tuple[int, ...]) -> np.ndarray:
    """Draws the pixels of a window (first and last column, first and last row) and returns the owners of all."""
    x0, x1, y0, y1 = window
    owners = PiecewiseAffine(target, (side, side), triangles)._mesh.owners()
    colour = colours(triangles)
    for y in range(y0, y1 + 1):
        ends = np.flatnonzero(np.diff(owners[y, x0 : x1 + 1], prepend=-2, append=-2)) + x0
        for begin, end in pairwise(ends):
            if owners[y, begin] < 0:
                continue
            pale = PALE[colour[owners[y, begin]]]
            axes.add_patch(Rectangle((begin - 0.5, y - 0.5), end - begin, 1, facecolor=pale, edgecolor="white"))
            axes.plot([begin, end - 1], [y, y], color=BLUE, linewidth=2.4, solid_capstyle="round", alpha=0.5)
    axes.plot(*[c.ravel() for c in np.meshgrid(np.arange(x0, x1 + 1), np.arange(y0, y1 + 1))], ".", color=BLUE, ms=3)
    axes.triplot(*target.T, triangles, color="black", linewidth=0.8)
    axes.set(xlim=(x0 - 0.6, x1 + 0.6), ylim=(y1 + 0.6, y0 - 0.6), aspect="equal")
    return owners


def colours(triangles: np.ndarray) -> list[int]:
    """A pale colour for each triangle, another one than those of all that share a corner with it, where it can be."""
    chosen: list[int] = []
    for t, triangle in enumerate(triangles):
        shared = [np.isin(other, triangle).sum() for other in triangles[:t]]
        edge = {c for c, n in zip(chosen, shared, strict=True) if n > 1}
        corner = [c for c, n in zip(chosen, shared, strict=True) if n == 1]
        chosen.append(min(set(range(len(PALE))) - edge, key=lambda c: (corner.count(c), c)))
    return chosen


def on_an_edge(axes: plt.Axes, owners: np.ndarray, target: np.ndarray, triangles: np.ndarray) -> None:
    """Marks the centres on edges, in the colour of their owner."""
    from oracles import piecewise as twin

    within, touching = twin.claims(target, triangles, *owners.shape)
    colour, corners = colours(triangles), twin.snap(target)
    for (y, x), claiming in touching.items():
        sides = [(corners[a], corners[b]) for t in claiming for a, b in around(triangles[t])]
        if any(twin.edge(a, b, (256 * x, 256 * y)) == 0 for a, b in sides):
            mark = "o" if (y, x) in within else "s"
            pale = PALE[colour[owners[y, x]]]
            axes.plot(x, y, mark, markersize=8, markerfacecolor=pale, markeredgecolor=RED, markeredgewidth=1.1)


def around(triangle: np.ndarray) -> list[tuple[int, int]]:
    a, b, c = triangle
    return [(a, b), (b, c), (c, a)]


if __name__ == "__main__":
    mpl.rcParams.update({"svg.hashsalt": "pyface", "svg.fonttype": "none", "font.size": 8, "font.family": "sans-serif"})
    cv2.setNumThreads(1)
    mesh()
    spans()
    warp_seams.draw()
    warp_large.draw()
    warp_folds.draw()
