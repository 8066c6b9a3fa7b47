"""Fetching one file by its address: gone on with where it broke off, and checked before it gets its name."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyface import __version__
from pyface.errors import DownloadError, one_line

__all__ = ["Progress", "fetch", "refuse_offline", "sha256_of"]

Progress = Callable[[str, int, int], None]
"""(name of the file, bytes there, bytes in all or 0 where that is not known)"""

_CHUNK = 1 << 18
_TIMEOUT_SECONDS = 60.0  # without a byte
# How often one call goes on by itself after a transfer broke off. Each must have brought something.
_ATTEMPTS = 5
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class _BrokenOffError(Exception):
    """The transfer ended before its end."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to https from anywhere, and to what is no https only from the like."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in ("https", urlsplit(req.full_url).scheme):
            raise DownloadError(f"{req.full_url} leads to {newurl}, which is not https; it was not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def refuse_offline(what: str) -> None:
    """DownloadError if the variable ``PYFACE_OFFLINE`` forbids to fetch ``what``."""
    if os.environ.get("PYFACE_OFFLINE", "0") not in ("", "0"):
        raise DownloadError(f"PYFACE_OFFLINE is set, so nothing is fetched; it would have been {what}")


def fetch(url: str, target: Path, *, sha256: str, limit: int, progress: Progress | None = None) -> None:
    """Fetch a file and give it its name once its SHA-256 is the one expected.

    limit : bytes beyond which it is given up.       progress : see :data:`Progress`.

    What has come of it lies beside ``target``, as ``.part``, and the next call goes on from there if the server still
    has the same file and gives parts of it. The caller sees to it that no other process fetches it at the same time.
    Proxies are those of the environment. DownloadError, in one line, for all that can go wrong; after a wrong digest
    and beyond the limit nothing is left of it, after any other trouble what has come is.
    """
    refuse_offline(url)
    part, note = _beside(target, ".part"), _beside(target, ".part.json")
    for attempt in range(1, _ATTEMPTS + 1):
        before = _size(part)
        try:
            _go_on(url, part, note, limit, progress or (lambda *_: None), target.name)
            break
        except _BrokenOffError as error:
            if attempt == _ATTEMPTS or _size(part) <= before:
                kept = f"; {_size(part):,} bytes have come, the same command goes on from there" if _size(part) else ""
                raise DownloadError(f"{url}: {error}{kept}") from error
    digest = sha256_of(part)
    if digest != sha256:
        _remove(part, note)
        raise DownloadError(f"{url}: what came has the SHA-256 {digest}, expected {sha256}; it was removed")
    os.replace(part, target)
    _remove(note)


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _go_on(url: str, part: Path, note: Path, limit: int, progress: Progress, name: str) -> None:
    """One request for what is missing, or for all of it."""
    validator = _validator(note, url)
    start = _size(part) if validator else 0
    headers = {"User-Agent": f"pyface/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    opener = urllib.request.build_opener(_Redirects)
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_SECONDS) as response:
            start, total = _extent(url, response, start)
            if total > limit:
                _remove(part, note)
                raise DownloadError(f"{url}: has {total:,} bytes, expected {limit:,} at most")
            if not start:  # a note of one file may never stand beside a part of another
                _remove(part)
            _write_note(note, url, response)
            _receive(url, response, part, start, total, limit, progress, name)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            # All of it had come, which its digest will say, or there is less of it than before.
            if error.headers.get("Content-Range") == f"bytes */{start}":
                return
            _remove(part, note)
            _go_on(url, part, note, limit, progress, name)
            return
        reason = " ".join(str(error.reason).split())
        raise DownloadError(f"{url}: the server answers {error.code} {reason}".rstrip()) from error
    except urllib.error.URLError as error:
        cause = error.reason if isinstance(error.reason, Exception) else error
        raise _BrokenOffError(f"cannot be reached ({_words(cause)})") from error
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(f"broke off ({_words(error)})") from error


def _extent(url: str, response: Any, start: int) -> tuple[int, int]:
    """Where what the response brings begins, and how much there is in all; 0 where that is not said."""
    length = response.headers.get("Content-Length", "")
    if response.status != http.client.PARTIAL_CONTENT:  # no server of parts, or another file than before
        return 0, int(length) if length.isdigit() else 0
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    extent, _, total = rest.partition("/")
    if unit != "bytes" or extent.partition("-")[0] != str(start):
        raise DownloadError(f"{url}: asked for what follows {start:,} bytes, the server gives {unit} {rest}".rstrip())
    return start, int(total) if total.isdigit() else 0


def _receive(
    url: str, response: Any, part: Path, start: int, total: int, limit: int, progress: Progress, name: str
) -> None:
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | (0 if start else os.O_TRUNC), 0o600)
    except OSError as error:
        raise _not_written(url, part, error) from error
    try:
        os.lseek(descriptor, start, os.SEEK_SET)
        done = start
        progress(name, done, total)
        while chunk := response.read1(_CHUNK):  # what is there, so that little is lost if it ends
            if done + len(chunk) > limit:
                _remove(part)
                raise DownloadError(f"{url}: brings more than {limit:,} bytes; it was removed")
            try:
                view = memoryview(chunk)
                while view:
                    view = view[os.write(descriptor, view) :]
            except OSError as error:
                raise _not_written(url, part, error) from error
            done += len(chunk)
            progress(name, done, total)
    finally:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
        os.close(descriptor)
    if done < total:
        raise _BrokenOffError("broke off")


def _not_written(url: str, part: Path, error: OSError) -> DownloadError:
    if error.errno in _FULL:
        return DownloadError(
            f"{url}: the disk is full; {_size(part):,} bytes of it are kept in {part}, and the same command goes on "
            "from there when there is space"
        )
    return DownloadError(f"{part}: cannot be written ({error.strerror})")


def _beside(target: Path, suffix: str) -> Path:
    return target.with_name(target.name + suffix)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _validator(note: Path, url: str) -> str:
    """What tells the server which file a part is of; nothing if that is not known."""
    try:
        said = json.loads(note.read_text(encoding="utf-8"))
        return str(said["validator"]) if said["url"] == url else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _write_note(note: Path, url: str, response: Any) -> None:
    tag = response.headers.get("ETag", "")
    # A weak tag is equal for files that are only alike. A part of another file would not survive the digest anyway.
    validator = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
    try:
        note.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")
    except OSError as error:
        raise _not_written(url, note, error) from error


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or (one_line(error) if isinstance(error, Exception) else str(error))
