"""Capping: the limits hold, nobody who can be shown is left out, and the true counts survive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyface.report import ReportFace, ReportPerson, cap_people


def of_sizes(*sizes: int) -> list[ReportPerson]:
    return [
        ReportPerson(k, tuple(ReportFace(1000 * k + i, "a.jpg", 1.0) for i in range(n)), n) for k, n in enumerate(sizes)
    ]


def shown(people: tuple[ReportPerson, ...]) -> list[int]:
    return [len(person.faces) for person in people]


def test_default_caps() -> None:
    capped = cap_people(of_sizes(412, 60, 3, 1))
    assert shown(capped) == [60, 60, 3, 1]
    assert [p.n_faces for p in capped] == [412, 60, 3, 1]
    assert capped[0].faces == of_sizes(412)[0].faces[:60]


def test_few_faces_are_left_alone() -> None:
    people = of_sizes(5, 2, 1)
    assert cap_people(people) == tuple(people)
    assert cap_people([]) == ()


@pytest.mark.parametrize(
    ("sizes", "per_person", "total", "expected"),
    [
        ((50, 50, 50), 60, 30, [10, 10, 10]),
        ((50, 50, 50), 60, 32, [12, 10, 10]),
        ((50, 4, 1, 1), 60, 20, [14, 4, 1, 1]),
        ((50, 40, 1, 1), 60, 4, [1, 1, 1, 1]),
        ((50, 40, 1, 1), 60, 3, [1, 1, 1]),
        ((9, 9), 1, 100, [1, 1]),
        ((9, 9), 5, 0, []),
        ((9, 9), 0, 5, []),
    ],
)
def test_sharing(sizes: tuple[int, ...], per_person: int, total: int, expected: list[int]) -> None:
    assert shown(cap_people(of_sizes(*sizes), per_person, total)) == expected


def test_largest_people_first_then_lower_numbers() -> None:
    capped = cap_people(of_sizes(1, 3, 1, 3), total=3)
    assert [(p.number, len(p.faces)) for p in capped] == [(1, 1), (3, 1), (0, 1)]


def test_unsure_faces_get_up_to_half_of_the_places() -> None:
    faces = tuple(ReportFace(i, "a.jpg", 1.0, unsure="barely belongs here" if i >= 10 else None) for i in range(20))
    (capped,) = cap_people([ReportPerson(0, faces, 20)], per_person=6)
    assert [f.face_id for f in capped.faces] == [0, 1, 2, 10, 11, 12]
    (single,) = cap_people([ReportPerson(0, faces[::-1], 20)], per_person=1)
    assert [f.face_id for f in single.faces] == [19]


@given(st.lists(st.integers(1, 30), max_size=12), st.integers(1, 20), st.integers(1, 60))
def test_limits_hold_and_room_is_used(sizes: list[int], per_person: int, total: int) -> None:
    capped = cap_people(of_sizes(*sizes), per_person, total)
    counts = shown(capped)
    assert len(capped) == min(len(sizes), total)
    assert all(1 <= n <= per_person for n in counts)
    assert sum(counts) == min(sum(min(n, per_person) for n in sizes), total)
    assert counts == sorted(counts, reverse=True)
    assert [p.n_faces for p in capped] == sorted(sizes, reverse=True)[: len(capped)]


def test_negative_limits() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        cap_people([], per_person=-1)
    with pytest.raises(ValueError, match="at least 0"):
        cap_people([], total=-1)
