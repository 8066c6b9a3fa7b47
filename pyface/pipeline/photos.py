"""From a file to pixels: find photos, read them upright, and read them small when small will do."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ImageReadError, MissingExtraError, one_line, require_extra

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

RGB = NDArray[np.uint8]

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif"}
)
_HEIC_SUFFIXES = (".heic", ".heif")
_ORIENTATION_TAG = 0x0112
# Pillow modes of which cv2's decoder gives the same pixels; the others (CMYK) go through Pillow's conversion.
_CV2_MODES = ("RGB", "L")
# Newer versions of Pillow turn a TIFF upright while loading it and then drop the tag; older ones do not. A PNG may
# have its EXIF after the pixels, and Pillow decodes all of it to look.
_TURNED_WHEN_DECODED = ("TIFF", "PNG")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was passed over. ``photo`` is its path relative to the folder, with ``/``."""

    photo: str
    reason: str


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A photo found in a folder: its path, its name in the results, and what tells whether it has changed."""

    path: str
    name: str
    size: int
    mtime_ns: int


def find_photos(folder: str, exclude: str | None = None) -> tuple[list[PhotoFile], list[Skipped]]:
    """Photos below ``folder`` in byte order of their relative path, and what could not be looked at.

    A photo is a regular file with a known suffix. Names that begin with a dot are left alone, as is the folder
    ``exclude``. Links to folders are followed; a folder that was seen before (a loop) is reported, not entered.
    """
    photos: list[PhotoFile] = []
    skipped: list[Skipped] = []
    seen: set[tuple[int, int]] = set()
    excluded = _identity(exclude) if exclude is not None and os.path.isdir(exclude) else None

    def entries_of(path: str, prefix: str) -> list[os.DirEntry[str]]:
        identity = _identity(path)
        if identity == excluded:
            return []
        if identity in seen:
            skipped.append(Skipped(prefix.rstrip("/"), "a link to a folder that is already included"))
            return []
        seen.add(identity)
        with os.scandir(path) as entries:
            # Real folders before links to folders: whichever way a folder can be reached, its own path names it.
            return sorted(entries, key=lambda e: (e.is_symlink() and _is_folder(e), os.fsencode(e.name)))

    # A list of open folders, not a recursion: folders may lie deeper in each other than Python's stack reaches.
    opened = [("", iter(entries_of(folder, "")))]
    while opened:
        prefix, entries = opened[-1]
        entry = next(entries, None)
        if entry is None:
            opened.pop()
            continue
        if entry.name.startswith("."):
            continue
        name = prefix + entry.name
        try:
            if entry.is_dir():
                opened.append((f"{name}/", iter(entries_of(entry.path, f"{name}/"))))
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                status = entry.stat()
                if stat.S_ISREG(status.st_mode):
                    photos.append(PhotoFile(entry.path, name, status.st_size, status.st_mtime_ns))
                else:
                    skipped.append(Skipped(name, "not a regular file"))
        except OSError as error:
            skipped.append(Skipped(name, error.strerror or str(error)))
    photos.sort(key=lambda photo: os.fsencode(photo.name))
    return photos, skipped


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


@contextlib.contextmanager
def quiet_pillow() -> Iterator[None]:
    """No warnings from Pillow about photos: large ones and damaged EXIF are what people have.

    Pillow's error for absurd sizes stays, and is listed as a reason. The warning filters are those of the process.
    """
    require_extra("PIL.Image")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


class OpenPhoto:
    """A photo whose header was read. ``width`` and ``height`` are those of the upright picture.

    For a PNG or TIFF they are known only after decoding it, so asking for them does that; ``decoded_bytes`` does not.

    Pixels are decoded on demand: :meth:`reduced` uses JPEG's scaled decoding, :meth:`full` gives every pixel. A photo
    that is not a JPEG is decoded once and kept. Use it from one thread at a time.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._image: PillowImage | None = None
        self._unused: PillowImage | None = None
        try:
            with open(self.path, "rb") as file:
                self._data = file.read()
        except OSError as error:
            raise ImageReadError(self.path, error.strerror or str(error)) from error
        if not self._data:
            raise ImageReadError(self.path, "the file is empty")
        image = self._open()
        self.format = image.format or ""
        self._n_pixels = image.width * image.height
        self._turn: int | None = None
        self._size = image.size
        if self.format not in _TURNED_WHEN_DECODED:
            self._turn = _orientation_of(image)
        self._is_jpeg = self.format in ("JPEG", "MPO")
        self._unused = image if self._is_jpeg else None
        self._is_known_intact = False

    @property
    def decoded_bytes(self) -> int:
        """About what the full picture needs in memory while it is decoded."""
        return 10 * self._n_pixels

    def digest(self) -> bytes:
        """SHA-256 of the file."""
        return hashlib.sha256(self._data).digest()

    @property
    def width(self) -> int:
        """Columns of the upright picture."""
        return self._size[1 if self._orientation >= 5 else 0]

    @property
    def height(self) -> int:
        """Rows of the upright picture."""
        return self._size[0 if self._orientation >= 5 else 1]

    @property
    def _orientation(self) -> int:
        if self._turn is None:
            image = self._decoded()
            self._turn, self._size = _orientation_of(image), image.size
        return self._turn

    def reduced(self, long_side: int) -> RGB:
        """The upright picture, its longer side at least ``long_side`` (or the full picture if that is smaller)."""
        ratio = max(self.width, self.height) // max(1, long_side)
        if self._is_jpeg:
            image = self._open()
            factor = next(f for f in (8, 4, 2, 1) if f <= max(1, ratio))
            if factor > 1:
                image.draft("RGB", (max(1, image.width // factor), max(1, image.height // factor)))
            pixels = self._to_rgb(self._load(image))
            self._is_known_intact = True
            return self._upright(pixels)
        image = self._decoded()
        if ratio > 1 and image.mode in ("RGB", "RGBA", "L"):
            image = image.reduce(ratio)
        return self._upright(self._to_rgb(image))

    def full(self) -> RGB:
        """The upright picture at its own size, (h, w, 3) RGB uint8."""
        if not self._is_jpeg:
            return self._upright(self._to_rgb(self._decoded()))
        # Pillow holds four bytes a pixel and copies once more on the way to NumPy; OpenCV decodes straight into the
        # array with the same library, twice as fast. It reads over damage in silence, so Pillow has to look first.
        image = self._open()
        if image.mode in _CV2_MODES:
            self._refuse_damage()
            cv2 = require_extra("cv2")
            flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
            try:
                pixels = cv2.imdecode(np.frombuffer(self._data, np.uint8), flags)
            except cv2.error:  # larger than OpenCV's own limits
                pixels = None
            if pixels is not None and pixels.shape[:2] == (image.height, image.width):
                return self._upright(pixels)
        return self._upright(self._to_rgb(self._load(image)))

    def _refuse_damage(self) -> None:
        if not self._is_known_intact:
            image = self._open()
            image.draft("L", (max(1, image.width // 8), max(1, image.height // 8)))
            self._load(image)
            self._is_known_intact = True

    def _decoded(self) -> PillowImage:
        if self._image is None:
            self._image = self._load(self._open())
        return self._image

    def _open(self) -> PillowImage:
        """The picture with its header read and no pixel decoded: Pillow decodes each of its objects once."""
        if self._unused is not None:
            unused, self._unused = self._unused, None
            return unused
        pillow = require_extra("PIL.Image")
        if self.path.lower().endswith(_HEIC_SUFFIXES) or self._data[4:8] == b"ftyp":
            _register_heic(self.path)
        try:
            image: PillowImage = pillow.open(io.BytesIO(self._data))
        except pillow.UnidentifiedImageError:
            raise ImageReadError(self.path, "not an image in a format that can be read") from None
        except MemoryError:
            raise
        except Exception as error:  # a broken header makes Pillow's plugins raise almost anything
            raise ImageReadError(self.path, one_line(error)) from error
        return image

    def _load(self, image: PillowImage) -> PillowImage:
        try:
            image.load()
        except MemoryError:
            raise
        except Exception as error:
            raise ImageReadError(self.path, one_line(error)) from error
        return image

    def _to_rgb(self, image: PillowImage) -> RGB:
        try:
            return _rgb_pixels(image)
        except MemoryError:
            raise
        except Exception as error:
            raise ImageReadError(self.path, one_line(error)) from error

    def _upright(self, pixels: RGB) -> RGB:
        return np.ascontiguousarray(_TURNS[self._orientation](pixels))


_TURNS: dict[int, Any] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


def _orientation_of(image: PillowImage) -> int:
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF says nothing about the pixels
        return 1
    return value if isinstance(value, int) and value in _TURNS else 1


def _rgb_pixels(image: PillowImage) -> RGB:
    if image.mode.startswith("I;16"):
        return _grey_to_rgb((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.mode == "I":
        values = np.asarray(image).astype(np.int64)
        shift = 8 if values.max(initial=0) <= 0xFFFF else 24
        return _grey_to_rgb(np.clip(values >> shift, 0, 255).astype(np.uint8))
    if image.mode == "F":
        reals = np.asarray(image, np.float64)
        if not np.isfinite(reals).all():
            raise ValueError("the picture holds NaN or infinite values")
        scale = 255.0 if reals.max(initial=0) <= 1.0 else 1.0
        return _grey_to_rgb(np.clip(np.rint(reals * scale), 0, 255).astype(np.uint8))
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")  # the direct way warns about palettes with transparency
    if image.mode != "RGB":
        image = image.convert("RGB")
    return np.asarray(image)


def _grey_to_rgb(grey: RGB) -> RGB:
    return np.repeat(grey[:, :, None], 3, axis=2)


def _register_heic(path: str) -> None:
    try:
        require_extra("pillow_heif", "heic").register_heif_opener()
    except MissingExtraError:
        if path.lower().endswith(_HEIC_SUFFIXES):
            raise ImageReadError(path, "HEIC needs: pip install 'pyface-toolkit[heic]'") from None


def read_image(path: str | os.PathLike[str]) -> RGB:
    """Read a picture as (h, w, 3) RGB uint8, turned upright as its EXIF orientation says.

    JPEG, PNG, WebP, BMP, TIFF and the first frame of GIF; HEIC with the extra ``heic``. Grey becomes three equal
    channels, 16 bits are cut to 8, CMYK is converted, an alpha channel is dropped.

    Raises :class:`pyface.errors.ImageReadError` (an OSError) that names the file and the reason, also for a file that
    breaks off in the middle. Time and memory are those of decoding: about 10 bytes a pixel.
    """
    return OpenPhoto(path).full()
