"""XMP sidecars: where each one lies, what goes into it, and how it takes the place of the one before."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

from pyface.album.album import Album
from pyface.errors import ImageReadError
from pyface.export.originals import Original
from pyface.export.people import Selected
from pyface.export.regions import Region, stored_area, stored_size
from pyface.export.written import ExportFolder, digest_of, in_folders, put_bytes
from pyface.export.xml_text import MAX_BYTES, XmlError
from pyface.export.xmp import has_marks, merge
from pyface.photos.finding import SUFFIXES, Skipped
from pyface.photos.reading import OpenPhoto

NAMINGS = ("full", "stem")
SUFFIX = ".xmp"
BACKUP = ".bak"


@dataclass(slots=True)
class Sidecars:
    """What became of the sidecars, or would: how many are new, merged into one that was there, unchanged, removed.

    skipped : sidecars that were left alone and photos that are not there, with reasons.       notes : in words.
    """

    n_new: int = 0
    n_merged: int = 0
    n_same: int = 0
    n_removed: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sidecar_name(photo: str, naming: str) -> str:
    """``a.jpg.xmp`` of a photo for the naming "full", ``a.xmp`` for "stem"."""
    return (photo if naming == "full" else os.path.splitext(photo)[0]) + SUFFIX


def refuse_shared(originals: dict[str, Original], naming: str) -> None:
    """ValueError if the sidecar of one of these photos would be another's, too: of the album, or beside it.

    A raw file counts: ``a.xmp`` beside ``a.cr2`` and ``a.jpg`` is the raw file's.
    """
    owners: dict[str, str] = {}
    for original in originals.values():
        sidecar = sidecar_name(original.relative, naming)
        other = owners.setdefault(_key(sidecar), original.path)
        if other != original.path:
            raise ValueError(_shared(other, original.path, sidecar, naming))
    listed: dict[str, dict[str, list[str]]] = {}
    for photo in originals.values():
        folder, own = os.path.split(photo.path)
        if folder not in listed:
            listed[folder] = {}
            for name in sorted(os.listdir(folder)):
                if os.path.splitext(name)[1].lower() in SUFFIXES:
                    listed[folder].setdefault(_key(sidecar_name(name, naming)), []).append(name)
        rivals = [name for name in listed[folder].get(_key(sidecar_name(own, naming)), ()) if name != own]
        if rivals:
            both = (os.path.join(folder, rivals[0]), photo.path)
            raise ValueError(_shared(*both, sidecar_name(own, naming), naming))


def _shared(one: str, other: str, sidecar: str, naming: str) -> str:
    way = "give one of them another name" if naming == "full" else "take --naming full"
    return f"{one} and {other} would share the sidecar {sidecar}; {way}"


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def regions_of(album: Album, selected: Selected) -> dict[str, list[tuple[int, str]]]:
    """Photo -> face_id and name of its faces that are exported."""
    names = {int(i): person.name for person in selected.people for i in person.faces}
    photos: dict[str, list[tuple[int, str]]] = {}
    for i in selected.faces.tolist():
        photos.setdefault(album.faces[i].photo, []).append((i, names.get(i, "")))
    return photos


def write_sidecars(
    album: Album,
    selected: Selected,
    originals: dict[str, Original],
    naming: str,
    *,
    folder: ExportFolder | None,
    write: bool,
    progress: Callable[[str, int, int], None],
) -> Sidecars:
    """Make the sidecars of all photos that are there, into ``folder``, or beside the photos where it is None.

    A photo without a face that is exported loses what an earlier export put into its sidecar.       write : False
    changes nothing and counts what would be.
    """
    done = Sidecars()
    faces = regions_of(album, selected)
    sizes = {photo.name: (photo.width, photo.height) for photo in album.photos}
    for number, (photo, original) in enumerate(originals.items()):
        progress("photos", number, len(originals))
        name = sidecar_name(original.relative, naming)
        beside = sidecar_name(original.path, naming)
        path = beside if folder is None else folder.full_path(name)
        shown = path
        try:
            there = _read(path)
            # What pyface alone wrote here is made again from the sidecar beside the photo, which may have changed.
            is_own = folder is not None and (there is None or folder.is_as_written(name))
            begin = there
            if is_own:
                begin, shown = _read(beside), beside
            if photo not in faces and (is_own or begin is None or not has_marks(begin)):
                if there is not None and not is_own:
                    done.n_same += 1
                continue
            regions, size = _regions(album, faces.get(photo, []), original, sizes[photo])
            merged = merge(begin, regions, size)
        except XmlError as error:
            done.skipped.append(Skipped(shown, str(error)))
        except ImageReadError as error:
            done.skipped.append(Skipped(photo, error.reason))
        else:
            done.notes += [f"{photo}: {note}" for note in merged.notes]
            if merged.data is not None:
                _count(done, there, begin, merged.data)
                if write and merged.data != there:
                    _replace(path, merged.data, there, original, folder, name)
                if folder is not None and write:
                    folder.wrote(name, digest_of(merged.data))
            elif there is not None:
                done.n_removed += 1
                if write:
                    os.replace(path, _backup(path))
            continue
        if folder is not None:
            folder.keep(name)
    progress("photos", len(originals), len(originals))
    return done


def _count(done: Sidecars, there: bytes | None, begin: bytes | None, data: bytes) -> None:
    if data == there:
        done.n_same += 1
    elif begin is None:
        done.n_new += 1
    else:
        done.n_merged += 1


def _regions(
    album: Album, faces: list[tuple[int, str]], original: Original, upright: tuple[int, int]
) -> tuple[list[Region], tuple[int, int]]:
    """The regions of a photo's faces, and its size as it is stored."""
    if not faces:
        return [], upright
    orientation = OpenPhoto(original.path).orientation
    regions = []
    for i, name in faces:
        area = stored_area(album.faces[i].face.box, *upright, orientation)
        if area is not None:
            regions.append(Region(area, name))
    return regions, stored_size(*upright, orientation)


def _read(path: str) -> bytes | None:
    """A sidecar, None where there is none; not more of it than is read of one."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to open a pipe would wait for its other end
            raise XmlError("is no file")
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise XmlError(f"cannot be read ({error.strerror or error})") from error


def _replace(
    path: str, data: bytes, there: bytes | None, original: Original, folder: ExportFolder | None, name: str
) -> None:
    """Write a sidecar; the one before is kept as ``.bak`` unless pyface alone wrote it."""
    mode = 0o600
    if folder is None:
        # Whoever may read the photo may read what is said of it, as with the sidecars of other programs.
        mode = stat.S_IMODE(os.stat(path if there is not None else original.path).st_mode) & 0o666
    with nullcontext() if folder is None else in_folders(folder.path, name):
        if there is not None and (folder is None or not folder.is_as_written(name)):
            put_bytes(_backup(path), there, mode=mode)
        put_bytes(os.path.realpath(path) if os.path.islink(path) else path, data, mode=mode)


def _backup(path: str) -> str:
    """``.bak``, or the first of ``.bak2``, ``.bak3``, ... that is not there: no backup is written over."""
    number, free = 1, path + BACKUP
    while os.path.lexists(free):
        number += 1
        free = f"{path}{BACKUP}{number}"
    return free
