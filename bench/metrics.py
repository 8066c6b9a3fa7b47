"""Scores of clusters beside scikit-learn's: a million rows with the truth, vectors without it, and what they agree to.

    python bench/metrics.py [quick]

Ours first, then scikit-learn's on the same labels and rows, with the same number of threads; the least of several
rounds counts. Results are compared each time.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import sklearn
from common import least, machine
from numpy.typing import NDArray

from pyface import metrics
from pyface.metrics import _information, _sets
from pyface.metrics._contingency import contingency

Labels = NDArray[np.int64]


def row(what: str, n: str, own: float, peer: float | None, asked: str, holds: bool | None, note: str = "") -> None:
    ratio = f"{peer / own:,.1f}" if peer else ""
    verdict = "" if holds is None else f"{asked}: {'met' if holds else '**missed**'}"
    print(f"| {what} | {n} | {own:.4g} | {f'{peer:.4g}' if peer else ''} | {ratio} | {verdict} | {note} |", flush=True)


def labellings(n: int, k: int, uniform: bool) -> tuple[Labels, Labels]:
    """A truth of up to k people, alike in size or with a long tail, and clusters with 30 % of the rows elsewhere."""
    rng = np.random.default_rng(n)
    true = rng.integers(0, k, n) if uniform else rng.zipf(1.4, n) % k
    return true, np.where(rng.random(n) < 0.3, rng.integers(0, k, n), true)


def people(n: int, k: int, d: int) -> tuple[NDArray[np.float32], Labels]:
    """Unit rows of k people, cosine 0.55 within one."""
    rng = np.random.default_rng(n)
    centers = rng.standard_normal((k, d), np.float32) / np.sqrt(d)
    labels = rng.integers(0, k, n)
    x = np.sqrt(0.55) * centers[labels] + np.sqrt(0.45 / d) * rng.standard_normal((n, d), np.float32)
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), labels


def without_ami(true: Labels, pred: Labels) -> None:
    """What ``evaluate`` does, but for AMI."""
    table = contingency(true, pred)
    pairs = _sets.pair_counts(table)
    _sets.purity(table), _sets.inverse_purity(table), _sets.rand(pairs), _sets.adjusted_rand(pairs)
    _sets.pair_scores(pairs, 1.0), _sets.fowlkes_mallows(pairs), _sets.bcubed_scores(table, 1.0)
    _information.normalized(table, "arithmetic"), _information.homogeneity_completeness(table)


def with_the_truth(quick: bool) -> None:
    n = 100_000 if quick else 1_000_000
    for kind in ("uniform", "long tail"):
        true, pred = labellings(n, n // 10, kind == "uniform")
        size = f"{n:,}, {len(np.unique(true)):,} and {len(np.unique(pred)):,} groups, {kind}"
        seconds, _ = least(lambda true=true, pred=pred: without_ami(true, pred), 5)
        row("all scores without AMI", size, seconds, None, "≤ 0.5 s", None if quick else seconds <= 0.5)
        seconds, _ = least(lambda true=true, pred=pred: metrics.evaluate(true, pred), 5)
        row("`evaluate`, all scores", size, seconds, None, "≤ 1.5 s", None if quick else seconds <= 1.5)
    seconds, _ = least(lambda: metrics.bootstrap_intervals(true, pred, n_bootstrap=100), 1)
    row("`bootstrap_intervals`, 100 samples", size, seconds, None, "", None)
    true, pred = labellings(20_000, 2_000, True)
    own, ours = least(lambda: metrics.adjusted_mutual_info_score(true, pred), 20)
    peer, theirs = least(lambda: sklearn.metrics.adjusted_mutual_info_score(true, pred), 1)
    note = f"differ by {abs(ours - theirs):.1e}"
    row("AMI", "20,000, 2,000 groups", own, peer, "≥ 100", peer >= 100 * own, note)


def without_the_truth(quick: bool) -> None:
    n, k, d = (2_000, 200, 512) if quick else (10_000, 1_000, 512)
    x, labels = people(n, k, d)
    size = f"{n:,} x {d}, {k:,} clusters"
    for metric, asked in (("cosine", 20), ("euclidean", None)):
        own, ours = least(lambda metric=metric: metrics.silhouette_score(x, labels, metric=metric), 9 if asked else 2)
        peer, theirs = least(lambda metric=metric: sklearn.metrics.silhouette_score(x, labels, metric=metric), 2)
        holds = None if quick or asked is None else peer >= asked * own
        row(f"silhouette, {metric}", size, own, peer, f"≥ {asked}", holds, f"differ by {abs(ours - theirs):.1e}")
    for name in ("davies_bouldin_score", "calinski_harabasz_score"):
        own, ours = least(lambda name=name: getattr(metrics, name)(x, labels), 5)
        peer, theirs = least(lambda name=name: getattr(sklearn.metrics, name)(x, labels), 2)
        row(f"`{name}`", size, own, peer, "", None, f"differ by {abs(ours - theirs) / theirs:.1e} of it")
    own, _ = least(lambda: metrics.dunn_score(x, labels, metric="cosine"), 2)
    row("`dunn_score`, cosine", size, own, None, "", None)
    if quick:
        return
    x, labels = people(100_000, 10_000, d)
    before = resident(forget=True)
    own, _ = least(lambda: metrics.silhouette_score(x, labels, metric="cosine"), 1)
    peak = resident() - before if before else 0
    memory = f"{peak / x.nbytes:.2f} X of memory beside X" if before else ""
    holds = peak <= 2 * x.nbytes if before else None
    row("silhouette, cosine", f"100,000 x {d}, 10,000 clusters", own, None, "≤ 2 X", holds, memory)


def resident(*, forget: bool = False) -> int:
    """Most bytes that were resident, of now on if ``forget``; 0 where nobody tells (Linux does)."""
    try:
        if forget:
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))


def main() -> None:
    quick = "quick" in sys.argv[1:]
    print(f"{machine()}, NumPy {np.__version__}, scikit-learn {sklearn.__version__}")
    print("\n| what | n | pyface, s | scikit-learn, s | ratio | asked for | |\n|---|---|---|---|---|---|---|")
    with_the_truth(quick)
    without_the_truth(quick)


if __name__ == "__main__":
    main()
