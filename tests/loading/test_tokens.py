"""Tokens as training code streams them: over ranks and workers every row once, resumable, and padded right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from datasets.distributed import split_dataset_by_node

from fedi_dataset.schema import TOKENS
from fedi_dataset.tokens.collate import TokenCollator
from fedi_dataset.tokens.packing import pack
from tests.commands import run
from tests.conftest import ReleaseCopy
from tests.tokens.shapes import SHAPES, save, template_of


@pytest.fixture
def release(release_copy: ReleaseCopy, tmp_path: Path) -> Path:
    """A release with tokens."""
    folder = str(save(SHAPES["chatml"], tmp_path / "tokenizer", template_of("chatml")))
    assert run("tokenize", release_copy.release, "--tokenizer", folder).code == 0
    return release_copy.release


def keys_of(release: Path) -> list[str]:
    """Every key of the train split, sorted."""
    return sorted(
        key
        for path in (release / "tokens").glob("train-*.parquet")
        for key in pq.read_table(path)["dialogue_key"].to_pylist()
    )


def stream_of(release: Path) -> Any:
    """The train split's tokens as a stream."""
    return load_dataset(str(release), "tokens", split="train", streaming=True)


@pytest.mark.parametrize("ranks", [1, 2, 4, 8])
def test_every_row_is_on_one_rank(release: Path, ranks: int) -> None:
    """However many ranks, together they see each row once."""
    seen = [
        row["dialogue_key"]
        for rank in range(ranks)
        for row in split_dataset_by_node(stream_of(release), rank=rank, world_size=ranks)
    ]
    assert sorted(seen) == keys_of(release)


@pytest.mark.parametrize("workers", [0, 2])
def test_every_row_is_at_one_worker(release: Path, workers: int) -> None:
    """A DataLoader's workers share the shards among them."""
    data = pytest.importorskip("torch.utils.data")
    loader = data.DataLoader(
        stream_of(release),
        batch_size=None,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
    )
    assert sorted(row["dialogue_key"] for row in loader) == keys_of(release)


def test_a_stream_goes_on_where_it_stopped(release: Path) -> None:
    """state_dict and load_state_dict: what was read before a stop and after it is the whole."""
    stream = stream_of(release)
    before = []
    for number, row in enumerate(stream):
        before.append(row["dialogue_key"])
        if number == 6:
            break
    state = stream.state_dict()
    resumed = stream_of(release)
    resumed.load_state_dict(state)
    after = [row["dialogue_key"] for row in resumed]
    assert sorted(before + after) == keys_of(release)


def test_batches_are_padded_and_masked(release: Path) -> None:
    """Out of a DataLoader come tensors whose unmasked part is what the rows say."""
    data = pytest.importorskip("torch.utils.data")
    stream = stream_of(release).with_format("arrow").batch(5)
    loader = data.DataLoader(stream, batch_size=None, collate_fn=TokenCollator(0))
    found = [
        (row[mask].tolist(), labels[mask].tolist(), set(labels[~mask].tolist()))
        for batch in loader
        for row, labels, mask in zip(
            batch["input_ids"], batch["labels"], batch["attention_mask"].bool(), strict=True
        )
    ]
    rows = [(row["input_ids"], row["labels"]) for row in stream_of(release)]
    assert [(ids, labels) for ids, labels, _ in found] == rows
    assert all(padding <= {-100} for _, _, padding in found)


def test_packed_rows_keep_their_positions() -> None:
    """A batch of packs has position_ids, zero in the padding."""
    pytest.importorskip("torch")
    rows = pa.table(
        [["a", "b", "c"], [[1, 2], [3, 4, 5], [6, 7]], [[-100, 2], [-100, 4, 5], [-100, 7]]],
        schema=TOKENS,
    )
    batch = TokenCollator(9)(pack(rows, 5))
    assert {name: tensor.tolist() for name, tensor in batch.items()} == {
        "attention_mask": [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]],
        "input_ids": [[1, 2, 3, 4, 5], [6, 7, 9, 9, 9]],
        "labels": [[-100, 2, -100, 4, 5], [-100, 7, -100, -100, -100]],
        "position_ids": [[0, 1, 0, 1, 2], [0, 1, 0, 0, 0]],
    }
