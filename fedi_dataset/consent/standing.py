"""What the ledger says of an account at a time: a join of columns, made once when it is read.

What decides, for an account and a time: the newest consent by line whose ``at`` is not later than
that time. A withdrawal or an objection on any later line refuses, whatever its own time, and reaches
all accounts that events of the same subject name, in whatever order the events come. So does a
redaction: the accounts of those lines are known by their keys alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import UNSET

from fedi_dataset.consent.events import (
    Event,
    Given,
    Line,
    Redacted,
    Renewed,
    Withdrawn,
    check_account,
    check_terms,
    spelling,
)
from fedi_dataset.privacy.keys import key_hex

__all__ = ["Columns", "Index", "Standing", "account_key", "fingerprint"]

Numbers = npt.NDArray[np.int64]

SUBJECT: Final = "subject "
"""Before a subject's name, so that it is no account's."""
_LINE_BITS: Final = 32
_LINE_MASK: Final = (1 << _LINE_BITS) - 1


class Standing(NamedTuple):
    """What the ledger says of an account at a time."""

    deciding: Given | None
    """The consent that decides; None when there is none."""
    withdrawn: bool
    """Taken back as a whole, on a later line than ``deciding`` or without any."""
    withdrawn_posts: frozenset[str]
    """Posts taken back on later lines, as :func:`spelling` writes them."""
    subject: str = ""
    """Equal for all accounts that events join, whichever of them decides."""


def account_key(key: bytes, name: str) -> str:
    """Give the HMAC under which a redaction remembers an account: 32 hex digits."""
    return key_hex(key, "account", spelling(name))


def fingerprint(key: bytes) -> str:
    """Give the digest by which a ledger's key is recognized: 32 hex digits."""
    return key_hex(key, "fingerprint")


class Columns:
    """What each event adds, gathered line by line."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        """Names as they are compared → their numbers; subjects stand among them as ``subject URN``."""
        self.given = array("q")
        """Number of a name ‖ number of a line in which it consents, in one integer each."""
        self.taken = array("q")
        """The same of lines in which it takes back."""
        self.joined = (array("q"), array("q"))
        self.redacted: list[tuple[int, Redacted]] = []
        self.signed: list[int] = []
        """Lines of consents with a proof."""
        self._written: dict[str, int] = {}
        """Accounts as they are written → their numbers, shifted to make room for a line's."""
        self._company: set[tuple[str | None, tuple[str, ...]]] = set()
        """Subjects and accounts that were joined."""
        self._license = self._notice = ""

    def add(self, line: int, event: Event) -> None:
        """Add the event on a line, counted from 0.

        What it says for the first time is checked; :class:`LedgerError` says what is wrong.
        """
        # type() is, not isinstance(): the latter goes through the metaclass, a million times
        if type(event) is Given or type(event) is Renewed:
            self._put(self.given, event.accounts, line)
            if event.license != self._license or event.notice.sha256 != self._notice:
                check_terms(event.license, event.notice.sha256)
                self._license, self._notice = event.license, event.notice.sha256
            if event.subject is not None or len(event.accounts) > 1:
                self._join(event)
            if event.proof is not UNSET:
                self.signed.append(line)
        elif isinstance(event, Withdrawn):
            self._put(self.taken, event.accounts, line)
        elif isinstance(event, Redacted):
            self.redacted.append((line, event))

    def _put(self, column: array[int], accounts: tuple[str, ...], line: int) -> None:
        for account in accounts:
            try:
                number = self._written[account]
            except KeyError:
                number = self._written_as(account)
            column.append(number + line)

    def _join(self, event: Given) -> None:
        """Say that the accounts of an event, and its subject, have one owner; once is enough."""
        company = event.subject, event.accounts
        if company in self._company:
            return
        self._company.add(company)
        first, *others = (self._written[account] >> _LINE_BITS for account in event.accounts)
        if event.subject is not None:
            others.append(self._named(f"{SUBJECT}{event.subject}"))
        for number in others:
            self.joined[0].append(first)
            self.joined[1].append(number)

    def _written_as(self, account: str) -> int:
        """The number of an account in a spelling that is new, shifted to make room for a line's."""
        check_account(account)
        number = self._written[account] = self._named(spelling(account)) << _LINE_BITS
        return number

    def _named(self, name: str) -> int:
        return self.names.setdefault(name, len(self.names))


