"""XML that is changed in place: where its elements lie in the bytes of a file, and edits of those bytes.

Whatever is not edited stays to the byte. Documents with a DTD, and with it entities, are refused before any of it is
read, as are large ones.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

MAX_BYTES = 10_000_000
_MAX_DEPTH = 200
_SEPARATOR = "\x1f"  # between namespace and name; no address may hold it
_TAG = re.compile(rb"""<(?:[^>"']+|"[^"]*"|'[^']*')*>""")
_TAG_NAME = re.compile(rb"<([^\s/>]+)")
_DECLARED = re.compile(rb"""^<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_ENCODINGS = ("utf-8", "ascii", "iso8859-1", "cp1252")
_NO_XML_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class XmlError(ValueError):
    """A file that is not read as XML; the text says why, without the file's name."""


@dataclass(slots=True, eq=False)
class Element:
    """An element and where it lies: ``<`` at ``start``, content from ``inner`` to ``inner_end``, all before ``end``.

    name and the keys of attributes : namespace, a blank, and the local name.
    prefixes : prefix -> namespace, of those that hold inside of it.
    """

    name: str
    attributes: dict[str, str]
    start: int
    inner: int
    parent: Element | None
    prefixes: dict[str, str]
    inner_end: int = -1
    end: int = -1
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def child(self, name: str) -> Element | None:
        """The first child of this name."""
        return next((child for child in self.children if child.name == name), None)

    @property
    def is_empty_tag(self) -> bool:
        """Whether it is written ``<a/>``."""
        return self.inner == self.end


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """XML as UTF-8 without a mark in front, in which the elements lie; and how it is written in its file."""

    data: bytes
    root: Element
    encoding: str = "utf-8"
    bom: bytes = b""

    def written(self, data: bytes) -> bytes:
        """Other UTF-8 in the way in which the file is written."""
        if self.encoding == "utf-8":
            return self.bom + data
        return self.bom + data.decode("utf-8").encode(self.encoding, "xmlcharrefreplace")

    def tag_name(self, element: Element) -> bytes:
        """The name of an element as it is written, with its prefix."""
        found = _TAG_NAME.match(self.data, element.start)
        assert found is not None
        return found[1]

    @property
    def newline(self) -> bytes:
        """How lines end."""
        return b"\r\n" if b"\r\n" in self.data else b"\n"

    def indent(self, element: Element) -> bytes:
        """The blanks in front of an element that begins its line; nothing for another."""
        blanks = self.data[self.blank_start(element.start) : element.start]
        return blanks.rpartition(b"\n")[2] if b"\n" in blanks else b""

    def blank_start(self, place: int) -> int:
        """Where the blanks and line ends before this place begin."""
        while place and self.data[place - 1] in b" \t\r\n":
            place -= 1
        return place


def parse(raw: bytes) -> Document:
    """Where the elements of an XML file lie. :class:`XmlError` for what is none, is too large, or has a DTD."""
    if len(raw) > MAX_BYTES:
        raise XmlError(f"has more than {MAX_BYTES:,} bytes; no more are read of a sidecar")
    text, encoding, bom = _decoded(raw)
    data = text.encode("utf-8")
    reader = _Reader(data)
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise XmlError(f"is no XML ({expat.ErrorString(error.code)}, line {error.lineno})") from error
    assert reader.root is not None
    document = Document(data, reader.root, encoding, bom)
    if document.written(data) != raw:
        raise XmlError(f"cannot be written again as it is ({encoding})")
    return document


def _decoded(raw: bytes) -> tuple[str, str, bytes]:
    """The text of a file, its encoding, and the mark in front of it."""
    bom = next((mark for mark in _BOMS if raw.startswith(mark)), b"")
    encoding = _BOMS.get(bom, "utf-8")
    declared = None if bom else _DECLARED.match(raw)
    if declared is not None:
        name = declared[1].decode("ascii")
        try:
            encoding = codecs.lookup(name).name
        except LookupError:
            encoding = ""
        if encoding not in _ENCODINGS:
            raise XmlError(f"is written in {name}, which is not read; save it as UTF-8")
    try:
        text = raw[len(bom) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise XmlError(f"is no XML (byte {error.start} is no {encoding})") from error
    if "\0" in text:  # expat would go on in UTF-16, where no element lies at its place
        raise XmlError("holds zeros, as UTF-16 without the mark in front does, which is not read; save it as UTF-8")
    return text, encoding, bom


class _Reader:
    """Builds the elements while expat goes through the text. The stack is a list: depth costs no recursion."""

    def __init__(self, data: bytes) -> None:
        self.root: Element | None = None
        self._data = data
        self._open: list[Element] = []
        self._declared: dict[str, str] = {}
        self._texts: list[list[str]] = []
        # The text is UTF-8 now, whatever the file says.
        self.parser = parser = expat.ParserCreate("utf-8", _SEPARATOR)
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = self._say

    def _refuse(self, *_: object) -> None:
        raise XmlError("has a document type or entities of its own, which are not read")

    def _declare(self, prefix: str | None, address: str | None) -> None:
        self._declared[prefix or ""] = address or ""

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _MAX_DEPTH:
            raise XmlError(f"has elements more than {_MAX_DEPTH} deep in each other")
        parent = self._open[-1] if self._open else None
        start = self.parser.CurrentByteIndex
        tag = _TAG.match(self._data, start)
        assert tag is not None
        prefixes = parent.prefixes if parent is not None else {}
        if self._declared:
            prefixes, self._declared = prefixes | self._declared, {}
        element = Element(
            name.replace(_SEPARATOR, " "),
            {key.replace(_SEPARATOR, " "): value for key, value in attributes.items()},
            start, tag.end(), parent, prefixes,
        )  # fmt: skip
        if parent is None:
            self.root = element
        else:
            parent.children.append(element)
        if tag[0].endswith(b"/>"):
            element.inner_end = element.end = element.inner
        self._open.append(element)
        self._texts.append([])

    def _finish(self, _: str) -> None:
        element = self._open.pop()
        element.text = "".join(self._texts.pop())
        if element.end < 0:
            element.inner_end = self.parser.CurrentByteIndex
            element.end = self._data.index(b">", element.inner_end) + 1

    def _say(self, text: str) -> None:
        if self._texts:
            self._texts[-1].append(text)


class Edits:
    """Changes of a document's bytes, applied all at once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._edits: list[tuple[int, int, bytes]] = []

    def remove(self, element: Element) -> None:
        """Take an element out, with the blanks in front of it."""
        self._edits.append((self._document.blank_start(element.start), element.end, b""))

    def append(self, parent: Element, lines: list[str]) -> None:
        """Put lines of XML behind the last child of an element, each on a line of its own."""
        document = self._document
        newline = document.newline
        own = document.indent(parent)
        indent = document.indent(parent.children[-1]) if parent.children else own + b" "
        text = b"".join(newline + indent + line.encode("utf-8") for line in lines)
        if parent.is_empty_tag:
            end = newline + own + b"</" + document.tag_name(parent) + b">"
            self._edits.append((parent.inner - 2, parent.inner, b">" + text + end))
            return
        place = max(document.blank_start(parent.inner_end), parent.inner)
        self._edits.append((place, place, text))

    def applied(self) -> bytes:
        """The bytes of the document, as UTF-8, with all changes; those at one place in the order asked for."""
        data = self._document.data
        parts: list[bytes] = []
        done = 0
        for start, end, text in sorted(self._edits, key=lambda edit: edit[:2]):
            assert start >= done, "edits overlap"
            parts += [data[done:start], text]
            done = end
        return b"".join([*parts, data[done:]])


def walk(element: Element) -> Iterator[Element]:
    """An element and all in it, in order of their beginnings."""
    pending = [element]
    while pending:
        current = pending.pop()
        yield current
        pending += reversed(current.children)


def xml_characters(value: str) -> str:
    """The text with U+FFFD for what XML cannot hold: as it is read again once it was written."""
    return _NO_XML_CHARACTER.sub("\ufffd", value)


def as_text(value: str) -> str:
    """Text for the inside of an element."""
    return escape(xml_characters(value), {"\r": "&#13;"})


def as_attribute(value: str) -> str:
    """Text for an attribute in double quotes."""
    entities = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
    return escape(xml_characters(value), entities)
