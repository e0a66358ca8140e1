"""One file of tokens: lists of int32 in zstd Parquet, in row groups that a stream reads ahead.

Without rows there is no file, because datasets fails on one that is empty.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.tokens.packing import pack

__all__ = ["PACKS_IN_A_GROUP", "TokenShard", "token_writer"]

PACKS_IN_A_GROUP = 256
"""Packed rows of a row group: half a million ids at 2,048, a few megabytes."""


class TokenShard:
    """A file of tokens, written as its rows come, or packed once all of them are there. Without rows there is none."""

    def __init__(self, target: Path, capacity: int | None) -> None:
        """``capacity``: ids of a packed row; None: not packed."""
        self._target = target
        self._capacity = capacity
        self._to_pack: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None
        self.rows = 0

    def __enter__(self) -> TokenShard:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._to_pack and self._capacity is not None and kind is None:
            self._write(pack(pa.concat_tables(self._to_pack), self._capacity), PACKS_IN_A_GROUP)
        if self._writer is not None:
            self._writer.close()

    def add(self, table: pa.Table) -> None:
        """Take rows of ``schema.TOKENS`` or ``schema.MULTI_TURN_TOKENS``; unpacked, they are a row group."""
        if not table.num_rows:
            return
        if self._capacity is None:
            self._write(table, table.num_rows)
        else:
            self._to_pack.append(table)

    def _write(self, table: pa.Table, rows_in_a_group: int) -> None:
        if self._writer is None:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._writer = token_writer(self._target, table.schema)
        self._writer.write_table(table, row_group_size=rows_in_a_group)
        self.rows += table.num_rows


def token_writer(target: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a file for tokens. Ids of a large vocabulary are smaller and faster without a dictionary of their own."""
    return pq.ParquetWriter(target, schema, compression="zstd", use_dictionary=False)