class Index:
    """Answers for any account what stands; made of all columns of a verified ledger."""

    def __init__(self, columns: Columns, events: Sequence[Line], key: bytes | None) -> None:
        """``key`` is the ledger's key, which only redactions ask for."""
        self._events = events
        self._names = columns.names
        self._key = key
        self._owner = _owners(len(columns.names), columns.joined)
        self._given = _Grouped(_numbers(columns.given))
        self._redacted = {
            one: line for line, event in columns.redacted for one in event.account_keys
        }
        taken = np.concatenate([_numbers(columns.taken), self._redacted_names()])
        owners = self._owner[taken >> _LINE_BITS]
        self._taken = _Grouped(owners << _LINE_BITS | taken & _LINE_MASK)

    def standing(self, spellings: Iterable[str], as_of: datetime) -> Standing:
        """Say what holds at ``as_of`` (aware) for the account that is spelled in these ways."""
        names = {spelling(name) for name in spellings}
        known = [self._names[name] for name in names if name in self._names]
        line = max(
            (line for line in self._lines(self._given, known) if self._at(line) <= as_of),
            default=-1,
        )
        taken = {at for at in self._lines(self._taken, self.owners(known)) if at > line}
        taken |= {at for at in self._redactions(names) if at > line}
        posts = [self._posts(at) for at in taken]
        return Standing(
            deciding=self._consent(line) if line >= 0 else None,
            withdrawn=None in posts,
            withdrawn_posts=frozenset(spelling(post) for some in posts for post in some or ()),
            subject=self._subject(known),
        )

    def _subject(self, names: Sequence[int]) -> str:
        """What whoever owns these is called: by their first subject in the ledger, else their first account."""
        called = sorted(self._called[owner] for owner in self.owners(names))
        return called[0].removeprefix(SUBJECT) if called else ""

    @cached_property
    def _called(self) -> dict[int, str]:
        called: dict[int, str] = {}
        for name, owner in zip(self._names, self._owner.tolist(), strict=True):
            known = called.setdefault(owner, name)
            if name.startswith(SUBJECT) and not known.startswith(SUBJECT):
                called[owner] = name
        return called

    def owners(self, names: Iterable[int]) -> set[int]:
        """Give the owners of names, each by the number of one of their names."""
        return {int(self._owner[name]) for name in names}

    def of(self, name: str) -> int | None:
        """Give the owner of an account; None if no event names it."""
        number = self._names.get(spelling(name))
        return None if number is None else int(self._owner[number])

    def last_lines(self, owner: int) -> tuple[int, int]:
        """Give the last lines, from 0, of an owner's consents and of what took all back; -1 for none."""
        members = np.flatnonzero(self._owner == owner).tolist()
        given = max(self._lines(self._given, members), default=-1)
        taken = (at for at in self._lines(self._taken, [owner]) if self._posts(at) is None)
        return given, max(taken, default=-1)

    def _redacted_names(self) -> Numbers:
        """The names in the ledger that a redaction remembers, each with the line of that redaction."""
        return _numbers(
            number << _LINE_BITS | line
            for name, number in (self._names.items() if self._redacted else ())
            for line in self._redactions([name])
        )

    def _redactions(self, names: Iterable[str]) -> Iterator[int]:
        if self._key is not None:
            for name in names:
                if (line := self._redacted.get(account_key(self._key, name))) is not None:
                    yield line

    @staticmethod
    def _lines(groups: _Grouped, numbers: Iterable[int]) -> Iterator[int]:
        for number in numbers:
            yield from groups.of(number)

    def _at(self, line: int) -> datetime:
        return self._consent(line).at

    def _consent(self, line: int) -> Given:
        event = self._events[line]
        assert isinstance(event, Given)
        return event

    def _posts(self, line: int) -> tuple[str, ...] | None:
        """The posts that a line takes back; None: all of them."""
        event = self._events[line]
        return event.posts if isinstance(event, Withdrawn) else None


class _Grouped:
    """Lines by the number that each belongs to: one sorted column of both."""

    def __init__(self, column: Numbers) -> None:
        self._column = np.sort(column)

    def of(self, number: int) -> list[int]:
        bounds = [number << _LINE_BITS, (number + 1) << _LINE_BITS]
        begin, end = np.searchsorted(self._column, bounds)
        found: list[int] = (self._column[begin:end] & _LINE_MASK).tolist()
        return found


def _numbers(values: Iterable[int]) -> Numbers:
    return np.array(values if isinstance(values, array) else list(values), dtype=np.int64)


def _owners(count: int, joined: tuple[Sequence[int], Sequence[int]]) -> Numbers:
    """For each of ``count`` names the one that stands for its owner, who is joined through pairs."""
    parent = list(range(count))
    for one, other in zip(*joined, strict=True):
        parent[_root(parent, one)] = _root(parent, other)
    return np.array([_root(parent, name) for name in range(count)], dtype=np.int64)


def _root(parent: list[int], name: int) -> int:
    """The name at the top; the way to it is halved each time."""
    while parent[name] != name:
        parent[name] = name = parent[parent[name]]
    return name
