"""What a folder of work is about: ``work.json``, which the driver writes first and each task reads."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyface
from pyface import _check, _memory
from pyface.distributed import _files
from pyface.distributed._rows import Rows
from pyface.errors import DistributedError

WORK = "work.json"
FORMAT, VERSION = "pyface distributed work", 1

# At least so many blocks, so that there is something to share out and to go on from, unless they would be small.
_BLOCKS, _SMALL = 8, 4096
_DEFAULT_MEMORY = 1 << 30


@dataclass(frozen=True, slots=True)
class Work:
    """Rows in blocks, and what is asked of them.

    ask : names and numbers: the operation, its parameters. digest : of all of it; each result file has it.
    """

    folder: Path
    digest: str
    ask: dict[str, Any]
    rows: Rows
    rows_per_block: int

    @property
    def n_blocks(self) -> int:
        return -(-self.rows.n // self.rows_per_block)

    def block(self, i: int) -> tuple[int, int]:
        """The rows [begin, end) of a block."""
        return i * self.rows_per_block, min(self.rows.n, (i + 1) * self.rows_per_block)


def default_memory() -> int:
    """Bytes for a task where none are given: 1 GiB, or a quarter of what is free if that is less."""
    free = _memory.available()
    return _DEFAULT_MEMORY if free is None else max(1, min(_DEFAULT_MEMORY, free // 4))


def begin(folder: Path, ask: dict[str, Any], source: Any, rows: Rows, *, rows_per_block: int, is_given: bool) -> Work:
    """The work of a folder: that which is there, if it is the same, or else new.

    source : what tells these rows from others, for JSON. rows_per_block : how many a task has memory for; work that is
    there stays in its own blocks, which with ``is_given`` may not be larger. DistributedError where the folder holds
    other work.
    """
    question = {
        "format": FORMAT, "version": VERSION, "pyface": pyface.__version__, "ask": ask, "source": source,
        "rows": {"paths": rows.paths, "lengths": rows.lengths, "d": rows.d, "stored": rows.stored},
    }  # fmt: skip
    there = _content(folder)
    if there is not None:
        _same_question(folder, there["question"], json.loads(json.dumps(question)))
        if is_given and rows_per_block < there["rows_per_block"]:
            raise DistributedError(
                f"{folder}: holds work begun in blocks of {there['rows_per_block']:,} rows, and memory= is enough for "
                f"{rows_per_block:,}; give as much memory= as then, or choose another folder"
            )
        return _work(folder, there)
    n_blocks = max(-(-rows.n // rows_per_block), min(_BLOCKS, -(-rows.n // _SMALL)))
    content = {"question": question, "rows_per_block": -(-rows.n // max(1, n_blocks)) or 1}
    try:
        with _files.replacing(folder / WORK) as other:
            other.write_text(json.dumps(content, sort_keys=True, indent=1), encoding="utf-8")
    except OSError as error:
        raise DistributedError(
            f"{folder}: cannot be written to ({error.strerror or error}); choose another folder"
        ) from error
    return _work(folder, json.loads((folder / WORK).read_text(encoding="utf-8")))


def folder_of(folder: Any) -> Path:
    """The folder, made if it is not there. DistributedError if it holds files that are not of such work."""
    path = Path(_check.path_text(folder, "folder")).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        names = os.listdir(path)
    except OSError as error:
        raise DistributedError(f"{path}: cannot be used ({error.strerror or error}); choose another folder") from error
    strange = [name for name in names if not name.endswith(_files.TEMPORARY)]
    if strange and WORK not in names:
        raise DistributedError(
            f"{path}: holds {strange[0]!r} and no {WORK}, so it was not made for such work; choose a new folder"
        )
    return path


def load(folder: str, digest: str) -> Work:
    """The work as a task sees it. DistributedError, with the name of this worker, where it sees something else."""
    try:
        work = _loaded(folder, digest)
    except (OSError, ValueError) as error:
        raise DistributedError(
            f"worker {worker_name()} does not see {folder} ({error}): all workers and this process need one folder "
            "under one path"
        ) from None
    if work.digest != digest:
        raise DistributedError(
            f"worker {worker_name()} sees other work in {folder}: all workers and this process need one folder under "
            "one path"
        )
    return work


def worker_name() -> str:
    return f"{platform.node()}/{os.getpid()}"


@lru_cache(maxsize=4)
def _loaded(folder: str, digest: str) -> Work:
    return _work(Path(folder), json.loads((Path(folder) / WORK).read_text(encoding="utf-8")))


def _work(folder: Path, content: dict[str, Any]) -> Work:
    rows = content["question"]["rows"]
    return Work(
        folder=folder,
        digest=hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest(),
        ask=content["question"]["ask"],
        rows=Rows(tuple(rows["paths"]), tuple(rows["lengths"]), rows["d"], rows["stored"]),
        rows_per_block=content["rows_per_block"],
    )


def _content(folder: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((folder / WORK).read_text(encoding="utf-8"))
        is_ours = content["question"]["format"] == FORMAT
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        raise DistributedError(f"{folder / WORK}: is damaged or of something else; choose a new folder")
    return dict(content)


def _same_question(folder: Path, there: dict[str, Any], asked: dict[str, Any]) -> None:
    flat = [{**question.pop("ask"), **question} for question in (dict(there), dict(asked))]
    for name in ("operation", *sorted({*flat[0], *flat[1]})):
        old, new = (question.get(name) for question in flat)
        if old != new:
            differs = "other rows" if name in ("rows", "source") else f"{name} {old!r}, and not {new!r}"
            raise DistributedError(
                f"{folder}: holds the work of another question, with {differs}; choose another folder, or delete it"
            )
