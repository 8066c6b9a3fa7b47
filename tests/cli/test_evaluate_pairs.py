"""``pyface evaluate --pairs`` and ``--plot``, the lists on stderr and in JSON; in this process, which is quicker."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer", reason="the extra 'models' is not installed")

from album.scored_faces import vectors, write_folder
from command_line import messages, one_line, pixels, pyface, pyface_here

from pyface.album.people import check_grouping, group_faces

PEOPLE = [person for person in range(6) for _ in range(4)]
PHOTOS = [f"{'ABCDEF'[person]}/{'ABCDEF'[person]}_{1 + i % 4:04d}.jpg" for i, person in enumerate(PEOPLE)]
X = vectors(2, PEOPLE)
LFW = ["3\t2"] + [
    line for a, b in ("AB", "CD", "EF") for line in (f"{a}\t1\t2", f"{b}\t1\t3", f"{a}\t1\t{b}\t1", f"{a}\t3\t{b}\t4")
]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    grouping = check_grouping("average", 0.5, None, False)
    clusters, _ = group_faces(X, grouping, metric="cosine", photos=np.arange(24), n_threads=1)
    return write_folder(tmp_path / "out", PHOTOS, clusters.tolist(), X)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.txt"
    path.write_text("\n".join([*LFW, ""]))
    return path


def test_scores_of_pairs(out: Path, pairs: Path) -> None:
    done = pyface_here("evaluate", out, "--pairs", pairs, "--bootstrap", 20)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines()}
    found = json.loads(pyface_here("evaluate", out, "--pairs", pairs, "--bootstrap", 20, "--json").stdout)
    assert lines["accuracy"] == f"{found['accuracy']:.4f} ± {found['accuracy_std']:.4f}"
    assert (found["n_pairs"], found["n_same"], found["n_different"], found["n_folds"]) == (12, 6, 6, 3)
    for name in ("tar_at_far_0.01", "tar_at_far_0.001", "equal_error_rate"):
        low, high = found["intervals"][name]
        assert lines[name] == f"{found[name]:.4f}  [{low:.4f}, {high:.4f}]"
    assert found["pairs"] == {"n_left_out": 0, "unknown": [], "without_face": [], "several": [], "doubled": []}
    assert messages(done) == ["few pairs of two people: at a FAR below 0.17 none of the 6 is accepted"]
    plain = json.loads(pyface_here("evaluate", out, "--pairs", pairs, "--json").stdout)
    assert "intervals" not in plain and plain["equal_error_rate"] == found["equal_error_rate"]
    other = json.loads(pyface_here("evaluate", out, "--pairs", pairs, "--json", "--metric", "euclidean").stdout)
    assert other["metric"] == "euclidean" and other["threshold"] != plain["threshold"]


def test_what_pairs_lack_is_said(tmp_path: Path) -> None:
    photos = [*PHOTOS[1:], "B/B_0001.jpg"]
    out = write_folder(tmp_path / "out", photos, [0] * 24, np.roll(X, -1, axis=0), empty=["Z_0001.png"])
    table = tmp_path / "pairs.csv"
    unknown = [f"x{i}.jpg,A_0002,0" for i in range(12)]
    rows = ["B_0001,B_0002,1", "A_0002,B_0001,0", "B_0001,A_0002,0", "Z_0001,A_0003,0", *unknown]
    table.write_text("\n".join(["photo,other photo,same", *rows, ""]).replace("other photo", "photo_2"))
    done = pyface_here("evaluate", out, "--pairs", table, "--json")
    assert messages(done) == [
        "left out: 13 pairs of 16",
        f"not in PRED: 12 photos: {', '.join(f'x{i}.jpg' for i in range(10))} and 2 more",
        "without a face: 1 photo: Z_0001.png",
        "of several faces, the one nearest to the centre taken: 1 photo: B/B_0001.jpg",
        "listed more than once, and counted so: 1 pair: A/A_0002.jpg with B/B_0001.jpg",
        "PAIRS has no folds: 2 were made, with as many pairs of either kind as can be",
        "few pairs of two people: at a FAR below 0.5 none of the 2 is accepted",
    ]
    lists = json.loads(done.stdout)["pairs"]
    assert lists["n_left_out"] == 13 and len(lists["unknown"]) == 12


def test_the_picture_of_scores(out: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'plot' is not installed")
    done = pyface_here("evaluate", out, "--truth", "folder", "--plot", tmp_path / "curves.png")
    assert done.returncode == 0, done.stderr
    assert done.stdout == pyface_here("evaluate", out, "--truth", "folder").stdout
    said = re.fullmatch(
        r"best BCubed F (\S+) at the threshold (\S+) \(average linkage\), as clustered (\S+) at 0\.5: .*\.png\n",
        done.stderr,
    )
    assert said is not None, done.stderr
    assert len(np.unique(pixels(tmp_path / "curves.png").reshape(-1, 4), axis=0)) > 20
    done = pyface_here("evaluate", out, "--truth", "folder", "--plot", tmp_path / "curves.PDF", "--json")
    found = json.loads(done.stdout)
    assert said[1] == f"{found['best_bcubed_f']:.4f}" and said[3] == f"{found['bcubed_f']:.4f}"
    assert said[2] == f"{found['best_threshold']:.4g}"
    assert found["best_bcubed_f"] >= found["bcubed_f"]
    assert (tmp_path / "curves.PDF").read_bytes().startswith(b"%PDF")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.PDF", "curves.png", "out"]


def test_the_picture_of_pairs(out: Path, pairs: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'plot' is not installed")
    done = pyface_here("evaluate", out, "--pairs", pairs, "--plot", tmp_path / "roc.png", "--bootstrap", 10)
    assert done.returncode == 0 and messages(done)[-1] == f"ROC and DET: {tmp_path / 'roc.png'}"
    assert pixels(tmp_path / "roc.png").shape[2] == 4


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["OUT", "--truth", "folder", "--plot", "x.gif"], 2, "x.gif: a picture must end in .png, .svg or .pdf"),
        (["OUT", "--truth", "folder", "--plot", "png"], 2, "png: a picture must end in"),
        (["OUT", "--truth", "folder", "--plot", "no/x.png"], 2, "no such folder to write x.png to"),
        (["OUT", "--truth", "folder", "--plot", "DIR.png"], 2, "--plot must name a file"),
        (["CSV", "--truth", "folder", "--plot", "x.png"], 1, "a faces.csv has none"),
        (["CSV", "--pairs", "PAIRS"], 1, "--pairs needs the vectors of the faces, and a faces.csv has none"),
        (["OUT", "--truth", "jpg", "--plot", "x.png"], 1, "a ROC curve needs pairs of one person and of two"),
        (["OUT", "--pairs", "PAIRS", "--truth", "folder"], 2, "--pairs says itself who is one person: leave out TRUTH"),
        (["OUT", "PAIRS", "--pairs", "PAIRS"], 2, "leave out TRUTH, --truth and --per-cluster"),
        (["OUT", "--pairs", "PAIRS", "--per-cluster"], 2, "leave out TRUTH, --truth and --per-cluster"),
        (["OUT", "--pairs", "PAIRS", "--bootstrap", "1"], 2, "n_bootstrap must be at least 2, got 1"),
        (["OUT", "--pairs", "PAIRS", "--metric", "l1"], 2, "metric must be one of"),
        (["OUT", "--pairs", "nowhere.txt"], 2, "nowhere.txt: no such file"),
    ],
)
def test_refusals(
    out: Path,
    pairs: Path,
    tmp_path: Path,
    arguments: list[str],
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if any(".png" in argument for argument in arguments):
        pytest.importorskip("matplotlib", reason="the extra 'plot' is not installed")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "DIR.png").mkdir()
    places = {"OUT": out, "CSV": out / "faces.csv", "PAIRS": pairs}
    one_line(pyface_here("evaluate", *(places.get(argument, argument) for argument in arguments)), code, message)
    assert not (tmp_path / "x.png").exists()


def test_without_matplotlib_it_says_what_brings_it(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = pyface_here("evaluate", out, "--truth", "folder", "--plot", tmp_path / "x.png")
    one_line(done, 1, "it comes with: pip install 'pyface-toolkit[plot]'")


def test_arrays_in_the_place_of_a_folder(out: Path, tmp_path: Path) -> None:
    labels = np.genfromtxt(out / "faces.csv", delimiter=",", skip_header=1, usecols=7, dtype=np.int64)
    np.savez(tmp_path / "pred.npz", embeddings=X, labels=labels, photo=PHOTOS)
    given = [pyface_here("evaluate", pred, "--truth", "folder", "--json") for pred in (out, tmp_path / "pred.npz")]
    assert given[0].returncode == 0 and given[0].stdout == given[1].stdout


def test_what_the_truth_lacks_is_listed(tmp_path: Path) -> None:
    photos = [f"{i:02}.jpg" for i in range(16)]
    out = write_folder(tmp_path / "out", photos, range(16), empty=["none.jpg"])
    truth = tmp_path / "truth.csv"
    lines = ["00.jpg,a", "00.jpg,a", "01.jpg,b", "02.jpg,", "none.jpg,a", "x\n.jpg,a".replace("\n", "\x07")]
    truth.write_text("\n".join(["photo,person", *lines, ""]))
    done = pyface_here("evaluate", out, truth, "--one-per-photo", "--json")
    assert messages(done) == [
        "left out, as their person is not known: 14 faces",
        f"not in TRUTH: 13 photos: {', '.join(photos[3:13])} and 3 more",
        "in TRUTH without a person: 1 photo: 02.jpg",
        "each a person of its own: 1 photo without a face: none.jpg",
        r"ignored, as PRED has no such face or photo: 1 line of TRUTH: x\x07.jpg",
        "more than once in TRUTH, with the same person: 1 photo: 00.jpg",
    ]
    assert json.loads(done.stdout)["truth"] == {
        "by": "photo", "missing": photos[3:], "unnamed": ["02.jpg"], "unknown": ["x\x07.jpg"], "doubled": ["00.jpg"],
        "without_face": ["none.jpg"],
    }  # fmt: skip
    by_rule = pyface_here("evaluate", out, "--truth", "0[0-7]")
    assert messages(by_rule)[1] == "in which --truth finds no person: 8 photos: " + ", ".join(photos[8:])


def test_as_a_command(out: Path, pairs: Path) -> None:
    """Once in a process of its own: what is said in this one is what a person sees."""
    here = pyface_here("evaluate", out, "--pairs", pairs)
    done = pyface("evaluate", out, "--pairs", pairs)
    assert (done.returncode, done.stdout, done.stderr) == (here.returncode, here.stdout, here.stderr)
