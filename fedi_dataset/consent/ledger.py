"""The ledger of consent: JSON lines, only ever appended to, each chained to the one before by hash.

Each line is one event of one subject: consent given or renewed, withdrawn, objected to. The chain
shows any line that was changed, dropped or moved; a remembered :class:`Head` shows when the last
line was changed or lines are gone from the end. Where lines were redacted, the ledger's key, in
``LEDGER.key`` beside it, is what withdrawn accounts are known by; without it nothing is read.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
from filelock import FileLock, Timeout
from msgspec import Meta, Struct

from fedi_dataset.consent.chain import NO_LINE, Chain, Lines, settle
from fedi_dataset.consent.events import (
    SHA256_PATTERN,
    Acquisition,
    Event,
    Evidence,
    Exclude,
    Given,
    Line,
    Method,
    Notice,
    Objected,
    Purpose,
    Recipients,
    Redacted,
    Renewed,
    Stub,
    Use,
    Visibility,
    Withdrawn,
    checked,
    encode,
)
from fedi_dataset.consent.proofs import proof_flaw
from fedi_dataset.consent.spans import read
from fedi_dataset.consent.standing import Index, Standing, fingerprint
from fedi_dataset.consent.uris import spelling
from fedi_dataset.errors import LedgerError, LedgerRolledBack, UsageError
from fedi_dataset.files import sync_folder

__all__ = [
    "Acquisition",
    "Event",
    "Evidence",
    "Exclude",
    "Given",
    "Head",
    "Ledger",
    "Line",
    "Method",
    "Notice",
    "Objected",
    "Purpose",
    "Recipients",
    "Redacted",
    "Renewed",
    "Standing",
    "Stub",
    "Use",
    "Visibility",
    "Withdrawn",
    "append",
    "key_path",
    "locked",
    "spelling",
]

_LOCK_SECONDS: Final = 60.0

E_ = TypeVar("E_", bound=Event)


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a ledger ended: its number of lines and the hash of the last one."""

    lines: Annotated[int, Meta(ge=0)]
    sha256: Annotated[str, Meta(pattern=SHA256_PATTERN)]
    """Lower-case hex SHA-256 of the last line's bytes without its newline; zeros for no lines.

    Of a line that was redacted since, the hash that it had.
    """


def key_path(path: Path) -> Path:
    """Say where a ledger's key is: beside it, readable by its owner only."""
    return path.with_name(f"{path.name}.key")


