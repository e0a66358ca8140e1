"""What the lines of a ledger say, in columns: whole numbers that are cheap to gather, sort and join.

A million events become a few arrays. Who is named is written once, in :attr:`Columns.names`, and is
a number everywhere else. Columns of two spans of one ledger are joined by :meth:`Columns.extend`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import UNSET

from fedi_dataset.consent.events import (
    Event,
    Given,
    Redacted,
    Renewed,
    Withdrawn,
    check_terms,
)
from fedi_dataset.consent.uris import check_account, spelling

__all__ = ["LINE_BITS", "LINE_MASK", "SUBJECT", "Columns", "Gatherer", "Numbers", "numbers"]

Numbers = npt.NDArray[np.int64]

SUBJECT: Final = "subject "
"""Before a subject's name, so that it is no account's."""
LINE_BITS: Final = 32
LINE_MASK: Final = (1 << LINE_BITS) - 1


def _integers() -> array[int]:
    return array("q")


@dataclass
class Columns:
    """What the events of a ledger, or of a span of its lines, come to."""

    names: dict[str, int] = field(default_factory=dict)
    """Names as they are compared → their numbers; subjects stand among them as ``subject URN``."""
    variants: dict[str, int] = field(default_factory=dict)
    """Accounts that are written otherwise than they are compared → the numbers of their names."""
    given: array[int] = field(default_factory=_integers)
    """Number of a name ‖ number of a line in which it consents, in one integer each."""
    taken: array[int] = field(default_factory=_integers)
    """The same of lines in which it takes back."""
    one: array[int] = field(default_factory=_integers)
    """Names that have one owner with the name at the same place of ``other``."""
    other: array[int] = field(default_factory=_integers)
    redacted: list[tuple[int, Redacted]] = field(default_factory=list)
    """Redactions with their lines."""
    signed: list[int] = field(default_factory=list)
    """Lines of consents with a proof."""

    def number(self, name: str) -> int:
        """Give the number of a name, which may be new."""
        return self.names.setdefault(name, len(self.names))

    def extend(self, later: Columns, lines: int) -> None:
        """Add the columns of the span that begins ``lines`` lines after this one does."""
        for name in [name for name in later.names if name not in self.names]:
            self.number(name)
        renamed = numbers(map(self.names.__getitem__, later.names))
        self.variants |= {one: int(renamed[at]) for one, at in later.variants.items()}
        for column, added in ((self.given, later.given), (self.taken, later.taken)):
            known = numbers(added)
            _put(column, renamed[known >> LINE_BITS] << LINE_BITS | (known & LINE_MASK) + lines)
        for column, added in ((self.one, later.one), (self.other, later.other)):
            _put(column, renamed[numbers(added)])
        self.redacted += [(line + lines, event) for line, event in later.redacted]
        self.signed += [line + lines for line in later.signed]


class Gatherer:
    """Turns events into columns, line by line; what it meets for the first time is checked.

    Most lines name accounts as a line before did: they cost one look at what is known.
    """

    def __init__(self) -> None:
        self.columns = Columns()
        self._written: dict[str, int] = {}
        """Accounts as they are written → their numbers, shifted to make room for a line's."""
        self._together: dict[tuple[str, ...], tuple[tuple[int, ...], str | None]] = {}
        """Accounts that consented together → their numbers, shifted, and for which subject, last."""
        self._license = self._notice = ""

    def add(self, line: int, event: Event) -> None:
        """Add the event on a line, counted from 0; :class:`LedgerError` says what is wrong with it."""
        # type() is, not isinstance(): the latter goes through the metaclass, a million times
        if type(event) is Renewed or type(event) is Given:
            known = self._together.get(event.accounts)
            if known is None or known[1] != event.subject:
                known = self._joined(event)
            for number in known[0]:
                self.columns.given.append(number + line)
            if event.license != self._license or event.notice.sha256 != self._notice:
                check_terms(event.license, event.notice.sha256)
                self._license, self._notice = event.license, event.notice.sha256
            if event.proof is not UNSET:
                self.columns.signed.append(line)
        elif isinstance(event, Withdrawn):
            for account in event.accounts:
                self.columns.taken.append(self._number(account) + line)
        elif isinstance(event, Redacted):
            self.columns.redacted.append((line, event))

    def _joined(self, event: Given) -> tuple[tuple[int, ...], str | None]:
        """Note that the accounts of a consent, and its subject, have one owner."""
        numbers = tuple(map(self._number, event.accounts))
        first, *others = (number >> LINE_BITS for number in numbers)
        if event.subject is not None:
            others.append(self.columns.number(f"{SUBJECT}{event.subject}"))
        for other in others:
            self.columns.one.append(first)
            self.columns.other.append(other)
        known = self._together[event.accounts] = numbers, event.subject
        return known

    def _number(self, account: str) -> int:
        """The number of an account as it is written, shifted to make room for a line's."""
        number = self._written.get(account)
        if number is None:
            check_account(account)
            name = spelling(account)
            number = self._written[account] = self.columns.number(name) << LINE_BITS
            if name != account:
                self.columns.variants[account] = number >> LINE_BITS
        return number


def numbers(values: Iterable[int]) -> Numbers:
    """Give integers as an array of numpy's."""
    return np.array(values if isinstance(values, array) else list(values), dtype=np.int64)


def _put(column: array[int], values: Numbers) -> None:
    column.frombytes(values.tobytes())
