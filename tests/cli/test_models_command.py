"""``pyface models``, and models named by the path of a file: what is printed, messages, exit codes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import command_line
import photo_sets
import pytest
import weight_server
from command_line import one_line
from weight_server import TERMS, Served, Server, five_points, sha256

pytest.importorskip("typer", reason="the extra 'models' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")

DATA = five_points()
TESTS = Path(__file__).resolve().parents[1]
# The command with a model ``five`` in its catalog, which is at this address and may not be used by everybody.
WITH_FIVE = (
    "import sys, pytest, weight_server\n"
    "url = sys.argv.pop(1)\n"
    "five = weight_server.spec(url=url, **weight_server.TERMS, commercial_use=False)\n"
    "weight_server.install(pytest.MonkeyPatch(), five)\n"
    "from pyface.cli.main import main\n"
    "main()\n"
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "PYFACE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with weight_server.serving() as serving:
        serving.served["/five.dat"] = Served(DATA)
        yield serving


def pyface(server: Server, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITH_FIVE, server.url("/five.dat"), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=600)


def test_pull_verify_and_path(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "cache" / "models" / "five" / "five.dat"
    one_line(pyface(server, "models", "path", "five"), 1, "pyface models pull five --accept-license")
    one_line(pyface(server, "models", "pull", "five"), 1, f"five: {TERMS['license']}, {TERMS['link']}; who may use it")
    assert server.requests == []
    pulled = pyface(server, "models", "pull", "five", "--accept-license")
    assert (pulled.returncode, pulled.stderr) == (0, "")
    assert Path(pulled.stdout.strip()).exists()
    assert pyface(server, "models", "path", "five").stdout == f"{file}\n"
    verified = pyface(server, "models", "verify", "five")
    assert (verified.returncode, verified.stdout) == (0, f"five: {file}\n")
    assert verified.stderr == "1 file as it should be\n"
    file.write_bytes(DATA[:-1])
    damaged = pyface(server, "models", "verify", "five")
    assert (damaged.returncode, damaged.stdout) == (1, "")
    assert damaged.stderr.splitlines()[0].startswith(f"pyface: {file} is not the file that five needs: its SHA-256 is ")
    assert damaged.stderr.splitlines()[1] == "0 files as they should be, 1 not"
    assert pyface(server, "models", "pull", "five").returncode == 0
    assert file.read_bytes() == DATA


def test_pull_from_a_place(server: Server, tmp_path: Path) -> None:
    (tmp_path / "five.dat").write_bytes(DATA)
    one_line(pyface(server, "models", "pull", "five", "--from", tmp_path), 1, "--accept-license")
    assert pyface(server, "models", "pull", "five", "--accept-license", "--from", tmp_path).returncode == 0
    one_line(pyface(server, "models", "pull", "five", "--from", tmp_path / "none"), 2, "no such file or folder")
    assert server.requests == []


def test_what_goes_wrong_is_one_line(server: Server) -> None:
    served = server.served["/five.dat"]
    served.status = 404
    pull = ("models", "pull", "five", "--accept-license")
    one_line(pyface(server, *pull), 1, "the server answers 404 Not Found")
    served.status, served.data = 200, DATA[:-1] + b"x"
    one_line(pyface(server, *pull), 1, sha256(DATA))
    one_line(command_line.pyface("models", "pull", "buffalo_s"), 2, "Did you mean 'buffalo_sc'")
    one_line(command_line.pyface("models", "path", "bufalo_l"), 2, "Did you mean 'buffalo_l'")
    one_line(command_line.pyface("models", "verify", "nothing at all"), 2, "no model named")
    one_line(command_line.pyface("models", "pull", "det_10g", "--accept-license",
                                 env={**os.environ, "PYFACE_OFFLINE": "1"}), 1, "buffalo_l.zip")  # fmt: skip


def test_list(server: Server) -> None:
    lines = pyface(server, "models", "list").stdout.splitlines()
    heads = {line.split()[0]: line for line in lines if not line.startswith(" ")}
    assert heads["five"].split() == [
        "five", "landmarks", "family", "dlib_5", f"{len(DATA):,}", "B", "not", "here:", "pyface", "models", "pull"
    ]  # fmt: skip
    if find_spec("face_recognition_models"):
        assert heads["dlib-mmod"].split()[-2:] == ["B", "here"]
    at = lines.index(heads["five"])
    assert lines[at + 1] == f"    licence: {TERMS['license']}; commercial use: no"
    assert lines[-3] == "packs" and lines[-2].split() == ["opencv", "yunet,", "mtcnn-onet,", "sface"]
    listed = command_line.pyface("models", "list").stdout
    assert "    buffalo_l   det_10g, the detector's points, w600k_r50" in listed.splitlines()
    pyface(server, "models", "pull", "five", "--accept-license")
    now = [line for line in pyface(server, "models", "list").stdout.splitlines() if line.startswith("five")]
    assert now[0].split()[-2:] == ["B", "here"]


def test_inspect(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="files are read with onnx")
    helper = onnx.helper
    values = [helper.make_tensor_value_info("in", 1, ["n", 3]), helper.make_tensor_value_info("out", 1, ["n", 3])]
    graph = helper.make_graph([helper.make_node("Relu", ["in"], ["out"])], "g", values[:1], values[1:])
    path = tmp_path / "x.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]).SerializeToString())
    done = command_line.pyface("models", "inspect", path)
    assert done.returncode == 0, done.stderr
    size = path.stat().st_size
    assert done.stdout.splitlines() == [
        f"{path}: {size:,} B, SHA-256 {sha256(path.read_bytes())}",
        "opset: ai.onnx 13",
        "input: in  n x 3  tensor(float)",
        "output: out  n x 3  tensor(float)",
        "families that fit: none",
    ]
    (tmp_path / "bad.onnx").write_bytes(b"\xff" * 99)
    one_line(command_line.pyface("models", "inspect", tmp_path / "bad.onnx"), 1, "bad.onnx is no ONNX file, or damaged")
    one_line(command_line.pyface("models", "inspect", tmp_path / "none.onnx"), 2, "cannot be read")


@pytest.fixture(scope="module")
def dlibs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with dlib's files under other names, and a photo."""
    spec = find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the weights of dlib (face_recognition_models) are not installed")
    theirs, folder = Path(spec.submodule_search_locations[0]) / "models", tmp_path_factory.mktemp("files")
    shutil.copy(theirs / "mmod_human_face_detector.dat", folder / "finder.dat")
    shutil.copy(theirs / "shape_predictor_5_face_landmarks.dat", folder / "five.dat")
    shutil.copy(theirs / "dlib_face_recognition_resnet_model_v1.dat", folder / "vectors.dat")
    photo_sets.save(folder / "photos" / "a.png", photo_sets.astronaut())
    return folder


