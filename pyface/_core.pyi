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
def nms_of_smaller(
    boxes: NDArray[np.float64], scores: NDArray[np.float64], overlap_threshold: float
) -> NDArray[np.int64]: ...
def area_crops(
    image: NDArray[np.uint8], boxes: NDArray[np.int64], out: NDArray[np.uint8], *, n_threads: int
) -> None: ...
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
def fit_similarities(
    source: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]: ...
def head_poses(
    landmarks: NDArray[np.float64],
    head: NDArray[np.float64],
    is_contour: NDArray[np.bool_] | None = None,
    weights: NDArray[np.float64] | None = None,
    camera: tuple[float, float, float] | None = None,
    *,
    refined: bool = True,
    n_threads: int = 1,
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    int,
    bool,
]: ...
def affine_crops(
    image: NDArray[np.uint8] | NDArray[np.float32],
    matrices: NDArray[np.float64],
    out: NDArray[np.uint8] | NDArray[np.float32],
    *,
    border: str,
    fill: list[float],
    antialias: bool,
    n_threads: int,
) -> None: ...
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

# Triangles (t, 3), and for each point the lowest index of those equal to it.
def delaunay(points: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]: ...

# A mesh of triangles (t, 3) over points (n, 2) x y in an output of rows x cols; read by any number of threads at once.
class WarpMesh:
    def __init__(self, points: NDArray[np.float64], triangles: NDArray[np.int32], rows: int, cols: int) -> None: ...
    def mask(self) -> NDArray[np.bool_]: ...
    def owners(self) -> NDArray[np.int32]: ...
    def positions(self, source: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def coefficients(self, source: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def map_points(
        self, points: NDArray[np.float64], source: NDArray[np.float64], *, back: bool
    ) -> NDArray[np.float64]: ...
    # One image for all faces or one per face; sources (n, k, 2); out (n, rows, cols) or (n, rows, cols, channels).
    def warp(
        self,
        images: list[NDArray[Any]],
        sources: NDArray[np.float64],
        out: NDArray[Any],
        *,
        linear: bool,
        antialias: bool,
        border: str,
        fill: list[float],
        n_threads: int,
    ) -> None: ...
    @property
    def n_spans(self) -> int: ...

# A surface of a face over a picture, with a grid of 64 x 64 places (depth, its slopes along x and y, features).
class Relief:
    def __init__(
        self,
        points: NDArray[np.float64],
        triangles: NDArray[np.int32],
        *,
        shown: NDArray[np.bool_],
        depth: NDArray[np.float32] | None,
        solid: NDArray[np.float64],
        node_points: NDArray[np.float64],
        nodes: NDArray[np.float32],
        on_face: NDArray[np.bool_],
        first_x: float,
        first_y: float,
        step: float,
    ) -> None: ...
    # One image for all faces or one per face; out (n, rows, cols[, channels]). Returns the shares (n,) mirrored.
    def frontalize(
        self,
        images: list[NDArray[Any]],
        landmarks: NDArray[np.float64],
        *,
        rotations: NDArray[np.float64],
        translations: NDArray[np.float64],
        scales: NDArray[np.float64],
        out: NDArray[Any],
        masks: NDArray[np.bool_],
        visibility: NDArray[np.float32],
        outline_is_seen: bool,
        symmetric: bool,
        antialias: bool,
        n_threads: int,
    ) -> NDArray[np.float64]: ...

# Centres (n, 2), weights (n + 3,): the surface at (ys, xs).
def radial_surface(
    centres: NDArray[np.float64], weights: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64]
) -> NDArray[np.float64]: ...
def compiled_isas() -> list[str]: ...
def supported_isas() -> list[str]: ...
def active_isa() -> str: ...
def set_isa(name: str) -> str: ...

# What the active instruction set can do at most, all threads together, a multiply and an add being two operations:
# "float32_gflops", and "int8_gops" for codes as the screen has them (of 16 bits where there is no VNNI).
def peak_rates(seconds: float, n_threads: int) -> dict[str, float]: ...

# The float32 micro-kernel alone, for benchmarks: out (n, m) = 1 - <x, y> within [0, 2] of unit rows x (n, d) and y
# (m, d), `repeats` times by all threads together. Neither packing nor fresh memory takes part in what is repeated.
def repeat_tile(
    x: NDArray[np.float32], y: NDArray[np.float32], repeats: int, n_threads: int, out: NDArray[np.float32]
) -> None: ...

# X (n, d) and Y (m, d) share one dtype, float32 or float64; Y None means X against itself.
_Rows = TypeVar("_Rows", NDArray[np.float32], NDArray[np.float64])
_NumberSets = tuple[NDArray[np.int64], NDArray[np.int64]]  # starts, numbers

def distances_dense(x: _Rows, y: _Rows | None, out: NDArray[Any], *, metric: str, n_threads: int) -> None: ...
def distances_condensed(x: _Rows, out: NDArray[Any], *, metric: str, n_threads: int) -> None: ...
def all_usable(x: NDArray[Any], *, nonzero: bool, n_threads: int) -> bool: ...

# 64 bits that another matrix of the same shape and type has by chance only.
def fingerprint(x: NDArray[Any], *, n_threads: int) -> int: ...
def within_radius(
    x: _Rows, y: _Rows | None, *, metric: str, radius: float, memory_limit: int = -1, n_threads: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]: ...

# few : up to so many rows are compared all with all, where y is None.
def nearest(
    x: _Rows,
    y: _Rows | None,
    distances: NDArray[np.float32],
    indices: NDArray[np.int64],
    *,
    metric: str,
    few: int = ...,
    n_threads: int,
) -> None: ...

# Means (k, d) and variances (k,) of clusters, own (n,) the cluster of each row of x, out (n,): the least of
# |x - mean|^2 + variance over the others, x at unit length with `unit`; infinity where there is no other.
def nearest_other_means(
    x: NDArray[np.float32] | NDArray[np.float64],
    means: NDArray[np.float64],
    variances: NDArray[np.float64],
    own: NDArray[np.int64],
    out: NDArray[np.float64],
    *,
    unit: bool,
    n_threads: int,
) -> None: ...

# Sums (k, d) of the rows order[begins[g]:begins[g + 1]] of each group, at unit length where origin is None, else less
# origin (d,); and (k,) the sums of their squared lengths.
def group_sums(
    x: NDArray[np.float32] | NDArray[np.float64],
    origin: NDArray[np.float64] | None,
    order: NDArray[np.int64],
    begins: NDArray[np.int64],
    sums: NDArray[np.float64],
    squares: NDArray[np.float64],
    *,
    n_threads: int,
) -> None: ...

# out[p]: mean squared distance of row rows[p] to the group of which means[places[p]] is the mean row, and
# squares[places[p]] the mean squared length.
def squared_to_means(
    x: NDArray[np.float32] | NDArray[np.float64],
    origin: NDArray[np.float64] | None,
    rows: NDArray[np.int64],
    places: NDArray[np.int64],
    means: NDArray[np.float64],
    squares: NDArray[np.float64],
    out: NDArray[np.float64],
    *,
    n_threads: int,
) -> None: ...
def bin_pairs(
    x: NDArray[np.float32] | NDArray[np.float64],
    labels: NDArray[np.int32],
    thresholds: NDArray[np.float64],
    wanted: NDArray[np.uint8] | None = None,
    *,
    metric: str,
    n_threads: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]: ...
def distances_of_pairs(
    x: NDArray[np.float32] | NDArray[np.float64],
    first: NDArray[np.int32],
    second: NDArray[np.int32],
    out: NDArray[np.float64],
    *,
    metric: str,
    n_threads: int,
) -> None: ...

class EdgeStream:
    def __init__(self, x: NDArray[Any], *, metric: str, radius: float, n_threads: int) -> None: ...
    # settled (n,): edges between rows with the same number, not -1, may be left out.
    def next(
        self, max_edges: int, settled: NDArray[np.int32] | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]] | None: ...

