"""Faces from the front: against the slow twin, and against heads that were painted and photographed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from head_photos import landmarks, paint, photo, rotation
from oracles import frontal as twin
from warp_meshes import noise

from pyface.geometry import convert_landmarks, face_mesh, frontalize, frontalize_many, head_pose, mirror, solid_shape
from pyface.geometry.conversions import _68_OF_106, _68_OF_468
from pyface.geometry.surface import _JAW, _MIDDLE, _PAIRS, _radial, face_surface, surface_depth

ORDER = mirror("dlib-68")


def painted(size: int) -> np.ndarray:
    """What a head should look like from the front."""
    from_middle = (np.arange(size) - (size - 1) / 2) * 3.1 / (size - 1)
    x, y = np.meshgrid(from_middle, from_middle + 0.45)
    return paint(x, y)


# ---- Against the twin -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll", "scheme", "size", "image", "middle"),
    [
        (0, 0, 0, "dlib-68", (32, 32), noise(90, 80, 3), (40, 35)),
        (24, 5, -12, "dlib-68", (29, 40), noise(90, 80, 3), (40, 35)),
        (-48, -12, 30, "dlib-68", (41, 30), noise(90, 80, 4), (40, 35)),
        (33, 20, 5, "insightface-68-3d", (24, 24), noise(90, 80, dtype=np.float32), (40, 35)),
        (-20, 8, 0, "dlib-68", (36, 36), noise(60, 55, 3), (5, 20)),  # half of it beside the photo
    ],
)  # fmt: skip
def test_it_is_what_the_twin_says(
    yaw: float, pitch: float, roll: float, scheme: str, size: Any, image: np.ndarray, middle: Any
) -> None:
    seen = landmarks(rotation(yaw, pitch, roll), 20, middle) + np.random.default_rng(1).normal(0, 0.8, (68, 2))
    got = frontalize(image, seen, scheme, size=size)
    plain = frontalize(image, seen, scheme, size=size, symmetry="none")
    assert got.image is not None and plain.image is not None and got.visibility is not None
    color = image if image.ndim == 3 else image[:, :, None]
    for result, symmetric in ((got, True), (plain, False)):
        want, mask, visibility, share = twin.frontal(
            color, seen, result.pose, size, symmetric=symmetric, is_seen=scheme == "dlib-68"
        )
        np.testing.assert_array_equal(result.mask, mask)
        np.testing.assert_allclose(result.visibility, visibility, atol=1e-5)
        assert result.mirrored_share == pytest.approx(share, abs=1e-6)
        off = np.abs(result.image.reshape(want.shape) - want)[mask]
        # Sampled bytes are mixed, not what they were rounded from; a place's pixel may be the next one.
        assert off.max() < 2.5 and np.mean(off < 0.51) > 0.98
        assert not result.image[~mask].any()


def test_the_twin_by_hand() -> None:
    assert twin.half_width(0.0) == 1.2 and twin.half_width(-0.95) == 0 and twin.half_width(1.9) == -1
    for x, y, z in _PAIRS:
        assert twin.depth(x, y) == pytest.approx(z) == twin.depth(-x, y)
    dx, dy = twin.slopes(0.4, 0.6)
    assert dx == pytest.approx((twin.depth(0.41, 0.6) - twin.depth(0.39, 0.6)) / 0.02, abs=1e-3)
    assert dy == pytest.approx((twin.depth(0.4, 0.61) - twin.depth(0.4, 0.59)) / 0.02, abs=1e-3)
    values, weights = np.zeros((4, 4, 1)), np.zeros((4, 4))
    assert not twin.spread(values, weights).any()
    values[0, 0], weights[0, 0] = 8, 1
    np.testing.assert_allclose(twin.spread(values, weights), 8)  # one value is known: it is everywhere
    values[3, 3], weights[3, 3] = 4, 0.5
    assert twin.spread(values, weights)[3, 3] == pytest.approx(0.5 * 4 + 0.5 * twin.at(
        twin.spread(np.array([[[8], [0]], [[0], [4]]], float), np.array([[1, 0], [0, 0.5]])), 1.25, 1.25
    )[0])  # fmt: skip


# ---- The surface ----------------------------------------------------------------------------------------------------


def test_the_surface_goes_through_its_points_and_is_symmetric() -> None:
    solid = solid_shape("dlib-68")
    np.testing.assert_allclose(surface_depth(solid[17:, :2]), solid[17:, 2], atol=1e-9)
    np.testing.assert_allclose(surface_depth(solid[:17, :2]), _JAW + _JAW[-2::-1], atol=1e-9)
    np.testing.assert_allclose(surface_depth([(0, y) for y, _ in _MIDDLE]), [z for _, z in _MIDDLE], atol=1e-9)
    points = np.random.default_rng(0).uniform(-1.2, 1.2, (200, 2))
    np.testing.assert_array_equal(surface_depth(points), surface_depth(points * [-1, 1]))
    centres, weights = _radial()
    assert abs(weights[:-3].sum()) < 1e-9 and np.abs(centres.T @ weights[:-3]).max() < 1e-9
    assert np.abs(surface_depth(points) - [twin.depth(x, y) for x, y in points]).max() < 1e-9
    # Nothing but the nose and the cheeks' ends is steep, and nothing is far from a face.
    assert surface_depth(points[points[:, 1] > -0.9]).min() > -0.7


def test_surfaces_are_kept() -> None:
    assert face_surface("surface", (40, 41)) is face_surface("surface", (40, 41))
    assert face_surface("mesh", (40, 41)) is not face_surface("surface", (40, 41))


# ---- Painted heads --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"), [(0, 0, 0), (20, 0, 15), (-35, 10, -5), (50, -15, 8), (-10, 25, 170)]
)
def test_a_painted_head_comes_out_as_it_was_painted(yaw: float, pitch: float, roll: float) -> None:
    turn = rotation(yaw, pitch, roll)
    seen, image = landmarks(turn, 60, (150, 130)), photo(turn, 60, (150, 130), (330, 300))
    result = frontalize(image, seen, "insightface-68-3d", size=160, symmetry="none")
    assert result.image is not None and result.visibility is not None
    assert result.pose.yaw == pytest.approx(yaw, abs=6)
    off = np.abs(result.image - painted(160)).max(axis=2)
    clear = result.visibility > 0.7
    assert clear.mean() > 0.25 and np.percentile(off[clear], 98) < 7  # the photo is painted in whole pixels
    hidden = (result.visibility < 0.05) & result.mask
    assert hidden.any() == (abs(yaw) >= 20)
    if hidden.sum() > 100:
        assert np.median(off[hidden]) > 3 * np.median(off[clear])


def test_the_far_half_is_filled_from_the_near_one() -> None:
    turn = rotation(40)
    image = photo(turn, 60, (150, 130), (330, 300))
    seen = landmarks(turn, 60, (150, 130))
    plain = frontalize(image, seen, "insightface-68-3d", size=96, symmetry="none")
    soft = frontalize(image, seen, "insightface-68-3d", size=96)
    assert plain.mirrored_share == 0 and 0.05 < soft.mirrored_share < 0.5
    np.testing.assert_array_equal(plain.visibility, soft.visibility)
    changed = (plain.image != soft.image).any(axis=2)
    assert changed[:, 48:].mean() > 0.2 and changed[:, :48].mean() < 0.02
    assert changed[soft.visibility > 0.8].mean() < 0.02  # what is seen is left alone, but beside what is not
    # Eyes and mouth that are half seen are kept.
    eye = np.rint(np.array([0.5 + 1.55, 1.1]) * 95 / 3.1).astype(int)
    assert soft.visibility[eye[1], eye[0]] > 0.25 and not changed[eye[1], eye[0]]


def test_a_face_from_the_front_is_not_filled() -> None:
    image = noise(200, 200, 3)
    result = frontalize(image, landmarks(rotation()), "dlib-68")
    assert result.mirrored_share == 0 and result.refused is None
    assert result.visibility[result.mask].min() == 1


def test_a_photo_in_the_frame_comes_back() -> None:
    """Landmarks where the mean shape has them: the surface adds nothing, and pixels lie on pixels."""
    image = noise(64, 64, 3)
    for method in ("surface", "mesh"):
        result = frontalize(image, face_mesh("dlib-68", 64).target[:68], "dlib-68", size=64, method=method)
        np.testing.assert_array_equal(result.image[result.mask], image[result.mask])
        np.testing.assert_array_equal(result.mask, result.mask[:, ::-1])
    shifted = np.pad(image, ((0, 0), (5, 0), (0, 0)))
    points = face_mesh("dlib-68", 64).target[:68] + np.array([5, 0])
    wide = frontalize(shifted, points, "dlib-68", size=(64, 74))  # the square in the middle
    np.testing.assert_array_equal(wide.image[:, 5:69][wide.mask[:, 5:69]], image[wide.mask[:, 5:69]])
    assert not wide.mask[:, :5].any() and not wide.mask[:, 69:].any()


def test_landmarks_come_to_lie_where_the_mean_shape_has_them() -> None:
    """Dots painted at the landmarks of a face that is not the mean one."""
    seen = landmarks(rotation(15, 5, 10), 60, (150, 130)) + np.random.default_rng(3).normal(0, 2, (68, 2))
    size = 200
    target = face_mesh("dlib-68", size).target
    for point in (30, 36, 45, 48, 54, 8):
        rows, cols = np.mgrid[:330, :300]
        dot = 255 * np.exp(-((cols - seen[point, 0]) ** 2 + (rows - seen[point, 1]) ** 2) / 18).astype(np.float32)
        for method in ("surface", "mesh"):
            result = frontalize(dot, seen, "insightface-68-3d", size=size, method=method, symmetry="none")
            row, col = np.unravel_index(result.image.argmax(), result.image.shape)
            assert np.abs([col, row] - target[point]).max() < 1  # the brightest pixel


# ---- What must not matter -------------------------------------------------------------------------------------------


def test_mirroring_the_photo_mirrors_the_result() -> None:
    image = photo(rotation(28, 6, 4))
    seen = landmarks(rotation(28, 6, 4))
    flipped = seen[ORDER] * [-1, 1] + [image.shape[1] - 1, 0]
    for method in ("surface", "mesh"):
        one = frontalize(image, seen, "dlib-68", size=120, method=method)
        other = frontalize(image[:, ::-1], flipped, "dlib-68", size=120, method=method)
        assert other.pose.yaw == pytest.approx(-one.pose.yaw)
        assert (one.mask != other.mask[:, ::-1]).mean() < 0.002
        both = one.mask & other.mask[:, ::-1]
        assert np.percentile(np.abs(one.image - other.image[:, ::-1]).max(axis=2)[both], 99.5) < 1
        np.testing.assert_allclose(one.visibility[both], other.visibility[:, ::-1][both], atol=2e-3)


@pytest.mark.parametrize("factor", [0.5, 2, 4])
def test_the_size_of_the_photo_does_not_matter(factor: float) -> None:
    turn = rotation(-25, 5, 10)
    one = frontalize(photo(turn), landmarks(turn), "dlib-68", size=112)
    scaled_middle = (np.array([100, 90]) + 0.5) * factor - 0.5
    size = (int(220 * factor), int(200 * factor))
    image = photo(turn, 40 * factor, scaled_middle, size)
    other = frontalize(image, landmarks(turn, 40 * factor, scaled_middle), "dlib-68", size=112, antialias=True)
    for name in ("pitch", "yaw", "roll"):
        assert getattr(one.pose, name) == pytest.approx(getattr(other.pose, name), abs=1e-6)
    assert (one.mask & other.mask).sum() >= 0.98 * (one.mask | other.mask).sum()
    assert np.abs(one.image - other.image)[one.mask & other.mask].mean() < 3  # of 255; both photos are whole pixels


def test_layouts_and_types_of_the_photo_do_not_matter() -> None:
    image, seen = noise(200, 190, 3), landmarks(rotation(30))
    want = frontalize(image, seen, "dlib-68", size=64)
    frozen = image.copy()
    frozen.flags.writeable = False
    for other in (frozen, np.asfortranarray(image), np.repeat(image, 2, axis=1)[:, ::2], image[::-1][::-1]):
        np.testing.assert_array_equal(frontalize(other, seen, "dlib-68", size=64).image, want.image)
    for points in (np.asfortranarray(seen), seen.tolist(), seen.astype(">f8")):
        np.testing.assert_array_equal(frontalize(image, points, "dlib-68", size=64).image, want.image)
    floats = frontalize(image.astype(np.float32), seen, "dlib-68", size=64)
    assert floats.image.dtype == np.float32
    assert np.abs(floats.image.clip(0, 255) - want.image).max() < 2.5  # bytes are rounded before they are mixed
    for c in range(3):
        grey = frontalize(image[:, :, c], seen, "dlib-68", size=64)
        np.testing.assert_array_equal(grey.image, want.image[:, :, c])
    rgba = frontalize(np.dstack([image, image[:, :, 0]]), seen, "dlib-68", size=64)
    np.testing.assert_array_equal(rgba.image, np.dstack([want.image, want.image[:, :, 0]]))


@pytest.mark.parametrize("scheme", ["insightface-106", "mediapipe-468", "insightface-68-3d"])
def test_other_schemes_are_brought_to_68_points(scheme: str) -> None:
    seen, image = landmarks(rotation(20, 4)), noise(200, 200, 3)
    if scheme == "insightface-68-3d":
        points = np.column_stack([seen, np.arange(68)])
    else:
        table, count = (_68_OF_106, 106) if scheme == "insightface-106" else (_68_OF_468, 468)
        points = np.zeros((count, 2))
        for place, of in zip(seen, table, strict=True):
            points[list(of)] = place
        for i, of in enumerate(table):
            if len(of) == 1:
                points[of[0]] = seen[i]
        if scheme == "insightface-106":  # others near to where they belong, for the pose
            free = np.setdiff1d(np.arange(106), np.concatenate([np.array(of) for of in table]))
            solid = solid_shape("insightface-106")
            points[free] = (40 * solid @ rotation(20, 4).T)[free, :2] + [100, 90]
    result = frontalize(image, points, scheme, size=64)
    assert result.refused is None and result.mask.mean() > 0.5
    assert result.pose.yaw == pytest.approx(head_pose(points, scheme).yaw)
    same = frontalize(image, convert_landmarks(points, scheme, "dlib-68")[:, :2], "dlib-68", size=64)
    assert np.abs(result.pose.yaw - same.pose.yaw) < 5


def test_every_instruction_set_gives_the_same_bits(isa: str) -> None:
    """``isa`` sets one; what it must come to is the portable one's."""
    from pyface import _core

    seen = landmarks(rotation(33, 7, 12)) + np.random.default_rng(5).normal(0, 1, (68, 2))
    for channels, dtype in (((), np.uint8), ((3,), np.uint8), ((4,), np.float32), ((3,), np.float32)):
        image = noise(200, 150, *channels, dtype=dtype)
        for antialias in (False, True):
            got = frontalize(image, seen, "dlib-68", size=33, antialias=antialias)
            _core.set_isa("portable")
            want = frontalize(image, seen, "dlib-68", size=33, antialias=antialias)
            _core.set_isa(isa)
            for name in ("image", "mask", "visibility", "mirrored_share"):
                np.testing.assert_array_equal(getattr(got, name), getattr(want, name))


