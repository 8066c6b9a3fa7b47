"""Real weights and photos that are never part of the project; tests that need them are skipped without them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SHARED = Path(os.environ.get("PYFACE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def weights(name: str) -> Path:
    """The path of a weight file."""
    path = SHARED / "models" / name
    if not path.is_file():
        pytest.skip(f"no real weights {path}")
    return path


def photos(step: int) -> list[Any]:
    """(name, RGB picture) of every ``step``-th person of LFW."""
    people = sorted((SHARED / "images" / "lfw").glob("*/"))
    if not people:
        pytest.skip(f"no real photos in {SHARED / 'images' / 'lfw'}")
    image = pytest.importorskip("PIL.Image", reason="photos are read by Pillow")
    files = [sorted(person.glob("*.jpg"))[0] for person in people[::step]]
    return [(file.stem, np.array(image.open(file).convert("RGB"))) for file in files]
