"""KMeans obeys scikit-learn's rules and gives its results."""

from __future__ import annotations

import inspect
import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.cluster
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import kmeans as oracle
from oracles.linkage import partition
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from pyface.cluster import KMeans

DRAWS = {"check_sample_weight_equivalence_on_dense_data": "repeated rows are other draws than weights, as there"}
ZEROS = {"check_estimators_dtypes": "its rows of zeros have no direction"}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # 8 clusters of four distinct rows
@parametrize_with_checks(
    [KMeans(), KMeans(spherical=True, n_init=2)],
    expected_failed_checks=lambda estimator: DRAWS | ZEROS if estimator.spherical else DRAWS,
)
def test_check_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def test_scikit_learns_own_class_fails_the_check_that_may_fail() -> None:
    checks = {check.func.__name__: check for _, check in estimator_checks_generator(sklearn.cluster.KMeans())}
    for name in DRAWS:
        with pytest.raises(AssertionError):
            checks[name](sklearn.cluster.KMeans())


def test_the_signature_is_scikit_learns() -> None:
    def parameters(function: Any) -> list[tuple[str, Any, Any]]:
        return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]

    assert parameters(KMeans)[:-1] == parameters(sklearn.cluster.KMeans)
    assert parameters(KMeans)[-1] == ("spherical", inspect.Parameter.KEYWORD_ONLY, False)
    for name in ("fit", "fit_predict", "predict", "transform", "fit_transform", "score", "get_feature_names_out"):
        assert parameters(getattr(KMeans, name)) == parameters(getattr(sklearn.cluster.KMeans, name)), name


def blobs(seed: int, n: int = 300, d: int = 6, k: int = 12, dtype: type = np.float64) -> NDArray:
    rng = np.random.default_rng(seed)
    return (5 + rng.normal(size=(k, d))[rng.integers(0, k, n)] + 0.4 * rng.normal(size=(n, d))).astype(dtype)


def assert_same(ours: KMeans, theirs: Any, x: NDArray) -> None:
    assert ours.labels_.dtype == np.int32
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    single = x.dtype == np.float32
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, atol=1e-5 if single else 1e-12)
    assert ours.cluster_centers_.dtype == theirs.cluster_centers_.dtype
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-5 if single else 1e-12)
    assert (ours.n_iter_, ours.n_features_in_) == (theirs.n_iter_, theirs.n_features_in_)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32 - 1),
    d=st.sampled_from([2, 6, 40]),
    n_clusters=st.integers(1, 40),
    init=st.sampled_from(["k-means++", "random"]),
    n_init=st.sampled_from(["auto", 1, 3]),
    max_iter=st.sampled_from([1, 3, 300]),
    tol=st.sampled_from([0.0, 1e-4, 0.1]),
    weighted=st.booleans(),
)
def test_the_same_seed_gives_scikit_learns_result(seed: int, d: int, weighted: bool, **options: Any) -> None:
    x = blobs(seed, d=d)
    weights = np.random.default_rng(seed).integers(0, 3, len(x)) if weighted else None
    if weights is not None and options["init"] == "random":
        weights += 1  # as many rows are drawn as have a weight
    fitted, told = [], []
    for cls in (KMeans, sklearn.cluster.KMeans):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fitted.append(cls(random_state=seed, **options).fit(x, sample_weight=weights))
        told.append([str(warning.message) for warning in caught])
    assert_same(*fitted, x)
    assert told[0] == told[1]


@pytest.mark.parametrize("seed", range(5))
def test_float32_with_the_same_seed(seed: int) -> None:
    x = blobs(seed, d=20, dtype=np.float32)
    options = {"n_clusters": 12, "random_state": seed}
    assert_same(KMeans(**options).fit(x), sklearn.cluster.KMeans(**options).fit(x), x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_given_centers(dtype: type) -> None:
    x = blobs(1, dtype=dtype)
    for start in (x[:12], x[:12].tolist()):
        ours = KMeans(12, init=start, tol=0).fit(x)
        assert_same(ours, sklearn.cluster.KMeans(12, init=start, tol=0).fit(x), x)
    far = x[:12] + np.arange(12)[:, None].astype(dtype)  # most of these lose all their rows
    ours = KMeans(12, init=far, tol=0).fit(x)
    theirs = sklearn.cluster.KMeans(12, init=far, tol=0).fit(x)
    # Which of several empty clusters gets which row is up to NumPy's partition there; here the farthest comes first.
    assert partition(ours.labels_) == partition(theirs.labels_)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-5)


