"""Sidecars in a folder and beside photos: written, merged, kept and refused."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest

pytest.importorskip("PIL.Image", reason="the extra 'models' is not installed")
pytest.importorskip("jinja2", reason="the extra 'models' is not installed")

from export.exported import encoded, jpeg, named, stored, tree, upright, write_album
from export.sidecar_samples import sample

from pyface.album.build import load_album
from pyface.export.albums import Export, export_album
from pyface.export.xml_text import MAX_BYTES, parse
from pyface.export.xmp import applied_to, found_regions, listed

PHOTOS = {
    "a/one.jpg": (jpeg(1), [0, 1]),
    "b/two.jpg": (encoded(stored(upright(), 6), "JPEG", 6), [0]),
    "c.jpg": (jpeg(3), [2]),
    "d.jpg": (jpeg(4), []),
}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = write_album(tmp_path / "out", tmp_path / "photos", PHOTOS)
    named(folder, f0="Ada", f1="Bob")
    return folder


def beside(out: Path, **options: object) -> Export:
    return export_album(  # type: ignore[arg-type]
        out, "xmp", photos=out.parent / "photos", beside_photos=True, write=True, **options
    )


def people(data: bytes) -> list[str]:
    return listed(parse(data), "Iptc4xmpExt:PersonInImage")


def test_a_folder_mirrors_the_photos(out: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "xmp"
    before = tree(photos)
    done = export_album(out, "xmp", target, photos=photos)
    made = tree(target)
    assert list(made) == ["a/one.jpg.xmp", "b/two.jpg.xmp"]
    assert people(made["a/one.jpg.xmp"]) == ["Ada", "Bob"]
    assert people(made["b/two.jpg.xmp"]) == ["Ada"]
    assert applied_to(parse(made["a/one.jpg.xmp"])) == (120, 80)
    assert applied_to(parse(made["b/two.jpg.xmp"])) == (80, 120)
    assert tree(photos) == before
    assert (done.n_new, done.n_merged, done.n_same, done.left_out) == (2, 0, 0, ("1 person without a name",))
    assert stat.S_IMODE((target / "a/one.jpg.xmp").stat().st_mode) == 0o600
    done = export_album(out, "xmp", target, photos=photos)
    assert (done.n_new, done.n_merged, done.n_same) == (0, 0, 2)
    assert tree(target) == made
    assert load_album(out)._basis.journal.exports() == [(str(target), "xmp")]


def test_people_without_a_name_have_regions_without_one(out: Path, tmp_path: Path) -> None:
    export_album(out, "xmp", tmp_path / "xmp", photos=tmp_path / "photos", named_only=False)
    document = parse((tmp_path / "xmp/c.jpg.xmp").read_bytes())
    assert [(region.name, region.type) for region in found_regions(document)] == [("", "Face")]
    assert listed(document, "digiKam:TagsList") == []


def test_names_that_are_taken_away_leave_the_folder(out: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "xmp"
    export_album(out, "xmp", target, photos=photos)
    done = export_album(load_album(out).unname("Ada"), "xmp", target, photos=photos)
    assert list(tree(target)) == ["a/one.jpg.xmp"]
    assert people(tree(target)["a/one.jpg.xmp"]) == ["Bob"]
    assert done.n_removed == 1


def test_a_sidecar_in_the_folder_that_others_changed_is_merged_and_kept(out: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "xmp"
    export_album(out, "xmp", target, photos=photos)
    path = target / "b/two.jpg.xmp"
    grown = path.read_bytes().replace(b"<rdf:li>People/Ada", b"<rdf:li>Places</rdf:li><rdf:li>People/Ada")
    path.write_bytes(grown)
    done = export_album(load_album(out).name("Ada", "Eva"), "xmp", target, photos=photos)
    assert listed(parse(path.read_bytes()), "digiKam:TagsList") == ["Places", "People/Eva"]
    assert (target / "b/two.jpg.xmp.bak").read_bytes() == grown
    assert (done.n_new, done.n_merged) == (1, 1)
    assert not (target / "a/one.jpg.xmp.bak").exists()


def test_the_sidecar_beside_a_photo_is_where_the_folder_begins(out: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "xmp"
    (photos / "a/one.jpg.xmp").write_bytes(sample("lightroom"))
    for keyword in (b"holiday", b"summer"):
        (photos / "a/one.jpg.xmp").write_bytes(sample("lightroom").replace(b"holiday", keyword))
        export_album(out, "xmp", target, photos=photos)
        made = (target / "a/one.jpg.xmp").read_bytes()
        assert keyword in made
        assert people(made) == ["Ada", "Bob"]
    assert (photos / "a/one.jpg.xmp").read_bytes() == sample("lightroom").replace(b"holiday", b"summer")
    assert list(tree(target)) == ["a/one.jpg.xmp", "b/two.jpg.xmp"]


def test_beside_photos_nothing_is_written_unless_asked(out: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "a/one.jpg.xmp").write_bytes(sample("lightroom"))
    before = tree(photos)
    done = export_album(out, "xmp", photos=photos, beside_photos=True)
    assert (done.n_new, done.n_merged, done.is_written) == (1, 1, False)
    assert tree(photos) == before
    assert load_album(out)._basis.journal.exports() == []
    done = beside(out)
    assert (done.n_new, done.n_merged, done.is_written) == (1, 1, True)
    after = tree(photos)
    assert set(after) - set(before) == {"a/one.jpg.xmp.bak", "b/two.jpg.xmp"}
    assert {name: after[name] for name in before if name != "a/one.jpg.xmp"} == {
        name: data for name, data in before.items() if name != "a/one.jpg.xmp"
    }
    assert after["a/one.jpg.xmp.bak"] == sample("lightroom")
    assert load_album(out)._basis.journal.exports() == [(str(photos), "xmp beside the photos")]
    done = beside(out)
    assert (done.n_new, done.n_merged, done.n_same) == (0, 0, 2)
    assert tree(photos) == after


def test_beside_photos_no_backup_is_lost(out: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "a/one.jpg.xmp").write_bytes(sample("lightroom"))
    beside(out)
    first = (photos / "a/one.jpg.xmp").read_bytes()
    load_album(out).name("Bob", "Rob")
    beside(out)
    assert (photos / "a/one.jpg.xmp.bak").read_bytes() == sample("lightroom")
    assert (photos / "a/one.jpg.xmp.bak2").read_bytes() == first
    for name in ("Ada", "Rob"):
        load_album(out).unname(name)
    done = beside(out)
    assert done.n_removed == 1
    assert (photos / "a/one.jpg.xmp").read_bytes() == sample("lightroom")
    assert not (photos / "b/two.jpg.xmp").exists()
    assert people((photos / "b/two.jpg.xmp.bak").read_bytes()) == ["Ada"]


def test_a_sidecar_beside_a_photo_may_be_read_by_who_may_read_the_photo(out: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "a/one.jpg").chmod(0o644)
    (photos / "b/two.jpg").chmod(0o640)
    (photos / "b/two.jpg.xmp").write_bytes(sample("compact"))
    (photos / "b/two.jpg.xmp").chmod(0o660)
    beside(out)
    modes = {name: stat.S_IMODE((photos / name).stat().st_mode) for name in ("a/one.jpg.xmp", "b/two.jpg.xmp")}
    assert modes == {"a/one.jpg.xmp": 0o644, "b/two.jpg.xmp": 0o660}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no xml", "is no XML"),
        (b"<a>" + b" " * MAX_BYTES + b"</a>", "more than 10,000,000 bytes"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "document type or entities"),
        (b"<html/>", "is XML, but no XMP"),
        (sample("lightroom", 80, 120), "regions of a picture of 80 x 120"),
    ],
)
def test_a_sidecar_that_is_not_read_is_left_alone(out: Path, tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "photos/a/one.jpg.xmp"
    path.write_bytes(content)
    done = beside(out)
    assert [item.photo for item in done.skipped] == [str(path)]
    assert reason in done.skipped[0].reason
    assert path.read_bytes() == content
    assert not path.with_name("one.jpg.xmp.bak").exists()
    assert done.n_new == 1
    done = export_album(out, "xmp", tmp_path / "xmp", photos=tmp_path / "photos")
    assert list(tree(tmp_path / "xmp")) == ["b/two.jpg.xmp"]
    assert [item.photo for item in done.skipped] == [str(path)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def note(path: str, mode: str) -> io.BytesIO:
        opened.append(path)
        return io.BytesIO()

    monkeypatch.setattr("pyface.export.sidecars.open", note, raising=False)
    os.mkfifo(tmp_path / "photos/a/one.jpg.xmp")
    done = beside(out)
    assert [item.reason for item in done.skipped] == ["is no file"]
    assert (opened, done.n_new) == ([], 1)


def test_a_sidecar_of_a_photo_without_people_is_not_even_read(out: Path, tmp_path: Path) -> None:
    (tmp_path / "photos/d.jpg.xmp").write_bytes(b"no xml")
    done = beside(out)
    assert (done.skipped, done.n_new, done.n_same) == ((), 2, 1)


def test_both_namings(out: Path, tmp_path: Path) -> None:
    export_album(out, "xmp", tmp_path / "xmp", photos=tmp_path / "photos", naming="stem")
    assert list(tree(tmp_path / "xmp")) == ["a/one.xmp", "b/two.xmp"]
    export_album(out, "xmp", tmp_path / "xmp", photos=tmp_path / "photos")
    assert list(tree(tmp_path / "xmp")) == ["a/one.jpg.xmp", "b/two.jpg.xmp"]


@pytest.mark.parametrize("rival", ["one.png", "one.CR2", "ONE.JPG"])
def test_two_photos_that_would_share_a_sidecar_are_refused(out: Path, tmp_path: Path, rival: str) -> None:
    (tmp_path / "photos/a" / rival).write_bytes(b"another")
    for options in ({"beside_photos": True}, {"out": tmp_path / "xmp"}):
        with pytest.raises(ValueError, match=r"would share the sidecar one.xmp; take --naming full") as caught:
            export_album(out, "xmp", photos=tmp_path / "photos", naming="stem", **options)  # type: ignore[arg-type]
        assert rival in str(caught.value)
    assert not (tmp_path / "xmp").exists()
    assert not list((tmp_path / "photos").rglob("*.xmp"))
    if rival != "ONE.JPG":
        assert beside(out).n_new == 2


def test_a_photo_that_is_gone_is_listed(out: Path, tmp_path: Path) -> None:
    (tmp_path / "photos/b/two.jpg").unlink()
    done = beside(out)
    assert [item.photo for item in done.missing] == ["b/two.jpg"]
    assert done.n_new == 1


def test_a_moved_photo_has_its_sidecar_where_it_is(out: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "b/two.jpg").rename(photos / "moved.jpg")
    export_album(out, "xmp", tmp_path / "xmp", photos=photos)
    assert list(tree(tmp_path / "xmp")) == ["a/one.jpg.xmp", "moved.jpg.xmp"]
    beside(out)
    assert (photos / "moved.jpg.xmp").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"to": "csv", "beside_photos": True},
        {"to": "xmp", "beside_photos": True, "out": "x", "photos": "."},
        {"to": "xmp", "photos": "."},
        {"to": "xmp", "out": "x", "photos": ".", "write": True},
        {"to": "xmp", "out": "x"},
        {"to": "nothing", "out": "x"},
        {"to": "folders", "out": "x", "photos": ".", "how": "move"},
        {"to": "xmp", "out": "x", "photos": ".", "naming": "short"},
        {"to": "csv", "out": "x", "min_faces": 0},
    ],
)
def test_bad_arguments(out: Path, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        export_album(out, **options)  # type: ignore[arg-type]
    assert not Path("x").exists()


def test_photos_that_are_no_paths(out: Path) -> None:
    with pytest.raises(TypeError, match="photos must be the path of a folder, or several, got 3"):
        export_album(out, "xmp", "x", photos=3)  # type: ignore[arg-type]
