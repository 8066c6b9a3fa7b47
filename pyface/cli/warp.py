"""``pyface warp``: faces warped onto the mean shape as files."""

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
def warp(
    photos: Photos,
    out: PicturesOut,
    landmarks: Annotated[
        str | None,
        typer.Option(help="Name of a model of 68 landmarks: dlib-68. See its licence in 'pyface models list'."),
    ] = None,
    landmarks_family: LandmarksFamily = None,
    size: Annotated[int, typer.Option(help="Side of a picture in pixels, 16 to 4096.")] = 256,
    face_only: Annotated[
        bool, typer.Option("--face-only", help="Black around the face, from brows to jaw, instead of what is there.")
    ] = False,
    antialias: Annotated[
        bool, typer.Option("--antialias", help="Average before shrinking, for faces larger than their picture.")
    ] = False,
    overlay: Annotated[
        bool,
        typer.Option("--overlay", help="Also write each photo and each picture with the mesh; folds are red."),
    ] = False,
    image_format: ImageFormat = "png",
    models: Models = None,
    detector: DetectorName = None,
    detector_family: DetectorFamily = None,
    min_face: MinFace = None,
    max_faces: MaxFaces = None,
    max_side: MaxSide = MAX_SIDE,
    refine: Refine = True,
    n_threads: Threads = None,
    providers: Providers = None,
    verbose: Verbose = False,
) -> None:
    """Warp every face onto the same frontal shape: PHOTO-0.png, PHOTO-1.png, ..., the surest face first.

    It needs 68 landmarks: pyface warp PHOTOS --landmarks dlib-68 -o OUT.
    """
    set_up_logging(verbose)
    from pyface.analysis.analyzer import FaceAnalyzer
    from pyface.pictures.warped import warp_photos

    analyzer = FaceAnalyzer(
        models, detector=detector, detector_family=detector_family, landmarks=landmarks,
        landmarks_family=landmarks_family, embedder=False, min_face=min_face, max_faces=max_faces,
        max_side=max_side, refine=refine, n_threads=n_threads, providers=providers,
    )  # fmt: skip
    with progress_bar() as progress:
        done = warp_photos(
            analyzer, photos, out, size=size, face_only=face_only, antialias=antialias, overlay=overlay,
            image_format=image_format, progress=progress,
        )  # fmt: skip
    say_read(done.n_photos, done.skipped)
    say_faces(done.n_faces, done.n_photos, out)
