"""Who has withdrawn, as account keys: what the ledger says, met with the exports that the workspace recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fedi_dataset.consent.gate import spellings_of
from fedi_dataset.consent.ledger import Ledger, spelling
from fedi_dataset.part import RETIRED
from fedi_dataset.posts import Export
from fedi_dataset.privacy.keys import key
from fedi_dataset.workspace import ExportRecord

__all__ = ["Withdrawn"]


@dataclass(frozen=True)
class Withdrawn:
    """Who has withdrawn, and who consents, as account keys."""

    gone: frozenset[bytes]
    consenting: frozenset[bytes]

    @classmethod
    def of(
        cls, ledger: Ledger, recorded: Sequence[ExportRecord], *, as_of: datetime, secret: bytes
    ) -> Withdrawn:
        """Read it off the ledger. A withdrawal under another spelling of an account reaches the account."""
        withdrawn, consenting = ledger.accounts_standing(as_of)

        def keys(accounts: set[str]) -> set[bytes]:
            spelled = {*accounts, *map(spelling, accounts)}
            return {key(secret, "account", account) for account in spelled}

        gone, back = keys(withdrawn), keys(consenting)
        named = {
            key(secret, "account", spelled): account
            for account in withdrawn | consenting
            for spelled in (account, spelling(account))
        }
        for record in recorded:
            spellings = {bytes.fromhex(spelled) for spelled in record.account_keys}
            written = {named[one] for one in spellings if one in named}
            if written and not ledger.standing(written, as_of).withdrawn:
                gone -= spellings  # as the gate sees it: all spellings of an account together
                back |= spellings
                continue
            was_gone = record.part.endswith(RETIRED)  # by lines that may be redacted since
            if spellings & gone or (was_gone and not spellings & back):
                gone |= spellings
        return cls(frozenset(gone), frozenset(back - gone))

    def meeting(
        self, exports: Iterable[Export], ledger: Ledger, *, as_of: datetime, secret: bytes
    ) -> Withdrawn:
        """Say the same once exports are open: their accounts are asked for by name, as the gate does."""
        gone, back = set(self.gone), set(self.consenting)
        for export in exports:
            spellings = spellings_of(export.owner)
            keys = {key(secret, "account", one) for one in {*spellings, *map(spelling, spellings)}}
            standing = ledger.standing(spellings, as_of)
            if standing.withdrawn:
                gone |= keys
            elif standing.deciding is not None:
                gone -= keys
                back |= keys
        return Withdrawn(frozenset(gone), frozenset(back - gone))

    def export_ids(self, recorded: Sequence[ExportRecord]) -> frozenset[str]:
        """Give the recorded exports of those who are gone: their files may be gone too."""
        return frozenset(
            record.export_id
            for record in recorded
            if self.gone.intersection(map(bytes.fromhex, record.account_keys))
        )
