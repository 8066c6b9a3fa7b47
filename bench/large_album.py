"""What a person waits for in an album of many faces: people grouped anew, and what a name or a correction changes.

    python bench/large_album.py [--faces 50000] [--facts 10000] [--answers 200] [--threads 2]

The album is made (made_albums.py). ``recluster`` runs in fresh processes, answers in this one. What comes out is
compared with an album whose faces are all grouped from scratch.
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
from pyface.server.session import Session

KINDS = ("same", "different", "name", "undo", "nobody", "undo", "hide")
_SPOKEN_OF = [0]  # the face of the last answer
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
    assert list(album.close_calls) == whole.close_calls(basis._question(), rules, album.labels)
    violations = (album.labels[rules.apart[:, 0]] == album.labels[rules.apart[:, 1]]).sum()
    together = np.flatnonzero((rules.together >= 0) & ~rules.nobody & ~rules.nobody[rules.together])
    violations += (album.labels[together] != album.labels[rules.together[together]]).sum()
    assert violations == 0, violations


def answers(out: Path, truth: NDArray[np.int64], n_answers: int, threads: int) -> None:
    """Names, corrections and undos as people give them, one after the other."""
    since = time.perf_counter()
    album = pyface.load_album(out, n_threads=threads)
    row("load_album", [time.perf_counter() - since])
    rng = np.random.default_rng(3)
    seconds: dict[str, list[float]] = {}
    by_size: list[tuple[int, float]] = []
    refused = 0
    for i in range(n_answers):
        kind = KINDS[i % len(KINDS)]
        call = _answer(album, truth, kind, i, rng)
        since = time.perf_counter()
        try:
            album = call()
        except ValueError:  # a contradiction is one, too
            refused += 1
        else:
            size = np.count_nonzero(album.labels == album.labels[_SPOKEN_OF[0]])
            seconds.setdefault(kind, []).append(time.perf_counter() - since)
            by_size.append((int(size), time.perf_counter() - since))
    for what, found in seconds.items():
        row(f"answer: {what}", found, 0.1)
    row("all answers", [value for _, value in by_size], 0.1, f"{refused} refused")
    for least, most in ((1, 100), (100, 500), (500, len(truth))):
        some = [value for size, value in by_size if least <= size < most]
        if some:
            row(f"answers that leave a person of {least:,} to {most - 1:,}", some, 0.1)
    check(album)


def review(out: Path, n_answers: int, threads: int) -> None:
    """The review page's part: until the first question, and from an answer to the next question."""
    since = time.perf_counter()
    session = Session(pyface.load_album(out, n_threads=threads))
    session.state()
    row("review: the first question", [time.perf_counter() - since])
    seconds = []
    for i in range(n_answers):
        question = session.state()["question"]
        since = time.perf_counter()
        session.answer(question["key"], "different" if i % 3 else "same")
        seconds.append(time.perf_counter() - since)
    row("review: from an answer to the next question", seconds, 0.1)
    check(session.album)


def _answer(album: Album, truth: NDArray[np.int64], kind: str, i: int, rng: np.random.Generator) -> Callable[[], Album]:
    """An answer about some face, most of them as somebody would give it who knows better."""
    face = int(rng.integers(len(truth)))
    is_own, is_here = truth == truth[face], album.labels == album.labels[face]
    if kind == "same":
        while np.count_nonzero(is_own) < 2:
            face = int(rng.integers(len(truth)))
            is_own, is_here = truth == truth[face], album.labels == album.labels[face]
        mates = np.flatnonzero(is_own & ~is_here)
        others = mates if len(mates) else np.setdiff1d(np.flatnonzero(is_own), [face])
        pair = [face, int(rng.choice(others))]
    _SPOKEN_OF[0] = face
    if kind == "same":
        return lambda: album.same(pair)
    if kind == "different":
        strangers = np.flatnonzero(~is_own & is_here)
        other = int(rng.choice(strangers if len(strangers) else np.flatnonzero(~is_here)))
        return lambda: album.different([face], [other])
    if kind == "name":
        return lambda: album.name(int(album.labels[face]), f"Person {i}")
    if kind == "undo":
        return album.undo
    return lambda: album.nobody([face]) if kind == "nobody" else album.hide([face])


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
            review(out, asked.answers // 4, asked.threads)
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
