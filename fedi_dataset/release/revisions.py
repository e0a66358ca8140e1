"""Which revisions of a release there were: what an account of an erasure begins from.

A command may break off, and another one finish what it began; and still the certificate must say all that was
removed. So before a revision is superseded it goes on record in the workspace: its digests, and how far the
ledger and the list of removed keys went.

    revisions.jsonl       a line for each (Revision), oldest first
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from fedi_dataset.files import write_synced
from fedi_dataset.release.manifest import LedgerHead, Manifest
from fedi_dataset.release.removed import removed_lines

__all__ = ["Revision", "note_revision", "revision_before", "revision_of"]

RECORD = "revisions.jsonl"


class Revision(msgspec.Struct, frozen=True):
    """A state in which a release was published."""

    build: str
    ledger: LedgerHead
    removed: int
    """Lines of removed_keys.jsonl."""
    files: dict[str, str]
    """Path → SHA-256."""


def revision_of(manifest: Manifest, release: Path) -> Revision:
    """Describe the state in which a release is now."""
    files = {path: record.sha256 for path, record in manifest.files.items()}
    return Revision(manifest.build, manifest.ledger, len(removed_lines(release)), files)


def note_revision(work: Path, manifest: Manifest, release: Path) -> None:
    """Put the present state on record, before it is superseded; one that is on record is not put there again."""
    known = _revisions(work)
    present = revision_of(manifest, release)
    if not known or known[-1] != present:
        lines = [msgspec.json.encode(one, order="sorted") + b"\n" for one in (*known, present)]
        write_synced(work / RECORD, b"".join(lines), mode=0o600)


def revision_before(work: Path, line: int) -> Revision | None:
    """Give the last superseded revision under a ledger that had not come to ``line`` (from 1) yet."""
    earlier = [one for one in _revisions(work) if one.ledger.lines < line]
    return earlier[-1] if earlier else None


def _revisions(work: Path) -> list[Revision]:
    """Read the record; a damaged line tells nothing, and the one before it stands for it."""
    try:
        content = (work / RECORD).read_bytes()
    except FileNotFoundError:
        return []
    known = (_decoded(line) for line in content.splitlines())
    return [one for one in known if one is not None]


def _decoded(line: bytes) -> Revision | None:
    try:
        return msgspec.json.decode(line, type=Revision)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
