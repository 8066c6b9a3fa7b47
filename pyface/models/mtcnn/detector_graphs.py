"""MTCNN's three networks as ONNX graphs for its detector: bytes of pictures in, faces and better boxes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError
from pyface.models.graph import Graph
from pyface.models.mtcnn.onet_graph import N_POINTS

__all__ = ["CELL", "ONET_SIZE", "RNET_SIZE", "STRIDE", "onet_graph", "pnet_graph", "rnet_graph"]

CELL, STRIDE = 12, 2
"""P-Net says of each square of 12 pixels, every 2 pixels, whether it is a face."""
RNET_SIZE, ONET_SIZE = 24, 48
# The runtime lays channels out in blocks of so many; what a layer lacks to a whole block costs nothing.
_BLOCK = 16

Arrays = list[NDArray[np.float32]]


class _Layer(NamedTuple):
    """A convolution: side of its kernel, channels out; then side and stride of the pooling behind it, and what is added
    on the right and below, so that it covers the border as TensorFlow's "same" does.
    """

    side: int
    channels: int
    pool: tuple[int, int, int] | None = None


_PNET = (_Layer(3, 10, (2, 2, 1)), _Layer(3, 16), _Layer(3, 32))
_RNET = (_Layer(3, 28, (3, 2, 1)), _Layer(3, 48, (3, 2, 0)), _Layer(2, 64))
_ONET = (_Layer(3, 32, (3, 2, 1)), _Layer(3, 64, (3, 2, 0)), _Layer(3, 64, (2, 2, 0)), _Layer(2, 128))
_RNET_HIDDEN, _RNET_LAST = 128, 3  # the full layer, and the side of the picture that it sees
_ONET_HIDDEN, _ONET_LAST = 256, 3


def pnet_graph(arrays: Arrays, name: str) -> bytes:
    """(b, rows, cols, 3) uint8 RGB to (b, 5, r, c) float32: the probability of a face in each cell, and how far the
    edges x1 y1 x2 y2 of its box lie from the cell's, in parts of the cell.

    r = ceil((rows - 2) / 2) - 4, c likewise. ``name`` is for messages; ModelFileError unless these are P-Net's arrays.
    """
    weights = _known(arrays, _PNET, [(1, 1, 32, 4), (4,), (1, 1, 32, 2), (2,)], "P-Net", name)
    graph = Graph()
    value = _layers(graph, "pictures", weights, _PNET)
    box, box_bias, classes, class_bias = weights[-4:]
    kernel, bias = _heads((classes[0, 0], class_bias), (box[0, 0], box_bias))
    value = graph.conv(value, kernel.T[:, :, None, None], bias)
    _with_probability(graph, value, kernel.shape[1])
    source, target = ("pictures", ["batch", "rows", "cols", 3]), ("found", ["batch", 5, "cell_rows", "cell_cols"])
    return graph.serialize("pnet", source, target, of="uint8")


def rnet_graph(arrays: Arrays, name: str) -> bytes:
    """(b, 24, 24, 3) uint8 RGB to (b, 5) float32: the probability of a face, and how far the edges x1 y1 x2 y2 of its
    box lie from the crop's, in parts of the crop. Errors as those of :func:`pnet_graph`.
    """
    heads: list[tuple[int, ...]] = [(_RNET_HIDDEN, 4), (4,), (_RNET_HIDDEN, 2), (2,)]
    weights = _known(arrays, _RNET, [*_full(_RNET, _RNET_LAST, _RNET_HIDDEN), *heads], "R-Net", name)
    box, box_bias, classes, class_bias = weights[-4:]
    kernel, bias = _heads((classes, class_bias), (box, box_bias))
    return _of_crops("rnet", RNET_SIZE, weights, _RNET, _RNET_LAST, kernel, bias)


def onet_graph(arrays: Arrays, name: str) -> bytes:
    """(b, 48, 48, 3) uint8 RGB to (b, 15) float32: what R-Net gives, then x of five points and y of five points in
    parts of the crop from its upper left corner. Errors as those of :func:`pnet_graph`.
    """
    heads: list[tuple[int, ...]] = [
        (_ONET_HIDDEN, 4), (4,), (_ONET_HIDDEN, 2 * N_POINTS), (2 * N_POINTS,), (_ONET_HIDDEN, 2), (2,)
    ]  # fmt: skip
    weights = _known(arrays, _ONET, [*_full(_ONET, _ONET_LAST, _ONET_HIDDEN), *heads], "O-Net", name)
    box, box_bias, points, point_bias, classes, class_bias = weights[-6:]
    kernel, bias = _heads((classes, class_bias), (box, box_bias), (points, point_bias))
    return _of_crops("onet_of_detector", ONET_SIZE, weights, _ONET, _ONET_LAST, kernel, bias)


def _full(layers: Sequence[_Layer], side: int, hidden: int) -> list[tuple[int, ...]]:
    """Shapes of the full layer."""
    return [(side * side * layers[-1].channels, hidden), (hidden,), (hidden,)]


def _known(
    arrays: Arrays, layers: Sequence[_Layer], rest: Sequence[tuple[int, ...]], what: str, name: str
) -> list[NDArray[np.float64]]:
    """The arrays in float64, after their shapes were found to be those of the layers and of the rest."""
    shapes: list[tuple[int, ...]] = []
    channels = 3
    for layer in layers:
        shapes += [(layer.side, layer.side, channels, layer.channels), (layer.channels,), (1, 1, layer.channels)]
        channels = layer.channels
    if [array.shape for array in arrays] != [*shapes, *rest]:
        raise ModelFileError(f"{name} does not hold the arrays of {what}: their shapes are not those expected")
    return [array.astype(np.float64) for array in arrays]


def _layers(graph: Graph, pictures: str, weights: list[NDArray[np.float64]], layers: Sequence[_Layer]) -> str:
    """The convolutions, each with its PReLU and its pooling. Channels are filled up with zeros to whole blocks."""
    value = graph.add("Cast", [pictures], to=1)  # float32
    value = graph.add("Transpose", [value], perm=[0, 3, 1, 2])
    channels = 3
    for i, layer in enumerate(layers):
        kernel, bias, slope = weights[3 * i : 3 * i + 3]
        if i == 0:
            # The network takes (x - 127.5) / 128. No border is added before its first layer, so that goes into it.
            bias = bias - 127.5 / 128 * kernel.sum(axis=(0, 1, 2))
            kernel = kernel / 128
        kernel, slope = kernel.transpose(3, 2, 0, 1), slope.reshape(-1)
        width = -(-layer.channels // _BLOCK) * _BLOCK
        value, is_pooled = _bent(graph, value, _filled(kernel, 1, channels), bias, slope, width, layer.pool)
        if layer.pool is not None and not is_pooled:
            value = _pooled(graph, value, layer.pool)
        channels = width
    return value


def _bent(
    graph: Graph,
    value: str,
    kernel: NDArray[np.float64],
    bias: NDArray[np.float64],
    slope: NDArray[np.float64],
    width: int,
    pool: tuple[int, int, int] | None,
) -> tuple[str, bool]:
    """A convolution and its PReLU in ``width`` channels, and whether it was pooled in between.

    PReLU(x) = x + s max(-|a - 1| x, 0) with s = 1 for slopes a <= 1, else -1: the runtime does all of this in the
    layout of its convolutions, and PReLU itself in none. The largest PReLU(x) is PReLU of the largest x where a >= 0,
    and max(largest x, largest a x) where a < 0. So where a block has room for the channels a x of such slopes, the
    pooling comes first, and a quarter is left to be bent.
    """
    turned = np.flatnonzero(slope < 0)
    pools_first = pool is not None and len(slope) + len(turned) <= width
    if pools_first:
        kernel = np.concatenate([kernel, kernel[turned] * slope[turned, None, None, None]])
        bias = np.concatenate([bias, bias[turned] * slope[turned]])
    value = graph.conv(value, _filled(kernel, 0, width), _filled(bias, 0, width))
    factors = np.zeros(width)
    factors[: len(slope)] = -np.abs(slope - 1)
    if pool is not None and pools_first:
        value = _pooled(graph, value, pool)
        mix = np.diag(factors)
        mix[turned, turned] = -1
        mix[turned, len(slope) + np.arange(len(turned))] = 1
        hinge = graph.conv(value, mix[:, :, None, None], None)
    else:
        hinge = graph.scaling(value, factors)
    hinge = graph.add("Relu", [hinge])
    if (slope > 1).any():
        signs = np.ones(width)
        signs[: len(slope)][slope > 1] = -1
        hinge = graph.scaling(hinge, signs)
    return graph.add("Add", [value, hinge]), pools_first


def _pooled(graph: Graph, value: str, pool: tuple[int, int, int]) -> str:
    side, stride, more = pool
    return graph.add("MaxPool", [value], kernel_shape=[side] * 2, strides=[stride] * 2, pads=[0, 0, more, more])


def _filled(array: NDArray[np.float64], axis: int, size: int) -> NDArray[np.float64]:
    """With zeros at the end of an axis up to ``size``."""
    return np.pad(array, [(0, size - array.shape[axis] if k == axis else 0) for k in range(array.ndim)])


def _heads(
    classes: tuple[NDArray[np.float64], NDArray[np.float64]], *others: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (in, out) and bias of all that a network gives. Softmax of two classes is the sigmoid of how much more
    "face" is than "no face".
    """
    kernel, bias = classes
    kernels = [kernel[:, 1:] - kernel[:, :1], *(kernel for kernel, _ in others)]
    return np.hstack(kernels), np.concatenate([bias[1:] - bias[:1], *(bias for _, bias in others)])


