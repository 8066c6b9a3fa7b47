"""What the review page shows and does, as plain data: the album, its questions, and what was said in this session."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.album.album import Album
from pyface.album.answers import undo
from pyface.album.assembly import regrouped
from pyface.album.outputs import is_written
from pyface.album.questions import Question, Questions, answer, apart
from pyface.errors import ContradictionError, PyfaceError, counted

Data = dict[str, Any]
FaceIds = NDArray[np.int64]

# A row of faces, and what a page of people shows of each and in total.
ROW = 8
PREVIEW = 6
PAGE = 60
# Below this many faces that an answer is expected to put right it is not worth the time of whoever gives it.
WORTH = 0.02


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said at once.

    gain : what was expected of an answer.       skipped : the key of a question that was left open; nothing was said.
    numbers : the faces whose person got another number, and the numbers they had.
    """

    gain: float | None = None
    skipped: tuple[bytes, bytes] | None = None
    numbers: tuple[FaceIds, FaceIds] | None = None


class StaleError(PyfaceError):
    """The page shows something that is not so any more."""


class Session:
    """One review of an album; its methods are for several threads. Each that changes something returns a question.

    What is said is in the journal before a method returns. A person is named by one of his faces: numbers change, and a
    tab that shows an old one would speak of somebody else.
    """

    def __init__(self, album: Album) -> None:
        assert album._basis is not None and album.out is not None
        self._album = regrouped(album, album._basis)  # what a review that was killed had heard
        self._questions = Questions(self._album)
        self._skipped: set[tuple[bytes, bytes]] = set()
        self._said: list[_Said] = []
        self._has_changed = album.close_calls != self._album.close_calls or not is_written(album.out, self._album)
        self._lock = threading.Lock()
        self._current = self._next()

    @property
    def album(self) -> Album:
        """The album as it is now."""
        return self._album

    @property
    def has_changed(self) -> bool:
        """Whether the album is not as it was found, or may not be."""
        return self._has_changed

    @property
    def n_said(self) -> int:
        """How many things were said that still hold."""
        return sum(said.skipped is None for said in self._said)

    def state(self) -> Data:
        """The question that is open, with two rows of faces, and how far the review is."""
        with self._lock:
            return self._state()

    def answer(self, key: str, said: str, *, overrule: bool = False) -> Data:
        """Answer the question of this ``key``: ``said`` is ``"same"``, ``"different"`` or ``"skip"``.

        StaleError if another one is open. ContradictionError if earlier answers forbid it.
        """
        with self._lock:
            question = self._current
            if question is None or key != _key(question):
                raise StaleError("this question is not open any more; here is the one that is")
            if said == "skip":
                self._skipped.add(question.key)
                self._said.append(_Said(skipped=question.key))
                self._current = self._next()
                return self._state()
            if said not in ("same", "different"):
                raise ValueError(f"said must be 'same', 'different' or 'skip', got {said!r}")
            album = answer(self._album, question, said == "same", overrule=overrule)
            if not overrule:
                self._questions.learn(question, said == "same")
            self._heard(album, question.gain)
            return self._state()

    def undo(self) -> Data:
        """Take back what was said last, in this session or, once that is empty, before it; ``undone`` says what.

        A question that was left open is asked again. People get the numbers back that they had.
        """
        with self._lock:
            last = self._said[-1] if self._said else None
            if last is not None and last.skipped is not None:
                self._skipped.discard(last.skipped)
                self._current, told = self._next(), "that a question was left open"
            else:
                before = self._album
                if last is not None and last.numbers is not None:
                    labels, (rows, numbers) = before.labels.copy(), last.numbers
                    labels[rows] = numbers
                    before = replace(before, labels=labels)
                album, told = undo(before)
                self._go_on(album)
            del self._said[-1:]
            return {**self._state(), "undone": told if last is not None else f"{told}, from before this review"}

    def people(self, begin: int = 0, find: str = "") -> Data:
        """Some people, by decreasing size: those whose name has ``find`` in it, from the ``begin``-th on."""
        with self._lock:
            album, wanted = self._album, find.strip().casefold()
            groups = sorted(album.people(), key=lambda faces: (-len(faces), album.labels[faces[0]]))
            shown = [
                faces for faces in groups
                if not wanted or wanted in self._called(faces).casefold() or wanted == str(album.labels[faces[0]])
            ]  # fmt: skip
            page = shown[begin : begin + PAGE]
            return {"people": [self._person(faces, PREVIEW) for faces in page], "n": len(shown), "begin": begin}

    def person(self, face: int) -> Data:
        """The person who has this face, with all faces, up to a thousand."""
        with self._lock:
            return self._person(self._album.faces_of(_number_of(self._album, face)), 1000)

    def name(self, face: int, text: str, *, same: bool = False, another: bool = False, overrule: bool = False) -> Data:
        """Name the person who has this face; an empty text takes the name away."""

        def change(album: Album) -> Album:
            number = _number_of(album, face)
            if not text.strip():
                return album.unname(number)
            return album.name(number, text, same=same, another=another, overrule=overrule)

        return self._change(change)

    def merge(self, face_ids: Sequence[int], *, overrule: bool = False) -> Data:
        """Say that the people who have these faces are one. StaleError if they are already."""
        if len(set(face_ids)) < 2:
            raise ValueError("choose two people to put together")

        def change(album: Album) -> Album:
            numbers = sorted({_number_of(album, face) for face in face_ids})
            if len(numbers) < 2:
                raise StaleError("these are one person already")
            return album.same(np.concatenate([album.faces_of(number) for number in numbers]), overrule=overrule)

        return self._change(change)

    def split(self, face_ids: Sequence[int], *, overrule: bool = False) -> Data:
        """Say that these faces, all of one person, are not that person."""

        def change(album: Album) -> Album:
            faces, rest = _of_one(album, face_ids)
            if not len(rest):
                raise ValueError("all faces of this person are marked; leave at least one that it is")
            return apart(album, faces, rest, overrule=overrule)

        return self._change(change)

    def move(self, face_ids: Sequence[int], whom: int, *, overrule: bool = False) -> Data:
        """Say that these faces, all of one person, are another one: the one who has the face ``whom``."""

        def change(album: Album) -> Album:
            faces, rest = _of_one(album, face_ids)
            number = _number_of(album, whom)
            theirs = album.faces_of(number)
            if int(album.labels[faces[0]]) == number:
                raise ValueError("these faces are that person already")
            if not len(rest):
                return album.same([*faces, *theirs], overrule=overrule)
            assert album._basis is not None
            with album._basis.journal.one_thing():
                # What linked them to the rest would bring the rest along.
                alone = apart(album, faces, rest, overrule=True)
                try:
                    return alone.same([*faces, *theirs], overrule=overrule)
                except PyfaceError:
                    alone.undo()
                    raise

        return self._change(change)

    def set_state(self, face_ids: Sequence[int], what: str) -> Data:
        """``what``: ``"nobody"`` of these faces alone, ``"hide"`` or ``"show"`` of their people."""
        if what not in ("nobody", "hide", "show"):
            raise ValueError(f"what must be 'nobody', 'hide' or 'show', got {what!r}")
        return self._change(lambda album: getattr(album, what)(face_ids))

    def contradiction(self, error: ContradictionError) -> Data:
        """The faces that contradict, for the page; at most four pairs."""
        with self._lock:
            pairs = error.pairs[:4]
            faces = self._faces([face for pair in pairs for face in pair])
        return {
            "error": str(error).split("; overrule=True")[0],
            "pairs": list(zip(faces[::2], faces[1::2], strict=True)),
        }

    def _change(self, change: Callable[[Album], Album]) -> Data:
        with self._lock:
            self._heard(change(self._album))
            return self._state()

    def _heard(self, album: Album, gain: float | None = None) -> None:
        before = self._album.labels
        rows = np.flatnonzero(before != album.labels)
        self._said.append(_Said(gain, numbers=(rows, before[rows])))
        self._go_on(album)

    def _go_on(self, album: Album) -> None:
        self._has_changed = True
        self._album = album
        self._questions.update(album)
        self._current = self._next()

    def _next(self) -> Question | None:
        """The best question that was not skipped."""
        for question in self._questions.best(1 + len(self._skipped)):
            if question.gain > self._least and question.key not in self._skipped:
                return question
        return None

    @property
    def _least(self) -> float:
        return WORTH / max(len(self._album.faces), 1)

    def _state(self) -> Data:
        question, gains = self._current, [said.gain for said in self._said if said.gain is not None]
        left = self._questions.left(self._least)
        progress = {
            "answered": len(gains),
            "skipped": len(self._skipped),
            "done": sum(gains) / (sum(gains) + left) if left else 1.0,
        }
        notes = list(self._album.notes)
        people = counted(self._album.n_people, "person", "people")
        state = {"progress": progress, "notes": notes, "people": people, "title": self._album.title, "question": None}
        if question is None:
            return state
        rows = [self._row(question.first, question.second), self._row(question.second, question.first)]
        return {**state, "question": {"key": _key(question), "kind": question.kind, "rows": rows}}

    def _row(self, faces: FaceIds, others: FaceIds) -> Data:
        """Up to ROW faces of a group: those most like it, and those most like the others."""
        shown = faces
        if len(faces) > ROW:
            rows = self._album.embeddings[faces].astype(np.float64)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            theirs = self._album.embeddings[others].mean(axis=0)
            own, near = (
                np.argsort(-(rows @ rows.mean(axis=0)), kind="stable"),
                np.argsort(-(rows @ theirs), kind="stable"),
            )
            chosen = dict.fromkeys([*own[: ROW // 2].tolist(), *near.tolist()])
            shown = faces[list(chosen)[:ROW]]
        return {**self._person(faces, 0), "faces": self._faces(shown.tolist())}

    def _called(self, faces: FaceIds) -> str:
        names = {self._album.persons[face] for face in faces}
        return names.pop() if len(names) == 1 else ""

    def _person(self, faces: FaceIds, most: int) -> Data:
        album = self._album
        return {
            "face": int(faces[0]),
            "number": int(album.labels[faces[0]]),
            "name": self._called(faces),
            "n": len(faces),
            "state": album.states[faces[0]],
            "faces": self._faces(faces[:most].tolist()),
        }

    def _faces(self, face_ids: list[int]) -> list[Data]:
        thumbnails = self._album.thumbnails(face_ids) if face_ids else []
        return [
            {"id": face, "photo": self._album.faces[face].photo.encode("utf-8", "replace").decode(),
             "picture": "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii") if jpeg else ""}
            for face, jpeg in zip(face_ids, thumbnails, strict=True)
        ]  # fmt: skip


def _number_of(album: Album, face: int) -> int:
    if not 0 <= face < len(album.faces):
        raise ValueError(f"there is no face {face}")
    return int(album.labels[face])


def _of_one(album: Album, face_ids: Sequence[int]) -> tuple[FaceIds, FaceIds]:
    """Faces of one person, and the other faces of that person."""
    faces = np.unique(np.array(face_ids, np.int64))
    if not len(faces):
        raise ValueError("mark a face first")
    if faces[0] < 0 or faces[-1] >= len(album.faces):
        raise ValueError(f"there is no face {faces[-1]}")
    people = np.unique(album.labels[faces])
    if len(people) > 1:
        raise StaleError("these faces are not one person any more")
    return faces, np.setdiff1d(album.faces_of(int(people[0])), faces)


def _key(question: Question) -> str:
    import hashlib

    return hashlib.sha256(b"|".join((question.kind.encode(), *question.key))).hexdigest()[:32]
