"""``pyface export``: people and their names for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyface.cli.console import FAILED, progress_bar, reports_errors, say, say_skipped, set_up_logging, showable
from pyface.cli.options import Verbose, app
from pyface.errors import NoPhotosError, counted

if TYPE_CHECKING:
    from pyface.export.albums import Export


@app.command()
@reports_errors
def export(
    album: Annotated[Path, typer.Argument(help="Folder that 'pyface cluster' wrote.", metavar="OUT", readable=False)],
    to: Annotated[str, typer.Option(help="folders, csv, json, xmp or gallery.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the export.", metavar="DIR", readable=False)
    ] = None,
    photos: Annotated[
        list[Path] | None,
        typer.Option(
            help="The folder of the photos, for folders and xmp; may be repeated.", metavar="PHOTOS", readable=False
        ),
    ] = None,
    named_only: Annotated[
        bool | None,
        typer.Option(
            "--named-only/--all-people",
            help="People who have a name, or those without one, too. Default: named ones for xmp, gallery; else all.",
            show_default=False,
        ),
    ] = None,
    min_faces: Annotated[
        int | None,
        typer.Option(
            help="Leave out people of fewer faces. Default: those without a name who were seen once, for folders.",
            show_default=False,
        ),
    ] = None,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="Also faces that were too poor to be told.")] = False,
    hidden: Annotated[bool, typer.Option("--hidden", help="Also people and faces that are not to be shown.")] = False,
    how: Annotated[str, typer.Option(help="For folders: copy, hardlink or symlink.")] = "copy",
    naming: Annotated[
        str, typer.Option(help="Of sidecars: full (a.jpg.xmp, as digiKam and darktable) or stem (a.xmp, as Adobe).")
    ] = "full",
    beside_photos: Annotated[
        bool, typer.Option("--beside-photos", help="Sidecars beside the photos; says what would be, unless --write.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="With --beside-photos: write them.")] = False,
    verbose: Verbose = False,
) -> None:
    """Take people to other programs: a folder of photos for each, tables, XMP sidecars, or a gallery to identify by.

    Photos are never changed. A sidecar that is there is merged: what others wrote in it stays.
    """
    set_up_logging(verbose)
    from pyface.export.albums import export_album

    try:
        with progress_bar() as progress:
            done = export_album(
                album, to, out, photos=photos or (), named_only=named_only, min_faces=min_faces, set_aside=set_aside,
                hidden=hidden, how=how, naming=naming, beside_photos=beside_photos,
                write=write, progress=progress,
            )  # fmt: skip
    except NoPhotosError as error:
        say_skipped(error.skipped)
        raise
    _say(done)
    if done.kind == "xmp" and done.skipped:
        raise typer.Exit(FAILED)


def _say(done: Export) -> None:
    say_skipped(done.missing)
    say_skipped(done.skipped)
    for note in done.notes:
        say(f"note: {showable(note)}")
    if done.left_out:
        say(f"left out: {', '.join(done.left_out)}")
    sidecars = done.kind == "xmp"
    counts = [counted(done.n_new, "new sidecar" if sidecars else "file")]
    counts += [f"{done.n_merged:,} merged into what was there"] if done.n_merged else []
    counts += [f"{done.n_same:,} as before"] if done.n_same else []
    counts += [f"{done.n_removed:,} taken away"] if done.n_removed else []
    people = counted(done.n_people, "person", "people")
    text = f"{', '.join(counts)}; {people}: {showable(done.path)}"
    say(text if done.is_written else f"nothing is written without --write; it would be {text}")
