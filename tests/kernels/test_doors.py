"""Both doors: what the public functions say about bad input, and that the raw bindings never read out of bounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from interrupts import NEEDS_SIGNALS, stops

import pyface
from pyface import _core
from pyface.cluster import DBSCAN

ONES = np.ones((3, 2), np.float32)


def read_only(*shape: int) -> np.ndarray:
    array = np.empty(shape, np.float32)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pyface.cosine_distances([[1.0]]), TypeError, "X must be a NumPy array of float32.*got list"),
        (lambda: pyface.cosine_distances(np.ones((2, 2), int)), TypeError, "got an array of int64"),
        (lambda: pyface.cosine_distances(np.ma.masked_array(ONES)), TypeError, "X must not be masked"),
        (lambda: pyface.nearest_neighbors(ONES, 10**30), ValueError, "k must be at most 3"),
        (lambda: pyface.cosine_distances(np.ones(3)), ValueError, r"X must have shape \(n, d\), got shape \(3,\)"),
        (lambda: pyface.cosine_distances(np.ones((3, 0))), ValueError, "at least one column"),
        (lambda: pyface.cosine_distances(np.zeros((2, 2))), ValueError, "X: row 0 is all zeros"),
        (lambda: pyface.cosine_distances(ONES, np.zeros((2, 2))), ValueError, "Y: row 0 is all zeros"),
        (lambda: pyface.cosine_distances(ONES, np.ones((2, 3))), ValueError, "Y must have 2 columns"),
        (lambda: pyface.euclidean_distances(np.full((2, 2), np.inf)), ValueError, "X: row 0 holds inf in column 0"),
        (lambda: pyface.cosine_distances(ONES, out=np.empty((3, 3))), TypeError, "out must have dtype float32"),
        (lambda: pyface.cosine_distances(ONES, out=np.empty((2, 3), np.float32)), ValueError, "out must have shape"),
        (lambda: pyface.cosine_distances(ONES, ONES[:2].copy(), out=ONES), ValueError, "out must not share memory"),
        (lambda: pyface.cosine_distances(ONES, out=[]), TypeError, "out must be a NumPy array, got list"),
        (
            lambda: pyface.cosine_distances(ONES, out=np.empty((3, 6), np.float32)[:, ::2]),
            ValueError,
            "out must be C-contiguous",
        ),
        (lambda: pyface.cosine_distances(ONES, out=read_only(3, 3)), ValueError, "out must be writable"),
        (lambda: pyface.cosine_condensed(ONES, out=np.empty(2, np.float32)), ValueError, "out must have shape"),
        (lambda: pyface.cosine_distances(ONES, n_threads=0), ValueError, "n_threads must be at least 1"),
        (lambda: pyface.neighbors_within(ONES, -1), ValueError, "radius must be at least 0"),
        (lambda: pyface.neighbors_within(ONES, np.nan), ValueError, "radius must be a number, got nan"),
        (lambda: pyface.neighbors_within(ONES, "1"), TypeError, "radius must be a number"),
        (lambda: pyface.neighbors_within(ONES, 1, metric="l1"), ValueError, "metric must be one of"),
        (lambda: pyface.nearest_neighbors(ONES, 4), ValueError, "k must be at most 3, the number of rows to choose"),
        (lambda: pyface.nearest_neighbors(ONES, 0), ValueError, "k must be at least 1"),
        (lambda: pyface.nearest_neighbors(ONES, 1.0), TypeError, "k must be an integer"),
        (lambda: pyface.nearest_neighbors(ONES, 1, ONES[:0]), ValueError, "k must be at most 0"),
    ],
)
def test_public_refusals(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_out_may_not_lie_on_the_input() -> None:
    x = np.ones((2, 2), np.float32)
    with pytest.raises(ValueError, match="out must not share memory"):
        pyface.cosine_distances(x, out=x)
    out = np.empty((2, 2), np.float32)
    assert pyface.cosine_distances(x, out=out) is out


def test_empty_and_tiny_inputs() -> None:
    none, one = np.empty((0, 4), np.float32), np.ones((1, 4), np.float32)
    assert pyface.cosine_distances(none).shape == (0, 0)
    assert pyface.cosine_distances(none, one).shape == (0, 1)
    assert pyface.cosine_distances(one, none).shape == (1, 0)
    assert pyface.cosine_distances(one).tolist() == [[0]]
    assert pyface.cosine_condensed(none).shape == pyface.cosine_condensed(one).shape == (0,)
    assert pyface.neighbors_within(none, 1).shape == (0, 0)
    assert pyface.neighbors_within(one, 0).toarray().tolist() == [[0]]
    assert pyface.neighbors_within(one, 2, none).shape == (1, 0)
    assert pyface.nearest_neighbors(none, 3)[1].shape == (0, 3)
    assert pyface.nearest_neighbors(one, 1)[1].tolist() == [[0]]
    assert pyface.nearest_neighbors(none, 1, one)[0].shape == (0, 1)


def test_dtypes_are_mixed_without_loss() -> None:
    x = np.random.default_rng(0).normal(size=(4, 5))
    exact = pyface.cosine_distances(x, x.astype(np.float32).astype(float))
    np.testing.assert_array_equal(pyface.cosine_distances(x, x.astype(np.float32)), exact)
    half = x.astype(np.float16)
    np.testing.assert_array_equal(pyface.cosine_distances(half), pyface.cosine_distances(half.astype(np.float32)))
    np.testing.assert_array_equal(pyface.cosine_distances(x.astype(">f8")), pyface.cosine_distances(x))


def unaligned(array: np.ndarray) -> np.ndarray:
    """A copy that starts one byte after a multiple of its items' size, as a view into a file may."""
    store = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    store[...] = array
    assert not store.flags.aligned and store.flags.c_contiguous
    return store


