"""The losses that face embedders are trained with: values and analytic gradients, and a head trained with them.

Losses with a weight vector per class: ``softmax_cross_entropy``, ``arcface``, ``cosface``, ``sphereface``,
``combined_margin``. Losses of pairs and triplets of rows: ``contrastive``, ``triplet``. ``MarginHead`` is a
scikit-learn estimator that adapts frozen embeddings to people whose names are known.

Everything is NumPy, for float32 and float64. Gradients are those of the value by central differences; formulas and
sources: docs/how-it-works/losses.md.
"""

from typing import TYPE_CHECKING, Any

from pyface.losses._classes import arcface, combined_margin, cosface, softmax_cross_entropy, sphereface
from pyface.losses._pairs import contrastive, triplet
from pyface.losses._results import ClassLoss, PairLoss

if TYPE_CHECKING:
    from pyface.losses._head import MarginHead

__all__ = [
    "ClassLoss",
    "MarginHead",
    "PairLoss",
    "arcface",
    "combined_margin",
    "contrastive",
    "cosface",
    "softmax_cross_entropy",
    "sphereface",
    "triplet",
]


def __getattr__(name: str) -> Any:
    if name != "MarginHead":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pyface.losses._head import MarginHead  # scikit-learn takes a second to import, and the functions do without

    globals()[name] = MarginHead
    return MarginHead


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