def test_many_faces_are_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(0)
    turns = [rotation(yaw, pitch) for yaw, pitch in rng.uniform((-40, -15), (40, 15), (9, 2))]
    seen = np.array([landmarks(turn) + rng.normal(0, 1, (68, 2)) for turn in turns])
    seen[4] = landmarks(rotation(75))
    images = [
        noise(220, 200, *((3,) if i % 3 else ()), seed=i, dtype=np.float32 if i % 2 else np.uint8) for i in range(9)
    ]
    for photos in (images, images[1]):
        want = [frontalize(photos if photos is images[1] else photos[i], seen[i], "dlib-68", size=48) for i in range(9)]
        for n_threads in (1, 2, 5):
            got = frontalize_many(photos, seen, "dlib-68", size=48, n_threads=n_threads)
            assert [r.refused is None for r in got] == [i != 4 for i in range(9)]
            for a, b in zip(got, want, strict=True):
                assert a.mirrored_share == b.mirrored_share and a.refused == b.refused and a.pose.yaw == b.pose.yaw
                for name in ("image", "mask", "visibility"):
                    np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    stacked = frontalize_many(np.stack([images[1]] * 2), seen[:2], "dlib-68", size=48)
    np.testing.assert_array_equal(stacked[1].image, want[1].image)
