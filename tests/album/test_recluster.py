"""People anew from the record of work, without the photos."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import photo_sets
import pytest
from album.albums import FILES, contents, damage, people
from numpy.testing import assert_array_equal

pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")

import pyface
from pyface.album import run
from pyface.errors import OutputFolderError
from pyface.report import folder as report_folder
from pyface.report.folder import recluster_photos


@pytest.fixture
def fit_keeps_apart(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Takes note of the photos given to fit, which then leaves every face alone."""
    from pyface.cluster import AgglomerativeClustering

    seen: list[np.ndarray] = []
    fit = AgglomerativeClustering.fit

    def alone(self: Any, X: np.ndarray, y: None = None, *, cannot_link_groups: np.ndarray | None = None) -> Any:
        fit(self, X)
        if cannot_link_groups is not None:
            seen.append(cannot_link_groups)
            self.labels_ = np.arange(len(X))
        return self

    monkeypatch.setattr(AgglomerativeClustering, "fit", alone)
    return seen


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"threshold": 0.05},
        {"algorithm": "complete"},
        {"algorithm": "single", "n_clusters": 3},
        {"algorithm": "dbscan", "threshold": 0.2},
        {"algorithm": "kmeans", "n_clusters": 2},
        {"n_clusters": 1},
    ],
    ids=str,
)
def test_regrouped_is_as_if_clustered_so(photos: Path, out: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    want = pyface.cluster_photos(photos, out=tmp_path / "want", **options)
    got = recluster_photos(out, **options)
    assert contents(out) == contents(tmp_path / "want")
    assert_array_equal(got.labels, want.labels)
    assert got.close_calls == want.close_calls
    assert (got.settings, got.models, got.skipped) == (want.settings, want.models, want.skipped)
    settings = json.loads((out / "summary.json").read_text())["settings"]
    assert settings["algorithm"] == options.get("algorithm", "average")
    assert settings["n_clusters"] == options.get("n_clusters")
    assert (settings["threshold"] is None) == ("n_clusters" in options)
    page = (out / "report.html").read_text()
    assert ("<dt>Threshold</dt>" in page) != ("<dt>People asked for</dt>" in page)
    assert ("<dt>People asked for</dt>" in page) == ("n_clusters" in options)


def test_photos_and_models_may_be_gone(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(out)
    shutil.move(out, tmp_path / "elsewhere")
    monkeypatch.setattr("pyface.album.build.models_for", None)
    monkeypatch.setattr("pyface.album.build.find_photos", None)
    stages: list[tuple[str, int, int]] = []
    recluster_photos(os.fsencode(tmp_path / "elsewhere"), n_threads=1, progress=lambda *call: stages.append(call))
    again = contents(tmp_path / "elsewhere")
    settings = json.loads(again["summary.json"])["settings"]
    assert settings.pop("n_threads") == 1
    assert {name: again[name] for name in FILES if name != "summary.json"} == {
        name: before[name] for name in FILES if name != "summary.json"
    }
    assert stages == [("people", 0, 8), ("people", 8, 8)]


def test_faces_of_one_photo_are_kept_apart(
    photos: Path, out: Path, tmp_path: Path, fit_keeps_apart: list[np.ndarray]
) -> None:
    # Average linkage keeps its merges and does without fit.
    options: dict[str, Any] = {"algorithm": "complete", "same_photo_different_people": True}
    album = pyface.cluster_photos(photos, out=tmp_path / "want", **options)
    assert album.n_people == 8
    (groups,) = fit_keeps_apart
    names = np.array([entry.photo for entry in album.faces])
    assert_array_equal(groups[:, None] == groups, names[:, None] == names)
    recluster_photos(out, **options)
    assert contents(out) == contents(tmp_path / "want")
    assert json.loads((out / "summary.json").read_text())["settings"]["same_photo_different_people"] is True
    assert "faces of one photo kept apart" in (out / "report.html").read_text()


def test_nobody_is_split_who_is_once_in_a_photo(out: Path) -> None:
    before = people(out)
    recluster_photos(out, same_photo_different_people=True)
    assert people(out) == before


def test_two_faces_of_one_photo_that_look_alike(tmp_path: Path) -> None:
    a = photo_sets.astronaut()
    photo_sets.save(tmp_path / "photos" / "twice.png", np.hstack([a, a[:, ::-1]]))
    photo_sets.save(tmp_path / "photos" / "z.png", a)
    assert pyface.cluster_photos(tmp_path / "photos", out=tmp_path / "out").n_people == 1
    album = recluster_photos(tmp_path / "out", same_photo_different_people=True)
    assert album.n_people == 2
    assert album.labels[0] != album.labels[1]


def test_bad_options_change_nothing(out: Path) -> None:
    before = {name: (out / name).read_bytes() for name in FILES}
    for options, match in (
        ({"algorithm": "kmeans"}, "n_clusters"),
        ({"n_clusters": 9}, "9 people asked for, but only 8 faces"),
        ({"threshold": 0.0}, "threshold"),
    ):
        with pytest.raises(ValueError, match=match):
            recluster_photos(out, **options)
    assert {name: (out / name).read_bytes() for name in FILES} == before


@pytest.mark.parametrize(
    ("sql", "match"),
    [
        ("PRAGMA user_version = 1", "written by an incompatible, older version of pyface"),
        ("PRAGMA user_version = 4", "written by a newer version of pyface"),
        (
            "DROP TABLE faces",
            "cannot be used as a record of work.*remove it.*photos that --add brought.*names and answers stay",
        ),
        ("DELETE FROM run", "no record of work in it"),
        ("UPDATE run SET described = 'x'", "cannot be used as a record of work"),
        ("UPDATE run SET described = '{}'", "the last run is not described"),
        ("UPDATE faces SET embedding = x'00000000'", "record of work is damaged"),
        ("UPDATE faces SET embedding = x'00'", "cannot be used as a record of work"),
        ("UPDATE photos SET analysis = 'other' WHERE name = CAST('h1.jpg' AS BLOB)", "'h1.jpg' is known from one with"),
    ],
)
def test_a_record_that_is_of_no_use_is_told(out: Path, sql: str, match: str) -> None:
    damage(out, sql)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(OutputFolderError, match=match):
        recluster_photos(out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_what_is_no_record_is_told(out: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for name, match in (
        ("none", "does not exist"),
        ("mine", "was not written by pyface"),
        ("empty", "was not written by pyface"),
        ("file", "was not written by pyface"),
    ):
        with pytest.raises(OutputFolderError, match=match):
            recluster_photos(tmp_path / name)
    assert not (tmp_path / "none").exists()
    assert not list((tmp_path / "empty").iterdir())
    (out / "work.sqlite").write_bytes(b"garbage" * 1000)
    with pytest.raises(OutputFolderError, match="cannot be used as a record of work"):
        recluster_photos(out)
    (out / "work.sqlite").write_bytes(b"")
    with pytest.raises(OutputFolderError, match="no record of work in it"):
        recluster_photos(out)
    (out / "work.sqlite").unlink()
    with pytest.raises(OutputFolderError, match="no record of work in it"):
        recluster_photos(out)
    assert not (out / "work.sqlite").exists()


def test_after_a_run_that_did_not_end(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(run, "SAVE_EVERY_PHOTOS", 1)

    def interrupt(stage: str, n_done: int, total: int) -> None:
        if n_done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pyface.cluster_photos(photos, out=tmp_path / "out", batch_size=1, n_threads=1, progress=interrupt)
    album = recluster_photos(tmp_path / "out")
    assert 3 <= len(album.photos) < 8
    assert "the last run did not end" in caplog.text
    assert people(tmp_path / "out").keys() == {
        (entry.photo, f"{entry.face.box[0]:.2f}") for entry in album.faces
    }  # fmt: skip
    caplog.clear()
    pyface.cluster_photos(photos, out=tmp_path / "out")
    recluster_photos(tmp_path / "out")
    assert not caplog.text


def test_the_files_are_written_before_the_numbers_are_remembered(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OutputFolderError("the disk is full")

    before = (out / "work.sqlite").read_bytes()
    monkeypatch.setattr(report_folder, "write_files", fail)
    with pytest.raises(OutputFolderError, match="full"):
        recluster_photos(out, threshold=0.05)
    assert (out / "work.sqlite").read_bytes() == before
