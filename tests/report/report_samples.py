"""Shared by the tests of the report: sample people and a reader that turns the page into elements."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

import numpy as np

from pyface.photos.thumbnails import thumbnail
from pyface.report import ReportFace, ReportPerson, ReportSkipped, ReportSummary

VOID = {"meta", "link", "img", "input", "br", "hr"}

NASTY_NAMES = [
    '"><script>alert(1)</script>.jpg',
    "' onerror='alert(1)",
    '" onmouseover="alert(1)" x="',
    "</style><script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    "--><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;&amp;&#34;",
    "two\nlines\r\n\tand\x00control\x1b[31m\x7f\x85",
    "photo\u202egpj.exe",
    "\u2066isolated\u2069\u202a\u202b\u202d\u202c",
    "line\u2028separators\u2029",
    "caf\udce9.jpg",
    "\ud800\udfff",
    "javascript:alert(1)",
    "//example.invalid/x.jpg",
    " leading and trailing ",
    "",
    "/",
    "x" * 4000,
    "e\u0301" * 40,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 12,
]


@dataclasses.dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None
    text: str = ""

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def inside(self, **wanted: str) -> bool:
        return any(all(e.attributes.get(k) == v for k, v in wanted.items()) for e in self.chain())

    def chain(self) -> list[Element]:
        return [self, *(self.parent.chain() if self.parent else [])]


class Page(HTMLParser):
    """All elements in order; fails on tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice: {names}"
        values = {name: value or "" for name, value in attrs}
        element = Element(tag, values, self._open[-1] if self._open else None)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            for element in self._open[-1].chain():
                element.text += data

    def all(self, tag: str | None = None, cls: str | None = None) -> list[Element]:
        return [e for e in self.elements if tag in (None, e.tag) and (cls is None or cls in e.classes)]

    def by_id(self, name: str) -> Element:
        (found,) = [e for e in self.elements if e.attributes.get("id") == name]
        return found


def drawn_face(seed: int = 0) -> bytes:
    """A thumbnail of plain shapes."""
    image = np.full((60, 80, 3), 40 + 20 * (seed % 8), np.uint8)
    image[20:45, 25:50] = 200
    return thumbnail(image, (25, 20, 50, 45))


def summary(**changes: object) -> ReportSummary:
    base = ReportSummary(
        folder="Holiday 2024", n_photos=40, n_photos_without_face=6, n_faces=9, n_people=5, detector="dlib-mmod",
        embedder="dlib-resnet", algorithm="average linkage", threshold="0.281 (squared Euclidean)", version="0.1.0",
    )  # fmt: skip
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def person(number: int, n_shown: int, n_faces: int | None = None, unsure: tuple[int, ...] = ()) -> ReportPerson:
    faces = tuple(
        ReportFace(
            face_id=100 * number + i,
            photo=f"day {number}/IMG_{number}_{i:04d}.jpg",
            score=1.0 - i / 100,
            thumbnail=drawn_face(number),
            unsure="could also be person 3" if i in unsure else None,
        )
        for i in range(n_shown)
    )
    return ReportPerson(number, faces, n_shown if n_faces is None else n_faces)


def people() -> list[ReportPerson]:
    """Nine faces of five people, two of them seen once; two faces are unsure."""
    return [person(0, 3, unsure=(1,)), person(1, 2), person(2, 2), person(3, 1, unsure=(0,)), person(4, 1)]


def named(*photos: str) -> list[ReportPerson]:
    """One person seen in all these photos, and one more in the first."""
    faces = tuple(ReportFace(i, photo, 0.5, None, f"because of {photo}") for i, photo in enumerate(photos))
    return [ReportPerson(0, faces, len(faces)), ReportPerson(1, (ReportFace(99, photos[0], 0.5),), 1)]


SKIPPED = [ReportSkipped("broken/IMG_0001.jpg", "the file is empty"), ReportSkipped("b.heic", "HEIC needs an extra")]
