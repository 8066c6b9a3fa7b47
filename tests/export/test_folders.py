"""A folder for each person: which photos, under which names, and what a second export leaves alone."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("PIL.Image", reason="the extra 'models' is not installed")
pytest.importorskip("jinja2", reason="the extra 'models' is not installed")

from export.exported import jpeg, named, tree, write_album

import pyface
from pyface.album.build import load_album
from pyface.album.forget import forget
from pyface.errors import NoPhotosError, OutputFolderError
from pyface.export.albums import export_album

# Ada is person 0, Bob 1, somebody without a name 2; 3 was seen once.
PHOTOS = {
    "a/IMG_1.jpg": (jpeg(1), [0, 1]),
    "b/IMG_1.jpg": (jpeg(2), [0]),
    "b/img_1.JPG": (jpeg(3), [0, 2]),
    "c.jpg": (jpeg(4), [1, 2]),
    "d.jpg": (jpeg(5), [0, 3]),
    "nobody.jpg": (jpeg(6), []),
}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = write_album(tmp_path / "out", tmp_path / "photos", PHOTOS)
    named(folder, f0="Ada", f1="Bob")
    return folder


def test_a_folder_for_each_person(out: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "people"
    before = tree(photos)
    done = pyface.export_album(out, "folders", target, photos=photos)
    assert list(tree(target)) == [
        "Ada/IMG_1.jpg", "Ada/IMG_1~2.jpg", "Ada/d.jpg", "Ada/img_1~3.JPG", "Bob/IMG_1.jpg", "Bob/c.jpg",
        "person-0002/c.jpg", "person-0002/img_1.JPG",
    ]  # fmt: skip
    assert (target / "Ada/IMG_1~2.jpg").read_bytes() == PHOTOS["b/IMG_1.jpg"][0]
    assert (target / "Ada/img_1~3.JPG").read_bytes() == PHOTOS["b/img_1.JPG"][0]
    assert (done.n_people, done.n_new, done.missing, done.skipped) == (3, 8, (), ())
    assert done.left_out == ("1 person without a name, seen once",)
    assert tree(photos) == before
    for path in [target, *target.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    original, copy = photos / "c.jpg", target / "Bob/c.jpg"
    assert copy.stat().st_mtime_ns == original.stat().st_mtime_ns
    assert load_album(out)._basis.journal.exports() == [(str(target), "folders")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"named_only": True}, {"Ada", "Bob"}),
        ({"min_faces": 1}, {"Ada", "Bob", "person-0002", "person-0003"}),
        ({"min_faces": 3}, {"Ada"}),
        ({"min_faces": 2, "named_only": False}, {"Ada", "Bob", "person-0002"}),
    ],
)
def test_who_is_exported(out: Path, tmp_path: Path, options: dict[str, object], expected: set[str]) -> None:
    export_album(out, "folders", tmp_path / "people", photos=tmp_path / "photos", **options)  # type: ignore[arg-type]
    assert {name.split("/")[0] for name in tree(tmp_path / "people")} == expected


def test_hidden_people_and_faces_set_aside(out: Path, tmp_path: Path) -> None:
    album = load_album(out)
    album = album.hide(album.faces_of("Bob"))
    photos = tmp_path / "photos"
    done = export_album(album, "folders", tmp_path / "one", photos=photos)
    assert "2 faces hidden" in done.left_out
    assert not (tmp_path / "one/Bob").exists()
    export_album(album, "folders", tmp_path / "two", photos=photos, hidden=True)
    assert (tmp_path / "two/Bob").is_dir()

    aside = album.set_aside.copy()
    aside[album.faces_of(2)] = True
    album = replace(album, set_aside=aside)
    done = export_album(album, "folders", tmp_path / "three", photos=photos)
    assert "2 faces set aside" in done.left_out
    assert not (tmp_path / "three/person-0002").exists()
    export_album(album, "folders", tmp_path / "four", photos=photos, set_aside=True)
    assert sorted(os.listdir(tmp_path / "four/set aside")) == ["c.jpg", "img_1.JPG"]


def test_two_people_of_one_name_and_names_that_are_no_paths(out: Path, tmp_path: Path) -> None:
    album = named(out, f4="ada", f8="../con")
    export_album(album, "folders", tmp_path / "people", photos=tmp_path / "photos")
    assert {name.split("/")[0] for name in tree(tmp_path / "people")} == {"Ada", "Bob", "ada~2", "___con"}
    assert not (tmp_path / "con").exists()


@pytest.mark.parametrize("how", ["hardlink", "symlink"])
def test_links(out: Path, tmp_path: Path, how: str) -> None:
    photos, target = tmp_path / "photos", tmp_path / "people"
    for n_new in (8, 0):
        done = export_album(out, "folders", target, photos=photos, how=how)
        assert (done.n_new, done.n_same) == (n_new, 8 - n_new)
        linked = target / "Bob/c.jpg"
        assert linked.samefile(photos / "c.jpg")
        assert linked.is_symlink() == (how == "symlink")
        assert bool(done.notes) == (how == "hardlink")
    # From one way to the other.
    done = export_album(out, "folders", target, photos=photos)
    assert done.n_new == 8
    assert not (target / "Bob/c.jpg").samefile(photos / "c.jpg")
    assert tree(photos) == {name: data for name, (data, _) in PHOTOS.items()}


def test_another_disk_for_hard_links_is_told(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(OutputFolderError, match="take --how copy or symlink"):
        export_album(out, "folders", tmp_path / "people", photos=tmp_path / "photos", how="hardlink")
    # What it says can be done: nothing is in the way.
    assert not (tmp_path / "people").exists()
    assert export_album(out, "folders", tmp_path / "people", photos=tmp_path / "photos").n_new == 8


def test_a_second_export_follows_the_names(out: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "people"
    export_album(out, "folders", target, photos=photos)
    (target / "Ada/mine.txt").write_text("mine")
    (target / "Bob/c.jpg").write_bytes(b"edited")
    album = load_album(out).name("Ada", "Eva").name("Bob", "Rob")
    done = export_album(album, "folders", target, photos=photos)
    assert list(tree(target)) == [
        "Ada/mine.txt", "Bob/c.jpg", "Eva/IMG_1.jpg", "Eva/IMG_1~2.jpg", "Eva/d.jpg", "Eva/img_1~3.JPG",
        "Rob/IMG_1.jpg", "Rob/c.jpg", "person-0002/c.jpg", "person-0002/img_1.JPG",
    ]  # fmt: skip
    assert [(item.photo, item.reason) for item in done.skipped] == [
        ("Bob/c.jpg", "left: it was changed after pyface wrote it")
    ]
    assert (done.n_new, done.n_same) == (6, 2)


def test_what_others_put_there_is_not_written_over(out: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "people"
    export_album(out, "folders", target, photos=photos, named_only=True)
    (target / "person-0002").mkdir()
    (target / "person-0002/c.jpg").write_bytes(b"somebody's")
    (target / "Bob/c.jpg").write_bytes(b"edited")
    done = export_album(out, "folders", target, photos=photos)
    assert (target / "person-0002/c.jpg").read_bytes() == b"somebody's"
    assert (target / "Bob/c.jpg").read_bytes() == b"edited"
    assert {item.photo: item.reason for item in done.skipped} == {
        "person-0002/c.jpg": "left: what is there is not pyface's",
        "Bob/c.jpg": "left: what is there was changed after pyface wrote it",
    }


def test_photos_gone_changed_and_moved(out: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "people"
    export_album(out, "folders", target, photos=photos)
    (photos / "c.jpg").unlink()
    (photos / "d.jpg").write_bytes(jpeg(77))
    (photos / "elsewhere").mkdir()
    (photos / "a/IMG_1.jpg").rename(photos / "elsewhere/other name.jpg")
    done = export_album(out, "folders", target, photos=photos)
    assert {item.photo: item.reason.split(";")[0] for item in done.missing} == {
        "c.jpg": "not in the folder of photos any more",
        "d.jpg": "the file has changed since it was analysed",
    }
    assert (target / "Ada/IMG_1.jpg").read_bytes() == PHOTOS["a/IMG_1.jpg"][0]
    # The copies may be the last ones.
    assert (target / "Bob/c.jpg").exists()
    assert (target / "Ada/d.jpg").exists()
    assert {item.photo for item in done.skipped} == {"Bob/c.jpg", "person-0002/c.jpg", "Ada/d.jpg"}


def test_a_photo_of_the_same_bytes_and_another_time_is_known(out: Path, tmp_path: Path) -> None:
    os.utime(tmp_path / "photos/c.jpg", (1, 1))
    done = export_album(out, "folders", tmp_path / "people", photos=[tmp_path / "out", tmp_path / "photos"])
    assert done.missing == ()


def test_who_was_forgotten_goes_with_the_next_export(out: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "people"
    export_album(out, "folders", target, photos=photos)
    gone = forget(out, person="Bob")
    assert gone.exports == ((str(target), "folders"),)
    export_album(out, "folders", target, photos=photos)
    assert not (target / "Bob").exists()


def test_folders_that_are_refused(out: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    with pytest.raises(OutputFolderError, match="lies in the folder of photos"):
        export_album(out, "folders", photos / "people", photos=photos)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("x")
    with pytest.raises(OutputFolderError, match="was not written by pyface export --to folders"):
        export_album(out, "folders", tmp_path / "mine", photos=photos)
    with pytest.raises(OutputFolderError, match="was not written by pyface export --to folders"):
        export_album(out, "folders", out, photos=photos)
    export_album(out, "csv", tmp_path / "tables")
    with pytest.raises(OutputFolderError, match="was not written by pyface export --to folders"):
        export_album(out, "folders", tmp_path / "tables", photos=photos)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoPhotosError, match="none of the album's photos is in it"):
        export_album(out, "folders", tmp_path / "people", photos=tmp_path / "empty")
    assert not (tmp_path / "people").exists()
    with pytest.raises(ValueError, match="where are the photos"):
        export_album(out, "folders", tmp_path / "people")
    with pytest.raises(NotADirectoryError, match="does not exist"):
        export_album(out, "folders", tmp_path / "people", photos=tmp_path / "nowhere")


def test_an_export_that_breaks_off_goes_on(out: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "people"

    def stop(_: str, done: int, __: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_album(out, "folders", target, photos=photos, progress=stop)
    assert len(tree(target)) == 3
    assert len(json.loads((target / "summary.json").read_text())["files"]) == 3
    (target / "summary.json").write_text(
        json.dumps({"generator": "pyface", "command": "export --to folders", "files": {}})
    )  # as after a kill, which lets nobody write the list
    done = export_album(out, "folders", target, photos=photos)
    assert (done.n_new, done.n_same, done.skipped) == (5, 3, ())


def test_a_summary_that_leads_elsewhere_takes_nothing_away(out: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "people"
    export_album(out, "folders", target, photos=photos)
    summary = json.loads((target / "summary.json").read_text())
    victim = tmp_path / "victim.jpg"
    victim.write_bytes(b"mine")
    facts = {"size": 4, "mtime_ns": victim.stat().st_mtime_ns, "photo": "c.jpg"}
    summary["files"] |= dict.fromkeys(("../victim.jpg", str(victim), "Ada/../../victim.jpg"), facts)
    (target / "summary.json").write_text(json.dumps(summary))
    outside = tmp_path / "outside"
    (target / "Bob").rename(outside)
    (target / "Bob").symlink_to(outside)
    export_album(load_album(out).name("Bob", "Rob"), "folders", target, photos=photos)
    assert victim.exists()
    assert sorted(os.listdir(outside)) == ["IMG_1.jpg", "c.jpg"]
