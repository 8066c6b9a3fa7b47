"""An album to look through: three people of several faces, in more parts than they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from album.records import two_to_a_photo, write_record

from pyface.report.folder import recluster_photos

TRUTH = [0, 1, 0, 1, 0, 2, 0, 1, 2, 1, 2, 3, 3, 0, 2, 3]


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pyface.server.app.GRACE_SECONDS", 0.0)
    out = write_record(tmp_path / "out", two_to_a_photo(TRUTH))
    recluster_photos(out, threshold=0.02)
    return out
