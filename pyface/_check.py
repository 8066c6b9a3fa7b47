"""The first gate: coerce and check what callers pass, and say in words what is wrong with it.

Every function takes the name of the argument, so that the message can say it.
"""

from __future__ import annotations

import contextlib
import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _memory
from pyface._typing import Boxes, FloatArray, Image

_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
_is_warned = ContextVar("is_warned", default=False)
_FLOATS = (np.float16, np.float32, np.float64)


def embeddings(
    value: Any,
    name: str,
    *,
    columns: int | None = None,
    nonzero: bool = False,
    all_usable: Callable[[FloatArray], bool] | None = None,
) -> FloatArray:
    """(n, d) float32 or float64, C order, native byte order, finite; float16 becomes float32.

    ``nonzero`` refuses rows of zeros (cosine). Integers, lists and other dtypes are a TypeError. ``all_usable`` is a
    faster test of the same rows: only where it says no are they looked through for what is wrong.
    """
    array = _float_array(value, name)
    if array.ndim != 2:
        raise ValueError(f"{name} must have shape (n, d), got shape {array.shape}")
    if array.shape[1] == 0:
        raise ValueError(f"{name} must have at least one column, got shape {array.shape}")
    if columns is not None and array.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns like the other array, got shape {array.shape}")
    if all_usable is not None and all_usable(array):
        return array
    _refuse_non_finite_rows(array, name)
    if nonzero:
        zero = np.flatnonzero(~array.any(axis=1))
        if zero.size:
            raise ValueError(
                f"{name}: row {zero[0]} is all zeros and has no direction; remove it or use metric='euclidean'"
            )
    return array


def _float_array(value: Any, name: str) -> FloatArray:
    require_array(value, name, _FLOATS, "float32, float64 or float16")
    return _plain(value, np.float64 if value.dtype.type is np.float64 else np.float32)


def _plain(array: NDArray[Any], dtype: type) -> NDArray[Any]:
    """What the kernels take: no subclass, native byte order, C order, aligned (a view into a file need not be)."""
    return np.require(np.asarray(array), dtype, ("C", "A"))


