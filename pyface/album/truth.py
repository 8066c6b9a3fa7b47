"""What ``pyface evaluate`` compares: the clusters that were written, and the people that are known."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.album.predictions import PredictedFace, Prediction, read_csv, read_prediction, refuse_long_lines
from pyface.errors import PyfaceError, counted, listed

_LABEL_COLUMNS = ("person", "label", "identity", "cluster")


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two labelings of the same items, the predicted one by number, -1 for noise.

    labels_true, labels_pred : (m,). rows : (m,) int64, which face of the prediction each item is, -1 for a photo
    without one. cluster_names : what the file calls each number.
    by : "face_id" or "photo", what the truth names people by; "rule" if there is none. What follows are such names.
    n_left_out : items whose person is not known. missing : those of them that the truth does not name (photos, if a
    rule finds nobody). unnamed : those that it names without a person.
    unknown : what the truth names and the prediction lacks, an entry a line. doubled : what it names several times,
    with the same person. without_face : photos that are items without a face.
    """

    labels_true: list[str]
    labels_pred: Labels
    rows: NDArray[np.int64]
    cluster_names: tuple[str, ...]
    by: str
    n_left_out: int
    missing: tuple[str, ...]
    unnamed: tuple[str, ...]
    unknown: tuple[str, ...]
    doubled: tuple[str, ...]
    without_face: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """How a face, and a photo if the truth can say, finds its person.

    by : as in :class:`Comparison`. keys : what each line names.
    """

    of_face: Callable[[PredictedFace], str | None]
    of_photo: Callable[[str], str | None] | None
    by: str
    keys: tuple[str, ...] = ()


def compare_labels(pred: str, truth: str | None, rule: str | None, *, one_per_photo: bool) -> Comparison:
    """Line up predicted clusters with known people: :func:`compare` of files.

    pred : see :func:`pyface.album.predictions.read_prediction`.
    truth : a CSV with the column ``person`` (or ``label``, ``identity``, ``cluster``) and ``face_id`` or ``photo``. A
        person named -1 is one like any other, as a class of that name is in all measures; one not known is empty.
    rule : instead of ``truth``, ``"folder"`` (the folder of a photo is the person) or a regular expression whose first
        group, found in the photo's path, is the person; where it finds nothing, or no character, the person is unknown.
    """
    known = read_truth(truth, rule)
    return compare(read_prediction(pred), known, one_per_photo=one_per_photo)


