"""ONNX files as makers of detectors publish them, small: each cell sees one pixel, that in its upper left corner.

Heads are (factors (channels, 3), summands (channels,)) of that pixel's three numbers; ``heads`` has them by name, or
by (name, stride) where levels differ.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, helper
from oracles.zoo_files import File


def random_heads(rng, channels):
    """Heads of normally distributed numbers; ``channels`` by name or (name, stride)."""
    return {key: (rng.normal(size=(n, 3)) / 2, rng.normal(size=n) / 2) for key, n in channels.items()}


def head(file, heads, name, stride):
    factors, summands = heads.get((name, stride), heads.get(name))
    weights = np.asarray(factors, float)[:, :, None, None]
    return file.conv("input", weights, np.asarray(summands, float), f"{name}_{stride}_map", stride=stride)


def table(file, value, width, output, *, perm=(0, 2, 3, 1), shape=None):
    """Channels last, then rows of ``width``."""
    value = file.step("Transpose", [value], f"{output}_t", perm=list(perm))
    shape = file.constant(np.array(shape or [0, -1, width]), f"{output}_shape")
    return file.step("Reshape", [value, shape], output)


def finished(file, size, targets, *, batch=1, shapes=None, list_weights=False):
    """The bytes; ``size`` is (width, height), or None where free. ``shapes`` are those declared, None for unknown."""
    sides = ["height", "width"] if size is None else [size[1], size[0]]
    model = ModelProto.FromString(file.data("input", [batch, 3, *sides], targets, list_weights=list_weights))
    for output, shape in zip(model.graph.output, shapes or [None] * len(targets), strict=True):
        if shape is not None:
            output.CopyFrom(helper.make_tensor_value_info(output.name, 1, shape))
    return model.SerializeToString()


def scrfd(heads, *, n_outputs=9, layout="official", size=None, declared=True, shuffled=False):
    """``official``: Transpose [2, 3, 0, 1], Reshape (-1, C), batch 1. ``flat``: [0, 2, 3, 1], the same. ``batched``:
    rank 3, free batch. ``fixed batch``: rank 3, Reshape (1, -1, C). ``one batch``: one that fails with two pictures.
    """
    file = File()
    strides = (8, 16, 32) if n_outputs in (6, 9) else (8, 16, 32, 64, 128)
    names = ("score", "box", "points")[: n_outputs // len(strides)]
    targets, shapes = [], []
    for name, width in zip(names, (1, 4, 10), strict=False):
        for stride in strides:
            value = head(file, heads, name, stride)
            rank3 = layout in ("batched", "fixed batch", "one batch")
            shape = {"batched": [0, -1, width], "fixed batch": [1, -1, width]}.get(layout, [-1, width])
            if layout == "one batch":
                n_cells = -(-size[0] // stride) * -(-size[1] // stride)
                shape = [1, n_cells * len(heads["score"][1]), width]
            perm = (2, 3, 0, 1) if layout == "official" else (0, 2, 3, 1)
            target = f"{name}_{stride}"
            value = table(file, value, width, f"{target}_raw" if name == "score" else target, perm=perm, shape=shape)
            targets.append(file.step("Sigmoid", [value], target) if name == "score" else value)
            shapes.append(([1] if rank3 else []) + ["n", width] if declared else None)
    order = np.random.default_rng(0).permutation(len(targets)) if shuffled else range(len(targets))
    batch = "batch" if layout == "batched" else 1
    return finished(file, size, [targets[i] for i in order], batch=batch, shapes=[shapes[i] for i in order])


def retinaface(heads, *, masks=False, size=None, declared=True, shuffled=False, batch=1):
    """MXNet's RetinaFace: coarse levels first; heads prob (4), box (8), points (20), and of some mask (6)."""
    file, targets, shapes = File(), [], []
    for stride in (32, 16, 8):
        for name in ("prob", "box", "points", "mask")[: 3 + masks]:
            value = head(file, heads, name, stride)
            kind = "Sigmoid" if name in ("prob", "mask") else "Identity"
            targets.append(file.step(kind, [value], f"face_rpn_{name}_stride{stride}"))
            channels = {"prob": 4, "box": 8, "points": 20, "mask": 6}[name]
            shapes.append([1, channels, "h", "w"] if declared else None)
    order = np.random.default_rng(0).permutation(len(targets)) if shuffled else range(len(targets))
    return finished(file, size, [targets[i] for i in order], batch=batch, shapes=[shapes[i] for i in order])


