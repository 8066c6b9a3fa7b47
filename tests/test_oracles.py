"""The slow twins themselves, against examples worked by hand and against SciPy and scikit-learn."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sklearn.cluster
from oracles import (
    dbscan,
    distance,
    exact,
    gallery,
    hdbscan,
    kmeans,
    linkage,
    metrics,
    neighbors,
    piecewise,
    tree,
    verification,
)
from scipy import sparse
from scipy.cluster import hierarchy
from scipy.spatial.distance import cdist, squareform


def test_distances_by_hand() -> None:
    x, y = np.array([3.0, 4.0]), np.array([4.0, 3.0])
    assert distance.distance(x, y, "sqeuclidean") == 2.0
    assert distance.distance(x, 2 * x, "euclidean") == 5.0
    assert distance.distance(x, y, "cosine") == pytest.approx(1 - 24 / 25)
    assert distance.distance(x, -x, "cosine") == 2.0


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "sqeuclidean"])
def test_distances_are_scipys(metric: str) -> None:
    x = np.random.default_rng(0).normal(size=(9, 5))
    np.testing.assert_allclose(distance.matrix(x, x[:4], metric), cdist(x, x[:4], metric), atol=1e-14)


def test_nearest_by_hand() -> None:
    d = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 2.0, 1.0]])
    assert distance.nearest(d, 3, self_first=False).tolist() == [[0, 1, 2], [0, 1, 3]]
    assert distance.nearest(d, 3, self_first=True).tolist() == [[0, 1, 2], [1, 0, 3]]


def test_verification_by_hand() -> None:
    distances, same = [0.1, 0.3, 0.3, 0.5], [True, True, False, False]
    assert verification.accepted(distances, same, 0.3) == (1, 2)
    assert verification.rates(distances, same, 0.2) == (0.0, 0.5)
    assert [verification.tar_at_far(distances, same, far) for far in (0.0, 0.49, 0.5)] == [0.5, 0.5, 1.0]
    # From (0, 0.5) to (0.5, 1): the sum is 1 halfway.
    assert verification.equal_error_rate(distances, same) == pytest.approx(0.25)
    assert verification.best_threshold(distances, same) == pytest.approx(0.2)
    square = np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0.0]])
    # The first person has two photos and is drawn twice; the copies are not compared with each other.
    distances, same = verification.resampled(square, [7, 7, 8], [7, 8, 7])
    assert sorted(zip(distances, same, strict=True)) == [(1, True)] * 2 + [(2, False)] * 2 + [(3, False)] * 2
    assert verification.candidates([0.5, 0.2, 0.2, 0.1], ["a", "b", "a", "b"]) == [("b", 0.1), ("a", 0.2)]
    searches = np.array([[0.2, 0.1, 0.9], [0.3, 0.8, 0.9], [0.4, 0.6, 0.9]])
    assert verification.cmc(searches, [5, 5, 9], [5, 6, 7], 2) == [0.5, 1.0]
    assert verification.fnir_at_fpir(searches, [5, 5, 9], [5, 6, 7], 0.0, 1) == 0.5
    assert verification.fnir_at_fpir(searches, [5, 5, 9], [5, 6, 7], 0.0, 2) == 0.0


def test_galleries_by_hand() -> None:
    people = {"b": np.array([[1.0], [9.0]]), "a": np.array([[3.0], [4.0], [8.0]])}
    for rule, expected in (
        ("nearest", [("b", 1.0), ("a", 3.0)]), ("mean", [("b", 5.0), ("a", 5.0)]), ("k_of_n", [("a", 4.0), ("b", 9.0)]),
    ):  # fmt: skip
        assert gallery.nearest(np.zeros(1), people, 2, rule, 2, "euclidean") == expected
    assert gallery.name_distances(np.zeros(1), people, "k_of_n", 3, "sqeuclidean") == {"b": 81.0, "a": 64.0}
    assert gallery.distance(np.array([3.0, 4]), np.array([4.0, 3]), "cosine") == pytest.approx(0.04)
    assert gallery.threshold_for([1, 2, 2, 5], 0.5) == 1
    assert gallery.threshold_for([1, 2, 2, 5], 0.75) == 2
    assert gallery.threshold_for([2, 2], 0.5) is None


def test_hdbscan_by_hand() -> None:
    """Two triples on a line, and a row between them that is nearer to the left one."""
    place = np.array([0.0, 1.0, 2.0, 6.0, 11.0, 12.0, 13.0])
    d = abs(place[:, None] - place)
    weights, cores = hdbscan.reachability(d, 2)
    assert cores.tolist() == [1, 1, 1, 4, 1, 1, 1] and weights[2, 3] == 4 and weights[3, 4] == 5
    edges = hdbscan.spanning_tree(weights, d)
    assert edges == [(1, 1, 0, 1), (1, 1, 1, 2), (1, 1, 4, 5), (1, 1, 5, 6), (4, 4, 2, 3), (5, 5, 3, 4)]
    lifted = hdbscan.without_ties(weights, d)
    assert lifted[0, 1] == 1 < lifted[1, 2] < lifted[4, 5] < lifted[5, 6] < 1 + 1e-15 and lifted[2, 3] == 4
    labels, probabilities = hdbscan.hdbscan(weights, d, 3)
    assert labels.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert probabilities.tolist() == [1, 1, 1, 1 / 4, 1, 1, 1]  # lambda 1 / 4 where others have 1
    assert hdbscan.hdbscan(weights, d, 4)[0].tolist() == [-1] * 7
    # The left one was born at 5 as well: both are wide enough for an epsilon of 5, not for one of 6.
    assert hdbscan.hdbscan(weights, d, 3, epsilon=6, with_root=True)[0].max() == 0


def test_exact_distances_by_hand() -> None:
    x, y = np.array([3.0, 4.0]), np.array([4.0, 3.0])
    assert exact.distance(x, y, "sqeuclidean") == 2
    assert exact.distance(x, 3 * x, "euclidean") == 10
    assert exact.distance(x, y, "cosine") == Fraction(1, 25)
    # Of entries that are a thousandth of the last bit of the others.
    x, y = np.array([1.0, 2.0**-60]), np.array([1.0, 0.0])
    assert exact.distance(x, y, "euclidean") == Fraction(1, 2**60)
    assert abs(exact.distance(x, y, "cosine") * 2**121 - 1) < 2.0**-100
    assert abs(exact.distance(np.float32([1, 1]), np.float32([0, 0]), "euclidean") ** 2 - 2) < 2.0**-190


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "sqeuclidean"])
def test_all_oracles_of_distances_agree(metric: str) -> None:
    x = np.random.default_rng(0).integers(-9, 10, (12, 5)).astype(float)
    want = distance.matrix(x, x[:7], metric)
    one_by_one = [[float(exact.distance(a, b, metric)) for b in x[:7]] for a in x]
    np.testing.assert_allclose(one_by_one, want, rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(exact.from_exact_sums(x, x[:7], metric), want, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(neighbors.distances(x, x[:7], metric), want, rtol=1e-14, atol=1e-15)
    if metric == "cosine":
        lengths = 10.0 ** np.linspace(-290, 290, 12)[:, None]
        np.testing.assert_allclose(neighbors.distances(x * lengths, x[:7], metric), want, atol=1e-14)
    for self_first in (False, True):
        order = neighbors.by_distance(want[:7], self_first=self_first)
        np.testing.assert_array_equal(order[:, :5], distance.nearest(want[:7], 5, self_first=self_first))


def test_radii_that_are_clear() -> None:
    d = np.array([[0, 1, 1 + 1e-13], [1, 0, 2], [1 + 1e-13, 2, np.inf]])
    radii = neighbors.clear_radii(d, "euclidean", (0.0, 0.5, 1.0))
    assert [np.count_nonzero(d <= radius) for radius in radii] == [2, 6, 8]
    assert neighbors.clear_radii(np.zeros((2, 2)), "cosine", (0.0, 1.0))[0] > 0


def test_certificates_refuse_what_is_wrong() -> None:
    x = np.random.default_rng(1).normal(size=(20, 4))
    want = cdist(x, x)
    radius = float(np.median(want))
    d = np.where(want <= radius, want, np.nan)
    rows, cols = np.nonzero(want <= radius)
    graph = sparse.csr_array((d[rows, cols].astype(np.float32), (rows, cols)), shape=d.shape)
    neighbors.assert_graph(graph, want, radius, "euclidean")
    for wrong_radius in (radius * 1.1, radius * 0.9):
        with pytest.raises(AssertionError):
            neighbors.assert_graph(graph, want, wrong_radius, "euclidean")
    off = graph.copy()
    off.data[5] *= 1 + 1e-6
    with pytest.raises(AssertionError):
        neighbors.assert_graph(off, want, radius, "euclidean")

    indices = np.argsort(want, axis=1)[:, :5]
    found = np.take_along_axis(want, indices, 1).astype(np.float32)
    neighbors.assert_nearest((found, indices), want, "euclidean", self_first=True)
    swapped, doubled, beyond = indices.copy(), indices.copy(), indices.copy()
    swapped[3, [2, 3]] = indices[3, [3, 2]]
    doubled[3, 3] = indices[3, 2]
    beyond[3, 4] = np.argsort(want, axis=1)[3, 5]
    for wrong in (swapped, doubled, beyond):
        values = np.take_along_axis(want, wrong, 1).astype(np.float32)
        with pytest.raises(AssertionError):
            neighbors.assert_nearest((values, wrong), want, "euclidean", self_first=True)


def test_dbscan_by_hand() -> None:
    # 0-1-2 core chain, 3 a border of both clusters, 4-5-6 core chain, 7 alone.
    points = np.array([0.0, 1.0, 2.0, 4.0, 6.0, 7.0, 8.0, 20.0])
    d = np.abs(points[:, None] - points)
    labels, is_core = dbscan.dbscan(d, 2.0, 4)
    assert is_core.tolist() == [False, False, True, False, True, False, False, False]
    assert labels.tolist() == [0, 0, 0, 0, 1, 1, 1, -1]


def test_dbscan_without_symmetry_by_hand() -> None:
    # 1 -> 0 and 2 -> 1 only, each row with itself. All are core for 1; for 2 the last one in reach is not.
    d = np.full((3, 3), 9.0)
    d[[0, 1, 2, 1, 2], [0, 1, 2, 0, 1]] = 0
    labels, is_core = dbscan.dbscan(d, 1.0, 1)
    assert labels.tolist() == [0, 1, 2] and is_core.all()
    labels, is_core = dbscan.dbscan(d, 1.0, 2)
    assert labels.tolist() == [0, 0, 1] and is_core.tolist() == [False, True, True]
    labels, is_core = dbscan.dbscan(d, 1.0, 2, np.array([1.0, 1.0, 0.5]))
    assert labels.tolist() == [0, 0, -1] and is_core.tolist() == [False, True, False]


@pytest.mark.parametrize("symmetric", [True, False])
def test_dbscan_is_scikit_learns(symmetric: bool) -> None:
    rng = np.random.default_rng(1)
    kinds = set()
    for _ in range(20):
        d = rng.random((40, 40))
        if symmetric:
            d = cdist(d[:, :2], d[:, :2])
        weights = rng.integers(-1, 3, 40)
        eps = 0.15 if symmetric else 0.05
        theirs = sklearn.cluster.DBSCAN(eps, min_samples=4, metric="precomputed").fit(d, sample_weight=weights)
        labels, is_core = dbscan.dbscan(d, eps, 4, weights)
        assert labels.tolist() == theirs.labels_.tolist()
        assert np.flatnonzero(is_core).tolist() == theirs.core_sample_indices_.tolist()
        kinds |= {(int(label), bool(core)) for label, core in zip(labels, is_core, strict=True)}
    assert {(-1, False), (0, True), (0, False), (1, True), (1, False)} <= kinds


@pytest.mark.parametrize("method", ["average", "ward"])
def test_linkage_is_scipys(method: str) -> None:
    x = np.random.default_rng(2).normal(size=(14, 3))
    squared = cdist(x, x, "sqeuclidean")
    theirs = hierarchy.linkage(x, "ward") if method == "ward" else hierarchy.linkage(squareform(squared), "average")
    np.testing.assert_allclose(linkage.naive(squared, method), theirs[:, 2], rtol=1e-12)
    linkage.assert_is_linkage(theirs, squared, method)
    wrong = theirs.copy()
    wrong[[0, -1], 2] = wrong[[-1, 0], 2]
    with pytest.raises(AssertionError):
        linkage.assert_is_linkage(wrong, squared, method)


def test_k_means_by_hand() -> None:
    x = np.array([[0.0], [1], [9], [11]])
    ones = np.ones(4)
    assert kmeans.squares(x, np.array([[1.0], [3]])).tolist() == [[1, 9], [0, 4], [64, 36], [100, 64]]
    labels, centers, inertia, n_iter = kmeans.lloyd(x, np.array([[0.0], [1]]), ones, 9, 0.0)
    # Centres 0 and 1, then 0 and 7, then 0.5 and 10, which stay.
    assert labels.tolist() == [0, 0, 1, 1] and centers.tolist() == [[0.5], [10]]
    assert inertia == 0.25 + 0.25 + 1 + 1 and n_iter == 3
    assert kmeans.lloyd(x, np.array([[0.0], [1]]), ones, 9, 99.0)[3] == 1
    # Nobody is near the second centre: it gets the farthest row.
    assert kmeans.update(x, np.zeros(4, int), ones, np.array([[0.0], [99]]), False).tolist() == [[10 / 3], [11]]
    # Running sums of squares from 0: 0, 1, 82, 203. Draws of 0.1 and 0.5 point to 9 and 11, which leave 0 + 1 + 0 + 4
    # and 0 + 1 + 4 + 0: the earlier one is taken.
    assert kmeans.plus_plus(x, 2, ones, 0, np.array([[0.5, 0.1]])) == [0, 3]
    assert kmeans.plus_plus(x, 2, ones, 0, np.array([[0.1, 0.5]])) == [0, 2]
    assert kmeans.plus_plus(x, 2, ones, 0, np.array([[0.001, 0.5]])) == [0, 3]
    unit = np.array([[1.0, 0], [0, 1]])
    assert kmeans.means(unit, np.zeros(2, int), np.ones(2), unit[:1], True) == pytest.approx(0.5**0.5)


def test_k_means_is_scikit_learns() -> None:
    x = np.random.default_rng(3).normal(size=(90, 3))
    for start in (x[:9], x[:9] + 3):  # some clusters are empty with the second one
        theirs = sklearn.cluster.KMeans(9, init=start, n_init=1, tol=0).fit(x)
        labels, centers, inertia, n_iter = kmeans.lloyd(x, start, np.ones(90), 300, 0.0)
        assert linkage.partition(labels) == linkage.partition(theirs.labels_)
        assert inertia == pytest.approx(theirs.inertia_) and n_iter == theirs.n_iter_
        np.testing.assert_allclose(np.sort(centers, axis=0), np.sort(theirs.cluster_centers_, axis=0))


def test_partitions_by_hand() -> None:
    assert linkage.partition(np.array([5, 3, 5])) == {frozenset({0, 2}), frozenset({1})}
    assert linkage.numbered_by_smallest_row(np.array([0, 1, 0, 2]))
    assert not linkage.numbered_by_smallest_row(np.array([1, 0]))


def test_trees_by_hand() -> None:
    # 0 and 2 at 3, with 1 below that at 2: an inversion; 3 and 4 at 2; both at 5.
    z = np.array([[0, 2, 3, 2.0], [1, 5, 2, 3], [3, 4, 2, 2], [6, 7, 5, 5]])
    assert tree.members(z)[5:] == [[0, 2], [0, 1, 2], [3, 4], [0, 1, 2, 3, 4]]
    assert tree.effective_heights(z)[5:] == [3, 3, 2, 5]
    assert tree.clusters(z, 2.5) == [[0], [1], [2], [3, 4]]
    assert tree.clusters(z, 3.0) == [[0, 1, 2], [3, 4]]
    assert tree.next_merges(z, 2.5) == [((0,), (2,), 3, 1, 1), ((0, 2), (1,), 3, 2, 1), ((0, 1, 2), (3,), 5, 3, 2)]
    precision, recall = tree.bcubed([0, 1, 0, 1, -1], tree.clusters(z, 3.0))
    assert precision == Fraction(2, 3) and recall == Fraction(3, 4)
    d = np.abs(np.subtract.outer([0.0, 4, 1, 9], [0.0, 4, 1, 9]))
    assert tree.medoids(d, [0, 0, 0, 1]) == [2, 3] and tree.medoids(d, [0, 0, -1, -1]) == [0]
    assert tree.average_distances(d, [0, 1, 0, -1]) == [(3.5, 0, 1)]
    heights = np.append(0.0, z[:, 2])
    for height in heights:
        theirs = hierarchy.fcluster(z, height, "distance")
        assert linkage.partition(theirs) == {frozenset(rows) for rows in tree.clusters(z, height)}


def test_metrics_by_hand() -> None:
    true, pred = "aaabb", "xxyyy"
    assert metrics.purity(true, pred) == 4 / 5
    assert metrics.pair_counts(true, pred) == (2, 4, 4, 10)
    assert metrics.pair_scores(true, pred) == (0.5, 0.5, 0.5)
    precision, recall, f = metrics.bcubed(true, pred)
    assert precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5)
    assert recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert f == pytest.approx(2 * precision * recall / (precision + recall))


def test_warps_by_hand() -> None:
    square, halves = np.array([(0, 0), (2, 0), (0, 2), (2, 2.0)]), [[0, 1, 2], [1, 2, 3]]
    assert piecewise.owners(square, halves, 3, 4).tolist() == [[0, 0, 0, -1], [0, 1, 1, -1], [0, 1, 1, -1]]
    assert piecewise.snap([(0.001, 0.002), (-0.001, 1.5)]).tolist() == [[0, 1], [0, 384]]
    np.testing.assert_allclose(piecewise.affine(3 * square + 1, square, halves[1]), [[3, 0, 1], [0, 3, 1]], atol=1e-12)
    image = np.arange(6.0).reshape(2, 3, 1)
    for u, v, border, want in [
        (0.5, 0.25, "constant", 1.25), (-0.5, 0, "constant", 4.5), (-0.5, 0, "replicate", 0), (-0.5, 0, "reflect", 0.5),
        (2, 1, "constant", 5), (3.5, 0, "constant", 9), (3.5, 0, "reflect", 0.5), (1, 2.5, "reflect", 2.5),
    ]:  # fmt: skip
        assert piecewise.sample(image, u, v, "linear", border, 9) == pytest.approx([want])
    assert piecewise.sample(image, 0.5, 0.49, "nearest", "constant", 9) == 1
    assert piecewise.reduced(image, 2).tolist() == [[[2.0], [3.5]]]
    warped = piecewise.warp(image, square * [1, 0.5], square, halves, (3, 4), fill=7)
    assert warped[..., 0].tolist() == [[0, 1, 2, 7], [1.5, 2.5, 3.5, 7], [3, 4, 5, 7]]
