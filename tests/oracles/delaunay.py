"""Slow, obvious twin of csrc/warp/delaunay, in whole numbers of any size."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, permutations
from math import lcm


def whole(points):
    """The points as pairs of integers: times the power of two that makes all coordinates whole."""
    rows = [(Fraction(float(x)), Fraction(float(y))) for x, y in points]
    unit = lcm(*(v.denominator for row in rows for v in row))
    return [(int(x * unit), int(y * unit)) for x, y in rows]


def orient(a, b, c):
    """Twice the area of the triangle, positive if it is clockwise where y points down."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def in_circle(a, b, c, d):
    """Positive if d is inside the circle of a, b, c, which must have positive area; 0 on it."""
    (ax, ay), (bx, by), (cx, cy) = ((p[0] - d[0], p[1] - d[1]) for p in (a, b, c))
    return (
        (ax * ax + ay * ay) * (bx * cy - cx * by)
        + (bx * bx + by * by) * (cx * ay - ax * cy)
        + (cx * cx + cy * cy) * (ax * by - bx * ay)
    )


def representatives(points):
    """For each point the lowest index of those equal to it."""
    first = {}
    return [first.setdefault(p, i) for i, p in enumerate(whole(points))]


def cells(points):
    """The sets of three points or more that lie on a circle with no point inside."""
    p, distinct, found = whole(points), set(representatives(points)), set()
    for a, b, c in permutations(distinct, 3):
        if a < min(b, c) and orient(p[a], p[b], p[c]) > 0:
            sides = {d: in_circle(p[a], p[b], p[c], p[d]) for d in distinct}
            if max(sides.values()) == 0:
                found.add(frozenset(d for d, side in sides.items() if side == 0))
    return found


def delaunay(points):
    """Each cell is a convex polygon, cut from its lowest index to all others."""
    p, triangles = whole(points), []
    for cell in cells(points):
        a, *others = sorted(cell)
        # Seen from a corner of a convex polygon, one corner comes after as many others as lie before it.
        others.sort(key=lambda b: sum(orient(p[a], p[c], p[b]) > 0 for c in cell))
        triangles += [(a, b, c) for b, c in pairwise(others)]
    return sorted(triangles)


def hull(points):
    """Corners of the convex hull, and how many distinct points lie on it."""
    distinct, chain = sorted(set(whole(points))), []
    for way in (distinct, distinct[::-1]):
        half = []
        for p in way:
            while len(half) > 1 and orient(half[-2], half[-1], p) <= 0:
                half.pop()
            half.append(p)
        chain += half[:-1]
    sides = list(zip(chain, chain[1:] + chain[:1], strict=True))
    return chain, sum(any(orient(a, b, p) == 0 for a, b in sides) for p in distinct)


def assert_is_delaunay(points, triangles):
    """The certificate for many points: what the contract says, and each edge against its two triangles."""
    p, used = whole(points), set(representatives(points))
    corners, on_hull = hull(points)
    edges = {(t[i], t[i - 2]): t[i - 1] for t in triangles for i in range(3)}
    assert set().union(*triangles) == used
    assert all(t[0] == min(t) for t in triangles) and triangles == sorted(triangles)
    assert len(triangles) == 2 * len(used) - 2 - on_hull and len(edges) == 3 * len(triangles)
    area = sum(orient((0, 0), a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True))
    assert sum(orient(*(p[i] for i in t)) for t in triangles) == area
    assert all(orient(*(p[i] for i in t)) > 0 for t in triangles)
    for (a, b), c in edges.items():
        d = edges.get((b, a))
        if d is not None:
            side = in_circle(p[a], p[b], p[c], p[d])
            assert side < 0 or (side == 0 and min(a, b) < min(c, d))
