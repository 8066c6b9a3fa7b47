"""What the command says: messages on stderr, one line each, and how far it is."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NoReturn, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from pyface.errors import ModelFileError, ModelNotFoundError, PyfaceError, counted
from pyface.photos.finding import Skipped

P = ParamSpec("P")
R = TypeVar("R")

FAILED = 1
BAD_USAGE = 2
INTERRUPTED = 130
# More reasons than this scroll the result off the screen; summary.json has them all.
_MAX_SKIPPED_LINES = 1000
_LEADS_NOWHERE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
_told = threading.Event()
logger = logging.getLogger(__name__)


def say(message: str) -> None:
    """One line on stderr; lost if there is none, or if nobody reads it: the work is not lost with it."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(message + "\n")
        sys.stderr.flush()


def say_faces(n_faces: int, n_photos: int, where: object) -> None:
    """How many faces were found, and where they are now."""
    say(f"{counted(n_faces, 'face')} in {counted(n_photos, 'photo')}: {showable(str(where))}")


def showable(name: str) -> str:
    """A file name as one printable line, whatever bytes it holds."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)


def say_skipped(skipped: tuple[Skipped, ...]) -> None:
    """One line for each file that was passed over."""
    for item in skipped[:_MAX_SKIPPED_LINES]:
        say(f"skipped {showable(item.photo)}: {showable(item.reason)}")
    if len(skipped) > _MAX_SKIPPED_LINES:
        say(f"... and {len(skipped) - _MAX_SKIPPED_LINES} more")


def say_read(n_photos: int, skipped: tuple[Skipped, ...]) -> None:
    """Name the files that were passed over; exit 1 if there is no photo beside them."""
    say_skipped(skipped)
    if not n_photos:
        say("pyface: none of the files could be read" if skipped else "pyface: there is no photo there")
        raise typer.Exit(FAILED)


def reports_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the exceptions of a command into one line and an exit code: 1 failed, 2 bad usage, 130 interrupted."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        take_ctrl_c()
        set_up_logging(verbose=False)
        try:
            try:
                return command(*args, **kwargs)
            except typer.Exit:  # all is said, also by a command that was interrupted
                raise
            except Exception as error:
                if _stems_from_ctrl_c(error):
                    raise KeyboardInterrupt from error
                raise
        except KeyboardInterrupt:
            interrupted("pyface: interrupted")
        except BrokenPipeError:
            # The reader of the pipe (head, less) has seen enough. What is buffered goes nowhere, without a complaint.
            if sys.stdout is not None:
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(FAILED) from None
        except PyfaceError as error:
            say(f"pyface: {showable(str(error))}")
            # A model file whose path leads nowhere is as much bad usage as a name that is none.
            is_nowhere = isinstance(error, ModelFileError) and isinstance(error.__cause__, _LEADS_NOWHERE)
            raise typer.Exit(BAD_USAGE if is_nowhere or isinstance(error, ModelNotFoundError) else FAILED) from None
        except (ValueError, TypeError, NotADirectoryError, FileNotFoundError) as error:
            say(f"pyface: {showable(str(error))}")
            raise typer.Exit(BAD_USAGE) from None
        except OSError as error:
            say(f"pyface: {showable(_text_of(error))}")
            raise typer.Exit(FAILED) from None
        except MemoryError as error:
            say(f"pyface: {showable(str(error) or 'not enough memory')}")
            raise typer.Exit(FAILED) from None

    return run


def take_ctrl_c() -> None:
    """From here on Ctrl-C raises KeyboardInterrupt, unless it is ignored, as for a job in the background."""
    with contextlib.suppress(ValueError):  # not in the main thread
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _stems_from_ctrl_c(error: BaseException | None) -> bool:
    """Modules that are being loaded may have turned a KeyboardInterrupt into an error of their own."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, KeyboardInterrupt):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def _text_of(error: OSError) -> str:
    """Without the number that Python puts in front of what the system says."""
    if not error.strerror:
        return str(error)
    return error.strerror if error.filename is None else f"{os.fsdecode(error.filename)}: {error.strerror}"


