"""What must hold of a release's tokens, row by row, packed or not, made of dialogues or of rows of several.

Labels are ids or ignored; each dialogue is trained in one row alone, as one stretch of labels; and what shares a row of
several is on one way, in its order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.release.manifest import Manifest
from fedi_dataset.schema import MULTI_TURN_TOKENS, PACKED_TOKENS, TOKENS

__all__ = ["Sample", "dialogues_in", "samples_in", "token_problems", "token_schema"]

_IGNORED: Final = -100

Places = Mapping[str, tuple[str, int]]
"""Dialogue → the row that trains it, and which of that row's responses it is."""


class Sample(NamedTuple):
    """What a model reads by itself: a row of tokens, or a part of a packed one."""

    dialogues: tuple[str, ...]
    """Keys of those whose responses are trained in it, in order."""
    input_ids: list[int]
    labels: list[int]


def token_schema(manifest: Manifest) -> pa.Schema:
    """Give the schema of a release's ``tokens`` table."""
    if manifest.tokens is None or manifest.tokens.packing == "none":
        several = manifest.tokens is not None and manifest.tokens.made_of == "multi_turn"
        return MULTI_TURN_TOKENS if several else TOKENS
    return PACKED_TOKENS


def dialogues_in(row: Mapping[str, Any]) -> list[str]:
    """Give the keys of the dialogues in a row of tokens, in order."""
    several: list[str] | None = row.get("dialogue_keys")
    return [row["dialogue_key"]] if several is None else several


def samples_in(row: Mapping[str, Any]) -> Iterator[Sample]:
    """Cut a row of tokens into what is read by itself; each takes as many dialogues as it has trained stretches."""
    ids, labels = row["input_ids"], row["labels"]
    keys = iter(dialogues_in(row))
    end = 0
    for length in row.get("seq_lengths", [len(ids)]):
        begin, end = end, end + length
        mine = labels[begin:end]
        yield Sample(tuple(islice(keys, _stretches(mine))), ids[begin:end], mine)


def token_problems(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Tell what is wrong, a sentence each: every dialogue once, labels its ids, packs as their lengths say."""
    if manifest.tokens is None:
        return
    places = _places(folder, manifest)
    seen: set[str] = set()
    for path in _files(manifest, "tokens"):
        with pq.ParquetFile(folder / path) as shard:
            for batch in shard.iter_batches(256):
                for row in batch.to_pylist():
                    keys = dialogues_in(row)
                    where = f"{path}: {', '.join(keys)}"
                    if not places.keys() >= set(keys):
                        yield f"{where} is of no dialogue"
                    if len(set(keys)) < len(keys) or not seen.isdisjoint(keys):
                        yield f"{where} holds a dialogue again"
                    seen.update(keys)
                    yield from (f"{where} {what}" for what in _wrong_labels(row, places))
                    if "seq_lengths" in row:
                        yield from (f"{where} {what}" for what in _wrong_packing(row))
    if "tokens" in manifest.law and manifest.law["tokens"].kept != len(seen):
        yield "there are not as many dialogues in token rows as were kept"
    if "tokens" in manifest.law and manifest.law["tokens"].rows_in != len(places):
        yield "not as many dialogues were tokenized as there are"


def _places(folder: Path, manifest: Manifest) -> Places:
    """Find where each dialogue is trained in the table that the tokens were made of."""
    several = manifest.tokens is not None and manifest.tokens.made_of == "multi_turn"
    table = "multi_turn" if several else "dialogues"
    columns = ["multi_turn_key", "dialogue_keys"] if several else ["dialogue_key"]
    found: dict[str, tuple[str, int]] = {}
    for path in _files(manifest, table):
        for row in pq.read_table(folder / path, columns=columns).to_pylist():
            for place, key in enumerate(dialogues_in(row)):
                found[key] = row[columns[0]], place
    return found


def _files(manifest: Manifest, table: str) -> list[str]:
    return sorted(path for path, record in manifest.files.items() if record.table == table)


def _stretches(labels: Sequence[int]) -> int:
    return sum(trained for trained, _ in groupby(labels, lambda label: label != _IGNORED))


def _wrong_labels(row: Mapping[str, Any], places: Places) -> Iterator[str]:
    ids, labels = row["input_ids"], row["labels"]
    if len(ids) != len(labels):
        yield "has not a label an id"
    if any(label not in (_IGNORED, one) for one, label in zip(ids, labels, strict=False)):
        yield "has labels that are not its ids"
    samples = list(samples_in(row))
    for sample in samples:
        if not sample.dialogues or sample.labels[0] != _IGNORED:
            yield "has a dialogue without a prompt or without a trained token"
        there = [places[key] for key in sample.dialogues if key in places]
        if there and there != [(there[0][0], there[0][1] + one) for one in range(len(there))]:
            yield "joins dialogues that are not on one way"
    if sum(_stretches(sample.labels) for sample in samples) != len(dialogues_in(row)):
        yield "trains not one stretch for each of its dialogues"


def _wrong_packing(row: Mapping[str, Any]) -> Iterator[str]:
    lengths = row["seq_lengths"]
    if sum(lengths) != len(row["input_ids"]) or not all(lengths):
        yield "has lengths that are not those of its dialogues"
    if row["position_ids"] != [place for length in lengths for place in range(length)]:
        yield "has positions that do not begin anew with each dialogue"
