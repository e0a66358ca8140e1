"""Redaction: what withdrawn people said in the ledger is taken out of it, and the chain still holds.

After the time for which a steward must be able to show that consent was given and taken back, the
lines of those people are personal data that nobody needs. All of them become stubs at once, each
with the hash that its line had; a ``redacted`` event names the stubs and remembers the accounts as
HMACs under the ledger's key, so that they go on being refused until a later ``given``. Whoever holds
that key can test whether an account is among them: it belongs where the ledger is, and nowhere else.
Copies of the ledger made before still hold the lines.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from fedi_dataset.consent.events import Given, Redacted, Stub, Withdrawn, encode
from fedi_dataset.consent.ledger import Ledger, key_path, locked
from fedi_dataset.consent.standing import account_key, fingerprint
from fedi_dataset.errors import UsageError
from fedi_dataset.files import sync_folder, write_synced

__all__ = ["redact"]

_KEY_BYTES: Final = 32


def redact(path: Path, accounts: Iterable[str], identifier: str, at: datetime) -> Redacted:
    """Take all lines of these accounts' owners out of the ledger, and give the event that says so.

    ``identifier`` and ``at`` (aware) are the event's. The new ledger is written beside the old one,
    verified and renamed, so that a crash leaves either. The key is made when there is none.

    Raises :class:`UsageError`, and changes nothing, if an account is in no line, if its owner has
    not withdrawn as a whole since the last consent, or if a line also names somebody else's account.
    """
    with locked(path):
        ledger = Ledger.load(path)
        if ledger.holds(identifier):
            raise UsageError(f"{path} already holds an event {identifier}")
        owners = {_withdrawn_owner(ledger, account) for account in accounts}
        lines = _lines_of(ledger, owners)
        key = _key(key_path(path))
        written = sorted({account for event in lines.values() for account in event.accounts})
        event = Redacted(
            id=identifier,
            at=at,
            ids=tuple(event.id for event in lines.values()),
            account_keys=tuple(sorted({account_key(key, account) for account in written})),
            key=fingerprint(key),
            prev=ledger.head.sha256,
        )
        _replace(ledger, lines, event)
        return event


def _withdrawn_owner(ledger: Ledger, account: str) -> int:
    """The owner of an account, who has taken everything back."""
    owner = ledger.index.of(account)
    if owner is None:
        raise UsageError(f"no line of {ledger.path} names {account}; nothing was redacted")
    given, taken = ledger.index.last_lines(owner)
    if taken <= given:
        raise UsageError(
            f"the owner of {account} has not withdrawn, so that {ledger.path} must keep their "
            "consent; nothing was redacted"
        )
    return owner


def _lines_of(ledger: Ledger, owners: set[int]) -> dict[int, Given | Withdrawn]:
    """All lines, from 0, that name an account of these owners."""
    accounts = [account for owner in owners for account in ledger.index.accounts_of(owner)]
    found = {}
    for line, event in ledger.naming(accounts):
        if {ledger.index.of(account) for account in event.accounts} - owners:
            raise UsageError(
                f"line {line} of {ledger.path} also names an account of somebody else: "
                "redact both together, once both have withdrawn; nothing was redacted"
            )
        found[line - 1] = event
    return found


def _key(place: Path) -> bytes:
    """The ledger's key, made once."""
    if not place.exists():  # loading would have failed, had a redaction asked for it before
        write_synced(place, secrets.token_bytes(_KEY_BYTES), mode=0o600)
    return place.read_bytes()


def _replace(ledger: Ledger, lines: dict[int, Given | Withdrawn], event: Redacted) -> None:
    """Put the redacted ledger in the place of the old one."""
    scratch = ledger.path.with_name(f"{ledger.path.name}.redacting")
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for line in range(ledger.head.lines):
                body = ledger.written(line)
                if line in lines:
                    body = encode(_stub(ledger, line, lines[line], event.id))
                file.write(body + b"\n")
            file.write(encode(event) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        Ledger.load(scratch, key=key_path(ledger.path)).check_extends(ledger.head)
        scratch.replace(ledger.path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    sync_folder(ledger.path.parent)


def _stub(ledger: Ledger, line: int, event: Given | Withdrawn, redacted: str) -> Stub:
    return Stub(
        id=event.id,
        redacted=redacted,
        line_sha256=ledger.head_at(line + 1).sha256,
        prev=event.prev,
    )
