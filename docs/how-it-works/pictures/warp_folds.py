"""A head that turns away, and what ``PiecewiseAffine.report`` says of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from warp_face import BLUE, ORANGE, RED, Floats, bare, landmarks, photo, save

from pyface import PiecewiseAffine, geometry
from pyface.kernels.piecewise import WarpReport

SIDE, EYES = 224, 70
MIDDLE = np.array([111.5, 60.0])
SHOWN = (0, 20, 35, 50)

# How far each point of the left of the image and of the middle lies behind the eyes, in hundredths of the distance
# between them: the mean of four published models (THIRD_PARTY.md). Across and down a head is geometry.mean_shape.
DEPTH = {
    0: 100, 1: 99, 2: 97, 3: 94, 4: 82, 5: 60, 6: 49, 7: 16, 8: -4,
    17: 16, 18: -3, 19: -14, 20: -22, 21: -26,
    27: -27, 28: -40, 29: -51, 30: -61, 31: -26, 32: -34, 33: -38,
    36: 7, 37: -1, 38: -2, 39: 0, 40: -3, 41: -1,
    48: -7, 49: -26, 50: -34, 51: -36, 57: -30, 58: -28, 59: -20, 60: -9, 61: -26, 62: -28, 66: -28, 67: -26,
}  # fmt: skip


def head(jaw: float = 0) -> Floats:
    """(68, 3): x to the right, y down, z away from the camera, in distances between the eyes.

    ``jaw`` puts the outline from ear to ear, but for the chin, farther back; published models differ by 0.2.
    """
    depth, order = np.empty(68), geometry.mirror("dlib-68")
    for i, z in DEPTH.items():
        depth[[i, order[i]]] = z / 100 + (jaw if i < 8 else 0)
    return np.column_stack([geometry.mean_shape("dlib-68"), depth])


def turned(yaw: float, jaw: float = 0) -> Floats:
    """(68, 3): the head turned by yaw degrees about the vertical axis, the nose to the right; seen from far away."""
    angle = np.radians(yaw)
    x, y, z = head(jaw).T
    return np.column_stack([x * np.cos(angle) - z * np.sin(angle), y, z * np.cos(angle) + x * np.sin(angle)])


def pixels(points: Floats) -> Floats:
    """Points of a head in a picture of SIDE x SIDE, in its middle from left to right."""
    x, y, _ = points.T
    return EYES * np.column_stack([x - (x.min() + x.max()) / 2, y]) + MIDDLE


def frontal() -> PiecewiseAffine:
    return PiecewiseAffine(pixels(head()), (SIDE, SIDE), geometry.triangulation("dlib-68"))


def reports(yaws: Iterable[float], jaw: float = 0) -> list[WarpReport]:
    mesh = frontal()
    return [mesh.report(pixels(turned(yaw, jaw))) for yaw in yaws]


def flipped(points: Floats) -> NDArray[np.bool_]:
    """(t,): triangles of the scheme that are turned over."""

    def area(points: Floats) -> Floats:
        a, b, c = (points[frontal().triangles[:, i]] for i in range(3))
        (ux, uy), (vx, vy) = (b - a).T, (c - a).T
        return ux * vy - uy * vx

    return area(points) * area(pixels(head())) < 0


def painted(yaw: float) -> NDArray[np.uint8]:
    """A photo of the turned head: the triangles of a frontal photo, each brought to its place, the farthest first."""
    points, triangles = turned(yaw), frontal().triangles
    where = pixels(points)
    canvas = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for triangle in triangles[np.argsort(-points[triangles, 2].mean(axis=1))]:
        one = PiecewiseAffine(where[triangle], (SIDE, SIDE), [[0, 1, 2]])
        canvas[one.mask] = one.warp(photo(), landmarks()[triangle])[one.mask]
    return canvas


def faces() -> None:
    """Above the turned head with its mesh, below what the warp to the front makes of it; turned over: red."""
    mesh = frontal()
    figure, panels = plt.subplots(2, len(SHOWN), figsize=(10, 5.0), layout="constrained")
    for (above, below), yaw, report in zip(panels.T, SHOWN, reports(SHOWN), strict=True):
        points, image, over = pixels(turned(yaw)), painted(yaw), flipped(pixels(turned(yaw)))
        assert over.sum() == report.n_flipped
        above.imshow(image)
        below.imshow(mesh.warp(image, points, fill=255))
        for axes, where in ((above, points), (below, mesh.target)):
            axes.triplot(*where.T, mesh.triangles, color=ORANGE, linewidth=0.4)
            if over.any():
                axes.triplot(*where.T, mesh.triangles[over], color=RED, linewidth=1.2)
            axes.set(xlim=(20, 203), ylim=(196, 28))
        bare(above, f"yaw {yaw}°")
        bare(below, f"turned over: {report.n_flipped} triangles,\n{100 * report.flipped_area:.0f} % of the area")
    save(figure, "warp-folds.jpg")


def curves() -> None:
    """The report from yaw 0 to 90."""
    yaws = np.arange(0, 90.5, 0.5)
    made = reports(yaws)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 2.6), layout="constrained")
    for jaw, style, name in (
        (0.2, "--", "jaw farther back"),
        (0, "-", "mean head"),
        (-0.2, ":", "jaw farther forward"),
    ):
        left.plot(yaws, [100 * r.flipped_area for r in reports(yaws, jaw)], style, color=BLUE, label=name)
    left.set(title="flipped_area, %", ylim=(0, 60))
    left.legend(loc="lower right")
    middle.plot(yaws, [r.n_flipped for r in made], color=BLUE, label="n_flipped")
    middle.plot(yaws, [r.n_collapsed for r in made], color=ORANGE, label="n_collapsed")
    middle.set(title=f"triangles, of {len(frontal().triangles)}", ylim=(0, 60))
    middle.legend()
    right.plot(yaws, [r.anisotropy for r in made], color=BLUE)
    right.set(title="anisotropy", yscale="log", ylim=(1, 300), yticks=(1, 3, 10, 30, 100, 300))
    right.yaxis.set_major_formatter("{x:g}")
    right.minorticks_off()
    for axes in (left, middle, right):
        axes.set(xlabel="yaw, degrees", xlim=(0, 90), xticks=range(0, 91, 15))
        axes.title.set_fontsize(9)
        axes.grid(color="#e6e8ea", linewidth=0.6)
    save(figure, "warp-report.svg")


def draw() -> None:
    faces()
    curves()
