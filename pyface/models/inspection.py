"""What is in files of weights, where they are, and whether they are what they should be."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from pyface import _check
from pyface.errors import MissingExtraError
from pyface.models import pulled, store
from pyface.models.catalog import catalog, members_of
from pyface.models.entries import ModelSpec
from pyface.models.fitting import fitting
from pyface.models.onnx_file import read_onnx
from pyface.models.session import Port

__all__ = ["FileFacts", "Verified", "inspect", "is_here", "paths", "verify"]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What an ONNX file declares.

    known_as : the models of the catalog that it is, by its digest.       opsets : domain and version; ``""`` is ONNX's.
    families : those whose inputs and outputs it has. It may be of none of them still.
    """

    path: Path
    bytes: int
    sha256: str
    known_as: tuple[str, ...]
    opsets: tuple[tuple[str, int], ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    families: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """A file of a model that is here. ``problem`` is empty if it is the one known."""

    name: str
    path: Path
    problem: str


def inspect(path: str | PathLike[str]) -> FileFacts:
    """What an ONNX file declares, and which families fit. Nothing of it is run.

    ModelFileError for a file that is missing, damaged or no ONNX file.
    """
    source = store.read_path(Path(_check.path_text(path, "path")))
    file, _ = read_onnx(source)
    known_as = tuple(spec.name for spec in catalog() if not spec.more_files and spec.sha256 == source.sha256)
    opsets = tuple((one.domain, one.version) for one in file.model.opset_import)
    return FileFacts(
        source.path, len(source.data), source.sha256, known_as, opsets, file.inputs, file.outputs, tuple(fitting(file))
    )


def paths(name: str) -> tuple[Path, ...]:
    """Where the weights of a model, or of each of a pack, lie. What they hold is not looked at.

    Raises as :func:`pyface.models.load` does where they are not here.
    """
    return tuple(path for spec in members_of(name) for path in _paths(spec, pull=name))


def verify(name: str | None = None) -> tuple[Verified, ...]:
    """Read the weights of a model or pack, or of all models that are here, and compare their digests with those known.

    Raises as :func:`pyface.models.load` does where those of ``name`` are not here.
    """
    found = []
    for spec in catalog() if name is None else members_of(name):
        if name is None and not is_here(spec):
            continue
        for file, path in zip(spec.files, _paths(spec, pull=name or spec.name), strict=True):
            found.append(Verified(spec.name, path, pulled.problem(spec, file, path)))
    return tuple(found)


def is_here(spec: ModelSpec) -> bool:
    """Whether all of its files are here, and its licence was accepted where that is needed."""
    if spec.package is None:
        return pulled.is_here(spec)
    try:
        return all(path.is_file() for path in _paths(spec, pull=spec.name))
    except MissingExtraError:
        return False


def _paths(spec: ModelSpec, *, pull: str) -> list[Path]:
    if spec.package is None:
        pulled.require(spec, pull=pull)
        return [pulled.path_of(spec)]
    folder = spec.package.path(spec.name)
    return [folder / file.file for file in spec.files]
