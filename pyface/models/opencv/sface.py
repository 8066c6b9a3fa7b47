"""SFace: 128 numbers of a face that is aligned as ArcFace's are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface._embedders import COMPARISONS
from pyface._typing import Embeddings, Points
from pyface.geometry.similarity import fit, points_of
from pyface.geometry.templates import template_points
from pyface.kernels import faces
from pyface.kernels.crops import affine_crops
from pyface.models.network_embedder import NetworkEmbedder
from pyface.models.opencv.yunet import SCHEME
from pyface.models.parallel import for_each
from pyface.types import Landmarks

__all__ = ["SFace"]

_COMPARISON = COMPARISONS["sface"]


class SFace(NetworkEmbedder):
    """Vectors of 128 numbers, not of unit length, compared by cosine distance.

    Its session has one thread, so that each of ``n_threads`` can have a face of its own.
    """

    metric = _COMPARISON.metric
    cluster_threshold = _COMPARISON.cluster_threshold
    pair_threshold = _COMPARISON.pair_threshold
    schemes = (SCHEME,)

    def crop(self, image: Any, landmarks: Landmarks | Points, *, color: str = "rgb") -> NDArray[np.uint8]:
        """Upright crops (n, 112, 112, 3), uint8 RGB, black where they reach beyond the image.

        landmarks : (n, 5, 2) pixels in the order ``arcface-5``: image-left eye, image-right eye, tip of the nose,
            image-left and image-right corner of the mouth; or a :class:`~pyface.types.Landmarks` of it.

        The similarity that brings them nearest to ArcFace's template, then bilinear sampling, as
        :func:`pyface.geometry.align_face` does it. Floats in the image are rounded to bytes. ValueError names the face
        whose points are not finite, beyond 1e7 pixels or all equal.
        """
        points = self._points(landmarks)
        pixels = _check.image(image, color=color)
        _check.warn_of_unit_range(pixels)
        fitted = fit(points, template_points("arcface", self.size), name="landmarks")
        return affine_crops(
            faces.rgb_bytes_of(pixels), fitted.inverse_matrix(), (self.size, self.size), n_threads=self._n_threads,
            instead="crop fewer faces at a time",
        )  # fmt: skip

    def _points(self, landmarks: Landmarks | Points) -> Points:
        points = points_of(self._of_known_scheme(landmarks), "landmarks")
        if points.shape[1:] != (5, 2):
            raise ValueError(f"landmarks must have shape (n, 5, 2), got {points.shape}")
        return points

    def embed(self, crops: Any) -> Embeddings:
        """(n, 128) float32 of crops (n, 112, 112, 3), uint8 or float32 in 0..255, RGB. Floats are rounded to bytes.

        A crop's vector is the same to the last bit whatever else is in the call, and for any number of threads: the
        network sees one crop at a time, and each thread has its own. Where memory is short all go through one thread;
        MemoryError if it is not enough for one crop.
        """
        crops = self._checked(crops)
        _check.warn_of_unit_range(crops, "crops")
        if crops.dtype.type is np.float32:
            crops = np.clip(np.rint(crops), 0, 255).astype(np.uint8)
        out = np.empty((len(crops), self.dimension), np.float32)
        crops = np.ascontiguousarray(crops)

        def embed_one(i: int) -> None:
            out[i] = self._session.run(crops[i : i + 1])[0]

        with _memory.told("to embed faces", "end what else takes memory, or use fewer threads"):
            for_each(embed_one, len(crops), self._n_threads)
        return out
