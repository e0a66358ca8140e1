"""The local engine: DuckDB for SQL, processes for cells. Out of core, on one machine."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa

from fedi_dataset.engines import CellFunction
from fedi_dataset.errors import FediDatasetError

__all__ = ["LocalEngine"]

MEMORY = 1500
"""MB that DuckDB may hold in memory; the rest lies in the scratch folder. With it, a forest of ten million posts stays
below 2 GB in all, and its joins just about fit."""
SORTING = 2
"""Share of it for sorting rows by cells, as a divisor: runs of half the size merge as fast, and the other half is for
the rows of the cells that are worked on, which DuckDB does not count."""
BATCH_ROWS = 20_000
QUEUED_PER_WORKER = 3
"""Cells in flight a worker: enough to keep it busy, few enough to bound memory."""


class LocalEngine:
    """DuckDB in a scratch folder below ``scratch`` (kept private), and ``workers`` processes.

    ``memory``: MB that its tables and joins hold before they go to the scratch folder.
    """

    def __init__(self, scratch: Path, *, workers: int = 1, memory: int = MEMORY) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="engine-", dir=scratch))
        self._workers = workers
        self._memory = memory
        self._views: set[str] = set()
        self._db = duckdb.connect(
            str(self._folder / "tables.duckdb"),
            config={
                "temp_directory": str(self._folder / "spill"),
                "preserve_insertion_order": False,  # whoever needs an order says so
                "force_compression": "uncompressed",  # keys do not compress, and trying costs half
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "memory_limit": f"{memory}MB",
            },
        )

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def read(self, name: str, paths: Sequence[Path]) -> None:
        """Name Parquet files as a table; they are read when a query needs them."""
        listed = ", ".join(map(_literal, paths))
        self._drop(name)
        self._run(f"create view {name} as select * from read_parquet([{listed}])")
        self._views.add(name)

    def sql(self, name: str, query: str) -> int:
        """Materialise ``query`` as the table ``name``; ``query`` may read the former ``name``."""
        self._run(f"create or replace table next_{name} as {query}")
        self._drop(name)
        self._run(f"alter table next_{name} rename to {name}")
        row = self._run(f"select count(*) from {name}").fetchone()
        return int(row[0]) if row else 0

    def commit(self, name: str, path: Path) -> None:
        """Write the table as Parquet beside ``path`` and rename it there."""
        scratch = path.with_name(path.name + ".tmp")
        try:
            self._run(f"copy {name} to {_literal(scratch)} (format parquet, compression zstd)")
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)

    def map_cells(
        self, table: str, factory: Callable[[], CellFunction], schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Apply the factory's function to each cell, here or in processes, in the order of cells."""
        cells = self._cells(table)
        results = _here(cells, factory) if self._workers == 1 else self._pooled(cells, factory)
        for result in results:
            yield result.cast(schema) if result.schema != schema else result

    def close(self) -> None:
        """Close the database and delete the scratch folder."""
        self._db.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, query: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._db.execute(query)
        except duckdb.OutOfMemoryException as error:
            raise FediDatasetError(
                f"the engine's memory does not suffice ({str(error).splitlines()[0]})"
            ) from error
        except duckdb.Error as error:
            if os.strerror(errno.ENOSPC) in str(error):
                raise OSError(
                    errno.ENOSPC, os.strerror(errno.ENOSPC), self._folder.parent
                ) from error
            raise

    def _drop(self, name: str) -> None:
        self._run(f"drop {'view' if name in self._views else 'table'} if exists {name}")
        self._views.discard(name)

    def _cells(self, table: str) -> Iterator[pa.RecordBatch]:
        self._run(f"set memory_limit = '{self._memory // SORTING}MB'")
        cursor = (
            self._db.cursor()
        )  # its own cursor: the result stays open while cells are worked on
        reader = cursor.sql(
            f"select * from {table} order by cell, anchor, rank, created_at, post_key"
        ).to_arrow_reader(BATCH_ROWS)
        held: list[pa.RecordBatch] = []
        for batch in reader:
            for piece in _by_cell(batch):
                if held and held[0]["cell"][0] != piece["cell"][0]:
                    yield _joined(held)
                    held = []
                held.append(piece)
        if held:
            yield _joined(held)
        cursor.close()
        self._run(f"set memory_limit = '{self._memory}MB'")

    def _pooled(
        self, cells: Iterator[pa.RecordBatch], factory: Callable[[], CellFunction]
    ) -> Iterator[pa.RecordBatch]:
        # spawn: a fork would copy DuckDB's and onnxruntime's threads in an unknown state
        with ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(factory,),
        ) as pool:
            running: deque[Future[pa.RecordBatch]] = deque()
            try:
                for cell in cells:
                    running.append(pool.submit(_work, cell))
                    if len(running) >= self._workers * QUEUED_PER_WORKER:
                        yield running.popleft().result()
                while running:
                    yield running.popleft().result()
            except BrokenProcessPool as error:
                raise FediDatasetError(
                    "a worker process ended before its work did, perhaps for want of memory; run the same "
                    "command with fewer --workers: what is finished is kept. (A script of yours must call "
                    'build() under `if __name__ == "__main__":`)'
                ) from error
            finally:
                for future in running:
                    future.cancel()


_function: CellFunction | None = None
"""In a worker process: what its factory made."""


def _start_worker(factory: Callable[[], CellFunction]) -> None:
    global _function
    _function = factory()


def _work(cell: pa.RecordBatch) -> pa.RecordBatch:
    if _function is None:
        raise RuntimeError("the worker was not started")
    return _function(cell)


def _here(
    cells: Iterator[pa.RecordBatch], factory: Callable[[], CellFunction]
) -> Iterator[pa.RecordBatch]:
    function: CellFunction | None = None
    for cell in cells:
        function = function or factory()
        yield function(cell)


def _by_cell(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    cells = batch["cell"].to_pylist()
    begin = 0
    for index in range(1, len(cells) + 1):
        if index == len(cells) or cells[index] != cells[begin]:
            yield batch.slice(begin, index - begin)
            begin = index


def _joined(pieces: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.concat_batches(pieces)


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
