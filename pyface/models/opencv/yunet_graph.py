"""YuNet's graph: any size and number of images, bytes in, and one table of cells out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pyface.models.graph import Graph
from pyface.models.opencv.graphs import Conv, Steps, add_conv, add_first_conv
from pyface.models.opencv.reader import Network, Node

__all__ = ["STRIDES", "TARGETS", "yunet_graph"]

STRIDES = (8, 16, 32)  # of the three levels, in the order of the rows

# Outputs of a level, in the order in which their channels come here.
_HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
TARGETS = frozenset(f"{kind}_{stride}" for kind in _HEADS for stride in STRIDES)


def yunet_graph(network: Network) -> bytes:
    """``pixels`` (batch, rows, cols, 3) uint8 RGB, sides multiples of 32, to ``cells`` (batch, n, 15) float32.

    A row for each cell of the three levels, in turn, row by row: score (the root of the product of both
    probabilities), four numbers of the box and ten of the points, as the network gives them.
    """
    return _YuNet(network).serialized()


class _YuNet:
    """From the outputs back to the input: all steps must be of a kind that is known."""

    def __init__(self, network: Network) -> None:
        self.steps, self.graph = Steps(network, "YuNet"), Graph()
        if len(network.shape) != 4 or network.shape[1] != 3:
            raise self.steps.wrong(f"its input has the shape {network.shape}")
        if set(network.targets) != TARGETS:
            raise self.steps.wrong(f"its outputs are {', '.join(network.targets)}")
        # Of what has been made: its name in the new graph, its channels, and the pixels between two of its cells.
        self.made: dict[str, tuple[str, int, int]] = {}

    def serialized(self) -> bytes:
        graph = self.graph
        heads = {stride: [self.head(kind, stride) for kind in _HEADS] for stride in STRIDES}
        self.make({feature for level in heads.values() for feature, _, _ in level})
        levels = [self.level(stride, level) for stride, level in heads.items()]
        cells = graph.add("Concat", levels, axis=1)
        probabilities, rest = graph.split(cells, [2, 14], axis=2)
        both = graph.split(graph.add("Sigmoid", [probabilities]), [1, 1], axis=2)
        score = graph.add("Sqrt", [graph.add("Mul", both)])
        graph.add("Concat", [score, rest], "cells", axis=2)
        source, target = ("pixels", ["batch", "rows", "cols", 3]), ("cells", ["batch", "n", 15])
        return graph.serialize("yunet", source, target, of="uint8")

    def level(self, stride: int, heads: list[tuple[str, Node, Node]]) -> str:
        """(batch, cells, 16): the four heads of a level as one, each a 1 x 1 and a depthwise 3 x 3 convolution."""
        features = {feature for feature, _, _ in heads}
        if len(features) != 1:
            raise self.steps.wrong(f"the outputs of stride {stride} come from {', '.join(sorted(features))}")
        value, channels, pixels = self.value(features.pop())
        if pixels != stride:
            raise self.steps.wrong(f"the outputs of stride {stride} come from a map of stride {pixels}")
        pointwise = [self.steps.conv(head[1], channels) for head in heads]
        depthwise = [self.steps.conv(head[2], n) for head, n in zip(heads, _HEADS.values(), strict=True)]
        for parts, side, is_depthwise in ((pointwise, 1, False), (depthwise, 3, True)):
            for part, n in zip(parts, _HEADS.values(), strict=True):
                # One channel on one channel is both.
                is_as_known = part.is_depthwise == is_depthwise or n == channels == 1
                if len(part.weights) != n or part.stride != 1 or part.weights.shape[2] != side or not is_as_known:
                    raise self.steps.wrong(f"the heads of stride {stride} are of other convolutions")
            weights, bias = (np.concatenate([getattr(part, name) for part in parts]) for name in ("weights", "bias"))
            value = add_conv(self.graph, value, Conv(weights, bias, 1, parts[0].pad, is_depthwise))
        value = self.graph.add("Transpose", [value], perm=[0, 2, 3, 1])
        return self.graph.add("Reshape", [value, self.graph.constant(np.array([0, -1, 16], np.int64))])

    def head(self, kind: str, stride: int) -> tuple[str, Node, Node]:
        """What an output is made from, and the two convolutions that make it."""
        steps, output = self.steps, f"{kind}_{stride}"
        if kind in ("cls", "obj"):
            output = steps.step(output, "Sigmoid").inputs[0]
        reshape = steps.step(output, "Reshape")
        if self.sizes(reshape) != [1, -1, _HEADS[kind]]:
            raise steps.wrong(f"the output {kind}_{stride} has another shape")
        transpose = steps.step(reshape.inputs[0], "Transpose")
        if transpose.attributes.get("perm") != [0, 2, 3, 1]:
            raise steps.wrong(f"the output {kind}_{stride} is in another order")
        second = steps.step(transpose.inputs[0], "Conv")
        first = steps.step(second.inputs[0], "Conv")
        return first.inputs[0], first, second

    def sizes(self, reshape: Node) -> list[int]:
        """The shape that is asked for; 1 for the batch, also where that is taken from a value instead of fixed."""
        steps = self.steps
        concat = steps.by_output.get(reshape.inputs[1])
        if concat is None or concat.kind != "Concat":
            return [int(size) for size in steps.constant(reshape, 1, 1)]
        gather = steps.step(steps.step(concat.inputs[0], "Unsqueeze").inputs[0], "Gather")
        steps.step(gather.inputs[0], "Shape")
        # Of every value in the network the first size is the batch.
        if steps.constant(gather, 1).ravel().tolist() != [0] or gather.attributes.get("axis", 0) != 0:
            raise steps.wrong(f"the shape {reshape.inputs[1]!r} begins with another size than the batch")
        return [1, *(int(size) for place in range(1, len(concat.inputs)) for size in steps.constant(concat, place, 1))]

    def make(self, features: set[str]) -> None:
        """The body: these values, and all that they are made of."""
        known: dict[str, Callable[[Node], tuple[str, int, int]]] = {
            "Conv": self.conv, "Relu": self.relu, "MaxPool": self.pool, "Resize": self.doubled, "Add": self.sum
        }  # fmt: skip
        needed = set(features)
        for node in reversed(self.steps.network.nodes):
            if node.outputs[0] in needed:
                needed.update(node.inputs)
        for node in self.steps.network.nodes:
            if node.outputs[0] in needed:
                if node.kind not in known:
                    raise self.steps.wrong(f"it has a step {node.kind}")
                self.made[node.outputs[0]] = known[node.kind](node)

    def value(self, name: str) -> tuple[str, int, int]:
        """A value of the body in the new graph."""
        if name not in self.made:
            raise self.steps.wrong(f"{name!r} is none of its maps")
        return self.made[name]

    def conv(self, node: Node) -> tuple[str, int, int]:
        if node.inputs[0] == self.steps.network.source:
            conv = self.steps.conv(node, 3)
            if conv.is_depthwise:
                raise self.steps.wrong("its first convolution keeps colours apart")
            # The file takes BGR.
            conv = Conv(conv.weights[:, ::-1], conv.bias, conv.stride, conv.pad, False)
            rows = self.graph.add("Reshape", ["pixels", self.graph.constant(np.array([0, 0, -1], np.int64))])
            return add_first_conv(self.graph, self.graph.add("Cast", [rows], to=1), conv), len(conv.bias), conv.stride
        value, channels, pixels = self.value(node.inputs[0])
        conv = self.steps.conv(node, channels)
        return add_conv(self.graph, value, conv), len(conv.bias), pixels * conv.stride

    def relu(self, node: Node) -> tuple[str, int, int]:
        value, channels, pixels = self.value(node.inputs[0])
        return self.graph.add("Relu", [value]), channels, pixels

    def pool(self, node: Node) -> tuple[str, int, int]:
        value, channels, pixels = self.value(node.inputs[0])
        given = node.attributes
        if (
            given.get("kernel_shape") != [2, 2] or given.get("strides") != [2, 2] or len(node.outputs) != 1
            or any(given.get("pads", [])) or given.get("ceil_mode", 0) or given.get("auto_pad", "NOTSET") != "NOTSET"
            or given.get("dilations", [1, 1]) != [1, 1]
        ):  # fmt: skip
            raise self.steps.wrong(f"it has a pooling {given}")
        return self.graph.add("MaxPool", [value], kernel_shape=[2, 2], strides=[2, 2]), channels, 2 * pixels

    def doubled(self, node: Node) -> tuple[str, int, int]:
        value, channels, pixels = self.value(node.inputs[0])
        given = node.attributes
        if (
            given.get("mode") != "nearest" or given.get("nearest_mode") != "floor" or len(node.inputs) != 3
            or given.get("coordinate_transformation_mode") != "asymmetric"
            or self.steps.constant(node, 2, 1).tolist() != [1, 1, 2, 2] or pixels % 2
        ):  # fmt: skip
            raise self.steps.wrong(f"it has an enlargement {given}")
        inputs = [value, "", self.graph.constant(np.array([1, 1, 2, 2], np.float32))]
        kind = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
        return self.graph.add("Resize", inputs, **kind), channels, pixels // 2

    def sum(self, node: Node) -> tuple[str, int, int]:
        if len(node.inputs) != 2:
            raise self.steps.wrong(f"it adds {len(node.inputs)} maps")
        (one, channels, pixels), (other, *other_shape) = (self.value(name) for name in node.inputs)
        if [channels, pixels] != other_shape:
            raise self.steps.wrong("it adds maps of unequal shapes")
        return self.graph.add("Add", [one, other]), channels, pixels
