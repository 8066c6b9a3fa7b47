"""Warps and crops neither read nor write beside their arrays, and find their pixels in images of any size."""

from __future__ import annotations

import sys

import guarded
import pytest

NEEDS_MPROTECT = pytest.mark.skipif(bool(guarded.MISSING), reason=guarded.MISSING)
CRASHES = ("Segmentation fault", "Bus error", "AddressSanitizer: SEGV", "AddressSanitizer: BUS")
NEEDS_64_BITS = pytest.mark.skipif(sys.maxsize < 2**32, reason="needs 64-bit addresses")


@NEEDS_MPROTECT
@pytest.mark.parametrize("call", ["warps(300)", "crops(2500)", "frontals(150)"])
def test_nothing_beside_an_array_is_touched(call: str) -> None:
    done = guarded.run(f"guarded_warps.{call}")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@NEEDS_MPROTECT
@pytest.mark.parametrize("at_end", [True, False])
def test_the_guards_are_on_duty(at_end: bool) -> None:
    done = guarded.run(f"guarded.overrun(at_end={at_end})")
    assert done.returncode != 0
    assert any(crash in done.stderr for crash in CRASHES), done.stderr


@NEEDS_MPROTECT
@NEEDS_64_BITS
@pytest.mark.parametrize("shape", [(46_400, 46_400), (32_767, 32_767, 3)])  # more than 2^31 pixels, or only values
def test_the_last_corner_of_a_large_image(shape: tuple[int, ...]) -> None:
    done = guarded.run(f"guarded_warps.large({shape})")
    if done.returncode == 3:
        pytest.skip(f"no memory of this size to be had: {done.stdout.strip()}")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
