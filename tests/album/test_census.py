"""Who is in an album, kept from answer to answer, against the same made anew."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from pyface.album.census import Census
from pyface.album.parting import Vectors

ROWS = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
QUALITY = np.linspace(0.1, 0.9, 9)


def slow_groups(labels: list[int]) -> set[tuple[int, ...]]:
    groups: dict[int, list[int]] = {}
    for face, label in enumerate(labels):
        if label >= 0:
            groups.setdefault(label, []).append(face)
    return {tuple(group) for group in groups.values()}


@given(st.lists(st.lists(st.integers(-1, 4), min_size=9, max_size=9), min_size=1, max_size=6))
def test_people_stay_where_they_are_as_long_as_they_are_the_same(steps: list[list[int]]) -> None:
    """A label of -1 stands for a face that is hidden."""
    vectors = Vectors(ROWS, "cosine")
    census = Census(vectors, QUALITY)
    before: dict[int, tuple[int, ...]] = {}
    for labels in steps:
        numbers = np.array(labels, np.int64)
        gone, new = census.update(np.where(numbers < 0, 7, numbers), numbers < 0)
        now = {int(at): tuple(census.faces[at].tolist()) for at in np.flatnonzero(census.taken)}
        expected = slow_groups(labels)
        assert set(now.values()) == expected and len(now) == len(expected)
        assert {before[at] for at in gone.tolist()} == set(before.values()) - expected
        assert {now[at] for at in new.tolist()} == expected - set(before.values())
        assert all(now[at] == faces for at, faces in before.items() if faces in expected)
        for at, faces in now.items():
            assert census.sizes[at] == len(faces)
            assert_allclose(census.quality[at], QUALITY[list(faces)].mean())
            assert_allclose(census.means[at], vectors.rows[list(faces)].mean(axis=0))
            assert_allclose(census.squares[at], vectors.squares[list(faces)].mean())
        place = [next((at for at, faces in now.items() if face in faces), -1) for face in range(9)]
        assert census.place.tolist() == place
        before = now
