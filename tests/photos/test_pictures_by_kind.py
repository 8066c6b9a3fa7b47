"""PNG, BMP, GIF, WebP, JPEG 2000 and AVIF of every kind: the picture that was written, to the sample."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

pytest.importorskip("PIL", reason="the extra 'models' is not installed")
pytest.importorskip("cv2", reason="the extra 'models' is not installed")

import cv2
from PIL import Image, features

from pyface.photos.reading import read_image

HEIGHT, WIDTH = 29, 43
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
COLOURS = np.random.default_rng(2).integers(0, 256, (256, 3)).astype(np.uint8)
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def picture(channels: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [x * 6 + y, x + y * 8, x * 2 + y * 3, 255 - x * 3]
    return (np.stack(waves[:channels], axis=2) % 256).astype(np.uint8)


def png_bytes(samples: NDArray[Any], colour: int, bits: int, *, interlaced: bool = False, **chunks: bytes) -> bytes:
    """A PNG of the samples (h, w, c), with more chunks in front of the pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    def rows(part: NDArray[Any]) -> bytes:
        if bits >= 8:
            lines = [row.astype(f">u{bits // 8}").tobytes() for row in part]
        else:
            spread = part.reshape(len(part), -1)[:, :, None] >> np.arange(bits - 1, -1, -1) & 1
            lines = [np.packbits(row.ravel()).tobytes() for row in spread.astype(np.uint8)]
        return b"".join(b"\0" + line for line in lines)

    parts = [samples[y::dy, x::dx] for y, x, dy, dx in ADAM7] if interlaced else [samples]
    data = b"".join(rows(part) for part in parts if part.size)
    head = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], bits, colour, 0, 0, interlaced)
    more = b"".join(chunk(name.encode(), content) for name, content in chunks.items())
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("colour", "bits"),
    [(GREY, 1), (GREY, 2), (GREY, 4), (GREY, 8), (GREY, 16), (RGB, 8), (RGB, 16), (PALETTE, 1), (PALETTE, 2),
     (PALETTE, 4), (PALETTE, 8), (GREY_ALPHA, 8), (GREY_ALPHA, 16), (RGB_ALPHA, 8), (RGB_ALPHA, 16)],
)  # fmt: skip
def test_png(colour: int, bits: int, interlaced: bool) -> None:
    wanted = picture(CHANNELS[colour])
    samples = wanted >> (8 - bits) if bits < 8 else wanted
    if bits == 16:
        samples = wanted.astype(np.uint16) << 8 | np.random.default_rng(0).integers(0, 256, wanted.shape, np.uint16)
    chunks = {"PLTE": COLOURS[: 2**bits].tobytes()} if colour == PALETTE else {}
    if colour == PALETTE:
        expected = COLOURS[samples[:, :, 0]]
    elif bits < 8:
        expected = samples * (255 // (2**bits - 1))
    else:
        expected = wanted[:, :, : 3 if CHANNELS[colour] > 2 else 1]
    expected = np.broadcast_to(expected, (HEIGHT, WIDTH, 3))
    data = png_bytes(samples, colour, bits, interlaced=interlaced, **chunks)
    assert_array_equal(read_image(data), expected)
    if bits == 8:
        assert_array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB), expected)
    # Which colour is transparent, and how many bits a camera had, changes no colour.
    clear = {GREY: b"\0\1", RGB: b"\0\1\0\2\0\3", PALETTE: b"\0\x80"}
    if colour in clear:
        chunks["tRNS"] = clear[colour]
    significant = bytes([min(bits, 5)] * (3 if colour == PALETTE else CHANNELS[colour]))
    data = png_bytes(samples, colour, bits, interlaced=interlaced, sBIT=significant, **chunks)
    assert_array_equal(read_image(data), expected)


def bmp_bytes(pixels: bytes, bits: int, *, height: int = HEIGHT, compression: int = 0, masks: bytes = b"") -> bytes:
    palette = np.insert(COLOURS[:, ::-1], 3, 0, axis=1).tobytes() if bits == 8 else b""
    begin = 14 + 40 + len(masks) + len(palette)
    head = struct.pack("<2sIHHI", b"BM", begin + len(pixels), 0, 0, begin)
    info = struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, compression, len(pixels), 0, 0, 0, 0)
    return head + info + masks + palette + pixels


