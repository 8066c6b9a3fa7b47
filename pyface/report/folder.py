"""The whole main job: photos in, people and their page out; and the same again from the record of an earlier run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pyface import __version__
from pyface._one_writer import one_writer
from pyface.album.album import Album, many_objects, refuse_changed, remember_people
from pyface.album.build import build_album, folder_path, rebuild_album
from pyface.album.close_calls import CloseCall
from pyface.album.other_thresholds import other_thresholds
from pyface.album.out_folder import write_files
from pyface.album.outputs import REPORT, album_files
from pyface.album.people import LINKAGES, SamePhoto
from pyface.analysis.quality import min_quality as least_quality
from pyface.analysis.scales import MAX_SIDE
from pyface.errors import require_extra
from pyface.report.caps import choose, room_for
from pyface.report.live import ReportLive, live_of
from pyface.report.page import ReportFace, ReportPerson, ReportSkipped, ReportSummary, render_report

_APART = {
    False: "",
    True: ", faces of one photo kept apart",
    "auto": ", faces of one photo kept apart unless one picture",
}
_METRIC_NAMES = {
    "cosine": "cosine distance",
    "euclidean": "Euclidean distance",
    "sqeuclidean": "squared Euclidean distance",
}


def cluster_photos(
    folder: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    models: str | None = None,
    detector: Any = None,
    embedder: Any = None,
    landmarks: Any = None,
    detector_family: str | None = None,
    landmarks_family: str | None = None,
    embedder_family: str | None = None,
    algorithm: str = "average",
    threshold: float | None = None,
    n_clusters: int | None = None,
    same_photo_different_people: SamePhoto = "auto",
    min_quality: float | None = None,
    add: bool = False,
    again: bool = False,
    allow_again: bool = False,
    exclude: Sequence[str] = (),
    min_face: float | None = None,
    max_faces: int | None = None,
    max_side: int = MAX_SIDE,
    refine: bool = True,
    batch_size: int = 32,
    n_threads: int | None = None,
    providers: list[str] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Album:
    """Find the faces in a folder of photos and group them into people.

    folder : path of the folder, searched with its subfolders for what :func:`pyface.read_image` reads. Names decide
        which files are looked at, their content how they are read.
    out : folder to write ``faces.csv``, ``embeddings.npy``, ``summary.json`` and ``report.html`` to. Work is recorded
        there as it goes: after an interruption the same call goes on where it was, with the same result. It is made if
        it does not exist, and replaced only if pyface wrote it. None keeps everything in memory.
    models, detector, embedder, landmarks, and the families of paths : as for :class:`pyface.FaceAnalyzer`; no step can
        be left out. Where all are None, those that ``out`` was made with are gone on with, if it was made before.
    algorithm : ``"average"``, ``"complete"`` or ``"single"`` linkage, ``"dbscan"`` or ``"kmeans"``.
    threshold : distance, in the embedder's metric, strictly below which faces are one person. None is the embedder's
        own, for the algorithm. Not for ``"kmeans"``.
    n_clusters : how many people there are, instead of a threshold; ``"kmeans"`` needs it, ``"dbscan"`` cannot have it.
    same_photo_different_people : two faces of one photo are never put together. "auto", the default, leaves out those
        that are so near that they are one picture twice, as in collages, mirrors and screens; True knows no exception,
        False no rule. For the three linkages; "auto" does nothing for other algorithms or with ``n_clusters``.
    min_quality : faces of less quality, in [0, 1], found no people: they join somebody who is near enough, or are set
        aside as "cannot be told". None is the default for all who have a threshold, 0 uses every face as it is.
    add : ``folder`` holds photos to add to those that ``out`` knows; it may hold known ones too. All faces are grouped
        together, as if all photos had been given at once. People keep the number with which they have most faces in
        common, ties the lower one (:func:`pyface.cluster.relabel`); new people get higher ones. Photos that are known
        stay although they are not in ``folder``. One that is not known, and whose name a known one has, is called
        ``folder's name/name``, then ``folder's name/name (2)``; then its name is no path in the first folder. Needs the
        models and settings of before. Without anything in ``out`` it is an ordinary run.
    again : analyse the photos anew if ``out`` was made with other models than those asked for now (or the default);
        without it that is refused.
    allow_again : photos and faces of ``folder`` that were forgotten may come back, for good.
    exclude : patterns of files and folders to leave out, as in ``.gitignore``: one without ``/`` is compared with every
        name, one with ``/`` with the path in ``folder``; ``*``, ``?`` and ``[a-z]`` do not match ``/``, ``**/`` is any
        folders, and a ``/`` at the end means folders alone. Folders in which systems keep thumbnails, deleted files and
        other things of their own (``@eaDir``, ``#recycle``, ``lost+found``, ``$RECYCLE.BIN``, ``Thumbs``, ...), and
        those whose name begins with a dot, are left out without being asked.
    min_face, max_faces, max_side, refine : as for :class:`pyface.FaceAnalyzer`.
    batch_size : faces embedded at a time.       n_threads : photos worked on at a time.
    providers : ONNX Runtime's providers; None is the CPU.
    progress : called as ``progress(stage, done, total)`` from this thread, ``stage`` is ``"photos"`` or ``"people"``;
        before them ``"known photos"`` where files may be photos that ``out`` knows by another name or time.

    Returns an :class:`pyface.album.album.Album`. The result depends neither on ``batch_size`` nor on ``n_threads``.
    Files that cannot be read are listed in ``Album.skipped``, what is left out in ``Album.left_out``. A photo whose
    bytes ``out`` knows is not analysed again: what is known of it holds under its new name. Raises
    :class:`pyface.errors.OutputFolderError` before any work if ``out`` cannot be used or added to, NotADirectoryError
    if ``folder`` is no folder, ValueError if there are fewer faces than ``n_clusters``. If no photo in it can be read,
    the album is empty; with ``out`` that is a :class:`pyface.errors.NoPhotosError`, and ``out`` stays as it was (photos
    that ``add`` finds nothing to add to it are no error). Ctrl-C raises KeyboardInterrupt
    with all finished photos recorded. Memory grows by about 1 kB a face, plus about 250 MB a thread at work.
    """
    folder = folder_path(folder)
    if out is not None:
        out = os.fsdecode(out)
        require_extra("jinja2")  # told now, not after all the work
    album = build_album(
        folder,
        out=out,
        models=models,
        detector=detector,
        embedder=embedder,
        landmarks=landmarks,
        detector_family=detector_family,
        landmarks_family=landmarks_family,
        embedder_family=embedder_family,
        algorithm=algorithm,
        threshold=threshold,
        n_clusters=n_clusters,
        same_photo_different_people=same_photo_different_people,
        min_quality=min_quality,
        add=add,
        again=again,
        allow_again=allow_again,
        exclude=exclude,
        min_face=min_face,
        max_faces=max_faces,
        max_side=max_side,
        refine=refine,
        batch_size=batch_size,
        n_threads=n_threads,
        providers=providers,
        progress=progress,
    )
    if out is not None:
        _write(out, album)
    return album


def recluster_photos(
    out: str | os.PathLike[str],
    *,
    algorithm: str = "average",
    threshold: float | None = None,
    n_clusters: int | None = None,
    same_photo_different_people: SamePhoto = "auto",
    min_quality: float | None = None,
    n_threads: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Album:
    """Group the faces in ``out`` anew, without looking at the photos: they may be gone. What was said of them holds.

    out : a folder that :func:`cluster_photos` wrote; its record of work, ``work.sqlite``, is what is read.
    The others : as for :func:`cluster_photos`, with the same defaults, whatever was asked for before.

    Writes the files of ``out`` as :func:`cluster_photos` would with these arguments, byte for byte but for the seconds
    in the summary; numbers are by size, as there. Returns the album. After a run that did not end it has the photos
    that were done.

    Raises :class:`pyface.errors.OutputFolderError` if pyface did not write ``out``, or if its record is missing,
    damaged, of an incompatible version or in use; then ``out`` stays as it was.
    """
    out = os.fsdecode(out)
    require_extra("jinja2")
    album = rebuild_album(
        out,
        algorithm=algorithm,
        threshold=threshold,
        n_clusters=n_clusters,
        same_photo_different_people=same_photo_different_people,
        min_quality=min_quality,
        n_threads=n_threads,
        progress=progress,
    )
    _write(out, album)
    return album


def save_album(album: Album) -> None:
    """Write the files of an album's OUT anew, after names and corrections: ``faces.csv``, the page and the others.

    ValueError for an album that has no OUT; :class:`pyface.errors.OutputFolderError` if OUT cannot be written, which
    then stays as it was.
    """
    if album.out is None:
        raise ValueError("album has no folder of its own; name one as out when it is made")
    require_extra("jinja2")
    _write(album.out, album, is_new=False)


def _write(out: str, album: Album, *, is_new: bool = True) -> None:
    since = time.perf_counter()
    with many_objects():
        page = album_page(album)
        album.seconds["page"] = round(time.perf_counter() - since, 3)
        files = {**album_files(album), REPORT: page.encode("utf-8")}
    with one_writer(out):
        refuse_changed(out, album, is_new=is_new)
        write_files(out, files)
        # Last: numbers that a later run continues are those that somebody may have seen.
        remember_people(out, album)


def album_page(album: Album) -> str:
    """The page of an album: people by size, faces as thumbnails, close calls marked."""
    settings = album.settings
    threshold = settings["threshold"]
    apart = _APART[settings["same_photo_different_people"]]
    summary = ReportSummary(
        folder=album.title,
        n_photos=len(album.photos),
        n_photos_without_face=album.n_photos_without_face,
        n_faces=len(album.faces),
        n_people=album.n_people,
        detector=os.path.basename(settings["detector"]),  # of a path the page shows no folders
        embedder=os.path.basename(settings["embedder"]),
        landmarks=os.path.basename(settings["landmarks"]),
        algorithm=settings["algorithm"] + apart,
        threshold=None if threshold is None else f"{threshold:.4g} ({_METRIC_NAMES[settings['metric']]})",
        n_clusters=settings["n_clusters"],
        version=__version__,
        n_set_aside=int(np.count_nonzero(album.set_aside & ~album.hidden)),
        n_hidden=int(np.count_nonzero(album.hidden)),
        notes=album.notes,
    )
    everybody, others = album.people(), {call.other for call in album.close_calls}
    numbers = [int(album.labels[face_ids[0]]) for face_ids in everybody]
    named = {n: _name_of(album, ids.tolist()) for n, ids in zip(numbers, everybody, strict=True) if n in others}
    unsure = {call.face_id: _unsure_text(call, named) for call in album.close_calls}
    people = [face_ids for face_ids in everybody if not album.hidden[face_ids[0]]]
    people.sort(key=lambda face_ids: (album.set_aside[face_ids[0]], -len(face_ids), album.labels[face_ids[0]]))
    # Only what the page has room for is laid out: an album may have tens of thousands of people.
    room = room_for([len(face_ids) for face_ids in people])
    shown = []
    for face_ids, places in zip(people[: len(room)], room, strict=True):
        ids = face_ids.tolist()
        chosen = choose(ids, [i for i in ids if i in unsure], places)
        faces = [ReportFace(i, album.faces[i].photo, album.faces[i].face.score, None, unsure.get(i)) for i in chosen]
        name, is_aside = _name_of(album, ids), bool(album.set_aside[ids[0]])
        shown.append(ReportPerson(int(album.labels[ids[0]]), tuple(faces), len(ids), name=name, set_aside=is_aside))
    thumbnails = iter(album.thumbnails([face.face_id for person in shown for face in person.faces]))
    with_thumbnails = [
        replace(person, faces=tuple(replace(face, thumbnail=next(thumbnails)) for face in person.faces))
        for person in shown
    ]
    skipped = [ReportSkipped(s.photo, s.reason) for s in album.skipped]
    return render_report(summary, with_thumbnails, skipped, _live(album) if shown else None)


def _live(album: Album) -> ReportLive | str:
    """The people at other thresholds, or why they are not known."""
    known = other_thresholds(album)
    if isinstance(known, str):
        return known
    settings, options = album.settings, list[str]()
    if settings["algorithm"] != "average":
        options.append(f"--algorithm {settings['algorithm']}")
    is_apart = settings["same_photo_different_people"]
    if settings["algorithm"] in LINKAGES and is_apart != "auto":
        options.append(f"--{'' if is_apart else 'no-'}same-photo-different-people")
    if settings["min_quality"] != least_quality(settings["embedder"]):
        options.append(f"--min-quality {settings['min_quality']!r}")
    return live_of(known, " ".join(options))


def _name_of(album: Album, face_ids: list[int]) -> str:
    """The name of a person all of whose faces have one; nothing where they have none, or several."""
    names = {album.persons[i] for i in face_ids}
    return names.pop() if len(names) == 1 else ""


def _unsure_text(call: CloseCall, named: Mapping[int, str]) -> str:
    if call.other is None:
        return "barely belongs here"
    name = named[call.other]
    return f"could also be {name} ({call.other})" if name else f"could also be person {call.other}"
