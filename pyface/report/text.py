"""File names as text that a page can show: any file system allows names that are no text, or that are a trick."""

from __future__ import annotations

import re
import unicodedata

# Shown as U+FFFD: control characters and line separators; lone surrogates, which stand for bytes that are not UTF-8
# and cannot be encoded; embeddings, overrides and isolates of writing direction, by which "gpj.exe" can pose as
# "exe.jpg", also in a tooltip where no <bdi> helps. The mere marks (U+200E, U+200F, U+061C) occur in honest names.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

_SHORT = 18
_TAIL = 9


def showable(text: str) -> str:
    """``text`` with every character that cannot or should not be shown replaced by U+FFFD."""
    if text.isascii() and text.isprintable():  # as most are
        return text
    return _UNSHOWABLE.sub("\ufffd", text)


def split_name(photo: str) -> tuple[str, str]:
    """The last part of a path as (head, tail): a narrow caption may shorten the head, the tail tells photos apart.

    ``"2024/IMG_20240612_142233_0012.jpg"`` gives ``("IMG_20240612_142233", "_0012.jpg")``; short names have no tail.
    """
    name = showable(photo.rsplit("/", 1)[-1])
    if len(name) <= _SHORT:
        return name, ""
    cut = len(name) - _TAIL
    # A letter stays with its accents and an emoji with what it is joined to.
    while cut > 0 and (_continues(name[cut]) or name[cut - 1] == "\u200d"):
        cut -= 1
    return (name[:cut], name[cut:]) if cut > _TAIL else (name, "")


def _continues(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Mn", "Mc", "Me")
        or character == "\u200d"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )
