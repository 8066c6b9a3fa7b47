"""``pyface frontalize``: its pictures, its overlays, and faces that it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import photo_sets
import pytest
from command_line import messages, one_line, pixels
from command_line import pyface_here as pyface

from pyface.geometry import frontalize, head_pose, similarity_transform
from pyface.models import load

pytest.importorskip("typer", reason="the extra 'models' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")

pytestmark = pytest.mark.filterwarnings("ignore::pyface.errors.LicenseWarning")
SCHEME = "dlib-68"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    photo_sets.save(folder / "astronaut.png", photo_sets.astronaut())
    photo_sets.save(folder / "none.png", np.full((100, 100, 3), 90, np.uint8))
    return folder


@pytest.fixture(scope="module")
def out(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results") / "out"
    done = pyface("frontalize", photos, "--landmarks", SCHEME, "-o", folder, "--overlay")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert messages(done) == [f"1 face in 2 photos: {folder}"]
    return folder


def summary_of(out: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return summary


def the_face(out: Path) -> dict[str, Any]:
    (face,) = (face for photo in summary_of(out)["photos"] for face in photo["faces"])
    assert isinstance(face, dict)
    return face


def test_the_files(out: Path) -> None:
    names = {"astronaut-0.png", "astronaut-0-visibility.png", "astronaut-overlay.png", "none-overlay.png"}
    assert {path.name for path in out.iterdir()} == names | {"summary.json"}
    summary = summary_of(out)
    assert summary["generator"] == "pyface" and summary["command"] == "frontalize"
    assert summary["settings"] == {
        "method": "surface", "size": 224, "symmetry": "soft", "max_yaw": 60, "antialias": False, "overlay": True,
        "format": "png",
    }  # fmt: skip
    assert set(summary["files"]) == names


def test_the_picture_is_that_of_the_library(out: Path) -> None:
    face = the_face(out)
    points = load(SCHEME).locate(photo_sets.astronaut(), np.array([face["box"]])).points[0]
    np.testing.assert_allclose(points, face["landmarks"], atol=1.01)  # the box is rounded
    made = frontalize(photo_sets.astronaut(), face["landmarks"], SCHEME)
    assert made.image is not None and made.mask is not None and made.visibility is not None
    picture = pixels(out / "astronaut-0.png")
    assert picture.shape == (224, 224, 3)
    assert np.abs(picture.astype(int) - made.image).max() <= 2  # the landmarks are rounded to hundredths
    pose = head_pose(face["landmarks"], SCHEME)
    assert face["file"] == "astronaut-0.png" and "refused" not in face
    np.testing.assert_allclose(list(face["pose"].values()), [pose.pitch, pose.yaw, pose.roll], atol=0.02)
    assert face["mirrored_share"] == pytest.approx(made.mirrored_share, abs=1e-3)
    assert face["visibility"] == pytest.approx(made.visibility[made.mask].mean(), abs=1e-3)
    assert not picture[~made.mask].any() and 0.3 < made.mask.mean() < 0.9


def test_the_matrix_brings_the_face_there(out: Path) -> None:
    from pyface.geometry import face_mesh

    face = the_face(out)
    target = face_mesh(SCHEME, 224).target[:68]
    fit = similarity_transform(np.array(face["landmarks"]), target)
    np.testing.assert_allclose(face["matrix"], fit.matrix, rtol=1e-3, atol=0.05)
    assert face["residual"] == pytest.approx(fit.residual, abs=0.05)


def test_the_overlays(out: Path) -> None:
    drawn = pixels(out / "astronaut-overlay.png").astype(int)
    changed = (np.abs(drawn - photo_sets.astronaut()) > 40).any(axis=2)
    assert 1000 < changed.sum() < 0.1 * changed.size
    for x, y in np.array(the_face(out)["landmarks"])[[36, 45, 48, 54, 8]].round().astype(int):
        assert np.abs(drawn[y, x] - (0, 220, 255)).max() < 60, (x, y)
    np.testing.assert_array_equal(pixels(out / "none-overlay.png"), np.full((100, 100, 3), 90))
    # The middle of the face was seen well: green over it.
    coloured, plain = (pixels(out / name).astype(int) for name in ("astronaut-0-visibility.png", "astronaut-0.png"))
    middle = (slice(100, 110), slice(100, 120))
    np.testing.assert_allclose(coloured[middle], (plain[middle] + [0, 200, 0]) / 2, atol=16)
    assert not coloured[0, 0].any()


def test_a_face_that_is_refused(photos: Path, out: Path, tmp_path: Path) -> None:
    turn = abs(the_face(out)["pose"]["yaw"])
    limit = turn / 2
    done = pyface("frontalize", photos, "--landmarks", SCHEME, "-o", tmp_path / "out", "--max-yaw", limit, "--overlay")
    assert done.returncode == 0, done.stderr
    said, counted = messages(done)
    assert "astronaut.png, face 0: not turned to the front: the face is turned by" in said
    assert counted == f"0 faces in 2 photos: {tmp_path / 'out'}"
    face = the_face(tmp_path / "out")
    assert face["file"] is None and f"more than max_yaw = {limit:g}" in face["refused"]
    assert set(summary_of(tmp_path / "out")["files"]) == {"astronaut-overlay.png", "none-overlay.png"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--method", "magic"), "method must be one of 'surface', 'mesh', got 'magic'"),
        (("--symmetry", "hard"), "symmetry must be one of 'soft', 'none', got 'hard'"),
        (("--max-yaw", 90), "max_yaw must be at most 80, got 90"),
        (("--size", 8), "size must be at least 16, got 8"),
    ],
)
def test_wrong_options_leave_no_folder(photos: Path, tmp_path: Path, options: tuple[Any, ...], words: str) -> None:
    one_line(pyface("frontalize", photos, "--landmarks", SCHEME, "-o", tmp_path / "out", *options), 2, words)
    assert not (tmp_path / "out").exists()


def test_five_points_are_too_few(photos: Path, tmp_path: Path) -> None:
    done = pyface("frontalize", photos, "-o", tmp_path / "out")
    one_line(done, 2, "frontalizing needs landmarks of the scheme dlib-68, got arcface-5")
    assert not (tmp_path / "out").exists()


def test_the_other_ways(photos: Path, tmp_path: Path) -> None:
    options = ("--method", "mesh", "--symmetry", "none", "--size", 100, "--antialias", "--format", "jpeg")
    done = pyface("frontalize", photos / "astronaut.png", "--landmarks", SCHEME, "-o", tmp_path / "out", *options)
    assert done.returncode == 0, done.stderr
    assert pixels(tmp_path / "out" / "astronaut-0.jpg").shape == (100, 100, 3)
    face = the_face(tmp_path / "out")
    assert face["mirrored_share"] == 0
    assert summary_of(tmp_path / "out")["settings"]["method"] == "mesh"
