"""Graphs that take the bytes of a picture as they lie in memory, in place of three planes of floats."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyface.errors import require_extra

__all__ = ["taking_bytes"]

_FLOAT = 1  # of ONNX's types


def taking_bytes(graph: bytes, mean: tuple[float, float, float], scale: float, *, bgr: bool = False) -> bytes:
    """The graph that takes (b, 1, rows, 3 * cols) uint8 RGB where this one takes (b, 3, rows, cols) float32 of it.

    Those are (x - mean) * scale, or the colours the other way round. To turn a picture into planes takes as long as a
    twentieth of a small network. A first convolution that sees a row of interleaved colours as one channel, with its
    kernel and steps three times as wide, makes the same products; the scale and the order of colours go into its
    weights. The mean cannot, as what lies beyond the edge is the mean and not black.

    The graph as it is where something else takes its input first, or the colours have a mean each.
    """
    onnx = require_extra("onnx")
    model = onnx.ModelProto()
    model.ParseFromString(graph)
    source = model.graph.input[0]
    users = [node for node in model.graph.node if source.name in node.input]
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    if len(users) != 1 or len(set(mean)) != 1 or not _is_plain(onnx, users[0], weights):
        return graph
    first = users[0]
    kernel = onnx.numpy_helper.to_array(weights[first.input[1]]).astype(np.float64) * scale
    if bgr:
        kernel = kernel[:, ::-1]
    n_out, _, rows, cols = kernel.shape
    wide = kernel.transpose(0, 2, 3, 1).reshape(n_out, 1, rows, 3 * cols).astype(np.float32)
    given = {attribute.name: list(attribute.ints) for attribute in first.attribute if attribute.ints}
    down, across = given.get("strides", [1, 1])
    top, left, bottom, right = given.get("pads", [0, 0, 0, 0])
    del first.attribute[:]
    for name, values in (
        ("kernel_shape", [rows, 3 * cols]),
        ("strides", [down, 3 * across]),
        ("pads", [top, 3 * left, bottom, 3 * right]),
    ):
        first.attribute.append(onnx.helper.make_attribute(name, values))
    taken = {value for node in model.graph.node for value in (*node.input, *node.output)} | set(weights)
    names = [f"pyface_{what}" for what in ("weights", "floats", "mean", "centred")]
    if not taken.isdisjoint(names):
        return graph
    of_weights, floats, of_mean, centred = names
    model.graph.initializer.append(onnx.numpy_helper.from_array(wide, of_weights))
    first.input[1] = of_weights
    steps = [onnx.helper.make_node("Cast", [source.name], [floats], to=_FLOAT)]
    first.input[0] = floats
    if mean[0]:
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(mean[0]), of_mean))
        steps.append(onnx.helper.make_node("Sub", [floats, of_mean], [centred]))
        first.input[0] = centred
    nodes = [*steps, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _declare(onnx, source)
    del model.graph.value_info[:]
    data: bytes = model.SerializeToString()
    return data


def _is_plain(onnx: Any, node: Any, weights: dict[str, Any]) -> bool:
    """Whether a step is a convolution of three colours whose numbers are all there, without gaps or groups."""
    if node.op_type != "Conv" or node.domain not in ("", "ai.onnx") or node.input[1] not in weights:
        return False
    tensor = weights[node.input[1]]
    if len(tensor.dims) != 4 or tensor.dims[1] != 3 or tensor.data_type != _FLOAT:
        return False
    plain = {"dilations": [1, 1], "group": 1, "auto_pad": b"NOTSET"}
    values = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    return all(values.get(name, value) == value for name, value in plain.items())


def _declare(onnx: Any, source: Any) -> None:
    tensor = source.type.tensor_type
    tensor.elem_type = onnx.TensorProto.UINT8
    _, colours, _, cols = tensor.shape.dim
    colours.Clear()
    colours.dim_value = 1
    size = cols.dim_value
    cols.Clear()
    if size:
        cols.dim_value = 3 * size
    else:
        cols.dim_param = "colours_of_a_row"
