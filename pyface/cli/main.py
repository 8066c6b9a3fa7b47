"""The command ``pyface``."""

from __future__ import annotations

import contextlib
import os
import sys

from pyface.errors import MissingExtraError, require_extra

_INTERRUPTED = 130


def main() -> None:
    """Entry point of the command."""
    try:
        _run()
    except MissingExtraError as error:
        sys.exit(f"pyface: {error}")
    except KeyboardInterrupt:  # while modules are loaded; a command reports its own
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


def _leave(*, told: bool) -> None:
    """End at once: a thread may be deep in a network, and waiting for it can be interrupted again, with a traceback."""
    if not told:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write("pyface: interrupted\n")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(_INTERRUPTED)
