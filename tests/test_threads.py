"""How many threads ``None`` means: the affinity, the quotas of control groups made up here, and the settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest

from pyface import _threads

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="reads the files of Linux")
V2, V1 = "sys/fs/cgroup", "sys/fs/cgroup/cpu"


def v1(folder: str, quota: int, period: int = 100_000) -> dict[str, str]:
    return {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": f"{period}\n"}


@LINUX_ONLY
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/\n"}, None),
        # Half a core, and what is rounded up to the next whole one.
        ({"proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "50000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "250000 100000\n"}, 3),
        ({"proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "max 100000\n"}, None),
        # The tightest of the groups above the process.
        (
            {"proc/self/cgroup": "0::/a/b\n", f"{V2}/a/cpu.max": "150000 100000\n", f"{V2}/a/b/cpu.max": "max 100000"},
            2,
        ),
        (
            {
                "proc/self/cgroup": "0::/a/b\n", f"{V2}/a/cpu.max": "800000 100000\n",
                f"{V2}/a/b/cpu.max": "10000 50000\n",
            },
            1,
        ),
        # In a container the path may be that of the host, and its own group is all there is.
        ({"proc/self/cgroup": "0::/system.slice/docker-1.scope\n", f"{V2}/cpu.max": "50000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/../../x\n", f"{V2}/cpu.max": "50000 100000\n"}, 1),
        # The first version, alone and beside the second.
        ({"proc/self/cgroup": "2:cpu,cpuacct:/\n", **v1(V1, 50_000)}, 1),
        ({"proc/self/cgroup": "2:cpu,cpuacct:/a\n", **v1(f"{V1},cpuacct/a", 300_000), **v1(V1, -1)}, 3),
        ({"proc/self/cgroup": "2:cpu:/\n", **v1(V1, -1)}, None),
        ({"proc/self/cgroup": "2:cpuset:/a\n", **v1(f"{V1}/a", 50_000)}, None),
        (
            {
                "proc/self/cgroup": "9:name=systemd:/s\n2:cpu:/a\n0::/b\n", **v1(f"{V1}/a", 400_000, 200_000),
                f"{V2}/unified/b/cpu.max": "600000 100000\n",
            },
            2,
        ),
        # What cannot be understood is no limit.
        ({"proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "50000 0\n"}, None),
        ({"proc/self/cgroup": "nonsense\n\n0::/\n", f"{V2}/cpu.max": "\n"}, None),
        ({"proc/self/cgroup": "2:cpu:/\n", f"{V1}/cpu.cfs_quota_us": "50000\n"}, None),
    ],
)  # fmt: skip
def test_quotas_of_control_groups(files: dict[str, str], expected: int | None, tmp_path: Path) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert _threads._quota(str(tmp_path)) == expected


@pytest.fixture
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may use all of eight CPUs."""
    monkeypatch.delenv("PYFACE_NUM_THREADS", raising=False)
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 8, raising=False)
    monkeypatch.setattr(_threads, "_quota", lambda root: None)


@pytest.mark.parametrize(("quota", "expected"), [(None, 8), (1, 1), (3, 3), (99, 8)])
def test_the_least_limit_counts(eight: None, monkeypatch: pytest.MonkeyPatch, quota: int | None, expected: int) -> None:
    monkeypatch.setattr(_threads, "_quota", lambda root: quota)
    assert _threads.usable_cpus() == _threads.resolve(None) == expected
    assert _threads.resolve(5) == 5  # who asks for a number gets it


def test_affinity_and_pythons_own_setting(eight: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: 2)
    assert _threads.usable_cpus() == 2
    monkeypatch.delattr(os, "process_cpu_count")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 5, 7})
    assert _threads.usable_cpus() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert _threads.usable_cpus() == 8
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert _threads.usable_cpus() == 1


@pytest.mark.parametrize(("setting", "expected"), [("3", 3), (" 2 ", 2), ("99", 8), ("0", 1), ("many", 8), ("", 8)])
def test_joblibs_setting(eight: None, monkeypatch: pytest.MonkeyPatch, setting: str, expected: int) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", setting)
    assert _threads.usable_cpus() == expected
    monkeypatch.setenv("PYFACE_NUM_THREADS", "6")  # our own comes first
    assert _threads.resolve(None) == 6


def test_as_many_as_joblib_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    # It looks at the uppermost group alone, so it may count more.
    assert 1 <= _threads.usable_cpus() <= joblib.cpu_count()
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert _threads.usable_cpus() == joblib.cpu_count() == 1


def test_counting_does_not_load_joblib() -> None:
    code = "import sys, pyface; pyface.build_info(); assert 'joblib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)


@pytest.mark.parametrize("wrong", [True, False, "2", 2.0, np.ones(2, int)])
def test_what_is_no_number_of_threads(wrong: object) -> None:
    with pytest.raises(TypeError, match="n_threads must be an integer or None, got"):
        _threads.resolve(wrong)  # type: ignore[arg-type]
    assert _threads.resolve(np.int32(2)) == 2