def test_views_that_are_not_aligned() -> None:
    for dtype in (np.float32, np.float64):
        x = np.random.default_rng(1).normal(size=(70, 9)).astype(dtype)
        np.testing.assert_array_equal(pyface.cosine_distances(unaligned(x)), pyface.cosine_distances(x))
        np.testing.assert_array_equal(pyface.linkage(unaligned(x)), pyface.linkage(x))
        np.testing.assert_array_equal(DBSCAN(2.0).fit_predict(unaligned(x)), DBSCAN(2.0).fit_predict(x))
        with pytest.raises(ValueError, match="aligned"):
            _core.nearest(unaligned(x), None, np.empty((70, 1), np.float32), np.empty((70, 1), int), **OPTIONS)
        with pytest.raises(ValueError, match="aligned"):
            _core.distances_condensed(x, unaligned(np.empty(70 * 69 // 2, np.float32)), **OPTIONS)
    with pytest.raises(ValueError, match="out must be aligned"):
        pyface.cosine_distances(ONES, out=unaligned(np.empty((3, 3), np.float32)))
    boxes = np.array([[0.0, 0, 2, 2], [0, 1, 2, 3]])
    assert pyface.nms(unaligned(boxes), unaligned(np.array([0.5, 0.9])), 0.3).tolist() == [1]


def test_more_threads_than_any_machine_has() -> None:
    x = np.random.default_rng(2).normal(size=(300, 4))
    np.testing.assert_array_equal(pyface.cosine_distances(x, n_threads=10**12), pyface.cosine_distances(x))


OPTIONS = {"metric": "cosine", "n_threads": 1}
WARD = {"method": "ward", "metric": "euclidean"}
LINK = {
    "cannot_link": None,
    "must_link": None,
    "height_limit": np.inf,
    "method": "average",
    "metric": "cosine",
    "n_threads": 1,
}


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: _core.distances_dense(ONES, None, np.empty((3, 2), np.float32), **OPTIONS), ValueError),
        (lambda: _core.distances_dense(ONES, ONES[:, :1].copy(), np.empty((3, 3), np.float32), **OPTIONS), ValueError),
        (lambda: _core.distances_dense(ONES[0], None, np.empty((3, 3), np.float32), **OPTIONS), ValueError),
        (lambda: _core.peak_rates(0.0, 1), ValueError),
        (lambda: _core.peak_rates(float("nan"), 1), ValueError),
        (lambda: _core.peak_rates(0.1, 0), ValueError),
        (lambda: _core.repeat_tile(ONES, ONES, 0, 1, np.empty((3, 3), np.float32)), ValueError),
        (lambda: _core.repeat_tile(ONES, ONES, 1, 0, np.empty((3, 3), np.float32)), ValueError),
        (lambda: _core.repeat_tile(ONES, ONES[:, :1].copy(), 1, 1, np.empty((3, 3), np.float32)), ValueError),
        (lambda: _core.repeat_tile(ONES, ONES, 1, 1, np.empty((3, 2), np.float32)), ValueError),
        (lambda: _core.repeat_tile(ONES, ONES.astype(float), 1, 1, np.empty((3, 3), np.float32)), TypeError),
        (lambda: _core.distances_dense(ONES.T, None, np.empty((2, 2), np.float32), **OPTIONS), TypeError),
        (lambda: _core.distances_dense(ONES, np.ones((3, 2)), np.empty((3, 3), np.float32), **OPTIONS), TypeError),
        (lambda: _core.distances_dense(ONES.astype(int), None, np.empty((3, 3), np.float32), **OPTIONS), TypeError),
        (lambda: _core.distances_dense(ONES, None, np.empty((3, 3), np.float16), **OPTIONS), TypeError),
        (lambda: _core.distances_dense(ONES, None, np.empty((3, 3), np.float32), metric="?", n_threads=1), ValueError),
        (
            lambda: _core.distances_dense(ONES, None, np.empty((3, 3), np.float32), metric="cosine", n_threads=0),
            ValueError,
        ),
        (lambda: _core.distances_condensed(ONES, np.empty(2, np.float32), **OPTIONS), ValueError),
        (lambda: _core.distances_condensed(ONES, np.empty((3, 1), np.float32), **OPTIONS), ValueError),
        (lambda: _core.within_radius(ONES, ONES[:, :1].copy(), radius=1.0, **OPTIONS), ValueError),
        (lambda: _core.nearest(ONES, None, np.empty((3, 4), np.float32), np.empty((3, 4), int), **OPTIONS), ValueError),
        (lambda: _core.nearest(ONES, None, np.empty((3, 0), np.float32), np.empty((3, 0), int), **OPTIONS), ValueError),
        (lambda: _core.nearest(ONES, None, np.empty((3, 2), np.float32), np.empty((3, 1), int), **OPTIONS), ValueError),
        (lambda: _core.nearest(ONES, None, np.empty((2, 2), np.float32), np.empty((2, 2), int), **OPTIONS), ValueError),
        (lambda: _core.joints_from_vectors(ONES[:0], **LINK), ValueError),
        (lambda: _core.joints_from_vectors(ONES[0], **LINK), ValueError),
        (lambda: _core.joints_from_vectors(np.zeros((3, 2)), **LINK), ValueError),
        (lambda: _core.joints_from_vectors(np.full((3, 2), np.nan), **LINK), ValueError),
        (lambda: _core.joints_from_vectors(ONES, **(LINK | {"method": "single"})), ValueError),
        (lambda: _core.joints_from_vectors(ONES, **LINK, origin=np.ones(2)), ValueError),  # by cosine
        (lambda: _core.joints_from_vectors(ONES, **(LINK | WARD), origin=np.ones(3)), ValueError),
        (lambda: _core.joints_from_vectors(ONES, **(LINK | WARD), origin=np.ones((1, 2))), ValueError),
        (lambda: _core.joints_from_vectors(ONES, **(LINK | WARD), origin=np.ones(2, np.float32)), TypeError),
        (lambda: _core.fingerprint(ONES[0], n_threads=1), ValueError),
        (lambda: _core.fingerprint(ONES, n_threads=0), ValueError),
        (lambda: _core.fingerprint(ONES.T, n_threads=1), TypeError),
        (lambda: _core.cut_by_count(np.empty((0, 4)), n_merges=1), ValueError),
        (lambda: _core.cut_by_count(np.empty((0, 4)), n_merges=-1), ValueError),
        (lambda: _core.cut_by_count(np.empty((1, 3)), n_merges=0), ValueError),
        (lambda: _core.cut_by_height(np.empty(4), height=1.0), ValueError),
    ],
)
def test_raw_bindings_refuse(call: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


def test_raw_bindings_survive_values_that_the_front_door_refuses() -> None:
    x = np.array([[np.nan, 1], [0, 0], [np.inf, 1], [1, 2]], np.float32)
    for metric in ("cosine", "euclidean"):
        for n_threads in (1, 2):
            options = {"metric": metric, "n_threads": n_threads}
            _core.distances_dense(x, None, np.empty((4, 4), np.float32), **options)
            _core.within_radius(x, None, radius=np.nan, **options)
            _core.nearest(x, x, np.empty((4, 3), np.float32), np.empty((4, 3), int), **options)
    for columns in (np.empty((3, 0)), np.empty((0, 0))):
        _core.distances_dense(columns, None, np.empty((len(columns),) * 2), **OPTIONS)
        _core.within_radius(columns, None, radius=1.0, **OPTIONS)


LONG_KERNELS = {
    "dense": "pyface.cosine_distances(x, out=np.empty((n, n), np.float32), n_threads={t})",
    "radius": "pyface.neighbors_within(x, 1e-9, n_threads={t})",
    "edges": "density.dbscan(x, 1e-9, 2, metric='cosine', weights=None, n_threads={t})",
    "nearest": "pyface.nearest_neighbors(x, 5, n_threads={t})",
    "linkage": "pyface.linkage(x, n_threads={t})",
    "k-means++": "KMeansData(x, n_threads={t}).plus_plus(0, np.random.rand(19999, 11))",
    "lloyd": "KMeansData(x, n_threads={t}).lloyd(x[::2], max_iter=99, tolerance=0)",
}


@NEEDS_SIGNALS
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("kernel", LONG_KERNELS)
def test_ctrl_c_stops_a_long_kernel(kernel: str, n_threads: int) -> None:
    n, d = (12_000, 4096) if kernel == "dense" else (80_000, 512)
    setup = (
        "import numpy as np, pyface, scipy.sparse\n"
        "from pyface.kernels import density\n"
        "from pyface.kernels.kmeans import KMeansData\n"
        f"n = {n}\n"
        f"x = np.random.default_rng(0).random((n, {d}), dtype=np.float32)\n"
    )
    assert stops(setup, LONG_KERNELS[kernel].format(t=n_threads)) == "stopped"


@NEEDS_SIGNALS
def test_a_kernel_that_looks_for_no_signal_is_noticed() -> None:
    assert stops("import hashlib", "hashlib.pbkdf2_hmac('sha256', b'', b'', 2_000_000)") == "went on to its end"
