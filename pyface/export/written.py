"""The folder of an export: what an earlier run wrote there is known, replaced and taken away; all else stays."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from pyface import __version__
from pyface.album.out_folder import SUMMARY, prepare_folder, read_summary, remove_if_empty, write_files
from pyface.errors import OutputFolderError
from pyface.photos.finding import Skipped
from pyface.photos.names import as_utf8

Facts = dict[str, Any]
TEMPORARY = ".pyface-writing-"


class ExportFolder:
    """A folder that one kind of export is written to, and the summary in it, which lists the files.

    It is made, for its owner alone, or was written by the same kind of export; OutputFolderError for any other. Paths
    are relative, with ``/``. What a run does not write again is taken away by :meth:`finish`, unless it has changed
    since it was written.
    """

    def __init__(self, path: str, kind: str) -> None:
        self.path = path
        self._command = f"export --to {kind}"
        self._is_new = prepare_folder(path, self._command)
        files = read_summary(path).get("files")
        listed = files.items() if isinstance(files, dict) else ()
        self._before: dict[str, Facts] = {
            _name(key): facts for key, facts in listed if isinstance(facts, dict) and _leads_inside(key)
        }
        self._files: dict[str, Facts] = {}
        self._settings: Facts = {}
        self.left: list[Skipped] = []

    @contextlib.contextmanager
    def writing(self, settings: Facts) -> Iterator[None]:
        """Write the summary: from here on the folder is known as written by this export, however the block ends.

        After an error the summary has what was written, too; a new folder in which nothing is goes away.
        """
        self._settings = settings
        try:
            self._write_summary(self._before)
            yield
        except BaseException:
            self._stop()
            raise

    def full_path(self, name: str) -> str:
        """The path of a file in this folder."""
        return os.path.join(self.path, *name.split("/"))

    def wrote(self, name: str, facts: Facts) -> None:
        """This file is a part of the export; ``facts`` tell later whether it is as it was written."""
        self._files[name] = facts

    def is_as_written(self, name: str) -> bool:
        """Whether an earlier run wrote this file and nobody changed it since."""
        facts = self._before.get(name)
        return facts is not None and _is_as(self.full_path(name), facts)

    def was_written(self, name: str) -> bool:
        """Whether an earlier run wrote a file here."""
        return name in self._before

    def keep(self, name: str) -> None:
        """What an earlier run wrote here stays, although this one could not make it."""
        if name in self._before:
            self._files[name] = self._before[name]

    def finish(self, may_go: Callable[[Facts], bool] = lambda _: True) -> int:
        """Take away the files of an earlier run that this one has not, and write the summary. How many were taken away.

        may_go : by the facts of a file, whether it may be taken away; what may not is listed in ``left``, as is what
        has changed.
        """
        n_gone = 0
        for name, facts in sorted(self._before.items()):
            if name in self._files:
                continue
            path = self.full_path(name)
            if not os.path.lexists(path):
                continue
            if not may_go(facts):
                self._files[name] = facts
                self.left.append(Skipped(name, "left: its photo is not there, so this may be the only copy"))
            elif not _is_as(path, facts) or not self._is_inside(path):
                self.left.append(Skipped(name, "left: it was changed after pyface wrote it"))
            else:
                os.remove(path)
                n_gone += 1
                for folder in _parents(name):
                    remove_if_empty(self.full_path(folder))
        self._write_summary(self._files)
        return n_gone

    def _stop(self) -> None:
        with contextlib.suppress(OutputFolderError):
            if self._files or self._before:
                self._write_summary({**self._before, **self._files})
            elif self._is_new:
                with contextlib.suppress(OSError):
                    os.remove(self.full_path(SUMMARY))
                remove_if_empty(self.path)

    def _is_inside(self, path: str) -> bool:
        """Whether no folder on the way is a link to elsewhere."""
        folder = os.path.dirname(os.path.relpath(path, self.path))
        return os.path.realpath(os.path.dirname(path)) == os.path.normpath(
            os.path.join(os.path.realpath(self.path), folder)
        )

    def _write_summary(self, files: dict[str, Facts]) -> None:
        summary = {
            "generator": "pyface", "version": __version__, "command": self._command, "settings": self._settings,
            "files": {as_utf8(name): facts for name, facts in sorted(files.items())},
        }  # fmt: skip
        data = json.dumps(summary, indent=1, ensure_ascii=True).encode("ascii") + b"\n"
        write_files(self.path, {SUMMARY: data})


def put_bytes(path: str, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file whole or not at all. OutputFolderError, with the reason, where that cannot be."""
    with _in_words(path), _temporary(path) as temporary:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)


def put_copy(source: str, path: str) -> None:
    """A copy of a photo with its time, for its owner alone."""
    with _in_words(path), _temporary(path) as temporary:
        status = os.stat(source)
        shutil.copyfile(source, temporary)
        os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.replace(temporary, path)


def put_link(source: str, path: str, *, hard: bool) -> None:
    """A link to a photo, in place of what is there."""
    with _in_words(path), _temporary(path) as temporary:
        os.remove(temporary)
        if hard:
            os.link(os.path.realpath(source), temporary)
        else:
            os.symlink(source, temporary)
        os.replace(temporary, path)


@contextlib.contextmanager
def in_folders(root: str, name: str) -> Iterator[None]:
    """Write a file of this name in ``root``: its folders are made, for their owner alone, and no empty one is left."""
    paths = [os.path.join(root, *folder.split("/")) for folder in _parents(name)]
    try:
        for path in reversed(paths):
            with _in_words(path), contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
        yield
    except BaseException:
        for path in paths:
            remove_if_empty(path)
        raise


def facts_of(path: str) -> Facts:
    """What tells whether a file is as it was written: where a link leads, or size and time."""
    if os.path.islink(path):
        return {"link": as_utf8(os.readlink(path))}
    status = os.stat(path)
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}


def digest_of(data: bytes) -> Facts:
    """The same of a small file whose content is known."""
    return {"sha256": hashlib.sha256(data).hexdigest()}


def _is_as(path: str, facts: Facts) -> bool:
    try:
        if "sha256" in facts:
            with open(path, "rb") as file:
                return bool(hashlib.file_digest(file, "sha256").hexdigest() == facts["sha256"])
        now = facts_of(path)
    except OSError:
        return False
    return all(facts.get(key) == value for key, value in now.items())


def _parents(name: str) -> list[str]:
    """The folders of a relative path, the innermost first."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[:i]) for i in range(len(parts), 0, -1)]


def _leads_inside(name: str) -> bool:
    """Whether it is a plain relative path, whatever somebody made of the summary."""
    return not (os.path.isabs(name) or {"", ".", ".."} & set(name.replace(os.sep, "/").split("/")))


def _name(key: str) -> str:
    return os.fsdecode(key.encode("utf-8", "surrogateescape"))


@contextlib.contextmanager
def _temporary(path: str) -> Iterator[str]:
    """An empty file beside ``path``, which is gone afterwards unless it was given its name."""
    descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=os.path.dirname(path))
    os.close(descriptor)
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            os.remove(temporary)


@contextlib.contextmanager
def _in_words(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputFolderError(f"{path}: cannot be written ({error.strerror or error})") from error
