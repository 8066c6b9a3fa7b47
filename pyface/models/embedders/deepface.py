"""The networks of deepface, as Keras' converters write them: colours last.

Contract: serengil/deepface, deepface/modules/preprocessing.py, representation.py and config/threshold.py. BGR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._embedders import Comparison
from pyface._typing import Points
from pyface.models.embedders.boxes import BOX_ASPECT, points_in_box
from pyface.models.embedders.network import NetworkOfCrops, OpenGraph, dimension, loaded, side
from pyface.models.embedders.network import why_not as not_vectors
from pyface.models.embedders.normalizations import DEEPFACE
from pyface.models.onnx_file import OnnxFile
from pyface.types import Landmarks

__all__ = ["DeepFace", "build", "why_not"]


@dataclass(frozen=True, slots=True)
class _Network:
    """What is known of deepface's network of this crop, and this length of vectors if there are several."""

    normalization: str
    threshold: float


# By side of the crop, then by the length of the vectors, None for any. Thresholds: config/threshold.py, cosine.
_NETWORKS: dict[int, dict[int | None, _Network]] = {
    224: {None: _Network("base", 0.68)},  # VGG-Face
    160: {128: _Network("Facenet", 0.40), 512: _Network("Facenet2018", 0.30)},  # Facenet, Facenet512
    152: {None: _Network("base", 0.23)},  # DeepFace
    112: {None: _Network("ArcFace", 0.68)},  # ArcFace
    96: {None: _Network("base", 0.10)},  # OpenFace
}


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    return not_vectors(
        file, lambda size: "" if size in _NETWORKS else f"its picture has a side of {size}, expected {_SIDES}",
        channels_last=True,
    )  # fmt: skip


_SIDES = ", ".join(map(str, _NETWORKS))


class DeepFace(NetworkOfCrops):
    """Crops of the size that the file declares, BGR, (batch, rows, columns, 3); vectors compared by cosine distance.

    deepface turns a face until its eyes are level and brings the detector's box into the square with its proportions,
    black on the left and the right. :meth:`crop` does that by five points: the box is where they lie in one on average.

    normalization : by deepface's names, with x in 0..255, colours blue, green, red: ``"base"``, x / 255; ``"raw"``, x;
        ``"Facenet"``, less the crop's mean, by its deviation; ``"Facenet2018"``, x / 127.5 - 1; ``"VGGFace"``, less
        (93.5940, 104.7624, 129.1863); ``"VGGFace2"``, less (91.4953, 103.8827, 131.0912); ``"ArcFace"``,
        (x - 127.5) / 128.

    deepface gives ``"base"`` to each network, whatever it was trained with. Here the default goes by the network,
    which is known by the side of its crop:

    * 224, VGG-Face: ``"base"``, with which deepface's threshold was chosen; ``"VGGFace"`` is what its authors trained
      it with
    * 160, Facenet: ``"Facenet"`` for 128 numbers, ``"Facenet2018"`` for 512
    * 152, DeepFace, and 96, OpenFace: ``"base"``
    * 112, ArcFace: ``"ArcFace"``

    Thresholds are deepface's cosine distances for these networks (0.68, 0.40 and 0.30, 0.23, 0.10, 0.68), also of
    clusters.
    """

    bgr = True

    def crop(self, image: Any, landmarks: Landmarks | Points, *, color: str = "rgb") -> NDArray[np.uint8]:
        """Upright crops (n, size, size, 3), uint8 RGB, of the box alone, black beside it and beyond the image.

        landmarks : as :meth:`AlignedEmbedder.crop` has them, with the same errors.
        """
        crops = super().crop(image, landmarks, color=color)
        width = int(BOX_ASPECT * self.size)
        left = (self.size - width) // 2
        crops[:, :, :left] = 0
        crops[:, :, left + width :] = 0
        return crops


def build(file: OnnxFile, open_graph: OpenGraph, *, normalization: str | None, **about: Any) -> NetworkOfCrops:
    """The embedder of a file that fits; ``open_graph`` makes sessions of a graph."""
    size = side(file, 0)
    networks = _NETWORKS[size]
    if normalization is None:
        known = networks.get(dimension(file)) or networks.get(None)
        if known is None:
            raise ValueError(
                f"{file.name}: normalization must be given where vectors of a crop of {size} x {size} have "
                f"{dimension(file) or 'an undeclared number of'} numbers; one of {', '.join(DEEPFACE)}"
            )
        normalization = known.normalization
    chosen = _check.choice(normalization, "normalization", tuple(DEEPFACE))

    def comparison(n: int) -> Comparison:
        of_it = networks.get(n) or networks.get(None) or networks[128]  # of an unknown one Facenet's, the wider
        return Comparison("cosine", of_it.threshold, of_it.threshold)

    return loaded(
        file, open_graph, DeepFace, size=size, template=points_in_box(size, size), normalization=chosen,
        table=DEEPFACE[chosen], comparison=comparison, **about,
    )  # fmt: skip
