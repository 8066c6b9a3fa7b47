"""Aligned crops and level eyes."""

from __future__ import annotations

import numpy as np
import photo_sets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import alignment as oracle

from pyface import _memory, geometry
from pyface.kernels import faces

ARCFACE = geometry.template_points("arcface", 112)
FIVE = ARCFACE * 0.4 + np.array([60, 50])  # a face of the size of a thumbnail


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def dots(points: np.ndarray, side: int = 400, sigma: float = 2.5) -> np.ndarray:
    """A picture with a bright round spot at each point."""
    y, x = np.mgrid[:side, :side]
    spots = [np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)) for px, py in points]
    return np.rint(255 * np.clip(sum(spots), 0, 1)).astype(np.uint8)


def spot_near(image: np.ndarray, point: np.ndarray, radius: int = 6) -> np.ndarray:
    """Centre of the brightness around a point, (x, y)."""
    x0, y0 = np.rint(point).astype(int)
    part = image[y0 - radius : y0 + radius + 1, x0 - radius : x0 + radius + 1].astype(float)
    ys, xs = np.mgrid[y0 - radius : y0 + radius + 1, x0 - radius : x0 + radius + 1]
    return np.array([(part * xs).sum(), (part * ys).sum()]) / part.sum()


def placed(points: np.ndarray, scale: float, degrees: float, centre: tuple[float, float]) -> np.ndarray:
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return (points - points.mean(axis=0)) @ np.array([[c, s], [-s, c]]) + centre


