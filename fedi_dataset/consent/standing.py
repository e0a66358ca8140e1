"""What the ledger says of an account at a time: a join of columns, made once when it is read.

What decides, for an account and a time: the newest consent by line whose ``at`` is not later than
that time. A withdrawal or an objection on any later line refuses, whatever its own time, and reaches
all accounts that events of the same subject name, in whatever order the events come. So does a
redaction: the accounts of those lines are known by their keys alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np

from fedi_dataset.consent.columns import LINE_BITS, LINE_MASK, SUBJECT, Columns, Numbers, numbers
from fedi_dataset.consent.events import Given, Line, Withdrawn
from fedi_dataset.consent.uris import spelling
from fedi_dataset.privacy.keys import key_hex

__all__ = ["Index", "Standing", "account_key", "fingerprint"]


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


class Index:
    """Answers for any account what stands; made of all columns of a verified ledger."""

    def __init__(self, columns: Columns, events: Sequence[Line], key: bytes | None) -> None:
        """``key`` is the ledger's key, which only redactions ask for."""
        self._events = events
        self._names = columns.names
        self._variants = columns.variants
        self._key = key
        self._owner = _owners(columns)
        self._given = _Grouped(numbers(columns.given))
        self._refusing = _Grouped(numbers(columns.taken))
        self._redacted = {
            one: line for line, event in columns.redacted for one in event.account_keys
        }
        taken = np.concatenate([numbers(columns.taken), self._redacted_names()])
        owners = self._owner[taken >> LINE_BITS]
        self._taken = _Grouped(owners << LINE_BITS | taken & LINE_MASK)

    def standing(self, spellings: Iterable[str], as_of: datetime) -> Standing:
        """Say what holds at ``as_of`` (aware) for the account that is spelled in these ways."""
        names = {spelling(name) for name in spellings}
        known = self._known(names)
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

    def stand(self, as_of: datetime) -> tuple[set[str], set[str]]:
        """Give all accounts that have withdrawn as a whole, and all with a consent that stands.

        Each as it is compared, and in every spelling that the ledger writes. For each alone it is what
        :meth:`standing` says.
        """
        given = self._newest(self._given, lambda line: self._at(line) <= as_of)
        taken = self._newest(self._taken, lambda line: self._posts(line) is None)
        gone = taken[self._owner] > given
        standing = ~gone & (given >= 0)
        return (
            {name for name, at in self.spelled.items() if gone[at]},
            {name for name, at in self.spelled.items() if standing[at]},
        )

    @cached_property
    def spelled(self) -> dict[str, int]:
        """All accounts, as they are compared and as the ledger writes them → the numbers of their names."""
        named = {name: at for name, at in self._names.items() if not name.startswith(SUBJECT)}
        return named | self._variants

    def together(self, accounts: Sequence[Iterable[str]]) -> list[frozenset[str]]:
        """Give for each account, told in its spellings, all accounts of its owner, in every spelling there is.

        Consents say it, whatever their time and whether they stand; of one that none names: nothing.
        """
        owners = [self.owners(self._known(spellings)) for spellings in accounts]
        named: dict[int, set[str]] = {owner: set() for several in owners for owner in several}
        owner_of = self._owner.tolist()
        for name, at in self.spelled.items() if named else ():
            if (owner := owner_of[at]) in named:
                named[owner].add(name)
        return [frozenset().union(*(named[owner] for owner in several)) for several in owners]

    def _known(self, spellings: Iterable[str]) -> list[int]:
        names = {spelling(name) for name in spellings}
        return [self._names[name] for name in names if name in self._names]

    def _newest(self, groups: _Grouped, counts: Callable[[int], bool]) -> Numbers:
        """For each name the newest of its lines that counts; -1 for none."""
        newest = [-1] * len(self._names)
        for name, line in groups.newest_first():
            if newest[name] < 0 and counts(line):
                newest[name] = line
        return numbers(newest)

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

    def accounts_of(self, owner: int) -> list[str]:
        """Give the accounts of an owner as they are compared, in the order in which the ledger met them."""
        names = list(self._names)
        owned = (names[at] for at in np.flatnonzero(self._owner == owner))
        return [name for name in owned if not name.startswith(SUBJECT)]

    def lines_naming(self, accounts: Iterable[str]) -> list[int]:
        """Give the lines, from 0, in which any of these accounts consents or takes back."""
        named = {self._names[name] for name in map(spelling, accounts) if name in self._names}
        return sorted({*self._lines(self._given, named), *self._lines(self._refusing, named)})

    def last_lines(self, owner: int) -> tuple[int, int]:
        """Give the last lines, from 0, of an owner's consents and of what took all back; -1 for none."""
        members = np.flatnonzero(self._owner == owner).tolist()
        given = max(self._lines(self._given, members), default=-1)
        taken = (at for at in self._lines(self._taken, [owner]) if self._posts(at) is None)
        return given, max(taken, default=-1)

    def _redacted_names(self) -> Numbers:
        """The names in the ledger that a redaction remembers, each with the line of that redaction."""
        return numbers(
            number << LINE_BITS | line
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
        bounds = [number << LINE_BITS, (number + 1) << LINE_BITS]
        begin, end = np.searchsorted(self._column, bounds)
        found: list[int] = (self._column[begin:end] & LINE_MASK).tolist()
        return found

    def newest_first(self) -> Iterator[tuple[int, int]]:
        for one in reversed(self._column.tolist()):
            yield one >> LINE_BITS, one & LINE_MASK


def _owners(columns: Columns) -> Numbers:
    """For each name the one that stands for its owner, who is joined through pairs."""
    parent = list(range(len(columns.names)))
    for one, other in zip(columns.one, columns.other, strict=True):
        parent[_root(parent, one)] = _root(parent, other)
    return np.array([_root(parent, name) for name in range(len(parent))], dtype=np.int64)


def _root(parent: list[int], name: int) -> int:
    """The name at the top; the way to it is halved each time."""
    while parent[name] != name:
        parent[name] = name = parent[parent[name]]
    return name
