"""The compiled module. Private: validated public functions live in pyface.kernels.

Arrays are taken as they are or not at all: C order and exactly the dtype named here.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__version__: str
compiler: str
build_type: str

def nms(boxes: NDArray[np.float64], scores: NDArray[np.float64], iou_threshold: float) -> NDArray[np.int64]: ...
def mmod_nms(boxes: NDArray[np.int64], scores: NDArray[np.float64], overlap_threshold: float) -> NDArray[np.int64]: ...
def mmod_layout(rows: int, cols: int) -> tuple[int, int, NDArray[np.int64]]: ...
def mmod_canvas(
    image: NDArray[np.uint8] | NDArray[np.float32], mean: tuple[float, float, float], out: NDArray[np.float32]
) -> None: ...
def mmod_decode(
    scores: NDArray[np.float32], rows: int, cols: int, threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]: ...
def upsample(image: NDArray[np.uint8], out: NDArray[np.uint8]) -> None: ...
def face_chips(
    image: NDArray[np.uint8],
    landmarks: NDArray[np.float64],
    template: NDArray[np.float64],
    size: int,
    padding: float,
    *,
    n_threads: int,
) -> NDArray[np.uint8]: ...
def chip_place(
    landmarks: NDArray[np.float64], template: NDArray[np.float64], size: int, padding: float
) -> tuple[float, float, float, float, float]: ...
def scan_compact_ints(bytes: NDArray[np.uint8], begin: int, out: NDArray[np.int64]) -> int: ...

class RegressionTrees:
    def __init__(
        self,
        initial_shape: NDArray[np.float32],
        features: NDArray[np.int16],
        thresholds: NDArray[np.float32],
        leaves: NDArray[np.float32],
        anchors: NDArray[np.int16],
        deltas: NDArray[np.float32],
    ) -> None: ...
    def locate(
        self, image: NDArray[np.uint8], boxes: NDArray[np.float64], *, n_threads: int
    ) -> NDArray[np.float64]: ...
    @property
    def n_points(self) -> int: ...

def compiled_isas() -> list[str]: ...
def supported_isas() -> list[str]: ...
def active_isa() -> str: ...
def set_isa(name: str) -> str: ...

# X (n, d) and Y (m, d) share one dtype, float32 or float64; Y None means X against itself.
_Rows = TypeVar("_Rows", NDArray[np.float32], NDArray[np.float64])

def distances_dense(x: _Rows, y: _Rows | None, out: NDArray[Any], *, metric: str, n_threads: int) -> None: ...
def distances_condensed(x: _Rows, out: NDArray[Any], *, metric: str, n_threads: int) -> None: ...
def within_radius(
    x: _Rows, y: _Rows | None, *, metric: str, radius: float, n_threads: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]: ...
def nearest(
    x: _Rows,
    y: _Rows | None,
    distances: NDArray[np.float32],
    indices: NDArray[np.int64],
    *,
    metric: str,
    n_threads: int,
) -> None: ...
def linkage_from_vectors(x: _Rows, *, method: str, metric: str, n_threads: int) -> NDArray[np.float64]: ...
def cut_by_count(z: NDArray[np.float64], *, n_merges: int) -> NDArray[np.int64]: ...
def cut_by_height(z: NDArray[np.float64], *, height: float) -> NDArray[np.int64]: ...
