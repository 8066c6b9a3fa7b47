"""One run of the benchmarks: the state of the machine, then row after row, each written down as soon as it is known."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import ceiling
import memory
import peers
import pytest
from common import machine
from contest import Case, ContenderMissingError, afresh, on, once
from data import DataMissingError

import pyface
from pyface import _threads

HERE = Path(__file__).parent
RESULTS = HERE / "results"
ROWS = "rows.jsonl"


class Run:
    """Measures cases and appends them to ``rows.jsonl`` in the folder of the results."""

    def __init__(
        self, *, results: str | None, n_threads: int | None, quick: bool, with_memory: bool, large: bool
    ) -> None:
        # Small sizes say nothing about speed, and must not get into the table of those that do.
        self.folder = Path(results) if results else RESULTS / "quick" if quick else RESULTS
        self.folder.mkdir(parents=True, exist_ok=True)
        self.n_threads = _threads.resolve(n_threads)
        self.quick = quick
        self.with_memory = with_memory
        self.large = large
        self.started = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
        self._own_of = ""  # group whose own result is kept
        self._own: Any = None
        self.isa = str(pyface.build_info()["isa_active"])
        peers.module("numpy", self.n_threads)
        self.gemm = ceiling.gemm(self.n_threads, quick)
        self.write(
            kind="run",
            machine=machine(),
            isa=self.isa,
            threads=self.n_threads,
            quick=quick,
            peers_held_to_avx2=peers.is_held_to_avx2(),
            load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            versions=peers.versions(),
            gemm=self.gemm,
            peak=ceiling.registers(self.n_threads),
        )

    def write(self, **record: Any) -> None:
        with (self.folder / ROWS).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"run": self.started, **record}) + "\n")

    def write_missing(self, case: Case, kind: str, reason: str) -> None:
        self.write(kind=kind, group=case.group, contender=case.contender.name, own=case.is_own, reason=reason)

    def skip(self, case: Case, reason: object) -> None:
        self.write_missing(case, "skipped", str(reason))
        pytest.skip(f"{case.contender.name}: {reason}")

    def measure(self, case: Case, benchmark: Any) -> None:
        """Time a case, hold its result against the definition or pyface's, measure memory, write it all down."""
        benchmark.group = case.group
        try:
            if self.large:
                self.measure_in_child(case)
            else:
                self.measure_here(case, benchmark)
        except (ContenderMissingError, DataMissingError) as missing:
            self.skip(case, missing)
        except Exception as error:
            self.write_missing(case, "failed", " ".join(f"{type(error).__name__}: {error}".split())[:300])
            raise

    def measure_here(self, case: Case, benchmark: Any) -> None:
        rows = case.load()
        own = self.own_result(case)
        case.contender.prepare(rows.head(memory.WARM_UP_ROWS), self.n_threads)()
        call = case.contender.prepare(rows, self.n_threads)
        threads = case.contender.threads(self.n_threads)
        peaks = [ceiling.registers(self.n_threads)] if case.is_own else []
        raw = benchmark.pedantic(once, setup=afresh(call), rounds=case.contender.rounds, iterations=1)
        if case.is_own:
            peaks.append(ceiling.registers(self.n_threads))
        result = case.contender.convert(raw, rows)
        del raw, call
        if case.is_own:
            case.work.verify(result, rows)
            self._own_of, self._own = case.group, result
        else:
            case.work.agree(result, own, rows)
        if benchmark.disabled:
            return
        record = {
            **memory.describe(case, rows, result),
            "seconds": benchmark.stats.stats.min,
            "rounds": case.contender.rounds,
            "threads": threads,
            "peak": {unit: max(peak[unit] for peak in peaks) for unit in peaks[0]} if peaks else None,
        }
        # That of peers with the made data only: other data would say the same, and take as long again.
        if self.with_memory and (case.is_own or (case.source == "synthetic" and not self.quick)):
            child = memory.measure(case, self.n_threads)
            record |= {"memory": child["memory"], "total": child["total"]}
        self.write_row(case, record)

    def measure_in_child(self, case: Case) -> None:
        """Where one call takes so long, and so much memory, that there should be only one."""
        peak = ceiling.registers(self.n_threads)
        record = memory.measure(case, self.n_threads)
        self.write_row(case, {**record, "rounds": 1, "threads": self.n_threads, "peak": peak})

    def own_result(self, case: Case) -> Any:
        """pyface's result of the group, made anew if its row was left out."""
        if case.is_own:
            self._own_of, self._own = "", None
        elif self._own_of != case.group:
            own, rows = case.work.contenders[0], case.load()
            self._own = own.convert(own.prepare(rows, self.n_threads)(), rows)
            self._own_of = case.group
        return self._own

    def write_row(self, case: Case, record: dict[str, Any]) -> None:
        self.write(
            kind="row",
            group=case.group,
            work=case.work.key,
            source=case.source,
            n=case.n,
            unit=case.work.unit,
            contender=case.contender.name,
            own=case.is_own,
            at_least=on(case.contender.at_least, self.isa),
            bars=self.bars(case),
            **record,
        )

    def bars(self, case: Case) -> dict[str, Any]:
        """What is asked of pyface's row with the instruction set in use."""
        if not case.is_own:
            return {}
        bars = vars(case.work.bars)
        if not self.isa.startswith("avx512"):
            bars = dict.fromkeys(bars)
        return {**bars, "share": on(case.work.bars.share, self.isa)}