def require_array(value: Any, name: str, types: tuple[type, ...], words: str) -> None:
    """TypeError unless ``value`` is an array, not masked, of one of these types; ``words`` name them."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be masked: fill or drop the masked entries first")
    if not isinstance(value, np.ndarray) or value.dtype.type not in types:
        got = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise TypeError(f"{name} must be a NumPy array of {words}, got {got}")


def _refuse_non_finite_rows(array: FloatArray, name: str) -> None:
    # One pass without a temporary of the same size: a sum is non-finite if any entry is, or if it overflows.
    with np.errstate(over="ignore", invalid="ignore"):
        suspects = np.flatnonzero(~np.isfinite(array.sum(axis=1, dtype=np.float64)))
    for row in suspects:
        bad = np.flatnonzero(~np.isfinite(array[row]))
        if bad.size:
            raise ValueError(
                f"{name}: row {row} holds {array[row, bad[0]]} in column {bad[0]}; all entries must be finite"
            )


def output(value: Any, shape: tuple[int, ...], dtype: type, name: str = "out", *, instead: str = "") -> NDArray[Any]:
    """A writable C-contiguous array of exactly this shape and dtype: the one given, or a new one.

    MemoryError, which says what to do ``instead``, before a new one takes more than is free: systems promise memory
    that they do not have, and the process would be killed when it is written to.
    """
    if value is None:
        n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
        _memory.require(n_bytes, f"a result of shape {shape} in {np.dtype(dtype)}", instead)
        return np.empty(shape, dtype)
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(value).__name__}")
    if value.dtype != np.dtype(dtype):
        raise TypeError(f"{name} must have dtype {np.dtype(dtype)}, got {value.dtype}")
    if value.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {value.shape}")
    if not value.flags.c_contiguous:
        raise ValueError(f"{name} must be C-contiguous")
    if not value.flags.aligned:
        raise ValueError(f"{name} must be aligned in memory")
    if not value.flags.writeable:
        raise ValueError(f"{name} must be writable")
    return value


def image(value: Any, name: str = "image", *, color: str = "rgb") -> Image:
    """(h, w, 3) RGB or (h, w) grey, uint8 or float32, C order, not empty. ``color="bgr"`` is turned into RGB."""
    if color not in ("rgb", "bgr"):
        raise ValueError(f"color must be 'rgb' or 'bgr', got {color!r}")
    require_array(value, name, (np.uint8, np.float32), "uint8 or float32")
    if not (value.ndim == 2 or (value.ndim == 3 and value.shape[2] == 3)):
        raise ValueError(f"{name} must have shape (h, w, 3) or (h, w), got {value.shape}")
    if 0 in value.shape:
        raise ValueError(f"{name} is empty: shape {value.shape}")
    if value.dtype.type is np.float32 and not np.isfinite(value).all():
        raise ValueError(f"{name} holds NaN or infinite values")
    if color == "bgr" and value.ndim == 3:
        value = value[:, :, ::-1]
    return _plain(value, value.dtype.type)


def several(images: Any, name: str) -> None:
    """TypeError if ``images`` is one image, (h, w) or (h, w, 3)."""
    if isinstance(images, np.ndarray) and (images.ndim < 3 or (images.ndim == 3 and images.shape[2] == 3)):
        raise TypeError(f"{name} must hold several images, got one array of shape {images.shape}; put it into a list")


def warn_of_unit_range(image: NDArray[Any], name: str = "image", *, stacklevel: int = 2) -> None:
    """Warn of floats within 0..1 or -1..1 where 0..255 is expected: a black picture, in which nothing is found.

    ``stacklevel`` counts from the caller, whose own caller is 2. In the steps inside :func:`one_warning` it is silent.
    """
    if _is_warned.get() or image.dtype.kind != "f" or not image.size:
        return
    low, high = float(image.min()), float(image.max())
    # A little beyond 1, as resampling leaves it; a picture of 0..255 that has no more is black anyway.
    if low >= -1.5 and 0 < high <= 1.5:
        lowest = "-1" if low < -0.5 else "0"
        warnings.warn(
            f"{name} holds floats within {lowest}..1, and 0..255 is expected: all of it is taken for black; "
            "bring it to 0..255 first",
            stacklevel=stacklevel + 1,
        )


@contextlib.contextmanager
def one_warning() -> Iterator[None]:
    """Inside, what a whole image was asked is not asked of it again, nor of its parts, which may well be dark."""
    token = _is_warned.set(True)
    try:
        yield
    finally:
        _is_warned.reset(token)


def pixels(value: Any, name: str = "image", *, longest: int) -> Image:
    """(h, w) or (h, w, c) with c one of 1, 3, 4, uint8 or float32, C order, not empty, sides of at most ``longest``.

    NaN is let through.
    """
    require_array(value, name, (np.uint8, np.float32), "uint8 or float32")
    if not (value.ndim == 2 or (value.ndim == 3 and value.shape[2] in (1, 3, 4))):
        raise ValueError(f"{name} must have shape (h, w) or (h, w, c) with 1, 3 or 4 channels, got {value.shape}")
    if 0 in value.shape:
        raise ValueError(f"{name} is empty: shape {value.shape}")
    if max(value.shape[:2]) > longest:
        raise ValueError(f"{name} must have at most {longest:,} pixels a side, got shape {value.shape}")
    return value if is_plain(value, value.dtype.type) else _plain(value, value.dtype.type)


def is_plain(value: Any, dtype: type) -> bool:
    """Do kernels take it as it is? A small output takes no longer than the checks that this spares."""
    return type(value) is np.ndarray and value.dtype == dtype and value.flags.carray and value.dtype.isnative


def colour(fill: Any, image: Image) -> list[float]:
    """One number per channel of the image, from one for all or as many; whole ones from 0 to 255 for uint8."""
    channels = image.shape[2] if image.ndim == 3 else 1
    values = [0.0]
    if type(fill) is not int or fill != 0:
        values = numbers(fill, "fill", "(channels,), or one number").reshape(-1).tolist()
    if len(values) not in (1, channels):
        raise ValueError(f"fill must be one number or {channels}, got {len(values)}")
    if image.dtype == np.uint8 and not all(0 <= value <= 255 and value.is_integer() for value in values):
        raise ValueError(f"fill must be whole numbers from 0 to 255 for a uint8 image, got {fill!r}")
    if image.dtype == np.float32 and any(_LARGEST_FLOAT32 < abs(value) < math.inf for value in values):
        raise ValueError(f"fill must fit float32 for a float32 image, got {fill!r}")
    return values if len(values) == channels else values * channels


def boxes(value: Any, name: str = "boxes") -> Boxes:
    """(n, 4) float64 x1 y1 x2 y2, finite, x1 <= x2 and y1 <= y2. Numbers and nested lists are accepted."""
    array = numbers(value, name, "(n, 4)")
    if array.size == 0 and array.ndim <= 2:
        array = array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"{name} must have shape (n, 4), got {array.shape}")
    _refuse_non_finite_rows(array, name)
    inverted = np.flatnonzero((array[:, 2] < array[:, 0]) | (array[:, 3] < array[:, 1]))
    if inverted.size:
        raise ValueError(f"{name}: row {inverted[0]} has x2 < x1 or y2 < y1: {array[inverted[0]].tolist()}")
    return array


def points(value: Any, name: str = "points") -> NDArray[np.float64]:
    """(n, 2) float64, x y, finite. Numbers and nested lists are accepted."""
    array = numbers(value, name, "(n, 2)")
    if array.size == 0 and array.ndim <= 2:
        array = array.reshape(0, 2)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{name} must have shape (n, 2), got {array.shape}")
    _refuse_non_finite_rows(array, name)
    return array


def numbers(value: Any, name: str, shape: str) -> NDArray[np.float64]:
    """float64, C order, of real numbers in an array or nested lists; text is refused. ``shape`` is for the message."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be masked: fill or drop the masked entries first")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # lists of unequal lengths
        array = None
    if array is None or array.dtype.kind not in "iuf":
        got = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise TypeError(f"{name} must be numbers of shape {shape}, got {got}")
    return _plain(array, np.float64)


