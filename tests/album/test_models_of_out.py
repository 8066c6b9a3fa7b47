"""Which models a run takes: those asked for, those that OUT was made with, or the default; and which it refuses."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")

import command_line
from made_up_models import ByColour, FivePoints, OneFace
from oracles import dlib_files

import pyface
from pyface.errors import MissingExtraError, OutputFolderError
from pyface.models import store

pytestmark = pytest.mark.filterwarnings("ignore::pyface.errors.LicenseWarning")

MADE_UP: dict[str, Any] = {"detector": OneFace(), "landmarks": FivePoints(), "embedder": ByColour()}


def models(out: Path) -> dict[str, str]:
    settings = json.loads((out / "summary.json").read_text())["settings"]
    return {role: settings[role] for role in MADE_UP}


def n_looked_at(photos: Path, out: Path, **options: Any) -> int:
    counts: list[int] = []
    pyface.cluster_photos(
        photos, out=out, progress=lambda stage, _, n: counts.append(n) if stage == "photos" else None, **options
    )
    return counts[-1]


def test_a_run_goes_on_with_the_models_of_out(photos: Path, out: Path) -> None:
    n_looked_at(photos, out, landmarks="dlib-68", again=True)
    with_68 = models(out)
    assert with_68["landmarks"] == "dlib-68"
    assert n_looked_at(photos, out) == 1  # the file that is no photo
    assert models(out) == with_68
    assert n_looked_at(photos, out, landmarks="dlib-68") == 1
    assert n_looked_at(photos, out, add=True) == 1


def test_other_models_take_again(photos: Path, out: Path) -> None:
    before, files = models(out), sorted(out.iterdir())
    with pytest.raises(OutputFolderError, match=r"made with .*mtcnn-onet.*, not with .*dlib-68.*--again"):
        pyface.cluster_photos(photos, out=out, landmarks="dlib-68")
    assert (models(out), sorted(out.iterdir())) == (before, files)
    assert n_looked_at(photos, out, landmarks="dlib-68", again=True) > 1
    assert n_looked_at(photos, out, landmarks="dlib-68", again=True) == 1  # an interrupted one goes on
    assert n_looked_at(photos, out, again=True) > 1
    assert models(out) == before


def test_models_without_a_name_must_be_given_again(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "made up"
    n_looked_at(photos, out, **MADE_UP)
    with pytest.raises(OutputFolderError, match=r"not all of which are known by name.*--again"):
        pyface.cluster_photos(photos, out=out)
    n_looked_at(photos, out, **MADE_UP)


def test_models_that_are_not_installed_are_told_with_both_ways_out(
    photos: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*args: object, **options: object) -> None:
        raise MissingExtraError("the weights are not installed; they come with: pip install 'pyface-toolkit[dlib]'")

    monkeypatch.setattr(store, "read_known", missing)
    with pytest.raises(MissingExtraError, match=r"was made with .* and sface: .*\[dlib\].*--again") as caught:
        pyface.cluster_photos(photos, out=out)
    assert "default models" not in str(caught.value)  # they are what is missing


def test_a_start_that_fails_leaves_no_folder(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*args: object, **options: object) -> None:
        raise MissingExtraError("not installed")

    monkeypatch.setattr(store, "read_known", missing)
    with pytest.raises(MissingExtraError):
        pyface.cluster_photos(photos, out=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    with pytest.raises(MissingExtraError):
        pyface.cluster_photos(photos, out=tmp_path / "old")
    assert (tmp_path / "old").exists()


def test_add_and_again_exclude_each_other(photos: Path, out: Path) -> None:
    with pytest.raises(ValueError, match="add and again"):
        pyface.cluster_photos(photos, out=out, add=True, again=True)


def test_the_command_says_it_in_one_line(photos: Path, out: Path) -> None:
    done = command_line.pyface("cluster", photos, "-o", out, "--landmarks", "dlib-68")
    command_line.one_line(done, 1, "--again")
    assert command_line.pyface("cluster", photos, "-o", out, "--landmarks", "dlib-68", "--again").returncode == 0
    assert models(out)["landmarks"] == "dlib-68"


@pytest.fixture
def five(tmp_path: Path) -> Path:
    """dlib's file of five points under another name."""
    theirs = find_spec("face_recognition_models")
    if theirs is None or not theirs.submodule_search_locations:
        pytest.skip("the weights of dlib (face_recognition_models) are not installed")
    folder = Path(theirs.submodule_search_locations[0]) / "models"
    return Path(shutil.copy(folder / "shape_predictor_5_face_landmarks.dat", tmp_path / "five.dat"))


def test_a_run_goes_on_with_files_by_their_paths(
    photos: Path, tmp_path: Path, five: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "by path"
    monkeypatch.chdir(five.parent)  # a path from here on is kept from the root on
    n_looked_at(photos, out, landmarks="five.dat", landmarks_family="dlib_5")
    settings = json.loads((out / "summary.json").read_text())["settings"]
    assert settings["landmarks"] == str(five) and settings["landmarks_family"] == "dlib_5"
    assert "detector_family" not in settings and settings["detector"] == "dlib-mmod"
    monkeypatch.chdir(photos)
    assert n_looked_at(photos, out) == 1  # the file that is no photo
    assert n_looked_at(photos, out, add=True) == 1
    assert n_looked_at(photos, out, landmarks=five, landmarks_family="dlib_5") == 1
    assert models(out)["landmarks"] == str(five)
    with pytest.raises(OutputFolderError, match=r"made with .*five\.dat.*, not with .*--again"):
        pyface.cluster_photos(photos, out=out, landmarks="dlib-5")


def test_another_file_at_that_path_is_told(photos: Path, tmp_path: Path, five: Path) -> None:
    out = tmp_path / "by path"
    n_looked_at(photos, out, landmarks=five, landmarks_family="dlib_5")
    whole = five.read_bytes()
    arrays = dlib_files.random_trees(n_cascades=1, n_trees=2, n_splits=3, n_pixels=4, n_points=5)
    five.write_bytes(dlib_files.shape_predictor(arrays))
    with pytest.raises(OutputFolderError, match=r"five\.dat is not the file.*--again"):
        pyface.cluster_photos(photos, out=out)
    five.unlink()
    with pytest.raises(OutputFolderError, match=r"was made with .*five\.dat.* cannot be read.*--again"):
        pyface.cluster_photos(photos, out=out)
    five.write_bytes(whole)
    assert n_looked_at(photos, out) == 1


def test_a_run_goes_on_with_the_points_of_the_detector(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "own points"
    n_looked_at(photos, out, landmarks="detector")
    assert models(out) == {"detector": "yunet", "landmarks": "detector", "embedder": "sface"}
    assert n_looked_at(photos, out) == 1
    with pytest.raises(OutputFolderError, match="yunet, the detector's points and sface, not with yunet, mtcnn"):
        pyface.cluster_photos(photos, out=out, models="opencv")
