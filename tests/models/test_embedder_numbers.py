"""What the networks of each family are given: colours, their order, range and layout; by files that give it back."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyface import models

pytest.importorskip("onnx", reason="the files are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from oracles import embedder_files

ARCFACE = ("arcface", "imagenet", "raw")
DEEPFACE = ("base", "raw", "Facenet", "Facenet2018", "VGGFace", "VGGFace2", "ArcFace")
# Family, side, whether colours are BGR and last, normalizations.
FORMS = [
    ("arcface", 112, False, False, ARCFACE),
    ("arcface", 128, False, False, ARCFACE),
    ("adaface", 112, True, False, ARCFACE),
    ("facenet", 160, False, False, ("fixed", "prewhiten")),
    ("facenet", 160, False, True, ("fixed", "prewhiten")),
    ("deepface", 224, True, True, DEEPFACE),
    ("deepface", 152, True, True, ("base",)),
    ("omz_0095", 128, True, False, ("raw",)),
]
CASES = [(family, size, bgr, last, each) for family, size, bgr, last, names in FORMS for each in names]


def places(size: int, n: int = 40) -> np.ndarray:
    rng = np.random.default_rng(size)
    return np.r_[0, 3 * size * size - 1, rng.integers(0, 3 * size * size, n - 2)]


def load(folder: Path, family: str, data: bytes, **options: Any) -> Any:
    path = folder / f"{family}.onnx"
    path.write_bytes(data)
    return models.load(path, family, **options)


def crops_of(size: int, n: int = 3) -> np.ndarray:
    rng = np.random.default_rng(7)
    # Colours of unlike means, so that a mean of the wrong one shows.
    return np.clip(rng.normal([190, 90, 40], [30, 50, 20], (n, size, size, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("family", "size", "bgr", "last", "normalization"), CASES)
def test_each_number(tmp_path: Path, family: str, size: int, bgr: bool, last: bool, normalization: str) -> None:
    at = places(size, 256 if family == "omz_0095" else 40)
    options = {} if family == "omz_0095" else {"normalization": normalization}
    model = load(tmp_path, family, embedder_files.seeing(size, at, channels_last=last), **options)
    crops = crops_of(size)
    expected = [
        [embedder_files.given(crop, place, normalization, bgr=bgr, channels_last=last) for place in at[:40]]
        for crop in crops
    ]
    assert model.normalization == normalization and (model.size, model.dimension) == (size, len(at))
    vectors = model.embed(crops)
    assert vectors.dtype == np.float32 and vectors.shape == (3, len(at))
    np.testing.assert_allclose(vectors[:, :40], expected, rtol=2e-6, atol=2e-6)


def test_floats_are_rounded_and_clipped(tmp_path: Path) -> None:
    model = load(tmp_path, "arcface", embedder_files.seeing(112, [0, 1, 2, 3, 4]), normalization="raw")
    crop = np.full((1, 112, 112, 3), 9, np.float32)
    crop[0, 0, :5, 0] = (127.4, 128.5, 129.5, -4, 300)
    assert model.embed(crop).tolist() == [[127, 128, 130, 0, 255]]


@pytest.mark.parametrize("normalization", ["prewhiten", "fixed"])
def test_a_crop_of_one_colour(tmp_path: Path, normalization: str) -> None:
    model = load(tmp_path, "facenet", embedder_files.seeing(160, [0, 9]), normalization=normalization)
    crop = np.full((1, 160, 160, 3), 77, np.uint8)
    expected = 0.0 if normalization == "prewhiten" else (77 - 127.5) / 128
    assert model.embed(crop).tolist() == [[expected, expected]]
    crop[0, 0, 0, 0] = 78  # the spread is just below 1 / sqrt(numel)
    prewhitened = embedder_files.given(crop[0], 0, "prewhiten", bgr=False, channels_last=False)
    if normalization == "prewhiten":
        assert model.embed(crop)[0, 0] == pytest.approx(prewhitened, rel=1e-6)
        assert prewhitened == pytest.approx(np.sqrt(3) * 160, rel=1e-4)


FIRST = ["a", "b", "c", "d", "e", "f"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], "arcface"),
        (["Sub_0", "Mul_1"], "raw"),
        (["_minusscalar0", "_mulscalar0"], "raw"),
        (["Mul_1", "_minus"], "raw"),
        (["Sub_0"], "arcface"),
        (["Mul_1"], "arcface"),
        (["/Sub", "/Mul"], "arcface"),
        ([*FIRST, "Sub_6", "Mul_7"], "raw"),
        ([*FIRST, "g", "Sub_7", "Mul_8"], "arcface"),
        (["bn_data"], "arcface"),
    ],
)
@pytest.mark.parametrize("family", ["arcface", "adaface"])
def test_the_rule_for_graphs_that_normalise(tmp_path: Path, family: str, names: list[str], expected: str) -> None:
    data = embedder_files.seeing(112, [5, 6], names=names)
    for asked in ({}, {"normalization": "graph"}):
        assert load(tmp_path, family, data, **asked).normalization == expected
    assert load(tmp_path, family, data, normalization="imagenet").normalization == "imagenet"


@pytest.mark.parametrize(
    ("size", "n", "normalization", "threshold"),
    [
        (224, 4096, "base", 0.68),
        (224, 2622, "base", 0.68),
        (160, 128, "Facenet", 0.40),
        (160, 512, "Facenet2018", 0.30),
        (152, 4096, "base", 0.23),
        (112, 512, "ArcFace", 0.68),
        (96, 128, "base", 0.10),
    ],
)
def test_what_deepfaces_networks_are_given_by_default(
    tmp_path: Path, size: int, n: int, normalization: str, threshold: float
) -> None:
    model = load(tmp_path, "deepface", embedder_files.seeing(size, np.arange(n), channels_last=True))
    assert (model.normalization, model.size, model.dimension) == (normalization, size, n)
    assert (model.metric, model.pair_threshold, model.cluster_threshold) == ("cosine", threshold, threshold)


def test_unknown_networks_of_deepface_are_not_guessed(tmp_path: Path) -> None:
    data = embedder_files.seeing(160, np.arange(64), channels_last=True)
    with pytest.raises(
        ValueError, match=r"normalization must be given where .* 160 x 160 have 64 numbers; one of base"
    ):
        load(tmp_path, "deepface", data)
    assert load(tmp_path, "deepface", data, normalization="raw").normalization == "raw"


@pytest.mark.parametrize("n", [128, 512, 300])
def test_facenets_thresholds(tmp_path: Path, n: int) -> None:
    model = load(tmp_path, "facenet", embedder_files.seeing(160, np.arange(n)))
    assert model.normalization == "fixed" and model.metric == "cosine"
    assert model.pair_threshold == model.cluster_threshold == (0.30 if n == 512 else 0.40)


@pytest.mark.parametrize("family", ["arcface", "adaface", "facenet"])
def test_the_mirror_image(tmp_path: Path, family: str) -> None:
    size = 160 if family == "facenet" else 112
    data = embedder_files.seeing(size, places(size))
    plain, both = load(tmp_path, family, data), load(tmp_path, family, data, flip=True)
    crops = crops_of(size)
    # Of what the network gives, not of unit vectors.
    expected = (plain.embed(crops) + plain.embed(np.ascontiguousarray(crops[:, :, ::-1]))) / 2
    np.testing.assert_array_equal(both.embed(crops), expected)
    np.testing.assert_array_equal(both.embed(crops[:, :, ::-1]), expected)
    assert np.abs(expected - plain.embed(crops)).max() > 0.1
    assert both.flip and not plain.flip and not load(tmp_path, family, data, flip=False).flip


def test_digests_and_pickles_keep_options(tmp_path: Path) -> None:
    data = embedder_files.seeing(112, places(112))
    loaded = [
        load(tmp_path, "arcface", data, **options)
        for options in ({}, {"flip": True}, {"normalization": "imagenet"}, {"normalization": "raw", "flip": True})
    ]
    assert len({model.digest for model in loaded}) == 4
    crops = crops_of(112)
    for model in loaded:
        again = pickle.loads(pickle.dumps(model))
        assert (again.normalization, again.flip, again.digest) == (model.normalization, model.flip, model.digest)
        np.testing.assert_array_equal(again.embed(crops), model.embed(crops))
