"""Every example runs as a reader would run it, says something, and stays short enough to be read."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

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
        for module in ("onnxruntime", "cv2", "face_recognition_models", "skimage", "matplotlib"):
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
