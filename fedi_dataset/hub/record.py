"""Which revisions of a release went to the Hub: so that an erasure knows what must be gone from there.

A push is put on record before its first byte leaves, because what was uploaded may lie there even if nothing came of
it, and again once its commit is known.

    hub.jsonl             a line for each (Pushed), oldest first
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from fedi_dataset.errors import UsageError
from fedi_dataset.files import write_synced

__all__ = ["Pushed", "not_gone", "note", "note_gone", "outdated", "pushed"]

RECORD = "hub.jsonl"


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """A revision that was sent to a repository or a bucket."""

    endpoint: str
    target: str
    """ORG/NAME, or buckets/ORG/NAME."""
    build: str
    at: datetime
    removed: int
    """Lines of removed_keys.jsonl: an erasure since then makes the list longer."""
    objects: dict[str, str]
    """Data file → SHA-256."""
    commit: str | None = None
    """None: begun, and not known to have come to an end; of buckets always, they have no commits."""
    gone: datetime | None = None
    """When it was verified to be gone."""

    @property
    def sentence(self) -> str:
        """Where it is, in words; the target first."""
        at = f"at revision {self.commit}" if self.commit else f"build {self.build}"
        return f"{self.target} {at}"


def pushed(work: Path) -> list[Pushed]:
    """Read the record, oldest first. Raises UsageError if it is damaged: what is where would be unknown."""
    try:
        lines = (work / RECORD).read_bytes().splitlines()
        return [msgspec.json.decode(line, type=Pushed) for line in lines]
    except FileNotFoundError:
        return []
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{work / RECORD} is damaged ({error}). Restore it from a copy; if there is none, remove it and push "
            "with --purge to every repository that this release was ever pushed to"
        ) from error


def not_gone(work: Path) -> tuple[str, ...]:
    """Give the revisions that are on the Hub as far as is known: ``ORG/NAME at revision ...``."""
    return tuple(one.sentence for one in pushed(work) if one.gone is None)


def outdated(work: Path, removed: int) -> tuple[str, ...]:
    """Give those that hold rows which a list of ``removed`` lines takes back."""
    return tuple(one.sentence for one in pushed(work) if one.gone is None and one.removed < removed)


def note(work: Path, sent: Pushed) -> None:
    """Put a push on record, in the place of the same one as it was begun or sent before."""
    same = (sent.endpoint, sent.target, sent.build, sent.removed)
    others = [
        one
        for one in pushed(work)
        if (one.endpoint, one.target, one.build, one.removed) != same
        or (one.commit is not None and one.commit != sent.commit)
    ]
    _keep(work, [*others, sent])


def note_gone(work: Path, gone: Iterable[Pushed], at: datetime) -> None:
    """Put on record that revisions were verified to be gone."""
    doomed = list(gone)
    _keep(
        work,
        [msgspec.structs.replace(one, gone=at) if one in doomed else one for one in pushed(work)],
    )


def _keep(work: Path, entries: Iterable[Pushed]) -> None:
    content = b"".join(msgspec.json.encode(one, order="sorted") + b"\n" for one in entries)
    write_synced(work / RECORD, content, mode=0o600)
