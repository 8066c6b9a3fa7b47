"""Accuracy over folds, and the protocol files that list pairs and folds."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import verification as oracle
from sklearn.model_selection import KFold

from pyface.kernels.distance import condensed_float64
from pyface.metrics._folds import best_threshold
from pyface.metrics.verification import kfold_accuracy, read_lfw_pairs

X = np.eye(4, dtype=np.float32)
HALVES = (
    "2\t2\n"
    + "A\t1\t2\nB\t1\t3\nA\t1\tB\t1\nA\t2\tB\t3\n"
    + "C\t1\t2\nD D\t1\t2\nC\t1\tE\t1\nC\t2\tE\t1\n".replace("D D", "D-D")
)


def crowd(seed: int, n: int = 30) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    return random.integers(1, 5, (n, 3)).astype(np.float32), random.integers(0, 8, n)


def accuracies(parts: list[tuple[NDArray, NDArray]]) -> tuple[list[float], list[float]]:
    """Of each fold, and the threshold of the others."""
    found, thresholds = [], []
    for f, (distances, same) in enumerate(parts):
        others = [part for g, part in enumerate(parts) if g != f]
        thresholds.append(oracle.best_threshold(*(np.concatenate(side).tolist() for side in zip(*others, strict=True))))
        found.append(float(np.mean((distances <= thresholds[-1]) == same)))
    return found, thresholds


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=12))
def test_the_best_threshold(pairs: list[tuple[int, bool]]) -> None:
    distances, same = (list(side) for side in zip(*pairs, strict=True))
    assert best_threshold(np.array(distances, float), np.array(same)) == oracle.best_threshold(distances, same)


@pytest.mark.parametrize("seed", range(5))
def test_folds_of_listed_pairs(seed: int) -> None:
    x, labels = crowd(seed)
    random = np.random.default_rng(seed)
    first, second = (side[random.permutation(len(side))[:103]] for side in np.triu_indices(len(x), 1))
    kept = first != second
    pairs = np.column_stack([first, second])[kept]
    same = labels[pairs[:, 0]] == labels[pairs[:, 1]]
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    distances = condensed_float64(x, "cosine", 1)[low * (2 * len(x) - low - 1) // 2 + high - low - 1]
    parts = [(distances[part], same[part]) for _, part in KFold(10).split(pairs)]
    want, thresholds = accuracies(parts)
    result = kfold_accuracy(x, pairs=pairs, same=same)
    assert result.accuracies.tolist() == want
    assert result.thresholds.tolist() == thresholds
    assert result.accuracy == pytest.approx(np.mean(want), abs=1e-15)
    assert result.standard_error == pytest.approx(np.std(want, ddof=1) / math.sqrt(10), abs=1e-15)
    named = random.choice(["a", "b", "c"], len(pairs))
    parts = [(distances[named == f], same[named == f]) for f in "abc"]
    assert kfold_accuracy(x, labels, pairs=pairs, folds=named).accuracies.tolist() == accuracies(parts)[0]


@pytest.mark.parametrize("seed", range(5))
def test_folds_of_people(seed: int) -> None:
    x, labels = crowd(seed, 40)
    of_row = np.searchsorted(np.unique(labels), labels) % 3
    parts = []
    for f in range(3):
        rows = np.flatnonzero(of_row == f)
        first, second = np.triu_indices(len(rows), 1)
        parts.append((condensed_float64(x[rows], "euclidean", 1), labels[rows][first] == labels[rows][second]))
    want, thresholds = accuracies(parts)
    for folds in (3, of_row, np.array(["x", "y", "z"])[of_row]):
        result = kfold_accuracy(x, labels, metric="euclidean", folds=folds)
        assert result.accuracies.tolist() == want
        assert result.thresholds.tolist() == thresholds


def write(folder: Path, text: str) -> Path:
    path = folder / "pairs.txt"
    path.write_text(text)
    return path


def test_a_protocol_file(tmp_path: Path) -> None:
    pairs = read_lfw_pairs(write(tmp_path, HALVES))
    assert len(pairs) == 8
    assert list(zip(pairs.first, pairs.second, strict=True))[:3] == [
        ("A_0001", "A_0002"), ("B_0001", "B_0003"), ("A_0001", "B_0001"),
    ]  # fmt: skip
    assert pairs.same.tolist() == [True, True, False, False] * 2
    assert pairs.folds.tolist() == [0] * 4 + [1] * 4
    names = [
        "E/E_0001.jpg",
        "A/A_0001.jpg",
        "A_0002",
        "C\\C_0001.png",
        "C_0002",
        "x/y/B_0001",
        "B_0003",
        "D-D_0001",
        "D-D_0002",
    ]
    rows = pairs.rows(names)
    assert rows.dtype == np.int64
    assert rows.tolist() == [[1, 2], [5, 6], [1, 5], [2, 6], [3, 4], [7, 8], [3, 0], [4, 0]]
    some = pairs.among(names[:5])
    assert some.rows(names[:5]).tolist() == [[1, 2], [3, 4], [3, 0], [4, 0]]
    assert some.folds.tolist() == [0, 1, 1, 1]
    assert some.same.tolist() == [True, True, False, False]
    one = read_lfw_pairs(write(tmp_path, "1\nA 1 2\nA 1 B 2\n\n"))
    assert (one.folds.tolist(), one.same.tolist()) == ([0, 0], [True, False])
    random = np.random.default_rng(0)
    result = kfold_accuracy(random.normal(size=(9, 4)), pairs=rows, same=pairs.same, folds=pairs.folds)
    assert len(result.accuracies) == 2


def test_unknown_and_doubled_names(tmp_path: Path) -> None:
    pairs = read_lfw_pairs(write(tmp_path, HALVES))
    with pytest.raises(
        ValueError, match=r"7 photos of the pairs are not among them: B_0001, C_0001, D-D_0001, .*, \.\.\.; "
    ):
        pairs.rows(["A_0001", "A_0002"])
    with pytest.raises(ValueError, match="rows 0 and 2 are both A_0001"):
        pairs.rows(["A_0001", "A_0002", "other/A_0001.jpg"])
    with pytest.raises(TypeError, match="names must be a list of names"):
        pairs.rows("A_0001")
    with pytest.raises(TypeError, match="names: entry 1 must be a string"):
        pairs.among(["A_0001", 2])
    assert len(pairs.among([])) == 0
    assert pairs.among([]).rows([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected the number of folds"),
        ("10 300 2\n", "line 1: expected"),
        ("0\n", "line 1: expected"),
        ("ten\n", "line 1: expected"),
        ("1\nA 1 2\n", "line 2: 1 folds of 1 pairs of each kind make 2 lines after the first, found 1"),
        ("1\nA 1 2\nA 1 2\n", "line 3: expected a pair of two people, as in 'name 1 other 2', got 'A 1 2'"),
        ("1\nA 1 B 2\nA 1 B 2\n", "line 2: expected a pair of one person"),
        ("1\nA 1 two\nA 1 B 2\n", "line 2: 'two' is not the number of a photo"),
        ("1\n\nA 1 B 2\n", "line 2: expected a pair of one person"),
    ],
)
def test_files_that_are_no_protocol(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"pairs.txt, {message}"):
        read_lfw_pairs(write(tmp_path, text))


PAIRS = [[0, 1], [1, 2], [2, 3]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: kfold_accuracy(X, pairs=PAIRS, same=[1, 0, 1]), ValueError, "fold 3 has no pairs; ask for fewer"),
        (lambda: kfold_accuracy(X, pairs=PAIRS, same=[1, 0, 1], folds=1), ValueError, "folds must be at least 2"),
        (lambda: kfold_accuracy(X, pairs=PAIRS, same=[1, 0, 1], folds=[0, 1]), ValueError, "each pair, 3, got shape"),
        (
            lambda: kfold_accuracy(X, pairs=PAIRS, same=[1, 0, 1], folds=[0, 0, 0]),
            ValueError,
            "at least two are needed",
        ),
        (lambda: kfold_accuracy(X, pairs=PAIRS, same=[1, 0, 1], folds=[0, 0.5, 1]), TypeError, "integers or names"),
        (lambda: kfold_accuracy(X, pairs=PAIRS, same=[1, 0, 1], folds=True), TypeError, "folds must be an integer"),
        (lambda: kfold_accuracy(X, [0, 0, 1, 1], folds=[0, 1]), ValueError, "each row, 4, got shape"),
        (lambda: kfold_accuracy(X, [0, 0, 1, 1], folds=3), ValueError, "fold 2 has no pairs"),
        (lambda: kfold_accuracy(X, [0, 0, 1, 1], metric="l1"), ValueError, "metric must be one of"),
        (lambda: kfold_accuracy(X[:0], []), ValueError, "labels: there are no pairs of one identity"),
        (
            lambda: kfold_accuracy(X, pairs=PAIRS, same=[1, 1, 1], folds=3),
            ValueError,
            "same: there are no pairs of two identities",
        ),
        (
            lambda: kfold_accuracy(X, [0, 1, 2, 3], folds=2),
            ValueError,
            "labels: there are no pairs of one identity",
        ),
        (lambda: kfold_accuracy(X, [0, 0, 0, 0], folds=2), ValueError, "labels: there are no pairs of two identities"),
        (lambda: kfold_accuracy(X, [0, 0, 1, 1], folds=2), ValueError, "labels: no fold has pairs of two identities"),
        (lambda: kfold_accuracy(X, pairs=PAIRS, same=[1, 0, 1], folds=2.5), ValueError, "a whole number .*, got 2.5"),
        (lambda: read_lfw_pairs(3), TypeError, "path must be a string or a path"),
    ],
)
def test_refusals(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