def compare(prediction: Prediction, truth: Truth, *, one_per_photo: bool) -> Comparison:
    """Line up predicted clusters with known people.

    A face whose cluster is -1 or empty is noise: in no cluster.
    one_per_photo : score the face nearest to each photo's centre; a photo without a face is a person of its own.
    """
    faces = prediction.faces
    if (truth.by != "face_id" or one_per_photo) and faces and not any(face.photo for face in faces):
        raise PyfaceError(
            f"{prediction.path}: does not say which photo a face is in (the array 'photo'); then TRUTH must have a "
            "column 'face_id'"
        )
    sizes: dict[str, tuple[int, int]] = {}
    if one_per_photo:
        sizes = prediction.photo_sizes()
    elif truth.by == "photo":
        with contextlib.suppress(PyfaceError):  # a file alone: it names no photo without a face
            sizes = prediction.photo_sizes()

    rows = np.arange(len(faces))
    without_face: list[str] = []
    if one_per_photo:
        central = central_faces(faces, sizes)
        rows = np.array(list(central.values()), np.int64)
        without_face = [photo for photo in sizes if photo not in central]
        if without_face and truth.of_photo is None:
            raise ValueError("--one-per-photo needs a person for each photo: TRUTH must have a column 'photo'")
    people = [truth.of_face(faces[row]) for row in rows]
    clusters = [faces[row].cluster for row in rows]
    keys = [str(faces[row].face_id) if truth.by == "face_id" else faces[row].photo for row in rows]
    if truth.of_photo is not None:
        people += [truth.of_photo(photo) for photo in without_face]
        # No cluster number looks like this, so each is a cluster of its own.
        clusters += [f"no face in {photo}" for photo in without_face]
        keys += without_face
        rows = np.concatenate([rows, np.full(len(without_face), -1)])

    is_known = np.array([person is not None for person in people], bool)
    if not is_known.any():
        named = f", and TRUTH names {truth.keys[0]!r}" if truth.keys else ""
        looked_for = f"; PRED has {keys[0]!r}{named}" if keys else ""
        raise PyfaceError(
            f"{counted(len(people), 'predicted face')}, and none has a known person; check the rule or the file"
            + looked_for
        )
    numbers, names = _numbered([cluster for cluster, known in zip(clusters, is_known, strict=True) if known])
    in_truth = set(truth.keys)
    left_out = dict.fromkeys(key for key, known in zip(keys, is_known, strict=True) if not known)
    there = (
        {str(face.face_id) for face in faces} if truth.by == "face_id" else {face.photo for face in faces} | {*sizes}
    )
    return Comparison(
        labels_true=[person for person in people if person is not None],
        labels_pred=numbers,
        rows=rows[is_known],
        cluster_names=names,
        by=truth.by,
        n_left_out=int(np.count_nonzero(~is_known)),
        missing=tuple(key for key in left_out if key not in in_truth),
        unnamed=tuple(key for key in left_out if key in in_truth),
        unknown=tuple(key for key in truth.keys if key not in there),
        doubled=tuple(key for key, times in Counter(truth.keys).items() if times > 1),
        without_face=tuple(without_face),
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


def read_truth(path: str | None, rule: str | None) -> Truth:
    """The truth of a CSV file, or of a rule: see :func:`compare_labels`."""
    if (path is None) == (rule is None):
        raise ValueError("give either TRUTH (a CSV file) or --truth folder|REGEX")
    if path is not None:
        return _of_file(path)
    assert rule is not None
    by_photo = _by_folder if rule == "folder" else _by_pattern(rule)
    return Truth(lambda face: by_photo(face.photo), by_photo, "rule")


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
        return (match.group(1) if pattern.groups else match.group(0)) or None

    return person


def _of_file(path: str) -> Truth:
    rows = read_csv(path, once=(*_LABEL_COLUMNS, "face_id", "photo"))
    if not rows:
        raise PyfaceError(f"{path}: names nobody; it needs a header with 'person' and 'face_id' or 'photo', and lines")
    columns = {name for name in rows[0][1] if name is not None}  # None: fields beyond the header
    label = next((name for name in _LABEL_COLUMNS if name in columns), None)
    if label is None or not columns & {"face_id", "photo"}:
        raise PyfaceError(f"{path}: needs a column 'person' and a column 'face_id' or 'photo', has {sorted(columns)}")
    refuse_long_lines(path, rows)
    if "face_id" in columns:
        people = _people_by(path, rows, "face_id", label)
        # Where each line is a face, a photo may show several people: it has one only if its lines agree.
        by_photo = _people_by(path, rows, "photo", label, strict=False) if "photo" in columns else None
        keys = tuple(row["face_id"] or "" for _, row in rows)
        return Truth(
            lambda face: people.get(str(face.face_id)), None if by_photo is None else by_photo.get, "face_id", keys
        )
    of_photo = _people_by(path, rows, "photo", label)
    return Truth(
        lambda face: of_photo.get(face.photo), of_photo.get, "photo", tuple(row["photo"] or "" for _, row in rows)
    )


def _people_by(
    path: str, rows: list[tuple[int, dict[str, str]]], column: str, label: str, *, strict: bool = True
) -> dict[str, str | None]:
    """What identifies a face or photo -> its person; None if the field is empty, or if lines differ and may."""
    people: dict[str, str | None] = {}
    differ: dict[str, int] = {}  # what several lines give different people, and the first line that does
    for number, row in rows:
        key, person = row[column] or "", (row[label] or "").strip() or None
        if key in people and people[key] != person:
            differ.setdefault(key, number)
            person = None
        people[key] = person
    if strict and differ:
        (key, number), *others = differ.items()
        also = f"; so do, for others, lines {listed([n for _, n in others])}" if others else ""
        raise PyfaceError(f"{path}: line {number} gives {column} {key!r} another person than a line before{also}")
    return people


def central_faces(faces: tuple[PredictedFace, ...], sizes: dict[str, tuple[int, int]]) -> dict[str, int]:
    """For each photo the face whose box centre is nearest to the photo's centre, by place; of equal ones the first."""
    nearest: dict[str, tuple[float, int]] = {}
    for row, face in enumerate(faces):
        if face.photo not in sizes:
            raise PyfaceError(f"PRED names the photo {face.photo!r}, which its summary does not know")
        if face.box is None:
            raise PyfaceError("PRED does not say where the faces are: an .npz needs the array 'boxes' (x1, y1, x2, y2)")
        width, height = sizes[face.photo]
        x1, y1, x2, y2 = face.box
        distance = float(np.hypot((x1 + x2) / 2 - (width - 1) / 2, (y1 + y2) / 2 - (height - 1) / 2))
        if face.photo not in nearest or distance < nearest[face.photo][0]:
            nearest[face.photo] = (distance, row)
    return {photo: row for photo, (_, row) in nearest.items()}
