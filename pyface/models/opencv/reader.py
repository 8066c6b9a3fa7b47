"""Strict reading of ONNX files: what a network is made of, its constants worked out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError, one_line, require_extra

__all__ = ["Network", "Node", "read_network"]

# Several times what the files of the catalog need. Whole numbers of weights take eight times their size as float64.
MOST_BYTES = 64 << 20
MOST_NODES = 4096
MOST_NUMBERS = 64 << 20


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a network. ``attributes`` hold numbers, lists of numbers, text and (of ``Constant``) arrays."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The steps that depend on the input, in an order in which they can be done, and the constants they take.

    constants : whole numbers in the file's type, others as float64: those of the file are exact in it, and what
        dequantisation makes of them is as good as exact.
    source, shape : name and declared shape of the one input; free sizes are 0.
    targets : names of the outputs.
    """

    nodes: tuple[Node, ...]
    constants: dict[str, NDArray[Any]]
    source: str
    shape: tuple[int, ...]
    targets: tuple[str, ...]


def read_network(data: bytes, name: str) -> Network:
    """The network of an ONNX file in memory; ``name`` is for messages.

    Constants are worked out where they are quantised (``DequantizeLinear``, also by blocks) or given another shape.
    Nothing outside ``data`` is read. ModelFileError for what is no ONNX file, is too large, keeps weights in other
    files, has parts that are graphs themselves, or does not hold together.
    """
    onnx = require_extra("onnx")
    if len(data) > MOST_BYTES:
        raise ModelFileError(f"{name} has {len(data):,} bytes, more than the {MOST_BYTES:,} that are read")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except MemoryError:
        raise
    except Exception as error:  # of protobuf, which is not imported here
        raise ModelFileError(f"{name} is no ONNX file, or damaged: {one_line(error)}") from error
    try:
        return _Reading(onnx, model).network()
    except ModelFileError as error:
        raise ModelFileError(f"{name} cannot be read: {error}") from None


class _Reading:
    """One file on its way to a :class:`Network`."""

    def __init__(self, onnx: Any, model: Any) -> None:
        self.onnx, self.model, self.graph = onnx, model, model.graph
        self.constants: dict[str, NDArray[Any]] = {}
        self.n_numbers = 0

    def network(self) -> Network:
        graph = self.graph
        if self.model.functions or self.model.training_info or graph.sparse_initializer:
            raise ModelFileError("it has functions, training steps or sparse weights, which are not known here")
        if not graph.node or len(graph.node) > MOST_NODES:
            raise ModelFileError(f"it has {len(graph.node):,} steps, expected 1 to {MOST_NODES:,}")
        for tensor in graph.initializer:
            self._keep(tensor.name, self._array(tensor))
        # Some list their weights as inputs too, also under the names they had before they were quantised.
        taken = {name for node in graph.node for name in node.input}
        inputs = [value for value in graph.input if value.name in taken and value.name not in self.constants]
        if len(inputs) != 1:
            raise ModelFileError(f"it has {len(inputs)} inputs, expected 1")
        known, nodes = {inputs[0].name}, []
        for proto in graph.node:
            node = self._node(proto)
            if any(output in known or output in self.constants for output in node.outputs):
                raise ModelFileError(f"two steps give {node.outputs[0]!r}")
            missing = [value for value in node.inputs if value and value not in known and value not in self.constants]
            if missing:
                raise ModelFileError(f"the step {node.kind} takes {missing[0]!r}, which nothing before it gives")
            if not known.intersection(node.inputs):
                self._work_out(node)
            else:
                known.update(node.outputs)
                nodes.append(node)
        targets = tuple(value.name for value in graph.output)
        absent = [target for target in targets if target not in known]
        if absent or not targets:
            raise ModelFileError(f"no step gives its output {absent[0]!r}" if absent else "it has no output")
        dims = inputs[0].type.tensor_type.shape.dim
        shape = tuple(int(dim.dim_value) for dim in dims)
        return Network(tuple(nodes), self.constants, inputs[0].name, shape, targets)

    def _keep(self, name: str, value: NDArray[Any]) -> None:
        if name in self.constants or not name:
            raise ModelFileError(f"two constants are called {name!r}")
        self.n_numbers += value.size
        if self.n_numbers > MOST_NUMBERS:
            raise ModelFileError(f"it has more than {MOST_NUMBERS:,} weights")
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise ModelFileError(f"the constant {name!r} holds NaN or infinite values")
        self.constants[name] = value

    def _array(self, tensor: Any) -> NDArray[Any]:
        kinds = self.onnx.TensorProto
        if tensor.data_location == kinds.EXTERNAL or tensor.external_data:
            raise ModelFileError(f"the weights {tensor.name!r} are in another file, and only one is read")
        if tensor.data_type not in (kinds.FLOAT, kinds.INT8, kinds.UINT8, kinds.INT64):
            raise ModelFileError(
                f"the weights {tensor.name!r} are of the type {tensor.data_type}, which is not known here"
            )
        try:
            array = self.onnx.numpy_helper.to_array(tensor)
        except MemoryError:
            raise
        except Exception as error:  # sizes that do not fit the bytes
            raise ModelFileError(f"the weights {tensor.name!r} do not fit their shape: {one_line(error)}") from None
        return np.asarray(array, np.float64) if tensor.data_type == kinds.FLOAT else np.asarray(array)

    def _node(self, proto: Any) -> Node:
        if proto.domain not in ("", "ai.onnx"):
            raise ModelFileError(f"the step {proto.op_type} is of {proto.domain!r}, which is not known here")
        if not proto.output or not proto.output[0]:
            raise ModelFileError(f"a step {proto.op_type} gives nothing")
        kinds = self.onnx.AttributeProto
        simple = (kinds.FLOAT, kinds.INT, kinds.STRING, kinds.FLOATS, kinds.INTS)
        attributes: dict[str, Any] = {}
        for attribute in proto.attribute:
            if attribute.ref_attr_name or attribute.type not in (*simple, kinds.TENSOR):
                raise ModelFileError(
                    f"the step {proto.op_type} has {attribute.name!r} of a kind that is not known here"
                )
            value = self.onnx.helper.get_attribute_value(attribute)
            if attribute.type == kinds.TENSOR:
                value = self._array(value)
            elif isinstance(value, bytes):
                value = value.decode(errors="replace")
            attributes[attribute.name] = list(value) if attribute.type in (kinds.FLOATS, kinds.INTS) else value
        return Node(proto.op_type, tuple(proto.input), tuple(output for output in proto.output if output), attributes)

    def _work_out(self, node: Node) -> None:
        """A step that takes constants only."""
        known: dict[str, Callable[..., NDArray[Any]]] = {
            "Constant": _constant, "DequantizeLinear": _dequantised, "Reshape": _reshaped
        }  # fmt: skip
        if node.kind not in known:
            raise ModelFileError(f"the step {node.kind} takes constants only, which is not known here")
        try:
            value = known[node.kind](node.attributes, *(self.constants[name] for name in node.inputs))
        except (TypeError, ValueError, OverflowError) as error:
            raise ModelFileError(f"{node.outputs[0]!r} cannot be worked out: {one_line(error)}") from None
        self._keep(node.outputs[0], value)


