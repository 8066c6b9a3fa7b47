"""From weights to models through the cache: what every group of families does in the same way."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from pyface.models import store
from pyface.models.base import NO_OPTIONS, Model, Options, Origin
from pyface.models.store import Weights

__all__ = ["About", "about", "cached", "with_origin"]

M = TypeVar("M", bound=Model)


class About(TypedDict):
    """What a model is told of itself."""

    name: str
    family: str
    digest: str


def cached(
    kind: str, graph_version: int, source: Weights, make: Callable[[bytes, str], bytes]
) -> tuple[bytes, Path | None]:
    """What ``make`` gives of the weights and their path, from the cache if it is there; and its path, or None."""
    name = f"{kind}-{source.sha256[:16]}-v{graph_version}.bin"
    return store.cached(name, lambda: make(source.data, str(source.path)))


def about(family: str, source: Weights, graph_version: int, code_version: int, options: Options = NO_OPTIONS) -> About:
    """Name, family and digest, which names the weights, the versions of the code that runs them and the options."""
    weights = " ".join(file.sha256 for file in (source, *source.more))
    version = f"{family} {weights} graph {graph_version} code {code_version}"
    version += "".join(f" {name} {value}" for name, value in options.given().items())
    return {"name": source.name, "family": family, "digest": hashlib.sha256(version.encode()).hexdigest()}


def with_origin(
    model: M,
    source: Weights,
    providers: Sequence[Any] | str | None,
    n_threads: int | None,
    options: Options = NO_OPTIONS,
) -> M:
    """The model, which now knows how to be loaded again: by its name, or by its path from the root on."""
    known_by = os.path.abspath(source.path) if source.name == str(source.path) else source.name
    model.origin = Origin(known_by, model.family, providers, n_threads, options)
    return model
