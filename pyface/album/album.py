"""The people in a folder of photos, and how they come from the record of work."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings, Labels
from pyface.album.close_calls import CloseCall
from pyface.album.faces import AlbumFaces, PhotoInfo
from pyface.album.work import FILE_NAME, WorkFile
from pyface.errors import OutputFolderError
from pyface.photos.finding import LeftOut, Skipped

if TYPE_CHECKING:
    from pyface.album.basis import Basis


@dataclass(frozen=True, slots=True, eq=False)
class Album:
    """The faces of a folder of photos and who they belong to.

    faces : in face_id order, that is photos in byte order of their name, then best first.
    labels : (n,) int64, the person of each face: by decreasing number of faces, then smallest face_id. Where faces were
        added to those of a run before, or answers given, people keep the number that they had, and numbers may have
        gaps. A face that was set aside has a number of its own.
    embeddings : (n, d) float32, rows in face_id order.
    photos : all photos that were read, also those without a face.       skipped : files that were not, with reasons.
    left_out : folders and photos that were not looked at since they were not meant to be, with reasons.
    settings : what was asked for, defaults filled in.                   models : name -> digest of the models used.
    close_calls : faces that are hard to place.                          seconds : time spent, by stage.
    title : name of the folder of photos.
    quality : (n,) float64 in [0, 1], how well a face can be compared (:mod:`pyface.analysis.quality`).
    set_aside : (n,) whether the face was too poor to be told; ``hidden`` : (n,) whether it is not to be shown.
    persons : the name of each face's person, "" where nobody gave one.
    notes : where names and clusters do not fit together, in words.

    Names and corrections (:meth:`name`, :meth:`same`, :meth:`different`, :meth:`nobody`, :meth:`hide`, :meth:`show`,
    :meth:`undo`) are in ``OUT/facts.sqlite`` before the method returns, and hold in every later run on OUT. Each
    returns the album as it is then, whose people keep their numbers; this one stays as it was. The other files of OUT
    are written anew by :func:`pyface.save_album`.
    """

    faces: AlbumFaces
    labels: Labels
    embeddings: Embeddings
    photos: tuple[PhotoInfo, ...]
    skipped: tuple[Skipped, ...]
    settings: dict[str, Any]
    models: dict[str, str]
    close_calls: tuple[CloseCall, ...]
    seconds: dict[str, float]
    title: str = ""
    quality: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    set_aside: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    hidden: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    persons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    _thumbnails: str | dict[tuple[str, int], bytes] = field(repr=False, default_factory=dict)
    _basis: Basis | None = field(repr=False, default=None)

    @property
    def out(self) -> str | None:
        """The folder that holds the album's files; None for an album in memory."""
        return os.path.dirname(self._thumbnails) if isinstance(self._thumbnails, str) else None

    @property
    def n_people(self) -> int:
        """How many different people there are, people seen once included; faces set aside or hidden are not counted."""
        return len(np.unique(self.labels[~(self.set_aside | self.hidden)]))

    @property
    def n_photos_without_face(self) -> int:
        """How many of the photos that were read show no face that was found."""
        return len(self.photos) - len(set(self.faces.photos))

    @property
    def states(self) -> list[str]:
        """What became of each face: ``"hidden"``, ``"set_aside"`` or ``""``."""
        states: list[str] = np.where(self.hidden, "hidden", np.where(self.set_aside, "set_aside", "")).tolist()
        return states

    def people(self) -> list[NDArray[np.int64]]:
        """For each person, by number, the face_ids of its faces, ascending; faces set aside and hidden ones, too."""
        order = np.argsort(self.labels, kind="stable")
        _, sizes = np.unique(self.labels, return_counts=True)
        return np.split(order, np.cumsum(sizes)[:-1]) if len(order) else []

    def faces_of(self, person: int | str) -> NDArray[np.int64]:
        """The face_ids of a person, by number or by name, ascending.

        ValueError if there is nobody of that number or name, or if several people have that name.
        """
        from pyface.album import answers

        return answers.faces_of(self, person)

    def thumbnails(self, face_ids: Sequence[int]) -> list[bytes]:
        """JPEG thumbnails of these faces."""
        keys = [(self.faces.photos[i], self.faces.positions[i]) for i in face_ids]
        if isinstance(self._thumbnails, dict):
            return [self._thumbnails[key] for key in keys]
        with contextlib.closing(WorkFile(self._thumbnails, keep=True, reading=True)) as work:
            return [work.thumbnail(*key) for key in keys]

    def name(
        self, person: int | str, name: str, *, same: bool = False, another: bool = False, overrule: bool = False
    ) -> Album:
        """The album in which a person is called ``name``.

        person : its number, or the name that it has now, which is then changed wherever its faces are.
        same : it is the one who is called so already, so that both are put together.
        another : it is somebody else of the same name.
        overrule : with ``same``, as in :meth:`same`.

        ValueError for a name that cannot be used, for nobody of that number, where somebody else has the name already
        (say ``same`` or ``another``), and where the person's faces have several names.
        """
        from pyface.album import answers

        return answers.name(self, person, name, same=same, another=another, overrule=overrule)

    def unname(self, person: int | str) -> Album:
        """The album in which the faces of this person have no name."""
        from pyface.album import answers

        return answers.unname(self, person)

    def same(self, face_ids: Iterable[int], *, overrule: bool = False) -> Album:
        """The album in which these faces are one person: of two people, the faces of both.

        overrule : earlier facts that contradict this one no longer hold for these faces. Otherwise they are a
        :class:`pyface.errors.ContradictionError`, and nothing is written.
        """
        from pyface.album import answers

        return answers.same(self, face_ids, overrule=overrule)

    def different(self, face_ids: Iterable[int], others: Iterable[int], *, overrule: bool = False) -> Album:
        """The album in which no face of ``face_ids`` is the person of any of ``others``. ``overrule`` as in `same`."""
        from pyface.album import answers

        return answers.different(self, face_ids, others, overrule=overrule)

    def nobody(self, face_ids: Iterable[int]) -> Album:
        """The album in which these are no faces, or nobody's: each stands alone, hidden."""
        from pyface.album import answers

        return answers.said(self, "nobody", face_ids)

    def hide(self, face_ids: Iterable[int]) -> Album:
        """The album in which the people of these faces are hidden: they are grouped as ever and not shown."""
        from pyface.album import answers

        return answers.said(self, "hide", face_ids)

    def show(self, face_ids: Iterable[int]) -> Album:
        """The album in which ``nobody`` and ``hide`` no longer hold for these faces."""
        from pyface.album import answers

        return answers.said(self, "show", face_ids)

    def undo(self) -> Album:
        """The album without the last thing that was said and not undone, all of what one call said.

        ValueError if there is nothing to undo.
        """
        from pyface.album import answers

        return answers.undo(self)[0]


