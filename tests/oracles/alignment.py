"""Slow, obvious twins of similarities and crops, written from their definitions."""

from __future__ import annotations

import math

import numpy as np


def umeyama(source, target, weights=None):
    """Matrix (2, 3) and residual: the singular values' way, without reflection."""
    w = np.ones(len(source)) if weights is None else np.asarray(weights, float)
    w = w / w.sum()
    s_mean, d_mean = w @ source, w @ target
    s, d = source - s_mean, target - d_mean
    u, values, vt = np.linalg.svd((w[:, None] * d).T @ s)
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    turn = u @ np.diag(signs) @ vt
    linear = turn * (values @ signs) / (w @ (s**2).sum(axis=1))
    shift = d_mean - linear @ s_mean
    off = source @ linear.T + shift - target
    return np.column_stack([linear, shift]), math.sqrt(w @ (off**2).sum(axis=1))


def pixel(image, row, col, border, fill):
    """One pixel (c,) float64 of the image without end."""
    place = []
    for index, n in ((row, image.shape[0]), (col, image.shape[1])):
        i = index
        if border == "constant" and not 0 <= i < n:
            return np.broadcast_to(np.asarray(fill, float), image.shape[2:])
        if border == "replicate":
            i = min(max(i, 0), n - 1)
        while border == "reflect" and not 0 <= i < n:
            i = 0 if n == 1 else -i if i < 0 else 2 * (n - 1) - i
        place.append(i)
    return image[place[0], place[1]].astype(float)


def bilinear(take, x, y):
    """The value at (x, y) of what ``take(row, col)`` gives at whole positions; weights of 0 take nothing."""
    left, upper = math.floor(x), math.floor(y)
    total = 0.0
    for row, share_y in ((upper, 1 - (y - upper)), (upper + 1, y - upper)):
        for col, share_x in ((left, 1 - (x - left)), (left + 1, x - left)):
            if share_x * share_y > 0:
                total = total + share_x * share_y * take(row, col)
    return total


def crop(image, matrix, size, border="constant", fill=0, antialias=False):
    """(rows, columns, c) float64, not rounded."""
    k = samples = 1
    if antialias:
        spans = max(1, math.floor(math.sqrt(abs(np.linalg.det(matrix[:, :2]))) + 0.5))
        k, samples = max(1, (spans + 1) // 4), min(spans, 4)

    def block(row, col):
        cells = [(row * k + i, col * k + j) for i in range(k) for j in range(k)]
        return sum(pixel(image, *cell, border, fill) for cell in cells) / k**2

    def sample(u, v):
        x, y = matrix @ (u, v, 1)
        return bilinear(block, (x - (k - 1) / 2) / k, (y - (k - 1) / 2) / k)

    offsets = [(i + 0.5) / samples - 0.5 for i in range(samples)]
    out = np.empty((*size, *image.shape[2:]))
    for v in range(size[0]):
        for u in range(size[1]):
            out[v, u] = sum(sample(u + du, v + dv) for dv in offsets for du in offsets) / samples**2
    return out
