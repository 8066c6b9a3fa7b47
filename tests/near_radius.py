"""Rows whose distances lie within 1e-12 of a radius, with what is true of each pair."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray
from oracles import exact, neighbors

RADII = {"cosine": 0.4, "euclidean": 0.9, "sqeuclidean": 0.8}
OFFSETS = np.array([sign * size for size in (1e-14, 3e-14, 1e-13, 3e-13, 9e-13) for sign in (-1, 1)])
_N_STARS = 24
_N_OTHERS = 205
# Sizes of the last entries of each row. The smaller an entry, the finer a step of it moves the distance: in float32,
# steps of the last one are 1e-17.
_FINE = np.array([2.0**-2, 2.0**-8, 2.0**-17])


@dataclass(frozen=True, eq=False)
class Stars:
    """n rows in random order; the distances from row ``centres[s]`` to rows ``rays[s, r]`` are within 1e-12 of radius.

    want : (n, n) float64 distances, sure to 1e-13. is_near : (n, n), whether the true distance is at most the radius.
    """

    x: NDArray
    radius: float
    centres: NDArray[np.int64]
    rays: NDArray[np.int64]
    want: NDArray[np.float64]
    is_near: NDArray[np.bool_]


@cache
def stars(metric: str, dtype: type, d: int) -> Stars:
    """Enough of them for several blocks of rows and columns, the last ones not full."""
    rng = np.random.default_rng([d, len(metric), np.dtype(dtype).itemsize])
    radius = RADII[metric]
    others = rng.normal(size=(_N_OTHERS, d))
    centres = rng.normal(size=(_N_STARS, d)).astype(dtype)
    centres[:, -len(_FINE) :] = _FINE * rng.uniform(1, 2, len(_FINE))
    rays = np.array([[_ray(centre, offset, metric, rng) for offset in OFFSETS] for centre in centres])
    n_rays = _N_STARS * len(OFFSETS)
    x = np.concatenate([centres, rays.reshape(n_rays, d), others.astype(dtype)])
    place = rng.permutation(len(x))
    shuffled = np.empty_like(x)
    shuffled[place] = x

    want = neighbors.distances(shuffled, shuffled, metric)
    np.fill_diagonal(want, 0)
    is_near = want <= radius
    is_close_call = np.zeros_like(is_near)
    centre_rows, ray_rows = place[:_N_STARS], place[_N_STARS:][:n_rays].reshape(_N_STARS, -1)
    for i, row in zip(centre_rows, ray_rows, strict=True):
        for j in row:
            truth = exact.distance(shuffled[i], shuffled[j], metric) - Fraction(radius)
            # Far enough from the radius for float64 to be right, and near enough for nothing less than it.
            assert 5e-15 < abs(truth) < 1e-12
            is_near[i, j] = is_near[j, i] = truth <= 0
            is_close_call[i, j] = is_close_call[j, i] = True
    assert (is_close_call | (np.abs(want - radius) > 1e-10)).all()
    return Stars(shuffled, radius, centre_rows, ray_rows, want, is_near)


@cache
def signs(n_signs: int, step: float, dtype: type) -> NDArray:
    """(450, n_signs + 1) of 1 and -1, and at the end a few steps: squared distances are 4, 8, ... and some steps more.

    All sums of products are exact in float64. The mean is 0 and all entries have one size, so that codes of a few bits
    are nearly exact, and bounds leave hardly any room.
    """
    rng = np.random.default_rng(n_signs)
    x = np.empty((450, n_signs + 1))
    x[:, :-1] = rng.integers(0, 2, (450, n_signs)) * 2 - 1
    x[:, -1] = rng.integers(-1, 3, 450) * step
    x[225:] = -x[:225]
    assert (x == x.astype(dtype)).all()
    return rng.permutation(x.astype(dtype))


def _ray(centre: NDArray, offset: float, metric: str, rng: np.random.Generator) -> NDArray:
    """A row at the metric's radius plus ``offset`` from the centre."""
    radius = RADII[metric]
    direction = rng.normal(size=len(centre))
    # Away from the centre's entries, which are positive: then a step of them moves the distance under every metric.
    direction[-len(_FINE) :] = -_FINE * np.sqrt(len(centre)) * rng.uniform(1, 2, len(_FINE))
    if metric == "cosine":
        unit = centre / np.linalg.norm(centre.astype(np.float64))
        direction -= direction @ unit * unit
        cosine = 1 - radius
        ray = cosine * unit + np.sqrt(1 - cosine**2) * direction / np.linalg.norm(direction)
        ray *= rng.uniform(0.5, 2)
    else:
        length = radius if metric == "euclidean" else np.sqrt(radius)
        ray = centre + length * direction / np.linalg.norm(direction)
    ray = ray.astype(centre.dtype)
    target = Fraction(radius) + Fraction(offset)
    for place in (*range(-len(_FINE), 0), -1):
        _move(ray, place, centre, metric, target)
    return ray


def _move(ray: NDArray, place: int, centre: NDArray, metric: str, target: Fraction) -> None:
    """One step of the secant method on one entry of the ray."""
    start = float(ray[place])
    here = exact.distance(centre, ray, metric) - target
    ray[place] *= 1.001
    there = exact.distance(centre, ray, metric) - target
    ray[place] = start - float(here / (there - here)) * (float(ray[place]) - start)
