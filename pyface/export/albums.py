"""An album for other programs: :func:`export_album`."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pyface import _check
from pyface.album.album import Album
from pyface.album.build import load_album
from pyface.album.database import is_read_only
from pyface.album.out_folder import write_files
from pyface.errors import NoPhotosError, OutputFolderError
from pyface.export.folders import HOWS, place_photos, plan_folders
from pyface.export.originals import Original, find_originals, known_photos
from pyface.export.people import Choice, Selected, select
from pyface.export.sidecars import NAMINGS, Sidecars, refuse_shared, regions_of, write_sidecars
from pyface.export.tables import csv_files, json_file
from pyface.export.written import ExportFolder, digest_of
from pyface.gallery import Gallery
from pyface.gallery._albums import of_album
from pyface.gallery._files import is_gallery
from pyface.photos.finding import Skipped
from pyface.photos.names import as_utf8

KINDS = ("folders", "csv", "json", "xmp", "gallery")
logger = logging.getLogger(__name__)

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


@dataclass(frozen=True, slots=True)
class Export:
    """What was exported, or for ``write=False`` would be.

    kind, path : what was asked for, and the folder it is in (of sidecars beside photos, that of the photos).
    n_people : people; those without a name, too.
    n_new, n_merged, n_same, n_removed : files that are new, that were merged into what was there, that are as they
        were, and sidecars that held nothing but what pyface had put in, and went.
    missing : photos of the album that are not there, with reasons.       skipped : files that were left alone.
    left_out : who is not exported, in words.       notes : what else to know.
    is_written : False if nothing was changed.
    """

    kind: str
    path: str
    n_people: int
    n_new: int
    n_merged: int = 0
    n_same: int = 0
    n_removed: int = 0
    missing: tuple[Skipped, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_written: bool = True


def export_album(
    album: Album | str | os.PathLike[str],
    to: str,
    out: str | os.PathLike[str] | None = None,
    *,
    photos: Paths = (),
    named_only: bool | None = None,
    min_faces: int | None = None,
    set_aside: bool = False,
    hidden: bool = False,
    how: str = "copy",
    naming: str = "full",
    beside_photos: bool = False,
    write: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Export:
    """Take people and their names to other programs. Photos are never changed.

    album : an album that has a folder, or the path of that folder.
    to : ``"folders"``, a folder of photos for each person; ``"csv"`` or ``"json"``, tables of faces, photos and people;
        ``"xmp"``, sidecars with regions and names of faces, as digiKam, Lightroom and ExifTool read them;
        ``"gallery"``, a :class:`pyface.gallery.Gallery` of them, which knows their faces in other photos.
    out : a folder for it, made for its owner alone. One that exists is replaced if the same kind of export wrote it;
        photos in it that were changed since are left alone, sidecars are merged.
    photos : the folder of the photos, or several, as after ``--add``; for ``"folders"`` and ``"xmp"``. Photos are taken
        for the album's if their bytes are (or size and time); those that are not found are in ``Export.missing``.
    named_only : people without a name are left out; None means that for ``"xmp"`` and ``"gallery"``.
    min_faces : people of fewer faces are left out. None is 1, but for ``"folders"`` people without a name who were seen
        once are left out, too.
    set_aside, hidden : faces that are so are exported, too.
    how : for ``"folders"``: ``"copy"``, ``"hardlink"`` (another program that edits the file in place changes the photo
        itself) or ``"symlink"``.
    naming : of sidecars: ``"full"`` is ``a.jpg.xmp``, ``"stem"`` is ``a.xmp``. ValueError where two photos would share
        one, before anything is written.
    beside_photos : sidecars lie beside the photos, not in ``out``, which is None then. The one that was there is kept
        as ``.bak``.
    write : for ``beside_photos`` alone: without it nothing changes, and what would be is told.

    An existing sidecar is merged, see :func:`pyface.export.xmp.merge`; what is no XML, has more than 10 MB or brings
    entities is left alone and listed in ``Export.skipped``.

    ValueError for what cannot be; :class:`pyface.errors.OutputFolderError` if ``out`` cannot be used or written;
    :class:`pyface.errors.NoPhotosError` if none of the photos is there.
    """
    to = _check.choice(to, "to", KINDS)
    _check.choice(how, "how", HOWS)
    _check.choice(naming, "naming", NAMINGS)
    folders = _folders(photos)
    if beside_photos and to != "xmp":
        raise ValueError("beside_photos (--beside-photos) is for to='xmp' (--to xmp) alone")
    if beside_photos == (out is not None):
        raise ValueError("give a folder for the export: out (-o)" + (", or none with beside_photos" * (to == "xmp")))
    if _check.flag(write, "write") and not beside_photos:
        raise ValueError("write (--write) is for beside_photos (--beside-photos); with out (-o) it is written at once")
    if to in ("folders", "xmp") and not folders:
        raise ValueError(
            f"where are the photos? the record does not know; name their folder with photos (--photos) for to={to!r}"
        )
    if not isinstance(album, Album):
        album = load_album(album)
    if album.out is None:
        raise ValueError("album has no folder of its own; name one as out when it is made")
    target = None if out is None else os.fsdecode(out)
    if target is not None and to == "folders":
        _refuse_inside(target, folders)

    choice = Choice(
        (to in ("xmp", "gallery")) if named_only is None else _check.flag(named_only, "named_only"),
        1 if min_faces is None else _check.integer(min_faces, "min_faces", minimum=1),
        _check.flag(set_aside, "set_aside"),
        _check.flag(hidden, "hidden"),
        seen_once=min_faces is not None or to != "folders",
    )
    selected = select(album, choice)
    show = progress or (lambda *_: None)
    if to in ("csv", "json"):
        assert target is not None
        return _tables(album, selected, to, target)
    if to == "gallery":
        assert target is not None
        return _gallery(album, selected, target)
    originals, missing = _originals(album, folders)
    if to == "folders":
        assert target is not None
        return _folder_export(album, selected, originals, missing, target, how, show)
    to_write = regions_of(album, selected)
    refuse_shared({name: photo for name, photo in originals.items() if name in to_write}, naming)
    return _sidecar_export(album, selected, originals, missing, folders, target, naming, write=write, progress=show)


def _tables(album: Album, selected: Selected, kind: str, target: str) -> Export:
    files = csv_files(album, selected) if kind == "csv" else json_file(album, selected)
    folder = ExportFolder(target, kind)
    with folder.writing({}):
        _remember(album, target, kind)
        write_files(target, files)
        for name, data in files.items():
            folder.wrote(name, digest_of(data))
        folder.finish()
    return Export(kind, target, len(selected.people), len(files), left_out=selected.left_out)


def _gallery(album: Album, selected: Selected, target: str) -> Export:
    people = [(person.called, person.faces) for person in selected.people]
    gallery = of_album(Gallery, album, people)
    if is_gallery(target):
        before = Gallery.load(target, check=False)
        if before.made_by != "export":
            raise OutputFolderError(
                f"{target}: is a gallery that was not, or not only, written by an export; choose another folder, or "
                "merge into it (Gallery.merge)"
            )
        # What was fitted to strangers stays, and says what it was fitted with.
        gallery.rule, gallery.votes, gallery.threshold = before.rule, before.votes, before.threshold
        gallery.calibration = before.calibration
    gallery.made_by = "export"
    gallery.save(target, overwrite=True)
    return Export("gallery", target, len(people), len(os.listdir(target)), left_out=selected.left_out)


def _folder_export(
    album: Album,
    selected: Selected,
    originals: dict[str, Original],
    missing: tuple[Skipped, ...],
    target: str,
    how: str,
    progress: Callable[[str, int, int], None],
) -> Export:
    plan = plan_folders(album, selected)
    folder = ExportFolder(target, "folders")
    with folder.writing({"how": how}):
        _remember(album, target, "folders")
        gone = [item.photo for item in missing]
        n_placed, n_there, left = place_photos(folder, plan, originals, how, gone=gone, progress=progress)
    notes: tuple[str, ...] = ()
    if how == "hardlink":
        notes = ("these are hard links: a program that edits such a file in place changes the photo itself",)
    return Export(
        "folders", target, len(selected.people), n_placed, n_same=n_there, missing=missing, skipped=tuple(left),
        left_out=selected.left_out, notes=notes,
    )  # fmt: skip


def _sidecar_export(
    album: Album,
    selected: Selected,
    originals: dict[str, Original],
    missing: tuple[Skipped, ...],
    folders: Sequence[str],
    target: str | None,
    naming: str,
    *,
    write: bool,
    progress: Callable[[str, int, int], None],
) -> Export:
    done: Sidecars
    if target is None:
        if write:
            for photo_folder in folders:
                _remember(album, photo_folder, "xmp beside the photos")
        done = write_sidecars(album, selected, originals, naming, folder=None, write=write, progress=progress)
    else:
        folder = ExportFolder(target, "xmp")
        with folder.writing({"naming": naming}):
            _remember(album, target, "xmp")
            done = write_sidecars(album, selected, originals, naming, folder=folder, write=True, progress=progress)
            done.n_removed += folder.finish()
        done.skipped += folder.left
    return Export(
        "xmp", target or folders[0], len(selected.people), done.n_new, done.n_merged, done.n_same, done.n_removed,
        missing, tuple(done.skipped), selected.left_out, tuple(done.notes), write or target is not None,
    )  # fmt: skip


def _folders(photos: Paths) -> list[str]:
    if not isinstance(photos, str | os.PathLike | Iterable):
        raise TypeError(f"photos must be the path of a folder, or several, got {photos!r}")
    paths = [photos] if isinstance(photos, str | os.PathLike) else list(photos)
    folders = [os.path.abspath(os.fsdecode(path)) for path in paths]
    for folder in folders:
        if not os.path.isdir(folder):
            what = "is a file" if os.path.exists(folder) else "does not exist"
            raise NotADirectoryError(f"photos (--photos) must be a folder: {folder!r} {what}")
    return folders


def _refuse_inside(target: str, folders: Iterable[str]) -> None:
    for folder in folders:
        if os.path.join(os.path.realpath(target), "").startswith(os.path.join(os.path.realpath(folder), "")):
            raise OutputFolderError(
                f"{target}: lies in the folder of photos, where the next run would take it for photos; choose another"
            )


def _originals(album: Album, folders: Sequence[str]) -> tuple[dict[str, Original], tuple[Skipped, ...]]:
    assert album.out is not None
    known = known_photos(album.out)
    names = [photo.name for photo in album.photos if photo.name in known]
    originals, reasons = find_originals(known, names, folders)
    missing = tuple(Skipped(name, reasons[name]) for name in names if name in reasons)
    if names and not originals:
        raise NoPhotosError(
            f"{folders[0]}: none of the album's photos is in it; name the folder that 'pyface cluster' was given",
            missing,
        )
    return {name: originals[name] for name in names if name in originals}, missing


def _remember(album: Album, path: str, kind: str) -> None:
    """So that ``pyface forget`` can say what it does not reach. Before the first file of the album is written.

    Where the album cannot be written, nor can anything in it be forgotten: there the export goes on.
    """
    if album._basis is not None:
        try:
            album._basis.journal.note_export(path, as_utf8(kind))
        except OutputFolderError as error:
            if not is_read_only(error):
                raise
            logger.warning("%s cannot be written, so that 'pyface forget' will not know of this export", album.out)
