"""Weights that were pulled: where they lie, whose licence was accepted, and whether they still are what they were."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from pyface.errors import LicenseError, ModelFileError
from pyface.models.entries import ModelSpec, WeightFile
from pyface.models.store import Weights, cache_folder

__all__ = [
    "folder",
    "is_accepted",
    "is_here",
    "path_of",
    "problem",
    "read",
    "require",
    "require_consent",
    "write_record",
]

RECORD = "record.json"


def folder(name: str) -> Path:
    """Where the weights of this model lie, or would."""
    return cache_folder() / "models" / name


def path_of(spec: ModelSpec) -> Path:
    """Where its file lies, or would: whichever archive it is from, and whatever it is called there."""
    return folder(spec.name) / spec.file


def write_record(spec: ModelSpec, digest: str, origin: str) -> None:
    """Write down beside the weights what they are and that their licence was accepted."""
    path = folder(spec.name) / RECORD
    record = {
        "name": spec.name,
        "license": spec.license,
        "link": spec.link,
        "accepted": spec.needs_consent,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "from": origin,
        "sha256": digest,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{RECORD}.", delete=False, encoding="utf-8"
    ) as file:
        json.dump(record, file, indent=1)
        file.write("\n")
    os.replace(file.name, path)


def _record(spec: ModelSpec) -> dict[str, Any]:
    """Nothing if there is none that can be read."""
    try:
        record = json.loads((folder(spec.name) / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def is_accepted(spec: ModelSpec) -> bool:
    """Whether nothing has to be accepted, or this very licence was."""
    record = _record(spec)
    return not spec.needs_consent or (record.get("accepted") is True and record.get("license") == spec.license)


def is_here(spec: ModelSpec) -> bool:
    """Whether there is a file that was pulled. What it holds is not looked at."""
    return path_of(spec).is_file() and is_accepted(spec) and bool(_expected(spec))


def _expected(spec: ModelSpec) -> str:
    """The digest that its file has to have; nothing if it is not known, as it was not pulled."""
    return spec.sha256 or str(_record(spec).get("sha256", ""))


def require_consent(spec: ModelSpec, *, pull: str) -> None:
    """LicenseError if its licence was not accepted; ``pull`` is the name that the command is told with."""
    if not is_accepted(spec):
        raise LicenseError(
            f"{spec.name}: {spec.license}, {spec.link}; who may use it so accepts that with: "
            f"pyface models pull {pull} --accept-license"
        )


def require(spec: ModelSpec, *, pull: str) -> None:
    """ModelFileError or LicenseError, with the command that helps, unless it was pulled."""
    if not path_of(spec).is_file() or not _expected(spec):
        accept = "" if is_accepted(spec) else f" --accept-license (its licence: {spec.license}, {spec.link})"
        raise ModelFileError(
            f"the weights of {spec.name} are not here; they come with: pyface models pull {pull}{accept}"
        )
    require_consent(spec, pull=pull)


def read(spec: ModelSpec) -> Weights:
    """The weights: the very bytes whose digest was found to be the one expected."""
    require(spec, pull=spec.name)
    path = path_of(spec)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror}); {_mend(spec)}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != _expected(spec):
        raise ModelFileError(_other(spec, path, digest))
    return Weights(spec.name, path, data, digest)


def problem(spec: ModelSpec, file: WeightFile, path: Path) -> str:
    """What is wrong with a file that is there, or nothing. It is read in full."""
    expected = file.sha256 or _expected(spec)
    try:
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"
    return "" if digest == expected else _other(spec, path, digest, expected)


def _other(spec: ModelSpec, path: Path, digest: str, expected: str | None = None) -> str:
    return (
        f"{path} is not the file that {spec.name} needs: its SHA-256 is {digest}, expected "
        f"{expected or _expected(spec)}; {_mend(spec)}"
    )


def _mend(spec: ModelSpec) -> str:
    return f"mend it with: {spec.package.mend if spec.package else f'pyface models pull {spec.name}'}"
