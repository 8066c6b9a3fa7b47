"""K-means kernels against their slow twin, on every instruction set."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import kmeans as oracle
from switches import floats_used

from pyface import _core
from pyface.kernels.kmeans import KMeansData, distances_to_centers, nearest_centers, unit_rows

MANY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
DIMENSIONS = st.sampled_from([1, 2, 3, 16, 17, 30, 67])
DTYPES = st.sampled_from([np.float32, np.float64])


@pytest.fixture(autouse=True, params=["never", "always"])
def floats(request: pytest.FixtureRequest) -> Iterator[str]:
    """Rows and centres compared by codes, and all with all in float32."""
    with floats_used(request.param):
        yield request.param


def dyadic(rng: np.random.Generator, n: int, d: int, dtype: type) -> NDArray:
    """Entries of a few bits: squared distances are exact, and ties are many."""
    return (rng.integers(-3, 4, size=(n, d)) / 4).astype(dtype)


def blobs(rng: np.random.Generator, n: int, d: int, dtype: type = np.float64) -> NDArray:
    x = rng.normal(size=(9, d))[rng.integers(0, 9, n)] + 0.4 * rng.normal(size=(n, d))
    return (x - x.mean(axis=0)).astype(dtype)


@MANY
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 300),
    k=st.integers(1, 300),
    d=DIMENSIONS,
    dtype=DTYPES,
    n_threads=st.integers(1, 3),
)
def test_nearest_centers(isa: str, seed: int, n: int, k: int, d: int, dtype: type, n_threads: int) -> None:
    rng = np.random.default_rng(seed)
    x, centers = dyadic(rng, n, d, dtype), dyadic(rng, k, d, dtype)
    labels, distances = nearest_centers(x, centers, n_threads=n_threads)
    want = oracle.squares(x, centers)
    np.testing.assert_array_equal(labels, want.argmin(axis=1))  # ties go to the lower number
    np.testing.assert_array_equal(distances, want.min(axis=1))


def test_equal_centers_leave_their_rows_to_the_first(isa: str) -> None:
    x = np.random.default_rng(2).normal(size=(5, 40)).astype(np.float32)[np.arange(500) % 5]
    labels, distances = nearest_centers(x, x[:300].copy(), n_threads=2)
    np.testing.assert_array_equal(labels, np.arange(500) % 5)
    assert not distances.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_within_1e_12_of_the_border_of_two_centers(isa: str, dtype: type) -> None:
    rng = np.random.default_rng(3)
    gap, step = (2.0**-18, 2.0**-23) if dtype is np.float32 else (2.0**-9, 2.0**-34)
    centers = np.repeat(rng.integers(-200, 200, size=(20, 33)) / 512, 2, axis=0)
    centers[1::2, 0] += gap
    rows, want = [], []
    for j in range(0, 40, 2):
        row = centers[j] + rng.integers(-40, 40, 33) / 512
        for sign in (-1, 0, 1):
            row[0] = centers[j, 0] + gap / 2 + sign * step
            assert (row == row.astype(dtype)).all()
            squares = [math.fsum((p - q) ** 2 for p, q in zip(row, c, strict=True)) for c in centers]
            assert 0 < sign * (squares[j] - squares[j + 1]) < 1e-12 or sign == 0 == squares[j] - squares[j + 1]
            rows.append(row.copy())
            want.append(j + (sign == 1))
    labels, _ = nearest_centers(np.array(rows).astype(dtype), centers.astype(dtype), n_threads=1)
    np.testing.assert_array_equal(labels, want)


def test_centers_that_codes_cannot_tell_apart(isa: str) -> None:
    rng = np.random.default_rng(4)
    x, centers = 1e-3 * rng.normal(size=(500, 40)), 1e-3 * rng.normal(size=(300, 40))
    x[:, 0] += 1e3 * rng.choice([-1, 1], 500)  # one entry takes all bits of a code
    centers[:, 0] += 1e3 * rng.choice([-1, 1], 300)
    _core.reset_debug_counters()
    labels, distances = nearest_centers(x, centers, n_threads=2)
    assert _core.debug_counters()["pairs_in_float32"] > 0
    want = oracle.squares(x, centers)
    np.testing.assert_array_equal(labels, want.argmin(axis=1))
    np.testing.assert_allclose(distances, want.min(axis=1), rtol=1e-12)


def test_centers_far_outside_the_rows() -> None:
    rng = np.random.default_rng(5)
    for d in (5, 40):
        x, centers = rng.normal(size=(200, d)), 1e8 * rng.normal(size=(12, d))
        want = oracle.squares(x, centers)
        np.testing.assert_array_equal(nearest_centers(x, centers)[0], want.argmin(axis=1))
        np.testing.assert_array_equal(nearest_centers(centers, x)[0], oracle.squares(centers, x).argmin(axis=1))
        result = KMeansData(x).lloyd(centers, max_iter=50, tolerance=0.0)
        labels, _, inertia, n_iter = oracle.lloyd(x, centers, np.ones(200), 50, 0.0)
        np.testing.assert_array_equal(result.labels, labels)
        assert result.inertia == pytest.approx(inertia, rel=1e-12) and result.n_iter == n_iter


@MANY
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 170),  # three copies of them are summed up in one piece, as the twin does it
    part=st.floats(0, 1),
    d=DIMENSIONS,
    dtype=DTYPES,
    weighted=st.booleans(),
    spherical=st.booleans(),
    max_iter=st.sampled_from([1, 2, 100]),
    tolerance=st.sampled_from([0.0, 0.1]),
    start=st.sampled_from(["rows", "anywhere", "equal"]),
    copies=st.integers(1, 3),
)
def test_lloyd(isa: str, seed: int, n: int, part: float, **options: Any) -> None:
    """Many clusters lose their rows when they start from anywhere, or from one place, or from copies of a row."""
    rng = np.random.default_rng(seed)
    k = max(1, round(part * n))
    x = np.tile(blobs(rng, n, options["d"], options["dtype"]), (options["copies"], 1))
    spherical = options["spherical"]
    if spherical:
        if options["d"] == 1:
            x = np.abs(x) + 1  # two opposite rows have a mean without direction, or one by rounding
        x = unit_rows(x, "x")
    weights = rng.integers(0, 4, len(x)) / 2 if options["weighted"] else np.ones(len(x))
    weights[0] = 1
    centers = {
        "rows": x[rng.choice(len(x), k)],
        "anywhere": rng.normal(size=(k, options["d"])).astype(x.dtype),
        "equal": np.tile(x[:1], (k, 1)),
    }[options["start"]]
    if spherical:
        centers = unit_rows(centers, "centers")
    rules = {"max_iter": options["max_iter"], "tolerance": options["tolerance"], "spherical": spherical}
    data = KMeansData(x, weights if options["weighted"] else None, n_threads=2)
    result = data.lloyd(centers, **rules)
    labels, want, inertia, n_iter = oracle.lloyd(x, centers, weights, **rules)
    np.testing.assert_array_equal(result.labels, labels)
    np.testing.assert_array_equal(result.centers, want)
    assert result.inertia == pytest.approx(inertia, rel=1e-12)
    assert result.n_iter == n_iter
    assert result.centers.dtype == x.dtype and result.labels.dtype == np.int32
    # A guess, however wrong, changes nothing.
    guess = rng.integers(-1, k, len(x)).astype(np.int32)
    again = data.lloyd(centers, guess, **rules)
    np.testing.assert_array_equal(again.labels, result.labels)
    np.testing.assert_array_equal(again.centers, result.centers)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("d", "first_column"), [(16, 0.0), (40, 0.0), (40, 1e4)], ids=["floats", "codes", "doubtful"])
def test_lloyd_where_a_screen_pays(isa: str, floats: str, dtype: type, d: int, first_column: float) -> None:
    """Many centres, and rows from here and there that are compared with all of them or with some."""
    rng = np.random.default_rng(11)
    x = blobs(rng, 700, d)
    x[:, 0] += first_column * rng.choice([-1, 1], 700)
    x = x.astype(dtype)
    _core.reset_debug_counters()
    result = KMeansData(x, n_threads=2).lloyd(x[:200], max_iter=100, tolerance=0.0)
    counters = _core.debug_counters()
    assert (counters["pairs_in_codes"] > 0) == (d > 16 and floats == "never")
    assert counters["pairs_in_float32"] > 0 or first_column == 0 < d - 16
    labels, centers, inertia, n_iter = oracle.lloyd(x, x[:200], np.ones(700), 100, 0.0)
    assert n_iter > 2
    np.testing.assert_array_equal(result.labels, labels)
    np.testing.assert_array_equal(result.centers, centers)
    assert result.inertia == pytest.approx(inertia, rel=1e-12) and result.n_iter == n_iter


@MANY
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 200), part=st.floats(0, 1), d=DIMENSIONS, dtype=DTYPES,
    weighted=st.booleans(), n_trials=st.integers(1, 30),
)  # fmt: skip
def test_plus_plus(
    isa: str, seed: int, n: int, part: float, d: int, dtype: type, weighted: bool, n_trials: int
) -> None:
    rng = np.random.default_rng(seed)
    k = max(1, round(part * n))
    x = dyadic(rng, n, d, dtype)
    weights = rng.integers(0, 3, n).astype(float) if weighted else np.ones(n)
    first, draws = int(rng.integers(n)), rng.random((k - 1, n_trials))
    chosen, nearest = KMeansData(x, weights if weighted else None, n_threads=2).plus_plus(first, draws)
    assert chosen.tolist() == oracle.plus_plus(x, k, weights, first, draws)
    np.testing.assert_array_equal(nearest, oracle.squares(x, x[chosen]).argmin(axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_plus_plus_on_many_rows(isa: str, dtype: type) -> None:
    """More rows than one task takes."""
    rng = np.random.default_rng(6)
    x = blobs(rng, 2500, 20, dtype)
    draws = rng.random((29, 5))
    for weights in (np.ones(2500), rng.random(2500).astype(dtype)):
        chosen, _ = KMeansData(x, weights, n_threads=3).plus_plus(7, draws)
        assert chosen.tolist() == oracle.plus_plus(x, 30, weights.astype(float), 7, draws)


def everything(x: NDArray, n_threads: int) -> list[Any]:
    data = KMeansData(x, n_threads=n_threads)
    chosen, nearest = data.plus_plus(3, np.random.default_rng(0).random((59, 6)))
    results = [data.lloyd(x[chosen], nearest, max_iter=30, tolerance=1e-9), data.lloyd(x[:7], max_iter=9, tolerance=0)]
    found = [(r.labels, r.centers, r.inertia, r.n_iter) for r in results]
    return [chosen, nearest, *found[0], *found[1], *nearest_centers(x[::2].copy(), x[chosen], n_threads=n_threads)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [9, 70])
def test_threads_and_instruction_sets(dtype: type, d: int) -> None:
    x = blobs(np.random.default_rng(8), 3000, d, dtype)
    x[500:600] = x[400:500]
    before = _core.active_isa()
    want = everything(x, 1)
    try:
        for isa in _core.supported_isas():
            _core.set_isa(isa)
            for n_threads in (1, 2, 5):
                for got, expected in zip(everything(x, n_threads), want, strict=True):
                    np.testing.assert_array_equal(got, expected)
    finally:
        _core.set_isa(before)


def test_only_what_may_have_changed_is_compared() -> None:
    """Once few centres move, few pairs are looked at; all of them would be n k with every iteration."""
    rng = np.random.default_rng(9)
    n, k = 4000, 400
    x = blobs(rng, n, 32)
    data = KMeansData(x, n_threads=1)
    chosen, nearest = data.plus_plus(0, rng.random((k - 1, 7)))
    _core.reset_debug_counters()
    result = data.lloyd(x[chosen], nearest, max_iter=300, tolerance=0.0)
    counters = _core.debug_counters()
    assert result.n_iter >= 10
    assert counters["pairs_in_codes"] + counters["pairs_in_float32"] < 0.5 * result.n_iter * n * k
    assert counters["pairs_in_float64"] < 0.05 * result.n_iter * n * k


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mean_variance(dtype: type) -> None:
    x = (3 + np.random.default_rng(1).normal(size=(9001, 5))).astype(dtype)
    assert KMeansData(x).mean_variance() == pytest.approx(x.var(axis=0, dtype=float).mean(), rel=1e-9)
    assert KMeansData(x[:1].copy()).mean_variance() == 0


def test_spherical_means_without_direction_stay() -> None:
    x = np.array([[1.0, 0], [-1, 0]])
    result = KMeansData(x).lloyd(np.array([[0.0, 1]]), max_iter=5, tolerance=0.0, spherical=True)
    assert result.centers.tolist() == [[0, 1]] and result.inertia == 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distances_to_centers(dtype: type) -> None:
    rng = np.random.default_rng(2)
    x, centers = rng.normal(size=(50, 19)).astype(dtype), rng.normal(size=(6, 19)).astype(dtype)
    got = distances_to_centers(x, centers)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, np.sqrt(oracle.squares(x, centers)), rtol=1e-6 if dtype is np.float32 else 1e-13)


def test_unit_rows() -> None:
    x = np.array([[3.0, 4], [1e-300, 0], [1e300, -1e300]])
    np.testing.assert_allclose(unit_rows(x, "X"), [[0.6, 0.8], [1, 0], [0.5**0.5, -(0.5**0.5)]], rtol=1e-15)
    assert unit_rows(x[:1].astype(np.float32), "X").dtype == np.float32
    with pytest.raises(ValueError, match="X: row 5000 is all zeros and has no direction"):
        unit_rows(np.concatenate([np.ones((5000, 2)), np.zeros((1, 2))]), "X")


X = np.random.default_rng(0).normal(size=(5, 3))
LABELS, RULES = np.full(5, -1, np.int32), {"max_iter": 1, "tolerance": 0.0, "spherical": False}


@pytest.mark.parametrize(
    "call",
    [
        lambda: _core.KMeansData(X[:0], None, n_threads=1),
        lambda: _core.KMeansData(X[:, :0].copy(), None, n_threads=1),
        lambda: _core.KMeansData(X[0], None, n_threads=1),
        lambda: _core.KMeansData(X, np.ones(4), n_threads=1),
        lambda: _core.KMeansData(X, -np.ones(5), n_threads=1),
        lambda: _core.KMeansData(X, np.full(5, np.nan), n_threads=1),
        lambda: _core.KMeansData(X, None, n_threads=0),
        lambda: data().plus_plus(5, np.ones((1, 1))),
        lambda: data().plus_plus(-1, np.ones((1, 1))),
        lambda: data().plus_plus(0, np.ones((5, 1))),
        lambda: data().plus_plus(0, np.ones((1, 0))),
        lambda: data().plus_plus(0, np.ones((1, 1001))),
        lambda: data().lloyd(X[:0].copy(), LABELS.copy(), **RULES),
        lambda: data().lloyd(np.ones((6, 3)), LABELS.copy(), **RULES),
        lambda: data().lloyd(np.ones((2, 2)), LABELS.copy(), **RULES),
        lambda: data().lloyd(np.ones((2, 3), np.float32), LABELS.copy(), **RULES),
        lambda: data().lloyd(X[:2].copy(), LABELS[:4].copy(), **RULES),
        lambda: data().lloyd(X[:2].copy(), LABELS + 3, **RULES),
        lambda: data().lloyd(X[:2].copy(), LABELS - 1, **RULES),
        lambda: data().lloyd(X[:2].copy(), LABELS.copy(), **RULES | {"max_iter": 0}),
        lambda: data().lloyd(np.full((2, 3), np.nan), LABELS.copy(), **RULES),
        lambda: data().nearest(np.ones((2, 4)), LABELS.copy(), np.empty(5)),
        lambda: data().nearest(np.ones((0, 3)), LABELS.copy(), np.empty(5)),
        lambda: data().nearest(np.ones((2, 3)), LABELS.copy(), np.empty(4)),
        lambda: _core.KMeansData(np.full((5, 3), np.nan), None, n_threads=1).lloyd(
            X[:2].copy(), LABELS.copy(), **RULES
        ),
        lambda: _core.KMeansData(1e200 * X, None, n_threads=1).lloyd(X[:2].copy(), LABELS.copy(), **RULES),
    ],
)
def test_raw_bindings_refuse(call: Any) -> None:
    with pytest.raises(ValueError, match=r"must|finite"):
        call()


def data() -> Any:
    return _core.KMeansData(X, None, n_threads=1)


def test_raw_bindings_refuse_other_types() -> None:
    for x in (X.astype(int), X.T, [[1.0]], None):
        with pytest.raises(TypeError):
            _core.KMeansData(x, None, n_threads=1)
    with pytest.raises(TypeError):
        _core.KMeansData(X, np.ones(5, np.float32), n_threads=1)
    with pytest.raises(TypeError):
        data().lloyd(X[:2].copy(), LABELS.astype(int), **RULES)


def test_raw_bindings_survive_values_that_the_front_door_refuses() -> None:
    bad = np.array([[np.nan, 1], [0, 0], [np.inf, 1], [1, 2]])
    _core.KMeansData(bad, None, n_threads=2).plus_plus(0, np.array([[np.nan, 2.0], [-1.0, 0.5]]))
    _core.KMeansData(bad, None, n_threads=1).mean_variance()
