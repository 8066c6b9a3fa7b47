"""ONNX files of embedders' forms whose vector is the numbers they are given, and what those should be, from the bytes.

Each number is worked out alone, as the makers of the networks write it down.
"""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}  # red, green, blue


def seeing(
    size, places, *, channels_last=False, batch="batch", declared=True, names=(), outputs=1, kind=TensorProto.FLOAT,
    shape=None, reshaped=0,
):  # fmt: skip
    """A file whose vector is what it is given at ``places`` of the flattened crop.

    batch : declared, a name or a number. declared : whether it says how many numbers the vector has.
    names : of steps that do nothing, before the others. outputs : 2 adds one of length 1.
    shape : declared, in place of the usual. reshaped : what the steps take for the batch; 0 for any.
    """
    nodes, value = [], "data"
    for i, name in enumerate(names):
        nodes.append(helper.make_node("Identity", [value], [f"same{i}"], name=name))
        value = f"same{i}"
    weights = [
        numpy_helper.from_array(np.array([reshaped, -1], np.int64), "flat_shape"),
        numpy_helper.from_array(np.asarray(places, np.int64), "places"),
    ]
    nodes.append(helper.make_node("Reshape", [value, "flat_shape"], ["flat"], name="flatten"))
    nodes.append(helper.make_node("Gather", ["flat", "places"], ["vector"], axis=1, name="gather"))
    targets = [helper.make_tensor_value_info("vector", kind, [batch, len(places)] if declared else None)]
    if outputs == 2:
        nodes.append(helper.make_node("ReduceL2", ["vector"], ["norm"], axes=[1], keepdims=1))
        targets.append(helper.make_tensor_value_info("norm", kind, [batch, 1]))
    usual = [batch, size, size, 3] if channels_last else [batch, 3, size, size]
    source = helper.make_tensor_value_info("data", kind, shape or usual)
    graph = helper.make_graph(nodes, "net", [source], targets, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    if declared:
        onnx.checker.check_model(model)
    return model.SerializeToString()


def given(crop, place, normalization, *, bgr, channels_last):
    """The number at this place of what a network should be given for an RGB crop (h, w, 3) of bytes."""
    rows, cols, _ = crop.shape
    if channels_last:
        plane, row, col = place % 3, place // 3 // cols, place // 3 % cols
    else:
        plane, row, col = place // (rows * cols), place // cols % rows, place % cols
    colour = 2 - plane if bgr else plane  # 0 is red
    x = float(crop[row, col, colour])
    if normalization in ("arcface", "Facenet2018"):
        return (x - 127.5) / 127.5
    if normalization in ("fixed", "ArcFace"):
        return (x - 127.5) / 128
    if normalization == "imagenet":
        return (x / 255 - IMAGENET["mean"][colour]) / IMAGENET["std"][colour]
    if normalization == "raw":
        return x
    if normalization == "base":
        return x / 255
    if normalization == "VGGFace":
        return x - (93.5940, 104.7624, 129.1863)[2 - colour]
    if normalization == "VGGFace2":
        return x - (91.4953, 103.8827, 131.0912)[2 - colour]
    assert normalization in ("prewhiten", "Facenet")
    values = [float(v) for v in crop.reshape(-1).tolist()]
    mean = math.fsum(values) / len(values)
    std = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))
    return (x - mean) / max(std, 1 / math.sqrt(len(values)))
