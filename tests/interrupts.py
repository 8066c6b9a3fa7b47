"""Ctrl-C while a kernel runs, in a child process. A signal is sent until it is heard: nothing here measures time."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

NEEDS_SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

# The handler raises when it was called three times in a row at one and the same instruction: the kernel looks for
# signals while it runs. One that does not look hears of a signal once, when it is done.
_CHILD = """
import os, signal, sys, threading

begun, heard, done = threading.Event(), threading.Semaphore(0), threading.Event()
places = []

def hear(_, frame):
    if done.is_set():  # sent before the sender saw that
        return
    places.append((id(frame), frame.f_lasti))
    if len(places) >= {times} and len(set(places[-{times}:])) == 1:
        done.set()
    heard.release()
    if done.is_set():
        raise KeyboardInterrupt

def send():
    begun.wait()
    while not done.is_set():
        os.kill(os.getpid(), signal.SIGINT)
        heard.acquire(timeout=1)

# A shell starts background jobs with SIGINT ignored, which children inherit.
signal.signal(signal.SIGINT, hear)
{setup}
threading.Thread(target=send, daemon=True).start()
try:
    {begin}
    {call}
except KeyboardInterrupt:
    print("stopped")
else:
    print("went on to its end")
finally:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    done.set()
"""


def stops(setup: str, call: str) -> str:
    """What becomes of a kernel that takes seconds, in a process that gets SIGINT again and again.

    "stopped", or what went wrong.
    """
    return _outcome(setup=setup, begin="begun.set()", call=call, times=3)


def stops_between_calls(setup: str, call: str) -> str:
    """The same for a call that goes on for ever in Python, and says ``begun.set()`` when the signals may come."""
    return _outcome(setup=setup, begin="pass", call=call, times=1)


def _outcome(**parts: object) -> str:
    done = _run(_CHILD.format(**parts))
    return f"{done.stdout}{done.stderr}".strip()


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)


_COMMAND = """
import os, signal, sys

left = {count}

def hook(event, arguments):
    global left
    if event == {event!r} and str(arguments[0]).startswith({prefix!r}):
        left -= 1
        if left == 0:
            for _ in range({times}):
                os.kill(os.getpid(), {kind})

signal.signal(signal.SIGINT, signal.default_int_handler)
from pyface.cli.main import main

sys.addaudithook(hook)
sys.argv = ["pyface", *{arguments!r}]
main()
"""


def interrupted_command(
    arguments: list[str],
    event: str,
    count: int,
    *,
    prefix: str = "",
    kind: signal.Signals = signal.SIGINT,
    times: int = 1,
) -> subprocess.CompletedProcess[str]:
    """The command, in a process that sends itself a signal at a certain moment.

    event : one of Python's audit events, "import" or "open"; the signal comes at its ``count``-th occurrence with a
        first argument (a module, a path) that begins with ``prefix``. times : how often it is sent there.
    """
    code = _COMMAND.format(
        arguments=arguments, event=event, count=count, prefix=prefix, kind=int(kind), times=times
    )  # fmt: skip
    return _run(code)
