"""What a purge of the Hub did, in writing, beside the certificates of withdrawals. It names no account."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from fedi_dataset.files import write_synced

__all__ = ["PROMISED", "PROMISED_OF_BUCKETS", "HubCertificate", "keep"]

PROMISED = (
    "That deleted objects have left the Hub's storage, its backups and the caches in front of it: it says that they "
    "are deleted, and nobody outside can look.",
    "That a commit which no ref reaches is forgotten for good, and not only refused today.",
    "That the Hub's viewer, search and conversions keep nothing of former revisions outside the repository.",
)
"""What only the Hub itself can promise of a repository."""

PROMISED_OF_BUCKETS = (
    "That chunks of files which no bucket names any more have left the Hub's storage: when that happens is not said.",
)

ELSEWHERE = (
    "Clones, downloads and duplicates of the repository that others made, and caches on machines that loaded it, also "
    "of people who lost access since: they are asked to drop the rows in removed_keys.jsonl.",
)


class HubCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed from the Hub after rows were taken back, what was asked for, and what is out of reach."""

    at: datetime
    endpoint: str
    target: str
    build: str
    """The build that is there now."""
    commit: str | None
    """The only revision that is left; None for a bucket, which has no revisions."""
    ledger: str
    """The head of the ledger under which this build was made."""
    revisions: tuple[str, ...]
    """Former commits: each was asked for."""
    objects: tuple[str, ...]
    """SHA-256 of former files: each was looked for in the list of what is stored, and asked for by its former place."""
    deleted_refs: tuple[str, ...]
    still_there: tuple[str, ...]
    """What was found all the same; empty if all is gone."""
    promised: tuple[str, ...]
    """What only the Hub can promise."""
    out_of_reach: tuple[str, ...] = ELSEWHERE


def keep(work: Path, certificate: HubCertificate) -> Path:
    """Keep a certificate in the workspace, and give its path."""
    folder = work / "certificates"
    folder.mkdir(exist_ok=True, mode=0o700)
    target = certificate.target.replace("/", "-")
    path = folder / f"{certificate.at:%Y%m%dT%H%M%S.%fZ}-hub-{target}.json"
    content = msgspec.json.format(msgspec.json.encode(certificate), indent=1)
    write_synced(path, content, mode=0o600)
    return path
