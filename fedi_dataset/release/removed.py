"""removed_keys.jsonl: what copies of earlier revisions must drop.

One line for every row of an earlier revision that a later one lacks or holds with other content,
whatever the reason: ``{"table", "key", "build"}``. A copy older than ``build`` must drop the row.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec
import pyarrow.parquet as pq

from fedi_dataset.files import sha256_of, write_synced
from fedi_dataset.release.manifest import FileRecord, Manifest
from fedi_dataset.release.publish import FormerCells
from fedi_dataset.release.store import Staging
from fedi_dataset.schema import RELEASE_TABLES

__all__ = ["REMOVED_KEYS", "Line", "Removed", "removed_lines", "stage_removed_keys"]

REMOVED_KEYS = "removed_keys.jsonl"

KEY_COLUMNS = {name: schema.names[0] for name, schema in RELEASE_TABLES.items()}
"""The first column of each of the release's tables is its key."""

Rows = set[tuple[str, str, bytes]]


class Line(msgspec.Struct, frozen=True):
    """A row that an earlier revision held, and the build from which on it is gone or says something else."""

    table: str
    key: str
    build: str


@dataclass(frozen=True)
class Removed:
    """What a revision removes from the one before."""

    keys: tuple[tuple[str, str], ...] = ()
    """Table and key, sorted."""
    unlisted: Mapping[str, int] = field(default_factory=dict)
    """Former data files that were damaged, and whose rows nothing else tells → the rows that they had."""
    lost_lines: int = 0
    """Lines of the former list that were damaged."""

    def __bool__(self) -> bool:
        return bool(self.keys or self.unlisted)

    def shortfalls(self) -> Iterator[str]:
        """Say what is not on the list."""
        for path, rows in self.unlisted.items():
            yield (
                f"{path} of the former revision was damaged: of its {rows} rows those that are not in "
                f"{REMOVED_KEYS} are unknown. Whoever holds that revision must drop the whole file"
            )
        if self.lost_lines:
            yield (
                f"{REMOVED_KEYS} was damaged, and {self.lost_lines} of its lines are lost. Whoever holds a "
                "revision older than the last one must drop it whole"
            )


def removed_lines(release: Path) -> list[Line]:
    """Read the list; lines that cannot be read are passed over."""
    return [line for line in _decoded(release) if line is not None]


def stage_removed_keys(
    stage: Staging, release: Path, old: Manifest | None, new: Manifest, former: FormerCells
) -> tuple[Manifest, Removed]:
    """Stage the list for ``new``: the former list and what this revision removes from ``old``.

    Only shards that are not the same file in both are read, because all rows of the others stay; what a damaged one
    held is read from the cells that it was made of.
    """
    if old is None:
        return new, Removed()
    listed = _decoded(release)
    lost = sum(line is None for line in listed)
    if REMOVED_KEYS in old.files and not (release / REMOVED_KEYS).is_file():
        lost += 1
    before, unlisted = _former_rows(release, old, new, former)
    keys = sorted({(table, key) for table, key, _ in before - _next_rows(stage, old, new)})
    lines = [line for line in listed if line is not None]
    lines += [Line(table, key, new.build) for table, key in keys]
    removed = Removed(tuple(keys), unlisted, lost)
    if not lines:
        return new, removed
    content = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    write_synced(stage.path / REMOVED_KEYS, content)
    files = {**new.files, REMOVED_KEYS: stage.record(REMOVED_KEYS)}
    return msgspec.structs.replace(new, files=files), removed


def _decoded(release: Path) -> list[Line | None]:
    """Read the list line by line; None stands for one that is damaged."""
    try:
        content = (release / REMOVED_KEYS).read_bytes()
    except FileNotFoundError:
        return []
    return [_line(raw) for raw in content.splitlines()]


def _line(raw: bytes) -> Line | None:
    try:
        return msgspec.json.decode(raw, type=Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _former_rows(
    release: Path, old: Manifest, new: Manifest, former: FormerCells
) -> tuple[Rows, dict[str, int]]:
    """Give the rows of the shards that do not stay, and of which of them some are unknown."""
    rows: Rows = set()
    unlisted: dict[str, int] = {}
    for path, record in _differing(old, new):
        file = release / path
        if file.is_file() and sha256_of(file) == record.sha256:
            rows.update(_rows_of(file, str(record.table)))
            continue
        tables, complete = former.tables_of(path, record, old.cell_bits)
        for table in tables:
            rows.update(_rows_of(io.BytesIO(table), str(record.table)))
        if not complete:
            unlisted[path] = record.rows or 0
    return rows, unlisted


def _next_rows(stage: Staging, old: Manifest, new: Manifest) -> Rows:
    return {
        row
        for path, record in _differing(new, old)
        for row in _rows_of(stage.find(path), str(record.table))
    }


def _differing(manifest: Manifest, other: Manifest) -> Iterator[tuple[str, FileRecord]]:
    """Give the shards of a revision that another one does not have just so."""
    for path, record in manifest.files.items():
        if record.table in KEY_COLUMNS and other.files.get(path) != record:
            yield path, record


def _rows_of(source: Path | BinaryIO, table: str) -> Iterator[tuple[str, str, bytes]]:
    """Give (table, key, digest of the row) of a Parquet file."""
    with pq.ParquetFile(source) as shard:
        for group in range(shard.num_row_groups):
            for row in shard.read_row_group(group).to_pylist():
                digest = hashlib.sha256(msgspec.msgpack.encode(row)).digest()
                yield table, row[KEY_COLUMNS[table]], digest
