"""Several images in one call."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from made_up_models import ByColour, FivePoints, OneFace

import pyface
from pyface import errors


def test_one_image_is_not_taken_for_many() -> None:
    analyzer = pyface.FaceAnalyzer(detector=OneFace(), landmarks=FivePoints(), embedder=ByColour())
    image = np.zeros((60, 80, 3), np.uint8)
    for one in (image, image[:, :, 0]):
        with pytest.raises(TypeError, match=r"images must hold several images, got one array of shape \(60, 80.*list"):
            analyzer.analyze_many(one)
        with pytest.raises(TypeError, match="several images"):
            OneFace().detect_many(one)
    with pytest.raises(errors.BatchError, match="image 1 of the batch: image must") as caught:
        OneFace().detect_many([image, "photo.jpg", image])
    assert [result is None for result in caught.value.results] == [False, True, False]
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and len(again.results) == 3 and list(again.refused) == [1]
    for wrong, error in (("photo.jpg", TypeError), (image[:0], ValueError)):
        with pytest.raises(error, match=r"^images\[1\] "):
            analyzer.analyze_many([image, wrong, image])
        with pytest.raises(error, match=r"^image "):
            analyzer.analyze(wrong)
    assert len(analyzer.analyze_many(np.stack([image, image]))) == 2
    assert len(OneFace().detect_many([image, image[:30]])) == 2


def test_the_least_max_side_is_told_at_once() -> None:
    for value in (0, 1, 99):
        with pytest.raises(ValueError, match=f"max_side must be at least 100, got {value}$"):
            pyface.FaceAnalyzer(detector=OneFace(), landmarks=False, embedder=False, max_side=value)
    assert pyface.FaceAnalyzer(detector=OneFace(), landmarks=False, embedder=False, max_side=100).max_side == 100
