"""``pyface cluster`` and ``pyface recluster``: photos in, people out; and people anew from what is known."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyface.album.outputs import REPORT
from pyface.analysis.scales import MAX_SIDE
from pyface.cli.console import (
    interrupted,
    progress_bar,
    reports_errors,
    say,
    say_skipped,
    set_up_logging,
    showable,
)
from pyface.cli.options import (
    Algorithm,
    ApartInPhoto,
    BatchSize,
    Clusters,
    DetectorFamily,
    DetectorName,
    EmbedderFamily,
    EmbedderName,
    LandmarksFamily,
    LandmarksName,
    MaxFaces,
    MaxSide,
    MinFace,
    MinQuality,
    Models,
    Providers,
    Refine,
    Threads,
    Threshold,
    Verbose,
    app,
)
from pyface.errors import NoPhotosError, counted

if TYPE_CHECKING:
    from pyface.album.album import Album
    from pyface.album.people import SamePhoto
    from pyface.photos.finding import LeftOut


@app.command()
@reports_errors
def cluster(
    photos: Annotated[Path, typer.Argument(help="Folder of photos.", metavar="PHOTOS", readable=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.", metavar="OUT", readable=False)],
    models: Models = None,
    detector: DetectorName = None,
    detector_family: DetectorFamily = None,
    landmarks: LandmarksName = None,
    landmarks_family: LandmarksFamily = None,
    embedder: EmbedderName = None,
    embedder_family: EmbedderFamily = None,
    algorithm: Algorithm = "average",
    threshold: Threshold = None,
    clusters: Clusters = None,
    same_photo_different_people: ApartInPhoto = None,
    min_quality: MinQuality = None,
    add: Annotated[
        bool, typer.Option("--add", help="Add these photos to those that OUT knows; people keep their numbers.")
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Analyse the photos anew where OUT was made with other models."),
    ] = False,
    allow_again: Annotated[
        bool, typer.Option("--allow-again", help="Photos and faces that were forgotten may come back.")
    ] = False,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            help="Leave out files and folders of this name, or of this path in PHOTOS if it has a '/', as in "
            ".gitignore; may be repeated.",
            metavar="GLOB",
        ),
    ] = None,
    min_face: MinFace = None,
    max_faces: MaxFaces = None,
    max_side: MaxSide = MAX_SIDE,
    refine: Refine = True,
    batch_size: BatchSize = 32,
    n_threads: Threads = None,
    providers: Providers = None,
    verbose: Verbose = False,
) -> None:
    """Group the faces of a folder of photos into people.

    Writes faces.csv, embeddings.npy, summary.json and report.html to OUT. After an interruption the same command goes
    on where it was. 'pyface recluster OUT' groups the faces anew, without the photos.
    """
    set_up_logging(verbose)
    from pyface.report.folder import cluster_photos

    done: tuple[int, int] | None = None
    try:
        with progress_bar() as show:

            def progress(stage: str, n_done: int, total: int) -> None:
                nonlocal done
                if stage == "photos":
                    done = n_done, total
                show(stage, n_done, total)

            album = cluster_photos(
                photos,
                out=out,
                models=models,
                detector=detector,
                landmarks=landmarks,
                embedder=embedder,
                detector_family=detector_family,
                landmarks_family=landmarks_family,
                embedder_family=embedder_family,
                algorithm=algorithm,
                threshold=threshold,
                n_clusters=clusters,
                same_photo_different_people=_same_photo(same_photo_different_people),
                min_quality=min_quality,
                add=add,
                again=again,
                allow_again=allow_again,
                exclude=exclude or (),
                min_face=min_face,
                max_faces=max_faces,
                max_side=max_side,
                refine=refine,
                batch_size=batch_size,
                n_threads=n_threads,
                providers=providers,
                progress=progress,
            )
    except KeyboardInterrupt:
        interrupted(f"pyface: interrupted, {_share(done)}; the same command goes on from there")
    except NoPhotosError as error:
        say_skipped(error.skipped)
        raise
    say_skipped(album.skipped)
    _say_left_out(album.left_out)
    if add and done is not None:
        say(f"{counted(done[1], 'photo')} looked at")  # those that could not be read are looked at each time
    _say_counts(album, out)


@app.command()
@reports_errors
def recluster(
    out: Annotated[Path, typer.Argument(help="Folder that 'pyface cluster' wrote.", metavar="OUT", readable=False)],
    algorithm: Algorithm = "average",
    threshold: Threshold = None,
    clusters: Clusters = None,
    same_photo_different_people: ApartInPhoto = None,
    min_quality: MinQuality = None,
    n_threads: Threads = None,
    verbose: Verbose = False,
) -> None:
    """Group the faces in OUT into people anew, with other options. The photos are not needed.

    Writes the files of OUT as 'pyface cluster' with these options would.
    """
    set_up_logging(verbose)
    from pyface.report.folder import recluster_photos

    if not os.path.lexists(out):
        raise FileNotFoundError(f"{out}: does not exist; name a folder that 'pyface cluster' wrote")
    with progress_bar() as progress:
        album = recluster_photos(
            out,
            algorithm=algorithm,
            threshold=threshold,
            n_clusters=clusters,
            same_photo_different_people=_same_photo(same_photo_different_people),
            min_quality=min_quality,
            n_threads=n_threads,
            progress=progress,
        )
    _say_counts(album, out)


def _share(done: tuple[int, int] | None) -> str:
    """How far a run has come: photos done and to do, None before they are known."""
    n_done, total = done or (0, 1)
    if n_done == total:
        return "all photos are done"
    if not n_done:
        return "no photo is done yet"
    return f"{n_done:,} of the {total:,} photos to do {'is' if n_done == 1 else 'are'} done"


def _same_photo(asked: bool | None) -> SamePhoto:
    return "auto" if asked is None else asked


def _say_left_out(left_out: tuple[LeftOut, ...]) -> None:
    """One line for each reason, with what it is the reason for."""
    counts = Counter((item.reason, item.path.endswith("/")) for item in left_out)
    for (reason, are_folders), n in sorted(counts.items()):
        say(f"left out {counted(n, 'folder' if are_folders else 'photo')} ({showable(reason)})")


def _say_counts(album: Album, out: Path) -> None:
    n_with_face = len(album.photos) - album.n_photos_without_face
    people = counted(album.n_people, "person", "people")
    apart = ""
    for n, what in ((int((album.set_aside & ~album.hidden).sum()), "set aside"), (int(album.hidden.sum()), "hidden")):
        apart += f", {n:,} {what}" if n else ""
    say(
        f"{counted(len(album.photos), 'photo')}, {n_with_face:,} with a face; {counted(len(album.faces), 'face')} of "
        f"{people}{apart}; {counted(len(album.skipped), 'file')} skipped"
    )
    for note in album.notes:
        say(f"note: {showable(note)}")
    say(f"page: {showable(os.path.join(str(out), REPORT))}")
