"""One Markdown table and one plot of what ``rows.jsonl`` holds.

    python bench/table.py [folder of the results]

Of each group the newest run counts, so that parts can be measured one by one; runs of another machine, instruction set
or number of threads than the newest are left out.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

Record = dict[str, Any]

ROWS, TABLE, PLOT = "rows.jsonl", "engine.md", "engine.png"
COLUMNS = [
    "work",
    "data",
    "n x d",
    "by",
    "threads",
    "seconds",
    "times pyface's",
    "rate",
    "of the ceiling",
    "memory, MB",
]
RATE_UNITS = {"float32": "GFLOP/s", "codes": "GOP/s"}
SCALING = "-scaling"
UNDISTURBED = 0.9  # of the ceiling's highest reading, on registers


def read(folder: Path) -> list[Record]:
    with (folder / ROWS).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def state(run: Record) -> tuple[Any, ...]:
    return run["machine"], run["isa"], run.get("peers_held_to_avx2", False), run["threads"], run["quick"]


def select(records: list[Record]) -> tuple[list[Record], list[list[Record]], list[Record]]:
    """The runs that count, newest last; their rows, group by group, pyface's first; what is missing in them."""
    runs = {record["run"]: record for record in records if record["kind"] == "run"}
    newest = runs[max(runs)]
    alike = {name for name, run in runs.items() if state(run) == state(newest)}
    newest_of: dict[str, str] = {}
    for record in records:
        if record["run"] in alike and record.get("own"):
            newest_of[record["group"]] = max(newest_of.get(record["group"], ""), record["run"])
    groups: dict[str, list[Record]] = {}
    missing = []
    for record in records:
        if record["kind"] == "run" or newest_of.get(record["group"]) != record["run"]:
            continue
        if record["kind"] == "row":
            groups.setdefault(record["group"], []).append(record)
        else:
            missing.append(record)
    used = sorted({row["run"] for rows in groups.values() for row in rows} | {newest["run"]})
    whole = [sorted(rows, key=lambda row: not row["own"]) for rows in groups.values()]
    return [runs[name] for name in used], [rows for rows in whole if rows[0]["own"]], missing


def slopes(groups: Iterable[list[Record]]) -> dict[str, float]:
    """By work: the exponent p of time = c n^p that fits best in logarithms."""
    points: dict[str, list[tuple[int, float]]] = {}
    for rows in groups:
        if rows[0]["work"].endswith(SCALING):
            points.setdefault(rows[0]["work"], []).append((rows[0]["n"], rows[0]["seconds"]))
    return {work: slope(found) for work, found in points.items() if len(found) > 1}


def slope(points: list[tuple[int, float]]) -> float:
    n, seconds = np.log(np.array(points, float)).T
    return float(np.polyfit(n, seconds, 1)[0])


def digits(x: float, count: int = 3) -> str:
    """A few significant digits, never in powers of ten."""
    return f"{x:.{max(0, count - 1 - math.floor(math.log10(x)))}f}" if x > 0 else "0"


MISSED = "**missed**"
MADE = ("synthetic", "lfw-mixed")  # data on which rows are judged


def verdict(asked: str, measured: str, holds: bool) -> str:
    return f"{asked}, measured {measured}: {'met' if holds else MISSED}"


def asked_of_own(row: Record, share: float, exponent: float | None) -> list[str]:
    bars = row["bars"]
    found = []
    if bars.get("share"):
        found.append(verdict(f"≥ {bars['share']:.0%} of the ceiling", f"{share:.1%}", share >= bars["share"]))
    if bars.get("seconds"):
        found.append(verdict(f"≤ {bars['seconds']:g} s", digits(row["seconds"]), row["seconds"] <= bars["seconds"]))
    if bars.get("memory_of_x") and "memory" in row:
        sizes = row["memory"] / row["x"]
        found.append(verdict(f"≤ {bars['memory_of_x']:g} X", f"{sizes:.2f}", sizes <= bars["memory_of_x"]))
    if bars.get("total_mb") and "total" in row:
        found.append(
            verdict(f"≤ {bars['total_mb']:,g} MB in all", f"{row['total']:,.0f}", row["total"] <= bars["total_mb"])
        )
    if bars.get("slope") and exponent is not None:
        found.append(verdict(f"slope ≤ {bars['slope']:g}", f"{exponent:.3f}", exponent <= bars["slope"]))
    return found


def memory_of(row: Record) -> str:
    if "memory" not in row:
        return ""
    text = f"{row['memory']:,.0f}"
    return f"{text} = {row['memory'] / row['x']:.2f} X; {row['total']:,.0f} in all" if row["own"] else text


