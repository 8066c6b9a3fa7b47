"""Names, paths, families, providers, licences: how a model is asked for."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles import dlib_files

from pyface import errors, models
from pyface.models import session
from pyface.models.catalog import _warned
from pyface.models.mtcnn.weights import ONET_SHA256


def test_the_catalog_is_whole() -> None:
    specs = models.catalog()
    insightface = ["det_10g", "det_2.5g", "det_500m", "2d106det", "1k3d68", "w600k_r50", "w600k_mbf", "glintr100"]
    assert [s.name for s in specs] == [
        "dlib-mmod", "dlib-5", "dlib-68", "dlib-resnet", "yunet", "mtcnn-onet", "sface", "mtcnn", "centerface",
        *insightface,
    ]  # fmt: skip
    assert models.PACKS == {
        "dlib": ("dlib-mmod", "dlib-5", "dlib-resnet"),
        "opencv": ("yunet", "mtcnn-onet", "sface"),
        "buffalo_l": ("det_10g", "detector", "w600k_r50"),
        "buffalo_m": ("det_2.5g", "detector", "w600k_r50"),
        "buffalo_sc": ("det_500m", "detector", "w600k_mbf"),
        "antelopev2": ("det_10g", "detector", "glintr100"),
    }
    by_name = {spec.name: spec for spec in specs}
    for detector, landmarks, embedder in models.PACKS.values():
        assert by_name[detector].task == "detector" and by_name[embedder].task == "embedder"
        assert landmarks == "detector" or by_name[landmarks].task == "landmarks"
    for spec in specs:
        assert len(spec.sha256) == 64
        assert spec.link.startswith("https://") and spec.license and spec.trained_on and spec.figures
        assert spec.commercial_use == (spec.name not in ("dlib-68", *insightface))
        assert spec.needs_consent == (spec.name in insightface)
    # Files that can hold anything are opened by digests that their reader knows itself.
    assert {by_name["mtcnn-onet"].sha256, by_name["mtcnn"].files[2].sha256} == {ONET_SHA256}
    with pytest.raises(AttributeError):
        specs[0].name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dlib-resnt", "Did you mean 'dlib-resnet'"),
        ("DLIB_MMOD", "Did you mean 'dlib-mmod'"),
        ("zzz", "Known: dlib-mmod"),
        ("", "Known: dlib-mmod"),
        ("dlib", "is a pack of models: dlib-mmod, dlib-5, dlib-resnet"),
    ],
)
def test_unknown_names_get_near_misses(name: str, words: str) -> None:
    with pytest.raises(errors.ModelNotFoundError, match=words):
        models.load(name)


def test_a_path_needs_a_known_family(tmp_path: Path) -> None:
    for path in (tmp_path / "a.dat", str(tmp_path / "a.dat"), "weights.dat"):
        with pytest.raises(ValueError, match="needs family="):
            models.load(path)
    with pytest.raises(ValueError, match=r"dlib_mmod, dlib_5, dlib_68, dlib_resnet.*did you mean 'scrfd'"):
        models.load(tmp_path / "a.onnx", family="scrf")
    with pytest.raises(errors.ModelFileError, match="cannot be read"):
        models.load(tmp_path / "a.dat", family="dlib_5")
    with pytest.raises(ValueError, match="is of the family 'dlib_5'"):
        models.load("dlib-5", family="dlib_68")


@pytest.mark.parametrize("wrong", [None, 3, b"dlib-5", ["dlib-5"]])
def test_what_is_neither_name_nor_path(wrong: Any) -> None:
    for call, name in (
        (models.load, "name_or_path"),
        (lambda wrong: models.load(wrong, "dlib_5"), "name_or_path"),
        (models.inspect, "path"),
    ):
        with pytest.raises(TypeError, match=f"^{name} must be a string or a path, got"):
            call(wrong)
    for call in (models.pull, models.paths, lambda wrong: models.verify(wrong or 3)):
        with pytest.raises(TypeError, match=r"^name must be a string, got"):
            call(wrong)
    if wrong is not None:
        with pytest.raises(TypeError, match=r"^family must be a string, got"):
            models.load("a.dat", wrong)


def test_a_name_with_a_null_character() -> None:
    for call in (models.load, lambda name: models.load(name, "scrfd"), models.inspect):
        with pytest.raises(ValueError, match=r"must hold no null character, got 'a\\x00b'"):
            call("a\0b")


@pytest.mark.parametrize("wrong", [3, [3], [None], [()], [("CPUExecutionProvider", {}), 3]])
def test_what_are_no_providers(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^providers must be names of execution providers"):
        session.Session(b"", name="x", providers=wrong)


def test_a_path_is_parsed_strictly(tmp_path: Path, shared_cache: Path) -> None:
    arrays = dlib_files.random_trees(n_cascades=1, n_trees=2, n_splits=3, n_pixels=4, n_points=5)
    path = tmp_path / "five.dat"
    path.write_bytes(dlib_files.shape_predictor(arrays))
    model = models.load(path, family="dlib_5")
    assert model.name == str(path) and model.family == "dlib_5" and model.scheme == "dlib-5"
    assert model.locate(np.zeros((50, 50, 3), np.uint8), [(0, 0, 40, 40)]).points.shape == (1, 5, 2)
    with pytest.raises(errors.ModelFileError, match="predicts 5 points, expected 68"):
        models.load(path, family="dlib_68")
    for family in ("dlib_mmod", "dlib_resnet"):
        with pytest.raises(errors.ModelFileError, match=r"five\.dat cannot be read"):
            models.load(path, family=family)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(errors.ModelFileError, match="ends"):
        models.load(path, family="dlib_5")


def test_a_network_of_the_other_kind(weights: Path, shared_cache: Path) -> None:
    with pytest.raises(errors.ModelFileError, match="another kind"):
        models.load(weights / "mmod_human_face_detector.dat", family="dlib_resnet")


def test_digests_name_weights_and_code(detector, embedder, landmarker, weights: Path) -> None:
    digests = {m.digest for m in (detector, embedder, landmarker)}
    assert len(digests) == 3 and all(len(bytes.fromhex(d)) == 32 for d in digests)
    again = models.load(weights / "mmod_human_face_detector.dat", family="dlib_mmod")
    assert again.digest == detector.digest
    assert "dlib-mmod" in repr(detector)


def test_the_license_is_said_once(weights: Path, shared_cache: Path) -> None:
    _warned.discard("dlib-68")
    with pytest.warns(errors.LicenseWarning, match="exclude commercial use"):
        model = models.load("dlib-68")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        models.load("dlib-68")
    assert model.scheme == "dlib-68"
    assert model.locate(np.zeros((90, 90), np.uint8), [(9, 9, 80, 80)]).points.shape == (1, 68, 2)


def test_pull_fills_the_cache(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path / "cache"))
    paths = models.pull("dlib")
    assert len(paths) == 3 and all(p.parent == tmp_path / "cache" and p.stat().st_size > 1e5 for p in paths)
    assert models.pull("dlib") == paths
    (tmp_path / "file").touch()
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path / "file" / "cache"))
    assert models.pull("dlib-mmod") == (weights / "mmod_human_face_detector.dat",)
    with pytest.raises(errors.ModelNotFoundError):
        models.pull("dlib-6")


def test_an_absent_provider_is_an_error(weights: Path, shared_cache: Path) -> None:
    for providers in (["NoSuchExecutionProvider"], "NoSuchExecutionProvider", [("NoSuchExecutionProvider", {})]):
        with pytest.raises(errors.PyfaceError, match=r"not available; this ONNX Runtime has: .*CPUExecutionProvider"):
            models.load("dlib-mmod", providers=providers)
    with pytest.raises(ValueError, match="at least one"):
        models.load("dlib-mmod", providers=[])
    assert models.load("dlib-mmod", providers="CPUExecutionProvider", n_threads=1).family == "dlib_mmod"
    assert "CPUExecutionProvider" in session.available_providers()


def test_a_graph_that_is_none(weights: Path) -> None:
    with pytest.raises(errors.ModelFileError, match="refuses the graph"):
        session.Session(b"not a graph", name="x")


def test_without_onnxruntime_the_extra_is_named(weights: Path, shared_cache: Path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(errors.MissingExtraError, match=r"pyface-toolkit\[models\]"):
        models.load("dlib-mmod")


def test_threads_are_checked(weights: Path, shared_cache: Path) -> None:
    with pytest.raises(ValueError, match="n_threads"):
        models.load("dlib-mmod", n_threads=0)