def test_a_callable_gets_what_scikit_learns_gets() -> None:
    x = blobs(2)
    seen = []

    def init(rows: NDArray, n_clusters: int, random_state: np.random.RandomState) -> NDArray:
        seen.append(rows.copy())
        return rows[random_state.permutation(len(rows))[:n_clusters]].astype(np.float32)

    options = {"n_clusters": 7, "init": init, "random_state": 3}
    assert_same(KMeans(**options).fit(x), sklearn.cluster.KMeans(**options).fit(x), x)
    assert len(seen) == 20
    np.testing.assert_array_equal(seen[0], seen[-1])


def test_predict_transform_score() -> None:
    for dtype in (np.float32, np.float64):
        x, new = blobs(3, dtype=dtype), blobs(3, n=50, dtype=dtype)
        weights = np.random.default_rng(0).random(50).astype(dtype)
        ours = KMeans(9, random_state=0).fit(x)
        theirs = sklearn.cluster.KMeans(9, random_state=0).fit(x)
        np.testing.assert_array_equal(ours.predict(x), ours.labels_)
        np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))
        np.testing.assert_allclose(ours.transform(new), theirs.transform(new), rtol=1e-5)
        assert ours.transform(new).dtype == dtype
        np.testing.assert_allclose(KMeans(9, random_state=0).fit_transform(x), ours.transform(x))
        for w in (None, weights):
            assert ours.score(new, sample_weight=w) == pytest.approx(theirs.score(new, sample_weight=w), rel=1e-5)
        np.testing.assert_array_equal(ours.predict(new.astype(np.float64)), ours.predict(new))
        np.testing.assert_array_equal(ours.fit_predict(x), ours.labels_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_real_embeddings(dtype: type, lfw: tuple[NDArray, NDArray]) -> None:
    x = lfw[0].astype(dtype)
    start = x[np.random.default_rng(0).choice(len(x), 300, replace=False)]
    for options in ({"init": start, "max_iter": 20}, {"random_state": 1}):
        ours = KMeans(300, **options).fit(x)
        theirs = sklearn.cluster.KMeans(300, **options).fit(x)
        # float32 decides some draws of k-means++ there.
        if dtype is np.float64 or "init" in options:
            assert (ours.labels_ == theirs.labels_).mean() > 0.999
            assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-6)
        else:
            assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=0.01)


@pytest.mark.parametrize("n_threads", ["1", "3"])
def test_spherical_is_lloyd_on_directions(n_threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYFACE_NUM_THREADS", n_threads)
    x = blobs(4) - 5
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    weights = np.random.default_rng(1).random(len(x))
    start = x[:12]
    fitted = KMeans(12, init=start, spherical=True, tol=0).fit(x * 7, sample_weight=weights)
    labels, centers, inertia, n_iter = oracle.lloyd(
        unit, start / np.linalg.norm(start, axis=1, keepdims=True), weights, 300, 0.0, True
    )
    np.testing.assert_array_equal(fitted.labels_, labels)
    np.testing.assert_allclose(fitted.cluster_centers_, centers, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(fitted.cluster_centers_, axis=1), 1)
    assert (fitted.inertia_, fitted.n_iter_) == (pytest.approx(inertia), n_iter)
    cosines = unit @ fitted.cluster_centers_.T
    np.testing.assert_array_equal(fitted.predict(x), cosines.argmax(axis=1))
    assert (weights * cosines.max(axis=1)).sum() == pytest.approx(weights.sum() - fitted.inertia_ / 2)
    np.testing.assert_allclose(fitted.transform(x) ** 2, 2 - 2 * cosines, atol=1e-12)
    assert fitted.score(x / 3, sample_weight=weights) == pytest.approx(-fitted.inertia_)
    for init in ("k-means++", "random", lambda rows, k, random_state: rows[:k]):
        result = KMeans(5, init=init, spherical=True, random_state=0, n_init=2).fit(x.astype(np.float32))
        assert result.cluster_centers_.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(result.cluster_centers_, axis=1), 1, rtol=1e-6)
    with pytest.raises(ValueError, match=r"X: row 1 is all zeros and has no direction.*spherical=False"):
        KMeans(1, spherical=True).fit([[1.0, 2], [0, 0]])
    with pytest.raises(ValueError, match="init: row 0 is all zeros"):
        KMeans(1, spherical=True, init=np.zeros((1, 6))).fit(x)


