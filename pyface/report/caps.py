"""How many faces a page shows: a browser copes with a few thousand pictures, a person with fewer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyface.report.page import ReportPerson


PER_PERSON, TOTAL = 60, 2000


def cap_people(
    people: Iterable[ReportPerson], per_person: int = PER_PERSON, total: int = TOTAL
) -> tuple[ReportPerson, ...]:
    """Choose the faces to show: at most ``per_person`` of each person and ``total`` together.

    People come back by decreasing size, then number. If they all fit with one face each, all are kept, and the rest
    of the room is shared evenly: everybody gets the same limit, what is left goes to the largest. Otherwise the
    largest people are kept with one face each and the others left out. ``n_faces`` stays the true count, so that
    the page can say "60 of 412 shown".

    Faces need no thumbnail yet: those of the chosen ones can be filled in afterwards.

    Of one person's faces the first ones are kept, in the order given; but up to half of the places go to unsure
    faces, since those are the ones worth looking at. Raises ValueError for a negative limit.
    """
    if per_person < 0 or total < 0:
        raise ValueError(f"per_person, total: expected numbers of at least 0, got {per_person} and {total}")
    from pyface.report.page import in_page_order

    ordered = sorted(people, key=in_page_order)
    if per_person == 0:
        return ()
    room = room_for([len(person.faces) for person in ordered], per_person, total)
    capped = []
    for person, places in zip(ordered[: len(room)], room, strict=True):
        unsure = [i for i, face in enumerate(person.faces) if face.unsure is not None]
        faces = tuple(person.faces[i] for i in choose(range(len(person.faces)), unsure, places))
        capped.append(replace(person, faces=faces))
    return tuple(capped)


def room_for(sizes: Sequence[int], per_person: int = PER_PERSON, total: int = TOTAL) -> list[int]:
    """How many faces are shown of people with so many, in the order of the page; the last ones may be left out."""
    return _share([min(size, per_person) for size in sizes[:total]], total)


def choose(faces: Sequence[int], unsure: Sequence[int], places: int) -> Sequence[int]:
    """Of the faces of a person, in increasing order, so many: the first, and up to half of them the first unsure."""
    if len(faces) <= places:
        return faces
    chosen = set(unsure[: places // 2])
    for face in faces:
        if len(chosen) == places:
            break
        chosen.add(face)
    return sorted(chosen)


def _share(wanted: Sequence[int], total: int) -> list[int]:
    """Places for each, at most what it wants: one limit for all, as high as ``total`` allows, the rest to the first."""
    if sum(wanted) <= total:
        return list(wanted)
    low, high = 0, max(wanted)  # the limit ``low`` fits, ``high`` does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if sum(min(n, middle) for n in wanted) <= total else (low, middle)
    places = [min(n, low) for n in wanted]
    left = total - sum(places)
    for i, n in enumerate(wanted):
        extra = min(n - places[i], left)
        places[i] += extra
        left -= extra
    return places
