"""``pyface name``, ``names`` and ``forget``: what the people of an album are called, and faces out of it for good."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyface._signals import ctrl_c_waits
from pyface.cli.console import reports_errors, say, set_up_logging, showable
from pyface.cli.options import Verbose, app
from pyface.errors import PyfaceError, counted

if TYPE_CHECKING:
    from pyface.album.album import Album

_Out = Annotated[Path, typer.Argument(help="Folder that 'pyface cluster' wrote.", metavar="OUT", readable=False)]


_Person = Annotated[str, typer.Argument(help="Number of a person, or the name it has.", metavar="PERSON")]


@app.command(name="name")
@reports_errors
def name_person(
    out: _Out,
    person: _Person,
    name: Annotated[str | None, typer.Argument(help="What it is called from now on.", metavar="[NAME]")] = None,
    same: Annotated[bool, typer.Option("--same", help="It is the one who is called so already: put together.")] = False,
    another: Annotated[bool, typer.Option("--another", help="It is somebody else who is called the same.")] = False,
    overrule: Annotated[
        bool, typer.Option("--overrule", help="With --same: what was said before and contradicts it holds no longer.")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the name away.")] = False,
    verbose: Verbose = False,
) -> None:
    """Give a person a name, which stays whatever is clustered anew, added or moved."""
    set_up_logging(verbose)
    if (name is None) != remove:
        raise ValueError("give either a NAME or --remove")
    if remove and (same or another or overrule):
        raise ValueError("--same, --another and --overrule are for a NAME; --remove takes it away")
    from pyface.album.build import load_album

    album = load_album(out)
    who = _number_or_name(album, person)
    n_faces = len(album.faces_of(who))
    if name is None:
        album = album.unname(who)
        say(f"{showable(person)} has no name any more ({counted(n_faces, 'face')})")
    else:
        album = album.name(who, name, same=same, another=another, overrule=overrule)
        say(f"{showable(person)} is {showable(name)} now ({counted(n_faces, 'face')})")
    for note in album.notes:
        say(f"note: {showable(note)}")
    _save(album, out)


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

    from pyface.album.answers import undo as take_back
    from pyface.album.build import load_album

    album = load_album(out)
    if undo:
        album, told = take_back(album)
        say(f"taken back: {showable(told)}")
        _save(album, out)
    people: dict[tuple[str, int], int] = {}
    for person, cluster in zip(album.persons, album.labels.tolist(), strict=True):
        if person:
            people[person, cluster] = people.get((person, cluster), 0) + 1
    for (person, cluster), n_faces in sorted(people.items(), key=lambda item: (item[0][0].casefold(), item[0])):
        typer.echo(f"{cluster}\t{n_faces}\t{showable(person)}")
    is_unnamed = ~(album.set_aside | album.hidden) & (np.array(album.persons, np.str_) == "")
    n_unnamed = len(np.unique(album.labels[is_unnamed]))
    n_named = counted(len({cluster for _, cluster in people}), "person", "people")
    say(f"{n_named} with a name; {counted(n_unnamed, 'person', 'people')} without one")
    for note in album.notes:
        say(f"note: {showable(note)}")


@app.command()
@reports_errors
def forget(
    out: _Out,
    person: Annotated[
        str | None, typer.Option(help="All faces of this person: its number, or its name.", metavar="NUMBER|NAME")
    ] = None,
    photo: Annotated[
        str | None,
        typer.Option(
            help="This photo with all its faces, and copies of the file: named as in faces.csv, or the path of it."
        ),
    ] = None,
    face: Annotated[int | None, typer.Option(help="This face, by its face_id.", metavar="ID")] = None,
    verbose: Verbose = False,
) -> None:
    """Take faces out of every file of OUT, for good: vectors, thumbnails, names and answers. It cannot be undone.

    A mark stays by which later runs pass over them: digest of the photo and box of the face.
    """
    set_up_logging(verbose)
    if sum(value is not None for value in (person, photo, face)) != 1:
        raise ValueError("give exactly one of --person, --photo and --face")
    from pyface.album.build import load_album
    from pyface.album.forget import forget as forget_faces
    from pyface.report.folder import save_album

    who, meant = None, ""
    if person is not None:
        album = load_album(out)
        who = _number_or_name(album, person)
        meant = f"{_in_words(album, who)}, "
    if photo is not None:
        photo, typed = _photo_of(out, photo), photo
        meant = "" if photo == typed else f"photo {showable(photo)}, "
    with ctrl_c_waits():  # whoever breaks off what follows knows that it happened: face_ids are others now
        gone = forget_faces(out, person=who, photo=photo, face=face)
        photos = f", {counted(gone.n_photos, 'photo')}" if gone.n_photos else ""
        say(f"forgotten: {meant}{counted(gone.n_faces, 'face')}{photos}; {counted(len(gone.album.faces), 'face')} left")
    try:
        save_album(gone.album)
    except (PyfaceError, KeyboardInterrupt):
        say(f"'pyface recluster {showable(str(out))}' writes the other files anew")
        raise
    for path, kind in gone.exports:
        say(f"not reached, since it is outside: {showable(path)} ({kind})")
    say("the disk and backups of it may keep old blocks")


def _save(album: Album, out: Path) -> None:
    from pyface.report.folder import save_album

    try:
        save_album(album)
    except PyfaceError:
        say(
            "this is kept, and the other files do not have it yet: when they can be written, 'pyface recluster "
            f"{showable(str(out))}' with the options that OUT was made with writes them anew"
        )
        raise


def _number_or_name(album: Album, person: str) -> int | str:
    """Digits are a number, unless nobody has it and somebody is called so; ValueError where they could be either."""
    if not (person.isascii() and person.isdecimal()):
        return person
    number = int(person)
    called = sorted({cluster for name, cluster in zip(album.persons, album.labels.tolist(), strict=True)
                     if name == person})  # fmt: skip
    if not called or called == [number]:
        return number
    if (album.labels == number).any():
        raise ValueError(
            f"person: {person} is the number of one person and the name of another; give that one another name by "
            f"number first: pyface name OUT {called[0]} NAME"
        )
    return person


def _photo_of(out: Path, photo: str) -> str:
    """The name of a photo in the album, given as that or as the path of its file."""
    from pyface.export.originals import known_photos

    known = known_photos(str(out))
    if photo in known or not os.path.isfile(photo):
        return photo
    with open(photo, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return next((name for name, entry in known.items() if entry.digest == digest), photo)


def _in_words(album: Album, who: int | str) -> str:
    """``person 3 (Ada)``: the numbers of a person's faces and the names that they have."""
    faces = album.faces_of(who)
    numbers = ", ".join(map(str, sorted(set(album.labels[faces].tolist()))))
    names = ", ".join(sorted({showable(album.persons[face]) for face in faces} - {""}))
    return f"person {numbers}" + (f" ({names})" if names else "")
