"""``pyface enroll``, ``identify`` and ``gallery``, as a person types them."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from pathlib import Path

import numpy as np
import photo_sets
import pytest
from command_line import one_line, pixels, pyface, pyface_here

pytest.importorskip("typer", reason="the extra 'models' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")

from pyface.gallery import Gallery, Identified, IdentifiedPhoto
from pyface.pictures.named_faces import overlay_of
from pyface.types import Face


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    photo_sets.save(folder / "Zo\u00eb" / "a.png", photo_sets.astronaut())
    photo_sets.save(folder / "Zo\u00eb" / "b.png", photo_sets.rotated(photo_sets.astronaut(), 12))
    return folder


@pytest.fixture
def gallery(people: Path, tmp_path: Path) -> Path:
    done = pyface_here("enroll", tmp_path / "g", people)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr == f"2 new faces of 1 person; 1 name, 2 faces: {tmp_path / 'g'}\n"
    return tmp_path / "g"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_identify(people: Path, gallery: Path, tmp_path: Path) -> None:
    photo = people / "Zo\u00eb" / "a.png"
    done = pyface("identify", photo, "-g", gallery, "--overlay", tmp_path / "o")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "1 face in 1 photo: 1 with a name, 0 unknown; threshold 0.55 (cosine)\n"
    (row,) = rows(done.stdout)
    assert list(row) == ["photo", "x1", "y1", "x2", "y2", "name", "distance", "runner_up", "runner_up_distance"]
    assert (row["photo"], row["name"], row["distance"]) == (str(photo), "Zo\u00eb", "0.000000")
    assert row["runner_up"] == row["runner_up_distance"] == ""
    x1, y1, x2, y2 = (round(float(row[key])) for key in ("x1", "y1", "x2", "y2"))
    drawn, plain = pixels(tmp_path / "o" / "a-names.png"), photo_sets.astronaut()
    assert drawn.shape == plain.shape
    changed = (drawn != plain).any(axis=2)
    assert not changed[y1 + 4 : y2 - 4, x1 + 4 : x2 - 4].any() and changed[(y1 + y2) // 2, x1]
    assert np.abs(drawn[(y1 + y2) // 2, x1].astype(int) - (0, 150, 60)).max() < 60  # lines lie between pixels
    label = drawn[y1 - 12 : y1 - 2, x1 : x1 + 20]
    assert (label == (0, 150, 60)).all(axis=2).any() and (label > 200).all(axis=2).any()
    summary = json.loads((tmp_path / "o" / "summary.json").read_text())
    assert (summary["command"], summary["files"]) == ("identify", ["a-names.png"])
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "o").stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "o").iterdir()} == {0o600}


def test_unknown_with_a_runner_up(people: Path, gallery: Path, tmp_path: Path) -> None:
    people_of = Gallery.load(gallery)
    people_of.enroll("\u4e2d", -np.ones((1, 128), np.float32))
    people_of.save(gallery)
    out, photos = tmp_path / "who.csv", tmp_path / "photos"
    photo_sets.save(photos / "a.png", photo_sets.astronaut())
    photo_sets.save(photos / "b.png", photo_sets.rotated(photo_sets.astronaut(), 350))
    options = ("--threshold", "0.001", "-o", out, "--overlay", tmp_path / "o", "--format", "jpeg")
    done = pyface_here("identify", photos, "-g", gallery, *options)
    assert done.stderr == "2 faces in 2 photos: 1 with a name, 1 unknown; threshold 0.001 (cosine)\n"
    first, second = rows(out.read_text(encoding="utf-8"))
    assert (first["name"], second["name"], first["distance"]) == ("Zo\u00eb", "", "0.000000")
    assert 0.001 < float(second["distance"]) < 0.2
    assert {first["runner_up"], second["runner_up"]} == {"\u4e2d"} and float(first["runner_up_distance"]) > 0.5
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["a-names.jpg", "b-names.jpg", "summary.json"]
    # The built-in font has no letters for a name; that is said where it is drawn.
    people_of = Gallery.load(gallery)
    people_of.enroll("\u4e2d", people_of._enrolled.all()[0][:1])
    people_of.remove("Zo\u00eb")
    people_of.save(gallery)
    done = pyface_here("identify", photos, "-g", gallery, "--overlay", tmp_path / "o")
    assert done.stderr.startswith("note: \u4e2d is drawn with question marks, for want of its letters (--font)")
    # Another run replaces what this one wrote.
    pyface_here("identify", photos / "b.png", "-g", gallery, "--overlay", tmp_path / "o")
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["b-names.png", "summary.json"]


def test_a_name_is_not_hidden_by_an_unknown_face() -> None:
    faces = [Face(np.array([40.0, 60, 80, 100]), 0.9 - i / 10) for i in range(2)]
    found = Identified(("Ann", None), (("Ann",), ("Ann",)), np.zeros((2, 1)), 0.5)
    picture = overlay_of(np.zeros((200, 200, 3), np.uint8), IdentifiedPhoto("a.png", faces, found))
    label = picture[48:58, 40:60].reshape(-1, 3)
    assert (label == (0, 150, 60)).all(axis=1).any()  # in the colour of those who have a name


def test_list_and_remove(people: Path, gallery: Path) -> None:
    photo = people / "Zo\u00eb" / "a.png"
    assert pyface_here("enroll", gallery, photo, "--name", "Ann", "--rule", "mean").returncode == 0
    done = pyface_here("enroll", gallery, photo, "--name", "Ann")
    assert done.stderr == f"0 new faces of 1 person, 1 known already; 2 names, 3 faces: {gallery}\n"
    done = pyface_here("gallery", "list", gallery)
    assert done.stdout == "2\tZo\u00eb\n1\tAnn\n"
    assert done.stderr == "2 names, 3 faces; vectors of sface, rule mean, threshold 0.55 (cosine)\n"
    one_line(pyface_here("gallery", "remove", gallery, "Ann", "Bob"), 2, "nobody is enrolled as 'Bob'")
    assert Gallery.load(gallery).names == ("Zo\u00eb", "Ann")
    done = pyface_here("gallery", "remove", gallery, "Ann", "Ann")
    assert done.stderr.splitlines()[0] == "removed: 1 face; 1 name, 2 faces left"
    assert pyface_here("gallery", "list", gallery).stdout == "2\tZo\u00eb\n"


def test_a_fitted_threshold_is_told_and_goes_stale(people: Path, gallery: Path) -> None:
    known = Gallery.load(gallery)
    known.calibrate(np.random.default_rng(0).normal(size=(300, 128)).astype(np.float32), 0.01)
    known.save(gallery)
    told = pyface_here("gallery", "list", gallery).stderr
    assert "threshold fitted to 300 faces of strangers: 1 % get a name (0.207 to 2.39)" in told
    assert "note:" not in told
    done = pyface_here("enroll", gallery, people / "Zo\u00eb" / "a.png", "--name", "Ann")
    assert "note: the threshold was fitted to 1 name, 2 faces; fit it again" in done.stderr


def test_refusals_in_one_line(people: Path, gallery: Path, tmp_path: Path) -> None:
    photo = people / "Zo\u00eb" / "a.png"
    photo_sets.save(tmp_path / "two.png", np.hstack([photo_sets.astronaut()] * 2))
    photo_sets.save(tmp_path / "none.png", np.full((100, 100, 3), 90, np.uint8))
    for arguments, code, message in (
        (("identify", photo, "-g", tmp_path / "no"), 1, "is not a gallery: it does not exist"),
        (("identify", photo, "-g", people), 1, "is not a gallery: it has no gallery.json"),
        (("identify", photo, "-g", gallery, "--models", "dlib"), 1, "vectors of the embedder sface, which cannot be"),
        (("identify", photo, "-g", gallery, "--embedder", "nobody"), 2, "nobody"),
        (("identify", photo, "-g", gallery, "--threshold", -1), 2, "threshold must be at least 0"),
        (("identify", photo, "-g", gallery, "-o", tmp_path), 2, "is a folder; --out must name a file"),
        (("identify", photo, "-g", gallery, "--overlay", people), 1, "was not written by pyface identify"),
        (("identify", photo, "-g", gallery, "--overlay", tmp_path / "x", "--font", photo), 2, "is no TrueType"),
        (("enroll", gallery, photo), 2, "is a file; without name (--name)"),
        (("enroll", photo, photo, "--name", "Ann"), 2, "is a file; name the folder of a gallery"),
        (("enroll", people, photo, "--name", "Ann"), 1, "is not a gallery: it has no gallery.json"),
        (("enroll", gallery, photo, "--name", "Ann", "--rule", "median"), 2, "rule must be one of"),
        (("enroll", gallery, photo, "--name", "Ann", "--votes", 3), 2, "is for the rule k_of_n (--rule), and here"),
        (("gallery", "list", tmp_path / "no"), 1, "is not a gallery"),
        (("gallery", "remove", tmp_path / "no", "Ann"), 1, "is not a gallery"),
    ):  # fmt: skip
        one_line(pyface_here(*arguments), code, message)
    done = pyface_here("enroll", gallery, tmp_path / "two.png", tmp_path / "none.png", photo, "--name", "Ann")
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == [
        f"skipped {tmp_path / 'two.png'}: 2 faces, and one is wanted",
        f"skipped {tmp_path / 'none.png'}: no face found",
    ]
    assert "pyface: nothing is enrolled, as 2 photos do not show one face" in done.stderr.splitlines()[2]
    assert Gallery.load(gallery).names == ("Zo\u00eb",)
    done = pyface_here("enroll", gallery, tmp_path / "two.png", "--name", "Ann", "--largest")
    assert done.returncode == 0 and Gallery.load(gallery).names == ("Zo\u00eb", "Ann")
    assert not (tmp_path / "x").exists()
    # A damaged gallery is told by the file, and left as it is.
    file = next(path for path in gallery.iterdir() if path.name.startswith("faces-"))
    file.write_bytes(file.read_bytes()[:-1])
    one_line(pyface_here("enroll", gallery, photo, "--name", "Bob"), 1, f"{file}: is damaged")
