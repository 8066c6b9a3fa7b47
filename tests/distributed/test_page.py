"""The Python of the page runs as it stands there, where a reader has rows in a file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from distributed_crowds import crowd

from pyface import cluster

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-it-works" / "distributed.md"


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not PAGE.exists():
        pytest.skip("the documents are not part of a wheel")
    monkeypatch.chdir(tmp_path)
    x = crowd(90)
    np.save("rows.npy", x)
    reader: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), reader)
    expected = cluster.DBSCAN(0.6, metric="cosine").fit(x).labels_
    np.testing.assert_array_equal(reader["model"].labels_, expected)  # type: ignore[attr-defined]
