"""Tests of the peers that fail with pyface's classes and functions, each with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Expected:
    """Tests of a module whose whole name, ``Class::function[parameters]``, the pattern matches. All of them fail.

    raises : how; another error is a failure that counts.
    """

    tests: str
    pattern: str
    reason: str
    raises: type[BaseException] | tuple[type[BaseException], ...]

    def matches(self, name: str) -> bool:
        return re.fullmatch(self.pattern, name) is not None


_DBSCAN = "sklearn.cluster.tests.test_dbscan"
_HIERARCHICAL = "sklearn.cluster.tests.test_hierarchical"
_K_MEANS = "sklearn.cluster.tests.test_k_means"
_SUPERVISED = "sklearn.metrics.cluster.tests.test_supervised"
_COMMON = "sklearn.metrics.cluster.tests.test_common"
_LINKAGE = "scipy.cluster.tests.test_hierarchy"
_QHULL = "scipy.spatial.tests.test_qhull"

_SPARSE = "sparse rows are refused"
_CONNECTIVITY = "connectivity is refused"
_NUMBERS = "clusters are numbered by their smallest row, not in the order of the tree"
_WORDS = "a ValueError as well, in other words"
_PRIVATE = "looks at a private attribute"
_DID_NOT_WARN = pytest.fail.Exception  # also where an error comes instead of the warning

EXPECTED = (
    Expected(_DBSCAN, r"test_dbscan_sparse\[.*\]", _SPARSE, TypeError),
    Expected(_DBSCAN, r"test_dbscan_no_core_samples\[.*\]", _SPARSE, TypeError),
    Expected(_DBSCAN, r"test_dbscan_input_not_modified\[csr_.*-minkowski\]", _SPARSE, TypeError),
    Expected(_DBSCAN, "test_dbscan_callable", "callable metrics are refused", ValueError),
    Expected(_DBSCAN, "test_dbscan_metric_params", "Minkowski distances are refused", ValueError),
    Expected(_DBSCAN, "test_dbscan_balltree", "p is refused, also where the metric has none", ValueError),
    Expected(_HIERARCHICAL, r"test_agglomerative_clustering\[.*\]", _CONNECTIVITY, ValueError),
    Expected(_HIERARCHICAL, r"test_agglomerative_clustering_distances\[.*\]", _CONNECTIVITY, ValueError),
    Expected(_HIERARCHICAL, "test_identical_points", _CONNECTIVITY, ValueError),
    Expected(_HIERARCHICAL, "test_connectivity_(propagation|callable|ignores_diagonal)", _CONNECTIVITY, ValueError),
    Expected(_HIERARCHICAL, "test_connectivity_fixing_non_lil", _CONNECTIVITY, (ValueError, _DID_NOT_WARN)),
    Expected(_HIERARCHICAL, "test_compute_full_tree", _CONNECTIVITY, ValueError),
    Expected(
        _HIERARCHICAL,
        "test_precomputed_connectivity_metric_with_2_connected_components",
        _CONNECTIVITY,
        (ValueError, _DID_NOT_WARN),
    ),
    Expected(
        _HIERARCHICAL,
        r"test_agglomeration_ward_euclidean\[(euclidean|l2)-AgglomerativeClustering\]",
        _CONNECTIVITY,
        ValueError,
    ),
    Expected(_HIERARCHICAL, r"test_agglomerative_clustering_with_distance_threshold\[.*\]", _NUMBERS, AssertionError),
    Expected(
        _K_MEANS, r"test_relocating_with_duplicates\[.*-sparse_(matrix|array)\]", _SPARSE, (TypeError, _DID_NOT_WARN)
    ),
    # Theirs: the classes and private functions that are not replaced.
    Expected(
        _K_MEANS,
        r"(?!test_minibatch|test_relocate_empty_clusters|.*MiniBatch).*\[.*(sparse_|csr_)(matrix|array)(-\w+)?\]",
        _SPARSE,
        TypeError,
    ),
    Expected(_K_MEANS, r"test_(dense_sparse|predict_dense_sparse)\[(?!.*MiniBatch).*-X_csr\d\]", _SPARSE, TypeError),
    Expected(_K_MEANS, r"test_kmeans_init_auto_with_initial_centroids\[KMeans-.*\]", _PRIVATE, AttributeError),
    Expected(_K_MEANS, r"test_n_init_auto\[KMeans-10\]", _PRIVATE, AttributeError),
    Expected(_K_MEANS, r"test_sample_weight_(init|zero)\[.*\]", _PRIVATE, AttributeError),
    Expected(_K_MEANS, r"test_kmeans_verbose\[.*\]", "verbose prints nothing", AssertionError),
    Expected(_K_MEANS, "test_warning_elkan_1_cluster", "algorithm has no effect, so that none is wrong", _DID_NOT_WARN),
    Expected(
        _SUPERVISED,
        r"test_error_messages_on_wrong_input\[(rand|adjusted_rand|\w+_mutual_info)_score\]",
        _WORDS,
        AssertionError,
    ),
    Expected(_COMMON, r"test_inf_nan_input\[((adjusted_)?rand|\w+ed_mutual_info)_score-.*\]", _WORDS, AssertionError),
    Expected(
        _LINKAGE,
        r"TestLinkage::test_linkage_empty_distance_matrix\[.*\]",
        "no distances are those of one row, whose tree has no merge",
        _DID_NOT_WARN,
    ),
    Expected(
        _LINKAGE,
        r"TestLinkage::test_unsupported_uncondensed_distance_matrix_linkage_warning\[.*\]",
        "the warning is a UserWarning, and says nothing of two rows, which any two numbers may be",
        _DID_NOT_WARN,
    ),
    Expected(_LINKAGE, r"TestFcluster::test_fcluster_maxclust_gh_12651\[.*\]", _NUMBERS, AssertionError),
    Expected(_LINKAGE, r"TestLeaders::test_leaders_single\[.*\]", _NUMBERS, AssertionError),
    Expected(_QHULL, "TestDelaunay::test_masked_array_fails", "a TypeError, as of all functions", TypeError),
    Expected(_QHULL, "TestDelaunay::test_nd_simplex", "triangles alone, no neighbors", AttributeError),
    Expected(
        _QHULL,
        "TestDelaunay::test_2d_square",
        "of four points on a circle the lowest index is on the diagonal",
        AssertionError,
    ),
    Expected(_QHULL, "TestDelaunay::test_coplanar", "triangles alone, no coplanar", AttributeError),
    Expected(_QHULL, "TestDelaunay::test_(joggle|furthest_site)", "options of Qhull", NotImplementedError),
    Expected(_QHULL, r"TestDelaunay::test_incremental\[.*\]", "points cannot be added", NotImplementedError),
)
