"""How well the vectors of an album tell the pairs of a list apart: what ``pyface evaluate --pairs`` prints."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import FloatArray
from pyface.album.pair_lists import PairList, identities
from pyface.album.predictions import PredictedFace, Prediction
from pyface.album.truth import Comparison, central_faces
from pyface.errors import PyfaceError, listed
from pyface.metrics.verification import Interval, Roc, equal_error_rate, kfold_accuracy, roc, tar_at_far

RATES = (1e-2, 1e-3)  # false accept rates
_N_FOLDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """How often pairs are told apart.

    n_same, n_different : pairs of one person, and of two. tar : TAR at each FAR of :data:`RATES`, and equal_error :
    floats, or an :class:`~pyface.metrics.Interval` each. curve : the ROC of all these pairs.
    """

    n_same: int
    n_different: int
    tar: tuple[Any, ...]
    equal_error: Any
    curve: Roc


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """What the pairs of a list show.

    rates : of the pairs that were scored. accuracy, accuracy_std, standard_error : mean over the folds of the share
    told right at the threshold that is best on the others, the folds' deviation (n - 1 degrees of freedom), and that
    over the root of their number. threshold : mean of those thresholds, distances by ``metric``; nan if there is none.
    has_folds : they are the list's own.
    n_left_out : pairs that were not scored, because of what follows. unknown : names that the prediction lacks.
    without_face : photos in which no face was found. several : photos with several faces, of which the one nearest to
    the centre was taken. doubled : pairs listed more than once, and counted so, "a with b".
    """

    rates: Rates
    n_folds: int
    has_folds: bool
    accuracy: float
    accuracy_std: float
    standard_error: float
    threshold: float
    metric: str
    n_left_out: int
    unknown: tuple[str, ...]
    without_face: tuple[str, ...]
    several: tuple[str, ...]
    doubled: tuple[str, ...]


def score_pairs(
    prediction: Prediction, pairs: PairList, *, n_bootstrap: int | None = None, n_threads: int | None = None
) -> PairScores:
    """Verification over listed pairs, by the distances of a prediction's vectors.

    prediction : with its vectors. A photo is named by its path, or by its name without folder, with or without ending,
    if only one is called so. Of a photo with several faces the one nearest to its centre is taken.
    n_bootstrap : None, or how many times people are drawn for intervals; at least 2. People are those of LFW's names;
    in a CSV, whoever pairs of one person connect.

    PyfaceError for a list without pairs of both kinds whose faces are known, for pairs that contradict each other, and
    for names that mean several photos.
    """
    vectors = prediction.vectors
    assert vectors is not None
    if n_bootstrap is not None:
        _check.integer(n_bootstrap, "n_bootstrap", minimum=2)
    if pairs.by == "photo" and pairs.person is None:
        pairs = _by_path(prediction, pairs)
    people = identities(pairs)
    found = _find_faces(prediction, pairs)
    sides = (np.array([found.row.get(name, -1) for name in side], np.int64) for side in (pairs.first, pairs.second))
    rows = np.column_stack([*sides])
    is_there = (rows >= 0).all(axis=1)
    rows, same = rows[is_there], pairs.same[is_there]
    for p in np.flatnonzero(rows[:, 0] == rows[:, 1]):
        line = pairs.lines[np.flatnonzero(is_there)[p]]
        raise PyfaceError(f"{pairs.path}: line {line} compares {prediction.faces[rows[p, 0]].photo} with itself")
    for kind, words in ((same, "one person"), (~same, "two people")):
        if not kind.any():
            raise PyfaceError(
                f"{pairs.path}: of {len(pairs.same):,} pairs there is none of {words} with two faces in "
                f"{prediction.path}; {found.in_words()}"
            )
    folds = None if pairs.folds is None else pairs.folds[is_there]
    has_folds = folds is not None and len(np.unique(folds)) > 1
    if not has_folds:
        folds = _dealt(same)
    how: dict[str, Any] = {"metric": vectors.metric, "pairs": rows, "n_threads": n_threads}
    labels = np.full(len(prediction.faces), -1, np.int64)
    for name, row in found.row.items():
        labels[row] = people[name]
    try:
        right = kfold_accuracy(vectors.embeddings, same=same, folds=folds, **how)
        rates = _rates(vectors.embeddings, labels, n_bootstrap, **how)
    except (TypeError, ValueError) as error:
        raise PyfaceError(f"{prediction.path}: {error}") from error
    with np.errstate(invalid="ignore"):  # a fold may accept nothing (-inf) and another everything
        threshold = float(right.thresholds.mean())
    pairs_named = Counter(tuple(sorted(pair)) for pair in zip(pairs.first, pairs.second, strict=True))
    return PairScores(
        rates=rates,
        n_folds=len(right.accuracies),
        has_folds=has_folds,
        accuracy=right.accuracy,
        accuracy_std=float(right.accuracies.std(ddof=1)),
        standard_error=right.standard_error,
        threshold=threshold,
        metric=vectors.metric,
        n_left_out=int(np.count_nonzero(~is_there)),
        unknown=found.unknown,
        without_face=found.without_face,
        several=found.several,
        doubled=tuple(" with ".join(pair) for pair, times in pairs_named.items() if times > 1),
    )


def all_pair_rates(prediction: Prediction, comparison: Comparison, *, n_threads: int | None = None) -> Rates:
    """The rates over all pairs of the faces that are scored, by the distances of the prediction's vectors.

    PyfaceError if no two of them are one person, or all are.
    """
    vectors = prediction.vectors
    assert vectors is not None
    is_face = comparison.rows >= 0
    people = [person for person, known in zip(comparison.labels_true, is_face, strict=True) if known]
    x = vectors.embeddings[comparison.rows[is_face]]
    try:
        return _rates(x, people, None, metric=vectors.metric, n_threads=n_threads)
    except (TypeError, ValueError) as error:
        raise PyfaceError(f"a ROC curve needs pairs of one person and of two ({error})") from error


def _rates(x: FloatArray, labels: Any, n_bootstrap: int | None, **how: Any) -> Rates:
    draws: dict[str, Any] = {} if n_bootstrap is None else {"n_bootstrap": n_bootstrap}
    curve = roc(x, labels, **how)
    tar = tar_at_far(x, labels, RATES, **how, **draws)
    if "pairs" in how:
        is_same = labels[how["pairs"][:, 0]] == labels[how["pairs"][:, 1]]
        n_pairs, n_same = len(is_same), int(np.count_nonzero(is_same))
    else:
        sizes = np.unique(labels, return_counts=True)[1]
        n_pairs, n_same = len(x) * (len(x) - 1) // 2, int((sizes * (sizes - 1) // 2).sum())
    return Rates(
        n_same=n_same,
        n_different=n_pairs - n_same,
        tar=tuple(tar.tolist()) if n_bootstrap is None else tuple(Interval(*ends) for ends in zip(*tar, strict=True)),
        equal_error=equal_error_rate(x, labels, **how, **draws),
        curve=curve,
    )


def _dealt(same: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Folds for pairs that have none: those of each kind cut in ten parts that are as equal as can be."""
    n_folds = max(2, min(_N_FOLDS, int(np.count_nonzero(same)), int(np.count_nonzero(~same))))
    folds = np.empty(len(same), np.int64)
    for kind, numbers in ((same, range(n_folds)), (~same, reversed(range(n_folds)))):  # one of each: two folds
        for fold, part in zip(numbers, np.array_split(np.flatnonzero(kind), n_folds), strict=True):
            folds[part] = fold
    return folds


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """row : name -> face, for those that have one. The others as in :class:`PairScores`."""

    row: dict[str, int]
    unknown: tuple[str, ...]
    without_face: tuple[str, ...]
    several: tuple[str, ...]

    def in_words(self) -> str:
        unknown = f" ({listed(self.unknown)})" if self.unknown else ""
        return f"{len(self.unknown):,} names are unknown{unknown}, {len(self.without_face):,} photos have no face"


