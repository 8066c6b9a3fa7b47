"""Which embedder vectors are of. Those of two embedders cannot be compared."""

from __future__ import annotations

from typing import Any

from pyface._embedders import COMPARISONS, FAMILIES
from pyface.errors import GalleryError


def name_of(embedder: Any) -> str:
    """What it is known by: a name, or the path that it was loaded from, from the root on."""
    if isinstance(embedder, str):
        return embedder
    origin = getattr(embedder, "origin", None)
    name = str(getattr(embedder, "name", "") if origin is None else origin.name_or_path)
    if not name:
        raise TypeError(f"embedder must be the name of one, or a loaded one, got {embedder!r}")
    return name


def comparison(embedder: Any) -> tuple[str, float] | None:
    """Metric and threshold of :func:`pyface.cluster.for_embedder`; None for a name that is not known."""
    source = {**COMPARISONS, **FAMILIES}.get(embedder) if isinstance(embedder, str) else embedder
    metric, threshold = getattr(source, "metric", None), getattr(source, "cluster_threshold", None)
    return None if metric is None or threshold is None else (metric, float(threshold))


def refuse_other(own: str, own_digest: str | None, other: str, digest: str | None) -> None:
    """GalleryError, with both names, unless they are one embedder: by digest where both are known, else by name."""
    if digest is not None and own_digest is not None:
        if digest == own_digest:
            return
        if own == other:
            raise GalleryError(
                f"the gallery holds vectors of {own} with other weights or code ({own_digest[:12]}, not "
                f"{digest[:12]}); use the same, or enroll the photos anew"
            )
    elif own == other:
        return
    raise GalleryError(
        f"the gallery holds vectors of the embedder {own}, which cannot be compared with those of {other}; use {own}, "
        "or another gallery"
    )
