"""``pyface align``: upright crops of faces as files."""

from __future__ import annotations

from typing import Annotated

import typer

from pyface.analysis.scales import MAX_SIDE
from pyface.cli.console import progress_bar, reports_errors, say_faces, say_read, set_up_logging
from pyface.cli.options import (
    DetectorFamily,
    DetectorName,
    ImageFormat,
    LandmarksFamily,
    LandmarksName,
    MaxFaces,
    MaxSide,
    MinFace,
    Models,
    Photos,
    PicturesOut,
    Providers,
    Refine,
    Threads,
    Verbose,
    app,
)


@app.command()
@reports_errors
def align(
    photos: Photos,
    out: PicturesOut,
    size: Annotated[
        int, typer.Option(help="Side of a crop in pixels, 16 to 4096; for arcface a multiple of 112 or 128.")
    ] = 112,
    template: Annotated[str, typer.Option(help="Frame of the crops: arcface or dlib-5.")] = "arcface",
    antialias: Annotated[
        bool,
        typer.Option("--antialias", help="Average before shrinking. Nicer to look at; networks are not used to it."),
    ] = False,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also write each photo with landmarks, crop outlines, head axes.")
    ] = False,
    image_format: ImageFormat = "png",
    models: Models = None,
    detector: DetectorName = None,
    detector_family: DetectorFamily = None,
    landmarks: LandmarksName = None,
    landmarks_family: LandmarksFamily = None,
    min_face: MinFace = None,
    max_faces: MaxFaces = None,
    max_side: MaxSide = MAX_SIDE,
    refine: Refine = True,
    n_threads: Threads = None,
    providers: Providers = None,
    verbose: Verbose = False,
) -> None:
    """Write an upright crop of every face, as PHOTO-0.png, PHOTO-1.png, ..., the surest face first."""
    set_up_logging(verbose)
    from pyface.analysis.analyzer import FaceAnalyzer
    from pyface.pictures.aligned import align_photos

    analyzer = FaceAnalyzer(
        models, detector=detector, detector_family=detector_family, landmarks=landmarks,
        landmarks_family=landmarks_family, embedder=False, min_face=min_face, max_faces=max_faces,
        max_side=max_side, refine=refine, n_threads=n_threads, providers=providers,
    )  # fmt: skip
    with progress_bar() as progress:
        done = align_photos(
            analyzer, photos, out, size=size, template=template, antialias=antialias, overlay=overlay,
            image_format=image_format, progress=progress,
        )  # fmt: skip
    say_read(done.n_photos, done.skipped)
    say_faces(done.n_faces, done.n_photos, out)
