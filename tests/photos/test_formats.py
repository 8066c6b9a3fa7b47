"""What a file is, is told by its content: whatever its name, each is read, or refused with what it is."""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

pytest.importorskip("PIL", reason="the extra 'models' is not installed")

import tiff_files
from PIL import Image, features
from tiff_files import tiff_bytes

import pyface
from pyface.errors import ImageReadError
from pyface.photos.finding import SUFFIXES, find_photos
from pyface.photos.reading import OpenPhoto, read_image

POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n{} loop\n"
GREY = np.arange(64 * 48, dtype=np.uint32).reshape(48, 64).astype(np.uint8)
PICTURE = np.stack([GREY, GREY.T.reshape(48, 64), 255 - GREY], axis=2)


def saved(format_: str, **options: object) -> bytes:
    data = io.BytesIO()
    Image.fromarray(PICTURE).save(data, format_, **options)
    return data.getvalue()


def has(part: str) -> bool:
    return part in {**features.modules, **features.codecs} and features.check(part)


READ = {name: saved(name) for name in ("JPEG", "PNG", "BMP", "TIFF", "GIF")}
READ |= {"MPO": saved("MPO", save_all=True, append_images=[Image.new("RGB", (64, 48))])}
PARTS = {"WEBP": "webp", "JPEG2000": "jpg_2000", "AVIF": "avif"}  # of Pillow, which may be built without them
READ |= {name: saved(name) for name, part in PARTS.items() if has(part)}


def box(brand: bytes, *compatible: bytes) -> bytes:
    content = brand + bytes(4) + b"".join(compatible)
    return struct.pack(">I", 8 + len(content)) + b"ftyp" + content + bytes(64)


def raw_with_preview(*, big_endian: bool = False) -> bytes:
    """What Nikon, Sony and others write: a small picture, and the sensor's mosaic in a directory below it."""
    order = ">" if big_endian else "<"
    mosaic = struct.pack(f"{order}HHHIHHI", 1, 262, 3, 1, 32803, 0, 0)
    preview = tiff_bytes(PICTURE, tiff_files.RGB, order=order, more={330: ("I", [1 << 20])})
    at = len(preview)
    return tiff_bytes(PICTURE, tiff_files.RGB, order=order, more={330: ("I", [at])}) + mosaic


REFUSED: dict[str, tuple[bytes, str]] = {
    "Canon CR2": (b"II*\0\x10\0\0\0CR\x02\0" + bytes(4) + bytes(200), r"a RAW photo \(Canon CR2\).*develop it to JPEG"),
    "Canon CR3": (box(b"crx ", b"crx ", b"isom"), r"a RAW photo \(Canon CR3\)"),
    "Canon CRW": (b"II\x1a\0\0\0HEAPCCDR" + bytes(99), r"a RAW photo \(Canon CRW\)"),
    "DNG": (tiff_bytes(PICTURE, 2, more={50706: ("B", [1, 4, 0, 0])}), r"a RAW photo \(DNG\)"),
    "NEF": (raw_with_preview(big_endian=True), "a RAW photo"),
    "ARW": (raw_with_preview(), "a RAW photo"),
    "mosaic": (tiff_bytes(GREY, tiff_files.CFA), "a RAW photo"),
    "preview": (tiff_bytes(PICTURE, 2, more={254: ("I", [1]), 330: ("I", [8])}), "begins with a preview, as RAW"),
    "IIQ": (b"II*\0\x10\0\0\0IIII" + bytes(200), r"a RAW photo \(Phase One IIQ\)"),
    "RAF": (b"FUJIFILMCCD-RAW 0201" + bytes(99), r"a RAW photo \(Fujifilm RAF\)"),
    "ORF": (b"IIRO\x08\0\0\0" + bytes(99), r"a RAW photo \(Olympus ORF\)"),
    "RW2": (b"IIU\0\x18\0\0\0" + bytes(99), r"a RAW photo \(Panasonic RW2\)"),
    "X3F": (b"FOVb" + bytes(99), r"a RAW photo \(Sigma X3F\)"),
    "JPEG XL": (b"\xff\x0a" + bytes(99), "a JPEG XL picture.*convert it to JPEG or PNG"),
    "JPEG XL in boxes": (b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"jxl "), "a JPEG XL picture"),
    "PostScript": (POSTSCRIPT, "PostScript, which is a program"),
    "PostScript with a preview": (b"\xc5\xd0\xd3\xc6" + bytes(99), "PostScript, which is a program"),
    "PDF": (b"%PDF-1.7\n" + bytes(99), "a PDF document"),
    "Photoshop": (b"8BPS\0\1" + bytes(99), "a Photoshop document.*save it as JPEG or PNG"),
    "MP4": (box(b"isom", b"isom", b"mp41"), "a video"),
    "QuickTime": (box(b"qt  "), "a video"),
    "Matroska": (b"\x1aE\xdf\xa3" + bytes(99), "a video"),
    "web page": (b"\n<!DOCTYPE html><html>404</html>", "a web page"),
    "text": (b"BMW is no bitmap\n" * 9, "not an image in a format that can be read"),
    "PPM": (b"P6 2 2 255\n" + bytes(12), "not an image in a format that can be read"),
    "icon": (b"\0\0\1\0\1\0" + bytes(99), "not an image in a format that can be read"),
    "nothing": (b"", "the file is empty"),
}  # fmt: skip


