"""What a page says of other thresholds, read by its description alone, and albums to make such pages of."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from album.records import face_record, vectors, write_record
from numpy.typing import NDArray
from report.report_samples import Page

from pyface.album.album import Album
from pyface.album.people import number_by_size


@dataclass
class Known:
    """The people at one threshold: numbers by size, which faces are set aside or hidden, and their person's name."""

    labels: NDArray[np.int64]
    aside: list[bool]
    hidden: list[bool]
    names: list[str]


def known_in(text: str) -> tuple[list[str], int, list[Known]]:
    """The thresholds of a page, the place of its own, and the people at each."""
    page = Page(text)
    slider = page.by_id("threshold").attributes
    thresholds = slider["data-thresholds"].split()
    names = [item.text for item in page.all("li") if item.parent and item.parent.attributes.get("id") == "live-names"]
    numbers = _numbers(base64.b64decode(page.by_id("live-changes").text, validate=True))
    n = numbers.pop(0)
    first, said = list(range(n)), [0] * n
    found = []
    for _ in thresholds:
        face = -1
        for _ in range(numbers.pop(0)):
            face += numbers.pop(0) + 1
            value = numbers.pop(0)
            first[face] = face - value // 2
            said[face] = numbers.pop(0) if value % 2 else 0
        of_person = [said[smallest] for smallest in first]
        assert all(first[smallest] == smallest for smallest in first)
        found.append(Known(
            number_by_size(np.array(first)), [bool(value & 1) for value in of_person],
            [bool(value & 2) for value in of_person], [("", *names)[value // 4] for value in of_person],
        ))  # fmt: skip
    assert numbers == []
    assert len(found) == len(thresholds) and 0 <= int(slider["data-own"]) < len(thresholds)
    return thresholds, int(slider["data-own"]), found


def _numbers(data: bytes) -> list[int]:
    numbers, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(value)
            value = shift = 0
    assert shift == 0
    return numbers


def as_album(album: Album) -> Known:
    """The people of an album in the same words."""
    names = []
    for label in album.labels:
        own = {album.persons[i] for i in np.flatnonzero(album.labels == label)}
        names.append(own.pop() if len(own) == 1 else "")
    return Known(number_by_size(album.labels), album.set_aside.tolist(), album.hidden.tolist(), names)


def assert_same(found: Known, wanted: Known) -> None:
    np.testing.assert_array_equal(found.labels, wanted.labels)
    assert found.aside == wanted.aside
    assert found.hidden == wanted.hidden
    assert found.names == wanted.names


def mixed_record(out: Path, seed: int, n: int, *, spread: float = 0.6, metric: str = "cosine") -> Path:
    """Faces good, doubtful and poor, as the lengths of their vectors say, up to several in a photo."""
    rng = np.random.default_rng(seed)
    x = vectors(rng.integers(0, max(1, n // 4), n).tolist(), spread=spread, seed=seed)
    x *= rng.choice([4, 9, 10, 12, 20], (n, 1), p=[0.15, 0.15, 0.2, 0.2, 0.3]) / np.linalg.norm(
        x, axis=1, keepdims=True
    )
    faces: dict[str, list] = {}
    for row in x.astype(np.float32):
        photo = faces.setdefault(f"{rng.integers(0, max(1, n // 2)):03}.jpg", [])
        photo.append(face_record(row, len(photo)))
    threshold = {"cosine": 0.3, "sqeuclidean": 120.0, "euclidean": 11.0}[metric]
    return write_record(out, faces, metric=metric, threshold=threshold)
