"""Photos into a gallery, and the faces of photos by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface._typing import Image
from pyface.album.names import check_name
from pyface.analysis.analyzer import FaceAnalyzer, keep_largest
from pyface.analysis.chain import ROLES
from pyface.analysis.files import list_files, read_photo
from pyface.errors import EnrollError, GalleryError, ImageReadError, ModelNotFoundError, NoPhotosError, counted
from pyface.gallery._gallery import Gallery
from pyface.gallery._results import Identified
from pyface.photos.finding import Skipped, find_photos
from pyface.types import Detections, Face

__all__ = ["EnrolledPhotos", "IdentifiedPhoto", "analyzer_for", "enroll_photos", "identify_photos"]

AnyPath = str | os.PathLike[str]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class EnrolledPhotos:
    """What was enrolled: faces that are new, those that were known already, and of whom.

    skipped : photos that could not be read, or that do not show one face, with reasons.
    """

    n_new: int
    n_known: int
    names: tuple[str, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedPhoto:
    """The faces of a photo, best first, and who they are: with the two nearest names of each, if there are two."""

    photo: str
    faces: list[Face]
    found: Identified


def analyzer_for(gallery: Gallery, models: str | None = None, **options: Any) -> FaceAnalyzer:
    """An analyzer whose vectors the gallery can be asked about: with its own models, or those that are given.

    models, options : as for :class:`pyface.FaceAnalyzer`. Parts that are not named are the gallery's, unless a pack or
        another embedder is.
    :class:`pyface.errors.GalleryError` for another embedder, and if the models are not known by name.
    """
    if models is None and options.get("embedder") in (None, gallery.embedder):
        for role in ROLES:
            if options.get(role) is None and role in gallery.models:
                options |= {role: gallery.models[role], f"{role}_family": gallery.models.get(f"{role}_family")}
        if options.get("embedder") is None:
            options["embedder"] = gallery.embedder
    try:
        analyzer = FaceAnalyzer(models, **options)
    except ModelNotFoundError as error:
        if options.get("embedder") != gallery.embedder:
            raise
        raise GalleryError(
            f"the gallery holds vectors of {gallery.embedder}, which is no model that is known by name; name or load "
            "it for embedder= (--embedder)"
        ) from error
    gallery.require(_embedder_of(analyzer))
    return analyzer


def enroll_photos(
    gallery: Gallery,
    analyzer: FaceAnalyzer,
    photos: Iterable[AnyPath],
    *,
    name: str | None = None,
    largest: bool = False,
    skip: bool = False,
    progress: Progress = lambda *_: None,
) -> EnrolledPhotos:
    """Add the faces of photos to a gallery, which is changed but not saved.

    photos : files and folders; without a ``name`` folders that have a folder for each person, whose name that is,
        whatever folders are in it.
    name : whose photos they all are.
    largest : of several faces of a photo the largest is meant. Otherwise each photo must show one face.
    skip : photos that do not are passed over; otherwise nothing is enrolled (:class:`pyface.errors.EnrollError`).

    Photos that cannot be read are passed over; :class:`pyface.errors.NoPhotosError` if none is left.
    ValueError for a name that cannot be used and for a photo that is in nobody's folder;
    :class:`pyface.errors.GalleryError` for another embedder than the gallery's.
    """
    gallery.require(_embedder_of(analyzer))
    largest, skip = _check.flag(largest, "largest"), _check.flag(skip, "skip")
    named, skipped = _named(photos) if name is None else _all_of(photos, check_name(name, may_be_number=True))
    rows: dict[str, list[Any]] = {}
    refused: list[Skipped] = []
    for done, (path, person) in enumerate(named):
        progress("photos", done, len(named))
        faces, reason = _faces(analyzer, path)
        if faces is None:
            skipped.append(Skipped(path, reason))
        elif not faces or (len(faces) > 1 and not largest):
            what = f"{len(faces)} faces, and one is wanted" if faces else "no face found"
            refused.append(Skipped(path, what))
        else:
            rows.setdefault(person, []).append(_largest(faces).embedding)
    progress("photos", len(named), len(named))
    if refused and not skip:
        several = any(item.reason != "no face found" for item in refused)
        raise EnrollError(
            f"nothing is enrolled, as {counted(len(refused), 'photo does', 'photos do')} not show one face, the first "
            f"of them {refused[0].photo} ({refused[0].reason}); "
            + "largest=True (--largest) takes the largest of several, " * several
            + "skip=True (--skip) passes such photos over",
            (*skipped, *refused),
        )
    skipped += refused
    if not rows:
        raise NoPhotosError("no photo with a face to enroll", tuple(skipped))
    n_faces = sum(map(len, rows.values()))
    n_new = sum(gallery.enroll(person, np.stack(some)) for person, some in rows.items())
    if not gallery.models:
        gallery.models = {key: value for key, value in analyzer.chain.settings().items() if isinstance(value, str)}
    return EnrolledPhotos(n_new, n_faces - n_new, tuple(rows), tuple(skipped))


def identify_photos(
    gallery: Gallery,
    analyzer: FaceAnalyzer,
    photos: Iterable[AnyPath],
    *,
    threshold: float | None = None,
    draw: Callable[[str, Image, IdentifiedPhoto], None] = lambda *_: None,
    out: str | None = None,
    progress: Progress = lambda *_: None,
) -> tuple[list[IdentifiedPhoto], list[Skipped]]:
    """Who is in the photos: those that can be read, in the order named, and the others with their reasons.

    photos : files and folders, but for the folder ``out``. threshold : as for :meth:`Gallery.identify`.
    draw : called with path, picture and result of each photo.
    """
    gallery.require(_embedder_of(analyzer))
    nobody = gallery.identify(np.empty((0, gallery.dimension or 1), np.float32), 1, threshold)
    k = min(2, len(gallery))
    files, skipped = list_files(_several(photos), out=out)
    found: list[IdentifiedPhoto] = []
    for done, path in enumerate(files):
        progress("photos", done, len(files))
        try:
            image = read_photo(path)
            faces = analyzer.analyze(image)
            who = gallery.identify(_vectors(faces), k, threshold) if faces else nobody
            photo = IdentifiedPhoto(path, faces, who)
            with _memory.told("to draw its faces", "a smaller copy of it needs less"):
                draw(path, image, photo)
        except ImageReadError as error:
            skipped.append(Skipped(path, error.reason))
            continue
        except MemoryError as error:
            skipped.append(Skipped(path, _memory.reason(error)))
            continue
        found.append(photo)
    progress("photos", len(files), len(files))
    return found, skipped


def _embedder_of(analyzer: FaceAnalyzer) -> Any:
    if analyzer.chain.embedder is None:
        raise ValueError("analyzer has no embedder, and a gallery holds vectors; make it without embedder=False")
    return analyzer.chain.embedder


def _several(photos: Iterable[AnyPath]) -> list[Path]:
    if isinstance(photos, str | bytes | os.PathLike):
        raise TypeError(f"photos must be a list of photos and folders, got {photos!r}")
    return [Path(path) for path in photos]


def _all_of(photos: Iterable[AnyPath], name: str) -> tuple[list[tuple[str, str]], list[Skipped]]:
    """Path and name of all photos, which are of one person; and files that were passed over."""
    files, skipped = list_files(_several(photos))
    return [(path, name) for path in files], skipped


def _named(photos: Iterable[AnyPath]) -> tuple[list[tuple[str, str]], list[Skipped]]:
    """Path and name of the photos in folders of people."""
    named: list[tuple[str, str]] = []
    skipped: list[Skipped] = []
    for folder in map(str, _several(photos)):
        if not os.path.isdir(folder):
            what = "is a file" if os.path.lexists(folder) else "does not exist"
            raise ValueError(f"{folder}: {what}; without name (--name) give a folder with a folder for each person")
        found = find_photos(folder)
        skipped += [Skipped(os.path.join(folder, item.photo), item.reason) for item in found.skipped]
        for photo in found.photos:
            person, inside, _ = photo.name.partition("/")
            if not inside:
                raise ValueError(f"{photo.path}: lies in nobody's folder; put it into one, or give name (--name)")
            try:
                named.append((photo.path, check_name(person, may_be_number=True)))
            except ValueError as error:
                raise ValueError(f"{os.path.join(folder, person)}: cannot be a person's: {error}") from error
    return named, skipped


def _faces(analyzer: FaceAnalyzer, path: str) -> tuple[list[Face] | None, str]:
    """The faces of a photo; None, and why, if it cannot be read."""
    try:
        return analyzer.analyze(read_photo(path)), ""
    except ImageReadError as error:
        return None, error.reason
    except MemoryError as error:
        return None, _memory.reason(error)


def _vectors(faces: list[Face]) -> NDArray[np.float32]:
    return np.stack([face.embedding for face in faces if face.embedding is not None])


def _largest(faces: list[Face]) -> Face:
    boxes = np.stack([face.box for face in faces])
    kept = keep_largest(Detections(boxes, np.arange(len(faces), dtype=np.float32)), 1)
    return faces[int(kept.scores[0])]
