"""Which families an ONNX file may belong to, by what it declares. A guess for people, never for loading."""

from __future__ import annotations

from collections.abc import Callable

from pyface.errors import ModelFileError
from pyface.models.onnx_file import OnnxFile

__all__ = ["fitting", "hint", "require"]


def _known() -> dict[str, Callable[[OnnxFile], str]]:
    from pyface.models import onnx_families
    from pyface.models.opencv import loading as opencv

    return {**onnx_families.why_not, **opencv.why_not}


def fitting(file: OnnxFile) -> list[str]:
    """Names of the families whose inputs and outputs the file has."""
    return [family for family, why_not in _known().items() if not why_not(file)]


def hint(file: OnnxFile, *, but: str = "") -> str:
    """For messages: what the file declares, and which families fit, ``but`` one."""
    others = [family for family in fitting(file) if family != but]
    known = f"it may be of the family {' or '.join(map(repr, others))}" if others else "no known family fits"
    return f"({file.declared()}); {known}"


def require(family: str, file: OnnxFile) -> None:
    """ModelFileError if the file cannot be of this family; it says what the file declares, and which families fit."""
    reason = _known()[family](file)
    if reason:
        raise ModelFileError(f"{file.name} is not of the family {family!r}: {reason} {hint(file)}")
