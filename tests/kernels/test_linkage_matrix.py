"""Linkage of condensed distances: SciPy's trees, replayed merges where ties make them ambiguous, groups, scales."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import linkage_matrix as oracle
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform

import pyface
from pyface.kernels import linkage_matrix
from pyface.kernels.linkage_matrix import from_condensed

METHODS = ("single", "complete", "average", "weighted", "ward", "centroid", "median")
MONOTONE = METHODS[:5]
TYPES = [np.float32, np.float64]


def rows(kind: str, n: int, seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng([seed, n])
    if kind == "clustered":
        return rng.normal(size=(n // 7 + 1, 8))[rng.integers(n // 7 + 1, size=n)] + 0.1 * rng.normal(size=(n, 8))
    if kind == "chain":  # each row a little farther from the next: one pair per round
        return np.cumsum(1.02 ** np.arange(n))[:, None]
    if kind == "grid":
        return rng.integers(0, 4, size=(n, 2)).astype(float)
    return rng.normal(size=(n, 4))


def made(kind: str, n: int, dtype: type = np.float64) -> NDArray:
    return pdist(rows(kind, n)).astype(dtype) if n > 1 else np.empty(0, dtype)


def full(distances: NDArray) -> NDArray[np.float64]:
    return squareform(distances.astype(np.float64)) if len(distances) else np.zeros((1, 1))


@pytest.mark.parametrize("method", METHODS)
def test_the_twin_is_scipys(method: str) -> None:
    distances = made("normal", 20)
    theirs = hierarchy.linkage(distances, method)
    oracle.assert_is_greedy(theirs, full(distances), method)
    unions = oracle.greedy(full(distances), method)
    np.testing.assert_allclose([height for height, _ in unions], theirs[:, 2])
    assert [len(members) for _, members in unions] == theirs[:, 3].tolist()
    wrong = theirs.copy()
    wrong[5, 2] *= 1.01
    with pytest.raises(AssertionError):
        oracle.assert_is_greedy(wrong, full(distances), method)


def test_the_twin_on_an_example_by_hand() -> None:
    # 0 and 1 are closest, but share a photo; 2 and 3 must be one.
    line = np.array([0.0, 1, 3, 7])
    matrix = np.abs(line[:, None] - line)
    cannot, must = np.array([5, 5, -1, -1]), np.array([-1, -1, 2, 2])
    unions = oracle.greedy(matrix, "complete", must=must, cannot=cannot)
    assert unions == [(0.0, frozenset({2, 3})), (6.0, frozenset({1, 2, 3}))]
    assert oracle.greedy(matrix, "complete", must=must, cannot=cannot, stop=6.0) == unions[:1]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["normal", "clustered", "chain"])
def test_is_scipys(kind: str, method: str, dtype: type) -> None:
    for n in (1, 2, 3, 4, 40, 120, 300):
        distances = made(kind, n, dtype)
        z = pyface.linkage(distances, method)
        if n == 1:
            assert z.shape == (0, 4) and z.dtype == np.float64
            continue
        theirs = hierarchy.linkage(distances.astype(np.float64), method)
        precision = 1e-12 if dtype is np.float64 else 2e-6
        np.testing.assert_allclose(z[:, 2], theirs[:, 2], rtol=precision)
        if dtype is np.float64:
            np.testing.assert_array_equal(z[:, [0, 1, 3]], theirs[:, [0, 1, 3]])
        if method in MONOTONE:
            assert hierarchy.is_valid_linkage(z) and hierarchy.is_monotonic(z)


@pytest.mark.parametrize("dtype", TYPES)
def test_any_numbers_may_be_distances(dtype: type) -> None:
    distances = np.random.default_rng(1).random(80 * 79 // 2).astype(dtype)
    for method in MONOTONE:
        z = pyface.linkage(distances, method)
        np.testing.assert_allclose(z[:, 2], hierarchy.linkage(distances.astype(float), method)[:, 2], rtol=2e-6)
    for method in ("centroid", "median"):
        z = pyface.linkage(distances, method)
        assert z.shape == (79, 4) and (z[:, 2] >= 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_single_has_scipys_ties(seed: int) -> None:
    for n in (5, 60, 200):
        distances = np.random.default_rng([seed, n]).integers(0, 5, size=n * (n - 1) // 2).astype(np.float32)
        np.testing.assert_array_equal(pyface.linkage(distances, "single"), hierarchy.linkage(distances, "single"))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("method", METHODS)
def test_ties_are_broken_by_the_rows(method: str, dtype: type) -> None:
    # All equally far: row 0 takes the others in order.
    z = pyface.linkage(np.ones(10, dtype), method)
    if method in ("single", "complete", "average", "weighted"):
        assert z[:, :2].tolist() == [[0, 1], [2, 5], [3, 6], [4, 7]]
    # Duplicates: those of row 0 first.
    z = pyface.linkage(pdist(np.array([[0.0], [9], [0], [9], [30]])).astype(dtype), method)
    assert z[:2].tolist() == [[0, 2, 0, 2], [1, 3, 0, 2]]


@settings(max_examples=150, deadline=None)
@given(
    method=st.sampled_from(METHODS),
    dtype=st.sampled_from(TYPES),
    n=st.integers(1, 14),
    kind=st.sampled_from(["grid", "line", "numbers"]),
    seed=st.integers(0, 2**32 - 1),
    n_threads=st.integers(1, 3),
)
def test_certificate_with_ties(method: str, dtype: type, n: int, kind: str, seed: int, n_threads: int) -> None:
    rng = np.random.default_rng(seed)
    if kind == "numbers" and method not in oracle.SQUARED:
        distances = rng.integers(0, 4, size=n * (n - 1) // 2).astype(dtype)
    elif n > 1:
        distances = pdist(rng.integers(0, 4, size=(n, 1 if kind == "line" else 2))).astype(dtype)
    else:
        distances = np.empty(0, dtype)
    z = pyface.linkage(distances, method, n_threads=n_threads)
    assert z.shape == (n - 1, 4)
    oracle.assert_is_greedy(z, full(distances), method, rel=1e-7 if dtype is np.float64 else 1e-3)


@settings(max_examples=150, deadline=None)
@given(
    method=st.sampled_from(MONOTONE),
    n=st.integers(1, 12),
    seed=st.integers(0, 2**32 - 1),
    n_threads=st.integers(1, 3),
    is_stopped=st.booleans(),
)
def test_groups_are_greedy_merging(method: str, n: int, seed: int, n_threads: int, is_stopped: bool) -> None:
    rng = np.random.default_rng(seed)
    distances = pdist(rng.normal(size=(n, 3))) if n > 1 else np.empty(0)
    cannot = rng.integers(-1, 4, size=n)
    must = rng.integers(-1, 3, size=n)
    for group in range(3):  # nobody twice in both
        members = np.flatnonzero(must == group)
        seen = set()
        for i in members:
            if cannot[i] >= 0 and cannot[i] in seen:
                must[i] = -1
            seen.add(cannot[i])
    stop = float(rng.uniform(0.5, 3)) if is_stopped else np.inf
    pairs = rng.integers(0, n, (int(rng.integers(0, 5)), 2))
    pairs = pairs[(pairs[:, 0] != pairs[:, 1]) & ((must[pairs[:, 0]] != must[pairs[:, 1]]) | (must[pairs[:, 0]] < 0))]
    groups = {"must_link_groups": must, "cannot_link_groups": cannot, "cannot_link": pairs}
    z = from_condensed(distances, method, overwrite=False, n_threads=n_threads, stop=stop, **groups)
    oracle.assert_is_greedy(z, full(distances), method, must=must, cannot=cannot, pairs=pairs, stop=stop)
    unions = oracle.greedy(full(distances), method, must=must, cannot=cannot, pairs=pairs, stop=stop)
    assert len({height for height, _ in unions if height > 0}) == sum(height > 0 for height, _ in unions)  # no ties
    np.testing.assert_allclose(z[z[:, 2] > 0, 2], sorted(height for height, _ in unions if height > 0), rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(method=st.sampled_from(MONOTONE), dtype=st.sampled_from(TYPES), seed=st.integers(0, 2**32 - 1))
def test_groups_with_ties(method: str, dtype: type, seed: int) -> None:
    rng = np.random.default_rng(seed)
    distances = pdist(rng.integers(0, 3, size=(10, 2))).astype(dtype)
    cannot = rng.integers(-1, 5, size=10)
    z = from_condensed(distances, method, overwrite=False, n_threads=2, cannot_link_groups=cannot)
    oracle.assert_is_greedy(z, full(distances), method, cannot=cannot, rel=1e-3 if dtype is np.float32 else 1e-7)


@pytest.mark.parametrize("kind", ["normal", "clustered", "chain"])
@pytest.mark.parametrize("method", MONOTONE)
def test_larger_with_groups(method: str, kind: str) -> None:
    # Large enough for rounds, chains, and the closing of gaps.
    distances = made(kind, 100)
    rng = np.random.default_rng(3)
    cannot, must = rng.integers(-1, 30, size=100), np.full(100, -1)
    must[rng.permutation(100)[:30]] = np.repeat(np.arange(10), 3)
    must[cannot >= 0] = -1
    results = [
        from_condensed(
            distances, method, overwrite=False, n_threads=t, must_link_groups=must, cannot_link_groups=cannot
        )
        for t in (1, 2, 3)
    ]
    unions = oracle.greedy(full(distances), method, must=must, cannot=cannot)
    heights = sorted(height for height, _ in unions)
    z = results[0]
    np.testing.assert_allclose(z[z[:, 2] > 0, 2], [height for height in heights if height > 0], rtol=1e-9)
    for other in results[1:]:
        np.testing.assert_array_equal(other, z)


@pytest.mark.parametrize("method", MONOTONE)
def test_stop_leaves_out_what_is_at_or_above_it(method: str) -> None:
    for kind in ("normal", "clustered", "chain", "grid"):
        distances = made(kind, 130)
        z = pyface.linkage(distances, method)
        for stop in (0.0, *np.quantile(z[:, 2], [0.05, 0.5, 0.95]), z[-1, 2], np.inf):
            part = from_condensed(distances, method, overwrite=False, n_threads=2, stop=float(stop))
            np.testing.assert_allclose(part[:, 2], z[z[:, 2] < stop, 2], rtol=1e-13)
            if kind != "grid":
                np.testing.assert_array_equal(part[:, [0, 1, 3]], z[: len(part), [0, 1, 3]])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("method", METHODS)
def test_threads_do_not_matter(method: str, dtype: type) -> None:
    for kind in ("normal", "clustered", "grid"):
        distances = made(kind, 1100, dtype)
        z = pyface.linkage(distances, method, n_threads=1)
        for n_threads in (2, 3):
            np.testing.assert_array_equal(pyface.linkage(distances, method, n_threads=n_threads), z)


@pytest.mark.parametrize("method", METHODS)
def test_scale_does_not_matter(method: str) -> None:
    for dtype, exponents in ((np.float32, (-120, -90, 90, 120)), (np.float64, (-1000, -600, 600, 1015))):
        distances = made("clustered", 90, dtype)
        z = pyface.linkage(distances, method)
        for exponent in exponents:
            scaled = pyface.linkage(np.ldexp(distances, exponent), method)
            np.testing.assert_allclose(np.ldexp(scaled[:, 2], -exponent), z[:, 2], rtol=1e-6)
            np.testing.assert_array_equal(scaled[:, [0, 1, 3]], z[:, [0, 1, 3]])
    # Squares span more than float32 can hold, distances do not.
    wide = pdist(np.array([[0.0], [1e-12], [1.0], [1e12]])).astype(np.float32)
    theirs = hierarchy.linkage(wide.astype(float), method)
    np.testing.assert_allclose(pyface.linkage(wide, method), theirs, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, *TYPES])
@pytest.mark.parametrize("method", METHODS)
def test_is_written_into_only_if_overwrite(method: str, dtype: type) -> None:
    given_ = made("normal", 60).astype(dtype)
    z = pyface.linkage(given_.copy(), method)
    kept = given_.copy()
    np.testing.assert_array_equal(pyface.linkage(kept, method), z)
    kept.flags.writeable = False
    np.testing.assert_array_equal(pyface.linkage(kept, method, overwrite=True), z)
    strided = np.repeat(given_, 2)[::2]
    np.testing.assert_array_equal(pyface.linkage(strided, method, overwrite=True), z)
    np.testing.assert_array_equal(strided, given_)
    foreign = given_.astype(given_.dtype.newbyteorder())
    np.testing.assert_array_equal(pyface.linkage(foreign, method, overwrite=True), z)
    crooked = np.frombuffer(b"x" + given_.tobytes(), np.uint8)[1:].view(dtype)
    np.testing.assert_array_equal(pyface.linkage(crooked, method, overwrite=True), z)
    np.testing.assert_array_equal(kept, given_)
    scratch = given_.copy()
    np.testing.assert_array_equal(pyface.linkage(scratch, method, overwrite=True), z)
    # Single linkage has no need to write, and float16 is not worked on.
    assert (scratch == given_).all() == (method == "single" or dtype is np.float16)


def test_places_in_a_condensed_matrix() -> None:
    for n in (2, 3, 10, 57):
        found = [linkage_matrix.pair_of(index, n) for index in range(n * (n - 1) // 2)]
        assert found == [(i, j) for i in range(n) for j in range(i + 1, n)]
        assert linkage_matrix.n_rows(len(found)) == n
    n = 3_000_000_000
    assert linkage_matrix.pair_of(n * (n - 1) // 2 - 1, n) == (n - 2, n - 1)
    assert linkage_matrix.n_rows(n * (n - 1) // 2) == n


GROUPS = np.array([0, 0, -1])
PAIRS = np.array([[2, 0]])
SETS = (np.array([0, 1, 2, 2]), np.array([5, 5]))


@pytest.mark.parametrize(
    ("x", "method", "options", "error", "message"),
    [
        (np.ones((3, 3)), "single", {}, ValueError, r"X must have shape .*, got shape \(3, 3\).*square"),
        (np.ones(4), "single", {}, ValueError, "got 4; 3 rows have 3, 4 rows have 6"),
        (np.ones(2), "single", {}, ValueError, "got 2; 2 rows have 1, 3 rows have 3"),
        (np.array([1, 2, -3.0]), "ward", {}, ValueError, "X: distance 2 is -3.0, that of rows 1 and 2; all must be"),
        (np.array([1, np.nan, 1]), "single", {}, ValueError, "distance 1 is nan, that of rows 0 and 2"),
        (np.array([np.inf, 1, 1], np.float32), "average", {}, ValueError, "distance 0 is inf, that of rows 0 and 1"),
        (np.array([np.inf, 1, 1], np.float16), "median", {}, ValueError, "distance 0 is inf, that of rows 0 and 1"),
        (np.ones(3, int), "single", {}, TypeError, "X must be a NumPy array of float32, .* got an array of int64"),
        ([1.0, 2.0, 3.0], "single", {}, TypeError, "X must be a NumPy array of float32, float64 or float16, got list"),
        (np.ma.ones(3), "single", {}, TypeError, "X must not be masked"),
        (np.ones(3), "centroid", {"stop": 1.0}, ValueError, "method='centroid' takes neither groups, nor pairs, nor"),
        (np.ones(3), "centroid", {"cannot_link": PAIRS}, ValueError, "method='centroid' takes neither groups, nor pa"),
        (np.ones(3), "ward", {"cannot_link": [(0, 1)]}, TypeError, "cannot_link must .*integers, got list"),
        (
            np.ones(3),
            "ward",
            {"cannot_link": PAIRS + 1},
            ValueError,
            r"pair 0 is \(3, 1\); rows are numbered",
        ),
        (
            np.ones(3),
            "ward",
            {"cannot_link": PAIRS, "must_link_groups": np.array([7, 1, 7])},
            ValueError,
            "rows 0 and 2 share must_link_groups 7 and are a pair of cannot_link",
        ),
        (np.ones(3), "median", {"cannot_link_groups": GROUPS}, ValueError, "method='median' takes neither groups"),
        (np.ones(3), "ward", {"must_link_groups": GROUPS[:2]}, ValueError, r"must_link_groups must have shape \(3,\)"),
        (np.ones(3), "ward", {"must_link_groups": GROUPS - 1}, ValueError, "row 2 holds -2; groups are numbered"),
        (np.ones(3), "ward", {"cannot_link_groups": GROUPS / 2}, TypeError, "integers, got an array of float64"),
        (np.ones(3), "ward", {"cannot_link_groups": [0, 0, 1]}, TypeError, "integers, got list"),
        (
            np.ones(3),
            "ward",
            {"cannot_link_groups": GROUPS, "must_link_groups": GROUPS + 4},
            ValueError,
            "rows 0 and 1 share must_link_groups 4 and cannot_link_groups 0",
        ),
    ],
)
def test_refusals(x: NDArray, method: str, options: dict, error: type[Exception], message: str) -> None:
    before = np.array(x)
    with pytest.raises(error, match=message):
        from_condensed(x, method, overwrite=True, n_threads=1, **options)
    np.testing.assert_array_equal(x, before)


def test_the_second_gate() -> None:
    from pyface import _core

    good = {"n": 3, "method": "average", "stop": 1.0, "must_link": None, "cannot_link": None, "n_threads": 1}
    read_only = np.ones(3)
    read_only.flags.writeable = False
    for x, change, message in [
        (np.ones(3), {"n": 4}, r"n \(n - 1\) / 2"),
        (np.ones(0), {"n": 0}, r"n \(n - 1\) / 2"),
        (np.ones(3), {"method": "middle"}, "no linkage"),
        (np.ones(3), {"n_threads": 0}, "n_threads"),
        (np.ones(3), {"stop": np.nan}, "stop"),
        (np.ones(3), {"must_link": GROUPS[:2]}, "one entry per row"),
        (np.ones(3), {"must_link": GROUPS, "cannot_link": SETS}, "must be linked may not"),
        (np.ones(3), {"n": -1, "cannot_link": (SETS[0][:0], SETS[1])}, "a set for each row"),
        (np.ones(3), {"cannot_link": (SETS[0][:3], SETS[1])}, "a set for each row"),
        (np.ones(3), {"cannot_link": (SETS[0] + 1, SETS[1])}, "from 0 to the size"),
        (np.ones(3), {"cannot_link": (SETS[0], SETS[1][:1])}, "from 0 to the size"),
        (np.ones(3), {"cannot_link": (np.array([0, 2, 1, 2]), np.array([5, 6]))}, "not decrease"),
        (np.ones(3), {"cannot_link": (np.array([0, 9, 1, 2]), SETS[1])}, "not decrease"),
        (np.ones(3), {"cannot_link": (np.array([0, -9, 1, 2]), SETS[1])}, "not decrease"),
        (np.ones(3), {"cannot_link": (np.array([0, 2, 2, 2]), SETS[1])}, "must increase"),
        (np.ones(3), {"method": "median"}, "do not stop"),
        (-np.ones(3), {"method": "ward"}, "not be negative"),
        (np.full(3, np.inf), {}, "finite"),
        (np.full(3, -np.inf), {}, "finite"),
        (np.array([1, np.nan, 1]), {}, "finite"),
        (read_only, {}, "writable"),
    ]:
        with pytest.raises(ValueError, match=message):
            _core.linkage_from_condensed(x, **(good | change))
    for sets in (GROUPS, (GROUPS,), (SETS[0], SETS[1].astype(np.int32)), (SETS[0][::2], SETS[1])):
        with pytest.raises(TypeError):
            _core.linkage_from_condensed(np.ones(3), **(good | {"cannot_link": sets}))
    for wrong in (np.ones(3, int), np.ones(6)[::2], np.ones(3, ">f8"), [1.0, 1.0, 1.0]):
        with pytest.raises(TypeError):
            _core.linkage_from_condensed(wrong, **good)


def test_real_embeddings(lfw: tuple[NDArray, NDArray]) -> None:
    distances = pyface.cosine_condensed(lfw[0][:1500])
    for method in METHODS:
        z, theirs = pyface.linkage(distances, method), hierarchy.linkage(distances.astype(float), method)
        np.testing.assert_allclose(z[:, 2], theirs[:, 2], rtol=5e-6, atol=1e-7)
