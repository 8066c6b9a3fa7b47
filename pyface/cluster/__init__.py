"""Clusterers with scikit-learn's parameters, defaults, attributes and rules, and what their trees and clusters tell.

An import swap changes the time, not the answer. ``for_embedder`` has the one that goes with an embedder; ``relabel``
lets the numbers of clusters survive when rows are clustered anew. Functions of a linkage matrix: ``cut_profile``,
``next_merges``, ``threshold_advice``, ``plot_dendrogram``; of rows and their labels: ``cluster_means``, ``medoids``,
``merge_suggestions``; of two clusterings: ``disagreements``. ``GraphClustering`` and ``ChineseWhispers`` are not in
scikit-learn, and have its class shape.
"""

from typing import TYPE_CHECKING, NoReturn

from pyface.cluster._advice import ThresholdAdvice, threshold_advice
from pyface.cluster._agglomerative import AgglomerativeClustering
from pyface.cluster._dbscan import DBSCAN
from pyface.cluster._for_embedder import for_embedder
from pyface.cluster._graph import ChineseWhispers, GraphClustering, disagreements
from pyface.cluster._groups import cluster_means, medoids
from pyface.cluster._hdbscan import HDBSCAN
from pyface.cluster._kmeans import KMeans
from pyface.cluster._plot import plot_dendrogram
from pyface.cluster._suggestions import MergeSuggestion, merge_suggestions
from pyface.cluster._tree import CutProfile, cut_profile, next_merges
from pyface.kernels.relabeling import relabel

__all__ = [
    "DBSCAN",
    "HDBSCAN",
    "AgglomerativeClustering",
    "ChineseWhispers",
    "CutProfile",
    "GraphClustering",
    "KMeans",
    "MergeSuggestion",
    "ThresholdAdvice",
    "cluster_means",
    "cut_profile",
    "disagreements",
    "for_embedder",
    "medoids",
    "merge_suggestions",
    "next_merges",
    "plot_dendrogram",
    "relabel",
    "threshold_advice",
]

if not TYPE_CHECKING:  # a type checker would take every name for one that is there

    def __getattr__(name: str) -> NoReturn:
        """The names of scikit-learn's that are not here say where they are."""
        message = f"module {__name__!r} has no attribute {name!r}"
        if not name.startswith("_"):
            import sklearn.cluster

            if name in sklearn.cluster.__all__:
                message += f"; it is not offered here, sklearn.cluster.{name} is scikit-learn's"
        raise AttributeError(message)
