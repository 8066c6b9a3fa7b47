"""Poses of many faces, which are fitted on several threads."""

from __future__ import annotations

import numpy as np
import pytest

from pyface.geometry import head_pose, solid_shape
from pyface.geometry.conversions import COUNTS


@pytest.mark.parametrize("scheme", ["insightface-106", "dlib-68"])
def test_no_pose_depends_on_the_number_of_threads(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    n = 1500
    points = solid_shape(scheme)[:, :2] * 50 + rng.normal(0, 2, (n, COUNTS[scheme], 2))
    poses = []
    for n_threads in ("1", "2", "5"):
        monkeypatch.setenv("PYFACE_NUM_THREADS", n_threads)
        poses.append(head_pose(points, scheme))
    for pose in poses[1:]:
        assert np.array_equal(pose.rotation, poses[0].rotation)
        assert np.array_equal(pose.expected_error, poses[0].expected_error)
    some = [0, 255, 256, 1499]
    assert np.array_equal(poses[0].rotation[some], head_pose(points[some], scheme).rotation)
    points[[300, 1400]] = 1.0  # one point: the first of them is named
    with pytest.raises(ValueError, match=r"face 300\b"):
        head_pose(points, scheme)