def debug_counters() -> dict[str, int]: ...
def reset_debug_counters() -> None: ...
def use_axes(use: str) -> None: ...
def use_floats(use: str) -> None: ...

class KMeansData:
    def __init__(self, x: _Rows, weights: NDArray[np.float64] | None, *, n_threads: int) -> None: ...
    def mean_variance(self) -> float: ...
    def plus_plus(self, first: int, draws: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]: ...
    # centers (k, d), of the type of x, and labels (n,), guesses or -1, are written to. Gives inertia and iterations.
    def lloyd(
        self, centers: _Rows, labels: NDArray[np.int32], *, max_iter: int, tolerance: float, spherical: bool
    ) -> tuple[float, int]: ...
    def nearest(self, centers: _Rows, labels: NDArray[np.int32], distances: NDArray[np.float64]) -> None: ...

# origin (d,) is subtracted from all rows, as means of rows far away from 0 lose digits; not for cosine.
# few : up to so many rows have a matrix of bounds.
def joints_from_vectors(
    x: _Rows,
    *,
    method: str,
    metric: str,
    height_limit: float,
    origin: NDArray[np.float64] | None = None,
    cannot_link: _NumberSets | None,
    must_link: NDArray[np.int64] | None,
    few: int = ...,
    n_threads: int,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]: ...

