"""What the page does to an album: questions, names, merging, splitting, moving, undo; and answers against a kill."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the extra 'review' is not installed")

from server.conftest import TRUTH

import pyface
from pyface.album.album import Album
from pyface.album.facts import Journal
from pyface.errors import ContradictionError
from pyface.report.folder import save_album
from pyface.server.session import Session, StaleError


@pytest.fixture
def session(out: Path) -> Session:
    return Session(pyface.load_album(out))


def people_of(album: Album) -> set[frozenset[int]]:
    return {frozenset(rows.tolist()) for rows in album.people()}


def number_of(session: Session, face: int) -> int:
    return int(session.album.labels[face])


def answer_truly(session: Session) -> bool:
    """Answer what is open; False if nothing is."""
    question = session.state()["question"]
    if question is None:
        return False
    first, second = (TRUTH[row["faces"][0]["id"]] for row in question["rows"])
    session.answer(question["key"], "same" if first == second else "different")
    return True


def test_questions_lead_to_the_truth_and_the_bar_to_its_end(session: Session) -> None:
    done = [session.state()["progress"]["done"]]
    assert done == [0]
    while answer_truly(session):
        done.append(session.state()["progress"]["done"])
    assert done[-1] == 1
    assert all(0 <= share <= 1 for share in done)
    assert people_of(session.album) == {frozenset(i for i, w in enumerate(TRUTH) if w == who) for who in range(4)}


def test_undo_takes_everything_back_one_by_one(session: Session) -> None:
    before = people_of(session.album)
    seen = [people_of(session.album)]
    while answer_truly(session):
        seen.append(people_of(session.album))
    for expected in seen[-2::-1]:
        session.undo()
        assert people_of(session.album) == expected
    assert people_of(session.album) == before
    assert session.state()["progress"]["answered"] == 0
    with pytest.raises(ValueError, match="there is nothing to undo"):
        session.undo()


def test_undo_reaches_what_was_said_before_this_session(out: Path, session: Session) -> None:
    answer_truly(session)
    again = Session(pyface.load_album(out))
    assert people_of(again.album) == people_of(session.album)  # heard, though no file but the journal has it
    assert again.has_changed
    again.undo()
    assert people_of(again.album) == people_of(pyface.load_album(out))


def test_what_a_killed_review_heard_is_written_though_no_face_moved(out: Path, session: Session) -> None:
    assert not session.has_changed
    session.name(0, "Ada")
    again = Session(pyface.load_album(out))
    assert again.has_changed and again.n_said == 0
    save_album(again.album)
    assert b"Ada" in (out / "faces.csv").read_bytes()
    assert not Session(pyface.load_album(out)).has_changed


def test_undo_takes_a_skip_back_and_no_answer(session: Session) -> None:
    first = session.state()["question"]["key"]
    second = session.answer(first, "same")["question"]["key"]
    session.answer(session.answer(second, "skip")["question"]["key"], "skip")
    assert session.n_said == 1
    session.undo()
    found = session.undo()
    assert found["question"]["key"] == second
    assert found["undone"] == "that a question was left open"
    assert (found["progress"]["answered"], found["progress"]["skipped"]) == (1, 0)
    assert session.undo()["question"]["key"] == first


def test_undo_says_what_it_took_back_and_from_when(out: Path, session: Session) -> None:
    session.name(0, "Ada")
    again = Session(pyface.load_album(out))
    assert again.undo()["undone"] == "the name Ada of 1 face, from before this review"
    again.set_state([0], "nobody")
    assert again.undo()["undone"] == "that 1 face belongs to nobody"


def test_undo_gives_people_their_numbers_back(session: Session) -> None:
    seen = [session.album.labels]
    session.merge([int(rows[0]) for rows in session.album.people()[:3]])
    seen.append(session.album.labels)
    while answer_truly(session):
        seen.append(session.album.labels)
    session.move([0], 1)
    for labels in seen[::-1]:
        session.undo()
        np.testing.assert_array_equal(session.album.labels, labels)


def test_skipped_questions_are_left(session: Session) -> None:
    first = session.state()["question"]["key"]
    second = session.answer(first, "skip")
    assert second["question"]["key"] != first
    assert second["progress"]["skipped"] == 1
    while (question := session.state()["question"]) is not None:
        session.answer(question["key"], "skip")
    with pytest.raises(StaleError):
        session.answer(first, "same")


def test_names(session: Session) -> None:
    session.name(0, "Ada")
    with pytest.raises(ValueError, match="already; say whether"):
        session.name(1, "Ada")
    session.name(1, "Ada", same=True)
    assert number_of(session, 0) == number_of(session, 1)
    session.undo()  # both facts
    assert number_of(session, 0) != number_of(session, 1)
    assert session.album.persons[1] == ""
    session.name(0, "")
    assert session.album.persons[0] == ""
    found = session.undo()
    assert found["undone"].endswith("has no name")
    assert [person["number"] for person in session.people(find="ad")["people"]] == [number_of(session, 0)]


def test_a_name_may_overrule_what_was_said_before(session: Session) -> None:
    session.name(0, "Ada")
    session = Session(session.album.different([0], [1]))
    with pytest.raises(ContradictionError):
        session.name(1, "Ada", same=True)
    session.name(1, "Ada", same=True, overrule=True)
    assert number_of(session, 0) == number_of(session, 1)


def test_merge_split_move(session: Session) -> None:
    session.merge([0, 11])
    assert number_of(session, 0) == number_of(session, 11)
    with pytest.raises(ContradictionError) as told:
        session.split([11])
    said = session.contradiction(told.value)
    assert "were said to be one person" in said["error"] and "overrule" not in said["error"]
    assert {face["id"] for pair in said["pairs"] for face in pair} >= {11}
    session.split([11], overrule=True)
    assert number_of(session, 0) != number_of(session, 11)
    rest = [i for i in range(len(TRUTH)) if number_of(session, i) == number_of(session, 0) and i != 0]
    if number_of(session, 0) != number_of(session, 2):
        session.merge([0, 2])
    session.move([0], 1)
    assert number_of(session, 0) == number_of(session, 1)
    assert all(number_of(session, i) != number_of(session, 0) for i in rest)
    assert number_of(session, 2) != number_of(session, 0)  # what linked them does not bring it along
    again = Session(session.album)  # a later session knows what belongs together, too
    again.undo()
    assert number_of(again, 0) == number_of(again, 2)


def test_a_move_that_contradicts_leaves_nothing(session: Session) -> None:
    session.merge([0, 2])
    n_before = len(session.album._basis.journal.facts())  # type: ignore[union-attr]
    album = session.album.different([0], [1])  # said elsewhere
    session = Session(album)
    with pytest.raises(ContradictionError):
        session.move([0], 1)
    assert len(session.album._basis.journal.facts()) == n_before + 1  # type: ignore[union-attr]
    assert number_of(session, 0) == number_of(session, 2)


def test_nobody_hide_and_show(session: Session) -> None:
    session.set_state([0], "nobody")
    assert session.album.states[0] == "hidden"
    session.set_state([0], "show")
    assert session.album.states[0] == ""
    person = session.person(1)
    session.set_state([face["id"] for face in person["faces"]], "hide")
    assert session.person(1)["state"] == "hidden"
    with pytest.raises(ValueError, match="what must be"):
        session.set_state([0], "rename")


def test_faces_of_several_people_are_stale(session: Session) -> None:
    with pytest.raises(StaleError, match="not one person any more"):
        session.split([0, 1])
    everybody = [face["id"] for face in session.person(0)["faces"]]
    with pytest.raises(ValueError, match="leave at least one"):
        session.split(everybody)


def test_people_are_named_by_their_faces(session: Session) -> None:
    """What an old tab shows is still about the faces on it, whoever has their numbers now."""
    shown = session.people()["people"]
    assert all(person["face"] in [face["id"] for face in person["faces"]] for person in shown)
    session.merge([0, 1])
    with pytest.raises(StaleError, match="one person already"):
        session.merge([0, 1])
    freed = {person["number"] for person in shown} - {person["number"] for person in session.people()["people"]}
    assert len(freed) == 1
    session.name(1, "Ada")
    assert session.album.persons[0] == session.album.persons[1] == "Ada"
    for face in (-1, len(TRUTH)):
        for call in (session.person, lambda face: session.name(face, "Eve"), lambda face: session.move([0], face)):
            with pytest.raises(ValueError, match=f"there is no face {face}"):
                call(face)


def test_rows_show_some_faces_of_many(session: Session) -> None:
    faces = np.flatnonzero(np.array(TRUTH) == 0)
    session.merge(faces.tolist())
    for row in (session.state()["question"] or {"rows": []})["rows"]:
        assert 1 <= len(row["faces"]) <= 8 and row["n"] >= len(row["faces"])
        assert all(face["picture"].startswith("data:image/jpeg;base64,") for face in row["faces"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_loses_no_answer_that_was_confirmed(out: Path) -> None:
    """A child answers and says so after each answer; it is killed once it has said so a random number of times.

    bench/review.py --kills does it 200 times.
    """
    random.seed(0)
    for _ in range(6):
        facts = out / "facts.sqlite"
        n_before = len(Journal(str(facts)).facts())
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                session = Session(pyface.load_album(out))
                while True:
                    if not answer_truly(session):
                        while session.state()["progress"]["answered"]:
                            session.undo()
                    os.write(writing, str(session.n_said % 10).encode())
            finally:
                os._exit(1)
        os.close(writing)
        said = b""
        for _ in range(random.randrange(1, 12)):
            said += os.read(reading, 1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while part := os.read(reading, 1 << 16):
            said += part
        os.close(reading)
        n_now = len(Journal(str(facts)).facts())
        confirmed = n_before + int(said[-1:])
        # One more, or one fewer, may have been under way.
        assert abs(n_now - confirmed) <= 1, (n_before, said, n_now)
        assert pyface.load_album(out).faces
