"""Reading photos: every format upright and in RGB, every kind of damage a reason that names the file."""

from __future__ import annotations

import inspect
import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

pytest.importorskip("PIL", reason="the extra 'models' is not installed")
pytest.importorskip("cv2", reason="the extra 'models' is not installed")

import photo_sets
from PIL import Image

from pyface.errors import ImageReadError
from pyface.photos.finding import find_photos
from pyface.photos.reading import OpenPhoto, quiet_pillow, read_image

LOSS_FREE = {".webp": {"lossless": True}, ".jpg": {"quality": 100, "subsampling": 0}}


def picture(width: int = 64, height: int = 48, seed: int = 0) -> np.ndarray:
    """A smooth RGB picture: JPEG changes it little."""
    y, x = np.mgrid[:height, :width]
    phase = np.random.default_rng(seed).uniform(0, 6, 3)
    channels = [127 + 120 * np.sin(x / width * 4 + y / height * 3 + p) for p in phase]
    return np.stack(channels, axis=2).astype(np.uint8)


def mean_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Wrong turns and wrong channels are far above what a lossy format does."""
    return float(np.abs(a.astype(int) - b).mean())


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [(".png", 0), (".bmp", 0), (".tiff", 0), (".jpg", 3), (".webp", 3), (".gif", 8)]
)
def test_formats(tmp_path: Path, suffix: str, tolerance: int) -> None:
    pixels = picture()
    got = read_image(save(tmp_path / f"p{suffix}", pixels))
    assert got.dtype == np.uint8
    assert got.shape == pixels.shape
    assert got.flags.c_contiguous
    assert mean_difference(got, pixels) <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tiff", ".webp"])
def test_exif_orientation(tmp_path: Path, orientation: int, suffix: str) -> None:
    stored = picture(40, 24)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f"p{suffix}", stored, exif=exif, **LOSS_FREE.get(suffix, {}))
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(stored, 1),
    }[orientation]
    photo = OpenPhoto(path)
    assert (photo.height, photo.width) == upright.shape[:2]
    got = photo.full()
    assert got.shape == upright.shape
    assert mean_difference(got, upright) <= (3 if suffix == ".jpg" else 0)


def test_reduced_jpeg_is_a_smaller_copy(tmp_path: Path) -> None:
    pixels = picture(1001, 643)
    photo = OpenPhoto(save(tmp_path / "p.jpg", pixels, quality=95))
    for side, long_side in [(2000, 1001), (1001, 1001), (600, 1001), (500, 501), (250, 251), (125, 126), (10, 126)]:
        small = photo.reduced(side)
        assert max(small.shape) == long_side
        columns = (np.arange(small.shape[1]) + 0.5) / small.shape[1] * 1001 - 0.5
        middle = pixels[321, np.rint(columns).astype(int)].astype(int)
        assert np.abs(small[small.shape[0] // 2].astype(int) - middle).max() <= 12


def test_reduced_png_is_not_larger_than_needed(tmp_path: Path) -> None:
    photo = OpenPhoto(save(tmp_path / "p.png", picture(1000, 400)))
    assert photo.reduced(300).shape == (134, 334, 3)
    assert photo.reduced(5000).shape == (400, 1000, 3)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK", "I;16", "I", "F"])
def test_modes(tmp_path: Path, mode: str) -> None:
    grey = picture()[:, :, 0]
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "I":
        image = Image.fromarray(grey.astype(np.int32) * 257)
    elif mode == "F":
        image = Image.fromarray(grey.astype(np.float32) / 255)
    else:
        image = Image.fromarray(np.repeat(grey[:, :, None], 3, axis=2)).convert(mode)
    suffix = {"CMYK": ".jpg", "I": ".tiff", "F": ".tiff"}.get(mode, ".png")
    image.save(tmp_path / f"p{suffix}")
    got = read_image(tmp_path / f"p{suffix}")
    assert got.shape == (48, 64, 3)
    if mode != "P":  # dithered in colours
        assert_array_equal(got[:, :, 0], got[:, :, 1])
    assert mean_difference(got[:, :, 0], grey) <= {"1": 100, "CMYK": 3, "P": 30}.get(mode, 1)


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((20, 30, 3), value, np.uint8)) for value in (40, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert np.abs(read_image(tmp_path / "a.gif").astype(int) - 40).max() <= 2


def test_one_pixel(tmp_path: Path) -> None:
    assert_array_equal(read_image(save(tmp_path / "p.png", np.full((1, 1, 3), 7, np.uint8))), [[[7, 7, 7]]])


def jpeg_bytes() -> bytes:
    data = io.BytesIO()
    Image.fromarray(picture(400, 300)).save(data, "jpeg")
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.jpg", b"", "the file is empty"),
        ("text.jpg", b"this is no photo\n" * 100, "not an image"),
        ("half.jpg", jpeg_bytes()[:2500], "truncated"),
        ("header.jpg", jpeg_bytes()[:200], "(?i)truncated"),
        ("last.jpg", jpeg_bytes()[:-200], "truncated"),
        ("zeros.png", bytes(1000), "not an image"),
    ],
)
def test_damage_names_the_file(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImageReadError, match=reason) as caught:
        read_image(path)
    assert caught.value.path == str(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, OSError)
    with pytest.raises(ImageReadError, match=reason):
        OpenPhoto(path).reduced(100)


def test_every_truncation_of_a_png_is_an_error(tmp_path: Path) -> None:
    data = save(tmp_path / "p.png", picture()).read_bytes()
    for length in range(1, len(data) - 20, 97):
        (tmp_path / "cut.png").write_bytes(data[:length])
        with pytest.raises(ImageReadError):
            read_image(tmp_path / "cut.png")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match="No such file"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(ImageReadError, match="directory"):
        read_image(tmp_path)


def test_find_photos(tmp_path: Path) -> None:
    for name in ["b.jpg", "B.PNG", "a/z.webp", "a/é.tif", "notes.txt", ".hidden.jpg", ".git/x.jpg", "out/f.png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    raw = os.fsencode(tmp_path) + b"/bad\xff\xfename.jpg"
    with open(raw, "wb") as file:
        file.write(b"x")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "0-link").symlink_to(tmp_path / "a")
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()

    found = find_photos(str(tmp_path), out=str(tmp_path / "out"))
    names = [photo.name for photo in found.photos]
    assert names == sorted(names, key=os.fsencode)
    assert set(names) == {"B.PNG", "b.jpg", "a/z.webp", "a/é.tif", os.fsdecode(b"bad\xff\xfename.jpg")}
    reasons = {item.photo: item.reason for item in found.skipped}
    assert set(reasons) == {"a/loop", "0-link", "dangling.jpg", "pipe.jpg"}
    assert "already included" in reasons["a/loop"]
    assert "No such file" in reasons["dangling.jpg"]
    assert reasons["pipe.jpg"] == "not a regular file"


def test_folders_may_lie_deeper_than_the_stack_of_python(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["a"] * 150)
    folder.mkdir(parents=True)
    (folder / "x.jpg").touch()
    (tmp_path / "a" / "b.jpg").touch()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        found = find_photos(str(tmp_path))
    finally:
        sys.setrecursionlimit(limit)
    assert [photo.name for photo in found.photos] == ["a/" * 150 + "x.jpg", "a/b.jpg"]
    assert found.skipped == []


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_the_need_of_memory_is_known_before_decoding(tmp_path: Path, suffix: str) -> None:
    pixels = photo_sets.astronaut()[:100, :60]
    path = photo_sets.save(tmp_path / f"x{suffix}", pixels)
    photo = OpenPhoto(path)
    assert photo.decoded_bytes == {".png": 7, ".tif": 15}[suffix] * 100 * 60  # what Pillow holds, the result, libtiff
    assert photo._image is None
    assert (photo.width, photo.height) == (60, 100)
    assert_array_equal(photo.full(), pixels)


def test_pillow_says_nothing_about_damaged_exif(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = photo_sets.save(tmp_path / "x.jpg", photo_sets.astronaut(), quality=92)
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1\x00\x16Exif\0\0MM\0*\0\0\0\x08\0\x09\0\0\0\0" + data[2:])
    with quiet_pillow():
        assert OpenPhoto(path).full().shape == (512, 512, 3)
    assert not [warning for warning in recwarn if "EXIF" in str(warning.message)]
