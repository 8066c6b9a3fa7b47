"""Photos for tests: two people from the sample data of scikit-image and Matplotlib, oddities, and damage."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest


@cache
def astronaut() -> np.ndarray:
    """(512, 512, 3) RGB: one face, box (168, 69, 263, 164)."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    return data.astronaut()


@cache
def hopper() -> np.ndarray:
    """(600, 512, 3) RGB: one face."""
    cbook = pytest.importorskip("matplotlib.cbook", reason="Matplotlib is not installed")
    image = pytest.importorskip("PIL.Image", reason="the extra 'models' is not installed")
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        return np.asarray(image.open(file).convert("RGB"))


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    """Write a picture in the format of its suffix."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, **options)
    return path


def rotated(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """Turned about the centre, same size."""
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).rotate(degrees, Image.Resampling.BICUBIC))


def two_people(folder: Path) -> dict[str, list[str]]:
    """A small album. Returns photo -> people in it, best known as A and H."""
    a, h = astronaut(), hopper()
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder / "a1.png", a)
    save(folder / "a2.jpg", a[:, ::-1], quality=92)
    save(folder / "sub" / "a3.jpg", rotated(a, 12), quality=92)
    save(folder / "a4.jpg", np.rot90(a, 1), exif=exif, quality=92)
    save(folder / "h1.jpg", h, quality=92)
    save(folder / "h2.webp", (h * 0.7).astype(np.uint8), quality=90)
    both = np.zeros((600, 1024, 3), np.uint8)
    both[:512, :512] = a
    both[:, 512:] = h
    save(folder / "sub" / "both.jpg", both, quality=92)
    save(folder / "none.png", np.full((300, 400, 3), 90, np.uint8))
    return {
        "a1.png": ["A"], "a2.jpg": ["A"], "a4.jpg": ["A"], "h1.jpg": ["H"], "h2.webp": ["H"], "none.png": [],
        "sub/a3.jpg": ["A"], "sub/both.jpg": ["A", "H"],
    }  # fmt: skip


NASTY_NAMES = (
    b'quote"\'.png', b"<script>alert(1)</script>.png", b"new\nline.png", "späße-顔.png".encode(), b"raw\xff\xfe.png",
    b"comma, and ; .png", b"=1+2.png", b" space .png",
)  # fmt: skip


def trouble(folder: Path) -> tuple[set[str], dict[str, str]]:
    """Files that are odd but good, and files that are bad. Returns (good names, bad name -> part of the reason)."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    a = astronaut()
    good = set()
    # Below "<script>alert(1)<" there is a folder, as the name holds a slash.
    for name in NASTY_NAMES:
        path = os.fsencode(folder) + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            Image.fromarray(a[40:220, 120:300]).save(file, "png")
        good.add(os.fsdecode(name))
    small = {
        "1x1.png": np.zeros((1, 1, 3), np.uint8),
        "grey.png": a[:, :, 1],
        "rgba.png": np.dstack([a, np.full(a.shape[:2], 255, np.uint8)]),
        "wide.png": np.zeros((3, 900, 3), np.uint8),
    }
    for name, pixels in small.items():
        save(folder / name, pixels)
    Image.fromarray(a[:, :, 0].astype(np.uint16) * 257).save(folder / "grey16.png")
    Image.fromarray(a).convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    Image.fromarray(a).save(folder / "animated.gif", save_all=True, append_images=[Image.fromarray(a[::-1])])
    good |= {*small, "grey16.png", "cmyk.jpg", "animated.gif"}

    whole = save(folder / "cut.jpg", a, quality=92).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("this is no photo\n")
    (folder / "empty.jpg").touch()
    (folder / "loop").symlink_to(folder)
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    bad = {
        "cut.jpg": "truncated", "text.jpg": "not an image", "empty.jpg": "empty", "loop": "already included",
        "gone.jpg": "No such file",
    }  # fmt: skip
    return good, bad
