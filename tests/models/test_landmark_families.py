"""Landmark models by ONNX files: which pixels they see, in which numbers, and where their points belong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("onnx", reason="the models are read with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")
pytest.importorskip("cv2", reason="the extra 'models' is not installed")

from onnx import TensorProto
from oracles import landmark_files

from pyface import models
from pyface.errors import ModelFileError
from pyface.models import fitting, onnx_families
from pyface.models.onnx_file import read_onnx
from pyface.models.store import Weights


@dataclass(frozen=True)
class Contract:
    """What a family is, in other words than its code's: ``origin`` is where the crop's first pixel lies, in pixels of
    the crop from the middle of the box.
    """

    scheme: str
    size: int
    ratio: float  # side of the square, in longer sides of the box
    origin: float
    bgr: bool
    mean: float
    std: float
    shape: tuple[int, ...]  # of the output
    points: Callable[[np.ndarray], np.ndarray]  # of its numbers, in pixels of the crop
    kept: tuple[int, int]
    averages: bool
    factor: float  # a place counted from the middle of the first pixel, as the network says it: place * factor + shift
    shift: float


def _of_insightface(columns: int, count: int) -> Callable[[np.ndarray], np.ndarray]:
    def points(numbers: np.ndarray) -> np.ndarray:
        rows = numbers.reshape(-1, columns)[-count:]
        return np.stack([rows[:, 0] + 1, rows[:, 1] + 1, *rows.T[2:]], axis=1) * 96

    return points


CONTRACTS = {
    "landmark_106": Contract(
        "insightface-106", 192, 1.5, -96, False, 127.5, 128, (212,), _of_insightface(2, 106), (106, 2), False,
        1 / 96, -1,
    ),
    "landmark_3d_68": Contract(
        "insightface-68-3d", 192, 1.5, -96, False, 127.5, 128, (3309,), _of_insightface(3, 68), (68, 3), False,
        1 / 96, -1,
    ),
    "pfld": Contract(
        "dlib-68", 112, 1.1, -55.5, False, 0, 255, (136,), lambda n: n.reshape(68, 2) * 112 - 0.5, (68, 2), True,
        1 / 112, 0.5 / 112,
    ),
    "five_point": Contract(
        "arcface-5", 48, 0.8, -23.5, True, 0, 1, (10,), lambda n: n.reshape(5, 2) * 48 - 0.5, (5, 2), True,
        1 / 48, 0.5 / 48,
    ),
    "mesh_468": Contract(
        "mediapipe-468", 192, 1.2, -95.5, False, 127.5, 127.5, (1, 1, 1404),
        lambda n: n.reshape(468, 3) - [0.5, 0.5, 0], (468, 3), True, 1, 0.5,
    ),
}  # fmt: skip
FAMILIES = sorted(CONTRACTS)
INSIGHTFACE = ("landmark_106", "landmark_3d_68")


def places_of(contract: Contract, seed: int = 0) -> np.ndarray:
    n = 3 * contract.size**2
    return np.random.default_rng(seed).choice(n, int(np.prod(contract.shape)), replace=False)


def write(tmp_path: Path, family: str, **changes: Any) -> Path:
    contract = CONTRACTS[family]
    model = landmark_files.pixels(contract.size, places_of(contract), shape=contract.shape, **changes)
    return landmark_files.saved(model, tmp_path / f"{family}.onnx")


def load(tmp_path: Path, family: str, n_threads: int = 1, **changes: Any) -> Any:
    return models.load(write(tmp_path, family, **changes), family=family, n_threads=n_threads)


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def box_at(contract: Contract, x: float, y: float, scale: float = 1.0) -> np.ndarray:
    """A box, higher than wide, whose crop has its first pixel at (x, y) of the image and ``scale`` pixels a pixel."""
    middle = np.array([x, y]) - contract.origin * scale
    half = np.array([0.35, 0.5]) * scale * contract.size / contract.ratio
    return np.concatenate([middle - half, middle + half])


def wanted(contract: Contract, crop: np.ndarray, x: float, y: float, scale: float = 1.0) -> np.ndarray:
    seen = crop[:, :, ::-1] if contract.bgr else crop
    numbers = ((seen.transpose(2, 0, 1).astype(float) - contract.mean) / contract.std).ravel()[places_of(contract)]
    points = contract.points(numbers) * scale
    points[:, :2] += (x, y)
    return points


@pytest.mark.parametrize("batch", [1, "batch", None])
@pytest.mark.parametrize("family", FAMILIES)
def test_which_pixels_and_which_numbers(tmp_path: Path, family: str, batch: Any) -> None:
    """Channels in their order, mean and scale, the crop's first pixel, and what the numbers mean."""
    contract = CONTRACTS[family]
    model = load(tmp_path, family, batch=batch)
    image = noise(1, 260, 250)
    located = model.locate(image, [box_at(contract, 17, 29)])
    assert located.scheme == model.scheme == contract.scheme and located.scores is None
    assert located.points.dtype == np.float64 and located.points.shape == (1, *contract.kept)
    crop = image[29 : 29 + contract.size, 17 : 17 + contract.size]
    assert_allclose(located.points[0], wanted(contract, crop, 17, 29), atol=2e-3, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_black_beyond_the_image(tmp_path: Path, family: str) -> None:
    contract = CONTRACTS[family]
    model = load(tmp_path, family)
    image, margin = noise(2, 90, 70), 200
    around = np.pad(image, ((margin, margin), (margin, margin), (0, 0)))
    for x, y in ((-20, -31), (40, 50), (-150, 3), (500, 500)):
        crop = np.zeros((contract.size, contract.size, 3), np.uint8)
        if x < 500:
            crop = around[y + margin :, x + margin :][: contract.size, : contract.size]
        located = model.locate(image, [box_at(contract, x, y)])
        assert_allclose(located.points[0], wanted(contract, crop, x, y), atol=2e-3, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_averages_where_a_pixel_spans_several(tmp_path: Path, family: str) -> None:
    """Or, as insightface does, takes what is in its middle."""
    contract = CONTRACTS[family]
    model = load(tmp_path, family)
    small = noise(3, contract.size + 4, contract.size + 4) // 2
    image = np.repeat(np.repeat(small, 3, axis=0), 3, axis=1)
    image[1::3, 1::3] += 90  # a ninth of each block
    seen = small + (10 if contract.averages else 90)
    # The middle of a block of three is its second pixel.
    located = model.locate(image, [box_at(contract, 3 * 2 + 1, 3 * 2 + 1, 3)])
    crop = seen[2 : 2 + contract.size, 2 : 2 + contract.size].astype(np.uint8)
    assert_allclose(located.points[0], wanted(contract, crop, 7, 7, 3), atol=6e-3, rtol=1e-5)


def light(shape: tuple[int, int], x: float, y: float, sigma: float) -> np.ndarray:
    v, u = np.mgrid[: shape[0], : shape[1]]
    grey = 250 * np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * sigma**2))
    return np.repeat(np.rint(grey)[:, :, None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_spot_is_found_where_it_is(tmp_path: Path, family: str) -> None:
    """For boxes of any size and place: half a pixel too much anywhere, there or back, would show."""
    contract = CONTRACTS[family]
    count, columns = contract.kept
    before = int(np.prod(contract.shape)) - count * columns
    file = landmark_files.spot(
        contract.size, count, columns, mean=contract.mean, std=contract.std, factor=contract.factor,
        shift=contract.shift, before=before, depth=0.25,
    )  # fmt: skip
    model = models.load(landmark_files.saved(file, tmp_path / "spot.onnx"), family=family, n_threads=1)
    x, y = 163.3, 118.7
    for side in (90.0, 131.0, 260.0, 333.3):
        image = light((400, 420), x, y, side / 25)
        for dx, dy in ((0, 0), (0.11, -0.07), (-0.09, 0.1)):
            half = np.array([side * 0.4, side / 2])
            middle = np.array([x, y]) + np.array([dx, dy]) * side
            located = model.locate(image, [np.concatenate([middle - half, middle + half])])
            assert_allclose(located.points[0, :, :2], np.tile([x, y], (count, 1)), atol=0.05)
            if columns == 3:
                depth = 0.25 * (96 if family in INSIGHTFACE else 1) * side * contract.ratio / contract.size
                assert_allclose(located.points[0, :, 2], depth, rtol=1e-6)


@pytest.mark.parametrize("family", INSIGHTFACE)
@pytest.mark.parametrize(
    ("names", "first", "is_inside"),
    [
        (("_minusscalar0", "_mulscalar0"), (), True),
        (("Sub_1", "Mul_2"), ("a", "b", "c", "d", "e", "f"), True),
        (("anything", "else"), ("bn_data",), True),
        (("anything", "else"), ("a", "b", "bn_data"), True),
        (("Sub_1", "Mul_2"), ("a", "b", "c", "d", "e", "f", "g"), False),  # the second one is the ninth
        (("anything", "else"), ("a", "b", "c", "bn_data"), False),
        (("Sub_1", "else"), (), False),
        (("anything", "Mul"), (), False),
    ],
)
def test_normalisation_inside_the_graph(
    tmp_path: Path, family: str, names: tuple[str, str], first: tuple[str, ...], is_inside: bool
) -> None:
    """By insightface's rule: such a file takes 0..255. Others are given normalised numbers, and do it once more."""
    contract = CONTRACTS[family]
    model = load(tmp_path, family, names=names, first=first, inside=(127.5, 128))
    assert model.is_normalised is is_inside
    image = noise(4, 200, 200)
    crop = image[3 : 3 + 192, 5 : 5 + 192].astype(float)
    if not is_inside:
        crop = (crop - 127.5) / 128
    located = model.locate(image, [box_at(contract, 5, 3)])
    assert_allclose(located.points[0], wanted(contract, crop, 5, 3), atol=2e-3, rtol=1e-5)


def test_a_mesh_says_how_surely_there_is_a_face(tmp_path: Path) -> None:
    for flag, score in ((0.0, 0.5), (2.0, 0.880797), (-3000.0, 0.0), (3000.0, 1.0)):
        model = load(tmp_path, "mesh_468", flag=flag)
        scores = model.locate(noise(5, 50, 50), [(0, 0, 20, 20), (5, 5, 40, 40)]).scores
        assert scores.dtype == np.float32
        assert_allclose(scores, [score, score], atol=1e-6)
        empty = model.locate(noise(5, 50, 50), []).scores
        assert empty is not None and empty.shape == (0,)


@pytest.mark.parametrize("family", FAMILIES)
def test_faces_do_not_depend_on_each_other(tmp_path: Path, family: str) -> None:
    image = noise(6, 120, 140)
    boxes = np.array([(10, 20, 60, 70), (-50, -50, 10, 30), (0, 0, 139, 119), (100, 100, 300, 250.5), (5, 5, 5, 5)])
    got = []
    for n_threads in (1, 3):
        model = load(tmp_path, family, n_threads)
        got += [model.locate(image, boxes).points, model.locate(image, boxes[::-1]).points[::-1]]
        got += [np.concatenate([model.locate(image, [box]).points for box in boxes])]
        got += [model.locate(image[:, :, ::-1], boxes, color="bgr").points]
        got += [model.locate(image.astype(np.float32), boxes).points]
        got += [model.locate(image + np.float32(0.4), boxes).points]  # rounded to bytes
    for other in got[1:]:
        assert_array_equal(other, got[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_odd_images_and_boxes(tmp_path: Path, family: str) -> None:
    contract = CONTRACTS[family]
    model = load(tmp_path, family)
    image = noise(7, 60, 80)
    for odd in (image[:1, :1], image[:, :, 0], np.zeros((1, 10_000, 3), np.uint8), np.zeros((10_000, 1), np.uint8)):
        assert model.locate(odd, []).points.shape == (0, *contract.kept)
        assert np.isfinite(model.locate(odd, [(0, 0, 30, 40), (3, 3, 3, 3)]).points).all()
    grey = image[:, :, 0]
    assert_array_equal(
        model.locate(grey, [(4, 5, 40, 50)]).points, model.locate(np.stack([grey] * 3, 2), [(4, 5, 40, 50)]).points
    )
    for wrong in (np.zeros((60, 80, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.full((9, 9, 3), np.nan, "f")):
        with pytest.raises(ValueError, match="image"):
            model.locate(wrong, [(0, 0, 9, 9)])
    with pytest.raises(TypeError, match="image"):
        model.locate(image.astype(np.float64), [(0, 0, 9, 9)])
    with pytest.raises(ValueError, match="color"):
        model.locate(image, [(0, 0, 9, 9)], color="cmyk")
    for boxes, words in (
        ([(0, 0, 9)], "shape"),
        ([(9, 0, 0, 9)], "x2 < x1"),
        ([(0, 0, np.nan, 9)], "finite"),
        ([(0, 0, 9, 9), (0, 0, 1e10, 9)], "row 1 reaches beyond 1e"),
        ([(-1e308, -1e308, 1e308, 1e308)], "row 0 reaches beyond 1e"),
    ):
        with pytest.raises(ValueError, match=f"boxes.*{words}"):
            model.locate(image, boxes)
    with pytest.warns(UserWarning, match=re.escape("within 0..1")):
        model.locate(image.astype(np.float32) / 255, [(0, 0, 9, 9)])


def read(path: Path) -> Any:
    return read_onnx(Weights(str(path), path, path.read_bytes(), ""))[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_each_file_is_of_one_family(tmp_path: Path, family: str) -> None:
    path = write(tmp_path, family, batch="batch")
    assert [one for one in fitting.fitting(read(path)) if one in onnx_families.LANDMARKERS] == [family]
    for other in FAMILIES:
        if other != family:
            with pytest.raises(
                ModelFileError, match=f"is not of the family '{other}'.*may be of the family .*{family}"
            ):
                models.load(path, family=other)


@pytest.mark.parametrize("family", FAMILIES)
def test_files_that_are_none_of_the_family(tmp_path: Path, family: str) -> None:
    contract = CONTRACTS[family]
    count = int(np.prod(contract.shape))
    for changes, words in (
        ({"batch": 2}, "takes 2 pictures at once"),
        ({"channels": 1}, "no picture of three colours"),
        ({"kind": TensorProto.FLOAT16}, r"takes tensor\(float16\), expected tensor\(float\)"),
        ({"said": [1, count + 1]}, f"no output of {count} numbers"),
    ):
        with pytest.raises(ModelFileError, match=words):
            load(tmp_path, family, **changes)
    larger = landmark_files.pixels(contract.size + 1, places_of(contract), shape=contract.shape)
    with pytest.raises(ModelFileError, match=f"expected {contract.size} x {contract.size}"):
        models.load(landmark_files.saved(larger, tmp_path / "larger.onnx"), family=family)
    # Files may leave open how much they give: then it is found out before the first photo.
    silent = landmark_files.pixels(contract.size, places_of(contract)[1:], said=[1, None])
    with pytest.raises(ModelFileError, match=f"gives {count - 1} numbers, expected {count}"):
        models.load(landmark_files.saved(silent, tmp_path / "silent.onnx"), family=family)
    for option in ({"input_size": 320}, {"flip": True}, {"normalization": "x"}):
        with pytest.raises(ValueError, match=f"is no option of the family '{family}'"):
            models.load(write(tmp_path, family), family=family, **option)


def test_a_file_that_leaves_open_what_it_gives(tmp_path: Path) -> None:
    contract = CONTRACTS["five_point"]
    model = load(tmp_path, "five_point", said=[None, None], batch="batch")
    image = noise(8, 90, 90)
    crop = image[11 : 11 + 48, 7 : 7 + 48]
    located = model.locate(image, [box_at(contract, 7, 11)])
    assert_allclose(located.points[0], wanted(contract, crop, 7, 11), atol=2e-3, rtol=1e-5)


def test_weights_in_a_file_that_is_missing(tmp_path: Path) -> None:
    contract = CONTRACTS["pfld"]
    model = landmark_files.pixels(contract.size, places_of(contract))
    path = landmark_files.with_weights_beside(model, tmp_path / "pfld.onnx")
    with pytest.raises(ModelFileError, match=r"weights\.bin.*missing or damaged"):
        models.load(path, family="pfld")


def test_where_memory_is_short_faces_go_one_at_a_time(tmp_path: Path) -> None:
    model = load(tmp_path, "five_point", 3)
    image, boxes = noise(9, 60, 60), [(i, i, 20 + i, 30 + i) for i in range(7)]
    want, session = model.locate(image, boxes).points, model._session
    calls: list[int] = []

    class Short:
        def run_all(self, *values: np.ndarray) -> list[np.ndarray]:
            calls.append(1)
            if len(calls) == 3:
                raise MemoryError("no")
            return list(session.run_all(*values))

    model._session = Short()
    assert_array_equal(model.locate(image, boxes).points, want)
    assert len(calls) >= 7
