"""One part: what one export came to, as a folder of tables and a record with their digests.

A part is there whole or not at all, and one that was damaged since is known for it when it is read.

    parts/EXPORT-REST/
      part.json        the record (Part), written last
      posts.parquet    and the other TABLES
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.errors import UsageError
from fedi_dataset.files import sha256_of, write_synced
from fedi_dataset.posts import Account, Acquisition, Post, Quarantined, Signal
from fedi_dataset.schema import ALIASES, IDENTITIES, LINKS, MENTIONED, POSTS, VERDICTS

__all__ = [
    "RETIRED",
    "TABLES",
    "DamagedPart",
    "Part",
    "QuarantineRecord",
    "Row",
    "Source",
    "Write",
    "Writers",
    "read_part",
    "readable_rows",
    "record_of",
    "rewrite_table",
    "rows_of",
    "seal",
    "sound_table",
    "table_file",
    "write_rows",
]

FLUSH_ROWS = 5_000
"""Rows of a row group: the same rows are the same bytes, however they came to be written."""
RECORD = "part.json"

RETIRED = "-withdrawn"
"""Ends the name of the part of somebody who withdrew."""

Row = dict[str, Any]
Write = Callable[[str, Row], None]

TABLES = {
    "posts": POSTS,
    "verdicts": VERDICTS,
    "links": LINKS,
    "aliases": ALIASES,
    "mentioned": MENTIONED,
    "identities": IDENTITIES,
}


class DamagedPart(UsageError):
    """A part is not what was written."""


class QuarantineRecord(msgspec.Struct, frozen=True):
    """What could not be read: the export, the item's position there (None: all of it), a code."""

    export_id: str
    position: int | None
    code: str


class Source(msgspec.Struct, frozen=True):
    """What the gate must know of an export to say whether its verdicts still hold."""

    export_id: str
    format: str
    platform: str
    acquisition: Acquisition
    owner: Account

    def posts(self) -> Iterator[Post | Quarantined]:
        """Give nothing: the file is gone."""
        return iter(())


class Part(msgspec.Struct, frozen=True):
    """The record of a part."""

    name: str
    """Of the folder: the export's id and the digest of what decides the part, both shortened."""
    export_id: str
    tally: dict[str, dict[str, int]]
    """Reason (KEPT for admitted) → account key in hex → items."""
    quarantined: tuple[QuarantineRecord, ...]
    decided: str = ""
    """Digest of what decided the verdicts (Gate.digest)."""
    source: Source | None = None
    """None in a part that keeps no words."""
    account: str = ""
    """Key of the account, as accounts are compared, in hex; of who withdrew: empty."""
    signals: tuple[Signal, ...] = ()
    """Of the account: what this export denies, its account's other exports deny too, though its file be gone."""
    tables: dict[str, tuple[str, ...]] = {}
    """SHA-256 of each table; two while one is exchanged, so that a crash leaves no part that seems damaged."""

    @property
    def items(self) -> int:
        """How many items the export holds."""
        return sum(sum(persons.values()) for persons in self.tally.values())


class _Sealed(msgspec.Struct, frozen=True):
    """A record as it stands in its file."""

    part: msgspec.Raw
    sha256: str


def read_part(folder: Path) -> Part:
    """Read the record of a part, and hold each table against it. Raises DamagedPart."""
    part = record_of(folder)
    for name in TABLES:
        _check(part, folder, name)
    return part


def sound_table(folder: Path, name: str) -> Path:
    """Give the file of one table, held against the record. Raises DamagedPart."""
    _check(record_of(folder), folder, name)
    return table_file(folder, name)


def record_of(folder: Path) -> Part:
    """Read the record of a part, whatever its tables are like. Raises DamagedPart."""
    try:
        sealed = msgspec.json.decode((folder / RECORD).read_bytes(), type=_Sealed)
        if sealed.sha256 == hashlib.sha256(sealed.part).hexdigest():
            return msgspec.json.decode(sealed.part, type=Part)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        pass  # as for a record whose digest is another
    raise DamagedPart(f"{folder / RECORD} is damaged, or missing")


