"""The command ``pyface``."""

from __future__ import annotations

import sys

from pyface.errors import MissingExtraError, require_extra


def main() -> None:
    """Entry point of the command."""
    try:
        require_extra("typer")
        require_extra("rich")
    except MissingExtraError as error:
        sys.exit(f"pyface: {error}")
    try:
        from pyface.cli.commands import app
    except KeyboardInterrupt:
        sys.exit(130)
    app()
