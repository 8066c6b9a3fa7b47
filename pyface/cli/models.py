"""``pyface models``: which there are, bringing them here, and what is in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pyface.cli import tables
from pyface.cli.console import FAILED, progress_bar, reports_errors, say, set_up_logging, showable
from pyface.cli.options import Verbose, models_app
from pyface.errors import counted

Name = Annotated[str, typer.Argument(help="Name of a model or of a pack.", metavar="NAME")]


@models_app.command("list")
@reports_errors
def models_list() -> None:
    """List the models with their size, their licence, where they come from and whether they are here; and the packs."""
    from pyface.models.catalog import PACKS, catalog
    from pyface.models.inspection import is_here

    typer.echo(tables.catalog_text(catalog(), is_here))
    typer.echo(tables.packs_text(PACKS))


@models_app.command("pull")
@reports_errors
def models_pull(
    name: Name,
    accept_license: Annotated[
        bool,
        typer.Option(
            "--accept-license",
            help="Accept the licence that 'pyface models list' shows. Needed once where it excludes commercial use.",
        ),
    ] = False,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="PATH", readable=False,
            help="Copy it from this file, folder or zip, such as ~/.insightface/models, instead of fetching it.",
        ),
    ] = None,
    verbose: Verbose = False,
) -> None:  # fmt: skip
    """Make a model, or those of a pack, ready for use and print where they are.

    What no installed package brings is fetched. Its SHA-256 is checked before it is used; what broke off goes on.
    """
    set_up_logging(verbose)
    from pyface.models import pull

    with progress_bar(of_bytes=True) as progress:
        paths = pull(name, accept_license=accept_license, source=source, progress=progress)
    for path in paths:
        typer.echo(str(path))


@models_app.command("verify")
@reports_errors
def models_verify(
    name: Annotated[
        str | None, typer.Argument(help="A model or a pack. Default: all that are here.", metavar="[NAME]")
    ] = None,
) -> None:
    """Read the weights that are here and compare their SHA-256 with those known. Exit 1 if one is another."""
    from pyface.models import verify

    checked = verify(name)
    for one in checked:
        if one.problem:
            say(f"pyface: {showable(one.problem)}")
        else:
            typer.echo(f"{one.name}: {one.path}")
    bad = sum(1 for one in checked if one.problem)
    good = len(checked) - bad
    say(f"{counted(good, 'file')} as {'it' if good == 1 else 'they'} should be" + (f", {bad} not" if bad else ""))
    if bad:
        raise typer.Exit(FAILED)


@models_app.command("path")
@reports_errors
def models_path(name: Name) -> None:
    """Print where the weights of a model, or of those of a pack, lie."""
    from pyface.models import paths

    for path in paths(name):
        typer.echo(str(path))


@models_app.command("inspect")
@reports_errors
def models_inspect(
    file: Annotated[Path, typer.Argument(help="An ONNX file.", metavar="FILE", readable=False)],
) -> None:
    """Print what an ONNX file takes and gives, its opset, and which families fit: for --detector-family."""
    from pyface.models import inspect

    typer.echo(tables.file_text(inspect(file)))
