"""Photos known by their bytes: what the record holds after a folder was tidied up, against what it should hold."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyface.album.moved import Known, Plan, plan_addition, plan_run
from pyface.album.records import FaceRecord, PhotoRecord
from pyface.album.tombstones import NONE, Tombstones
from pyface.album.work import WorkFile
from pyface.photos.finding import PhotoFile, find_photos

ANALYSIS = "one way"
# Contents of photos: three of one size, one of another. A photo of content c shows c + 1 faces, of people 10 c + i.
CONTENTS = (b"aa", b"bb", b"cc", b"dddd")
NAMES = ("1.jpg", "2.jpg", "3.jpg", "f/1.jpg", "f/1 (2).jpg")
folders = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3))
clock = itertools.count(1)


def put(folder: Path, photos: dict[str, int]) -> None:
    """Make the folder hold these photos and no others; those that stay keep their time."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        content = photos.get(path.relative_to(folder).as_posix())
        if content is None or path.read_bytes() != CONTENTS[content]:
            path.unlink()
    for name, content in photos.items():
        path = folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(CONTENTS[content])
            os.utime(path, ns=(next(clock),) * 2)


def record_of(file: PhotoFile) -> PhotoRecord:
    """What looking at a photo would find."""
    data = Path(file.path).read_bytes()
    c = CONTENTS.index(data)
    faces = tuple(
        FaceRecord(np.array([20.0 * i, 0, 20 * i + 10, 10]), c, np.full((5, 2), c), "", np.full(4, i, "f4"), b"%d" % i)
        for i in range(c + 1)
    )
    return PhotoRecord(file.name, 10, 20, faces, digest=hashlib.sha256(data).digest())


def look(work: WorkFile, plan: Plan, *, tombstones: Tombstones = NONE) -> None:
    """Do what a run does: take over, analyse what is pending, and number the people by what they are."""
    work.take_over(plan.moves, tombstones)
    work.save(ANALYSIS, [(file, record_of(file)) for file in plan.pending])


def faces_in(work: WorkFile) -> list[tuple[str, int, int]]:
    """Photo, content and place of each face, as its score and its vector say."""
    table = work.faces()
    vectors = table.embeddings[:, 0] if len(table.photos) else []
    return [(name, int(score), int(x)) for name, score, x in zip(table.photos, table.scores, vectors, strict=True)]


def number(work: WorkFile) -> None:
    faces = faces_in(work)
    places = [(name, i) for name, group in itertools.groupby(faces, lambda face: face[0]) for i, _ in enumerate(group)]
    numbers = np.array([10 * content + place for _, content, place in faces], np.int64)
    work.save_people(places, numbers, np.zeros(len(faces), np.bool_), {})


def held(work: WorkFile) -> dict[str, int]:
    """Name -> content; everything that belongs to a photo goes with it."""
    contents = {}
    for name, width, height, error, digest in work.photos():
        (contents[name],) = [c for c, data in enumerate(CONTENTS) if hashlib.sha256(data).digest() == digest]
        assert (width, height, error) == (10, 20, None)
    rows = [(name, i) for name in contents for i in range(contents[name] + 1)]
    assert [(name, place) for name, _, place in faces_in(work)] == rows
    assert [contents[name] for name, _ in rows] == [content for _, content, _ in faces_in(work)]
    assert [work.thumbnail(name, i) for name, i in rows] == [b"%d" % i for _, i in rows]
    return contents


def check_numbers(work: WorkFile, is_new: set[int]) -> None:
    """Faces of photos that were known have the numbers that they had."""
    for (_, content, place), n in zip(faces_in(work), work.people()[0].tolist(), strict=True):
        assert n == (-1 if content in is_new else 10 * content + place)


@pytest.fixture
def work() -> Iterator[WorkFile]:
    with contextlib.closing(WorkFile(None)) as record:
        yield record


def looked_at(tmp: Path, work: WorkFile, photos: dict[str, int]) -> None:
    """The record after a run on these photos."""
    put(tmp, photos)
    found = find_photos(str(tmp)).photos
    look(work, plan_run(found, {}))
    work.keep_only(file.name for file in found)
    number(work)


