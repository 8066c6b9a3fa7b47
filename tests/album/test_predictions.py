"""PRED of ``pyface evaluate``: folders, a faces.csv, arrays; and what each of them lacks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from album.scored_faces import write_folder

from pyface.album.predictions import read_prediction
from pyface.album.truth import compare, compare_labels, read_truth
from pyface.errors import PyfaceError

X = np.eye(4, dtype=np.float32)
PHOTOS = ["a/1.jpg", "a/2.jpg", "b/1.jpg", "b/1.jpg"]


def save(folder: Path, **arrays: Any) -> str:
    path = folder / "pred.npz"
    np.savez(path, **arrays)
    return str(path)


def test_arrays_and_a_folder_say_the_same(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "out", PHOTOS, [0, 0, 1, -1], X, metric="euclidean")
    path = save(tmp_path, embeddings=X, labels=np.array([0, 0, 1, -1]), photo=np.array(PHOTOS), metric="euclidean")
    of_folder, of_arrays = (read_prediction(str(p), for_what="--plot") for p in (folder, path))
    for one, other in zip(of_folder.faces, of_arrays.faces, strict=True):
        assert (one.face_id, one.photo, one.cluster) == (other.face_id, other.photo, other.cluster)
    assert of_folder.vectors is not None and of_arrays.vectors is not None
    np.testing.assert_array_equal(of_folder.vectors.embeddings, of_arrays.vectors.embeddings)
    assert of_folder.vectors.metric == of_arrays.vectors.metric == "euclidean"
    assert (of_folder.vectors.threshold, of_arrays.vectors.threshold) == (0.5, None)
    both = [compare_labels(str(p), None, "folder", one_per_photo=False) for p in (folder, path)]
    assert both[0].labels_pred.tolist() == both[1].labels_pred.tolist() == [0, 0, 1, -1]
    assert both[0].labels_true == both[1].labels_true == ["a", "a", "b", "b"]


def test_numbers_of_faces_and_names_of_clusters(tmp_path: Path) -> None:
    path = save(tmp_path, labels=np.array(["x", "", "y", "x"]), face_id=np.array([7, 3, 9, 1]))
    truth = tmp_path / "truth.csv"
    truth.write_text("face_id,person\n1,a\n3,b\n7,a\n8,c\n")
    found = compare_labels(path, str(truth), None, one_per_photo=False)
    assert (found.labels_true, found.labels_pred.tolist(), found.rows.tolist()) == (
        ["a", "b", "a"],
        [0, -1, 0],
        [0, 1, 3],
    )
    assert (found.missing, found.unknown, found.cluster_names) == (("9",), ("8",), ("x",))
    with pytest.raises(PyfaceError, match="does not say which photo a face is in"):
        compare_labels(path, None, "folder", one_per_photo=False)


def test_the_central_face_by_the_summary_beside_the_arrays(tmp_path: Path) -> None:
    write_folder(tmp_path, PHOTOS, [0, 0, 1, 2], X)
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 9], [0, 0, 9, 9], [45, 45, 55, 55]], float)
    path = save(tmp_path, labels=np.array([0, 0, 1, 2]), photo=np.array(PHOTOS), boxes=boxes)
    found = compare(read_prediction(path), read_truth(None, "folder"), one_per_photo=True)
    assert found.rows.tolist() == [0, 1, 3]
    path = save(tmp_path, labels=np.array([0, 0, 1, 2]), photo=np.array(PHOTOS))
    with pytest.raises(PyfaceError, match="needs the array 'boxes'"):
        compare(read_prediction(path), read_truth(None, "folder"), one_per_photo=True)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"embeddings": X}, "needs the array 'labels', the cluster of each face; it has embeddings"),
        ({"labels": np.zeros(4, int)}, "--plot needs the array 'embeddings', the vectors of the faces; it has labels"),
        ({"labels": np.zeros(4), "embeddings": X}, "'labels' must be integers or names of shape (4,), got float64"),
        ({"labels": np.zeros((4, 1), int), "embeddings": X}, "'labels' must be integers or names of shape (4,), got"),
        ({"labels": np.array(3), "embeddings": X}, "'labels' must be integers or names of shape (0,), got int64"),
        ({"labels": np.zeros(3, int), "embeddings": X}, "'embeddings' must be floats of shape (3, 4), got float32 of"),
        ({"labels": np.zeros(4, int), "embeddings": X[0]}, "'embeddings' must be floats of shape (4, 1), got"),
        ({"labels": np.zeros(4, int), "embeddings": X.astype(int)}, "'embeddings' must be floats"),
        ({"labels": np.zeros(4, int), "embeddings": X, "photo": np.arange(4)}, "'photo' must be names of shape (4,)"),
        ({"labels": np.zeros(4, int), "face_id": np.array([1, 2, 2, 3])}, "'face_id' has 2 more than once"),
        ({"labels": np.zeros(4, int), "face_id": np.ones(4)}, "'face_id' must be integers of shape (4,), got float64"),
        ({"labels": np.zeros(4, int), "boxes": X[:, :3]}, "'boxes' must be numbers of shape (4, 4), got float32"),
        ({"labels": np.zeros(4, int), "embeddings": X, "metric": "l1"}, "metric must be one of cosine, euclidean"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(PyfaceError, match=re.escape(message)):
        read_prediction(save(tmp_path, **arrays), for_what="--plot")


def test_files_that_are_no_arrays(tmp_path: Path) -> None:
    path = tmp_path / "pred.npz"
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_prediction(str(path))
    with path.open("wb") as file:
        np.save(file, X)
    for content in (path.read_bytes(), b"", b"PK\x03\x04 and no more", b"face_id,person\n"):
        path.write_bytes(content)
        with pytest.raises(PyfaceError, match=r"pred\.npz: not a file that numpy\.savez wrote"):
            read_prediction(str(path))
    np.savez(path, labels=np.array([{}, {}], object))  # a pickle, which is not opened
    with pytest.raises(PyfaceError, match=r"numpy\.savez wrote \(Object arrays cannot be loaded"):
        read_prediction(str(path))


def test_a_faces_csv_has_no_vectors(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "out", PHOTOS, [0, 0, 1, 2], X)
    with pytest.raises(PyfaceError, match=r"--plot needs the vectors .*, and a faces\.csv has none; name the folder"):
        read_prediction(str(folder / "faces.csv"), for_what="--plot")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_prediction(str(tmp_path / "nowhere.csv"), for_what="--plot")


def test_folders_that_are_damaged(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "out", PHOTOS, [0, 0, 1, 2])

    def said(error: type[Exception], message: str) -> None:
        with pytest.raises(error, match=message):
            read_prediction(str(folder), for_what="--plot")

    said(FileNotFoundError, r"embeddings\.npy: no such file; 'pyface recluster' writes it anew")
    np.save(folder / "embeddings.npy", X[:3])
    said(PyfaceError, r"array of shape \(3, 4\), but faces\.csv has 4 faces")
    (folder / "embeddings.npy").write_text("nothing")
    said(PyfaceError, r"embeddings\.npy: not an array of NumPy")
    np.save(folder / "embeddings.npy", X)
    write_folder(folder, PHOTOS, [0, 0, 1, 2], metric="l1")
    said(PyfaceError, r"summary\.json: metric must be one of .*, got 'l1'")
    # What else the summary says of the clusters is taken as far as it is known.
    (folder / "summary.json").write_text("[]")
    vectors = read_prediction(str(folder), for_what="--plot", metric="sqeuclidean").vectors
    assert vectors is not None and (vectors.metric, vectors.linkage, vectors.threshold) == (
        "sqeuclidean",
        "average",
        None,
    )
    with pytest.raises(ValueError, match="metric must be one of"):
        read_prediction(str(folder), for_what="--plot", metric="l1")
