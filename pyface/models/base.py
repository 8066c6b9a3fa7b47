"""What every model of a task offers, whatever its family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings, Points
from pyface.errors import ModelFileError
from pyface.models.images import Batch
from pyface.types import Detections, Landmarks

__all__ = ["NO_OPTIONS", "Detector", "Embedder", "Landmarker", "Model", "Options", "Origin"]


@dataclass(frozen=True, slots=True)
class Options:
    """What some families can be told and others not; None is what the family, or the catalog, has.

    input_size : (width, height) of the picture that a detector's network sees.
    normalization : how an embedder's network wants its numbers.
    flip : whether vectors are the means of a crop's and its mirror image's.
    """

    input_size: tuple[int, int] | None = None
    normalization: str | None = None
    flip: bool | None = None

    def given(self) -> dict[str, Any]:
        """Those that are not None."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class Origin:
    """What :func:`pyface.models.load` was given for a model; a path is absolute."""

    name_or_path: str
    family: str
    providers: Sequence[Any] | str | None
    n_threads: int | None
    options: Options = NO_OPTIONS


class Model(ABC):
    """A loaded model. Immutable: any number of threads may call it at once.

    A pickle of one that :func:`pyface.models.load` made holds its name or path, not its weights: it is loaded again
    where the pickle is read, with the same arguments. ModelFileError if the weights or the code there are others.
    A copy is the model itself. After a fork parent and child may go on to use it.
    """

    name: str
    """Catalog name, or the path it was loaded from."""
    family: str
    """The code that runs it, e.g. ``"dlib_mmod"``."""
    digest: str
    """Hex digest of weights and code version together: results with equal digests may be cached as equal."""

    origin: Origin | None = None
    """Where it was loaded from; None for one made otherwise, which is pickled as any object is."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        if self.origin is None:
            return super().__reduce_ex__(protocol)
        return _loaded_again, (self.origin, self.name, self.digest)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.digest[:12]}>"


class Detector(Model):
    """Finds the faces of an image."""

    scheme: str | None = None
    """Order of the points that it gives with each face, ``"arcface-5"``; None if it gives none."""
    smallest_face: float
    """Side in pixels of the smallest face that is found reliably, in the image as given."""
    largest_face: float | None = None
    """Side in pixels of the largest one; None where only the image sets a limit."""
    input_side: int | None = None
    """Longer side of the picture that the network sees, if images are shrunk or enlarged to it; None if they are seen
    as they are. ``smallest_face`` and ``largest_face`` are then in pixels of that picture.
    """
    upright_score: float | None = None
    """A score that most upright faces reach, and hardly any that are tilted by 60 degrees or more; their own is highest
    upright. Of a face with a lower one it is looked at which way is up. None if there is none such, or it is not known.
    """

    @abstractmethod
    def detect(self, image: Any, *, threshold: float | None = None, color: str = "rgb") -> Detections:
        """The faces of one image, best first; boxes in its pixels, possibly beyond its borders.

        image : (h, w, 3) or grey (h, w), uint8 or float32 in 0..255; ``color`` is ``"rgb"`` or ``"bgr"``. Of floats
            that are all within 0..1, which is black, a warning tells.
        threshold : scores must be greater; ``None`` is the model's own.
        """

    def detect_many(
        self, images: Iterable[Any], *, threshold: float | None = None, color: str = "rgb"
    ) -> list[Detections]:
        """:meth:`detect` for each image, in order. The images may differ in size.

        If some are no images, the others are searched all the same; then a BatchError names the first one, and has what
        was found as ``results``.
        """
        batch = Batch(images, color)
        return batch.of_all([self.detect(image, threshold=threshold) for image in batch.images])


class Landmarker(Model):
    """Finds points of faces whose boxes are known."""

    scheme: str
    """Name of the order of the points, e.g. ``"dlib-5"``."""

    @abstractmethod
    def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
        """Points (n, k, 2) of the faces in ``boxes`` (n, 4), x1 y1 x2 y2, in the pixels of the image."""


class Embedder(Model):
    """Turns faces into vectors."""

    dimension: int
    size: int
    """Side of a crop in pixels."""
    metric: str
    """``"cosine"``, ``"euclidean"`` or ``"sqeuclidean"``: how its vectors are compared."""
    cluster_threshold: float
    """Height, in ``metric``, at which average linkage is cut."""
    pair_threshold: float
    """Two faces nearer than this, in ``metric``, are taken for one person."""
    schemes: tuple[str, ...]
    """Landmark orders that :meth:`crop` accepts, the recommended one first."""

    @abstractmethod
    def crop(self, image: Any, landmarks: Landmarks | Points, *, color: str = "rgb") -> NDArray[np.uint8]:
        """Aligned crops (n, size, size, 3), uint8 RGB, one for each face of ``landmarks`` (n, k, 2)."""

    @abstractmethod
    def embed(self, crops: Any) -> Embeddings:
        """(n, d) float32, as the network gives them, of crops (n, size, size, 3), uint8 or float32 in 0..255, RGB.

        The vector of a crop does not depend on the others of the call.
        """


def _loaded_again(origin: Origin, name: str, digest: str) -> Any:
    """The model of a pickle."""
    from pyface.models.catalog import load

    options = origin.options.given()
    model = load(origin.name_or_path, origin.family, origin.providers, n_threads=origin.n_threads, **options)
    if model.digest != digest:
        raise ModelFileError(
            f"{name}: the weights here, or this version of pyface, are not those of the pickled model; load it "
            "where it is used"
        )
    model.name = name  # a path as it was given
    return model
