"""Exact, fast primitives for facial image analysis and face clustering.

Names are loaded when first used, so that ``import pyface`` stays light: it imports neither ONNX Runtime, Numba,
OpenCV nor scikit-learn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pyface._build import refuse_foreign_files

refuse_foreign_files()

from pyface._core import __version__  # noqa: E402  (a shared package folder must be reported before anything fails)

if TYPE_CHECKING:
    from pyface import cluster, metrics, models
    from pyface._build import build_info
    from pyface.errors import PyfaceError
    from pyface.types import Detections, Face, Landmarks

# Public name -> the module that holds it. A name that is a module itself maps to None.
_EXPORTS: dict[str, str | None] = {
    "Detections": "pyface.types",
    "Face": "pyface.types",
    "Landmarks": "pyface.types",
    "PyfaceError": "pyface.errors",
    "build_info": "pyface._build",
    "cluster": None,
    "metrics": None,
    "models": None,
}

__all__ = ["__version__", *_EXPORTS]  # noqa: PLE0604  (the table above is the one list of names)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'pyface' has no attribute {name!r}")
    home = _EXPORTS[name]
    value = importlib.import_module(f"pyface.{name}") if home is None else getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
