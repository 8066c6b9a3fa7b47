"""Large photos: memory decides, not Pillow's limit, and it is asked before it is taken."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import photo_sets
import pytest
from numpy.testing import assert_array_equal

pytest.importorskip("PIL", reason="the extra 'models' is not installed")

import tiff_files
from PIL import Image, features

from pyface import _memory
from pyface.errors import ImageReadError
from pyface.photos.reading import OpenPhoto, read_image

FORMATS = ["JPEG", "PNG", "BMP", "TIFF", "GIF"]
FORMATS += [name for name, part in (("JPEG2000", "jpg_2000"), ("AVIF", "avif")) if part in features.get_supported()]


def saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, format_, **options)
    return data.getvalue()


@pytest.mark.parametrize(
    ("format_", "options"), [*((name, {}) for name in FORMATS), ("TIFF", {"compression": "tiff_lzw"})]
)
def test_the_limit_of_pillow_is_not_ours(
    format_: str, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = saved(Image.new("RGB", (1000, 700), (90, 120, 30)), format_, **options)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photo = OpenPhoto(data)
        assert (photo.width, photo.height) == (1000, 700)
        assert photo.full().shape == (700, 1000, 3)
        assert np.abs(photo.reduced(300)[5, 5].astype(int) - (90, 120, 30)).max() <= 6
    assert Image.MAX_IMAGE_PIXELS == 300_000  # that of the program, which is not touched


def test_200_megapixels_are_decoded_small() -> None:
    width, height = 16320, 12240
    data = saved(Image.new("L", (width, height), 77), "JPEG")
    photo = OpenPhoto(data)
    assert (photo.width, photo.height) == (width, height)
    small = photo.reduced(1280)
    assert small.shape == (1530, 2040, 3)
    assert_array_equal(small, 77)


def png_of(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1 << 16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def claiming(data: bytes, old: tuple[int, int], new: tuple[int, int], code: str) -> bytes:
    """A file whose header says another size."""
    before, after = struct.pack(code, *old), struct.pack(code, *new)
    assert data.count(before) == 1
    return data.replace(before, after)


SMALL = Image.new("RGB", (301, 203), (9, 9, 9))
SIDE = 60000
BOMBS = {
    "PNG": png_of(SIDE, SIDE),
    "TIFF": tiff_files.tiff_bytes(np.zeros((4, 4, 3), np.uint8), 2, more={256: ("I", [SIDE]), 257: ("I", [SIDE])}),
    "TIFF, compressed": tiff_files.tiff_bytes(
        np.zeros((4, 4, 3), np.uint8), 2, compression=8, more={256: ("I", [SIDE]), 257: ("I", [SIDE])}
    ),
    "TIFF, 16 bits apart": tiff_files.tiff_bytes(
        np.zeros((4, 4, 3), np.uint16), 2, planar=True, more={256: ("I", [SIDE]), 257: ("I", [SIDE])}
    ),
    "BMP": claiming(saved(SMALL, "BMP"), SMALL.size, (SIDE, SIDE), "<ii"),
    "progressive JPEG": claiming(saved(SMALL, "JPEG", progressive=True), (203, 301), (SIDE, SIDE), ">HH"),
    "GIF": claiming(saved(SMALL, "GIF")[:10], SMALL.size, (SIDE, SIDE), "<HH") + saved(SMALL, "GIF")[10:],
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_size_that_memory_does_not_hold_is_refused_unread(bomb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object, **__: object) -> None:
        raise AssertionError("memory was taken")

    monkeypatch.setattr(_memory, "available", lambda: 1 << 30)
    monkeypatch.setattr(Image.core, "new", decode)
    monkeypatch.setattr(Image.core, "fill", decode)
    with pytest.raises(ImageReadError, match=r"60,000 x 60,000 pixels takes [\d.]+ GiB and 1.0 GiB are free") as caught:
        read_image(BOMBS[bomb])
    assert caught.value.path == "<bytes>"
    with pytest.raises(ImageReadError, match="60,000 x 60,000"):
        OpenPhoto(BOMBS[bomb]).reduced(1280)


def test_a_large_jpeg_may_fit_when_it_is_decoded_small(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = OpenPhoto(saved(Image.new("L", (8000, 6000)), "JPEG"))
    monkeypatch.setattr(_memory, "available", lambda: 100 << 20)
    assert photo.reduced(1000).shape == (750, 1000, 3)
    with pytest.raises(ImageReadError, match="8,000 x 6,000 pixels takes 137 MiB and 100 MiB are free"):
        photo.full()


LIMITED = """
import json, resource, sys
import pyface, cv2
from PIL import Image
pyface.read_image(sys.argv[1])
limit = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + (1 << 30)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
reasons = []
for path in sys.argv[2:]:
    try:
        pyface.read_image(path)
    except OSError as error:
        reasons.append(str(error))
print(json.dumps(reasons))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS and /proc")
def test_a_limit_of_the_process_counts(tmp_path: Path) -> None:
    good = photo_sets.save(tmp_path / "good.png", np.zeros((9, 9, 3), np.uint8))
    for i, data in enumerate(BOMBS.values()):
        (tmp_path / f"{i}.jpg").write_bytes(data)
    paths = [str(tmp_path / f"{i}.jpg") for i in range(len(BOMBS))]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(good), *paths], capture_output=True, text=True, check=True, timeout=600
    )
    reasons = json.loads(done.stdout)
    assert len(reasons) == len(BOMBS)
    assert all("60,000 x 60,000 pixels takes" in reason for reason in reasons), reasons


def test_memory_that_is_not_there_after_all_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    path = photo_sets.save(tmp_path / "x.png", np.zeros((9, 9, 3), np.uint8))
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
    with pytest.raises(ImageReadError, match=r"x\.png: not enough memory for a picture of this size"):
        read_image(path)
