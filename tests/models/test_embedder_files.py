"""Crops of each family, batches and threads, and files that are of no family of embedders, or of another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyface import errors, geometry, models, types
from pyface._embedders import COMPARISONS, FAMILIES
from pyface.cluster import for_embedder

onnx = pytest.importorskip("onnx", reason="the files are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from onnx import TensorProto  # noqa: E402
from oracles import alignment, embedder_files, zoo_files  # noqa: E402

from pyface.geometry.templates import template_points  # noqa: E402
from pyface.models.session import Session  # noqa: E402

SIZES = {"arcface": 112, "adaface": 112, "facenet": 160, "deepface": 224, "omz_0095": 128}


def load(folder: Path, family: str, data: bytes | None = None, **options: Any) -> Any:
    if data is None:
        n = 256 if family == "omz_0095" else 16
        data = embedder_files.seeing(SIZES[family], np.arange(n) * 97, channels_last=family == "deepface")
    path = folder / f"{family}.onnx"
    path.write_bytes(data)
    return models.load(path, family, **options)


def faces(n: int = 5) -> np.ndarray:
    """Points (n, 5, 2), turned and of several sizes, some partly outside a picture of 300 x 200."""
    rng = np.random.default_rng(3)
    angles = rng.uniform(-0.6, 0.6, n)
    turns = np.array([[[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]] for a in angles])
    base = template_points("arcface", 112) - 56
    turned = base @ turns * rng.uniform(0.5, 1.5, (n, 1, 1))
    return turned + rng.uniform(40, 180, (n, 1, 2)) + rng.normal(size=(n, 5, 2))


@pytest.mark.parametrize(("family", "size"), [("arcface", 112), ("arcface", 128), ("arcface", 224), ("adaface", 112)])
def test_arcfaces_crop_is_that_of_align_face(tmp_path: Path, syn: np.ndarray, family: str, size: int) -> None:
    model = load(tmp_path, family, embedder_files.seeing(size, [1, 2]))
    crops = model.crop(syn, faces())
    np.testing.assert_array_equal(crops, geometry.align_face(syn, faces(), size))
    np.testing.assert_array_equal(crops, model.crop(syn[:, :, ::-1], faces(), color="bgr"))
    np.testing.assert_array_equal(crops, model.crop(syn.astype(np.float32) + np.float32(0.3), faces()))


def test_where_0095_has_the_points(tmp_path: Path, syn: np.ndarray) -> None:
    model = load(tmp_path, "omz_0095")
    points = 128 * np.array(
        [
            (0.31556875, 0.46157411), (0.68262292, 0.46157411), (0.50026249, 0.64050536), (0.34947187, 0.82469196),
            (0.65343646, 0.82469196),
        ]
    )  # fmt: skip
    np.testing.assert_array_equal(model.crop(syn, points[None] + (30, 20))[0], syn[20:148, 30:158])
    matrix = np.linalg.inv(np.vstack([alignment.umeyama(faces()[1], points)[0], (0, 0, 1)]))[:2]
    corner = alignment.crop(syn, matrix, (9, 9))
    np.testing.assert_allclose(model.crop(syn, faces()[1:2])[0, :9, :9], corner, atol=0.502)


# MTCNN's box: width by height, and five points in parts of both.
ASPECT = 0.733
IN_BOX = np.array([(0.275, 0.39), (0.725, 0.39), (0.5, 0.587), (0.308, 0.75), (0.692, 0.75)])


def test_facenets_crop_shows_the_box_with_its_margin(tmp_path: Path, smooth: np.ndarray) -> None:
    model = load(tmp_path, "facenet")
    height = 150.0
    box = np.array([90.0, 30.0, 90 + ASPECT * height, 30 + height])
    points = box[:2] + IN_BOX * (box[2:] - box[:2])
    crop = model.crop(smooth, points[None] - 0.5)[0].astype(int)  # boxes count from corners of pixels
    expected = geometry.crop_box(smooth, box, 160, margin=22).astype(int)
    # Cut to whole pixels there, which moves all of it by a part of one; a pixel is 2 levels at most.
    assert np.abs(crop - expected).max() <= 3
    squeezed = geometry.crop_box(smooth, box + np.array([-15, 0, 15, 0]), 160, margin=22).astype(int)
    assert np.abs(crop - squeezed).max() > 6


def test_facenets_crop_is_upright_and_stretched(tmp_path: Path, syn: np.ndarray) -> None:
    model = load(tmp_path, "facenet")
    template = (IN_BOX - 0.5) * (138 * ASPECT, 138) + 79.5
    points = faces()[2]
    upright = np.vstack([alignment.umeyama(points, template)[0], (0, 0, 1)])
    stretch = np.array([[1 / ASPECT, 0, 79.5 - 79.5 / ASPECT], [0, 1, 0], [0, 0, 1]])
    corner = alignment.crop(syn, np.linalg.inv(stretch @ upright)[:2], (160, 9))
    np.testing.assert_allclose(model.crop(syn, points[None])[0, :, :9], corner, atol=0.502)


def test_deepfaces_crop_is_the_box_between_black_bars(tmp_path: Path) -> None:
    model = load(tmp_path, "deepface")
    picture = np.random.default_rng(0).integers(1, 256, (400, 400, 3), dtype=np.uint8)
    template = (IN_BOX - 0.5) * (224 * ASPECT, 224) + 111.5
    crop = model.crop(picture, template[None] + (60, 50))[0]
    width = int(224 * ASPECT)
    left = (224 - width) // 2
    assert (left, left + width) == (30, 194)
    np.testing.assert_array_equal(crop[:, 30:194], picture[50:274, 90:254])
    assert not crop[:, :30].any() and not crop[:, 194:].any()


@pytest.mark.parametrize("family", SIZES)
def test_pictures_and_points_of_all_kinds(tmp_path: Path, family: str, syn: np.ndarray) -> None:
    model = load(tmp_path, family)
    size = SIZES[family]
    assert model.schemes == ("arcface-5",)
    none = np.zeros((0, 5, 2))
    for landmarks in (none, types.Landmarks(none, "arcface-5")):
        crops = model.crop(syn, landmarks)
        assert crops.shape == (0, size, size, 3) and crops.dtype == np.uint8
        assert model.embed(crops).shape == (0, model.dimension)
    grey = model.crop(syn[:, :, 1], faces())
    assert (grey == grey[..., :1]).all() and grey.shape == (5, size, size, 3)
    for shape in ((1, 1, 3), (1, 10_000, 3), (10_000, 1)):
        crops = model.crop(np.full(shape, 200, np.uint8), faces(2))
        assert crops.shape == (2, size, size, 3) and np.isfinite(model.embed(crops)).all()
    with pytest.raises(ValueError, match=r"image must have shape \(h, w, 3\) or \(h, w\)"):
        model.crop(np.zeros((9, 9, 4), np.uint8), faces())
    with pytest.raises(TypeError, match="uint8 or float32"):
        model.crop(np.zeros((9, 9, 3)), faces())
    with pytest.raises(ValueError, match=r"landmarks must have shape \(n, 5, 2\)"):
        model.crop(syn, faces()[0])
    with pytest.raises(ValueError, match="landmarks: face 1: all points are equal"):
        model.crop(syn, np.stack([faces()[0], np.ones((5, 2))]))
    with pytest.raises(ValueError, match=r"of the scheme 'dlib-5'; .* is aligned by arcface-5"):
        model.crop(syn, types.Landmarks(faces(), "dlib-5"))
    with pytest.raises(ValueError, match=rf"crops must have shape \(n, {size}, {size}, 3\)"):
        model.embed(np.zeros((1, size, size + 1, 3), np.uint8))
    with pytest.raises(ValueError, match="crops hold NaN"):
        model.embed(np.full((1, size, size, 3), np.nan, np.float32))
    with pytest.warns(UserWarning, match=r"crops holds? floats within 0..1"):
        model.embed(np.full((1, size, size, 3), 0.5, np.float32))


def convolving(size: int = 112, *, batch: Any = "batch") -> bytes:
    """A small network of random weights, whose last bits may depend on how many crops it sees."""
    rng = np.random.default_rng(0)
    file = zoo_files.File()
    value = file.conv("data", rng.normal(size=(16, 3, 3, 3)), rng.normal(size=16), "conv", stride=2)
    value = file.step("GlobalAveragePool", [file.step("Relu", [value], "relu")], "pooled")
    value = file.step("Flatten", [value], "flat")
    weights = [file.constant(rng.normal(size=(64, 16)), "w"), file.constant(rng.normal(size=64), "b")]
    file.step("Gemm", [value, *weights], "vector", transB=1)
    return bytes(file.data("data", [batch, 3, size, size], ["vector"]))


@pytest.mark.parametrize("batch", ["batch", 1, 4])
def test_a_vector_is_its_crops_alone(tmp_path: Path, batch: Any) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (9, 112, 112, 3), dtype=np.uint8)
    one = load(tmp_path, "arcface", convolving(batch=batch), n_threads=1, flip=batch == 1)
    assert one.dimension == 64  # not declared
    singly = np.concatenate([one.embed(crop[None]) for crop in crops])
    for n_threads in (1, 2, 5):
        model = load(tmp_path, "arcface", convolving(batch=batch), n_threads=n_threads, flip=batch == 1)
        np.testing.assert_array_equal(model.embed(crops), singly)
        np.testing.assert_array_equal(model.embed(crops[::-1]), singly[::-1])
        np.testing.assert_array_equal(model.embed(np.asfortranarray(crops)), singly)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many crops each run sees, of a runtime that is taken for none of the CPU."""
    seen: list[int] = []
    run = Session.run_all

    def counting(self: Session, *values: Any) -> Any:
        seen.append(len(values[0]))
        return run(self, *values)

    monkeypatch.setattr(Session, "is_on_cpu", property(lambda self: False))
    monkeypatch.setattr(Session, "run_all", counting)
    return seen


