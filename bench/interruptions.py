"""Interrupts ``pyface cluster`` at random moments, goes on each time, and compares the bytes of the results.

    python bench/interruptions.py [--moments 20] [--seed 0]

Half of the interruptions are Ctrl-C, half are kills. After each of them no half-written result may be there.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import run_child, shared

RESULTS = ("faces.csv", "embeddings.npy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    photos = str(shared("images/lfw"))
    with tempfile.TemporaryDirectory() as temporary:
        whole, out = Path(temporary) / "whole", Path(temporary) / "out"
        reference = run_child(["cluster", photos, "-o", str(whole)])
        assert reference.returncode == 0, reference.stderr
        # Late enough that the work has begun, and together about one whole run.
        longest = max(2.5, 3.0 * reference.seconds / arguments.moments)
        for moment in range(arguments.moments):
            kind = signal.SIGINT if moment % 2 else signal.SIGKILL
            n_threads = rng.choice([1, 2, 3, 5])
            command = [sys.executable, "-m", "pyface", "cluster", photos, "-o", str(out), "--n-threads", str(n_threads)]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
                wait = rng.uniform(0.3, longest)
                time.sleep(wait)
                process.send_signal(kind)
                sent = time.perf_counter()
                _, stderr = process.communicate(timeout=120)
                took = time.perf_counter() - sent
            names = sorted(path.name for path in out.iterdir()) if out.exists() else []
            last = stderr.strip().splitlines()[-1:] or [""]
            print(f"{moment:2} {kind.name} after {wait:.2f} s, gone after {took:.2f} s: {last[0]}", flush=True)
            if process.returncode != 0:
                assert not any(name in names for name in RESULTS), names
        done = run_child(["cluster", photos, "-o", str(out)])
        assert done.returncode == 0, done.stderr
        for name in RESULTS:
            same = (whole / name).read_bytes() == (out / name).read_bytes()
            print(f"{name}: {'the same bytes' if same else 'DIFFERENT'}")
            assert same
        for n_threads in (1, 2, 4):
            again = Path(temporary) / f"threads-{n_threads}"
            run_child(["cluster", photos, "-o", str(again), "--n-threads", str(n_threads)])
            assert all((whole / name).read_bytes() == (again / name).read_bytes() for name in RESULTS)
            print(f"{n_threads} threads: the same bytes")


if __name__ == "__main__":
    main()
