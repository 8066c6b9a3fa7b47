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
    del scores["truth"]  # what it lacks
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
    assert messages(done) == [f"taken for people: {name} (2 faces); leave empty whom nobody knows"]


def test_names_like_noise_are_each_a_person_and_all_are_said(tmp_path: Path) -> None:
    pred, truth = write(tmp_path, ["0", "0", "1", "2"], ["-1", "-1", "-1.0", "a"])
    done = pyface("evaluate", pred, truth, "--json")
    scores = json.loads(done.stdout)
    assert (scores["bcubed_f"], scores["n_classes"]) == (1.0, 3)
    assert messages(done) == ["taken for people: -1 (2 faces), -1.0 (1 face); leave empty whom nobody knows"]


@pytest.mark.parametrize("nobody", ["", " "])
def test_a_person_without_a_name_is_not_known(tmp_path: Path, nobody: str) -> None:
    pred, truth = write(tmp_path, ["0", "0", "1"], ["a", nobody, "a"])
    labels = compare_labels(str(pred), str(truth), None, one_per_photo=False)
    assert (labels.labels_true, labels.n_left_out) == (["a", "a"], 1)


def test_a_rule_that_is_none(tmp_path: Path) -> None:
    pred, truth = write(tmp_path, ["0", "0"], ["a", "a"])
    one_line(pyface("evaluate", pred, truth, "--noise", "alone"), 2, "noise must be one of 'singletons', 'drop'")


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        ("face_id,person\n0,a\n1,b\n7,a\n01,a\n", "2 lines of TRUTH: 7, 01"),
        ("photo,person\n0.jpg,a\n1.jpg,b\nnowhere.jpg,a\n", "1 line of TRUTH: nowhere.jpg"),
        ("face_id,person\n0,a\n1,b\n", None),
    ],
)
def test_lines_of_the_truth_that_name_nothing_are_listed(tmp_path: Path, truth: str, said: str | None) -> None:
    pred, file = write(tmp_path, ["0", "1"], [])
    file.write_text(truth)
    done = pyface("evaluate", pred, file, "--json")
    assert json.loads(done.stdout)["n_samples"] == 2
    assert messages(done) == ([f"ignored, as PRED has no such face or photo: {said}"] if said else [])


def test_a_photo_without_a_face_is_no_unknown_one(tmp_path: Path) -> None:
    pred, file = write(tmp_path, ["0", "1"], [])
    file.write_text("photo,person\n0.jpg,a\nempty.jpg,b\nnowhere.jpg,c\n")
    sizes = [{"photo": name, "width": 9, "height": 9} for name in ("0.jpg", "1.jpg", "empty.jpg")]
    (tmp_path / "summary.json").write_text(json.dumps({"photos": sizes}))
    assert compare_labels(str(pred), str(file), None, one_per_photo=False).unknown == ("nowhere.jpg",)
