"""Every kind of TIFF in every layout: the picture that was written, or refused with the reason, never another one."""

from __future__ import annotations

import io
import re
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

pytest.importorskip("PIL", reason="the extra 'models' is not installed")

import tiff_files as tiff
from PIL import Image
from tiff_files import tiff_bytes

from pyface.errors import ImageReadError
from pyface.photos.reading import OpenPhoto, read_image

HEIGHT, WIDTH = 37, 53
PALETTE = np.random.default_rng(2).integers(256, 65536, (256, 3)).astype(np.uint16)

LAYOUTS: dict[str, dict[str, Any]] = {"one strip": {}, "strips": {"rows": 7}, "tiles": {"tile": 16}}
COMPRESSIONS = {"plain": tiff.NONE, "LZW": tiff.LZW, "deflate": tiff.DEFLATE, "packbits": tiff.PACKBITS}


def picture(channels: int) -> NDArray[np.uint8]:
    """(h, w, c): channels that differ, from black to white."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [x * 4 + y, x + y * 5, x * 2 + y * 3, 255 - x * 3, x + y]
    return (np.stack(waves[:channels], axis=2) % 256).astype(np.uint8)


def deep(channels: int, dtype: type) -> NDArray[Any]:
    """The picture in the high byte, noise in the next."""
    shift = 8 * np.dtype(dtype).itemsize - 8
    noise = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, channels))
    high = picture(channels).astype(np.uint64) << np.uint64(shift)
    return (high | noise.astype(np.uint64) << np.uint64(shift - 8)).astype(dtype)


def grey(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.repeat(np.asarray(values, np.uint8).reshape(HEIGHT, WIDTH, 1), 3, axis=2)


def without_ink(cmyk: NDArray[np.uint8]) -> NDArray[np.float64]:
    """RGB of CMYK by the plain rule: each ink takes its share of the light that black has left."""
    ink = cmyk / 255
    return (1 - ink[:, :, :3]) * (1 - ink[:, :, 3:]) * 255


G, C = picture(1), picture(4)
# name -> samples, photometric, options of the writer, the RGB expected
KINDS: dict[str, tuple[NDArray[Any], int, dict[str, Any], NDArray[Any]]] = {
    "grey, 1 bit": (G >> 7, 1, {"bits": 1}, grey((G >> 7) * 255)),
    "grey, 1 bit, white is zero": (G >> 7, 0, {"bits": 1}, grey(255 - (G >> 7) * 255)),
    "grey, 2 bits": (G >> 6, 1, {"bits": 2}, grey((G >> 6) * 85)),
    "grey, 4 bits": (G >> 4, 1, {"bits": 4}, grey((G >> 4) * 17)),
    "grey, 4 bits, white is zero": (G >> 4, 0, {"bits": 4}, grey(255 - (G >> 4) * 17)),
    "grey, 8 bits": (G, 1, {}, grey(G)),
    "grey, 8 bits, white is zero": (G, 0, {}, grey(255 - G)),
    "grey, 12 bits": (deep(1, np.uint16) >> 4, 1, {"bits": 12}, grey(G)),
    "grey, 16 bits": (deep(1, np.uint16), 1, {}, grey(G)),
    "grey, 16 bits, white is zero": (deep(1, np.uint16), 0, {}, grey(255 - G)),
    "grey, 32 bits": (deep(1, np.uint32), 1, {}, grey(G)),
    "grey, 32 bits, of which 16 are used": (deep(1, np.uint16).astype(np.uint32), 1, {}, grey(G)),
    "grey, 32 bits with a sign, of which 16 are used": (deep(1, np.uint16).astype(np.int32), 1, {}, grey(G)),
    "grey, floats to 1": ((G / 255).astype(np.float32), 1, {}, grey(G)),
    "grey, floats to 255": (G.astype(np.float32), 1, {}, grey(G)),
    "grey, floats to 65535": (G.astype(np.float32) * 257, 1, {}, grey(G)),
    "grey and alpha": (picture(2), 1, {"extra": (2,)}, grey(G)),
    "grey and alpha, apart": (picture(2), 1, {"extra": (2,), "planar": True}, grey(G)),
    "RGB": (picture(3), 2, {}, picture(3)),
    "RGB, apart": (picture(3), 2, {"planar": True}, picture(3)),
    "RGB and alpha": (C, 2, {"extra": (2,)}, picture(3)),
    "RGB and alpha, apart": (C, 2, {"extra": (2,), "planar": True}, picture(3)),
    "RGB and what is no alpha": (C, 2, {"extra": (0,)}, picture(3)),
    "RGB and what is no alpha, apart": (C, 2, {"extra": (0,), "planar": True}, picture(3)),
    "RGB, 16 bits": (deep(3, np.uint16), 2, {}, picture(3)),
    "RGB, 16 bits, apart": (deep(3, np.uint16), 2, {"planar": True}, picture(3)),
    "RGB and alpha, 16 bits": (deep(4, np.uint16), 2, {"extra": (2,)}, picture(3)),
    "RGB and alpha, 16 bits, apart": (deep(4, np.uint16), 2, {"extra": (2,), "planar": True}, picture(3)),
    "palette": (G, 3, {"palette": PALETTE}, (PALETTE >> 8)[G[:, :, 0]]),
    "palette of bytes": (G, 3, {"palette": PALETTE >> 8}, (PALETTE >> 8)[G[:, :, 0]]),
    "palette, 4 bits": (G >> 4, 3, {"bits": 4, "palette": PALETTE[:16]}, (PALETTE >> 8)[G[:, :, 0] >> 4]),
    "CMYK": (C, 5, {}, without_ink(C)),
    "CMYK, apart": (C, 5, {"planar": True}, without_ink(C)),
    "CMYK, 16 bits": (deep(4, np.uint16), 5, {}, without_ink(C)),
}  # fmt: skip

# Kinds of which some layouts may be refused, as Pillow does not open them or gets them wrong: (order, is compressed).
REFUSED: dict[str, set[tuple[str, bool]]] = {
    "grey, 12 bits": {(">", False), (">", True)},
    "grey, 16 bits, white is zero": {(">", False), (">", True)},
    "grey, 32 bits": {(">", False), (">", True)},
    "grey, 32 bits, of which 16 are used": {(">", False), (">", True)},
    "grey, 32 bits with a sign, of which 16 are used": {(">", True)},
    "grey, floats to 1": {(">", True)},
    "grey, floats to 255": {(">", True)},
    "grey, floats to 65535": {(">", True)},
    "grey and alpha, apart": {(o, c) for o in "<>" for c in (False, True)},
    "RGB and what is no alpha, apart": {("<", False), (">", False)},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_that_was_written(kind: str) -> None:
    samples, photometric, options, expected = KINDS[kind]
    for order in "<>":
        for compression, code in COMPRESSIONS.items():
            for layout, how in LAYOUTS.items():
                data = tiff_bytes(samples, photometric, order=order, compression=code, **options, **how)
                where = f"{kind}, {order}, {compression}, {layout}"
                try:
                    read = read_image(data)
                except ImageReadError as error:
                    assert re.search(r"a TIFF of .* not read; save it as", error.reason), where  # noqa: PT017
                    assert (order, compression != "plain") in REFUSED.get(kind, ()), where
                    continue
                assert np.abs(read - expected).max() <= (1 if photometric == tiff.CMYK else 0), where


UNKNOWN: dict[str, tuple[NDArray[Any], int, dict[str, Any]]] = {
    "signed 8-bit": ((G >> 1).astype(np.int8), 1, {}),
    "signed 16-bit": ((deep(1, np.uint16) >> 1).astype(np.int16), 1, {}),
    "64-bit": (deep(1, np.uint64), 1, {}),
    "64-bit floats": (G / 255, 1, {}),
    "16-bit floats": ((G / 255).astype(np.float16), 1, {}),
    "RGB floats": ((picture(3) / 255).astype(np.float32), 2, {}),
    "RGB of 32 bits": (deep(3, np.uint32), 2, {}),
    "floats, white is zero": ((G / 255).astype(np.float32), 0, {}),
    "32-bit, white is zero": (deep(1, np.uint32), 0, {}),
    "grey and alpha of 16 bits": (deep(2, np.uint16), 1, {"extra": (2,)}),
    "Lab": (picture(3), 8, {}),
    "CMYK of 16 bits, apart": (deep(4, np.uint16), 5, {"planar": True}),
    "four inks that are not CMYK": (C, 5, {"more": {332: ("H", [2])}}),
    "premultiplied RGB, apart": (C, 2, {"extra": (1,), "planar": True}),
    "channels of different size": (picture(3), 2, {"more": {258: ("H", [8, 8, 16])}}),
    "low bit first": (deep(1, np.uint16), 1, {"more": {266: ("H", [2])}}),
    "mask": (G >> 7, 4, {"bits": 1}),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNKNOWN)
@pytest.mark.parametrize("order", ["<", ">"])
def test_what_is_not_known_is_refused(kind: str, order: str) -> None:
    samples, photometric, options = UNKNOWN[kind]
    for code in COMPRESSIONS.values():
        with pytest.raises(ImageReadError, match=r"<bytes>: a TIFF of .* not read; save it as"):
            read_image(tiff_bytes(samples, photometric, order=order, compression=code, **options))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.array([[0.0, 1.3]], np.float32), "from 0 to 1.3: neither"),
        (np.array([[0, 4095]], np.float32), "from 0 to 4095: neither"),
        (np.array([[0, 1e6]], np.float32), "neither"),
        (np.array([[-1, 1]], np.float32), "from -1 to 1: neither"),
        (np.array([[np.nan, 1]], np.float32), "NaN or infinite"),
        (np.array([[0, np.inf]], np.float32), "NaN or infinite"),
        (np.array([[0, 70000]], np.uint32), "from 0 to 70000: which range"),
        (np.array([[0, 70000]], np.int32), "from 0 to 70000: which range"),
        (np.array([[-1, 255]], np.int32), "from -1 to 255: which range"),
    ],
)
def test_numbers_of_no_known_range_are_refused(values: NDArray[Any], reason: str) -> None:
    with pytest.raises(ImageReadError, match=reason):
        read_image(tiff_bytes(values, tiff.BLACK_IS_ZERO))


def test_one_sample_that_is_no_number_is_seen_wherever_it_is() -> None:
    for row in (0, 300, 599):
        values = np.full((600, 600), 0.5, np.float32)
        values[row, 7] = np.nan
        with pytest.raises(ImageReadError, match="NaN or infinite"):
            read_image(tiff_bytes(values, tiff.BLACK_IS_ZERO))


def test_a_black_picture_is_black_in_every_kind() -> None:
    for dtype in (np.uint8, np.uint16, np.uint32, np.int32, np.float32):
        assert not read_image(tiff_bytes(np.zeros((3, 4), dtype), tiff.BLACK_IS_ZERO)).any()


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_ycbcr(compression: str) -> None:
    ycbcr = picture(3)
    data = tiff_bytes(ycbcr, tiff.YCBCR, compression=COMPRESSIONS[compression], more={530: ("H", [1, 1])})
    y, cb, cr = (ycbcr[:, :, i].astype(float) - (0, 128, 128)[i] for i in range(3))
    expected = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=2).clip(0, 255)
    assert np.abs(read_image(data) - expected).max() <= 2


def test_coarse_colours_that_are_not_compressed_are_refused() -> None:
    with pytest.raises(ImageReadError, match="a TIFF of YCbCr in 8-bit whole numbers in a layout that is not read"):
        read_image(tiff_bytes(picture(3), tiff.YCBCR))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_channels_apart_are_turned_and_reduced_like_others(orientation: int) -> None:
    turned = {"more": {274: ("H", [orientation])}}
    usual = OpenPhoto(tiff_bytes(picture(3), tiff.RGB, **turned))
    apart = OpenPhoto(tiff_bytes(deep(3, np.uint16), tiff.RGB, planar=True, rows=5, **turned))
    assert (apart.width, apart.height) == (usual.width, usual.height)
    assert_array_equal(apart.full(), usual.full())
    assert apart.reduced(20).shape == usual.reduced(20).shape
    # Blocks are counted from another corner if Pillow has turned the picture before.
    assert np.abs(apart.reduced(20).astype(int) - usual.reduced(20)).mean() < 12


@pytest.mark.parametrize("kind", ["RGB, 16 bits, apart", "grey, 16 bits", "palette"])
def test_big_tiff(kind: str) -> None:
    samples, photometric, options, expected = KINDS[kind]
    assert_array_equal(read_image(tiff_bytes(samples, photometric, big=True, **options)), expected)


@pytest.mark.parametrize("kind", ["RGB, 16 bits, apart", "RGB", "grey, 16 bits"])
def test_every_truncation_is_an_error(kind: str) -> None:
    samples, photometric, options, _ = KINDS[kind]
    data = tiff_bytes(samples, photometric, rows=5, **options)
    for length in (5, 9, 20, 100, 150, 250, len(data) // 2, len(data) - 1):
        with pytest.raises(ImageReadError):
            read_image(data[:length])


@pytest.mark.parametrize("kind", KINDS)
def test_other_readers_see_the_samples_that_were_written(kind: str) -> None:
    tifffile = pytest.importorskip("tifffile", reason="scikit-image is not installed")
    import io

    samples, photometric, options, _ = KINDS[kind]
    if options.get("bits", 8) in (2, 4, 12):
        pytest.skip("tifffile reads these only with another package")
    for order in "<>":
        for how in LAYOUTS.values():
            file = tifffile.TiffFile(io.BytesIO(tiff_bytes(samples, photometric, order=order, **options, **how)))
            read = file.asarray().reshape(samples.shape if not options.get("planar") else (-1, HEIGHT, WIDTH))
            assert_array_equal(np.moveaxis(read, 0, -1) if options.get("planar") else read, samples)


@pytest.mark.parametrize("dtype", [np.int32, np.uint32])
def test_whole_numbers_of_a_small_range_are_refused_not_black(dtype: type) -> None:
    tifffile = pytest.importorskip("tifffile")
    for white in (255, 4095, 65535):
        file = io.BytesIO()
        tifffile.imwrite(file, np.linspace(0, white, 40_000).reshape(200, 200).astype(dtype))
        if white == 65535:
            assert read_image(file).max() == 255
        else:
            with pytest.raises(ImageReadError, match="which range is black to white is not known"):
                read_image(file)


@pytest.mark.parametrize("begin", [b"\xff" * 8, struct.pack("<Q", 16) + b"\xff" * 8])
def test_a_directory_beyond_all_files_is_damaged(begin: bytes) -> None:
    with pytest.raises(ImageReadError, match="directory is damaged"):
        read_image(b"II+\0\x08\0\0\0" + begin + bytes(64))


@pytest.mark.parametrize("length", [8, 9, 10, 12, 34, 40])
def test_a_file_that_ends_in_its_directory_is_damaged(length: int) -> None:
    file = io.BytesIO()
    Image.new("RGB", (20, 20)).save(file, "TIFF")
    data = file.getvalue()
    assert struct.unpack_from("<I", data, 4) == (8,), "the directory comes first"
    with pytest.raises(ImageReadError, match="directory is damaged"):
        read_image(data[:length])


def test_a_directory_takes_no_more_memory_than_it_is_worth() -> None:
    """Every tag says that it has two million values, all of them the same."""
    n_values, tags = 2 << 20, [254, 258, 259, 262, 266, 274, 277, 278, 284, 330, 332, 338, 339, 530]
    entries = b"".join(struct.pack("<HHII", tag, 3, n_values, 256) for tag in tags)
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)
    data = data.ljust(256, b"\0") + b"\x99\x77" * n_values
    tracemalloc.start()
    try:
        with pytest.raises(ImageReadError):
            read_image(data)
        assert tracemalloc.get_traced_memory()[1] < 8 * len(data)
    finally:
        tracemalloc.stop()