class Ledger:
    """A ledger whose whole chain was verified when it was read. Make one with :meth:`load`."""

    def __init__(self, path: Path, chain: Chain, lines: Lines, key: bytes | None) -> None:
        self.path = path
        self.events: Sequence[Line] = lines
        """In the order of their lines, which are numbered from 1; decoded when asked for."""
        self.head = Head(len(chain), chain.last)
        self.index = Index(chain.columns, lines, key)
        self._chain, self._lines = chain, lines

    @classmethod
    def load(cls, path: Path, *, key: Path | None = None) -> Ledger:
        """Read and verify a ledger; ``key`` is its key's file, if it does not lie beside it.

        Raises :class:`UsageError` when there is no such file, and :class:`LedgerError`, naming the
        first line that is wrong, when a line or the chain is broken, and naming the key when
        lines were redacted and it is missing.
        """
        if not path.is_file():
            raise UsageError(
                f"there is no consent ledger at {path}; `fedi-dataset consent give` begins one"
            )
        file = path.open("rb")
        try:
            chain = read(file, path)
        except BaseException:
            file.close()
            raise
        lines = Lines(file, chain, path)
        settle(chain, lines, path)
        redactions = [event for _, event in chain.columns.redacted]
        return cls(path, chain, lines, _key(path, key or key_path(path), redactions))

    def written(self, line: int) -> bytes:
        """Give the bytes of a line, counted from 0, without its newline."""
        return self._lines.written(line)

    def holds(self, identifier: str) -> bool:
        """Whether an event has this id."""
        return identifier in self.with_ids([identifier])

    def with_ids(self, identifiers: Collection[str]) -> dict[str, Line]:
        """Give the events that have these ids, in the order of their lines; none for what is no event's."""
        events = (self.events[line] for line in self._chain.lines_like(identifiers))
        return {event.id: event for event in events if event.id in identifiers}

    def verify_proofs(self) -> int:
        """Verify the proofs of all consents that have one, and count them.

        Raises :class:`LedgerError`, naming the line, for the first that does not count, and
        :class:`MissingExtra` when the libraries that verify are not installed.
        """
        for line in self._chain.columns.signed:
            event = self.events[line]
            if isinstance(event, Given) and (flaw := proof_flaw(event)):
                raise LedgerError(f"{self.path}, line {line + 1}: {flaw}")
        return len(self._chain.columns.signed)

    def head_at(self, lines: int) -> Head:
        """Give the head that the ledger had when it was ``lines`` long."""
        if not 0 <= lines <= len(self.events):
            raise ValueError(f"the ledger has {len(self.events)} lines, not {lines}")
        return self.head if lines == len(self.events) else Head(lines, self.events[lines].prev)

    def check_extends(self, head: Head) -> None:
        """Raise :class:`LedgerRolledBack` unless the ledger begins with what ended at ``head``."""
        if head.lines > self.head.lines:
            raise LedgerRolledBack(
                f"{self.path} has {self.head.lines} lines, but had {head.lines} before: "
                "lines are gone from its end. Use the complete ledger"
            )
        if self.head_at(head.lines) != head:
            raise LedgerRolledBack(
                f"{self.path} is not the ledger that was used before, or was rewritten: "
                f"line {head.lines} has another hash than the one remembered"
            )

    def standing(self, spellings: Iterable[str], as_of: datetime) -> Standing:
        """Say what holds at ``as_of`` (aware) for the account that is spelled in these ways.

        A withdrawal by any account of a subject reaches all accounts that events of the same
        subject name, in whatever order the events come.
        """
        return self.index.standing(spellings, as_of)

    def accounts_standing(self, as_of: datetime) -> tuple[set[str], set[str]]:
        """Give the accounts whose owners have withdrawn as a whole, and those with a consent that stands.

        As they are compared, and as the ledger writes them; each as :meth:`standing` says of it alone.
        """
        return self.index.stand(as_of)

    def naming(self, accounts: Iterable[str]) -> list[tuple[int, Given | Withdrawn]]:
        """Give the events that name any of these accounts, with their lines from 1."""
        found = []
        for line in self.index.lines_naming(accounts):
            event = self.events[line]
            assert isinstance(event, Given | Withdrawn)
            found.append((line + 1, event))
        return found

    def accounts(self) -> Set[str]:
        """Give all accounts that events name, as they are compared and as the ledger writes them."""
        return self.index.spelled.keys()

    def accounts_with(self, account: str) -> list[str]:
        """Give all accounts of an account's owner, as they are compared; none if no event names it."""
        owner = self.index.of(account)
        return [] if owner is None else self.index.accounts_of(owner)

    def accounts_together(self, accounts: Sequence[Iterable[str]]) -> list[frozenset[str]]:
        """Give for each account, told in its spellings, all accounts of its owner, as they are compared and written.

        It hangs on no time: consents that expired or were taken back tell it as well. None of an account that no
        consent names, and of one whose lines were redacted.
        """
        return self.index.together(accounts)


def append(path: Path, event: E_) -> E_:
    """Append an event, chained to the last line, and give it back as it is stored.

    Waits for other writers, verifies the whole ledger first, and returns once the line is on the
    disk; ``event.prev`` is replaced. A ledger that does not exist yet begins here, readable by its
    owner only. Raises :class:`UsageError` for an event that is not valid, whose proof does not
    verify or whose id is taken, and :class:`LedgerError` for a broken ledger, which stays as it is.
    """
    with locked(path):
        ledger = Ledger.load(path) if path.exists() else None
        if ledger is not None and ledger.holds(event.id):
            raise UsageError(f"{path} already holds an event {event.id}")
        last = NO_LINE if ledger is None else ledger.head.sha256
        stored = checked(msgspec.structs.replace(event, prev=last))
        _check_proof(stored)
        _write(path, encode(stored) + b"\n")
        return stored


def _check_proof(event: Event) -> None:
    if isinstance(event, Given) and event.proof is not msgspec.UNSET:
        flaw = proof_flaw(event)
        if flaw is not None:
            raise UsageError(f"this event cannot be recorded: {flaw}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other writers of a ledger out; :class:`UsageError` if one stays in for too long."""
    lock = FileLock(f"{path}.lock", timeout=_LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise UsageError(
            f"another program has held {path}.lock for {_LOCK_SECONDS:.0f} seconds; try again"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _key(path: Path, place: Path, redactions: Sequence[Redacted]) -> bytes | None:
    """The key that redactions were made with; None where there are none."""
    if not redactions:
        return None
    if not place.is_file():
        raise LedgerError(
            f"{path} has redacted lines, and its key {place} is missing: without it nobody can tell "
            "who withdrew. Restore the key from a copy"
        )
    key = place.read_bytes()
    if any(event.key != fingerprint(key) for event in redactions):
        raise LedgerError(
            f"{place} is not the key that the redacted lines of {path} were made with. "
            "Restore the key from a copy"
        )
    return key


def _write(path: Path, line: bytes) -> None:
    """Append bytes and sync them; on failure nothing of them stays."""
    begins = not path.exists()
    ledger = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(ledger).st_size
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(ledger, rest) :]
            os.fsync(ledger)
        except OSError:
            os.ftruncate(ledger, size)
            raise
    finally:
        os.close(ledger)
    if begins:
        sync_folder(path.parent)