@given(before=folders, after=folders)
def test_a_run_knows_all_that_was_known(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, int], after: dict[str, int]
) -> None:
    tmp = tmp_path_factory.mktemp("run")
    with contextlib.closing(WorkFile(None)) as work:
        looked_at(tmp, work, before)
        assert held(work) == before
        put(tmp, after)
        found = find_photos(str(tmp)).photos
        plan = plan_run(found, work.known(ANALYSIS))
        new = {content for content in after.values() if content not in before.values()}
        assert [file.name for file in plan.pending] == sorted(name for name in after if after[name] in new)
        look(work, plan)
        work.keep_only(file.name for file in found)
        assert held(work) == after
        check_numbers(work, new)
        again = plan_run(found, work.known(ANALYSIS))
        assert again == Plan([], [])


@given(before=folders, after=folders, is_same=st.booleans())
def test_an_addition_loses_nothing_and_knows_itself(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, int], after: dict[str, int], is_same: bool
) -> None:
    tmp = tmp_path_factory.mktemp("add")
    with contextlib.closing(WorkFile(None)) as work:
        looked_at(tmp, work, before)
        put(tmp, after)
        found = find_photos(str(tmp)).photos

        def plan(known: Known) -> Plan:
            return plan_addition(found, known, folder="f", is_same_folder=is_same)

        first = plan(work.known(ANALYSIS))
        new = {content for content in after.values() if content not in before.values()}
        assert len(first.pending) == sum(content in new for content in after.values())
        assert len({file.name for file in first.pending}) == len(first.pending)
        look(work, first)
        now = held(work)
        check_numbers(work, new)
        # As many of each content as before, or as are in the folder: all of them, but for copies whose name is taken.
        for content in range(len(CONTENTS)):
            n_before, n_after, n_now = (list(d.values()).count(content) for d in (before, after, now))
            assert n_before <= n_now <= max(n_before, n_after if is_same or not n_before else 0)
        if not is_same:
            assert {name: now[name] for name in before} == before
        for name, content in after.items():
            assert name in before or not is_same or now[name] == content
        second = plan(work.known(ANALYSIS))
        assert second == Plan([], [])


@pytest.mark.parametrize(
    ("before", "after", "pending", "want"),
    [
        ({"1.jpg": 0, "2.jpg": 1}, {"2.jpg": 0, "1.jpg": 1}, [], None),  # swapped
        ({"1.jpg": 0, "2.jpg": 1, "3.jpg": 2}, {"2.jpg": 0, "3.jpg": 1, "1.jpg": 2}, [], None),  # in a round
        ({"1.jpg": 0}, {"f/1.jpg": 0}, [], None),  # moved
        ({"1.jpg": 0}, {"1.jpg": 0, "2.jpg": 0}, [], None),  # copied
        ({"1.jpg": 0}, {"2.jpg": 0, "3.jpg": 0}, [], None),  # moved and copied
        ({"1.jpg": 0}, {"2.jpg": 1}, ["2.jpg"], {"1.jpg": 0, "2.jpg": 1}),  # moved and edited
        ({"1.jpg": 0}, {"1.jpg": 1, "2.jpg": 0}, ["1.jpg"], None),  # moved, another one in its place
        ({"1.jpg": 0}, {"1.jpg": 1}, ["f/1.jpg"], {"1.jpg": 0, "f/1.jpg": 1}),  # begun again
        ({"1.jpg": 0, "f/1.jpg": 2}, {"1.jpg": 1}, ["f/1 (2).jpg"], {"1.jpg": 0, "f/1.jpg": 2, "f/1 (2).jpg": 1}),
        # Nobody may be replaced: 1 cannot take the place of 2, whose photo is in no other one's place.
        ({"1.jpg": 0, "2.jpg": 1}, {"2.jpg": 0}, [], {"1.jpg": 0, "2.jpg": 1}),
    ],
)
def test_what_becomes_of_a_folder(
    tmp_path: Path,
    work: WorkFile,
    before: dict[str, int],
    after: dict[str, int],
    pending: list[str],
    want: dict[str, int] | None,
) -> None:
    looked_at(tmp_path, work, before)
    put(tmp_path, after)
    photos = find_photos(str(tmp_path)).photos
    plan = plan_addition(photos, work.known(ANALYSIS), folder="f", is_same_folder=True)
    assert [file.name for file in plan.pending] == pending
    look(work, plan)
    assert held(work) == (after if want is None else want)


