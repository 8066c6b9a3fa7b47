"""What every benchmark needs: where the data is, what the machine is, a child process with its peak memory."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyface

SHARED = Path(os.environ.get("PYFACE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def shared(name: str) -> Path:
    """A file or folder of the shared data, or an exit that says what is missing."""
    path = SHARED / name
    if not path.exists():
        sys.exit(f"{path} is not there; set PYFACE_SHARED to the folder that holds {name}")
    return path


def machine() -> str:
    """One line: processor, threads, instruction set, versions."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    info = pyface.build_info()
    return (
        f"{model}, {info['cpus']} CPUs, {info['threads']} threads, ISA {info['isa_active']}, Python {info['python']}, "
        f"pyface {info['version']}, {info['compiler']}"
    )


def least(call: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """Seconds of the fastest of several calls, and the result."""
    seconds = []
    for _ in range(rounds):
        since = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - since)
    return min(seconds), result


@dataclass(frozen=True)
class Child:
    """How a child process ended."""

    seconds: float
    peak_mb: float
    returncode: int
    stderr: str


def run_child(arguments: list[str], **environment: str) -> Child:
    """Run ``python -m pyface`` with these arguments; wall time and peak resident memory."""
    command = [sys.executable, "-m", "pyface", *arguments]
    since = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        assert process.stderr is not None
        stderr = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - since
        process.returncode = os.waitstatus_to_exitcode(status)
    return Child(seconds, usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20), process.returncode, stderr)
