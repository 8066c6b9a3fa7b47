"""The families that run from ONNX files as they are, and how one of them is loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from pyface.models import building, fitting
from pyface.models.base import NO_OPTIONS, Model, Options
from pyface.models.detectors import centerface, pytorch_retinaface, retinaface, scrfd, ultraface
from pyface.models.embedders import adaface, arcface, deepface, facenet, omz_0095
from pyface.models.landmarkers import five_point, landmark_3d_68, landmark_106, mesh_468, pfld
from pyface.models.onnx_file import read_onnx
from pyface.models.session import Session
from pyface.models.store import Weights

__all__ = ["DETECTORS", "EMBEDDERS", "FAMILIES", "LANDMARKERS", "OPTIONS", "build", "prepare", "why_not"]

# Raise it whenever the same weights begin to give other results, in a kernel or here.
CODE_VERSION = 1

# Each has ``why_not(file)`` and ``build(file, open_graph, name=, family=, digest=, n_threads=)`` with its options.
DETECTORS: dict[str, ModuleType] = {
    "scrfd": scrfd,
    "retinaface": retinaface,
    "pytorch_retinaface": pytorch_retinaface,
    "ultraface": ultraface,
    "centerface": centerface,
}
LANDMARKERS: dict[str, ModuleType] = {
    "landmark_106": landmark_106,
    "landmark_3d_68": landmark_3d_68,
    "pfld": pfld,
    "five_point": five_point,
    "mesh_468": mesh_468,
}
EMBEDDERS: dict[str, ModuleType] = {
    "arcface": arcface,
    "adaface": adaface,
    "facenet": facenet,
    "deepface": deepface,
    "omz_0095": omz_0095,
}
_MODULES = {**DETECTORS, **LANDMARKERS, **EMBEDDERS}
FAMILIES = tuple(_MODULES)
OPTIONS = {
    **dict.fromkeys(DETECTORS, frozenset({"input_size"})),
    **dict.fromkeys(LANDMARKERS, frozenset[str]()),
    **dict.fromkeys(EMBEDDERS, frozenset({"normalization", "flip"})),
    "omz_0095": frozenset({"flip"}),
}
why_not: dict[str, Callable[..., str]] = {family: module.why_not for family, module in _MODULES.items()}


def prepare(family: str, source: Weights) -> Path | None:
    """Nothing is built from these files before they run: None."""
    del family, source
    return None


def build(
    family: str,
    source: Weights,
    *,
    providers: Sequence[Any] | str | None = None,
    n_threads: int | None = None,
    options: Options = NO_OPTIONS,
) -> Model:
    """The model of this file. ModelFileError if it is of another family, with those that fit."""
    file, whole = read_onnx(source)
    fitting.require(family, file)

    def open_graph(graph: bytes) -> Callable[[int | None], Session]:
        return lambda threads: Session(graph, name=source.name, providers=providers, n_threads=threads)

    own = {name: getattr(options, name) for name in OPTIONS[family]}
    about = building.about(family, whole, 0, CODE_VERSION, options)
    model: Model = _MODULES[family].build(file, open_graph, n_threads=n_threads, **own, **about)
    return building.with_origin(model, source, providers, n_threads, options)
