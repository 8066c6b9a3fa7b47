"""``pyface warp``: what its pictures show, what the overlays mark, and what it says of faces that fold."""

from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import photo_sets
import pytest
from command_line import messages, one_line, pixels
from command_line import pyface_here as pyface

from pyface import geometry
from pyface.models import Landmarker, load
from pyface.types import Landmarks

pytest.importorskip("typer", reason="the extra 'models' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")

pytestmark = pytest.mark.filterwarnings("ignore::pyface.errors.LicenseWarning")
SCHEME = "dlib-68"
TURN = 18  # degrees, of the tilted photo; more than 10, so its landmarks are located once more
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    photo_sets.save(folder / "astronaut.png", photo_sets.astronaut())
    photo_sets.save(folder / "tilted.png", photo_sets.rotated(photo_sets.astronaut(), TURN))
    photo_sets.save(folder / "none.png", np.full((100, 100, 3), 90, np.uint8))
    return folder


@pytest.fixture(scope="module")
def out(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results") / "out"
    done = pyface("warp", photos, "--landmarks", SCHEME, "-o", folder, "--overlay")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert messages(done) == [f"2 faces in 3 photos: {folder}"]
    return folder


def entries(out: Path) -> dict[str, dict[str, Any]]:
    """File name -> what summary.json says of the face."""
    photos = json.loads((out / "summary.json").read_text())["photos"]
    return {face["file"]: face for photo in photos for face in photo["faces"]}


def distance_to_edges(shape: tuple[int, int], points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(h, w): how far each pixel's centre is from the nearest edge of the mesh."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    at = np.stack([x, y], axis=-1).astype(float)
    nearest = np.full(shape, np.inf)
    for i, j in {tuple(sorted((t[a], t[a - 1]))) for t in triangles.tolist() for a in range(3)}:
        begin, along = points[i], points[j] - points[i]
        share = np.clip((at - begin) @ along / max(along @ along, 1e-12), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(at - begin - share[..., None] * along, axis=-1))
    return nearest


def test_the_files(out: Path) -> None:
    faces = {f"{name}-0{end}.png" for name in ("astronaut", "tilted") for end in ("", "-mesh")}
    overlays = {f"{name}-overlay.png" for name in ("astronaut", "tilted", "none")}
    assert {path.name for path in out.iterdir()} == faces | overlays | {"summary.json"}
    summary = json.loads((out / "summary.json").read_text())
    assert summary["generator"] == "pyface" and summary["command"] == "warp"
    assert summary["settings"] == {
        "size": 256, "face_only": False, "antialias": False, "overlay": True, "format": "png",
    }  # fmt: skip
    assert set(summary["files"]) == faces | overlays
    assert [len(photo["faces"]) for photo in summary["photos"]] == [1, 0, 1]
    for face in entries(out).values():
        assert (
            face["scheme"] == SCHEME and np.shape(face["landmarks"]) == (68, 2) and np.shape(face["matrix"]) == (2, 3)
        )
        assert face["flipped_area"] == face["n_flipped"] == face["n_collapsed"] == face["sampled_outside"] == 0
        assert 1 < face["anisotropy"] < 5 and 0 < face["minification"] < 2
    if os.name == "posix":
        assert stat.S_IMODE(out.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}


@pytest.mark.parametrize("name", ["astronaut-0.png", "tilted-0.png"])
def test_the_face_lies_where_the_mean_shape_has_it(out: Path, name: str) -> None:
    """The models, run on the picture, find the eyes level and all landmarks near the mean shape and symmetric."""
    from pyface.analysis.analyzer import FaceAnalyzer

    picture = pixels(out / name)
    assert picture.shape == (256, 256, 3) and picture.dtype == np.uint8
    framed = np.zeros((512, 512, 3), np.uint8)
    framed[128:384, 128:384] = picture
    found = FaceAnalyzer(landmarks=SCHEME, embedder=False).analyze(framed)
    assert len(found) == 1
    seen = found[0].landmarks - 128
    target = geometry.face_mesh(SCHEME, 256).target[:68]
    # In distances between the eyes, of 82 pixels. Farthest off is a corner of the mouth: the smile is squeezed into the
    # mean shape's lips, where the model sees it end elsewhere.
    off = np.linalg.norm(seen - target, axis=1) / 82
    assert off.max() < 0.2 and off[:17].max() < 0.1 and off[17:].mean() < 0.045
    # Of whole pixels in the photo (one is 2.5 here) six make the centre of an eye.
    left, right = seen[LEFT_EYE].mean(axis=0), seen[RIGHT_EYE].mean(axis=0)
    np.testing.assert_allclose(left, target[LEFT_EYE].mean(axis=0), atol=1.25)
    np.testing.assert_allclose(right, target[RIGHT_EYE].mean(axis=0), atol=1.25)
    assert abs(left[1] - right[1]) < 1
    assert abs(geometry.roll_angle(left, right)) < 0.7
    mirrored = (seen * [-1, 1] + [255, 0])[geometry.mirror(SCHEME)]
    assert np.linalg.norm(seen - mirrored, axis=1)[17:].mean() < 0.04 * 82


@pytest.mark.parametrize("name", ["astronaut", "tilted"])
def test_the_pixels_are_those_of_the_library(photos: Path, out: Path, name: str) -> None:
    face = entries(out)[f"{name}-0.png"]
    photo = pixels(photos / f"{name}.png")
    landmarks = np.array(face["landmarks"])
    source = geometry.frame_points(landmarks, SCHEME)
    mesh = geometry.face_mesh(SCHEME, 256)
    picture, wanted = (array.astype(int) for array in (pixels(out / f"{name}-0.png"), mesh.warp(photo, source)))
    # Of the whole pixels that dlib gives nothing is lost in the summary, of a refined face's points what is below 0.01.
    is_whole = name == "astronaut"
    assert np.abs(picture - wanted).max() <= (0 if is_whole else 3)
    assert np.abs(picture - wanted).mean() < 0.1
    fit = geometry.similarity_transform(landmarks, mesh.target[:68])
    np.testing.assert_allclose(face["matrix"], fit.matrix, atol=1e-9 if is_whole else 0.02)
    # The rim is a square in the photo, so at the corners the picture is the photo, turned.
    np.testing.assert_allclose(fit.apply(source[68:]), mesh.target[68:], atol=1e-9)


def test_a_tilted_face_comes_upright(out: Path) -> None:
    both = [entries(out)[f"{name}-0.png"] for name in ("astronaut", "tilted")]
    assert both[1]["rotation"] - both[0]["rotation"] == pytest.approx(TURN, abs=1)
    pictures = [pixels(out / face["file"]).astype(float) for face in both]
    inside = geometry.face_mesh(SCHEME, 256, face_only=True).mask
    assert np.corrcoef(*(picture[inside].ravel() for picture in pictures))[0, 1] > 0.9
    upside_down = pictures[1][::-1]
    assert np.corrcoef(pictures[0][inside].ravel(), upside_down[inside].ravel())[0, 1] < 0.6


def test_the_overlay_marks_the_mesh_and_nothing_else(photos: Path, out: Path) -> None:
    for name in ("astronaut", "tilted"):
        photo, drawn = pixels(photos / f"{name}.png"), pixels(out / f"{name}-overlay.png")
        points = geometry.frame_points(np.array(entries(out)[f"{name}-0.png"]["landmarks"]), SCHEME)
        triangles = geometry.face_mesh(SCHEME, 256).triangles
        changed = (drawn != photo).any(axis=2)
        near = distance_to_edges(photo.shape[:2], points, triangles)
        assert near[changed].max() < 3
        # Lines and dots are drawn smooth, so some pixels under them may come to the colour they had.
        assert changed[near < 0.5].mean() > 0.99
        for x, y in np.rint(points[[8, 30, 33]]).astype(int):
            assert drawn[y, x].tolist() == [0, 220, 255]
        assert not (drawn == [255, 40, 40]).all(axis=2).any()
    np.testing.assert_array_equal(pixels(out / "none-overlay.png"), np.full((100, 100, 3), 90))


def test_the_mesh_is_drawn_into_the_picture(out: Path) -> None:
    mesh = geometry.face_mesh(SCHEME, 256)
    changed = (pixels(out / "astronaut-0.png") != pixels(out / "astronaut-0-mesh.png")).any(axis=2)
    near = distance_to_edges((256, 256), mesh.target, mesh.triangles)
    assert near[changed].max() < 3 and changed[near < 0.5].mean() > 0.99
    # Thin lines are drawn smooth, so hardly any pixel has the very colour.
    kinds = pixels(out / "astronaut-0-mesh.png").astype(int)
    chin = np.rint(mesh.target[8]).astype(int)
    np.testing.assert_allclose(kinds[chin[1], chin[0]], [0, 220, 255], atol=60)
    np.testing.assert_allclose(kinds[0, 10], [110, 140, 190], atol=30)  # the rim
    assert (np.abs(kinds - [0, 200, 0]) < 60).all(axis=2).sum() > 500


def test_face_only(photos: Path, tmp_path: Path) -> None:
    done = pyface(
        "warp", photos / "astronaut.png", "--landmarks", SCHEME, "-o", tmp_path / "out", "--face-only", "--size", 200
    )
    assert done.returncode == 0, done.stderr
    picture = pixels(tmp_path / "out" / "astronaut-0.png")
    mask = geometry.face_mesh(SCHEME, 200, face_only=True).mask
    assert picture.shape == (200, 200, 3) and not picture[~mask].any()
    assert picture[mask].any(axis=1).all()  # no pixel of this face is black
    face = entries(tmp_path / "out")["astronaut-0.png"]
    mesh = geometry.face_mesh(SCHEME, 200, face_only=True)
    np.testing.assert_array_equal(picture, mesh.warp(photo_sets.astronaut(), np.array(face["landmarks"])))
    assert face["flipped_area"] == 0


def test_antialias_and_jpeg(tmp_path: Path) -> None:
    large = np.repeat(np.repeat(photo_sets.astronaut()[40:220, 130:310], 4, axis=0), 4, axis=1)
    photo_sets.save(tmp_path / "large.png", large)
    plain, smooth = tmp_path / "plain", tmp_path / "smooth"
    options = (tmp_path / "large.png", "--landmarks", SCHEME, "--size", 64)
    assert pyface("warp", *options, "-o", plain).returncode == 0
    assert pyface("warp", *options, "-o", smooth, "--antialias", "--format", "jpeg").returncode == 0
    face = entries(smooth)["large-0.jpg"]
    assert face["minification"] > 4
    source = geometry.frame_points(np.array(face["landmarks"]), SCHEME)
    want = geometry.face_mesh(SCHEME, 64).warp(large, source, antialias=True)
    assert np.abs(pixels(smooth / "large-0.jpg").astype(int) - want).mean() < 4
    assert (pixels(plain / "large-0.png") != want).any()


def test_several_faces_and_one_at_the_rim(tmp_path: Path) -> None:
    """Each face has its own picture; what lies beyond the photo is black, and told."""
    astronaut = photo_sets.astronaut()
    photo = np.hstack([astronaut[85:385], astronaut[:300, ::-1]])  # the first one's forehead is cut off
    photo_sets.save(tmp_path / "two.png", photo)
    done = pyface("warp", tmp_path / "two.png", "--landmarks", SCHEME, "-o", tmp_path / "out")
    assert messages(done) == [f"2 faces in 1 photo: {tmp_path / 'out'}"]
    faces = entries(tmp_path / "out")
    assert faces["two-0.png"]["score"] >= faces["two-1.png"]["score"]
    mesh = geometry.face_mesh(SCHEME, 256)
    shares = []
    for name, face in faces.items():
        source = geometry.frame_points(np.array(face["landmarks"]), SCHEME)
        picture = pixels(tmp_path / "out" / name)
        np.testing.assert_array_equal(picture, mesh.warp(photo, source))
        beyond = ~mesh.inside(source, photo.shape)
        assert face["sampled_outside"] == pytest.approx(beyond.mean(), abs=1e-3)
        assert (picture[beyond].max(axis=1) == 0).mean() > 0.9 if beyond.any() else True
        shares.append(face["sampled_outside"])
    assert min(shares) == 0 and 0.05 < max(shares) < 0.4


class _Turned(Landmarker):
    """dlib's landmarks, with left and right exchanged if asked for: as if the face were seen from behind."""

    name, digest, scheme = "turned", "0", SCHEME

    def __init__(self, exchange: bool) -> None:
        self._model, self._order = load(SCHEME), geometry.mirror(SCHEME) if exchange else np.arange(68)

    def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
        return Landmarks(self._model.locate(image, boxes, color=color).points[:, self._order], SCHEME)


@pytest.mark.parametrize("is_folded", [False, True])
def test_folded_faces_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture, is_folded: bool) -> None:
    from pyface.analysis.analyzer import FaceAnalyzer
    from pyface.pictures.warped import warp_photos

    photo = photo_sets.save(tmp_path / "photo.png", photo_sets.astronaut())
    analyzer = FaceAnalyzer(landmarks=_Turned(is_folded), embedder=False)
    with caplog.at_level(logging.WARNING):
        done = warp_photos(analyzer, [photo], tmp_path / "out", face_only=True, overlay=True)
    assert (done.n_photos, done.n_faces) == (1, 1)
    face = entries(tmp_path / "out")["photo-0.png"]
    before = [photo_sets.astronaut(), pixels(tmp_path / "out" / "photo-0.png")]
    drawn = [pixels(tmp_path / "out" / f"photo-{end}.png") for end in ("overlay", "0-mesh")]
    red = [
        (b != d).any(axis=2) & (np.abs(d - np.array([255, 40, 40])) < 60).all(axis=2)
        for b, d in zip(before, drawn, strict=True)
    ]
    if is_folded:
        assert face["flipped_area"] == pytest.approx(1) and face["n_flipped"] == 107
        (record,) = caplog.records
        share = geometry.face_mesh(SCHEME, 256, face_only=True).mask.mean()
        assert record.getMessage().startswith(f"{photo}, face 0: {share:.1%} of its picture is mirrored")
        assert all(marks.sum() > 100 for marks in red)
    else:
        assert face["flipped_area"] == 0 and not caplog.records and not any(marks.any() for marks in red)


def test_landmarks_on_one_point_are_no_face(tmp_path: Path) -> None:
    class OnePoint(_Turned):
        def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
            return Landmarks(np.full((len(boxes), 68, 2), 7.0), SCHEME)

    from pyface.analysis.analyzer import FaceAnalyzer
    from pyface.pictures.warped import warp_photos

    photo = photo_sets.save(tmp_path / "photo.png", photo_sets.astronaut())
    analyzer = FaceAnalyzer(landmarks=OnePoint(False), embedder=False)
    done = warp_photos(analyzer, [photo], tmp_path / "out")
    assert (done.n_photos, done.n_faces) == (1, 0)
    assert [item.reason for item in done.skipped] == ["1 face has all landmarks on one point"]


def test_a_photo_too_wide_is_passed_over(photos: Path, tmp_path: Path) -> None:
    photo_sets.save(tmp_path / "wide.png", np.zeros((20, 33_000, 3), np.uint8))
    done = pyface("warp", tmp_path / "wide.png", photos / "none.png", "--landmarks", SCHEME, "-o", tmp_path / "out")
    assert done.returncode == 0
    assert messages(done) == [
        f"skipped {tmp_path / 'wide.png'}: more than 32,767 pixels a side",
        f"0 faces in 1 photo: {tmp_path / 'out'}",
    ]


def test_five_landmarks_are_refused(photos: Path, tmp_path: Path) -> None:
    for arguments, scheme in (((), "arcface-5"), (("--landmarks", "dlib-5"), "dlib-5")):
        done = pyface("warp", photos / "astronaut.png", "-o", tmp_path / "out", *arguments)
        one_line(done, 2, f"needs landmarks of the scheme dlib-68, got {scheme}")
        assert "--landmarks dlib-68" in done.stderr
    assert not (tmp_path / "out").exists()
