"""The clusterer that goes with an embedder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyface._embedders import COMPARISONS, FAMILIES, Comparison
from pyface.cluster._agglomerative import AgglomerativeClustering
from pyface.errors import ModelNotFoundError

if TYPE_CHECKING:
    from pyface.models.base import Embedder


def for_embedder(name_or_embedder: str | Embedder) -> AgglomerativeClustering:
    """The recommended clusterer for the vectors of an embedder, not fitted yet.

    name_or_embedder : an embedder of :func:`pyface.models.catalog` by name, or a family of embedders, which loads no
        model and needs none to be installed; or one that was loaded, or anything else with a ``metric`` and a
        ``cluster_threshold``. A family's threshold is what such networks are compared with in general; a loaded
        embedder may know better.

    Returns :class:`AgglomerativeClustering` by average linkage in the embedder's metric, which merges below its
    threshold: what :func:`pyface.cluster_photos` does with the faces it finds. The threshold suits photos like those it
    was chosen on; with labelled faces of your own, choose another (``distance_threshold``).

    ModelNotFoundError for a name that is no embedder's; TypeError for an object without those two attributes.
    Like scikit-learn's class it needs two rows at least.
    """
    source: Any = _by_name(name_or_embedder) if isinstance(name_or_embedder, str) else name_or_embedder
    metric, threshold = getattr(source, "metric", None), getattr(source, "cluster_threshold", None)
    if metric is None or threshold is None:
        raise TypeError(
            "name_or_embedder must be the name of an embedder, or an object with a metric and a cluster_threshold, "
            f"got {name_or_embedder!r}"
        )
    return AgglomerativeClustering(n_clusters=None, metric=metric, linkage="average", distance_threshold=threshold)


def _by_name(name: str) -> Comparison:
    known = {**COMPARISONS, **FAMILIES}
    if name not in known:
        raise ModelNotFoundError(
            f"no embedder named {name!r}; known: {', '.join(known)}. Pass a loaded embedder if it has no name"
        )
    return known[name]