@pytest.mark.parametrize("batch", ["batch", 1])
def test_other_processors_get_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: Any) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (70, 112, 112, 3), dtype=np.uint8)
    alone = load(tmp_path, "arcface", convolving(batch=batch)).embed(crops)
    seen = counted(monkeypatch)
    model = load(tmp_path, "arcface", convolving(batch=batch))
    seen.clear()
    np.testing.assert_allclose(model.embed(crops), alone, rtol=1e-4, atol=1e-4)
    assert seen == [32, 32, 6]
    assert model.embed(crops[:0]).shape == (0, 64)


def test_networks_that_take_one_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = counted(monkeypatch)
    # Its steps make one row of whatever comes in.
    model = load(tmp_path, "arcface", embedder_files.seeing(112, [3, 4, 9], batch=1, reshaped=1), n_threads=1)
    seen.clear()
    crops = np.random.default_rng(1).integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    assert model.embed(crops).shape == (3, 3) and seen == [1, 1, 1]


def test_memory_that_is_short_for_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (40, 112, 112, 3), dtype=np.uint8)
    alone = load(tmp_path, "arcface", convolving()).embed(crops)
    counted(monkeypatch)
    model = load(tmp_path, "arcface", convolving())
    run = Session.run_all

    def short(self: Session, *values: Any) -> Any:
        if len(values[0]) > 1:
            raise MemoryError("bad_alloc")
        return run(self, *values)

    monkeypatch.setattr(Session, "run_all", short)
    np.testing.assert_array_equal(model.embed(crops), alone)


