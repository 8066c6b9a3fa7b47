"""Constructor parameters, checked in ``fit`` as scikit-learn does. Numbers are checked by ``pyface._check``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from scipy import sparse

METRICS = ("cosine", "euclidean", "l2", "sqeuclidean", "precomputed")


class WrongParameterError(TypeError, ValueError):
    """A parameter of a wrong type, which is both, as in scikit-learn."""


@contextmanager
def checked() -> Iterator[None]:
    """Around the checks of an estimator's parameters."""
    try:
        yield
    except TypeError as error:
        raise WrongParameterError(str(error)) from None


def metric_of(estimator: Any) -> str:
    """The metric under its one name here. ValueError, with the way out, for all that are not offered."""
    metric = estimator.metric
    if isinstance(metric, str) and metric in METRICS:
        return "euclidean" if metric == "l2" else metric
    name = type(estimator).__name__
    raise ValueError(
        f"metric must be one of {', '.join(map(repr, METRICS))}, got {metric!r}; sklearn.cluster.{name} takes others, "
        "and so does metric='precomputed' with their distances"
    )


def one_of(value: Any, name: str, allowed: Iterable[str]) -> str:
    words = tuple(allowed)
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, words))}, got {value!r}")
    return value


def unsupported(estimator: Any, name: str, reason: str) -> None:
    if getattr(estimator, name) is not None:
        peer = f"sklearn.cluster.{type(estimator).__name__}"
        raise ValueError(f"{name} is not supported: {reason}; leave it None, or use {peer}")


def dense(X: Any, instead: str) -> None:
    """TypeError for sparse rows."""
    if sparse.issparse(X):
        raise TypeError(f"X is a sparse matrix, and rows must be dense: {instead}")
