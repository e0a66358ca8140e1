"""Which exports a build takes in: the list given, checked against the list that the workspace recorded.

The list is the whole input. An export that silently went missing would take its author's rows with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fedi_dataset.consent.ledger import key_path
from fedi_dataset.errors import UnknownFormat, UnreadableExport, UsageError
from fedi_dataset.files import sha256_of
from fedi_dataset.part import QuarantineRecord
from fedi_dataset.posts import Account, Export
from fedi_dataset.readers.detect import open_export
from fedi_dataset.workspace import ExportRecord

__all__ = [
    "Met",
    "OpenedExports",
    "choose_exports",
    "digest_of",
    "expand",
    "open_again",
    "recorded_exports",
]


@dataclass(frozen=True, slots=True)
class Met:
    """Whose an export is, and every path at which it was found."""

    owner: Account
    paths: list[str]


@dataclass(slots=True)
class OpenedExports:
    """Exports opened, in the order of their digests, each once, and those that could not be."""

    exports: list[Export] = field(default_factory=list)
    records: list[ExportRecord] = field(default_factory=list)
    quarantined: list[QuarantineRecord] = field(default_factory=list)
    excused: list[ExportRecord] = field(default_factory=list)
    """Recorded exports of people who withdrew: their files are not read again, given or not."""
    kept: list[ExportRecord] = field(default_factory=list)
    """Recorded exports whose files are gone, and whose parts stand for them. Those without a path are of
    people who had withdrawn: their parts keep no words."""
    problems: list[str] = field(default_factory=list)
    """A sentence for each export that was quarantined as a whole."""
    met: dict[str, Met] = field(default_factory=dict)
    """By export id: whose each readable export is, those of the excused included, and where it was met."""


def choose_exports(
    paths: Sequence[Path],
    recorded: Sequence[ExportRecord],
    *,
    add: bool,
    prune: bool,
    excused: frozenset[str] = frozenset(),
) -> OpenedExports:
    """Open the exports at ``paths`` (with ``add``, the recorded ones too).

    ``excused`` are ids of recorded exports whose owners have withdrawn: they may be missing, and are not
    among the opened ones.

    Raises UsageError for a path that is not there, a file of no known format, and, unless ``prune``, for recorded
    exports that are not among them. One that cannot be read is quarantined.
    """
    opened = _open_all(paths)
    seen = {record.export_id for record in opened.records}
    opened.excused = [one for one in recorded if one.export_id in excused and one.part]
    retired = {one.export_id for one in opened.excused}
    opened.exports = [one for one in opened.exports if one.export_id not in retired]
    opened.records = [one for one in opened.records if one.export_id not in retired]
    missing = [one for one in recorded if one.export_id not in seen | excused]
    if add:
        _add_recorded(opened, missing)
    elif missing and not prune:
        listed = "".join(
            f"\n  {record.path or 'of somebody who had withdrawn'} ({record.export_id[:12]})"
            for record in missing
        )
        raise UsageError(
            f"this build would drop {len(missing)} exports that the last one took in:{listed}\n"
            "Name them too, or take them along with --add, or let them go with --prune"
        )
    opened.exports.sort(key=lambda export: export.export_id)
    opened.records = sorted(opened.records, key=lambda record: record.export_id)
    return opened


def recorded_exports(recorded: Sequence[ExportRecord], *, excused: frozenset[str]) -> OpenedExports:
    """Open the recorded exports; where a file is gone or has changed, what was read of it stands for it.

    ``excused``: as for choose_exports. Whatever has become of the files, nothing is raised.
    """
    opened = OpenedExports()
    for record in sorted(recorded, key=lambda record: record.export_id):
        if record.export_id in excused:
            opened.excused += [record] if record.part else []
            continue
        found = open_again(record)
        if found is None and record.part:
            opened.kept.append(record)
        elif found is None:  # it could not be read even before, and stays on record
            opened.records.append(record)
        else:
            _take(opened, found)
    return opened


def open_again(record: ExportRecord) -> OpenedExports | None:
    """Open a recorded export; None if what lies at its path is not what it was."""
    path = Path(record.path)
    try:
        found = _open_all([path]) if record.path and path.exists() else OpenedExports()
    except (UsageError, OSError):  # something else lies there, or nobody may read it
        return None
    return found if [one.export_id for one in found.records] == [record.export_id] else None


def _take(opened: OpenedExports, found: OpenedExports) -> None:
    opened.exports += found.exports
    opened.records += found.records
    opened.quarantined += found.quarantined
    opened.problems += found.problems
    opened.met |= found.met


def expand(paths: Sequence[Path], *, beside: Path) -> list[Path]:
    """Give the exports that ``paths`` name: a folder that is no export itself stands for all that lies in it.

    Hidden files, the ledger (``beside``), its lock and its key are not exports. Raises UsageError
    for a path that is not there and for a folder with nothing in it.
    """
    found: list[Path] = []
    ledger = beside.resolve()
    apart = {ledger, Path(f"{ledger}.lock"), key_path(ledger)}
    for path in paths:
        if not path.exists():
            raise UsageError(f"no export at {path}")
        if path.is_file() or _is_export(path):
            found.append(path)
            continue
        inside = [
            one
            for one in sorted(path.iterdir())
            if not one.name.startswith(".") and one.resolve() not in apart
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
            if digest in seen:
                continue
            seen.add(digest)
            opened.quarantined.append(QuarantineRecord(digest, None, error.code))
            opened.problems.append(str(error))
            opened.records.append(ExportRecord(digest, str(path.resolve()), "unreadable"))
            continue
        place = str(path.resolve())
        opened.met.setdefault(export.export_id, Met(export.owner, [])).paths.append(place)
        if export.export_id not in seen:
            seen.add(export.export_id)
            opened.exports.append(export)
            opened.records.append(
                ExportRecord(export.export_id, str(path.resolve()), export.format)
            )
    return opened


def _add_recorded(opened: OpenedExports, missing: Sequence[ExportRecord]) -> None:
    gone: list[str] = []
    opened.kept = [record for record in missing if not record.path and record.part]
    for record in missing:
        if record in opened.kept:
            continue
        found = open_again(record)
        if found is None:
            gone.append(record.path)
        else:
            _take(opened, found)
    if gone:
        raise UsageError(
            "these recorded exports are no longer where they were, or have changed: "
            + ", ".join(gone)
            + ". Put them back, or name the list that you want with --prune"
        )
