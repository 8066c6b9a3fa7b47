"""``pyface review``: an album in the browser, with the questions that are worth most."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pyface.cli.console import reports_errors, say, set_up_logging, showable
from pyface.cli.options import Threads, Verbose, app
from pyface.errors import counted


@app.command()
@reports_errors
def review(
    out: Annotated[Path, typer.Argument(help="Folder that 'pyface cluster' wrote.", metavar="OUT", readable=False)],
    port: Annotated[int, typer.Option(help="Port of 127.0.0.1; 0 takes a free one.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address and open nothing.")] = False,
    n_threads: Threads = None,
    verbose: Verbose = False,
) -> None:
    """Answer the questions that put most faces right, give names, and correct people, on a page of this machine.

    Ends when the page is closed, or with Ctrl-C. Nobody else can open it: the address holds a token that is good for
    one browser.
    """
    set_up_logging(verbose)
    from pyface.server.serve import review as serve

    def told(address: str) -> None:
        if no_browser:
            typer.echo(address)
        else:
            say(f"open in the browser: {address}")
        say("ends when the page is closed, or with Ctrl-C")

    def begun() -> None:
        say("looking for the questions that are worth most")

    n_said = serve(out, port=port, browser=not no_browser, begun=begun, told=told, n_threads=n_threads)
    what = f"{counted(n_said, 'answer')} recorded" if n_said else "nothing new was said"
    say(f"{what}; {showable(str(out))}")
