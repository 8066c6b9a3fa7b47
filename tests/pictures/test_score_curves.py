"""Pictures of scores and rates: what is on them, not how it looks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra 'plot' is not installed")

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pyface.album.pair_scores import Rates
from pyface.album.threshold_curve import ThresholdCurve
from pyface.metrics.verification import Interval, Roc
from pyface.pictures import score_curves
from pyface.pictures.score_curves import draw_pair_curves, draw_score_curves, picture_format

CURVE = ThresholdCurve(
    heights=np.array([0.0, 0.2, 0.5, 0.9]),
    precision=np.array([1.0, 1.0, 0.75, 0.5]),
    recall=np.array([0.25, 0.5, 0.75, 1.0]),
    f=np.array([0.4, 2 / 3, 0.75, 2 / 3]),
    linkage="average",
    metric="cosine",
    best=0.7,
    best_f=0.75,
    threshold=0.4,
    at_threshold=(1.0, 0.5, 2 / 3),
)
ROC = Roc(np.array([0, 0, 0.004, 0.5, 1]), np.array([0, 0.8, 0.9, 0.9, 1]), np.array([-np.inf, 0.1, 0.2, 0.3, 0.4]))
RATES = Rates(n_same=10, n_different=250, tar=(0.9, 0.8), equal_error=0.1, curve=ROC)


@pytest.fixture
def ax() -> Axes:
    return Figure().subplots()


def labels(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def steps(ax: Axes) -> list[tuple[list[float], list[float]]]:
    lines = [line for line in ax.get_lines() if line.get_drawstyle() == "steps-post"]
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in lines]


def marks(ax: Axes) -> list[tuple[float, float]]:
    points = [line for line in ax.get_lines() if line.get_linestyle() == "None"]
    return [(float(np.ravel(line.get_xdata())[0]), float(np.ravel(line.get_ydata())[0])) for line in points]


def test_scores_by_threshold(ax: Axes) -> None:
    score_curves._draw_scores(ax, CURVE, (1.0, 0.5, 2 / 3))
    ends = pytest.approx([0.0, 0.2, 0.5, 0.9, 1.05 * 0.9])
    for (x, y), values in zip(steps(ax), (CURVE.precision, CURVE.recall, CURVE.f), strict=True):
        assert x == ends and y == [*values, values[-1]]
    assert labels(ax) == ["precision", "recall", "F", "best F 0.7500 at 0.7", "as clustered: F 0.6667 at 0.4"]
    assert (ax.get_xlabel(), ax.get_title()) == ("threshold, cosine distance", "Scores by threshold, average linkage")
    assert sorted(marks(ax)) == [(0.4, 0.5), (0.4, 2 / 3), (0.4, 1.0), (0.7, 0.75)]


def test_clusters_without_a_threshold(ax: Axes) -> None:
    score_curves._draw_scores(ax, replace(CURVE, threshold=None, at_threshold=None), (1.0, 0.5, 2 / 3))
    assert labels(ax)[3:] == ["best F 0.7500 at 0.7"]


def test_equal_faces_have_an_axis_all_the_same(ax: Axes) -> None:
    one = np.array([1.0])
    same = replace(
        CURVE, heights=np.zeros(1), precision=one, recall=one, f=one, best=5e-324, best_f=1.0, threshold=None
    )
    score_curves._draw_scores(ax, same, (1.0, 1.0, 1.0))
    assert ax.get_xlim()[1] > 0


def test_rates(ax: Axes) -> None:
    score_curves._draw_roc(ax, RATES)
    # Rates of 0 have no place on a logarithmic axis; they are at its beginning.
    assert steps(ax) == [([1e-4, 1e-4, 0.004, 0.5, 1.0], [0, 0.8, 0.9, 0.9, 1])]
    assert (ax.get_xscale(), ax.get_xlim()) == ("log", (1e-4, 1.0))
    assert marks(ax) == [(1e-2, 0.9), (1e-3, 0.8), (0.1, 0.9)]
    assert labels(ax) == ["TAR 0.9000 at FAR 0.01", "TAR 0.8000 at FAR 0.001", "equal error rate 0.1000"]
    assert ax.get_title() == "ROC, 10 pairs of one person and 250 of two"
    low, high = ax.get_ylim()
    assert low < 0.8 and high > 1


def test_intervals_are_bars(ax: Axes) -> None:
    tar = (Interval(0.9, 0.7, 0.95), Interval(0.8, 0.6, 0.85))
    score_curves._draw_roc(ax, replace(RATES, tar=tar, equal_error=Interval(0.1, 0.05, 0.2)))
    bars = [path.tolist() for lines in ax.collections for path in lines.get_segments()]
    assert bars == [[[1e-2, 0.7], [1e-2, 0.95]], [[1e-3, 0.6], [1e-3, 0.85]]]
    assert labels(ax)[2] == "equal error rate 0.1000" and ax.get_ylim()[0] < 0.6


def test_det(ax: Axes) -> None:
    score_curves._draw_det(ax, RATES)
    ((x, y),) = steps(ax)
    assert x == [1e-4, 1e-4, 0.004, 0.5, 1.0] and y == pytest.approx([1, 0.2, 0.1, 0.1, 1e-4])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert marks(ax) == [(0.1, 0.1)]


def test_the_same_curves_make_the_same_file() -> None:
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    for form, begins in (("svg", b"<?xml"), ("pdf", b"%PDF")):
        one, other = (draw_score_curves(CURVE, RATES, scores=(1.0, 0.5, 2 / 3), image_format=form) for _ in range(2))
        assert one == other and one.startswith(begins)
    assert draw_pair_curves(RATES, image_format="png").startswith(b"\x89PNG")
    assert pyplot.get_fignums() == before


def test_long_lines_become_pixels(ax: Axes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_curves, "_MOST_POINTS", 4)
    score_curves._draw_roc(ax, RATES)
    assert ax.get_lines()[0].get_rasterized() is True


def test_endings() -> None:
    assert [picture_format(name) for name in ("a.png", Path("b/c.SVG"), "d.e.pdf")] == ["png", "svg", "pdf"]
    for name in ("a.jpg", "png", "a.", ".png", "a.png/"):
        with pytest.raises(ValueError, match=r"a picture must end in \.png, \.svg or \.pdf$"):
            picture_format(name)
