"""Templates as IJB-B and IJB-C have them: a person is enrolled with several photos and frames of videos."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import FloatArray
from pyface.metrics._protocols import LabelledPairs


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """Which photos make up which templates, a row for each photo.

    names : of the photos, as the file has them. templates, media : (r,) int64, the template and the medium (a photo, or
    the video that frames are of) of each.
    """

    names: tuple[str, ...]
    templates: NDArray[np.int64]
    media: NDArray[np.int64]

    @property
    def labels(self) -> tuple[str, ...]:
        """The number of each template as text, in increasing order: what the rows of :meth:`pool` are called."""
        return tuple(str(number) for number in np.unique(self.templates))

    def pool(self, X: FloatArray) -> NDArray[np.float32]:
        """(t, d) float32 unit vectors of the templates, in increasing order of their numbers.

        X : (r, d), a vector for each row of this. Vectors are brought to unit length, those of one medium are averaged,
        so that a long video does not outweigh a photo, then the media of a template, and the sum is brought to unit
        length, as is usual for IJB-B (Whitelam et al. 2017) and IJB-C.

        ValueError for another number of rows, for rows of zeros, and for a template whose vectors cancel out.
        """
        x = _check.embeddings(X, "X", nonzero=True)
        if len(x) != len(self.names):
            raise ValueError(f"X must have one row for each photo of the templates, {len(self.names)}, got {len(x)}")
        if len(x) == 0:
            return np.empty((0, x.shape[1]), np.float32)
        # Large and small rows alike: squares of float64 may overflow.
        unit = x / np.abs(x).max(axis=1, keepdims=True).astype(np.float64)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        order = np.lexsort((self.media, self.templates))
        template, medium = self.templates[order], self.media[order]
        starts = np.flatnonzero(np.r_[True, (np.diff(template) != 0) | (np.diff(medium) != 0)])
        means = np.add.reduceat(unit[order], starts) / np.diff(np.r_[starts, len(x)])[:, None]
        first = np.flatnonzero(np.r_[True, np.diff(template[starts]) != 0])
        pooled = np.add.reduceat(means, first)
        norms = np.linalg.norm(pooled, axis=1)
        opposite = np.flatnonzero(norms < 1e-9)
        if opposite.size:
            raise ValueError(f"X: the vectors of template {template[starts][first][opposite[0]]} cancel each other out")
        return np.asarray(pooled / norms[:, None], np.float32)


def read_ijb_templates(path: str | PathLike[str]) -> Templates:
    """The photos of templates: lines ``name template medium``, as ``ijbc_face_tid_mid.txt`` has them.

    Columns are apart by blanks or tabs, template and medium are whole numbers. ValueError, with the number of the line,
    for anything else.
    """
    names, templates, media = [], [], []
    for name, template, medium in _lines(path, "a name, a template and a medium, as in '1.jpg 7 93'", 1):
        names.append(name)
        templates.append(int(template))
        media.append(int(medium))
    return Templates(tuple(names), np.array(templates, np.int64), np.array(media, np.int64))


def read_ijb_pairs(path: str | PathLike[str]) -> LabelledPairs:
    """The comparisons of templates: lines ``template template same``, as ``ijbc_template_pair_label.txt`` has them.

    ``same`` is 1 for one person and 0 for two. Names of the pairs are the numbers of templates as text, so that
    ``pairs.rows(templates.labels)`` are rows of ``templates.pool(X)``. All are in one fold. Errors as in
    :func:`read_ijb_templates`.
    """
    first, second, same = [], [], []
    words = "two templates, and 1 for one person or 0 for two, as in '7 12 0'"
    for number, (a, b, label) in enumerate(_lines(path, words, 0), 1):
        if int(label) > 1:
            raise ValueError(f"{Path(path).name}, line {number}: expected {words}, got {f'{a} {b} {label}'!r}")
        first.append(str(int(a)))
        second.append(str(int(b)))
        same.append(label == "1")
    return LabelledPairs(tuple(first), tuple(second), np.array(same, bool), np.zeros(len(same), np.int64))


def _is_number(word: str) -> bool:
    """A whole number that fits into int64."""
    return word.isdecimal() and len(word) < 19


def _lines(path: Any, words: str, n_names: int) -> list[list[str]]:
    """Lines of three words each, all but the first ``n_names`` of them whole numbers."""
    file = Path(_check.path_text(path, "path"))
    try:
        lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise ValueError(f"{file.name}: not a text in UTF-8 ({error.reason})") from error
    while lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        if len(line) != 3 or not all(map(_is_number, line[n_names:])):
            raise ValueError(f"{file.name}, line {number}: expected {words}, got {' '.join(line)!r}")
    return lines
