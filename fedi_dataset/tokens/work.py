"""Encodes row groups of dialogues, in their order, in this process or in several."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.tokens.encode import Counts, encode_batch
from fedi_dataset.tokens.rendering import Renderer

__all__ = ["RowGroup", "encode_groups"]

_AHEAD = 4
"""Row groups given out for each process before the first of them is asked for: bounds the memory."""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Where some dialogues lie."""

    path: Path
    index: int
    split: str


def encode_groups(
    groups: Sequence[RowGroup], renderer: Renderer, max_length: int, *, workers: int
) -> Iterator[tuple[pa.Table, Counts]]:
    """Encode each row group, in order. The rows are the same whatever the number of ``workers``."""
    if workers == 1 or len(groups) < 2:
        for group in groups:
            yield _encode(group, renderer, max_length)
        return
    with ProcessPoolExecutor(
        workers, mp_context=_context(), initializer=_start, initargs=(renderer, max_length)
    ) as pool:
        running: deque[Future[tuple[pa.Table, Counts]]] = deque()
        for group in groups:
            running.append(pool.submit(_work, group))
            if len(running) >= workers * _AHEAD:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def _context() -> Any:
    """Fork where it exists: a tokenizer takes seconds to load, and a forked process has it already."""
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if "fork" in methods else "spawn")


_given: tuple[Renderer, int] | None = None
"""In a worker process: with what it encodes, and to what length."""


def _start(renderer: Renderer, max_length: int) -> None:
    global _given
    _given = renderer, max_length


def _work(group: RowGroup) -> tuple[pa.Table, Counts]:
    if _given is None:
        raise RuntimeError("the worker was not started")
    return _encode(group, *_given)


def _encode(group: RowGroup, renderer: Renderer, max_length: int) -> tuple[pa.Table, Counts]:
    with pq.ParquetFile(group.path) as shard:
        return encode_batch(
            shard.read_row_group(group.index), renderer, max_length, split=group.split
        )
