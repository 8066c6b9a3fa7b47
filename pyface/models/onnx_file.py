"""ONNX files that run as they are: what they declare, and what they may not ask for."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pyface import _memory
from pyface.errors import ModelFileError, one_line, require_extra
from pyface.models.session import Port
from pyface.models.store import Weights

__all__ = ["OnnxFile", "read_onnx"]

# Domains of steps that ONNX Runtime brings itself.
_DOMAINS = ("", "ai.onnx", "com.microsoft")
# Steps among which insightface looks for a network's own normalisation.
_FIRST_STEPS = 8
# Weights of more bytes say nothing about shapes.
_SMALL = 1 << 12
_NO_MODELS = {
    (b"version https://git-lfs",): "it is a pointer of Git LFS; 'git lfs pull' brings the file in its place",
    (b"<!doctype html", b"<html"): "it is a page of HTML, as a link to a page leaves it, and not to the file",
    (b"pk\x03\x04",): "it is a zip, of files or of PyTorch; what is needed is the .onnx file itself",
}


@dataclass(frozen=True, slots=True, eq=False)
class OnnxFile:
    """A parsed file. ``name`` is for messages; free sizes of ``inputs`` and ``outputs`` are names or None.

    Weights are no inputs, also where the file lists them as such.
    """

    name: str
    model: Any
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def graph(self) -> bytes:
        """The bytes that ONNX Runtime is given. Weights that the file lists among its inputs are none there."""
        return self._serialized(self.model)

    def with_free(self, *axes: int) -> bytes:
        """The graph with these axes of its first input free, whatever the file declares, and no shapes of what follows.

        Whether its steps can take other sizes is not said by that.
        """
        model = require_extra("onnx").ModelProto()
        model.CopyFrom(self.model)
        inputs = [value for value in model.graph.input if value.name == self.inputs[0].name]
        for axis in axes:
            dim = inputs[0].type.tensor_type.shape.dim[axis]
            dim.Clear()
            dim.dim_param = f"free_{axis}"
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
        del model.graph.value_info[:]
        return self._serialized(model)

    def _serialized(self, model: Any) -> bytes:
        # Weights listed as inputs could be replaced by a caller, so the runtime would prepare none of them.
        names = {port.name for port in self.inputs}
        kept = [value for value in model.graph.input if value.name in names]
        if len(kept) != len(model.graph.input):
            smaller = require_extra("onnx").ModelProto()
            smaller.CopyFrom(model)
            del smaller.graph.input[:]
            smaller.graph.input.extend(kept)
            model = smaller
        data: bytes = model.SerializeToString()
        return data

    def steps_before(self, output: str) -> frozenset[str]:
        """Kinds of the steps that an output depends on, as ``"Softmax"``."""
        needed, kinds = {output}, set()
        for node in reversed(self.model.graph.node):
            if not needed.isdisjoint(node.output):
                needed.update(node.input)
                kinds.add(node.op_type)
        return frozenset(kinds)

    def normalizes_itself(self) -> bool:
        """insightface's rule: whether a subtraction and a multiplication are among the first steps, by their names."""
        names = [node.name for node in self.model.graph.node[:_FIRST_STEPS]]
        return all(any(name.startswith(words) for name in names) for words in (("Sub", "_minus"), ("Mul", "_mul")))

    def declared(self) -> str:
        """What goes in and comes out, in words, for messages."""
        return f"in: {_in_words(self.inputs)}; out: {_in_words(self.outputs)}"


def read_onnx(source: Weights) -> tuple[OnnxFile, Weights]:
    """The file, and its weights with a digest that covers those in files beside it, which are read into it.

    ModelFileError for what is no ONNX file, is damaged, keeps weights in a file that is missing, or asks for steps that
    only its maker has; MemoryError if one of its values takes more memory than is left.
    """
    onnx = require_extra("onnx")
    model, name = onnx.ModelProto(), str(source.path)
    try:
        model.ParseFromString(source.data)
    except MemoryError:
        raise
    except Exception as error:  # of protobuf, which is not imported here
        raise ModelFileError(f"{name} is no ONNX file, or damaged: {_looks_like(source.data, error)}") from error
    graph = model.graph
    if not graph.node or not graph.output:
        raise ModelFileError(f"{name} is no ONNX file: it has no graph")
    custom = {node.domain: node.op_type for node in _all_nodes(model) if node.domain not in _DOMAINS}
    if custom:
        steps = ", ".join(f"{kind} of {domain!r}" for domain, kind in sorted(custom.items()))
        raise ModelFileError(f"{name} asks for steps that ONNX Runtime does not bring: {steps}")
    source = _with_external(onnx, model, source)
    weights = {tensor.name for tensor in graph.initializer}
    inputs = tuple(_port(onnx, value) for value in graph.input if value.name not in weights)
    taken = {value for node in graph.node for value in node.input}
    # What no step takes was forgotten there by the program that changed the file.
    inputs = tuple(port for port in inputs if port.name in taken)
    if not inputs:
        raise ModelFileError(f"{name} takes no input")
    file = OnnxFile(name, model, inputs, tuple(_port(onnx, value) for value in graph.output))
    _refuse_huge(onnx, file)
    return file, source


