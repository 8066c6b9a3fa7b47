"""Losses with a weight vector per class: by definition, gradients by differences, at the corners of the margins."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import losses as oracle

from pyface import _memory, losses
from pyface.losses import _classes
from pyface.losses._margins import Margin

S = 8.0
# Name -> the loss, and its twin's options.
MARGINS: dict[str, tuple[Callable[..., losses.ClassLoss], dict[str, Any]]] = {
    "normalized softmax": (lambda x, y, w: losses.combined_margin(x, y, w, s=S), {"s": S}),
    "arcface": (lambda x, y, w: losses.arcface(x, y, w, s=S), {"s": S, "m2": 0.5}),
    "easy arcface": (lambda x, y, w: losses.arcface(x, y, w, s=S, easy_margin=True), {"s": S, "m2": 0.5, "easy": True}),
    "cosface": (lambda x, y, w: losses.cosface(x, y, w, s=S), {"s": S, "m3": 0.35}),
    "sphereface": (losses.sphereface, {"s": None, "m1": 4}),
    "mixed sphereface": (lambda x, y, w: losses.sphereface(x, y, w, m=3, lam=2.0), {"s": None, "m1": 3, "lam": 2.0}),
    "combined": (
        lambda x, y, w: losses.combined_margin(x, y, w, s=S, m1=1.3, m2=0.4, m3=0.1),
        {"s": S, "m1": 1.3, "m2": 0.4, "m3": 0.1},
    ),
}
by_name = pytest.mark.parametrize("name", MARGINS)


def draw(seed: int, n: int, d: int, k: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.integers(0, k, n), rng.normal(size=(k, d))


def assert_gradient(got: NDArray[Any], want: NDArray[Any], tolerance: float = 1e-6) -> None:
    assert np.abs(got - want).max() <= tolerance * np.abs(want).max()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 5), st.integers(1, 6), st.sampled_from(list(MARGINS)))
def test_values_are_those_of_the_definition(seed: int, n: int, d: int, k: int, name: str) -> None:
    x, y, w = draw(seed, n, d, k)
    loss, options = MARGINS[name]
    assert loss(x, y, w).value == pytest.approx(oracle.margin_softmax(x, y, w, **options), rel=1e-9, abs=1e-12)
    bias = x.sum() * np.arange(k)
    value = losses.softmax_cross_entropy(x, y, w, bias).value
    assert value == pytest.approx(oracle.softmax(x, y, w, bias), rel=1e-10, abs=1e-12)


@by_name
@pytest.mark.parametrize("lengths", [1.0, 1e-3, 30.0])
def test_gradients_are_those_of_differences(name: str, lengths: float) -> None:
    x, y, w = draw(1, 5, 4, 3)
    x *= lengths
    loss, options = MARGINS[name]
    got = loss(x, y, w)
    by_x = oracle.differences(lambda a: oracle.margin_softmax(a, y, w, **options), x, 1e-4 * lengths)
    by_w = oracle.differences(lambda a: oracle.margin_softmax(x, y, a, **options), w, 1e-4)
    assert_gradient(got.d_features, by_x)
    assert_gradient(got.d_weights, by_w)
    assert got.d_bias is None


def test_gradients_of_plain_softmax() -> None:
    x, y, w = draw(2, 5, 4, 3)
    b = np.array([0.5, -1, 2])
    got = losses.softmax_cross_entropy(x, y, w, b)
    for gradient, at, value in (
        (got.d_features, x, lambda a: oracle.softmax(a, y, w, b)),
        (got.d_weights, w, lambda a: oracle.softmax(x, y, a, b)),
        (got.d_bias, b, lambda a: oracle.softmax(x, y, w, a)),
    ):
        assert_gradient(gradient, oracle.differences(value, at, 1e-4))
    without = losses.softmax_cross_entropy(x, y, w)
    assert without.d_bias is None
    assert without.value == pytest.approx(losses.softmax_cross_entropy(x, y, w, np.zeros(3)).value)


def test_plain_softmax_is_scikit_learns_and_scipys() -> None:
    x, y, w = draw(3, 30, 4, 5)
    y[:5] = np.arange(5)
    p = scipy.special.softmax(x @ w.T, axis=1)
    got = losses.softmax_cross_entropy(x, y, w)
    assert got.value == pytest.approx(sklearn.metrics.log_loss(y, p))
    np.testing.assert_allclose(got.d_weights, (p - np.eye(5)[y]).T @ x / 30, atol=1e-14)


def turned(theta: float) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """A row at an angle to its class, of length 2, in no plane of the axes; two classes beside."""
    basis = np.linalg.qr(np.random.default_rng(5).normal(size=(4, 4)))[0]
    x = 2 * (math.cos(theta) * basis[0] + math.sin(theta) * basis[1])
    return x[None], np.array([0]), np.stack([basis[0], 0.3 * basis[0] + basis[1] + basis[2], basis[3] - basis[1]])


CORNERS = [
    *[(name, theta) for name in MARGINS for theta in (1e-2, 1e-3, 1e-5, math.pi - 1e-3, math.pi - 1e-5)],
    *[("easy arcface", math.pi / 2 + off) for off in (-1e-3, 1e-3)],
    *[("arcface", math.pi - 0.5 + off) for off in (-1e-3, 1e-3)],
    *[("sphereface", k * math.pi / 4 + off) for k in (1, 2, 3) for off in (-1e-3, 1e-3)],
]


@pytest.mark.parametrize(("name", "theta"), CORNERS)
def test_gradients_next_to_the_corners(name: str, theta: float) -> None:
    """Steps are so short that none goes over the corner."""
    x, y, w = turned(theta)
    loss, options = MARGINS[name]
    corners = [0, math.pi, math.pi / 2, math.pi - 0.5, *(k * math.pi / 4 for k in (1, 2, 3))]
    step = min(abs(theta - corner) for corner in corners) / 60
    got = loss(x, y, w)
    by_x = oracle.differences(lambda a: oracle.margin_softmax(a, y, w, **options), x, 2 * step)
    by_w = oracle.differences(lambda a: oracle.margin_softmax(x, y, a, **options), w, step)
    assert_gradient(got.d_features, by_x)
    assert_gradient(got.d_weights, by_w)


@pytest.mark.parametrize(
    ("name", "theta"),
    [
        ("arcface", math.pi - 0.5),
        ("combined", (math.pi - 0.4) / 1.3),
        *[("sphereface", k * math.pi / 4) for k in (1, 2, 3)],
    ],
)
def test_gradients_on_the_corners(name: str, theta: float) -> None:
    """Where the cosine would rise again the value goes on without a jump, and so does its derivative."""
    x, y, w = turned(theta)
    loss, options = MARGINS[name]
    by_x = oracle.differences(lambda a: oracle.margin_softmax(a, y, w, **options), x, 2e-8, points=2)
    assert_gradient(loss(x, y, w).d_features, by_x)


def test_the_easy_margin_jumps_at_a_right_angle() -> None:
    before, after = (losses.arcface(*turned(math.pi / 2 + off), s=S, easy_margin=True).value for off in (-1e-9, 1e-9))
    plain, hard = (losses.arcface(*turned(math.pi / 2), s=S, m=m).value for m in (0.0, 0.5))
    assert after == pytest.approx(plain) and before == pytest.approx(hard) and before > after + 1


@by_name
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_and_opposite_rows(name: str, dtype: type) -> None:
    """Nothing is infinite there, and gradients are not longer than next to it."""
    loss, _ = MARGINS[name]
    for theta in (0.0, 1e-160, 1e-30, 1e-17, 1e-12, 1e-8):
        for from_other_side in (0.0, math.pi):
            x, y, w = (a.astype(dtype) if a.dtype.kind == "f" else a for a in turned(from_other_side + theta))
            got = loss(x, y, w)
            assert np.isfinite(got.value)
            beside = loss(*(a.astype(dtype) if a.dtype.kind == "f" else a for a in turned(abs(from_other_side - 0.01))))
            for own, other in ((got.d_features, beside.d_features), (got.d_weights, beside.d_weights)):
                assert np.isfinite(own).all()
                assert np.linalg.norm(own) <= 1.5 * np.linalg.norm(other) + 1e-6
    w = np.eye(3, dtype=dtype)
    got = losses.arcface(w, np.arange(3), w, s=S)
    others = 2 / (math.exp(S * math.cos(0.5)) + 2)  # of the gradient that is left, that of the others
    np.testing.assert_allclose(got.d_features, S * others / 2 * (1 - np.eye(3)) / 3, rtol=1e-5)


def test_psi_falls_all_the_way_and_its_slope_is_its_derivative() -> None:
    theta = np.linspace(0, math.pi, 100_001)
    for margin in (Margin(m2=0.5), Margin(1.3, 0.4, 0.1), Margin(4.0), Margin(m2=math.pi), Margin(4.0, lam=3.0)):
        psi, slope = margin(theta)
        assert (np.diff(psi) < 1e-15).all() and np.abs(np.diff(psi)).max() < 2e-4
        np.testing.assert_allclose(np.gradient(psi, theta)[1:-1], slope[1:-1], atol=1e-3)
        picked = theta[::1000]
        want = [oracle.psi(t, margin.m1, margin.m2, margin.m3, lam=margin.lam) for t in picked]
        np.testing.assert_allclose(psi[::1000], want, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([np.float32, np.float64]))
def test_no_margin_is_normalized_softmax(seed: int, dtype: type) -> None:
    x, y, w = draw(seed, 6, 5, 4)
    x, w = x.astype(dtype), w.astype(dtype)
    unit_x, unit_w = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (x, w))
    want = losses.softmax_cross_entropy(S * unit_x, y, unit_w)
    tolerance = 1e-12 if dtype is np.float64 else 3e-5
    for got in (
        losses.arcface(x, y, w, s=S, m=0.0),
        losses.cosface(x, y, w, s=S, m=0.0),
        losses.combined_margin(x, y, w, s=S),
        losses.arcface(unit_x, y, unit_w, s=S, m=0.0, easy_margin=True, normalize=False),
    ):
        assert got.value == pytest.approx(want.value, rel=tolerance)
    inner = S * want.d_features
    through = (inner - (inner * unit_x).sum(1, keepdims=True) * unit_x) / np.linalg.norm(x, axis=1, keepdims=True)
    got = losses.arcface(x, y, w, s=S, m=0.0)
    np.testing.assert_allclose(got.d_features, through, rtol=tolerance, atol=tolerance * S)


def test_named_margins_are_cases_of_the_combined_one() -> None:
    x, y, w = draw(7, 6, 5, 4)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    for one, other in (
        (losses.arcface(x, y, w), losses.combined_margin(x, y, w, m2=0.5)),
        (losses.cosface(x, y, w), losses.combined_margin(x, y, w, m3=0.35)),
        (losses.sphereface(5 * unit, y, w, m=2), losses.combined_margin(unit, y, w, m1=2, s=5.0)),
    ):
        assert one.value == pytest.approx(other.value, rel=1e-12)
        np.testing.assert_allclose(one.d_weights, other.d_weights, rtol=1e-9, atol=1e-12)


@by_name
def test_types_layouts_and_pieces(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, w = draw(4, 40, 6, 7)
    loss, _ = MARGINS[name]
    want = loss(x, y, w)
    assert want.d_features.dtype == want.d_weights.dtype == np.float64
    single = loss(x.astype(np.float32), y.astype(np.uint8), w.astype(np.float32))
    assert single.d_features.dtype == single.d_weights.dtype == np.float32
    assert single.value == pytest.approx(want.value, rel=1e-5)
    for got, exact in ((single.d_features, want.d_features), (single.d_weights, want.d_weights)):
        np.testing.assert_allclose(got, exact, atol=1e-5 * np.abs(exact).max())
    frozen = x.copy()
    frozen.flags.writeable = False
    for other in (np.asfortranarray(x), x[::-1].copy()[::-1], x.astype(x.dtype.newbyteorder()), frozen):
        assert loss(other, y.tolist(), w).value == want.value
    assert loss(x.astype(np.float32), y, w).d_features.dtype == np.float64
    assert loss(x.astype(np.float16), y, w.astype(np.float16)).d_features.dtype == np.float32
    monkeypatch.setattr(_classes, "_LOGITS", 50)  # pieces of seven rows
    pieces = loss(x, y, w)
    assert pieces.value == pytest.approx(want.value, rel=1e-13)
    np.testing.assert_allclose(pieces.d_features, want.d_features, atol=1e-14)
    np.testing.assert_allclose(pieces.d_weights, want.d_weights, atol=1e-13)


def test_sure_rows_keep_their_digits() -> None:
    x = np.eye(3)
    got = losses.softmax_cross_entropy(x, np.arange(3), 60 * x)
    assert got.value == pytest.approx(2 * math.exp(-60), rel=1e-12)
    assert got.d_features[0, 0] == pytest.approx(-60 * 2 * math.exp(-60) / 3, rel=1e-12)
    wrong = losses.arcface(-x, np.arange(3), x, s=1e4)  # e^(1e4) is no number
    assert wrong.value == pytest.approx(math.log(2) - 1e4 * oracle.psi(math.pi, m2=0.5), rel=1e-12)


@pytest.mark.parametrize("length", [1e-300, 1e300])
def test_lengths_do_not_count_where_directions_do(length: float) -> None:
    x, y, w = draw(8, 6, 5, 4)
    want, got = losses.arcface(x, y, w), losses.arcface(length * x, y, length * w)
    assert got.value == pytest.approx(want.value, rel=1e-12)
    np.testing.assert_allclose(got.d_features * length, want.d_features, rtol=1e-9, atol=1e-12)


def test_memory_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, w = draw(1, 6, 5, 4)
    monkeypatch.setattr(_memory, "limit", lambda n_bytes: 1000)
    with pytest.raises(MemoryError, match=r"the loss of 6 rows over 4 classes takes .* give fewer rows at a time"):
        losses.arcface(x, y, w)
    with pytest.raises(MemoryError, match=r"all pairs of 6 rows takes .* give smaller batches"):
        losses.triplet(x, [0, 0, 1, 1, 2, 2])


X, Y, W = draw(9, 6, 5, 4)
BAD = X.copy()
BAD[4, 2] = np.nan
ZERO = X.copy()
ZERO[3] = 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: losses.arcface(BAD, Y, W), ValueError, "X: row 4 holds nan in column 2"),
        (lambda: losses.arcface(X, Y, BAD[:5]), ValueError, "W: row 4 holds nan"),
        (lambda: losses.softmax_cross_entropy(BAD, Y, W), ValueError, "X: row 4 holds nan"),
        (lambda: losses.arcface(ZERO, Y, W), ValueError, "X: row 3 has a length of 0 and no direction; remove it"),
        (lambda: losses.cosface(X, Y, ZERO), ValueError, "W: row 3 has a length of 0"),
        (lambda: losses.arcface(np.full((6, 5), 1e308), Y, W), ValueError, "X: row 0 is too long for float64"),
        (lambda: losses.arcface(X, Y, W, normalize=False), ValueError, "X: row 0 has a length of .* divide the rows"),
        (lambda: losses.arcface(X, Y, W, m=-0.1), ValueError, "m must be at least 0"),
        (lambda: losses.arcface(X, Y, W, m=4.0), ValueError, "m must be at most 3.14159"),
        (lambda: losses.cosface(X, Y, W, m=-0.1), ValueError, "m must be at least 0"),
        (lambda: losses.cosface(X, Y, W, m=math.nan), ValueError, "m must be a number"),
        (lambda: losses.sphereface(X, Y, W, m=0), ValueError, "m must be at least 1"),
        (lambda: losses.sphereface(X, Y, W, m=1.5), TypeError, "m must be an integer"),
        (lambda: losses.sphereface(X, Y, W, lam=-1.0), ValueError, "lam must be at least 0"),
        (lambda: losses.combined_margin(X, Y, W, m1=0.5), ValueError, "m1 must be at least 1"),
        (lambda: losses.combined_margin(X, Y, W, m2=-1.0), ValueError, "m2 must be at least 0"),
        (lambda: losses.combined_margin(X, Y, W, m3=-1.0), ValueError, "m3 must be at least 0"),
        (lambda: losses.arcface(X, Y, W, s=0.0), ValueError, "s must be greater than 0"),
        (lambda: losses.arcface(X, Y, W, easy_margin=1), TypeError, "easy_margin must be True or False"),
        (lambda: losses.arcface(X, Y[:5], W), ValueError, "y has 5 entries and X has 6 rows"),
        (lambda: losses.arcface(X, np.append(Y[:5], 4), W), ValueError, "y: entry 5 is 4, and W has the rows 0 to 3"),
        (lambda: losses.arcface(X, Y - 5, W), ValueError, "y: entry 0 is -"),
        (lambda: losses.arcface(X, Y[:, None], W), ValueError, "y must be one-dimensional"),
        (lambda: losses.arcface(X, list("abcdef"), W), TypeError, "y must be integers, rows of W"),
        (lambda: losses.arcface(X, Y * 1.0, W), TypeError, "y must be integers"),
        (lambda: losses.arcface(X[:0], Y[:0], W), ValueError, "X has no rows"),
        (lambda: losses.arcface(X, Y, W[:0]), ValueError, "W has no rows"),
        (lambda: losses.arcface(X, Y, W[:, :4]), ValueError, "W must have 5 columns"),
        (lambda: losses.arcface(X.tolist(), Y, W), TypeError, "X must be a NumPy array"),
        (lambda: losses.arcface(X.astype(int), Y, W), TypeError, "X must be a NumPy array of float32"),
        (lambda: losses.softmax_cross_entropy(X, Y, W, np.zeros(3)), ValueError, r"b must have shape \(4,\)"),
        (lambda: losses.softmax_cross_entropy(X, Y, W, W[:, 0] * np.nan), ValueError, "b: entry 0 is nan"),
        (lambda: losses.softmax_cross_entropy(X, Y, W, [0, 0, 0, 0]), TypeError, "b must be a NumPy array"),
        (lambda: losses.softmax_cross_entropy(X * 1e200, Y, W * 1e200), ValueError, "X: row 0 has a product with W"),
    ],
)
def test_bad_input(call: Callable[[], object], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
