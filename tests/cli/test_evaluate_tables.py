"""``pyface evaluate --per-cluster`` and ``--bootstrap``: where the errors are, and how sure the scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="the extra 'models' is not installed")

from command_line import one_line
from command_line import pyface_here as pyface

from pyface import metrics

# One of c is with a, and b is in two clusters and once in none.
CLUSTERS = ["7", "7", "7", "x", "x", "y", "-1", "z", "z"]
PEOPLE = ["a", "a", "c", "b", "b", "b", "b", "d", "d"]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    lines = [f"{i},{i}.jpg,0,0,9,9,1,{cluster}" for i, cluster in enumerate(CLUSTERS)]
    pred, truth = tmp_path / "faces.csv", tmp_path / "truth.csv"
    pred.write_text("\n".join(["face_id,photo,x1,y1,x2,y2,score,cluster", *lines, ""]))
    truth.write_text("\n".join(["face_id,person", *(f"{i},{person}" for i, person in enumerate(PEOPLE)), ""]))
    return pred, truth


def test_the_worst_are_named_as_the_file_names_them(files: tuple[Path, Path]) -> None:
    done = pyface("evaluate", *files, "--per-cluster")
    assert done.returncode == 0, done.stderr
    _, words = done.stdout.split("\n\n")
    assert words.splitlines() == [
        "worst mixed clusters",
        "    7: 3 faces, 2 of a, 1 of 1 other",
        "most split people",
        "    b: 4 faces in 3 clusters, 2 in x",
    ]
    plain = pyface("evaluate", *files)
    assert done.stdout.startswith(plain.stdout.rstrip("\n"))


def test_nothing_is_wrong(tmp_path: Path, files: tuple[Path, Path]) -> None:
    truth = tmp_path / "same.csv"
    truth.write_text("\n".join(["face_id,person", "0,a", "1,a", "3,b", "4,b", ""]))
    words = pyface("evaluate", files[0], truth, "--per-cluster").stdout.split("\n\n")[1]
    assert words.splitlines() == ["worst mixed clusters", "    none", "most split people", "    none"]


def test_intervals_stand_beside_their_scores(files: tuple[Path, Path]) -> None:
    done = pyface("evaluate", *files, "--bootstrap", 50)
    assert done.returncode == 0, done.stderr
    numbers = [0, 0, 0, 1, 1, 2, -1, 3, 3]
    wanted = metrics.bootstrap_intervals(PEOPLE, numbers, n_bootstrap=50)
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    for name, (_, low, high) in wanted.items():
        assert lines[name].endswith(f"  [{low:.4f}, {high:.4f}]")
    assert "[" not in lines["ami"] and "[" not in lines["n_noise"]


def test_json_has_all_of_them(files: tuple[Path, Path]) -> None:
    found = json.loads(pyface("evaluate", *files, "--per-cluster", "--bootstrap", 20, "--json").stdout)
    assert found.pop("intervals").keys() == metrics.bootstrap_intervals(PEOPLE, range(9), n_bootstrap=2).keys()
    clusters, people = found.pop("clusters"), found.pop("people")
    assert [row["labels"] for row in clusters] == ["7", "x", "y", "z"]
    assert clusters[0]["main_identity"] == "a" and clusters[0]["n_others"] == 1
    assert [row["labels"] for row in people][:1] == ["b"] and len(people) == 4
    assert people[0]["n_noise"] == 1 and people[0]["main_cluster"] == "x"
    assert found == json.loads(pyface("evaluate", *files, "--json").stdout)


def test_too_few_draws(files: tuple[Path, Path]) -> None:
    one_line(pyface("evaluate", *files, "--bootstrap", 1), 2, "n_bootstrap must be at least 2, got 1")
