"""Graphs of OpenCV's zoo taken apart and put together anew: they say what ONNX Runtime says of the file itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pyface.errors import ModelFileError

onnx = pytest.importorskip("onnx", reason="the models of OpenCV's zoo are built with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from oracles import zoo_files  # noqa: E402

from pyface.models.opencv import reader  # noqa: E402
from pyface.models.opencv.sface_graph import sface_graph  # noqa: E402
from pyface.models.opencv.yunet_graph import yunet_graph  # noqa: E402
from pyface.models.session import Session  # noqa: E402


def session(data: bytes, kind: str, n_threads: int = 1) -> Session:
    make = {"yunet": yunet_graph, "sface": sface_graph}[kind]
    return Session(make(reader.read_network(data, "file")), name=kind, n_threads=n_threads)


@pytest.mark.parametrize("form", [{}, {"block": 8}, {"free_batch": True}, {"size": (640, 640)}])
@pytest.mark.parametrize("shape", [(64, 96), (32, 32), (160, 64)])
def test_yunet_says_what_its_file_says(shape: tuple[int, int], form: dict[str, Any]) -> None:
    """Quantised or not, of a free batch or not, declared for one size or not."""
    rng = np.random.default_rng(3)
    data = zoo_files.yunet(rng, **form)
    image = rng.integers(0, 256, (1, *shape, 3), dtype=np.uint8)
    wanted = zoo_files.cells(zoo_files.run(data, image[..., ::-1], "input"))
    got = session(data, "yunet").run(image)[0]
    assert got.shape == wanted.shape and got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())
    assert wanted[:, 0].std() > 0.05


@pytest.mark.parametrize("block", [None, 8])
@pytest.mark.parametrize("slopes", [(-1.5, 2.5), (1, 1), (0, 0), (0.999, 1.001)])
def test_sface_says_what_its_file_says(block: int | None, slopes: tuple[float, float]) -> None:
    rng = np.random.default_rng(4)
    data = zoo_files.sface(rng, block=block, slopes=slopes)
    crops = rng.integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    wanted = np.concatenate([zoo_files.run(data, crop[None], "data")["fc1"] for crop in crops])
    got = session(data, "sface").run(crops)
    lengths = np.linalg.norm(wanted, axis=1)
    assert got.shape == (5, 6) and (np.linalg.norm(got - wanted, axis=1) < 1e-5 * lengths).all()


@pytest.mark.parametrize("kind", ["yunet", "sface"])
def test_neither_batch_nor_threads_change_a_bit(kind: str) -> None:
    rng = np.random.default_rng(5)
    data = zoo_files.yunet(rng) if kind == "yunet" else zoo_files.sface(rng, size=32)
    images = rng.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    singly = np.concatenate([session(data, kind).run(image[None]) for image in images])
    for n_threads in (1, 2, 3):
        np.testing.assert_array_equal(session(data, kind, n_threads).run(images), singly)


def damaged(data: bytes, change: Any) -> bytes:
    model = onnx.ModelProto.FromString(data)
    change(model)
    return model.SerializeToString()


def node(model: Any, kind: str, place: int = 0) -> Any:
    return [n for n in model.graph.node if n.op_type == kind][place]


def weights(model: Any, name: str) -> Any:
    return next(w for w in model.graph.initializer if w.name == name)


def attribute(step: Any, name: str, value: Any) -> None:
    for old in [a for a in step.attribute if a.name == name]:
        step.attribute.remove(old)
    step.attribute.append(onnx.helper.make_attribute(name, value))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: attribute(node(m, "Conv"), "pads", [0, 0, 1, 1]), "the convolution 'half1_conv'"),
        (lambda m: attribute(node(m, "Conv", 1), "dilations", [2, 2]), "the convolution 'half1_point'"),
        (lambda m: attribute(node(m, "Conv", 1), "auto_pad", "SAME_UPPER"), "the convolution 'half1_point'"),
        (lambda m: attribute(node(m, "MaxPool"), "kernel_shape", [3, 3]), "a pooling"),
        (lambda m: attribute(node(m, "Resize"), "mode", "linear"), "an enlargement"),
        (lambda m: attribute(node(m, "Transpose"), "perm", [0, 1, 2, 3]), "cls_8 is in another order"),
        (lambda m: setattr(node(m, "Relu"), "op_type", "Tanh"), "it has a step Tanh"),
        (lambda m: setattr(node(m, "Sigmoid"), "op_type", "Relu"), "'cls_8' comes from Relu, expected Sigmoid"),
        (lambda m: m.graph.output.pop(), "its outputs are"),
        (lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[1], "dim_value", 4), "its input has the shape"),
    ],
)
def test_another_yunet_is_refused(change: Any, words: str) -> None:
    data = damaged(zoo_files.yunet(np.random.default_rng(0)), change)
    with pytest.raises(ModelFileError, match=f"this is not YuNet as it is known: .*{words}"):
        session(data, "yunet")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: setattr(node(m, "Shape"), "op_type", "Size"), "comes from Size, expected Shape"),
        (lambda m: setattr(node(m, "Unsqueeze"), "op_type", "Identity"), "comes from Identity, expected Unsqueeze"),
        (lambda m: node(m, "Concat").input.append("cls_8_[1]"), "cls_8 has another shape"),
        (lambda m: node(m, "Concat").input.__setitem__(2, "bbox_8_[4]"), "cls_8 has another shape"),
        (lambda m: node(m, "Gather").input.__setitem__(1, "cls_8_[1]"), "begins with another size than the batch"),
    ],
)
def test_shapes_of_a_free_batch_are_read_strictly(change: Any, words: str) -> None:
    data = damaged(zoo_files.yunet(np.random.default_rng(0), free_batch=True), change)
    with pytest.raises(ModelFileError, match=f"this is not YuNet as it is known: .*{words}"):
        session(data, "yunet")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: attribute(node(m, "Conv", 2), "strides", [1, 2]), "the convolution 'conv2'"),
        (lambda m: attribute(node(m, "Conv", 1), "group", 4), "the convolution 'conv1'"),
        (lambda m: setattr(node(m, "PRelu"), "op_type", "Relu"), "Relu where PRelu was expected"),
        (lambda m: attribute(node(m, "BatchNormalization"), "epsilon", -5.0), "cannot be worked out"),
        (lambda m: attribute(node(m, "Gemm"), "alpha", 2.0), "a full layer"),
        (lambda m: attribute(node(m, "Flatten"), "axis", 0), "a batch that is flattened"),
        (lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[2], "dim_value", 8), "its input has the shape"),
        (lambda m: node(m, "Mul").input.__setitem__(1, "centred"), "takes two values"),
    ],
)
def test_another_sface_is_refused(change: Any, words: str) -> None:
    data = damaged(zoo_files.sface(np.random.default_rng(0)), change)
    with pytest.raises(ModelFileError, match=f"this is not SFace as it is known: .*{words}"):
        session(data, "sface")


@pytest.mark.parametrize("kind", ["yunet", "sface"])
def test_one_for_the_other(kind: str) -> None:
    rng = np.random.default_rng(0)
    data = zoo_files.sface(rng) if kind == "yunet" else zoo_files.yunet(rng)
    with pytest.raises(ModelFileError, match="as it is known"):
        session(data, kind)


def outside(model: Any) -> None:
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL


def nan(model: Any) -> None:
    bias = weights(model, "half1_conv.bias")
    bias.CopyFrom(onnx.numpy_helper.from_array(np.full(8, np.nan, np.float32), bias.name))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (outside, "are in another file"),
        (nan, "'half1_conv.bias' holds NaN"),
        (lambda m: m.graph.initializer.append(m.graph.initializer[0]), "two constants are called"),
        (lambda m: setattr(m.graph.initializer[0], "raw_data", b"123"), "do not fit their shape"),
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, 2**40), "do not fit their shape"),
        (lambda m: setattr(m.graph.initializer[0], "data_type", 11), "are of the type 11"),
        (lambda m: setattr(m.graph.node[-1], "domain", "com.example"), "is of 'com.example'"),
        (lambda m: m.graph.node.append(m.graph.node[-1]), "two steps give"),
        (lambda m: m.graph.node.insert(0, m.graph.node[-1]), "which nothing before it gives"),
        (lambda m: m.graph.input.append(onnx.helper.make_tensor_value_info("half1", 1, [1])), "it has 2 inputs"),
        (lambda m: m.graph.ClearField("input"), "it has 0 inputs"),
        (lambda m: m.graph.ClearField("node"), "it has 0 steps"),
        (
            lambda m: m.graph.output.append(onnx.helper.make_tensor_value_info("x", 1, [1])),
            "no step gives its output 'x'",
        ),
        (lambda m: m.functions.add(), "functions"),
        (lambda m: attribute(node(m, "DequantizeLinear"), "block_size", 7), "cannot be worked out"),
        (lambda m: attribute(node(m, "DequantizeLinear"), "axis", 5), "cannot be worked out"),
        (lambda m: setattr(node(m, "DequantizeLinear"), "op_type", "Tanh"), "Tanh takes constants only"),
        (lambda m: node(m, "DequantizeLinear").input.pop(), "cannot be worked out"),
        (lambda m: attribute(m.graph.node[-1], "body", m.graph), "of a kind that is not known"),
    ],
)
def test_files_are_read_strictly(change: Any, words: str) -> None:
    data = damaged(zoo_files.yunet(np.random.default_rng(0), block=8), change)
    with pytest.raises(ModelFileError, match=f"^odd.onnx cannot be read: .*{words}"):
        reader.read_network(data, "odd.onnx")


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"not onnx at all", b"\x08"])
def test_what_is_no_onnx_file(data: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"odd\.onnx (is no ONNX file|cannot be read)"):
        reader.read_network(data, "odd.onnx")


def lengthened(model: Any) -> None:
    """Thousands of steps in a row, in front of the first convolution's consumer."""
    place = next(i for i, n in enumerate(model.graph.node) if n.op_type == "Relu")
    value = model.graph.node[place].input[0]
    steps = [onnx.helper.make_node("Relu", [f"long{i - 1}" if i else value], [f"long{i}"]) for i in range(3000)]
    model.graph.node[place].input[0] = "long2999"
    rest = list(model.graph.node[place:])
    del model.graph.node[place:]
    model.graph.node.extend([*steps, *rest])


def test_a_long_network() -> None:
    long, short = (zoo_files.yunet(np.random.default_rng(0)) for _ in range(2))
    image = np.random.default_rng(1).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        session(damaged(long, lengthened), "yunet").run(image), session(short, "yunet").run(image)
    )


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zoo_files.yunet(np.random.default_rng(0))
    for name, limit, words in (
        ("MOST_BYTES", 1000, "more than the 1,000 that are read"),
        ("MOST_NODES", 10, "expected 1 to 10"),
        ("MOST_NUMBERS", 100, "more than 100 weights"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(reader, name, limit)
            with pytest.raises(ModelFileError, match=words):
                reader.read_network(data, "odd.onnx")
    for end in range(0, len(data), 997):
        with pytest.raises(ModelFileError):
            session(data[:end], "yunet")
