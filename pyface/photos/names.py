"""Names of files in what is written: bytes that are no text survive, and no letter is cut in two."""

from __future__ import annotations

import os
import unicodedata

_JOINER = "\u200d"  # makes one sign of the one before and the one behind it


def as_utf8(name: str) -> str:
    """The name as text in UTF-8, with a lone surrogate for each byte that is none, whatever this process's locale.

    ``os.fsencode`` of it is the name on a system whose names are UTF-8. JSON and NumPy's text keep such surrogates, and
    ``name.encode("utf-8", "surrogateescape")`` gives the bytes everywhere.
    """
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def shortened(name: str, n_bytes: int) -> str:
    """As much of the name's beginning as takes ``n_bytes`` in a file name, ending where a sign as seen ends."""
    end = size = 0
    while end < len(name) and (size := size + len(os.fsencode(name[end]))) <= n_bytes:
        end += 1
    while 0 < end < len(name) and (_goes_on(name[end]) or name[end - 1] == _JOINER):
        end -= 1
    return name[:end]


def _goes_on(letter: str) -> bool:
    """Whether it changes the sign before it: accents, vowel signs, variants, skin tones, joiners."""
    is_tone = "\U0001f3fb" <= letter <= "\U0001f3ff"
    return unicodedata.category(letter) in ("Mn", "Mc", "Me") or is_tone or letter == _JOINER
