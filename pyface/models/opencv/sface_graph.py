"""SFace's graph: any number of crops, bytes in, with everything folded into its convolutions that can be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface.models.graph import Graph
from pyface.models.opencv.graphs import Conv, Steps, add_conv, add_first_conv
from pyface.models.opencv.reader import Network, Node

__all__ = ["sface_graph"]


def sface_graph(network: Network) -> bytes:
    """``crops`` (batch, size, size, 3) uint8 RGB to ``embeddings`` (batch, d) float32."""
    return _SFace(network).serialized()


class _SFace:
    """A chain of convolutions, each with batch normalisation and PReLU, and a full layer.

    PReLU itself is slow in ONNX Runtime: it is not done in the layout of its convolutions. For each channel
    PReLU(x) = p x + relu(q x) with p = a, q = 1 - a where the slope a is at most 1, and -PReLU(x) is that with p = -a,
    q = a - 1 where it is more. A depthwise convolution is cheap, so it is done twice, its weights once times q with
    ``Relu`` behind, once times p, to which the former is added: both are fused. After others two scalings do that.
    """

    def __init__(self, network: Network) -> None:
        self.steps, self.graph = Steps(network, "SFace"), Graph()
        size = network.shape[-1] if len(network.shape) == 4 else 0
        if network.shape != (1, 3, size, size) or size < 1:
            raise self.steps.wrong(f"its input has the shape {network.shape}")
        if len(network.targets) != 1:
            raise self.steps.wrong(f"it has {len(network.targets)} outputs")
        self.size, self.side, self.channels = size, size, 3
        self.chain = self.ordered()
        self.gain = np.ones(3)  # by which each channel of the value at hand is still to be multiplied

    def ordered(self) -> list[Node]:
        """The steps from the input to the output. Each takes one value, so there is one way."""
        chain, name = [], self.steps.network.targets[0]
        while name != self.steps.network.source:
            chain.append(self.steps.by_output[name])
            if any(value not in self.steps.network.constants for value in chain[-1].inputs[1:]):
                raise self.steps.wrong(f"{chain[-1].kind} {name!r} takes two values")
            name = chain[-1].inputs[0]
        return chain[::-1]

    def take(self, *kinds: str) -> Node:
        if not self.chain or self.chain[0].kind not in kinds:
            found = self.chain[0].kind if self.chain else "its end"
            raise self.steps.wrong(f"{found} where {' or '.join(kinds)} was expected")
        return self.chain.pop(0)

    def serialized(self) -> bytes:
        graph = self.graph
        value = graph.add("Reshape", ["crops", graph.constant(np.array([0, self.size, -1], np.int64))])
        value = graph.add("Cast", [value], to=1)
        mean, scale = (self.steps.constant(self.take(kind), 1).reshape(-1) for kind in ("Sub", "Mul"))
        if len(mean) != 1 or len(scale) != 1:
            raise self.steps.wrong("its colours are normalised each in another way")
        # The mean cannot go into the convolution, as its padding is the mean; the scale can.
        value = graph.add("Sub", [value, graph.constant(mean.astype(np.float32))])
        self.gain = self.gain * scale
        is_first = True
        while self.chain and self.chain[0].kind == "Conv":
            value = self.layer(value, is_first=is_first)
            is_first = False
        dimension = self.full(value)
        source, target = ("crops", ["batch", self.size, self.size, 3]), ("embeddings", ["batch", dimension])
        return graph.serialize("sface", source, target, of="uint8")

    def layer(self, value: str, *, is_first: bool) -> str:
        """A convolution with what follows it, up to its PReLU."""
        conv = self.folded(self.steps.conv(self.take("Conv"), self.channels))
        slopes = self.steps.constant(self.take("PRelu"), 1).reshape(-1)
        self.channels = len(conv.bias)
        if len(slopes) != self.channels or (is_first and conv.is_depthwise):
            raise self.steps.wrong(f"{len(slopes)} slopes for {self.channels} channels")
        self.side = (self.side - 1) // conv.stride + 1
        sign = np.where(slopes <= 1, 1.0, -1.0)
        p, q = sign * slopes, np.abs(1 - slopes)
        self.gain = sign
        graph = self.graph
        if conv.is_depthwise:
            bent = graph.add("Relu", [add_conv(graph, value, _scaled(conv, q))])
            straight = add_conv(graph, value, _scaled(conv, p))
        else:
            value = add_first_conv(graph, value, conv) if is_first else add_conv(graph, value, conv)
            bent = graph.add("Relu", [graph.scaling(value, q)])
            straight = graph.scaling(value, p)
        return graph.add("Add", [straight, bent])

    def folded(self, conv: Conv) -> Conv:
        """With the factors of its input and the normalisation behind it."""
        weights = conv.weights * (self.gain[:, None, None, None] if conv.is_depthwise else self.gain[:, None, None])
        gain, offset = self.norm(self.take("BatchNormalization"), len(weights))
        return Conv(
            weights * gain[:, None, None, None], conv.bias * gain + offset, conv.stride, conv.pad, conv.is_depthwise
        )

    def norm(self, node: Node, channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Batch normalisation as factors and summands."""
        scale, shift, mean, variance = (self.steps.constant(node, place, 1) for place in range(1, 5))
        if {len(values) for values in (scale, shift, mean, variance)} != {channels}:
            raise self.steps.wrong(f"a normalisation {node.outputs[0]!r} that does not fit {channels} channels")
        spread = variance + node.attributes.get("epsilon", 1e-5)
        if node.attributes.get("training_mode", 0) or len(node.outputs) != 1 or (spread <= 0).any():
            raise self.steps.wrong(f"a normalisation {node.outputs[0]!r} that cannot be worked out")
        gain = scale / np.sqrt(spread)
        return gain, shift - gain * mean

    def full(self, value: str) -> int:
        """The full layer, with the normalisations around it; how many numbers it gives."""
        before, shift = np.ones(self.channels), np.zeros(self.channels)
        if self.chain and self.chain[0].kind == "BatchNormalization":
            before, shift = self.norm(self.take("BatchNormalization"), self.channels)
        while self.chain and self.chain[0].kind in ("Dropout", "Identity"):
            if len(self.chain.pop(0).inputs) > 2:
                raise self.steps.wrong("a Dropout that may be in training")
        if self.take("Flatten").attributes.get("axis", 1) != 1:
            raise self.steps.wrong("a batch that is flattened")
        gemm = self.take("Gemm")
        weights, bias = self.steps.constant(gemm, 1, 2), self.steps.constant(gemm, 2, 1)
        area = self.side**2
        given = {"transB": 0, "transA": 0, "alpha": 1.0, "beta": 1.0} | gemm.attributes
        if (
            given != {"transB": 1, "transA": 0, "alpha": 1.0, "beta": 1.0}
            or weights.shape != (len(bias), self.channels * area)
        ):  # fmt: skip
            raise self.steps.wrong(f"a full layer of {weights.shape} on {self.channels} x {area} numbers, {given}")
        gain, offset = self.norm(self.take("BatchNormalization"), len(bias))
        if self.chain:
            raise self.steps.wrong(f"{self.chain[0].kind} after its full layer")
        by_channel = weights.reshape(len(bias), self.channels, area)
        bias = (bias + by_channel.sum(axis=2) @ shift) * gain + offset
        weights = (by_channel * (gain[:, None] * before * self.gain)[:, :, None]).reshape(weights.shape)
        flat = self.graph.add("Flatten", [value], axis=1)
        constants = [self.graph.constant(values.astype(np.float32)) for values in (weights, bias)]
        self.graph.add("Gemm", [flat, *constants], "embeddings", transB=1)
        return len(bias)


def _scaled(conv: Conv, factors: NDArray[np.float64]) -> Conv:
    weights = conv.weights * factors[:, None, None, None]
    return Conv(weights, conv.bias * factors, conv.stride, conv.pad, conv.is_depthwise)
