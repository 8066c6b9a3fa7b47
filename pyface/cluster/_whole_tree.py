"""Rows that are kept for later, and the whole tree of them, computed when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from pyface import _threads
from pyface.kernels import linkage as trees
from pyface.kernels.fingerprint import fingerprint


class RowsChangedError(ValueError):
    """Rows that were borrowed are not what they were."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptRows:
    """Rows (n, d), borrowed or not.

    mark : their fingerprint, by which it is seen whether they are what they were; None where nobody else has them.
    """

    values: NDArray[Any]
    mark: int | None

    @classmethod
    def borrow(cls, x: NDArray[Any], *, n_threads: int) -> KeptRows:
        """Rows that the caller may write to. Time: one pass at the speed of memory."""
        return cls(x, fingerprint(x, n_threads=n_threads))

    def __len__(self) -> int:
        return len(self.values)

    def unchanged(self) -> NDArray[Any]:
        """RowsChangedError if they have been written to."""
        if self.mark is not None and fingerprint(self.values, n_threads=_threads.resolve(None)) != self.mark:
            raise RowsChangedError("the rows have been written to since they were fitted or added")
        return self.values


@dataclass(frozen=True, slots=True, eq=False)
class LaterTree:
    """The tree of all rows, old ones first, that a fit below a threshold did without."""

    pieces: list[KeptRows]
    linkage: str
    metric: str

    def compute(self) -> NDArray[np.float64]:
        """(n - 1, 4), SciPy's format. RowsChangedError if they have been written to; MemoryError as in `linkage`."""
        parts = [piece.unchanged() for piece in self.pieces]
        x = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return trees.tree(x, self.linkage, self.metric, n_threads=_threads.resolve(None))


_OF_TREE = ("children_", "distances_")


class WholeTree:
    """``children_`` and ``distances_`` of a clusterer, which are computed when they are asked for if they have to be.

    Once computed they are attributes like others. They are no properties: what looks at all attributes, as notebooks do
    to show an estimator, would compute them.
    """

    distance_threshold: float | None
    compute_distances: bool
    children_: NDArray[np.int64]
    distances_: NDArray[np.float64]
    _later_tree: LaterTree | None
    _clustering: Any

    def _forget_tree(self) -> None:
        self._later_tree = None
        for name in _OF_TREE:
            self.__dict__.pop(name, None)

    def _take_tree(self, z: NDArray[np.float64]) -> None:
        self.children_ = z[:, :2].astype(np.int64)
        if self.distance_threshold is not None or self.compute_distances:
            self.distances_ = z[:, 2].copy()

    if not TYPE_CHECKING:  # other names would be attributes as well

        def __getattr__(self, name: str) -> Any:
            if name in _OF_TREE and name in self.__dict__:  # another thread has computed it since
                return self.__dict__[name]
            if name not in _OF_TREE or "labels_" not in self.__dict__ or "children_" in self.__dict__:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            later = self.__dict__.get("_later_tree")
            if later is None:
                raise _no_tree(name, "its rows have been left out of a pickle or a copy")
            try:
                z = later.compute()
            except RowsChangedError as error:
                raise _no_tree(name, str(error)) from None
            except MemoryError as error:
                message = f"{name} is the whole tree; merges_ has what is below the threshold. {error}"
                raise MemoryError(message) from None
            self.children_, self.distances_ = z[:, :2].astype(np.int64), z[:, 2].copy()
            self._later_tree = None
            return self.__dict__[name]

    def __getstate__(self) -> Any:
        state = dict(super().__getstate__())  # type: ignore[call-overload]
        if state.get("_clustering") is None:
            state["_later_tree"] = None
        return state


def _no_tree(name: str, reason: str) -> NotFittedError:
    return NotFittedError(
        f"{name} is the whole tree, which the fit did without, and {reason}; "
        "fit again, with compute_full_tree=True to have it at once (merges_ has what is below the threshold)"
    )
