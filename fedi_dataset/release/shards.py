"""Shards: runs of cells in one Parquet file, a row group a cell, named by the prefix that they share.

A shard is the shallowest aligned prefix of cells whose encoded cells are at most the limit, so that a
shard that splits renames no other, and a cell that changes touches only its own.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import pyarrow.parquet as pq

__all__ = ["holds", "plan", "shard_path", "write_shard"]


def plan(sizes: Mapping[int, int], bits: int, limit: int) -> Iterator[tuple[str, list[int]]]:
    """Divide cells into shards: (prefix, cells in order), by prefix; prefixes without cells are left out.

    ``sizes``: cell → encoded bytes. A single cell above ``limit`` is a shard of its own.
    """
    stack = [("", sorted(sizes))]
    while stack:
        prefix, cells = stack.pop()
        if not cells:
            continue
        if len(prefix) == bits or sum(sizes[cell] for cell in cells) <= limit:
            yield prefix, cells
            continue
        middle = 1 << (bits - len(prefix) - 1)
        stack.append((prefix + "1", [cell for cell in cells if cell & middle]))
        stack.append((prefix + "0", [cell for cell in cells if not cell & middle]))


def shard_path(table: str, split: str, prefix: str) -> str:
    """Path of a shard in the release: ``dialogues/train-b0110.parquet``; ``train-b`` for all cells."""
    return f"{table}/{split}-b{prefix}.parquet"


def holds(path: str, cell: int, bits: int) -> bool:
    """Tell whether a cell's rows stand in a shard, by the shard's path."""
    prefix = path.rpartition("-b")[2].removesuffix(".parquet")
    return not prefix or f"{cell:0{bits}b}".startswith(prefix)


def write_shard(path: Path, cells: Iterable[bytes]) -> int:
    """Write the cells' encoded tables, at least one, one after the other, each its own row group.

    Returns the rows.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = (pq.read_table(io.BytesIO(cell)) for cell in cells)
    first = next(tables)
    rows = 0
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        for table in chain([first], tables):
            writer.write_table(table, row_group_size=max(1, table.num_rows))
            rows += table.num_rows
    return rows
