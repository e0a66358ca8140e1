"""The parts of a build: each export read, or taken as it was read, or what is left of one that was withdrawn."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.gate import Gate
from fedi_dataset.consent.ledger import spelling
from fedi_dataset.console import Ticker
from fedi_dataset.exports import OpenedExports, open_again
from fedi_dataset.files import sha256_of
from fedi_dataset.ingest import ingest
from fedi_dataset.part import DamagedPart, Part, Source, read_part, record_of, table_file
from fedi_dataset.places import seal_place
from fedi_dataset.posts import Account, Export, Signal
from fedi_dataset.privacy.keys import key_hex
from fedi_dataset.retirement import bar, bar_damaged, retire, retire_damaged
from fedi_dataset.suppression import Suppressed
from fedi_dataset.withdrawn import Withdrawn
from fedi_dataset.workspace import ExportRecord, Workspace

__all__ = [
    "Gathering",
    "digest_of_files",
    "earliest_expiry",
    "files_of",
    "gather_parts",
    "owners_of",
    "records_of",
    "speaking",
]


def speaking(opened: OpenedExports, workspace: Workspace, secret: bytes) -> list[Source]:
    """Give the exports with what all exports of their accounts signal: any of them denies for all.

    Those whose files are gone speak by their parts. An account is the same however its URI is spelled.
    """
    sources = [
        Source(one.export_id, one.format, one.platform, one.acquisition, one.owner)
        for one in opened.exports
    ]
    said: dict[str, tuple[Signal, ...]] = {}
    for record in opened.kept:
        part = _record_or_none(workspace.parts / record.part)
        if part is not None:
            said[part.account] = (*said.get(part.account, ()), *part.signals)
            sources += [part.source] if part.source is not None else []
    named = [key_hex(secret, "account", spelling(one.owner.uri)) for one in sources]
    for account, one in zip(named, sources, strict=True):
        said[account] = (*said.get(account, ()), *one.owner.signals)
    return [
        msgspec.structs.replace(one, owner=dataclasses.replace(one.owner, signals=said[account]))
        for account, one in zip(named, sources, strict=True)
    ]


def _record_or_none(folder: Path) -> Part | None:
    try:
        return record_of(folder)
    except DamagedPart:  # said where it is gathered
        return None


class Gathering(NamedTuple):
    """With what the parts of a build are gathered."""

    workspace: Workspace
    gate: Gate
    suppressed: Suppressed
    secret: bytes
    config: BuildConfig
    tick: Ticker

    def read(self, exports: Sequence[Export]) -> list[Part]:
        """Read exports, as far as they have no part yet."""
        return ingest(
            exports,
            self.gate,
            secret=self.secret,
            config=self.config,
            folder=self.workspace.parts,
            tick=self.tick,
        )


def gather_parts(opened: OpenedExports, work: Gathering) -> tuple[list[Part], list[str]]:
    """Read what was opened, and take along what is kept of people who withdrew: keys and reasons.

    In the order of export ids. A part that was damaged is read again if its export is there; if not, what of it can
    be read is kept without any words, and a sentence says so.
    """
    parts = work.read(opened.exports)
    shortfalls: list[str] = []
    for record in opened.kept:
        try:
            parts.append(_as_it_stands(record, work))
        except DamagedPart as error:
            folder, owner = work.workspace.parts / record.part, _owners(record)[0]
            parts.append(bar_damaged(folder, record.export_id, owner))
            shortfalls.append(f"{error}, and its export is not there: its rows are left out")
    for record in opened.excused:
        folder = work.workspace.parts / record.part
        try:
            parts.append(retire(folder, _owners(record), work.suppressed))
        except DamagedPart as error:
            parts.append(_retired_again(record, work))
            shortfalls.append(
                f"{error}: it is of somebody who withdrew, and what keeps names masked in other people's words, "
                "or threads together, may be lost with it"
            )
    return sorted(parts, key=lambda part: part.name), shortfalls


def _as_it_stands(record: ExportRecord, work: Gathering) -> Part:
    """Take a part whose export is gone; without its words if what decided their verdicts has changed."""
    folder = work.workspace.parts / record.part
    part = read_part(folder)
    if part.source is None or work.gate.digest(part.source) == part.decided:
        return part
    return bar(folder, _owners(record)[0])


def _retired_again(record: ExportRecord, work: Gathering) -> Part:
    """Retire a damaged part: by what of it can be read, and by its export if that is there."""
    folder, owners = work.workspace.parts, _owners(record)
    part = retire_damaged(folder / record.part, record.export_id, owners, work.suppressed)
    found = open_again(record)
    for read in work.read(found.exports if found is not None else []):
        part = retire(folder / read.name, owners, work.suppressed)
    return part


def owners_of(records: Iterable[ExportRecord]) -> list[bytes]:
    """Give the keys of the accounts whose exports these are, each under its URI."""
    return [owner for record in records for owner in _owners(record)[:1]]


def _owners(record: ExportRecord) -> list[bytes]:
    return [bytes.fromhex(spelled) for spelled in record.account_keys]


def records_of(
    opened: OpenedExports,
    parts: Sequence[Part],
    withdrawn: Withdrawn,
    secret: bytes,
    former: Sequence[ExportRecord],
) -> tuple[ExportRecord, ...]:
    """Record the exports with their parts; of people who withdrew no path that can be read, for it may name them."""
    names = {part.export_id: part.name for part in parts}
    places = {one.export_id: one.places for one in former}
    records: list[ExportRecord] = []
    for record in [*opened.records, *opened.excused, *opened.kept]:
        met = opened.met.get(record.export_id)
        accounts = _spellings(met.owner) if met is not None else []
        sealed = {
            seal_place(path, account, secret)
            for path in (met.paths if met is not None else ())
            for account in accounts
        }
        keys = tuple(key_hex(secret, "account", account) for account in accounts)
        records.append(
            msgspec.structs.replace(
                record,
                account_keys=keys or record.account_keys,
                part=names.get(record.export_id, ""),
                places=tuple(sorted(sealed.union(places.get(record.export_id, ())))),
            )
        )
    return tuple(
        msgspec.structs.replace(record, path="")
        if withdrawn.gone.intersection(_owners(record))
        else record
        for record in sorted(records, key=lambda record: record.export_id)
    )


def _spellings(owner: Account) -> list[str]:
    """Give an account's URI, then its other spellings, each as written and as compared."""
    written = (owner.uri, *owner.aliases)
    return list(dict.fromkeys(one for name in written for one in (name, spelling(name))))


def files_of(parts: Sequence[Part], table: str, workspace: Workspace) -> list[Path]:
    """Give the Parquet files of one of the workspace's tables, in the order of the parts."""
    return [table_file(workspace.parts / part.name, table) for part in parts]


def digest_of_files(files: Sequence[Path]) -> str:
    """Digest files in their order: lower-case hex SHA-256."""
    return hashlib.sha256("".join(map(sha256_of, files)).encode()).hexdigest()


def earliest_expiry(files: Sequence[Path]) -> datetime | None:
    """Give the day on which the first consent that the release rests on runs out."""
    expiries = (pc.min(pq.read_table(path, columns=["expires"])["expires"]) for path in files)
    known: list[datetime] = [one.as_py() for one in expiries if one.is_valid]
    return min(known).replace(hour=0, minute=0, second=0, microsecond=0) if known else None
