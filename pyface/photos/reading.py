"""From a file to pixels: read photos upright, and read them small when small will do."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from pyface import _memory
from pyface.errors import ImageMemoryError, ImageReadError, PyfaceError, one_line, require_extra
from pyface.photos import formats, jpeg, pixels, tiff
from pyface.photos.pixels import RGB

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO

_ORIENTATION_TAG = 0x0112
# Newer versions of Pillow turn a TIFF upright while loading it and then drop the tag; older ones do not. A PNG may
# have its EXIF after the pixels, and Pillow decodes all of it to look.
_TURNED_WHEN_DECODED = ("TIFF", "PNG")
# Bytes a pixel: of the result, of Pillow's picture (4 in all other modes), and what decoders take beside it. libtiff
# takes a strip of samples, which may be the whole picture.
_RGB_BYTES = 3
_PILLOW_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}
_DECODER_BYTES = {"WEBP": 9, "AVIF": 12, "HEIF": 12, "JPEG2000": 16}


@contextlib.contextmanager
def quiet_pillow() -> Iterator[None]:
    """No warnings from Pillow about photos: damaged EXIF is what people have.

    The warning filters are those of the process.
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

    source : as for :func:`read_image`. Whatever is wrong with it is an ImageReadError; a picture that the memory which
        is left does not hold is an ImageMemoryError, before it is decoded.
    """

    def __init__(self, source: Source) -> None:
        self.path, self._file_data, self.format = _read(source)
        self._data = self._file_data
        self._image: PillowImage | None = None
        self._unused: PillowImage | None = None
        self._kind: tiff.Kind | None = None
        self._turn: int | None = None
        self._is_jpeg = self.format == "JPEG"
        self._is_whole = not self._is_jpeg or jpeg.has_end(self._data)
        self._coefficient_bytes = jpeg.coefficient_bytes(self._data) if self._is_jpeg else 0
        if self.format == "TIFF":
            with self._reasons():
                self._kind = tiff.kind_of(io.BytesIO(self._data))
        image = self._open()
        self._size = self._full_size = image.size
        self._n_pixels = image.width * image.height
        held = _PILLOW_BYTES.get(image.mode, 4)
        self._pixel_bytes = held + (2 * held if self.format == "TIFF" else _DECODER_BYTES.get(self.format, 0))
        if self.format not in _TURNED_WHEN_DECODED:
            self._turn = _orientation_of(image)
        self._unused = image if self._is_jpeg else None

    @property
    def decoded_bytes(self) -> int:
        """About what the full picture needs in memory while it is decoded."""
        return self._decoding_bytes(1) + _RGB_BYTES * self._n_pixels

    def _decoding_bytes(self, factor: int) -> int:
        return self._coefficient_bytes + self._n_pixels // factor**2 * self._pixel_bytes

    def digest(self) -> bytes:
        """SHA-256 of the file."""
        return hashlib.sha256(self._file_data).digest()

    @property
    def width(self) -> int:
        """Columns of the upright picture."""
        is_sideways = self._orientation >= 5  # first: it may take decoding, which tells the size
        return self._size[1 if is_sideways else 0]

    @property
    def height(self) -> int:
        """Rows of the upright picture."""
        is_sideways = self._orientation >= 5
        return self._size[0 if is_sideways else 1]

    @property
    def orientation(self) -> int:
        """How the picture as it is stored becomes upright: EXIF's Orientation, 1 to 8. A PNG is decoded for it.

        Of a HEIC, which its decoder turns, what its EXIF says.
        """
        if self.format == "TIFF":
            return _orientation_of(self._open())  # newer versions of Pillow drop it when decoding
        if self.format == "HEIF":
            value = self._open().info.get("original_orientation")
            return value if isinstance(value, int) and pixels.is_orientation(value) else 1
        return self._orientation

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
            return self._upright(self._decoded_jpeg(next(f for f in (8, 4, 2, 1) if f <= max(1, ratio))))
        image = self._decoded()
        if ratio > 1 and image.mode in ("RGB", "RGBA", "L"):
            with self._reasons():
                image = image.reduce(ratio)
        return self._upright(image)

    def full(self) -> RGB:
        """The upright picture at its own size, (h, w, 3) RGB uint8."""
        return self._upright(self._decoded_jpeg(1) if self._is_jpeg else self._decoded())

    def _decoded(self) -> PillowImage:
        if self._image is None:
            self._require(self._decoding_bytes(1))
            with self._reasons():
                if self._kind is not None and self._kind.is_apart:
                    self._image = _of_planes(self._data)
                else:
                    image = self._open()
                    if self._kind is not None:
                        _make_room(image)
                    image.load()
                    if self._kind is not None and self._kind.palette is not None:
                        image.putpalette(self._kind.palette)
                    self._image = image
        return self._image

    def _decoded_jpeg(self, factor: int) -> PillowImage:
        """The picture at 1/8, 1/4, 1/2 or all of its size."""
        self._require(self._decoding_bytes(factor))
        if not self._is_whole:
            self._data, self._is_whole, self._unused = self._with_end(), True, None
        image = self._open()
        if factor > 1:
            image.draft("RGB", (max(1, image.width // factor), max(1, image.height // factor)))
        with self._reasons():
            image.load()
        return image

    def _with_end(self) -> bytes:
        """The JPEG with the end marker that it lacks, which Pillow waits for. An error if pixels are missing, too."""
        self._require(self.decoded_bytes + _RGB_BYTES * self._n_pixels)
        with self._reasons():
            data = jpeg.with_end_marker(self._file_data, _pixels_of_jpeg)
            if data is None:
                raise ValueError("image file is truncated: pixels are missing at its end")
            return data

    def _open(self) -> PillowImage:
        """The picture with its header read and no pixel decoded: Pillow decodes each of its objects once."""
        if self._unused is not None:
            unused, self._unused = self._unused, None
            return unused
        with self._reasons():
            try:
                return formats.opened(self.format, self._data)
            except SyntaxError as error:  # Pillow's word for a header that it cannot make sense of
                if self._kind is not None:
                    raise ValueError(self._kind.refusal) from None
                raise ValueError(f"a damaged {self.format} file: {one_line(error)}") from None

    def _upright(self, image: PillowImage) -> RGB:
        self._require(_RGB_BYTES * image.width * image.height)
        with self._reasons():
            return pixels.upright(image, self._orientation, self._kind)

    def _require(self, n_bytes: int) -> None:
        width, height = self._full_size
        try:
            _memory.require(n_bytes, f"a picture of {width:,} x {height:,} pixels", "use a smaller copy of it")
        except MemoryError as error:
            raise ImageMemoryError(self.path, one_line(error)) from None

    @contextlib.contextmanager
    def _reasons(self) -> Iterator[None]:
        """Turn what decoders raise, which is almost anything, into the reason why this file is not read."""
        try:
            yield
        except PyfaceError:
            raise
        except MemoryError:
            raise ImageMemoryError(self.path, "not enough memory for a picture of this size") from None
        except Exception as error:
            raise ImageReadError(self.path, formats.reason_of(error)) from error


def _read(source: Source) -> tuple[str, bytes, str]:
    """What the source is called, its content and its format. Of a file that is no photo only the beginning is read."""
    name, file = _file_of(source)
    try:
        with contextlib.ExitStack() as stack:
            if file is None:
                file = stack.enter_context(open(name, "rb"))
            if not file.seekable():  # a pipe that has a name
                file = io.BytesIO(file.read())
            format_ = formats.format_of(file)
            file.seek(0)
            return name, file.read(), format_
    except (OSError, ValueError) as error:
        raise ImageReadError(name, getattr(error, "strerror", None) or one_line(error)) from error


def _file_of(source: Source) -> tuple[str, BinaryIO | None]:
    """A name, and what to read; None for the file of that name."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>", io.BytesIO(source)
    if isinstance(source, str | os.PathLike):
        return os.fsdecode(source), None
    if not hasattr(source, "read"):
        raise TypeError(f"image must be a path, the bytes of a file or a file opened for reading, got {source!r:.100}")
    name = getattr(source, "name", None)
    name = name if isinstance(name, str) else "<file>"
    try:
        with contextlib.suppress(OSError, AttributeError):  # a pipe has only what comes next
            source.seek(0)
        data = source.read()
    except OSError as error:
        raise ImageReadError(name, error.strerror or one_line(error)) from error
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"image must be a file opened in binary mode ('rb'), its read() gave {type(data).__name__}")
    return name, io.BytesIO(data)


