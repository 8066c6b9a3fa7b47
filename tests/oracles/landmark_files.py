"""Landmark models as ONNX files whose answer is known: what some pixels are, or where a bright spot is."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13


def _file(nodes, weights, size, outputs, *, batch=1, kind=TensorProto.FLOAT, channels=3):
    graph = helper.make_graph(
        nodes,
        "landmarks",
        [helper.make_tensor_value_info("data", kind, [batch, channels, size, size])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def pixels(size, places, *, shape=None, names=("", ""), inside=None, flag=None, first=(), **declared):
    """A file that gives input[places], for ``places`` into the flattened (3, size, size).

    shape : of the output after the batch.      flag : a number given as a second output.
    inside : (mean, std) by which the graph begins, in steps called ``names``.      first : names of idle steps before.
    """
    shape = (len(places),) if shape is None else shape
    weights = {"places": np.asarray(places, np.int64), "shape": np.array([1, *shape], np.int64)}
    weights["flat"] = np.array([-1], np.int64)
    nodes, value = [], "data"
    for i, name in enumerate(first):
        nodes.append(helper.make_node("Identity", [value], [f"idle{i}"], name))
        value = f"idle{i}"
    if inside is not None:
        weights |= {"mean": np.float32(inside[0]), "factor": np.float32(1 / inside[1])}
        nodes += [
            helper.make_node("Sub", [value, "mean"], ["centred"], names[0]),
            helper.make_node("Mul", ["centred", "factor"], ["normal"], names[1]),
        ]
        value = "normal"
    nodes += [
        helper.make_node("Reshape", [value, "flat"], ["row"]),
        helper.make_node("Gather", ["row", "places"], ["taken"]),
        helper.make_node("Reshape", ["taken", "shape"], ["points"]),
    ]
    outputs = [("points", declared.pop("said", [1, *shape]))]
    if flag is not None:
        weights["said"] = np.array(flag, np.float32).reshape(1, 1, 1, 1)
        nodes.append(helper.make_node("Identity", ["said"], ["flag"]))
        outputs.append(("flag", [1, 1, 1, 1]))
    return _file(nodes, weights, size, outputs, **declared)


def spot(size, count, columns, *, mean, std, factor, shift, before=0, depth=0.0):
    """A file that gives, ``count`` times, where the light's middle is: (u, v) * factor + shift.

    u and v are counted from the middle of the first pixel. Input is (value - mean) / std.      columns : 2, or 3 with
    ``depth``.      before : numbers that are 0 in front of the points.
    """
    grid = np.arange(size, dtype=np.float32)
    weights = {
        "std": np.float32(std), "mean": np.float32(mean), "across": grid.reshape(1, 1, 1, -1),
        "down": grid.reshape(1, 1, -1, 1), "axes": np.array([1, 2, 3], np.int64), "factor": np.float32(factor),
        "shift": np.float32(shift), "depth": np.full((1, columns - 2), depth, np.float32),
        "times": np.array([1, count], np.int64), "before": np.zeros((1, before), np.float32),
        "flat": np.array([1, 1], np.int64),
    }  # fmt: skip
    nodes = [
        helper.make_node("Mul", ["data", "std"], ["scaled"], "undo1"),
        helper.make_node("Add", ["scaled", "mean"], ["light"], "undo2"),
        helper.make_node("ReduceSum", ["light", "axes"], ["total"], keepdims=1),
    ]
    for axis in ("across", "down"):
        nodes += [
            helper.make_node("Mul", ["light", axis], [f"{axis}_light"]),
            helper.make_node("ReduceSum", [f"{axis}_light", "axes"], [f"{axis}_sum"], keepdims=1),
            helper.make_node("Div", [f"{axis}_sum", "total"], [f"{axis}_mean"]),
            helper.make_node("Mul", [f"{axis}_mean", "factor"], [f"{axis}_part"]),
            helper.make_node("Add", [f"{axis}_part", "shift"], [f"{axis}_place"]),
            helper.make_node("Reshape", [f"{axis}_place", "flat"], [f"{axis}_flat"]),
        ]
    nodes += [
        helper.make_node("Concat", ["across_flat", "down_flat", "depth"], ["point"], axis=1),
        helper.make_node("Tile", ["point", "times"], ["all"]),
        helper.make_node("Concat", ["before", "all"], ["points"], axis=1),
    ]
    return _file(nodes, weights, size, [("points", [1, before + count * columns])])


def saved(model, path):
    path.write_bytes(model.SerializeToString())
    return path


def with_weights_beside(model, path):
    """Saved with its weights in another file, which is then taken away."""
    onnx.save_model(
        model, str(path), save_as_external_data=True, all_tensors_to_one_file=True, location="weights.bin",
        size_threshold=0,
    )  # fmt: skip
    (path.parent / "weights.bin").unlink()
    return path
