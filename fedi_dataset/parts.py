"""The parts of a build: each export read, or taken as it was read, or what is left of one that was withdrawn."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.gate import Gate
from fedi_dataset.consent.ledger import spelling
from fedi_dataset.console import Ticker
from fedi_dataset.exports import OpenedExports
from fedi_dataset.files import sha256_of
from fedi_dataset.ingest import Part, ingest, read_part
from fedi_dataset.privacy.keys import key
from fedi_dataset.suppression import Suppressed, Withdrawn, bar, retire
from fedi_dataset.workspace import ExportRecord, Workspace

__all__ = ["digest_of_files", "earliest_expiry", "files_of", "gather_parts", "records_of"]


def gather_parts(
    workspace: Workspace,
    opened: OpenedExports,
    gate: Gate,
    suppressed: Suppressed,
    *,
    secret: bytes,
    config: BuildConfig,
    tick: Ticker,
) -> list[Part]:
    """Read what was opened, and take along what is kept of people who withdrew: keys and reasons.

    In the order of export ids.
    """
    folder = workspace.parts
    parts = ingest(opened.exports, gate, secret=secret, config=config, folder=folder, tick=tick)
    parts += [_as_it_stands(folder / record.part, gate) for record in opened.kept]
    for record in opened.excused:
        owner = [bytes.fromhex(spelled) for spelled in record.account_keys]
        parts.append(retire(folder / record.part, owner, suppressed))
    return sorted(parts, key=lambda part: part.name)


def _as_it_stands(folder: Path, gate: Gate) -> Part:
    """Take a part whose export is gone; without its words if what decided their verdicts has changed."""
    part = read_part(folder)
    if part.source is None or gate.digest(part.source) == part.decided:
        return part
    return bar(folder)


def records_of(
    opened: OpenedExports, parts: Sequence[Part], withdrawn: Withdrawn, secret: bytes
) -> tuple[ExportRecord, ...]:
    """Record the exports with their parts; of people who withdrew no path, for it may name them."""
    accounts = {
        export.export_id: [
            key(secret, "account", spelled).hex()
            for written in (export.owner.uri, *export.owner.aliases)
            for spelled in dict.fromkeys((written, spelling(written)))
        ]
        for export in opened.exports
    }
    names = {part.export_id: part.name for part in parts}
    records = [
        msgspec.structs.replace(
            record,
            account_keys=tuple(accounts.get(record.export_id, ())),
            part=names.get(record.export_id, ""),
        )
        for record in opened.records
    ]
    records += [
        msgspec.structs.replace(record, part=names[record.export_id])
        for record in [*opened.excused, *opened.kept]
    ]
    return tuple(
        msgspec.structs.replace(record, path="")
        if withdrawn.gone.intersection(map(bytes.fromhex, record.account_keys))
        else record
        for record in sorted(records, key=lambda record: record.export_id)
    )


def files_of(parts: Sequence[Part], table: str, workspace: Workspace) -> list[Path]:
    """Give the Parquet files of one of the workspace's tables, in the order of the parts."""
    return [workspace.parts / part.name / f"{table}.parquet" for part in parts]


def digest_of_files(files: Sequence[Path]) -> str:
    """Digest files in their order: lower-case hex SHA-256."""
    return hashlib.sha256("".join(map(sha256_of, files)).encode()).hexdigest()


def earliest_expiry(files: Sequence[Path]) -> datetime | None:
    """Give the day on which the first consent that the release rests on runs out."""
    expiries = (pc.min(pq.read_table(path, columns=["expires"])["expires"]) for path in files)
    known: list[datetime] = [one.as_py() for one in expiries if one.is_valid]
    return min(known).replace(hour=0, minute=0, second=0, microsecond=0) if known else None