def _of_planes(data: bytes) -> PillowImage:
    planes, orientation = tiff.planes(io.BytesIO(data))
    image: PillowImage = require_extra("PIL.Image").fromarray(planes)
    image.getexif()[_ORIENTATION_TAG] = orientation
    return image


def _make_room(image: PillowImage) -> None:
    """Give a TIFF the memory for its pixels, which would be compared with a limit of Pillow's."""
    width, height = (image.tag_v2[tag] for tag in (256, 257))  # type: ignore[attr-defined]  # as stored, not as turned
    image.im = require_extra("PIL.Image").new(image.mode, (width, height), None).im


def _pixels_of_jpeg(data: bytes) -> RGB:
    image = formats.opened("JPEG", data)
    image.load()
    return pixels.upright(image)


def _orientation_of(image: PillowImage) -> int:
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF says nothing about the pixels
        return 1
    return value if pixels.is_orientation(value) else 1


def read_image(source: Source) -> RGB:
    """Read a picture as (h, w, 3) RGB uint8, turned upright as its EXIF orientation says.

    source : a path, the bytes of a file, or a file opened in binary mode, which is read from its beginning where it can
        be sought in, and not closed.

    The content decides how it is read, not the name: JPEG (of an MPO the first picture), PNG, WebP, BMP, TIFF, JPEG
    2000, AVIF (Pillow 11.3), the first frame of GIF; HEIC with the extra ``heic``. Grey becomes three equal channels,
    16 bits are cut to 8, CMYK is converted, an alpha channel is dropped. Floating-point numbers may be of 0..1, 0..255
    or 0..65535.

    Raises :class:`pyface.errors.ImageReadError` (an OSError) that names the file and the reason, also for a file that
    breaks off in the middle (a JPEG that lacks its end marker alone is read); for a picture that the memory which is
    left does not hold, :class:`pyface.errors.ImageMemoryError`, which is a MemoryError, too. TypeError for what is no
    source. Time and memory are those of decoding: 4 to 7 bytes a pixel, for some formats up to 23.
    """
    return OpenPhoto(source).full()
