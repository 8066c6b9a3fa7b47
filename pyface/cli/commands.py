"""One function a command, without logic of its own: options in, a library call, the result out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pyface.analysis.scales import MAX_SIDE
from pyface.cli import align, evaluate, export, frontalize, models, names, people, review, tables, warp
from pyface.cli.console import (
    progress_bar,
    reports_errors,
    say,
    say_faces,
    say_read,
    set_up_logging,
    showable,
)
from pyface.cli.options import (
    DetectorFamily,
    DetectorName,
    EmbedderFamily,
    EmbedderName,
    LandmarksFamily,
    LandmarksName,
    MaxFaces,
    MaxSide,
    MinFace,
    Models,
    Photos,
    Providers,
    Refine,
    Threads,
    Verbose,
    app,
)

__all__ = [
    "align",
    "app",
    "evaluate",
    "export",
    "frontalize",
    "models",
    "names",
    "people",
    "review",
    "warp",
]  # importing these puts their commands before those below


@app.command()
@reports_errors
def detect(
    photos: Photos,
    output: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV file. Default: standard output.", readable=False)
    ] = None,
    models: Models = None,
    detector: DetectorName = None,
    detector_family: DetectorFamily = None,
    pose: Annotated[
        bool,
        typer.Option(
            "--pose",
            help="Three more columns, pitch, yaw, roll: + is nose up, nose to the image's right, head clockwise.",
        ),
    ] = False,
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
    """Find the faces in photos: a CSV with photo, x1, y1, x2, y2, score; with --pose also pitch, yaw, roll."""
    set_up_logging(verbose)
    if not pose and (landmarks, landmarks_family) != (None, None):
        raise ValueError("landmarks (--landmarks) serve for --pose alone; give it, too, or leave them out")
    tables.check_output(output)
    from pyface.analysis.analyzer import FaceAnalyzer

    analyzer = FaceAnalyzer(
        models, detector=detector, detector_family=detector_family, landmarks=landmarks if pose else False,
        landmarks_family=landmarks_family, embedder=False, min_face=min_face, max_faces=max_faces, max_side=max_side,
        n_threads=n_threads, providers=providers, pose=pose, refine=refine,
    )  # fmt: skip
    if pose and analyzer.chain.scheme is None:
        raise ValueError("poses need landmarks: the detector gives none, so name a model with --landmarks")
    found = _analyze_files(analyzer, photos)
    tables.write_bytes(output, tables.boxes_csv(found, pose=pose))


@app.command()
@reports_errors
def embed(
    photos: Photos,
    output: Annotated[Path, typer.Option("--out", "-o", help="An .npz file.", metavar="FILE", readable=False)],
    models: Models = None,
    detector: DetectorName = None,
    detector_family: DetectorFamily = None,
    landmarks: LandmarksName = None,
    landmarks_family: LandmarksFamily = None,
    embedder: EmbedderName = None,
    embedder_family: EmbedderFamily = None,
    min_face: MinFace = None,
    max_faces: MaxFaces = None,
    max_side: MaxSide = MAX_SIDE,
    refine: Refine = True,
    n_threads: Threads = None,
    providers: Providers = None,
    verbose: Verbose = False,
) -> None:
    """Embed the faces in photos: an .npz file with embeddings, boxes, scores, landmarks, photo (names), metric."""
    set_up_logging(verbose)
    if output.suffix.lower() == ".npy":
        raise ValueError(f"{output}: several arrays are written, as an .npz; call it {output.stem}.npz")
    tables.check_output(output)
    from pyface.analysis.analyzer import FaceAnalyzer

    analyzer = FaceAnalyzer(
        models, detector=detector, detector_family=detector_family, landmarks=landmarks,
        landmarks_family=landmarks_family, embedder=embedder, embedder_family=embedder_family,
        min_face=min_face, max_faces=max_faces,
        max_side=max_side, refine=refine, n_threads=n_threads, providers=providers,
    )  # fmt: skip
    found = _analyze_files(analyzer, photos)
    data, n_faces = tables.embeddings_npz(found, analyzer.chain)
    tables.write_bytes(output, data)
    say_faces(n_faces, len(found), output)


def _analyze_files(analyzer: Any, photos: list[Path]) -> list[tuple[str, Any]]:
    """(name, faces) of each photo that can be read; the others are named on stderr. Exit 1 if there is none."""
    from pyface.analysis.files import analyze_files

    with progress_bar() as progress:
        found, skipped = analyze_files(analyzer, photos, progress)
    say_read(len(found), tuple(skipped))
    return found


@app.command()
@reports_errors
def compare(
    a: Annotated[Path, typer.Argument(help="A photo.", metavar="A", readable=False)],
    b: Annotated[Path, typer.Argument(help="Another photo.", metavar="B", readable=False)],
    models: Models = None,
    detector: DetectorName = None,
    detector_family: DetectorFamily = None,
    landmarks: LandmarksName = None,
    landmarks_family: LandmarksFamily = None,
    embedder: EmbedderName = None,
    embedder_family: EmbedderFamily = None,
    threshold: Annotated[
        float | None, typer.Option(help="Distance up to which two faces are one person, as printed.")
    ] = None,
    min_face: MinFace = None,
    max_side: MaxSide = MAX_SIDE,
    refine: Refine = True,
    n_threads: Threads = None,
    providers: Providers = None,
    verbose: Verbose = False,
) -> None:
    """Say whether the largest faces of two photos are the same person, with the distance and the threshold used."""
    set_up_logging(verbose)
    from pyface.analysis.analyzer import FaceAnalyzer
    from pyface.analysis.files import compare_photos

    analyzer = FaceAnalyzer(
        models, detector=detector, detector_family=detector_family, landmarks=landmarks,
        landmarks_family=landmarks_family, embedder=embedder, embedder_family=embedder_family,
        min_face=min_face, max_side=max_side, refine=refine,
        n_threads=n_threads, providers=providers,
    )  # fmt: skip
    result = compare_photos(analyzer, a, b, threshold)
    for path, n_faces in ((a, result.n_faces_a), (b, result.n_faces_b)):
        if n_faces > 1:
            say(f"{showable(str(path))}: {n_faces} faces, the largest is compared")
    verdict = "same person" if result.same else "different people"
    typer.echo(f"{verdict}: {result.metric} distance {result.distance:.4f}, threshold {result.threshold:.4g}")


@app.command()
@reports_errors
def info() -> None:
    """Print what a bug report needs: versions, compiler, instruction sets, threads, models."""
    typer.echo(tables.info_text())


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    if version:
        from pyface import __version__

        typer.echo(__version__)
        sys.exit(0)
