"""Which models there are, where their weights come from and under which terms; and loading one by name."""

from __future__ import annotations

import difflib
import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pyface import _check, _memory
from pyface.errors import LicenseWarning, ModelNotFoundError
from pyface.models import pulled, store
from pyface.models.base import Model, Options
from pyface.models.entries import OF_DETECTOR, Entries, ModelSpec, read_entries
from pyface.models.store import Weights

__all__ = [
    "DEFAULT_PACK",
    "OF_DETECTOR",
    "PACKS",
    "ModelSpec",
    "catalog",
    "families",
    "find",
    "load",
    "looks_like_path",
    "members_of",
    "pack",
    "pull",
    "require_pulled",
]


if TYPE_CHECKING:
    PACKS: Mapping[str, tuple[str, str, str]]
    """Models that belong together: detector, landmarks, embedder. Landmarks that are ``"detector"`` are no model, but
    the points that the detector gives with its boxes.
    """
DEFAULT_PACK = "opencv"

_warned: set[str] = set()


@functools.cache
def contents() -> Entries:
    """What ``catalog.toml`` holds, read when it is first wanted."""
    return read_entries()


def __getattr__(name: str) -> Any:
    if name == "PACKS":
        return contents().packs
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def catalog() -> tuple[ModelSpec, ...]:
    """The known models. No weights are read."""
    return contents().models


def find(name: str) -> ModelSpec:
    """The model of that name, or a :class:`~pyface.errors.ModelNotFoundError` with the names most like it."""
    for spec in catalog():
        if spec.name == name:
            return spec
    if name in contents().packs:
        members = ", ".join(spec.name for spec in members_of(name))
        raise ModelNotFoundError(f"{name!r} is a pack of models: {members}; name one of them")
    raise _unknown(name, [spec.name for spec in catalog()])


