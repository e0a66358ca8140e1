"""Persons: which accounts are one person's, as keys, and remembered for as long as there is a workspace.

The ledger says it: accounts of one consent, and accounts of one subject, are one person's, whatever the time of the
consent and whether it still stands. Posts that are copies of each other are merged by it, and threads hang on that.
So it must not be forgotten when somebody withdraws, an export goes, or lines of the ledger are redacted: what was
once known stays known, and the table only grows.

    persons.parquet    account → person, both keyed (PERSONS)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fedi_dataset.consent.gate import spellings_of
from fedi_dataset.consent.ledger import Ledger, spelling
from fedi_dataset.errors import UsageError
from fedi_dataset.posts import Account
from fedi_dataset.privacy.keys import key
from fedi_dataset.readers.grounds import is_numeric
from fedi_dataset.schema import PERSONS
from fedi_dataset.sealed import DamagedTable, read_sealed, write_sealed

__all__ = ["Persons"]


@dataclass(frozen=True)
class Persons:
    """The table of persons, in the workspace's folder."""

    folder: Path

    @property
    def file(self) -> Path:
        """Which accounts are whose."""
        return self.folder / "persons.parquet"

    def sound_file(self) -> Path:
        """Give the file to be read. Raises UsageError if it is not there, or not what a build left."""
        if self._lost(expected=True):
            raise UsageError(f"{self.file} is damaged, or missing; build again: it is made anew")
        return self.file

    def learn(
        self,
        ledger: Ledger,
        owners: Sequence[Account],
        former: Iterable[bytes],
        secret: bytes,
        *,
        expected: bool,
    ) -> tuple[str, ...]:
        """Add what a ledger says of the ``owners`` of exports, and write the table, whole or not at all.

        ``former``: keys of the URIs of owners whose exports are not opened. Only people of whom there is or was an
        export are taken in, with all of their accounts. ``expected``: an earlier build left a table here. One that is
        damaged or missing is made again from the ledger, and a sentence says what that cannot know; no withdrawal
        waits for it, since nobody's words or names hang on it.
        """
        lost = self._lost(expected=expected)
        known: dict[bytes, set[bytes]] = {}
        for row in read_sealed(self.file) if not lost else ():
            known.setdefault(row["person_key"], set()).add(row["account_key"])
        several = [*map(_spellings, owners), *_named(ledger, former, secret)]
        groups = [*known.values(), *_said(ledger, several, secret)]
        rows = [
            {"account_key": account, "person_key": min(accounts)}
            for accounts in _joined(groups)
            for account in accounts
            if len(accounts) > 1
        ]
        write_sealed(self.file, rows, PERSONS)
        return lost

    def _lost(self, *, expected: bool) -> tuple[str, ...]:
        fault = "is missing" if expected and not self.file.exists() else None
        try:
            read_sealed(self.file)
        except DamagedTable:
            fault = "is damaged"
        if fault is None:
            return ()
        return (
            f"{self.file} {fault} and was made again from the ledger: of people whose lines were redacted, "
            "copies of a post under several accounts may stand apart now, and threads below them with them",
        )


def _said(
    ledger: Ledger, several: Sequence[tuple[str, ...]], secret: bytes
) -> Iterator[set[bytes]]:
    """Give the accounts of whoever is behind each account, as keys, by what consents say.

    Each is told by its URI, and then by its pages, by which a consent may name it.
    """
    for (uri, *_), accounts in zip(several, ledger.accounts_together(several), strict=True):
        if accounts:
            yield {key(secret, "account", one) for one in {uri, spelling(uri), *accounts}}


def _named(ledger: Ledger, keys: Iterable[bytes], secret: bytes) -> list[tuple[str, ...]]:
    """Find accounts in the ledger by their keys."""
    wanted = set(keys)
    names = ledger.accounts() if wanted else ()
    return [(name,) for name in names if key(secret, "account", name) in wanted]


def _spellings(owner: Account) -> tuple[str, ...]:
    """Give the names by which an account is looked for: its pages only where its id says that they are its own.

    An archive is written by whoever hands it in, and of an id that is a number any page could be.
    """
    return (owner.uri,) if is_numeric(owner.uri) else spellings_of(owner)


def _joined(groups: Iterable[set[bytes]]) -> list[set[bytes]]:
    """Join groups that share a member, until none do."""
    group_of: dict[bytes, set[bytes]] = {}
    for group in groups:
        joined = set(group)
        for met in {id(one): one for one in map(group_of.get, group) if one is not None}.values():
            joined |= met
        group_of.update(dict.fromkeys(joined, joined))
    return list({id(one): one for one in group_of.values()}.values())
