"""A server of weights on this machine, and a made-up catalog of what it has."""

from __future__ import annotations

import hashlib
import importlib
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from oracles import dlib_files

from pyface.models.entries import Archive, Entries, ModelSpec

TERMS = {"license": "for research only", "link": "https://example.org/terms"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def five_points(seed: int = 0) -> bytes:
    """A file of the family dlib_5 of some 100 kB, which any machine can load."""
    trees = dlib_files.random_trees(n_cascades=2, n_trees=60, n_splits=15, n_pixels=9, n_points=5, seed=seed)
    return dlib_files.shape_predictor(trees)


def spec(name: str = "five", data: bytes | None = None, **changes: Any) -> ModelSpec:
    """A model of the family dlib_5, to be fetched, and free."""
    data = five_points() if data is None else data
    about: dict[str, Any] = {
        "name": name, "family": "dlib_5", "task": "landmarks", "package": None, "file": f"{name}.dat",
        "bytes": len(data), "sha256": sha256(data), "license": "CC0", "link": "https://example.org",
        "trained_on": "nothing", "commercial_use": True, "figures": "made up",
    }  # fmt: skip
    return ModelSpec(**{**about, **changes})


def archive(name: str, url: str, data: bytes, members: dict[str, str], megabytes: int = 1) -> Archive:
    return Archive(name, url, sha256(data), megabytes, tuple(members.items()))


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)  # no time: the same bytes each time
    return content.getvalue()


def install(patch: Any, *specs: ModelSpec, **packs: tuple[str, str, str]) -> None:
    """Put these models, and those of packages, in the place of the catalog."""
    module = importlib.import_module("pyface.models.catalog")
    whole = module.contents()
    kept = tuple(one for one in whole.models if one.package)
    entries = Entries((*kept, *specs), {**{n: whole.packs[n] for n in ("opencv", "dlib")}, **packs})
    patch.setattr(module, "contents", lambda: entries)


@dataclass
class Served:
    """What the server does with one address.

    breaks : after how many bytes of the file the answers end, one each, before the first that is whole.
    hold : an answer stops half way, says so by ``half_way``, and goes on when this is set.
    """

    data: bytes = b""
    status: int = 200
    etag: str | None = '"1"'
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    says_length: bool = True
    breaks: list[int] = field(default_factory=list)
    hold: threading.Event | None = None
    half_way: threading.Event = field(default_factory=threading.Event)


class Server:
    """``served`` by path; ``requests`` has the path and the headers of every request."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.served: dict[str, Served] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.requests]


@contextmanager
def serving() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requests.append((self.path, dict(self.headers)))
            answer(self, server.served.get(self.path, Served(status=404)))

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        server = Server(listening.server_port)
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            for one in server.served.values():
                if one.hold is not None:
                    one.hold.set()
            listening.shutdown()
            thread.join()


def answer(handler: BaseHTTPRequestHandler, one: Served) -> None:
    start, status = 0, one.status
    wanted = handler.headers.get("Range", "")
    if status == 200 and one.ranges and wanted and handler.headers.get("If-Range") == one.etag:
        start, status = int(wanted.removeprefix("bytes=").removesuffix("-")), 206
        if start >= len(one.data):
            status = 416
    handler.send_response(status)
    for name, value in one.headers.items():
        handler.send_header(name, value)
    if one.etag:
        handler.send_header("ETag", one.etag)
    if status == 206:
        handler.send_header("Content-Range", f"bytes {start}-{len(one.data) - 1}/{len(one.data)}")
    if status == 416:
        handler.send_header("Content-Range", f"bytes */{len(one.data)}")
    body = one.data[start:] if status in (200, 206) else b""
    if one.says_length:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if one.breaks and body:
        body = one.data[start : one.breaks.pop(0)]
    if one.hold is not None:
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        one.half_way.set()
        one.hold.wait()
        body = body[len(body) // 2 :]
    with suppress(ConnectionError):  # whoever asked was killed
        handler.wfile.write(body)
    handler.close_connection = True
