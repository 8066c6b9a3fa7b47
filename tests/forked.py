"""Forks of a process that has used pyface with several threads: each child has to end by itself, and rightly.

In a process of its own, since a test runner has threads and warnings of its own. Run by tests/models/test_processes.py
and tests/kernels/test_forks.py.
"""

from __future__ import annotations

import functools
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

LONGEST_SECONDS = 500  # a child that hangs is ended by a signal, which is what the parent then hears of


def run(call: str) -> str:
    """Runs e.g. ``"forked.sessions(2)"`` in a process of its own; what it printed. Its failure is the caller's."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import forked; {call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def child(act: Callable[[], Any], *, at_once: bool = False) -> int:
    """The exit code of a forked child that does ``act`` and ends, minus a signal's number; 1 for an exception.

    It leaves as Python does, cleaning up, or ``at_once``, as the children of multiprocessing do.
    """
    number = os.fork()
    if number == 0:
        signal.alarm(LONGEST_SECONDS)
        if at_once:
            code = 1
            try:
                act()
                code = 0
            finally:
                os._exit(code)
        act()
        sys.exit(0)
    _, status = os.waitpid(number, 0)
    return os.waitstatus_to_exitcode(status)


class Sessions:
    """An analyzer of the parent, and what children do with it."""

    def __init__(self, n_threads: int) -> None:
        from skimage.data import astronaut

        import pyface

        self.image = astronaut()[:256, 90:346].copy()
        self.make = functools.partial(pyface.FaceAnalyzer, n_threads=n_threads)
        self.analyzer = self.make()
        self.wanted = self.vector()

    def vector(self) -> bytes:
        (face,) = self.analyzer.analyze(self.image)
        return face.embedding.tobytes()

    def use(self) -> None:
        assert self.vector() == self.wanted

    def drop(self) -> None:
        del self.analyzer
        gc.collect()

    def renew(self) -> None:
        self.analyzer = self.make()
        self.use()

    def use_and_drop(self) -> None:
        self.use()
        self.drop()

    def use_from_threads(self) -> None:
        got: list[bytes] = []
        threads = [threading.Thread(target=lambda: got.append(self.vector())) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got == [self.wanted] * 3

    def leave(self) -> None:
        pass

    def have_a_child(self) -> None:
        self.use()
        for act in (self.use, self.leave, self.drop):
            assert child(act) == 0


def sessions(n_threads: int) -> None:
    parent = Sessions(n_threads)
    for name in ("use", "drop", "renew", "use_and_drop", "use_from_threads", "leave", "have_a_child"):
        # Whoever leaves at once takes the grandchildren along, which come from the same call.
        for at_once in (False,) if name == "have_a_child" else (False, True):
            code = child(getattr(parent, name), at_once=at_once)
            print(f"{name}, {'at once' if at_once else 'cleaning up'}: {code}", flush=True)
    parent.use()  # nothing that children did is seen here
    parent.drop()


_shared: Any = None


def _keep(analyzer: Any) -> None:
    global _shared
    _shared = analyzer


def _vector(image: Any) -> bytes:
    (face,) = _shared.analyze(image)
    return face.embedding.tobytes()


def pools(method: str, n_threads: int) -> None:
    """Pools of processes given an analyzer by their initializer: inherited by fork, pickled by spawn."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    parent = Sessions(n_threads)
    context = multiprocessing.get_context(method)
    arguments = {"initializer": _keep, "initargs": (parent.analyzer,)}
    with context.Pool(2, **arguments) as pool:
        assert pool.map(_vector, [parent.image] * 3) == [parent.wanted] * 3
        pool.close()
        pool.join()
    with ProcessPoolExecutor(2, mp_context=context, **arguments) as executor:
        assert list(executor.map(_vector, [parent.image] * 3)) == [parent.wanted] * 3
    parent.use()
    print("done")


def kernels() -> None:
    """Every kind of kernel that runs threads, in a child of a process in which it did."""
    import cv2

    import pyface
    from pyface.cluster import DBSCAN, AgglomerativeClustering, KMeans

    rows = np.random.default_rng(0).normal(size=(1500, 32)).astype(np.float32)
    picture = np.random.default_rng(1).integers(0, 256, (1200, 900, 3), dtype=np.uint8)
    corners = np.array([(0.0, 0.0), (800, 0), (0, 1000), (800, 1000)])
    acts: dict[str, Callable[[], Any]] = {
        "distances": lambda: pyface.cosine_distances(rows, n_threads=4),
        "neighbours": lambda: pyface.nearest_neighbors(rows, 5, n_threads=4)[1],
        "linkage": lambda: pyface.linkage(rows, n_threads=4),
        "k-means": lambda: KMeans(20, n_init=2, random_state=0).fit(rows).labels_,
        "DBSCAN": lambda: DBSCAN(0.4, min_samples=3, metric="cosine").fit(rows).labels_,
        "agglomerative": lambda: AgglomerativeClustering(20, linkage="average", metric="cosine").fit(rows).labels_,
        "warp": lambda: pyface.piecewise_affine(picture, corners, corners * 0.9, size=(900, 700)),
        "OpenCV": lambda: cv2.resize(picture, (700, 500), interpolation=cv2.INTER_AREA),
    }
    wanted = {name: act() for name, act in acts.items()}

    def again(name: str) -> None:
        np.testing.assert_array_equal(acts[name](), wanted[name])

    def have_a_child() -> None:
        for name in acts:
            again(name)
            assert child(functools.partial(again, name), at_once=True) == 0

    for name in acts:
        print(f"{name}: {child(functools.partial(again, name))}", flush=True)
    print(f"a child of a child: {child(have_a_child)}")
