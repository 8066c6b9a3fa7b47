"""Real networks on real faces: thresholds part people, and the right range does it better than a wrong one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pyface
from pyface import models

pytest.importorskip("onnx", reason="the files are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

SHARED = Path(os.environ.get("PYFACE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
FILES = {
    "arcface": ("mobilefacenet.onnx", {"normalization": "imagenet"}),
    "omz_0095": ("face-reidentification-retail-0095.onnx", {}),
}
N_PEOPLE, N_PHOTOS = 8, 3


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs {path}; PYFACE_SHARED names the folder of the shared data")
    return path


def of(family: str, **changes: Any) -> Any:
    file, options = FILES[family]
    return models.load(shared(f"models/{file}"), family, n_threads=1, **(options | changes))


@pytest.fixture(scope="module")
def faces() -> list[tuple[np.ndarray, np.ndarray]]:
    """Three photos each of eight people of LFW, and the five points of the face in their middle, (1, 5, 2)."""
    detector = models.load(shared("models/scrfd_500m.onnx"), "scrfd", n_threads=1)
    found = []
    folders = [f for f in sorted(shared("images/lfw").iterdir()) if len(list(f.iterdir())) >= N_PHOTOS]
    for path in (path for folder in folders[:N_PEOPLE] for path in sorted(folder.iterdir())[:N_PHOTOS]):
        image = pyface.read_image(path)
        seen = detector.detect(image)
        away = seen.boxes.reshape(-1, 2, 2).mean(axis=1) - 125
        found.append((image, seen.landmarks[[np.hypot(*away.T).argmin()]]))
    return found


def vectors(model: Any, faces: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    return np.concatenate([model.embed(model.crop(image, points)) for image, points in faces])


def gap(x: np.ndarray) -> float:
    """How far apart same and different people are on average, in standard deviations of both."""
    same, different = by_kind(x)
    return float((different.mean() - same.mean()) / np.hypot(same.std(), different.std()))


def by_kind(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    people = np.repeat(np.arange(N_PEOPLE), N_PHOTOS)
    i, j = np.triu_indices(len(people), 1)
    d = pyface.cosine_distances(x)[i, j]
    return d[people[i] == people[j]], d[people[i] != people[j]]


@pytest.mark.parametrize("family", FILES)
def test_thresholds_part_people(family: str, faces: list[tuple[np.ndarray, np.ndarray]]) -> None:
    model = of(family)
    x = vectors(model, faces)
    assert x.shape == (N_PEOPLE * N_PHOTOS, model.dimension) == (24, 256 if family == "omz_0095" else 128)
    same, different = by_kind(x)
    assert (same < model.pair_threshold).mean() >= 0.9 and (different < model.pair_threshold).mean() <= 0.01
    labels = pyface.cluster.for_embedder(model).fit_predict(x)
    assert pyface.metrics.evaluate(np.repeat(np.arange(N_PEOPLE), N_PHOTOS), labels).bcubed_f > 0.95


def test_the_range_that_a_file_wants_is_the_best(faces: list[tuple[np.ndarray, np.ndarray]]) -> None:
    right = gap(vectors(of("arcface"), faces))
    assert right > gap(vectors(of("arcface", normalization="raw"), faces)) + 1
    assert of("arcface", normalization=None).normalization == "arcface"  # nothing in the file says otherwise


@pytest.mark.parametrize("family", FILES)
def test_the_mirror_image_belongs_to_the_same_person(family: str, faces: list[tuple[np.ndarray, np.ndarray]]) -> None:
    once, twice = vectors(of(family), faces[:6]), vectors(of(family, flip=True), faces[:6])
    assert (np.diag(pyface.cosine_distances(once, twice)) < 0.15).all()
    assert not np.array_equal(once, twice)


def test_both_fit_what_they_are_asked_for() -> None:
    with pytest.raises(pyface.errors.ModelFileError, match="its picture has a side of 112"):
        models.load(shared(f"models/{FILES['arcface'][0]}"), "omz_0095")
    with pytest.raises(pyface.errors.ModelFileError, match=r"scrfd_500m.*it has 9 outputs, expected one vector"):
        models.load(shared("models/scrfd_500m.onnx"), "facenet")
