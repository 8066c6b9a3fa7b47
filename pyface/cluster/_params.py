"""Constructor parameters, checked in ``fit`` as scikit-learn does. Numbers are checked by ``pyface._check``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

METRICS = ("cosine", "euclidean", "sqeuclidean", "precomputed")


def one_of(value: Any, name: str, allowed: Iterable[str]) -> str:
    words = tuple(allowed)
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, words))}, got {value!r}")
    return value


def unsupported(value: Any, name: str, reason: str) -> None:
    if value is not None:
        raise ValueError(f"{name} is not supported: {reason}; leave it None")
