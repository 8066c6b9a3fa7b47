"""Kernels in the children of a process that ran them with several threads: no thread is kept from call to call."""

from __future__ import annotations

import os

import forked
import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_kernels_run_in_a_child_and_in_its_child() -> None:
    pytest.importorskip("cv2", reason="the extra 'models' is not installed")
    lines = forked.run("forked.kernels()").splitlines()
    assert len(lines) == 9
    assert [line for line in lines if not line.endswith(": 0")] == []
