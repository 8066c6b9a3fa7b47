"""The photos and faces of an album."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Boxes, Embeddings
from pyface.types import Face


@dataclass(frozen=True, slots=True)
class PhotoInfo:
    """A photo that was read: its name (path relative to the folder, with ``/``) and its upright size in pixels."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class AlbumFace:
    """One face of an album: which photo it is in, its place among that photo's faces, and the face itself."""

    photo: str
    position: int
    face: Face


class AlbumFaces(Sequence[AlbumFace]):
    """The faces of an album, in face_id order. Each is made when it is first asked for.

    photos, positions, boxes, scores : one column each, (n,) or (n, 4), for whoever goes through all of them.
    """

    def __init__(
        self,
        photos: Sequence[str],
        positions: Sequence[int],
        boxes: Boxes,
        scores: NDArray[np.float64],
        landmarks: Sequence[NDArray[np.float64]],
        schemes: Sequence[str],
        embeddings: Embeddings,
    ) -> None:
        self.photos, self.positions, self.boxes, self.scores = photos, positions, boxes, scores
        self._landmarks, self._schemes, self._embeddings = landmarks, schemes, embeddings
        self._made: dict[int, AlbumFace] = {}

    def __len__(self) -> int:
        return len(self.photos)

    @overload
    def __getitem__(self, index: int) -> AlbumFace: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[AlbumFace, ...]: ...
    def __getitem__(self, index: int | slice) -> AlbumFace | tuple[AlbumFace, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        i = range(len(self))[index]
        if i not in self._made:
            face = Face(
                self.boxes[i], float(self.scores[i]), self._landmarks[i], self._schemes[i], self._embeddings[i]
            )  # fmt: skip
            self._made[i] = AlbumFace(self.photos[i], self.positions[i], face)
        return self._made[i]

    def keys(self) -> list[tuple[str, int]]:
        """(photo, position) of all."""
        return list(zip(self.photos, self.positions, strict=True))

    def __repr__(self) -> str:
        return f"AlbumFaces({len(self):,} faces)"
