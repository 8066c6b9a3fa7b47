"""An album of two people, made once, for the tests that regroup it or add to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import photo_sets
import pytest


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regroup") / "photos"
    photo_sets.two_people(folder)
    (folder / "text.jpg").write_text("this is no photo\n")
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    return folder


@pytest.fixture(scope="module")
def done(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("done") / "out"
    import pyface  # the tests of this folder skip without the extra 'models'

    pyface.cluster_photos(photos, out=out)
    return out


@pytest.fixture
def out(done: Path, tmp_path: Path) -> Path:
    """A copy of OUT, to be changed."""
    return Path(shutil.copytree(done, tmp_path / "copy"))
