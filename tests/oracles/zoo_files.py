"""ONNX files as OpenCV's zoo publishes YuNet and SFace, small and with weights of our own; and slow twins."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class File:
    """Steps and weights; weights go in as they are, or as int8 codes with a scale and a zero for each block."""

    def __init__(self, block=None):
        self.block, self.nodes, self.weights = block, [], []

    def constant(self, value, name):
        value = np.asarray(value)
        self.weights.append(
            numpy_helper.from_array(value.astype(np.float32) if value.dtype.kind == "f" else value, name)
        )
        return name

    def weight(self, value, name, *, shape=None):
        """A constant, quantised by rows of the matrix (out, rest) in blocks if this file has them."""
        value = np.asarray(value, np.float64)
        if self.block is None:
            return self.constant(value, name)
        rows = value.reshape(len(value), -1)
        block = math.gcd(self.block, rows.shape[1])
        cut = rows.reshape(len(rows), -1, block)
        low, high = cut.min(axis=2, initial=0), cut.max(axis=2, initial=0)
        scale = np.maximum((high - low) / 255, 1e-8).astype(np.float32)
        zero = np.clip(np.rint(-128 - low / scale), -128, 127)
        codes = np.clip(np.rint(cut / scale[..., None] + zero[..., None]), -128, 127).reshape(rows.shape)
        parts = [
            self.constant(codes.astype(np.int8), f"{name}_quantized"), self.constant(scale, f"{name}_scales"),
            self.constant(zero.astype(np.int8), f"{name}_zero_point"),
        ]  # fmt: skip
        self.step("DequantizeLinear", parts, f"{name}_dequantized", axis=1, block_size=block)
        if value.ndim == 2:
            return f"{name}_dequantized"
        shape = self.constant(np.array(value.shape), f"{name}_shape")
        return self.step("Reshape", [f"{name}_dequantized", shape], f"{name}_reshaped")

    def step(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def conv(self, value, weights, bias, output, *, stride=1, group=1):
        inputs = [value, self.weight(weights, f"{output}.weight")]
        if bias is not None:
            inputs.append(self.constant(np.asarray(bias, float), f"{output}.bias"))
        side = np.shape(weights)[2]
        return self.step(
            "Conv", inputs, output, kernel_shape=[side] * 2, strides=[stride] * 2, pads=[side // 2] * 4,
            dilations=[1, 1], group=group,
        )  # fmt: skip

    def data(self, source, shape, targets, *, list_weights=False):
        """The bytes; ``list_weights`` names weights as inputs, too, and one that is not there any more."""
        inputs = [helper.make_tensor_value_info(source, TensorProto.FLOAT, shape)]
        if list_weights:
            inputs += [helper.make_tensor_value_info(w.name, w.data_type, w.dims) for w in self.weights]
            inputs.append(helper.make_tensor_value_info("gone", TensorProto.FLOAT, [1]))
        outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in targets]
        graph = helper.make_graph(self.nodes, "net", inputs, outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
        model.ir_version = 10
        return model.SerializeToString()


HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
TARGETS = [f"{kind}_{stride}" for kind in HEADS for stride in (8, 16, 32)]


def yunet(rng=None, *, block=None, heads=None, free_batch=False, size=("h", "w")):
    """A network of YuNet's structure.

    free_batch : its tables get their batch from the maps that they are made of.   size : declared rows and columns.

    rng : random weights, a pooling, and maps that are enlarged and added; else each cell sees one pixel, that in its
        upper left corner, and ``heads`` has for each kind of output (channels, 3) factors of its B, G and R, and
        (channels,) summands.
    """
    file = File(block)
    pick = np.zeros((3, 3, 3, 3))
    pick[range(3), range(3), 1, 1] = 1

    def random(*shape):
        return rng.normal(size=shape) / math.sqrt(np.prod(shape[1:]))

    def half(value, output):
        if rng is None:
            return file.conv(value, pick, np.zeros(3), output, stride=2)
        if output == "half2":
            return file.step("MaxPool", [value], output, kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4, ceil_mode=0)
        value = file.conv(
            value, random(8, 3 if value == "input" else 8, 3, 3), rng.normal(size=8), f"{output}_conv", stride=2
        )
        value = file.step("Relu", [value], f"{output}_relu")
        value = file.conv(value, random(8, 8, 1, 1), rng.normal(size=8), f"{output}_point")
        return file.conv(value, random(8, 1, 3, 3), rng.normal(size=8), output, group=8)

    maps, value = [], "input"
    for i in range(1, 6):
        value = half(value, f"half{i}")
        maps.append(value)
    features = dict(zip((8, 16, 32), maps[2:], strict=True))
    if rng is not None:
        file.constant(np.array([1.0, 1, 2, 2]), "twice")
        for stride in (16, 8):
            larger = file.step(
                "Resize", [features[2 * stride], "", "twice"], f"larger{stride}", mode="nearest", nearest_mode="floor",
                coordinate_transformation_mode="asymmetric",
            )  # fmt: skip
            features[stride] = file.step("Add", [features[stride], larger], f"sum{stride}")
    channels = 3 if rng is None else 8
    for kind, n in HEADS.items():
        for stride, feature in features.items():
            name = f"{kind}_{stride}"
            if rng is None:
                factors, summands = heads[kind]
                spread = np.zeros((n, 1, 3, 3))
                spread[:, 0, 1, 1] = 1
            else:
                factors, summands, spread = random(n, channels), rng.normal(size=n), random(n, 1, 3, 3)
            value = file.conv(
                feature, np.asarray(factors, float)[:, :, None, None], np.asarray(summands, float), f"{name}_1"
            )
            value = file.conv(value, spread, np.zeros(n), f"{name}_2", group=n)
            value = file.step("Transpose", [value], f"{name}_t", perm=[0, 2, 3, 1])
            if free_batch:
                parts = [file.constant(np.array(v), f"{name}_{v}") for v in (0, [-1], [n], [0])]
                batch = file.step("Gather", [file.step("Shape", [f"{name}_2"], f"{name}_of"), parts[0]], f"{name}_b")
                batch = file.step("Unsqueeze", [batch, parts[3]], f"{name}_u")
                file.step("Concat", [batch, *parts[1:3]], f"{name}_shape", axis=0)
            else:
                file.constant(np.array([1, -1, n]), f"{name}_shape")
            is_sigmoid = kind in ("cls", "obj")
            value = file.step("Reshape", [value, f"{name}_shape"], f"{name}_r" if is_sigmoid else name)
            if is_sigmoid:
                file.step("Sigmoid", [value], name)
    return file.data("input", ["batch" if free_batch else 1, 3, *size], TARGETS)


def decoded(outputs, rows, cols, least):
    """What YuNet's outputs say, cell by cell: a list of score, box and points counted from corners of pixels."""
    found = []
    for stride in (8, 16, 32):
        cls, obj, bbox, kps = (outputs[f"{kind}_{stride}"][0] for kind in HEADS)
        for row in range(rows // stride):
            for col in range(cols // stride):
                i = row * (cols // stride) + col
                score = math.sqrt(float(cls[i, 0]) * float(obj[i, 0]))
                if score > least:
                    b, k = bbox[i].astype(float), kps[i].astype(float)
                    x, y = (col + b[0]) * stride, (row + b[1]) * stride
                    w, h = math.exp(b[2]) * stride, math.exp(b[3]) * stride
                    points = [((k[2 * j] + col) * stride, (k[2 * j + 1] + row) * stride) for j in range(5)]
                    found.append((score, (x - w / 2, y - h / 2, x + w / 2, y + h / 2), points))
    return found


def sface(rng, *, size=16, dimension=6, block=None, channels=(8, 8, 16, 16, 24), slopes=(-1.5, 2.5), list_weights=True):
    """A network of SFace's structure with random weights: full and depthwise convolutions in turn, some of stride 2."""
    file = File(block)
    file.constant(np.array([127.5]), "mean")
    file.constant(np.array([0.0078125]), "scale")
    value = file.step("Mul", [file.step("Sub", ["data", "mean"], "centred"), "scale"], "scaled")
    before, side = 3, size

    def norm(value, n, output, spread=1.0):
        names = [
            file.constant(part, f"{output}_{i}")
            for i, part in enumerate(
                (rng.uniform(0.5, 2, n), rng.normal(size=n), rng.normal(size=n), spread * rng.uniform(0.3, 2, n))
            )
        ]
        return file.step("BatchNormalization", [value, *names], output, epsilon=0.001, momentum=0.9)

    for i, n in enumerate(channels):
        is_depthwise = i % 2 == 1
        stride = 2 if i in (1, 3) else 1
        depth = 1 if is_depthwise else before
        kernel = 3 if is_depthwise or i == 0 else 1
        weights = rng.normal(size=(n, depth, kernel, kernel)) / math.sqrt(depth * kernel * kernel)
        value = file.conv(value, weights, None, f"conv{i}", stride=stride, group=n if is_depthwise else 1)
        file.constant(rng.uniform(*slopes, size=(n, 1, 1)), f"slopes{i}")
        value = file.step("PRelu", [norm(value, n, f"norm{i}"), f"slopes{i}"], f"prelu{i}")
        before, side = n, (side - 1) // stride + 1
    value = norm(value, before, "bn1")
    value = file.step("Flatten", [file.step("Dropout", [value], "dropout")], "flat")
    weights = rng.normal(size=(dimension, before * side**2)) / math.sqrt(before * side**2)
    inputs = [value, file.weight(weights, "full"), file.constant(rng.normal(size=dimension), "full_bias")]
    value = file.step("Gemm", inputs, "pre_fc1", alpha=1.0, beta=1.0, transA=0, transB=1)
    norm(value, dimension, "fc1")
    return file.data("data", [1, 3, size, size], ["fc1"], list_weights=list_weights)


def run(data, value, source):
    """All outputs by name, as ONNX Runtime has them of a file, for a value (1, h, w, 3) in the file's order."""
    value = np.ascontiguousarray(value.astype(np.float32).transpose(0, 3, 1, 2))
    return run_planes(data, value, source)


def run_planes(data, value, source=None):
    """The same for (1, 3, h, w) float32."""
    return runner(data, source)(value)


def runner(data, source=None, n_threads=0):
    """All outputs by name as a function of one input (1, 3, h, w); the source is the first input if it is not named."""
    import onnxruntime

    model = onnx.ModelProto.FromString(data)
    source = source or model.graph.input[0].name
    kept = [i for i in model.graph.input if i.name == source]
    del model.graph.input[:], model.graph.value_info[:]
    model.graph.input.extend(kept)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    sizes = [d for output in model.graph.output for d in output.type.tensor_type.shape.dim]
    for size in [dims[0], *dims[2:], *sizes]:
        size.Clear()  # whatever it is
    # One block is not taken for blocks there.
    shapes = {weight.name: list(weight.dims) for weight in model.graph.initializer}
    for step in model.graph.node:
        if step.op_type == "DequantizeLinear" and shapes[step.input[1]] == [1]:
            next(a for a in step.attribute if a.name == "block_size").i = 0
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = n_threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda value: dict(zip(names, session.run(names, {source: value}), strict=True))


def cells(outputs):
    """(n, 15): YuNet's outputs of one image as rows of score, box and points, level after level."""
    levels = []
    for stride in (8, 16, 32):
        cls, obj, bbox, kps = (outputs[f"{kind}_{stride}"][0] for kind in HEADS)
        levels.append(np.hstack([np.sqrt(cls * obj), bbox, kps]))
    return np.concatenate(levels)
