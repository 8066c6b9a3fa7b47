"""ONNX files of networks whose numbers went wrong."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper


def times(data, factor):
    """The bytes of a file with all that it gives multiplied by ``factor``, NaN and infinity included."""
    model = onnx.ModelProto()
    model.ParseFromString(data)
    graph = model.graph
    for output in graph.output:
        for node in graph.node:
            node.input[:] = [f"{name}_before" if name == output.name else name for name in node.input]
            node.output[:] = [f"{name}_before" if name == output.name else name for name in node.output]
        graph.initializer.append(numpy_helper.from_array(np.float32(factor), f"{output.name}_factor"))
        graph.node.append(helper.make_node("Mul", [f"{output.name}_before", f"{output.name}_factor"], [output.name]))
    return model.SerializeToString()
