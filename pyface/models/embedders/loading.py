"""From an ONNX file to an embedder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from pyface.models import building, fitting
from pyface.models.base import NO_OPTIONS, Model, Options
from pyface.models.embedders import adaface, arcface, deepface, facenet, omz_0095
from pyface.models.onnx_file import read_onnx
from pyface.models.session import Session
from pyface.models.store import Weights

__all__ = ["FAMILIES", "OPTIONS", "build", "prepare", "why_not"]

# Raise it whenever the same weights begin to give other results, in a kernel or here.
CODE_VERSION = 1

# Each has ``why_not(file)`` and ``build(file, open_graph, normalization=, flip=, n_threads=, name=, family=, digest=)``
# with the options that are its own.
_MODULES: dict[str, ModuleType] = {
    "arcface": arcface, "adaface": adaface, "facenet": facenet, "deepface": deepface, "omz_0095": omz_0095
}  # fmt: skip
FAMILIES = tuple(_MODULES)
OPTIONS = {family: frozenset({"normalization", "flip"}) for family in FAMILIES}
OPTIONS["omz_0095"] = frozenset({"flip"})
why_not = {family: module.why_not for family, module in _MODULES.items()}


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
    """The embedder of this file. ModelFileError if it is of another family, with those that fit."""
    file, whole = read_onnx(source)
    fitting.require(family, file)

    def open_graph(graph: bytes) -> Callable[[int | None], Session]:
        return lambda threads: Session(graph, name=source.name, providers=providers, n_threads=threads)

    about = building.about(family, whole, 0, CODE_VERSION, options)
    model: Model = _MODULES[family].build(
        file, open_graph, normalization=options.normalization, flip=bool(options.flip), n_threads=n_threads, **about
    )
    return building.with_origin(model, source, providers, n_threads, options)
