"""Frontalization of what is no face, no photo, too far turned, too small or too large."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
from head_photos import landmarks, rotation
from interrupts import NEEDS_SIGNALS, stops
from warp_meshes import noise

from pyface.geometry import frontalize, frontalize_many

IMAGE = noise(200, 200, 3)
SEEN = landmarks(rotation(10))


@pytest.mark.parametrize(
    ("turn", "options", "reason"),
    [
        (rotation(70), {}, "turned by 6. degrees, more than max_yaw = 60"),
        (rotation(-35), {"max_yaw": 20}, "turned by 3. degrees, more than max_yaw = 20"),
        (rotation(0, 72), {}, "looks up by .. degrees"),
        (rotation(0, -72), {}, "looks down by .. degrees"),
    ],
)
def test_faces_turned_too_far_are_refused(turn: np.ndarray, options: dict[str, Any], reason: str) -> None:
    result = frontalize(IMAGE, landmarks(turn), "insightface-68-3d", **options)
    assert result.image is None and result.mask is None and result.visibility is None
    assert result.mirrored_share == 0 and abs(result.pose.yaw) + abs(result.pose.pitch) > 20
    assert re.search(reason, str(result.refused)), result.refused
    if "max_yaw" in options:
        assert frontalize(IMAGE, landmarks(turn), "insightface-68-3d").refused is None


def test_a_reason_shows_what_is_above_the_limit() -> None:
    rounded_down = 0
    for turn in (30, 30.4, 30.8, 31.2):
        seen = landmarks(rotation(turn))
        yaw = frontalize(IMAGE, seen, "insightface-68-3d").pose.yaw
        rounded_down += round(yaw) < yaw
        for limit in (float(np.floor(yaw)), yaw - 0.003, float(np.nextafter(yaw, 0))):
            reason = str(frontalize(IMAGE, seen, "insightface-68-3d", max_yaw=limit).refused)
            (shown,) = re.findall(r"turned by ([\d.]+) degrees", reason)
            assert float(shown) > limit, reason
        assert f"turned by {yaw:.0f} degrees" in str(frontalize(IMAGE, seen, "insightface-68-3d", max_yaw=20).refused)
    assert 0 < rounded_down < 4


def test_landmarks_of_no_face_are_refused() -> None:
    anywhere = np.random.default_rng(0).uniform(0, 200, (68, 2))
    result = frontalize(IMAGE, anywhere, "dlib-68")
    away = result.pose.residual / result.pose.scale
    assert result.refused == f"the landmarks are none of a face: they miss it by {away:.2f} distances between the eyes"


@pytest.mark.parametrize("shift", [(1000, 0), (-400, 0), (0, 5e5), (9e6, 9e6)])
def test_a_face_outside_the_photo_is_refused(shift: tuple[float, float]) -> None:
    for method in ("surface", "mesh"):
        result = frontalize(IMAGE, SEEN + shift, "dlib-68", method=method, antialias=True)
        assert result.refused == "no part of the face lies in the photo" and result.image is None


def test_the_half_outside_the_photo_is_filled() -> None:
    seen = landmarks(rotation(), 40, (0, 90))  # the left half lies left of the photo
    soft = frontalize(IMAGE, seen, "dlib-68", size=100)
    plain = frontalize(IMAGE, seen, "dlib-68", size=100, symmetry="none")
    assert not plain.mask[:, :45].any() and soft.mask[50, :45].any()
    assert 0.4 < soft.mirrored_share < 0.6 and not soft.visibility[:, :45].any()
    np.testing.assert_array_equal(soft.image[:, :45], soft.image[:, :54:-1])


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize(("scale", "shape"), [(2.6, (8, 8)), (2600, (4000, 3000)), (0.01, (1, 1)), (40, (1, 9000))])
def test_faces_of_all_sizes(scale: float, shape: tuple[int, int], antialias: bool) -> None:
    image = np.full((*shape, 3), 77, np.uint8)
    seen = landmarks(rotation(20), scale, ((shape[1] - 1) / 2, (shape[0] - 1) / 2))
    for method in ("surface", "mesh"):
        result = frontalize(image, seen, "dlib-68", method=method, size=50, antialias=antialias)
        if result.refused is None:
            assert (result.image[result.mask] == 77).all() and not result.image[~result.mask].any()
        else:
            assert result.refused == "no part of the face lies in the photo"
    if scale > 1 and shape[0] > 1:
        assert result.refused is None


@pytest.mark.parametrize("size", [8, 9, (8, 300), (301, 8), (17, 64)])
def test_small_and_oblong_pictures(size: Any) -> None:
    for method in ("surface", "mesh"):
        result = frontalize(IMAGE, SEEN, "dlib-68", size=size, method=method)
        assert result.image.shape[:2] == (size if isinstance(size, tuple) else (size, size)) == result.mask.shape
        assert result.mask.any() and result.visibility.shape == result.mask.shape


def test_a_size_may_be_an_array() -> None:
    result = frontalize(IMAGE, SEEN, "dlib-68", size=np.array([17, 64]))
    np.testing.assert_array_equal(result.image, frontalize(IMAGE, SEEN, "dlib-68", size=(17, 64)).image)


def test_antialias_averages_large_photos() -> None:
    stripes = np.zeros((2000, 2000), np.uint8)
    stripes[:, ::2] = 255
    seen = landmarks(rotation(5), 400, (1000, 900))
    plain = frontalize(stripes, seen, "dlib-68", size=64)
    smooth = frontalize(stripes, seen, "dlib-68", size=64, antialias=True)
    assert plain.image[plain.mask].std() > 40 and smooth.image[smooth.mask].std() < 12
    assert (smooth.mask != plain.mask).mean() < 0.01


def test_nan_comes_to_what_it_has_a_weight_in() -> None:
    image = IMAGE.astype(np.float32)
    want = frontalize(image, landmarks(rotation(30)), "dlib-68", size=64)
    image[90:95, 60:64] = np.nan
    got = frontalize(image, landmarks(rotation(30)), "dlib-68", size=64)
    is_nan = np.isnan(got.image).any(axis=2)
    assert 0 < is_nan.sum() < 100
    np.testing.assert_array_equal(got.mask, want.mask)
    assert not np.isnan(got.visibility).any()


@pytest.mark.parametrize(
    ("error", "words", "change"),
    [
        (ValueError, "scheme must be one of", {"scheme": "dlib"}),
        (ValueError, "'arcface-5' has too few landmarks .*schemes that do: dlib-68", {"scheme": "arcface-5"}),
        (ValueError, "schemes of 106 points: insightface-106", {"landmarks": np.zeros((106, 2))}),
        (ValueError, "must have shape", {"landmarks": np.zeros((3, 2))}),
        (ValueError, "all points lie on one line", {"landmarks": np.column_stack([np.arange(68.0)] * 2)}),
        (ValueError, "point 7 is not finite", {"landmarks": np.where(np.arange(68)[:, None] == 7, np.nan, SEEN)}),
        (ValueError, "beyond 1e", {"landmarks": SEEN + 1e9}),
        (ValueError, "frontalize_many takes several", {"landmarks": SEEN[None]}),
        (TypeError, "landmarks must be numbers", {"landmarks": "dlib"}),
        (TypeError, "image must be a NumPy array", {"image": [[1]]}),
        (TypeError, "image must be", {"image": IMAGE.astype(float)}),
        (ValueError, "channels", {"image": IMAGE[:, :, :2]}),
        (ValueError, "empty", {"image": IMAGE[:0]}),
        (ValueError, "method must be one of", {"method": "3d"}),
        (ValueError, "symmetry must be one of", {"symmetry": "hard"}),
        (TypeError, "symmetry", {"symmetry": True}),
        (ValueError, "size must be at least 8", {"size": 7}),
        (ValueError, "size must be at most 4096", {"size": (100, 5000)}),
        (TypeError, "size must be", {"size": 100.0}),
        (TypeError, "size must be a number or", {"size": (1, 2, 3)}),
        (TypeError, "size must be a number or", {"size": np.array([64, 64, 64])}),
        (TypeError, "size must be an integer", {"size": np.array([64.5, 64])}),
        (ValueError, "max_yaw must be at most 80", {"max_yaw": 90}),
        (ValueError, "max_yaw", {"max_yaw": float("nan")}),
        (TypeError, "antialias must be True or False", {"antialias": 1}),
    ],
)
def test_bad_input_is_named(error: type[Exception], words: str, change: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"image": IMAGE, "landmarks": SEEN, "scheme": "dlib-68", **change}
    with pytest.raises(error, match=words):
        frontalize(**arguments)


def test_bad_batches_are_named() -> None:
    two = np.stack([SEEN, SEEN])
    with pytest.raises(ValueError, match="one for each of the 2 faces"):
        frontalize_many([IMAGE], two, "dlib-68")
    with pytest.raises(ValueError, match=r"images\[1\] must have shape"):
        frontalize_many([IMAGE, IMAGE[:, :, :2]], two, "dlib-68")
    with pytest.raises(TypeError, match="images must be an array or a list"):
        frontalize_many(iter([IMAGE]), two, "dlib-68")
    two[1, 3] = np.inf
    with pytest.raises(ValueError, match="face 1: point 3 is not finite"):
        frontalize_many(IMAGE, two, "dlib-68")
    with pytest.raises(ValueError, match="frontalize takes one face"):
        frontalize_many(IMAGE, SEEN, "dlib-68")
    with pytest.raises(ValueError, match="n_threads"):
        frontalize_many(IMAGE, SEEN[None], "dlib-68", n_threads=0)


@pytest.mark.parametrize("images", [IMAGE, [], np.empty((0, 9, 9, 3), np.uint8)])
@pytest.mark.parametrize("none", [np.empty((0, 68, 2)), []])
def test_no_faces_give_no_results(images: Any, none: Any) -> None:
    assert frontalize_many(images, none, "dlib-68") == []


def test_results_are_frozen() -> None:
    result = frontalize(IMAGE, SEEN, "dlib-68", size=32)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.refused = "no"  # type: ignore[misc]


@NEEDS_SIGNALS
@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_stops_many_faces(n_threads: int) -> None:
    setup = """
import numpy as np
from pyface import geometry
from pyface.geometry.surface import face_surface
from pyface.kernels.frontal import Relief
relief, n = face_surface("surface", (224, 224)), 3000
points = np.tile(400 * geometry.solid_shape("dlib-68")[:, :2] + 1000, (n, 1, 1))
image = np.zeros((2500, 2000), np.uint8)
class Once:  # results of few faces, so that memory does not matter
    def frontalize(self):
        return relief.frontalize([image], points, np.tile(np.eye(3), (n, 1, 1)), np.full((n, 2), 1000.0),
                                 np.full(n, 400.0), outline_is_seen=True, symmetric=True, antialias=True,
                                 n_threads={t})
""".replace("{t}", str(n_threads))
    assert stops(setup, "Once().frontalize()") == "stopped"