# few : up to so many rows take a matrix of their distances.
def spanning_edges(
    x: _Rows, *, metric: str, height_limit: float, few: int = ..., n_threads: int
) -> NDArray[np.int32]: ...
def reachability_tree(
    x: _Rows, *, metric: str, n_neighbors: int, core_factor: float, n_threads: int
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]: ...
def near_graph(
    x: _Rows, *, metric: str, threshold: float, max_edges: int, n_threads: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], bool]: ...
def edges_between(
    x: _Rows,
    y: _Rows,
    component: NDArray[np.int32],
    *,
    metric: str,
    threshold: float,
    max_edges: int,
    n_threads: int,
) -> tuple[NDArray[np.int32], bool]: ...
def joints_of_components(
    x: _Rows,
    component: NDArray[np.int32],
    edges: NDArray[np.int32] | None,
    *,
    method: str,
    metric: str,
    threshold: float,
    memory_limit: int,
    origin: NDArray[np.float64] | None = None,
    cannot_link: _NumberSets | None,
    must_link: NDArray[np.int64] | None,
    n_threads: int,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]: ...
def tree_of_joints(pairs: NDArray[np.int32], heights: NDArray[np.float64], n: int) -> NDArray[np.float64]: ...
def label_forest(z: NDArray[np.float64], n: int) -> NDArray[np.int64]: ...

# distances (n (n - 1) / 2,) float32 or float64, are overwritten.
def linkage_from_condensed(
    distances: _Rows,
    *,
    n: int,
    method: str,
    stop: float,
    must_link: NDArray[np.int64] | None,
    cannot_link: _NumberSets | None,
    n_threads: int,
) -> NDArray[np.float64]: ...
def cut_by_count(z: NDArray[np.float64], *, n_merges: int) -> NDArray[np.int64]: ...
def cut_by_height(z: NDArray[np.float64], *, height: float) -> NDArray[np.int64]: ...

# Of the cluster that each merge makes: the height from which on a cut holds it, its rows, the smallest of them.
def tree_clusters(z: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]: ...

# Precision and recall after each merge of the order, (n,) each.
def bcubed_by_merge(
    z: NDArray[np.float64],
    classes: NDArray[np.int64],
    order: NDArray[np.int64],
    *,
    n_classes: int,
    others_count: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
def search_frame(
    x: NDArray[np.float32] | NDArray[np.float64], *, metric: str, n_threads: int
) -> tuple[float, NDArray[np.float64] | None]: ...
def store_rows(
    x: NDArray[np.float32] | NDArray[np.float64],
    codes: NDArray[np.uint8],
    bounds: NDArray[np.float32],
    squares: NDArray[np.float64],
    *,
    metric: str,
    scale: float,
    centre: NDArray[np.float64] | None,
    n_threads: int,
) -> tuple[float, bool]: ...

class SearchIndex:
    def __init__(
        self,
        segments: list[tuple[Any, NDArray[np.uint8], NDArray[np.float32], NDArray[np.float64]]],
        *,
        metric: str,
        dimension: int,
        scale: float,
        centre: NDArray[np.float64] | None,
        longest: float,
        any_scaled: bool,
    ) -> None: ...
    def nearest(
        self,
        x: NDArray[np.float32] | NDArray[np.float64],
        self_begin: int,
        distances: NDArray[np.float32],
        indices: NDArray[np.int64],
        *,
        panels: int = -1,
        n_threads: int,
    ) -> None: ...
    def within(
        self,
        x: NDArray[np.float32] | NDArray[np.float64],
        self_begin: int,
        radius: float,
        *,
        by_distance: bool = False,
        memory_limit: int = -1,
        panels: int = -1,
        n_threads: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]: ...
