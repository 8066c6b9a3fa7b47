"""What a gallery answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Identified:
    """Who faces are.

    names : for each face the nearest name, None where even that is farther than the threshold.
    candidates : for each face the k nearest names, the nearest first, also those beyond the threshold.
    distances : (m, k) float64, of the candidates.     threshold : what was within it has a name.
    """

    names: tuple[str | None, ...]
    candidates: tuple[tuple[str, ...], ...]
    distances: NDArray[np.float64]
    threshold: float

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether a face is somebody's: its distance to the name, in float64, is at most the threshold."""

    is_same: bool
    distance: float
    threshold: float
