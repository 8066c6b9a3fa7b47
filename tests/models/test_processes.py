"""Models in several processes: inherited by fork at any number of threads, pickled by name, copied."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import forked
import numpy as np
import pytest

import pyface
from pyface import models
from pyface.errors import ModelFileError
from pyface.models import Detector
from pyface.types import Detections

NEEDS_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@NEEDS_FORK
@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_every_child_of_a_fork_ends_by_itself(weights: Path, shared_cache: Path, n_threads: int) -> None:
    pytest.importorskip("skimage.data", reason="the photo comes with scikit-image")
    lines = forked.run(f"forked.sessions({n_threads})").splitlines()
    assert len(lines) == 13
    assert [line for line in lines if not line.endswith(": 0")] == []


@pytest.mark.parametrize("method", [pytest.param("fork", marks=NEEDS_FORK), "spawn"])
def test_pools_of_processes(weights: Path, shared_cache: Path, method: str) -> None:
    pytest.importorskip("skimage.data", reason="the photo comes with scikit-image")
    assert forked.run(f"forked.pools({method!r}, 2)") == "done\n"


def test_a_pickle_is_a_name(detector: Any, landmarker: Any, embedder: Any, astronaut: np.ndarray) -> None:
    boxes = detector.detect(astronaut).boxes
    points = landmarker.locate(astronaut, boxes).points
    crops = embedder.crop(astronaut, points)
    for model in (detector, landmarker, embedder):
        pickled = pickle.dumps(model)
        assert len(pickled) < 1000 and model.name.encode() in pickled
        again = pickle.loads(pickled)
        assert (again.name, again.digest, repr(again)) == (model.name, model.digest, repr(model))
        assert again.origin == model.origin
        if model is detector:
            np.testing.assert_array_equal(again.detect(astronaut).boxes, boxes)
        elif model is landmarker:
            np.testing.assert_array_equal(again.locate(astronaut, boxes).points, points)
        else:
            np.testing.assert_array_equal(again.embed(crops), embedder.embed(crops))


def test_an_analyzer_is_pickled_with_all_that_shapes_its_answer(
    weights: Path, shared_cache: Path, astronaut: np.ndarray
) -> None:
    analyzer = pyface.FaceAnalyzer(color="bgr", embedder=False, n_threads=1, min_face=60, max_faces=3, max_side=900)
    again = pickle.loads(pickle.dumps(analyzer))
    for name in ("color", "min_face", "max_faces", "max_side"):
        assert getattr(again, name) == getattr(analyzer, name)
    assert again.chain.digests() == analyzer.chain.digests() and again.chain.embedder is None
    for ours, wanted in zip(again.analyze(astronaut), analyzer.analyze(astronaut), strict=True):
        np.testing.assert_array_equal(ours.landmarks, wanted.landmarks)


def test_a_path_is_pickled_from_the_root_on(weights: Path, shared_cache: Path, tmp_path: Path) -> None:
    file = "shape_predictor_5_face_landmarks.dat"
    (tmp_path / "5.dat").write_bytes((weights / file).read_bytes())
    code = (
        "import pickle, sys; from pyface import models; model = models.load('5.dat', 'dlib_5', n_threads=1)\n"
        "sys.stdout.buffer.write(pickle.dumps(model))"
    )
    command = [sys.executable, "-c", code]
    pickled = subprocess.run(command, capture_output=True, timeout=600, check=True, cwd=tmp_path).stdout
    again = pickle.loads(pickled)
    assert again.name == "5.dat" and again.scheme == "dlib-5"
    assert again.origin.name_or_path == str(tmp_path.resolve() / "5.dat")

    (tmp_path / "5.dat").unlink()
    with pytest.raises(ModelFileError, match=r"5\.dat cannot be read: No such file"):
        pickle.loads(pickled)


def test_other_weights_than_those_pickled_are_refused(
    landmarker: Any, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pickled = pickle.dumps(landmarker)
    monkeypatch.setattr("pyface.models.dlib.loading.CODE_VERSION", 10**6)
    with pytest.raises(ModelFileError, match="dlib-5: the weights here, or this version of pyface, are not those"):
        pickle.loads(pickled)


def test_a_copy_is_the_model_itself(detector: Any, landmarker: Any, embedder: Any) -> None:
    for model in (detector, landmarker, embedder):
        assert copy.copy(model) is model and copy.deepcopy([model])[0] is model
    analyzer = pyface.FaceAnalyzer(detector=detector, landmarks=landmarker, embedder=embedder)
    for copied in (copy.copy(analyzer), copy.deepcopy(analyzer)):
        copied.max_faces = 1
        assert analyzer.max_faces is None and copied.chain.detector is detector


def test_a_network_that_is_loaded_says_why_it_cannot_be_pickled(detector: Any) -> None:
    for attempt in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match=r"dlib-mmod: .* cannot be pickled or copied; models of pyface.models.load"):
            attempt(detector._session)


class Everywhere(Detector):
    """Somebody's own detector, which no name knows."""

    name, family, digest, smallest_face = "everywhere", "own", "0", 10.0

    def detect(self, image: Any, *, threshold: float | None = None, color: str = "rgb") -> Detections:
        return Detections(np.array([[0.0, 0, 9, 9]]), np.ones(1, np.float32))


def test_a_model_of_ones_own_is_pickled_as_any_object() -> None:
    again = pickle.loads(pickle.dumps(Everywhere()))
    assert isinstance(again, Everywhere) and len(again.detect(None)) == 1
    assert models.Model.origin is again.origin is None
