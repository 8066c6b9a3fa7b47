"""Suppression against its twin, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import detect as oracle

import pyface
from pyface import _core
from pyface.kernels import faces
from pyface.kernels.boxes import nms_of_smaller

# Small whole numbers give many equal scores, touching boxes, boxes without area and overlaps of exactly 1/2 and 1/3.
corner = st.integers(0, 12)
box = st.tuples(corner, corner, st.integers(0, 8), st.integers(0, 8)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
scored = st.lists(st.tuples(box, st.integers(0, 5)), max_size=40)


@given(scored, st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 0.9, 1.0]))
def test_nms_equals_the_twin(faces_, threshold) -> None:
    boxes, scores = [b for b, _ in faces_], [s for _, s in faces_]
    assert pyface.nms(boxes, scores, threshold).tolist() == oracle.nms(boxes, scores, threshold)


@given(scored, st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 0.7, 1.0]))
def test_nms_of_the_smaller_equals_the_twin(faces_, threshold) -> None:
    boxes, scores = [b for b, _ in faces_], [s for _, s in faces_]
    assert nms_of_smaller(boxes, scores, threshold).tolist() == oracle.nms_of_smaller(boxes, scores, threshold)


def test_the_smaller_by_hand() -> None:
    nested = [(0, 0, 10, 10), (4, 4, 6, 6), (9, 0, 12, 2)]  # all of the second, a third of the third
    assert nms_of_smaller(nested, [0.5, 0.9, 0.4], 0.7).tolist() == [1, 2]
    assert nms_of_smaller(nested, [0.9, 0.5, 0.4], 0.7).tolist() == [0, 2]
    assert nms_of_smaller(nested, [0.9, 0.5, 0.4], 0.3).tolist() == [0]
    assert nms_of_smaller([(1, 1, 1, 1)] * 2, [1, 1], 0.0).tolist() == [0, 1]
    with pytest.raises(ValueError, match="overlap_threshold"):
        nms_of_smaller(nested, [1, 1, 1], 1.5)
    with pytest.raises(ValueError, match="row 0 has x2 < x1"):
        nms_of_smaller([(3, 0, 1, 1)], [1], 0.5)


@given(scored, st.sampled_from([0.0, 0.2, 1 / 3, 0.3382761351109955, 0.5, 1.0]))
def test_mmod_nms_equals_the_twin(faces_, threshold) -> None:
    boxes, scores = [b for b, _ in faces_], [s for _, s in faces_]
    got = faces.mmod_nms(np.array(boxes, np.int64).reshape(-1, 4), scores, threshold)
    assert got.tolist() == oracle.mmod_nms(boxes, scores, threshold)


def test_rules_by_hand() -> None:
    two = [(0, 0, 2, 2), (0, 1, 2, 3)]  # IoU 2 / 6
    assert pyface.nms(two, [0.5, 0.9], 1 / 3).tolist() == [1, 0]  # not greater
    assert pyface.nms(two, [0.5, 0.9], 0.33).tolist() == [1]
    assert pyface.nms(two, [0.5, 0.5], 0.33).tolist() == [0]
    assert pyface.nms([(1, 1, 1, 1)] * 2, [1, 1], 0.0).tolist() == [0, 1]
    kept = pyface.nms(np.empty((0, 4)), [], 0.5)
    assert kept.shape == (0,) and kept.dtype == np.int64
    assert pyface.nms(two, [-np.inf, np.inf], 1.0).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("boxes", "scores", "threshold", "error", "words"),
    [
        ([(0, 0, 1)], [1], 0.5, ValueError, r"boxes must have shape \(n, 4\)"),
        ("boxes", [1], 0.5, TypeError, "boxes"),
        ([(0, 0, 1, np.nan)], [1], 0.5, ValueError, "row 0"),
        ([(3, 0, 1, 1)], [1], 0.5, ValueError, "x2 < x1"),
        ([(0, 0, 1, 1)], [1, 2], 0.5, ValueError, r"scores must have shape \(1,\)"),
        ([(0, 0, 1, 1)], ["a"], 0.5, TypeError, "scores"),
        ([("0", "0", "1", "1")], [1], 0.5, TypeError, "boxes must be numbers"),
        ([(0, 0, 1, 1), (0, 0)], [1], 0.5, TypeError, "boxes must be numbers"),
        (np.ma.masked_array([(0, 0, 1, 1)]), [1], 0.5, TypeError, "boxes must not be masked"),
        ([(0, 0, 1, 1)], ["1"], 0.5, TypeError, "scores must be numbers"),
        ([(0, 0, 1, 1)], [1j], 0.5, TypeError, "scores must be numbers"),
        ([(0, 0, 1, 1)], [1], "0.5", TypeError, "iou_threshold must be a number"),
        ([(0, 0, 1, 1)], [1], -0.5, ValueError, "iou_threshold must be at least 0"),
        ([(0, 0, 1, 1)], [np.nan], 0.5, ValueError, "entry 0 is NaN"),
        ([(0, 0, 1, 1)], [1], 1.5, ValueError, "iou_threshold"),
        ([(0, 0, 1, 1)], [1], np.nan, ValueError, "iou_threshold"),
        ([(0, 0, 1, 1)], [1], None, TypeError, "iou_threshold"),
    ],
)
def test_refusals(boxes, scores, threshold, error, words) -> None:
    with pytest.raises(error, match=words):
        pyface.nms(boxes, scores, threshold)


def test_second_gate() -> None:
    boxes, scores = np.zeros((2, 4)), np.zeros(2)
    with pytest.raises(TypeError):
        _core.nms(boxes.astype(np.float32), scores, 0.5)
    with pytest.raises(TypeError):
        _core.nms(np.zeros((4, 4))[::2], scores, 0.5)
    for b, s in [(boxes[:, :3].copy(), scores), (boxes, np.zeros(3)), (boxes, np.full(2, np.nan)), (scores, scores)]:
        with pytest.raises(ValueError, match=r"boxes|scores"):
            _core.nms(b, s, 0.5)
