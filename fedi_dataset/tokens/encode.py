"""Encodes a release's dialogues into its ``tokens`` table, and counts what became of each row.

A pure function over Arrow data: the same dialogues, renderer and length give the same table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from fedi_dataset.release.statistics import Statistics
from fedi_dataset.schema import TOKENS
from fedi_dataset.tokens.rendering import Refused, Renderer
from fedi_dataset.tokens.statistics import statistics_of

__all__ = ["Counts", "encode_batch"]


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the dialogues: rows in = rows kept + rows dropped. Counts add up."""

    rows_in: int = 0
    rows_kept: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Rows by reason code, sorted by code."""
    dropped_turns: int = 0
    """Messages left out of prompts of kept rows, to fit the length."""
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
    keys = dialogues.column("dialogue_key").to_pylist()
    prompts = dialogues.column("prompt").to_pylist()
    completions = dialogues.column("completion").to_pylist()
    outcomes = renderer.render_batch(list(zip(prompts, completions, strict=True)), max_length)
    dropped = Counter(outcome.reason for outcome in outcomes if isinstance(outcome, Refused))
    kept = [
        (key, outcome)
        for key, outcome in zip(keys, outcomes, strict=True)
        if not isinstance(outcome, Refused)
    ]
    table = pa.table(
        [
            [key for key, _ in kept],
            [row.input_ids for _, row in kept],
            [row.labels for _, row in kept],
        ],
        schema=TOKENS,
    )
    counts = Counts(
        rows_in=len(keys),
        rows_kept=len(kept),
        dropped=_by_code(dropped),
        dropped_turns=sum(row.dropped_turns for _, row in kept),
        statistics=statistics_of(table, dialogues, split),
    )
    return table, counts


def _by_code(counts: Mapping[str, int]) -> dict[str, int]:
    return {code: counts[code] for code in sorted(counts)}
