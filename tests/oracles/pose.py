"""Slow, obvious twins of head poses: rotations from their definitions, and least squares from many starts."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation


def about(axis: str, degrees: float) -> np.ndarray:
    """A right-handed turn about an axis: from x to y about z, from y to z about x, from z to x about y."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    made = np.eye(3)
    made[i, i] = made[j, j] = c
    made[j, i], made[i, j] = s, -s
    return made


def rotation(pitch: float, yaw: float, roll: float) -> np.ndarray:
    """Camera axes x right, y down, z away; nose up, nose to the image's right and clockwise are positive."""
    return about("z", roll) @ about("y", -yaw) @ about("x", -pitch)


def projected(head: np.ndarray, turned: np.ndarray, scale: float, shift: Any) -> np.ndarray:
    return np.array([scale * (turned @ point)[:2] + shift for point in head])


def seen(head: np.ndarray, turned: np.ndarray, shift: Any, focal: float, middle: Any) -> np.ndarray:
    """(k, 2): as a camera of this focal length sees the head at ``shift``."""
    places = [turned @ point + shift for point in head]
    return np.array([focal * place[:2] / place[2] + middle for place in places])


def contour_share(yaw: float) -> float:
    return 1 / (1 + (yaw / 15) ** 4)


def best_pose(
    face: np.ndarray, head: np.ndarray, weights: np.ndarray, start: np.ndarray, *, camera: Any = None
) -> tuple[np.ndarray, float]:
    """The rotation and the weighted sum of squares of the best fit near ``start`` (3, 3)."""
    roots = np.sqrt(np.repeat(weights, 2))
    size = np.ptp(face, axis=0).max()

    def residuals(p: np.ndarray) -> np.ndarray:
        turned = Rotation.from_rotvec(p[:3]).as_matrix()
        if camera is None:
            found = projected(head, turned, np.exp(p[3]), p[4:] * size)
        else:
            focal, *middle = camera
            found = seen(head, turned, p[3:], focal, middle)
        return np.asarray(roots * (found - face).reshape(-1))

    scale = size / np.ptp(head[:, :2], axis=0).max()
    middle_of_face = face.mean(axis=0)
    if camera is None:
        rest = [np.log(scale), *(middle_of_face / size)]
    else:
        focal, *middle = camera
        rest = [*((middle_of_face - middle) / scale), focal / scale]
    first = np.concatenate([Rotation.from_matrix(start).as_rotvec(), rest])
    found = least_squares(residuals, first, method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=4000)
    return Rotation.from_rotvec(found.x[:3]).as_matrix(), float(2 * found.cost)


def insightface_pose(mean: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Pitch, yaw, roll as insightface takes them from a mean shape with x right, y down, z to the viewer."""
    p = np.linalg.lstsq(np.column_stack([mean, np.ones(len(mean))]), face, rcond=None)[0].T
    r1, r2 = p[0, :3] / np.linalg.norm(p[0, :3]), p[1, :3] / np.linalg.norm(p[1, :3])
    r = np.stack([r1, r2, np.cross(r1, r2)])
    pitch, roll = np.arctan2(r[2, 1], r[2, 2]), np.arctan2(r[1, 0], r[0, 0])
    return np.degrees([pitch, np.arctan2(-r[2, 0], np.hypot(r[0, 0], r[1, 0])), roll])


def matrix_of_300wlp(pitch: float, yaw: float, roll: float) -> np.ndarray:
    """``angle2matrix_3ddfa``: radians, axes x right, y up, z to the viewer, elementary matrices transposed."""
    turns = [about(axis, np.degrees(angle)).T for axis, angle in zip("xyz", (pitch, yaw, roll), strict=True)]
    return np.asarray(turns[0] @ turns[1] @ turns[2])
