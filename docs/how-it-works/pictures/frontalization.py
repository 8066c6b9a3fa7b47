"""Draws the picture of ../frontalization.md next to this file. Needs the extras bench and dlib (the 68 points).

python docs/how-it-works/pictures/frontalization.py
"""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from warp_face import ORANGE, Floats, bare, landmarks, photo, save

from pyface import PiecewiseAffine, geometry
from pyface.geometry.frames import face_mesh, frame_points
from pyface.geometry.surface import surface_depth

SIDE, EYES = 260, 74
SHOWN = (0, 20, 35, 50)
STEP = 0.05  # distances between the eyes, of the grid that is turned
SCHEME = "insightface-68-3d"  # the jaw is where it is on the head, as the head is made up


def turned(points: Floats, yaw: float) -> Floats:
    """Points (n, 3) of a head turned by degrees, the nose to the image's right."""
    c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    x, y, z = points.T
    return np.column_stack([x * c - z * s, y, z * c + x * s])


def on_surface(flat: Floats) -> Floats:
    return np.column_stack([flat, surface_depth(flat)])


def pixels(points: Floats, yaw: float) -> Floats:
    shift = 0.45 * np.sin(np.radians(yaw))  # keeps the face in the middle
    return EYES * (points[:, :2] + [shift, 0.0]) + [SIDE / 2, SIDE * 0.39]


def seen(yaw: float) -> tuple[NDArray[np.uint8], Floats]:
    """A photo of the turned face, the far parts painted first, and its 68 landmarks."""
    frontal = face_mesh("dlib-68", 512)
    texture = frontal.warp(photo(), frame_points(landmarks(), "dlib-68"))
    xs, ys = np.arange(-1.35, 1.351, STEP), np.arange(-1.05, 1.96, STEP)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    head = turned(on_surface(grid), yaw)
    where, source = pixels(head, yaw), (grid + np.array([1.55, 1.1])) * 511 / 3.1
    at = np.arange(len(grid)).reshape(len(ys), len(xs))
    a, b, c, d = (part.reshape(-1) for part in (at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]))
    triangles = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    x, y = grid[triangles].transpose(2, 0, 1)
    triangles = triangles[(np.hypot(x / 1.32, (y - 0.45) / 1.52) < 1).all(axis=1)]
    canvas = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for triangle in triangles[np.argsort(-head[triangles, 2].mean(axis=1), kind="stable")]:
        piece = PiecewiseAffine(where[triangle], (SIDE, SIDE), [[0, 1, 2]])
        canvas[piece.mask] = piece.warp(texture, source[triangle])[piece.mask]
    return canvas, pixels(turned(on_surface(geometry.mean_shape("dlib-68")), yaw), yaw)


def main() -> None:
    """By column how far the face is turned; by row the photo, what is seen of it, and two ways to the front."""
    figure, panels = plt.subplots(5, len(SHOWN), figsize=(8.2, 10.4), layout="constrained")
    for column, yaw in zip(panels.T, SHOWN, strict=True):
        image, points = seen(yaw)
        front = geometry.frontalize(image, points, SCHEME)
        plain = geometry.frontalize(image, points, SCHEME, symmetry="none")
        mesh = geometry.frontalize(image, points, SCHEME, method="mesh")
        column[0].imshow(image)
        column[0].plot(*points.T, ".", color=ORANGE, markersize=1.5)
        bare(column[0], f"yaw {front.pose.yaw:.0f}°")
        column[1].imshow(np.where(front.mask, front.visibility, np.nan), cmap="RdYlGn", vmin=0, vmax=1)
        bare(column[1], "visibility")
        for axes, made, title in (
            (column[2], plain, 'symmetry="none"'),
            (column[3], front, f'"soft": {front.mirrored_share:.0%} mirrored'),
            (column[4], mesh, f'method="mesh": {mesh.mirrored_share:.0%}'),
        ):
            axes.imshow(np.where(made.mask[..., None], made.image, 255))
            bare(axes, title)
    save(figure, "frontalization.jpg")


if __name__ == "__main__":
    main()
