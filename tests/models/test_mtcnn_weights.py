"""MTCNN with its weights: photos, the peer that runs the same, and weight files that are missing or others."""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import mtcnn_by_loops as oracle

from pyface import FaceAnalyzer, errors, models
from pyface.models.mtcnn import weights as mtcnn_files

FILES = ("pnet.lz4", "rnet.lz4", "onet.lz4")


@pytest.fixture(scope="module")
def detector(mtcnn: Path, shared_cache: Path) -> Any:
    pytest.importorskip("cv2", reason="levels are made by OpenCV")
    return models.load("mtcnn", n_threads=2)


def photos() -> list[np.ndarray]:
    """A few photos of WIDER FACE, shrunk so that the twin takes seconds; none where they are not at hand."""
    import cv2

    folder = Path(os.environ.get("PYFACE_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "images" / "wider"
    if not folder.is_dir():
        pytest.skip(f"no photos in {folder}")
    read = [cv2.imread(str(path))[:, :, ::-1] for path in sorted(folder.rglob("*.jpg"))[3:40:9]]
    return [cv2.resize(image, (300, 220), interpolation=cv2.INTER_AREA) for image in read]


def assert_same_faces(got: Any, want: list[oracle.Found]) -> None:
    assert len(got) == len(want)
    for i, face in enumerate(want):
        assert_allclose(got.boxes[i], face.box, atol=1e-3)
        assert_allclose(got.scores[i], face.score, atol=1e-5)
        assert_allclose(got.landmarks[i], face.points, atol=1e-3)


def networks(folder: Path) -> tuple[Any, Any, Any]:
    pnet, rnet, onet = (mtcnn_files.read_arrays((folder / name).read_bytes(), name) for name in FILES)
    return pnet, rnet, onet


def test_the_astronaut(detector: Any, mtcnn: Path, astronaut: np.ndarray) -> None:
    found = detector.detect(astronaut)
    assert len(found) == 1 and found.scores[0] > 0.999
    left, top, right, bottom = found.boxes[0]
    assert 165 < left < 190 and 45 < top < 75 and 255 < right < 280 and 165 < bottom < 185
    # Image-left eye, image-right eye, nose, image-left and image-right corner of the mouth.
    assert_allclose(found.landmarks[0], [(204, 100), (247, 102), (224, 127), (202, 139), (246, 141)], atol=3)
    assert_same_faces(found, oracle.detect(networks(mtcnn), astronaut))
    assert len(detector.detect(astronaut, min_face=400)) == 0


def test_photos_equal_the_twins(detector: Any, mtcnn: Path) -> None:
    images = photos()
    wanted = [oracle.detect(networks(mtcnn), image) for image in images]
    assert sum(map(len, wanted)) >= 3
    for got, want in zip(detector.detect_many(images), wanted, strict=True):
        assert_same_faces(got, want)


def test_a_small_face_is_asked_for(detector: Any, astronaut: np.ndarray) -> None:
    small = np.ascontiguousarray(astronaut[::9, ::9])  # a face of 10 x 13 pixels
    assert len(detector.detect(small)) == 0
    found = detector.detect(small, min_face=8)
    assert len(found) == 1
    assert_allclose(found.boxes[0] * 9, detector.detect(astronaut).boxes[0], atol=27)


def test_the_peer_finds_the_same(detector: Any, astronaut: np.ndarray) -> None:
    runtime = pytest.importorskip("mtcnnruntime", reason="the peer is mtcnn-runtime, see bench/mtcnn_peer.py")
    boxes, points = runtime.MTCNN().detect(astronaut[:, :, ::-1].copy(), 20.0, [0.6, 0.7, 0.7], [0.7, 0.7, 0.7])
    found = detector.with_factor(0.707).detect(astronaut)
    assert_allclose(found.boxes, boxes[:, :4], atol=0.1)
    assert_allclose(found.scores, boxes[:, 4], atol=1e-3)
    assert_allclose(found.landmarks + 0.5, points.reshape(-1, 2, 5).transpose(0, 2, 1), atol=0.1)


def test_black_and_white_hold_no_face(detector: Any) -> None:
    for value in (0, 255):
        found = detector.detect(np.full((120, 160, 3), value, np.uint8))
        assert found.boxes.shape == (0, 4) and found.landmarks.shape == (0, 5, 2)


# --- loading ------------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def copied(mtcnn: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a copy of the installed weights, which may be changed."""
    folder = tmp_path / "mtcnn" / "assets" / "weights"
    shutil.copytree(mtcnn, folder)
    spec = importlib.machinery.ModuleSpec("mtcnn", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path / "mtcnn")]
    monkeypatch.setattr(importlib.util, "find_spec", {"mtcnn": spec}.get)
    return folder


def test_what_is_known_of_it() -> None:
    spec = {spec.name: spec for spec in models.catalog()}["mtcnn"]
    assert (spec.family, spec.task, spec.file) == ("mtcnn", "detector", FILES[0])
    assert [file.file for file in spec.more_files] == list(FILES[1:])
    assert "mtcnn" in models.families()


def test_the_catalog_knows_all_its_files(mtcnn: Path) -> None:
    spec = {spec.name: spec for spec in models.catalog()}["mtcnn"]
    for file in spec.files:
        data = (mtcnn / file.file).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)


