"""Sealed tables: small tables of the workspace that no export could give again, each with a digest of its rows.

One that was damaged since is known for it when it is read. What that means is for whoever reads it to say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.errors import UsageError
from fedi_dataset.part import Row, write_rows

__all__ = ["DamagedTable", "read_sealed", "write_sealed"]

CONTENT = b"sha256"
"""Key under which a table has the digest of its rows."""


class DamagedTable(UsageError):
    """A table does not hold what was written."""


def read_sealed(file: Path) -> list[Row]:
    """Read a table; no rows if there is no such file yet. Raises DamagedTable."""
    if not file.exists():
        return []
    try:
        table = pq.read_table(file)
        rows: list[Row] = table.to_pylist()
        sound = (table.schema.metadata or {}).get(CONTENT) == _digest(rows)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        sound = False
    if not sound:
        raise DamagedTable(f"{file} is damaged")
    return rows


def write_sealed(file: Path, rows: Sequence[Row], schema: pa.Schema) -> None:
    """Write distinct rows in their order, whole or not at all, unless that is what the file holds."""
    distinct = {tuple(row[name] for name in schema.names): row for row in rows}
    ordered = [distinct[values] for values in sorted(distinct, key=repr)]
    if not _holds(file, ordered):
        write_rows(file, ordered, schema.with_metadata({CONTENT: _digest(ordered)}))


def _holds(file: Path, rows: Sequence[Row]) -> bool:
    try:
        return file.exists() and read_sealed(file) == rows
    except DamagedTable:
        return False


def _digest(rows: Sequence[Row]) -> bytes:
    return hashlib.sha256(msgspec.msgpack.encode(rows)).hexdigest().encode()
