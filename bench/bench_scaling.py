"""Time against the number of rows: how far from its square?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench_dbscan import DBSCAN
from bench_neighbors import WITHIN
from contest import Bars, Work

ROWS = (5_000, 10_000, 20_000, 40_000, 80_000)
QUICK_ROWS = (1_000, 2_000, 4_000)


def growing(work: Work) -> Work:
    """pyface's part of a work, at every size."""
    return replace(
        work,
        key=f"{work.key}-scaling",
        contenders=(replace(work.contenders[0], rounds=3),),
        sizes=tuple(("synthetic", n) for n in ROWS),
        quick_sizes=tuple(("synthetic", n) for n in QUICK_ROWS),
        bars=Bars(slope=2.05),
    )


WORKS = [growing(WITHIN), growing(DBSCAN)]


def test_row(case: Any, measure: Any) -> None:
    measure(case)
