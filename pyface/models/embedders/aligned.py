"""What embedders share that see a face through its five points, one crop at a time."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface._typing import Embeddings, Points
from pyface.geometry.similarity import fit, points_of
from pyface.kernels import faces
from pyface.kernels.crops import affine_crops
from pyface.models.network_embedder import NetworkEmbedder
from pyface.models.parallel import for_each
from pyface.models.session import Session
from pyface.types import Landmarks

__all__ = ["FIVE_POINTS", "AlignedEmbedder"]

FIVE_POINTS = "arcface-5"
# Crops at once where a processor of another kind computes: it has more units than one crop keeps busy.
_BATCH = 32


class AlignedEmbedder(NetworkEmbedder):
    """An embedder of crops in which the five points lie where a template (5, 2) has them, in pixels of the crop.

    Its session has one thread, so that each of ``n_threads`` can have a face of its own.

    flip : a vector is the mean of the crop's and its mirror image's, both as the network gives them, not scaled to
        unit length before: by cosine it compares as their sum does. Twice the time.
    batches : whether the network takes several crops at once; they are used where the processor is not the CPU.
    """

    schemes = (FIVE_POINTS,)

    def __init__(
        self,
        session: Session,
        *,
        template: Points,
        flip: bool | None = None,
        batches: bool = True,
        **about: Any,
    ) -> None:
        super().__init__(session, **about)
        self.flip = bool(flip)
        self._template = template
        self._at_once = 1 if session.is_on_cpu or not batches else _BATCH

    @abstractmethod
    def _vectors(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, d) of crops (n, size, size, 3), RGB, that go through the network together."""

    def crop(self, image: Any, landmarks: Landmarks | Points, *, color: str = "rgb") -> NDArray[np.uint8]:
        """Upright crops (n, size, size, 3), uint8 RGB, black where they reach beyond the image.

        landmarks : (n, 5, 2) pixels in the order ``arcface-5``: image-left eye, image-right eye, tip of the nose,
            image-left and image-right corner of the mouth; or a :class:`~pyface.types.Landmarks` of it.

        The similarity that brings them nearest to the template of the class, then bilinear sampling, as
        :func:`pyface.geometry.align_face` does it. Floats in the image are rounded to bytes. ValueError names the face
        whose points are not finite, beyond 1e7 pixels or all equal.
        """
        points = points_of(self._of_known_scheme(landmarks), "landmarks")
        if points.shape[1:] != (5, 2):
            raise ValueError(f"landmarks must have shape (n, 5, 2), got {points.shape}")
        pixels = _check.image(image, color=color)
        _check.warn_of_unit_range(pixels)
        return affine_crops(
            faces.rgb_bytes_of(pixels), self._maps(points), (self.size, self.size), n_threads=self._n_threads,
            instead="crop fewer faces at a time",
        )  # fmt: skip

    def _maps(self, points: Points) -> NDArray[np.float64]:
        """(n, 2, 3) from pixels of each crop to pixels of the image."""
        return fit(points, self._template, name="landmarks").inverse_matrix()

    def embed(self, crops: Any) -> Embeddings:
        """(n, d) float32 of crops (n, size, size, 3), uint8 or float32 in 0..255, RGB. Floats are rounded to bytes.

        On the CPU a crop's vector is the same to the last bit whatever else is in the call, and for any number of
        threads: the network sees one crop at a time, and each thread has its own. With other providers up to 32 go in
        together, if the network takes them, and the last digits may depend on how many there are. Where memory is short
        they go one by one; MemoryError if it is not enough for one crop. ModelFileError if the network gives NaN or
        infinite numbers.
        """
        crops = self._checked(crops)
        _check.warn_of_unit_range(crops, "crops")
        if crops.dtype.type is np.float32:
            crops = np.clip(np.rint(crops), 0, 255).astype(np.uint8)
        out = np.empty((len(crops), self.dimension), np.float32)
        crops = np.ascontiguousarray(crops)

        def embed_some(begin: int, end: int) -> None:
            vectors = self._vectors(crops[begin:end])
            if self.flip:
                mirrored = np.ascontiguousarray(crops[begin:end, :, ::-1])
                vectors = (vectors + self._vectors(mirrored)) * np.float32(0.5)
            out[begin:end] = vectors

        step = self._at_once
        with _memory.told("to embed faces", "end what else takes memory, or use fewer threads"):
            if step == 1:
                for_each(lambda i: embed_some(i, i + 1), len(crops), self._n_threads)
                return self._finite(out)
            for begin in range(0, len(crops), step):
                end = min(begin + step, len(crops))
                try:
                    embed_some(begin, end)
                except MemoryError:
                    for i in range(begin, end):
                        embed_some(i, i + 1)
        return self._finite(out)