def _constant(attributes: dict[str, Any]) -> NDArray[Any]:
    if list(attributes) != ["value"] or not isinstance(attributes["value"], np.ndarray):
        raise ValueError("a constant without a value that is an array")
    array: NDArray[Any] = attributes["value"]
    return array


def _dequantised(
    attributes: dict[str, Any], codes: NDArray[Any], scales: NDArray[Any], zeros: NDArray[Any]
) -> NDArray[np.float64]:
    """(codes - zeros) * scales, where each scale and zero is that of ``block_size`` codes along ``axis``."""
    axis, size = attributes.get("axis", 1), attributes.get("block_size", 0)
    if codes.dtype.kind not in "iu" or zeros.dtype != codes.dtype or scales.dtype.kind != "f":
        raise ValueError("codes and zeros must be whole numbers, and scales must not")
    if size < 1 or not 0 <= axis < codes.ndim:
        raise ValueError("only quantisation by blocks is known here")
    n_blocks = -(-codes.shape[axis] // size)
    if scales.shape != zeros.shape or scales.shape != (*codes.shape[:axis], n_blocks, *codes.shape[axis + 1 :]):
        raise ValueError(f"scales of shape {scales.shape} for codes of shape {codes.shape} in blocks of {size}")
    if codes.shape[axis] % size:
        raise ValueError(f"codes of shape {codes.shape} are not in whole blocks of {size}")
    values = codes.reshape(*codes.shape[:axis], n_blocks, size, *codes.shape[axis + 1 :]).astype(np.float64)
    values -= np.expand_dims(zeros, axis + 1)
    values *= np.expand_dims(scales, axis + 1)
    return values.reshape(codes.shape)


def _reshaped(attributes: dict[str, Any], value: NDArray[Any], shape: NDArray[Any]) -> NDArray[Any]:
    if attributes.get("allowzero", 0) or shape.ndim != 1 or shape.dtype.kind != "i" or (shape <= 0).any():
        raise ValueError("a shape with sizes to be found")
    return value.reshape(shape.tolist())
