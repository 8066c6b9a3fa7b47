"""The command ``pyface``."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Any

from pyface.errors import MissingExtraError, require_extra

_INTERRUPTED = 130


def main() -> None:
    """Entry point of the command."""
    # While modules are loaded nothing can be lost, and some of them turn a KeyboardInterrupt into an error of their
    # own. The command takes Ctrl-C back when it begins (console.reports_errors).
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave_on_signal)
    try:
        _run()
    except MissingExtraError as error:
        sys.exit(f"pyface: {error}")
    except KeyboardInterrupt:  # a command reports its own; this one came before or after it
        _leave(told=False)
    except SystemExit as stop:
        if stop.code == _INTERRUPTED:
            from pyface.cli.console import was_told

            _leave(told=was_told())
        raise


def _run() -> None:
    require_extra("typer")
    require_extra("rich")
    from pyface.cli.commands import app

    app()


def _leave_on_signal(*_: Any) -> None:
    _leave(told=False)


def _leave(*, told: bool) -> None:
    """End at once: a thread may be deep in a network, and waiting for it can be interrupted again, with a traceback."""
    if not told:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write("pyface: interrupted\n")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(_INTERRUPTED)
