"""Rows in Parquet files: one column of lists of one length, or all columns, each of numbers. pyarrow reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import require_extra

_AT_ONCE = 4096  # rows


def shape_of(path: str) -> tuple[int, int, str]:
    """(rows, columns, type) as :func:`write` will write them. ValueError or TypeError, with the file, if it cannot."""
    file = _open(path)
    n = file.metadata.num_rows
    schema = file.schema_arrow
    if len(schema) == 1 and not _is_number(schema.field(0).type):
        kind = schema.field(0).type
        value = getattr(kind, "value_type", None)
        if value is None or not _is_number(value):
            raise TypeError(f"{path}: column {schema.field(0).name!r} holds {kind}, and lists of numbers are wanted")
        width = getattr(kind, "list_size", None)
        if width is None:
            if n == 0:
                raise ValueError(f"{path}: has no rows, of lists whose length is not known; leave it out")
            first = next(file.iter_batches(batch_size=1)).column(0)[0].as_py()
            if first is None:
                raise ValueError(f"{path}: row 0 is null; fill or drop such rows first")
            width = len(first)
        kinds = [value]
    else:
        wrong = [field for field in schema if not _is_number(field.type)]
        if wrong:
            raise TypeError(
                f"{path}: column {wrong[0].name!r} holds {wrong[0].type}; wanted is one column of lists of numbers, or "
                "columns of numbers alone"
            )
        width, kinds = len(schema), [field.type for field in schema]
    if width == 0:
        raise ValueError(f"{path}: has no columns")
    names = {str(kind) for kind in kinds}
    stored = {frozenset({"float"}): "float32", frozenset({"halffloat"}): "float16"}.get(frozenset(names), "float64")
    return n, width, stored


def write(path: str, target: Path, d: int, stored: str) -> None:
    """Write the rows as a ``.npy`` file (n, d), some thousand at a time. ValueError with the file and the row."""
    file = _open(path)
    header = {"descr": np.dtype(stored).str, "fortran_order": False, "shape": (file.metadata.num_rows, d)}
    begin = 0
    with open(target, "wb") as out:
        np.lib.format.write_array_header_2_0(out, header)
        for batch in file.iter_batches(batch_size=_AT_ONCE):
            rows = _rows(path, batch, d, begin).astype(stored, copy=False)
            out.write(np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data)
            begin += len(rows)


def _rows(path: str, batch: Any, d: int, begin: int) -> NDArray[Any]:
    n = batch.num_rows
    for column in batch.columns:
        if column.null_count:
            raise ValueError(f"{path}: row {begin + _first(column.is_null())} is null; fill or drop such rows first")
    if batch.num_columns > 1 or _is_number(batch.column(0).type):
        return np.column_stack([column.to_numpy(zero_copy_only=False) for column in batch.columns])
    lists = batch.column(0)
    if not hasattr(lists.type, "list_size"):
        lengths = np.diff(lists.offsets.to_numpy(zero_copy_only=False))
        other = np.flatnonzero(lengths != d)
        if other.size:
            raise ValueError(f"{path}: row {begin + other[0]} has {lengths[other[0]]} numbers, and others have {d}")
    values = lists.flatten()
    if values.null_count:
        raise ValueError(f"{path}: row {begin + _first(values.is_null()) // d} holds a null; fill or drop it first")
    found: NDArray[Any] = values.to_numpy(zero_copy_only=False).reshape(n, d)
    return found


def _first(mask: Any) -> int:
    return int(np.flatnonzero(mask.to_numpy(zero_copy_only=False))[0])


def _is_number(kind: Any) -> bool:
    types = require_extra("pyarrow", "distributed").types
    return bool(types.is_floating(kind) or types.is_integer(kind))


def _open(path: str) -> Any:
    require_extra("pyarrow", "distributed")
    pyarrow = require_extra("pyarrow.parquet", "distributed")
    try:
        return pyarrow.ParquetFile(path)
    except ValueError as error:  # ArrowInvalid is one
        raise ValueError(f"{path}: is no Parquet file ({error})") from None
