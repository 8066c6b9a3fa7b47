"""What is known of rows: how pairs and groups are kept, cut down to some rows, and given to the kernels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pyface.kernels.components import connected, first_of_group, to_pairs
from pyface.kernels.link_groups import CannotLinks, cannot_links, check_groups, check_pairs, joined_pairs, sets_of


def apart(links: CannotLinks | None) -> set[tuple[int, int]]:
    """Which rows share a number, by looking at all of them."""
    if links is None:
        return set()
    starts, numbers = links.sets()
    assert starts.dtype == numbers.dtype == np.int64
    sets = [numbers[begin:end].tolist() for begin, end in pairwise(starts)]
    assert len(sets) == links.n and all(own == sorted(set(own)) for own in sets)
    return {(i, j) for i in range(links.n) for j in range(i + 1, links.n) if set(sets[i]) & set(sets[j])}


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 15), m=st.integers(0, 20), has_groups=st.booleans())
def test_who_is_kept_apart(seed: int, n: int, m: int, has_groups: bool) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(-1, 4, n) if has_groups else None
    pairs = rng.integers(0, n, (m, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    links = cannot_links(n, check_groups(groups, "groups", n), check_pairs(pairs, "pairs", n))
    wanted = {(min(p), max(p)) for p in pairs.tolist()}
    if groups is not None:
        wanted |= {(i, j) for i in range(n) for j in range(i + 1, n) if groups[i] == groups[j] >= 0}
    assert apart(links) == wanted
    assert (links is None) == (len(pairs) == 0 and (groups is None or not (groups >= 0).any()))
    if links is not None:
        some = np.flatnonzero(rng.random(n) < 0.6)
        place = {int(row): k for k, row in enumerate(some)}
        assert apart(links.of(some)) == {(place[i], place[j]) for i, j in wanted if {i, j} <= place.keys()}


def test_pairs_are_kept_once_and_in_order() -> None:
    pairs = check_pairs(np.array([[5, 2], [0, 9], [2, 5], [2, 3], [0, 9]], np.int16), "pairs", 10)
    assert pairs is not None and pairs.dtype == np.int64 and pairs.tolist() == [[0, 9], [2, 3], [2, 5]]
    assert check_pairs(np.empty((0, 2), int), "pairs", 10) is None and check_pairs(None, "pairs", 10) is None
    more = joined_pairs(pairs, np.array([[2, 3], [1, 4]]))
    assert more is not None and more.tolist() == [[0, 9], [1, 4], [2, 3], [2, 5]]
    assert joined_pairs(None, pairs) is pairs is joined_pairs(pairs, None) and joined_pairs(None, None) is None


def test_groups_of_the_largest_number() -> None:
    groups = np.array([2**63 - 1, -1, 2**63 - 1, 0])
    links = cannot_links(4, groups, np.array([[0, 3], [1, 3]]))
    starts, numbers = sets_of(links) or (None, None)
    assert starts is not None and starts.tolist() == [0, 2, 3, 4, 7]
    assert numbers is not None and numbers.tolist() == [-2, 2**63 - 1, -1, 2**63 - 1, -2, -1, 0]
    assert sets_of(None) is None


def test_components_by_hand() -> None:
    pairs = [np.array([[0, 3], [4, 1]], np.int32), to_pairs(np.array([0, 1, 2, 3, 4, 2], np.int32))]
    assert connected(6, pairs).tolist() == [0, 1, 2, 0, 1, 2]
    assert first_of_group(np.array([7, -1, 3, 7, -1, 3, 3])).tolist() == [0, 1, 2, 0, 4, 2, 2]
