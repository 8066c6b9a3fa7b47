"""What ``pyface evaluate`` compares: the clusters that were written, and the people that are known."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pyface._typing import Labels
from pyface.album.out_folder import SUMMARY
from pyface.album.outputs import COLUMNS, FACES
from pyface.errors import PyfaceError, counted

_LABEL_COLUMNS = ("person", "label", "identity", "cluster")


@dataclass(frozen=True, slots=True)
class PredictedFace:
    """One line of faces.csv."""

    face_id: int
    photo: str
    box: tuple[float, float, float, float]
    cluster: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two labelings of the same items, the predicted one by number, -1 for noise.

    n_left_out : items whose person is not known. n_without_face : items that are photos without a face. n_unknown :
    lines of the truth for a face or photo that is not there. cluster_names : what the file calls each number.
    """

    labels_true: list[str]
    labels_pred: Labels
    n_left_out: int
    n_without_face: int
    n_unknown: int = 0
    cluster_names: tuple[str, ...] = ()


def compare_labels(pred: str, truth: str | None, rule: str | None, *, one_per_photo: bool) -> Comparison:
    """Line up predicted clusters with known people.

    pred : an OUT folder, or a faces.csv. A face whose ``cluster`` is -1 or empty is noise: in no cluster.
    truth : a CSV with the column ``person`` (or ``label``, ``identity``, ``cluster``) and ``face_id`` or ``photo``. A
        person named -1 is one like any other, as a class of that name is in all measures; one not known is empty.
    rule : instead of ``truth``, ``"folder"`` (the folder of a photo is the person) or a regular expression whose first
        group, found in the photo's path, is the person.
    one_per_photo : score the face nearest to each photo's centre; a photo without a face is a person of its own.
    """
    if (truth is None) == (rule is None):
        raise ValueError("give either TRUTH (a CSV file) or --truth folder|REGEX")
    faces = read_faces(os.path.join(pred, FACES) if os.path.isdir(pred) else pred)
    by_photo: Callable[[str], str | None] | None
    n_unknown = 0
    if rule is not None:
        by_face, by_photo = person_by_rule(rule)
    else:
        assert truth is not None
        by_face, by_photo, column, keys = read_truth(truth)
        there = {face.photo if column == "photo" else str(face.face_id) for face in faces}
        if column == "photo":
            with contextlib.suppress(PyfaceError):  # a faces.csv alone: it names no photo without a face
                there |= read_photo_sizes(pred).keys()
        n_unknown = sum(key not in there for key in keys)

    items = [(by_face(face), face.cluster) for face in faces]
    n_without_face = 0
    if one_per_photo:
        sizes = read_photo_sizes(pred)
        central = _central_faces(faces, sizes)
        items = [(by_face(face), face.cluster) for face in central.values()]
        missing = [photo for photo in sizes if photo not in central]
        n_without_face = len(missing)
        if missing and by_photo is None:
            raise ValueError("--one-per-photo needs a person for each photo: TRUTH must have a column 'photo'")
        # No cluster number looks like this, so each is a cluster of its own.
        items += [(by_photo(photo), f"no face in {photo}") for photo in missing if by_photo is not None]
    known = [(person, cluster) for person, cluster in items if person is not None]
    if not known:
        raise PyfaceError(
            f"{counted(len(items), 'predicted face')}, and none has a known person; check the rule or the file"
        )
    numbers, names = _numbered([cluster for _, cluster in known])
    return Comparison(
        [person for person, _ in known], numbers, len(items) - len(known), n_without_face, n_unknown, names
    )


def _numbered(clusters: list[str]) -> tuple[Labels, tuple[str, ...]]:
    """Clusters as numbers, -1 for noise, and their names."""
    numbers: dict[str, int] = {}
    labels = [-1 if is_noise(name) else numbers.setdefault(name, len(numbers)) for name in clusters]
    return np.array(labels, np.int64), tuple(numbers)


def is_noise(cluster: str) -> bool:
    """-1 as scikit-learn has it, also with the decimals that pandas gives a column with gaps; or a gap."""
    try:
        return not cluster.strip() or float(cluster) == -1
    except ValueError:
        return False


def read_faces(path: str) -> list[PredictedFace]:
    """The lines of a faces.csv."""
    faces = []
    for number, row in _read_csv(path, COLUMNS):
        try:
            box = (float(row["x1"]), float(row["y1"]), float(row["x2"]), float(row["y2"]))
            faces.append(PredictedFace(int(row["face_id"]), row["photo"], box, row["cluster"].strip()))
        except (ValueError, TypeError, AttributeError):  # the last two: a line that is too short holds None
            raise PyfaceError(f"{path}: line {number} is not a line of a faces.csv: {list(row.values())}") from None
    return faces


