"""The files of an album, as bytes."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pyface import __version__
from pyface.album.album import Album
from pyface.album.out_folder import SUMMARY, Data
from pyface.photos.names import as_utf8
from pyface.types import Face

FACES = "faces.csv"
EMBEDDINGS = "embeddings.npy"
REPORT = "report.html"
# Readers can count on the first eight, which older versions wrote, too.
COLUMNS = ("face_id", "photo", "x1", "y1", "x2", "y2", "score", "cluster", "quality", "person", "state")


def album_files(album: Album) -> dict[str, Data]:
    """The files of an album by name, without the page."""
    return {FACES: faces_csv(album), EMBEDDINGS: embeddings_npy(album), SUMMARY: summary_json(album)}


def is_written(out: str, album: Album) -> bool:
    """Whether ``faces.csv`` in ``out`` has the people of this album, with their names and states."""
    try:
        with open(os.path.join(out, FACES), "rb") as file:
            return file.read() == faces_csv(album)
    except OSError:
        return False


def faces_csv(album: Album) -> bytes:
    """One line a face. Names are written byte for byte as the file system has them, quoted where CSV needs it."""
    faces = album.faces
    fields = {text: quoted(text) for text in {*faces.photos, *album.persons}}
    columns = zip(
        [fields[photo] for photo in faces.photos],
        *faces.boxes.T.tolist(),
        faces.scores.tolist(),
        album.labels.tolist(),
        album.quality.tolist(),
        [fields[person] for person in album.persons],
        album.states,
        strict=True,
    )
    lines = [",".join(COLUMNS)]
    for i, (photo, x1, y1, x2, y2, score, label, quality, person, state) in enumerate(columns):
        numbers = f"{x1:.2f},{y1:.2f},{x2:.2f},{y2:.2f},{score:.4f},{label},{quality:.3f}"
        lines.append(f"{i},{photo},{without_minus_zero(numbers)},{person},{state}")
    # Bytes of a name that are not text in this locale are kept as they are.
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def box_and_score(face: Face) -> list[str]:
    """x1, y1, x2, y2 with two decimals and the score with four."""
    box = [without_minus_zero(f"{value:.2f}") for value in face.box.tolist()]
    return [*box, without_minus_zero(f"{face.score:.4f}")]


def without_minus_zero(text: str) -> str:
    """Numbers between commas; zero is written without the sign that a tiny negative number leaves."""
    return _MINUS_ZERO.sub(r"\1", text) if "-0.0" in text else text


_MINUS_ZERO = re.compile(r"-(0\.0+)(?=,|$)")


def quoted(text: str) -> str:
    """A field of a CSV file: in quotes where it holds a comma, a quote or a line break."""
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Lines that end with a line feed; fields are quoted where they hold a comma, a quote or a line break."""
    text = io.StringIO()
    # Before Python 3.13 a lone carriage return is quoted only if the line end has one.
    writer = csv.writer(text, lineterminator="\r\n")
    lines = []
    for row in (columns, *rows):
        writer.writerow(row)
        lines.append(text.getvalue().removesuffix("\r\n") + "\n")
        text.seek(0)
        text.truncate()
    # Bytes of a name that are not text in this locale are kept as they are.
    return b"".join(line.encode("utf-8", "surrogateescape") for line in lines)


def embeddings_npy(album: Album) -> tuple[bytes, memoryview]:
    """The embeddings, (n, d) float32, as an .npy file in two parts: what :func:`numpy.save` writes, without a copy."""
    header = io.BytesIO()
    rows = np.ascontiguousarray(album.embeddings)
    npy = np.lib.format
    npy.write_array_header_1_0(header, npy.header_data_from_array_1_0(rows))
    return header.getvalue(), memoryview(rows.reshape(-1).view(np.uint8).data)


def summary_json(album: Album) -> bytes:
    """Counts, settings, model digests, skipped files and what was left out with reasons, seconds, and the photos with
    their sizes.
    """
    per_photo = Counter(album.faces.photos)
    sizes = np.bincount(album.labels[~(album.set_aside | album.hidden)], minlength=1)
    summary: dict[str, Any] = {
        "generator": "pyface",
        "version": __version__,
        "counts": {
            "photos": len(album.photos),
            "photos_without_face": album.n_photos_without_face,
            "faces": len(album.faces),
            "people": album.n_people,
            "people_seen_once": int(np.count_nonzero(sizes == 1)),
            "faces_set_aside": int(np.count_nonzero(album.set_aside & ~album.hidden)),
            "faces_hidden": int(np.count_nonzero(album.hidden)),
            "close_calls": len(album.close_calls),
            "skipped": len(album.skipped),
            "left_out": len(album.left_out),
        },
        "settings": album.settings,
        "models": album.models,
        "notes": list(album.notes),
        "skipped": [{"photo": as_utf8(skipped.photo), "reason": skipped.reason} for skipped in album.skipped],
        "left_out": [{"path": as_utf8(item.path), "reason": as_utf8(item.reason)} for item in album.left_out],
        "seconds": album.seconds,
        "close_calls": [
            {"face_id": call.face_id, "cluster": int(album.labels[call.face_id]), "other_cluster": call.other}
            for call in album.close_calls
        ],
    }
    # ASCII: a name that is no valid UTF-8 survives as an escaped surrogate, which json.load gives back.
    text = json.dumps(summary, indent=1, ensure_ascii=True).removesuffix("\n}")
    # Photos last, by hand and in the same form: there are tens of thousands, and json lays out slowly.
    photos = ",".join(
        f'\n  {{\n   "photo": {json.dumps(as_utf8(photo.name))},\n   "width": {photo.width},\n   '
        f'"height": {photo.height},\n   "faces": {per_photo[photo.name]}\n  }}'
        for photo in album.photos
    )
    listed = f"[{photos}\n ]" if photos else "[]"
    return f'{text},\n "photos": {listed}\n}}\n'.encode("ascii")
