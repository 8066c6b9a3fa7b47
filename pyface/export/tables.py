"""Albums as tables for other programs: faces, photos and people, as CSV or as one JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from pyface import __version__
from pyface.album.album import Album
from pyface.album.outputs import box_and_score, csv_bytes
from pyface.export.people import Selected
from pyface.export.regions import relative_box
from pyface.photos.names import as_utf8

FACES, PHOTOS, PEOPLE, JSON = "faces.csv", "photos.csv", "people.csv", "album.json"
_FACE_COLUMNS = (
    "face_id", "photo", "x1", "y1", "x2", "y2", "score", "rel_x1", "rel_y1", "rel_x2", "rel_y2", "quality", "cluster",
    "person", "state",
)  # fmt: skip
_PHOTO_COLUMNS = ("photo", "width", "height", "faces", "people")
_PEOPLE_COLUMNS = ("cluster", "person", "faces", "photos")
_BETWEEN = "|"  # several names in one cell


def csv_files(album: Album, selected: Selected) -> dict[str, bytes]:
    """``faces.csv``, ``photos.csv`` and ``people.csv`` of the faces that are exported.

    Boxes are in pixels of the upright photo, and as shares of its width and height (``rel_``, 6 decimals). Photos
    without such a face are listed, too. A person is a line of ``people.csv``, with the lowest number of its clusters;
    several people of a photo are separated by ``|``, those without a name as ``person-0003``.
    """
    faces, sizes, states = selected.faces, _sizes(album), album.states
    face_rows = []
    for i in faces.tolist():
        entry = album.faces[i]
        relative = [f"{value:.6f}" for value in relative_box(entry.face.box, *sizes[entry.photo])]
        face_rows.append(
            [i, entry.photo, *box_and_score(entry.face), *relative, f"{album.quality[i]:.3f}",
             int(album.labels[i]), album.persons[i], states[i]]
        )  # fmt: skip
    photos = _photos(album, selected)
    photo_rows = [
        [photo.name, photo.width, photo.height, len(photos[photo.name]), _BETWEEN.join(_called(photos[photo.name]))]
        for photo in album.photos
    ]
    people_rows = [
        [person.number, person.name, len(person.faces), len({album.faces[i].photo for i in person.faces})]
        for person in selected.people
    ]
    return {
        FACES: csv_bytes(_FACE_COLUMNS, face_rows),
        PHOTOS: csv_bytes(_PHOTO_COLUMNS, photo_rows),
        PEOPLE: csv_bytes(_PEOPLE_COLUMNS, people_rows),
    }


def json_file(album: Album, selected: Selected) -> dict[str, bytes]:
    """``album.json``: ``faces``, ``photos`` and ``people``, each a list, with what the CSV files have."""
    sizes, states, photos = _sizes(album), album.states, _photos(album, selected)
    described: dict[str, Any] = {
        "generator": "pyface",
        "version": __version__,
        "title": as_utf8(album.title),
        "people": [
            {
                "cluster": person.number,
                "person": person.name or None,
                "faces": person.faces.tolist(),
                "photos": list(dict.fromkeys(as_utf8(album.faces[i].photo) for i in person.faces)),
            }
            for person in selected.people
        ],
        "photos": [
            {
                "photo": as_utf8(photo.name),
                "width": photo.width,
                "height": photo.height,
                "faces": [i for i, _ in photos[photo.name]],
                "people": _called(photos[photo.name]),
            }
            for photo in album.photos
        ],
        "faces": [
            {
                "face_id": i,
                "photo": as_utf8(album.faces[i].photo),
                "box": np.round(album.faces[i].face.box, 2).tolist(),
                "relative_box": np.round(
                    relative_box(album.faces[i].face.box, *sizes[album.faces[i].photo]), 6
                ).tolist(),
                "score": round(float(album.faces[i].face.score), 4),
                "quality": round(float(album.quality[i]), 3),
                "cluster": int(album.labels[i]),
                "person": album.persons[i] or None,
                "state": states[i],
            }
            for i in selected.faces.tolist()
        ],
    }
    # ASCII, as in summary.json: a name that is no valid UTF-8 survives as an escaped surrogate.
    return {JSON: json.dumps(described, indent=1, ensure_ascii=True).encode("ascii") + b"\n"}


def _sizes(album: Album) -> dict[str, tuple[int, int]]:
    return {photo.name: (photo.width, photo.height) for photo in album.photos}


def _photos(album: Album, selected: Selected) -> dict[str, list[tuple[int, str]]]:
    """Photo -> face_id and what its person is called, in face_id order; "" for faces that were set aside."""
    called = {int(i): person.called for person in selected.people for i in person.faces}
    photos: dict[str, list[tuple[int, str]]] = {photo.name: [] for photo in album.photos}
    for i in selected.faces.tolist():
        photos[album.faces[i].photo].append((i, called.get(i, "")))
    return photos


def _called(faces: Iterable[tuple[int, str]]) -> list[str]:
    return list(dict.fromkeys(name for _, name in faces if name))
