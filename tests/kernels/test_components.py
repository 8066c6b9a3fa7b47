"""Components of things that pairs connect, both ways of finding them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from pyface.kernels.components import connected, first_connected, first_of_group


@given(n=st.integers(1, 200), share=st.floats(0, 1.5), seed=st.integers(0, 10_000))
def test_the_first_of_each_component(n: int, share: float, seed: int) -> None:
    pairs = np.random.default_rng(seed).integers(0, n, (int(share * n), 2)).astype(np.int32)
    component = connected(n, [pairs])
    first = first_connected(n, pairs)
    assert first.dtype == np.int64
    assert_array_equal(first, np.unique(component, return_index=True)[1][component])


def test_long_chains_in_any_order() -> None:
    order = np.random.default_rng(0).permutation(5000)
    chain = np.column_stack([order[:-1], order[1:]])
    assert (first_connected(5000, chain) == 0).all()
    assert_array_equal(first_connected(3, np.empty((0, 2), np.int64)), [0, 1, 2])


@given(st.lists(st.integers(-2, 4), max_size=8))
def test_the_first_of_each_group(labels: list[int]) -> None:
    expected = [i if label < 0 else labels.index(label) for i, label in enumerate(labels)]
    assert first_of_group(np.array(labels, np.int64)).tolist() == expected
