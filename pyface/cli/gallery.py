"""``pyface enroll``, ``pyface identify`` and ``pyface gallery``: who is this?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyface.analysis.scales import MAX_SIDE
from pyface.cli import tables
from pyface.cli.console import progress_bar, reports_errors, say, say_read, say_skipped, set_up_logging, showable
from pyface.cli.options import (
    DetectorFamily,
    DetectorName,
    EmbedderFamily,
    EmbedderName,
    ImageFormat,
    LandmarksFamily,
    LandmarksName,
    MaxSide,
    MinFace,
    Models,
    Photos,
    Providers,
    Refine,
    Threads,
    Verbose,
    app,
    gallery_app,
)
from pyface.errors import EnrollError, NoPhotosError, counted

if TYPE_CHECKING:
    from pyface.gallery import Gallery

_Gallery = Annotated[Path, typer.Argument(help="Folder of a gallery.", metavar="GALLERY", readable=False)]


@app.command()
@reports_errors
def enroll(
    gallery: Annotated[
        Path, typer.Argument(help="Folder of a gallery; it is made if need be.", metavar="GALLERY", readable=False)
    ],
    photos: Photos,
    name: Annotated[
        str | None, typer.Option(help="Whose photos these are. Default: PHOTOS has a folder for each person.")
    ] = None,
    largest: Annotated[
        bool, typer.Option("--largest", help="Of several faces of a photo take the largest; otherwise it is an error.")
    ] = False,
    skip: Annotated[
        bool, typer.Option("--skip", help="Pass over photos that do not show one face; otherwise it is an error.")
    ] = False,
    rule: Annotated[
        str | None,
        typer.Option(
            help="How near a name of several faces is: nearest, mean or k_of_n. Default: the gallery's, or nearest."
        ),
    ] = None,
    votes: Annotated[int | None, typer.Option(help="For k_of_n: how many faces must be near. Default: 2.")] = None,
    models: Models = None,
    detector: DetectorName = None,
    detector_family: DetectorFamily = None,
    landmarks: LandmarksName = None,
    landmarks_family: LandmarksFamily = None,
    embedder: EmbedderName = None,
    embedder_family: EmbedderFamily = None,
    min_face: MinFace = None,
    max_side: MaxSide = MAX_SIDE,
    refine: Refine = True,
    n_threads: Threads = None,
    providers: Providers = None,
    verbose: Verbose = False,
) -> None:
    """Put people into a gallery: photos of one face each, in a folder for each person, or all of --name.

    Who is enrolled already has the new faces beside those from before. Enroll people who agreed to it.
    """
    set_up_logging(verbose)
    from pyface.analysis.analyzer import FaceAnalyzer
    from pyface.gallery import Gallery, analyzer_for, enroll_photos

    options: dict[str, Any] = {
        "detector": detector, "detector_family": detector_family, "landmarks": landmarks,
        "landmarks_family": landmarks_family, "embedder": embedder, "embedder_family": embedder_family,
        "min_face": min_face, "max_side": max_side, "refine": refine, "n_threads": n_threads, "providers": providers,
    }  # fmt: skip
    is_new = not gallery.is_dir() or not any(gallery.iterdir())
    if is_new and not gallery.is_dir() and os.path.lexists(gallery):
        raise ValueError(f"{gallery}: is a file; name the folder of a gallery, or a new one")
    if is_new:
        analyzer = FaceAnalyzer(models, **options)
        assert analyzer.chain.embedder is not None
        people = Gallery(analyzer.chain.embedder, n_threads=n_threads)
    else:
        people = Gallery.load(gallery, n_threads=n_threads)
        analyzer = analyzer_for(people, models, **options)
    if rule is not None:
        people.rule = rule
    if votes is not None:
        if people.rule != "k_of_n":
            raise ValueError(f"votes (--votes) is for the rule k_of_n (--rule), and here it is {people.rule}")
        people.votes = votes
    try:
        with progress_bar() as progress:
            done = enroll_photos(
                people, analyzer, photos, name=name, largest=largest, skip=skip, progress=progress
            )  # fmt: skip
    except (EnrollError, NoPhotosError) as error:
        say_skipped(error.skipped)
        raise
    people.save(gallery)
    say_skipped(done.skipped)
    known = f", {done.n_known:,} known already" if done.n_known else ""
    say(
        f"{counted(done.n_new, 'new face')} of {counted(len(done.names), 'person', 'people')}{known}; "
        f"{_counts(people)}: {showable(str(gallery))}"
    )
    _say_stale(people)


@app.command()
@reports_errors
def identify(
    photos: Photos,
    gallery: Annotated[
        Path, typer.Option("--gallery", "-g", help="Folder of a gallery.", metavar="GALLERY", readable=False)
    ],
    output: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV file. Default: standard output.", readable=False)
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Greatest distance at which a face gets a name, in the gallery's metric. Default: its own."),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(help="Folder for copies of the photos with boxes and names.", metavar="DIR", readable=False),
    ] = None,
    image_format: ImageFormat = "png",
    font: Annotated[
        Path | None,
        typer.Option(help="Font file for names in other letters than A to Z, for --overlay.", readable=False),
    ] = None,
    models: Models = None,
    detector: DetectorName = None,
    detector_family: DetectorFamily = None,
    landmarks: LandmarksName = None,
    landmarks_family: LandmarksFamily = None,
    embedder: EmbedderName = None,
    embedder_family: EmbedderFamily = None,
    min_face: MinFace = None,
    max_side: MaxSide = MAX_SIDE,
    refine: Refine = True,
    n_threads: Threads = None,
    providers: Providers = None,
    verbose: Verbose = False,
) -> None:
    """Say who is in photos: a CSV with photo, x1, y1, x2, y2, name, distance, runner_up, runner_up_distance.

    The name is empty where nobody is within the threshold; the distance is then that of the nearest.
    """
    set_up_logging(verbose)
    tables.check_output(output)
    from pyface.gallery import Gallery, analyzer_for, identify_photos
    from pyface.pictures.named_faces import draw_names, needs_font

    people = Gallery.load(gallery, n_threads=n_threads)
    analyzer = analyzer_for(
        people, models, detector=detector, detector_family=detector_family, landmarks=landmarks,
        landmarks_family=landmarks_family, embedder=embedder, embedder_family=embedder_family, min_face=min_face,
        max_side=max_side, refine=refine, n_threads=n_threads, providers=providers,
    )  # fmt: skip
    with progress_bar() as progress:
        if overlay is None:
            found, skipped = identify_photos(people, analyzer, photos, threshold=threshold, progress=progress)
        else:
            found, skipped = draw_names(
                people, analyzer, photos, overlay, threshold=threshold, image_format=image_format, font=font,
                progress=progress,
            )  # fmt: skip
    say_read(len(found), tuple(skipped))
    tables.write_bytes(output, tables.identified_csv(found))
    names = [name for photo in found for name in photo.found.names]
    unreadable = sorted({name for name in names if name is not None and needs_font(name)})
    if overlay is not None and font is None and unreadable:
        say(f"note: {showable(unreadable[0])} is drawn with question marks, for want of its letters (--font)")
    n_named, limit = sum(name is not None for name in names), found[0].found.threshold
    say(
        f"{counted(len(names), 'face')} in {counted(len(found), 'photo')}: {n_named:,} with a name, "
        f"{len(names) - n_named:,} unknown; threshold {limit:.4g} ({people.metric})"
    )
    _say_stale(people)


@gallery_app.command(name="list")
@reports_errors
def list_names(gallery: _Gallery, verbose: Verbose = False) -> None:
    """List who is enrolled: number of faces and name, in the order of enrolling."""
    set_up_logging(verbose)
    from pyface.gallery import Gallery

    people = Gallery.load(gallery)
    for name, n_faces in zip(people.names, people.counts.tolist(), strict=True):
        typer.echo(f"{n_faces}\t{showable(name)}")
    limit = "no threshold" if people.threshold is None else f"threshold {people.threshold:.4g} ({people.metric})"
    rule = f"{people.votes} of a name's faces" if people.rule == "k_of_n" else people.rule
    say(f"{_counts(people)}; vectors of {showable(people.embedder)}, rule {rule}, {limit}")
    if people.calibration is not None:
        fit = people.calibration
        say(
            f"threshold fitted to {fit.n_impostors:,} faces of strangers: {100 * fit.fpir:.3g} % get a name "
            f"({100 * fit.low:.3g} to {100 * fit.high:.3g})"
        )
    _say_stale(people)


@gallery_app.command()
@reports_errors
def remove(
    gallery: _Gallery,
    names: Annotated[list[str], typer.Argument(help="Who is taken out, by name.", metavar="NAME...")],
    verbose: Verbose = False,
) -> None:
    """Take people out of a gallery, with all their faces. It cannot be undone."""
    set_up_logging(verbose)
    from pyface.gallery import Gallery

    people = Gallery.load(gallery)
    n_gone = sum(people.remove(name) for name in dict.fromkeys(names))
    people.save(gallery)
    say(f"removed: {counted(n_gone, 'face')}; {_counts(people)} left")
    say("the disk and backups of it may keep old blocks")


def _counts(people: Gallery) -> str:
    return f"{counted(len(people), 'name')}, {counted(people.n_faces, 'face')}"


def _say_stale(people: Gallery) -> None:
    fit = people.calibration
    if fit is not None and (fit.n_names, fit.n_faces) != (len(people), people.n_faces):
        say(
            f"note: the threshold was fitted to {counted(fit.n_names, 'name')}, {counted(fit.n_faces, 'face')}; fit it "
            "again (Gallery.calibrate)"
        )
