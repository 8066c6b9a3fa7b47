"""The files of an album, as bytes."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pyface import __version__
from pyface.album.album import Album
from pyface.album.out_folder import SUMMARY
from pyface.photos.names import as_utf8
from pyface.types import Face

FACES = "faces.csv"
EMBEDDINGS = "embeddings.npy"
REPORT = "report.html"
# Readers can count on the first eight, which older versions wrote, too.
COLUMNS = ("face_id", "photo", "x1", "y1", "x2", "y2", "score", "cluster", "quality", "person", "state")


def album_files(album: Album) -> dict[str, bytes]:
    """The files of an album by name, without the page."""
    return {FACES: faces_csv(album), EMBEDDINGS: embeddings_npy(album), SUMMARY: summary_json(album)}


def faces_csv(album: Album) -> bytes:
    """One line a face. Names are written byte for byte as the file system has them, quoted where CSV needs it."""
    columns = zip(album.faces, album.labels, album.quality, album.persons, album.states, strict=True)
    rows = [
        [i, entry.photo, *box_and_score(entry.face), int(label), f"{quality:.3f}", person, state]
        for i, (entry, label, quality, person, state) in enumerate(columns)
    ]
    return csv_bytes(COLUMNS, rows)


def box_and_score(face: Face) -> list[str]:
    """x1, y1, x2, y2 with two decimals and the score with four."""
    # Adding 0.0 turns the minus zero of a rounded tiny negative number into zero.
    box = [f"{round(float(value), 2) + 0.0:.2f}" for value in face.box]
    return [*box, f"{round(face.score, 4) + 0.0:.4f}"]


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


def embeddings_npy(album: Album) -> bytes:
    """The embeddings, (n, d) float32, as an .npy file."""
    data = io.BytesIO()
    np.save(data, album.embeddings, allow_pickle=False)
    return data.getvalue()


def summary_json(album: Album) -> bytes:
    """Counts, settings, model digests, skipped files and what was left out with reasons, seconds, and the photos with
    their sizes.
    """
    per_photo = Counter(entry.photo for entry in album.faces)
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
        "photos": [
            {
                "photo": as_utf8(photo.name),
                "width": photo.width,
                "height": photo.height,
                "faces": per_photo[photo.name],
            }
            for photo in album.photos
        ],
    }
    # ASCII: a name that is no valid UTF-8 survives as an escaped surrogate, which json.load gives back.
    return json.dumps(summary, indent=1, ensure_ascii=True).encode("ascii") + b"\n"
