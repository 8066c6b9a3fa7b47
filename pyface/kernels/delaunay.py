"""Delaunay triangulation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core

__all__ = ["delaunay", "delaunay_with_duplicates"]


def delaunay(points: Any) -> NDArray[np.int32]:
    """The Delaunay triangles of points in the plane, exact on the doubles given: nothing is close, equal within a
    tolerance or too small.

    points : (n, 2) numbers, x y in any unit, finite; taken as float64, which changes integers above 2**53.

    Returns (t, 3) int32, rows of point indices. No circle of a triangle has a point inside. The triangles fill the
    convex hull, and points on its edges are used: t = 2 m - 2 - h for m distinct points, h of them on the hull. Each
    triangle (a, b, c) has positive area (b - a) x (c - a), which is clockwise on an image (x to the right, y down),
    and begins with its lowest index; rows are in ascending order.

    Points that are equal count once, under their lowest index. Where four or more points lie on one circle with none
    inside, the condition leaves open how their polygon is cut: all cuts start at its lowest index.

    A ValueError if the points do not span a triangle: fewer than 3, all equal, all on one line. Wrong types are a
    TypeError, wrong values a ValueError. Time O(n log n) for points of any usual distribution, memory about 140 bytes a
    point.
    """
    return delaunay_with_duplicates(points)[0]


def delaunay_with_duplicates(points: Any) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The triangles of :func:`delaunay`, and (n,) int32: for each point the lowest index of those equal to it."""
    return _core.delaunay(_check.points(points))
