"""dlib's 128-d face embedder (a residual network of 29 layers) and the crop it was trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface._embedders import COMPARISONS
from pyface._typing import Embeddings, Points
from pyface.geometry.templates import UNIT_DLIB_5
from pyface.kernels import faces
from pyface.models.dlib.landmarks import SCHEMES
from pyface.models.network_embedder import NetworkEmbedder
from pyface.types import Landmarks

__all__ = ["DlibResnet"]

PADDING = 0.25
BATCH = 32  # more is not faster, and inner activations take about 3 MB a face

# Where the landmarks stand in a unit square that the crop shows with PADDING around it.
TEMPLATE_5 = UNIT_DLIB_5
# Of the 68: bridge and tip of the nose, eyes, outer lip, and the upper inner lip. Brows and jaw move too much.
CHOSEN_68 = np.r_[27:55, 60:65]
TEMPLATE_68 = np.array(
    [
        (0.490127, 0.203352), (0.490127, 0.307009), (0.490127, 0.409805), (0.490127, 0.515625), (0.36688, 0.587326),
        (0.426036, 0.609345), (0.490127, 0.628106), (0.554217, 0.609345), (0.613373, 0.587326), (0.121737, 0.216423),
        (0.187122, 0.178758), (0.265825, 0.179852), (0.334606, 0.231733), (0.260918, 0.245099), (0.182743, 0.244077),
        (0.645647, 0.231733), (0.714428, 0.179852), (0.793132, 0.178758), (0.858516, 0.216423), (0.79751, 0.244077),
        (0.719335, 0.245099), (0.254149, 0.780233), (0.340985, 0.745405), (0.428858, 0.727388), (0.490127, 0.742578),
        (0.551395, 0.727388), (0.639268, 0.745405), (0.726104, 0.780233), (0.290379, 0.784792), (0.428096, 0.778746),
        (0.490127, 0.785343), (0.552157, 0.778746), (0.689874, 0.784792),
    ]
)  # fmt: skip


_COMPARISON = COMPARISONS["dlib-resnet"]


class DlibResnet(NetworkEmbedder):
    """Vectors of 128 numbers, not of unit length, compared by (squared) Euclidean distance."""

    metric = _COMPARISON.metric
    cluster_threshold = _COMPARISON.cluster_threshold
    pair_threshold = _COMPARISON.pair_threshold
    schemes = ("dlib-5", "dlib-68")

    def crop(self, image: Any, landmarks: Landmarks | Points, *, color: str = "rgb") -> NDArray[np.uint8]:
        """Upright crops (n, 150, 150, 3), uint8 RGB, black where they reach beyond the image.

        landmarks : (n, 5, 2) or (n, 68, 2) pixels in the orders ``dlib-5`` or ``dlib-68``, or a
            :class:`~pyface.types.Landmarks` of one of them. Points of other detectors do not fit: these five are
            corners of the eyes, not their centres.
        """
        points = self._points(landmarks)
        template = TEMPLATE_5
        if points.shape[1] == 68:
            points, template = points[:, CHOSEN_68], TEMPLATE_68
        pixels = _check.image(image, color=color)
        _check.warn_of_unit_range(pixels)
        return faces.face_chips(faces.bytes_of(pixels), points, template, self.size, PADDING, n_threads=self._n_threads)

    def _points(self, landmarks: Landmarks | Points) -> Points:
        points = _check.numbers(self._of_known_scheme(landmarks), "landmarks", "(n, k, 2)")
        if points.ndim != 3 or points.shape[1] not in SCHEMES or points.shape[2] != 2:
            raise ValueError(f"landmarks must have shape (n, 5, 2) or (n, 68, 2), got {points.shape}")
        return points

    def embed(self, crops: Any) -> Embeddings:
        """(n, 128) float32 of crops (n, 150, 150, 3), uint8 or float32 in 0..255, RGB.

        A crop's vector is the same to the last bit whatever batch it is in. Where memory is short batches are halved;
        MemoryError if it is not enough for one crop.
        """
        crops = self._checked(crops)
        _check.warn_of_unit_range(crops, "crops")
        out = np.empty((len(crops), self.dimension), np.float32)
        for begin in range(0, len(crops), BATCH):
            with _memory.told("to embed faces", "end what else takes memory, or use fewer threads"):
                out[begin : begin + BATCH] = self._embedded(crops[begin : begin + BATCH])
        return self._finite(out)

    def _embedded(self, crops: NDArray[Any]) -> Embeddings:
        try:
            return self._session.run(np.ascontiguousarray(crops, dtype=np.float32))
        except MemoryError:
            if len(crops) == 1:
                raise
        # Not in the handler: until it ends, the error holds what the failed run held.
        half = len(crops) // 2
        return np.concatenate([self._embedded(crops[:half]), self._embedded(crops[half:])])
