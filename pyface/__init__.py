"""Exact, fast primitives for facial image analysis and face clustering.

Names are loaded when first used, so that ``import pyface`` stays light: it imports neither ONNX Runtime, Numba,
OpenCV nor scikit-learn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pyface._build import refuse_foreign_files, without_core

refuse_foreign_files()

try:  # a shared package folder must be reported before anything fails
    from pyface._core import __version__
except ModuleNotFoundError as error:
    raise without_core(error) from None

if TYPE_CHECKING:
    from pyface import cluster, distributed, gallery, geometry, losses, metrics, models
    from pyface._build import build_info
    from pyface.analysis.analyzer import FaceAnalyzer
    from pyface.errors import PyfaceError
    from pyface.export.albums import export_album
    from pyface.kernels.boxes import nms
    from pyface.kernels.delaunay import delaunay
    from pyface.kernels.distance import (
        cosine_condensed,
        cosine_distances,
        debug_counters,
        euclidean_distances,
        nearest_neighbors,
        neighbors_within,
    )
    from pyface.kernels.linkage import cut, linkage
    from pyface.kernels.piecewise import PiecewiseAffine, piecewise_affine
    from pyface.neighbors import NearestNeighbors
    from pyface.photos.reading import read_image
    from pyface.report.folder import cluster_photos, save_album
    from pyface.types import Detections, Face, Landmarks

__all__ = [
    "Detections",
    "Face",
    "FaceAnalyzer",
    "Landmarks",
    "NearestNeighbors",
    "PiecewiseAffine",
    "PyfaceError",
    "__version__",
    "build_info",
    "cluster",
    "cluster_photos",
    "cosine_condensed",
    "cosine_distances",
    "cut",
    "debug_counters",
    "delaunay",
    "distributed",
    "euclidean_distances",
    "export_album",
    "gallery",
    "geometry",
    "linkage",
    "load_album",
    "losses",
    "metrics",
    "models",
    "nearest_neighbors",
    "neighbors_within",
    "nms",
    "piecewise_affine",
    "read_image",
    "save_album",
]

# Public name -> the module that holds it. Names of __all__ that are not here are submodules.
_HOMES = {
    "Detections": "pyface.types",
    "Face": "pyface.types",
    "FaceAnalyzer": "pyface.analysis.analyzer",
    "Landmarks": "pyface.types",
    "NearestNeighbors": "pyface.neighbors",
    "PiecewiseAffine": "pyface.kernels.piecewise",
    "PyfaceError": "pyface.errors",
    "build_info": "pyface._build",
    "cluster_photos": "pyface.report.folder",
    "cosine_condensed": "pyface.kernels.distance",
    "cosine_distances": "pyface.kernels.distance",
    "cut": "pyface.kernels.linkage",
    "debug_counters": "pyface.kernels.distance",
    "delaunay": "pyface.kernels.delaunay",
    "euclidean_distances": "pyface.kernels.distance",
    "export_album": "pyface.export.albums",
    "linkage": "pyface.kernels.linkage",
    "load_album": "pyface.album.build",
    "nearest_neighbors": "pyface.kernels.distance",
    "neighbors_within": "pyface.kernels.distance",
    "nms": "pyface.kernels.boxes",
    "piecewise_affine": "pyface.kernels.piecewise",
    "read_image": "pyface.photos.reading",
    "save_album": "pyface.report.folder",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in __all__:
        value = importlib.import_module(f"pyface.{name}")
    else:
        raise AttributeError(f"module 'pyface' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
