"""ONNX graphs from parsed dlib networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError
from pyface.models.dlib.reader import Layer, Network
from pyface.models.graph import Graph

__all__ = ["GRAPH_VERSION", "detector_graph", "embedder_graph"]

GRAPH_VERSION = 3  # part of cache file names and digests: raise it whenever a graph changes
# ONNX Runtime's direct convolutions work on blocks of so many channels (AVX-512; half of it elsewhere). Others it
# unfolds into a matrix product. Channels of zeros fill up the last block, and change no sum.
_CHANNEL_BLOCK = 16

Shape = tuple[int, int, int]  # channels, rows, columns of a value; rows = columns = 0 where they are free


def _conv(
    graph: Graph, value: str, weights: NDArray[Any], bias: NDArray[Any] | None, layer: Layer | None = None
) -> str:
    if layer is None:
        return graph.conv(value, weights, bias)
    return graph.conv(value, weights, bias, strides=layer.values["strides"], pads=layer.values["pads"])


def _folded(conv: Layer, norm: Layer | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and bias of a convolution and the normalisation behind it, in float64."""
    weights, bias = conv.values["weights"].astype(np.float64), conv.values["bias"].astype(np.float64)
    if norm is None:
        return weights, bias
    gain, offset = norm.values["gamma"].astype(np.float64), norm.values["beta"].astype(np.float64)
    if len(gain) != len(bias):
        raise ModelFileError("a normalisation does not fit the convolution before it")
    if norm.kind == "bn_con2":
        gain = gain / np.sqrt(norm.values["variance"].astype(np.float64) + norm.values["eps"])
        offset = offset - gain * norm.values["mean"].astype(np.float64)
    return weights * gain[:, None, None, None], bias * gain + offset


def detector_graph(network: Network) -> bytes:
    """``canvas`` (batch, 3, h, w), already normalised, to ``scores`` (batch, 1, h', w')."""
    graph = Graph()
    value, layers = "canvas", list(network.layers)
    channels = carried = 3  # of the network, and of the graph, where channels of zeros may have been added
    while layers:
        conv = layers.pop(0)
        norm = layers.pop(0) if layers and layers[0].kind == "bn_con2" else None
        if conv.kind != "con_4" or conv.values["weights"].shape[1] != channels:
            raise ModelFileError(f"the detector has a layer {conv.kind!r} where a fitting convolution was expected")
        weights, bias = _folded(conv, norm)
        channels = len(bias)
        weights = _filled_up(weights, 1, carried)
        if channels == 1 and conv.values["strides"] == [1, 1]:
            value, carried = _single_channel_conv(graph, value, weights, bias, conv.values["pads"]), 1
        else:
            carried = channels if channels == 1 else channels + -channels % _CHANNEL_BLOCK
            value = _conv(graph, value, _filled_up(weights, 0, carried), _filled_up(bias, 0, carried), conv)
        if layers and layers[0].kind == "relu_":
            layers.pop(0)
            value = graph.add("Relu", [value])
    if channels != 1:
        raise ModelFileError(f"the detector has {channels} outputs, expected 1")
    graph.add("Identity", [value], "scores")
    return graph.serialize(
        "dlib_mmod", ("canvas", ["batch", 3, "rows", "cols"]), ("scores", ["batch", 1, "cells_y", "cells_x"]),
        of="float32",
    )  # fmt: skip


def _filled_up(values: NDArray[np.float64], axis: int, length: int) -> NDArray[np.float64]:
    """With zeros at the end of ``axis``, up to ``length``."""
    widths = [(0, 0)] * values.ndim
    widths[axis] = (0, length - values.shape[axis])
    return np.pad(values, widths)


def _single_channel_conv(
    graph: Graph, value: str, weights: NDArray[np.float64], bias: NDArray[np.float64], pads: list[int]
) -> str:
    """A convolution (1, c, k, l) of stride 1 as k row filters (k, c, 1, l), then the sum of their shifted outputs.

    The same products, summed in another order. ONNX Runtime unfolds a convolution of few outputs into a
    matrix of c k l columns, 3,645 for the detector's last layer; this has c l of them. Saves 10 % of the time.
    """
    n_rows = weights.shape[2]
    rows = _filled_up(weights[0].transpose(1, 0, 2)[:, :, None, :], 0, n_rows + -n_rows % _CHANNEL_BLOCK)
    pad_y, pad_x = pads
    value = graph.add(
        "Conv", [value, graph.constant(rows.astype(np.float32))], kernel_shape=[1, rows.shape[3]],
        pads=[0, pad_x, 0, pad_x],
    )  # fmt: skip
    shifts = np.eye(len(rows), n_rows)[None, :, :, None]
    inputs = [value, graph.constant(shifts.astype(np.float32)), graph.constant(bias.astype(np.float32))]
    return graph.add("Conv", inputs, kernel_shape=[n_rows, 1], pads=[pad_y, 0, pad_y, 0])


def embedder_graph(network: Network) -> bytes:
    """``crops`` (batch, size, size, 3), RGB in 0..255, to ``embeddings`` (batch, d)."""
    size = network.input.values["size"]
    graph = Graph()
    # (x - mean) / 256: the power of two goes into the first weights, which loses nothing.
    value = graph.add("Transpose", ["crops"], perm=[0, 3, 1, 2])
    mean = graph.constant(network.input.values["mean"].astype(np.float32)[:, None, None])
    value = graph.add("Sub", [value, mean])
    walk = _Residual(graph, value, (3, *size))
    for i, layer in enumerate(network.layers):
        walk.step(layer, network.layers[i + 1] if i + 1 < len(network.layers) else None)
    dimension = walk.finish()
    return graph.serialize(
        "dlib_resnet", ("crops", ["batch", *size, 3]), ("embeddings", ["batch", dimension]), of="float32"
    )


