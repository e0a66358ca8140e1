"""What must hold of a release's tokens, row by row, packed or not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.release.manifest import Manifest
from fedi_dataset.schema import PACKED_TOKENS, TOKENS

__all__ = ["dialogues_in", "token_problems", "token_schema"]

_IGNORED: Final = -100


def token_schema(manifest: Manifest) -> pa.Schema:
    """Give the schema of a release's ``tokens`` table."""
    packed = manifest.tokens is not None and manifest.tokens.packing != "none"
    return PACKED_TOKENS if packed else TOKENS


def dialogues_in(row: dict[str, Any]) -> list[str]:
    """Give the keys of the dialogues in a row of tokens, in order."""
    packed: list[str] | None = row.get("dialogue_keys")
    return [row["dialogue_key"]] if packed is None else packed


def token_problems(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Tell what is wrong, a sentence each: every dialogue once, labels its ids, packs as their lengths say."""
    dialogues: set[str] = set()
    for path in _files(manifest, "dialogues"):
        column = pq.read_table(folder / path, columns=["dialogue_key"])["dialogue_key"]
        dialogues.update(column.to_pylist())
    seen: set[str] = set()
    for path in _files(manifest, "tokens"):
        with pq.ParquetFile(folder / path) as shard:
            for batch in shard.iter_batches(256):
                for row in batch.to_pylist():
                    keys = dialogues_in(row)
                    where = f"{path}: {', '.join(keys)}"
                    if not dialogues.issuperset(keys):
                        yield f"{where} is of no dialogue"
                    if len(set(keys)) < len(keys) or not seen.isdisjoint(keys):
                        yield f"{where} holds a dialogue again"
                    seen.update(keys)
                    yield from (f"{where} {what}" for what in _wrong_labels(row))
                    if "seq_lengths" in row:
                        yield from (f"{where} {what}" for what in _wrong_packing(row))
    if "tokens" in manifest.law and manifest.law["tokens"].kept != len(seen):
        yield "there are not as many dialogues in token rows as were kept"


def _files(manifest: Manifest, table: str) -> list[str]:
    return sorted(path for path, record in manifest.files.items() if record.table == table)


def _wrong_labels(row: dict[str, Any]) -> Iterator[str]:
    ids, labels = row["input_ids"], row["labels"]
    if len(ids) != len(labels):
        yield "has not a label an id"
    if any(label not in (_IGNORED, one) for one, label in zip(ids, labels, strict=False)):
        yield "has labels that are not its ids"
    lengths = row.get("seq_lengths", [len(labels)])
    for end, length in zip(accumulate(lengths), lengths, strict=True):
        mine = labels[end - length : end]
        if not mine or mine[0] != _IGNORED or all(label == _IGNORED for label in mine):
            yield "has a dialogue without a prompt or without a trained token"


def _wrong_packing(row: dict[str, Any]) -> Iterator[str]:
    lengths = row["seq_lengths"]
    if len(lengths) != len(row["dialogue_keys"]) or sum(lengths) != len(row["input_ids"]):
        yield "has lengths that are not those of its dialogues"
    if row["position_ids"] != [place for length in lengths for place in range(length)]:
        yield "has positions that do not begin anew with each dialogue"
