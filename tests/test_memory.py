"""What is left of memory: read from files of a system that is made up here, and asked of this one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pyface
from pyface import _core, _memory
from pyface.cluster import AgglomerativeClustering

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="reads the files of Linux")
MEMINFO = "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\n"
AVAILABLE = 8_000_000 << 10


def system(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def group(folder: str, limit: str, used: int, *, version: int = 2, cache: int = 0) -> dict[str, str]:
    if version == 2:
        names = ("memory.max", "memory.current")
        stat = f"anon 5\nactive_file 7\ninactive_file {cache}\n"
    else:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        stat = f"cache 99\ninactive_file 1\ntotal_inactive_file {cache}\n"
    return {f"{folder}/{names[0]}": limit, f"{folder}/{names[1]}": f"{used}\n", f"{folder}/memory.stat": stat}


V2, V1 = "sys/fs/cgroup", "sys/fs/cgroup/memory"


@LINUX_ONLY
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, []),
        ({"proc/meminfo": MEMINFO}, [AVAILABLE]),
        ({"proc/meminfo": "MemTotal: 16 kB\n"}, []),
        # A group of its own, without a limit in the groups above.
        ({"proc/self/cgroup": "0::/a/b\n", **group(f"{V2}/a/b", "1000\n", 400)}, [600]),
        ({"proc/self/cgroup": "0::/a/b\n", **group(f"{V2}/a/b", "1000\n", 400, cache=150)}, [750]),
        ({"proc/self/cgroup": "0::/a/b\n", **group(f"{V2}/a/b", "max\n", 400)}, []),
        (
            {"proc/self/cgroup": "0::/a/b\n", **group(f"{V2}/a", "1000\n", 900), **group(f"{V2}/a/b", "500\n", 300)},
            [100, 200],
        ),
        ({"proc/self/cgroup": "0::/a\n", **group(f"{V2}/a", "max\n", 400), f"{V2}/a/memory.high": "700\n"}, [300]),
        # Over its limit, as memory.high allows.
        ({"proc/self/cgroup": "0::/a\n", **group(f"{V2}/a", "1000\n", 900), f"{V2}/a/memory.high": "700\n"}, [-200]),
        # In a container the path may be that of the host, and its own group is all there is.
        ({"proc/self/cgroup": "0::/system.slice/docker-1.scope\n", **group(V2, "1000\n", 1)}, [999]),
        ({"proc/self/cgroup": "0::/../../x\n", **group(V2, "1000\n", 1)}, [999]),
        # The first version, which writes a number where there is no limit; and both at once.
        ({"proc/self/cgroup": "5:cpu:/\n4:memory:/a\n", **group(f"{V1}/a", "1000\n", 400, version=1, cache=50)}, [650]),
        (
            {"proc/self/cgroup": "4:memory:/\n", **group(V1, "9223372036854771712\n", 12, version=1)},
            [2**63 - 4096 - 12],
        ),
        (
            {
                "proc/self/cgroup": "9:name=systemd:/s\n4:memory,hugetlb:/a\n0::/b\n",
                **group(f"{V1}/a", "1000\n", 400, version=1),
                **group(f"{V2}/unified/b", "70\n", 40),
            },
            [600, 30],
        ),
        # Files that cannot be read are no limit.
        ({"proc/self/cgroup": "0::/a\n", f"{V2}/a/memory.max": "1000\n"}, []),
    ],
)
def test_what_the_files_say(files: dict[str, str], expected: list[int], tmp_path: Path) -> None:
    assert list(_memory._limits(system(tmp_path, files))) == expected


@LINUX_ONLY
def test_resource_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    limits = {resource.RLIMIT_AS: (10**9, 10**9), resource.RLIMIT_DATA: (10**8, resource.RLIM_INFINITY)}
    monkeypatch.setattr(resource, "getrlimit", limits.__getitem__)
    page = resource.getpagesize()
    root = system(tmp_path, {"proc/self/statm": "1000 800 300 2 0 700 0\n"})
    assert list(_memory._limits(root)) == [10**9 - 1000 * page, 10**8 - 700 * page]
    limits[resource.RLIMIT_AS] = (resource.RLIM_INFINITY,) * 2
    assert list(_memory._limits(root)) == [10**8 - 700 * page]
    assert list(_memory._limits(str(tmp_path / "nothing"))) == []


@pytest.mark.skipif(sys.platform == "win32", reason="asks by another way")
def test_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("os.sysconf_names", {"SC_PHYS_PAGES": 1})
    monkeypatch.setattr("os.sysconf", {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert list(_memory._limits("/")) == [4_096_000]
    monkeypatch.setattr("os.sysconf_names", {})
    assert list(_memory._limits("/")) == []


def test_the_least_limit_counts_and_never_less_than_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for limits, expected in ([30, 20, 40], 20), ([30, -20], 0), ([], None):
        monkeypatch.setattr(_memory, "_limits", lambda root, limits=limits: iter(limits))
        assert _memory.available() == expected


@pytest.mark.skipif(sys.platform == "win32", reason="resource is a module of POSIX systems")
def test_this_machine() -> None:
    free = _memory.available()
    assert free is not None and 2**20 < free < 2**50
    if sys.platform != "linux":
        return
    code = (
        "import resource; from pyface import _memory\n"
        # Little more than is in use, so that it is the least of all limits.
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 27),) * 2)\n"
        "before = _memory.available(); held = bytearray(1 << 26); after = _memory.available()\n"
        "print(before, before - after)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    left, taken = map(int, done.stdout.split())
    slack = 1 << 24  # the process itself takes and gives back a little between two lines
    assert left < (1 << 27) + slack and taken > (1 << 26) - slack


def test_limits_for_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(_memory, "available", lambda: asked.append(None) or 10**8)
    assert _memory.limit(10**6) == -1 and not asked
    assert _memory.limit(10**9) == _memory.limit(2 * 10**7) == 10**8
    _memory.require(10**8, "x", "y")
    with pytest.raises(MemoryError, match="x takes 143 MiB and 95 MiB are free; y"):
        _memory.require(150_000_000, "x", "y")
    with pytest.raises(MemoryError, match=r"x takes 9\.3 GiB"):
        _memory.require(10**10, "x", "y")
    monkeypatch.setattr(_memory, "available", lambda: None)
    assert _memory.limit(10**9) == -1
    _memory.require(10**12, "x", "y")


ROWS = np.random.default_rng(0).normal(size=(6000, 2)).astype(np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: pyface.cosine_distances(ROWS),
            r"a result of shape \(6000, 6000\) in float32 takes 137 MiB and 19 MiB are free; use neighbors_within or "
            "nearest_neighbors, which keep only what you need, or take some rows at a time with Y=",
        ),
        (lambda: pyface.euclidean_distances(ROWS, ROWS), r"a result of shape \(6000, 6000\) .* neighbors_within"),
        (lambda: pyface.cosine_condensed(ROWS), r"a result of shape \(17997000,\) in float32 takes 69 MiB"),
        (lambda: pyface.nearest_neighbors(ROWS, 3000), r"a result of shape \(6000, 3000\) .* choose a smaller k"),
        (
            lambda: pyface.linkage(ROWS, "complete"),
            "complete linkage of 6,000 rows by cosine distance, even in float32, takes 69 MiB and 19 MiB are free; .*"
            "'sqeuclidean', and 'ward' need memory for the rows alone; .* with a distance_threshold",
        ),
        (
            lambda: AgglomerativeClustering(None, distance_threshold=9.0, linkage="average", metric="euclidean").fit(
                ROWS
            ),
            "a component of 6000 rows, .* needs a matrix of 68 MiB even in float32, and 19 MiB are free. Choose a sm",
        ),
        (
            lambda: pyface.neighbors_within(ROWS, 9, metric="euclidean"),
            r"\d+ pairs were found within the radius, about \d+ are expected in all; they need \d+ MiB, and 19 MiB are "
            "free. Choose a smaller radius, or",
        ),
        (
            lambda: pyface.neighbors_within(ROWS[:3000], 9, ROWS, metric="euclidean", n_threads=2),
            r"pairs were found within the radius",
        ),
    ],
)
def test_more_than_there_is(call: object, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "available", lambda: 20_000_000)
    with pytest.raises(MemoryError, match=message):
        call()


def test_float32_where_float64_does_not_fit(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    rows = ROWS[:3000]  # 34 MiB of distances in float64
    expected = pyface.linkage(rows, "complete", "euclidean")
    with caplog.at_level("INFO"):
        monkeypatch.setattr(_memory, "available", lambda: 20_000_000)
        z = pyface.linkage(rows, "complete", "euclidean")
    assert "kept in float32" in caplog.text
    np.testing.assert_allclose(z[:, 2], expected[:, 2], rtol=1e-6, atol=1e-6)
    assert (z[:, 2] != expected[:, 2]).any()


def test_what_fits_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = pyface.neighbors_within(ROWS, 0.01, metric="euclidean")
    monkeypatch.setattr(_memory, "available", lambda: 20_000_000)
    assert (pyface.neighbors_within(ROWS, 0.01, metric="euclidean") != expected).nnz == 0
    out = np.empty((6000, 2500), np.float32)  # the caller's own memory
    assert pyface.cosine_distances(ROWS, ROWS[:2500], out=out) is out
    assert pyface.linkage(ROWS[:50], "complete").shape == (49, 4)


def test_no_matrix_that_no_machine_holds_is_begun() -> None:
    with pytest.raises(MemoryError, match=r"a result of shape \(3000000, 3000000\) in float32 takes 33527\.6 GiB"):
        pyface.cosine_distances(np.ones((3_000_000, 1), np.float32))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_number_of_pairs_is_told_early_and_about_right(n_threads: int) -> None:
    options = {"metric": "euclidean", "radius": 9.0, "n_threads": n_threads}
    n_pairs = len(ROWS) * (len(ROWS) - 1) // 2
    with pytest.raises(MemoryError) as error:
        _core.within_radius(ROWS, None, memory_limit=20_000_000, **options)
    found, expected, *_ = map(int, re.findall(r"\d+", str(error.value)))
    assert 20_000_000 / 28 < found < n_pairs / 4
    assert n_pairs / 2 < expected < 2 * n_pairs
    with pytest.raises(MemoryError, match="pairs were found"):
        _core.within_radius(ROWS[:2], None, memory_limit=0, **options)
    alone = {**options, "radius": 0.0}
    assert _core.within_radius(ROWS[:2], None, memory_limit=0, **alone)[0].tolist() == [0, 1, 2]
    indptr, _, _ = _core.within_radius(ROWS[:500], None, memory_limit=-1, **options)
    assert indptr[-1] == 500**2
