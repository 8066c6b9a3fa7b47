"""Which models a chain takes: names, paths with their families, packs, and the points of the detector itself."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import weight_server
from made_up_models import ByColour, FivePoints, OneFace
from weight_server import five_points, spec

from pyface import FaceAnalyzer, models
from pyface.analysis.chain import Chain, load_chain
from pyface.errors import ModelNotFoundError
from pyface.types import Detections


class WithPoints(OneFace):
    """The points of its face are on a diagonal."""

    scheme = "dlib-5"

    def detect(self, image: Any, *, threshold: float | None = None, color: str = "rgb") -> Detections:
        found = super().detect(image, threshold=threshold, color=color)
        points = np.repeat(np.arange(5.0)[None, :, None], 2, axis=2) + image.shape[0] / 2
        return Detections(found.boxes, found.scores, points)


def test_the_points_of_the_detector() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    analyzer = FaceAnalyzer(detector=WithPoints(), landmarks="detector", embedder=ByColour())
    assert analyzer.chain.landmarks is None and analyzer.chain.scheme == "dlib-5"
    (face,) = analyzer.analyze(image)
    np.testing.assert_array_equal(face.landmarks, np.repeat(np.arange(32.0, 37)[:, None], 2, axis=1))
    assert face.scheme == "dlib-5" and face.embedding is not None
    assert analyzer.chain.settings() == {"detector": "one-face", "landmarks": "detector", "embedder": "by-colour"}
    assert Chain(None, None, None).settings() == {"detector": None, "landmarks": None, "embedder": None}


@pytest.mark.parametrize(
    ("detector", "words"), [(OneFace(), "the detector one-face gives none"), (False, "there is no detector")]
)
def test_a_detector_that_gives_no_points(detector: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"{words}; name a model for landmarks="):
        load_chain(detector=detector, landmarks="detector", embedder=False)


def test_a_pack_whose_points_are_the_detectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: dict[str, Any] = {"finder": WithPoints(), "vectors": ByColour()}
    chain = importlib.import_module("pyface.analysis.chain")
    weight_server.install(monkeypatch, pack=("finder", "detector", "vectors"))
    monkeypatch.setattr(chain, "load", lambda name, *_, **__: loaded[name])
    monkeypatch.setattr(chain, "require_pulled", lambda name, by: None)
    whole = load_chain("pack")
    assert (whole.detector, whole.landmarks, whole.embedder) == (loaded["finder"], None, loaded["vectors"])
    other = FivePoints()
    assert load_chain("pack", landmarks=other).landmarks is other
    assert load_chain("pack", embedder=False, landmarks=False).scheme == "dlib-5"
    loaded["finder"] = OneFace()
    with pytest.raises(ValueError, match="gives none"):
        load_chain("pack")


def test_what_is_no_part_is_told_with_what_it_is() -> None:
    for role, words in (("detector", "a detector"), ("landmarks", "a landmark model"), ("embedder", "an embedder")):
        with pytest.raises(TypeError, match=f"^{role} must be {words}: .*; got 3$"):
            load_chain(**{"detector": False, "landmarks": False, "embedder": False, role: 3})
    with pytest.raises(TypeError, match=r"^embedder must be an embedder: .* which is a detector$"):
        load_chain(detector=False, landmarks=False, embedder=OneFace())


def test_packs_that_are_not_known() -> None:
    with pytest.raises(TypeError, match="the name of a pack must be a string, got 3"):
        load_chain(3)  # type: ignore[arg-type]
    for name in ("none", "buffalo-l", ""):
        with pytest.raises(ModelNotFoundError, match=r"no pack of models is named .*: opencv, dlib, buffalo_l"):
            load_chain(name)


def test_paths_and_their_families(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "points.dat"
    path.write_bytes(five_points())
    some: dict[str, Any] = {"detector": OneFace(), "embedder": ByColour()}
    for given in (path, str(path)):
        chain = load_chain(landmarks=given, landmarks_family="dlib_5", **some)
        assert chain.settings()["landmarks"] == str(path) and chain.settings()["landmarks_family"] == "dlib_5"
        assert set(chain.digests()) == {"one-face", str(path), "by-colour"}
        with pytest.raises(ValueError, match=r"points\.dat: a path needs its family, .* \(--landmarks-family\)"):
            load_chain(landmarks=given, **some)
    monkeypatch.chdir(tmp_path)
    assert load_chain(landmarks="points.dat", landmarks_family="dlib_5", **some).settings()["landmarks"] == str(path)
    for choice in (None, False, FivePoints()):
        with pytest.raises(ValueError, match="landmarks_family='dlib_5' says what a path is: it needs landmarks="):
            load_chain(landmarks=choice, landmarks_family="dlib_5", **some)
    with pytest.raises(
        TypeError, match=r"detector must be a detector: .*; got .*points\.dat', which is a landmark model"
    ):
        load_chain(detector=path, detector_family="dlib_5", embedder=False, landmarks=False)
    with pytest.raises(ValueError, match="is of the family 'dlib_mmod'"):
        load_chain(detector="dlib-mmod", detector_family="scrfd", embedder=False, landmarks=False)
    loaded = models.load(path, "dlib_5")
    assert load_chain(landmarks=loaded, **some).settings()["landmarks_family"] == "dlib_5"


def test_a_model_of_the_catalog_has_no_family_beside_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path / "cache"))
    data = five_points()
    weight_server.install(monkeypatch, spec("points", data))
    (tmp_path / "points.dat").write_bytes(data)
    models.pull("points", source=tmp_path)
    chain = load_chain(detector=OneFace(), landmarks="points", embedder=ByColour())
    assert chain.settings() == {"detector": "one-face", "landmarks": "points", "embedder": "by-colour"}
