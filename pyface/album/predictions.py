"""What ``pyface evaluate`` judges: the faces of an OUT folder, of a faces.csv, or of an .npz of arrays."""

from __future__ import annotations

import csv
import json
import os
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import FloatArray
from pyface.album.out_folder import SUMMARY, read_summary
from pyface.album.outputs import COLUMNS, EMBEDDINGS, FACES
from pyface.album.people import LINKAGES
from pyface.errors import PyfaceError, counted
from pyface.kernels.distance import METRICS

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class PredictedFace:
    """One face: a line of faces.csv, or an entry of the arrays. ``photo`` is empty and ``box`` None if not known."""

    face_id: int
    photo: str
    box: Box | None
    cluster: str


@dataclass(frozen=True, slots=True, eq=False)
class FaceVectors:
    """Where faces lie, and how they were clustered as far as that is known.

    embeddings : (n, d), a row for each face. metric : what their distances are. linkage : "average", "complete" or
    "single", whose merges are those of the clusters; None if another way was taken. threshold : theirs, or None.
    apart : faces of one photo were kept apart, but for those below ``picture_limit``, which are one picture twice.
    """

    embeddings: FloatArray
    metric: str
    linkage: str | None = "average"
    threshold: float | None = None
    apart: bool = False
    picture_limit: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Faces in the order of the file; ``vectors`` if they were asked for."""

    path: str
    faces: tuple[PredictedFace, ...]
    vectors: FaceVectors | None = None

    def photo_sizes(self) -> dict[str, tuple[int, int]]:
        """Photo -> (width, height) of all photos that were read, from the summary in OUT or beside the file."""
        path = os.path.join(self.path if os.path.isdir(self.path) else os.path.dirname(self.path), SUMMARY)
        try:
            with open(path, encoding="utf-8") as file:
                photos = json.load(file)["photos"]
            return {photo["photo"]: (photo["width"], photo["height"]) for photo in photos}
        except OSError as error:
            raise PyfaceError(
                f"which face is nearest to the centre needs the sizes of the photos from {path}: {error.strerror}; "
                "name the folder that 'pyface cluster' wrote"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise PyfaceError(f"{path}: not a summary written by pyface ({error})") from error


def read_prediction(
    path: str, *, for_what: str | None = None, clusters: bool = True, metric: str | None = None
) -> Prediction:
    """The faces at ``path``.

    path : a folder that ``pyface cluster`` wrote; or a faces.csv; or an .npz with the arrays ``labels`` (n,), integers
        or names, and, as far as they are asked for, ``embeddings`` (n, d), ``face_id`` (n,) different integers (0, 1,
        ... if there is none), ``photo`` (n,) names, ``boxes`` (n, 4), ``metric``, a name ("cosine" if there is none).
    for_what : reads the vectors, too, for what this says. clusters : an .npz must say the cluster of each face.
    metric : "cosine", "euclidean" or "sqeuclidean", instead of what the file says.

    PyfaceError for what cannot be read, and for a faces.csv alone if vectors are needed.
    """
    if metric is not None:
        _check.choice(metric, "metric", METRICS)
    if path.lower().endswith(".npz") and not os.path.isdir(path):
        return _of_arrays(path, for_what, clusters, metric)
    if not os.path.isdir(path):
        if for_what is not None and os.path.exists(path):
            raise PyfaceError(
                f"{path}: {for_what} needs the vectors of the faces, and a faces.csv has none; name the folder that "
                "'pyface cluster' wrote, or an .npz with the array 'embeddings'"
            )
        return Prediction(path, tuple(read_faces(path)))
    faces = tuple(read_faces(os.path.join(path, FACES)))
    return Prediction(path, faces, None if for_what is None else _vectors_of_folder(path, len(faces), metric))


def read_faces(path: str) -> list[PredictedFace]:
    """The lines of a faces.csv."""
    faces = []
    for number, row in read_csv(path, COLUMNS[:8]):
        try:
            box = (float(row["x1"]), float(row["y1"]), float(row["x2"]), float(row["y2"]))
            faces.append(PredictedFace(int(row["face_id"]), row["photo"], box, row["cluster"].strip()))
        except (ValueError, TypeError, AttributeError):  # the last two: a line that is too short holds None
            raise PyfaceError(f"{path}: line {number} is not a line of a faces.csv: {list(row.values())}") from None
    return faces


def read_csv(
    path: str, needed: tuple[str, ...] = (), *, once: tuple[str, ...] = ()
) -> list[tuple[int, dict[str, str]]]:
    """The lines of a CSV file with a header, each with its number.

    needed : columns of a faces.csv. once : columns that may not be named twice, as only the last would be read.
    """
    try:
        # "utf-8-sig": spreadsheets put a byte order mark in front.
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file)
            names = [*(reader.fieldnames or ())]
            missing = set(needed) - set(names)
            if missing:
                raise PyfaceError(f"{path}: not a faces.csv, the columns {sorted(missing)} are missing")
            twice = next((name for name in (*needed, *once) if names.count(name) > 1), None)
            if twice is not None:
                raise PyfaceError(f"{path}: the header names the column {twice!r} more than once")
            return [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except OSError as error:
        raise PyfaceError(f"{path}: cannot be read ({error.strerror or error})") from error
    except csv.Error as error:
        raise PyfaceError(f"{path}: not a CSV file ({error})") from error


def refuse_long_lines(path: str, rows: list[tuple[int, dict[str, str]]]) -> None:
    """PyfaceError for a line with more fields than the header: a comma in a name would make one person of several."""
    for number, row in rows:
        if any(row.get(None) or ()):  # type: ignore[call-overload]  # where DictReader puts them
            raise PyfaceError(
                f"{path}: line {number} has more fields than the header; a name with a comma in it needs quotes, as in "
                '"Smith, Ann"'
            )


def _vectors_of_folder(folder: str, n_faces: int, metric: str | None) -> FaceVectors:
    path = os.path.join(folder, EMBEDDINGS)
    try:
        embeddings = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file; 'pyface recluster' writes it anew") from None
    except OSError as error:
        raise PyfaceError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, EOFError) as error:
        raise PyfaceError(f"{path}: not an array of NumPy ({error})") from error
    if embeddings.ndim != 2 or len(embeddings) != n_faces:
        raise PyfaceError(
            f"{path}: an array of shape {embeddings.shape}, but {FACES} has {counted(n_faces, 'face')}; "
            "'pyface recluster' writes both anew"
        )
    settings = read_summary(folder).get("settings")
    if not isinstance(settings, dict):
        settings = {}
    # The people of DBSCAN with two faces are those of single linkage; K-means has no merges.
    algorithm = str(settings.get("algorithm", "average"))
    linkage = {"dbscan": "single", "kmeans": None}.get(algorithm, algorithm)
    threshold = settings.get("threshold")
    return FaceVectors(
        embeddings,
        metric or _known_metric(settings.get("metric", "cosine"), os.path.join(folder, SUMMARY)),
        linkage if linkage in LINKAGES else None,
        float(threshold) if isinstance(threshold, (int, float)) and linkage in LINKAGES else None,
        bool(settings.get("same_photo_different_people")),
        settings.get("picture_limit") if settings.get("same_photo_different_people") == "auto" else None,
    )


def _known_metric(name: Any, path: str) -> str:
    if name not in METRICS:
        raise PyfaceError(f"{path}: metric must be one of {', '.join(METRICS)}, got {name!r}")
    return str(name)


def _of_arrays(path: str, for_what: str | None, clusters: bool, metric: str | None) -> Prediction:
    arrays = _read_arrays(path)

    def needed(name: str, what: str) -> NDArray[Any]:
        if name not in arrays:
            raise PyfaceError(f"{path}: {what}; it has {', '.join(sorted(arrays)) or 'no array'}")
        return arrays[name]

    def one_each(name: str, kinds: str, words: str, columns: tuple[int, ...] = ()) -> NDArray[Any]:
        array = arrays[name]
        if array.shape != (n, *columns) or array.dtype.kind not in kinds:
            shape = f"({', '.join(map(str, (n, *columns)))}{',' * (not columns)})"
            raise PyfaceError(
                f"{path}: the array '{name}' must be {words} of shape {shape}, got {array.dtype} of shape {array.shape}"
            )
        return array

    if clusters:
        counted_by = needed("labels", "needs the array 'labels', the cluster of each face")
    else:
        counted_by = needed("embeddings", f"{for_what} needs the array 'embeddings', the vectors of the faces")
    n = len(counted_by) if counted_by.ndim else 0
    labels = [str(v) for v in one_each("labels", "iuU", "integers or names")] if clusters else [""] * n
    face_ids = one_each("face_id", "iu", "integers").tolist() if "face_id" in arrays else list(range(n))
    ids, times = np.unique(face_ids, return_counts=True)
    if len(ids) < n:
        raise PyfaceError(f"{path}: the array 'face_id' has {ids[np.argmax(times)]} more than once")
    photos = one_each("photo", "U", "names").tolist() if "photo" in arrays else [""] * n
    boxes = one_each("boxes", "fiu", "numbers", (4,)).tolist() if "boxes" in arrays else [None] * n
    vectors = None
    if for_what is not None:
        x = needed("embeddings", f"{for_what} needs the array 'embeddings', the vectors of the faces")
        x = one_each("embeddings", "f", "floats", x.shape[1:2] or (1,))
        vectors = FaceVectors(x, metric or _known_metric(str(arrays.get("metric", "cosine")), path))
    faces = (
        PredictedFace(face_id, photo, None if box is None else (box[0], box[1], box[2], box[3]), label.strip())
        for face_id, photo, box, label in zip(face_ids, photos, boxes, labels, strict=True)
    )
    return Prediction(path, tuple(faces), vectors)


def _read_arrays(path: str) -> dict[str, NDArray[Any]]:
    known = ("embeddings", "labels", "face_id", "photo", "boxes", "metric")
    try:
        with open(path, "rb") as file:  # NumPy leaves it open where it is no archive
            data = np.load(file, allow_pickle=False)
            if isinstance(data, np.ndarray):
                raise ValueError("one array without a name")
            return {name: data[name] for name in data.files if name in known}
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except OSError as error:
        raise PyfaceError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise PyfaceError(f"{path}: not a file that numpy.savez wrote ({error})") from error