SEEING = {
    "112": embedder_files.seeing(112, [1, 2]),
    "113": embedder_files.seeing(113, [1, 2]),
    "last": embedder_files.seeing(224, [1, 2], channels_last=True),
    "oblong": embedder_files.seeing(112, [1, 2], shape=["batch", 3, 112, 96]),
    "grey": embedder_files.seeing(112, [1, 2], shape=["batch", 1, 112, 112]),
    "rank 2": embedder_files.seeing(112, [1, 2], shape=["batch", 3 * 112 * 112]),
    "float16": embedder_files.seeing(112, [1, 2], kind=TensorProto.FLOAT16),
    "two": embedder_files.seeing(112, [1, 2], outputs=2),
    "one": embedder_files.seeing(112, [1]),
    "128 of 128": embedder_files.seeing(128, np.arange(128)),
}


@pytest.mark.parametrize(
    ("family", "key", "words"),
    [
        ("arcface", "113", r"113 x 113, expected a multiple of 112 or 128 \(in: data.*no known family fits"),
        ("arcface", "last", r"of three colours, \(batch, 3, rows, columns\) .*it may be of the family 'deepface'"),
        ("arcface", "oblong", "its picture is 96 x 112, no square"),
        ("arcface", "grey", "it takes no picture of three colours"),
        ("arcface", "rank 2", "it takes no picture of three colours"),
        ("arcface", "float16", r"it takes tensor\(float16\), expected tensor\(float\)"),
        ("arcface", "two", r"it has 2 outputs, expected one vector .*out: vector \[batch, 2\], norm \[batch, 1\]"),
        ("arcface", "one", "its output is no vector of each crop"),
        ("adaface", "113", "expected a multiple of 112 or 128"),
        ("facenet", "112", "its picture has a side of 112, expected 160.*family 'arcface' or 'adaface'"),
        ("deepface", "112", r"no picture of three colours, \(batch, rows, columns, 3\)"),
        ("omz_0095", "112", "its picture has a side of 112"),
        ("omz_0095", "128 of 128", "its vectors have 128 numbers, expected 256"),
    ],
)
def test_files_of_another_form(tmp_path: Path, family: str, key: str, words: str) -> None:
    with pytest.raises(errors.ModelFileError, match=f"is not of the family '{family}': .*{words}"):
        load(tmp_path, family, SEEING[key])


