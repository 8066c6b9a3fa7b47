"""How many faces a page shows: a browser copes with a few thousand pictures, a person with fewer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyface.report.page import ReportFace, ReportPerson


def cap_people(people: Iterable[ReportPerson], per_person: int = 60, total: int = 2000) -> tuple[ReportPerson, ...]:
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
    ordered = ordered[:total]
    room = _share([min(len(person.faces), per_person) for person in ordered], total)
    return tuple(
        replace(person, faces=_choose(person.faces, places)) for person, places in zip(ordered, room, strict=True)
    )


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


def _choose(faces: tuple[ReportFace, ...], places: int) -> tuple[ReportFace, ...]:
    if len(faces) <= places:
        return faces
    unsure = [i for i, face in enumerate(faces) if face.unsure is not None][: places // 2]
    chosen = set(unsure)
    for i in range(len(faces)):
        if len(chosen) == places:
            break
        chosen.add(i)
    return tuple(faces[i] for i in sorted(chosen))
