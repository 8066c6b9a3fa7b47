"""The angle between a row and its class, and what margins make of its cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Angles = NDArray[np.float64]

# Below this sine two unit rows of float64 are equal or opposite, and their difference is rounding.
_NO_ANGLE = 1e-15


@dataclass(frozen=True, slots=True)
class Margin:
    """psi(theta) = cos(m1 theta + m2) - m3, where a row has its own class at the angle theta in [0, pi].

    Beyond m1 theta + m2 = pi, where a cosine rises again, it goes on as SphereFace's does, (-1)^k cos(.) - 2k with k
    the whole multiples of pi: it falls all the way, and its derivative does not jump.
    easy : plain cos(theta) from theta = pi / 2 on; the value jumps there.
    lam : psi and the plain cosine are mixed, (lam cos(theta) + psi) / (1 + lam).
    """

    m1: float = 1.0
    m2: float = 0.0
    m3: float = 0.0
    easy: bool = False
    lam: float = 0.0

    def __call__(self, theta: Angles) -> tuple[Angles, Angles]:
        """psi and its derivative, (n,) each, at the angles (n,)."""
        whole = self.m1 * theta + self.m2
        k = np.floor(whole / math.pi)
        sign = 1 - 2 * (k % 2)
        psi = sign * np.cos(whole) - 2 * k - self.m3
        slope = -self.m1 * sign * np.sin(whole)
        if self.easy or self.lam:
            plain, plain_slope = np.cos(theta), -np.sin(theta)
            if self.easy:
                is_far = theta >= math.pi / 2
                psi, slope = np.where(is_far, plain, psi), np.where(is_far, plain_slope, slope)
            psi = (self.lam * plain + psi) / (1 + self.lam)
            slope = (self.lam * plain_slope + slope) / (1 + self.lam)
        return psi, slope


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """Angles between unit rows u and w, and how they change.

    theta : (n,) in [0, pi]. toward_w, toward_u : (n, d) of unit length, the directions in which u and w turn to each
    other: minus the gradients of theta. Zero where the rows are equal or opposite, as there is none.
    """

    theta: Angles
    toward_w: NDArray[np.float64]
    toward_u: NDArray[np.float64]


def turns(u: NDArray[np.float64], w: NDArray[np.float64]) -> Turns:
    """The angles by 2 atan2(|u - w|, |u + w|), which keeps its digits where acos of a product loses half of them.

    The derivative of theta by the cosine, -1 / sin(theta), has no bound; that by the rows has length 1, and this is it.
    """
    apart, along = u - w, u + w
    chord, other = _lengths(apart), _lengths(along)
    is_near = (chord < other)[:, None]
    # w - cos u, without subtracting what is nearly equal: 1 - cos is chord^2 / 2, 1 + cos is other^2 / 2.
    toward_w = np.where(is_near, (chord**2 / 2)[:, None] * u - apart, along - (other**2 / 2)[:, None] * u)
    toward_u = np.where(is_near, (chord**2 / 2)[:, None] * w + apart, along - (other**2 / 2)[:, None] * w)
    return Turns(2 * np.arctan2(chord, other), _unit_tangents(toward_w, u), _unit_tangents(toward_u, w))


def _lengths(rows: NDArray[np.float64]) -> Angles:
    lengths: Angles = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return lengths


def _unit_tangents(rows: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = rows - np.einsum("ij,ij->i", rows, at)[:, None] * at  # rounding may have left a little of it
    lengths = _lengths(rows)[:, None]
    result: NDArray[np.float64] = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > _NO_ANGLE)
    return result