class _Residual:
    """Walks the layers of the embedder, keeping track of shapes and of the two values a unit adds up.

    One mark opens a unit: it remembers the unit's input. Two marks in a row stand before the pooling of a shortcut:
    they remember the block's output and go back to the unit's input. The sum then takes whichever is remembered.
    """

    def __init__(self, graph: Graph, value: str, shape: Shape) -> None:
        self.graph, self.value, self.shape = graph, value, shape
        self.unit_input: tuple[str, Shape] | None = None
        self.remembered: tuple[str, Shape] | None = None
        self.marks = 0
        self.is_first = True
        self.dimension = 0

    def step(self, layer: Layer, following: Layer | None) -> None:
        if layer.kind == "mark":
            self._mark(following)
            return
        if self.marks > 2:
            raise ModelFileError("the embedder has more than two marks in a row")
        self.marks = 0
        handlers: dict[str, Callable[[], None]] = {
            "con_4": lambda: self._conv(layer, following), "affine_": self._folded_already, "relu_": self._relu,
            "max_pool_2": lambda: self._pool("MaxPool", layer), "avg_pool_2": lambda: self._pool("AveragePool", layer),
            "add_prev_": self._add, "fc_2": lambda: self._full(layer),
        }  # fmt: skip
        if layer.kind not in handlers:
            raise ModelFileError(f"the embedder has a layer {layer.kind!r}, which is not known there")
        handlers[layer.kind]()

    def _mark(self, following: Layer | None) -> None:
        self.marks += 1
        if self.marks == 1 and following is not None and following.kind == "mark":
            self.remembered = (self.value, self.shape)
        elif self.marks == 1:
            self.unit_input = self.remembered = (self.value, self.shape)
        elif self.marks == 2 and self.unit_input is not None:
            self.value, self.shape = self.unit_input

    def _conv(self, layer: Layer, following: Layer | None) -> None:
        if following is None or following.kind != "affine_" or layer.values["weights"].shape[1] != self.shape[0]:
            raise ModelFileError("the embedder has a convolution that fits neither its input nor what follows")
        weights, bias = _folded(layer, following)
        weights = weights.astype(np.float32)
        if self.is_first:
            weights = weights / np.float32(256)
            self.is_first = False
        self.value = _conv(self.graph, self.value, weights, bias, layer)
        rows, cols = (
            (side + 2 * pad - kernel) // stride + 1
            for side, pad, kernel, stride in zip(
                self.shape[1:], layer.values["pads"], weights.shape[2:], layer.values["strides"], strict=True
            )
        )
        self.shape = (len(bias), rows, cols)
        self._check_shape()

    def _folded_already(self) -> None:
        """An affine layer went into the convolution before it."""

    def _relu(self) -> None:
        self.value = self.graph.add("Relu", [self.value])

    def _pool(self, kind: str, layer: Layer) -> None:
        kernel, strides = layer.values["size"], layer.values["strides"]
        if kernel == [0, 0]:
            if kind != "AveragePool":
                raise ModelFileError("the embedder has a global pooling of an unknown kind")
            self.value, self.shape = self.graph.add("GlobalAveragePool", [self.value]), (self.shape[0], 1, 1)
            return
        self.value = self.graph.add(kind, [self.value], kernel_shape=kernel, strides=strides)
        rows, cols = ((side - k) // s + 1 for side, k, s in zip(self.shape[1:], kernel, strides, strict=True))
        self.shape = (self.shape[0], rows, cols)
        self._check_shape()

    def _check_shape(self) -> None:
        if min(self.shape) < 1:
            raise ModelFileError(f"the embedder has an impossible inner shape {self.shape}")

    def _add(self) -> None:
        if self.remembered is None:
            raise ModelFileError("the embedder adds a value that was never remembered")
        other, other_shape = self.remembered
        # Unequal shapes are extended by zeros at the end of each axis to the larger of the two.
        joint = tuple(max(a, b) for a, b in zip(self.shape, other_shape, strict=True))
        terms = [self._extended(self.value, self.shape, joint), self._extended(other, other_shape, joint)]
        self.value, self.shape = self.graph.add("Add", terms), (joint[0], joint[1], joint[2])

    def _extended(self, value: str, shape: Shape, joint: tuple[int, ...]) -> str:
        if shape == joint:
            return value
        ends = [large - small for small, large in zip(shape, joint, strict=True)]
        return self.graph.add("Pad", [value, self.graph.constant(np.array([0] * 5 + ends, np.int64))])

    def _full(self, layer: Layer) -> None:
        weights = layer.values["weights"]
        if self.shape != (len(weights), 1, 1):
            raise ModelFileError("the embedder's last layer does not fit its input")
        # A 1 x 1 convolution, not a matrix product: a product of one row may be added up in another order than one of
        # many, and a face's vector would then depend on the batch it is in.
        value = _conv(self.graph, self.value, np.ascontiguousarray(weights.T)[:, :, None, None], None)
        self.value = self.graph.add("Flatten", [value], "embeddings", axis=1)
        self.dimension = weights.shape[1]

    def finish(self) -> int:
        if self.value != "embeddings":
            raise ModelFileError("the embedder does not end in a fully connected layer")
        return self.dimension
