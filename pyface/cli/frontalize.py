"""``pyface frontalize``: faces turned to the front as files."""

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
def frontalize(
    photos: Photos,
    out: PicturesOut,
    landmarks: Annotated[
        str | None,
        typer.Option(help="Name of a model of 68 landmarks: dlib-68. See its licence in 'pyface models list'."),
    ] = None,
    landmarks_family: LandmarksFamily = None,
    size: Annotated[int, typer.Option(help="Side of a picture in pixels, 16 to 4096.")] = 224,
    method: Annotated[
        str, typer.Option(help="surface, a generic head with cheeks and forehead, or mesh, the landmarks' triangles.")
    ] = "surface",
    symmetry: Annotated[
        str, typer.Option(help="soft fills what is hidden from the other half of the face; none leaves it smeared.")
    ] = "soft",
    max_yaw: Annotated[float, typer.Option(help="Degrees to the side, up to 80, beyond which a face is refused.")] = 60,
    antialias: Annotated[
        bool, typer.Option("--antialias", help="Average before shrinking, for faces larger than their picture.")
    ] = False,
    overlay: Annotated[
        bool,
        typer.Option(
            "--overlay", help="Also write each photo with mesh and axes, and each picture coloured by what was seen."
        ),
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
    """Turn every face to the front: PHOTO-0.png, PHOTO-1.png, ..., the surest face first.

    It needs 68 landmarks: pyface frontalize PHOTOS --landmarks dlib-68 -o OUT. What it shows is a likeness for people
    to look at: the depth is that of a generic head, and the hidden half a copy of the other.
    """
    set_up_logging(verbose)
    from pyface.analysis.analyzer import FaceAnalyzer
    from pyface.pictures.frontal import frontalize_photos

    analyzer = FaceAnalyzer(
        models, detector=detector, detector_family=detector_family, landmarks=landmarks,
        landmarks_family=landmarks_family, embedder=False, min_face=min_face, max_faces=max_faces,
        max_side=max_side, refine=refine, n_threads=n_threads, providers=providers,
    )  # fmt: skip
    with progress_bar() as progress:
        done = frontalize_photos(
            analyzer, photos, out, size=size, method=method, symmetry=symmetry, max_yaw=max_yaw, antialias=antialias,
            overlay=overlay, image_format=image_format, progress=progress,
        )  # fmt: skip
    say_read(done.n_photos, done.skipped)
    say_faces(done.n_faces, done.n_photos, out)
