"""The picture of docs/how-it-works/alignment.md is what its script draws with the models of today."""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
SCRIPT = DOCS / "how-it-works" / "pictures" / "alignment.py"

if not SCRIPT.exists():
    pytest.skip("the documents are not part of a wheel", allow_module_level=True)


def test_the_picture_of_alignment_is_that_of_its_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("skimage", "onnxruntime", "onnx", "face_recognition_models"):
        if find_spec(module) is None:
            pytest.skip(f"needs {module}: pip install 'pyface-toolkit[models,dlib,demo]'")
    from PIL import Image

    spec = spec_from_file_location("draws_alignment", SCRIPT)
    assert spec and spec.loader
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "HERE", tmp_path)
    script.main()
    drawn, shown = (np.asarray(Image.open(folder / "alignment.jpg"), float) for folder in (tmp_path, SCRIPT.parent))
    assert drawn.shape == shown.shape
    assert np.abs(drawn - shown).mean() < 1  # other versions of the networks' runtime move a point by a little
