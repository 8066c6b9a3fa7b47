"""A folder for each person, with the photos that show it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable

from pyface.album.album import Album
from pyface.album.out_folder import SUMMARY
from pyface.errors import OutputFolderError
from pyface.export.originals import Original
from pyface.export.path_names import Taken, safe_component, safe_file_parts
from pyface.export.people import Selected
from pyface.export.written import ExportFolder, Facts, facts_of, in_folders, put_copy, put_link
from pyface.photos.finding import Skipped
from pyface.photos.names import as_utf8

HOWS = ("copy", "hardlink", "symlink")
SET_ASIDE = "set aside"


def plan_folders(album: Album, selected: Selected) -> dict[str, str]:
    """Path in the export, with ``/`` -> photo of the album.

    A person's folder is its name as one component of a path (:func:`safe_component`), or ``person-0003``; a photo has
    its own name there. Of names that are one where case does not count, the second is ``name~2``: people by name and
    then by number, photos in the album's order.
    """
    plan: dict[str, str] = {}
    folders = Taken(SUMMARY)
    people = [(safe_component(person.called, otherwise=f"person-{person.number:04}"), person.faces)
              for person in selected.people]  # fmt: skip
    if len(selected.set_aside):
        people.append((SET_ASIDE, selected.set_aside))
    for name, faces in people:
        folder = folders.take(name)
        files = Taken()
        for photo in dict.fromkeys(album.faces[i].photo for i in faces):
            plan[f"{folder}/{files.take(*safe_file_parts(photo.rpartition('/')[2]))}"] = photo
    return plan


def place_photos(
    folder: ExportFolder,
    plan: dict[str, str],
    originals: dict[str, Original],
    how: str,
    *,
    gone: Iterable[str],
    progress: Callable[[str, int, int], None],
) -> tuple[int, int, list[Skipped]]:
    """Put the photos where the plan has them. How many files were placed, how many were there already, what was left.

    gone : photos of the album that are not found. Files of theirs from an earlier run stay, as they may be the last.
    """
    n_placed = n_there = 0
    refused: list[Skipped] = []
    for done, (name, photo) in enumerate(plan.items()):
        progress("files", done, len(plan))
        if photo not in originals:
            continue
        source, path = originals[photo].path, folder.full_path(name)
        is_free = not os.path.lexists(path)
        if not is_free and _is_placed(source, path, how):
            n_there += 1
        elif is_free or folder.is_as_written(name):
            with in_folders(folder.path, name):
                _place(source, path, how)
            n_placed += 1
        else:
            what = "was changed after pyface wrote it" if folder.was_written(name) else "is not pyface's"
            refused.append(Skipped(name, f"left: what is there {what}"))
            folder.keep(name)
            continue
        folder.wrote(name, {**facts_of(path), "photo": as_utf8(photo)})
    progress("files", len(plan), len(plan))
    missing = {as_utf8(photo) for photo in gone}
    known = {as_utf8(photo) for photo in originals}

    def may_go(facts: Facts) -> bool:
        photo = facts.get("photo")
        return photo in known and photo not in missing

    folder.finish(may_go)
    return n_placed, n_there, [*refused, *folder.left]


def _is_placed(source: str, path: str, how: str) -> bool:
    try:
        if how == "symlink":
            return os.path.islink(path) and os.readlink(path) == source
        if os.path.islink(path):
            return False
        if how == "hardlink":
            return os.path.samefile(source, path)
        one, other = os.stat(source), os.stat(path)
    except OSError:
        return False
    is_same = (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)
    return is_same and not os.path.samefile(source, path)


def _place(source: str, path: str, how: str) -> None:
    try:
        if how == "copy":
            put_copy(source, path)
        else:
            put_link(source, path, hard=how == "hardlink")
    except OutputFolderError as error:
        cause = error.__cause__
        if how == "hardlink" and isinstance(cause, OSError) and cause.errno in (errno.EXDEV, errno.EPERM):
            raise OutputFolderError(
                f"{path}: no hard link to {source} is possible here (another disk?); take --how copy or symlink"
            ) from error
        if how == "symlink" and isinstance(cause, OSError) and cause.errno in (errno.EPERM, errno.EACCES):
            raise OutputFolderError(f"{path}: links are not allowed here; take --how copy") from error
        raise
