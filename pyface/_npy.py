"""``.npy`` files that nobody vouches for."""

from __future__ import annotations

import os
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray


def mapped(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array of a file, mapped for reading only: what the header claims takes no memory.

    ValueError for what is no ``.npy`` file, is shorter than its header says, or holds objects; OSError as for any file.
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (SyntaxError, TokenError, OverflowError, TypeError) as error:  # of a header with a changed byte
        raise ValueError(f"{os.fspath(path)}: its header cannot be read") from error
    return array
