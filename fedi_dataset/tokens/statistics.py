"""Counts tokens: by split, language, license and platform, and dialogues by their length."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fedi_dataset.release.statistics import Share, Statistics
from fedi_dataset.tokens.rendering import IGNORED

__all__ = ["GROUPS", "statistics_of"]

GROUPS: Final = ("language", "license", "platform")
"""Columns of the dialogues by which their tokens are counted."""


def statistics_of(tokens: pa.Table, dialogues: pa.Table, split: str) -> Statistics:
    """Count the rows of ``schema.TOKENS`` that were made of rows of ``schema.DIALOGUES`` of one split."""
    if not tokens.num_rows:
        return Statistics()
    lengths = pc.list_value_length(tokens["input_ids"]).to_numpy()
    trained = _trained(tokens["labels"])
    kept = pc.index_in(tokens["dialogue_key"], dialogues["dialogue_key"])
    by = {"split": {split: Share(len(lengths), int(lengths.sum()), int(trained.sum()))}}
    for group in GROUPS:
        values = dialogues[group].take(kept).to_pylist()
        by[group] = {
            value: Share(int(chosen.sum()), int(lengths[chosen].sum()), int(trained[chosen].sum()))
            for value in sorted(set(values))
            for chosen in [np.array([one == value for one in values])]
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
