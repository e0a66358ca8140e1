"""Which exports a build takes in: the list given, checked against the list that the workspace recorded.

The list is the whole input. An export that silently went missing would take its author's rows with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fedi_dataset.errors import UnknownFormat, UnreadableExport, UsageError
from fedi_dataset.files import sha256_of
from fedi_dataset.ingest import QuarantineRecord
from fedi_dataset.posts import Export
from fedi_dataset.readers.detect import open_export
from fedi_dataset.workspace import ExportRecord

__all__ = ["OpenedExports", "choose_exports", "digest_of", "expand"]


@dataclass(slots=True)
class OpenedExports:
    """Exports opened, in the order of their digests, each once, and those that could not be."""

    exports: list[Export] = field(default_factory=list)
    records: list[ExportRecord] = field(default_factory=list)
    quarantined: list[QuarantineRecord] = field(default_factory=list)
    excused: list[ExportRecord] = field(default_factory=list)
    """Recorded exports of people who withdrew, whose files are not among those given."""
    problems: list[str] = field(default_factory=list)
    """A sentence for each export that was quarantined as a whole."""


def choose_exports(
    paths: Sequence[Path],
    recorded: Sequence[ExportRecord],
    *,
    add: bool,
    prune: bool,
    excused: frozenset[str] = frozenset(),
) -> OpenedExports:
    """Open the exports at ``paths`` (with ``add``, the recorded ones too).

    ``excused`` are ids of recorded exports whose files may be missing: their owners have withdrawn.

    Raises UsageError for a path that is not there, a file of no known format, and, unless ``prune``, for recorded
    exports that are not among them. One that cannot be read is quarantined.
    """
    opened = _open_all(paths)
    seen = {record.export_id for record in opened.records}
    absent = [record for record in recorded if record.export_id not in seen]
    opened.excused = [record for record in absent if record.export_id in excused and record.part]
    missing = [record for record in absent if record.export_id not in excused]
    if add:
        _add_recorded(opened, missing)
    elif missing and not prune:
        listed = "".join(f"\n  {record.path} ({record.export_id[:12]})" for record in missing)
        raise UsageError(
            f"this build would drop {len(missing)} exports that the last one took in:{listed}\n"
            "Name them too, or take them along with --add, or let them go with --prune"
        )
    order = sorted(range(len(opened.exports)), key=lambda index: opened.exports[index].export_id)
    opened.exports = [opened.exports[index] for index in order]
    opened.records = sorted(opened.records, key=lambda record: record.export_id)
    return opened


def expand(paths: Sequence[Path], *, beside: Path) -> list[Path]:
    """Give the exports that ``paths`` name: a folder that is no export itself stands for all that lies in it.

    Hidden files and the ledger (``beside``) are not exports. Raises UsageError for a path that is not there
    and for a folder with nothing in it.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"no export at {path}")
        if path.is_file() or _is_export(path):
            found.append(path)
            continue
        inside = [
            one
            for one in sorted(path.iterdir())
            if not one.name.startswith(".") and one.resolve() != beside.resolve()
        ]
        if not inside:
            raise UsageError(f"{path} is empty: no exports in it")
        found += inside
    return found


def digest_of(path: Path) -> str:
    """Give the export_id of an export, or, of one that cannot be read, a digest of its bytes."""
    try:
        return open_export(path).export_id
    except UnreadableExport:
        return _digest_of_unreadable(path)


def _digest_of_unreadable(path: Path) -> str:
    named = str(path.resolve()).encode()
    return sha256_of(path) if path.is_file() else hashlib.sha256(named).hexdigest()


def _is_export(folder: Path) -> bool:
    try:
        open_export(folder)
    except UnknownFormat:
        return False
    except UnreadableExport:
        return True
    return True


def _open_all(paths: Sequence[Path]) -> OpenedExports:
    opened = OpenedExports()
    seen: set[str] = set()
    for path in paths:
        if not path.exists():
            raise UsageError(f"no export at {path}")
        try:
            export = open_export(path)
        except UnreadableExport as error:
            digest = _digest_of_unreadable(path)
            opened.quarantined.append(QuarantineRecord(digest, None, error.code))
            opened.problems.append(f"{path}: {error}")
            opened.records.append(ExportRecord(digest, str(path.resolve()), "unreadable"))
            continue
        if export.export_id not in seen:
            seen.add(export.export_id)
            opened.exports.append(export)
            opened.records.append(
                ExportRecord(export.export_id, str(path.resolve()), export.format)
            )
    return opened


def _add_recorded(opened: OpenedExports, missing: Sequence[ExportRecord]) -> None:
    gone: list[str] = []
    for record in missing:
        path = Path(record.path)
        found = _open_all([path]) if path.exists() else OpenedExports()
        if [one.export_id for one in found.records] != [record.export_id]:
            gone.append(record.path)
            continue
        opened.exports += found.exports
        opened.records += found.records
        opened.quarantined += found.quarantined
        opened.problems += found.problems
    if gone:
        raise UsageError(
            "these recorded exports are no longer where they were, or have changed: "
            + ", ".join(gone)
            + ". Put them back, or name the list that you want with --prune"
        )
