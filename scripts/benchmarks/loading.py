"""How fast tokens reach a DataLoader: streaming a release's tokens, beside a bare scan of the same columns."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from fedi_dataset.schema import TOKENS
from fedi_dataset.tokens.collate import TokenCollator
from fedi_dataset.tokens.packing import pack
from fedi_dataset.tokens.shard import PACKS_IN_A_GROUP, token_writer
from scripts.benchmarks.common import Result

__all__ = ["configure", "measure"]

COLUMNS = ["input_ids", "labels"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--tokens", type=int, default=20_000_000)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3, help="of which the fastest counts")


def measure(folder: Path, options: argparse.Namespace) -> Result:
    """Read every row of a tokens config, by a DataLoader and by pyarrow, in one process and in turn.

    ``vs_pyarrow_scan``: tokens a second out of a DataLoader, as tensors of 16 packed rows (streaming, TokenCollator, no
    worker), over those of ``pyarrow.dataset`` reading the same columns of the same files. ``vs_pyarrow_scan_unpacked``:
    the same of 32 rows that are not packed, most of whose places are padding. All count CPU time. Rows are as
    ``tokenize`` writes them: lists of int32, zstd, no dictionaries, row groups of 500 rows or of 256 packs.
    """
    packed, unpacked = folder / "packed", folder / "unpacked"
    write(packed, unpacked, options.tokens, options.shards)
    scan, scanned = fastest(options.rounds, lambda: pyarrow_scan(packed))
    load, loaded = fastest(options.rounds, lambda: dataloader(packed, 16))
    plain_scan, plain_scanned = fastest(options.rounds, lambda: pyarrow_scan(unpacked))
    plain_load, plain_loaded = fastest(options.rounds, lambda: dataloader(unpacked, 32))
    rows, by_row = fastest(1, lambda: row_by_row(unpacked))
    return {
        "name": "loading",
        "ratios": {
            "vs_pyarrow_scan": scan / load,
            "vs_pyarrow_scan_unpacked": plain_scan / plain_load,
        },
        "agree": scanned == loaded == plain_scanned == plain_loaded == by_row,
        "figures": {
            "tokens": scanned[0],
            "pyarrow_tokens_per_s": round(scanned[0] / scan),
            "dataloader_tokens_per_s": round(loaded[0] / load),
            "unpacked_tokens_per_s": round(plain_loaded[0] / plain_load),
            "row_by_row_tokens_per_s": round(by_row[0] / rows),
        },
    }


def write(packed: Path, unpacked: Path, tokens: int, shards: int) -> None:
    """Write shards of tokens with lengths like those of dialogues, packed and not."""
    draw = random.Random(1)
    numbers = np.random.default_rng(1)
    for folder in (packed, unpacked):
        folder.mkdir()
    for shard in range(shards):
        groups = []
        left = tokens // shards
        while left > 0:
            lengths = [min(2048, max(8, round(draw.lognormvariate(4.7, 0.9)))) for _ in range(500)]
            ids = numbers.integers(0, 120_000, sum(lengths), dtype=np.int32)
            labels = np.where(numbers.random(len(ids)) < 0.5, -100, ids).astype(np.int32)
            offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
            groups.append(
                pa.table(
                    [
                        [f"{draw.getrandbits(128):032x}" for _ in lengths],
                        pa.ListArray.from_arrays(offsets, pa.array(ids)),
                        pa.ListArray.from_arrays(offsets, pa.array(labels)),
                    ],
                    schema=TOKENS,
                )
            )
            left -= sum(lengths)
        name = f"train-b{shard:03b}.parquet"
        table = pa.concat_tables(groups)
        for folder, rows, size in (
            (unpacked, table, 500),
            (packed, pack(table, 2048), PACKS_IN_A_GROUP),
        ):
            with token_writer(folder / name, rows.schema) as writer:
                writer.write_table(rows, row_group_size=size)


def pyarrow_scan(folder: Path) -> tuple[int, int]:
    """Read the columns as Arrow and look at every id: how many there are, and their sum."""
    import pyarrow.dataset as ds

    count = total = 0
    files = sorted(map(str, folder.glob("*.parquet")))
    for batch in ds.dataset(files).to_batches(columns=COLUMNS, use_threads=False):
        ids = batch["input_ids"].flatten().to_numpy()
        labels = batch["labels"].flatten().to_numpy()
        count += len(labels)
        total += int(ids.sum(dtype=np.int64))
    return count, total


def dataloader(folder: Path, rows: int) -> tuple[int, int]:
    """The same through datasets' stream of Arrow batches and torch's DataLoader."""
    import torch
    from datasets import load_dataset
    from torch.utils.data import DataLoader

    torch.set_num_threads(1)
    stream = load_dataset(
        "parquet",
        data_files=str(folder / "*.parquet"),
        split="train",
        streaming=True,
        columns=COLUMNS,
    )
    loader = DataLoader(
        stream.with_format("arrow").batch(rows), batch_size=None, collate_fn=TokenCollator(0)
    )
    count = total = 0
    for batch in loader:
        count += int(batch["attention_mask"].sum())
        total += int(batch["input_ids"].sum())
    return count, total


def row_by_row(folder: Path) -> tuple[int, int]:
    """The same as most scripts do it: a list of Python ints a row."""
    from datasets import load_dataset

    count = total = 0
    stream = load_dataset(
        "parquet",
        data_files=str(folder / "*.parquet"),
        split="train",
        streaming=True,
        columns=COLUMNS,
    )
    for row in stream:
        count += len(row["labels"])
        total += sum(row["input_ids"])
    return count, total


def fastest(rounds: int, work: Callable[[], tuple[int, int]]) -> tuple[float, tuple[int, int]]:
    """Give the CPU seconds of the fastest of some rounds, and what it counted."""
    best, result = float("inf"), (0, 0)
    for _ in range(rounds):
        begin = time.process_time()
        result = work()
        best = min(best, time.process_time() - begin)
    return best, result
