"""The whole main job: photos in, people and their page out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pyface import __version__
from pyface.errors import require_extra
from pyface.pipeline.album import Album, build_album
from pyface.pipeline.out_folder import write_files
from pyface.pipeline.outputs import REPORT, album_files
from pyface.pipeline.people import CloseCall
from pyface.pipeline.scales import MAX_SIDE
from pyface.report.caps import cap_people
from pyface.report.page import ReportFace, ReportPerson, ReportSkipped, ReportSummary, render_report

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
    algorithm: str = "average",
    threshold: float | None = None,
    min_face: float | None = None,
    max_faces: int | None = None,
    max_side: int = MAX_SIDE,
    batch_size: int = 32,
    n_threads: int | None = None,
    providers: list[str] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Album:
    """Find the faces in a folder of photos and group them into people.

    folder : searched with its subfolders for JPEG, PNG, WebP, BMP, TIFF, GIF (and HEIC with the extra ``heic``).
    out : folder to write ``faces.csv``, ``embeddings.npy``, ``summary.json`` and ``report.html`` to. Work is recorded
        there as it goes: after an interruption the same call goes on where it was, with the same result. It is made if
        it does not exist, and replaced only if pyface wrote it. None keeps everything in memory.
    models, detector, embedder, landmarks : as for :class:`pyface.FaceAnalyzer`; no step can be left out.
    algorithm : ``"average"``, ``"complete"`` or ``"single"`` linkage, or ``"dbscan"``.
    threshold : distance, in the embedder's metric, up to which faces are one person. None is the embedder's own.
    min_face, max_faces, max_side : as for :class:`pyface.FaceAnalyzer`.
    batch_size : faces embedded at a time.       n_threads : photos worked on at a time.
    providers : ONNX Runtime's providers; None is the CPU.
    progress : called as ``progress(stage, done, total)`` from this thread, ``stage`` is ``"photos"`` or ``"people"``.

    Returns an :class:`pyface.pipeline.album.Album`. The result depends neither on ``batch_size`` nor on ``n_threads``.
    Files that cannot be read are listed in ``Album.skipped``. Raises :class:`pyface.errors.OutputFolderError` before
    any work if ``out`` cannot be used, NotADirectoryError if ``folder`` is no folder. Ctrl-C raises KeyboardInterrupt
    with all finished photos recorded. Memory grows by about 1 kB a face, plus about 250 MB a thread at work.
    """
    folder = os.fsdecode(folder)
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
        algorithm=algorithm,
        threshold=threshold,
        min_face=min_face,
        max_faces=max_faces,
        max_side=max_side,
        batch_size=batch_size,
        n_threads=n_threads,
        providers=providers,
        progress=progress,
    )
    if out is not None:
        since = time.perf_counter()
        page = album_page(album, os.path.basename(os.path.abspath(folder)))
        album.seconds["page"] = round(time.perf_counter() - since, 3)
        write_files(out, {**album_files(album), REPORT: page.encode("utf-8")})
    return album


def album_page(album: Album, title: str) -> str:
    """The page of an album: people by size, faces as thumbnails, close calls marked."""
    summary = ReportSummary(
        folder=title,
        n_photos=len(album.photos),
        n_photos_without_face=album.n_photos_without_face,
        n_faces=len(album.faces),
        n_people=album.n_people,
        detector=album.settings["detector"],
        embedder=album.settings["embedder"],
        landmarks=album.settings["landmarks"],
        algorithm=album.settings["algorithm"],
        threshold=f"{album.settings['threshold']:.4g} ({_METRIC_NAMES[album.settings['metric']]})",
        version=__version__,
    )
    unsure = {call.face_id: _unsure_text(call) for call in album.close_calls}
    people = [
        ReportPerson(
            number,
            tuple(
                ReportFace(int(i), album.faces[i].photo, album.faces[i].face.score, None, unsure.get(int(i)))
                for i in face_ids
            ),
            len(face_ids),
        )
        for number, face_ids in enumerate(album.people())
    ]
    shown = cap_people(people)
    thumbnails = iter(album.thumbnails([face.face_id for person in shown for face in person.faces]))
    with_thumbnails = [
        replace(person, faces=tuple(replace(face, thumbnail=next(thumbnails)) for face in person.faces))
        for person in shown
    ]
    return render_report(summary, with_thumbnails, [ReportSkipped(s.photo, s.reason) for s in album.skipped])


def _unsure_text(call: CloseCall) -> str:
    return "barely belongs here" if call.other is None else f"could also be person {call.other}"
