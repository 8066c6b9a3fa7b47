"""MTCNN's O-Net as an ONNX graph: bytes of 48 x 48 crops in, five points and the score of a face out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError
from pyface.models.graph import Graph

__all__ = ["SIZE", "onet_graph"]

SIZE = 48
N_POINTS = 5
# Kernel height and width, channels in, channels out; then the sides of the pooling, its stride and what is added on the
# right and below, so that it covers the border as TensorFlow's "same" does.
_CONVS = ((3, 3, 32), (3, 32, 64), (3, 64, 64), (2, 64, 128))
_POOLS = ((3, 2, 1), (3, 2, 0), (2, 2, 0), None)
_FLAT, _HIDDEN = 1152, 256


def onet_graph(arrays: list[NDArray[np.float32]], name: str) -> bytes:
    """The graph of these weights: (batch, 48, 48, 3) uint8 RGB to (batch, 11) float32, x of five points, y of five
    points, in parts of the crop from its upper left corner, and the probability of a face. ``name`` is for messages.
    """
    shapes: list[tuple[int, ...]] = []
    for side, n_in, n_out in _CONVS:
        shapes += [(side, side, n_in, n_out), (n_out,), (1, 1, n_out)]
    shapes += [(_FLAT, _HIDDEN), (_HIDDEN,), (_HIDDEN,)]
    for n_out in (4, 2 * N_POINTS, 2):  # a better box, which is not used; points; no face and face
        shapes += [(_HIDDEN, n_out), (n_out,)]
    if [array.shape for array in arrays] != shapes:
        raise ModelFileError(f"{name} does not hold the arrays of O-Net: their shapes are not those expected")

    weights = [array.astype(np.float64) for array in arrays]
    # The network takes (x - 127.5) / 128. No border is added before its first layer, so that goes into its weights.
    weights[1] = weights[1] - 127.5 / 128 * weights[0].sum(axis=(0, 1, 2))
    weights[0] = weights[0] / 128
    graph = Graph()
    value = graph.add("Cast", ["crops"], to=1)  # float32
    value = graph.add("Transpose", [value], perm=[0, 3, 1, 2])
    for i, pool in enumerate(_POOLS):
        kernel, bias, slope = weights[3 * i : 3 * i + 3]
        value = graph.conv(value, kernel.transpose(3, 2, 0, 1), bias)
        value = graph.add("PRelu", [value, graph.constant(slope.reshape(-1, 1, 1).astype(np.float32))])
        if pool is not None:
            side, stride, more = pool
            value = graph.add(
                "MaxPool", [value], kernel_shape=[side] * 2, strides=[stride] * 2, pads=[0, 0, more, more]
            )
    # Columns first: the weights were made by a program that keeps pictures so.
    value = graph.add("Transpose", [value], perm=[0, 3, 2, 1])
    value = graph.add("Flatten", [value])
    value = _dense(graph, value, weights[12], weights[13])
    value = graph.add("PRelu", [value, graph.constant(weights[14].astype(np.float32))])
    points = _dense(graph, value, weights[17], weights[18])
    classes = graph.add("Softmax", [_dense(graph, value, weights[19], weights[20])], axis=1)
    face = graph.add("Slice", [classes, *(graph.constant(np.array([k], np.int64)) for k in (1, 2, 1))])
    graph.add("Concat", [points, face], "found", axis=1)
    crops, found = ("crops", ["batch", SIZE, SIZE, 3]), ("found", ["batch", 2 * N_POINTS + 1])
    return graph.serialize("onet", crops, found, of="uint8")


def _dense(graph: Graph, value: str, weights: NDArray[np.float64], bias: NDArray[np.float64]) -> str:
    constants = (graph.constant(array.astype(np.float32)) for array in (weights, bias))
    return graph.add("Gemm", [value, *constants])
