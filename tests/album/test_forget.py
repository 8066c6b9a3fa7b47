"""What was forgotten is in no file of OUT, does not come back, and costs nobody else anything."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from album.records import digest_of, two_to_a_photo, write_record
from numpy.testing import assert_array_equal

import pyface
from pyface.album.album import Album
from pyface.album.facts import Journal
from pyface.album.forget import Forgotten, forget
from pyface.album.out_folder import remove_made
from pyface.album.work import FILE_NAME, WorkFile
from pyface.errors import OutputFolderError
from pyface.report.folder import recluster_photos

TRUTH = [0, 1, 0, 1, 0, 2, 0, 1, 2, 1, 2, 3]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return write_record(tmp_path / "out", two_to_a_photo(TRUTH))


@pytest.fixture
def album(out: Path) -> Album:
    album = recluster_photos(out)
    album = album.name(int(album.labels[0]), "Adelheid Q")
    album = album.name(int(album.labels[1]), "Berthold")
    album = album.different([0], [1]).same([2, 4]).hide([11])
    pyface.save_album(album)
    return album


def forget_and_save(out: Path, **what: object) -> Forgotten:
    gone = forget(out, **what)  # type: ignore[arg-type]
    pyface.save_album(gone.album)
    return gone


def bytes_of(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def traces(out: Path, secrets: list[bytes]) -> list[tuple[str, int]]:
    return [(name, i) for name, data in bytes_of(out).items() for i, secret in enumerate(secrets) if secret in data]


def secrets_of(album: Album, rows: np.ndarray) -> list[bytes]:
    """Vectors in both precisions, pictures raw and as the page has them."""
    found = []
    for row, jpeg in zip(rows, album.thumbnails(rows.tolist()), strict=True):
        vector = album.embeddings[row]
        middle = len(jpeg) // 2 // 3 * 3  # Base64 takes three bytes at a time
        found += [vector.tobytes(), vector.astype(np.float16).tobytes(), jpeg, jpeg[-64:]]
        found.append(base64.b64encode(jpeg[middle : middle + 60]))
    return found


def test_a_person_leaves_no_byte(out: Path, album: Album) -> None:
    rows = album.faces_of("Adelheid Q")
    others = np.setdiff1d(np.arange(12), rows)
    secrets = [*secrets_of(album, rows), b"Adelheid Q"]
    assert len({secret for _, secret in traces(out, secrets)}) >= len(rows) * 3 + 1  # they are found where they are
    kept = secrets_of(album, others)
    pictures = album.thumbnails(others.tolist())
    gone = forget_and_save(out, person="Adelheid Q")
    assert (gone.n_faces, gone.n_photos) == (4, 0)
    assert traces(out, secrets) == []
    assert len({secret for _, secret in traces(out, kept)}) >= len(others) * 3 - 1  # one is hidden, and on no page
    assert sorted(path.name for path in out.iterdir()) == [
        "embeddings.npy", "faces.csv", "facts.sqlite", "report.html", "summary.json", "work.sqlite",
    ]  # fmt: skip
    assert_array_equal(gone.album.labels, album.labels[others])
    assert gone.album.persons == tuple(album.persons[i] for i in others)
    assert gone.album.states == [album.states[i] for i in others]
    assert_array_equal(np.load(out / "embeddings.npy"), album.embeddings[others])
    again = pyface.load_album(out)
    assert (again.faces[0].photo, again.faces[0].position) == ("000.jpg", 0)  # the second face of it moved up
    assert again.thumbnails(range(len(others))) == pictures
    assert recluster_photos(out).persons == gone.album.persons


def test_a_face(out: Path, album: Album) -> None:
    secrets = secrets_of(album, np.array([5]))
    gone = forget_and_save(out, face=5)
    assert gone.n_faces == 1
    assert traces(out, secrets) == []
    box = album.faces[5].face.box.tolist()
    assert Journal(str(out / "facts.sqlite")).forgotten() == {digest_of("002.jpg"): [tuple(box)]}
    assert len(pyface.load_album(out).photos) == 6


def test_a_photo_with_its_copies(tmp_path: Path) -> None:
    faces = two_to_a_photo(TRUTH)
    faces["003.jpg"] = faces["001.jpg"]
    out = write_record(tmp_path / "out", faces, copies={"003.jpg": "001.jpg"})
    album = recluster_photos(out)
    album = album.name(int(album.labels[2]), "Adelheid Q")
    pyface.save_album(album)
    secrets = secrets_of(album, np.array([2, 3, 6, 7]))
    gone = forget_and_save(out, photo="001.jpg")
    assert (gone.n_faces, gone.n_photos) == (4, 2)
    assert traces(out, secrets) == []
    assert traces(out, [b"001.jpg", b"003.jpg"]) == []
    assert Journal(str(out / "facts.sqlite")).forgotten() == {digest_of("001.jpg"): [None]}


def test_answers_about_it_go_and_others_stay(out: Path, album: Album) -> None:
    forget(out, face=0)
    facts = Journal(str(out / "facts.sqlite")).facts()
    assert [fact.kind for fact in facts] == ["name", "name", "same", "hide"]
    assert [len(fact.faces) for fact in facts] == [3, 4, 2, 1]
    forget(out, person="Adelheid Q")
    facts = Journal(str(out / "facts.sqlite")).facts()
    assert [fact.kind for fact in facts] == ["name", "hide"]
    # What was said and undone is in the journal, too.
    album = pyface.load_album(out)
    album.name(int(album.labels[-1]), "Theophil").undo()
    assert traces(out, [b"Theophil"]) != []
    forget_and_save(out, face=len(album.faces) - 1)
    assert traces(out, [b"Theophil"]) == []


def test_copies_of_older_layouts_go(out: Path, album: Album) -> None:
    for name in ("work.sqlite.v2", "facts.sqlite.v1", "work.sqlite-wal"):
        (out / name).write_bytes(album.embeddings[3].tobytes())
    forget_and_save(out, face=3)
    assert traces(out, [album.embeddings[3].tobytes()]) == []


def test_known_exports_are_listed(out: Path, album: Album) -> None:
    Journal(str(out / "facts.sqlite")).note_export(str(out.parent / "export"), "folders")
    assert forget(out, face=3).exports == ((str(out.parent / "export"), "folders"),)


def test_in_an_album_of_which_nothing_was_said(out: Path) -> None:
    album = recluster_photos(out)
    secrets = secrets_of(album, np.array([0]))
    forget_and_save(out, face=0)
    assert traces(out, secrets) == []


def test_what_is_not_there(out: Path, album: Album) -> None:
    before = bytes_of(out)
    for what, match in (
        ({"face": 12}, "there is no face 12"),
        ({"person": 77}, "nobody has the number 77"),
        ({"person": "Cleo"}, "nobody is called 'Cleo'"),
        ({"photo": "x.jpg"}, "none named 'x.jpg'"),
        ({}, "exactly one of"),
        ({"face": 1, "person": 0}, "exactly one of"),
    ):
        with pytest.raises(ValueError, match=match):
            forget(out, **what)  # type: ignore[arg-type]
    assert bytes_of(out) == before


def test_a_record_that_is_in_use_is_left_alone(out: Path, album: Album) -> None:
    before = bytes_of(out)
    with (
        contextlib.closing(WorkFile(os.path.join(out, FILE_NAME), keep=True)),
        pytest.raises(OutputFolderError, match="in use"),
    ):
        forget(out, face=1)
    assert bytes_of(out) == before


def test_a_face_goes_in_every_copy_of_its_photo(tmp_path: Path) -> None:
    faces = two_to_a_photo(TRUTH)
    faces["003.jpg"] = faces["001.jpg"]
    out = write_record(tmp_path / "out", faces, copies={"003.jpg": "001.jpg"})
    album = recluster_photos(out)
    secrets = secrets_of(album, np.array([2]))
    assert forget_and_save(out, face=2).n_faces == 2
    assert traces(out, secrets) == []
    assert len(pyface.load_album(out).faces) == len(album.faces) - 2


def test_nothing_is_left_where_there_is_no_room_to_write(
    out: Path, album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for the records without gaps, nor for the files that are made of them."""
    rows = album.faces_of("Adelheid Q")
    secrets = [*secrets_of(album, rows), b"Adelheid Q"]
    monkeypatch.setattr("pyface.album.forget._write_anew", lambda journal: None)
    monkeypatch.setattr(WorkFile, "close_gaps", lambda work: None)
    gone = forget(out, person="Adelheid Q")
    assert traces(out, secrets) == []
    assert not (out / "report.html").exists()
    recluster_photos(out)
    assert traces(out, secrets) == []
    assert len(pyface.load_album(out).faces) == len(gone.album.faces)


