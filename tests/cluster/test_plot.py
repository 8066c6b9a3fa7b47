"""The picture of a tree: what is on it, not how it looks."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra 'plot' is not installed")
import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

import pyface
from pyface.cluster import plot_dendrogram
from pyface.errors import MissingExtraError


@pytest.fixture(autouse=True)
def closed() -> object:
    yield
    plt.close("all")


def names(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_xticklabels()]


def tops(ax: Axes) -> list[float]:
    """Heights of the merges drawn."""
    return sorted(float(path[:, 1].max()) for lines in ax.collections for path in lines.get_segments())


def test_a_whole_tree() -> None:
    z = np.array([[0, 1, 1, 2.0], [2, 3, 2, 2], [4, 5, 3, 4]])
    ax = plot_dendrogram(z)
    assert sorted(names(ax)) == ["0", "1", "2", "3"]
    assert tops(ax) == [1, 2, 3] and ax.get_ylim() == (0.0, pytest.approx(3.15))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("row", "height") and not ax.lines


@pytest.mark.parametrize("n_leaves", [2, 7, 30, 59, 60, 500])
def test_the_top_of_a_tree(n_leaves: int) -> None:
    z = pyface.linkage(np.random.default_rng(0).normal(size=(60, 5)))
    ax = plot_dendrogram(z, n_leaves=n_leaves)
    shown = min(n_leaves, 60)
    assert tops(ax) == pytest.approx(z[60 - shown :, 2])
    labels = pyface.cut(z, n_clusters=shown)
    wanted = []
    for cluster in range(shown):
        rows = np.flatnonzero(labels == cluster)
        wanted.append(str(rows[0]) if len(rows) == 1 else f"({len(rows)})")
    assert sorted(names(ax)) == sorted(wanted)
    assert ax.get_xlabel() == ("row" if shown == 60 else f"{shown} clusters of 60 rows")


def test_the_threshold() -> None:
    z = np.array([[0, 1, 1, 2.0], [2, 3, 2, 2], [4, 5, 3, 4]])
    ax = plot_dendrogram(z, threshold=2.0)
    assert [line.get_ydata()[0] for line in ax.lines] == [2.0]
    above = [
        float(path[:, 1].max())
        for lines in ax.collections
        for path in lines.get_segments()
        if tuple(lines.get_color()[0]) == to_rgba("black")
    ]
    assert above == [3.0]  # merged at the threshold is merged
    assert plot_dendrogram(z, threshold=9.0).get_ylim()[1] > 9


def test_an_axes_of_the_caller() -> None:
    _, (left, right) = plt.subplots(1, 2)
    assert plot_dendrogram(np.array([[0, 1, 1, 2.0]]), ax=left) is left
    assert names(left) == ["0", "1"] and not right.collections
    assert len(plt.get_fignums()) == 1


def test_trees_of_no_height_and_deep_ones() -> None:
    assert plot_dendrogram(pyface.linkage(np.ones((5, 2)))).get_ylim() == (0.0, 1.0)
    n = 100_000
    ids = np.arange(n - 1.0)
    chain = np.column_stack([np.append(0, ids[1:] + 1), np.append(1, ids[1:] + n - 1), ids, ids + 2])
    chain[:, :2].sort(axis=1)
    ax = plot_dendrogram(chain, n_leaves=500)
    assert f"({n - 499:,})" in names(ax) and str(n - 1) in names(ax)


def test_what_cannot_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    z = np.array([[0, 1, 1, 2.0]])
    with pytest.raises(ValueError, match="at least one merge"):
        plot_dendrogram(np.empty((0, 4)))
    with pytest.raises(ValueError, match="row 1 merges below row 0; a tree with inversions"):
        plot_dendrogram(np.array([[0, 1, 2, 2.0], [2, 3, 1, 3]]))
    with pytest.raises(ValueError, match="n_leaves must be at most 500"):
        plot_dendrogram(z, n_leaves=501)
    with pytest.raises(ValueError, match="threshold must be at least 0"):
        plot_dendrogram(z, threshold=-1)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"matplotlib could .*'pyface-toolkit\[plot\]'"):
        plot_dendrogram(z)
