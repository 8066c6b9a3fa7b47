"""Pictures of how well faces are told apart: scores by threshold, ROC and DET. Matplotlib is loaded at the first call.

Figures are drawn without pyplot, so that no window opens and no setting of a program that draws, too, is touched.
"""

from __future__ import annotations

import io
import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from pyface.album.pair_scores import RATES, Rates
from pyface.album.threshold_curve import ThresholdCurve
from pyface.errors import require_extra
from pyface.metrics.verification import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FORMATS", "draw_pair_curves", "draw_score_curves", "picture_format"]

FORMATS = ("png", "svg", "pdf")
_DPI = 150
# Lines of more points become pixels in an SVG or a PDF, which would be tens of megabytes.
_MOST_POINTS = 20_000
_PRECISION, _RECALL, _F, _CURVE, _MARK = "tab:blue", "tab:orange", "black", "tab:blue", "tab:red"
_METRICS = {
    "cosine": "cosine distance",
    "euclidean": "Euclidean distance",
    "sqeuclidean": "squared Euclidean distance",
}


def picture_format(path: str | os.PathLike[str]) -> str:
    """The one of :data:`FORMATS` that the ending of a file says. Asked before any work is done for a picture.

    ValueError for other endings; MissingExtraError without Matplotlib.
    """
    name = os.fspath(path)
    ending = os.path.splitext(name)[1].lower().removeprefix(".")
    if ending not in FORMATS:
        raise ValueError(f"{name}: a picture must end in {', '.join('.' + f for f in FORMATS[:-1])} or .{FORMATS[-1]}")
    require_extra("matplotlib", "plot")
    return ending


def draw_score_curves(
    curve: ThresholdCurve, rates: Rates, *, scores: tuple[float, float, float], image_format: str
) -> bytes:
    """Two panels: BCubed precision, recall and F by threshold, and the ROC of all pairs of faces.

    rates : without intervals. scores : BCubed precision, recall and F of the clusters, marked at their threshold.
    Returns the file's bytes; the same for the same curves.
    """
    figure, (left, right) = _figure()
    _draw_scores(left, curve, scores)
    _draw_roc(right, rates)
    return _bytes(figure, image_format)


def draw_pair_curves(rates: Rates, *, image_format: str) -> bytes:
    """Two panels, ROC and DET of listed pairs. Intervals are drawn as bars. Returns the file's bytes."""
    figure, (left, right) = _figure()
    _draw_roc(left, rates)
    _draw_det(right, rates)
    return _bytes(figure, image_format)


def _figure() -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.8), layout="constrained")
    axes = figure.subplots(1, 2)
    for ax in axes:
        ax.grid(True, color="0.9")
        ax.set_axisbelow(True)
    return figure, axes


def _bytes(figure: Figure, image_format: str) -> bytes:
    import matplotlib as mpl

    data = io.BytesIO()
    # A date and random names would make every file another one.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(image_format, {})
    with mpl.rc_context({"svg.hashsalt": "pyface"}):
        figure.savefig(data, format=image_format, dpi=_DPI, metadata=metadata)
    return data.getvalue()


def _draw_scores(ax: Axes, curve: ThresholdCurve, scores: tuple[float, float, float]) -> None:
    end = 1.05 * max(float(curve.heights[-1]), curve.best, curve.threshold or 0.0) or 1.0
    heights = np.append(curve.heights, end)
    lines = (("precision", curve.precision, _PRECISION), ("recall", curve.recall, _RECALL), ("F", curve.f, _F))
    for name, values, colour in lines:
        ax.step(
            heights, np.append(values, values[-1]), where="post", color=colour, label=name,
            linewidth=2 if name == "F" else 1.4, rasterized=len(heights) > _MOST_POINTS,
        )  # fmt: skip
    best = f"best F {curve.best_f:.4f} at {curve.best:.4g}"
    ax.plot(curve.best, curve.best_f, "*", color=_MARK, markersize=12, markeredgecolor="white", label=best, zorder=4)
    if curve.threshold is not None:
        words = f"as clustered: F {scores[2]:.4f} at {curve.threshold:.4g}"
        ax.axvline(curve.threshold, color="0.35", linestyle="--", linewidth=1, label=words)
        for value, (_, _, colour) in zip(scores, lines, strict=True):
            ax.plot(curve.threshold, value, "o", color=colour, markersize=5, zorder=3)
    ax.set_xlim(0.0, end)
    ax.set_ylim(0.0, 1.03)
    ax.set_xlabel(f"threshold, {_METRICS[curve.metric]}")
    ax.set_ylabel("BCubed score")
    ax.set_title(f"Scores by threshold, {curve.linkage} linkage")
    ax.legend(loc="best")


