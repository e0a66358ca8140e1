"""What every command does alike: errors to one line and an exit code, results to stdout, talk to stderr.

Kept light: it is imported before anything else of the package when the command line starts.
"""

from __future__ import annotations

import errno
import functools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from fedi_dataset.errors import FediDatasetError

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = [
    "DONE_WITH_QUARANTINE",
    "C",
    "Ticker",
    "emit",
    "guarded",
    "progress",
    "say",
    "time_option",
]

DONE_WITH_QUARANTINE = 3
"""Exit code of a build that is complete but for input that could not be read."""

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=Callable[..., object])
"""A function that becomes a command."""

Ticker = Callable[[str, int, int | None], None]
"""Tells how far a step is: its name, units done, units in all (None when unknown)."""


def say(line: str) -> None:
    """Print a line for the person at the terminal, on stderr."""
    click.echo(line, err=True)


def emit(data: Mapping[str, object], as_json: bool, lines: Iterable[str]) -> None:
    """Print a command's result on stdout: one JSON object, or the lines for a person."""
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(line)


def time_option(name: str, variable: str, text: str) -> Callable[[C], C]:
    """Declare an option that takes a time: RFC 3339 with a zone, given on in UTC."""
    return click.option(name, variable, metavar="TIME", callback=_time, help=text)


def _time(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no time such as 2026-05-01T10:00:00Z") from error
    if time.tzinfo is None:
        raise click.BadParameter(f"{value!r} lacks its zone: 2026-05-01T10:00:00Z is in UTC")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise click.BadParameter(f"{value!r} lies outside the years 1 to 9999 in UTC") from error


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the errors that users meet into one clear line on stderr and design's exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except FediDatasetError as error:
            say(f"error: {error}")
            sys.exit(error.exit_code)
        except BrokenPipeError:
            raise  # whoever read our output has seen enough: click ends quietly
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                say(
                    f"error: the disk is full at {error.filename or 'the output folder'}. "
                    "What was there before is untouched; free some space and run the same command again."
                )
            else:
                say(
                    f"error: {error.strerror or type(error).__name__}: {error.filename or ''}".rstrip(
                        ": "
                    )
                )
            sys.exit(1)

    return run


@contextmanager
def progress() -> Iterator[Ticker]:
    """Yield a ticker: bars on a terminal, a plain line a step on anything else (stderr)."""
    if sys.stderr.isatty():
        with _bars() as bars:
            yield _bar_ticker(bars)
    else:
        yield _line_ticker()


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description:<14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def _bar_ticker(bars: Progress) -> Ticker:
    from rich.progress import TaskID

    tasks: dict[str, TaskID] = {}

    def tick(step: str, done: int, total: int | None) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(step, total=total)
        bars.update(tasks[step], completed=done, total=total)

    return tick


def _line_ticker() -> Ticker:
    seen: set[str] = set()

    def tick(step: str, done: int, total: int | None) -> None:
        if step not in seen:
            seen.add(step)
            say(f"{step} ...")
        if total is not None and done == total:
            say(f"{step}: {done}")

    return tick
