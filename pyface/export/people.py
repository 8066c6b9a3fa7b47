"""Which people and faces of an album are exported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface.album.album import Album
from pyface.album.names import persons_of
from pyface.errors import counted


@dataclass(frozen=True, slots=True)
class Choice:
    """What is asked for.

    named_only : people without a name are left out.       min_faces : so are those of fewer faces than this.
    set_aside, hidden : faces that are so are exported, too.
    seen_once : False leaves out people without a name who were seen once.
    """

    named_only: bool = False
    min_faces: int = 1
    set_aside: bool = False
    hidden: bool = False
    seen_once: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody in an album: the lowest number that its faces have, its name or "", and its face_ids, ascending."""

    number: int
    name: str
    faces: NDArray[np.int64]

    @property
    def called(self) -> str:
        """The name, or the number in words."""
        return self.name or f"person-{self.number:04}"


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    """Who is exported: those with a name first, by name, then the others by number.

    set_aside : face_ids of faces that were set aside and have no name, if asked for; they are nobody in ``people``.
    left_out : what is not exported, in words.
    """

    people: tuple[Person, ...]
    set_aside: NDArray[np.int64]
    left_out: tuple[str, ...]

    @property
    def faces(self) -> NDArray[np.int64]:
        """All face_ids, ascending."""
        return np.sort(np.concatenate([self.set_aside, *(person.faces for person in self.people)]).astype(np.int64))


def select(album: Album, choice: Choice) -> Selected:
    """The people of an album by name, or else by number. A name is one person in whatever clusters its faces are.

    Two people of one name stay two.
    """
    who = persons_of(album)
    hidden = album.hidden & (not choice.hidden)
    aside = album.set_aside & (who < 0) & ~hidden
    rows = np.flatnonzero(~hidden & ~aside)
    keys = np.where(who[rows] >= 0, -1 - who[rows], album.labels[rows])
    left_out = {"hidden": int(hidden.sum()), "set aside": 0 if choice.set_aside else int(aside.sum())}
    people: list[Person] = []
    nameless = small = once = 0
    order = np.argsort(keys, kind="stable")
    _, firsts = np.unique(keys[order], return_index=True)
    for faces in np.split(rows[order], firsts[1:]) if len(rows) else []:
        name = album.persons[faces[0]] if len(album.persons) else ""
        if choice.named_only and not name:
            nameless += 1
        elif len(faces) < choice.min_faces:
            small += 1
        elif len(faces) == 1 and not name and not choice.seen_once:
            once += 1
        else:
            people.append(Person(int(album.labels[faces].min()), name, faces))
    people.sort(key=lambda person: (not person.name, person.name, person.number, int(person.faces[0])))
    words = [f"{counted(n, 'face')} {what}" for what, n in left_out.items() if n]
    words += [f"{counted(nameless, 'person', 'people')} without a name"] if nameless else []
    words += [f"{counted(small, 'person', 'people')} of fewer than {choice.min_faces} faces"] if small else []
    words += [f"{counted(once, 'person', 'people')} without a name, seen once"] if once else []
    chosen_aside = np.flatnonzero(aside) if choice.set_aside and not choice.named_only else np.empty(0, np.int64)
    return Selected(tuple(people), chosen_aside, tuple(words))
