"""Building ONNX graphs. Only here and where such files are read is the ``onnx`` package needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import require_extra

__all__ = ["Graph"]

OPSET = 13
IR_VERSION = 8


class Graph:
    """A graph of one input and one output in the making: nodes and constants in the order they are added."""

    def __init__(self) -> None:
        self.onnx = require_extra("onnx")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        output = output or f"v{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [output], **attributes))
        return output

    def split(self, value: str, sizes: Sequence[int], axis: int) -> list[str]:
        """The parts of a value along an axis."""
        outputs = [f"v{len(self.nodes)}_{i}" for i in range(len(sizes))]
        inputs = [value, self.constant(np.array(sizes, np.int64))]
        self.nodes.append(self.onnx.helper.make_node("Split", inputs, outputs, axis=axis))
        return outputs

    def conv(
        self,
        value: str,
        weights: NDArray[Any],
        bias: NDArray[Any] | None,
        *,
        strides: Sequence[int] = (1, 1),
        pads: Sequence[int] = (0, 0),
        **attributes: Any,
    ) -> str:
        """A convolution; ``pads`` are those above and on the left, and as many below and on the right."""
        inputs = [value, self.constant(weights.astype(np.float32))]
        if bias is not None:
            inputs.append(self.constant(bias.astype(np.float32)))
        return self.add(
            "Conv", inputs, kernel_shape=list(weights.shape[2:]), strides=list(strides), pads=[*pads, *pads],
            **attributes,
        )  # fmt: skip

    def scaling(self, value: str, factors: NDArray[Any]) -> str:
        """Times a factor for each channel, in the form that the runtime does in the layout of its convolutions."""
        ones, zeros = np.ones(len(factors), np.float32), np.zeros(len(factors), np.float32)
        constants = [self.constant(values) for values in (factors.astype(np.float32), zeros, zeros, ones)]
        return self.add("BatchNormalization", [value, *constants], epsilon=0.0)

    def serialize(self, name: str, source: tuple[str, list[Any]], target: tuple[str, list[Any]], *, of: str) -> bytes:
        """The checked model. source, target : name and shape, free sizes by name.   of : ``"float32"`` or ``"uint8"``,
        the type of the input; the output is float32.
        """
        helper, kinds = self.onnx.helper, self.onnx.TensorProto
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(source[0], {"float32": kinds.FLOAT, "uint8": kinds.UINT8}[of], source[1])],
            [helper.make_tensor_value_info(target[0], kinds.FLOAT, target[1])],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="pyface")
        model.ir_version = IR_VERSION
        data: bytes = model.SerializeToString()
        self.onnx.checker.check_model(data)  # a model it would serialize once more
        return data
