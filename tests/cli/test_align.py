"""``pyface align``: what is in its pictures, what is in its folder, and what it refuses."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import numpy as np
import photo_sets
import pytest
from command_line import one_line, pixels
from command_line import pyface_here as pyface

from pyface import geometry

pytest.importorskip("typer", reason="the extra 'models' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    photo_sets.save(folder / "astronaut.png", photo_sets.astronaut())
    photo_sets.save(folder / "turned" / "astronaut.png", photo_sets.rotated(photo_sets.astronaut(), 20))
    photo_sets.save(folder / "none.png", np.full((100, 100, 3), 90, np.uint8))
    return folder


@pytest.fixture(scope="module")
def out(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results") / "out"
    done = pyface("align", photos, "-o", folder, "--size", 224, "--overlay")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.splitlines() == [f"2 faces in 3 photos: {folder}"]
    return folder


def test_the_files(out: Path) -> None:
    names = {path.name for path in out.iterdir()}
    crops = {"astronaut-0.png", "astronaut~2-0.png"}
    overlays = {"astronaut-overlay.png", "astronaut~2-overlay.png", "none-overlay.png"}
    assert names == crops | overlays | {"summary.json"}
    summary = json.loads((out / "summary.json").read_text())
    assert summary["generator"] == "pyface" and summary["command"] == "align"
    assert set(summary["files"]) == crops | overlays
    assert [len(photo["faces"]) for photo in summary["photos"]] == [1, 0, 1]
    if os.name == "posix":
        assert stat.S_IMODE(out.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}


@pytest.mark.parametrize("name", ["astronaut-0.png", "astronaut~2-0.png"])
def test_the_face_is_upright_and_in_its_place(out: Path, name: str) -> None:
    """A detector of its own, run on the crop, finds eyes that are level and where the template has them."""
    from pyface.analysis.analyzer import FaceAnalyzer

    crop = pixels(out / name)
    assert crop.shape == (224, 224, 3) and crop.dtype == np.uint8
    target = geometry.template_points("arcface", 224)
    entry = next(
        face
        for photo in json.loads((out / "summary.json").read_text())["photos"]
        for face in photo["faces"]
        if face["file"] == name
    )
    fit = geometry.similarity_transform(np.array(entry["landmarks"]), target)
    np.testing.assert_allclose(fit.matrix, entry["matrix"], rtol=1e-3, atol=0.05)  # the landmarks are rounded
    moved = fit.apply(np.array(entry["landmarks"]))
    assert abs(geometry.roll_angle(*moved[:2])) < 1.5  # an open eye and a narrowed one
    np.testing.assert_allclose(moved[:2], target[:2], atol=6)  # the face is not the mean face
    framed = np.zeros((448, 448, 3), np.uint8)
    framed[112:336, 112:336] = crop
    found = FaceAnalyzer(embedder=False).analyze(framed)
    assert len(found) == 1
    seen = found[0].landmarks - 112
    # What a network says of 48 x 48 pixels, twice.
    assert np.abs(seen - moved).max() < 5
    assert abs(geometry.roll_angle(*seen[:2])) < 3
    assert np.abs(seen - target).max() < 15


def test_the_overlay_marks_what_was_found(out: Path) -> None:
    drawn = pixels(out / "astronaut-overlay.png").astype(int)
    changed = (np.abs(drawn - photo_sets.astronaut()) > 40).any(axis=2)
    assert 200 < changed.sum() < 0.02 * changed.size
    for x, y in ((204, 100), (247, 103), (224, 128), (202, 139), (245, 141)):
        assert drawn[y, x].tolist() == [0, 220, 255]
    # The axes of the head: to the right, down, and out of the face.
    for colour in ((255, 60, 60), (40, 200, 40), (60, 110, 255)):
        near = [(np.abs(some - colour).max(axis=2) < 70).sum() for some in (drawn, photo_sets.astronaut().astype(int))]
        assert near[0] >= near[1] + 5, colour
    np.testing.assert_array_equal(pixels(out / "none-overlay.png"), np.full((100, 100, 3), 90))


def test_other_options(photos: Path, tmp_path: Path) -> None:
    options = ("--template", "dlib-5", "--size", 150)
    photo, out = photos / "astronaut.png", tmp_path / "out"
    one_line(pyface("align", photo, "-o", out, *options), 2, "choose landmarks='dlib-5' (--landmarks dlib-5)")
    done = pyface("align", photo, "-o", out, *options, "--landmarks", "dlib-5")
    assert done.returncode == 0, done.stderr
    assert pixels(tmp_path / "out" / "astronaut-0.png").shape == (150, 150, 3)


def test_antialias_averages_a_face_larger_than_its_picture(tmp_path: Path) -> None:
    """The photo is enlarged four times, with a pattern on it that a picture of this size cannot show."""
    from PIL import Image

    part = Image.fromarray(photo_sets.astronaut()[20:240, 110:330])
    clean = np.clip(np.asarray(part.resize((880, 880), Image.Resampling.BICUBIC)), 24, 255)
    photo = clean - 24 * (np.indices((880, 880)).sum(axis=0) % 2)[..., None].astype(np.uint8)
    photo_sets.save(tmp_path / "photo.png", photo)
    off = {}
    for antialias in (False, True):
        folder = tmp_path / f"{antialias}"
        done = pyface("align", tmp_path / "photo.png", "-o", folder, *["--antialias"] * antialias)
        assert done.returncode == 0, done.stderr
        got = pixels(folder / "photo-0.png")
        face = json.loads((folder / "summary.json").read_text())["photos"][0]["faces"][0]
        frame = {"size": 112, "template": "arcface"}
        points = np.array(face["landmarks"])
        # The points in the summary are rounded.
        np.testing.assert_allclose(got, geometry.align_face(photo, points, antialias=antialias, **frame), atol=1)
        # The mean of the pattern is 12 levels.
        want = geometry.align_face(clean, points, antialias=True, **frame) - 12.0
        off[antialias] = np.abs(got - want).mean()
    assert off[True] < 0.7
    assert off[False] > 2.5


def test_refusals(photos: Path, tmp_path: Path) -> None:
    for arguments, message in [
        (
            ("--size", 100),
            "size must be a multiple of 112 or 128 for the template 'arcface', up to 4096, got 100; the template "
            "'dlib-5' takes any size from 16 to 4096",
        ),
        (("--template", "faces"), "template must be one of"),
    ]:
        one_line(pyface("align", photos / "astronaut.png", "-o", tmp_path / "a", *arguments), 2, message)
    assert not (tmp_path / "a").exists()