def refuse_changed(out: str, album: Album, *, is_new: bool) -> None:
    """OutputFolderError if the record of work holds other faces now: somebody added some, or had some forgotten.

    is_new : the album was made of the record in this call, so that their number tells.
    """
    with contextlib.closing(WorkFile(os.path.join(out, FILE_NAME), keep=True)) as work:
        if is_new:
            is_same = work.n_faces() == len(album.faces)
        else:
            boxes = np.ascontiguousarray(album.faces.boxes, np.float64)
            own = [(*key, box.tobytes()) for key, box in zip(album.faces.keys(), boxes, strict=True)]
            is_same = work.boxes() == own
    if not is_same:
        raise OutputFolderError(f"{out}: its faces have changed since the album was loaded; load it again")


def remember_people(out: str, album: Album) -> None:
    """Write the numbers of an album's people into the record of work, for photos that are added later."""
    described = {
        "settings": album.settings,
        "close_calls": [asdict(call) for call in album.close_calls],
        "seconds": album.seconds,
    }
    with contextlib.closing(WorkFile(os.path.join(out, FILE_NAME), keep=True)) as work:
        faces = album.faces.keys()
        kept = None if album._basis is None else album._basis.to_keep()
        work.save_people(faces, album.labels, album.set_aside, described, kept)


@contextlib.contextmanager
def many_objects() -> Iterator[None]:
    """Do not look for cycles among the objects that the block makes: a large album makes many, and none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def timed(clock: dict[str, float], stage: str) -> Iterator[None]:
    """Book the time that the block takes."""
    since = time.perf_counter()
    yield
    clock[stage] = time.perf_counter() - since
