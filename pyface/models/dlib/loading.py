"""From a weight file to a model, through the cache."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError
from pyface.kernels.faces import RegressionTrees
from pyface.models import building
from pyface.models.base import NO_OPTIONS, Model, Options
from pyface.models.dlib import graphs, reader
from pyface.models.dlib.detector import DlibMmod
from pyface.models.dlib.embedder import DlibResnet
from pyface.models.dlib.landmarks import DlibLandmarks
from pyface.models.session import Session
from pyface.models.store import Weights

__all__ = ["FAMILIES", "OPTIONS", "build", "prepare"]

# Raise it whenever the same weights begin to give other results, in a kernel or here.
CODE_VERSION = 1


def _pack(arrays: dict[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _unpack(data: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _make_network(kind: str) -> Callable[[bytes, str], bytes]:
    """Bytes to cache: a line of JSON with what the code around the graph must know, then the graph."""

    def make(data: bytes, name: str) -> bytes:
        network = reader.read_network(data, name)
        if network.input.kind != kind:
            raise ModelFileError(f"{name} is a network of another kind: its input layer is {network.input.kind!r}")
        graph = (graphs.detector_graph if kind == "input_rgb_image_pyramid" else graphs.embedder_graph)(network)
        facts = {
            **{k: np.asarray(v).tolist() for k, v in network.input.values.items()},
            **{k: np.asarray(v).tolist() for k, v in network.loss.values.items()},
        }
        return json.dumps(facts).encode() + b"\n" + graph

    return make


def _make_trees(n_points: int) -> Callable[[bytes, str], bytes]:
    def make(data: bytes, name: str) -> bytes:
        arrays = reader.read_shape_predictor(data, name)
        if len(arrays["initial_shape"]) != n_points:
            raise ModelFileError(f"{name} predicts {len(arrays['initial_shape'])} points, expected {n_points}")
        return _pack(arrays)

    return make


_MAKERS: dict[str, Callable[[bytes, str], bytes]] = {
    "dlib_mmod": _make_network("input_rgb_image_pyramid"),
    "dlib_5": _make_trees(5),
    "dlib_68": _make_trees(68),
    "dlib_resnet": _make_network("input_rgb_image_sized"),
}
FAMILIES = tuple(_MAKERS)
OPTIONS: dict[str, frozenset[str]] = {}


def _cached(family: str, source: Weights) -> tuple[bytes, Path | None]:
    return building.cached(family, graphs.GRAPH_VERSION, source, _MAKERS[family])


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
    content, _ = _cached(family, source)
    about = building.about(family, source, graphs.GRAPH_VERSION, CODE_VERSION, options)
    model: Model
    if family in ("dlib_5", "dlib_68"):
        model = DlibLandmarks(RegressionTrees(_unpack(content)), **about, n_threads=n_threads)
    else:
        line, graph = content.split(b"\n", 1)
        facts = json.loads(line)
        session = Session(graph, name=source.name, providers=providers, n_threads=n_threads)
        if family == "dlib_mmod":
            red, green, blue = facts["mean"]
            model = DlibMmod(session, **about, mean=(red, green, blue), nms_overlap=facts["nms_overlap"])
        else:
            (size, _), dimension = facts["size"], session.output_shape[1]
            model = DlibResnet(session, **about, size=size, dimension=dimension, n_threads=n_threads)
    return building.with_origin(model, source, providers, n_threads, options)