def table(runs: list[Record], groups: list[list[Record]]) -> list[str]:
    columns = [*COLUMNS, f"asked on {runs[-1]['isa']}"]
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    exponents = slopes(groups)
    largest = {rows[0]["work"]: max(r[0]["n"] for r in groups if r[0]["work"] == rows[0]["work"]) for rows in groups}
    by_name = {run["run"]: run for run in runs}
    for rows in groups:
        own = rows[0]
        run = by_name[own["run"]]
        # What is asked depends on the instruction set (run.py), and is asked at full size, on made data.
        judged = own["source"] in MADE and not run["quick"]
        tops = {**own["peak"], "float32": max(own["peak"]["float32"], run["gemm"])}
        for row in rows:
            unit = row["unit"] if row["own"] else "float32"  # which is what peers compute in
            top = tops[unit]
            rate = row["operations"] / row["seconds"] / 1e9
            ratio = row["seconds"] / own["seconds"]
            asked = []
            if judged and row["own"]:
                is_last = row["n"] == largest[row["work"]]
                asked = asked_of_own(row, rate / top, exponents.get(row["work"]) if is_last else None)
            elif judged and row["at_least"]:
                asked = [verdict(f"≥ {row['at_least']:.3g}", digits(ratio), ratio >= row["at_least"])]
            cells = [
                row["title"],
                row["source"],
                f"{row['n']:,} x {row['d']}",
                row["contender"] + (f" ({row['note']})" if row["note"] else ""),
                str(row["threads"]),
                digits(row["seconds"]),
                "" if row["own"] else digits(ratio),
                f"{rate:,.0f} {RATE_UNITS[unit]}" if rate else "",
                f"{rate / top:.0%}" if rate else "",
                memory_of(row),
                "; ".join(asked),
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def bars_met(rows: list[str], isa: str) -> list[str]:
    """One line: how many bars there are, and how many of them were met."""
    met, missed = (sum(row.count(f": {word}") for row in rows) for word in ("met", MISSED))
    return [f"* Asked with {isa}: {met + missed} bars, {met} met, {missed} missed."] if met + missed else []


def disturbed(runs: list[Record], groups: list[list[Record]]) -> list[str]:
    """Rows beside which the arithmetic ran much slower than it did in all: something else was running."""
    most = max(run["peak"]["float32"] for run in runs)
    found = [(rows[0]["group"], rows[0]["peak"]["float32"]) for rows in groups]
    slow = [f"{group}: {peak:,.0f}" for group, peak in found if peak < UNDISTURBED * most]
    text = f"* **Disturbed**, measure again: the ceiling was at {most:,.0f} GFLOP/s in all, beside these rows at less"
    return [f"{text} ({'; '.join(slow)})."] if slow else []


def absences(missing: list[Record]) -> list[str]:
    """What has no row, and why: one line for each reason. Without pyface's row a group has none."""
    without_own = {row["group"] for row in missing if row["own"]}
    groups: dict[tuple[str, str], list[str]] = {}
    for row in missing:
        if row["own"] or row["group"] not in without_own:
            what = "Not measured" if row["kind"] == "skipped" else "**Failed**"
            who = "all" if row["own"] else row["contender"]
            groups.setdefault((what, row["reason"]), []).append(f"{who} of {row['group']}")
    return [f"* {what}: {reason} ({'; '.join(rows)})." for (what, reason), rows in groups.items()]


def describe(run: Record) -> list[str]:
    held = "Peers were held to AVX2 where they can be told. " if run.get("peers_held_to_avx2") else ""
    load = "" if run["load"] is None else f", load {run['load']:.2f} at the start"
    return [
        f"* {run['run']}{load}: {run['machine']}.",
        f"  All threads together, on registers: {run['peak']['float32']:,.0f} GFLOP/s in float32, "
        f"{run['peak']['codes']:,.0f} GOP/s in codes; NumPy's matrix product: {run['gemm']:,.0f} GFLOP/s.",
        f"  {held}{', '.join(f'{name} {version}' for name, version in run['versions'].items())}.",
    ]


NOTES = """\
Seconds are the least of several rounds. "Times pyface's" is the peer's time over pyface's in the same run. Rates count
what has to be computed at least: half of the products where X meets itself, all of Lloyd's products in K-means (bounds
that save some can bring it above the ceiling). GOP/s are products of codes, GFLOP/s those of float32. The ceiling is
the best of the loop on registers, just before and after pyface's row, and for float32 of the matrix product, too.
Memory is what the call adds at its peak, in a child process; X is the size of the rows. Every result was held against
the definition (pyface) or against pyface's (peers)."""


def write(folder: Path) -> Path:
    runs, groups, missing = select(read(folder))
    lines = [f"# The engine against its peers, with {runs[-1]['isa']}", ""]
    for run in runs:
        lines += describe(run)
    rows = table(runs, groups)
    lines += ["", NOTES, "", *rows, "", *bars_met(rows, runs[-1]["isa"])]
    for work, exponent in slopes(groups).items():
        lines.append(f"* {work.removesuffix(SCALING)}: time grows with n^{exponent:.3f}.")
    lines += disturbed(runs, groups) + absences(missing)
    path = folder / TABLE
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def plot(folder: Path) -> Path | None:
    """Time against n with the fitted slope; None if nothing was measured at two sizes."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    _, groups, _ = select(read(folder))
    exponents = slopes(groups)
    if not exponents:
        return None
    figure, axes = plt.subplots(figsize=(7, 5), layout="constrained")
    for work, exponent in exponents.items():
        own = sorted((rows[0] for rows in groups if rows[0]["work"] == work), key=lambda row: row["n"])
        n, seconds = np.array([(row["n"], row["seconds"]) for row in own], float).T
        (line,) = axes.loglog(n, seconds, "o", label=f"{own[0]['title'].strip('`')}: slope {exponent:.3f}")
        fitted = np.exp(np.polyval(np.polyfit(np.log(n), np.log(seconds), 1), np.log(n)))
        axes.loglog(n, fitted, "-", color=line.get_color(), linewidth=1)
    axes.set(xlabel="rows", ylabel="seconds")
    axes.set_xticks(n, [f"{int(x):,}" for x in n])
    axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    axes.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
    axes.yaxis.set_minor_locator(mpl.ticker.NullLocator())
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend()
    path = folder / PLOT
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "results"
    if not (folder / ROWS).is_file():
        sys.exit(f"{folder / ROWS} is not there: run the benchmarks first, make bench ONLY=engine")
    written = write(folder)
    print(written.read_text(encoding="utf-8"))
    print(written)
    try:
        drawn = plot(folder)
    except ImportError as error:
        print(f"no plot: {error}")
    else:
        print(drawn if drawn else "no plot: the sizes of bench_scaling.py were not measured")


if __name__ == "__main__":
    main()
