"""Encodes the rows of shards, in their order, in this process or in several.

A task is a run of row groups, long enough that handing it out costs little beside its work. What comes back is Arrow
data, eight bytes a token. The tokenizer is loaded, and its fast way proven, once: forked processes have both already.
"""

from __future__ import annotations

import gc
import multiprocessing
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.tokens.encode import Counts, encode_batch, encode_multi_turn
from fedi_dataset.tokens.rendering import Renderer
from fedi_dataset.tokens.statistics import GROUPS

__all__ = ["Source", "Task", "encode_tasks", "tasks_of"]

Source = Literal["dialogues", "multi_turn"]
"""The tables of which tokens can be made."""

_COLUMNS: Final[dict[Source, list[str]]] = {
    "dialogues": ["dialogue_key", "prompt", "completion"],
    "multi_turn": ["dialogue_keys", "messages"],
}

_ROWS: Final = 500
"""Rows of a task, at least, as far as its shard has them: some thirty milliseconds of work."""
_AHEAD: Final = 4
"""Tasks given out for each process before the first of them is asked for: bounds the memory."""


@dataclass(frozen=True, slots=True)
class Task:
    """A run of row groups of a shard."""

    path: Path
    groups: range
    split: str
    table: Source = "dialogues"


def tasks_of(path: Path, split: str, table: Source = "dialogues") -> list[Task]:
    """Cut a shard into tasks, in its order."""
    metadata = pq.read_metadata(path)
    tasks: list[Task] = []
    first = rows = 0
    for group in range(metadata.num_row_groups):
        rows += metadata.row_group(group).num_rows
        if rows >= _ROWS or group == metadata.num_row_groups - 1:
            tasks.append(Task(path, range(first, group + 1), split, table))
            first, rows = group + 1, 0
    return tasks


def encode_tasks(
    tasks: Sequence[Task], renderer: Renderer, max_length: int, *, workers: int
) -> Iterator[tuple[pa.Table, Counts]]:
    """Do each task, in order. The rows are the same whatever the number of ``workers``."""
    if workers == 1 or len(tasks) < 2:
        here = _Encoder(renderer, max_length)
        yield from map(here.encode, tasks)
        return
    with ProcessPoolExecutor(
        workers, mp_context=_context(), initializer=_start, initargs=(renderer, max_length)
    ) as pool:
        running: deque[Future[tuple[pa.Table, Counts]]] = deque()
        for task in tasks:
            running.append(pool.submit(_work, task))
            if len(running) >= workers * _AHEAD:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def _context() -> Any:
    """Fork where it exists: a forked process has what this one has loaded."""
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if "fork" in methods else "spawn")


class _Encoder:
    """Does tasks one after the other; the footer of a shard is read once for all tasks in a row that are of it."""

    def __init__(self, renderer: Renderer, max_length: int) -> None:
        self._renderer = renderer
        self._max_length = max_length
        self._footer: tuple[Path, pq.FileMetaData] | None = None

    def encode(self, task: Task) -> tuple[pa.Table, Counts]:
        if self._footer is None or self._footer[0] != task.path:
            self._footer = task.path, pq.read_metadata(task.path)
        columns = [*_COLUMNS[task.table], *GROUPS]
        with pq.ParquetFile(task.path, metadata=self._footer[1]) as shard:
            rows = shard.read_row_groups(list(task.groups), columns=columns, use_threads=False)
        encode = encode_batch if task.table == "dialogues" else encode_multi_turn
        return encode(rows, self._renderer, self._max_length, split=task.split)


_encoder: _Encoder | None = None
"""In a worker process: what does its tasks."""


def _start(renderer: Renderer, max_length: int) -> None:
    global _encoder
    gc.freeze()  # what was forked stays as it is: a page that the collector writes to is copied
    _encoder = _Encoder(renderer, max_length)


def _work(task: Task) -> tuple[pa.Table, Counts]:
    if _encoder is None:
        raise RuntimeError("the worker was not started")
    return _encoder.encode(task)
