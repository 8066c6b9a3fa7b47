"""What a person waits for in an album of many faces: people grouped anew, and what a name or a correction changes.

    python bench/album.py [--faces 50000] [--facts 10000] [--answers 200] [--threads 2]

The album is made (made_albums.py). ``recluster`` runs in fresh processes, answers in this one, each followed by all that
the next answer needs. Everything that comes out is compared with an album whose faces are all grouped from scratch.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_albums
import numpy as np
from common import machine, run_child
from numpy.typing import NDArray

import pyface
from pyface.album.album import Album
from pyface.album.basis import Basis
from pyface.album.standing import stand

RESULTS = ("faces.csv", "embeddings.npy", "report.html")


def recluster(out: Path, threads: int, *options: str) -> float:
    child = run_child(["recluster", str(out), "--n-threads", str(threads), *options])
    assert child.returncode == 0, child.stderr
    return child.seconds


def row(what: str, seconds: list[float], asked: float | None = None, note: str = "") -> None:
    unit, scale = ("ms", 1000) if asked is not None and asked < 1 else ("s", 1)
    middle, most = float(np.median(seconds)), max(seconds)
    late = float(np.quantile(seconds, 0.9))
    verdict = "" if asked is None else f"{asked * scale:g} {unit}: {np.mean(np.array(seconds) < asked):.0%}"
    times = " | ".join(f"{scale * value:.3g}" for value in (min(seconds), middle, late, most))
    print(f"| {what} | {len(seconds)} | {unit} | {times} | {verdict} | {note} |", flush=True)


def by_files(out: Path, threads: int, rounds: int) -> None:
    """``recluster`` with and without what the record keeps: the same files."""
    first = [recluster(out, threads)]
    files = {name: (out / name).read_bytes() for name in RESULTS}
    row("recluster, all pairs looked at", first)
    row("recluster", [recluster(out, threads) for _ in range(rounds)], 4.0)
    assert all((out / name).read_bytes() == data for name, data in files.items())
    lower = str(0.95 * made_albums.THRESHOLD)
    row("recluster, threshold 5 % lower", [recluster(out, threads, "--threshold", lower) for _ in range(rounds)], 4.0)
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary) / "out"
        shutil.copytree(out, fresh)
        forget_standing(fresh)
        recluster(fresh, threads, "--threshold", lower)
        assert all((out / name).read_bytes() == (fresh / name).read_bytes() for name in RESULTS)
    row("recluster, threshold back", [recluster(out, threads)], 4.0)


def forget_standing(out: Path) -> None:
    """Drop what the record keeps beside the faces."""
    import sqlite3

    with sqlite3.connect(out / "work.sqlite") as db:
        db.execute("DELETE FROM standing")
    db.close()


def check(album: Album) -> None:
    """The album is what grouping all its faces from scratch gives; pairs that were said to be different are so."""
    basis = album._basis
    assert basis is not None
    rules = basis.links()
    whole = stand(basis._question(), rules)
    _, first, inverse = np.unique(whole.labels, return_index=True, return_inverse=True)
    _, own, own_inverse = np.unique(album.labels, return_index=True, return_inverse=True)
    np.testing.assert_array_equal(first[inverse], own[own_inverse])
    np.testing.assert_array_equal(whole.set_aside, album.set_aside)
    assert list(album.close_calls) == whole.close_calls(basis._question(), album.labels)
    violations = (album.labels[rules.apart[:, 0]] == album.labels[rules.apart[:, 1]]).sum()
    together = np.flatnonzero(rules.together >= 0)
    violations += (album.labels[together] != album.labels[rules.together[together]]).sum()
    assert violations == 0, violations


def answers(out: Path, truth: NDArray[np.int64], n_answers: int, threads: int) -> None:
    """Names, corrections and undos as people give them, one after the other."""
    since = time.perf_counter()
    album = pyface.load_album(out, n_threads=threads)
    row("load_album", [time.perf_counter() - since])
    rng = np.random.default_rng(3)
    seconds: dict[str, list[float]] = {}

    def timed(what: str, call: Callable[[], Album]) -> Album:
        since = time.perf_counter()
        result = call()
        seconds.setdefault(what, []).append(time.perf_counter() - since)
        return result

    refused = 0
    for i in range(n_answers):
        kind = ("same", "different", "name", "undo", "nobody", "hide")[i % 6]
        face = int(rng.integers(len(truth)))
        try:
            if kind == "same":
                mates = np.flatnonzero((truth == truth[face]) & (album.labels != album.labels[face]))
                others = mates if len(mates) else np.flatnonzero(truth == truth[face])
                pair = [face, int(rng.choice(others))]
                album = timed(kind, lambda pair=pair: album.same(pair)) if pair[0] != pair[1] else album
            elif kind == "different":
                strangers = np.flatnonzero((truth != truth[face]) & (album.labels == album.labels[face]))
                others = strangers if len(strangers) else np.flatnonzero(album.labels != album.labels[face])
                other = [int(rng.choice(others))]
                album = timed(kind, lambda face=face, other=other: album.different([face], other))
            elif kind == "name":
                number, name = int(album.labels[face]), f"Person {i}"
                album = timed(kind, lambda number=number, name=name: album.name(number, name))
            elif kind == "undo":
                album = timed(kind, lambda: album.undo())
            elif kind == "nobody":
                album = timed(kind, lambda face=face: album.nobody([face]))
            else:
                album = timed(kind, lambda face=face: album.hide([face]))
        except (pyface.ContradictionError, ValueError):
            refused += 1
    for what, found in seconds.items():
        row(f"answer: {what}", found, 0.1)
    every = [value for found in seconds.values() for value in found]
    row("all answers", every, 0.1, f"{refused} refused")
    check(album)


def grouping(basis: Basis) -> float:
    since = time.perf_counter()
    stand(basis._question(), basis.links())
    return time.perf_counter() - since


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("faces", 50_000), ("facts", 10_000), ("answers", 200), ("threads", 2), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", choices=("files", "facts", "answers"))
    asked: Any = parser.parse_args()
    print(machine())
    print(f"\n{asked.faces:,} faces of {made_albums.DIMENSION} numbers, {asked.threads} threads\n")
    print("| what | times | | least | median | 90 % | most | asked: met | |\n|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "out"
        truth = made_albums.write(out, asked.faces)
        if asked.only in (None, "files"):
            by_files(out, asked.threads, asked.rounds)
        else:
            recluster(out, asked.threads)
        album = pyface.load_album(out, n_threads=asked.threads)
        basis = album._basis
        assert basis is not None
        if asked.only in (None, "answers"):
            answers(out, truth, asked.answers, asked.threads)
            (out / "facts.sqlite").unlink(missing_ok=True)
        if asked.only in (None, "facts"):
            free = [grouping(basis)]
            made_albums.say(out, basis.keys, truth, asked.facts)
            row("grouping from scratch", free)
            bound = [grouping(basis)]
            row(f"the same with {asked.facts:,} facts", bound, None, f"{bound[0] / free[0]:.2f} of it; 2 allowed")
            row(f"recluster after {asked.facts:,} facts", [recluster(out, asked.threads)])
            row("recluster again", [recluster(out, asked.threads) for _ in range(asked.rounds)], 4.0)
            check(pyface.load_album(out, n_threads=asked.threads))
            answers(out, truth, asked.answers, asked.threads)


if __name__ == "__main__":
    main()
