"""An index on disk: the same answers, all or nothing, and what it says of files that are not as they were."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pyface import NearestNeighbors
from pyface.errors import IndexFileError, PyfaceError
from pyface.neighbors import _saved

METRICS = ["cosine", "euclidean", "sqeuclidean"]


def rows(seed: int, n: int = 400, d: int = 20, dtype: Any = np.float32) -> NDArray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)


def file_of(folder: Path, name: str) -> Path:
    return next(folder.glob(f"{name}-*.npy"))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    NearestNeighbors(3, metric="euclidean").fit(rows(0)).save(tmp_path / "index")
    return tmp_path / "index"


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("check", [True, False])
def test_there_and_back(metric: str, dtype: Any, check: bool, tmp_path: Path) -> None:
    x = rows(0, dtype=dtype)
    index = NearestNeighbors(np.int64(3), radius=0.8, metric=metric, n_threads=2).fit(x[:150]).partial_fit(x[150:])
    index.save(tmp_path / "a" / "b")
    found = NearestNeighbors.load(os.fspath(tmp_path / "a" / "b"), check=check)
    assert found.get_params() == index.get_params()
    assert found.n_features_in_ == 20 and found.n_samples_fit_ == 400 and found.effective_metric_ == metric
    segment = found._index.segments[0]
    assert all(isinstance(part, np.memmap) and not part.flags.writeable for part in segment.arrays())
    for q in (None, rows(1, 9)):
        for got, want in zip(found.kneighbors(q), index.kneighbors(q), strict=True):
            np.testing.assert_array_equal(got, want)
        assert (found.radius_neighbors_graph(q) != index.radius_neighbors_graph(q)).nnz == 0
    more = rows(2, 30, dtype=dtype)
    np.testing.assert_array_equal(
        found.partial_fit(more).kneighbors(more)[1], index.partial_fit(more).kneighbors(more)[1]
    )


def test_names_of_columns_are_kept(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    NearestNeighbors().fit(pd.DataFrame(rows(0, d=2), columns=["a", "b"])).save(tmp_path / "index")
    assert NearestNeighbors.load(tmp_path / "index").feature_names_in_.tolist() == ["a", "b"]


def test_an_index_takes_the_place_of_another(saved: Path) -> None:
    before = set(os.listdir(saved))
    index = NearestNeighbors.load(saved).partial_fit(rows(5, 50))  # from the files that go
    want = index.kneighbors()[1]
    index.save(saved)
    assert len(os.listdir(saved)) == len(before) and set(os.listdir(saved)) & before == {"index.json"}
    np.testing.assert_array_equal(index.kneighbors()[1], want)
    np.testing.assert_array_equal(NearestNeighbors.load(saved).kneighbors()[1], want)


@pytest.mark.parametrize("step", [0, 2, 4, "json"])
def test_a_save_that_ends_early_leaves_what_was_there(saved: Path, step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    names, want = set(os.listdir(saved)), NearestNeighbors.load(saved).kneighbors()[1]
    real, count = _saved._write_array, 0

    def write(file: Path, parts: Any) -> None:
        nonlocal count
        if count == step:
            file.write_bytes(b"half of")
            raise KeyboardInterrupt
        count += 1
        real(file, parts)

    def replace(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_saved, "_write_array", write)
    if step == "json":
        monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(IndexFileError if step == "json" else KeyboardInterrupt):
        NearestNeighbors(metric="euclidean").fit(rows(9)).save(saved)
    assert set(os.listdir(saved)) == names
    np.testing.assert_array_equal(NearestNeighbors.load(saved).kneighbors()[1], want)


def test_what_a_killed_save_left_goes_with_the_next(saved: Path) -> None:
    for name in ("codes-0123456789abcdef.npy", "index-0123456789abcdef.tmp"):
        (saved / name).write_bytes(b"half of")
    NearestNeighbors.load(saved).save(saved)
    assert not [name for name in os.listdir(saved) if "0123456789abcdef" in name]


@pytest.mark.parametrize("name", ["rows", "codes", "bounds", "squares", "centre"])
def test_a_file_is_gone_truncated_or_changed(saved: Path, name: str) -> None:
    file = file_of(saved, name)
    content = file.read_bytes()
    for place in (len(content) - 1, len(content) // 2 + 64):
        changed = bytearray(content)
        changed[place] ^= 1
        file.write_bytes(changed)
        with pytest.raises(IndexFileError, match=f"{name}-.*is damaged: its bytes have changed"):
            NearestNeighbors.load(saved)
    changed = bytearray(content)
    changed[2] ^= 1
    file.write_bytes(changed)
    with pytest.raises(IndexFileError, match="no header of NumPy's"):
        NearestNeighbors.load(saved, check=False)
    file.write_bytes(content[:-5])
    with pytest.raises(IndexFileError, match=r"is damaged: it has [\d,]+ bytes instead of"):
        NearestNeighbors.load(saved, check=False)
    file.unlink()
    with pytest.raises(PyfaceError, match=f"{name}-.*is missing; bring it back"):
        NearestNeighbors.load(saved, check=False)


def test_another_array_in_its_place(saved: Path) -> None:
    file = file_of(saved, "rows")
    x = np.load(file)
    np.save(file, x.reshape(200, 40))
    with pytest.raises(IndexFileError, match=r"instead of|holds float32 of shape \(200, 40\)"):
        NearestNeighbors.load(saved, check=False)


def test_any_byte_of_the_description(saved: Path) -> None:
    file = saved / "index.json"
    content = file.read_bytes()
    for place in range(0, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 1
        if content[place : place + 1].isspace():  # between values, where it may lie about nothing
            continue
        file.write_bytes(changed)
        with pytest.raises(IndexFileError):
            NearestNeighbors.load(saved, check=False)


def test_another_version(saved: Path) -> None:
    file = saved / "index.json"
    content = json.loads(file.read_text())
    content.pop("sha256")
    content["version"] = 2
    content["sha256"] = hashlib.sha256(json.dumps(content, sort_keys=True, indent=1).encode()).hexdigest()
    file.write_text(json.dumps(content))
    with pytest.raises(IndexFileError, match="of version 2, this pyface reads version 1"):
        NearestNeighbors.load(saved)


def test_folders_of_something_else(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(IndexFileError, match=r"is not a search index, as it has no index\.json"):
        NearestNeighbors.load(tmp_path / "none")
    index = NearestNeighbors.load(saved)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"")
    with pytest.raises(IndexFileError, match=r"holds 'cat\.jpg', which is no part of an index"):
        index.save(tmp_path / "photos")
    assert os.listdir(tmp_path / "photos") == ["cat.jpg"]
    with pytest.raises(IndexFileError, match="cannot be written"):
        index.save(tmp_path / "photos" / "cat.jpg")
    (saved / "index.json").write_text("[]")
    with pytest.raises(IndexFileError, match="of something else"):
        NearestNeighbors.load(saved)
    (saved / "index.json").write_text("not JSON")
    with pytest.raises(IndexFileError, match="not JSON"):
        NearestNeighbors.load(saved)
    with pytest.raises(TypeError, match="path must be"):
        index.save(3)  # type: ignore[arg-type]


def test_a_saved_index_may_move(saved: Path, tmp_path: Path) -> None:
    want = NearestNeighbors.load(saved).kneighbors()[1]
    shutil.move(saved, tmp_path / "elsewhere")
    np.testing.assert_array_equal(NearestNeighbors.load(tmp_path / "elsewhere").kneighbors()[1], want)
