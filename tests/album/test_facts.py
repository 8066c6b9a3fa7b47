"""Names and corrections: the journal, and the rules that its facts make for the rows of an album."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles.facts import SlowFacts

from pyface.album.facts import APPLICATION_ID, VERSION, Entry, FaceKey, Journal, is_facts_file
from pyface.album.links import Rows, Spoken, links
from pyface.errors import OutputFolderError


def key(face: int, photo: int | None = None, shift: float = 0.0) -> FaceKey:
    """Face i is 40 pixels wide, in photo i // 2 unless another is given, beside its neighbour there."""
    x = 100.0 * (face % 2) + shift
    return FaceKey(bytes([face // 2 if photo is None else photo]) * 32, (x, 10.0, x + 40, 50.0), f"{face // 2}.jpg")


def rows(n: int, shift: float = 0.0) -> Rows:
    keys = [key(i, shift=shift) for i in range(n)]
    return Rows([k.digest for k in keys], np.arange(n) // 2, np.array([k.box for k in keys]).reshape(-1, 4))


def keys(*faces: int) -> list[FaceKey]:
    return [key(i) for i in faces]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "facts.sqlite")


def test_nothing_is_made_before_something_is_said(path: str) -> None:
    journal = Journal(path)
    assert journal.facts() == []
    assert journal.undo() == []
    assert journal.forgotten() == {}
    assert not os.path.exists(path)
    journal.add("same", keys(0, 2))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert is_facts_file(path)


def test_two_processes_see_what_each_other_said(path: str) -> None:
    one, other = Journal(path), Journal(path)
    first = one.add("same", keys(0, 2))
    assert [fact.id for fact in other.facts()] == [first.id]
    second = other.add("different", keys(0), keys(3))
    assert [(fact.id, fact.kind) for fact in one.facts()] == [(first.id, "same"), (second.id, "different")]
    assert other.undo() == [second]
    assert [fact.id for fact in one.facts()] == [first.id]
    assert Journal(path).facts() == one.facts() == other.facts()
    assert Journal(path).keys() == one.keys() == other.keys()


def test_undo_goes_back_one_by_one_and_is_in_the_journal(path: str) -> None:
    journal = Journal(path)
    facts = [journal.add("hide", keys(i)) for i in range(3)]
    assert journal.undo() == [facts[2]]
    more = journal.add("nobody", keys(4))
    assert [journal.undo() for _ in range(4)] == [[more], [facts[1]], [facts[0]], []]
    with sqlite3.connect(path) as db:
        assert [kind for (kind,) in db.execute("SELECT kind FROM journal ORDER BY id")] == [
            "hide", "hide", "hide", "undo", "nobody", "undo", "undo", "undo",
        ]  # fmt: skip
    db.close()


def test_what_was_said_at_once_is_undone_at_once(path: str) -> None:
    journal, other = Journal(path), Journal(path)
    first = journal.add("hide", keys(5))
    same, name = journal.add_all([Entry("same", keys(0, 2)), Entry("name", keys(0, 2), name="Ada")])
    with journal.one_thing():
        apart = journal.add("different", keys(0), keys(3))
        journal.add_all([Entry("nobody", keys(1)), Entry("nobody", keys(4))])
    last = journal.add("hide", keys(6))
    assert len(other.facts()) == 7
    for who in (journal, other, Journal(path)):
        assert who.facts() == journal.facts()
    assert other.undo() == [last]
    assert [fact.kind for fact in journal.undo()] == ["different", "nobody", "nobody"]
    assert apart not in other.facts()
    assert Journal(path).undo() == [same, name]
    assert journal.facts() == other.facts() == [first]
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT COUNT(*) FROM journal WHERE kind = 'undo'").fetchone() == (6,)


def test_a_journal_that_older_versions_wrote_is_undone_one_by_one(path: str) -> None:
    journal = Journal(path)
    facts = journal.add_all([Entry("same", keys(0, 2)), Entry("hide", keys(0))])
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE at_once")
    assert [Journal(path).undo() for _ in range(3)] == [[facts[1]], [facts[0]], []]
    journal.add_all([Entry("same", keys(0, 2)), Entry("hide", keys(0))])
    assert len(Journal(path).undo()) == 2


def test_of_what_is_said_at_once_all_is_written_or_nothing(path: str) -> None:
    journal = Journal(path)
    journal.add("hide", keys(5))
    bad = Entry("name", keys(0), overrules=[(1, object())])  # type: ignore[list-item]
    with pytest.raises(OutputFolderError):
        journal.add_all([Entry("same", keys(0, 2)), bad])
    assert len(Journal(path).facts()) == len(journal.facts()) == 1


def test_a_new_name_of_one_person_and_another_of_the_same_name() -> None:
    journal = Journal(None)
    ada = journal.add("name", keys(0, 2), name="Ada")
    assert ada.person == ada.id
    other = journal.add("name", keys(5), name="Ada")
    journal.add("name", keys(0, 2, 3), person=ada.person, name="Ada L.")
    rules = links(journal, rows(6))
    assert_array_equal(rules.person, [ada.person, -1, ada.person, ada.person, -1, other.person])
    assert rules.names == {ada.person: "Ada L.", other.person: "Ada"}
    journal.undo()
    rules = links(journal, rows(6))
    assert rules.names == {ada.person: "Ada", other.person: "Ada"}
    assert rules.person[3] == -1
    journal.add("unname", keys(2))
    assert_array_equal(links(journal, rows(6)).person, [ada.person, -1, -1, -1, -1, other.person])


def test_nobody_hide_and_show() -> None:
    journal = Journal(None)
    journal.add("nobody", keys(1))
    journal.add("hide", keys(2, 3))
    journal.add("show", keys(1, 3))
    rules = links(journal, rows(4))
    assert_array_equal(rules.nobody, [False] * 4)
    assert_array_equal(rules.hidden, [False, False, True, False])


def test_a_face_is_known_by_photo_and_overlap() -> None:
    journal = Journal(None)
    journal.add("same", keys(0, 3))
    assert_array_equal(links(journal, rows(4, shift=13.0)).together, [0, -1, -1, 0])  # 27 of 53 pixels
    moved = links(journal, rows(4, shift=14.0))
    assert_array_equal(moved.together, [-1] * 4)
    assert moved.n_waiting == 2


def test_copies_of_a_photo_are_the_same_faces() -> None:
    journal = Journal(None)
    journal.add("same", keys(0, 2))
    journal.add("different", keys(0), keys(5))
    copies = [key(0), key(1), key(0), key(1), key(2), key(5)]
    found = Rows([k.digest for k in copies], np.array([0, 0, 1, 1, 2, 3]), np.array([k.box for k in copies]))
    rules = links(journal, found)
    assert_array_equal(rules.together, [0, -1, 0, -1, 0, -1])
    assert_array_equal(rules.apart, [[0, 5]])


def test_faces_that_are_not_here_connect_those_that_are() -> None:
    journal = Journal(None)
    journal.add("same", [key(0), key(40)])
    journal.add("same", [key(40), key(3)])
    journal.add("different", [key(2)], [key(40)])
    rules = links(journal, rows(4))
    assert_array_equal(rules.together, [0, -1, -1, 0])
    assert_array_equal(rules.apart, [[0, 2]])
    assert rules.n_waiting == 1


def test_a_group_is_spoken_for_by_a_face_that_is_somebodys() -> None:
    journal = Journal(None)
    journal.add("same", keys(0, 2, 6))
    journal.add("different", keys(2), keys(5))
    journal.add("nobody", keys(0))
    rules = links(journal, rows(8))
    assert_array_equal(rules.apart, [[2, 5]])
    journal.add("nobody", keys(5))
    assert_array_equal(links(journal, rows(8)).apart, np.zeros((0, 2)))
    journal.add("show", keys(0, 5))
    assert_array_equal(links(journal, rows(8)).apart, [[0, 5]])


FACTS = st.lists(
    st.tuples(
        st.sampled_from(["same", "different"]), st.sets(st.integers(0, 7), min_size=1, max_size=3),
        st.sets(st.integers(0, 7), min_size=1, max_size=3),
    ),
    max_size=8,
)  # fmt: skip


@given(FACTS)
def test_groups_and_pairs_are_those_of_the_definition(said: list[tuple[str, set[int], set[int]]]) -> None:
    journal, slow = Journal(None), SlowFacts(8)
    for kind, faces, others in said:
        if kind == "different" and faces & others:
            continue
        slow.said.append((kind, frozenset(faces), frozenset(others)))
        journal.add(kind, keys(*sorted(faces)), keys(*sorted(others)) if kind == "different" else ())
    same, different = slow.pairs()
    rules = links(journal, rows(8))
    for i in range(8):
        for j in range(i):
            is_one = rules.together[i] >= 0 and rules.together[i] == rules.together[j]
            assert is_one == (frozenset((i, j)) in same)
    broken = {frozenset(map(int, pair)) for pair in rules.broken}
    assert broken == same & different
    # A pair of groups is kept apart if and only if a pair between them was said to be different.
    ends = [i if rules.together[i] < 0 else int(rules.together[i]) for i in range(8)]
    apart = {frozenset(map(int, pair)) for pair in rules.apart}
    assert apart == {frozenset(ends[i] for i in pair) for pair in different - same}
    assert Spoken(journal.facts(), journal.keys(), rows(8)).links().n_waiting == 0


def test_a_newer_layout_is_refused_and_left_alone(path: str) -> None:
    Journal(path).add("same", keys(0, 2))
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    before = Path(path).read_bytes()
    for use in (Journal.facts, Journal.undo, lambda journal: journal.add("hide", keys(0))):
        with pytest.raises(OutputFolderError, match="newer version of pyface"):
            use(Journal(path))
    assert Path(path).read_bytes() == before


def test_what_is_no_journal_is_said_and_left_alone(path: str) -> None:
    Path(path).write_bytes(b"these are my notes\n" * 99)
    with pytest.raises(OutputFolderError, match="names and corrections"):
        Journal(path).add("hide", keys(0))
    assert Path(path).read_bytes() == b"these are my notes\n" * 99


def test_a_locked_journal_is_said(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyface.album.facts.PATIENCE_SECONDS", 0.0)
    Journal(path).add("hide", keys(0))
    with sqlite3.connect(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OutputFolderError, match="in use"):
            Journal(path).add("hide", keys(1))
        other.rollback()
    other.close()
    assert len(Journal(path).facts()) == 1


def test_killed_while_it_was_made(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pyface.album.facts.os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            Journal(path).add("hide", keys(0))
    assert os.listdir(os.path.dirname(path)) == []
    Path(f"{path}.writing").write_bytes(b"what a kill leaves")
    assert Journal(path).facts() == []
    Journal(path).add("hide", keys(0))
    assert len(Journal(path).facts()) == 1
    assert os.listdir(os.path.dirname(path)) == ["facts.sqlite"]


@pytest.mark.parametrize("contents", [b"", None, b"these are my notes\n" * 99])
def test_one_whose_contents_are_lost_is_said(path: str, contents: bytes | None) -> None:
    """Not taken for one in which nothing was said: names would be gone, and what was forgotten would be back."""
    if contents is None:
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE notes (text TEXT)")
    else:
        Path(path).write_bytes(contents)
    before = Path(path).read_bytes()
    for use in (Journal.facts, Journal.forgotten, lambda journal: journal.add("hide", keys(0))):
        with pytest.raises(OutputFolderError, match=r"put a copy of it back.*forgotten may come back") as told:
            use(Journal(path))
        assert ("it is empty" in str(told.value)) == (contents == b"")
    assert Path(path).read_bytes() == before


def test_reading_needs_no_permission_to_write(path: str) -> None:
    Journal(path).add("hide", keys(0))
    os.chmod(path, 0o400)
    os.chmod(os.path.dirname(path), 0o500)
    try:
        assert len(Journal(path).facts()) == 1
    finally:
        os.chmod(os.path.dirname(path), 0o700)


def test_application_ids_differ() -> None:
    from pyface.album import layout

    assert layout.APPLICATION_ID != APPLICATION_ID
