"""What do you hold about me? Subject access, answered from the ledger, the workspace's secret and the release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fedi_dataset.consent.ledger import Given, Ledger, Withdrawn, spelling
from fedi_dataset.errors import UsageError
from fedi_dataset.persons import Persons
from fedi_dataset.privacy.keys import key, key_hex
from fedi_dataset.release.manifest import Manifest, read_manifest
from fedi_dataset.release.store import recover
from fedi_dataset.release.token_checks import dialogues_in, token_schema
from fedi_dataset.schema import RELEASE_TABLES
from fedi_dataset.workspace import State, Workspace, default_workspace

__all__ = ["Held", "Holding", "lookup"]


@dataclass(frozen=True)
class Holding:
    """A row of the release in which words of the person stand."""

    table: str
    path: str
    key: str


@dataclass(frozen=True)
class Held:
    """Everything that is held about the accounts of one subject."""

    accounts: tuple[str, ...]
    """All accounts of the subject that the ledger names."""
    events: tuple[dict[str, Any], ...]
    """The ledger's events about them, in line order; of other people in the same event, nothing."""
    consenting: bool
    """Whether a consent stands at the time asked."""
    rows: tuple[Holding, ...]
    verdicts: dict[str, int]
    """What became of their items: ``admitted``, or the reason why not, with the number of items."""
    exports: tuple[str, ...]
    """Digests of their exports that the workspace recorded."""
    texts: int
    """Texts of theirs that the workspace keeps."""
    hidden_forms: int
    """Keyed hashes kept of names of theirs, after a withdrawal."""
    joined_accounts: int
    """Accounts, keyed, that are remembered as this person's, where they have several."""


def lookup(
    release: Path | str,
    account: str,
    *,
    now: datetime,
    work: Path | str | None = None,
    consent: Path | str | None = None,
) -> Held:
    """Tell what is held about an account and all others of its subject.

    Needs the ledger and the workspace's secret: keys say nothing without them. Raises UsageError if one is missing,
    or if neither the ledger nor an export knows the account.
    """
    folder = Path(release)
    recover(folder)
    manifest = read_manifest(folder)
    if manifest is None:
        raise UsageError(f"no release at {folder}")
    workspace = Workspace(Path(work) if work is not None else default_workspace(folder))
    secret, state = workspace.secret(), workspace.state()
    recorded = state.ledger.path if state.ledger is not None else None
    if consent is None and recorded is None:
        raise UsageError(f"{workspace.path} records no ledger; name it with --consent")
    ledger = Ledger.load(Path(consent or str(recorded)))
    same = _spellings(account, ledger, state, secret)
    known = {spelling(one) for name in same for one in (name, *ledger.accounts_with(name))}
    events = [_about(event, known) for _, event in ledger.naming(known)]
    accounts = known | {account} | {name for event in events for name in event.accounts}
    keys = {key(secret, "account", one) for one in accounts}
    for record in state.exports:
        spelled = {bytes.fromhex(one) for one in record.account_keys}
        keys |= spelled if spelled & keys else set()
    exports = [
        record.export_id
        for record in state.exports
        if keys.intersection(map(bytes.fromhex, record.account_keys))
    ]
    if not events and not exports:
        raise UsageError(
            f"neither the ledger nor an export knows {account}; "
            "`fedi-dataset inspect EXPORT` shows how an account is written"
        )
    standing = ledger.standing(same, now)
    given = [event.id for event in events if isinstance(event, Given)]
    return Held(
        accounts=tuple(sorted(accounts)),
        events=tuple(msgspec.to_builtins(event) for event in events),
        consenting=standing.deciding is not None and not standing.withdrawn,
        rows=tuple(_rows(folder, manifest, given, secret)),
        verdicts=_verdicts(workspace, keys),
        exports=tuple(exports),
        texts=_count(workspace.table("posts"), keys),
        hidden_forms=_count([workspace.path / "suppressed.parquet"], keys),
        joined_accounts=_count([Persons(workspace.path).file], keys),
    )


def _spellings(account: str, ledger: Ledger, state: State, secret: bytes) -> set[str]:
    """Find the spellings of an account in the ledger: an export of it may tell that several are one."""
    same = {account, spelling(account)}
    named = {key_hex(secret, "account", one): one for one in {*ledger.accounts(), *same}}
    for record in state.exports:
        spelled = {named[one] for one in record.account_keys if one in named}
        same |= spelled if spelled & same else set()
    return same


def _about(event: Given | Withdrawn, accounts: set[str]) -> Given | Withdrawn:
    """An event as far as it is about these accounts: several people may withdraw in one."""
    own = tuple(name for name in event.accounts if spelling(name) in accounts)
    return msgspec.structs.replace(event, accounts=own)


def _rows(
    folder: Path, manifest: Manifest, events: Sequence[str], secret: bytes
) -> Iterator[Holding]:
    """Find the rows that rest on one of these events: their grants are keyed by event and conversation."""
    dialogues: set[str] = set()
    for path, record in sorted(manifest.files.items()):
        if record.table in RELEASE_TABLES:
            name = RELEASE_TABLES[record.table].names[0]
            columns = list({name, "conversation_key", "grants"})
            for row in pq.read_table(folder / path, columns=columns).to_pylist():
                mine = {key_hex(secret, "grant", one, row["conversation_key"]) for one in events}
                if mine.intersection(row["grants"]):
                    if record.table == "dialogues":
                        dialogues.add(row[name])
                    yield Holding(record.table, path, row[name])
    for path, record in sorted(manifest.files.items()):
        if record.table == "tokens":
            column = token_schema(manifest).names[0]
            for row in pq.read_table(folder / path, columns=[column]).to_pylist():
                for one in dialogues.intersection(dialogues_in(row)):
                    yield Holding("tokens", path, one)


def _verdicts(workspace: Workspace, keys: set[bytes]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for path in workspace.table("verdicts"):
        for row in pq.read_table(path, columns=["account_key", "reason"]).to_pylist():
            if row["account_key"] in keys:
                counted[row["reason"] or "admitted"] += 1
    return dict(sorted(counted.items()))


def _count(files: Sequence[Path], keys: set[bytes]) -> int:
    counted = 0
    for path in files:
        if path.exists():
            column = pq.read_table(path, columns=["account_key"])["account_key"]
            for one in pc.value_counts(column).to_pylist():
                counted += one["counts"] if one["values"] in keys else 0
    return counted
