"""The threshold for a rate of false positives: exact on what it is fitted to, and kept on others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import gallery as oracle
from scipy.stats import beta

from pyface.gallery import Gallery


def line(*places: float) -> Gallery:
    """One person at 0 on a line: a stranger at x is at the distance x."""
    gallery = Gallery("made-up", metric="euclidean", threshold=1.0)
    gallery.enroll("Ann", np.array([[0.0]]))
    for i, place in enumerate(places):
        gallery.enroll(f"p{i}", np.array([[place]]))
    return gallery


def column(values: object) -> np.ndarray:
    return np.asarray(values, np.float64).reshape(-1, 1)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40), st.floats(0.001, 1.0))
def test_the_threshold_is_the_largest_order_statistic_that_meets_the_rate(places: list[int], fpir: float) -> None:
    gallery = line()
    if fpir * len(places) < 0.999:
        with pytest.raises(ValueError, match="needs"):
            gallery.calibrate(column(places), fpir)
        assert gallery.threshold == 1.0 and gallery.calibration is None
        return
    if sum(i / len(places) <= fpir for i in range(1, len(places) + 1)) == 0:
        return
    fit = gallery.calibrate(column(places), fpir)
    expected = oracle.threshold_for(places, fpir)
    assert fit.threshold == (np.nextafter(min(places), 0) if expected is None else expected)
    assert fit.fpir == sum(place <= fit.threshold for place in places) / len(places) <= fpir
    assert gallery.threshold == fit.threshold and gallery.calibration is fit
    accepted = [name is not None for name in gallery.identify(column(places)).names]
    assert np.mean(accepted) == fit.fpir
    assert fit.low <= fit.fpir <= fit.high or expected is None


def test_too_few_strangers_is_an_error_with_the_number_needed() -> None:
    gallery = line()
    for fpir, needed in ((0.01, "100"), (0.001, "1,000"), (0.003, "334"), (1 / 3, "3")):
        number = int(needed.replace(",", ""))
        message = f"an FPIR of {fpir:g} needs {needed} faces of strangers at least, got {number - 1:,}"
        with pytest.raises(ValueError, match=message):
            gallery.calibrate(column(np.arange(1, number)), fpir)
        assert gallery.calibrate(column(np.arange(1, number + 1)), fpir).fpir == 1 / number
    with pytest.raises(ValueError, match=r"impostors has no rows; an FPIR of 0\.01 needs 100 at least"):
        gallery.calibrate(column([]))


def test_bad_input() -> None:
    gallery = line()
    x = column(np.arange(1, 201))
    for call, message in (
        (lambda: gallery.calibrate(np.r_[x, column([0])]), "row 200 is a face that 'Ann' is enrolled with"),
        (lambda: gallery.calibrate(x, 0.0), "fpir must be greater than 0"),
        (lambda: gallery.calibrate(x, 1.5), "fpir must be at most 1"),
        (lambda: gallery.calibrate(np.c_[x, x]), "impostors must have 1 columns"),
        (
            lambda: gallery.calibrate(x, labels=[1, 2]),
            "labels must have one entry for each row of impostors, 200, got 2",
        ),
        (lambda: gallery.calibrate(x, labels=["a"] * 200), "needs two of them at least"),
        (lambda: gallery.calibrate(x, confidence=1.0), "confidence must be less than 1"),
        (lambda: Gallery("sface").calibrate(np.ones((200, 4))), "the gallery is empty"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert gallery.threshold == 1.0 and gallery.calibration is None


def test_the_interval_is_that_of_the_order_statistic() -> None:
    """Beta(a, m - a + 1), which SciPy's distribution says, too; and what others meet lies in it as often as it says."""
    random = np.random.default_rng(0)
    fit = line().calibrate(column(random.random(400)), 0.05, confidence=0.9)
    assert (fit.low, fit.high) == pytest.approx(beta.interval(0.9, 20, 381))
    inside, met = 0, []
    for _ in range(400):
        # Of a stranger to come, who is anywhere in (0, 1), the threshold is the rate.
        fit = line().calibrate(column(random.random(200)), 0.05, confidence=0.9)
        inside += fit.low <= fit.threshold <= fit.high
        met.append(fit.threshold)
    assert 0.86 < inside / 400 < 0.94
    assert np.mean(met) == pytest.approx(10 / 201, abs=0.003)


def test_people_are_drawn_where_some_have_several_faces() -> None:
    """Twenty faces of each: hardly more is known than from one of each."""
    random = np.random.default_rng(1)
    places = random.random(100)
    people = np.repeat(np.arange(100), 20)
    rows = column(places[people] + 1e-6 * random.random(2000))
    alone = line().calibrate(column(places), 0.1)
    drawn = line().calibrate(rows, 0.1, labels=people)
    every = line().calibrate(rows, 0.1)
    widths = [fit.high - fit.low for fit in (alone, drawn, every)]
    assert widths[1] > 3 * widths[2] and widths[1] == pytest.approx(widths[0], rel=0.35)
    assert line().calibrate(rows, 0.1, labels=people) == drawn
    assert line().calibrate(rows, 0.1, labels=[f"p{i:03}" for i in people]) == drawn


def test_what_was_fitted_is_forgotten_with_another_threshold_or_rule() -> None:
    gallery = line(5.0)
    fit = gallery.calibrate(column(np.linspace(6, 9, 100)), 0.05)
    assert (fit.n_names, fit.n_faces, fit.n_impostors) == (2, 2, 100)
    gallery.enroll("Bob", np.array([[50.0]]))
    assert gallery.calibration is fit
    for name, value in (("threshold", 0.3), ("rule", "mean"), ("votes", 3)):
        gallery.calibrate(column(np.linspace(6, 9, 100)), 0.05)
        setattr(gallery, name, value)
        assert gallery.calibration is None