def read_photo_sizes(pred: str) -> dict[str, tuple[int, int]]:
    """Photo -> (width, height) of all photos that were read, from the summary beside faces.csv."""
    folder = pred if os.path.isdir(pred) else os.path.dirname(pred)
    path = os.path.join(folder, SUMMARY)
    try:
        with open(path, encoding="utf-8") as file:
            photos = json.load(file)["photos"]
        return {photo["photo"]: (photo["width"], photo["height"]) for photo in photos}
    except OSError as error:
        raise PyfaceError(f"--one-per-photo needs the sizes of the photos from {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PyfaceError(f"{path}: not a summary written by pyface ({error})") from error


def person_by_rule(rule: str) -> tuple[Callable[[PredictedFace], str | None], Callable[[str], str | None]]:
    """How a face and a photo find their person: by folder or by a regular expression."""
    by_photo = _by_folder if rule == "folder" else _by_pattern(rule)
    return (lambda face: by_photo(face.photo)), by_photo


def _by_folder(photo: str) -> str | None:
    return photo.rpartition("/")[0] or None


def _by_pattern(rule: str) -> Callable[[str], str | None]:
    try:
        pattern = re.compile(rule)
    except re.error as error:
        raise ValueError(f"--truth must be 'folder' or a regular expression, got {rule!r} ({error})") from error

    def person(photo: str) -> str | None:
        match = pattern.search(photo)
        if match is None:
            return None
        return match.group(1) if pattern.groups else match.group(0)

    return person


def read_truth(
    path: str,
) -> tuple[Callable[[PredictedFace], str | None], Callable[[str], str | None] | None, str, list[str]]:
    """How a face, and a photo if the file can say, finds its person; the column that tells which, and what it holds."""
    rows = _read_csv(path, ())
    columns = set(rows[0][1]) if rows else set()
    label = next((name for name in _LABEL_COLUMNS if name in columns), None)
    if label is None or not columns & {"face_id", "photo"}:
        raise PyfaceError(f"{path}: needs a column 'person' and a column 'face_id' or 'photo', has {sorted(columns)}")
    if "face_id" in columns:
        people = _people_by(path, rows, "face_id", label)
        # Where each line is a face, a photo may show several people: it has one only if its lines agree.
        by_photo = _people_by(path, rows, "photo", label, strict=False) if "photo" in columns else None
        find = None if by_photo is None else by_photo.get
        return (lambda face: people.get(str(face.face_id))), find, "face_id", [row["face_id"] for _, row in rows]
    of_photo = _people_by(path, rows, "photo", label)
    return (lambda face: of_photo.get(face.photo)), of_photo.get, "photo", [row["photo"] for _, row in rows]


def _people_by(
    path: str, rows: list[tuple[int, dict[str, str]]], column: str, label: str, *, strict: bool = True
) -> dict[str, str | None]:
    """What identifies a face or photo -> its person; None if the field is empty, or if lines differ and may."""
    people: dict[str, str | None] = {}
    for number, row in rows:
        key, person = row[column], (row[label] or "").strip() or None
        if key in people and people[key] != person:
            if strict:
                raise PyfaceError(f"{path}: line {number} gives {column} {key!r} another person than a line before")
            person = None
        people[key] = person
    return people


def _read_csv(path: str, needed: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    try:
        # "utf-8-sig": spreadsheets put a byte order mark in front.
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file)
            missing = set(needed) - set(reader.fieldnames or ())
            if missing:
                raise PyfaceError(f"{path}: not a faces.csv, the columns {sorted(missing)} are missing")
            return [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except OSError as error:
        raise PyfaceError(f"{path}: cannot be read ({error.strerror or error})") from error
    except csv.Error as error:
        raise PyfaceError(f"{path}: not a CSV file ({error})") from error


def _central_faces(faces: list[PredictedFace], sizes: dict[str, tuple[int, int]]) -> dict[str, PredictedFace]:
    """For each photo the face whose box centre is nearest to the photo's centre; of equal ones the first."""
    nearest: dict[str, tuple[float, PredictedFace]] = {}
    for face in faces:
        if face.photo not in sizes:
            raise PyfaceError(f"faces.csv names the photo {face.photo!r}, which its summary does not know")
        width, height = sizes[face.photo]
        x1, y1, x2, y2 = face.box
        distance = float(np.hypot((x1 + x2) / 2 - (width - 1) / 2, (y1 + y2) / 2 - (height - 1) / 2))
        if face.photo not in nearest or distance < nearest[face.photo][0]:
            nearest[face.photo] = (distance, face)
    return {photo: face for photo, (_, face) in nearest.items()}
