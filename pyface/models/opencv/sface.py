"""SFace: 128 numbers of a face that is aligned as ArcFace's are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._embedders import COMPARISONS
from pyface.geometry.templates import template_points
from pyface.models.embedders.aligned import AlignedEmbedder
from pyface.models.session import Session

__all__ = ["SFace"]

_COMPARISON = COMPARISONS["sface"]


class SFace(AlignedEmbedder):
    """Vectors of 128 numbers, not of unit length, compared by cosine distance; crops of 112 x 112, ArcFace's."""

    metric = _COMPARISON.metric
    cluster_threshold = _COMPARISON.cluster_threshold
    pair_threshold = _COMPARISON.pair_threshold

    def __init__(self, session: Session, *, size: int, **about: Any) -> None:
        # The file says how large its crops are; the template scales with them.
        template = template_points("arcface", 112) * (size / 112)
        super().__init__(session, size=size, template=template, **about)

    def _vectors(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self._session.run(crops)
