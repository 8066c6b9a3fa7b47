"""``pyface evaluate``: faces in no cluster are noise, by the rule of ``pyface.metrics.evaluate``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="the extra 'models' is not installed")

from command_line import messages, one_line, pyface

from pyface import metrics
from pyface.album.truth import compare_labels

PEOPLE = ["a", "b", "c", "c"]


def write(folder: Path, clusters: list[str], people: list[str]) -> tuple[Path, Path]:
    """A faces.csv of a face a photo, and a truth of a person a face."""
    lines = [f"{i},{i}.jpg,0,0,9,9,1,{cluster}" for i, cluster in enumerate(clusters)]
    pred, truth = folder / "faces.csv", folder / "truth.csv"
    pred.write_text("\n".join(["face_id,photo,x1,y1,x2,y2,score,cluster", *lines, ""]))
    truth.write_text("\n".join(["face_id,person", *(f"{i},{person}" for i, person in enumerate(people)), ""]))
    return pred, truth


@pytest.mark.parametrize(("noise", "f"), [(None, 1.0), ("singletons", 1.0), ("drop", 1.0), ("cluster", 6 / 7)])
def test_minus_one_is_noise(tmp_path: Path, noise: str | None, f: float) -> None:
    pred, truth = write(tmp_path, ["-1", "-1", "0", "0"], PEOPLE)
    done = pyface("evaluate", pred, truth, "--json", *(["--noise", noise] if noise else []))
    scores = json.loads(done.stdout)
    assert scores["bcubed_f"] == pytest.approx(f)
    assert scores["n_noise"] == 2
    options = {"noise": noise} if noise else {}
    assert scores == dataclasses.asdict(metrics.evaluate(PEOPLE, [-1, -1, 0, 0], **options))


@pytest.mark.parametrize("noise", ["-1", "-1.0", " -1", "", "  "])
def test_noise_as_programs_write_it(tmp_path: Path, noise: str) -> None:
    pred, truth = write(tmp_path, [noise, "x", "x", noise], ["a", "b", "b", "c"])
    labels = compare_labels(str(pred), str(truth), None, one_per_photo=False)
    assert labels.labels_pred.tolist() == [-1, 0, 0, -1]
    assert metrics.evaluate(labels.labels_true, labels.labels_pred).bcubed_f == 1.0


def test_other_names_are_clusters(tmp_path: Path) -> None:
    pred, truth = write(tmp_path, ["nobody", "-2", "nobody", "01", "1"], ["a", "b", "a", "c", "d"])
    labels = compare_labels(str(pred), str(truth), None, one_per_photo=False)
    assert labels.labels_pred.tolist() == [0, 1, 0, 2, 3]


@pytest.mark.parametrize("name", ["-1", "-1.0"])
def test_a_person_named_minus_one_is_one_like_any_other_and_that_is_said(tmp_path: Path, name: str) -> None:
    pred, truth = write(tmp_path, ["0", "0", "1"], [name, name, "a"])
    done = pyface("evaluate", pred, truth, "--json")
    assert json.loads(done.stdout)["bcubed_f"] == 1.0
    assert messages(done) == ["counted as one person named -1: 2 faces; leave empty whom nobody knows"]


@pytest.mark.parametrize("nobody", ["", " "])
def test_a_person_without_a_name_is_not_known(tmp_path: Path, nobody: str) -> None:
    pred, truth = write(tmp_path, ["0", "0", "1"], ["a", nobody, "a"])
    labels = compare_labels(str(pred), str(truth), None, one_per_photo=False)
    assert (labels.labels_true, labels.n_left_out) == (["a", "a"], 1)


def test_a_rule_that_is_none(tmp_path: Path) -> None:
    pred, truth = write(tmp_path, ["0", "0"], ["a", "a"])
    one_line(pyface("evaluate", pred, truth, "--noise", "alone"), 2, "noise must be one of 'singletons', 'drop'")
