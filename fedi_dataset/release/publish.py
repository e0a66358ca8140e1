"""Putting a release together: shards from finished cells, card and manifest around them, one commit."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fedi_dataset.cell import CellReport
from fedi_dataset.config import SPLITS
from fedi_dataset.files import write_synced
from fedi_dataset.release.card import render_card
from fedi_dataset.release.manifest import MANIFEST, FileRecord, Manifest
from fedi_dataset.release.shards import holds, plan, shard_path, write_shard
from fedi_dataset.release.store import Staging
from fedi_dataset.schema import RELEASE_TABLES
from fedi_dataset.workspace import Workspace

__all__ = [
    "README",
    "DoneCell",
    "FormerCells",
    "Shards",
    "default_config",
    "distinct",
    "payload",
    "publish",
    "read_reports",
    "rows_in",
    "stage_shards",
]

README = "README.md"


@dataclass(frozen=True, slots=True)
class DoneCell:
    """A finished cell of this build: its number now, and the digest it is kept under."""

    cell: int
    digest: str


def read_reports(cells: Iterable[DoneCell], workspace: Workspace) -> list[CellReport]:
    """Read the counts of finished cells."""
    return [
        msgspec.json.decode(payload(workspace, done.digest, "report", ""), type=CellReport)
        for done in cells
    ]


def rows_in(cells: Iterable[str], workspace: Workspace) -> dict[str, int]:
    """Count the rows that finished cells (digests) hold, by table of the release; of lost ones nothing is known."""
    counts: Counter[str] = Counter()
    for digest in workspace.finished_cells().intersection(cells):
        for row in workspace.cell(digest).to_pylist():
            if row["table"] in RELEASE_TABLES:
                counts[row["table"]] += row["rows"]
    return dict(counts)


@dataclass(frozen=True, slots=True)
class Shards:
    """The data files of a release's next state, and of which cells each is made."""

    files: dict[str, FileRecord]
    made_of: dict[str, str]
    """Path → digest of the file and its cells. The same cells make the same file: it need not be written
    again."""


@dataclass(frozen=True, slots=True)
class FormerCells:
    """The finished cells of the last build, as far as they are still there."""

    workspace: Workspace
    cells: Mapping[str, int]
    """Digest → number."""
    made_of: Mapping[str, str]
    """As Shards has it."""

    def tables_of(self, path: str, record: FileRecord, bits: int) -> tuple[list[bytes], bool]:
        """Give the encoded tables that a data file was made of, in order, and whether these are all of them."""
        found: dict[str, bytes] = {}
        there = self.workspace.finished_cells()
        for digest, cell in sorted(self.cells.items(), key=lambda item: item[1]):
            if digest in there and holds(path, cell, bits):
                try:
                    found[digest] = payload(
                        self.workspace, digest, str(record.table), str(record.split)
                    )
                except KeyError:
                    continue  # it has no rows of this table and split
        return list(found.values()), self.made_of.get(path) == _made_of(found, record)


def stage_shards(
    stage: Staging,
    cells: Iterable[DoneCell],
    workspace: Workspace,
    *,
    bits: int,
    limit: int,
    old: Manifest | None,
    made_of: Mapping[str, str],
) -> Shards:
    """Stage the shards of every table and split that differ from ``old``'s; ``made_of`` tells its cells.

    A table or split without rows has no file.
    """
    digests = {done.cell: done.digest for done in cells}
    sizes = _sizes(digests, workspace)
    shards = Shards({}, {})
    for table in RELEASE_TABLES:
        for split in SPLITS:
            for prefix, members in plan(sizes.get((table, split), {}), bits, limit):
                path = shard_path(table, split, prefix)
                named = [digests[cell] for cell in members]
                former = old.files.get(path) if old is not None else None
                if (
                    former is not None
                    and made_of.get(path) == _made_of(named, former)
                    and not stage.is_lost(path, former)
                ):
                    shards.files[path] = former
                else:
                    payloads = (payload(workspace, digest, table, split) for digest in named)
                    rows = write_shard(stage.path / path, payloads)
                    shards.files[path] = stage.record(path, rows=rows, table=table, split=split)
                shards.made_of[path] = _made_of(named, shards.files[path])
    return shards


