"""Names of files are whatever a disk holds: none may change the page, break its encoding or mislead its reader."""

from __future__ import annotations

import os
import re
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from report.report_samples import NASTY_NAMES, Page, named, summary

from pyface.report import ReportSkipped, render_report
from pyface.report.text import showable, split_name

# Python's own strings include lone surrogates; Hypothesis leaves them out unless asked.
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


def shape(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Tags and names of attributes; the second half of a split caption comes and goes with the name's length."""
    return [(e.tag, tuple(e.attributes)) for e in Page(text).elements if not (e.parent and "name" in e.parent.classes)]


def render(name: str) -> str:
    used = summary(folder=name, detector=name, embedder=name, algorithm=name, threshold=name, version=name,
                   landmarks=name, date=name)  # fmt: skip
    return render_report(used, named(name, "b.jpg"), [ReportSkipped(name, name)])


PLAIN = shape(render("a.jpg"))


def check(name: str) -> None:
    text = render(name)
    text.encode("utf-8")
    assert shape(text) == PLAIN
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", text)
    page = Page(text)
    assert Counter(e.tag for e in page.elements)["script"] == 1
    face = page.all("li", "face")[0]
    # Also what is in the attributes comes back whole: nothing but the unshowable was changed.
    assert face.attributes["data-photo"] == showable(name)
    caption = next(e for e in page.all("bdi", "name") if e.parent and e.parent.parent is face)
    assert caption.text == showable(name.rsplit("/", 1)[-1])


@pytest.mark.parametrize("name", NASTY_NAMES, ids=lambda name: ascii(name)[:30])
def test_nasty_names(name: str) -> None:
    check(name)


@settings(max_examples=150, deadline=None)
@given(ANY_TEXT)
@example("a\r\nb")
def test_any_name(name: str) -> None:
    check(name)


def test_names_that_are_not_utf8(tmp_path: os.PathLike[str]) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    text = render(name)
    (tmp_path / "report.html").write_text(text, encoding="utf-8")  # type: ignore[operator]
    assert "caf\ufffd.jpg" in text


def test_showable() -> None:
    assert showable("plain é 家族 \U0001f600.jpg") == "plain é 家族 \U0001f600.jpg"
    assert showable("a\nb\x00\udce9\u202ec\u2066") == "a\ufffdb\ufffd\ufffd\ufffdc\ufffd"
    # Marks of direction are part of honest Hebrew and Arabic names.
    assert showable("\u200fא.jpg") == "\u200fא.jpg"


@pytest.mark.parametrize(
    ("photo", "parts"),
    [
        ("2024/IMG_20240612_142233_0012.jpg", ("IMG_20240612_142233", "_0012.jpg")),
        ("2024/short.jpg", ("short.jpg", "")),
        ("", ("", "")),
        ("folder/", ("", "")),
        ("x" * 18, ("x" * 18, "")),
        ("x" * 19, ("x" * 10, "x" * 9)),
        # No cut inside a letter or an emoji made of several code points.
        ("a" * 10 + "e\u0301" + "b" * 8, ("a" * 10, "e\u0301" + "b" * 8)),
        ("a" * 10 + "\U0001f469\u200d\U0001f467" + "b" * 8, ("a" * 10, "\U0001f469\u200d\U0001f467" + "b" * 8)),
        ("a" * 10 + "\U0001f44d\U0001f3fd" + "b" * 8, ("a" * 10, "\U0001f44d\U0001f3fd" + "b" * 8)),
        ("e" + "\u0301" * 40, ("e" + "\u0301" * 40, "")),
    ],
)
def test_split_name(photo: str, parts: tuple[str, str]) -> None:
    assert split_name(photo) == parts
