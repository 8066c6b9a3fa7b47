"""Graphs that take bytes as they lie: the same numbers as those that take planes, and which graphs stay as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

onnx = pytest.importorskip("onnx", reason="graphs are rewritten with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from pyface.models.detectors.byte_graph import taking_bytes  # noqa: E402
from pyface.models.detectors.canvas import planes  # noqa: E402
from pyface.models.session import Session  # noqa: E402


def network(weights: np.ndarray, *, also: list[Any] | None = None, free: bool = True, **attributes: Any) -> bytes:
    nodes = [helper.make_node("Conv", ["x", "w", "bias"], ["y"], **attributes), *(also or [])]
    sizes = ["b", 3, "h", "w_"] if free else [1, 3, 12, 20]
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(weights.astype(np.float32), "w"),
            numpy_helper.from_array(np.arange(len(weights), dtype=np.float32), "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 6
    data: bytes = model.SerializeToString()
    return data


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000), kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)), pads=st.tuples(*[st.integers(0, 2)] * 4),
    mean=st.sampled_from([0.0, 127.5, 104.0]), scale=st.sampled_from([1.0, 1 / 128, 1 / 255]), bgr=st.booleans(),
    free=st.booleans(), says_all=st.booleans(),
)  # fmt: skip
def test_bytes_and_planes_give_the_same(
    seed: int, kernel: Any, strides: Any, pads: Any, mean: float, scale: float, bgr: bool, free: bool, says_all: bool
) -> None:
    rng = np.random.default_rng(seed)
    attributes = {"kernel_shape": kernel, "strides": strides, "pads": pads, "dilations": [1, 1], "group": 1}
    if not says_all:
        attributes, strides, pads = {"kernel_shape": kernel}, (1, 1), (0, 0, 0, 0)
    graph = network(rng.standard_normal((7, 3, *kernel)), free=free, **attributes)
    changed = taking_bytes(graph, (mean,) * 3, scale, bgr=bgr)
    assert changed != graph
    pictures = rng.integers(0, 256, (3 if free else 1, 12, 20, 3), dtype=np.uint8)
    session = Session(changed, name="made", n_threads=1)
    assert session.inputs[0].kind == "tensor(uint8)"
    got = session.run_all(pictures.reshape(len(pictures), 1, 12, 60))[0]
    value = np.stack([planes(picture, (mean,) * 3, scale, bgr=bgr) for picture in pictures])
    want = Session(graph, name="made", n_threads=1).run_all(value)[0]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=2e-3 * scale * 128)


def test_graphs_that_stay_as_they_are() -> None:
    weights = np.ones((2, 3, 3, 3))
    plain = network(weights, kernel_shape=[3, 3])
    assert taking_bytes(plain, (104.0, 117.0, 123.0), 1.0) == plain
    assert taking_bytes(plain, (0.0, 0.0, 0.0), 1.0) != plain
    for other in (
        network(weights, kernel_shape=[3, 3], dilations=[2, 2]),
        network(weights, kernel_shape=[3, 3], auto_pad="SAME_UPPER"),
        network(np.ones((3, 1, 3, 3)), kernel_shape=[3, 3], group=3),
        network(weights, kernel_shape=[3, 3], also=[helper.make_node("Relu", ["x"], ["z"])]),
        network(weights, kernel_shape=[3, 3], also=[helper.make_node("Relu", ["y"], ["pyface_floats"])]),
    ):
        assert taking_bytes(other, (0.0, 0.0, 0.0), 1.0) == other
