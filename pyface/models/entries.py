"""What ``catalog.toml`` says of the known models, read strictly: a slip in it is an error, never a guess."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from pyface.models.base import NO_OPTIONS, Options
from pyface.models.store import WeightPackage

__all__ = ["OF_DETECTOR", "Archive", "Entries", "ModelSpec", "WeightFile", "read_entries"]

FILE = Path(__file__).with_name("catalog.toml")
OF_DETECTOR = "detector"
"""In the place of a landmark model: the points that the detector gives with its boxes."""

_TASKS = ("detector", "landmarks", "embedder")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A file of weights. ``bytes`` is None where it is not known; an empty ``sha256`` is covered by its archive's."""

    file: str
    bytes: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip of weights. ``members`` are pairs: the name of a file in it, in whatever folder, and whose weights it is.

    megabytes : about how large it is, as its author states.
    """

    name: str
    url: str
    sha256: str
    megabytes: int
    members: tuple[tuple[str, str], ...]

    def member(self, model: str) -> str:
        """The name in it of the file of a model."""
        return next(file for file, whose in self.members if whose == model)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One known set of weights. ``license`` and ``trained_on`` say what the author states; they are no legal advice.

    The weights come with a ``package`` of the package index, are at a ``url``, or in one of several ``archives``. Those
    that are none of these have to be brought by the user.
    """

    name: str
    family: str
    task: str
    package: WeightPackage | None
    """Which package of the package index brings the file; None where none does."""
    file: str
    """Name of the file, or of the first of several."""
    bytes: int | None
    """Size of that file; None where it is not known."""
    sha256: str
    """Digest of that file; empty where only that of its archive is known, which covers it."""
    license: str
    link: str
    trained_on: str
    commercial_use: bool
    """Whether the author's statement allows commercial use of the weights."""
    more_files: tuple[WeightFile, ...] = ()
    """The files after the first."""
    url: str = ""
    archives: tuple[Archive, ...] = ()
    """Those that hold the file, the recommended one first."""
    options: Options = NO_OPTIONS
    """What its family has to be told of these weights."""
    figures: str = ""
    """Where digests and sizes are from."""

    @property
    def files(self) -> tuple[WeightFile, ...]:
        """All files, in the order in which the family takes them."""
        return (WeightFile(self.file, self.bytes, self.sha256), *self.more_files)

    @property
    def total_bytes(self) -> int | None:
        """Size of all files; None where one is not known."""
        sizes = [file.bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def needs_consent(self) -> bool:
        """Whether its licence has to be accepted before it is pulled."""
        return not self.commercial_use and self.package is None


@dataclass(frozen=True, slots=True)
class Entries:
    """All known models, and packs: names of the detector, the landmark model and the embedder that belong together."""

    models: tuple[ModelSpec, ...]
    packs: Mapping[str, tuple[str, str, str]]


def read_entries(text: str | None = None) -> Entries:
    """The entries of ``catalog.toml``, or of this text. ValueError, with the place, for what is not expected."""
    data = tomllib.loads(FILE.read_text(encoding="utf-8") if text is None else text)
    _only(data, "the catalog", {"model": list}, {"package": dict, "archive": dict, "pack": dict})
    packages = {name: _package(name, table) for name, table in data.get("package", {}).items()}
    archives = {name: _archive(name, table) for name, table in data.get("archive", {}).items()}
    models = tuple(_model(table, packages, archives) for table in data["model"])
    by_name = {spec.name: spec for spec in models}
    if len(by_name) != len(models):
        raise ValueError("two models of the catalog have one name")
    for archive in archives.values():
        for file, name in archive.members:
            if name not in by_name or archive not in by_name[name].archives:
                raise ValueError(f"archive {archive.name}: {file} is of {name!r}, which does not say so")
    packs = {name: _pack(name, table, by_name) for name, table in data.get("pack", {}).items()}
    if packs.keys() & by_name.keys():
        raise ValueError(f"both a model and a pack: {', '.join(sorted(packs.keys() & by_name.keys()))}")
    return Entries(models, MappingProxyType(packs))


def _package(name: str, table: dict[str, Any]) -> WeightPackage:
    where = f"package {name}"
    _only(table, where, {"module": str, "folder": str, "requirement": str}, {"extra": str, "otherwise": str})
    _refuse_path(table["folder"], where)
    return WeightPackage(**{"extra": "", **table})


def _archive(name: str, table: dict[str, Any]) -> Archive:
    where = f"archive {name}"
    _only(table, where, {"url": str, "sha256": str, "megabytes": int, "members": dict, "figures": str})
    _named(name, where)
    _https(table["url"], where)
    _digest(table["sha256"], where)
    for file, model in table["members"].items():
        _file_name(file, where)
        if not isinstance(model, str):
            raise ValueError(f"{where}: {file} must be of a model, got {model!r}")
    return Archive(name, table["url"], table["sha256"], table["megabytes"], tuple(table["members"].items()))


def _model(table: dict[str, Any], packages: dict[str, WeightPackage], archives: dict[str, Archive]) -> ModelSpec:
    where = f"model {table.get('name')}"
    needed = {
        "name": str, "family": str, "task": str, "source": dict, "license": str, "link": str, "trained_on": str,
        "commercial_use": bool, "figures": str,
    }  # fmt: skip
    _only(table, where, needed, {"file": str, "files": list, "bytes": int, "sha256": str, "options": dict})
    _named(table["name"], where)
    _https(table["link"], where)
    if table["task"] not in _TASKS:
        raise ValueError(f"{where}: task must be one of {', '.join(_TASKS)}, got {table['task']!r}")
    source = _source(table["source"], packages, archives, where)
    first, *more = _files(table, where)
    if any(file.sha256 == "" for file in (first, *more)) and not source.get("archives"):
        raise ValueError(f"{where}: has no digest")
    if more and source["package"] is None:
        raise ValueError(f"{where}: several files can only come with a package")
    for archive in source.get("archives", ()):
        if table["name"] not in (whose for _, whose in archive.members):
            raise ValueError(f"{where}: the archive {archive.name} has no file of it")
    return ModelSpec(
        **{key: table[key] for key in needed if key != "source"},
        file=first.file, bytes=first.bytes, sha256=first.sha256, more_files=tuple(more),
        options=_options(table.get("options", {}), where), **source,
    )  # fmt: skip


def _source(
    table: dict[str, Any], packages: dict[str, WeightPackage], archives: dict[str, Archive], where: str
) -> dict[str, Any]:
    if len(table) != 1:
        raise ValueError(f"{where}: source must be one of package, url, archive and path, got {sorted(table)}")
    _only(table, f"{where}: source", {}, {"package": str, "url": str, "archive": list, "path": bool})
    (kind, value), *_ = table.items()
    if kind == "package":
        if value not in packages:
            raise ValueError(f"{where}: there is no package {value!r}")
        return {"package": packages[value]}
    if kind == "url":
        _https(value, where)
        return {"package": None, "url": value}
    if kind == "archive":
        unknown = [name for name in value if name not in archives]
        if unknown or not value:
            raise ValueError(f"{where}: there is no archive {', '.join(map(repr, unknown)) or 'named'}")
        return {"package": None, "archives": tuple(archives[name] for name in value)}
    return {"package": None}


def _files(table: dict[str, Any], where: str) -> list[WeightFile]:
    if ("file" in table) == ("files" in table):
        raise ValueError(f"{where}: needs either file or files")
    names = {field.name for field in fields(WeightFile)}
    tables = table.get("files") or [{key: table[key] for key in names & table.keys()}]
    if "files" in table and ({"bytes", "sha256"} & table.keys()):
        raise ValueError(f"{where}: bytes and sha256 belong to each of the files")
    found = []
    for one in tables:
        _only(one, where, {"file": str}, {"bytes": int, "sha256": str})
        _file_name(one["file"], where)
        if "sha256" in one:
            _digest(one["sha256"], where)
        if one.get("bytes", 1) < 1:
            raise ValueError(f"{where}: bytes must be positive")
        found.append(WeightFile(one["file"], one.get("bytes"), one.get("sha256", "")))
    if len({file.file for file in found}) != len(found):
        raise ValueError(f"{where}: two files have one name")
    return found


def _options(table: dict[str, Any], where: str) -> Options:
    _only(table, f"{where}: options", {}, {"input_size": list, "normalization": str, "flip": bool})
    size = table.get("input_size")
    if size is not None and not (len(size) == 2 and all(type(side) is int and side > 0 for side in size)):
        raise ValueError(f"{where}: input_size must be [width, height], got {size!r}")
    return Options(None if size is None else (size[0], size[1]), table.get("normalization"), table.get("flip"))


def _pack(name: str, table: dict[str, Any], by_name: dict[str, ModelSpec]) -> tuple[str, str, str]:
    where = f"pack {name}"
    _only(table, where, dict.fromkeys(_TASKS, str))
    _named(name, where)
    for task in _TASKS:
        member = table[task]
        if task == "landmarks" and member == OF_DETECTOR:
            continue
        if member not in by_name or by_name[member].task != task:
            raise ValueError(f"{where}: {member!r} is no {task} of the catalog")
    return table["detector"], table["landmarks"], table["embedder"]


def _only(table: Any, where: str, needed: Mapping[str, type], more: Mapping[str, type] | None = None) -> None:
    """The table has the keys ``needed``, may have ``more``, each of its type, and no others."""
    if not isinstance(table, dict):
        raise ValueError(f"{where}: must be a table, got {table!r}")
    known = {**needed, **(more or {})}
    unknown = [key for key in table if key not in known]
    missing = [key for key in needed if key not in table]
    if unknown or missing:
        raise ValueError(f"{where}: " + "; ".join(
            f"{what} {', '.join(keys)}" for what, keys in (("unknown", unknown), ("lacks", missing)) if keys
        ))  # fmt: skip
    for key, value in table.items():
        if type(value) is not known[key] or value == "":
            raise ValueError(f"{where}: {key} must be a {known[key].__name__} and not empty, got {value!r}")


def _named(name: str, where: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{where}: the name must be of a-z, 0-9, '.', '_' and '-'")


def _digest(text: str, where: str) -> None:
    if not _DIGEST.fullmatch(text):
        raise ValueError(f"{where}: sha256 must be 64 hexadecimal digits in lower case, got {text!r}")


def _https(url: str, where: str) -> None:
    if not re.fullmatch(r"https://[^\s/]+/\S*", url):
        raise ValueError(f"{where}: an address must begin with https://, got {url!r}")


def _file_name(name: str, where: str) -> None:
    if name in ("", ".", "..") or any(c in name for c in "/\\:\0"):
        raise ValueError(f"{where}: {name!r} is no name of a file")


def _refuse_path(folder: str, where: str) -> None:
    path = PurePosixPath(folder)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{where}: the folder must lie in the package, got {folder!r}")
