"""Galleries of the people of an album."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from pyface.album.names import persons_of
from pyface.gallery._whose import comparison

if TYPE_CHECKING:
    from pyface.album.album import Album
    from pyface.gallery._gallery import Gallery

_Gallery = TypeVar("_Gallery", bound="Gallery")
_ROLES = ("detector", "landmarks", "embedder")


def named_people(album: Album) -> list[tuple[str, NDArray[np.int64]]]:
    """Name and face_ids of everybody who has a name, by name; hidden faces are left out."""
    who = np.where(album.hidden, -1, persons_of(album))
    people = [np.flatnonzero(who == person) for person in np.unique(who[who >= 0])]
    people.sort(key=lambda faces: (album.persons[faces[0]], int(album.labels[faces].min()), int(faces[0])))
    return [(album.persons[faces[0]], faces) for faces in people]


def of_album(
    cls: type[_Gallery],
    album: Album,
    people: Sequence[tuple[str, NDArray[np.int64]]],
    *,
    rule: str = "nearest",
    votes: int = 2,
    n_threads: int | None = None,
) -> _Gallery:
    """A gallery of these people, name and face_ids; of one name the second is ``name~2``."""
    if not people:
        raise ValueError("album: nobody has a name; give some with 'pyface name' or Album.name")
    settings = album.settings
    embedder, family = str(settings["embedder"]), settings.get("embedder_family")
    known = comparison(embedder) or (comparison(family) if family else None)
    gallery = cls(
        embedder,
        metric=str(settings["metric"]),
        threshold=known[1] if known is not None and known[0] == settings["metric"] else None,
        rule=rule,
        votes=votes,
        n_threads=n_threads,
    )
    gallery.embedder_digest = album.models.get(embedder)
    keys = [*_ROLES, *(f"{role}_family" for role in _ROLES)]
    gallery.models = {key: settings[key] for key in keys if isinstance(settings.get(key), str)}
    taken: set[str] = set()
    for name, faces in people:
        free, number = name, 1
        while free in taken:
            number += 1
            free = f"{name}~{number}"
        taken.add(free)
        gallery.enroll(free, album.embeddings[faces])
    if album._basis is not None:
        gallery._sources.append(album._basis.journal.note_export)
    return gallery
