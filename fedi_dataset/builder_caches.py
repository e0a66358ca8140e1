"""What loads of one pair of exports and ledger left behind: the Arrow caches, and how far the ledger went.

datasets never deletes a cache. When a consent is withdrawn, the next load gets another cache, and the
rows would lie in the former one for good. So the builder notes every cache in its own private folder, and
deletes those that what it finds now has superseded.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from fedi_dataset.consent.ledger import Head
from fedi_dataset.errors import UsageError
from fedi_dataset.files import write_synced

__all__ = ["Past", "delete_cache", "forget_all", "note_load", "past"]


class Cache(msgspec.Struct, frozen=True, order=True):
    """A folder into which datasets wrote rows, or may be about to."""

    path: str
    """Absolute. Its name holds a hash of what is written into it: nobody else's folder is called so."""
    generation: str
    """Digest of the exports, the ledger and the code that its rows rest on."""


class Past(msgspec.Struct, frozen=True):
    """What is on record."""

    head: Head | None = None
    """Of the longest ledger seen."""
    caches: tuple[Cache, ...] = ()


def past(record: Path) -> Past:
    """Read the record, empty if there is none. Raises UsageError if it is damaged."""
    try:
        return msgspec.json.decode(record.read_bytes(), type=Past)
    except FileNotFoundError:
        return Past()
    except msgspec.DecodeError as error:
        raise UsageError(
            f"{record} is damaged ({error}), so superseded caches cannot be found. Delete it and every "
            "folder fedi_dataset in your datasets caches, and load again"
        ) from error


def note_load(record: Path, head: Head, generation: str, cache: Path) -> None:
    """Put a load on record, and delete the caches of all other generations.

    A folder goes with all that lies in it, so what ``Dataset.map`` kept beside its rows goes too. One that is
    being written at this moment stays on record, to be deleted the next time. Raises OSError for what
    cannot be deleted.
    """
    with FileLock(f"{record}.lock"):
        known = past(record)
        if known.head is not None and known.head.lines > head.lines:
            return  # another process saw more of the ledger meanwhile: this load is superseded
        kept = {
            one
            for one in known.caches
            if one.generation == generation or not delete_cache(one.path)
        }
        kept.add(Cache(str(cache.resolve()), generation))
        new = Past(head, tuple(sorted(kept)))
        if new != known:
            write_synced(record, msgspec.json.encode(new), mode=0o600)


def forget_all(record: Path) -> tuple[list[str], list[str]]:
    """Delete every cache on record; give those deleted, and those that a process is writing now.

    How far the ledger went stays on record.
    """
    with FileLock(f"{record}.lock"):
        known = past(record)
        in_use = [one for one in known.caches if not delete_cache(one.path)]
        write_synced(record, msgspec.json.encode(Past(known.head, tuple(in_use))), mode=0o600)
    busy = [one.path for one in in_use]
    return [one.path for one in known.caches if one.path not in busy], busy


def delete_cache(path: str) -> bool:
    """Delete a cache and what a killed process left of one; False if somebody is writing it."""
    cache = Path(path)
    if not cache.parent.is_dir():
        return True  # somebody deleted it with all around it
    try:
        with FileLock(f"{cache}_builder.lock", timeout=0):  # which datasets holds while it writes
            for folder in (cache, cache.with_name(f"{cache.name}.incomplete")):
                if folder.is_dir() and not folder.is_symlink():
                    shutil.rmtree(folder)
    except Timeout:
        return False
    return True
