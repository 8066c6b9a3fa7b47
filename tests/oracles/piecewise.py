"""Slow, obvious twin of the piecewise-affine warp: pixel by pixel, in float64, from the definitions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

THIN = 1 / 32


def snap(points):
    return np.floor(np.asarray(points, float) * 256 + 0.5).astype(int)


def edge(a, b, p):
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def clockwise(triangle, target, corners):
    """The triangle's point numbers clockwise on the screen as given, or as rounded if that has no area."""
    a, b, c = triangle
    exact = ([Fraction(float(v)) for v in target[k]] for k in triangle)
    area = edge(*exact) or edge(*(corners[k] for k in triangle))
    return (a, b, c) if area > 0 else (a, c, b)


def claims(target, triangles, rows, cols):
    """Per pixel the triangles whose centre, left edge or top edge it is on, and those whose edge or corner it is on."""
    target, corners = np.asarray(target, float), snap(target)
    within, touching = {}, {}
    for t, triangle in enumerate(triangles):
        p = [tuple(int(v) for v in corners[k]) for k in clockwise(triangle, target, corners)]
        if edge(*p) <= 0:
            continue
        top, bottom = min(y for _, y in p), max(y for _, y in p)
        for y in range(max(math.ceil(top / 256), 0), min(bottom // 256, rows - 1) + 1):
            for x in range(cols):
                sides = [(edge(a, b, (256 * x, 256 * y)), a, b) for a, b in zip(p, p[1:] + p[:1], strict=True)]
                if all(e >= 0 for e, _, _ in sides):
                    touching.setdefault((y, x), []).append(t)
                    if all(e > 0 or b[1] < a[1] or (b[1] == a[1] and b[0] > a[0]) for e, a, b in sides):
                        within.setdefault((y, x), []).append(t)
    return within, touching


def owners(target, triangles, rows, cols):
    """(rows, cols): the first that claims the pixel, -1 for none."""
    within, touching = claims(target, triangles, rows, cols)
    out = np.full((rows, cols), -1)
    for pixel, who in touching.items():
        out[pixel] = within.get(pixel, who)[0]
    return out


def affine(source, target, triangle):
    """(2, 3): u and v as functions of x, y, 1, by solving three equations each."""
    p, q = np.asarray(target, float)[list(triangle)], np.asarray(source, float)[list(triangle)]
    longest = max(math.dist(p[i], p[j]) for i, j in ((0, 1), (1, 2), (2, 0)))
    if abs(edge(*p)) < THIN * longest:
        p = snap(p) / 256
    return np.linalg.solve(np.column_stack([p, np.ones(3)]), q).T


def fold(u, size, border):
    if border == "replicate":
        return min(max(u, 0.0), size - 1.0)
    if border == "reflect":
        period = 2 * (size - 1)
        u = abs(u) % period if period else 0.0
        return period - u if u > size - 1 else u
    return u


def sample(image, u, v, interpolation, border, fill):
    """Value of (h, w, c) at (u, v) in float64."""
    h, w, c = image.shape
    u, v = fold(u, w, border), fold(v, h, border)

    def pixel(y, x):
        inside = 0 <= y < h and 0 <= x < w
        return image[y, x].astype(float) if inside else np.broadcast_to(np.asarray(fill, float), c)

    if interpolation == "nearest":
        return pixel(math.floor(v + 0.5), math.floor(u + 0.5))
    x, y = math.floor(u), math.floor(v)
    total = np.zeros(c)
    for dy, weight_y in ((0, y + 1 - v), (1, v - y)):
        for dx, weight_x in ((0, x + 1 - u), (1, u - x)):
            if weight_x * weight_y > 0:
                total = total + weight_x * weight_y * pixel(y + dy, x + dx)
    return total


def warp(image, source, target, triangles, size, interpolation="linear", border="constant", fill=0):
    """(h, w, c) float64, not rounded."""
    out = np.empty((*size, image.shape[2]))
    out[:] = fill
    for (y, x), t in np.ndenumerate(owners(target, triangles, *size)):
        if t >= 0:
            u, v = affine(source, target, triangles[t]) @ [x, y, 1]
            out[y, x] = sample(image, u, v, interpolation, border, fill)
    return out


def reduced(image, s):
    """Means of blocks of s x s pixels of (h, w, c)."""
    h, w, _ = image.shape
    return np.array([[image[i : i + s, j : j + s].mean(axis=(0, 1)) for j in range(0, w, s)] for i in range(0, h, s)])