def test_models_by_the_path_of_a_file(dlibs: Path, tmp_path: Path) -> None:
    finder = ("--detector", dlibs / "finder.dat", "--detector-family", "dlib_mmod")
    five = ("--landmarks", dlibs / "five.dat", "--landmarks-family", "dlib_5")
    vectors = ("--embedder", dlibs / "vectors.dat", "--embedder-family", "dlib_resnet")
    photo = dlibs / "photos" / "a.png"
    by_path = command_line.pyface("detect", photo, *finder)
    assert by_path.returncode == 0, by_path.stderr
    assert by_path.stdout == command_line.pyface("detect", photo, "--detector", "dlib-mmod").stdout
    for command in (
        ["embed", photo, "-o", tmp_path / "e.npz", *finder, *five, *vectors],
        ["align", photo, "-o", tmp_path / "crops", *finder, *five],
        ["compare", photo, photo, *finder, *five, *vectors],
    ):
        done = command_line.pyface(*command)
        assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    made = command_line.pyface("cluster", dlibs / "photos", "-o", out, *finder, *five, *vectors)
    assert made.returncode == 0, made.stderr
    again = command_line.pyface("cluster", dlibs / "photos", "-o", out)
    assert again.returncode == 0, again.stderr
    assert str(dlibs) not in (out / "report.html").read_text()
    one_line(
        command_line.pyface("cluster", dlibs / "photos", "-o", out, "--models", "dlib"), 1,
        f"was made with {dlibs / 'finder.dat'}, {dlibs / 'five.dat'} and {dlibs / 'vectors.dat'}, not with dlib-mmod",
    )  # fmt: skip


def test_a_path_needs_its_family(dlibs: Path) -> None:
    photo = dlibs / "photos" / "a.png"
    one_line(
        command_line.pyface("detect", photo, "--detector", dlibs / "finder.dat"), 2,
        "finder.dat: a path needs its family, detector_family= (--detector-family); 'pyface models inspect' says",
    )  # fmt: skip
    one_line(command_line.pyface("detect", photo, "--detector-family", "scrfd"), 2, "it needs detector= with that path")
    one_line(
        command_line.pyface("detect", photo, "--detector", "a.onnx", "--detector-family", "scrf"), 2,
        "did you mean 'scrfd'?",
    )  # fmt: skip


def test_a_path_that_leads_nowhere_is_bad_usage(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.onnx", "No such file"), (tmp_path, "Is a directory")):
        one_line(command_line.pyface("models", "inspect", path), 2, f"{path} cannot be read: {words}")
        family = ("--detector-family", "dlib_mmod")
        one_line(
            command_line.pyface("detect", tmp_path, "--detector", path, *family), 2, f"{path} cannot be read: {words}"
        )
    (tmp_path / "damaged.onnx").write_bytes(b"\xff" * 99)
    one_line(command_line.pyface("models", "inspect", tmp_path / "damaged.onnx"), 1, "is no ONNX file, or damaged")
