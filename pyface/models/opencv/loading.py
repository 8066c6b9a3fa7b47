"""From a weight file to a model, through the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pyface.errors import ModelFileError
from pyface.models import building, fitting
from pyface.models.base import NO_OPTIONS, Model, Options
from pyface.models.onnx_file import OnnxFile, read_onnx
from pyface.models.opencv import graphs, reader
from pyface.models.opencv.sface import SFace
from pyface.models.opencv.sface_graph import sface_graph
from pyface.models.opencv.yunet import YuNet
from pyface.models.opencv.yunet_graph import TARGETS, yunet_graph
from pyface.models.session import Session
from pyface.models.store import Weights

__all__ = ["FAMILIES", "OPTIONS", "build", "prepare", "why_not"]

# Raise it whenever the same weights begin to give other results, in a kernel or here.
CODE_VERSION = 2

_GRAPHS: dict[str, Callable[[reader.Network], bytes]] = {"yunet": yunet_graph, "sface": sface_graph}
FAMILIES = tuple(_GRAPHS)
OPTIONS = {"sface": frozenset({"flip"})}


def _why_not_yunet(file: OnnxFile) -> str:
    return "" if {port.name for port in file.outputs} == TARGETS else "its outputs have other names"


# SFace is told from other embedders by its steps alone.
why_not = {"yunet": _why_not_yunet}


def _cached(family: str, source: Weights) -> tuple[bytes, Path | None]:
    def make(data: bytes, name: str) -> bytes:
        network = reader.read_network(data, name)
        try:
            return _GRAPHS[family](network)
        except ModelFileError as error:
            raise ModelFileError(f"{name}: {error}{_hint(family, source)}") from None

    return building.cached(family, graphs.GRAPH_VERSION, source, make)


def _hint(family: str, source: Weights) -> str:
    """What the file is instead, as far as it can be said."""
    try:
        file, _ = read_onnx(source)
    except ModelFileError:
        return ""
    return f" {fitting.hint(file, but=family)}"


def prepare(family: str, source: Weights) -> Path | None:
    """Fill the cache; the path in it, or None if it cannot be written."""
    return _cached(family, source)[1]


def build(
    family: str,
    source: Weights,
    *,
    providers: Sequence[Any] | str | None = None,
    n_threads: int | None = None,
    options: Options = NO_OPTIONS,
) -> Model:
    """The model of these weights."""
    graph, _ = _cached(family, source)
    about = building.about(family, source, graphs.GRAPH_VERSION, CODE_VERSION, options)
    model: Model
    if family == "sface":
        # Threads have a face each, so that none waits for another between two layers.
        session = Session(graph, name=source.name, providers=providers, n_threads=1, prepack=False)
        _, size, _, _ = session.input_shape
        dimension = session.output_shape[1]
        model = SFace(session, **about, size=size, dimension=dimension, n_threads=n_threads, flip=bool(options.flip))
    else:
        session = Session(graph, name=source.name, providers=providers, n_threads=n_threads)
        model = YuNet(session, **about)
    return building.with_origin(model, source, providers, n_threads, options)
