"""The usual recipe with OpenCV and scikit-image's warp beside ours, and how far each is from the exact pixels."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from matplotlib import pyplot as plt
from skimage import transform
from warp_face import Floats, bare, layout, photo, save

from pyface import PiecewiseAffine

SIDE, EYES = 112, 35  # the frame of face embedders
WINDOWS = {"mouth": (38, 74, 66, 88), "eye": (8, 44, 30, 52)}  # columns from and to, rows from and to
BRIGHTEST = 32  # grey levels of difference


class Off(NamedTuple):
    """How far the pixels of a warp are from the exact ones, in grey levels of 0 to 255."""

    most: float
    mean: float
    beyond_one: float  # share of the pixels that are off by more than 1 in a channel


def warps() -> tuple[dict[str, Floats], Floats]:
    """Warps by name, none rounded to bytes, and the exact one in float64, each (SIDE, SIDE, 3)."""
    from oracles import piecewise as twin
    from warp_peers import fit, recipe

    target, source = layout(SIDE, EYES)
    mesh = PiecewiseAffine(target, (SIDE, SIDE))
    made = {
        "recipe, default border": recipe(photo(), source, target, mesh.triangles, SIDE, cv2.BORDER_CONSTANT),
        "recipe, mirrored border": recipe(photo(), source, target, mesh.triangles, SIDE),
        "scikit-image": 255 * transform.warp(photo(), fit(target, source), output_shape=(SIDE, SIDE)),
        "pyface": mesh.warp(photo().astype(np.float32), source),
    }
    return made, twin.warp(photo(), source, target, mesh.triangles, (SIDE, SIDE))


def off(warped: Floats, exact: Floats) -> Off:
    error = abs(warped - exact)
    return Off(float(error.max()), float(error.mean()), float((error.max(axis=2) > 1).mean()))


def levels(x: float) -> str:
    return f"{x:.6f}" if x < 0.001 else f"{x:.2f}" if x < 10 else f"{x:.0f}"


def draw() -> None:
    """Rows: two windows of the picture, and the difference to the exact one; columns: who warped."""
    made, exact = warps()
    figure, panels = plt.subplots(3, 5, figsize=(11, 5.6), layout="constrained", height_ratios=(22, 22, 36))
    for column, (name, warped) in enumerate({**made, "exact, float64": exact}.items()):
        shown = np.rint(np.clip(warped, 0, 255)).astype(np.uint8)
        for axes, (x0, x1, y0, y1) in zip(panels[:2, column], WINDOWS.values(), strict=True):
            axes.imshow(shown[y0:y1, x0:x1], interpolation="nearest")
            bare(axes)
        panels[0, column].set_title(name, fontsize=9)
        if warped is not exact:
            most, mean, beyond = off(warped, exact)
            axes = panels[2, column]
            image = axes.imshow(abs(warped - exact).max(axis=2), vmin=0, vmax=BRIGHTEST, cmap="inferno")
            share = f"{100 * beyond:.2g} % off by more than 1"
            bare(axes, f"at most {levels(most)}, mean {levels(mean)},\n{share}")
    panels[2, 4].set_axis_off()
    figure.colorbar(image, cax=panels[2, 4].inset_axes((0.1, 0.1, 0.09, 0.8)), extend="max")
    panels[2, 4].text(0.42, 0.5, "grey levels\nfrom exact", transform=panels[2, 4].transAxes, va="center", fontsize=9)
    save(figure, "warp-seams.png")
