"""Which rows of a release are shown, and what of its other tables belongs to them.

Shards are read row group by row group, of each first the columns that decide: a release of any size shows its first
rows at once, and no more of it is in memory than a batch of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fedi_dataset.config import SPLITS
from fedi_dataset.errors import UsageError
from fedi_dataset.preview.above import TURN, Above, above_of, last_dialogues
from fedi_dataset.preview.find import find_rows, opened
from fedi_dataset.preview.tokens import Piece, Pieces, load_pieces
from fedi_dataset.release.manifest import Manifest, read_manifest
from fedi_dataset.release.store import recover
from fedi_dataset.release.token_checks import dialogues_in, samples_in
from fedi_dataset.schema import RELEASE_TABLES
from fedi_dataset.text.language import UNDETERMINED, check_language

__all__ = ["Shown", "Wanted", "preview"]

BATCH = 200
"""Rows for which other tables are gone through once."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows. What is empty or None lets all of them through; whether letters are capital does not matter."""

    config: str | None = None
    """A table of the release; None: its default config."""
    split: str | None = None
    languages: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    min_turns: int | None = None
    max_turns: int | None = None
    """Turns of a dialogue's way, or of a conversation's row."""
    key: str = ""
    """What the row's key begins with, in lower-case hex."""

    @property
    def counts_turns(self) -> bool:
        """Whether rows are chosen by their number of turns."""
        return self.min_turns is not None or self.max_turns is not None


@dataclass(frozen=True, slots=True)
class Shown:
    """A row, where it stands, and what other tables say about it."""

    config: str
    split: str
    path: str
    """Of its shard in the release."""
    row: Row
    above: Above | None = None
    """Of a dialogue, or of a row of ``multi_turn``."""
    trained: frozenset[int] = frozenset()
    """Of a conversation: the turns that are responses of dialogues."""
    tokens: tuple[tuple[Piece, ...], ...] = ()
    """Where they were asked for: what a model reads of it, in one row of tokens or, of ``multi_turn``, in several."""
    untokenized: int = 0
    """Of those: responses that are in none."""

    @property
    def key(self) -> str:
        """The row's key."""
        return str(self.row[RELEASE_TABLES[self.config].names[0]])

    def data(self, *, tokens: bool) -> Row:
        """Give everything as plain data; ``tokens`` of a dialogue as a list of pieces, of ``multi_turn`` as lists."""
        data: Row = {"config": self.config, "split": self.split, "path": self.path, **self.row}
        if self.config in ("dialogues", "multi_turn"):
            data["above"] = self.above
        if self.config == "conversations":
            data["trained_turns"] = sorted(self.trained)
        if tokens:
            samples = [
                [
                    {"ids": list(one.ids), "text": one.text, "trained_ids": one.trained_ids}
                    for one in pieces
                ]
                for pieces in self.tokens
            ]
            single = samples[0] if samples else None
            data["tokens"] = single if self.config == "dialogues" else samples
        return data


@dataclass(frozen=True, slots=True)
class _Release:
    folder: Path
    manifest: Manifest
    config: str
    wanted: Wanted
    pieces: Pieces | None = field(default=None)

    def paths(self, table: str, split: str) -> list[str]:
        """Paths of a table's shards in one split, in order, as the manifest has them."""
        return sorted(self.manifest.tables().get(table, {}).get(split, {}))

    def shards(self, table: str, split: str) -> list[Path]:
        """The same on disk."""
        return [self.folder / path for path in self.paths(table, split)]


def preview(
    release: Path | str, wanted: Wanted | None = None, *, limit: int, tokens: bool = False
) -> Iterator[Shown]:
    """Give the first ``limit`` rows of a release that are wanted, in the order of its shards.

    ``tokens`` gives the tokens of each row too, as the release has them: of dialogues, or of ``multi_turn`` where they
    were made of that. Raises UsageError, before the first row, for a folder that is no release, a config or split that
    it does not have, a language that no row can be of, turns that no number is between, turns or tokens asked of a
    table without them, and tokens that are not there or whose tokenizer cannot be loaded.
    """
    wanted = _checked(wanted or Wanted())
    folder = Path(release)
    recover(folder)
    manifest = read_manifest(folder)
    if manifest is None:
        raise UsageError(f"no release at {folder}; build one first")
    config = _config(manifest, wanted, folder, tokens=tokens)
    pieces = load_pieces(folder, manifest) if tokens else None
    opened = _Release(folder, manifest, config, wanted, pieces)
    return _joined(opened, islice(_rows(opened), limit))


def _checked(wanted: Wanted) -> Wanted:
    """Spell filters as rows do. Raises UsageError for those that no row of any release can meet."""
    languages = tuple(one.lower() for one in wanted.languages)
    for tag in languages:
        if tag != UNDETERMINED:
            check_language(tag)
    least, most = wanted.min_turns, wanted.max_turns
    if least is not None and most is not None and least > most:
        raise UsageError(
            f"--min-turns {least} is more than --max-turns {most}: no row has so many; exchange them"
        )
    platforms = tuple(one.lower() for one in wanted.platforms)
    return replace(wanted, languages=languages, platforms=platforms, key=wanted.key.lower())


