"""What the arithmetic of this machine can do at most, measured when needed: its speed changes with its neighbours."""

from __future__ import annotations

import time

import numpy as np
import peers

from pyface import _core

SECONDS = 0.05
GEMM_SIZE, QUICK_GEMM_SIZE = 4096, 1024


def registers(n_threads: int, rounds: int = 4) -> dict[str, float]:
    """Best of several: multiply-adds on registers, all threads at once. GFLOP/s of "float32", GOP/s of "codes"."""
    readings = [_core.peak_rates(SECONDS, n_threads) for _ in range(rounds)]
    return {
        "float32": max(reading["float32_gflops"] for reading in readings),
        "codes": max(reading["int8_gops"] for reading in readings),
    }


def gemm(n_threads: int, quick: bool) -> float:
    """GFLOP/s of NumPy's float32 matrix product, best of five."""
    peers.module("numpy", n_threads)
    size = QUICK_GEMM_SIZE if quick else GEMM_SIZE
    a, b = np.random.default_rng(0).standard_normal((2, size, size), np.float32)
    out = np.empty_like(a)
    best = np.inf
    for _ in range(5):
        since = time.perf_counter()
        np.matmul(a, b, out=out)
        best = min(best, time.perf_counter() - since)
    return 2.0 * size**3 / best / 1e9
