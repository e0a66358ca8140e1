"""What must hold of the rows of ``multi_turn``: they train exactly what the dialogues train, each reply once.

A flagged message is the completion of the dialogue that the row names for it, word for word, and all before it is
that dialogue's prompt. So no row can give a reply another context than its dialogue does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from fedi_dataset.release.manifest import Manifest

__all__ = ["multi_turn_problems"]

ROLES = ("user", "assistant")


def multi_turn_problems(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Tell what is wrong, a sentence each."""
    rows = _rows(folder, manifest, "dialogues", ["dialogue_key", "prompt", "completion"])
    dialogues = {
        row["dialogue_key"]: _digest([*row["prompt"], *row["completion"]]) for _, row in rows
    }
    trained: set[str] = set()
    columns = ["multi_turn_key", "dialogue_keys", "messages"]
    for path, row in _rows(folder, manifest, "multi_turn", columns):
        where = f"{path}: {row['multi_turn_key']}"
        messages = row["messages"]
        flagged = [place for place, message in enumerate(messages) if message["train"]]
        if [message["role"] for message in messages] != [
            ROLES[n % 2] for n in range(len(messages))
        ]:
            yield f"{where} does not begin with user and alternate"
        if not messages or flagged[-1:] != [len(messages) - 1] or len(messages) % 2:
            yield f"{where} does not end with a trained message of the assistant"
        if len(flagged) != len(row["dialogue_keys"]):
            yield f"{where} trains not one message for each of its dialogues"
        for place, key in zip(flagged, row["dialogue_keys"], strict=False):
            if key in trained:
                yield f"{where} trains the response of {key} again"
            if dialogues.get(key) != _digest(messages[: place + 1]):
                yield f"{where} says something else than the dialogue {key}"
            trained.add(key)
    if manifest.config.get("multi_turn"):
        yield from (
            f"the dialogue {key} is in no row" for key in sorted(dialogues.keys() - trained)
        )


def _rows(
    folder: Path, manifest: Manifest, table: str, columns: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, record in sorted(manifest.files.items()):
        if record.table == table:
            with pq.ParquetFile(folder / path) as shard:
                for batch in shard.iter_batches(256, columns=columns):
                    yield from ((path, row) for row in batch.to_pylist())


def _digest(messages: Sequence[dict[str, Any]]) -> bytes:
    said = [(message["role"], message["content"]) for message in messages]
    return hashlib.sha256(msgspec.msgpack.encode(said)).digest()
