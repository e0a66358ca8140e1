"""Encodes a release's dialogues, or rows of several, into its ``tokens`` table, and counts what became of each.

Pure functions over Arrow data: the same rows, renderer and length give the same table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from fedi_dataset.release.statistics import Statistics
from fedi_dataset.schema import MULTI_TURN_TOKENS, TOKENS
from fedi_dataset.tokens.messages import Refused, Rendered, Row
from fedi_dataset.tokens.rendering import Renderer
from fedi_dataset.tokens.statistics import GROUPS, statistics_of

__all__ = ["Counts", "encode_batch", "encode_multi_turn"]


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the dialogues: rows in = rows kept + rows dropped. Counts add up.

    A row of ``multi_turn`` is as many dialogues as it trains responses.
    """

    rows_in: int = 0
    rows_kept: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Dialogues by reason code, sorted by code."""
    dropped_turns: int = 0
    """Messages left out at the beginning of kept rows, to fit the length."""
    statistics: Statistics = field(default_factory=Statistics)
    """Of the rows kept."""

    def __post_init__(self) -> None:
        if self.rows_in != self.rows_kept + sum(self.dropped.values()):
            raise ValueError("rows in are not rows kept and rows dropped")

    @property
    def tokens(self) -> int:
        """Ids of the rows kept."""
        return self.statistics.total.tokens

    @property
    def trained_tokens(self) -> int:
        """Tokens on which loss is taken; the rest is context."""
        return self.statistics.total.trained_tokens

    def __add__(self, other: Counts) -> Counts:
        """Counts of both batches together."""
        return Counts(
            rows_in=self.rows_in + other.rows_in,
            rows_kept=self.rows_kept + other.rows_kept,
            dropped=_by_code(Counter(self.dropped) + Counter(other.dropped)),
            dropped_turns=self.dropped_turns + other.dropped_turns,
            statistics=self.statistics + other.statistics,
        )


def encode_batch(
    dialogues: pa.Table, renderer: Renderer, max_length: int | None, *, split: str
) -> tuple[pa.Table, Counts]:
    """Encode dialogues (``schema.DIALOGUES``) of a split into rows of ``schema.TOKENS``, in their order.

    No row is longer than ``max_length`` tokens (None: any length): prompts lose their oldest turns,
    and what does not fit even so is dropped as ``too_long``.
    """
    prompts = dialogues.column("prompt").to_pylist()
    completions = dialogues.column("completion").to_pylist()
    outcomes = renderer.render_batch(list(zip(prompts, completions, strict=True)), max_length)
    kept = [(row, one) for row, one in enumerate(outcomes) if isinstance(one, Rendered)]
    dropped = Counter(one.reason for one in outcomes if isinstance(one, Refused))
    keys = dialogues.column("dialogue_key").take(pa.array([row for row, _ in kept], pa.int64()))
    return _encoded(TOKENS, keys, kept, dropped, dialogues, split, rows_in=len(outcomes))


def encode_multi_turn(
    rows: pa.Table, renderer: Renderer, max_length: int | None, *, split: str
) -> tuple[pa.Table, Counts]:
    """Encode rows (``schema.MULTI_TURN``) of a split into rows of ``schema.MULTI_TURN_TOKENS``, in their order.

    A message is trained exactly if its ``train`` says so. A row longer than ``max_length`` loses its oldest turns; what
    is trained among them gets a row of its own, before it, and a response that does not fit even so is dropped as
    ``too_long``. So each dialogue is kept or dropped as it would be alone.
    """
    names = rows.column("dialogue_keys").to_pylist()
    shared = renderer.render_rows(
        [
            Row(
                [{"role": one["role"], "content": one["content"]} for one in messages],
                tuple(place for place, one in enumerate(messages) if one["train"]),
            )
            for messages in rows.column("messages").to_pylist()
        ],
        max_length,
    )
    kept = [(row, one) for row, parts in enumerate(shared) for _, one in parts.rendered]
    dropped = Counter(one.reason for parts in shared for _, one in parts.refused)
    keys = [
        [names[row][place] for place in places]
        for row, parts in enumerate(shared)
        for places, _ in parts.rendered
    ]
    rows_in = sum(map(len, names))
    return _encoded(MULTI_TURN_TOKENS, keys, kept, dropped, rows, split, rows_in=rows_in)


def _encoded(
    schema: pa.Schema,
    keys: Any,
    kept: Sequence[tuple[int, Rendered]],
    dropped: Counter[str],
    rows: pa.Table,
    split: str,
    *,
    rows_in: int,
) -> tuple[pa.Table, Counts]:
    """Make the table of what was kept, each with the number of the row that it was made of."""
    ends = np.cumsum([0, *(len(row.input_ids) for _, row in kept)])
    table = pa.table(
        [
            keys,
            _lists(ends, (row.input_ids for _, row in kept)),
            _lists(ends, (row.labels for _, row in kept)),
        ],
        schema=schema,
    )
    made_of = rows.select(GROUPS).take(pa.array([row for row, _ in kept], pa.int64()))
    statistics = statistics_of(table, made_of, split)
    counts = Counts(
        rows_in=rows_in,
        rows_kept=statistics.total.dialogues,
        dropped=_by_code(dropped),
        dropped_turns=sum(row.dropped_turns for _, row in kept),
        statistics=statistics,
    )
    return table, counts


def _lists(ends: np.ndarray, lists: Iterable[list[int]]) -> pa.Array:
    values = np.fromiter(chain.from_iterable(lists), np.int32, int(ends[-1]))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(values))


def _by_code(counts: Mapping[str, int]) -> dict[str, int]:
    return {code: counts[code] for code in sorted(counts)}
