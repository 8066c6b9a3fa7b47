"""From the weight file to the model, through the cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyface.models import building
from pyface.models.base import NO_OPTIONS, Model, Options
from pyface.models.mtcnn.onet import ONet
from pyface.models.mtcnn.onet_graph import onet_graph
from pyface.models.mtcnn.weights import read_arrays
from pyface.models.session import Session
from pyface.models.store import Weights

__all__ = ["FAMILIES", "OPTIONS", "build", "prepare"]

GRAPH_VERSION = 1
# Raise it whenever the same weights begin to give other results, in a kernel or here.
CODE_VERSION = 1
FAMILIES = ("onet",)
OPTIONS: dict[str, frozenset[str]] = {}


def _cached(source: Weights) -> tuple[bytes, Path | None]:
    return building.cached("onet", GRAPH_VERSION, source, lambda data, name: onet_graph(read_arrays(data, name), name))


def prepare(family: str, source: Weights) -> Path | None:
    """Fill the cache; the path in it, or None if it cannot be written."""
    del family  # there is one
    return _cached(source)[1]


def build(
    family: str,
    source: Weights,
    *,
    providers: Sequence[Any] | str | None = None,
    n_threads: int | None = None,
    options: Options = NO_OPTIONS,
) -> Model:
    """The model of these weights."""
    graph, _ = _cached(source)
    about = building.about(family, source, GRAPH_VERSION, CODE_VERSION, options)
    # Too small for several threads to gain on it.
    session = Session(graph, name=source.name, providers=providers, n_threads=1)
    return building.with_origin(ONet(session, **about, n_threads=n_threads), source, providers, n_threads, options)
