"""The command's two parts and the options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Photos in, people out: find, compare and cluster faces.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models_app = typer.Typer(help="The models that can be used.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(models_app, name="models")
gallery_app = typer.Typer(help="Who is enrolled in a gallery.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(gallery_app, name="gallery")

Models = Annotated[str | None, typer.Option(help="Name of a pack of models.")]
DetectorName = Annotated[
    str | None, typer.Option("--detector", help="Name of a detector, see 'pyface models list'; or path of a file.")
]
LandmarksName = Annotated[
    str | None,
    typer.Option("--landmarks", help="Name or path of a landmark model, or 'detector': the detector's own points."),
]
EmbedderName = Annotated[str | None, typer.Option("--embedder", help="Name of an embedder, or path of a file.")]
DetectorFamily = Annotated[
    str | None,
    typer.Option(
        "--detector-family", help="What the path is of; 'pyface models inspect' says which fit.", metavar="NAME"
    ),
]
LandmarksFamily = Annotated[
    str | None, typer.Option("--landmarks-family", help="What the path of --landmarks is of.", metavar="NAME")
]
EmbedderFamily = Annotated[
    str | None, typer.Option("--embedder-family", help="What the path of --embedder is of.", metavar="NAME")
]
MinFace = Annotated[
    float | None,
    typer.Option(help="Smallest face to look for, in pixels of the photo. Default: about 1.5 % of its long side."),
]
MaxFaces = Annotated[int | None, typer.Option(help="Keep at most this many faces of a photo, the largest.")]
MaxSide = Annotated[int, typer.Option(help="Photos are searched at this size of their longer side, unless --min-face.")]
Refine = Annotated[
    bool, typer.Option("--refine/--no-refine", help="Locate landmarks of tilted faces once more, upright.")
]
BatchSize = Annotated[int, typer.Option(help="Faces embedded at a time.")]
Threads = Annotated[int | None, typer.Option("--n-threads", help="Default: PYFACE_NUM_THREADS, or all CPUs.")]
Providers = Annotated[
    list[str] | None, typer.Option(help="An ONNX Runtime provider; may be repeated. Default: the CPU.", metavar="NAME")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say what is being done.")]
Algorithm = Annotated[str, typer.Option(help="average, complete, single, dbscan or kmeans.")]
Threshold = Annotated[
    float | None,
    typer.Option(help="Faces are one person below this distance, not at it. Default: the embedder's."),
]
Clusters = Annotated[
    int | None,
    typer.Option(
        "--clusters", "--n-clusters", help="How many people, instead of a threshold. Needed by kmeans, not for dbscan."
    ),
]
ApartInPhoto = Annotated[
    bool | None,
    typer.Option(
        "--same-photo-different-people/--no-same-photo-different-people",
        help="Never put two faces of one photo together, or treat them as any others. Default: they are different "
        "people unless so near that they are one picture twice. For average, complete and single.",
        show_default=False,
    ),
]
MinQuality = Annotated[
    float | None,
    typer.Option(
        help="Faces of less quality, in 0 to 1, found no people; they join somebody near enough or are set aside. 0: "
        "every face counts.",
        show_default=False,
    ),
]
ImageFormat = Annotated[str, typer.Option("--format", help="png or jpeg.", metavar="FORMAT")]
# readable=False, as for every path of a command: what cannot be read is told by who reads it, in one line.
PicturesOut = Annotated[
    Path, typer.Option("--out", "-o", help="Folder for the pictures.", metavar="OUT", readable=False)
]
Photos = Annotated[
    list[Path], typer.Argument(help="Photos, or folders of photos.", metavar="PHOTOS...", readable=False)
]
