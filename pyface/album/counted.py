"""How many people an album has at other thresholds, as far as somebody has counted, and what that depends on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pyface.album.links import Links
from pyface.album.people import Grouping
from pyface.album.rules import Rules


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Numbers of people by threshold, of the faces and rules that :func:`key_of` was told."""

    key: bytes
    people: dict[float, int]

    def with_others(self, people: dict[float, int]) -> Counted:
        """These counts and others of the same key."""
        return Counted(self.key, {**self.people, **people})


def key_of(
    grouping: Grouping, embedder: tuple[str, float], quality: NDArray[np.float64], rules: Rules, links: Links
) -> bytes:
    """A digest of all that numbers of people depend on, beside the vectors and the threshold."""
    same = replace(grouping, threshold=None, poor_limit=None, doubtful_below=None, stay_limit=None)
    digest = hashlib.sha256(repr((same, embedder)).encode())
    # Names count, as a person who has one is not hidden.
    for part in (
        quality, rules.is_in, rules.must, rules.groups, rules.pairs,
        links.together, links.nobody, links.hidden, links.person,
    ):  # fmt: skip
        digest.update(f"{part.dtype} {part.shape}".encode())
        digest.update(part.tobytes())
    return digest.digest()