def _lowest_rate(n: int) -> float:
    """The power of ten that a logarithmic axis of rates begins at: those below that of one pair are drawn there."""
    return float(10.0 ** min(-4, math.floor(math.log10(1.0 / n))))  # what is marked at 1e-3 lies inside


def _draw_roc(ax: Axes, rates: Rates) -> None:
    roc, lowest = rates.curve, _lowest_rate(rates.n_different)
    far = np.maximum(roc.far, lowest)
    ax.step(far, roc.tar, where="post", color=_CURVE, linewidth=2, rasterized=len(far) > _MOST_POINTS)
    bottom = float(roc.tar[np.searchsorted(roc.far, lowest, side="right") - 1])
    for rate, tar, mark in zip(RATES, rates.tar, "so", strict=True):
        value, low, high = tar if isinstance(tar, Interval) else (tar, tar, tar)
        bottom = min(bottom, low)
        ax.plot(rate, value, mark, color=_MARK, markersize=6, zorder=3, label=f"TAR {value:.4f} at FAR {rate:g}")
        ax.vlines(rate, low, high, color=_MARK, linewidth=1.5)
    equal = rates.equal_error.value if isinstance(rates.equal_error, Interval) else rates.equal_error
    bottom = min(bottom, 1 - equal)
    ax.plot(max(equal, lowest), 1 - equal, "D", color=_F, markersize=5, zorder=3, label=_equal_in_words(equal))
    ax.set_xscale("log")
    ax.set_xlim(lowest, 1.0)
    # What is interesting lies near 1 for a good embedder, and anywhere for a bad one.
    ax.set_ylim(max(0.0, 1 - 1.4 * (1 - bottom) - 0.005), 1 + 0.05 * (1 - bottom) + 0.001)
    ax.set_xlabel("false accept rate (FAR)")
    ax.set_ylabel("true accept rate (TAR)")
    ax.set_title(f"ROC, {rates.n_same:,} pairs of one person and {rates.n_different:,} of two")
    ax.legend(loc="lower right")


def _draw_det(ax: Axes, rates: Rates) -> None:
    roc, lowest = rates.curve, _lowest_rate(rates.n_different)
    frr = 1.0 - roc.tar
    floor = _lowest_rate(rates.n_same)
    ax.step(
        np.maximum(roc.far, lowest), np.maximum(frr, floor), where="post", color=_CURVE, linewidth=2,
        rasterized=len(frr) > _MOST_POINTS,
    )  # fmt: skip
    equal = rates.equal_error.value if isinstance(rates.equal_error, Interval) else rates.equal_error
    ends = [max(lowest, floor), 1.0]
    ax.plot(ends, ends, color="0.6", linestyle=":", linewidth=1, label="FAR = FRR")
    ax.plot(max(equal, lowest), max(equal, floor), "D", color=_F, markersize=5, zorder=3, label=_equal_in_words(equal))
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(lowest, 1.0)
    ax.set_ylim(floor, 1.0)
    ax.set_xlabel("false accept rate (FAR)")
    ax.set_ylabel("false reject rate (FRR)")
    ax.set_title("DET")
    ax.legend(loc="upper right")


def _equal_in_words(equal: float) -> str:
    return f"equal error rate {equal:.4f}"
