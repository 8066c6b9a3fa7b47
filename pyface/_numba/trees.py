"""Trees of rows that have been joined, as arrays of parents."""

from __future__ import annotations

from typing import Any

from pyface._numba.compiling import jit


@jit
def find_root(parents: Any, node: Any) -> Any:
    """The root of the tree, halving the path to it."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node
