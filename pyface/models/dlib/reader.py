"""Reads dlib's weight files. Nothing is executed, nothing is guessed: what is not expected is an error.

A network file is a run of markers going inwards, the input layer, then the layers coming back out, which is the order
in which they run. A shape predictor is one stream of compact integers. Neither has a magic number or a checksum; that
the reader ends exactly at the end of the file is part of the proof that it understood it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError
from pyface.kernels.faces import scan_compact_ints

__all__ = ["Layer", "Network", "read_network", "read_shape_predictor"]

_MAX_MARKERS = 10_000
_MAX_STRING = 64
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Layer:
    """One computational layer in execution order, or a ``"mark"``: a tag, or a skip back to one."""

    kind: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Network:
    loss: Layer
    input: Layer
    layers: list[Layer]


class _Stream:
    def __init__(self, data: bytes, name: str) -> None:
        self.data = np.frombuffer(data, np.uint8)
        self.at = 0
        self.name = name

    def fail(self, what: str) -> ModelFileError:
        return ModelFileError(f"{self.name} cannot be read: byte {self.at}: {what}")

    def ints(self, count: int) -> NDArray[np.int64]:
        try:
            values, self.at = scan_compact_ints(self.data, self.at, count)
        except ValueError as error:
            raise ModelFileError(f"{self.name} cannot be read: {error}") from None
        return values

    def integer(self) -> int:
        return int(self.ints(1)[0])

    def expect(self, wanted: int, what: str) -> None:
        got = self.integer()
        if got != wanted:
            raise self.fail(f"{what} is {got}, expected {wanted}")

    def count(self, what: str, limit: int) -> int:
        value = self.integer()
        if not 0 < value <= limit:
            raise self.fail(f"{what} is {value}, expected 1 to {limit}")
        return value

    def raw(self, size: int) -> bytes:
        if size < 0 or size > len(self.data) - self.at:
            raise self.fail(f"{size} bytes are missing")
        chunk = self.data[self.at : self.at + size].tobytes()
        self.at += size
        return chunk

    def truth(self) -> bool:
        value = self.raw(1)
        if value not in (b"0", b"1"):
            raise self.fail(f"{value!r} is not a truth value")
        return value == b"1"

    def string(self) -> str:
        length = self.integer()
        if not 0 < length <= _MAX_STRING:
            raise self.fail(f"a name of {length} bytes")
        try:
            return self.raw(length).decode("ascii")
        except UnicodeDecodeError:
            raise self.fail("a name that is not ASCII") from None

    def floats(self, count: int) -> NDArray[np.float64]:
        pairs = self.ints(2 * count).reshape(-1, 2)
        return decode_floats(pairs, self.fail)

    def number(self) -> float:
        return float(self.floats(1)[0])

    def shape(self, version: int) -> tuple[int, int, int, int]:
        self.expect(version, "the version of a tensor")
        n, k, rows, cols = (int(v) for v in self.ints(4))
        if min(n, k, rows, cols) < 0:
            raise self.fail(f"a tensor of shape {(n, k, rows, cols)}")
        return n, k, rows, cols

    def tensor(self) -> NDArray[np.float32]:
        shape = self.shape(2)
        n, k, rows, cols = shape
        values = np.frombuffer(self.raw(4 * n * k * rows * cols), "<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise self.fail("a weight is not finite")
        return values.reshape(shape)

    def end(self) -> None:
        if self.at != len(self.data):
            raise self.fail(f"{len(self.data) - self.at} bytes too many")


def decode_floats(pairs: NDArray[np.int64], fail: Callable[[str], ModelFileError]) -> NDArray[np.float64]:
    """mantissa * 2 ** exponent. The codes for infinities and NaN are refused like everything beyond float32."""
    mantissa, exponent = pairs[..., 0], pairs[..., 1]
    if pairs.size and (exponent.max() > 1023 or exponent.min() < -2000):
        raise fail("a number is not finite")
    with np.errstate(over="ignore", under="ignore"):
        values = np.ldexp(mantissa.astype(np.float64), exponent.astype(np.int32))
    if not (np.abs(values) <= _LARGEST).all():
        raise fail("a number is not finite in float32")
    return values


def _read_conv(s: _Stream) -> dict[str, Any]:
    params = s.tensor().ravel()
    n_filters, rows, cols, stride_y, stride_x, pad_y, pad_x = (int(v) for v in s.ints(7))
    filters, biases = s.shape(1), s.shape(1)
    s.floats(4)  # learning rates
    n_weights = int(np.prod(filters))
    if filters[0] != n_filters or filters[2:] != (rows, cols) or int(np.prod(biases)) != n_filters:
        raise s.fail("the parts of a convolution do not fit each other")
    if len(params) != n_weights + n_filters or min(n_filters, filters[1], rows, cols, stride_y, stride_x) < 1:
        raise s.fail("the parts of a convolution do not fit each other")
    if not (0 <= pad_y < rows and 0 <= pad_x < cols):
        raise s.fail("a convolution is padded by more than its size")
    return {
        "weights": params[:n_weights].reshape(filters), "bias": params[n_weights:],
        "strides": [stride_y, stride_x], "pads": [pad_y, pad_x],
    }  # fmt: skip


def _gamma_beta(s: _Stream) -> dict[str, Any]:
    params = s.tensor().ravel()
    n = int(np.prod(s.shape(1)))
    if n < 1 or int(np.prod(s.shape(1))) != n or len(params) != 2 * n:
        raise s.fail("the parts of a normalisation do not fit each other")
    return {"gamma": params[:n], "beta": params[n:]}


def _read_batch_norm(s: _Stream) -> dict[str, Any]:
    values = _gamma_beta(s)
    s.tensor(), s.tensor()  # of the last training batch
    values["mean"], values["variance"] = s.tensor().ravel(), s.tensor().ravel()
    s.ints(2)
    s.floats(4)
    values["eps"] = s.number()
    n = len(values["gamma"])
    if len(values["mean"]) != n or len(values["variance"]) != n or values["variance"].min() < 0 or values["eps"] <= 0:
        raise s.fail("the parts of a normalisation do not fit each other")
    return values


def _read_affine(s: _Stream) -> dict[str, Any]:
    values = _gamma_beta(s)
    s.expect(0, "the mode of an affine layer")
    return values


def _read_pool(s: _Stream) -> dict[str, Any]:
    rows, cols, stride_y, stride_x, pad_y, pad_x = (int(v) for v in s.ints(6))
    if min(rows, cols) < 0 or (rows == 0) != (cols == 0) or min(stride_y, stride_x) < 1 or pad_y or pad_x:
        raise s.fail("a pooling layer of a kind that is not known")
    return {"size": [rows, cols], "strides": [stride_y, stride_x]}


def _read_full(s: _Stream) -> dict[str, Any]:
    n_out, n_in = (int(v) for v in s.ints(2))
    params = s.tensor().ravel()
    s.shape(1), s.shape(1)
    s.expect(1, "the bias mode of a fully connected layer")
    s.floats(4)
    if min(n_in, n_out) < 1 or len(params) != n_in * n_out:
        raise s.fail("the parts of a fully connected layer do not fit each other")
    return {"weights": params.reshape(n_in, n_out)}


def _read_metric_loss(s: _Stream) -> dict[str, Any]:
    margin, threshold = s.floats(2)
    return {"margin": float(margin), "distance_threshold": float(threshold)}


def _read_mmod_loss(s: _Stream) -> dict[str, Any]:
    s.expect(1, "the version of the detector's loss")
    width, height = (int(v) for v in s.ints(2))
    values = s.floats(7)
    return {"window": (width, height), "nms_overlap": float(values[3]), "nms_covered": float(values[4])}


def _read_mean(s: _Stream) -> dict[str, Any]:
    return {"mean": s.floats(3)}


def _read_sized_input(s: _Stream) -> dict[str, Any]:
    return {**_read_mean(s), "size": tuple(int(v) for v in s.ints(2))}


_DETAILS: dict[str, Callable[[_Stream], dict[str, Any]]] = {
    "loss_metric_2": _read_metric_loss,
    "loss_mmod_": _read_mmod_loss,
    "input_rgb_image_sized": _read_sized_input,
    "input_rgb_image_pyramid": _read_mean,
    "con_4": _read_conv,
    "bn_con2": _read_batch_norm,
    "affine_": _read_affine,
    "relu_": lambda s: {},
    "max_pool_2": _read_pool,
    "avg_pool_2": _read_pool,
    "add_prev_": lambda s: {},
    "fc_2": _read_full,
}


def _details(s: _Stream) -> Layer:
    kind = s.string()
    if kind not in _DETAILS:
        raise s.fail(f"a layer of the unknown kind {kind!r}")
    return Layer(kind, _DETAILS[kind](s))


def read_network(data: bytes, name: str) -> Network:
    """Parse a network file. ``name`` is what errors (:class:`ModelFileError`) call it."""
    s = _Stream(data, name)
    s.expect(1, "the version of the loss layer")
    loss = _details(s)
    markers: list[int] = []
    while not markers or markers[-1] != 3:
        markers.append(s.integer())
        if markers[-1] not in (1, 2, 3) or len(markers) > _MAX_MARKERS:
            raise s.fail(f"a layer of version {markers[-1]}, expected 1, 2 or 3")
    source = _details(s)
    layers = []
    for marker in reversed(markers):
        if marker == 1:
            layers.append(Layer("mark"))
            continue
        layers.append(_details(s))
        for _ in range(3):
            s.truth()
        if any(s.tensor().size for _ in range(3)):
            raise s.fail("a layer with training state")
        if marker == 3:
            s.expect(1, "the sample expansion factor")
    s.end()
    return Network(loss, source, layers)


def read_shape_predictor(data: bytes, name: str) -> dict[str, NDArray[Any]]:
    """Parse a shape predictor into the arrays of :class:`pyface.kernels.faces.RegressionTrees`.

    One cascade is read at a time: 33 million integers would be 270 MB at once.
    """
    s = _Stream(data, name)
    s.expect(1, "the version")
    n_coordinates = -s.integer()
    if not 4 <= n_coordinates <= 1000 or n_coordinates % 2 or s.integer() != -1:
        raise s.fail("an initial shape of unknown size")
    shape = s.floats(n_coordinates).astype(np.float32)

    n_cascades = s.count("the number of cascades", 1000)
    parts: list[tuple[NDArray[Any], ...]] = []
    for cascade in range(n_cascades):
        n_trees = s.count("the number of trees", 100_000)
        parts.append(_read_trees(s, n_trees, n_coordinates))
        if parts[cascade][0].shape != parts[0][0].shape:
            raise s.fail("cascades of different sizes")
    features, thresholds, leaves = (np.stack([part[i] for part in parts]) for i in range(3))

    s.expect(n_cascades, "the number of cascades with anchors")
    anchors = [s.ints(s.count("the number of pixels", 32_767)) for _ in range(n_cascades)]
    s.expect(n_cascades, "the number of cascades with offsets")
    deltas = [s.floats(2 * s.count("the number of pixels", 32_767)).reshape(-1, 2) for _ in range(n_cascades)]
    s.end()
    n_pixels = len(anchors[0])
    if any(len(a) != n_pixels for a in anchors) or any(len(d) != n_pixels for d in deltas):
        raise s.fail("cascades with different numbers of pixels")
    if min(features.min(), *(a.min() for a in anchors)) < 0 or features.max() >= n_pixels:
        raise s.fail("a split compares a pixel that does not exist")
    if max(a.max() for a in anchors) >= n_coordinates // 2:
        raise s.fail("a pixel is anchored to a point that does not exist")
    return {
        "initial_shape": shape.reshape(-1, 2),
        "features": features.astype(np.int16),
        "thresholds": thresholds,
        "leaves": leaves,
        "anchors": np.stack(anchors).astype(np.int16),
        "deltas": np.stack(deltas).astype(np.float32),
    }


def _read_trees(s: _Stream, n_trees: int, n_coordinates: int) -> tuple[NDArray[Any], ...]:
    """The trees of a cascade: features (t, s, 2), thresholds (t, s), leaves (t, s + 1, 2k)."""
    begin = s.at
    n_splits = s.count("the number of splits", 1023)
    s.at = begin
    split_end = 1 + 4 * n_splits
    leaf_size = 2 + 2 * n_coordinates
    block = s.ints(n_trees * (split_end + 1 + (n_splits + 1) * leaf_size)).reshape(n_trees, -1)
    splits = block[:, 1:split_end].reshape(n_trees, n_splits, 4)
    leaves = block[:, split_end + 1 :].reshape(n_trees, n_splits + 1, leaf_size)
    if (
        (block[:, 0] != n_splits).any()
        or (block[:, split_end] != n_splits + 1).any()
        or (leaves[:, :, 0] != -n_coordinates).any()
        or (leaves[:, :, 1] != -1).any()
    ):
        raise s.fail("trees of different sizes")
    thresholds = decode_floats(splits[:, :, 2:], s.fail).astype(np.float32)
    values = decode_floats(leaves[:, :, 2:].reshape(n_trees, n_splits + 1, n_coordinates, 2), s.fail)
    # int64 still: the range is checked before the indices are made small.
    return splits[:, :, :2], thresholds, values.astype(np.float32)
