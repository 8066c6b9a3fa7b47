"""The arrays of MTCNN's networks. Their files are pickles, so none is opened whose digest is not a known one."""

from __future__ import annotations

import hashlib
import io
import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError, one_line, require_extra

__all__ = ["ONET_SHA256", "PNET_SHA256", "RNET_SHA256", "read_arrays"]

PNET_SHA256 = "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5"
RNET_SHA256 = "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee"
ONET_SHA256 = "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3"
_KNOWN = frozenset({PNET_SHA256, RNET_SHA256, ONET_SHA256})


def read_arrays(data: bytes, name: str) -> list[NDArray[np.float32]]:
    """The arrays of a file that joblib has written, compressed by LZ4, in order; ``name`` is for messages.

    ModelFileError unless the digest of these very bytes is known. Of all that a pickle may ask for it then gets
    joblib's wrapper of an array, NumPy's arrays and their types, and nothing else.
    """
    if hashlib.sha256(data).hexdigest() not in _KNOWN:
        raise ModelFileError(
            f"{name} is not one of the files of the package mtcnn; no others are opened, as they can hold anything"
        )
    return unpickled(data, name)


def unpickled(data: bytes, name: str) -> list[NDArray[np.float32]]:
    """What :func:`read_arrays` does with bytes that are known."""
    frame = require_extra("lz4.frame")
    try:
        stream = io.BytesIO(frame.decompress(data))
        wrapped = _unpickler(stream).load()
        return [_array(item) for item in wrapped]
    except (RuntimeError, pickle.UnpicklingError, ValueError, TypeError, KeyError, EOFError) as error:
        raise ModelFileError(f"{name} is no file of arrays by joblib: {one_line(error)}") from error


def _unpickler(stream: io.BytesIO) -> pickle.Unpickler:
    class Wrapped:
        """What joblib writes in front of the bytes of an array, which follow as soon as it is complete."""

        array: NDArray[Any]

        def __setstate__(self, state: dict[str, Any]) -> None:
            dtype, shape = np.dtype(state["dtype"]), tuple(state["shape"])
            if dtype.hasobject:
                raise pickle.UnpicklingError("an array of objects")
            if state.get("numpy_array_alignment_bytes"):
                (padding,) = stream.read(1)
                stream.read(padding)
            n_bytes = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
            self.array = np.frombuffer(stream.read(n_bytes), dtype).reshape(shape, order=state["order"])

    admitted = {
        ("joblib.numpy_pickle", "NumpyArrayWrapper"): Wrapped,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) not in admitted:
                raise pickle.UnpicklingError(f"it asks for {module}.{name}")
            return admitted[module, name]

    # BytesIO gives no more than is asked for, so each wrapper finds the bytes of its array next.
    return Unpickler(stream)


def _array(item: Any) -> NDArray[np.float32]:
    array = getattr(item, "array", None)
    if array is None or array.dtype != np.float32 or not np.isfinite(array).all():
        raise ValueError("expected arrays of finite numbers in float32")
    return np.asarray(array)
