"""How faces stand, as bytes for the record of work, so that the next process need not look at all pairs again."""

from __future__ import annotations

import io
import logging
from zipfile import BadZipFile

import numpy as np

from pyface.album.close_calls import Distances
from pyface.album.counted import Counted
from pyface.album.founded import Founded
from pyface.album.near import of_different
from pyface.album.poor_faces import NearPeople
from pyface.album.rules import Rules
from pyface.album.space import Near, Space
from pyface.album.standing import Standing
from pyface.kernels.fingerprint import fingerprint
from pyface.kernels.linkage_below import Joints

logger = logging.getLogger(__name__)

# Counts up when what is kept, or the distances that it is made of, are other ones.
_VERSION = 1


def key_of(space: Space) -> str:
    """What the vectors are and how they are compared: what is kept holds for no others."""
    bits = fingerprint(space.embeddings, n_threads=space.n_threads)
    n, d = space.embeddings.shape
    return f"{_VERSION} {space.metric} {n} x {d} {space.embeddings.dtype} {bits:016x}"


def to_bytes(standing: Standing, counted: Counted | None = None) -> bytes | None:
    """The file of arrays; None where there is nothing worth keeping."""
    near = of_different(standing.near, standing.spots)
    if near is None:
        return None
    founded, rules = standing.founded, standing.founded.rules
    counts = Counted(b"", {}) if counted is None else counted
    data = io.BytesIO()
    np.savez(
        data, limits=np.array([standing.threshold, standing.poor_limit]), low=standing.low, is_in=rules.is_in,
        must=rules.must, groups=rules.groups, apart=rules.pairs, joints=founded.joints.pairs,
        heights=founded.joints.heights, founders=founded.people, stay=standing.stay,
        settled=standing.settled, people=standing.people, spots=standing.spots,
        set_aside=standing.set_aside,
        poor_faces=standing.near_poor.faces, poor_people=standing.near_poor.people,
        poor_distances=standing.near_poor.distances, near=near.pairs, lengths=near.lengths,
        own=standing.distances.own, faces=standing.distances.faces, others=standing.distances.people,
        distances=standing.distances.others,
        counted=np.frombuffer(counts.key, np.uint8), counted_at=np.array(list(counts.people), np.float64),
        counts=np.array(list(counts.people.values()), np.int64),
    )  # fmt: skip
    return data.getvalue()


def from_bytes(data: bytes) -> tuple[Standing, Counted | None] | None:
    """What :func:`to_bytes` was given; None for bytes that it did not write."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            threshold, poor_limit = kept["limits"].tolist()
            rules = Rules(kept["is_in"], kept["must"], kept["groups"], kept["apart"])
            standing = Standing(
                threshold,
                poor_limit,
                kept["low"],
                Founded(threshold, rules, Joints(kept["joints"], kept["heights"]), kept["founders"]),
                kept["stay"],
                kept["settled"],
                NearPeople(kept["poor_faces"], kept["poor_people"], kept["poor_distances"]),
                kept["people"],
                kept["spots"],
                kept["set_aside"],
                Near(kept["near"], kept["lengths"]),
                Distances(kept["own"], kept["faces"], kept["others"], kept["distances"]),
            )
            if "counted" not in kept.files or not len(kept["counted"]):  # nobody has counted, or could
                return standing, None
            people = dict(zip(kept["counted_at"].tolist(), kept["counts"].tolist(), strict=True))
            return standing, Counted(kept["counted"].tobytes(), people)
    except (ValueError, OSError, KeyError, EOFError, BadZipFile) as error:
        logger.debug("what was kept of the last run is not used: %s", error)
        return None