def test_bmp() -> None:
    wanted = picture(3)

    def lines(rows: NDArray[Any]) -> bytes:
        flat = [row.tobytes() for row in rows[::-1]]
        return b"".join(row + bytes(-len(row) % 4) for row in flat)

    bgr = wanted[:, :, ::-1]
    r, g, b = (wanted[:, :, i].astype(np.uint16) for i in range(3))
    index = picture(1)[:, :, 0]
    runs = b"".join(b"".join(bytes([1, v]) for v in row) + b"\0\0" for row in index[::-1]) + b"\0\1"
    fives = np.stack([r >> 3, g >> 3, b >> 3], axis=2)
    of_15_bits = fives[:, :, 0] << 10 | fives[:, :, 1] << 5 | fives[:, :, 2]
    for name, data, expected in [
        ("24 bits", bmp_bytes(lines(bgr), 24), wanted),
        ("from the top", bmp_bytes(lines(bgr[::-1]), 24, height=-HEIGHT), wanted),
        ("32 bits", bmp_bytes(lines(np.insert(bgr, 3, 7, axis=2)), 32), wanted),
        ("palette", bmp_bytes(lines(index), 8), COLOURS[index]),
        ("run lengths", bmp_bytes(runs, 8, compression=1), COLOURS[index]),
        ("15 bits", bmp_bytes(lines(of_15_bits), 16), fives * 255 // 31),
        (
            "16 bits",
            bmp_bytes(
                lines((r >> 3) << 11 | (g >> 2) << 5 | b >> 3), 16, compression=3,
                masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F),
            ),
            np.stack([(r >> 3) * 255 // 31, (g >> 2) * 255 // 63, (b >> 3) * 255 // 31], axis=2),
        ),
    ]:  # fmt: skip
        assert_array_equal(read_image(data), expected, err_msg=name)


def saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, format_, **options)
    return data.getvalue()


def test_webp_and_gif() -> None:
    rgb, alpha = Image.fromarray(picture(3)), Image.fromarray(picture(4), "RGBA")
    assert_array_equal(read_image(saved(rgb, "webp", lossless=True)), picture(3))
    assert_array_equal(read_image(saved(alpha, "webp", lossless=True, exact=True)), picture(3))
    indexed = Image.fromarray(picture(1)[:, :, 0], "P")
    indexed.putpalette(COLOURS.tobytes())
    assert_array_equal(read_image(saved(indexed, "gif")), COLOURS[picture(1)[:, :, 0]])
    assert_array_equal(read_image(saved(indexed, "gif", transparency=7, interlace=1)), COLOURS[picture(1)[:, :, 0]])


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow has no JPEG 2000")
def test_jpeg_2000() -> None:
    grey, deep = picture(1)[:, :, 0], picture(1)[:, :, 0].astype(np.uint16) * 257
    three = np.repeat(picture(1), 3, axis=2)
    for no_jp2 in (False, True):
        for image, expected in [
            (Image.fromarray(picture(3)), picture(3)),
            (Image.fromarray(picture(4), "RGBA"), picture(3)),
            (Image.fromarray(grey), three),
            (Image.fromarray(deep), three),
        ]:
            data = saved(image, "jpeg2000", irreversible=False, no_jp2=no_jp2)
            assert_array_equal(read_image(data), expected, err_msg=f"{image.mode}, no_jp2={no_jp2}")
    for dtype, scale in ((np.uint8, 1), (np.uint16, 257)):
        samples = picture(3)[:, :, ::-1].astype(dtype) * scale
        is_done, written = cv2.imencode(".jp2", samples.astype(dtype), [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000])
        if is_done:
            assert np.abs(read_image(bytes(written)).astype(int) - picture(3)).max() <= 1


@pytest.mark.skipif(
    "avif" not in features.modules or not features.check_module("avif"), reason="this Pillow has no AVIF"
)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_avif(orientation: int) -> None:
    y, x = np.mgrid[:40, :64]
    smooth = np.stack([x * 3, y * 5, 200 - x * 2], axis=2).astype(np.uint8)
    for mode in ("RGB", "RGBA", "L"):
        exif = Image.Exif()
        exif[0x0112] = orientation
        options = {"quality": 95, "subsampling": "4:4:4", "speed": 9}
        image = Image.fromarray(smooth).convert(mode)
        upright = read_image(saved(image, "avif", **options))
        assert np.abs(upright.astype(int) - np.asarray(image.convert("RGB"))).mean() < 3
        turned = read_image(saved(image, "avif", exif=exif, **options))
        expected = {
            1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.swapaxes(0, 1),
            6: np.rot90(upright, -1), 7: upright[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(upright, 1),
        }[orientation]  # fmt: skip
        assert_array_equal(turned, expected)
