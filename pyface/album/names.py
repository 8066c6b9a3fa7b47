"""What people are called: names that can be used, and the name of each face once faces are people."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.album.links import Links
from pyface.errors import counted

if TYPE_CHECKING:
    from pyface.album.album import Album

MAX_NAME = 200

# Control characters, marks that turn the direction of text or mislead about it, and halves of surrogate pairs.
_REFUSED = {"Cc": "a control character", "Cs": "half a character", "Zl": "a line break", "Zp": "a line break"}
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Joiners are of the class of characters without a shape (Cf), and scripts of Iran and India, and emoji, need them.
_JOINERS = frozenset("\u200c\u200d")
# Letters, marks and symbols that show nothing: fillers of Hangul, vowels of Khmer, an empty pattern of Braille.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159")


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """Who the faces are once they are people.

    person : (n,) a key of ``Links.names``, -1 = none: the face's own, or the only one that its cluster has.
    hidden : (n,) whether the face is not to be shown.
    notes : what does not fit together, in words.
    """

    person: Labels
    hidden: NDArray[np.bool_]
    notes: tuple[str, ...]


def check_name(name: str, *, may_be_number: bool = False) -> str:
    """A person's name as it is kept: without blanks around it, in Unicode's composed form (NFC).

    TypeError if it is no text. ValueError, with the place, for an empty or too long one, for line breaks, control
    characters and marks that change the direction of text, and for what cannot be seen: such characters anywhere, and a
    name that has nothing else. Also for one of digits alone unless ``may_be_number``: in an album that is a person's
    number, in a gallery people have names only.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a text, got {type(name).__name__}")
    for place, character in enumerate(name):
        what = _what_is_refused(character)
        if what is not None:
            raise ValueError(f"name: character {place + 1} is {what} (U+{ord(character):04X}); leave it out")
    kept = unicodedata.normalize("NFC", name.strip())
    if not kept:
        raise ValueError("name is empty; give it a letter; in an album unname (--remove) takes a name away")
    if not any(unicodedata.category(character)[0] in "LNPSC" and character not in _JOINERS for character in kept):
        raise ValueError("name has nothing that can be seen; give it a letter")
    if len(kept) > MAX_NAME:
        raise ValueError(f"name has {len(kept):,} characters; give one of at most {MAX_NAME}")
    if not may_be_number and kept.isascii() and kept.isdecimal():
        raise ValueError(f"name: {kept!r} is a number, and people have numbers; give it a letter")
    return kept


def _what_is_refused(character: str) -> str | None:
    category = unicodedata.category(character)
    if character in _DIRECTIONS:
        return "a mark for the direction of text"
    if character in _BLANK or (category == "Cf" and character not in _JOINERS):
        return "a character that cannot be seen"
    code = ord(character)
    if code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:  # what Unicode keeps out of texts
        return "no character"
    return _REFUSED.get(category)


def name_people(labels: Labels, links: Links) -> Named:
    """Give every face of a cluster the name that some of its faces have, if it is one name only.

    Faces that were named keep their own name wherever they are. Where one name's faces are in several clusters, or one
    cluster has faces of several names, nothing is decided for the others; ``notes`` says it.
    """
    person = links.person.copy()
    notes: list[str] = []
    clusters_of: dict[int, dict[int, int]] = {}
    people_of: dict[int, dict[int, int]] = {}
    for row in np.flatnonzero((links.person >= 0) & ~links.nobody):
        who, cluster = int(links.person[row]), int(labels[row])
        for table, first, second in ((clusters_of, who, cluster), (people_of, cluster, who)):
            counts = table.setdefault(first, {})
            counts[second] = counts.get(second, 0) + 1
    single = {cluster: next(iter(people)) for cluster, people in people_of.items() if len(people) == 1}
    if single:
        clusters, names = np.array(sorted(single.items()), np.int64).T
        place = np.minimum(np.searchsorted(clusters, labels), len(clusters) - 1)
        open_rows = (clusters[place] == labels) & (person < 0) & ~links.nobody
        person[open_rows] = names[place[open_rows]]
    for who, clusters_here in sorted(clusters_of.items()):
        if len(clusters_here) > 1:
            notes.append(f"{links.names[who]} is in several people: {_counts(clusters_here, str)}")
    for cluster, people in sorted(people_of.items()):
        if len(people) > 1:
            notes.append(f"person {cluster} has several names: {_counts(people, links.names.__getitem__)}")

    hidden = links.nobody.copy()
    asked = np.unique(labels[links.hidden & ~links.nobody])
    for cluster in asked:
        seen = sorted({links.names[int(who)] for who in links.person[(labels == cluster) & ~links.hidden] if who >= 0})
        if seen:
            notes.append(f"person {cluster} has faces that were hidden and faces of {', '.join(seen)}: it is shown")
        else:
            hidden |= labels == cluster
    return Named(person, hidden, tuple(notes))


def persons_of(album: Album) -> Labels:
    """The person by whose name each face is called, -1 for none."""
    if album._basis is not None:
        return name_people(album.labels, album._basis.links()).person
    names = {name: i for i, name in enumerate(sorted(set(album.persons) - {""}))}
    return np.array([names.get(name, -1) for name in album.persons] or [-1] * len(album.faces), np.int64)


def _counts(counts: dict[int, int], text: Callable[[int], str]) -> str:
    return ", ".join(f"{text(key)} ({counted(n, 'face')})" for key, n in sorted(counts.items()))
