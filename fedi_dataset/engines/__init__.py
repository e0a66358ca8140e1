"""Engines: where the relational plane runs. Nothing outside this room knows which one does.

An engine is five verbs. SQL is the part that DuckDB and Spark both understand; ids are binary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa

__all__ = ["CellFunction", "Engine"]

CellFunction = Callable[[pa.RecordBatch], pa.RecordBatch]
"""Pure work on all rows of one cell, sorted; no clock, no randomness, no files."""


class Engine(Protocol):
    """The five verbs."""

    def read(self, name: str, paths: Sequence[Path]) -> None:
        """Name Parquet files of one schema, at least one, as a table."""
        ...

    def sql(self, name: str, query: str) -> int:
        """Run ``query``, keep its result as the table ``name`` (replacing it), return its rows."""
        ...

    def map_cells(
        self, table: str, factory: Callable[[], CellFunction], schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Apply a function to each cell of ``table``, in the order of cells.

        ``table`` has the columns ``cell, anchor, rank, created_at, post_key`` to group and sort by.
        ``factory`` runs once a worker, so that a model is loaded once; results obey ``schema``.
        """
        ...

    def commit(self, name: str, path: Path) -> None:
        """Write the table ``name`` as one Parquet file, whole or not at all."""
        ...

    def close(self) -> None:
        """Give back memory, processes and scratch files."""
        ...