def test_more_clusters_than_distinct_rows() -> None:
    x = np.repeat(np.array([[0.1, 0.2], [0.7, 0.3], [5.3, 0.9]]), 5, axis=0)
    for init in ("k-means++", "random", x[:6]):
        with pytest.warns(ConvergenceWarning, match=r"distinct clusters \(3\) found smaller than n_clusters \(6\)"):
            fitted = KMeans(6, init=init, random_state=0).fit(x)
        with pytest.warns(ConvergenceWarning):
            theirs = sklearn.cluster.KMeans(6, init=init, random_state=0).fit(x)
        assert partition(fitted.labels_) == partition(theirs.labels_)
        # Sums of equal rows may be off by a rounding of the mean that is taken off first.
        assert fitted.inertia_ == pytest.approx(0, abs=1e-25)


def test_one_row_and_one_column() -> None:
    fitted = KMeans(1).fit([[3.0]])
    assert fitted.cluster_centers_.tolist() == [[3]] and fitted.inertia_ == 0 and fitted.labels_.tolist() == [0]
    x = np.arange(10.0)[:, None]
    assert_same(KMeans(3, random_state=0).fit(x), sklearn.cluster.KMeans(3, random_state=0).fit(x), x)
    assert KMeans(10, random_state=0).fit(x).inertia_ == 0


def test_copy_x() -> None:
    for order in ("C", "F"):
        x = np.array(blobs(5), order=order)
        before = x.copy()
        want = KMeans(6, random_state=0).fit(x).labels_
        np.testing.assert_array_equal(x, before)
        np.testing.assert_array_equal(KMeans(6, random_state=0, copy_x=False).fit(x).labels_, want)
        np.testing.assert_allclose(x, before, rtol=1e-14)
    x = before.copy()

    def fails(*_: Any, **__: Any) -> None:
        x_now = x.copy()
        assert abs(x_now.mean()) < 1e-12, "X was not centred in place"
        raise RuntimeError("no centres")

    with pytest.raises(RuntimeError, match="no centres"):
        KMeans(6, init=fails, copy_x=False).fit(x)
    np.testing.assert_allclose(x, before, rtol=1e-14)
    x.flags.writeable = False
    np.testing.assert_array_equal(KMeans(6, random_state=0, copy_x=False).fit(x).labels_, want)


def test_clone_pickle_pandas_and_set_output() -> None:
    frame = pd.DataFrame(blobs(6, d=3), columns=["a", "b", "c"])
    estimator = KMeans(4, random_state=0, init=frame.to_numpy()[:4])
    fitted = clone(estimator).fit(frame)
    assert fitted.feature_names_in_.tolist() == ["a", "b", "c"]
    assert fitted.get_feature_names_out().tolist() == ["kmeans0", "kmeans1", "kmeans2", "kmeans3"]
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(frame), fitted.labels_)
    for method in ("fit_transform", "transform"):
        table = getattr(fitted.set_output(transform="pandas"), method)(frame)
        assert table.columns.tolist() == fitted.get_feature_names_out().tolist()
        np.testing.assert_array_equal(table.to_numpy().argmin(axis=1), fitted.labels_)
    np.testing.assert_array_equal(KMeans(4, random_state=0).fit(frame.round().astype(int)).labels_.shape, (300,))