def _with_probability(graph: Graph, value: str, width: int) -> None:
    face, rest = graph.split(value, (1, width - 1), axis=1)
    graph.add("Concat", [graph.add("Sigmoid", [face]), rest], "found", axis=1)


def _of_crops(
    title: str,
    size: int,
    weights: list[NDArray[np.float64]],
    layers: Sequence[_Layer],
    last: int,
    kernel: NDArray[np.float64],
    bias: NDArray[np.float64],
) -> bytes:
    """R-Net or O-Net; ``last`` is the side of the picture that the full layer sees, ``kernel``, ``bias`` are heads."""
    graph = Graph()
    value = graph.add("Flatten", [_layers(graph, "crops", weights, layers)])
    full, full_bias, slope = weights[3 * len(layers) : 3 * len(layers) + 3]
    # Columns first, then rows, then channels: the weights were made by a program that keeps pictures so.
    full = full.reshape(last, last, -1, full.shape[1]).transpose(2, 1, 0, 3).reshape(full.shape)
    value = _dense(graph, value, full, full_bias)
    value = graph.add("PRelu", [value, graph.constant(slope.astype(np.float32))])
    _with_probability(graph, _dense(graph, value, kernel, bias), kernel.shape[1])
    source, target = ("crops", ["batch", size, size, 3]), ("found", ["batch", kernel.shape[1]])
    return graph.serialize(title, source, target, of="uint8")


def _dense(graph: Graph, value: str, weights: NDArray[np.float64], bias: NDArray[np.float64]) -> str:
    constants = (graph.constant(array.astype(np.float32)) for array in (weights, bias))
    return graph.add("Gemm", [value, *constants])