def _with_external(onnx: Any, model: Any, source: Weights) -> Weights:
    beside = [tensor for tensor in _all_tensors(onnx, model) if tensor.data_location == onnx.TensorProto.EXTERNAL]
    if not beside:
        return source
    folder, where = Path(source.path).parent, ""
    try:
        for tensor in beside:
            where = {entry.key: entry.value for entry in tensor.external_data}.get("location", "")
            what = f"the weights {tensor.name!r} of {source.path}"
            _memory.require(4 * math.prod(tensor.dims), what, "they cannot be read here")
            onnx.external_data_helper.load_external_data_for_tensor(tensor, str(folder))
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]
        data = model.SerializeToString()
    except MemoryError:
        raise
    except Exception as error:  # missing, too short, outside the folder, or too much for one message
        raise ModelFileError(
            f"{source.path} keeps its weights in the file {where!r} beside it, which is missing or damaged: "
            f"{one_line(error)}"
        ) from error
    return Weights(source.name, source.path, data, hashlib.sha256(data).hexdigest())


def _all_nodes(model: Any) -> Iterator[Any]:
    """Every step, also those of branches, loops and functions."""
    waiting = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                waiting.extend(graph.node)


def _all_tensors(onnx: Any, model: Any) -> Iterator[Any]:
    """Every constant, wherever it is."""
    yield from model.graph.initializer
    for sparse in model.graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in _all_nodes(model):
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for graph in (attribute.g, *attribute.graphs):
                yield from graph.initializer


def _refuse_huge(onnx: Any, file: OnnxFile) -> None:
    """MemoryError if a value whose size the file gives away is larger than what is free.

    Free sizes of the inputs count as those of one picture of 640 x 640.
    """
    skeleton = onnx.ModelProto()
    skeleton.CopyFrom(file.model) if file.model.ByteSize() < _SMALL else _without_weights(onnx, file.model, skeleton)
    names = {port.name for port in file.inputs}
    for value in skeleton.graph.input:
        dims = value.type.tensor_type.shape.dim
        for axis, dim in enumerate(dims if value.name in names else ()):
            if dim.dim_value < 1:
                dim.Clear()
                dim.dim_value = 640 if len(dims) == 4 and axis > 1 else 1
    # What was declared of the outputs may contradict that.
    for output in skeleton.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(skeleton, data_prop=True)
    except Exception:  # what it cannot follow, ONNX Runtime may
        return
    for value in [*inferred.graph.value_info, *inferred.graph.output]:
        dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if all(size > 0 for size in dims):
            n_bytes = 4 * int(np.prod(np.array(dims, dtype=object))) if dims else 4
            _memory.require(n_bytes, f"the value {value.name!r} of {file.name}", "it cannot be run here")


def _without_weights(onnx: Any, model: Any, skeleton: Any) -> None:
    """The model with all large weights turned into inputs of their shape."""
    skeleton.ir_version = model.ir_version
    skeleton.opset_import.extend(model.opset_import)
    graph = skeleton.graph
    graph.name = model.graph.name
    graph.node.extend(model.graph.node)
    graph.output.extend(model.graph.output)
    weights = {tensor.name for tensor in model.graph.initializer}
    graph.input.extend(value for value in model.graph.input if value.name not in weights)
    for tensor in model.graph.initializer:
        if tensor.ByteSize() <= _SMALL:
            graph.initializer.append(tensor)
        else:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))


def _looks_like(data: bytes, error: Exception) -> str:
    """What lies where a model should, if it is one of what downloads leave there; else what the parser said."""
    head = data[:64].lstrip().lower()
    for beginnings, words in _NO_MODELS.items():
        if head.startswith(beginnings):
            return words
    return one_line(error)


def _port(onnx: Any, value: Any) -> Port:
    tensor = value.type.tensor_type
    dims = tensor.shape.dim
    shape = tuple(int(dim.dim_value) if dim.HasField("dim_value") else dim.dim_param or None for dim in dims)
    names = onnx.TensorProto.DataType.items()
    kind = {number: name.lower() for name, number in names}.get(tensor.elem_type, tensor.elem_type)
    return Port(value.name, shape, f"tensor({kind})")


def _in_words(ports: tuple[Port, ...]) -> str:
    return ", ".join(f"{port.name} [{', '.join('?' if s is None else str(s) for s in port.shape)}]" for port in ports)