def readable_rows(folder: Path, name: str) -> list[Row]:
    """Give what is left of a table of a damaged part: its rows, or none if they cannot be trusted."""
    try:
        sound = _is_sound(record_of(folder), folder, name)
    except DamagedPart:
        sound = True  # no digest to hold it against
    try:
        table = pq.read_table(table_file(folder, name)) if sound else None
    except (pa.ArrowException, OSError):
        return []
    return table.to_pylist() if table is not None and table.schema.equals(TABLES[name]) else []


def seal(folder: Path, part: Part) -> Part:
    """Write the record of a part whose tables are there, with their digests; the last that is written."""
    digests = {name: (sha256_of(table_file(folder, name)),) for name in TABLES}
    sealed = msgspec.structs.replace(part, tables=digests)
    _write_record(folder, sealed)
    return sealed


def rewrite_table(folder: Path, name: str, rows: Sequence[Row]) -> None:
    """Exchange a table of a part that stays, whole or not at all."""
    content = _encoded(rows, TABLES[name])
    part, digest = record_of(folder), hashlib.sha256(content).hexdigest()
    known = part.tables[name]
    if digest not in known:
        tables = {**part.tables, name: (known[-1], digest)}
        _write_record(folder, msgspec.structs.replace(part, tables=tables))
    write_synced(table_file(folder, name), content, mode=0o600)


def table_file(folder: Path, name: str) -> Path:
    """Say where a table of a part is."""
    return folder / f"{name}.parquet"


def rows_of(folder: Path, name: str) -> list[Row]:
    """Read a table of a part."""
    rows: list[Row] = pq.read_table(table_file(folder, name)).to_pylist()
    return rows


def write_rows(file: Path, rows: Sequence[Row], schema: pa.Schema) -> None:
    """Write a table, whole or not at all."""
    write_synced(file, _encoded(rows, schema), mode=0o600)


class Writers:
    """The tables of a new part, written in batches."""

    def __init__(self, folder: Path) -> None:
        self._rows: dict[str, list[Row]] = {name: [] for name in TABLES}
        self._files = {
            name: pq.ParquetWriter(table_file(folder, name), schema, compression="zstd")
            for name, schema in TABLES.items()
        }

    def __enter__(self) -> Write:
        return self._write

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name, file in self._files.items():
            if kind is None:
                self._flush(name)
            file.close()

    def _write(self, table: str, row: Row) -> None:
        self._rows[table].append(row)
        if len(self._rows[table]) >= FLUSH_ROWS:
            self._flush(table)

    def _flush(self, table: str) -> None:
        if self._rows[table]:
            self._files[table].write_table(pa.Table.from_pylist(self._rows[table], TABLES[table]))
            self._rows[table] = []


def _write_record(folder: Path, part: Part) -> None:
    content = msgspec.json.encode(part, order="sorted")
    sealed = _Sealed(msgspec.Raw(content), hashlib.sha256(content).hexdigest())
    write_synced(folder / RECORD, msgspec.json.encode(sealed), mode=0o600)


def _check(part: Part, folder: Path, name: str) -> None:
    if not _is_sound(part, folder, name):
        raise DamagedPart(f"{table_file(folder, name)} is damaged, or missing")


def _is_sound(part: Part, folder: Path, name: str) -> bool:
    file = table_file(folder, name)
    return file.is_file() and sha256_of(file) in part.tables.get(name, ())


def _encoded(rows: Sequence[Row], schema: pa.Schema) -> bytes:
    sink = pa.BufferOutputStream()
    table = pa.Table.from_pylist(list(rows), schema)
    pq.write_table(table, sink, row_group_size=FLUSH_ROWS, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content
