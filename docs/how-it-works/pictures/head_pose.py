"""Draws the pictures of ../head-pose.md next to this file. Needs the extras bench (matplotlib) and nothing else.

python docs/how-it-works/pictures/head_pose.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.collections import PolyCollection

from pyface.geometry import HeadPose, head_pose, solid_shape, triangulation

HERE = Path(__file__).parent
RED, GREEN, BLUE, GREY = "#cc2222", "#2a8f2a", "#2255cc", "#888a85"
SHOWN = {
    "looks ahead": (0, 0, 0), "pitch +25: nose up": (25, 0, 0), "yaw +25: nose to the image's right": (0, 25, 0),
    "roll +25: clockwise": (0, 0, 25),
}  # fmt: skip


def turned(pitch: float, yaw: float, roll: float) -> tuple[np.ndarray, HeadPose]:
    """The head (68, 3) in the camera's axes, and the pose that its landmarks say."""
    (sp, sy, sr), (cp, cy, cr) = np.sin(np.radians([-pitch, -yaw, roll])), np.cos(np.radians([pitch, yaw, roll]))
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    head = solid_shape("dlib-68") @ (about_z @ about_y @ about_x).T
    return head, head_pose(head, "dlib-68")


def main() -> None:
    """Four heads, each with its axes; what is written under each is what head_pose makes of its 68 points."""
    mpl.rcParams["svg.hashsalt"] = "pyface"  # the same file from every run
    figure, panels = plt.subplots(1, 4, figsize=(11, 3.4), layout="constrained")
    triangles = triangulation("dlib-68")
    for axes, (title, angles) in zip(panels, SHOWN.items(), strict=True):
        head, pose = turned(*angles)
        corners = head[triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        light = np.abs(normals[:, 2]) / np.linalg.norm(normals, axis=1)
        order = np.argsort(-corners[:, :, 2].mean(axis=1))  # the farthest first
        shades = 0.55 + 0.4 * light[order, None] * np.ones(3)
        axes.add_collection(
            PolyCollection(corners[order][:, :, :2], facecolors=shades, edgecolors="white", linewidths=0.3)
        )
        axes.plot(*head[:, :2].T, ".", color="black", markersize=2)
        origin, *ends = pose.project(np.vstack([np.zeros(3), np.diag([1.0, 1.0, -1.0])]))
        for end, colour in zip(ends, (RED, GREEN, BLUE), strict=True):
            axes.plot(*np.stack([origin, end]).T, color=colour, linewidth=2.5)
        axes.set_title(title, fontsize=9)
        found = f"pitch {pose.pitch:+.0f}  yaw {pose.yaw:+.0f}  roll {pose.roll:+.0f}".replace("-0", "0").replace(
            "+0", "0"
        )
        axes.text(0, 2.35, found, ha="center", fontsize=8, color=GREY)
        axes.set(xlim=(-1.6, 1.6), ylim=(2.45, -1.1), aspect="equal")
        axes.axis("off")
    figure.savefig(HERE / "head-pose.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
