"""Constructor parameters, checked in ``fit`` as scikit-learn does."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

METRICS = ("cosine", "euclidean", "sqeuclidean", "precomputed")


def one_of(value: Any, name: str, allowed: Iterable[str]) -> str:
    words = tuple(allowed)
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, words))}, got {value!r}")
    return value


def real(value: Any, name: str, *, above: float | None = None, minimum: float | None = None) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    number = float(value)
    if above is not None and not number > above:
        raise ValueError(f"{name} must be greater than {above:g}, got {value!r}")
    if minimum is not None and not number >= minimum:
        raise ValueError(f"{name} must be at least {minimum:g}, got {value!r}")
    return number


def integer(value: Any, name: str, *, minimum: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value!r}")
    return int(value)


def unsupported(value: Any, name: str, reason: str) -> None:
    if value is not None:
        raise ValueError(f"{name} is not supported: {reason}; leave it None")
