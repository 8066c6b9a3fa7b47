"""An embedder that is an ONNX file as it is: what the file must declare, and how it is given crops."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._embedders import Comparison
from pyface.errors import ModelFileError
from pyface.models.embedders.aligned import AlignedEmbedder
from pyface.models.embedders.normalizations import Table, numbers
from pyface.models.onnx_file import OnnxFile
from pyface.models.session import Port, Session

__all__ = ["NetworkOfCrops", "OpenGraph", "dimension", "loaded", "side", "why_not"]

log = logging.getLogger(__name__)

OpenGraph = Callable[[bytes], Callable[[int | None], Session]]


def why_not(
    file: OnnxFile,
    fits: Callable[[int | None], str],
    *,
    channels_last: bool | None = False,
    has_norm: bool = False,
) -> str:
    """Why the file does not turn square crops into vectors, or nothing.

    fits : why a declared side of the crop, None if it is free, is not the family's, or nothing.
    channels_last : where the colours are in the input's shape; None for either place.
    has_norm : whether a second output may be the length that the vector had.
    """
    shape = file.inputs[0].shape
    layouts = {False: (1,), True: (3,), None: (1, 3)}[channels_last]
    if len(file.inputs) != 1 or len(shape) != 4 or not any(shape[axis] == 3 for axis in layouts):
        return f"it takes no picture of three colours, {' or '.join(_LAYOUTS[axis] for axis in layouts)}"
    if file.inputs[0].kind != "tensor(float)":
        return f"it takes {file.inputs[0].kind}, expected tensor(float)"
    rows, cols = (size if isinstance(size, int) and size > 0 else None for size in _sides(file))
    if rows != cols:
        return f"its picture is {cols or '?'} x {rows or '?'}, no square"
    reason = fits(rows)
    if reason:
        return reason
    lengths = [_length(port) for port in file.outputs]
    if len(lengths) != 1 and not (has_norm and len(lengths) == 2 and lengths.count(1) == 1):
        return f"it has {len(lengths)} outputs, expected one vector"
    if not _is_vector(file.outputs[_place(file)]):
        return "its output is no vector of each crop"
    return ""


_LAYOUTS = {1: "(batch, 3, rows, columns)", 3: "(batch, rows, columns, 3)"}


def _is_last(file: OnnxFile) -> bool:
    shape = file.inputs[0].shape
    return shape[1] != 3


def _sides(file: OnnxFile) -> tuple[Any, Any]:
    shape = file.inputs[0].shape
    return (shape[1], shape[2]) if _is_last(file) else (shape[2], shape[3])


def _length(port: Port) -> int | None:
    """Of the vector, if it is declared."""
    length = port.shape[1] if len(port.shape) > 1 else None
    return length if isinstance(length, int) and length > 0 else None


def _is_vector(port: Port) -> bool:
    """(batch, d), also with axes of length 1 behind, or not declared."""
    known = [size for size in port.shape[2:] if isinstance(size, int) and size > 0]
    return not port.shape or (len(port.shape) > 1 and all(size == 1 for size in known) and _length(port) != 1)


def _place(file: OnnxFile) -> int:
    """Which output is the vector: the one of a number that is not 1."""
    return next((i for i, port in enumerate(file.outputs) if _length(port) != 1), 0)


def side(file: OnnxFile, default: int) -> int:
    """Of a crop in pixels: what the file declares, or the family's."""
    size = _sides(file)[0]
    return size if isinstance(size, int) and size > 0 else default


def dimension(file: OnnxFile) -> int | None:
    """Of the vectors, if the file declares it."""
    return _length(file.outputs[_place(file)])


class NetworkOfCrops(AlignedEmbedder):
    """An ONNX file that takes crops as float32, in an order of colours and a range of its family.

    normalization : the name of the range, one of the family's.
    """

    bgr = False

    def __init__(
        self,
        session: Session,
        *,
        place: int,
        channels_last: bool,
        normalization: str,
        table: Table,
        comparison: Comparison,
        **about: Any,
    ) -> None:
        super().__init__(session, **about)
        self.normalization = normalization
        self.metric = comparison.metric
        self.cluster_threshold, self.pair_threshold = comparison.cluster_threshold, comparison.pair_threshold
        self._place, self._channels_last, self._table = place, channels_last, table

    def _vectors(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        taken = np.stack([
            numbers(crop, self._table, bgr=self.bgr, channels_last=self._channels_last) for crop in crops
        ])  # fmt: skip
        vectors = self._session.run_all(taken)[self._place]
        if vectors.shape[:1] != (len(crops),) or vectors.size != len(crops) * self.dimension:
            raise ModelFileError(
                f"{self.name} gives {' x '.join(map(str, vectors.shape))} numbers for {len(crops)} crops, expected "
                f"{len(crops)} x {self.dimension}"
            )
        rows: NDArray[np.float32] = vectors.reshape(len(crops), -1)
        return rows


def loaded(
    file: OnnxFile,
    open_graph: OpenGraph,
    make: type[NetworkOfCrops],
    *,
    size: int,
    comparison: Callable[[int], Comparison],
    template: NDArray[np.float64],
    normalization: str,
    table: Table,
    n_threads: int | None,
    **about: Any,
) -> NetworkOfCrops:
    """The embedder of a file that fits; ``comparison`` is asked for vectors of so many numbers.

    A batch that the file fixes is made free. How many numbers a vector has is found by a grey crop where the file does
    not declare it, and with a provider other than the CPU whether two crops together give what each gives alone.
    """
    shape = file.inputs[0].shape
    is_fixed = isinstance(shape[0], int)
    session = open_graph(file.with_free(0) if is_fixed else file.graph())(1)
    place, channels_last = _place(file), _is_last(file)
    form = (1, size, size, 3) if channels_last else (1, 3, size, size)
    n = dimension(file)
    if n is None:
        found = session.run_all(np.zeros(form, np.float32))[place]
        if found.shape[:1] != (1,) or found.ndim < 2 or found.size != found.shape[1] or found.size < 2:
            numbers_of = " x ".join(map(str, found.shape))
            raise ModelFileError(f"{file.name} gives {numbers_of} numbers for one crop, expected one vector")
        n = found.size
    return make(
        session, size=size, dimension=n, template=template, normalization=normalization, table=table, place=place,
        channels_last=channels_last, comparison=comparison(n), n_threads=n_threads,
        batches=not session.is_on_cpu and _takes_batches(session, form, place), **about,
    )  # fmt: skip


def _takes_batches(session: Session, form: tuple[int, ...], place: int) -> bool:
    pair = np.random.default_rng(0).standard_normal((2, *form[1:])).astype(np.float32)
    try:
        together = session.run_all(pair)[place]
    except ModelFileError as error:
        log.info("one crop at a time: %s", error)
        return False
    alone = np.concatenate([session.run_all(one[None])[place] for one in pair])
    largest = np.abs(alone).max()
    is_same = together.shape == alone.shape and np.isfinite(largest)
    return bool(is_same and np.allclose(together, alone, rtol=1e-4, atol=1e-4 * largest))
