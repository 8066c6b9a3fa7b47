"""The readers of weight files, on small files made here: what they read, and that damage is always an error."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from oracles import dlib_files

from pyface.errors import ModelFileError
from pyface.models.dlib import graphs, reader

TREES = dlib_files.random_trees(n_cascades=2, n_trees=2, n_splits=3, n_pixels=4, n_points=3)
PREDICTOR = dlib_files.shape_predictor(TREES)
DETECTOR, PARTS = dlib_files.detector()


def test_a_predictor_comes_back() -> None:
    got = reader.read_shape_predictor(PREDICTOR, "small")
    assert got.keys() == TREES.keys()
    for name, want in TREES.items():
        assert got[name].dtype == want.dtype
        np.testing.assert_array_equal(got[name], want)


def test_a_detector_comes_back() -> None:
    network = reader.read_network(DETECTOR, "small")
    assert [layer.kind for layer in network.layers] == ["con_4", "bn_con2", "relu_", "con_4"]
    first, norm, _, last = (layer.values for layer in network.layers)
    np.testing.assert_array_equal(first["weights"], PARTS["w0"])
    np.testing.assert_array_equal(last["bias"], PARTS["b1"])
    assert (first["strides"], first["pads"], last["pads"]) == ([2, 2], [0, 0], [1, 1])
    for name in ("gamma", "beta", "mean", "variance"):
        np.testing.assert_array_equal(norm[name], PARTS[name])
    np.testing.assert_array_equal(network.input.values["mean"], [122.75, 117.0, 104.25])


def correlate(image: np.ndarray, weights: np.ndarray, stride: int, pad: int) -> np.ndarray:
    image = np.pad(image, ((0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(image, weights.shape[2:], axis=(1, 2))
    return np.einsum("cyxij,ocij->oyx", windows[:, ::stride, ::stride], weights)


def test_the_graph_of_a_detector_computes_its_layers() -> None:
    pytest.importorskip("onnx", reason="graphs are built with onnx")
    pytest.importorskip("onnxruntime", reason="graphs run in onnxruntime")
    from pyface.models.session import Session

    session = Session(graphs.detector_graph(reader.read_network(DETECTOR, "small")), name="small", n_threads=1)
    canvas = np.random.default_rng(1).normal(size=(2, 3, 21, 33)).astype(np.float32)
    got = session.run(canvas)
    for image, scores in zip(canvas.astype(np.float64), got, strict=True):
        x = correlate(image, PARTS["w0"], 2, 0) + PARTS["b0"][:, None, None]
        gain = PARTS["gamma"] / np.sqrt(PARTS["variance"] + 1e-4)
        x = (x - PARTS["mean"][:, None, None]) * gain[:, None, None] + PARTS["beta"][:, None, None]
        want = correlate(np.maximum(x, 0), PARTS["w1"], 1, 1) + PARTS["b1"][:, None, None]
        np.testing.assert_allclose(scores, want, atol=1e-4)


@pytest.mark.parametrize(
    ("kernel", "pads", "stride"), [((5, 3), (2, 1), 1), ((3, 7), (1, 0), 1), ((1, 1), (0, 0), 1), ((3, 3), (1, 1), 2)]
)
def test_a_last_layer_of_any_shape(kernel: tuple[int, int], pads: tuple[int, int], stride: int) -> None:
    """It is taken apart into rows where its stride is 1, and its input has channels of zeros added."""
    pytest.importorskip("onnx", reason="graphs are built with onnx")
    pytest.importorskip("onnxruntime", reason="graphs run in onnxruntime")
    from pyface.models.session import Session

    rng = np.random.default_rng(3)
    first, last = rng.normal(size=(5, 3, 3, 3)), rng.normal(size=(1, 5, *kernel))
    layers = [
        reader.Layer("con_4", {"weights": first, "bias": rng.normal(size=5), "strides": [1, 1], "pads": [1, 1]}),
        reader.Layer("con_4", {"weights": last, "bias": np.ones(1), "strides": [stride] * 2, "pads": list(pads)}),
    ]
    session = Session(graphs.detector_graph(reader.Network(None, None, layers)), name="small", n_threads=1)
    canvas = rng.normal(size=(1, 3, 19, 23)).astype(np.float32)
    x = correlate(canvas[0].astype(np.float64), first, 1, 1) + layers[0].values["bias"][:, None, None]
    x = np.pad(x, ((0, 0), (pads[0],) * 2, (pads[1],) * 2))
    np.testing.assert_allclose(session.run(canvas)[0], correlate(x, last, stride, 0) + 1, atol=2e-4)


@pytest.mark.parametrize(
    ("read", "data"), [(reader.read_network, DETECTOR), (reader.read_shape_predictor, PREDICTOR)], ids=["net", "trees"]
)
class TestDamage:
    def test_every_cut_is_an_error(self, read, data) -> None:
        for end in range(len(data)):
            with pytest.raises(ModelFileError, match=r"my file cannot be read: byte \d+"):
                read(data[:end], "my file")

    def test_a_byte_too_many_is_an_error(self, read, data) -> None:
        with pytest.raises(ModelFileError, match="1 bytes too many"):
            read(data + b"\0", "my file")

    def test_a_changed_byte_is_an_error_or_another_number(self, read, data) -> None:
        rng = np.random.default_rng(0)
        for _ in range(400):
            damaged = bytearray(data)
            damaged[rng.integers(len(data))] = rng.integers(256)
            # Weights may change unseen here (digests are for that); no other exception may escape.
            with contextlib.suppress(ModelFileError):
                read(bytes(damaged), "my file")

    def test_other_files_are_errors(self, read, data) -> None:
        for other in (b"", b"\x89PNG\r\n", b"\0" * 1000, b"\x01\x01" * 500, DETECTOR[5:], PREDICTOR[:-3] + b"abc"):
            with pytest.raises(ModelFileError):
                read(other, "my file")


def test_an_unknown_layer_is_named() -> None:
    data = DETECTOR.replace(dlib_files.text("relu_"), dlib_files.text("elu_6"))
    with pytest.raises(ModelFileError, match="unknown kind 'elu_6'"):
        reader.read_network(data, "my file")


@pytest.mark.parametrize("exponent", [128, 1023, 32000, 32001, 32002, 5000])
def test_numbers_that_are_not_finite_are_errors(exponent: int) -> None:
    good = dlib_files.number(TREES["initial_shape"][0, 0])
    data = PREDICTOR.replace(good, dlib_files.compact(1) + dlib_files.compact(exponent), 1)
    with pytest.raises(ModelFileError, match="not finite"):
        reader.read_shape_predictor(data, "my file")


def test_weights_that_are_not_finite_are_errors() -> None:
    first = PARTS["w0"].astype("<f4").tobytes()
    data = DETECTOR.replace(first, np.full(1, np.nan, "<f4").tobytes() + first[4:])
    with pytest.raises(ModelFileError, match="a weight is not finite"):
        reader.read_network(data, "my file")


WEIGHTS, ONES = np.ones((2, 3, 5, 5), np.float32), np.ones(2, np.float32)
GOOD = dlib_files.convolution(PARTS["w0"], PARTS["b0"], 2, 0)
NORM = dlib_files.batch_norm(*(PARTS[k] for k in ("gamma", "beta", "mean", "variance")), 1e-4)


@pytest.mark.parametrize(
    ("part", "other", "words"),
    [
        (GOOD, dlib_files.convolution(WEIGHTS, ONES, 0, 0), "parts of a convolution"),
        (GOOD, dlib_files.convolution(WEIGHTS, np.ones(3, np.float32), 2, 0), "parts of a convolution"),
        (GOOD, dlib_files.convolution(WEIGHTS, ONES, 2, 5), "padded by more than its size"),
        (NORM, dlib_files.batch_norm(ONES, ONES, ONES[:1], ONES, 1e-4), "parts of a normalisation"),
        (NORM, dlib_files.batch_norm(ONES, ONES[:1], ONES, ONES, 1e-4), "parts of a normalisation"),
        (NORM, dlib_files.batch_norm(ONES, ONES, ONES, -ONES, 1e-4), "parts of a normalisation"),
        (NORM, dlib_files.batch_norm(ONES, ONES, ONES, ONES, 0), "parts of a normalisation"),
        (
            dlib_files.text("relu_"),
            dlib_files.text("max_pool_2") + b"".join(map(dlib_files.compact, (2, 2, 0, 1, 0, 0))),
            "a pooling layer of a kind",
        ),
        (
            dlib_files.text("relu_"),
            dlib_files.text("fc_2")
            + b"".join(map(dlib_files.compact, (2, 2)))
            + dlib_files.tensor(ONES)
            + dlib_files.alias(2, 2) * 2
            + dlib_files.compact(1)
            + dlib_files.number(1) * 4,
            "parts of a fully connected layer",
        ),
    ],
)
def test_layers_whose_parts_do_not_fit_are_errors(part: bytes, other: bytes, words: str) -> None:
    assert DETECTOR.count(part) == 1
    with pytest.raises(ModelFileError, match=words):
        reader.read_network(DETECTOR.replace(part, other), "my file")


@pytest.mark.parametrize(("name", "bad"), [("features", 4), ("features", -1), ("anchors", 3), ("anchors", -2)])
def test_indices_outside_are_errors(name: str, bad: int) -> None:
    arrays = {k: v.copy() for k, v in TREES.items()}
    arrays[name].ravel()[1] = bad
    with pytest.raises(ModelFileError, match="does not exist"):
        reader.read_shape_predictor(dlib_files.shape_predictor(arrays), "my file")


def network(*kinds: str, **values: object) -> reader.Network:
    loss, source = reader.Layer("loss_metric_2"), reader.Layer("input_rgb_image_sized")
    source.values.update({"mean": np.zeros(3), "size": (8, 8)})
    layers = [reader.Layer(kind, dict(values)) for kind in kinds]
    return reader.Network(loss, source, layers)


def test_embedders_whose_layers_do_not_fit_are_errors() -> None:
    pytest.importorskip("onnx", reason="graphs are built with onnx")
    conv = reader.Layer(
        "con_4", {"weights": np.ones((4, 3, 9, 9)), "bias": np.ones(4), "strides": [1, 1], "pads": [0, 0]}
    )
    affine = reader.Layer("affine_", {"gamma": np.ones(4), "beta": np.ones(4)})
    full = reader.Layer("fc_2", {"weights": np.ones((4, 2))})
    empty = network()
    for layers, words in [
        ([conv], "fits neither its input nor what follows"),
        ([affine, conv, affine], "impossible inner shape"),
        ([full], "last layer does not fit"),
    ]:
        with pytest.raises(ModelFileError, match=words):
            graphs.embedder_graph(reader.Network(empty.loss, empty.input, layers))


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (("relu_",), "does not end"),
        (("add_prev_",), "never remembered"),
        (("bn_con2",), "not known there"),
        (("mark", "mark", "mark", "relu_"), "more than two marks"),
        (("max_pool_2",), "global pooling"),
        ((), "does not end"),
    ],
)
def test_embedders_of_another_build_are_errors(kinds: tuple[str, ...], words: str) -> None:
    pytest.importorskip("onnx", reason="graphs are built with onnx")
    with pytest.raises(ModelFileError, match=words):
        graphs.embedder_graph(network(*kinds, size=[0, 0], strides=[1, 1]))


def test_detectors_of_another_build_are_errors() -> None:
    pytest.importorskip("onnx", reason="graphs are built with onnx")
    whole = reader.read_network(DETECTOR, "small")
    wide = reader.Layer("bn_con2", {**whole.layers[1].values, "gamma": np.ones(3), "beta": np.ones(3)})
    for layers, words in [
        (whole.layers[:3], "2 outputs"),
        (whole.layers[2:], "relu_"),
        (whole.layers[3:], "con_4"),
        ([whole.layers[0], wide], "a normalisation does not fit"),
    ]:
        with pytest.raises(ModelFileError, match=words):
            graphs.detector_graph(reader.Network(whole.loss, whole.input, layers))