@pytest.mark.parametrize("place", ["pyface.album.forget._forget_work", "pyface.album.forget.remove_made"])
def test_what_is_broken_off_is_ended_by_whoever_writes_next(
    out: Path, album: Album, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    rows = album.faces_of("Adelheid Q")
    secrets = [*secrets_of(album, rows), b"Adelheid Q"]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(place, full)
    with pytest.raises(OutputFolderError, match=r"marked but not all gone.*'pyface recluster', which ends it"):
        forget(out, person="Adelheid Q")
    monkeypatch.undo()
    recluster_photos(out)
    assert traces(out, secrets) == []
    assert len(pyface.load_album(out).faces) == 8


def test_ctrl_c_is_heard_when_it_is_done(out: Path, album: Album, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = secrets_of(album, np.array([5]))
    monkeypatch.setattr(
        "pyface.album.forget.remove_made", lambda out: (signal.raise_signal(signal.SIGINT), remove_made(out))
    )
    with pytest.raises(KeyboardInterrupt):
        forget(out, face=5)
    assert traces(out, secrets) == []
    assert len(pyface.load_album(out).faces) == 11


def test_an_album_of_before_brings_nothing_back(out: Path, album: Album) -> None:
    before = pyface.load_album(out)
    secrets = [*secrets_of(album, album.faces_of("Adelheid Q")), b"Adelheid Q", b"Theophil"]
    forget_and_save(out, person="Adelheid Q")
    with pytest.raises(OutputFolderError, match=r"a face in 000\.jpg was forgotten since the album was loaded"):
        before.name("Adelheid Q", "Theophil")
    with pytest.raises(OutputFolderError, match="have changed since the album was loaded; load it again"):
        pyface.save_album(before.hide(before.faces_of("Berthold")))
    assert traces(out, secrets) == []


def test_what_a_run_that_was_killed_was_writing_goes(out: Path, album: Album) -> None:
    (out / ".pyface-writing-x").write_bytes(album.embeddings[3].tobytes())
    forget_and_save(out, face=3)
    assert traces(out, [album.embeddings[3].tobytes()]) == []
