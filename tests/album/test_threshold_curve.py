"""Scores at every threshold: those of clustering anew at each of them, and the album's own at its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from album.scored_faces import vectors, write_folder

from pyface import metrics
from pyface.album.people import check_grouping, group_faces
from pyface.album.predictions import read_prediction
from pyface.album.threshold_curve import ThresholdCurve, threshold_curve
from pyface.album.truth import Comparison, compare, read_truth
from pyface.errors import PyfaceError

PEOPLE = [0, 0, 0, 1, 1, 2, 3, 3, 3, 4, 1, 2, 0, 4]
# Photo 2 has three faces, and each person a folder.
PHOTOS = [f"{person}/{min(i, 2) if i < 5 else i}.jpg" for i, person in enumerate(PEOPLE)]


def curve_of(folder: Path, **options: bool) -> tuple[ThresholdCurve, Comparison]:
    prediction = read_prediction(str(folder), for_what="--plot")
    found = compare(prediction, read_truth(None, "folder"), one_per_photo=options.get("one_per_photo", False))
    return threshold_curve(prediction, found, n_threads=1), found


def labels_at(threshold: float, algorithm: str, metric: str, apart: bool, x: np.ndarray) -> np.ndarray:
    grouping = check_grouping(algorithm, threshold, None, apart)
    photos = np.unique(PHOTOS, return_inverse=True)[1].astype(np.int64)
    return group_faces(x, grouping, metric=metric, photos=photos, n_threads=1)[0]


@pytest.mark.parametrize("one_per_photo", [False, True])
@pytest.mark.parametrize(
    ("algorithm", "metric", "apart"),
    [
        ("average", "cosine", False),
        ("average", "sqeuclidean", False),
        ("average", "cosine", True),
        ("complete", "euclidean", True),
        ("single", "cosine", False),
        ("dbscan", "cosine", False),
    ],
)
def test_every_threshold_is_that_of_clustering_anew(
    tmp_path: Path, algorithm: str, metric: str, apart: bool, one_per_photo: bool
) -> None:
    x = vectors(3, PEOPLE)
    own = 0.3 if metric == "cosine" else 2.0
    clusters = labels_at(own, algorithm, metric, apart, x)
    settings = {"algorithm": algorithm, "metric": metric, "threshold": own, "same_photo_different_people": apart}
    empty = ["0/none.jpg", "7/none.jpg"] if one_per_photo else []
    folder = write_folder(tmp_path / "out", PHOTOS, clusters, x, empty, **settings)
    curve, found = curve_of(folder, one_per_photo=one_per_photo)
    assert len(found.without_face) == len(empty)
    at_own = metrics.bcubed_precision_recall_f(found.labels_true, found.labels_pred)
    assert curve.at_threshold == pytest.approx(at_own, abs=1e-12)
    assert (curve.threshold, curve.metric) == (own, metric)
    assert len(curve.heights) > 5 and (np.diff(curve.heights) > 0).all()
    middles = (curve.heights[:-1] + curve.heights[1:]) / 2
    for threshold in (*middles, *curve.heights[1:], curve.heights[-1] + 1):
        labels = np.append(labels_at(threshold, algorithm, metric, apart, x), [-1])
        pred = np.where(found.rows < 0, 1000 + np.arange(len(found.rows)), labels[found.rows])
        # A threshold at a height is strict: it does not merge there.
        place = np.searchsorted(curve.heights, threshold, side="left") - 1
        want = metrics.bcubed_precision_recall_f(found.labels_true, pred)
        got = curve.precision[place], curve.recall[place], curve.f[place]
        assert got == pytest.approx(want, abs=1e-12)
    assert curve.best_f == curve.f.max()
    assert curve.f[np.searchsorted(curve.heights, curve.best, side="left") - 1] == curve.best_f


def test_means_have_no_threshold(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "out", PHOTOS, PEOPLE, vectors(1, PEOPLE), algorithm="kmeans", threshold=None, n_clusters=5
    )
    curve, _ = curve_of(folder)
    assert (curve.linkage, curve.threshold, curve.at_threshold) == ("average", None, None)


def test_one_face_and_one_person(tmp_path: Path) -> None:
    for n in (1, 3):
        folder = write_folder(tmp_path / f"out{n}", [f"a/{i}.jpg" for i in range(n)], [0] * n, vectors(0, [0] * n))
        curve, _ = curve_of(folder)
        assert curve.best_f == 1.0
        assert curve.best > curve.heights[-1]  # strict, so what merges there lies above


@pytest.mark.parametrize(
    ("rows", "message"),
    [(np.full((14, 4), np.nan, np.float32), "row 0 holds nan"), (np.zeros((14, 4), np.float32), "row 0 is all zeros")],
)
def test_vectors_that_cannot_be_clustered(tmp_path: Path, rows: np.ndarray, message: str) -> None:
    folder = write_folder(tmp_path / "out", PHOTOS, PEOPLE, rows)
    with pytest.raises(PyfaceError, match=message):
        curve_of(folder)