def text(value: Any, name: str) -> str:
    """A word or name."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {value!r}")
    return value


def path_text(value: Any, name: str) -> str:
    """A name or path, as ``str`` or ``os.PathLike`` of it; one with a null character names no file."""
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise TypeError(f"{name} must be a string or a path, got {value!r}")
    if "\0" in os.fspath(value):
        raise ValueError(f"{name} must hold no null character, got {os.fspath(value)!r}")
    return os.fspath(value)


def choice(value: Any, name: str, allowed: tuple[str, ...]) -> str:
    """One of the words allowed."""
    if text(value, name) not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    word: str = value
    return word


def flag(value: Any, name: str) -> bool:
    """True or False; words and numbers are refused, as ``"no"`` would count as True."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def number(
    value: Any, name: str, *, above: float | None = None, minimum: float | None = None, maximum: float | None = None
) -> float:
    """A real number that is not NaN, as a float; bool is refused. ``above`` itself is out, the other limits are in."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    result = float(value)
    if above is not None and not result > above:
        raise ValueError(f"{name} must be greater than {above:g}, got {value!r}")
    if np.isnan(result):
        raise ValueError(f"{name} must be a number, got nan")
    if minimum is not None and result < minimum:
        raise ValueError(f"{name} must be at least {minimum:g}, got {value!r}")
    if maximum is not None and result > maximum:
        raise ValueError(f"{name} must be at most {maximum:g}, got {value!r}")
    return result


def integer(value: Any, name: str, *, minimum: int, maximum: int | None = None, why: str = "") -> int:
    """A whole number in [minimum, maximum]; bool is refused. ``why`` explains the maximum in the message."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    result = int(value)
    if result < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {result}")
    if maximum is not None and result > maximum:
        raise ValueError(f"{name} must be at most {maximum}{why}, got {result}")
    return result


def same_dtype(x: FloatArray, y: FloatArray | None) -> tuple[FloatArray, FloatArray | None]:
    """Both in float64 if one of them is: converting float32 loses nothing."""
    if y is None or x.dtype == y.dtype:
        return x, y
    return x.astype(np.float64, copy=False), y.astype(np.float64, copy=False)


def no_overlap(out: NDArray[Any], *inputs: FloatArray | None) -> None:
    """The output may not lie on top of an input: it is written while the input is still read."""
    if any(array is not None and np.may_share_memory(out, array) for array in inputs):
        raise ValueError("out must not share memory with the input")
