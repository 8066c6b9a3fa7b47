"""What a head is made of and how it learns: its layers, batches of rows, steps of SGD and Adam."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import FloatArray, Labels
from pyface.losses import _inputs
from pyface.losses._classes import margin_loss, plain_loss
from pyface.losses._margins import Margin
from pyface.losses._pairs import Rows, loss_of_pairs, loss_of_triplets
from pyface.losses._results import ClassLoss

Parameters = dict[str, NDArray[Any]]
# Of a batch: its loss, the gradients by all parameters of head and loss, and how many terms were not 0.
Step = tuple[float, Parameters, int]
# Of the head's outputs, their people and the loss's own parameters: value, gradients by both, active terms.
Objective = Callable[[FloatArray, Labels, Parameters], tuple[float, FloatArray, Parameters, int]]

_ADAM_BETAS, _ADAM_EPSILON = (0.9, 0.999), 1e-8
ROWS_OF_ONE = 4  # rows of each person in a batch of pairs or triplets, as in Hermans et al. 2017


def outputs(x: FloatArray, parameters: Parameters) -> FloatArray:
    """A x + b, and U relu(V x + c) beside it if there is a hidden layer: (n, m) of the rows (n, d)."""
    z: FloatArray = x @ parameters["A"].T + parameters["b"]
    if "V" in parameters:
        z += np.maximum(x @ parameters["V"].T + parameters["c"], 0) @ parameters["U"].T
    return z


def start(x: FloatArray, n_components: int, n_hidden: int, random_state: np.random.RandomState) -> Parameters:
    """The head that changes nothing: the identity, or the directions in which the rows ``x`` are longest.

    The hidden layer draws by He et al. 2015, and nothing of it gets through yet.
    """
    d = x.shape[1]
    if n_components == d:
        a = np.eye(d)
    else:
        longest = np.linalg.eigh(np.einsum("ni,nj->ij", x, x, dtype=np.float64, optimize=True))[1]
        a = longest[:, : -n_components - 1 : -1].T
        a = a * np.where(a[np.arange(n_components), np.abs(a).argmax(axis=1)] < 0, -1, 1)[:, None]
    parameters: Parameters = {"A": a, "b": np.zeros(n_components)}
    if n_hidden:
        parameters |= {
            "V": random_state.normal(scale=np.sqrt(2 / d), size=(n_hidden, d)),
            "c": np.zeros(n_hidden),
            "U": np.zeros((n_components, n_hidden)),
        }
    return {name: np.ascontiguousarray(value, x.dtype) for name, value in parameters.items()}


def step(x: FloatArray, who: Labels, parameters: Parameters, objective: Objective) -> Step:
    """Loss and gradients of one batch; NaN and none where the outputs are no numbers any more."""
    hidden = np.maximum(x @ parameters["V"].T + parameters["c"], 0) if "V" in parameters else None
    z = x @ parameters["A"].T + parameters["b"]
    if hidden is not None:
        z += hidden @ parameters["U"].T
    if not np.isfinite(z).all():
        return math.nan, {}, 0
    value, d_z, gradients, n_active = objective(z, who, parameters)
    gradients |= {"A": d_z.T @ x, "b": d_z.sum(axis=0)}
    if hidden is not None:
        d_hidden = (d_z @ parameters["U"]) * (hidden > 0)
        gradients |= {"U": d_z.T @ hidden, "V": d_hidden.T @ x, "c": d_hidden.sum(axis=0)}
    return value, gradients, n_active


@dataclass(frozen=True, slots=True)
class OfClasses:
    """A loss with a weight vector per class as an objective. ``margin`` None is plain softmax.

    Losses in which the length of a row is its scale (softmax, SphereFace) get outputs that are ``s`` times as long.
    """

    margin: Margin | None
    s: float
    has_scale: bool

    def start(self, z: FloatArray, who: Labels) -> Parameters:
        """Class weights in the direction of the means of unit outputs."""
        unit = _inputs.directions(z).rows
        means = np.zeros((int(who.max()) + 1, z.shape[1]))
        np.add.at(means, who, unit)
        w = _inputs.directions(means).rows.astype(z.dtype)
        return {"W": w} if self.margin is not None else {"W": w, "B": np.zeros(len(w), z.dtype)}

    def __call__(self, z: FloatArray, who: Labels, parameters: Parameters) -> tuple[float, FloatArray, Parameters, int]:
        w = parameters["W"]
        factor = 1.0 if self.has_scale else self.s
        x = z if self.has_scale else z * z.dtype.type(factor)
        if self.margin is None:
            result: ClassLoss = plain_loss(x, who, w, parameters["B"])
        else:
            s = self.s if self.has_scale else None
            result = margin_loss(x, _inputs.directions(x), who, w, _inputs.directions(w), self.margin, s)
        gradients = {"W": result.d_weights}
        if result.d_bias is not None:
            gradients["B"] = result.d_bias
        return result.value, result.d_features * z.dtype.type(factor), gradients, len(z)


@dataclass(frozen=True, slots=True)
class OfPairs:
    """Contrastive or triplet loss of the unit outputs of a batch as an objective.

    ``choice`` None is contrastive: of all pairs of different people as many are drawn as there are pairs of one person.
    """

    choice: str | None
    margin: float
    random_state: np.random.RandomState

    def start(self, z: FloatArray, who: Labels) -> Parameters:
        return {}

    def __call__(self, z: FloatArray, who: Labels, parameters: Parameters) -> tuple[float, FloatArray, Parameters, int]:
        if self.choice is None:
            i, j = np.triu_indices(len(z), 1)
            same = who[i] == who[j]
            others = np.flatnonzero(~same)
            n_drawn = min(len(others), max(1, int(same.sum())))
            drawn = np.concatenate([np.flatnonzero(same), self.random_state.choice(others, n_drawn, replace=False)])
            index = np.stack([i[drawn], j[drawn]], axis=1)
            loss = loss_of_pairs(Rows.unit(z), index, same[drawn], self.margin, z.dtype)
        else:
            loss = loss_of_triplets(Rows.unit(z), who, self.choice, "sqeuclidean", "active", self.margin, z.dtype)
        return loss.value, loss.d_features, {}, loss.n_active


def row_batches(n: int, size: int, random_state: np.random.RandomState) -> Iterator[NDArray[np.int64]]:
    """All rows in random order, ``size`` at a time."""
    order = random_state.permutation(n)
    for begin in range(0, n, size):
        yield order[begin : begin + size]


def people_batches(who: Labels, size: int, random_state: np.random.RandomState) -> Iterator[NDArray[np.int64]]:
    """All people in random order, up to four rows of each, ``size`` rows at a time.

    Batches of one person, or without two rows of one, are left out: they have no pair or triplet.
    """
    order = random_state.permutation(len(who))
    by_person = order[np.argsort(who[order], kind="stable")]
    ends = np.cumsum(np.bincount(who))
    rows: list[NDArray[np.int64]] = []
    n_rows = 0
    people = random_state.permutation(len(ends))
    for place, person in enumerate(people):
        begin = ends[person - 1] if person else 0
        rows.append(by_person[begin : min(begin + ROWS_OF_ONE, ends[person])])
        n_rows += len(rows[-1])
        is_last = place == len(people) - 1
        if is_last or n_rows + ROWS_OF_ONE > size:
            if len(rows) > 1 and max(map(len, rows)) > 1:
                yield np.concatenate(rows)
            rows, n_rows = [], 0


class Optimizer:
    """SGD with momentum, or Adam (Kingma and Ba 2015, algorithm 1), on a dictionary of arrays, in place.

    ``decay`` pulls the parameters named in ``kept`` towards where they started, apart from the gradients (as weights
    decay in Loshchilov and Hutter 2019, and as the start is kept in Li, Grandvalet and Davoine 2018).
    """

    def __init__(self, parameters: Parameters, solver: str, rate: float, momentum: float, decay: float) -> None:
        self._parameters, self._solver, self._rate, self._momentum = parameters, solver, rate, momentum
        self._decay = decay
        self._kept = {name: parameters[name].copy() for name in ("A", "b") if decay and name in parameters}
        self._first = {name: np.zeros_like(value) for name, value in parameters.items()}
        self._second = {name: np.zeros_like(value) for name, value in parameters.items()}
        self._n_steps = 0

    def step(self, gradients: Parameters) -> None:
        self._n_steps += 1
        for name, value in self._parameters.items():
            gradient, first = gradients[name], self._first[name]
            if self._solver == "sgd":
                first *= self._momentum
                first -= self._rate * gradient
                change = first
            else:
                second = self._second[name]
                first += (1 - _ADAM_BETAS[0]) * (gradient - first)
                second += (1 - _ADAM_BETAS[1]) * (gradient * gradient - second)
                corrected = [1 - beta**self._n_steps for beta in _ADAM_BETAS]
                change = -self._rate * (first / corrected[0]) / (np.sqrt(second / corrected[1]) + _ADAM_EPSILON)
            if name in self._kept:
                change = change - self._rate * self._decay * (value - self._kept[name])
            np.add(value, change, out=value)
