"""A face that is far larger in the photo than in the output, with and without ``antialias``."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt
from warp_face import Floats, bare, layout, photo, save

from pyface import PiecewiseAffine

SIDE, EYES = 44, 11
SAMPLES = 16  # in a row and in a column of each pixel


def warps() -> tuple[dict[str, Floats], Floats]:
    """Warps by name, and the mean over the area of each pixel, without the outermost: half of it is not in the mesh."""
    target, source = layout(SIDE, EYES)
    fine = PiecewiseAffine(SAMPLES * target + (SAMPLES - 1) / 2, (SAMPLES * SIDE, SAMPLES * SIDE))
    samples = fine.warp(photo().astype(np.float32), source, border="replicate")
    mean = samples.reshape(SIDE, SAMPLES, SIDE, SAMPLES, 3).mean(axis=(1, 3), dtype=np.float64)
    mesh, inner = PiecewiseAffine(target, (SIDE, SIDE)), np.s_[1:-1, 1:-1]
    made = {
        "bilinear": mesh.warp(photo(), source, border="replicate")[inner],
        "antialias=True": mesh.warp(photo(), source, border="replicate", antialias=True)[inner],
    }
    return made, mean[inner]


def draw() -> None:
    made, mean = warps()
    figure, panels = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
    for axes, (name, warped) in zip(panels, made.items(), strict=False):
        axes.imshow(warped, interpolation="nearest")
        bare(axes, f"{name}: {abs(warped - mean).mean():.1f} levels off, on average")
    panels[2].imshow(np.rint(mean).astype(np.uint8), interpolation="nearest")
    bare(panels[2], f"the mean over each pixel, {SAMPLES} x {SAMPLES} samples")
    save(figure, "warp-large.jpg")
