"""JPEG: what is missing, what is damaged, what Pillow and OpenCV make of the same file, and nothing said on stderr."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

pytest.importorskip("PIL", reason="the extra 'models' is not installed")
pytest.importorskip("cv2", reason="the extra 'models' is not installed")

import cv2
from PIL import Image

from pyface.errors import ImageReadError
from pyface.photos import jpeg
from pyface.photos.reading import OpenPhoto, read_image

END = b"\xff\xd9"


def picture(height: int = 120, width: int = 200) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).integers(0, 40, (height, width, 3))
    return (np.stack([x, y + x // 2, 200 - y], axis=2) % 200 + noise).astype(np.uint8)


def encoded(pixels: NDArray[np.uint8] | None = None, mode: str = "RGB", **options: Any) -> bytes:
    data = io.BytesIO()
    Image.fromarray(picture() if pixels is None else pixels).convert(mode).save(data, "jpeg", **options)
    return data.getvalue()


KINDS: dict[str, bytes] = {
    "usual": encoded(quality=90),
    "grey": encoded(mode="L"),
    "no coarse colours": encoded(quality=100, subsampling=0),
    "progressive": encoded(quality=85, progressive=True),
    "progressive grey": encoded(mode="L", progressive=True),
    "restart markers": encoded(restart_marker_rows=1),
    "CMYK": encoded(mode="CMYK"),
    "one block": encoded(np.full((8, 8, 3), 90, np.uint8)),
    "flat": encoded(np.full((120, 200, 3), 90, np.uint8)),
}


# Their last byte of pixels is zero: filled up with zeros, nobody can tell whether it is there.
FLAT = {"one block", "flat"}


@pytest.mark.parametrize(
    ("kind", "end"),
    [(kind, end) for end in (b"", b"\xff", bytes(1000)) for kind in KINDS if kind not in FLAT or len(end) < 2],
)
def test_all_but_the_end_marker_is_a_whole_picture(kind: str, end: bytes) -> None:
    data = KINDS[kind]
    assert data.endswith(END)
    photo = OpenPhoto(data[:-2] + end)
    assert_array_equal(photo.full(), read_image(data))
    assert_array_equal(OpenPhoto(data[:-2] + end).reduced(50), OpenPhoto(data).reduced(50))
    assert photo.digest() == OpenPhoto(data[:-2] + end).digest() != OpenPhoto(data).digest()  # that of the file


@pytest.mark.parametrize("kind", sorted(set(KINDS) - FLAT))
@pytest.mark.parametrize(("missing", "filling"), [(6, 0), (40, 0), (400, 0), (400, 5000)])
def test_a_picture_whose_last_pixels_are_missing_is_an_error(kind: str, missing: int, filling: int) -> None:
    data = KINDS[kind][:-missing] + bytes(filling)
    with pytest.raises(ImageReadError, match="truncated"):
        read_image(data)
    with pytest.raises(ImageReadError, match="truncated"):
        OpenPhoto(data).reduced(20)


@pytest.mark.parametrize("rows", range(1, 7))
def test_a_picture_that_ends_at_a_restart_marker_is_an_error(rows: int) -> None:
    data = KINDS["restart markers"]
    end = [i for i in range(len(data)) if data[i] == 0xFF and 0xD0 <= data[i + 1] < 0xD8][rows]
    for cut in (data[:end], data[: end + 2]):
        with pytest.raises(ImageReadError, match="truncated"):
            read_image(cut)


def test_a_progressive_picture_that_ends_between_two_scans_is_an_error() -> None:
    data = KINDS["progressive"]
    scans = [i for i in range(len(data)) if data[i : i + 2] == b"\xff\xda"]
    assert len(scans) > 3
    for scan in scans[1:]:
        # Tables stand in front of a scan; all that was coded before is whole.
        with pytest.raises(ImageReadError, match="truncated"):
            read_image(data[: data.rfind(b"\xff\xc4", 0, scan)])


@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_the_end_marker_does_not_matter(kind: str) -> None:
    for more in (bytes(100), b"\xff", b"some text", END, KINDS["grey"]):
        assert_array_equal(read_image(KINDS[kind] + more), read_image(KINDS[kind]))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"CMYK"}))
def test_the_same_pixels_as_opencv(kind: str) -> None:
    expected = cv2.imdecode(np.frombuffer(KINDS[kind], np.uint8), cv2.IMREAD_COLOR_RGB)
    assert_array_equal(read_image(KINDS[kind]), expected)


def test_cmyk_is_that_of_the_picture() -> None:
    assert np.abs(read_image(encoded(mode="CMYK", quality=98)).astype(int) - picture()).mean() < 4


def test_a_damaged_picture_is_read_without_a_word_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """libjpeg inside OpenCV writes "Corrupt JPEG data" to the process's stderr, and names no file."""
    data = encoded(quality=90)
    middle = len(data) // 2
    damaged = {
        "overwritten": data[:middle] + bytes(range(100, 140)) + data[middle + 40 :],
        "filled up": data[:-2] + bytes(20) + END,
        "cut short, with an end": data[:middle] + END,
    }
    for how, content in damaged.items():
        photo = OpenPhoto(content)
        assert photo.reduced(100).shape == (60, 100, 3), how
        assert photo.full().shape == (120, 200, 3), how
    assert capfd.readouterr() == ("", "")


def test_memory_for_scans_that_come_one_after_the_other() -> None:
    assert jpeg.coefficient_bytes(KINDS["usual"]) == 0
    assert jpeg.coefficient_bytes(KINDS["progressive"]) == 2 * 120 * 200 * 6 // 4
    assert jpeg.coefficient_bytes(KINDS["progressive grey"]) == 2 * 120 * 200
    usual, progressive = OpenPhoto(KINDS["usual"]), OpenPhoto(KINDS["progressive"])
    assert progressive.decoded_bytes == usual.decoded_bytes + 2 * 120 * 200 * 6 // 4


def test_damage_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    path.write_bytes(encoded()[:-100])
    with pytest.raises(ImageReadError, match=r"cut\.jpg: image file is truncated"):
        read_image(path)


def test_every_beginning_of_a_file_is_an_error() -> None:
    data = encoded()
    for length in (*range(3, 700, 7), *range(700, len(data) - 4, 997)):
        with pytest.raises(ImageReadError):
            read_image(data[:length])


@pytest.mark.parametrize("filling", [0, 512])
def test_a_few_bytes_less_are_noticed(filling: int) -> None:
    """Zeros complete a block of standard tables, and what lacks one bit is not to pass by luck."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8)).resize((90, 70), Image.Resampling.BICUBIC)
        data = encoded(
            np.clip(np.asarray(coarse).astype(int) + rng.integers(-20, 20, (70, 90, 3)), 0, 255).astype(np.uint8),
            quality=80,
        )
        assert_array_equal(read_image(data[:-2]), read_image(data))
        for cut in (3, 4, 5):
            try:
                pixels = read_image(data[:-cut] + bytes(filling))
            except ImageReadError:
                continue
            assert_array_equal(pixels, read_image(data))