@pytest.mark.parametrize("name", ["p.jpg", "p.HEIC", "p.tif", "p.CR2", "p.eps", "p"])
@pytest.mark.parametrize("format_", READ)
def test_the_name_does_not_matter(tmp_path: Path, format_: str, name: str) -> None:
    (tmp_path / name).write_bytes(READ[format_])
    got = read_image(tmp_path / name)
    assert got.shape == PICTURE.shape
    if format_ in ("PNG", "BMP", "TIFF"):
        assert_array_equal(got, PICTURE)
    else:
        assert_array_equal(got, np.asarray(Image.open(io.BytesIO(READ[format_])).convert("RGB")))


@pytest.mark.parametrize("name", ["p.jpg", "p.tif", "p.dng"])
@pytest.mark.parametrize("what", REFUSED)
def test_what_it_is_and_what_to_do(tmp_path: Path, what: str, name: str) -> None:
    content, reason = REFUSED[what]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageReadError, match=reason) as caught:
        read_image(tmp_path / name)
    assert caught.value.path == str(tmp_path / name)


def test_a_raw_photo_is_not_read_to_its_end(tmp_path: Path) -> None:
    """A folder may hold thousands of 50 MB each, and they are looked at in each run."""

    class Counting(io.FileIO):
        n_read = 0

        def read(self, size: int = -1, /) -> bytes:
            data = super().read(size)
            Counting.n_read += len(data)
            return data

    (tmp_path / "a.nef").write_bytes(raw_with_preview() + bytes(1 << 20))
    from pyface.photos import formats

    with Counting(tmp_path / "a.nef") as file, pytest.raises(ValueError, match="a RAW photo"):
        formats.format_of(file)
    assert Counting.n_read < 10_000


@pytest.mark.parametrize(
    ("brands", "reason"),
    [
        ((b"heic", b"mif1"), "HEIC"), ((b"mif1", b"mif1", b"heic"), "HEIC"), ((b"msf1", b"hevc"), "HEIC"),
        ((b"heix",), "HEIC"), ((b"mif1", b"miaf"), "HEIC"), ((b"avif", b"mif1"), ""), ((b"mif1", b"avif"), ""),
    ],
)  # fmt: skip
def test_heic_is_told_from_avif_by_its_brands(
    brands: tuple[bytes, ...], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if the extra were not installed
    with pytest.raises(ImageReadError) as caught:
        read_image(box(*brands))
    needs = "HEIC needs: pip install 'pyface-toolkit[heic]'"
    assert (caught.value.reason == needs) == (reason == "HEIC"), caught.value.reason


def test_heic_with_the_extra() -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra 'heic' is not installed")
    smooth = np.stack([np.add.outer(np.arange(48), np.arange(64)) * 2] * 3, axis=2).astype(np.uint8)
    data = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(smooth)).save(data, quality=95)
    before = dict(Image.OPEN)
    assert np.abs(read_image(data.getvalue()).astype(int) - smooth).max() <= 8
    assert before == Image.OPEN  # nothing is registered for the program that pyface runs in


