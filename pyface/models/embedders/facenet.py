"""FaceNet: davidsandberg's networks, and facenet-pytorch's, which are the same ones.

Contract: davidsandberg/facenet, src/facenet.py and src/align; timesler/facenet-pytorch. RGB, 160 x 160.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._embedders import FAMILIES, Comparison
from pyface._typing import Points
from pyface.models.embedders.boxes import BOX_ASPECT, points_in_box
from pyface.models.embedders.network import NetworkOfCrops, OpenGraph, loaded
from pyface.models.embedders.network import why_not as not_vectors
from pyface.models.embedders.normalizations import FACENET
from pyface.models.onnx_file import OnnxFile

__all__ = ["FaceNet", "build", "why_not"]

_SIDE = 160
# Of the box, in pixels of the crop: trained on pictures of 182 x 182 with a margin of 44, of which 160 x 160 were cut.
_BOX = 138


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    return not_vectors(
        file, lambda size: "" if size in (None, _SIDE) else f"its picture has a side of {size}, expected {_SIDE}",
        channels_last=None,
    )  # fmt: skip


class FaceNet(NetworkOfCrops):
    """Crops of 160 x 160, RGB, colours first or last as the file declares; vectors compared by cosine distance.

    The networks were trained on MTCNN's box with a margin, stretched to a square. Here :meth:`crop` has five points, as
    every embedder has, and shows what that box would show: the similarity to where the points lie in a box on average,
    which turns the face upright, then the same stretch. With a box at hand,
    ``pyface.geometry.crop_box(image, box, 160, margin=22)`` is the crop of facenet-pytorch for :meth:`embed`.

    normalization : ``"fixed"``, the default, (x - 127.5) / 128, of the networks of 2018 with 512 numbers and of
        facenet-pytorch; ``"prewhiten"``, each crop less its mean, by its deviation (at least 1 / sqrt(76800)), of the
        older ones with 128 numbers.

    Thresholds are deepface's for these networks, 0.30 for 512 numbers and 0.40 for 128, also of clusters.
    """

    def _maps(self, points: Points) -> NDArray[np.float64]:
        middle = (self.size - 1) / 2
        narrowed = np.array([[BOX_ASPECT, 0, (1 - BOX_ASPECT) * middle], [0, 1, 0], [0, 0, 1]])
        return np.ascontiguousarray(super()._maps(points) @ narrowed)


def _comparison(n: int) -> Comparison:
    return Comparison("cosine", 0.30, 0.30) if n == 512 else FAMILIES["facenet"]


def build(file: OnnxFile, open_graph: OpenGraph, *, normalization: str | None, **about: Any) -> NetworkOfCrops:
    """The embedder of a file that fits; ``open_graph`` makes sessions of a graph."""
    chosen = _check.choice("fixed" if normalization is None else normalization, "normalization", tuple(FACENET))
    return loaded(
        file, open_graph, FaceNet, size=_SIDE, template=points_in_box(_SIDE, _BOX), normalization=chosen,
        table=FACENET[chosen], comparison=_comparison, **about,
    )  # fmt: skip
