"""Only what an answer touches is grouped anew: the people are those of grouping everybody anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from album.records import face_record, vectors, write_record
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from pyface.album.album import Album
from pyface.album.people import group_faces
from pyface.errors import ContradictionError
from pyface.report.folder import recluster_photos


def is_as_anew(album: Album) -> None:
    basis = album._basis
    assert basis is not None
    labels, set_aside = group_faces(
        album.embeddings, basis.grouping, metric="cosine", photos=basis.photos, quality=album.quality,
        rules=basis.links(), n_threads=1,
    )  # fmt: skip
    assert_array_equal(album.set_aside, set_aside)
    want, got = (
        {frozenset(np.flatnonzero(numbers == k).tolist()) for k in np.unique(numbers)}
        for numbers in (labels, album.labels)
    )
    assert got == want


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(4, 36),
    spread=st.sampled_from([0.1, 0.5, 0.7, 0.9]),
    options=st.sampled_from(
        [{}, {"threshold": 0.1}, {"threshold": 0.5}, {"min_quality": 0}, {"same_photo_different_people": False},
         {"same_photo_different_people": True, "threshold": 0.4}]
    ),
)  # fmt: skip
def test_after_answers_all_is_as_grouped_anew(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n: int, spread: float, options: dict[str, object]
) -> None:
    """Faces good, doubtful and poor, as the lengths of their vectors say, up to several in a photo."""
    rng = np.random.default_rng(seed)
    x = vectors(rng.integers(0, max(1, n // 3), n).tolist(), spread=spread, seed=seed)
    x *= rng.choice([4, 9, 10, 12, 20], (n, 1)) / np.linalg.norm(x, axis=1, keepdims=True)
    faces: dict[str, list] = {}
    for row in x.astype(np.float32):
        photo = faces.setdefault(f"{rng.integers(0, max(1, n // 2)):03}.jpg", [])
        photo.append(face_record(row, len(photo)))
    out: Path = write_record(tmp_path_factory.mktemp("answers") / "out", faces)
    album = recluster_photos(out, **options)
    is_as_anew(album)
    for _ in range(6):
        some = rng.choice(n, min(n, int(rng.integers(2, 4))), replace=False).tolist()
        others = [int(face) for face in rng.choice(n, 2) if face not in some[:1]]
        overrule = bool(rng.random() < 0.3)
        kind = rng.choice(["same", "different", "different", "nobody", "undo", "show"])
        try:
            if kind == "same":
                album = album.same(some, overrule=overrule)
            elif kind == "different" and others:
                album = album.different(some[:1], others, overrule=overrule)
            elif kind == "nobody":
                album = album.nobody(some[:1])
            elif kind == "undo" and album._basis is not None and album._basis.journal.facts():
                album = album.undo()
            else:
                album = album.show(some)
        except ContradictionError:
            continue
        is_as_anew(album)
    is_as_anew(recluster_photos(out, **options))
    is_as_anew(recluster_photos(out, threshold=float(rng.choice([0.05, 0.2, 0.3]))))
