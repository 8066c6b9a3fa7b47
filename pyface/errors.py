"""The exceptions that pyface raises beside Python's own.

Wrong arguments are ``TypeError`` and ``ValueError``, as everywhere; these are for what can go wrong with the world
outside: model files, photos, folders.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyface.photos.finding import Skipped


class PyfaceError(Exception):
    """Base of every exception defined by pyface. Its text is one line and says what to do."""


class ModelNotFoundError(PyfaceError, LookupError):
    """No model of that name is known."""


class ModelFileError(PyfaceError):
    """A weight file is missing, damaged or not the one expected."""


class DownloadError(PyfaceError):
    """Weights could not be fetched, or what came is not what was expected."""


class LicenseError(PyfaceError):
    """The licence of weights has to be accepted first. The text says it, and how."""


class ImageReadError(PyfaceError, OSError):
    """A file could not be read as an image. ``reason`` is the text without the path."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[ImageReadError], tuple[str, str]]:
        return (type(self), (self.path, self.reason))


class ImageMemoryError(ImageReadError, MemoryError):
    """A picture that the memory which is left does not hold."""


class OutputFolderError(PyfaceError):
    """The output folder cannot be used: not writable, or not made by pyface."""


class IndexFileError(PyfaceError):
    """A saved search index is missing, damaged, or not one that can be read."""


class DistributedError(PyfaceError):
    """Work in a folder cannot go on: a task or a worker failed, or the folder holds something else."""


class NoPhotosError(PyfaceError):
    """No photo of a folder could be read. ``skipped`` has the files that were passed over, with reasons."""

    def __init__(self, message: str, skipped: tuple[Skipped, ...] = ()) -> None:
        super().__init__(message)
        self.skipped = skipped

    def __reduce__(self) -> tuple[type[NoPhotosError], tuple[str, tuple[Skipped, ...]]]:
        return (type(self), (str(self), self.skipped))


class GalleryError(PyfaceError):
    """A gallery is missing, damaged, of another version or of another embedder, or was changed by somebody else."""


class EnrollError(PyfaceError):
    """Photos do not show the one face that is wanted. ``skipped`` has them, with reasons; nothing was enrolled."""

    def __init__(self, message: str, skipped: tuple[Skipped, ...] = ()) -> None:
        super().__init__(message)
        self.skipped = skipped

    def __reduce__(self) -> tuple[type[EnrollError], tuple[str, tuple[Skipped, ...]]]:
        return (type(self), (str(self), self.skipped))


class ContradictionError(PyfaceError, ValueError):
    """What was said about faces contradicts what was said before. Nothing was written.

    pairs : face_ids, two by two, that would have to be one person and two.
    """

    def __init__(self, message: str, pairs: list[tuple[int, int]]) -> None:
        super().__init__(message)
        self.pairs = pairs

    def __reduce__(self) -> tuple[type[ContradictionError], tuple[str, list[tuple[int, int]]]]:
        return (type(self), (str(self), self.pairs))


class BatchError(PyfaceError, ValueError):
    """Some images of a call were refused, and the others done.

    results : for each image what was found, None for those that were refused.
    refused : number of the image -> why.
    """

    def __init__(self, message: str, results: list[Any], refused: dict[int, Exception]) -> None:
        super().__init__(message)
        self.results, self.refused = results, refused

    def __reduce__(self) -> tuple[type[BatchError], tuple[str, list[Any], dict[int, Exception]]]:
        return (type(self), (str(self), self.results, self.refused))


class LicenseWarning(UserWarning):
    """A model was loaded whose author excludes some uses. Said once per process and model."""


class MissingExtraError(PyfaceError, ImportError):
    """An optional dependency is not installed. The text names the extra that brings it."""


def one_line(error: Exception) -> str:
    """The text of an exception of somebody else's without its line breaks, or the name of its class if it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def counted(n: int, one: str, many: str = "") -> str:
    """``1 face``, ``2 faces``, ``1,000 people``: a number and what it counts; ``many`` may be left out for an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(names: Sequence[object], most: int = 10) -> str:
    """``a, b, c``; the first ``most`` names, and how many more there are."""
    first = ", ".join(map(str, names[:most]))
    return first if len(names) <= most else f"{first} and {len(names) - most:,} more"


def require_extra(module: str, extra: str = "models") -> ModuleType:
    """Import ``module``, or raise a :class:`MissingExtraError` that names the extra which brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error  # Ctrl-C while an extension module starts looks like a failed import
        raise MissingExtraError(
            f"{module} could not be imported ({error}); it comes with: pip install 'pyface-toolkit[{extra}]'"
        ) from error
