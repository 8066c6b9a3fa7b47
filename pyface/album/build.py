"""Albums: of a folder of photos, of photos added to an album, and of the record of an album alone."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from pyface import __version__, _check, _threads
from pyface.album.album import Album, timed
from pyface.album.assembly import album_of, stored_album
from pyface.album.continuing import continue_record, models_for, refuse_mixture
from pyface.album.facts import FILE_NAME as FACTS_FILE
from pyface.album.facts import Journal
from pyface.album.moved import plan_addition, plan_run
from pyface.album.out_folder import is_ours, prepare_folder, remove_if_empty, remove_made
from pyface.album.people import SamePhoto, check_grouping
from pyface.album.records import RunInfo
from pyface.album.run import AnalysisSettings, FolderRun, ProgressCallback
from pyface.album.tombstones import FORGOTTEN, Tombstones
from pyface.album.work import FILE_NAME, WorkFile
from pyface.analysis import scales
from pyface.analysis.analyzer import check_count, check_max_side, check_min_face
from pyface.analysis.chain import Chain
from pyface.errors import NoPhotosError, OutputFolderError, require_extra
from pyface.photos.finding import LeftOut, Skipped, find_photos
from pyface.photos.globs import compile_globs
from pyface.photos.reading import quiet_pillow
from pyface.photos.thumbnails import THUMBNAIL_VERSION

logger = logging.getLogger(__name__)

# Raise it when the same models and settings would give other faces than before.
_ANALYSIS_VERSION = 6


def build_album(
    folder: str | os.PathLike[str],
    *,
    out: str | None = None,
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
    max_side: int = scales.MAX_SIDE,
    refine: bool = True,
    batch_size: int = 32,
    n_threads: int | None = None,
    providers: list[str] | None = None,
    progress: ProgressCallback | None = None,
) -> Album:
    """Find and group the faces of a folder, with the record of work in ``out`` (which is checked before any work)."""
    folder = folder_path(folder)
    if not os.path.isdir(folder):
        raise NotADirectoryError(
            f"PHOTOS must be a folder: {folder!r} " + ("is a file" if os.path.exists(folder) else "does not exist")
        )
    grouping = check_grouping(algorithm, threshold, n_clusters, same_photo_different_people, min_quality)
    for role, choice in (("detector", detector), ("landmarks", landmarks), ("embedder", embedder)):
        if choice is False:
            raise ValueError(f"{role}=False: people cannot be told apart without the {role}")
    if add and out is None:
        raise ValueError("add=True needs out: the folder whose photos are added to")
    if add and again:
        raise ValueError("add and again exclude each other: what is added to must stay as it was analysed")
    batch = check_count(batch_size, "batch_size") or 32
    workers = _threads.resolve(n_threads)
    globs = compile_globs(exclude, "exclude (--exclude)")
    allow_again = _check.flag(allow_again, "allow_again")
    settings = AnalysisSettings(
        check_min_face(min_face),
        check_count(max_faces, "max_faces"),
        check_max_side(max_side),
        _check.flag(refine, "refine"),
    )

    # A part that is missing is told now, not when the first photo needs it.
    for module in ("PIL.Image", "cv2"):
        require_extra(module)
    if out is not None:
        if os.path.exists(out) and os.path.samefile(folder, out):
            raise OutputFolderError(f"{out}: is the folder of photos itself; choose another, for instance one in it")
        is_new = prepare_folder(out)
    clock: dict[str, float] = {}
    with timed(clock, "find photos"):
        found = find_photos(folder, out=out, exclude=globs)
    photos, skipped = found.photos, found.skipped
    if out is not None and not photos and not add:
        raise _no_photos(folder, skipped, found.left_out, out, is_new=is_new)
    work_path = None if out is None else os.path.join(out, FILE_NAME)
    with timed(clock, "load models"):
        choices = {
            "detector": detector, "landmarks": landmarks, "embedder": embedder, "detector_family": detector_family,
            "landmarks_family": landmarks_family, "embedder_family": embedder_family,
        }  # fmt: skip
        try:
            chain = models_for(out, work_path, models, choices, providers=providers, again=again, add=add)
        except BaseException:
            if out is not None and is_new:
                remove_if_empty(out)
            raise
    info = _run_info(folder, chain, settings, batch=batch, n_threads=workers, providers=providers)
    own_name = info.title or "added"  # the root of a disk has no name
    info.settings["exclude"] = [glob.text for glob in globs]
    info = replace(info, left_out=tuple(found.left_out))
    journal = Journal(None if out is None else os.path.join(out, FACTS_FILE))
    forgotten = journal.forgotten()
    tombstones = Tombstones({} if allow_again else forgotten)
    anew = forgotten.keys() if allow_again else ()
    with contextlib.closing(WorkFile(work_path, keep=add)) as work:
        with timed(clock, "compare with OUT"):
            if add and out is not None:
                title, info = info.title, continue_record(out, work, info)
                is_same_folder = title == info.title
            known = {
                name: photo for name, photo in work.known(info.analysis).items() if not tombstones.has_photo(photo[2])
            }
            if add and out is not None:
                plan = plan_addition(
                    photos, known, folder=own_name, is_same_folder=is_same_folder, anew=anew, progress=progress
                )
            else:
                plan = plan_run(photos, known, anew=anew, progress=progress)
        pending = plan.pending
        logger.info(
            "%d photos, %d of them known, %d by another name", len(photos), len(photos) - len(pending),
            sum(move.file.name != move.source for move in plan.moves),
        )  # fmt: skip
        is_at_risk = out is not None and len(pending) == len(photos) and not (add and known)
        work.begin(info, photos, skipped, add=add, at_first_photo=is_at_risk)
        work.take_over(plan.moves, tombstones)
        run = FolderRun(
            chain, settings, work, info.analysis, batch_size=batch, n_threads=workers, tombstones=tombstones
        )  # fmt: skip
        with timed(clock, "analyse"), quiet_pillow():
            run.run(pending, progress)
        if out is not None and not work.has_begun:
            work.close()
            raise _no_photos(folder, work.held_back(), found.left_out, out, is_new=is_new)
        clock |= {f"analyse: {stage} (all threads)": value for stage, value in sorted(run.clock.seconds.items())}
        if not add:
            work.keep_only(photo.name for photo in photos)
        work.end()
        if allow_again and forgotten:
            looked_at = {photo.name for photo in pending}
            journal.allow_again({digest for name, *_, digest in work.photos() if name in looked_at})
        return album_of(
            work, work_path, info, grouping, keep=add, n_threads=workers, clock=clock, progress=progress
        )  # fmt: skip


def _no_photos(
    folder: str, skipped: list[Skipped], left_out: list[LeftOut], out: str, *, is_new: bool
) -> NoPhotosError:
    """What is told of a folder without a photo that can be read; OUT is as it was, and gone if this run made it."""
    text = f"{folder}: " + ("none of the files could be read" if skipped else "there is no photo in it")
    if skipped and all(item.reason == FORGOTTEN for item in skipped):
        text = f"{folder}: all of its photos are forgotten"
    if left_out:
        text += f"; left out: {left_out[0].path} ({left_out[0].reason})"
        text += f" and {len(left_out) - 1:,} more" if len(left_out) > 1 else ""
    if is_new:
        remove_if_empty(out)
    elif os.listdir(out):
        text += f"; {out} stays as it was"
    return NoPhotosError(text, tuple(skipped))


def folder_path(folder: str | os.PathLike[str]) -> str:
    """The path of the folder of photos as text. TypeError for anything else, such as a list of photos."""
    if not isinstance(folder, str | bytes | os.PathLike):
        raise TypeError(
            f"folder must be the path of a folder of photos, got {type(folder).__name__}; put single photos, "
            "or links to them, into a folder"
        )
    return os.fsdecode(folder)


def rebuild_album(
    out: str,
    *,
    algorithm: str = "average",
    threshold: float | None = None,
    n_clusters: int | None = None,
    same_photo_different_people: SamePhoto = "auto",
    min_quality: float | None = None,
    n_threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> Album:
    """Group the faces in the record of work in ``out`` anew; no photo and no model is needed."""
    grouping = check_grouping(algorithm, threshold, n_clusters, same_photo_different_people, min_quality)
    workers = _threads.resolve(n_threads)
    clock: dict[str, float] = {}
    with record_of(out) as (work, work_path, info, has_ended):
        refuse_mixture(out, work, info)
        if not has_ended:
            logger.warning("%s: the last run did not end; the photos that it had done are grouped", out)
        return album_of(
            work, work_path, info, grouping, keep=False, n_threads=workers, clock=clock, progress=progress
        )  # fmt: skip


def load_album(out: str | os.PathLike[str], *, n_threads: int | None = None) -> Album:
    """The album in ``out`` as its last run left it: no photo, no model and no clustering is needed.

    out : a folder that :func:`pyface.cluster_photos` wrote; its ``work.sqlite`` and ``facts.sqlite`` are read.
    n_threads : for what answers to its faces make necessary (:meth:`pyface.album.album.Album.same`).

    Raises :class:`pyface.errors.OutputFolderError` if pyface did not write ``out``, if its record is missing, damaged,
    of an incompatible version or being written, or if no run got as far as people. OUT is only read: it may be on a
    disk that cannot be written, and open in ``pyface review``.
    """
    out = os.fsdecode(out)
    workers = _threads.resolve(n_threads)
    with record_of(out, reading=True) as (work, work_path, info, _):
        return stored_album(work, work_path, info, n_threads=workers)


@contextlib.contextmanager
def record_of(out: str, *, reading: bool = False) -> Iterator[tuple[WorkFile, str, RunInfo, bool]]:
    """The open record of an OUT, its path, what the last run was asked for, and whether it ended."""
    if not os.path.isdir(out) or not is_ours(out):
        what = "was not written by pyface" if os.path.lexists(out) else "does not exist"
        raise OutputFolderError(f"{out}: {what}; name a folder that 'pyface cluster' wrote")
    work_path = os.path.join(out, FILE_NAME)
    nothing = OutputFolderError(f"{work_path}: there is no record of work in it; run 'pyface cluster' on the photos")
    if not os.path.exists(work_path):
        raise nothing
    if not reading:
        prepare_folder(out)
    with contextlib.closing(WorkFile(work_path, keep=True, reading=reading)) as work:
        last = work.last_run()
        if last is None:
            raise nothing
        if not reading and work.drop_forgotten(Tombstones(Journal(os.path.join(out, FACTS_FILE)).forgotten())):
            remove_made(out)  # forgetting was broken off
        yield work, work_path, *last


def _run_info(
    folder: str,
    chain: Chain,
    settings: AnalysisSettings,
    *,
    batch: int,
    n_threads: int,
    providers: list[str] | None,
) -> RunInfo:
    assert chain.embedder is not None
    return RunInfo(
        title=os.path.basename(os.path.abspath(folder)),
        version=__version__,
        analysis=analysis_key(chain, settings, providers),
        metric=chain.embedder.metric,
        cluster_threshold=float(chain.embedder.cluster_threshold),
        dimension=chain.embedder.dimension,
        settings={
            **asdict(settings),
            "batch_size": batch,
            "n_threads": n_threads,
            "providers": providers,
            **chain.settings(),
        },
        models=chain.digests(),
    )


def analysis_key(chain: Chain, settings: AnalysisSettings, providers: list[str] | None) -> str:
    """Digest of everything that shapes the faces of a photo, its own bytes aside."""
    described = {
        "version": [__version__, _ANALYSIS_VERSION, THUMBNAIL_VERSION],
        "models": chain.digests(),
        "settings": asdict(settings),
        "providers": providers,
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
