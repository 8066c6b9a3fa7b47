"""Softmax cross-entropy over weight vectors of classes, plain and with margins on the angles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface._typing import FloatArray, Labels
from pyface.losses import _inputs
from pyface.losses._inputs import Directions
from pyface.losses._margins import Margin, turns
from pyface.losses._results import ClassLoss

# Rows are taken in pieces of so many logits, whatever the machine: the last bits depend on where pieces end.
_LOGITS = 1 << 22
_LARGEST = 1e4  # of scales and margins: beyond it exp and cos have no digits left


def _pieces(n: int, k: int) -> list[slice]:
    step = max(1, _LOGITS // max(1, k))
    return [slice(begin, min(n, begin + step)) for begin in range(0, n, step)]


def _cross_entropy(
    z: NDArray[Any], y: Labels, target: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """-log softmax of the entries y of the rows of ``z``: ``(losses, d_target)``, (n,) each.

    ``target`` takes the place of the entries y. ``z`` becomes the derivatives by its other entries, with 0 at y, whose
    derivative p - 1 is taken from the others: for sure rows it is far below a rounding error of p.
    """
    rows = np.arange(len(z))
    own = z[rows, y].astype(np.float64) if target is None else target
    z[rows, y] = -np.inf
    highest = np.maximum(z.max(axis=1).astype(np.float64), own)
    z -= highest[:, None].astype(z.dtype)
    np.exp(z, out=z)
    others = z.sum(axis=1, dtype=np.float64)
    below = np.exp(own - highest)
    total = others + below
    losses = np.where(own == highest, np.log1p(others), highest - own + np.log(total))
    z /= total[:, None].astype(z.dtype)
    return losses, -others / total


def plain_loss(x: FloatArray, y: Labels, w: FloatArray, b: NDArray[Any] | None) -> ClassLoss:
    """:func:`softmax_cross_entropy` of what has been checked; NaN or infinite where logits are no numbers."""
    n, k = len(x), len(w)
    value, d_x, d_w, d_b = 0.0, np.empty_like(x), np.zeros_like(w), np.zeros(k, np.float64)
    for piece in _pieces(n, k):
        z = x[piece] @ w.T
        if b is not None:
            z += b
        losses, d_target = _cross_entropy(z, y[piece])
        z[np.arange(len(z)), y[piece]] = d_target
        z /= n
        value += float(losses.sum())
        d_x[piece] = z @ w
        d_w += z.T @ x[piece]
        d_b += z.sum(axis=0, dtype=np.float64)
    return ClassLoss(value / n, d_x, d_w, None if b is None else d_b.astype(x.dtype))


def margin_loss(
    x: FloatArray, features: Directions, y: Labels, w: FloatArray, weights: Directions, margin: Margin, s: float | None
) -> ClassLoss:
    """-log of e^(s psi(theta_y)) over itself and the e^(s cos(theta_j)) of the other classes, mean over rows.

    ``s`` None is the length of each row. Products are of the type of X; the angle of a row to its own class, which
    may be at a corner of psi, is float64.
    """
    n, k = len(x), len(w)
    unit_w = weights.rows.astype(x.dtype, copy=False)
    value, d_x, d_unit_w, d_own_w = 0.0, np.empty_like(x), np.zeros_like(w), np.zeros(w.shape, np.float64)
    for piece in _pieces(n, k):
        own_class = y[piece]
        here = Directions(features.rows[piece], features.lengths[piece])
        unit_x = here.rows.astype(x.dtype, copy=False)
        scale = here.lengths if s is None else np.full(len(unit_x), s)
        turn = turns(here.rows, weights.rows[own_class])
        psi, slope = margin(turn.theta)
        z = unit_x @ unit_w.T
        cosines = z.copy() if s is None else None
        z *= scale[:, None].astype(x.dtype)
        losses, d_target = _cross_entropy(z, own_class, scale * psi)
        z /= n
        d_target /= n
        value += float(losses.sum())
        radial = 0.0 if cosines is None else np.einsum("ij,ij->i", z, cosines) + d_target * psi
        z *= scale[:, None].astype(x.dtype)
        turning = (d_target * scale * slope)[:, None]
        d_here = here.through(z @ unit_w) - turning * here.inverse_lengths()[:, None] * turn.toward_w
        if s is None:
            d_here += np.asarray(radial)[:, None] * here.rows
        d_x[piece] = d_here
        d_unit_w += z.T @ unit_x
        np.add.at(d_own_w, own_class, -turning * weights.inverse_lengths()[own_class, None] * turn.toward_u)
    return ClassLoss(value / n, d_x, (weights.through(d_unit_w) + d_own_w).astype(x.dtype, copy=False))


def _checked(X: Any, y: Any, W: Any) -> tuple[FloatArray, Labels, FloatArray]:
    x = _inputs.some_rows(X)
    w = _check.embeddings(W, "W", columns=x.shape[1])
    if len(w) == 0:
        raise ValueError("W has no rows; give one for each class")
    numbers = _inputs.class_numbers(y, len(x), len(w))
    if x.dtype != w.dtype:
        x, w = x.astype(np.float64, copy=False), w.astype(np.float64, copy=False)
    piece = min(len(x), max(1, _LOGITS // len(w)))
    # Logits and their copy; rows and weights with their directions and gradients in float64.
    n_bytes = 2 * piece * len(w) * x.itemsize + 48 * (x.size + w.size)
    _memory.require(n_bytes, f"the loss of {len(x):,} rows over {len(w):,} classes", "give fewer rows at a time")
    return x, numbers, w


def _with_margin(X: Any, y: Any, W: Any, margin: Margin, s: Any, normalize: Any) -> ClassLoss:
    scale = None if s is None else _check.number(s, "s", above=0, maximum=_LARGEST)
    must_be_unit = not _check.flag(normalize, "normalize")
    x, numbers, w = _checked(X, y, W)
    features = _inputs.checked_directions(x, "X", must_be_unit=must_be_unit)
    return margin_loss(x, features, numbers, w, _inputs.checked_directions(w, "W"), margin, scale)


def softmax_cross_entropy(X: FloatArray, y: Labels, W: FloatArray, b: NDArray[Any] | None = None) -> ClassLoss:
    """Softmax cross-entropy of linear logits: mean over rows of ``-log(e^(w_y.x + b_y) / sum_j e^(w_j.x + b_j))``.

    X : (n, d) float32, float64 or float16, n >= 1. y : (n,) integers, the row of W of each row's class.
    W : (k, d), a row per class. b : (k,) floats, or None for none.

    Lengths count: nothing is normalized. For the normalized softmax take :func:`arcface` with ``m=0``.

    TypeError for other dtypes; ValueError, naming the row, for NaN, labels outside 0 .. k - 1 or of another length, and
    logits beyond the type. Time O(n k d); memory O(n d + k d) and 4 million logits at a time, whatever n. Products are
    NumPy's, whose last bits may depend on the number of threads of its BLAS.
    """
    x, numbers, w = _checked(X, y, W)
    bias = None
    if b is not None:
        _check.require_array(b, "b", (np.float16, np.float32, np.float64), "floats")
        bias = b.astype(x.dtype, copy=False)
        if bias.shape != (len(w),):
            raise ValueError(f"b must have shape ({len(w)},), an entry for each row of W, got {bias.shape}")
        bad = np.flatnonzero(~np.isfinite(bias))
        if bad.size:
            raise ValueError(f"b: entry {bad[0]} is {bias[bad[0]]}; all entries must be finite")
    with np.errstate(over="ignore", invalid="ignore"):
        result = plain_loss(x, numbers, w, bias)
        for piece in _pieces(len(x), len(w)) if not np.isfinite(result.value) else ():
            bad = np.flatnonzero(~np.isfinite(x[piece] @ w.T).all(axis=1))
            if bad.size:
                row = piece.start + bad[0]
                raise ValueError(f"X: row {row} has a product with W that is no number in {x.dtype}; scale the data")
    return result


def combined_margin(
    X: FloatArray,
    y: Labels,
    W: FloatArray,
    *,
    s: float = 64.0,
    m1: float = 1.0,
    m2: float = 0.0,
    m3: float = 0.0,
    normalize: bool = True,
) -> ClassLoss:
    """The combined margin: ``-log(e^(s psi) / (e^(s psi) + sum_j!=y e^(s cos theta_j)))``, mean over rows.

    ``psi = cos(m1 theta_y + m2) - m3``, theta_j the angle between x and w_j (Deng et al. 2019, ArcFace, eq. 4). Beyond
    ``m1 theta_y + m2 = pi`` the cosine goes on falling, ``(-1)^k cos(.) - 2 k``, as SphereFace's does.

    X : (n, d) float32, float64 or float16, n >= 1. y : (n,) integers, the row of W of each row's class. W : (k, d), a
    row per class. s : scale, > 0. m1 : >= 1. m2 : radians in [0, pi]. m3 : >= 0. With m1 = 1 and m2 = m3 = 0 this is
    the normalized softmax, with m2 alone ArcFace, with m3 alone CosFace.
    normalize : rows of X are divided by their lengths, and gradients are those with respect to X as given. False: they
    must be of unit length within 0.001. Rows of W are always divided by theirs.

    Where a row and its class are equal or opposite, theta has no derivative; zero is taken for it. Nearby, gradients
    are exact and bounded: no cosine is clipped.

    TypeError for other dtypes; ValueError, naming the row, for NaN, rows of zeros, rows not of unit length with
    ``normalize=False``, labels outside 0 .. k - 1 or of another length, negative margins. Time O(n k d); memory
    O(n d + k d) and 4 million logits at a time. Products are NumPy's, whose last bits may depend on the number of
    threads of its BLAS.
    """
    margin = Margin(
        _check.number(m1, "m1", minimum=1, maximum=_LARGEST),
        _check.number(m2, "m2", minimum=0, maximum=math.pi),
        _check.number(m3, "m3", minimum=0, maximum=_LARGEST),
    )
    return _with_margin(X, y, W, margin, s, normalize)


def arcface(
    X: FloatArray,
    y: Labels,
    W: FloatArray,
    *,
    s: float = 64.0,
    m: float = 0.5,
    easy_margin: bool = False,
    normalize: bool = True,
) -> ClassLoss:
    """ArcFace, the additive angular margin: ``psi = cos(theta_y + m)`` (Deng et al. 2019, eq. 3).

    m : radians in [0, pi]. easy_margin : the margin counts below theta = pi / 2 only, and psi is cos(theta) from there
    on, as in the authors' code; the value jumps there, and gradients are those of the side that a row is on.
    All else as in :func:`combined_margin` with ``m2=m``.
    """
    margin = Margin(m2=_check.number(m, "m", minimum=0, maximum=math.pi), easy=_check.flag(easy_margin, "easy_margin"))
    return _with_margin(X, y, W, margin, s, normalize)


def cosface(
    X: FloatArray, y: Labels, W: FloatArray, *, s: float = 64.0, m: float = 0.35, normalize: bool = True
) -> ClassLoss:
    """CosFace, the additive cosine margin: ``psi = cos(theta_y) - m``, m >= 0 (Wang et al. 2018, eq. 4).

    All else as in :func:`combined_margin` with ``m3=m``.
    """
    return _with_margin(X, y, W, Margin(m3=_check.number(m, "m", minimum=0, maximum=_LARGEST)), s, normalize)


def sphereface(X: FloatArray, y: Labels, W: FloatArray, *, m: int = 4, lam: float = 0.0) -> ClassLoss:
    """SphereFace, the multiplicative angular margin (A-Softmax; Liu et al. 2017, eq. 7).

    ``psi = (-1)^k cos(m theta_y) - 2 k`` for theta_y in [k pi / m, (k + 1) pi / m]; the scale s is the length of each
    row of X, which is not normalized. m : whole, >= 1. lam : >= 0, the authors' lambda, which they lower during
    training: psi becomes ``(lam cos theta_y + psi) / (1 + lam)``.

    X, y, W, errors, time and memory as in :func:`combined_margin`.
    """
    m1 = _check.integer(m, "m", minimum=1, maximum=int(_LARGEST))
    margin = Margin(m1=float(m1), lam=_check.number(lam, "lam", minimum=0, maximum=1e15))
    return _with_margin(X, y, W, margin, None, True)
