"""AdaFace: ArcFace's crop with its colours in the other order.

Contract: mk-minchul/AdaFace, inference.py. BGR, (x - 127.5) / 127.5.
"""

from __future__ import annotations

from typing import Any

from pyface.models.embedders import arcface
from pyface.models.embedders.network import NetworkOfCrops, OpenGraph
from pyface.models.embedders.network import why_not as not_vectors
from pyface.models.onnx_file import OnnxFile

__all__ = ["AdaFace", "build", "why_not"]


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing. Its second output, the vector's length, may be there."""
    return not_vectors(file, arcface.side_misfit, has_norm=True)


class AdaFace(NetworkOfCrops):
    """:class:`~pyface.models.embedders.arcface.ArcFace` but for the order of the colours, BGR; the same options.

    Its authors publish no thresholds for clusters: ArcFace's are taken, for crop, loss and data are of one kind.
    """

    bgr = True


def build(file: OnnxFile, open_graph: OpenGraph, **about: Any) -> NetworkOfCrops:
    """The embedder of a file that fits; ``open_graph`` makes sessions of a graph."""
    return arcface.build(file, open_graph, make=AdaFace, **about)