def _config(manifest: Manifest, wanted: Wanted, folder: Path, *, tokens: bool) -> str:
    tables = manifest.tables()
    of_tokens = "dialogues" if manifest.tokens is None else manifest.tokens.made_of
    config = wanted.config or (of_tokens if tokens else manifest.default_config)
    if config is None:
        raise UsageError(f"{folder} has no rows; its README says why")
    known = [name for name in RELEASE_TABLES if name in tables]
    if config not in known:
        raise UsageError(f"{folder} has no config {config}; it has {', '.join(known)}")
    if wanted.split is not None and wanted.split not in tables[config]:
        splits = ", ".join(sorted(tables[config], key=SPLITS.index))
        raise UsageError(f"{config} of {folder} has no split {wanted.split}; it has {splits}")
    if tokens and config != of_tokens:
        raise UsageError(f"tokens are those of {of_tokens}: --tokens does not go with {config}")
    if wanted.counts_turns and config == "posts":
        raise UsageError("posts have no turns: --min-turns and --max-turns do not go with them")
    return config


# --- picking rows ---------------------------------------------------------------------------------


def _rows(release: _Release) -> Iterator[Shown]:
    """All rows that are wanted, of one split after the other, train first."""
    splits = release.manifest.tables()[release.config]
    for split in sorted(splits, key=SPLITS.index):
        if release.wanted.split in (None, split):
            for path in release.paths(release.config, split):
                for row in _of_shard(release.folder / path, release):
                    yield Shown(release.config, split, path, row)


def _of_shard(shard: Path, release: _Release) -> Iterator[dict[str, Any]]:
    """The wanted rows of a shard, read a row group at a time."""
    columns = [RELEASE_TABLES[release.config].names[0], "language", "platform"]
    if release.wanted.counts_turns:
        columns.append(TURN if release.config == "conversations" else "n_turns")
    with opened(shard) as file:
        for group in range(file.num_row_groups):
            mask = _mask(file.read_row_group(group, columns=columns), columns[0], release.wanted)
            if pc.any(mask).as_py():
                yield from file.read_row_group(group).filter(mask).to_pylist()


def _mask(table: pa.Table, key: str, wanted: Wanted) -> pa.ChunkedArray:
    mask = pc.starts_with(table[key], wanted.key)
    for name, values in (("language", wanted.languages), ("platform", wanted.platforms)):
        if values:
            mask = pc.and_(mask, pc.is_in(table[name], pa.array(values, pa.string())))
    if wanted.counts_turns:
        listed = "turns" in table.column_names
        turns = pc.list_value_length(table["turns"]) if listed else table["n_turns"]
        mask = pc.and_(mask, pc.greater_equal(turns, wanted.min_turns or 0))
        if wanted.max_turns is not None:
            mask = pc.and_(mask, pc.less_equal(turns, wanted.max_turns))
    return mask


# --- joining other tables -------------------------------------------------------------------------


def _joined(release: _Release, rows: Iterator[Shown]) -> Iterator[Shown]:
    while batch := list(islice(rows, BATCH)):
        for split in dict.fromkeys(one.split for one in batch):
            here = [one for one in batch if one.split == split]
            if release.config in ("dialogues", "multi_turn"):
                yield from _with_above(release, split, here)
            elif release.config == "conversations":
                yield from _conversations(release, split, here)
            else:
                yield from here


def _with_above(release: _Release, split: str, rows: Sequence[Shown]) -> Iterator[Shown]:
    dialogues: Mapping[str, Mapping[str, Any]] = {one.key: one.row for one in rows}
    if release.config == "multi_turn":
        dialogues = last_dialogues(dialogues, release.shards("dialogues", split))
    above = above_of(dialogues, release.shards("conversations", split))
    for one in _with_tokens(release, split, rows):
        yield replace(one, above=above.get(one.key))


def _conversations(release: _Release, split: str, rows: Sequence[Shown]) -> Iterator[Shown]:
    keys = {one.row["conversation_key"] for one in rows}
    trained: dict[str, set[int]] = {}
    shards = release.shards("dialogues", split)
    for row in find_rows(shards, ["conversation_key", "response_turn"], keys):
        trained.setdefault(row["conversation_key"], set()).add(row["response_turn"])
    for one in rows:
        turns = frozenset(trained.get(one.row["conversation_key"], ()))
        yield Shown(one.config, split, one.path, one.row, trained=turns)


def _with_tokens(release: _Release, split: str, rows: Sequence[Shown]) -> Iterator[Shown]:
    if release.pieces is None:
        yield from rows
        return
    keys = {key for one in rows for key in dialogues_in(one.row)}
    found = dict(_tokens(release, release.pieces, split, keys))
    for one in rows:
        mine = dialogues_in(one.row)
        samples = [found[key] for key in mine if key in found]
        there = dict(samples)  # a sample is found once for each of its dialogues
        yield replace(one, tokens=tuple(there.values()), untokenized=len(mine) - len(samples))


def _tokens(
    release: _Release, pieces: Pieces, split: str, keys: set[str]
) -> Iterator[tuple[str, tuple[tuple[str, ...], tuple[Piece, ...]]]]:
    """Each dialogue's tokens, with the keys of all that share them, wherever in a packed row they stand."""
    shards = release.shards("tokens", split)
    for row in find_rows(shards, _token_columns(shards), keys):
        for sample in samples_in(row):
            mine = keys & set(sample.dialogues)
            shown = sample.dialogues, pieces.of(sample.input_ids, sample.labels) if mine else ()
            yield from ((key, shown) for key in mine)


def _token_columns(shards: Sequence[Path]) -> list[str]:
    """Keys first, then what is shown, as far as there is any."""
    if not shards:
        return []
    with opened(shards[0]) as file:
        names = file.schema_arrow.names
    return [names[0], *(one for one in ("input_ids", "labels", "seq_lengths") if one in names)]
