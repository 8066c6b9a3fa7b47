"""Names and corrections of an album's faces: checked, written into the journal, and what the album is then."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.album.album import Album
from pyface.album.assembly import regrouped, renamed
from pyface.album.basis import Basis
from pyface.album.facts import Entry, FaceKey, Fact, Kind
from pyface.album.links import Links, Spoken
from pyface.album.names import check_name
from pyface.errors import ContradictionError, counted

FaceIds = NDArray[np.int64]

# Facts of these kinds move no face.
_MOVE_NOTHING = ("name", "unname", "hide")


def faces_of(album: Album, person: int | str) -> FaceIds:
    """See :meth:`Album.faces_of`."""
    if isinstance(person, str):
        if not person.strip():  # as a name it would be that of all who have none
            raise ValueError("person is empty; give the number of one person, or the name that it has")
        found = np.flatnonzero(np.array(album.persons, np.str_) == person)
        if not len(found):
            raise ValueError(f"person: nobody is called {person!r}; 'pyface names' lists who is")
        named = np.unique(_persons(album)[found])
        if len(named[named >= 0]) > 1:
            numbers = ", ".join(str(number) for number in np.unique(album.labels[found]))
            raise ValueError(f"person: several people are called {person!r}; say which by number, one of {numbers}")
        return found
    number = _check.integer(person, "person", minimum=0)
    found = np.flatnonzero(album.labels == number)
    if not len(found):
        raise ValueError(f"person: nobody has the number {number}; the column 'cluster' of faces.csv has the numbers")
    return found


def name(album: Album, person: int | str, text: str, *, same: bool, another: bool, overrule: bool) -> Album:
    """See :meth:`Album.name`."""
    text = check_name(text)
    if same and another:
        raise ValueError("same and another exclude each other: it is the one who is called so, or somebody else")
    if overrule and not same:
        raise ValueError("overrule (--overrule) is for same (--same): a name alone contradicts nothing")
    basis, rules = _current(album)
    faces = faces_of(album, person)
    own = _only_name(album, rules, faces)
    namesakes = [who for who, called in rules.names.items()
                 if called == text and who != own and (rules.person == who).any()]  # fmt: skip
    if namesakes and not another:
        numbers = np.unique(album.labels[np.isin(rules.person, namesakes)])
        listed = ", ".join(str(number) for number in numbers)
        if not same:
            raise ValueError(
                f"name: person {listed} is called {text!r} already; say whether this is the same person (same=True, "
                "--same), who is then put together, or another of that name (another=True, --another)"
            )
        if len(namesakes) > 1:
            raise ValueError(f"name: several people are called {text!r} ({listed}); say which one with Album.same")
        union = np.union1d(faces, np.flatnonzero(rules.person == namesakes[0]))
        together = _checked_same(basis, union, overrule)
        basis.journal.add_all([together, Entry("name", together.faces, person=namesakes[0], name=text)])
        return regrouped(album, basis)
    _say(basis, "name", faces, person=own, text=text)
    return renamed(album, basis)


def unname(album: Album, person: int | str) -> Album:
    """See :meth:`Album.unname`."""
    basis, rules = _current(album)
    faces = faces_of(album, person)
    if not (rules.person[faces] >= 0).any():
        raise ValueError(f"person: {person!r} has no name to take away")
    _say(basis, "unname", faces)
    return renamed(album, basis)


def same(album: Album, face_ids: Iterable[int], *, overrule: bool) -> Album:
    """See :meth:`Album.same`."""
    basis, rules = _current(album)
    faces = _checked(album, face_ids, "face_ids", at_least=2)
    people = {int(who) for who in rules.person[faces] if who >= 0}
    if len(people) > 1:
        names = " and ".join(sorted(rules.names[who] for who in people))
        raise ContradictionError(
            f"these faces are called {names}; give one of them the other's name with same=True (pyface name --same)",
            [(int(faces[0]), int(face)) for face in faces[1:] if rules.person[face] != rules.person[faces[0]]],
        )
    basis.journal.add_all([_checked_same(basis, faces, overrule)])
    return regrouped(album, basis)


def _checked_same(basis: Basis, faces: FaceIds, overrule: bool) -> Entry:
    def answers_to_overrule(spoken: Spoken, broken: list[tuple[int, int, int]]) -> set[tuple[int, int]]:
        return {(fact, face) for a, b, fact in broken for node in (a, b) for face in spoken.faces_at(node)}

    return _unless_broken(basis, "same", faces, np.empty(0, np.int64), answers_to_overrule, overrule)


def different(album: Album, face_ids: Iterable[int], others: Iterable[int], *, overrule: bool) -> Album:
    """See :meth:`Album.different`."""
    basis, _ = _current(album)
    faces = _checked(album, face_ids, "face_ids", at_least=1)
    second = _checked(album, others, "others", at_least=1)
    both = np.intersect1d(faces, second)
    if len(both):
        raise ValueError(f"face_ids, others: face {both[0]} is on both sides; nobody is different from himself")

    def answers_to_overrule(spoken: Spoken, broken: list[tuple[int, int, int]]) -> set[tuple[int, int]]:
        leaving = {face for a, _, _ in broken for face in spoken.faces_at(a)}
        return {
            (fact.id, face) for fact in spoken.facts if fact.kind == "same" for face in leaving & set(fact.faces)
        }  # fmt: skip

    entry = _unless_broken(basis, "different", faces, second, answers_to_overrule, overrule)
    basis.journal.add_all([entry])
    return regrouped(album, basis)


def said(album: Album, kind: Literal["nobody", "hide", "show"], face_ids: Iterable[int]) -> Album:
    """See :meth:`Album.nobody`, :meth:`Album.hide` and :meth:`Album.show`."""
    basis, rules = _current(album)
    faces = _checked(album, face_ids, "face_ids", at_least=1)
    if kind == "show":
        # Whoever wants a person back wants the faces by which it was hidden, too.
        people = np.unique(album.labels[faces[~rules.nobody[faces]]])
        faces = np.union1d(faces, np.flatnonzero(rules.hidden & np.isin(album.labels, people)))
    _say(basis, kind, faces)
    return renamed(album, basis) if kind in _MOVE_NOTHING else regrouped(album, basis)


def undo(album: Album) -> tuple[Album, str]:
    """See :meth:`Album.undo`; and what was taken back, in words."""
    basis, _ = _current(album)
    facts = basis.journal.undo()
    if not facts:
        raise ValueError("there is nothing to undo: nothing was said of these faces, or all of it was taken back")
    told = ", ".join(map(_in_words, facts))
    moves_nothing = all(fact.kind in _MOVE_NOTHING for fact in facts)
    return renamed(album, basis) if moves_nothing else regrouped(album, basis), told


def _in_words(fact: Fact) -> str:
    faces, are = counted(len(fact.faces), "face"), "is" if len(fact.faces) == 1 else "are"
    whose = "belongs" if len(fact.faces) == 1 else "belong"
    return {
        "name": f"the name {fact.name} of {faces}",
        "unname": f"that {faces} {'has' if len(fact.faces) == 1 else 'have'} no name",
        "same": f"that {faces} {are} one person",
        "different": f"that {faces} and {counted(len(fact.others), 'other')} are different people",
        "nobody": f"that {faces} {whose} to nobody",
        "hide": f"that the people of {faces} are hidden",
        "show": f"that {faces} {are} shown",
    }[fact.kind]


def _current(album: Album) -> tuple[Basis, Links]:
    basis = album._basis
    if basis is None:
        raise ValueError(
            "this album has no record: names and corrections are for what cluster_photos or load_album give"
        )
    return basis, basis.links()


def _persons(album: Album) -> NDArray[np.int64]:
    from pyface.album.names import name_people

    _, rules = _current(album)
    return name_people(album.labels, rules).person


def _only_name(album: Album, rules: Links, faces: FaceIds) -> int | None:
    """The one person as whom some of these faces were named; None if there is none. ValueError for several."""
    people = sorted({int(who) for who in rules.person[faces] if who >= 0})
    if len(people) > 1:
        names = " and ".join(rules.names[who] for who in people)
        raise ValueError(
            f"person: {album.labels[faces[0]]} has faces of {names}; part them first (Album.different), or take the "
            "names away (Album.unname, pyface name --remove)"
        )
    return people[0] if people else None


def _checked(album: Album, face_ids: Iterable[int], argument: str, *, at_least: int) -> FaceIds:
    try:
        values: Any = np.asarray(list(face_ids))
    except TypeError:
        raise TypeError(f"{argument} must be face_ids, several whole numbers; got {type(face_ids).__name__}") from None
    if values.size and values.dtype.kind not in "iu":
        raise TypeError(f"{argument} must be face_ids, whole numbers; got an array of {values.dtype}")
    faces = np.unique(values.astype(np.int64))
    n = len(album.faces)
    bad = faces[(faces < 0) | (faces >= n)]
    if len(bad):
        raise ValueError(f"{argument}: there is no face {bad[0]}; the album has {n:,}, numbered from 0")
    if len(faces) < at_least:
        raise ValueError(f"{argument}: expected at least {at_least}, got {len(faces)}")
    return faces


def _keys(basis: Basis, faces: FaceIds) -> list[FaceKey]:
    return [basis.keys[face] for face in faces]


def _say(basis: Basis, kind: Kind, faces: FaceIds, *, person: int | None = None, text: str | None = None) -> None:
    basis.journal.add(kind, _keys(basis, faces), person=person, name=text)


def _unless_broken(
    basis: Basis, kind: Kind, faces: FaceIds, others: FaceIds, to_overrule: Any, overrule: bool
) -> Entry:
    """A fact to write down, if it breaks none, or with those that it breaks overruled."""
    journal = basis.journal
    known = journal.keys()
    # The faces spoken of, under numbers that no face of the journal has: which face is which row is all that counts.
    own = {-2 - i: basis.keys[face] for i, face in enumerate([*faces.tolist(), *others.tolist()])}
    numbers = tuple(own)
    new = Fact(-1, kind, numbers[: len(faces)], numbers[len(faces) :])
    before = Spoken(journal.facts(), known, basis.rows, basis.heard)
    spoken = Spoken([*before.facts, new], ChainMap(own, known), basis.rows, basis.heard)
    old = set(before.broken())
    broken = [pair for pair in spoken.broken() if pair not in old]
    if not broken:
        return Entry(kind, _keys(basis, faces), _keys(basis, others))
    if not overrule:
        n = basis.rows.n
        pairs = sorted({(a, b) for a, b, _ in broken if a < n and b < n})
        first = f"faces {pairs[0][0]} and {pairs[0][1]}" if pairs else "faces of photos that are not here"
        more = f" (and {len(pairs) - 1} more pairs)" if len(pairs) > 1 else ""
        was, now = ("different people", "one person") if kind == "same" else ("one person", "different people")
        raise ContradictionError(
            f"{first}{more} were said to be {was}, and would be {now}; overrule=True (--overrule) lets the new answer "
            "count, undo takes back the last one",
            pairs,
        )
    overruled = {(number, face) for number, face in to_overrule(before, broken) if number >= 0 and face >= 0}
    return Entry(kind, _keys(basis, faces), _keys(basis, others), overrules=overruled)
