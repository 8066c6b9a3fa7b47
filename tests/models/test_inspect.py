"""What an ONNX file is said to be, without running it."""

from __future__ import annotations

from pathlib import Path

import pytest
import weight_server

from pyface import errors, models

onnx = pytest.importorskip("onnx", reason="files are read with onnx")


def graph(path: Path, *, inputs: list[list[int | str]], outputs: list[list[int]], opset: int = 13) -> Path:
    helper = onnx.helper
    nodes = [helper.make_node("Identity", [f"in{i}"], [f"between{i}"]) for i in range(len(inputs))]
    nodes += [helper.make_node("Identity", ["between0"], [f"out{i}"]) for i in range(len(outputs))]
    values = [helper.make_tensor_value_info(f"in{i}", 1, shape) for i, shape in enumerate(inputs)]
    results = [helper.make_tensor_value_info(f"out{i}", 1, shape) for i, shape in enumerate(outputs)]
    model = helper.make_model(
        helper.make_graph(nodes, "g", values, results), opset_imports=[helper.make_opsetid("", opset)]
    )
    path.write_bytes(model.SerializeToString())
    return path


def test_a_detector(tmp_path: Path) -> None:
    outputs = [[12800, width] for width in (1, 1, 1, 4, 4, 4, 10, 10, 10)]
    facts = models.inspect(graph(tmp_path / "d.onnx", inputs=[[1, 3, "h", "w"]], outputs=outputs, opset=11))
    assert "scrfd" in facts.families
    assert facts.opsets == (("", 11),)
    assert [(port.name, port.shape, port.kind) for port in facts.inputs] == [("in0", (1, 3, "h", "w"), "tensor(float)")]
    assert [port.shape for port in facts.outputs] == [tuple(shape) for shape in outputs]
    assert facts.bytes == (tmp_path / "d.onnx").stat().st_size
    assert facts.known_as == ()


def test_a_file_that_the_catalog_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = graph(tmp_path / "x.onnx", inputs=[[1, 7]], outputs=[[1, 7]])
    weight_server.install(monkeypatch, weight_server.spec("some-model", path.read_bytes()))
    facts = models.inspect(str(path))
    assert facts.known_as == ("some-model",) and facts.families == ()


@pytest.mark.parametrize(
    ("data", "words"), [(b"", "has no graph"), (b"\xff" * 40, "is no ONNX file, or damaged"), (None, "cannot be read")]
)
def test_files_that_are_none(tmp_path: Path, data: bytes | None, words: str) -> None:
    path = tmp_path / "x.onnx"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(errors.ModelFileError, match=words) as told:
        models.inspect(path)
    assert "\n" not in str(told.value)


def test_verify_and_paths_of_packages(weights: Path) -> None:
    (one,) = models.verify("dlib-mmod")
    assert (one.name, one.path, one.problem) == ("dlib-mmod", weights / "mmod_human_face_detector.dat", "")
    assert models.paths("dlib") == tuple(
        weights / name
        for name in (
            "mmod_human_face_detector.dat", "shape_predictor_5_face_landmarks.dat",
            "dlib_face_recognition_resnet_model_v1.dat",
        )
    )  # fmt: skip
    assert {"dlib-mmod", "dlib-5", "dlib-68", "dlib-resnet"} <= {one.name for one in models.verify()}
