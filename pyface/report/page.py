"""What the report shows, as plain data, and its rendering into one HTML text that loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pyface.errors import counted, require_extra
from pyface.report.live import ReportLive
from pyface.report.text import showable, split_name

# A broken disk can skip a hundred thousand files; summary.json lists them all.
MAX_SKIPPED = 1000


@dataclass(frozen=True, slots=True)
class ReportFace:
    """One face: its row in ``faces.csv``, the photo's path as written there, and what the page shows of it."""

    face_id: int
    photo: str
    score: float
    """The detector's score."""
    thumbnail: bytes | None = None
    """A JPEG file, see :func:`pyface.photos.thumbnails.thumbnail`; None shows an outline instead."""
    unsure: str | None = None
    """Why the face may belong elsewhere, short: ``"could also be person 3"``; None for a sure one."""


@dataclass(frozen=True, slots=True)
class ReportPerson:
    """One cluster: its number in ``faces.csv`` and the faces to show, of ``n_faces`` that there are.

    name : what the person is called, "" if nobody said.       set_aside : a face that is too poor to be told.
    """

    number: int
    faces: tuple[ReportFace, ...]
    n_faces: int
    name: str = ""
    set_aside: bool = False

    @property
    def called(self) -> str:
        """The name, or the number with what it is."""
        return self.name or ("Face set aside" if self.set_aside else f"Person {self.number}")

    def __post_init__(self) -> None:
        if self.n_faces < max(len(self.faces), 1):
            raise ValueError(f"n_faces: person {self.number} has {len(self.faces)} faces, n_faces says {self.n_faces}")


@dataclass(frozen=True, slots=True)
class ReportSkipped:
    """A file that could not be used, and why, in a few words."""

    photo: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """The counts and settings of a run. The counts are of the whole run, whatever the page shows."""

    folder: str
    """Name of the folder of photos; the page's title."""
    n_photos: int
    """Photos that could be read."""
    n_photos_without_face: int
    n_faces: int
    n_people: int
    detector: str
    embedder: str
    algorithm: str
    threshold: str | None
    """The threshold with its meaning, as text: ``"0.281 (squared Euclidean)"``; None if the number was given."""
    version: str
    """Version of pyface."""
    n_clusters: int | None = None
    """How many people were asked for, instead of a threshold."""
    landmarks: str | None = None
    n_set_aside: int = 0
    """Faces that are too poor to be told; they are not among the people."""
    n_hidden: int = 0
    """Faces that are not shown because somebody said so; they are not among the people, either."""
    notes: tuple[str, ...] = ()
    """Where names and people do not fit together, in words."""
    date: str | None = None
    """Shown as given. Left out by default: the same photos then give the same file, byte for byte."""


def in_page_order(person: ReportPerson) -> tuple[bool, int, int]:
    """The key by which people are sorted: faces set aside last, then by decreasing size, then number."""
    return person.set_aside, -person.n_faces, person.number


def render_report(
    summary: ReportSummary,
    people: Iterable[ReportPerson],
    skipped: Iterable[ReportSkipped] = (),
    live: ReportLive | str | None = None,
) -> str:
    """Render the page: one HTML document with its style, script and pictures inside.

    Every text is escaped; names that are not valid Unicode are shown with U+FFFD, so the result always encodes as
    UTF-8. People are shown by decreasing size, then number, those with one face together, and faces set aside at the
    end. Nothing is
    capped here, see :func:`pyface.report.caps.cap_people`; fewer faces or people than the summary counts are said to
    be not shown. Equal input gives an equal text. Write it with ``encoding="utf-8"``, readable by its owner only.

    live : what a slider shows the people of other thresholds with, if there is more than one threshold and any face;
        a text says why there is none.

    Raises :class:`pyface.errors.MissingExtraError` if Jinja2 is not installed.
    """
    ordered = sorted(people, key=in_page_order)
    told = [person for person in ordered if not person.set_aside]
    files_skipped = list(skipped)
    faces = [face for person in ordered for face in person.faces]
    text: str = _template().render(
        summary=summary,
        several=[person for person in told if person.n_faces > 1],
        once=[person for person in told if person.n_faces == 1],
        set_aside=[person for person in ordered if person.set_aside],
        n_faces_shown=len(faces),
        n_people_shown=len(told),
        n_unsure=sum(face.unsure is not None for face in faces),
        live=live if isinstance(live, ReportLive) and len(live.thresholds) > 1 and faces else None,
        moves=isinstance(live, ReportLive) and not live.counts,
        no_live=live if isinstance(live, str) and faces else "",
        skipped=files_skipped[:MAX_SKIPPED],
        n_skipped=len(files_skipped),
        style=_resource("report.css"),
        script=_resource("report.js") + _resource("live.js"),
    )
    return text


@cache
def _template() -> Any:
    jinja2 = require_extra("jinja2")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # Every text that reaches the page passes here, so that no template line can forget it.
        finalize=_finalize,
    )
    environment.filters.update(count=counted, data_uri=_data_uri, csp_hash=_csp_hash)
    environment.globals["split_name"] = split_name
    return environment.from_string(_resource("report.html"))


def _resource(name: str) -> str:
    # Line ends as in the repository, wherever it was checked out: the page's hashes are those of the text.
    return (files("pyface.report") / "templates" / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _finalize(value: object) -> object:
    # What has __html__ is markup: our own style and script.
    return showable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _data_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def _csp_hash(text: str) -> str:
    """The source expression that lets the page's security policy run this text and no other."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii") + "'"