@pytest.mark.parametrize("name", FILES)
def test_one_byte_changed(copied: Path, cache: Path, name: str) -> None:
    data = bytearray((copied / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / name).write_bytes(data)
    words = rf'{name} is not the file that mtcnn needs.*expected .*; mend it with: pip .*"{re.escape("mtcnn>=1.0")}"$'
    with pytest.raises(errors.ModelFileError, match=words):
        models.load("mtcnn")
    assert not cache.exists()
    with pytest.raises(errors.ModelFileError, match=rf"{name} is not one of the files of the package mtcnn"):
        models.load(copied / FILES[0], family="mtcnn")


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_missing(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(errors.ModelFileError, match=rf"{name} is missing: another version of mtcnn is installed"):
        models.load("mtcnn")
    with pytest.raises(errors.ModelFileError, match=rf"{name} cannot be read"):
        models.load(copied / FILES[0], family="mtcnn")


def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(errors.MissingExtraError, match=r"weights of mtcnn .*pip install 'pyface-toolkit\[mtcnn\]'$"):
        models.load("mtcnn")


def test_paths_of_its_files(mtcnn: Path, shared_cache: Path, detector: Any, astronaut: np.ndarray) -> None:
    by_path = models.load(mtcnn / FILES[0], family="mtcnn")
    assert by_path.digest == detector.digest and by_path.name == str(mtcnn / FILES[0])
    assert_array_equal(by_path.detect(astronaut).boxes, detector.detect(astronaut).boxes)
    for name in FILES[1:]:
        with pytest.raises(errors.ModelFileError, match=rf"{name} is not the first file of mtcnn: .* pnet\.lz4"):
            models.load(mtcnn / name, family="mtcnn")
    with pytest.raises(errors.ModelFileError, match=r"pnet\.lz4 is not one of the files .* that onet is made of"):
        models.load(mtcnn / FILES[0], family="onet")
    with pytest.raises(ValueError, match="input_size is no option of the family 'mtcnn'"):
        models.load("mtcnn", input_size=640)


def test_pulling_fills_the_cache(mtcnn: Path, cache: Path, astronaut: np.ndarray) -> None:
    paths = models.pull("mtcnn")
    assert len(paths) == 3 and sorted(paths) == sorted(cache.iterdir())
    assert [path.name.rpartition("-v")[0].rpartition("-")[0] for path in paths] == [
        "mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet"
    ]  # fmt: skip
    wanted = models.load("mtcnn").detect(astronaut).boxes
    whole = paths[1].read_bytes()
    paths[1].write_bytes(whole[:-7])
    assert_array_equal(models.load("mtcnn").detect(astronaut).boxes, wanted)
    assert paths[1].read_bytes() == whole and len(list(cache.iterdir())) == 3


def test_its_points_are_not_those_of_the_landmarker_alone(detector: Any, shared_cache: Path) -> None:
    """The same weights in another graph: neither may take the other's from the cache."""
    assert models.load("mtcnn-onet").digest != detector.digest


def test_pickles_and_analyzers(detector: Any, astronaut: np.ndarray) -> None:
    again = pickle.loads(pickle.dumps(detector))
    assert again.digest == detector.digest
    assert_array_equal(again.detect(astronaut).boxes, detector.detect(astronaut).boxes)
    (face,) = FaceAnalyzer(detector=detector, landmarks=False, embedder=False).analyze(astronaut)
    assert_array_equal(face.box, detector.detect(astronaut).boxes[0])
    small = np.ascontiguousarray(astronaut[::6, ::6])
    found = FaceAnalyzer(detector=detector, landmarks=False, embedder=False, min_face=10).analyze(small)
    assert len(found) == 1
    assert_allclose(found[0].box * 6, face.box, atol=20)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_of_a_fork_goes_on(detector: Any, astronaut: np.ndarray) -> None:
    code = (
        "import os, numpy as np; from skimage.data import astronaut; from pyface import models\n"
        "d, image = models.load('mtcnn', n_threads=2), astronaut()\n"
        "wanted = d.detect(image).boxes\n"
        "child = os.fork()\n"
        "same = len(wanted) == 1 and np.array_equal(d.detect(image).boxes, wanted)\n"
        "if child == 0: raise SystemExit(0 if same else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), same)"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("0 True\n", "", 0)


def test_a_file_that_is_not_mtcnns_is_told_before_those_beside_it_are_missed(tmp_path: Path) -> None:
    (tmp_path / "other.onnx").write_bytes(b"\x08\x08")
    with pytest.raises(errors.ModelFileError, match=r"other\.onnx is not one of the files of the package mtcnn"):
        models.load(tmp_path / "other.onnx", family="mtcnn")
