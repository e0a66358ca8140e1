"""A long ledger is read by several processes, each a span of its lines, joined where they meet.

What comes of it is what :func:`fedi_dataset.consent.chain.link` makes of the whole file. Where a span
has a fault, hashes disagree at a seam, or a process cannot be had, ``link`` reads the whole file after
all: it finds the first wrong line.

A helper is a fresh interpreter that reads the same open file, whatever its path means by then. It is
no fork, since threads may run here, and no spawned worker, since that would run the user's own script
a second time.
"""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final

from fedi_dataset.consent.chain import Chain, link
from fedi_dataset.consent.events import parse
from fedi_dataset.errors import LedgerError

__all__ = ["WORTH_A_PROCESS", "cuts", "joined", "read", "span"]

WORTH_A_PROCESS: Final = 64 << 20
"""Bytes of a span that takes longer to read than a process takes to begin."""
_MOST: Final = 4
"""Processes, ours included: more are not worth their start."""
_MEANWHILE: Final = 64 << 20
"""Bytes that are read here while a process begins."""
_BUFFER: Final = 1 << 17


def read(file: BinaryIO, path: Path, worth: int = WORTH_A_PROCESS) -> Chain:
    """Verify the lines of an open ledger; the first that is wrong raises :class:`LedgerError`, named.

    Another process helps for each ``worth`` bytes beside the first, as far as there are processors.
    """
    descriptor = file.fileno()
    size = os.fstat(descriptor).st_size
    parts = min(_MOST, os.cpu_count() or 1, size // worth) if sys.executable else 1
    chain = _shared(descriptor, cuts(descriptor, size, parts), path) if parts > 1 else None
    return chain or link(_lines(descriptor, 0, size), path)


def cuts(descriptor: int, size: int, parts: int) -> list[int]:
    """Say where spans of a file begin and end: between lines, the first of them longer."""
    ahead = min(_MEANWHILE, size // parts)
    places = (ahead + (size - ahead) * part // parts for part in range(1, parts))
    return sorted({0, *(_line_after(descriptor, place, size) for place in places), size})


def span(descriptor: int, begin: int, end: int) -> Chain:
    """Verify the lines of a span, which must not be empty; :class:`LedgerError` if one is wrong.

    What the first says of the line before is believed, and is for :func:`joined` to compare.
    """
    before = parse(_lines(descriptor, begin, end).readline().removesuffix(b"\n")).prev
    return link(_lines(descriptor, begin, end), Path(), before)


def joined(first: Chain, others: Iterable[Chain]) -> Chain | None:
    """Join spans to the first; None if one does not follow on the one before."""
    for other in others:
        if other.first != first.last:
            return None
        first.extend(other)
    return first


def _shared(descriptor: int, places: Sequence[int], path: Path) -> Chain | None:
    """Read the spans between places, the first of them here; None if anything went wrong."""
    own, *others = pairwise(places)
    with ExitStack() as stack:
        try:
            helpers = [_helper(stack, descriptor, *other) for other in others]
            first = link(_lines(descriptor, *own), path)
            return joined(first, map(_answer, helpers))
        except (LedgerError, OSError, EOFError):
            return None  # whoever asked reads the whole file, and finds what is wrong with it


def _helper(stack: ExitStack, descriptor: int, begin: int, end: int) -> subprocess.Popen[bytes]:
    """Start a process that reads a span and writes what it came to, or nothing, on its stdout."""
    command = [sys.executable, "-P", "-m", __name__, *map(str, (descriptor, begin, end))]
    helper = stack.enter_context(
        subprocess.Popen(  # noqa: S603 - this interpreter, this module, three integers
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=[descriptor],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(one or os.curdir for one in sys.path)},
        )
    )
    stack.callback(helper.kill)
    return helper


def _answer(helper: subprocess.Popen[bytes]) -> Chain:
    answer, _ = helper.communicate()
    chain: Chain = pickle.loads(answer)  # noqa: S301 - written by our own process
    return chain


def _line_after(descriptor: int, at: int, size: int) -> int:
    """Say where the first line begins that does so after a place; at the end if none does."""
    for begin in range(at, size, _BUFFER):
        found = os.pread(descriptor, min(_BUFFER, size - begin), begin).find(b"\n")
        if found >= 0:
            return begin + found + 1
    return size


def _lines(descriptor: int, begin: int, end: int) -> io.BufferedReader:
    return io.BufferedReader(_Span(descriptor, begin, end), _BUFFER)


class _Span(io.RawIOBase):
    """A part of an open file, with a place of its own: processes that share a file share its offset."""

    def __init__(self, descriptor: int, begin: int, end: int) -> None:
        self._descriptor, self._at, self._end = descriptor, begin, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = os.pread(self._descriptor, min(len(buffer), self._end - self._at), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def main() -> None:
    """Read the span that the command line names, for the process that asked."""
    try:
        chain = span(*map(int, sys.argv[1:]))
    except LedgerError:
        return  # no answer: whoever asked reads the lines itself
    pickle.dump(chain, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main()
