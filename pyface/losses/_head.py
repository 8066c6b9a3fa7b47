"""A head on frozen embeddings, trained on people whose names are known, as a scikit-learn estimator."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
from threadpoolctl import threadpool_limits

from pyface import _check
from pyface._typing import FloatArray, Labels
from pyface.losses import _inputs, _judging, _training
from pyface.losses._margins import Margin
from pyface.losses._pairs import CHOICES
from pyface.losses._training import Objective, OfClasses, OfPairs, Optimizer, Parameters

logger = logging.getLogger(__name__)

LOSSES = ("softmax", "arcface", "cosface", "sphereface", "combined", "contrastive", "triplet")
_DEFAULT_MARGINS: dict[str, Any] = {
    "softmax": 0.0, "arcface": 0.5, "cosface": 0.35, "sphereface": 4, "combined": (1.0, 0.3, 0.2), "contrastive": 1.4,
    "triplet": 0.2,
}  # fmt: skip
# More held-out rows than this cost more time per epoch than they add to what is known; they are drawn by person.
_MOST_JUDGED = 4000
_DIVERGED = "training diverged in epoch {}: choose a smaller learning_rate"


class WrongParameterError(TypeError, ValueError):
    """A parameter of a wrong type, which is both, as in scikit-learn."""


class MarginHead(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A linear layer, or one with a hidden layer beside it, that turns embeddings so that people known by name part.

    It is trained with one of the losses of :mod:`pyface.losses` on the embeddings of a frozen network, and maps to unit
    rows, to be compared by cosine distance. It starts as the identity (or the ``n_components`` longest directions) and
    the best epoch on people held out is kept, the start included, so that it is worse than the embeddings only as far
    as those people mislead.

    n_components : 1 .. d, None = d. n_hidden : units of the hidden layer, 0 = none.
    loss : "arcface", "cosface", "sphereface", "combined", "softmax" (plain, with a bias), "contrastive" or "triplet".
    margin : None = 0.5 (arcface), 0.35 (cosface), 4 (sphereface, whole), (1, 0.3, 0.2) (combined: m1, m2, m3), 0.2
    (triplet, squared distances), 1.4 (contrastive, distances: rows at a right angle are 1.41 apart); softmax has none.
    s : scale of cosines, or of the unit outputs at the start for "softmax" and "sphereface". choice : of triplets, as
    in :func:`pyface.losses.triplet`.
    solver : "adam" or "sgd" with ``momentum``. learning_rate, batch_size : rows of a step; pairs and triplets are drawn
    from up to four rows of each of ``batch_size / 4`` people. max_iter : epochs. alpha : how strongly the linear layer
    is pulled to where it started, >= 0.
    early_stopping : end after ``n_iter_no_change`` epochs in which the score on held-out people did not rise by
    ``tol``. validation_fraction : of the people, held out for that and for ``cluster_threshold_``, whatever
    ``early_stopping`` is. If that is fewer than two people, none is, and the training rows themselves are judged: both
    are too favourable then. random_state : of batches, held-out people, the hidden layer. verbose : every so many
    epochs a line goes to ``logging`` as INFO; 0 = none.

    After fit: ``cluster_threshold_``, cosine distance between outputs below which average linkage found the held-out
    people best, among rows of training people, 4,000 rows in all; ``components_`` (n_components, d), ``intercept_``
    (n_components,), and ``hidden_components_``, ``hidden_intercept_`` and ``output_components_`` with a hidden layer;
    ``scale_``, one over the mean length of the training rows, by which rows are multiplied first; ``classes_``, all
    people; ``held_out_classes_``; ``validation_scores_``, BCubed F of the held-out people alone at their best
    threshold, before training and after each epoch; ``loss_curve_``, mean loss per epoch; ``best_iter_``, the epoch
    kept, 0 = the start; ``n_iter_``, ``n_features_in_``.

    The result is the same for any number of threads: products run on one thread of the BLAS while it trains, and
    everything else is independent of them. Time per epoch O(n d n_components + n n_components n_classes), and judging,
    O(m^2 n_components) for m <= 4,000 held-out rows. What it gains: `docs/how-it-works/losses.md`.
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        loss: str = "arcface",
        margin: Any = None,
        s: float = 16.0,
        choice: str = "semi-hard",
        n_hidden: int = 0,
        solver: str = "adam",
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        alpha: float = 0.0,
        batch_size: int = 256,
        max_iter: int = 100,
        early_stopping: bool = True,
        validation_fraction: float = 0.2,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.loss = loss
        self.margin = margin
        self.s = s
        self.choice = choice
        self.n_hidden = n_hidden
        self.solver = solver
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def fit(self, X: Any, y: Any) -> MarginHead:
        """Train on the rows of ``X`` (n, d), whose people are ``y`` (n,), integers or strings.

        float32 rows are trained in float32, others in float64. Training ends when no pair or triplet of an epoch has a
        loss, as all are easy; if that is the first epoch, with a ConvergenceWarning. ValueError for NaN, infinity,
        labels of another length, fewer than two people, nobody with two training rows (for "contrastive" and
        "triplet"), bad parameters, a training that diverges. TypeError for strings mixed with others. UserWarning if no
        two rows of the people held out are one person, so that nothing can be judged by them.
        """
        self._check_parameters()
        _inputs.refuse_mixture(y)
        x, y = validate_data(self, X, y, dtype=[np.float64, np.float32], order="C")
        random_state = check_random_state(self.random_state)
        classes, who = _people(y)
        if len(classes) < 2:
            raise ValueError(f"y has one class, {classes.tolist()[0]!r}; a head is trained on at least two people")
        d = x.shape[1]
        n_components = d if self.n_components is None else self.n_components
        if n_components > d:
            raise ValueError(f"n_components={n_components} must be at most the number of features of X, {d}")
        with np.errstate(over="ignore", divide="ignore"):
            mean_length = float(_inputs.directions(x).lengths.mean())
            scale = x.dtype.type(1 / mean_length) if mean_length else x.dtype.type(0)
        if not (np.isfinite(scale) and scale > 0):
            raise ValueError(f"X has rows of a mean length of {mean_length:g}; scale the data")
        x = x * scale
        is_held_out = self._held_out(who, len(classes), random_state)
        held_out = np.unique(who[is_held_out])
        objective = self._objective(random_state)
        train = np.flatnonzero(~is_held_out)
        numbers = np.unique(who[train], return_inverse=True)[1].ravel().astype(np.int64)
        if isinstance(objective, OfPairs) and np.bincount(numbers).max() < 2:
            raise ValueError(f"y: no two training rows are the same person, and {self.loss!r} takes two of one")
        judged = np.flatnonzero(is_held_out) if len(held_out) else train
        judged = judged[_some_people(who[judged], _MOST_JUDGED, random_state)]
        if np.unique(who[judged]).size == len(judged):
            warnings.warn(
                f"y: no two of the {len(judged)} rows that are judged are one person, so that cluster_threshold_ and "
                "the epoch kept mean nothing; give more people with several rows",
                UserWarning,
                stacklevel=2,
            )
        crowd = (
            train[_some_people(who[train], _MOST_JUDGED - len(judged), random_state)] if len(held_out) else train[:0]
        )
        with threadpool_limits(1, user_api="blas"):
            parameters = _training.start(x[train], n_components, self.n_hidden, random_state)
            parameters |= objective.start(_training.outputs(x[train], parameters), numbers)
            best = self._train(x[train], numbers, x[judged], who[judged], parameters, objective, random_state)
            outputs = (_training.outputs(x[rows], best) for rows in (judged, crowd))
            self.cluster_threshold_ = _judging.judge(next(outputs), who[judged], next(outputs)).threshold
        self.scale_ = float(scale)
        self.classes_ = classes
        self.held_out_classes_ = classes[held_out]
        self._keep(best)
        self._n_features_out = n_components
        return self

    def transform(self, X: Any) -> FloatArray:
        """Unit rows (n, n_components) of the type of ``X`` (n, d).

        A row of zeros, which no network gives, gets the direction of ``intercept_``; one that the head maps to zero has
        none and stays zero. ValueError for NaN, infinity, another number of columns.
        """
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], order="C")
        parameters = {name: getattr(self, attribute) for name, attribute in self._attributes().items()}
        parameters = {name: value.astype(x.dtype, copy=False) for name, value in parameters.items()}
        with threadpool_limits(1, user_api="blas"):
            z = _training.outputs(x * x.dtype.type(self.scale_), parameters)
        rows: FloatArray = _inputs.directions(z).rows.astype(x.dtype, copy=False)
        return rows

    def score(self, X: Any, y: Any) -> float:
        """BCubed F of the clusters that average linkage makes of the outputs below ``cluster_threshold_``, in (0, 1].

        ``y`` (n,) are the people of the rows ``X`` (n, d), which need not be those of fit. Others than those of fit
        tell what the head does for strangers.
        """
        _inputs.refuse_mixture(y)
        rows = self.transform(X)
        _, who = _people(y)
        if len(who) != len(rows):
            raise ValueError(f"y has {len(who)} entries and X has {len(rows)} rows; give one for each row")
        zero = np.flatnonzero(~rows.any(axis=1))
        if zero.size:
            raise ValueError(f"X: the head maps row {zero[0]} to zero, which has no direction; remove it")
        return _judging.bcubed_f_below(rows, who, self.cluster_threshold_) if len(rows) > 1 else 1.0

    def _attributes(self) -> dict[str, str]:
        names = {"A": "components_", "b": "intercept_"}
        if hasattr(self, "hidden_components_"):
            names |= {"V": "hidden_components_", "c": "hidden_intercept_", "U": "output_components_"}
        return names

    def _keep(self, parameters: Parameters) -> None:
        for name, attribute in (
            ("A", "components_"),
            ("b", "intercept_"),
            ("V", "hidden_components_"),
            ("c", "hidden_intercept_"),
            ("U", "output_components_"),
        ):
            if name in parameters:
                setattr(self, attribute, parameters[name])
            elif hasattr(self, attribute):
                delattr(self, attribute)  # of an earlier fit, with a hidden layer

    def _check_parameters(self) -> None:
        try:
            if self.n_components is not None:
                _check.integer(self.n_components, "n_components", minimum=1)
            for name, least in (("n_hidden", 0), ("batch_size", 1), ("max_iter", 1), ("n_iter_no_change", 1)):
                _check.integer(getattr(self, name), name, minimum=least)
            _check.integer(self.verbose, "verbose", minimum=0)
            _check.choice(self.loss, "loss", LOSSES)
            _check.choice(self.choice, "choice", CHOICES)
            _check.choice(self.solver, "solver", ("adam", "sgd"))
            _check.flag(self.early_stopping, "early_stopping")
            _check.number(self.learning_rate, "learning_rate", above=0, maximum=1e6)
            _check.number(self.s, "s", above=0, maximum=1e4)
            for name, most in (("momentum", 1.0), ("validation_fraction", 0.9), ("alpha", 1e6), ("tol", 1.0)):
                _check.number(getattr(self, name), name, minimum=0, maximum=most)
            if isinstance(self._margin(), float):
                least = 2 * _training.ROWS_OF_ONE
                if self.batch_size < least:
                    raise ValueError(
                        f"batch_size must be at least {least} for loss={self.loss!r}, two people of "
                        f"{_training.ROWS_OF_ONE} rows, got {self.batch_size}"
                    )
        except TypeError as error:
            raise WrongParameterError(str(error)) from None

    def _margin(self) -> Margin | float | None:
        """The margin of the loss: None for plain softmax, a number for pairs and triplets."""
        value = _DEFAULT_MARGINS[self.loss] if self.margin is None else self.margin
        if self.loss == "combined":
            if not isinstance(value, tuple | list) or len(value) != 3:
                raise TypeError(f"margin must be (m1, m2, m3) for loss='combined', got {value!r}")
            m1, m2, m3 = value
            return Margin(
                _check.number(m1, "margin[0]", minimum=1, maximum=1e4),
                _check.number(m2, "margin[1]", minimum=0, maximum=math.pi),
                _check.number(m3, "margin[2]", minimum=0, maximum=1e4),
            )
        if self.loss == "sphereface":
            return Margin(m1=float(_check.integer(value, "margin", minimum=1, maximum=10_000)))
        if self.loss == "arcface":
            return Margin(m2=_check.number(value, "margin", minimum=0, maximum=math.pi))
        if self.loss == "cosface":
            return Margin(m3=_check.number(value, "margin", minimum=0, maximum=1e4))
        if self.loss == "softmax":
            if value != 0:
                raise ValueError(f"margin must be None for loss='softmax', got {value!r}; loss='arcface' has one")
            return None
        return _check.number(value, "margin", above=0, maximum=4)

    def _objective(self, random_state: np.random.RandomState) -> OfClasses | OfPairs:
        margin = self._margin()
        if isinstance(margin, float):
            return OfPairs(self.choice if self.loss == "triplet" else None, margin, random_state)
        return OfClasses(margin, float(self.s), self.loss not in ("softmax", "sphereface"))

    def _held_out(self, who: Labels, n_people: int, random_state: np.random.RandomState) -> NDArray[np.bool_]:
        """Which rows are of people held out: none if they would be fewer than two, or the rest, or all alone."""
        n_held_out = round(self.validation_fraction * n_people)
        chosen = random_state.permutation(n_people)[:n_held_out]
        result: NDArray[np.bool_] = np.isin(who, chosen)
        if n_held_out < 2 or n_people - n_held_out < 2 or np.bincount(who)[chosen].max() < 2:
            return np.zeros(len(who), bool)
        return result

    def _train(
        self,
        x: FloatArray,
        who: Labels,
        judged: FloatArray,
        judged_who: Labels,
        parameters: Parameters,
        objective: Objective,
        random_state: np.random.RandomState,
    ) -> Parameters:
        """The parameters of the best epoch."""
        optimizer = Optimizer(parameters, self.solver, self.learning_rate, self.momentum, self.alpha)
        judgement = _judging.judge(_training.outputs(judged, parameters), judged_who)
        best = {name: value.copy() for name, value in parameters.items()}
        self.best_iter_, highest, lasting = 0, judgement.f, judgement.f
        self.validation_scores_, self.loss_curve_, n_idle = [judgement.f], [], 0
        for epoch in range(1, self.max_iter + 1):
            losses, sizes, n_active = [], [], 0
            batches: Iterator[NDArray[np.int64]]
            if isinstance(objective, OfPairs):
                batches = _training.people_batches(who, self.batch_size, random_state)
            else:
                batches = _training.row_batches(len(x), self.batch_size, random_state)
            for rows in batches:
                with np.errstate(over="ignore", invalid="ignore"):
                    value, gradients, active = _training.step(x[rows], who[rows], parameters, objective)
                    if not np.isfinite(value):
                        raise ValueError(_DIVERGED.format(epoch))
                    optimizer.step(gradients)
                losses.append(value)
                sizes.append(len(rows))
                n_active += active
            mean = float(np.average(losses, weights=sizes)) if losses else 0.0
            if not all(np.isfinite(value).all() for value in parameters.values()):
                raise ValueError(_DIVERGED.format(epoch))
            self.loss_curve_.append(mean)
            judgement = _judging.judge(_training.outputs(judged, parameters), judged_who)
            self.validation_scores_.append(judgement.f)
            if self.verbose and epoch % self.verbose == 0:
                logger.info("epoch %d: loss %.6f, BCubed F %.5f of those held out", epoch, mean, judgement.f)
            if judgement.f > highest:
                highest, self.best_iter_ = judgement.f, epoch
                best = {name: value.copy() for name, value in parameters.items()}
            n_idle = 0 if judgement.f > lasting + self.tol else n_idle + 1
            lasting = max(lasting, judgement.f) if n_idle == 0 else lasting
            if n_active == 0:  # nothing is left to learn
                if epoch == 1:
                    warnings.warn(
                        f"no pair or triplet has a loss: all are easy at margin={self._margin():g}; choose a larger "
                        "margin, another choice, or a larger batch_size",
                        ConvergenceWarning,
                        stacklevel=3,
                    )
                break
            if self.early_stopping and n_idle >= self.n_iter_no_change:
                break
        self.n_iter_ = len(self.loss_curve_)
        return best


def _people(y: Any) -> tuple[NDArray[Any], Labels]:
    """All people in order, and the number of each row's."""
    people = column_or_1d(y)
    for row, name in enumerate(people.tolist()) if people.dtype.kind not in "biuUS" else ():
        if not isinstance(name, str) and not (isinstance(name, Real) and float(name).is_integer()):
            raise ValueError(f"y: entry {row} is {name!r}; people are integers or strings")
        if isinstance(name, str) != isinstance(people[0], str):
            raise ValueError(f"y: entry {row} is {name!r} and entry 0 is {people[0]}; make them all strings")
    classes, who = np.unique(people, return_inverse=True)
    return classes, who.ravel().astype(np.int64, copy=False)


def _some_people(who: Labels, most: int, random_state: np.random.RandomState) -> NDArray[np.int64]:
    """All rows, or those of people drawn at random as long as they are not more than ``most``; of one at least."""
    if len(who) <= most:
        return np.arange(len(who))
    people, numbers, sizes = np.unique(who, return_inverse=True, return_counts=True)
    order = random_state.permutation(len(people))
    n_people = max(1, int(np.searchsorted(np.cumsum(sizes[order]), most, side="right")))
    return np.flatnonzero(np.isin(numbers.ravel(), order[:n_people]))
