"""What is common to the graphs made of published files: their steps, asked for strictly, and convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError
from pyface.models.graph import Graph
from pyface.models.opencv.reader import Network, Node

__all__ = ["GRAPH_VERSION", "Conv", "Steps", "add_conv", "add_first_conv"]

GRAPH_VERSION = 1  # part of cache file names and digests: raise it whenever a graph changes


@dataclass(frozen=True, slots=True, eq=False)
class Conv:
    """A convolution with square strides and symmetric padding, or a full one: weights (out, in / group, h, w)."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    stride: int
    pad: int
    is_depthwise: bool


class Steps:
    """The steps of a network by what they give, and what is asked of them."""

    def __init__(self, network: Network, what: str) -> None:
        self.network, self.what = network, what
        self.by_output = {node.outputs[0]: node for node in network.nodes}

    def wrong(self, found: str) -> ModelFileError:
        return ModelFileError(f"this is not {self.what} as it is known: {found}")

    def step(self, output: str, kind: str) -> Node:
        node = self.by_output.get(output)
        if node is None or node.kind != kind:
            raise self.wrong(f"{output!r} comes from {'the input' if node is None else node.kind}, expected {kind}")
        return node

    def constant(self, node: Node, place: int, ndim: int | None = None) -> NDArray[Any]:
        name = node.inputs[place] if place < len(node.inputs) else ""
        value = self.network.constants.get(name)
        if value is None or (ndim is not None and value.ndim != ndim):
            raise self.wrong(f"input {place} of {node.kind} {node.outputs[0]!r} is no constant of the shape expected")
        return value

    def conv(self, node: Node, channels: int) -> Conv:
        """The convolution of a step whose input has so many channels."""
        weights = self.constant(node, 1, 4)
        out, depth, height, width = weights.shape
        bias = self.constant(node, 2, 1) if len(node.inputs) > 2 else np.zeros(out)
        given = node.attributes
        group, strides, pads = given.get("group", 1), given.get("strides", [1, 1]), given.get("pads", [0] * 4)
        is_depthwise = group == channels == out and depth == 1
        if (
            (not is_depthwise and not (group == 1 and depth == channels))
            or len(bias) != out
            or given.get("auto_pad", "NOTSET") != "NOTSET"
            or given.get("dilations", [1, 1]) != [1, 1]
            or given.get("kernel_shape", [height, width]) != [height, width]
            or height != width
            or height % 2 == 0
            or strides not in ([1, 1], [2, 2])
            or pads != [height // 2] * 4
        ):
            raise self.wrong(f"the convolution {node.outputs[0]!r} of {weights.shape} on {channels} channels, {given}")
        return Conv(weights, bias, strides[0], pads[0], is_depthwise)


def _interleaved(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(out, 1, h, 3 w) from (out, 3, h, w): what a convolution of pixels is on their bytes, three columns a pixel."""
    return weights.transpose(0, 2, 3, 1).reshape(len(weights), 1, weights.shape[2], -1)


def add_first_conv(graph: Graph, value: str, conv: Conv) -> str:
    """A convolution of ``value``, (batch, h, 3 w) of interleaved channels: no transpose, which would take as long."""
    value = graph.add("Unsqueeze", [value, graph.constant(np.array([1], np.int64))])
    return graph.conv(
        value,
        _interleaved(conv.weights),
        conv.bias,
        strides=(conv.stride, 3 * conv.stride),
        pads=(conv.pad, 3 * conv.pad),
    )


def add_conv(graph: Graph, value: str, conv: Conv) -> str:
    group = len(conv.weights) if conv.is_depthwise else 1
    return graph.conv(value, conv.weights, conv.bias, strides=[conv.stride] * 2, pads=[conv.pad] * 2, group=group)
