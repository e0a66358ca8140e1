"""Tokens as datatrove writes them: a file of ids, one of document ends, one of where loss is taken.

The format is that of ``datatrove.pipeline.tokens.tokenizer.TokenizedFile``, which writes it; nanotron reads it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fedi_dataset.errors import UsageError
from fedi_dataset.release.manifest import Manifest

__all__ = ["write_binary"]

_IGNORED = -100


def write_binary(folder: Path, manifest: Manifest, fresh: Path) -> dict[str, int]:
    """Write the release's tokens, a dialogue a document; give the documents of each split.

    Raises UsageError for a release without tokens or with packed ones, and where datatrove is missing.
    """
    if manifest.tokens is None:
        raise UsageError(f"{folder} has no tokens; run `fedi-dataset tokenize` first")
    if manifest.tokens.packing != "none":
        raise UsageError(
            f"the tokens of {folder} are packed, and a document is one dialogue; tokenize with --packing none"
        )
    try:
        from datatrove.pipeline.tokens.tokenizer import TokenizedFile
    except ImportError as error:
        raise UsageError(
            "datatrove writes this format and is not installed: pip install 'fedi_dataset[datatrove]'"
        ) from error
    splits = manifest.tables()["tokens"]
    highest = max(_highest(folder / path) for shards in splits.values() for path in shards)
    rows = {}
    for split, shards in splits.items():
        file = TokenizedFile(
            str(fresh),
            f"{split}.ds",
            save_loss_metadata=True,
            tokenizer_name_or_path=manifest.tokens.tokenizer,
            save_final_metadata=True,
            token_size=2 if highest < 2**16 else 4,
        )
        for path in sorted(shards):
            for batch in pq.ParquetFile(folder / path).iter_batches():
                for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
                    file.write(ids.as_py(), np.array(labels.as_py()) != _IGNORED)
        file.close()
        rows[split] = len(file.doc_ends)
    return rows


def _highest(path: Path) -> int:
    column = pq.read_table(path, columns=["input_ids"])["input_ids"]
    return int(pc.max(pc.list_flatten(column)).as_py())
