"""Batches of tokens as padded tensors, straight from Arrow: no id becomes a Python number on its way.

For training loops of one's own, over a stream of Arrow batches::

    stream = load_dataset(RELEASE, "tokens", split="train", streaming=True)
    loader = DataLoader(
        stream.with_format("arrow").batch(32), batch_size=None, collate_fn=TokenCollator(pad_token_id)
    )

torch comes with the extra ``train``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import torch

__all__ = ["TokenCollator"]


@dataclass(frozen=True)
class TokenCollator:
    """Makes of rows of ``schema.TOKENS`` tensors of (rows, longest): ``input_ids, attention_mask, labels`` (int64).

    Also of packed rows, which then have ``position_ids`` too. Their attention mask says only what is padding: a model
    tells the dialogues of a row apart by ``position_ids``, where it can.
    """

    pad_token_id: int
    """Stands behind shorter rows; their labels there are ``ignored``, so it may be any id."""
    ignored: int = -100

    def __call__(self, rows: pa.Table | pa.RecordBatch) -> dict[str, torch.Tensor]:
        """Pad to the longest row of this batch, on the right."""
        import torch

        columns = {name: _lists(rows[name]) for name in rows.column_names if name in _PADDING}
        _, offsets = columns["input_ids"]
        lengths = np.diff(offsets)
        inside = np.arange(lengths.max(initial=0)) < lengths[:, None]
        padding = {**_PADDING, "input_ids": self.pad_token_id, "labels": self.ignored}
        batch = {"attention_mask": torch.from_numpy(inside.astype(np.int64))}
        for name, (values, _) in columns.items():
            padded = np.full(inside.shape, padding[name], dtype=np.int64)
            padded[inside] = values
            batch[name] = torch.from_numpy(padded)
        return batch


_PADDING = {"input_ids": 0, "labels": 0, "position_ids": 0}


def _lists(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """Give the values of a column of lists in a row, and where each list begins; one more at the end.

    ``IterableDataset.batch`` makes of the rows of a batch one list of lists: that is taken as the column.
    """
    lists = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_list(lists.type.value_type) or pa.types.is_large_list(lists.type.value_type):
        lists = lists.flatten()
    offsets = lists.offsets.to_numpy()
    return lists.flatten().to_numpy(), offsets - offsets[0]
