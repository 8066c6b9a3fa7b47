"""The head: scikit-learn's rules, what it learns, what it keeps, and that it is the same for any number of threads."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import losses as oracle
from scipy.cluster import hierarchy
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

import pyface
from pyface.cluster import AgglomerativeClustering, threshold_advice
from pyface.losses import MarginHead, _judging, _training
from pyface.losses._head import LOSSES, _some_people
from pyface.losses._training import OfClasses, OfPairs, Optimizer
from pyface.metrics import bcubed_precision_recall_f

# A hidden layer and pairs beside the default, each for few epochs.
CHECKED = [MarginHead(max_iter=3), MarginHead(max_iter=3, loss="contrastive", n_hidden=4)]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(CHECKED)
def test_check_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def people(
    seed: int, n_people: int = 40, n_each: int = 6, d: int = 16
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Embeddings in which who it is takes a quarter of the columns, and how the photo was taken the others, louder."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(n_people), n_each)
    x = 1.6 * rng.normal(size=(len(who), d))
    x[:, : d // 4] = rng.normal(size=(n_people, d // 4))[who] + 0.15 * rng.normal(size=(len(who), d // 4))
    # The same turn for all seeds: strangers of another seed come from the same network.
    turn = np.linalg.qr(np.random.default_rng(99).normal(size=(d, d)))[0]
    return (x @ turn).astype(np.float32), who


def best_f(x: NDArray[Any], who: NDArray[Any]) -> float:
    return threshold_advice(pyface.linkage(x, "average", "cosine"), who).bcubed_f


FAST = {"learning_rate": 0.03, "max_iter": 40, "random_state": 0}


@pytest.mark.parametrize("loss", LOSSES)
def test_it_learns_what_tells_strangers_apart(loss: str) -> None:
    x, who = people(0)
    strangers, their_names = people(1)
    head = MarginHead(loss=loss, **FAST).fit(x, who)
    raw, got = best_f(strangers, their_names), best_f(head.transform(strangers), their_names)
    assert raw < 0.5
    assert got > raw + 0.15, (raw, got)
    assert head.score(strangers, their_names) > raw + 0.1
    assert head.loss_curve_[head.best_iter_ - 1] < head.loss_curve_[0]


@pytest.mark.parametrize("options", [{"solver": "sgd", "learning_rate": 0.3}, {"n_hidden": 8}, {"n_components": 5}])
def test_other_ways_learn_too(options: dict[str, Any]) -> None:
    x, who = people(0)
    head = MarginHead(**FAST | options).fit(x, who)
    assert head.validation_scores_[head.best_iter_] > head.validation_scores_[0] + 0.15
    assert head.transform(x).shape == (240, options.get("n_components", 16))


def test_the_best_epoch_is_kept_and_its_threshold() -> None:
    x, who = people(2)
    names = np.array([f"person {number}" for number in who])
    head = MarginHead(**FAST, n_iter_no_change=5).fit(x, names)
    assert set(head.held_out_classes_) < set(head.classes_) == set(names)
    assert len(head.held_out_classes_) == 8
    held_out = np.isin(names, head.held_out_classes_)
    rows, numbers = head.transform(x[held_out]), who[held_out]
    advice = threshold_advice(pyface.linkage(rows, "average", "cosine"), numbers)
    assert advice.bcubed_f == pytest.approx(max(head.validation_scores_), abs=1e-12)
    assert head.validation_scores_[head.best_iter_] == max(head.validation_scores_)
    judgement = _judging.judge(rows, numbers, head.transform(x[~held_out]))
    assert head.cluster_threshold_ == pytest.approx(judgement.threshold, abs=1e-6)
    assert head.n_iter_ == len(head.loss_curve_) == len(head.validation_scores_) - 1 < 40
    assert max(head.validation_scores_[:-5]) + head.tol >= max(head.validation_scores_[-5:])
    clusters = AgglomerativeClustering(
        None, distance_threshold=head.cluster_threshold_, metric="cosine", linkage="average"
    ).fit_predict(rows)
    assert head.score(x[held_out], names[held_out]) == bcubed_precision_recall_f(numbers, clusters)[2]
    longer = MarginHead(**FAST | {"max_iter": 12}, n_iter_no_change=1, early_stopping=False).fit(x, names)
    assert longer.n_iter_ == 12


def test_it_starts_as_the_embedding() -> None:
    x, who = people(3)
    slow = MarginHead(learning_rate=1e-9, max_iter=1).fit(x, who)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    np.testing.assert_allclose(slow.transform(x), unit, atol=1e-6)
    held = MarginHead(**FAST, alpha=1000 / 33, early_stopping=False).fit(x, who)
    free = MarginHead(**FAST, early_stopping=False).fit(x, who)
    assert np.abs(held.components_ - np.eye(16)).max() < np.abs(free.components_ - np.eye(16)).max() / 2
    fewer = MarginHead(n_components=3, learning_rate=1e-9, max_iter=1).fit(x, np.arange(240) % 40 // 2)
    trained = ~np.isin(np.arange(240) % 40 // 2, fewer.held_out_classes_)
    _, _, directions = np.linalg.svd(x[trained].astype(float), full_matrices=False)
    np.testing.assert_allclose(np.abs(fewer.components_ @ directions[:3].T), np.eye(3), atol=1e-5)


def test_few_people_are_judged_on_what_they_were_trained_on() -> None:
    x, who = people(4, n_people=3)
    head = MarginHead(max_iter=2).fit(x, who)
    assert len(head.held_out_classes_) == 0 and len(head.classes_) == 3
    assert head.validation_scores_[0] == pytest.approx(best_f(x, who), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 14), st.integers(0, 8), st.integers(0, 10**6))
def test_judging_is_that_of_the_definition(n: int, n_crowd: int, seed: int) -> None:
    """Every cut, by SciPy; rows of the crowd count in sizes of clusters only."""
    rng = np.random.default_rng(seed)
    x, crowd = rng.normal(size=(n, 3)), rng.normal(size=(n_crowd, 3))
    who = np.unique(rng.integers(0, 4, n), return_inverse=True)[1]
    everybody = np.concatenate([who, np.full(n_crowd, -1)])
    z = hierarchy.linkage(np.concatenate([x, crowd]), "average", "cosine")
    found = []
    for height in [0.0, *z[:, 2]]:
        labels = hierarchy.fcluster(z, height + 1e-12, "distance")
        own = [(labels == labels[i]) & (everybody == everybody[i]) for i in range(n)]
        precision = np.mean([own[i].sum() / (labels == labels[i]).sum() for i in range(n)])
        recall = np.mean([own[i].sum() / (who == who[i]).sum() for i in range(n)])
        found.append(2 * precision * recall / (precision + recall))
    got = _judging.judge(x, who, crowd)
    assert got.f == pytest.approx(max(found), abs=1e-12)
    best = np.flatnonzero(np.array(found) > max(found) - 1e-12)[0]
    ends = [*z[:, 2], 2.0]
    while best < len(ends) - 1 and found[best + 1] > max(found) - 1e-12:
        best += 1
    low = [0.0, *z[:, 2]][int(np.flatnonzero(np.array(found) > max(found) - 1e-12)[0])]
    assert got.threshold == pytest.approx((low + max(low, ends[best])) / 2, abs=1e-6)
    if not n_crowd and 1 < len(set(who)) < n:
        advice = threshold_advice(pyface.linkage(x, "average", "cosine"), who)
        assert np.isinf(advice.interval[1]) or got.threshold == pytest.approx(advice.height)


def test_judging_leaves_out_rows_without_a_direction() -> None:
    x = np.array([[1.0, 0], [1, 0.1], [0, 1], [0, 0]])
    got = _judging.judge(x, np.array([0, 0, 1, 1]))
    assert got.f == 1.0 and got == _judging.judge(x[:3], np.array([0, 0, 1]))
    assert _judging.judge(np.zeros((3, 2)), np.arange(3)).f == 0.0


def test_judging_is_limited() -> None:
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(1000), 7)
    rows = _some_people(who, 4000, rng)
    assert 3990 < len(rows) <= 4000
    assert (np.bincount(who[rows])[np.unique(who[rows])] == 7).all()
    assert len(_some_people(np.zeros(5000, int), 4000, rng)) == 5000
    np.testing.assert_array_equal(_some_people(who[:50], 4000, rng), np.arange(50))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n_hidden", [0, 3])
def test_gradients_through_the_layers(loss: str, n_hidden: int) -> None:
    rng = np.random.RandomState(0)
    x, who = rng.normal(size=(9, 4)), np.arange(9) % 3
    head = MarginHead(loss=loss, s=4.0)
    objective = head._objective(np.random.RandomState(0))
    parameters = _training.start(x, 3, n_hidden, rng)
    parameters |= objective.start(_training.outputs(x, parameters), who)
    parameters = {name: value + 0.3 * rng.normal(size=value.shape) for name, value in parameters.items()}

    def value_at(name: str, at: NDArray[Any]) -> float:
        same_draws = head._objective(np.random.RandomState(0))
        return _training.step(x, who, parameters | {name: at}, same_draws)[0]

    _, gradients, _ = _training.step(x, who, parameters, head._objective(np.random.RandomState(0)))
    assert gradients.keys() == parameters.keys()
    for name, at in parameters.items():
        want = oracle.differences(lambda moved, name=name: value_at(name, moved), at, 1e-5)
        scale = max(np.abs(want).max(), 1e-3 * max(np.abs(g).max() for g in gradients.values()))
        assert np.abs(gradients[name] - want).max() <= 1e-6 * scale, name


def test_steps_by_hand() -> None:
    a = {"A": np.array([1.0, 2.0])}
    sgd = Optimizer(a, "sgd", 0.1, 0.5, 0.0)
    sgd.step({"A": np.array([1.0, -1.0])})
    np.testing.assert_allclose(a["A"], [0.9, 2.1])
    sgd.step({"A": np.array([2.0, 0.0])})
    np.testing.assert_allclose(a["A"], [0.9 - 0.05 - 0.2, 2.1 + 0.05])
    a = {"A": np.array([1.0, 2.0, 3.0]), "W": np.array([5.0])}
    adam = Optimizer(a, "adam", 0.1, 0.0, 0.0)
    adam.step({"A": np.array([4.0, -1e-3, 0.0]), "W": np.zeros(1)})
    np.testing.assert_allclose(a["A"], [0.9, 2.1, 3.0], atol=1e-5)  # the first step has the length of the rate
    a = {"A": np.array([1.0]), "W": np.array([5.0])}
    pulled = Optimizer(a, "sgd", 0.1, 0.0, 2.0)
    a["A"][0], a["W"][0] = 2.0, 9.0
    pulled.step({"A": np.zeros(1), "W": np.zeros(1)})
    np.testing.assert_allclose([a["A"][0], a["W"][0]], [1.8, 9.0])


def test_batches() -> None:
    rng = np.random.RandomState(0)
    rows = list(_training.row_batches(10, 4, rng))
    assert sorted(np.concatenate(rows)) == list(range(10)) and [len(part) for part in rows] == [4, 4, 2]
    who = np.repeat(np.arange(30), [1, 2, 9] * 10)
    batches = list(_training.people_batches(who, 20, rng))
    assert all(len(batch) <= 20 and len(set(batch)) == len(batch) for batch in batches)
    counts = np.bincount(who[np.concatenate(batches)], minlength=30)
    assert counts.tolist() == [1, 2, 4] * 10
    assert not list(_training.people_batches(np.arange(9), 4, rng))  # nobody has two rows


def test_objectives_say_what_is_theirs() -> None:
    assert isinstance(MarginHead(loss="triplet")._objective(np.random.RandomState(0)), OfPairs)
    z, who = np.eye(3), np.array([0, 1, 1])
    weights = OfClasses(None, 16.0, False).start(z, who)
    np.testing.assert_allclose(weights["W"], [[1, 0, 0], [0, 0.5**0.5, 0.5**0.5]])
    assert not weights["B"].any()


RUN = """
import hashlib
import numpy as np
from pyface.losses import MarginHead
rng = np.random.default_rng(0)
who = np.repeat(np.arange(120), 6)
x = (rng.normal(size=(120, 96))[who] + 1.5 * rng.normal(size=(720, 96))).astype(np.float32)
for loss in ("arcface", "triplet"):
    head = MarginHead(loss=loss, n_hidden=8, max_iter=3, random_state=0).fit(x, who)
    parts = (head.transform(x), head.cluster_threshold_, np.array(head.loss_curve_), head.output_components_)
    print(hashlib.sha256(b"".join(np.asarray(part).tobytes() for part in parts)).hexdigest())
