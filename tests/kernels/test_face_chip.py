"""Face chips against their twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import detect as oracle

from pyface import _core
from pyface.kernels import faces

TEMPLATE = np.array([(0.86, 0.21), (0.65, 0.23), (0.12, 0.21), (0.33, 0.23), (0.49, 0.63)])
SIZE, PADDING = 20, 0.25


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@given(
    width=st.floats(0.5, 250), angle=st.floats(-4, 4), x=st.floats(-60, 160), y=st.floats(-60, 160),
    rows=st.integers(1, 120), cols=st.integers(1, 120), grey=st.booleans(), seed=st.integers(0, 9),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_chip_equals_the_twin(*, width, angle, x, y, rows, cols, grey, seed) -> None:
    c, s = np.cos(angle) * width, np.sin(angle) * width
    landmarks = np.rint(TEMPLATE @ np.array([[c, s], [-s, c]]) + [x, y])
    image = noise(rows, cols, seed=seed) if grey else noise(rows, cols, 3, seed=seed)
    place = faces.chip_place(landmarks, TEMPLATE, SIZE, PADDING)
    want_rect, want_angle = oracle.chip_place(landmarks, TEMPLATE.tolist(), SIZE, PADDING)
    np.testing.assert_allclose(place, (*want_rect, want_angle), rtol=1e-12, atol=1e-12)
    got = faces.face_chips(image, landmarks[None], TEMPLATE, SIZE, PADDING)[0]
    want = oracle.chip(image, landmarks, TEMPLATE.tolist(), SIZE, PADDING)
    # Sines of two libraries may differ in the last bit, which truncation then shows in single pixels.
    wrong = (got != want).any(axis=2)
    assert wrong.mean() <= 0.01
    np.testing.assert_array_equal(got[~wrong], want[~wrong])


def test_threads_and_batches_change_nothing() -> None:
    rng, image = np.random.default_rng(3), noise(200, 200, 3)
    landmarks = TEMPLATE * rng.uniform(20, 150, (17, 1, 1)) + rng.uniform(0, 100, (17, 1, 2))
    one = faces.face_chips(image, landmarks, TEMPLATE, SIZE, PADDING, n_threads=1)
    np.testing.assert_array_equal(faces.face_chips(image, landmarks, TEMPLATE, SIZE, PADDING, n_threads=4), one)
    for i in (0, 9, 16):
        np.testing.assert_array_equal(faces.face_chips(image, landmarks[i : i + 1], TEMPLATE, SIZE, PADDING)[0], one[i])
    assert faces.face_chips(image, landmarks[:0], TEMPLATE, SIZE, PADDING).shape == (0, SIZE, SIZE, 3)


def test_a_chip_outside_the_image_is_black() -> None:
    image = np.full((50, 50, 3), 255, np.uint8)
    for shift in (-1000, 1000, 1e6):
        assert not faces.face_chips(image, (TEMPLATE * 30 + shift)[None], TEMPLATE, SIZE, PADDING).any()


def test_landmarks_on_one_point_do_no_harm() -> None:
    landmarks = np.full((1, 5, 2), 10.0)
    assert faces.face_chips(noise(30, 30, 3), landmarks, TEMPLATE, SIZE, PADDING).shape == (1, SIZE, SIZE, 3)


def test_a_template_that_makes_the_square_infinite_ends() -> None:
    tiny = TEMPLATE * 1e-320
    chips = _core.face_chips(noise(30, 30, 3), (TEMPLATE * 1e6)[None], tiny, SIZE, 0.0, n_threads=1)
    assert not chips.any()


def test_refusals() -> None:
    image, landmarks = noise(30, 30, 3), (TEMPLATE * 20)[None]
    for bad in (np.nan, np.inf, 1e8):
        wrong = np.concatenate([landmarks, landmarks])
        wrong[1, 2, 0] = bad
        with pytest.raises(ValueError, match="face 1"):
            faces.face_chips(image, wrong, TEMPLATE, SIZE, PADDING)
        with pytest.raises(ValueError, match="1e7"):
            _core.face_chips(image, wrong, TEMPLATE, SIZE, PADDING, n_threads=1)
    with pytest.raises(ValueError, match=r"shape \(n, 5, 2\)"):
        faces.face_chips(image, landmarks[:, :4], TEMPLATE, SIZE, PADDING)
    with pytest.raises(ValueError, match="landmarks must"):
        _core.face_chips(image, landmarks[:, :4].copy(), TEMPLATE, SIZE, PADDING, n_threads=1)
    with pytest.raises(ValueError, match="size"):
        _core.face_chips(image, landmarks, TEMPLATE, 1, PADDING, n_threads=1)
    with pytest.raises(ValueError, match="channels"):
        _core.face_chips(noise(9, 9, 2), landmarks, TEMPLATE, SIZE, PADDING, n_threads=1)
    with pytest.raises(ValueError, match="empty"):
        _core.face_chips(noise(0, 9, 3), landmarks, TEMPLATE, SIZE, PADDING, n_threads=1)
    with pytest.raises(ValueError, match=r"\(k, 2\)"):
        _core.chip_place(landmarks[0], TEMPLATE[:4], SIZE, PADDING)
