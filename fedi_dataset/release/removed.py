"""removed_keys.jsonl: what copies of earlier revisions must drop.

One line for every row of an earlier revision that a later one lacks or holds with other content,
whatever the reason: ``{"table", "key", "build"}``. A copy older than ``build`` must drop the row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from fedi_dataset.files import write_synced
from fedi_dataset.release.manifest import FileRecord, Manifest
from fedi_dataset.release.store import Staging
from fedi_dataset.schema import RELEASE_TABLES

__all__ = ["REMOVED_KEYS", "removed_keys", "stage_removed_keys"]

REMOVED_KEYS = "removed_keys.jsonl"

KEY_COLUMNS = {name: schema.names[0] for name, schema in RELEASE_TABLES.items()}
"""The first column of each of the release's tables is its key."""

Rows = set[tuple[str, str, bytes]]


def removed_keys(release: Path) -> set[str]:
    """Give the keys of all rows that earlier revisions held and this one does not, or not so."""
    try:
        lines = (release / REMOVED_KEYS).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return set()
    return {json.loads(line)["key"] for line in lines}


def stage_removed_keys(
    stage: Staging, release: Path, old: Manifest | None, new: Manifest
) -> tuple[Manifest, list[tuple[str, str]]]:
    """Stage the list for ``new``: the former list and what this revision removes from ``old``.

    Gives the manifest with it, and the (table, key) that are new on it, sorted. Only shards that are not the
    same file in both are read, because all rows of the others stay.
    """
    if old is None:
        return new, []
    gone = _rows(release.joinpath, old, new.files) - _rows(stage.find, new, old.files)
    keys = sorted({(table, key) for table, key, _ in gone})
    former = (release / REMOVED_KEYS).read_bytes() if REMOVED_KEYS in old.files else b""
    if not keys and not former:
        return new, []
    lines = [
        json.dumps({"table": table, "key": key, "build": new.build}) + "\n" for table, key in keys
    ]
    write_synced(stage.path / REMOVED_KEYS, former + "".join(lines).encode())
    files = {**new.files, REMOVED_KEYS: stage.record(REMOVED_KEYS)}
    return msgspec.structs.replace(new, files=files), keys


def _rows(find: Callable[[str], Path], manifest: Manifest, other: Mapping[str, FileRecord]) -> Rows:
    """Give (table, key, digest of the row) of all shards that ``other`` does not have just so."""
    return {
        found
        for path, record in manifest.files.items()
        if record.table in KEY_COLUMNS and other.get(path) != record
        for found in _rows_of(find(path), record.table)
    }


def _rows_of(path: Path, table: str) -> Iterator[tuple[str, str, bytes]]:
    with pq.ParquetFile(path) as shard:
        for group in range(shard.num_row_groups):
            for row in shard.read_row_group(group).to_pylist():
                digest = hashlib.sha256(msgspec.msgpack.encode(row)).digest()
                yield table, row[KEY_COLUMNS[table]], digest