def pack(name: str) -> tuple[str, str, str]:
    """Names of detector, landmarks and embedder of a pack, or a ModelNotFoundError."""
    packs = contents().packs
    if _check.text(name, "the name of a pack") not in packs:
        near = difflib.get_close_matches(name.lower(), packs, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ModelNotFoundError(f"no pack of models is named {name!r}; there is: {', '.join(packs)}{hint}")
    return packs[name]


def members_of(name: str) -> tuple[ModelSpec, ...]:
    """The model of this name, or the models of this pack. A ModelNotFoundError names what is most like it."""
    packs = contents().packs
    if _check.text(name, "name") in packs:
        return tuple(find(member) for member in packs[name] if member != OF_DETECTOR)
    if any(spec.name == name for spec in catalog()):
        return (find(name),)
    raise _unknown(name, [*(spec.name for spec in catalog()), *packs])


def _unknown(name: str, names: list[str]) -> ModelNotFoundError:
    wanted = name.lower()
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    near = near or difflib.get_close_matches(wanted.replace("_", "-"), names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(repr(n) for n in near)}?" if near else f"Known: {', '.join(names)}."
    return ModelNotFoundError(f"no model named {name!r}. {hint}")


def load(
    name_or_path: str | PathLike[str],
    family: str | None = None,
    providers: Sequence[Any] | str | None = None,
    *,
    n_threads: int | None = None,
    input_size: int | tuple[int, int] | None = None,
    normalization: str | None = None,
    flip: bool | None = None,
) -> Any:
    """A model, ready to use: a :class:`Detector`, :class:`Landmarker` or :class:`Embedder`.

    name_or_path : a name of :func:`catalog`, whose weight file must be the one known (its digest is checked); or the
        path of a weight file, which needs its ``family`` and is parsed strictly.
    family : one of :func:`families`. With a name it may be left out.
    providers : execution providers of ONNX Runtime by name; ``None`` is the CPU. Missing ones are an error.
    n_threads : threads of one call; ``None`` means ``PYFACE_NUM_THREADS`` or every usable CPU.
    input_size : of detectors whose network sees images at one size: (width, height) of that picture in pixels, or one
        number for a square. Multiples of 32, but of ``ultraface``, and what the file fixes where it does.
    normalization : of embedders whose networks were made for different ones: what their family's class says.
    flip : of embedders: whether a vector is the mean of a crop's and its mirror image's, at twice the time.

    A ValueError says so where a family has no such option. The first load of a model of dlib's, of YuNet, SFace or
    MTCNN builds its graph and keeps it in the user's cache folder; later ones take 0.1 to 0.3 s.
    Raises ModelNotFoundError, ModelFileError (missing, damaged or unexpected weights), MissingExtraError, MemoryError.
    """
    path = _check.path_text(name_or_path, "name_or_path")
    if family is not None:
        _check.text(family, "family")
    options = Options(_input_size(input_size), normalization, None if flip is None else _check.flag(flip, "flip"))
    with _memory.told(f"to load {path!r}", "end what else takes memory"):
        model, spec = _loaded(name_or_path, family, providers, n_threads, options)
    if spec is not None:
        _say_license(spec)
    return model


def families() -> tuple[str, ...]:
    """The names of all families of models that can be loaded."""
    return tuple(_families())


def _input_size(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    sides = size if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2:
        raise ValueError(f"input_size must be one number or (width, height), got {size!r}")
    width, height = (_check.integer(side, "input_size", minimum=32, maximum=1 << 14) for side in sides)
    return width, height


def _loaded(
    name_or_path: str | PathLike[str],
    family: str | None,
    providers: Sequence[Any] | str | None,
    n_threads: int | None,
    options: Options,
) -> tuple[Model, ModelSpec | None]:
    known = _families()
    if family is not None and family not in known:
        near = difflib.get_close_matches(family.lower().replace("-", "_"), known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"family must be one of {', '.join(known)}, got {family!r}{hint}")
    if family is not None and not any(spec.name == name_or_path for spec in catalog()):
        _refuse_options(family, options)
        source = store.read_path(Path(fspath(name_or_path)))
        return known[family].build(family, source, providers=providers, n_threads=n_threads, options=options), None
    name = fspath(name_or_path)
    if looks_like_path(name_or_path):
        raise ValueError(f"{name}: loading from a path needs family=, one of {', '.join(known)}")
    spec = find(name)
    if family not in (None, spec.family):
        raise ValueError(f"{name} is of the family {spec.family!r}, not {family!r}")
    _refuse_options(spec.family, options)
    build = known[spec.family].build
    options = replace(spec.options, **options.given())
    return build(spec.family, _weights(spec), providers=providers, n_threads=n_threads, options=options), spec


def _weights(spec: ModelSpec) -> Weights:
    """The weights of a known model, their digest checked; those that have to be pulled if they were."""
    if spec.package is None:
        return pulled.read(spec)
    first, *others = (store.read_known(spec.name, file.file, file.sha256, spec.package) for file in spec.files)
    return replace(first, others=tuple(others)) if others else first


def _refuse_options(family: str, options: Options) -> None:
    """ValueError for one that the family does not know."""
    known = _families()[family].OPTIONS.get(family, ())
    for name in options.given():
        if name not in known:
            others = [other for other, module in _families().items() if name in module.OPTIONS.get(other, ())]
            raise ValueError(f"{name} is no option of the family {family!r}, but of {', '.join(others) or 'none'}")


def _families() -> dict[str, ModuleType]:
    """The code that loads each family: modules with ``FAMILIES``, ``OPTIONS``, ``build`` and ``prepare``."""
    from pyface.models import onnx_families
    from pyface.models.dlib import loading as dlib
    from pyface.models.mtcnn import loading as mtcnn
    from pyface.models.opencv import loading as opencv

    modules = (onnx_families, dlib, mtcnn, opencv)
    return {family: module for module in modules for family in module.FAMILIES}


def pull(
    name: str,
    *,
    accept_license: bool = False,
    source: str | PathLike[str] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[Path, ...]:
    """Bring the weights of a model, or of each of a pack, and prepare them. Returns the files they will be read from.

    Those that come with the extras ``models`` and ``dlib`` are checked, and the cache is filled, without any network.
    If the cache folder cannot be written, the weight files themselves are returned.

    The others are fetched from the address in the catalog, unless they are here and unharmed, and kept in the cache
    folder under ``models``. Their digest is checked before anything else is done with them. A transfer that broke off
    is gone on with. While one process pulls, others wait for it. The variable ``PYFACE_OFFLINE`` forbids to fetch.

    accept_license : their licence is accepted, which is written down beside them. Needed once for those whose authors
        exclude commercial use.
    source : where to take them from instead, such as ``~/.insightface/models``: a file, a folder that holds it, also in
        one folder below, or a zip of the catalog. Only what has the known digest is taken, and it is copied.
    progress : called as ``progress(file, bytes, total)``, where total is 0 if it is not known.

    Raises ModelNotFoundError; LicenseError, which says the licence; DownloadError; ModelFileError; MissingExtraError.
    """
    specs = members_of(name)
    _check.flag(accept_license, "accept_license")  # "no" would accept it
    to_bring = tuple(spec for spec in specs if spec.package is None)
    if source is not None and not to_bring:
        raise ValueError(f"{name} comes with a package of the package index; it is not taken from {fspath(source)}")
    if to_bring:
        from pyface.models import pulling  # only here is there anything of a network

        place = None if source is None else Path(fspath(source)).expanduser()
        pulling.bring(
            to_bring, by=name, known=catalog(), accept_license=accept_license, source=place, progress=progress
        )
    known = _families()
    paths = []
    for spec in specs:
        weights = _weights(spec)
        for one in (weights, *weights.others):
            cached = known[spec.family].prepare(spec.family, one)
            paths.append(cached if cached is not None else one.path)
        _say_license(spec)
    return tuple(paths)


def require_pulled(name: str, by: str) -> None:
    """ModelFileError or LicenseError, with the command for the pack ``by``, if it has to be pulled and was not."""
    spec = find(name)
    if spec.package is None:
        pulled.require(spec, pull=by)


def looks_like_path(name: str | PathLike[str]) -> bool:
    """Whether this is the path of a file, as :func:`load` takes it, and not a name."""
    text = fspath(name)
    if not isinstance(name, str) or "/" in text or "\\" in text or text.endswith((".dat", ".onnx")):
        return True
    return text != OF_DETECTOR and all(spec.name != text for spec in catalog()) and Path(text).is_file()


def _say_license(spec: ModelSpec) -> None:
    if spec.commercial_use or spec.needs_consent or spec.name in _warned:  # what needs consent has it
        return
    _warned.add(spec.name)
    warnings.warn(f"{spec.name}: {spec.license} ({spec.link})", LicenseWarning, stacklevel=3)
