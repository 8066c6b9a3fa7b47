"""Who may talk to the review page: the browser that was opened with the token, and pages of its own alone."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BYTES = 1 << 20  # of a request's body

_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class Guard:
    """Lets requests through to ``app``, answers others with 403.

    host : ``127.0.0.1:port``, the only one that a request may name: whoever has another name for this machine (DNS
        rebinding) is refused. So are pages of another origin; whatever changes something must say where it is from.
    token : in the address that is opened. The first GET of ``/`` that has it trades it for a cookie (HttpOnly,
        SameSite=Strict) and is sent to the address without it; then it is worth nothing.
    routes : method and path of all that there is; anything else is 403, too.
    policy : the Content-Security-Policy of every answer.
    """

    def __init__(self, app: App, *, host: str, token: str, routes: set[tuple[str, str]], policy: str) -> None:
        self._app = app
        self._host, self._origin = host.encode(), f"http://{host}".encode()
        self._token: str | None = token
        self._cookie_name = f"pyface-review-{host.rpartition(':')[2]}"
        self._cookie = secrets.token_urlsafe(32)
        self._routes = routes
        self._headers = [*_HEADERS, (b"content-security-policy", policy.encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # a websocket is closed by this

        async def safe_send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self._headers]
            await send(message)

        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        if not self._is_own_page(scope, headers):
            await _answer(safe_send, 403)
        elif self._has_cookie(headers):
            if scope["path"] == "/" and scope["query_string"]:
                await _answer(safe_send, 303, [(b"location", b"/")])
            elif (scope["method"], scope["path"]) in self._routes:
                await self._app(scope, _limited(receive), safe_send)
            else:
                await _answer(safe_send, 403)
        elif self._takes_token(scope):
            cookie = f"{self._cookie_name}={self._cookie}; HttpOnly; SameSite=Strict; Path=/"
            await _answer(safe_send, 303, [(b"location", b"/"), (b"set-cookie", cookie.encode())])
        else:
            await _answer(safe_send, 403)

    def _is_own_page(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> bool:
        origins = headers.get(b"origin", [])
        if headers.get(b"host") != [self._host] or any(origin != self._origin for origin in origins):
            return False
        return bool(scope["method"] in ("GET", "HEAD") or origins)

    def _has_cookie(self, headers: dict[bytes, list[bytes]]) -> bool:
        for line in headers.get(b"cookie", []):
            for part in line.decode("latin-1").split(";"):
                name, _, value = part.strip().partition("=")
                if name == self._cookie_name and _equal(value, self._cookie):
                    return True
        return False

    def _takes_token(self, scope: Scope) -> bool:
        if scope["method"] != "GET" or scope["path"] != "/" or self._token is None:
            return False
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        if len(given) != 1 or not _equal(given[0], self._token):
            return False
        self._token = None
        return True


def _equal(given: str, known: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), known.encode())


def _limited(receive: Receive) -> Receive:
    n_bytes = 0

    async def limited() -> MutableMapping[str, Any]:
        nonlocal n_bytes
        message = await receive()
        n_bytes += len(message.get("body", b""))
        if n_bytes > MOST_BYTES:
            return {"type": "http.disconnect"}
        return message

    return limited


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    text = b"forbidden: open the address that pyface printed\n" if status == 403 else b""
    fields = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*fields, *(headers or [])]})
    await send({"type": "http.response.body", "body": text})
