"""The command, as a person types it: outputs, messages, exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import photo_sets
import pytest
from command_line import one_line
from command_line import pyface_here as pyface
from interrupts import NEEDS_SIGNALS, interrupted_command

pytest.importorskip("typer", reason="the extra 'models' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    photo_sets.two_people(folder)
    return folder


@pytest.fixture(scope="module")
def out(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results") / "out"
    done = pyface("cluster", photos, "-o", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "8 photos, 7 with a face; 8 faces of 2 people; 0 files skipped" in done.stderr
    assert f"page: {folder}/report.html" in done.stderr
    return folder


def test_cluster_again_is_the_same(photos: Path, out: Path) -> None:
    before = (out / "faces.csv").read_bytes()
    assert pyface("cluster", photos, "--out", out, "--n-threads", 1).returncode == 0
    assert (out / "faces.csv").read_bytes() == before


def test_trouble_is_listed_and_exit_is_0(tmp_path: Path) -> None:
    good, bad = photo_sets.trouble(tmp_path / "photos")
    done = pyface("cluster", tmp_path / "photos", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("skipped ")]
    assert len(lines) == len(bad)
    for name, reason in bad.items():
        assert any(line.startswith(f"skipped {name}: ") and reason in line for line in lines)
    assert f"{len(good)} photos" in done.stderr


def test_nothing_readable_is_exit_1(tmp_path: Path) -> None:
    folder, new = tmp_path / "photos", tmp_path / "new"
    folder.mkdir()
    one_line(pyface("cluster", folder, "-o", new), 1, f"pyface: {folder}: there is no photo in it\n")
    (folder / "text.jpg").write_text("x")
    done = pyface("cluster", folder, "-o", new)
    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        ["skipped text.jpg: not an image in a format that can be read",
         f"pyface: {folder}: none of the files could be read"],
    )  # fmt: skip
    assert not new.exists()


def test_nothing_readable_costs_no_album(out: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    before = {path: path.read_bytes() for path in out.iterdir()}
    done = pyface("cluster", tmp_path / "photos", "-o", out)
    one_line(done, 1, f"photos: there is no photo in it; {out} stays as it was")
    assert {path: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["cluster", "PHOTOS"], 2, "out"),
        (["cluster", "NONE", "-o", "OUT"], 2, "does not exist"),
        (["cluster", "PHOTOS", "-o", "OUT", "--algorithm", "magic"], 2, "algorithm must be one of"),
        (["cluster", "PHOTOS", "-o", "OUT", "--threshold", "x"], 2, "threshold"),
        (["cluster", "PHOTOS", "-o", "OUT", "--algorithm", "kmeans"], 2, "needs the number of people"),
        (["cluster", "PHOTOS", "-o", "OUT", "--clusters", "2", "--threshold", "0.3"], 2, "not both"),
        (["cluster", "PHOTOS", "-o", "OUT2", "--clusters", "9"], 2, "only 8 faces were found"),
        (
            ["cluster", "PHOTOS", "-o", "OUT", "--algorithm", "dbscan", "--same-photo-different-people"],
            2,
            "average, complete, single can",
        ),
        (["cluster", "PHOTOS", "-o", "OUT2", "--add", "--max-faces", "1"], 1, "max_faces was None, is 1"),
        (["recluster", "NONE"], 2, "does not exist"),
        (["recluster", "PHOTOS"], 1, "was not written by pyface"),
        (["recluster", "OUT2", "--algorithm", "dbscan", "--clusters", "2"], 2, "finds the number of people itself"),
        (["cluster", "PHOTOS", "-o", "PHOTOS"], 1, "is the folder of photos itself"),
        (["cluster", "PHOTOS", "-o", "OUT", "--embedder", "dlib-restnet"], 2, "dlib-resnet"),
        (["cluster", "PHOTOS", "-o", "OUT", "--providers", "MoonProvider"], 1, "MoonProvider"),
        (["compare", "A", "NONE"], 2, "no such file"),
        (["compare", "A", "PHOTOS"], 2, "is a folder; name one photo"),
        (["compare", "A", "EMPTY"], 1, "no face found"),
        (["evaluate", "NONE", "--truth", "folder"], 2, "no such file"),
        (["evaluate", "OUT2", "NONE"], 2, "no such file"),
        (["evaluate", "OUT2"], 2, "TRUTH"),
        (["evaluate", "OUT2", "--truth", "("], 2, "regular expression"),
        (["detect", "NONE"], 2, "no such file"),
        (["detect", "A", "--detector", "nothing"], 2, "no model named"),
        (["cluster", "PHOTOS", "-o", "OUT", "--models", "nothing"], 2, "no pack of models"),
        (["embed", "A", "-o", "e.npy"], 2, "call it e.npz"),
        (["models", "pull", "nothing"], 2, "nothing"),
        (["frobnicate"], 2, "frobnicate"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_errors_are_one_line(
    photos: Path, out: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    places = {
        "PHOTOS": photos, "NONE": tmp_path / "none", "OUT": tmp_path / "out", "OUT2": out, "A": photos / "a1.png",
        "EMPTY": photos / "none.png",
    }  # fmt: skip
    done = pyface(*[places.get(argument, argument) for argument in arguments])
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    own = [line for line in done.stderr.splitlines() if line.startswith("pyface:")]
    assert len(own) == 1 or "Usage" in done.stderr


def test_recluster(photos: Path, out: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(out, tmp_path / "copy"))
    done = pyface("recluster", copy, "--algorithm", "kmeans", "--clusters", 3)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "8 photos, 7 with a face; 8 faces of 3 people; 0 files skipped", f"page: {copy}/report.html",
    ]  # fmt: skip
    assert pyface("cluster", photos, "-o", tmp_path / "b", "--algorithm=kmeans", "--n-clusters=3").returncode == 0
    for name in ("faces.csv", "embeddings.npy"):
        assert (copy / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert pyface("recluster", copy).returncode == 0
    assert (copy / "faces.csv").read_bytes() == (out / "faces.csv").read_bytes()


def test_add(photos: Path, out: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(out, tmp_path / "copy"))
    photo_sets.save(tmp_path / "new" / "one more.jpg", photo_sets.hopper())
    done = pyface("cluster", tmp_path / "new", "-o", copy, "--add")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[:2] == [
        "1 photo looked at", "9 photos, 8 with a face; 9 faces of 2 people; 0 files skipped",
    ]  # fmt: skip
    (tmp_path / "new" / "one more.jpg").rename(tmp_path / "new" / "a1.png")
    done = pyface("cluster", tmp_path / "new", "-o", copy, "--add")
    assert done.stderr.splitlines()[0] == "0 photos looked at"  # its bytes are known
    photo_sets.save(tmp_path / "new" / "a1.png", photo_sets.hopper()[::2, ::2])
    done = pyface("cluster", tmp_path / "new", "-o", copy, "--add")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0] == "1 photo looked at"
    assert ",new/a1.png," in (copy / "faces.csv").read_text()


def test_what_is_left_out_is_said(photos: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "photos", tmp_path / "out"
    for name in ("a1.png", "@eaDir/a1.png", "sub/@eaDir/a1.png", "raw.png", "raw/a1.png", ".git/a1.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos / "a1.png", folder / name)
    one_line(pyface("cluster", folder, "-o", out, "--exclude", "["), 2, "exclude (--exclude): '[' is no pattern: a '['")
    said = f"pyface: {folder}: there is no photo in it; left out: .git/ (its name begins with a dot) and 5 more\n"
    one_line(pyface("cluster", folder, "-o", out, "--exclude", "*.png", "--exclude", "raw"), 1, said)
    done = pyface("cluster", folder, "-o", out, "--exclude", "raw.png", "--exclude", "/raw/")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[:5] == [
        "left out 1 folder (--exclude /raw/)",
        "left out 1 photo (--exclude raw.png)",
        "left out 2 folders (@eaDir: thumbnails of a NAS)",
        "left out 1 folder (its name begins with a dot)",
        "1 photo, 1 with a face; 1 face of 1 person; 0 files skipped",
    ]
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["counts"]["left_out"], summary["counts"]["skipped"]) == (5, 0)
    assert summary["settings"]["exclude"] == ["raw.png", "/raw/"]
    assert summary["left_out"][1] == {"path": "@eaDir/", "reason": "@eaDir: thumbnails of a NAS"}
    done = pyface("detect", folder, "-v")
    assert "pyface: left out '" in done.stderr
    assert {row["photo"] for row in csv.DictReader(io.StringIO(done.stdout))} == {
        str(folder / name) for name in ("a1.png", "raw.png", "raw/a1.png")
    }


def test_detect(photos: Path, tmp_path: Path) -> None:
    done = pyface("detect", photos / "a1.png", photos / "none.png")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 1
    assert [rows[0][k] for k in ("x1", "y1", "x2", "y2", "score")] == ["177.54", "62.06", "267.93", "175.92", "0.9313"]
    done = pyface("detect", photos, "-o", tmp_path / "boxes.csv")
    assert done.returncode == 0
    assert len((tmp_path / "boxes.csv").read_text().splitlines()) == 9


def test_detect_with_poses(photos: Path) -> None:
    done = pyface("detect", photos / "a1.png", photos / "none.png", "--pose")
    assert done.returncode == 0, done.stderr
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert list(row) == ["photo", "x1", "y1", "x2", "y2", "score", "pitch", "yaw", "roll"]
    assert [row[k] for k in ("x1", "score")] == ["177.54", "0.9313"]
    # The astronaut's head is tilted a little. Five points of a broad smile say of pitch no more than up or down.
    assert abs(float(row["pitch"])) < 40 and abs(float(row["yaw"])) < 10 and 0 < float(row["roll"]) < 8


def test_poses_of_detect_need_points(photos: Path) -> None:
    done = pyface("detect", photos / "a1.png", "--landmarks", "mtcnn-onet")
    assert done.returncode == 2 and "serve for --pose alone" in done.stderr
    done = pyface("detect", photos / "a1.png", "--pose", "--landmarks", "nothing")
    assert done.returncode == 2 and done.stdout == "" and "'nothing'" in done.stderr


def test_embed(photos: Path, tmp_path: Path) -> None:
    done = pyface("embed", photos, "-o", tmp_path / "e.npz")
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "e.npz") as data:
        assert {key: data[key].shape for key in data.files} == {
            "embeddings": (8, 128), "boxes": (8, 4), "scores": (8,), "landmarks": (8, 5, 2), "photo": (8,),
            "metric": (),
        }  # fmt: skip
        assert data["metric"] == "cosine"


def test_compare(photos: Path) -> None:
    same = pyface("compare", photos / "a1.png", photos / "a2.jpg")
    assert same.returncode == 0
    assert re.fullmatch(r"same person: cosine distance 0\.\d+, threshold 0\.63\n", same.stdout)
    different = pyface("compare", photos / "a1.png", photos / "h1.jpg")
    assert different.stdout.startswith("different people: ")
    strict = pyface("compare", photos / "a1.png", photos / "a2.jpg", "--threshold", "0.01")
    assert strict.stdout.startswith("different people: ")
    dlibs = pyface("compare", photos / "a1.png", photos / "a2.jpg", "--models", "dlib")
    assert re.fullmatch(r"same person: Euclidean distance 0\.\d+, threshold 0\.6\n", dlibs.stdout)
    several = pyface("compare", photos / "a1.png", photos / "sub" / "both.jpg")
    assert "2 faces, the largest is compared" in several.stderr


def test_evaluate(out: Path, tmp_path: Path) -> None:
    by_name = pyface("evaluate", out, "--truth", r"([ah])\d", "--json")
    assert by_name.returncode == 0, by_name.stderr
    scores = json.loads(by_name.stdout)
    assert scores["bcubed_f"] == 1
    assert scores["n_samples"] == 6
    assert "left out, as their person is not known: 2 faces" in by_name.stderr

    one = pyface("evaluate", out, "--truth", r"(none|[ah])", "--one-per-photo", "--json")
    assert json.loads(one.stdout)["n_samples"] == 8
    assert "1 photo without a face" in one.stderr

    truth = tmp_path / "truth.csv"
    truth.write_text("face_id,person\n" + "".join(f"{i},p{i}\n" for i in range(8)))
    worst = pyface("evaluate", out / "faces.csv", truth)
    assert worst.returncode == 0, worst.stderr
    assert re.search(r"^bcubed_recall +1\.0000$", worst.stdout, re.MULTILINE)
    assert re.search(r"^n_classes +8$", worst.stdout, re.MULTILINE)


def test_models_and_info() -> None:
    listed = pyface("models", "list")
    assert listed.returncode == 0
    assert "dlib-resnet" in listed.stdout
    assert "commercial" in listed.stdout
    pulled = pyface("models", "pull", "dlib-resnet")
    assert pulled.returncode == 0, pulled.stderr
    assert Path(pulled.stdout.split("\n")[0]).exists()
    limited = pyface("models", "pull", "dlib-68", env=os.environ)  # a process says it once
    assert limited.returncode == 0 and Path(limited.stdout.strip()).exists()
    (line,) = limited.stderr.splitlines()
    assert line.startswith("pyface: dlib-68: its training data exclude commercial use")
    shown = pyface("info")
    assert "isa_active" in shown.stdout
    assert "numpy" in shown.stdout
    assert pyface("--version").stdout.strip()
    assert pyface("--help").returncode == 0


@pytest.fixture(scope="module")
def many(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A folder of 8 photos, and what the command makes of it undisturbed."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "photos").mkdir()
    for i in range(8):
        os.link(photos / "a1.png", folder / "photos" / f"{i:02}.png")
    assert pyface("cluster", folder / "photos", "-o", folder / "out").returncode == 0
    results = {name: (folder / "out" / name).read_bytes() for name in ("faces.csv", "embeddings.npy", "report.html")}
    return folder / "photos", results


@NEEDS_SIGNALS
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL], ids=lambda kind: kind.name)
def test_interrupted_and_continued(many: tuple[Path, dict[str, bytes]], tmp_path: Path, kind: signal.Signals) -> None:
    """Twice, each time while the third of the photos that are left is opened."""
    folder, wanted = many
    out = tmp_path / "out"
    for _ in range(2):
        done = interrupted_command(["cluster", str(folder), "-o", str(out)], "open", 3, prefix=str(folder), kind=kind)
        if kind == signal.SIGINT:
            assert done.returncode == 130, done.stderr
            assert re.search(r"interrupted, (\d+ of the|no photo is done yet)", done.stderr)
            assert "Traceback" not in done.stderr
        else:
            assert done.returncode == -kind
        assert not any((out / name).exists() for name in wanted)
    assert pyface("cluster", folder, "-o", out).returncode == 0
    for name, content in wanted.items():
        assert (out / name).read_bytes() == content


def test_help_without_the_extra(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer': raise ImportError('no typer')\n"
        "sys.meta_path.insert(0, Block())\n"
        "from pyface.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "pip install 'pyface-toolkit[models]'" in done.stderr
    assert "Traceback" not in done.stderr
