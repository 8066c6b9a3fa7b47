"""A review that runs in this process or one of its own, and a browser made of sockets."""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyface.server.serve import review


class Client:
    """Asks the server as the page's browser would, or as somebody else."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.host, self.token = parts.netloc, parts.query
        self.cookie = ""

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str | None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body. A header given as None is left out."""
        fields: dict[str, str | None] = {"Host": self.host, "Cookie": self.cookie or None}
        if method == "POST":
            fields |= {"Origin": f"http://{self.host}", "Content-Type": "application/json"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(*self.host.split(":"), timeout=300)  # type: ignore[arg-type]
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in fields.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        reply = connection.getresponse()
        found = reply.status, reply.headers, reply.read()
        connection.close()
        return found

    def enter(self) -> None:
        """Trade the token for the cookie."""
        status, headers, _ = self.ask("GET", f"/?{self.token}")
        assert status == 303
        self.cookie = headers["Set-Cookie"].split(";")[0]

    def do(self, what: str, /, **data: Any) -> tuple[int, dict[str, Any]]:
        status, _, body = self.ask("POST", "/do", json.dumps({"do": what, **data}).encode())
        return status, json.loads(body)

    def stay(self) -> http.client.HTTPConnection:
        """A tab: the connection whose end it is."""
        connection = http.client.HTTPConnection(*self.host.split(":"), timeout=300)  # type: ignore[arg-type]
        connection.request("GET", "/tab", headers={"Cookie": self.cookie})
        reply = connection.getresponse()
        assert reply.status == 200
        assert reply.readline() == b": here\n"
        return connection


@contextmanager
def reviewing(out: Path, **options: Any) -> Iterator[Client]:
    """A review in a thread of this process, which ends with its tab."""
    told: queue.Queue[str | BaseException] = queue.Queue()

    def run() -> None:
        try:
            review(out, browser=False, told=told.put, **options)
        except BaseException as error:
            told.put(error)

    thread = threading.Thread(target=run)
    thread.start()
    address = told.get()
    if isinstance(address, BaseException):
        raise address
    client = Client(address)
    try:
        yield client
    finally:
        with contextlib.suppress(ConnectionError):  # a browser's tab was the last, and it has ended already
            if not client.cookie:
                client.enter()
            client.stay().close()
        thread.join()


@contextmanager
def reviewing_apart(out: Path, *arguments: str) -> Iterator[tuple[Client, subprocess.Popen[str]]]:
    """A review in a process of its own, which is killed at the end if it still runs."""
    command = [sys.executable, "-m", "pyface", "review", str(out), "--no-browser", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Client(process.stdout.readline().strip()), process
    finally:
        process.kill()
        process.communicate()
