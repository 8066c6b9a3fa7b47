"""Detectors, landmark models and embedders behind one thin interface."""

from __future__ import annotations

from pyface.models.base import Detector, Embedder, Landmarker, Model
from pyface.models.catalog import DEFAULT_PACK, PACKS, ModelSpec, catalog, families, load, pull

__all__ = [
    "DEFAULT_PACK",
    "PACKS",
    "Detector",
    "Embedder",
    "Landmarker",
    "Model",
    "ModelSpec",
    "catalog",
    "families",
    "load",
    "pull",
]
