"""OpenVINO's face-reidentification-retail-0095: 256 numbers of a crop of 128 x 128.

Contract: openvinotoolkit/open_model_zoo, models/intel/face-reidentification-retail-0095. BGR, 0..255.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pyface._embedders import FAMILIES
from pyface.models.embedders.network import NetworkOfCrops, OpenGraph, dimension, loaded
from pyface.models.embedders.network import why_not as not_vectors
from pyface.models.embedders.normalizations import ARCFACE
from pyface.models.onnx_file import OnnxFile

__all__ = ["Omz0095", "build", "why_not"]

_SIDE, _DIMENSION = 128, 256
# Eyes, tip of the nose and corners of the mouth, left ones of the image first, in parts of the crop.
_TEMPLATE = np.array(
    [
        (0.31556875, 0.46157411), (0.68262292, 0.46157411), (0.50026249, 0.64050536), (0.34947187, 0.82469196),
        (0.65343646, 0.82469196),
    ]
)  # fmt: skip


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    reason = not_vectors(file, lambda size: "" if size in (None, _SIDE) else f"its picture has a side of {size}")
    if not reason and dimension(file) not in (None, _DIMENSION):
        return f"its vectors have {dimension(file)} numbers, expected {_DIMENSION}"
    return reason


class Omz0095(NetworkOfCrops):
    """Vectors of 256 numbers, not of unit length, compared by cosine distance; crops of 128 x 128 by its own template.

    Thresholds were chosen on one half of the people of 939 photos of LFW, with SCRFD's points: BCubed F 0.990 to 0.997
    on the other half, for five ways to halve them; of a thousand pairs of strangers one is nearer than 0.66.
    """

    bgr = True


def build(file: OnnxFile, open_graph: OpenGraph, **about: Any) -> NetworkOfCrops:
    """The embedder of a file that fits; ``open_graph`` makes sessions of a graph."""
    return loaded(
        file, open_graph, Omz0095, size=_SIDE, template=_SIDE * _TEMPLATE, normalization="raw", table=ARCFACE["raw"],
        comparison=lambda n: FAMILIES["omz_0095"], **about,
    )  # fmt: skip
