"""Detectors, landmark models and embedders behind one thin interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyface.models.base import Detector, Embedder, Landmarker, Model
from pyface.models.catalog import DEFAULT_PACK, ModelSpec, catalog, contents, families, load, pull
from pyface.models.inspection import FileFacts, Verified, inspect, paths, verify

if TYPE_CHECKING:
    from pyface.models.catalog import PACKS

__all__ = [
    "DEFAULT_PACK",
    "PACKS",
    "Detector",
    "Embedder",
    "FileFacts",
    "Landmarker",
    "Model",
    "ModelSpec",
    "Verified",
    "catalog",
    "families",
    "inspect",
    "load",
    "paths",
    "pull",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "PACKS":  # read from a file, when they are first wanted
        return contents().packs
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