def _made_of(cells: Iterable[str], record: FileRecord) -> str:
    """Tie a file to its cells: a crash may leave a release that is newer than what the workspace tells."""
    return hashlib.sha256(" ".join([record.sha256, *cells]).encode()).hexdigest()


def default_config(files: Mapping[str, FileRecord]) -> str | None:
    """Give the first of dialogues, conversations, posts that has rows."""
    tables = {record.table for record in files.values()}
    return next((table for table in RELEASE_TABLES if table in tables), None)


def distinct(stage: Staging, files: Mapping[str, FileRecord], column: str) -> tuple[str, ...]:
    """Give the distinct values of a text column over all data files of the next state, sorted."""
    values: set[str] = set()
    for path, record in files.items():
        if record.table in RELEASE_TABLES:
            read = pq.read_table(stage.find(path), columns=[column])[column]
            values.update(pc.unique(read).to_pylist())
    return tuple(sorted(values))


def publish(
    stage: Staging, old: Manifest | None, new: Manifest, *, force: bool = False
) -> Manifest | None:
    """Add card and manifest and commit; None if that would change nothing, and then nothing is written.

    ``new`` has the records of all data files, staged if they changed. A build that only ran at another
    time or under a longer ledger, without any consequence, changes nothing and keeps the former
    ``as_of``, unless a file of the release was lost or damaged: that is written again. ``force``: a verdict
    changed, so write even if no released number shows it.
    """
    damaged = any(stage.replaces(path) for path in new.files if path != README)
    if old is not None and not force and not damaged:
        same = _with_card(msgspec.structs.replace(new, as_of=old.as_of, ledger=old.ledger))[0]
        if same.encode() == old.encode():
            return None
    manifest, card = _with_card(new)
    write_synced(stage.path / README, card)
    write_synced(stage.path / MANIFEST, manifest.encode())
    before = old.files if old is not None else {}
    changed = [
        path
        for path, record in manifest.files.items()
        if before.get(path) != record or stage.replaces(path)
    ]
    stage.commit(changed, superseded=before.keys() - manifest.files.keys())
    return manifest


def _with_card(manifest: Manifest) -> tuple[Manifest, bytes]:
    card = render_card(manifest)
    record = FileRecord(hashlib.sha256(card).hexdigest(), len(card))
    return msgspec.structs.replace(manifest, files={**manifest.files, README: record}), card


def _sizes(
    digests: Mapping[int, str], workspace: Workspace
) -> dict[tuple[str, str], dict[int, int]]:
    sizes: dict[tuple[str, str], dict[int, int]] = {}
    for cell, digest in digests.items():
        for row in _index(workspace.cell(digest)):
            sizes.setdefault((row["table"], row["split"]), {})[cell] = row["size"]
    return sizes


def _index(cell: pa.RecordBatch) -> list[dict[str, Any]]:
    tables, splits = cell["table"].to_pylist(), cell["split"].to_pylist()
    sizes = pc.binary_length(cell["payload"]).to_pylist()
    return [
        {"table": table, "split": split, "size": size}
        for table, split, size in zip(tables, splits, sizes, strict=True)
    ]


def payload(workspace: Workspace, digest: str, table: str, split: str) -> bytes:
    """Give what a finished cell holds for a table and split. Raises KeyError if it has nothing."""
    cell = workspace.cell(digest)
    for index, row in enumerate(_index(cell)):
        if (row["table"], row["split"]) == (table, split):
            content: bytes = cell["payload"][index].as_py()
            return content
    raise KeyError((digest, table, split))
