"""Chromium without a window, told what to do through its pipe of the DevTools protocol."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--remote-debugging-pipe",
]  # fmt: skip


class Chromium:
    """One browser with one tab. ``requests`` has the addresses that the page asked for, ``complaints`` its errors."""

    def __init__(self, folder: Path, *, width: int = 1100, height: int = 900, dark: bool = False) -> None:
        assert BROWSER is not None
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # A process of one line gives the pipes their numbers, 3 and 4; one below 10 could be one of these already. No
        # preexec_fn: the server's threads may hold a lock when the process is forked.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_browser, from_browser)]
        lead = f"import os, sys; os.dup2({ends[0]}, 3); os.dup2({ends[1]}, 4); os.execv(sys.argv[1], sys.argv[1:])"
        command = [sys.executable, "-c", lead, BROWSER, *_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
        environment = {**os.environ, "XDG_CONFIG_HOME": str(folder)}  # its crash reports do not go to the user's own
        self._process = subprocess.Popen(command, pass_fds=ends, stderr=subprocess.DEVNULL, env=environment)
        for end in (to_browser, from_browser, *ends):
            os.close(end)
        self._buffer, self._number = b"", 0
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._responses: list[tuple[str, int]] = []
        self._drags: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._target = target
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._write)  # it ends with its pipe
        self._process.wait(60)
        os.close(self._read)

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.send(method, self._session, **parameters)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._read, 1 << 16)
            if not part:
                raise RuntimeError("the browser has ended")
            self._buffer += part
        line, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        method, given = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        elif method == "Network.responseReceived":
            self._responses.append((given["response"]["url"], given["response"]["status"]))
        elif method == "Input.dragIntercepted":
            self._drags.append(given["data"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(given["exceptionDetails"]))
        elif method == "Log.entryAdded" and given["entry"]["source"] != "network":  # refusals are no faults of the page
            self.complaints.append(given["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(given["args"]))
        return message

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in done:
            raise RuntimeError(json.dumps(done["exceptionDetails"]))
        return done["result"].get("value")

    def wait_for(self, condition: str) -> Any:
        """Until an expression is true, looked at again whenever the page has changed."""
        return self.run(
            "new Promise((done) => { const look = () => { let value = null; "
            f"try {{ value = ({condition}); }} catch {{}} if (value) {{ watch.disconnect(); done(value); }} }}; "
            "const watch = new MutationObserver(look); "
            "watch.observe(document, {subtree: true, childList: true, attributes: true, characterData: true}); "
            "look(); })"
        )

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)
        self.wait_for_event("Page.loadEventFired")

    def wait_for_event(self, method: str) -> None:
        while self._next().get("method") != method:
            pass

    def wait_for_response(self, address: str, status: int) -> None:
        while (address, status) not in self._responses:
            self._next()

    def drag_data(self) -> dict[str, Any]:
        """What is being dragged, once it is (with Input.setInterceptDrags)."""
        while not self._drags:
            self._next()
        return self._drags.pop()

    def press(self, key: str) -> None:
        """One key, as from the keyboard."""
        code = {"Enter": 13, "Escape": 27, " ": 32}.get(key, ord(key.upper()[0]))
        text = {"Enter": "\r", "Escape": ""}.get(key, key)
        common = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def write(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def middle(self, selector: str) -> tuple[float, float]:
        """Where an element is, once it is scrolled to."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); "
            "e.scrollIntoView({block: 'center'}); "
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        return x, y

    def mouse(self, kind: str, x: float, y: float, *, buttons: int = 1) -> None:
        self.call(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=buttons, clickCount=1
        )  # fmt: skip

    def click(self, selector: str) -> None:
        x, y = self.middle(selector)
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y, buttons=0)

    def close_tab(self) -> None:
        self.send("Target.closeTarget", targetId=self._target)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
