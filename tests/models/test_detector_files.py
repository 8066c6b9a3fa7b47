"""What all detectors from ONNX files do with images and files that are not what they should be."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="these models are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from oracles import broken_files, detector_files, plain_detectors, zoo_files  # noqa: E402

from pyface import errors, models  # noqa: E402
from pyface.errors import ModelFileError  # noqa: E402
from pyface.models.session import Session  # noqa: E402

SIDES = {8: 3, 16: 2, 32: 2, 64: 3}


def made(family: str, *, likes_all: bool = False) -> bytes:
    """A file of this family that finds a face in each bright cell, or nowhere but above a threshold of 2."""
    rng = np.random.default_rng(0)
    bright = 0.0 if not likes_all else 4.0 if family in ("scrfd", "ultraface") else 0.03

    def heads(**channels: int) -> dict[Any, Any]:
        return detector_files.random_heads(rng, channels)

    def score(n: int, summand: float = -6.0) -> tuple[np.ndarray, np.ndarray]:
        return np.full((n, 3), bright), np.full(n, summand)

    if family == "scrfd":
        found = heads(score=2, box=8, points=20)
        found["box"] = found["box"][0] / 9, np.ones(8)  # away from the anchor on all sides
        return detector_files.scrfd({**found, "score": score(2)})
    if family == "retinaface":
        return detector_files.retinaface({**heads(prob=4, box=8, points=20), "prob": score(4)})
    if family == "pytorch_retinaface":
        chance = np.array([[0] * 3, [bright] * 3] * 2), np.array([0, -6.0] * 2)
        return detector_files.pytorch_retinaface({**heads(box=8, points=20), "chance": chance})
    if family == "ultraface":
        found: dict[Any, Any] = {}
        for stride, n in SIDES.items():
            found["chance", stride] = np.array([[0] * 3, [bright] * 3] * n), np.array([0, -6.0] * n)
            found["box", stride] = rng.normal(size=(4 * n, 3)) / 9, np.zeros(4 * n)
        return detector_files.ultraface(found, priors=plain_detectors.ultraface_priors(320, 240))
    return detector_files.centerface({**heads(size=2, shift=2, points=10), "heat": score(1)})


FAMILIES = ("scrfd", "retinaface", "pytorch_retinaface", "ultraface", "centerface")
SIZES = {"scrfd": 64, "retinaface": 64, "pytorch_retinaface": 64}


def detector(from_bytes: Callable[..., Any], family: str, **options: Any) -> Any:
    size = {"input_size": SIZES[family]} if family in SIZES else {}
    return from_bytes(made(family, **options), family, **size)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_holds_no_face(from_bytes: Callable[..., Any], family: str) -> None:
    model = detector(from_bytes, family)
    assert isinstance(model, models.Detector) and model.family == family and model.smallest_face > 0
    rng = np.random.default_rng(0)
    images = [
        np.zeros((1, 1, 3), np.uint8), np.full((1, 10_000), 255, np.uint8), np.zeros((10_000, 1), np.float32),
        rng.integers(0, 256, (40, 50, 3), dtype=np.uint8),
    ]  # fmt: skip
    for found in [*map(model.detect, images), *model.detect_many(images)]:
        assert len(found) == 0 and found.boxes.shape == (0, 4) and found.boxes.dtype == np.float64
        assert found.scores.shape == (0,) and found.scores.dtype == np.float32
        if family == "ultraface":
            assert found.landmarks is None
        else:
            assert found.landmarks.shape == (0, 5, 2) and found.landmarks.dtype == np.float64
    assert model.detect_many([]) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_grey_floats_and_bgr(from_bytes: Callable[..., Any], family: str) -> None:
    model = detector(from_bytes, family, likes_all=True)
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (40, 64, 3), dtype=np.uint8)
    want = model.detect(image, threshold=0.1)
    assert len(want) > 0
    for got in (
        model.detect(image.astype(np.float32) + np.float32(0.25), threshold=0.1),
        model.detect(image[:, :, ::-1], threshold=0.1, color="bgr"),
        model.detect(np.asfortranarray(image), threshold=0.1),
        model.detect_many([image], threshold=0.1)[0],
    ):
        np.testing.assert_array_equal(got.boxes, want.boxes)
        np.testing.assert_array_equal(got.scores, want.scores)
    grey = image[:, :, 0].copy()
    one, other = model.detect(grey, threshold=0.1), model.detect(np.repeat(grey[:, :, None], 3, axis=2), threshold=0.1)
    np.testing.assert_array_equal(one.boxes, other.boxes)
    assert (np.diff(want.scores) <= 0).all()
    with pytest.warns(UserWarning, match=r"0\.\.1"):
        model.detect(image.astype(np.float32) / 255)


@pytest.mark.parametrize(
    ("family", "threshold"),
    [("scrfd", 0.5), ("retinaface", 0.5), ("pytorch_retinaface", 0.5), ("ultraface", 0.7), ("centerface", 0.4)],
)
def test_the_score_of_each_family(from_bytes: Callable[..., Any], family: str, threshold: float) -> None:
    model = detector(from_bytes, family, likes_all=True)
    image = np.random.default_rng(1).integers(0, 256, (60, 64, 3), dtype=np.uint8)
    image[8, 8] = image[0, 0] = 255
    found, every = model.detect(image), model.detect(image, threshold=0.01)
    np.testing.assert_array_equal(found.scores, every.scores[every.scores > threshold])
    assert 0 < len(found) < len(every)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("image", [np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 4), np.uint8), [[1]], None])
def test_what_is_no_image(from_bytes: Callable[..., Any], family: str, image: Any) -> None:
    model = detector(from_bytes, family)
    with pytest.raises((ValueError, TypeError), match="image"):
        model.detect(image)
    fine = np.zeros((4, 4), np.uint8)
    with pytest.raises(errors.BatchError, match=r"image 1 of the batch \(and 1 more\): image") as caught:
        model.detect_many([fine, image, fine, image, fine])
    results = caught.value.results
    assert [result is None for result in results] == [False, True, False, True, False]
    np.testing.assert_array_equal(results[4].boxes, model.detect(fine).boxes)
    assert sorted(caught.value.refused) == [1, 3]


def as_published(model: Any) -> None:
    for output in model.graph.output:
        output.CopyFrom(onnx.helper.make_tensor_value_info(output.name, 1, [1, "n", "m"]))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("other", [*FAMILIES, "yunet"])
def test_a_file_of_another_family(from_bytes: Callable[..., Any], family: str, other: str) -> None:
    """The message says what the file has, and what it may be."""
    if family == other:
        pytest.skip("it is of this one")
    data = made(other) if other != "yunet" else changed(zoo_files.yunet(np.random.default_rng(0)), as_published)
    with pytest.raises(ModelFileError, match=rf"is not of the family '{family}': .*\(in: input \[.*; out: .*'{other}'"):
        from_bytes(data, family)


def test_another_family_loaded_as_yunet(from_bytes: Callable[..., Any], shared_cache: Path) -> None:
    with pytest.raises(ModelFileError, match=r"is not YuNet as it is known: .* it may be of the family 'scrfd'"):
        from_bytes(made("scrfd"), "yunet")


def changed(data: bytes, change: Callable[[Any], None]) -> bytes:
    model = onnx.ModelProto.FromString(data)
    change(model)
    return model.SerializeToString()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 2), r"it takes tensor\(uint8\), expected"),
        (
            lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 10),
            r"it takes tensor\(float16\), expected",
        ),
        (lambda m: m.graph.input[0].type.tensor_type.shape.dim.pop(), "it takes no picture of three colours"),
        (
            lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[1], "dim_value", 1),
            "it takes no picture of three colours",
        ),
        (lambda m: m.graph.output.pop(), "outputs, expected|output with|of an output is"),
    ],
)
def test_wrong_ranks_types_and_counts(from_bytes: Callable[..., Any], family: str, change: Any, words: str) -> None:
    if family == "centerface" and "expected" in words:
        pytest.skip("three maps are a file without points")
    with pytest.raises(ModelFileError, match=rf"is not of the family '{family}': .*(?:{words})"):
        from_bytes(changed(made(family), change), family)


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_in_a_file_that_is_missing(from_bytes: Callable[..., Any], family: str) -> None:
    def outside(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="gone.bin")

    with pytest.raises(ModelFileError, match=r"keeps its weights in the file 'gone\.bin' beside it"):
        from_bytes(changed(made(family), outside), family)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("data", [b"", b"not onnx", b"\x08"])
def test_what_is_no_onnx_file(from_bytes: Callable[..., Any], family: str, data: bytes) -> None:
    with pytest.raises(ModelFileError, match="is no ONNX file"):
        from_bytes(data, family)


@pytest.mark.parametrize("family", FAMILIES)
def test_pickles_and_digests(from_bytes: Callable[..., Any], family: str) -> None:
    """The size of the picture is part of what is cached and kept."""
    model = detector(from_bytes, family)
    again = pickle.loads(pickle.dumps(model))
    assert again.digest == model.digest and again.input_size == model.input_size
    if family != "ultraface":
        other = from_bytes(made(family), family, input_size=(96, 128))
        assert other.digest != model.digest and other.input_size == (96, 128) and other.input_side == 128


def test_nothing_is_run_to_load_a_file(from_bytes: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """On the CPU nobody asks whether it takes batches, so no photo has to wait for the answer."""
    monkeypatch.setattr(Session, "run_all", lambda *_: pytest.fail("it was run"))
    for family in ("scrfd", "retinaface", "pytorch_retinaface", "ultraface"):
        assert detector(from_bytes, family).input_size is not None


@pytest.mark.parametrize("family", FAMILIES)
def test_too_little_memory(from_bytes: Callable[..., Any], family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = detector(from_bytes, family)

    def full(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(Session, "run_all", full)
    with pytest.raises(MemoryError, match=r"not enough memory to search an image of 50 x 40 pixels.*; use a smaller "):
        model.detect(np.zeros((40, 50), np.uint8))


def test_memory_that_is_not_there_is_not_touched(
    from_bytes: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CenterFace sees photos at their size, the others at that of their picture."""
    monkeypatch.setattr("pyface._memory.available", lambda: 1 << 28)
    large = np.zeros((2000, 2000), np.uint8)
    with pytest.raises(MemoryError, match=r"2000 x 2000 pixels: searching it takes .* are free; use a smaller one"):
        detector(from_bytes, "centerface").detect(large)
    assert len(detector(from_bytes, "scrfd").detect(large)) == 0
    words = r"image of 50 x 40 pixels in a picture of 8192 x 8192: .* are free; use a smaller input_size"
    with pytest.raises(MemoryError, match=words):
        from_bytes(made("scrfd"), "scrfd", input_size=8192).detect(large[:40, :50])