def test_pipeline_and_grid_search() -> None:
    x = blobs(7, k=4)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), KMeans(random_state=0)), {"kmeans__n_clusters": [2, 4, 5]}, cv=3
    ).fit(x)
    theirs = GridSearchCV(
        make_pipeline(StandardScaler(), sklearn.cluster.KMeans(random_state=0)), {"kmeans__n_clusters": [2, 4, 5]}, cv=3
    ).fit(x)
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])
    assert search.predict(x).shape == (300,)


X = np.arange(12.0).reshape(6, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": 0}, "n_clusters must be at least 1"),
        ({"n_clusters": 7}, r"n_samples=6 should be >= n_clusters=7"),
        ({"n_init": 0}, "n_init must be at least 1"),
        ({"n_init": "many"}, "n_init must be one of 'auto'"),
        ({"max_iter": 0}, "max_iter must be at least 1"),
        ({"tol": -1}, "tol must be at least 0"),
        ({"tol": np.nan}, "tol must be a number, got nan"),
        ({"init": "kmeans++"}, "init must be one of 'k-means\\+\\+', 'random'"),
        ({"init": np.ones((3, 2))}, r"initial centers \(3, 2\) does not match the number of clusters 2"),
        ({"init": np.ones((2, 3))}, r"initial centers \(2, 3\) does not match .* features of the data 2"),
        ({"init": lambda rows, k, random_state: rows[:1]}, r"initial centers \(1, 2\) does not match"),
        ({"init": [[np.nan, 1], [1, 1]]}, "init contains NaN"),
        ({"init": [[1e300, 1], [1, 1]]}, r"init holds 1e\+300; entries of float64 must not exceed 1e\+100"),
        ({"algorithm": "full"}, "algorithm must be one of 'lloyd', 'elkan'"),
        ({"random_state": "x"}, "'x' cannot be used to seed"),
    ],
)
def test_refused_parameters(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KMeans(**{"n_clusters": 2, "n_init": 1} | options).fit(X)


def test_refused_types_and_data() -> None:
    for options in ({"n_clusters": 2.0}, {"tol": "1"}, {"copy_x": 1}, {"spherical": "yes"}, {"max_iter": None}):
        with pytest.raises(TypeError, match=f"{next(iter(options))} must be"):
            KMeans(**options).fit(X)
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        KMeans(2).fit(sparse.csr_array(X))
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            KMeans(2).fit(np.where(X == 3, bad, X))
    for scale, dtype, message in (
        (1e200, np.float64, "scale the data"),
        (1e-200, np.float64, "squares vanish; scale the data"),
        (1e36, np.float32, "entries of float32 must not exceed"),
        (1e-40, np.float32, "entries of float32 are below"),
    ):
        with pytest.raises(ValueError, match=message):
            KMeans(2).fit((X * scale).astype(dtype))
    with pytest.raises(ValueError, match="must not exceed"):
        KMeans(2).fit(X).predict(X * 1e200)
    with pytest.raises(ValueError, match="Negative values"):
        KMeans(2).fit(X, sample_weight=[1, 1, -1, 1, 1, 1])
    with pytest.raises(ValueError, match="expecting 2 features"):
        KMeans(2).fit(X).predict(X[:, :1])


def test_an_array_is_run_from_once() -> None:
    with pytest.warns(RuntimeWarning, match="performing only one init in KMeans instead of n_init=3"):
        fitted = KMeans(2, init=X[:2], n_init=3).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert KMeans(2, init=X[:2]).fit(X).inertia_ == fitted.inertia_


def test_the_range_of_float32() -> None:
    x = blobs(8).astype(np.float32)
    want = KMeans(5, random_state=0).fit(x).labels_
    for exponent in (-40, 40):
        scaled = KMeans(5, random_state=0).fit(x * np.float32(2.0**exponent))
        np.testing.assert_array_equal(scaled.labels_, want)