def test_adafaces_second_output_is_left(tmp_path: Path) -> None:
    model = load(tmp_path, "adaface", SEEING["two"])
    assert model.dimension == 2 and model.embed(np.zeros((1, 112, 112, 3), np.uint8)).tolist() == [[-1, -1]]


@pytest.mark.parametrize("shape", [["batch", 3, "h", "w"], ["batch", 3, None, None]])
def test_free_sizes_are_the_familys(tmp_path: Path, shape: list[Any]) -> None:
    for family, size in (("arcface", 112), ("facenet", 160)):
        model = load(tmp_path, family, embedder_files.seeing(size, [1, 2], shape=shape, declared=False))
        assert (model.size, model.dimension) == (size, 2)
    with pytest.raises(errors.ModelFileError, match="its picture has a side of None"):
        load(tmp_path, "deepface", embedder_files.seeing(224, [1], shape=["batch", "h", "w", 3]))


def test_vectors_that_are_none_are_told_when_they_come(tmp_path: Path) -> None:
    file = zoo_files.File()
    file.step("Relu", ["data"], "maps")
    with pytest.raises(
        errors.ModelFileError, match="gives 1 x 3 x 112 x 112 numbers for one crop, expected one vector"
    ):
        load(tmp_path, "arcface", file.data("data", ["batch", 3, 112, 112], ["maps"]))


def test_weights_in_a_file_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "arcface.onnx"
    model = onnx.ModelProto.FromString(convolving())
    onnx.save_model(model, str(path), save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert models.load(path, "arcface").dimension == 64
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(
        errors.ModelFileError, match=r"keeps its weights in the file 'weights\.bin'.*missing or damaged"
    ):
        models.load(path, "arcface")


@pytest.mark.parametrize(
    ("family", "options", "words"),
    [
        ("arcface", {"normalization": "fixed"}, "normalization must be one of .*graph.*arcface"),
        ("adaface", {"normalization": ""}, "normalization must be one of"),
        ("facenet", {"normalization": "arcface"}, "normalization must be one of .*fixed.*prewhiten"),
        ("deepface", {"normalization": "facenet"}, "normalization must be one of .*Facenet2018"),
        ("omz_0095", {"normalization": "raw"}, "normalization is no option of the family 'omz_0095', but of arcface"),
        ("arcface", {"input_size": 112}, "input_size is no option of the family 'arcface'"),
        ("scrfd", {"flip": True}, "flip is no option of the family 'scrfd', but of arcface"),
    ],
)
def test_options_of_other_families(tmp_path: Path, family: str, options: dict[str, Any], words: str) -> None:
    data = None if family in SIZES else SEEING["112"]
    with pytest.raises(ValueError, match=words):
        load(tmp_path, family, data, **options)
    with pytest.raises(TypeError, match="flip"):
        load(tmp_path, "arcface", flip=1)


def test_what_the_clusterer_of_a_family_is(tmp_path: Path) -> None:
    assert set(FAMILIES) == set(SIZES) and not set(FAMILIES) & set(COMPARISONS)
    for family, said in FAMILIES.items():
        assert said.metric == "cosine" and 0 < said.cluster_threshold <= said.pair_threshold < 1
        model = load(tmp_path, family)
        assert (model.metric, model.cluster_threshold, model.pair_threshold) == (
            said.metric, said.cluster_threshold, said.pair_threshold
        )  # fmt: skip
        assert for_embedder(family).get_params() == for_embedder(model).get_params()
