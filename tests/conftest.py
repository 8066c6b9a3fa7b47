"""Fixtures that many tests share: every instruction set of this machine, and real embeddings where they are at hand."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

from pyface import _core

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # some tests import ONNX Runtime before pyface does

# A shell that runs the tests in the background has Ctrl-C ignored, in them and in all that they start; some send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, and no limit of time: what passes once passes on any machine, however busy.
# `pytest --hypothesis-profile=explore` looks for new ones.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("explore"), derandomize=True)
settings.load_profile("same")

# What of the tests stays in one process of pytest-xdist: each of these files by itself, as it has a costly fixture, and
# all of LARGE, as two of them side by side may need more memory than there is.
STAY_TOGETHER = (
    "tests/cli/",
    "tests/album/",
    "tests/pictures/",
    "tests/distributed/test_dask.py",
    "tests/models/test_golden.py",
    "tests/test_warp_pictures.py",
)
LARGE = ("tests/kernels/test_doors.py", "tests/kernels/test_sampler_memory.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests go to whichever process is free, but for those that stay together, which come first."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            if path in LARGE:
                return "large"
            return path if path.startswith(STAY_TOGETHER) else nodeid

    return Scheduling(config, log)


@pytest.fixture(params=_core.compiled_isas(), scope="module")  # Hypothesis refuses function scope under @given
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the test once per instruction set."""
    if request.param not in _core.supported_isas():
        pytest.skip(f"this CPU lacks {request.param}")
    before = _core.set_isa(request.param)
    yield request.param
    _core.set_isa(before)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Commands that run inside a test set up logging for the whole process."""
    log = logging.getLogger("pyface")
    handlers, level = log.handlers[:], log.level
    yield
    log.handlers[:] = handlers
    log.setLevel(level)


@pytest.fixture(scope="session")
def lfw() -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """The first 3,000 embeddings of LFW, (3000, 128) float32, and the person of each."""
    folder = Path(os.environ.get("PYFACE_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "embeddings"
    if not (folder / "lfw_128.npy").is_file():
        pytest.skip(f"no real embeddings in {folder}")
    people = [line.split("/")[0] for line in (folder / "lfw_128_files.txt").read_text().splitlines()]
    return np.load(folder / "lfw_128.npy")[:3000], np.array(people[:3000])
