"""Exact nearest neighbours among rows that stay: :class:`NearestNeighbors`."""

from pyface.neighbors._estimator import NearestNeighbors

__all__ = ["NearestNeighbors"]
