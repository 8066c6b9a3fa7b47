"""The compiled module. Private: validated public functions live in pyface.kernels."""

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