def pytorch_retinaface(heads, *, size=None, order=("box", "chance", "points"), softmax=True, batch="batch", shape=None):
    """Heads box (8), chance (4: no face and face of two anchors), points (20)."""
    file, widths = File(), {"box": 4, "chance": 2, "points": 10}
    for name, width in widths.items():
        parts = [
            table(file, head(file, heads, name, stride), width, f"{name}_{stride}", shape=shape and [*shape, width])
            for stride in (8, 16, 32)
        ]
        joined = file.step("Concat", parts, f"{name}_all", axis=1)
        file.step("Softmax" if name == "chance" and softmax else "Identity", [joined], f"out_{name}")
    shapes = [[1, "n", widths[name]] for name in order]
    return finished(file, size, [f"out_{name}" for name in order], batch=batch, shapes=shapes)


def ultraface(heads, *, size=(320, 240), decoded=True, softmax=True, priors=None, batch=1):
    """Heads chance and box by stride; ``priors`` (n, 4), as fractions, are needed where boxes are decoded."""
    file = File()
    for name, width in (("chance", 2), ("box", 4)):
        parts = [table(file, head(file, heads, name, stride), width, f"{name}_{stride}") for stride in (8, 16, 32, 64)]
        joined = file.step("Concat", parts, f"{name}_all", axis=1)
        if name == "chance":
            file.step("Softmax" if softmax else "Identity", [joined], "scores", **({"axis": 2} if softmax else {}))
        elif not decoded:
            file.step("Identity", [joined], "boxes")
        else:
            centre, length = file_split(file, joined)
            tenth, fifth, two = (file.constant(np.array(v), f"c{v}") for v in (0.1, 0.2, 2.0))
            place = file.constant(np.asarray(priors)[None, :, :2], "places")
            side = file.constant(np.asarray(priors)[None, :, 2:], "sides")
            centre = file.step("Mul", [file.step("Mul", [centre, tenth], "m1"), side], "m2")
            centre = file.step("Add", [centre, place], "middle")
            length = file.step("Exp", [file.step("Mul", [length, fifth], "m3")], "grown")
            half = file.step("Div", [file.step("Mul", [length, side], "m4"), two], "half")
            ends = [file.step("Sub", [centre, half], "low"), file.step("Add", [centre, half], "high")]
            file.step("Concat", ends, "boxes", axis=2)
    shapes = [[1, "n", 2], [1, "n", 4]]
    return finished(file, size, ["scores", "boxes"], batch=batch, shapes=shapes)


def file_split(file, value):
    """The first and the last two of four numbers."""
    places = [file.constant(np.array([v]), f"place{v}") for v in (0, 2, 4)]
    axis = file.constant(np.array([2]), "last")
    return [file.step("Slice", [value, places[i], places[i + 1], axis], f"part{i}") for i in (0, 1)]


def centerface(heads, *, has_points=True, declared=(10, 3, 32, 32), fixed=False):
    """Heads heat (1), size (2: y and x), shift (2), points (10); weights are listed as inputs, as in the known file.

    ``fixed`` : one that takes pictures of the declared size only.
    """
    file, names = File(), ("heat", "size", "shift", "points")[: 3 + has_points]
    targets, shapes = [], []
    for name, channels in zip(names, (1, 2, 2, 10), strict=False):
        value = head(file, heads, name, 4)
        if fixed:
            shape = np.array([-1, channels, declared[2] // 4, declared[3] // 4])
            value = file.step("Reshape", [value, file.constant(shape, f"{name}_shape")], f"{name}_fixed")
        targets.append(file.step("Sigmoid" if name == "heat" else "Identity", [value], name))
        shapes.append([declared[0], channels, declared[2] // 4, declared[3] // 4])
    size = (declared[3], declared[2])
    return finished(file, size, targets, batch=declared[0], shapes=shapes, list_weights=True)
