"""What all clusterers share."""

from __future__ import annotations

from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import Tags


class Clusterer(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the clusterers: scikit-learn's tags.

    ``fit_predict`` stays with each class, as scikit-learn's signatures of it differ.
    """

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.pairwise = getattr(self, "metric", None) == "precomputed"
        return tags
