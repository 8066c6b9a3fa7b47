"""The evaluator of detectors, on examples worked out by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"

if not BENCH.exists():
    pytest.skip("the benchmarks are not part of a wheel", allow_module_level=True)


@pytest.fixture(scope="module")
def wider_ap() -> Iterator[Any]:
    before = list(sys.path)
    sys.path.insert(0, str(BENCH))
    yield import_module("wider_ap")
    sys.path[:] = before
    for name in ("wider_ap", "common"):
        sys.modules.pop(name, None)


FACES = [[0, 0, 19, 19], [100, 0, 19, 19], [200, 0, 19, 19]]


def photo(found: list[tuple[int, float]], level: list[int]) -> Any:
    """Detections (x of a box of a face's size, score), and the faces that count."""
    boxes = np.array([[x, 0, x + 19, 19] for x, _ in found], float).reshape(-1, 4)
    return (boxes, np.array([score for _, score in found])), {"boxes_xywh": FACES, "easy": level}


def test_boxes_that_overlap(wider_ap: Any) -> None:
    """Of boxes of 20 x 20 pixels, edges counted, 10 to the right: 10 x 20 of 600."""
    one, other = np.array([[0, 0, 19, 19.0]]), np.array([[10, 0, 29, 19.0], [20, 0, 39, 19], [0, 0, 19, 19]])
    np.testing.assert_allclose(wider_ap.overlaps(one, other), [[1 / 3, 0, 1]])


@pytest.mark.parametrize(
    ("photos", "wanted"),
    [
        ([photo([(0, 0.9), (100, 0.5)], [0, 1])], 1.0),
        ([photo([(0, 0.9), (50, 0.5), (100, 0.1)], [0, 1])], 0.5 + 0.5 * 2 / 3),  # one in between is no face
        ([photo([(50, 0.9), (0, 0.5), (100, 0.1)], [0, 1])], 2 / 3),  # the best one is no face
        ([photo([(0, 0.9), (1, 0.5), (100, 0.1)], [0, 1])], 0.5 + 0.5 * 2 / 3),  # the second one of a face
        ([photo([(0, 0.9), (200, 0.5), (100, 0.1)], [0, 1])], 1.0),  # one of a face of another level
        ([photo([(0, 0.9)], [0, 1])], 0.5),
        ([photo([(0, 0.9)], [0, 1]), photo([], [0, 1])], 0.25),
        ([photo([(0, 0.9), (6, 0.1)], [0])], 1.0),  # 14 x 20 of 520 pixels: the same face once more
        ([photo([(7, 0.9), (0, 0.1)], [0])], 0.5),  # 13 x 20 of 540: less than a half
        ([photo([(0, 0.9)], [0]), photo([(50, 0.1)], [0])], 0.5),  # scores are those of all photos
        ([photo([], [0])], 0.0),
    ],
)
def test_average_precision(wider_ap: Any, photos: Any, wanted: float) -> None:
    assert wider_ap.average_precision(photos, "easy") == pytest.approx(wanted)