@pytest.mark.parametrize(
    ("template", "size"), [("arcface", 112), ("arcface", 256), ("arcface-dlib-5", 224), ("dlib-5", 150)]
)
@pytest.mark.parametrize("degrees", [0, 33, -120])
def test_landmarks_come_to_lie_where_the_template_has_them(template: str, size: int, degrees: float) -> None:
    target = geometry.template_points(template, size)
    points = placed(target, 112 / size, degrees, (203, 190))
    crop = geometry.align_face(dots(points), points, size, template=template)
    assert crop.shape == (size, size)
    for point in target:
        np.testing.assert_allclose(spot_near(crop, point, radius=4 * size // 112), point, atol=0.25)


def test_template_sizes() -> None:
    np.testing.assert_allclose(geometry.template_points("arcface", 224), 2 * ARCFACE)
    np.testing.assert_allclose(geometry.template_points("arcface", 128), ARCFACE + np.array([8, 0]))
    np.testing.assert_allclose(geometry.template_points("arcface", 256), 2 * (ARCFACE + np.array([8, 0])))
    np.testing.assert_allclose(geometry.template_points("arcface", 896), 8 * ARCFACE)  # a multiple of both
    np.testing.assert_allclose(ARCFACE[0], (38.2946, 51.6963))
    for size in (100, 150, 111):
        with pytest.raises(ValueError, match="multiple of 112 or 128"):
            geometry.template_points("arcface", size)
    with pytest.raises(ValueError, match="template must be one of"):
        geometry.template_points("arc", 112)
    with pytest.raises(ValueError, match=r"shape \(k, 2\)"):
        geometry.template_points(np.zeros((2, 5, 2)), 112)
    for template in geometry.templates.TEMPLATES:
        for size in (0, -4, 1, -112):
            with pytest.raises(ValueError, match=f"size must be at least 2, got {size}"):
                geometry.template_points(template, size)
        for size in (1.5, "a", 112.0, True):
            with pytest.raises(TypeError, match="size must be an integer, got"):
                geometry.template_points(template, size)


def test_the_template_of_dlibs_points_in_arcface_frame_is_derived_from_dlibs_mean_shape() -> None:
    """Eye centres, nose and mouth of the mean of 68 points are brought to ArcFace's; the five of dlib come along."""
    embedder = pytest.importorskip("pyface.models.dlib.embedder", reason="the extra 'models' is not installed")
    mean = dict(zip(embedder.CHOSEN_68.tolist(), embedder.TEMPLATE_68, strict=True))
    eyes = [np.mean([mean[i] for i in range(begin, begin + 6)], axis=0) for begin in (36, 42)]
    five = np.array([*eyes, mean[30], mean[48], mean[54]])
    moved = geometry.similarity_transform(five, ARCFACE).apply(embedder.TEMPLATE_5)
    np.testing.assert_allclose(geometry.template_points("arcface-dlib-5", 112), moved, atol=1e-4)


def test_the_frame_of_dlib_is_that_of_its_chips() -> None:
    """A face as large as the chip is not halved before, and what differs is dlib's truncation of bytes."""
    embedder = pytest.importorskip("pyface.models.dlib.embedder", reason="the extra 'models' is not installed")
    image = photo_sets.astronaut()
    points = placed(embedder.TEMPLATE_5 * 100, 1.0, 7.0, (225, 110))
    chip = faces.face_chips(image, points[None], embedder.TEMPLATE_5, 150, 0.25)[0]
    crop = geometry.align_face(image, points, 150, template="dlib-5")
    assert np.abs(crop.astype(int) - chip).max() <= 2


@given(seed=st.integers(0, 999), scale=st.floats(0.2, 4), degrees=st.floats(-180, 180), antialias=st.booleans())
@settings(max_examples=25, deadline=None)
def test_crops_equal_the_twin(*, seed, scale, degrees, antialias) -> None:
    random = np.random.default_rng(seed)
    image = noise(80, 90, 3, seed=seed)
    template = random.uniform(2, 10, (5, 2))
    points = placed(template, scale, degrees, (45, 40)) + random.normal(size=(5, 2))
    matrix, _ = oracle.umeyama(points, template)
    inverse = np.linalg.inv(np.vstack([matrix, (0, 0, 1)]))[:2]
    got = geometry.align_face(image, points, 12, template=template, antialias=antialias)
    want = oracle.crop(image, inverse, (12, 12), antialias=antialias)
    np.testing.assert_allclose(got, want, atol=0.51)


def test_a_batch_is_its_faces() -> None:
    image = noise(200, 220, 3)
    points = np.stack([FIVE, FIVE * 1.3 - 10, FIVE[::-1]])
    crops = geometry.align_face(image, points)
    assert crops.shape == (3, 112, 112, 3) and crops.dtype == np.uint8
    for i in range(3):
        np.testing.assert_array_equal(geometry.align_face(image, points[i]), crops[i])
    assert geometry.align_face(image, points[:0]).shape == (0, 112, 112, 3)
    assert geometry.align_face(image[..., :1], points).shape == (3, 112, 112, 1)
    assert geometry.align_face(np.dstack([image, image[..., 0]]).astype(np.float32), FIVE).shape == (112, 112, 4)


def test_faces_beyond_the_image_are_black() -> None:
    for shift in (-5000, 5000, 9e6):
        assert not geometry.align_face(np.full((50, 50, 3), 255, np.uint8), FIVE + shift).any()
    assert geometry.align_face(np.full((1, 1), 255, np.uint8), FIVE).shape == (112, 112)
    assert not geometry.align_face(np.full((50, 50), 255, np.uint8), FIVE * 9e4, antialias=True).any()


def test_antialias_takes_away_what_the_crop_cannot_show() -> None:
    y, x = np.mgrid[:900, :900]
    checks = (255 * ((x + y) % 2)).astype(np.uint8)
    points = ARCFACE * 6 + 100
    plain, smooth = geometry.align_face(checks, points), geometry.align_face(checks, points, antialias=True)
    assert np.abs(smooth[5:-5, 5:-5].astype(int) - 127).max() <= 1
    assert not plain[5:-5, 5:-5].any()  # every sample meets a black square
    same = geometry.align_face(checks, ARCFACE * 1.4 + 100, antialias=True)  # not small enough to matter
    np.testing.assert_array_equal(same, geometry.align_face(checks, ARCFACE * 1.4 + 100))


def test_level_eyes() -> None:
    points = np.array([(150.0, 170), (250, 220), (90, 260)])
    picture = dots(points)
    turned = geometry.level_eyes(picture, points[0], points[1])
    assert turned.shape == picture.shape and turned.dtype == picture.dtype
    middle, half = points[:2].mean(axis=0), np.hypot(100, 50) / 2
    left, right = (spot_near(turned, middle + np.array([side * half, 0])) for side in (-1, 1))
    assert geometry.roll_angle(left, right) == pytest.approx(0, abs=0.1)
    np.testing.assert_allclose(left, middle - np.array([half, 0]), atol=0.1)
    np.testing.assert_allclose(right, middle + np.array([half, 0]), atol=0.1)
    np.testing.assert_array_equal(geometry.level_eyes(picture, (10, 50), (80, 50)), picture)
    upside_down = geometry.level_eyes(picture, (399, 199.5), (0, 199.5))
    np.testing.assert_array_equal(upside_down, picture[::-1, ::-1])
    with pytest.raises(ValueError, match="same point"):
        geometry.level_eyes(picture, (1, 2), (1, 2))
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        geometry.level_eyes(picture, [(1, 2)], [(3, 4)])


def test_refusals() -> None:
    image = noise(50, 50, 3)
    bad = np.stack([FIVE, FIVE, FIVE])
    bad[1] = 7
    with pytest.raises(ValueError, match="five_points: face 1: all points are equal"):
        geometry.align_face(image, bad)
    bad[2, 0, 0] = np.nan
    with pytest.raises(ValueError, match="five_points: face 2: point 0 is not finite"):
        geometry.align_face(image, bad)
    for points in (FIVE[:4], np.zeros((68, 2))):
        with pytest.raises(ValueError, match=r"five_points must have shape \(5, 2\)"):
            geometry.align_face(image, points)
    for size in (0, 1, 9000):
        with pytest.raises(ValueError, match="size must be at"):
            geometry.align_face(image, FIVE, size)
    with pytest.raises(TypeError, match="size must be an integer"):
        geometry.align_face(image, FIVE, 112.0)
    with pytest.raises(ValueError, match="1, 3 or 4 channels"):
        geometry.align_face(noise(50, 50, 2), FIVE)
    with pytest.raises(ValueError, match=r"^five_points: all points are equal"):
        geometry.align_face(image, FIVE * 0)
    with pytest.raises(ValueError, match=r"^five_points: point 3 is not finite or beyond 1e\+07 pixels: \[1.0, inf\]"):
        geometry.align_face(image, [(0, 0), (5, 0), (2, 2), (1, np.inf), (4, 4)])
    for value in (1, None, "yes", 0.0):
        with pytest.raises(TypeError, match="antialias must be True or False, got"):
            geometry.align_face(image, FIVE, antialias=value)
    np.testing.assert_array_equal(
        geometry.align_face(image, FIVE, antialias=np.True_), geometry.align_face(image, FIVE, antialias=True)
    )


def test_templates_that_lead_nowhere() -> None:
    image, both = noise(50, 50, 3), np.stack([FIVE, FIVE * 2])
    for value in (0, 1, 1 / 3, 1e6 + 0.7):
        with pytest.raises(ValueError, match=r"^template: all points are equal"):
            geometry.align_face(image, FIVE, template=np.full((5, 2), value))
    for tiny in (1e-12, 1e-200):
        with pytest.raises(ValueError, match=r"^template: five_points fit it at a scale of .*e-.*beyond 1e\+09 pixels"):
            geometry.align_face(image, FIVE, template=ARCFACE * tiny)
        with pytest.raises(ValueError, match=r"^template: face 0: five_points fit it at a scale of"):
            geometry.align_face(image, both, template=ARCFACE * tiny)


def placed_dlib(scale: float = 1.3, degrees: float = 10) -> np.ndarray:
    """dlib's five points of a face that is not quite the mean one."""
    points = geometry.template_points("arcface-dlib-5", 112) + np.random.default_rng(0).normal(0, 1, (5, 2))
    return placed(points, scale, degrees, (100, 100))


def test_points_of_dlib_in_the_template_of_arcface_are_warned_of_once() -> None:
    image, dlib = noise(200, 200, 3), placed_dlib()
    for size in (112, 256):
        with pytest.warns(UserWarning, match=r"the face would be turned.*pass template='arcface-dlib-5'") as said:
            crop = geometry.align_face(image, dlib, size)
        assert len(said) == 1 and said[0].filename == __file__
        own = geometry.align_face(image, dlib, size, template=geometry.template_points("arcface", size))
        np.testing.assert_array_equal(crop, own)
    with pytest.warns(UserWarning, match="faces 1, 3 would be turned: on average the points miss") as said:
        geometry.align_face(image, np.stack([FIVE, dlib, FIVE, dlib * 2]))
    assert len(said) == 1
    with pytest.warns(UserWarning, match="face 2 would be turned"):
        geometry.align_face(image, np.stack([FIVE, FIVE, dlib]))
    with pytest.warns(UserWarning, match="faces 0, 1, 2, 3, 4 and 15 more would be turned"):
        geometry.align_face(image, np.stack([dlib] * 20))


def test_other_points_are_not_warned_of() -> None:
    """Warnings are errors in these tests: points of dlib with their template, profiles, mirrored order, nonsense."""
    image = noise(200, 200, 3)
    geometry.align_face(image, placed_dlib(), template="arcface-dlib-5")
    geometry.align_face(image, placed_dlib(), template=geometry.template_points("arcface", 112))
    centre = ARCFACE.mean(axis=0)
    for width in (1, 0.6, 0.3, 0.1, 0.02):  # a head that turns away, its nose to one side
        profile = (ARCFACE - centre) * [width, 1] + [[0, 0], [0, 0], [25 * (1 - width), 0], [0, 0], [0, 0]] + centre
        geometry.align_face(image, profile)
        geometry.align_face(image, profile[[1, 0, 2, 4, 3]])
    bad = geometry.similarity_transform(profile, ARCFACE).residual
    assert bad > 11.2, "the last profile must be one that is looked at"


def test_landmarks_of_dlibs_models_are_warned_of_and_those_of_the_default_ones_not() -> None:
    pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")
    from pyface.analysis.analyzer import FaceAnalyzer

    default, dlib = FaceAnalyzer(embedder=False), FaceAnalyzer("dlib", embedder=False)
    for photo in (photo_sets.astronaut(), photo_sets.hopper()):
        with pytest.warns(UserWarning, match="arcface-dlib-5"):
            geometry.align_face(photo, dlib.analyze(photo)[0].landmarks)
        geometry.align_face(photo, default.analyze(photo)[0].landmarks)  # warnings are errors here


def test_results_that_do_not_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    image = noise(60, 60, 3)
    monkeypatch.setattr(_memory, "available", lambda: 1 << 20)
    with pytest.raises(MemoryError, match="align fewer faces at a time, or to a smaller size"):
        geometry.align_face(image, np.stack([FIVE] * 500))
    with pytest.raises(MemoryError, match="take a smaller image"):
        geometry.level_eyes(np.zeros((5000, 5000), np.uint8), (1, 2), (9, 3))
