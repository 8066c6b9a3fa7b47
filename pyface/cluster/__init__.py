"""Clusterers with scikit-learn's parameters, defaults, attributes and rules.

An import swap changes the time, not the answer.
"""

from pyface.cluster._agglomerative import AgglomerativeClustering
from pyface.cluster._dbscan import DBSCAN
from pyface.cluster._kmeans import KMeans

__all__ = ["DBSCAN", "AgglomerativeClustering", "KMeans"]
