"""The routes of the review page, and what holds the server up: tabs that are open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from pyface.errors import ContradictionError, PyfaceError, require_extra
from pyface.server.guard import App, Guard
from pyface.server.page import page, policy
from pyface.server.session import Data, Session, StaleError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

logger = logging.getLogger(__name__)

# After the last tab is gone it may come back: a reload closes it, too.
GRACE_SECONDS = 3.0


class Tabs:
    """Counts the tabs in which the page is open; ``on_gone`` is called when none is for a while after there was one."""

    def __init__(self, on_gone: Callable[[], None]) -> None:
        self._on_gone = on_gone
        self._n_open = 0
        self._timer: asyncio.TimerHandle | None = None
        self.closing = asyncio.Event()

    async def stay(self) -> AsyncIterator[bytes]:
        """An event stream that lasts as long as its tab, or until the server ends."""
        self._n_open += 1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            yield b": here\n\n"
            await self.closing.wait()
            yield b"event: end\ndata: end\n\n"
        finally:
            self._n_open -= 1
            if self._n_open == 0 and not self.closing.is_set():
                self._timer = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._on_gone)


def review_app(session: Session, tabs: Tabs, *, host: str, token: str) -> App:
    """The guarded application. MissingExtraError, which names the extra, where Starlette is not installed."""
    require_extra("starlette", "review")
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect
    from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
    from starlette.routing import Route

    html = page()
    actions: dict[str, Callable[[Data], Data]] = {
        "answer": lambda d: session.answer(_text(d, "key"), _text(d, "said"), overrule=_flag(d, "overrule")),
        "undo": lambda d: session.undo(),
        "name": lambda d: session.name(
            _number(d, "person"),
            _text(d, "name"),
            same=_flag(d, "same"),
            another=_flag(d, "another"),
            overrule=_flag(d, "overrule"),
        ),
        "merge": lambda d: session.merge(_numbers(d, "people"), overrule=_flag(d, "overrule")),
        "split": lambda d: session.split(_numbers(d, "faces"), overrule=_flag(d, "overrule")),
        "move": lambda d: session.move(_numbers(d, "faces"), _number(d, "person"), overrule=_flag(d, "overrule")),
        "state": lambda d: session.set_state(_numbers(d, "faces"), _text(d, "what")),
        "people": lambda d: session.people(_number(d, "begin"), _text(d, "find")),
        "person": lambda d: session.person(_number(d, "person")),
        "question": lambda d: session.state(),
    }

    async def show_page(request: Request) -> Response:
        return HTMLResponse(html)

    async def stay(request: Request) -> Response:
        return StreamingResponse(tabs.stay(), media_type="text/event-stream")

    async def act(request: Request) -> Response:
        try:
            data = await request.json()
            action = actions[_text(data, "do")]
        except (ValueError, TypeError, KeyError, RecursionError, ClientDisconnect):  # the tab may go in mid-answer
            return JSONResponse({"error": "this is no request of the page"}, 400)
        return JSONResponse(*await run_in_threadpool(_done, session, action, data))

    app = Starlette(
        routes=[
            Route("/", show_page, methods=["GET"]),
            Route("/tab", stay, methods=["GET"]),
            Route("/do", act, methods=["POST"]),
        ]
    )
    routes = {("GET", "/"), ("GET", "/tab"), ("POST", "/do")}
    return Guard(app, host=host, token=token, routes=routes, policy=policy())


def _done(session: Session, action: Callable[[Data], Data], data: Data) -> tuple[Data, int]:
    """What to answer, and the status."""
    try:
        return action(data), 200
    except ContradictionError as error:
        return session.contradiction(error), 409
    except StaleError as error:
        return {"error": str(error), "stale": True}, 409
    except PyfaceError as error:  # the disk is full, or cannot be written
        logger.warning("%s", error)
        return {"error": f"not recorded: {error}"}, 500
    except KeyError as error:
        return {"error": f"{error.args[0]} is missing"}, 400
    except (ValueError, TypeError) as error:
        return {"error": str(error)}, 400


def _text(data: Any, name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text")
    return value


def _number(data: Any, name: str) -> int:
    value = data[name]
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 62:
        raise TypeError(f"{name} must be a whole number")
    return value


def _numbers(data: Any, name: str) -> list[int]:
    if not isinstance(data[name], list):
        raise TypeError(f"{name} must be a list of whole numbers")
    return [_number({name: value}, name) for value in data[name]]


def _flag(data: Any, name: str) -> bool:
    return data.get(name, False) is True
