"""Counts tokens: by split, language, license and platform, and rows by their length."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fedi_dataset.release.statistics import Share, Statistics
from fedi_dataset.tokens.messages import IGNORED

__all__ = ["GROUPS", "statistics_of"]

GROUPS: Final = ("language", "license", "platform")
"""Columns of the rows that tokens are made of, by which they are counted."""


def statistics_of(tokens: pa.Table, made_of: pa.Table, split: str) -> Statistics:
    """Count tokens of one split that are not packed; ``made_of`` holds for each of their rows the one it was made of.

    A row counts as many dialogues as it trains responses.
    """
    if not tokens.num_rows:
        return Statistics()
    lengths = pc.list_value_length(tokens["input_ids"]).to_numpy()
    trained = _trained(tokens["labels"])
    dialogues = np.ones(len(lengths), np.int64)
    if "dialogue_keys" in tokens.column_names:
        dialogues = pc.list_value_length(tokens["dialogue_keys"]).to_numpy()
    by = {"split": {split: Share(*(int(one.sum()) for one in (dialogues, lengths, trained)))}}
    for group in GROUPS:
        values = np.array(made_of[group].to_pylist(), dtype=object)
        by[group] = {
            value: Share(
                *(int(one[values == value].sum()) for one in (dialogues, lengths, trained))
            )
            for value in sorted(set(values))
        }
    bins = np.maximum(1, 2 ** np.ceil(np.log2(lengths)).astype(np.int64))
    counted = dict(
        zip(*(part.tolist() for part in np.unique(bins, return_counts=True)), strict=True)
    )
    return Statistics(by, {str(one): counted[one] for one in sorted(counted)})


def _trained(labels: pa.ChunkedArray) -> np.ndarray:
    """Count the labels of each row on which loss is taken."""
    lists = labels.combine_chunks()
    offsets = lists.offsets.to_numpy()
    sums = np.concatenate([[0], np.cumsum(lists.flatten().to_numpy() != IGNORED)])
    begins = offsets - offsets[0]
    counts: np.ndarray = sums[begins[1:]] - sums[begins[:-1]]
    return counts
