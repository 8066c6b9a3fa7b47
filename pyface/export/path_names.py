"""People's names and photos' names as one component of a path each, which every common file system takes."""

from __future__ import annotations

import os
import unicodedata

from pyface.photos.names import shortened

# Beyond what separates folders: what Windows, and with it FAT, exFAT and many a network drive, does not take.
_REFUSED = frozenset('/\\:*?"<>|')
# Characters that are not seen, do not print or are none: controls, formats, halves, private and unassigned ones.
_UNSEEN = ("Cc", "Cs", "Cn", "Co", "Zl", "Zp")
_DIRECTIONS = frozenset("\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
# Devices of Windows, whatever suffix they have.
_PORTS = tuple(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³")
_DEVICES = frozenset(("con", "prn", "aux", "nul", "conin$", "conout$", *_PORTS))
LONGEST = 120  # bytes; file systems allow 255, and numbers and temporary names come on top


def safe_component(name: str, *, otherwise: str = "_", longest: int = LONGEST) -> str:
    """The name in Unicode's composed form as one component of a path; ``otherwise`` if nothing of it can stay.

    Separators, characters that Windows refuses and those that are not seen become ``_``, as do dots and blanks at its
    end and dots at its beginning; a device of Windows gets ``_`` in front. At most ``longest`` bytes. Different names
    may become one: see :class:`Taken`.
    """
    kept = "".join("_" if _is_refused(c) else c for c in unicodedata.normalize("NFC", name)).strip()
    kept = shortened(kept, longest - 1).strip()
    beginning, end = kept.lstrip("."), kept.rstrip(". ")
    kept = "_" * (len(kept) - len(beginning)) + beginning
    kept = kept[: len(end)] + "_" * (len(kept) - len(end))
    if not kept.strip("_"):
        return otherwise
    if kept.split(".")[0].rstrip().lower() in _DEVICES:
        kept = f"_{kept}"
    return kept


def safe_file_name(name: str) -> str:
    """The name of a photo as one component of a path; its suffix stays."""
    return "".join(safe_file_parts(name))


def safe_file_parts(name: str) -> tuple[str, str]:
    """The two parts of :func:`safe_file_name`: all before the suffix, and the suffix with its dot."""
    stem, suffix = os.path.splitext(name)
    suffix = safe_component(suffix.lstrip("."), otherwise="", longest=20)
    return safe_component(stem, otherwise="photo"), f".{suffix}" if suffix else ""


def _is_refused(character: str) -> bool:
    return character in _REFUSED or character in _DIRECTIONS or unicodedata.category(character) in _UNSEEN


class Taken:
    """Names in one folder, no two of which are one where case or the form of accents does not count."""

    def __init__(self, *names: str) -> None:
        self._keys = {_key(name) for name in names}

    def take(self, stem: str, suffix: str = "") -> str:
        """``stem`` and ``suffix``, with ``~2``, ``~3``, ... between them until nobody has it."""
        free, number = stem + suffix, 1
        while _key(free) in self._keys:
            number += 1
            free = f"{stem}~{number}{suffix}"
        self._keys.add(_key(free))
        return free


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
