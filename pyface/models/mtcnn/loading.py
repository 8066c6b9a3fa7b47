"""From the weight files to the models, through the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError
from pyface.models import building, store
from pyface.models.base import NO_OPTIONS, Model, Options
from pyface.models.mtcnn import detector_graphs
from pyface.models.mtcnn.mtcnn import Mtcnn
from pyface.models.mtcnn.onet import ONet
from pyface.models.mtcnn.onet_graph import onet_graph
from pyface.models.mtcnn.weights import ONET_SHA256, PNET_SHA256, RNET_SHA256, read_arrays
from pyface.models.session import Session
from pyface.models.store import Weights

__all__ = ["FAMILIES", "OPTIONS", "build", "prepare"]

GRAPH_VERSION = 1
# Raise it whenever the same weights begin to give other results, in a kernel or here.
CODE_VERSION = 1
FAMILIES = ("onet", "mtcnn")
OPTIONS: dict[str, frozenset[str]] = {}

# Of each family: its weight files in order by their digests, the names of its graphs in the cache, and what makes them.
_Maker = Callable[[list[NDArray[np.float32]], str], bytes]
_GRAPHS: dict[str, dict[str, tuple[str, _Maker]]] = {
    "onet": {ONET_SHA256: ("onet", onet_graph)},
    "mtcnn": {
        PNET_SHA256: ("mtcnn-pnet", detector_graphs.pnet_graph),
        RNET_SHA256: ("mtcnn-rnet", detector_graphs.rnet_graph),
        ONET_SHA256: ("mtcnn-onet", detector_graphs.onet_graph),
    },
}
_DETECTOR_FILES = ("pnet.lz4", "rnet.lz4", "onet.lz4")


def _cached(family: str, source: Weights) -> tuple[bytes, Path | None]:
    known = _GRAPHS[family]
    if source.sha256 not in known:
        raise _unknown(family, source)
    kind, make = known[source.sha256]
    return building.cached(kind, GRAPH_VERSION, source, lambda data, name: make(read_arrays(data, name), name))


def _require_first(family: str, source: Weights) -> None:
    if source.sha256 not in _GRAPHS[family]:
        raise _unknown(family, source)
    if source.sha256 != next(iter(_GRAPHS[family])):
        raise _not_first(family, source)


def _unknown(family: str, source: Weights) -> ModelFileError:
    return ModelFileError(
        f"{source.path} is not one of the files of the package mtcnn that {family} is made of; no others are "
        "opened, as they can hold anything"
    )


def _not_first(family: str, source: Weights) -> ModelFileError:
    return ModelFileError(f"{source.path} is not the first file of {family}: give the path of {_DETECTOR_FILES[0]}")


def prepare(family: str, source: Weights) -> Path | None:
    """Fill the cache with the graph of one weight file; the path in it, or None if it cannot be written."""
    return _cached(family, source)[1]


def build(
    family: str,
    source: Weights,
    *,
    providers: Sequence[Any] | str | None = None,
    n_threads: int | None = None,
    options: Options = NO_OPTIONS,
) -> Model:
    """The model of these weights. Of a detector given by the path of its first file the others lie beside it."""
    if family == "mtcnn" and not source.others:
        _require_first(family, source)  # before files that nobody named are missed
        beside = [store.read_path(source.path.with_name(name)) for name in _DETECTOR_FILES[1:]]
        source = replace(source, others=tuple(beside))
    files = (source, *source.others)
    graphs = [_cached(family, file)[0] for file in files]
    if [file.sha256 for file in files] != list(_GRAPHS[family]):
        raise _not_first(family, source)
    about = building.about(family, source, GRAPH_VERSION, CODE_VERSION, options)
    # Too small for several threads to gain on one of them: threads have crops, tiles and photos of their own.
    sessions = [Session(graph, name=source.name, providers=providers, n_threads=1) for graph in graphs]
    kind = {"onet": ONet, "mtcnn": Mtcnn}[family]
    model: Model = kind(*sessions, **about, n_threads=n_threads)
    return building.with_origin(model, source, providers, n_threads, options)
