"""Where elements lie in XML, what is refused, and edits that leave everything else to the byte."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyface.export.xml_text import MAX_BYTES, Edits, XmlError, as_attribute, as_text, parse, walk

SAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<!-- a < comment > -->
<a:root xmlns:a="urn:a" xmlns="urn:b" one='a "quoted" > sign' two="it's &lt;">
\t<inner a:x="1"/><inner></inner>
  <![CDATA[ <inner/> ]]>
  <a:empty
     y="2" />Ümläut<a:last>text &amp; more</a:last >
</a:root>
<?end?>
"""


def test_elements_lie_where_they_are() -> None:
    document = parse(SAMPLE.encode())
    data = document.data
    found = [(e.name, data[e.start : e.end], data[e.inner : e.inner_end]) for e in walk(document.root)]
    assert [name for name, _, _ in found] == ["urn:a root", "urn:b inner", "urn:b inner", "urn:a empty", "urn:a last"]
    assert found[0][1].startswith(b"<a:root")
    assert found[0][1].endswith(b"</a:root>")
    assert found[1][1:] == (b'<inner a:x="1"/>', b"")
    assert found[2][1:] == (b"<inner></inner>", b"")
    assert found[3][1:] == (b'<a:empty\n     y="2" />', b"")
    assert found[4][1:] == (b"<a:last>text &amp; more</a:last >", b"text &amp; more")
    assert document.root.attributes == {"one": 'a "quoted" > sign', "two": "it's <"}
    assert document.root.children[0].attributes == {"urn:a x": "1"}
    assert document.root.children[3].text == "text & more"
    assert document.root.prefixes["a"] == "urn:a"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is no XML"),
        (b"no xml at all", "is no XML"),
        (b"<a><b></a>", "is no XML (mismatched tag, line 1)"),
        (b"<a>\n&unknown;</a>", "is no XML (undefined entity, line 2)"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "is no XML"),
        (b"<a>\xff</a>", "is no XML (byte 3 is no utf-8)"),
        ("<a>b</a>".encode("utf-16-be"), "holds zeros, as UTF-16 without the mark in front"),
        ("<a>b</a>".encode("utf-16-le"), "holds zeros"),
        (b"<a>\0</a>", "holds zeros"),
        (b"<!DOCTYPE a><a/>", "has a document type"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "has a document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "has a document type"),
        (b'<?xml version="1.0" encoding="UTF-7"?><a/>', "is written in UTF-7"),
        (b'<?xml version="1.0" encoding="nothing"?><a/>', "is written in nothing"),
        (b"<a>" * 300 + b"</a>" * 300, "elements more than 200 deep"),
        (b"<a>" + b" " * MAX_BYTES + b"</a>", "more than 10,000,000 bytes"),
    ],
)
def test_what_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(XmlError) as caught:
        parse(raw)
    assert reason in str(caught.value)


def test_a_bomb_of_entities_is_refused_before_it_grows() -> None:
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    bomb = f'<!DOCTYPE a [<!ENTITY e0 "boom">{levels}]><a>&e9;</a>'
    with pytest.raises(XmlError, match="document type"):
        parse(bomb.encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "cp1252"])
def test_encodings_stay(encoding: str) -> None:
    name = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}.get(encoding, encoding)
    text = f'<?xml version="1.0" encoding="{name}"?>\n<a>ü<b/></a>\n'
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    raw = (mark + text).encode(encoding)
    document = parse(raw)
    assert document.written(document.data) == raw
    edits = Edits(document)
    edits.append(document.root.children[0], [f"<c>{as_text('Łé')}</c>"])
    changed = document.written(edits.applied())
    again = parse(changed)
    assert [e.text for e in walk(again.root)][-1] == "Łé"
    assert changed.startswith(raw[: raw.index("ü".encode(encoding)[-1:])])


def test_lines_are_added_in_the_style_of_the_file() -> None:
    text = b"<r>\r\n\t<list>\r\n\t\t<li>1</li>\r\n\t</list>\r\n\t<none/>\r\n</r>\r\n"
    document = parse(text)
    edits = Edits(document)
    first, none = document.root.children
    edits.append(first, ["<li>2</li>"])
    edits.append(none, ["<x/>"])
    expected = (
        b"<r>\r\n\t<list>\r\n\t\t<li>1</li>\r\n\t\t<li>2</li>\r\n\t</list>\r\n"
        b"\t<none>\r\n\t <x/>\r\n\t</none>\r\n</r>\r\n"
    )
    assert edits.applied() == expected


@given(st.integers(0, 3), st.sampled_from(["", "\n", "\n\t", " \r\n  "]), st.booleans())
def test_what_is_added_and_taken_out_again_leaves_the_bytes(n: int, between: str, has_end: bool) -> None:
    inside = "".join(f"{between}<li>{i}</li>" for i in range(n)) + (between if has_end else "")
    raw = f"<r><list>{inside}</list></r>".encode()
    document = parse(raw)
    edits = Edits(document)
    edits.append(document.root.children[0], ["<new>", " <x/>", "</new>"])
    changed = parse(edits.applied())
    assert len(changed.root.children[0].children) == n + 1
    back = Edits(changed)
    back.remove(changed.root.children[0].children[-1])
    assert back.applied() == raw


@given(st.text())
def test_text_is_read_as_it_was_written(text: str) -> None:
    written = f'<a b="{as_attribute(text)}">{as_text(text)}</a>'
    read = ET.fromstring(written)
    kept = "".join(c if _is_xml(c) else "\ufffd" for c in text)
    assert (read.text or "", read.get("b")) == (kept, kept)
    assert parse(written.encode()).root.text == kept


def _is_xml(c: str) -> bool:
    code = ord(c)
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