@pytest.mark.parametrize("format_", PARTS)
def test_a_pillow_without_a_part_is_told(format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyface.photos import formats

    if format_ not in READ:
        pytest.skip(f"this Pillow has no {format_}")
    monkeypatch.setattr(formats, "_has", lambda part: part != PARTS[format_])
    with pytest.raises(ImageReadError, match=r"needs .*Pillow.*: pip install --upgrade pillow"):
        read_image(READ[format_])


def test_paths_bytes_and_files(tmp_path: Path) -> None:
    data = READ["PNG"]
    path = tmp_path / "p.png"
    path.write_bytes(data)
    for source in (path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)):
        assert_array_equal(pyface.read_image(source), PICTURE)
    with open(path, "rb") as file:
        file.read(10)  # it is read from its beginning
        assert_array_equal(read_image(file), PICTURE)
        assert not file.closed
        assert_array_equal(read_image(file), PICTURE)
    with tempfile.SpooledTemporaryFile() as spooled:
        spooled.write(data)
        assert_array_equal(read_image(spooled), PICTURE)
    if os.name == "posix":
        named = tmp_path / "pipe"
        os.mkfifo(named)
        with subprocess.Popen(["cp", str(path), str(named)]):
            assert_array_equal(read_image(named), PICTURE)
    reader, writer = os.pipe()
    with open(writer, "wb") as end:
        end.write(data)  # less than a pipe holds
    with open(reader, "rb") as pipe:
        assert_array_equal(read_image(pipe), PICTURE)


def test_files_are_named_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "text.jpg"
    path.write_text("no picture")
    with open(path, "rb") as file, pytest.raises(ImageReadError, match=r"text\.jpg: not an image"):
        read_image(file)
    with pytest.raises(ImageReadError, match=r"^<bytes>: not an image"):
        read_image(b"no picture")
    with pytest.raises(ImageReadError, match=r"^<file>: not an image"):
        read_image(io.BytesIO(b"no picture"))
    with open(path) as text, pytest.raises(TypeError, match=r"binary mode \('rb'\), its read\(\) gave str"):
        read_image(text)  # type: ignore[arg-type]
    for wrong in (None, 3, ["a.jpg"], PICTURE):
        with pytest.raises(TypeError, match="image must be a path, the bytes of a file or a file"):
            read_image(wrong)  # type: ignore[arg-type]


def test_what_looks_like_a_photo_is_found(tmp_path: Path) -> None:
    names = ["a.avif", "b.jp2", "c.MPO", "d.jxl", "e.CR3", "f.nef", "g.dng", "h.hif", "i.j2k"]
    for name in [*names, "notes.txt", "film.mp4", "a.xmp"]:
        (tmp_path / name).write_bytes(b"x")
    found = find_photos(str(tmp_path))
    assert [photo.name for photo in found.photos] == names
    assert found.skipped == []
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in SUFFIXES)


AUDIT = """
import json, sys
events = []
watched = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "pty.", "socket.", "urllib.")
import pyface
from PIL import Image
pyface.read_image(sys.argv[1])  # imports what it needs; ctypes and others may look around
sys.addaudithook(lambda event, args: events.append(event) if event.startswith(watched) else None)
reasons = {}
for path in sys.argv[2:]:
    try:
        pyface.read_image(path)
    except OSError as error:
        reasons[path] = str(error)
print(json.dumps([events, reasons]))
"""


def test_no_file_starts_a_process_or_opens_a_socket(tmp_path: Path) -> None:
    """Pillow hands PostScript to Ghostscript, whatever the file is called: here it would never end."""
    gs = tmp_path / "bin" / "gs"
    gs.parent.mkdir()
    gs.write_text(f"#!/bin/sh\ntouch {tmp_path}/gs-was-started\n")
    gs.chmod(0o755)
    folder = tmp_path / "photos"
    folder.mkdir()
    contents = READ | {what: content for what, (content, _) in REFUSED.items()}
    for what, content in contents.items():
        for suffix in (".jpg", ".eps"):
            (folder / f"{what}{suffix}").write_bytes(content)
    first = tmp_path / "first.png"
    first.write_bytes(READ["PNG"])
    command = [sys.executable, "-c", AUDIT, str(first), *map(str, sorted(folder.iterdir()))]
    environment = {**os.environ, "PATH": f"{gs.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=600)
    events, reasons = json.loads(done.stdout)
    assert events == []
    assert {Path(path).stem for path in reasons} == set(REFUSED)
    assert not (tmp_path / "gs-was-started").exists()
    assert done.stderr == ""


@pytest.mark.parametrize("format_", READ)
def test_nothing_is_said_of_a_damaged_file(format_: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = READ[format_]
    for cut in (len(data) // 3, len(data) * 3 // 4):
        for damaged in (data[:cut], data[:cut] + bytes(40) + data[cut + 40 :]):
            with contextlib.suppress(ImageReadError):
                OpenPhoto(damaged).full()
    assert capfd.readouterr() == ("", "")
