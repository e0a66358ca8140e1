"""The chain of a ledger's lines: read once from end to end, each verified against the one before.

``prev`` holds the SHA-256 of the line before, so that no line can be changed, dropped or moved
unseen. A stub stands for the line that it took the place of: the next line's ``prev`` is the hash
that the stub remembers.
"""

from __future__ import annotations

import gc
import os
import weakref
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, overload
from zlib import crc32

import numpy as np

from fedi_dataset.consent.columns import Columns, Gatherer
from fedi_dataset.consent.events import Line, Stub, decode, parse
from fedi_dataset.errors import LedgerError

__all__ = ["NO_LINE", "Chain", "Lines", "link", "settle"]

NO_LINE: Final = "0" * 64
"""``prev`` of the first line."""

_DIGEST: Final = 32


@dataclass
class Chain:
    """What one pass over the lines of a ledger, or over a span of them, finds.

    It is all that it takes to trust them later.
    """

    first: str = NO_LINE
    """``prev`` of the first line: the hash of the line before."""
    last: str = NO_LINE
    """Hash of the last line, which the next one's ``prev`` must be."""
    ends: array[int] = field(default_factory=lambda: array("q", [0]))
    """Where each line ends, its newline included, after a first zero."""
    digests: bytearray = field(default_factory=bytearray)
    """SHA-256 of each line as it stands in the file, without its newline."""
    columns: Columns = field(default_factory=Columns)
    ids: array[int] = field(default_factory=lambda: array("I"))
    """CRC-32 of each id, by which equal ones are looked for; the same in every process."""
    stubs: dict[int, Stub] = field(default_factory=dict)
    """By line, from 0."""

    def __len__(self) -> int:
        return len(self.ids)

    def lines_like(self, identifiers: Iterable[str]) -> list[int]:
        """Give the lines, from 0, whose id has the checksum of one of these."""
        sums = np.array([crc32(one.encode()) for one in identifiers], dtype=np.uint32)
        found: list[int] = np.flatnonzero(np.isin(np.array(self.ids), sums)).tolist()
        return found

    def extend(self, later: Chain) -> None:
        """Add what the span right after this one came to; its ``first`` must be this one's ``last``."""
        assert later.first == self.last
        lines, end = len(self), self.ends[-1]
        self.columns.extend(later.columns, lines)
        self.ends.frombytes((np.array(later.ends[1:]) + end).tobytes())
        self.digests += later.digests
        self.ids += later.ids
        self.stubs |= {line + lines: stub for line, stub in later.stubs.items()}
        self.last = later.last


def link(lines: Iterable[bytes], path: Path, before: str = NO_LINE) -> Chain:
    """Verify lines in order; the first that is wrong raises :class:`LedgerError`, named.

    ``before`` is the hash of the line before the first. What takes looking back at lines is left for
    :func:`settle`.
    """
    gatherer = Gatherer()
    chain = Chain(first=before, columns=gatherer.columns)
    add, ends, digests, ids = gatherer.add, chain.ends, chain.digests, chain.ids
    last, end = before, 0
    with _without_collector():
        for number, line in enumerate(lines):
            body = line[:-1]
            try:
                if line[-1:] != b"\n":
                    raise LedgerError("it is cut off: no newline ends it")
                event = parse(body)
                if event.prev != last:
                    raise LedgerError(
                        "its prev is not the hash of the line before: that line was changed, "
                        "or lines were dropped, inserted or moved here"
                    )
                if type(event) is Stub:
                    stub = chain.stubs[number] = event
                else:
                    stub = None
                    add(number, event)
            except LedgerError as error:
                raise LedgerError(
                    f"{path}, line {number + 1}: {error}. Restore the ledger from a copy"
                ) from error
            digest = sha256(body).digest()
            last = digest.hex() if stub is None else stub.line_sha256
            end += len(line)
            ends.append(end)
            digests += digest
            ids.append(crc32(event.id.encode()))
    chain.last = last
    return chain


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the garbage collector from walking millions of fresh objects that hold no cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Lines(Sequence[Line]):
    """The lines of a verified ledger, each read and decoded when it is asked for.

    The file stays open, so that a ledger that takes its place changes nothing here, and each line is
    held against its hash, so that one that is changed in place is noticed (:class:`LedgerError`).
    """

    def __init__(self, file: BinaryIO, chain: Chain, path: Path) -> None:
        """``file`` becomes this object's to close."""
        self._descriptor = file.fileno()
        self._chain = chain
        self._path = path
        weakref.finalize(self, file.close)

    def __len__(self) -> int:
        return len(self._chain)

    @overload
    def __getitem__(self, at: int) -> Line: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Line]: ...
    def __getitem__(self, at: int | slice) -> Line | Sequence[Line]:
        if isinstance(at, slice):
            return [self[line] for line in range(*at.indices(len(self)))]
        return decode(self.written(range(len(self))[at]))

    def written(self, line: int) -> bytes:
        """Give the bytes of a line, counted from 0, without its newline."""
        begin, end = self._chain.ends[line], self._chain.ends[line + 1]
        body = os.pread(self._descriptor, end - begin - 1, begin)
        digest = self._chain.digests[line * _DIGEST : (line + 1) * _DIGEST]
        if sha256(body).digest() != digest:
            raise LedgerError(
                f"{self._path}, line {line + 1}: it was changed since the ledger was read. "
                "Restore the ledger from a copy"
            )
        return body


def settle(chain: Chain, lines: Lines, path: Path) -> None:
    """Check what no line shows by itself: that ids are unique, and stubs and redactions agree."""
    for number in _of_doubled_ids(chain, lines):
        raise LedgerError(
            f"{path}, line {number + 1}: the id {lines[number].id} occurs before. "
            "Restore the ledger from a copy"
        )
    named = {(stub, event.id): line for line, event in chain.columns.redacted for stub in event.ids}
    for number, stub in chain.stubs.items():
        if named.pop((stub.id, stub.redacted), -1) < number:
            raise LedgerError(
                f"{path}, line {number + 1}: no later redaction names this stub: "
                "the line was cut out by hand. Restore the ledger from a copy"
            )
    for (stub_id, _), line in named.items():
        raise LedgerError(
            f"{path}, line {line + 1}: it says that {stub_id} was redacted, but no stub of that id "
            "stands before it. Restore the ledger from a copy"
        )


def _of_doubled_ids(chain: Chain, lines: Lines) -> Iterator[int]:
    """Lines whose id stands on an earlier line; equal checksums are only where to look."""
    sums = np.array(chain.ids)
    ordered = np.sort(sums)
    doubled = ordered[1:][ordered[1:] == ordered[:-1]]
    seen: set[str] = set()
    for number in np.flatnonzero(np.isin(sums, doubled)).tolist():
        identifier = lines[number].id
        if identifier in seen:
            yield number
        seen.add(identifier)
