"""``children_`` and ``distances_`` are the whole tree, as in scikit-learn, whatever the fit computed."""

from __future__ import annotations

import inspect
import pickle
from copy import deepcopy
from typing import Any
from unittest import mock

import numpy as np
import pytest
import sklearn.cluster
from agglomerative_rows import CASES, PAIRWISE, clear_threshold, faces
from numpy.typing import NDArray
from oracles import agglomerative as oracle
from scipy.cluster import hierarchy
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from pyface import _core, _memory
from pyface.cluster import AgglomerativeClustering

EACH_CASE = pytest.mark.parametrize(("method", "metric"), CASES)
SKLEARN_CASES = [case for case in CASES if case[0] != "weighted"]
X = faces(120, 5, np.random.default_rng(50))[0]


def below(threshold: float, method: str = "ward", metric: str = "euclidean", **options: Any) -> AgglomerativeClustering:
    return AgglomerativeClustering(None, distance_threshold=threshold, linkage=method, metric=metric, **options)


def is_computed(fitted: AgglomerativeClustering) -> bool:
    return "children_" in vars(fitted)


@pytest.mark.parametrize(("method", "metric"), SKLEARN_CASES)
@pytest.mark.parametrize("quantile", [0.0, 0.5, 1.0])
def test_an_import_swap_gives_the_same_tree(method: str, metric: str, quantile: float) -> None:
    heights = np.array(oracle.greedy(oracle.distances(X, metric, method), method).heights)
    threshold = {0.0: 0.0, 0.5: clear_threshold(heights, 0.5), 1.0: 2 * heights[-1]}[quantile]
    theirs = sklearn.cluster.AgglomerativeClustering(
        n_clusters=None, distance_threshold=threshold, linkage=method, metric=metric
    ).fit(X)
    ours = below(threshold, method, metric).fit(X)
    assert ours.children_.shape == theirs.children_.shape == (119, 2) and ours.children_.dtype == np.int64
    # scikit-learn's single linkage has the two of a row in any order.
    np.testing.assert_array_equal(ours.children_, np.sort(theirs.children_))
    np.testing.assert_allclose(ours.distances_, theirs.distances_, rtol=1e-12, atol=1e-15)
    for name in ("n_leaves_", "n_connected_components_", "n_clusters_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    oracle.assert_same_partition(ours.labels_, theirs.labels_)


def test_a_dendrogram_as_scikit_learn_draws_it() -> None:
    """From ``children_``, ``distances_``, and the counts that they give."""
    model = below(0).fit(X)
    counts = np.zeros(len(model.children_))
    for i, merge in enumerate(model.children_):
        counts[i] = sum(1 if child < 120 else counts[child - 120] for child in merge)
    z = np.column_stack([model.children_, model.distances_, counts])
    assert hierarchy.is_valid_linkage(z)
    np.testing.assert_allclose(z, hierarchy.ward(X), rtol=1e-12)
    drawn, want = (hierarchy.dendrogram(tree, no_plot=True)["leaves"] for tree in (z, hierarchy.ward(X)))
    assert drawn == want


@EACH_CASE
def test_the_tree_is_computed_when_it_is_asked_for(method: str, metric: str) -> None:
    fitted = below(0.0, method, metric).fit(X)
    assert not is_computed(fitted) and fitted.merges_.shape == (0, 4)
    assert fitted.distances_.shape == (119,) and is_computed(fitted)
    assert fitted.children_ is fitted.children_
    with mock.patch.object(_core, "tree_of_joints", side_effect=AssertionError):
        assert fitted.distances_.shape == (119,)
    np.testing.assert_array_equal(fitted.children_, below(0.0, method, metric, compute_full_tree=True).fit(X).children_)


@EACH_CASE
def test_it_goes_on_from_the_merges_below(method: str, metric: str) -> None:
    heights = np.array(oracle.greedy(oracle.distances(X, metric, method), method).heights)
    fitted = below(clear_threshold(heights, 0.6), method, metric).fit(X)
    n = len(fitted.merges_)
    assert 0 < n < 119
    np.testing.assert_array_equal(fitted.merges_[:, :2], fitted.children_[:n])
    np.testing.assert_array_equal(fitted.merges_[:, 2], fitted.distances_[:n])
    distances = oracle.distances(X, metric, method)
    oracle.assert_is_agglomerative(fitted, distances, method, threshold=fitted.distance_threshold, whole=True)


def test_parameters_set_later_change_nothing() -> None:
    fitted, want = (below(0.0, "average", "cosine").fit(X) for _ in range(2))
    fitted.set_params(linkage="single", metric="euclidean", distance_threshold=None, n_clusters=3)
    np.testing.assert_array_equal(fitted.children_, want.children_)
    np.testing.assert_array_equal(fitted.distances_, want.distances_)


@pytest.mark.parametrize("method", ["ward", "average", "complete", "single"])
@pytest.mark.parametrize("kind", ["list", "integers", "fortran", "float32", "unaligned", "read-only"])
def test_rows_of_any_kind(method: str, kind: str) -> None:
    x = np.random.default_rng(51).integers(-50, 50, (40, 3))
    given: Any = x.astype(float)
    if kind == "list":
        given = x.tolist()
    elif kind == "integers":
        given = x
    elif kind == "fortran":
        given = np.asfortranarray(given)
    elif kind == "float32":
        given = given.astype(np.float32)
    elif kind == "unaligned":
        given = np.frombuffer(b"?" + given.tobytes(), np.uint8)[1:].view(np.float64).reshape(40, 3)
        assert not given.flags.aligned
    else:
        given.flags.writeable = False
    threshold = 20.0
    ours = below(threshold, method).fit(given)
    theirs = sklearn.cluster.AgglomerativeClustering(n_clusters=None, distance_threshold=threshold, linkage=method).fit(
        x
    )
    oracle.assert_same_partition(ours.labels_, theirs.labels_)
    np.testing.assert_allclose(ours.distances_, theirs.distances_, rtol=1e-12)


def test_rows_that_have_been_written_to_are_noticed() -> None:
    """Down to the last bit of one entry, and where the sum of all stays the same."""

    def last_bit(x: NDArray) -> None:
        x[77, 3] = np.nextafter(x[77, 3], 9)

    def swap(x: NDArray) -> None:
        x[[4, 5]] = x[[5, 4]]

    def mirror(x: NDArray) -> None:
        x *= -1

    for dtype in (np.float64, np.float32):
        for method in ("ward", "average"):
            for write in (last_bit, swap, mirror):
                x = X.astype(dtype)
                fitted = below(0.0, method).fit(x)
                write(x)
                for name in ("children_", "distances_"):
                    with pytest.raises(NotFittedError, match=f"{name} is the whole tree.*written to.*fit again"):
                        getattr(fitted, name)
                assert not hasattr(fitted, "children_") and fitted.labels_.shape == (120,)
                x[:] = X  # they are what they were
                assert fitted.children_.shape == (119, 2)


def test_what_a_private_copy_was_made_of_may_change() -> None:
    x = np.asfortranarray(X)
    fitted = below(0.0).fit(x)
    want = below(0.0).fit(X).children_
    x[:] = 0
    np.testing.assert_array_equal(fitted.children_, want)


def test_pickles_hold_no_rows() -> None:
    x = np.random.default_rng(52).normal(size=(50, 400))
    fitted = below(0.0).fit(x)
    bytes_ = pickle.dumps(fitted)
    assert len(bytes_) < x.nbytes / 10
    for other in (pickle.loads(bytes_), deepcopy(fitted)):
        assert other.labels_.tolist() == fitted.labels_.tolist() and other.merges_.shape == (0, 4)
        with pytest.raises(NotFittedError, match=r"children_ is the whole tree.*pickle.*fit again"):
            other.children_  # noqa: B018
        assert other.fit(x).children_.shape == (49, 2)
    want = fitted.children_
    for other in (pickle.loads(pickle.dumps(fitted)), deepcopy(fitted)):
        np.testing.assert_array_equal(other.children_, want)
        np.testing.assert_array_equal(other.distances_, fitted.distances_)


def test_what_can_add_has_its_rows_in_the_pickle() -> None:
    fitted = below(0.0, "average", "cosine").fit(X)
    other = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(other.children_, fitted.children_)


@pytest.mark.parametrize("method", PAIRWISE)
def test_the_tree_after_add_is_that_of_all_rows(method: str) -> None:
    model = below(0.5, method, "cosine").fit(X[:70])
    assert model.children_.shape == (69, 2)
    model.add(X[70:80]).add(X[80:])
    assert is_computed(model) == (model.n_clusters_ == 1)
    want = below(0.5, method, "cosine").fit(X)
    np.testing.assert_array_equal(model.children_, want.children_)
    np.testing.assert_array_equal(model.distances_, want.distances_)


@pytest.mark.parametrize("method", PAIRWISE)
@pytest.mark.parametrize("n_new", [1, 30])
def test_add_notices_old_rows_that_have_changed(method: str, n_new: int) -> None:
    """Many new rows are put together with old ones, and would pass for what was given; few are compared with them."""
    x = X.copy()
    model = below(0.5, method, "cosine").fit(x[:60])
    x[3] += 1
    with pytest.raises(ValueError, match="written to since they were fitted"):
        model.add(x[60 : 60 + n_new])
    assert model.n_leaves_ == 60


def test_with_groups_they_are_the_merges_made() -> None:
    for method, metric in CASES:
        for name in ("cannot_link_groups", "must_link_groups"):
            fitted = below(0.7, method, metric).fit(X, **{name: np.arange(120) // 2})
            np.testing.assert_array_equal(fitted.children_, fitted.merges_[:, :2])
            np.testing.assert_array_equal(fitted.distances_, fitted.merges_[:, 2])
    fitted = AgglomerativeClustering(80, linkage="average").fit(X, cannot_link_groups=np.arange(120) % 60)
    assert len(fitted.merges_) == 40 < len(fitted.children_) <= 118


@pytest.mark.parametrize("method", ["average", "complete", "single"])
def test_a_matrix_gives_the_tree_at_once(method: str) -> None:
    """It need not be kept."""
    d = cdist(X, X)
    fitted = below(1.5, method, "precomputed").fit(d)
    assert is_computed(fitted)
    theirs = sklearn.cluster.AgglomerativeClustering(
        n_clusters=None, distance_threshold=1.5, linkage=method, metric="precomputed"
    ).fit(d)
    np.testing.assert_array_equal(fitted.children_, np.sort(theirs.children_))
    np.testing.assert_allclose(fitted.distances_, theirs.distances_, rtol=1e-12)
    assert len(fitted.merges_) == 120 - fitted.n_clusters_


def test_a_fit_forgets_the_tree_before() -> None:
    model = below(0.0).fit(X)
    assert model.children_.shape == (119, 2)
    assert model.fit(X[:30]).children_.shape == (29, 2)
    model.set_params(n_clusters=3, distance_threshold=None).fit(X)
    assert model.children_.shape == (119, 2) and len(model.merges_) == 117 and not hasattr(model, "distances_")
    model.set_params(compute_distances=True).fit(X)
    assert model.distances_.shape == (119,)


def test_scikit_learns_helpers() -> None:
    model = below(0.0, "average", "cosine")
    for name in ("children_", "distances_", "merges_", "anything"):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
            getattr(model, name)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    model.fit(X)
    check_is_fitted(model)
    # What shows an estimator looks at all attributes; that takes no tree.
    model._repr_html_()
    inspect.getmembers(model)
    assert not is_computed(model) and not hasattr(clone(model), "children_")
    check_is_fitted(model, ["labels_", "children_"])
    assert is_computed(model)


def test_a_tree_that_does_not_fit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    x = faces(3000, 4, np.random.default_rng(53), spread=0.05)[0]
    fitted = below(0.05, "complete", "cosine").fit(x)
    monkeypatch.setattr(_memory, "available", lambda: 4_000_000)
    with pytest.raises(MemoryError, match=r"children_ is the whole tree; merges_ has what is below.*MiB"):
        fitted.children_  # noqa: B018
    monkeypatch.undo()
    assert fitted.children_.shape == (2999, 2)


def test_the_fingerprint_depends_on_every_byte_alone() -> None:
    rng = np.random.default_rng(54)
    for dtype in (np.float32, np.float64):
        for shape in [(1, 1), (3, 5), (7, 9), (600, 700)]:
            x = rng.normal(size=shape).astype(dtype)
            mark = _core.fingerprint(x, n_threads=1)
            assert all(_core.fingerprint(x.copy(), n_threads=n) == mark for n in (1, 2, 5))
            seen = {mark}
            for byte in rng.choice(x.nbytes, min(x.nbytes, 60), replace=False):
                other = x.copy()
                other.view(np.uint8).reshape(-1)[byte] ^= 1 << int(rng.integers(8))
                seen.add(_core.fingerprint(other, n_threads=2))
            assert len(seen) == 1 + min(x.nbytes, 60)
    signs = np.ones((1, 24), np.float32)
    marks = {_core.fingerprint(np.where(np.arange(24) < k, -signs, signs), n_threads=1) for k in range(25)}
    assert len(marks) == 25
    assert _core.fingerprint(np.empty((0, 3)), n_threads=1) != _core.fingerprint(np.zeros((1, 3)), n_threads=1)
    assert _core.fingerprint(np.zeros((1, 3)), n_threads=1) != _core.fingerprint(np.zeros((1, 4)), n_threads=1)
