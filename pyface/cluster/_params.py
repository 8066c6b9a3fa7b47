"""Constructor parameters, checked in ``fit`` as scikit-learn does. Numbers are checked by ``pyface._check``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from scipy import sparse

METRICS = ("cosine", "euclidean", "sqeuclidean", "precomputed")


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
    if isinstance(metric, str) and metric in (*METRICS, "l2"):
        return "euclidean" if metric == "l2" else metric
    raise ValueError(
        f"metric must be one of {', '.join(map(repr, METRICS))}, got {metric!r}; {_peer(estimator)} takes others, and "
        "metric='precomputed' takes their distances"
    )


def _peer(estimator: Any) -> str:
    """scikit-learn's class of the same name, also for classes derived from ours."""
    ours = next(kind for kind in type(estimator).__mro__ if kind.__module__.startswith("pyface."))
    return f"sklearn.cluster.{ours.__name__}"


def one_of(value: Any, name: str, allowed: Iterable[str]) -> str:
    words = tuple(allowed)
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, words))}, got {value!r}")
    return value


def unsupported(estimator: Any, name: str, reason: str) -> None:
    if getattr(estimator, name) is not None:
        raise ValueError(f"{name} is not supported: {reason}; leave it None, or use {_peer(estimator)}")


def dense(X: Any, instead: str) -> None:
    """TypeError for sparse rows."""
    if sparse.issparse(X):
        raise TypeError(f"X is a sparse matrix, and rows must be dense: {instead}")


def no_text(X: Any) -> None:
    """ValueError for rows of text, as scikit-learn has it; NumPy would read numbers from it."""
    if isinstance(X, list | tuple):
        with suppress(ValueError):  # rows of unequal lengths, of which scikit-learn tells
            X = np.asarray(X)
    dtype = getattr(X, "dtype", None)
    if getattr(dtype, "kind", "") in ("U", "S", "V"):
        raise ValueError(f"X must hold numbers, got an array of {dtype}; X.astype(float) reads numbers from text")
