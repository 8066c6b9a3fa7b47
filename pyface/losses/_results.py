"""What a loss returns: its value and its gradients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from pyface._typing import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ClassLoss:
    """A loss with a weight vector per class.

    value : mean over the rows, float, at least 0.
    d_features : (n, d), gradient with respect to X. d_weights : (k, d), with respect to W.
    d_bias : (k,), with respect to b; None for losses without one. All of the type of X.
    """

    value: float
    d_features: FloatArray = field(repr=False)
    d_weights: FloatArray = field(repr=False)
    d_bias: NDArray[Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class PairLoss:
    """A loss of pairs or triplets of rows.

    value : mean over the terms, float, at least 0; 0.0 if there is no term.
    d_features : (n, d), gradient with respect to X, of its type.
    n_terms : pairs or triplets that the mean is over. n_active : pairs or triplets whose own loss is above 0; if there
    is none, all are easy, and the gradient is zero.
    """

    value: float
    d_features: FloatArray = field(repr=False)
    n_terms: int
    n_active: int