def interrupted(message: str) -> NoReturn:
    """Say so and end the command. From here on Ctrl-C is ignored: there is nothing left to stop."""
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    say(message)
    _told.set()
    raise typer.Exit(INTERRUPTED)


def was_told() -> bool:
    """Whether the command said that it was interrupted; typer ends with the same exit code in silence."""
    return _told.is_set()


def set_up_logging(verbose: bool) -> None:
    """Warnings of the library on stderr, a line each; with ``verbose`` also what it does."""
    warnings.showwarning = lambda message, *_, **__: say(f"pyface: {showable(str(message))}")
    handler = _Line()
    handler.setFormatter(logging.Formatter("pyface: %(message)s"))
    log = logging.getLogger("pyface")
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO if verbose else logging.WARNING)


class _Line(logging.Handler):
    """Says a record as one line; above the progress bar, which puts a stream of its own in the place of stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        say(showable(self.format(record)))


# Before that, a few photos that are done at one time would tell a rate that no run keeps up.
_SECONDS_TO_A_RATE = 5.0
_SECONDS_TO_A_LINE = 10.0


def _rate(task: Task) -> float | None:
    """Items a second since the stage began; None as long as that means little."""
    return _per_second(task.completed, task.finished_time if task.finished else task.elapsed)


def _per_second(done: float, seconds: float | None) -> float | None:
    return None if seconds is None or seconds < _SECONDS_TO_A_RATE or not done else done / seconds


def _time_left(remaining: float, rate: float) -> str:
    return str(timedelta(seconds=round(remaining / rate)))


class _RateColumn(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        rate = _rate(task)
        return Text("" if rate is None else f"{rate:.1f}/s")


class _TimeLeftColumn(ProgressColumn):
    """Time left at the rate up to now."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        rate = _rate(task)
        if rate is None or task.finished or task.remaining is None:
            return Text("")
        return Text(_time_left(task.remaining, rate))


class ProgressLines:
    """Progress as lines of the log, one every ten seconds: for files, pipes and jobs that nobody sits before.

    clock : seconds since any moment, as ``time.monotonic``.
    """

    def __init__(self, *, of_bytes: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._of_bytes = of_bytes
        self._clock = clock
        self._begun: dict[str, float] = {}
        self._said = clock()

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = self._clock()
        since = self._begun.setdefault(stage, now)
        if now - self._said < _SECONDS_TO_A_LINE:
            return
        self._said = now
        rate = _per_second(done, now - since)
        text = f"{stage}: {self._amount(done)}" + (f" of {self._amount(total)}" if total else "")
        if rate is not None:
            text += f", {self._amount(rate)}/s" if self._of_bytes else f", {rate:.1f}/s"
            text += f", {_time_left(total - done, rate)} left" if total > done else ""
        logger.info("%s", text)

    def _amount(self, n: float) -> str:
        return f"{n / 1e6:,.1f} MB" if self._of_bytes else f"{n:,}"


@contextlib.contextmanager
def progress_bar(*, of_bytes: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A bar with rate and time left, fed by ``callback(stage, done, total)``.

    If stderr is no terminal, a line every ten seconds instead, which ``-v`` shows. A total of 0 is one that is not
    known.       of_bytes : what is counted are bytes.
    """
    console = Console(stderr=True) if sys.stderr is not None else Console(quiet=True, force_terminal=False)
    if not console.is_terminal or os.environ.get("TERM") == "dumb":
        yield ProgressLines(of_bytes=of_bytes)
        return
    counts = (DownloadColumn(), TransferSpeedColumn()) if of_bytes else (MofNCompleteColumn(), _RateColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), *counts, _TimeLeftColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        tasks: dict[str, int] = {}

        def show(stage: str, done: int, total: int) -> None:
            known = None if of_bytes and not total else total
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=known)
            bar.update(tasks[stage], completed=done, total=known)  # type: ignore[arg-type]

        yield show
