"""Clusterers with scikit-learn's parameters, defaults, attributes and rules.

An import swap changes the time, not the answer. ``for_embedder`` has the one that goes with an embedder; ``relabel``
lets the numbers of clusters survive when rows are clustered anew.
"""

from pyface.cluster._agglomerative import AgglomerativeClustering
from pyface.cluster._dbscan import DBSCAN
from pyface.cluster._for_embedder import for_embedder
from pyface.cluster._kmeans import KMeans
from pyface.cluster._relabel import relabel

__all__ = ["DBSCAN", "AgglomerativeClustering", "KMeans", "for_embedder", "relabel"]
