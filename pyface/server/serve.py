"""``pyface review``: serve the page on this machine alone until its tab is closed."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import signal
import socket
import webbrowser
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from pyface import _check
from pyface._one_writer import one_writer
from pyface.album.build import load_album
from pyface.errors import OutputFolderError, PyfaceError, require_extra
from pyface.report.folder import save_album
from pyface.server.app import Tabs, review_app
from pyface.server.session import Session

ADDRESS = "127.0.0.1"


class PortInUseError(PyfaceError):
    """Another program listens at the port that was asked for."""


def review(
    out: str | os.PathLike[str],
    *,
    port: int = 0,
    browser: bool = True,
    begun: Callable[[], Any] | None = None,
    told: Callable[[str], Any] | None = None,
    n_threads: int | None = None,
) -> int:
    """Let a person look through the album in ``out`` in a browser; returns once the tab is closed, or on Ctrl-C.

    port : of 127.0.0.1; 0 takes a free one.       browser : open the page, too.
    begun : called before the questions are looked for, which takes a while of many faces.
    told : called with the address, which holds a token that is good for one browser, once it can be opened.

    Every answer is in ``OUT/facts.sqlite`` before the page shows the next question; the other files of OUT are written
    at the end, if they lack what was said. Meanwhile other processes can read OUT and not write to it. Returns how
    many things were said.

    Raises :class:`pyface.errors.MissingExtraError` without the extra ``review``, :class:`PortInUseError`, and
    :class:`pyface.errors.OutputFolderError` as :func:`pyface.load_album`, or if another process writes to ``out``.
    """
    for module in ("uvicorn", "starlette"):
        require_extra(module, "review")
    require_extra("jinja2")  # for the report at the end
    out, port = os.fsdecode(out), _check.integer(port, "port", minimum=0, maximum=65535)
    with one_writer(out, alone=True), contextlib.closing(_listening(port)) as listener:
        album = load_album(out, n_threads=n_threads)
        if begun is not None:
            begun()
        session = Session(album)
        token = secrets.token_urlsafe(32)
        host = f"{ADDRESS}:{listener.getsockname()[1]}"
        address = f"http://{host}/?token={token}"

        def ready() -> None:
            if told is not None:
                told(address)
            if browser:
                webbrowser.open(address)

        asyncio.run(_serve(session, listener, host=host, token=token, ready=ready))
        if session.has_changed:
            try:
                save_album(session.album)
            except PyfaceError as error:
                raise OutputFolderError(
                    f"{error} (what was said is recorded; the next 'pyface review' writes the other files)"
                ) from error
        return session.n_said


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it lets two programs have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            what = "in use by another program" if error.errno == errno.EADDRINUSE else "not for ordinary users"
            raise PortInUseError(f"port {port} is {what}; choose another with --port, or leave it out") from error
        raise
    return listener


async def _serve(
    session: Session, listener: socket.socket, *, host: str, token: str, ready: Callable[[], None]
) -> None:
    import uvicorn

    loop = asyncio.get_running_loop()

    def end() -> None:
        tabs.closing.set()
        server.should_exit = True

    tabs = Tabs(end)
    config = uvicorn.Config(
        review_app(session, tabs, host=host, token=token), log_config=None, access_log=False, lifespan="off",
        server_header=False, date_header=False, ws="none", proxy_headers=False, timeout_graceful_shutdown=5,
        limit_concurrency=64, h11_max_incomplete_event_size=1 << 16,
    )  # fmt: skip
    server = uvicorn.Server(config)
    server.capture_signals = _no_signals  # type: ignore[method-assign]  # it would raise Ctrl-C again once it has ended

    def end_soon() -> None:
        loop.call_soon_threadsafe(end)

    with _on_signals(end_soon):
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0)
        if not serving.done():
            await loop.run_in_executor(None, ready)
        await serving


@contextlib.contextmanager
def _no_signals() -> Iterator[None]:
    yield


@contextlib.contextmanager
def _on_signals(end: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the review in an orderly way; a second one at once."""
    before: dict[int, Any] = {}

    def heard(number: int, frame: FrameType | None) -> None:
        for known, former in before.items():
            signal.signal(known, former)
        end()

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, heard)
    except ValueError:  # not in the main thread: who runs it there ends it there
        before.clear()
    try:
        yield
    finally:
        for known, former in before.items():
            signal.signal(known, former)