"""


def test_the_result_does_not_depend_on_threads() -> None:
    found = set()
    for n in ("1", "4"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYFACE_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, n)
        command = [sys.executable, "-c", RUN]
        found.add(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)
    assert len(found) == 1


def test_the_same_draws_give_the_same_head() -> None:
    x, who = people(5)
    one, same, other = (MarginHead(max_iter=2, early_stopping=False, random_state=s).fit(x, who) for s in (0, 0, 1))
    np.testing.assert_array_equal(one.transform(x), same.transform(x))
    assert one.loss_curve_ != other.loss_curve_


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clone_pickle_pandas(dtype: type) -> None:
    x, who = people(6, d=8)
    frame = pd.DataFrame(x.astype(dtype), columns=list("abcdefgh"))
    head = clone(MarginHead(n_components=3, n_hidden=4, max_iter=2, random_state=0)).fit(frame, who)
    assert head.feature_names_in_.tolist() == list("abcdefgh") and head.n_features_in_ == 8
    assert head.get_feature_names_out().tolist() == ["marginhead0", "marginhead1", "marginhead2"]
    rows = pickle.loads(pickle.dumps(head)).transform(frame)
    np.testing.assert_array_equal(rows, head.transform(frame))
    assert rows.dtype == head.components_.dtype == head.hidden_components_.dtype == dtype
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)
    by_hand = frame.to_numpy() * head.scale_
    hidden = np.maximum(by_hand @ head.hidden_components_.T + head.hidden_intercept_, 0)
    z = by_hand @ head.components_.T + head.intercept_ + hidden @ head.output_components_.T
    np.testing.assert_allclose(rows, z / np.linalg.norm(z, axis=1, keepdims=True), atol=1e-5)
    head.set_params(n_hidden=0).fit(frame, who)
    assert not hasattr(head, "hidden_components_") and not hasattr(head, "output_components_")
    head.transform(frame)
    framed = clone(head).set_output(transform="pandas").fit(frame, who).transform(frame)
    assert framed.columns.tolist() == ["marginhead0", "marginhead1", "marginhead2"]


def test_progress_goes_to_logging(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    x, who = people(7)
    with caplog.at_level(logging.INFO, "pyface"):
        MarginHead(max_iter=4).fit(x, who)
        assert not caplog.records
        MarginHead(max_iter=4, verbose=2).fit(x, who)
    assert [record.args[0] for record in caplog.records] == [2, 4]
    assert "epoch 2: loss" in caplog.text and "of those held out" in caplog.text
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("loss", "margin"), [("triplet", 0.01), ("contrastive", 0.1)])
def test_easy_batches_are_told(loss: str, margin: float) -> None:
    who = np.repeat(np.arange(20), 3)
    x = np.eye(20)[who]
    with pytest.warns(ConvergenceWarning, match=f"no pair or triplet has a loss.*margin={margin}"):
        head = MarginHead(loss=loss, margin=margin).fit(x, who)
    assert head.n_iter_ == 1 and head.best_iter_ == 0


def test_training_ends_when_all_is_learned() -> None:
    who = np.repeat(np.arange(20), 3)
    x = np.eye(20)[who] + 0.25 * np.random.default_rng(0).normal(size=(60, 20))
    head = MarginHead(loss="triplet", choice="batch-hard", random_state=0, early_stopping=False, learning_rate=0.01)
    assert 1 < head.fit(x, who).n_iter_ < 100  # and nothing to warn of
    assert head.loss_curve_[-1] == 0.0


X, WHO = people(8)
BAD = X.copy()
BAD[3, 2] = np.nan


@pytest.mark.parametrize(
    ("options", "x", "y", "message"),
    [
        ({}, BAD, WHO, "contains NaN"),
        ({}, X, WHO[:-1], "inconsistent numbers of samples"),
        ({}, X, None, "requires y to be passed"),
        ({}, X, WHO * 0, "y has one class, .*at least two people"),
        ({}, X, WHO + 0.5, "y: entry 0 is 0.5; people are integers or strings"),
        ({}, X, np.array([*WHO[:-1], None]), "y: entry 239 is None; people are"),
        ({}, X, np.array([*WHO[:-1], "a"], object), "y: entry 239 is 'a' and entry 0 is 0; make them all strings"),
        ({}, X * 0, WHO, "X has rows of a mean length of 0; scale the data"),
        ({"loss": "triplet"}, X, np.arange(240), "no two training rows are the same person"),
        ({"loss": "hinge"}, X, WHO, "loss must be one of 'softmax', 'arcface'"),
        ({"margin": -0.1}, X, WHO, "margin must be at least 0"),
        ({"loss": "cosface", "margin": -0.1}, X, WHO, "margin must be at least 0"),
        ({"loss": "sphereface", "margin": 0}, X, WHO, "margin must be at least 1"),
        ({"loss": "sphereface", "margin": 1.5}, X, WHO, "margin must be an integer"),
        ({"loss": "combined", "margin": 0.5}, X, WHO, r"margin must be \(m1, m2, m3\)"),
        ({"loss": "combined", "margin": (1, -1, 0)}, X, WHO, r"margin\[1\] must be at least 0"),
        ({"loss": "softmax", "margin": 0.5}, X, WHO, "margin must be None for loss='softmax'"),
        ({"loss": "triplet", "margin": 0}, X, WHO, "margin must be greater than 0"),
        ({"loss": "contrastive", "margin": -1}, X, WHO, "margin must be greater than 0"),
        ({"loss": "triplet", "batch_size": 7}, X, WHO, "batch_size must be at least 8 for loss='triplet', two people"),
        ({"choice": "easy"}, X, WHO, "choice must be one of"),
        ({"solver": "lbfgs"}, X, WHO, "solver must be one of 'adam', 'sgd'"),
        ({"n_components": 17}, X, WHO, "n_components=17 must be at most the number of features of X, 16"),
        ({"n_components": 0}, X, WHO, "n_components must be at least 1"),
        ({"n_hidden": -1}, X, WHO, "n_hidden must be at least 0"),
        ({"batch_size": "many"}, X, WHO, "batch_size must be an integer"),
        ({"learning_rate": 0}, X, WHO, "learning_rate must be greater than 0"),
        ({"alpha": -1.0}, X, WHO, "alpha must be at least 0"),
        ({"validation_fraction": 1.0}, X, WHO, "validation_fraction must be at most 0.9"),
        ({"early_stopping": 1}, X, WHO, "early_stopping must be True or False"),
        ({"verbose": -1}, X, WHO, "verbose must be at least 0"),
        ({"loss": "softmax", "solver": "sgd", "learning_rate": 1e6}, X, WHO, "training diverged in epoch"),
    ],
)
def test_bad_input(options: dict[str, Any], x: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MarginHead(**options).fit(x, y)


def test_scores_of_strangers_need_a_label_each() -> None:
    head = MarginHead(max_iter=1).fit(X, WHO)
    with pytest.raises(ValueError, match="y has 239 entries and X has 240 rows"):
        head.score(X, WHO[:-1])
    assert head.score(X[:1], WHO[:1]) == 1.0
    assert head.score(X, WHO.astype(float)) == pytest.approx(head.score(X, WHO.astype(str)), rel=1e-12)
    untrained = MarginHead(learning_rate=1e-9, max_iter=1).fit(X.astype(float), WHO)
    untrained.intercept_ = np.zeros(16)
    zero = X.astype(float)
    zero[5] = 0
    assert not untrained.transform(zero)[5].any()
    with pytest.raises(ValueError, match="the head maps row 5 to zero"):
        untrained.score(zero, WHO)


def test_the_functions_do_without_scikit_learn() -> None:
    code = (
        "import sys, numpy as np, pyface\n"
        "pyface.losses.arcface(np.eye(2), [0, 1], np.eye(2))\n"
        "assert 'MarginHead' in dir(pyface.losses)\n"
        "sys.exit('sklearn' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'marginhead'"):
        pyface.losses.marginhead  # noqa: B018


def test_strings_among_numbers_are_no_people() -> None:
    x, who = people(0)
    head = MarginHead(**FAST | {"max_iter": 1}).fit(x, who.tolist())
    for call in (MarginHead(**FAST).fit, head.score):
        with pytest.raises(TypeError, match="y must be all integers or all strings, not a mixture"):
            call(x, ["a", *who[1:].tolist()])
    with pytest.raises(ValueError, match="y has one class, 'a';"):
        MarginHead(**FAST).fit(x, ["a"] * len(x))


def test_nothing_can_be_judged_by_people_with_one_row_each() -> None:
    with pytest.warns(UserWarning, match="y: no two of the 60 rows that are judged are one person"):
        MarginHead(**FAST | {"max_iter": 1}).fit(people(0)[0][:60], np.arange(60))