def _by_path(prediction: Prediction, pairs: PairList) -> PairList:
    """The pairs with photos by their path, since one may be called by two names; those not known as they are."""
    photo_of = _photos_by_name(_faces_of_photos(prediction), (*pairs.first, *pairs.second), pairs.path)
    first, second = (tuple(photo_of.get(name, name) for name in side) for side in (pairs.first, pairs.second))
    return replace(pairs, first=first, second=second)


def _faces_of_photos(prediction: Prediction) -> dict[str, list[int]]:
    """The faces of each photo; of none, as far as it is known that it was read."""
    in_photo: dict[str, list[int]] = {}
    with contextlib.suppress(PyfaceError):  # without a summary: photos without a face are not known then
        in_photo = {photo: [] for photo in prediction.photo_sizes()}
    for row, face in enumerate(prediction.faces):
        in_photo.setdefault(face.photo, []).append(row)
    return in_photo


def _find_faces(prediction: Prediction, pairs: PairList) -> _Found:
    names = dict.fromkeys((*pairs.first, *pairs.second))
    faces = prediction.faces
    if pairs.by == "face_id":
        by_id = {str(face.face_id): row for row, face in enumerate(faces)}
        return _Found(
            {name: by_id[name] for name in names if name in by_id},
            tuple(name for name in names if name not in by_id),
            (),
            (),
        )
    in_photo = _faces_of_photos(prediction)
    photo_of = _photos_by_name(in_photo, names, pairs.path)
    asked = {photo for photo in photo_of.values() if len(in_photo[photo]) > 1}
    central: dict[str, int] = {}
    if asked:
        several = [row for photo in sorted(asked) for row in in_photo[photo]]
        central = _central_of(prediction, faces, several)
    return _Found(
        {name: central.get(photo, in_photo[photo][0]) for name, photo in photo_of.items() if in_photo[photo]},
        tuple(name for name in names if name not in photo_of),
        tuple(dict.fromkeys(photo for photo in photo_of.values() if not in_photo[photo])),
        tuple(dict.fromkeys(photo for photo in photo_of.values() if photo in asked)),
    )


def _central_of(prediction: Prediction, faces: tuple[PredictedFace, ...], rows: list[int]) -> dict[str, int]:
    chosen = central_faces(tuple(faces[row] for row in rows), prediction.photo_sizes())
    return {photo: rows[place] for photo, place in chosen.items()}


def _photos_by_name(photos: Iterable[str], names: Iterable[str], path: str) -> dict[str, str]:
    """The photo that each name means, of the names that mean one."""
    known = set(photos)
    by_alias: dict[str, set[str]] = {}
    for photo in known:
        file = PurePosixPath(photo)
        for alias in {file.name, file.stem}:
            by_alias.setdefault(alias, set()).add(photo)
    meant: dict[str, str] = {}
    for name in names:
        candidates = {name} if name in known else by_alias.get(name, set())
        if len(candidates) > 1:
            two = " and ".join(sorted(candidates)[:2])
            raise PyfaceError(f"{path}: {name} may be {two}; name photos by their path, as faces.csv does")
        if candidates:
            (meant[name],) = candidates
    return meant
