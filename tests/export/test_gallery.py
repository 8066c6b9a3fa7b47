"""The people of an album as a gallery."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL.Image", reason="the extra 'models' is not installed")
pytest.importorskip("jinja2", reason="the extra 'models' is not installed")

from export.exported import jpeg, named, write_album

from pyface.album.build import load_album
from pyface.album.forget import forget
from pyface.errors import OutputFolderError
from pyface.export.albums import export_album
from pyface.gallery import Gallery

PHOTOS = {"a.jpg": (jpeg(1), [0, 1]), "b.jpg": (jpeg(3), [0, 2]), "c.jpg": (jpeg(4), [0, 3])}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = write_album(tmp_path / "out", tmp_path / "photos", PHOTOS)
    named(folder, f0="Ada", f1="Bob")
    return folder


def test_who_has_a_name_is_enrolled(out: Path, tmp_path: Path) -> None:
    done = export_album(out, "gallery", tmp_path / "g")
    assert (done.kind, done.n_people) == ("gallery", 2)
    assert "2 people without a name" in done.left_out
    gallery, album = Gallery.load(tmp_path / "g", embedder="sface"), load_album(out)
    assert (gallery.names, gallery.counts.tolist()) == (("Ada", "Bob"), [3, 1])
    assert (gallery.metric, gallery.threshold, gallery.embedder_digest) == ("cosine", 0.55, "2")
    assert gallery.models == {"detector": "yunet", "landmarks": "detector", "embedder": "sface"}
    found = gallery.identify(album.embeddings)
    assert found.names == ("Ada", "Bob", "Ada", None, "Ada", None)
    assert [found.distances[i, 0] for i in (0, 1, 2, 4)] == [0, 0, 0, 0]
    again = Gallery.from_album(album)
    assert again.names == gallery.names and again.counts.tolist() == [3, 1]
    done = export_album(out, "gallery", tmp_path / "all", named_only=False)
    assert Gallery.load(tmp_path / "all").names == ("Ada", "Bob", "person-0002", "person-0003")


def test_forget_names_the_galleries(out: Path, tmp_path: Path) -> None:
    export_album(out, "gallery", tmp_path / "g")
    gallery = Gallery.from_album(load_album(out))
    other = Gallery("sface")
    other.enroll("Cy", np.ones((1, 16), np.float32))
    other.embedder_digest = "2"
    other.merge(gallery)
    other.save(tmp_path / "merged")
    gone = forget(out, person="Ada")
    assert gone.exports == ((str(tmp_path / "g"), "gallery"), (str(tmp_path / "merged"), "gallery"))
    # Exported again, the gallery has forgotten, too.
    export_album(out, "gallery", tmp_path / "g")
    assert Gallery.load(tmp_path / "g").names == ("Bob",)


def test_an_export_replaces_its_own_alone(out: Path, tmp_path: Path) -> None:
    export_album(out, "gallery", tmp_path / "g")
    gallery = Gallery.load(tmp_path / "g")
    fit = gallery.calibrate(np.random.default_rng(0).normal(size=(100, 16)).astype(np.float32), 0.05)
    gallery.save(tmp_path / "g")
    named(out, f3="Cy")
    export_album(out, "gallery", tmp_path / "g")
    gallery = Gallery.load(tmp_path / "g")
    assert gallery.names == ("Ada", "Bob", "Cy")
    assert gallery.calibration == fit and gallery.threshold == fit.threshold
    gallery.enroll("Dot", np.ones((1, 16), np.float32))
    gallery.save(tmp_path / "g")
    with pytest.raises(OutputFolderError, match="not, or not only, written by an export"):
        export_album(out, "gallery", tmp_path / "g")
    assert "Dot" in Gallery.load(tmp_path / "g")


def test_two_of_one_name_and_nobody(out: Path, tmp_path: Path) -> None:
    named(out, f3="Ada")
    album = load_album(out)
    assert Gallery.from_album(album).names == ("Ada", "Ada~2", "Bob")
    export_album(out, "gallery", tmp_path / "g")
    assert Gallery.load(tmp_path / "g").names == ("Ada", "Ada~2", "Bob")
    album = album.hide(album.faces_of("Bob"))
    assert Gallery.from_album(album, rule="mean").names == ("Ada", "Ada~2")
    for person in set(album.persons) - {"", "Ada"}:
        album = album.unname(person)
    fresh = write_album(tmp_path / "fresh", tmp_path / "more", PHOTOS)
    for call in (
        lambda: Gallery.from_album(load_album(fresh)),
        lambda: export_album(fresh, "gallery", tmp_path / "no"),
    ):
        with pytest.raises(ValueError, match="nobody has a name"):
            call()
    assert not (tmp_path / "no").exists()