def test_a_file_whose_steps_are_for_one_size_says_so_of_another(from_bytes: Callable[..., Any]) -> None:
    def only_of_64(model: Any) -> None:
        """Its input goes through the addition of what has that size, whatever it declares."""
        for node in model.graph.node:
            node.input[:] = ["same" if name == model.graph.input[0].name else name for name in node.input]
        zeros = onnx.numpy_helper.from_array(np.zeros((1, 3, 64, 64), np.float32), "zeros")
        model.graph.initializer.append(zeros)
        model.graph.node.insert(0, onnx.helper.make_node("Add", [model.graph.input[0].name, "zeros"], ["same"]))

    data = changed(made("scrfd", likes_all=True), only_of_64)
    image = np.full((40, 64, 3), 200, np.uint8)
    assert len(from_bytes(data, "scrfd", input_size=64).detect(image, threshold=0.1))
    with pytest.raises(
        ModelFileError, match=r"cannot be run on pictures of 96 x 96, but may be on .* input_size: .*Add"
    ):
        from_bytes(data, "scrfd", input_size=96).detect(image)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_detector_of_nan_alone_does_not_say_that_there_is_no_face(
    from_bytes: Callable[..., Any], family: str
) -> None:
    size = {"input_size": SIZES[family]} if family in SIZES else {}
    image = np.random.default_rng(1).integers(0, 256, (40, 64, 3), dtype=np.uint8)
    model = from_bytes(broken_files.times(made(family, likes_all=True), np.nan), family, **size)
    for call in (model.detect, lambda image: model.detect_many([image])):
        with pytest.raises(ModelFileError, match="gives NaN alone: its weights are damaged"):
            call(image)
    assert len(
        from_bytes(broken_files.times(made(family, likes_all=True), 1.0), family, **size).detect(image, threshold=0.1)
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_the_warning_of_floats_up_to_1_points_to_who_called(from_bytes: Callable[..., Any], family: str) -> None:
    model = detector(from_bytes, family)
    image = np.full((40, 64, 3), 0.5, np.float32)
    for call in (model.detect, lambda image: model.detect_many([image])):
        with pytest.warns(UserWarning, match=r"0\.\.1") as caught:
            call(image)
        assert [warning.filename for warning in caught] == [__file__]
