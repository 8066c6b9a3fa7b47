"""Writes small files in dlib's formats, so that the readers are tested without any weights."""

from __future__ import annotations

import numpy as np


def compact(value):
    magnitude = abs(int(value)).to_bytes(8, "little").rstrip(b"\0") or b"\0"
    return bytes([len(magnitude) | (0x80 if value < 0 else 0)]) + magnitude


def number(value):
    mantissa, exponent = np.frexp(np.float32(value))
    return compact(int(np.ldexp(mantissa, 24))) + compact(int(exponent) - 24)


def text(value):
    return compact(len(value)) + value.encode()


def tensor(values):
    values = np.asarray(values, np.float32)
    shape = (*values.shape, 1, 1, 1, 1)[:4] if values.size else (0, 0, 0, 0)
    return compact(2) + b"".join(map(compact, shape)) + values.astype("<f4").tobytes()


def alias(*shape):
    shape = (*shape, 1, 1)[:4]
    return compact(1) + b"".join(map(compact, shape))


def random_trees(*, n_cascades, n_trees, n_splits, n_pixels, n_points, seed=0):
    rng = np.random.default_rng(seed)
    c, t, s, p, k = n_cascades, n_trees, n_splits, n_pixels, n_points
    return {
        "initial_shape": rng.uniform(0.1, 0.9, (k, 2)).astype(np.float32),
        "features": rng.integers(0, p, (c, t, s, 2)).astype(np.int16),
        "thresholds": rng.uniform(-90, 90, (c, t, s)).astype(np.float32),
        "leaves": rng.normal(0, 0.01, (c, t, s + 1, 2 * k)).astype(np.float32),
        "anchors": rng.integers(0, k, (c, p)).astype(np.int16),
        "deltas": rng.normal(0, 0.2, (c, p, 2)).astype(np.float32),
    }


def shape_predictor(arrays):
    """The file of a predictor."""
    c, t, s, _ = arrays["features"].shape
    size = arrays["initial_shape"].size
    vector = compact(-size) + compact(-1)
    out = [compact(1), vector, *map(number, arrays["initial_shape"].ravel()), compact(c)]
    for cascade in range(c):
        out.append(compact(t))
        for tree in range(t):
            out.append(compact(s))
            for split in range(s):
                out += [compact(v) for v in arrays["features"][cascade, tree, split]]
                out.append(number(arrays["thresholds"][cascade, tree, split]))
            out.append(compact(s + 1))
            for leaf in arrays["leaves"][cascade, tree]:
                out += [vector, *map(number, leaf)]
    for name in ("anchors", "deltas"):
        out.append(compact(c))
        for row in arrays[name]:
            out.append(compact(len(row)))
            out += [number(v) if name == "deltas" else compact(v) for v in row.ravel()]
    return b"".join(out)


def convolution(weights, bias, stride, pad):
    n, c, rows, cols = weights.shape
    params = np.concatenate([weights.ravel(), bias])
    ints = b"".join(map(compact, (n, rows, cols, stride, stride, pad, pad)))
    return text("con_4") + tensor(params) + ints + alias(n, c, rows, cols) + alias(1, n) + number(1) * 4


def batch_norm(gamma, beta, mean, variance, eps):
    n = len(gamma)
    params = tensor(np.concatenate([gamma, beta])) + alias(1, n) + alias(1, n)
    tensors = tensor([]) + tensor([]) + tensor(mean) + tensor(variance)
    return text("bn_con2") + params + tensors + compact(5) + compact(100) + number(1) * 4 + number(eps)


def detector(seed=0):
    """A detector of two convolutions (5 x 5 stride 2 with normalisation and relu, then 3 x 3), and its parts."""
    rng = np.random.default_rng(seed)
    parts = {
        "w0": rng.normal(size=(2, 3, 5, 5)).astype(np.float32), "b0": rng.normal(size=2).astype(np.float32),
        "gamma": rng.uniform(0.5, 2, 2).astype(np.float32), "beta": rng.normal(size=2).astype(np.float32),
        "mean": rng.normal(size=2).astype(np.float32), "variance": rng.uniform(0.5, 2, 2).astype(np.float32),
        "w1": rng.normal(size=(1, 2, 3, 3)).astype(np.float32), "b1": rng.normal(size=1).astype(np.float32),
    }  # fmt: skip
    loss = text("loss_mmod_") + b"".join(map(compact, (1, 80, 80)))
    loss += b"".join(map(number, (1, 1, 0.5, 0.25, 1.0, 0.5, 1.0)))
    layers = [
        convolution(parts["w0"], parts["b0"], 2, 0),
        batch_norm(*(parts[k] for k in ("gamma", "beta", "mean", "variance")), 1e-4),
        text("relu_"),
        convolution(parts["w1"], parts["b1"], 1, 1),
    ]
    state = b"000" + tensor([]) * 3
    source = text("input_rgb_image_pyramid") + b"".join(map(number, (122.75, 117.0, 104.25)))
    out = compact(1) + loss + b"".join(map(compact, (2, 2, 2, 3))) + source
    out += layers[0] + state + compact(1) + b"".join(layer + state for layer in layers[1:])
    return out, parts
