"""Verification over listed pairs: which faces they mean, what is left out, and rates as they are of those pairs."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from album.scored_faces import vectors, write_folder

from pyface.album.pair_lists import identities, read_pairs
from pyface.album.pair_scores import PairScores, score_pairs
from pyface.album.predictions import Prediction, read_prediction
from pyface.errors import PyfaceError
from pyface.metrics.verification import equal_error_rate, kfold_accuracy, roc, tar_at_far

# Ten people A .. J of four photos each.
PEOPLE = [person for person in range(10) for _ in range(4)]
NAMES = [f"{chr(ord('A') + person)}_{1 + i % 4:04d}" for i, person in enumerate(PEOPLE)]
PHOTOS = [f"{name[0]}/{name}.jpg" for name in NAMES]
X = vectors(5, PEOPLE, spread=1.0)


@pytest.fixture
def pred(tmp_path: Path) -> Prediction:
    return opened(write_folder(tmp_path / "out", PHOTOS, PEOPLE, X))


def opened(folder: Path) -> Prediction:
    return read_prediction(str(folder), for_what="--pairs", clusters=False)


def lfw(folder: Path, n_folds: int = 5) -> Path:
    """Two people a fold: every second pair of photos of one, and as many of two."""
    lines = [f"{n_folds}\t6"]
    for fold in range(n_folds):
        a, b = "ABCDEFGHIJ"[2 * fold : 2 * fold + 2]
        lines += [f"{name}\t{i}\t{i + 1}" for name in (a, b) for i in (1, 2, 3)]
        lines += [f"{a}\t{i}\t{b}\t{j}" for i in (1, 2, 3) for j in (2, 4)]
    path = folder / "pairs.txt"
    path.write_text("\n".join([*lines, ""]))
    return path


def table(folder: Path, *lines: str, header: str = "photo_a,photo_b,same") -> Path:
    path = folder / "pairs.csv"
    path.write_text("\n".join([header, *lines, ""]))
    return path


def as_table(path: Path) -> list[str]:
    pairs = read_pairs(str(path))
    return [
        f"{a[0]}/{a}.jpg,{b[0]}/{b}.jpg,{int(s)}" for a, b, s in zip(pairs.first, pairs.second, pairs.same, strict=True)
    ]


def test_lfw_is_scored_as_its_pairs_are(tmp_path: Path, pred: Prediction) -> None:
    pairs = read_pairs(str(lfw(tmp_path)))
    found = score_pairs(pred, pairs, n_bootstrap=40)
    rows = np.array([[NAMES.index(a), NAMES.index(b)] for a, b in zip(pairs.first, pairs.second, strict=True)])
    right = kfold_accuracy(X, pairs=rows, same=pairs.same, folds=np.arange(60) // 12)
    assert (found.accuracy, found.standard_error) == (right.accuracy, right.standard_error)
    assert found.accuracy_std == right.accuracies.std(ddof=1) > 0
    assert found.threshold == right.thresholds.mean()
    assert (found.n_folds, found.has_folds, found.n_left_out) == (5, True, 0)
    assert (found.rates.n_same, found.rates.n_different) == (30, 30)
    curve = roc(X, pairs=rows, same=pairs.same)
    np.testing.assert_array_equal(found.rates.curve.tar, curve.tar)
    tar = tar_at_far(X, PEOPLE, [1e-2, 1e-3], pairs=rows, n_bootstrap=40)
    assert [tuple(rate) for rate in found.rates.tar] == list(zip(*tar, strict=True))
    assert found.rates.equal_error == equal_error_rate(X, PEOPLE, pairs=rows, n_bootstrap=40)
    plain = score_pairs(pred, pairs).rates
    assert plain.tar == tuple(tar.value) and plain.equal_error == found.rates.equal_error.value
    assert found.unknown == found.without_face == found.several == found.doubled == ()


def same_scores(one: PairScores, other: PairScores) -> None:
    np.testing.assert_array_equal(one.rates.curve.far, other.rates.curve.far)
    np.testing.assert_array_equal(one.rates.curve.tar, other.rates.curve.tar)
    assert one.rates.tar == other.rates.tar and one.rates.equal_error == other.rates.equal_error


def test_a_table_says_the_same_by_paths_names_and_numbers(tmp_path: Path, pred: Prediction) -> None:
    protocol = lfw(tmp_path)
    want = score_pairs(pred, read_pairs(str(protocol)), n_bootstrap=20)
    lines = as_table(protocol)
    # One photo by three names is one photo, and people are whoever pairs of one person connect.
    stems = [
        re.sub(r"\w/(\w+)\.jpg,\w/(\w+\.jpg),", r"\1,\2,", line) if i % 2 else line for i, line in enumerate(lines)
    ]
    for rows in (lines, stems):
        found = score_pairs(pred, read_pairs(str(table(tmp_path, *rows))), n_bootstrap=20)
        assert (found.n_folds, found.has_folds, found.unknown) == (10, False, ())
        same_scores(found, want)
    words = {"1": "yes", "0": " FALSE"}
    by_number = [
        f"{PHOTOS.index(a)},{words[s]},f{i // 12},{PHOTOS.index(b)}"
        for i, (a, b, s) in enumerate(line.split(",") for line in lines)
    ]
    file = table(tmp_path, *by_number, header="face_id_1,same,fold,face_id_2")
    found = score_pairs(pred, read_pairs(str(file)), n_bootstrap=20)
    assert (found.accuracy, found.n_folds, found.has_folds) == (want.accuracy, 5, True)
    same_scores(found, want)


def test_what_is_not_there_is_listed_and_left_out(tmp_path: Path) -> None:
    gone = {"A_0002", "B_0004", "C_0001"}
    kept = [i for i, name in enumerate(NAMES) if name not in gone]
    out = write_folder(tmp_path / "out", [PHOTOS[i] for i in kept], [0] * len(kept), X[kept], empty=["B/B_0004.jpg"])
    pairs = read_pairs(str(lfw(tmp_path)))
    found = score_pairs(opened(out), pairs)
    assert found.unknown == ("A_0002", "C_0001")
    assert found.without_face == ("B/B_0004.jpg",)
    rest = [(a, b, s) for a, b, s in zip(pairs.first, pairs.second, pairs.same, strict=True) if not {a, b} & gone]
    assert found.n_left_out == 60 - len(rest) > 0
    assert found.rates.n_same == sum(s for _, _, s in rest)
    rows = np.array([[NAMES.index(a), NAMES.index(b)] for a, b, _ in rest])
    assert found.rates.equal_error == equal_error_rate(X, pairs=rows, same=np.array([s for _, _, s in rest]))


def test_of_several_faces_the_central_one(tmp_path: Path, pred: Prediction) -> None:
    want = score_pairs(pred, read_pairs(str(lfw(tmp_path))))
    # Others in the photo are further from the centre, and of nobody.
    more = np.concatenate([X, vectors(9, range(3))])
    out = write_folder(tmp_path / "more", [*PHOTOS, PHOTOS[0], PHOTOS[0], "Z/Z_0001.jpg"], [0] * 43, more)
    found = score_pairs(opened(out), read_pairs(str(lfw(tmp_path))))
    assert found.several == ("A/A_0001.jpg",)
    same_scores(found, want)
    path = tmp_path / "elsewhere" / "pred.npz"
    path.parent.mkdir()
    np.savez(path, embeddings=more, photo=[*PHOTOS, PHOTOS[0], PHOTOS[0], "Z/Z_0001.jpg"])
    with pytest.raises(
        PyfaceError, match=r"which face is nearest to the centre needs the sizes .* from .*summary\.json"
    ):
        score_pairs(opened(path), read_pairs(str(lfw(tmp_path))))


def test_pairs_listed_twice(tmp_path: Path, pred: Prediction) -> None:
    lines = as_table(lfw(tmp_path))
    first, second, same = lines[0].split(",")
    found = score_pairs(pred, read_pairs(str(table(tmp_path, *lines, f"{second},{first},{same}"))))
    assert found.doubled == ("A/A_0001.jpg with A/A_0002.jpg",)
    assert found.rates.n_same == 31


def test_without_folds_few_pairs_are_dealt_evenly(tmp_path: Path, pred: Prediction) -> None:
    lines = as_table(lfw(tmp_path))
    by_kind = [[line for line in lines if line.endswith(end)] for end in ("1", "0")]
    for n_same, n_different, n_folds in ((1, 1, 2), (1, 5, 2), (3, 30, 3), (12, 11, 10)):
        file = table(tmp_path, *by_kind[0][:n_same], *by_kind[1][:n_different])
        assert score_pairs(pred, read_pairs(str(file))).n_folds == n_folds
    one_fold = tmp_path / "pairs.txt"
    one_fold.write_text("2\nA 1 2\nB 1 2\nA 1 B 1\nA 2 B 1\n")
    assert score_pairs(pred, read_pairs(str(one_fold))).has_folds is False


def test_whoever_is_connected_is_one_person(tmp_path: Path) -> None:
    pairs = read_pairs(str(table(tmp_path, "a,b,1", "d,c,1", "b,c,1", "e,f,0", "a,e,0")))
    people = identities(pairs)
    assert people["a"] == people["b"] == people["c"] == people["d"]
    assert len({people["a"], people["e"], people["f"]}) == 3


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a,b,1", "b,c,1", "a,c,0"], "line 4: a and c are two people here, and one by other lines"),
        (["a,b,0", "b,a,1"], "line 2: a and b are two people here, and one by other lines"),
        (["a,b,2"], "line 2: same must be 1 or 0, true or false, yes or no, got '2'"),
        (["a,b"], "line 2: same must be"),
        (["a,,1"], "line 2 does not name two photos"),
    ],
)
def test_lists_that_are_wrong(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(PyfaceError, match=rf"pairs\.csv: {message}"):
        identities(read_pairs(str(table(tmp_path, *lines))))


@pytest.mark.parametrize("header", ["a,b,same", "photo,same", "photo_a,photo_b", "photo1,photo2,photo3,same", ""])
def test_tables_without_the_columns(tmp_path: Path, header: str) -> None:
    with pytest.raises(PyfaceError, match=r"neither LFW's pairs\.txt nor a CSV with two columns"):
        read_pairs(str(table(tmp_path, "1,0,1,1", header=header)))


@pytest.mark.parametrize(
    ("header", "lines", "message"),
    [
        ("photo1,photo2,same,fold", ["a,b,1,x", "a,c,0,"], "line 3 has no fold, and others have; give all, or none"),
        ("photo1,photo2,same", ["a,b,1", "a,c,0,1"], "line 3 has more fields than the header; .* needs quotes"),
        ("photo1,photo2,same,same", ["a,b,1,0"], "the header names the column 'same' more than once"),
    ],
)
def test_tables_that_would_mislead(tmp_path: Path, header: str, lines: list[str], message: str) -> None:
    with pytest.raises(PyfaceError, match=message):
        read_pairs(str(table(tmp_path, *lines, header=header)))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_pairs(str(tmp_path / "nowhere.txt"))
    with pytest.raises(PyfaceError, match="cannot be read"):
        read_pairs(str(tmp_path))
    path = tmp_path / "pairs.txt"
    path.write_bytes(b"1\nA\xff 1 2\nA 1 B 1\n")
    with pytest.raises(PyfaceError, match="not a text in UTF-8"):
        read_pairs(str(path))
    path.write_text("1\nA 1 2\nA 1 A 3\n")
    with pytest.raises(PyfaceError, match=r"line 3: A_0001 and A_0003 are two people here, and one by their names"):
        identities(read_pairs(str(path)))


def test_pairs_that_say_nothing(tmp_path: Path, pred: Prediction) -> None:
    def said(error: type[Exception], message: str, *lines: str, n_bootstrap: int | None = None) -> None:
        with pytest.raises(error, match=message):
            score_pairs(pred, read_pairs(str(table(tmp_path, *lines))), n_bootstrap=n_bootstrap)

    said(
        PyfaceError,
        "of 2 pairs there is none of one person .*; 2 names are unknown \\(x, y\\), ",
        "x,y,1",
        "A_0001,B_0001,0",
    )
    said(PyfaceError, "of 1 pairs there is none of two people", "A_0001,A_0002,1")
    said(PyfaceError, r"line 2 compares A/A_0001\.jpg with itself", "A_0001,A_0001.jpg,1", "A_0001,B_0001,0")
    good = as_table(lfw(tmp_path))
    said(ValueError, "n_bootstrap must be at least 2, got 1", *good, n_bootstrap=1)


def test_names_that_mean_two_photos(tmp_path: Path) -> None:
    photos = ["x/1.jpg", "y/1.jpg", "2.jpg", "z/2.jpg"]
    prediction = opened(write_folder(tmp_path / "out", photos, [0] * 4, X[:4]))
    file = table(tmp_path, "x/1.jpg,y/1.jpg,1", "2.jpg,z/2.jpg,0")
    assert score_pairs(prediction, read_pairs(str(file))).rates.n_same == 1
    for name in ("1", "1.jpg"):
        with pytest.raises(PyfaceError, match=rf"{name} may be x/1\.jpg and y/1\.jpg; name photos by their path"):
            score_pairs(prediction, read_pairs(str(table(tmp_path, f"{name},2.jpg,1"))))


def test_vectors_that_have_no_direction(tmp_path: Path) -> None:
    prediction = opened(write_folder(tmp_path / "out", PHOTOS, PEOPLE, np.zeros_like(X)))
    with pytest.raises(PyfaceError, match="out: X: row 0 is all zeros"):
        score_pairs(prediction, read_pairs(str(lfw(tmp_path))))


def test_the_distance_is_that_of_the_folder(tmp_path: Path) -> None:
    pairs = read_pairs(str(lfw(tmp_path)))
    out = write_folder(tmp_path / "out", PHOTOS, PEOPLE, X, metric="euclidean")
    found = score_pairs(opened(out), pairs)
    assert found.metric == "euclidean"
    rows = np.array([[NAMES.index(a), NAMES.index(b)] for a, b in zip(pairs.first, pairs.second, strict=True)])
    assert found.rates.equal_error == equal_error_rate(X, metric="euclidean", pairs=rows, same=pairs.same)
    both = itertools.pairwise(sorted({found.rates.equal_error, score_pairs(opened(out), pairs).rates.equal_error}))
    assert not list(both)  # the same each time
