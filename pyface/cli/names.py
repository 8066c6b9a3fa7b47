"""``pyface name`` and ``pyface names``: what the people of an album are called, and what was said of their faces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pyface.cli.console import reports_errors, say, set_up_logging, showable
from pyface.cli.options import Verbose, app
from pyface.errors import counted

_Out = Annotated[Path, typer.Argument(help="Folder that 'pyface cluster' wrote.", metavar="OUT", readable=False)]


@app.command(name="name")
@reports_errors
def name_person(
    out: _Out,
    person: Annotated[str, typer.Argument(help="Number of a person, or the name it has.", metavar="PERSON")],
    name: Annotated[str | None, typer.Argument(help="What it is called from now on.", metavar="[NAME]")] = None,
    same: Annotated[bool, typer.Option("--same", help="It is the one who is called so already: put together.")] = False,
    another: Annotated[bool, typer.Option("--another", help="It is somebody else who is called the same.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the name away.")] = False,
    verbose: Verbose = False,
) -> None:
    """Give a person a name, which stays whatever is clustered anew, added or moved."""
    set_up_logging(verbose)
    if (name is None) != remove:
        raise ValueError("give either a NAME or --remove")
    from pyface.album.build import load_album
    from pyface.report.folder import save_album

    album = load_album(out)
    who: int | str = int(person) if person.isascii() and person.isdecimal() else person
    n_faces = len(album.faces_of(who))
    if name is None:
        album = album.unname(who)
        say(f"{showable(person)} has no name any more ({counted(n_faces, 'face')})")
    else:
        album = album.name(who, name, same=same, another=another)
        say(f"{showable(person)} is {showable(name)} now ({counted(n_faces, 'face')})")
    for note in album.notes:
        say(f"note: {showable(note)}")
    save_album(album)


@app.command()
@reports_errors
def names(
    out: _Out,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what was said last, a name or an answer.")] = False,
    verbose: Verbose = False,
) -> None:
    """List the people who have a name: number, faces, name."""
    set_up_logging(verbose)
    import numpy as np

    from pyface.album.build import load_album
    from pyface.report.folder import save_album

    album = load_album(out)
    if undo:
        album = album.undo()
        save_album(album)
    people: dict[tuple[str, int], int] = {}
    for person, cluster in zip(album.persons, album.labels.tolist(), strict=True):
        if person:
            people[person, cluster] = people.get((person, cluster), 0) + 1
    for (person, cluster), n_faces in sorted(people.items(), key=lambda item: (item[0][0].casefold(), item[0])):
        typer.echo(f"{cluster}\t{n_faces}\t{showable(person)}")
    n_unnamed = len(np.unique(album.labels[[not person for person in album.persons]]))
    say(f"{counted(len({name for name, _ in people}), 'name')}; {counted(n_unnamed, 'person', 'people')} without one")
    for note in album.notes:
        say(f"note: {showable(note)}")
