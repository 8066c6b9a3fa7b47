"""What embedders share that are one network on aligned crops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import Embeddings, Points
from pyface.errors import ModelFileError
from pyface.models.base import Embedder
from pyface.models.session import Session
from pyface.types import Landmarks

__all__ = ["NetworkEmbedder"]


class NetworkEmbedder(Embedder):
    """An embedder that holds its network, and the checks of what it is given."""

    def __init__(
        self,
        session: Session,
        *,
        name: str,
        family: str,
        digest: str,
        size: int,
        dimension: int,
        n_threads: int | None = None,
    ) -> None:
        self.name, self.family, self.digest = name, family, digest
        self.size, self.dimension = size, dimension
        self._session, self._n_threads = session, n_threads

    def _of_known_scheme(self, landmarks: Landmarks | Points) -> Any:
        """The points, their values not looked at. ValueError for those of a scheme that faces are not aligned by."""
        if not isinstance(landmarks, Landmarks):
            return landmarks
        if landmarks.scheme not in self.schemes:
            raise ValueError(
                f"landmarks are of the scheme {landmarks.scheme!r}; {self.name} is aligned by "
                f"{' or '.join(self.schemes)}"
            )
        return landmarks.points

    def _checked(self, crops: Any) -> NDArray[Any]:
        """Crops (n, size, size, 3) that are uint8, or finite float32. TypeError or ValueError for others."""
        _check.require_array(crops, "crops", (np.uint8, np.float32), "uint8 or float32")
        if crops.shape[1:] != (self.size, self.size, 3):
            raise ValueError(f"crops must have shape (n, {self.size}, {self.size}, 3), got {crops.shape}")
        if crops.dtype.type is np.float32 and not np.isfinite(crops).all():
            raise ValueError("crops hold NaN or infinite values")
        checked: NDArray[Any] = crops
        return checked

    def _finite(self, vectors: Embeddings) -> Embeddings:
        """The vectors. ModelFileError if one holds NaN or an infinite number, which would pass for a stranger's."""
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if bad.size:
            raise ModelFileError(
                f"{self.name} gives NaN or infinite values for crop {bad[0]}: its weights are damaged, or too large "
                "for the numbers it computes with"
            )
        return vectors
