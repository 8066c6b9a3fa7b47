"""ONNX files that run as they are: what is read of them, what is refused, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyface import errors, models

onnx = pytest.importorskip("onnx", reason="ONNX files are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from pyface.models import store  # noqa: E402
from pyface.models.fitting import fitting  # noqa: E402
from pyface.models.onnx_file import read_onnx  # noqa: E402
from pyface.models.session import Session  # noqa: E402


def value(name: str, shape: list[Any], kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def model(
    nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: dict[str, np.ndarray] | None = None, **more: Any
) -> Any:
    constants = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(nodes, "made", inputs, outputs, constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], **more)
    made.ir_version = 8
    return made


def twice(**more: Any) -> Any:
    """One picture in, twice its numbers out, the factor listed among the inputs as old exporters do."""
    return model(
        [helper.make_node("Mul", ["x", "two"], ["y"])],
        [value("x", [1, 3, 4, 4]), value("two", [1]), value("forgotten", [7])],
        [value("y", [1, 3, 4, 4])],
        {"two": np.array([2], np.float32)},
        **more,
    )


def read(made: Any, folder: Path) -> Any:
    path = folder / "made.onnx"
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    return read_onnx(store.read_path(path))[0]


def test_weights_and_what_nothing_takes_are_no_inputs(tmp_path: Path) -> None:
    file = read(twice(), tmp_path)
    assert [(port.name, port.shape, port.kind) for port in file.inputs] == [("x", (1, 3, 4, 4), "tensor(float)")]
    assert [port.name for port in file.outputs] == ["y"]
    session = Session(file.graph(), name="made", n_threads=1)
    assert [port.name for port in session.inputs] == ["x"]
    x = np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4)
    np.testing.assert_array_equal(session.run_all(x)[0], 2 * x)
    with pytest.raises(errors.ModelFileError, match=r"made: ONNX Runtime cannot run it.*dimension"):
        session.run_all(np.concatenate([x, x]))


def test_axes_can_be_freed(tmp_path: Path) -> None:
    file = read(twice(), tmp_path)
    session = Session(file.with_free(0, 3), name="made", n_threads=1)
    x = np.ones((5, 3, 4, 9), np.float32)
    assert session.run_all(x)[0].shape == x.shape
    assert session.inputs[0].shape == ("free_0", 3, 4, "free_3")
    assert Session(file.graph(), name="made", n_threads=1).inputs[0].shape == (1, 3, 4, 4)  # the file is as it was


def test_several_inputs_and_outputs_keep_their_order(tmp_path: Path) -> None:
    nodes = [helper.make_node("Sub", ["b", "a"], ["less"]), helper.make_node("Add", ["a", "b"], ["more"])]
    file = read(model(nodes, [value("a", [2]), value("b", [2])], [value("more", [2]), value("less", [2])]), tmp_path)
    session = Session(file.graph(), name="made", n_threads=1)
    more, less = session.run_all(np.array([1, 2], np.float32), np.array([10, 20], np.float32))
    assert more.tolist() == [11, 22] and less.tolist() == [9, 18]


def _damaged() -> bytes:
    data: bytes = twice().SerializeToString()
    return data[: len(data) // 2]


def _custom() -> Any:
    made = model([helper.make_node("Magic", ["x"], ["y"], domain="their.own")], [value("x", [1])], [value("y", [1])])
    made.opset_import.append(helper.make_opsetid("their.own", 1))
    return made


def _in_a_branch(node: Any, tensor: Any = None) -> Any:
    """A file that asks for a step, or keeps a constant, in a branch alone."""
    branch = helper.make_graph([node], "branch", [], [value("z", [1])], [] if tensor is None else [tensor])
    always = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
    nodes = [helper.make_node("Greater", ["x", "x"], ["yes"]), always]
    return model(nodes, [value("x", [1])], [value("y", [1])])


def _custom_in_a_branch() -> Any:
    made = _in_a_branch(helper.make_node("Magic", ["x"], ["z"], domain="their.own"))
    made.opset_import.append(helper.make_opsetid("their.own", 1))
    return made


def _external_in_a_branch() -> Any:
    tensor = _external().graph.initializer[0]
    return _in_a_branch(helper.make_node("Mul", ["x", "two"], ["z"]), tensor)


def _external() -> Any:
    made = twice()
    tensor = made.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    tensor.ClearField("raw_data")
    return made


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"\x89PNG\r\n not a model", "no ONNX file, or damaged"),
        (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "damaged: it is a pointer of Git LFS"),
        (lambda: b"\n\n<!DOCTYPE html><html><head>", "damaged: it is a page of HTML"),
        (lambda: b"PK\x03\x04\0\0\x08\x08", "damaged: it is a zip, of files or of PyTorch"),
        (_damaged, "no ONNX file"),
        (lambda: b"", "no ONNX file: it has no graph"),
        (_custom, "steps that ONNX Runtime does not bring: Magic of 'their.own'"),
        (_custom_in_a_branch, "steps that ONNX Runtime does not bring: Magic of 'their.own'"),
        (_external_in_a_branch, "keeps its weights in the file 'weights.bin' beside it, which is missing or damaged"),
        (_external, "keeps its weights in the file 'weights.bin' beside it, which is missing or damaged"),
        (lambda: model([helper.make_node("Constant", [], ["y"], value_float=1.0)], [], [value("y", [])]), "no input"),
    ],
    ids=[
        "png",
        "lfs",
        "html",
        "zip",
        "cut",
        "empty",
        "custom",
        "custom in a branch",
        "external in a branch",
        "external",
        "no input",
    ],
)
def test_what_is_refused(make: Callable[[], Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(errors.ModelFileError, match=words) as caught:
        read(make(), tmp_path)
    assert str(tmp_path / "made.onnx") in str(caught.value)
    with pytest.raises(errors.ModelFileError, match=words):
        models.load(tmp_path / "made.onnx", family="scrfd")


def test_weights_in_a_file_beside_it_are_read_and_count(tmp_path: Path) -> None:
    made = _external()
    digests = []
    for number in (2, 3):
        (tmp_path / "weights.bin").write_bytes(np.array([number], np.float32).tobytes())
        (tmp_path / "made.onnx").write_bytes(made.SerializeToString())
        file, weights = read_onnx(store.read_path(tmp_path / "made.onnx"))
        session = Session(file.graph(), name="made", n_threads=1)
        assert session.run_all(np.ones((1, 3, 4, 4), np.float32))[0].max() == number
        digests.append(weights.sha256)
    assert digests[0] != digests[1]


def test_weights_outside_its_folder_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(np.array([2], np.float32).tobytes())
    made = _external()
    made.graph.initializer[0].external_data[0].value = "../weights.bin"
    (tmp_path / "inner").mkdir()
    with pytest.raises(errors.ModelFileError, match="missing or damaged"):
        read(made, tmp_path / "inner")


@pytest.mark.parametrize("where", ["constant", "product", "free batch"])
def test_a_file_that_asks_for_a_hundred_gigabytes_is_refused_before_it_gets_them(where: str, tmp_path: Path) -> None:
    if where == "constant":
        nodes = [
            helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
            helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0),
            helper.make_node("Add", ["x", "sum"], ["y"]),
        ]
        made = model(nodes, [value("x", [1])], [value("y", [1])], {"shape": np.array([1 << 20, 1 << 20], np.int64)})
    elif where == "free batch":
        repeats = {"repeats": np.array([1, 1, 1 << 10, 1 << 10], np.int64)}
        nodes = [helper.make_node("Tile", ["x", "repeats"], ["y"])]
        made = model(nodes, [value("x", ["N", 3, "H", "W"])], [value("y", ["N", 3, "h", "w"])], repeats)
    else:
        nodes = [helper.make_node("MatMul", ["x", "row"], ["y"])]
        wide = np.zeros((1, 1 << 10), np.float32)
        made = model(nodes, [value("x", [1 << 30, 1])], [value("y", [1 << 30, 1 << 10])], {"row": wide})
    with pytest.raises(MemoryError, match=r"takes \d+\.\d GiB and .* are free; it cannot be run here"):
        read(made, tmp_path)


def test_an_unknown_family_is_told_with_its_neighbours(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="did you mean 'scrfd'"):
        models.load(tmp_path / "x.onnx", family="scrdf")
    assert "scrfd" in models.families()


def test_a_file_of_another_family_says_what_it_has(tmp_path: Path) -> None:
    file = read(twice(), tmp_path)
    assert "scrfd" not in fitting(file)
    with pytest.raises(
        errors.ModelFileError, match=r"not of the family 'scrfd': it has 1 outputs.*in: x \[1, 3, 4, 4\]"
    ):
        models.load(tmp_path / "made.onnx", family="scrfd")


def test_options_of_other_families_are_refused() -> None:
    with pytest.raises(ValueError, match=r"input_size is no option of the family 'sface', but of .*scrfd"):
        models.load("sface", input_size=640)
    for wrong in (0, 16, (640,), (640, 640, 3), 1 << 20):
        with pytest.raises(ValueError, match="input_size"):
            models.load("yunet", input_size=wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="input_size"):
        models.load("yunet", input_size=640.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("file", "families"),
    [
        ("scrfd_500m", ["scrfd"]), ("yunet_n_dynamic", ["yunet"]), ("retinaface_mobile0.25", ["pytorch_retinaface"]),
        ("ultraface_rfb_320", ["ultraface"]), ("landmarks_68_pfld", ["pfld", "arcface", "adaface"]),
        ("face_mesh_468", ["mesh_468"]),
        ("landmarks-regression-retail-0009", ["five_point"]), ("mobilefacenet", ["pfld", "arcface", "adaface"]),
        ("face-reidentification-retail-0095", ["arcface", "adaface", "omz_0095"]),
    ],
)  # fmt: skip
def test_which_families_real_files_fit(file: str, families: list[str], shared: Callable[[str], Path]) -> None:
    whole, _ = read_onnx(store.read_path(shared(f"models/{file}.onnx")))
    assert fitting(whole) == families