def test_other_folders_names_change_nothing(tmp_path: Path, work: WorkFile) -> None:
    looked_at(tmp_path, work, {"1.jpg": 0, "f/1.jpg": 1})
    put(tmp_path, {"2.jpg": 0, "1.jpg": 1, "3.jpg": 1})
    plan = plan_addition(find_photos(str(tmp_path)).photos, work.known(ANALYSIS), folder="f", is_same_folder=False)
    assert plan == Plan([], [])


def test_only_files_of_a_known_size_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: WorkFile) -> None:
    looked_at(tmp_path, work, {"1.jpg": 0})
    put(tmp_path, {"1.jpg": 0, "2.jpg": 1, "3.jpg": 3})
    read: list[str] = []
    monkeypatch.setattr("pyface.album.moved._digest", lambda path: read.append(os.path.basename(path)) or b"")
    told: list[tuple[str, int, int]] = []
    plan = plan_run(find_photos(str(tmp_path)).photos, work.known(ANALYSIS), progress=lambda *call: told.append(call))
    assert read == ["2.jpg"]
    assert told == [("known photos", 0, 1), ("known photos", 1, 1)]
    assert [file.name for file in plan.pending] == ["2.jpg", "3.jpg"]


def test_a_file_that_cannot_be_read_is_looked_at(tmp_path: Path, work: WorkFile) -> None:
    looked_at(tmp_path, work, {"1.jpg": 0})
    gone = PhotoFile(str(tmp_path / "gone.jpg"), "gone.jpg", 2, 0)
    assert plan_run([gone], work.known(ANALYSIS)) == Plan([gone], [])


def test_a_photo_analysed_otherwise_is_not_known(tmp_path: Path, work: WorkFile) -> None:
    looked_at(tmp_path, work, {"1.jpg": 0})
    assert work.known("another way") == {}


def test_photos_to_analyse_anew_are_looked_at_where_they_are(tmp_path: Path, work: WorkFile) -> None:
    looked_at(tmp_path, work, {"1.jpg": 0, "2.jpg": 1})
    put(tmp_path, {"3.jpg": 0, "1.jpg": 1, "f/1.jpg": 0})
    photos, known = find_photos(str(tmp_path)).photos, work.known(ANALYSIS)
    anew = {known["1.jpg"][2]}
    assert [file.name for file in plan_run(photos, known, anew=anew).pending] == ["3.jpg", "f/1.jpg"]
    plan = plan_addition(photos, known, folder="f", is_same_folder=True, anew=anew)
    assert [(file.name, os.path.basename(file.path)) for file in plan.pending] == [("1.jpg", "1.jpg")]


def test_forgotten_faces_are_not_taken_over(tmp_path: Path, work: WorkFile) -> None:
    looked_at(tmp_path, work, {"1.jpg": 2, "2.jpg": 1})
    put(tmp_path, {"3.jpg": 2, "2.jpg": 1})
    digest = hashlib.sha256(CONTENTS[2]).digest()
    plan = plan_run(find_photos(str(tmp_path)).photos, work.known(ANALYSIS))
    # The second face's box, a little wider; and one that overlaps the first one's by less than half.
    look(work, plan, tombstones=Tombstones({digest: [(20.0, 0.0, 32.0, 10.0), (0.0, 0.0, 10.0, 4.9)]}))
    left = [(name, place) for name, _, place in faces_in(work) if name == "3.jpg"]
    assert left == [("3.jpg", 0), ("3.jpg", 2)]
    assert [work.thumbnail("3.jpg", i) for i in range(3)] == [b"0", b"2", b""]
    assert work.people()[0].tolist() == [10, 11, 20, 22]


def test_tombstones_by_their_boxes() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [100, 0, 110, 10]])
    stones = Tombstones({b"a": [(0.0, 0.0, 10.0, 20.0)], b"b": [None, (0.0, 0.0, 10.0, 10.0)], b"c": [(0.0,) * 4]})
    assert stones.forgotten(b"a", boxes).tolist() == [True, False]  # an IoU of 0.5 is enough
    assert stones.forgotten(b"b", boxes).tolist() == [True, True]
    assert stones.forgotten(b"c", boxes).tolist() == [False, False]
    assert stones.forgotten(b"d", boxes).tolist() == [False, False]
    assert stones.forgotten(b"a", boxes[:0]).shape == (0,)
    assert [stones.has_photo(digest) for digest in (b"a", b"b", b"d")] == [False, True, False]
    assert [stones.has_faces(digest) for digest in (b"a", b"b", b"d")] == [True, True, False]
    assert bool(stones)
    assert not NONE
