"""What a withdrawal did, in writing: for the steward to hand over and to keep. It names no account.

It accounts for all that was removed since the event: if a command broke off, or another one took the event in
first, the account begins with the last revision before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from fedi_dataset.consent.ledger import Given, Ledger, Withdrawn
from fedi_dataset.files import write_synced
from fedi_dataset.release.removed import removed_lines
from fedi_dataset.release.revisions import Revision

__all__ = ["Certificate", "Plan", "changed_files", "first_event", "keep", "removed_rows"]

OUT_OF_REACH = (
    "Copies that others downloaded: they are asked to drop the rows in removed_keys.jsonl of each revision.",
    "Models that were trained on earlier revisions: what they learned is not unlearned.",
    "Exports in other shapes, wherever `fedi-dataset export` wrote them: delete them, or write them again.",
    "Backups of this machine, and file systems or disks that keep deleted blocks.",
    "Creative Commons licenses under which somebody already received a copy: they cannot be called back.",
    "Words of this person that other people repeated in their own posts without marking them as quotations.",
)
"""What an erasure here cannot do, in plain words."""

TOGETHER = (
    "Rows that leave together in one revision belong together: whoever holds an older copy can see which rows left, "
    "and so which conversations had somebody in common."
)


class Plan(msgspec.Struct, frozen=True):
    """What a withdrawal touches, known before anything is rewritten."""

    cells: int
    """Cells that are worked on again, of ``cells_in_all``."""
    cells_in_all: int
    rows_in_these_cells: dict[str, int]
    """Rows that those cells hold before, by table: the most that can change."""
    files: tuple[str, ...]
    """Data files of the release that hold one of those cells."""
    token_files: tuple[str, ...]
    exports: int
    """The persons' export files on this machine."""
    hub: tuple[str, ...] = ()
    """Revisions of this release on the Hub."""


class Certificate(msgspec.Struct, frozen=True):
    """What was done, without a word about who it was done for beyond the ledger's event."""

    event: str
    """Id of the ledger event that this command appended."""
    first_event: str
    """Id of the event that took the consent back first: the account begins before it."""
    at: datetime
    release: str
    before: dict[str, str]
    """Build and ledger head of the last revision before the first event."""
    after: dict[str, str]
    """Build and ledger head afterwards, and the manifest's SHA-256."""
    plan: Plan
    """Of this command: a build that took the event in before has left nothing to do."""
    removed_rows: dict[str, int]
    """Rows by table that are gone or have changed since ``before``."""
    changed_files: dict[str, tuple[str | None, str | None]]
    """Path → SHA-256 before and after; None where there was or is no such file."""
    deleted_exports: int
    kept_exports: int
    """The persons' export files that still lie on this machine."""
    deleted_caches: tuple[str, ...]
    """Folders of the datasets cache on this machine that held removed rows."""
    caches_in_use: tuple[str, ...]
    """Such folders that a running process is writing: delete them when it has ended."""
    shortfalls: tuple[str, ...]
    """What was lost or damaged, and so could not be done as it should be."""
    out_of_reach: tuple[str, ...] = OUT_OF_REACH
    told: str = TOGETHER
    hub: tuple[str, ...] = ()
    """Revisions on the Hub that still hold removed rows: pushing again purges them, and certifies that."""


def first_event(ledger: Ledger, accounts: Sequence[str]) -> tuple[int, str]:
    """Find what first took back what these accounts' owners consented to last: its line, from 1, and its id."""
    found = []
    for account in accounts:
        events = ledger.naming(ledger.accounts_with(account))
        given = max((line for line, event in events if isinstance(event, Given)), default=0)
        found += [
            (line, event.id)
            for line, event in events
            if line > given and isinstance(event, Withdrawn) and event.posts is None
        ]
    return min(found)


def removed_rows(release: Path, before: Revision) -> dict[str, int]:
    """Count the rows, by table, that a revision held and the present one does not, or not so."""
    since = {(line.table, line.key) for line in removed_lines(release)[before.removed :]}
    return dict(sorted(Counter(table for table, _ in since).items()))


def changed_files(before: Revision, after: Revision) -> dict[str, tuple[str | None, str | None]]:
    """Give the files that differ between two revisions, with their digests."""
    return {
        path: (before.files.get(path), after.files.get(path))
        for path in sorted({*before.files, *after.files})
        if before.files.get(path) != after.files.get(path)
    }


def keep(work: Path, certificate: Certificate) -> None:
    """Keep a certificate in the workspace."""
    folder = work / "certificates"
    folder.mkdir(exist_ok=True, mode=0o700)
    name = f"{certificate.at:%Y%m%dT%H%M%SZ}-{certificate.event.rpartition(':')[2]}.json"
    content = msgspec.json.format(msgspec.json.encode(certificate), indent=1)
    write_synced(folder / name, content, mode=0o600)
