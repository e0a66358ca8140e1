"""The Arrow caches that datasets wrote of one pair of exports and ledger, so that they can be deleted.

datasets never deletes a cache. When a consent is withdrawn, the next load gets another cache, and the
rows would lie in the former one for good. So the builder notes every cache before it is written, in
its own private folder, and deletes those that what it builds now has superseded.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from fedi_dataset.errors import UsageError
from fedi_dataset.files import write_synced

__all__ = ["renew_caches"]


class _Cache(msgspec.Struct, frozen=True):
    """A cache that datasets wrote, or was about to write."""

    path: str
    """Absolute. Its name holds a hash of what was to be written into it: nobody else's is called so."""
    generation: str
    """Digest of the exports, the ledger and the code that its rows rest on."""


def renew_caches(record: Path, generation: str, cache: Path | None) -> None:
    """Delete the caches in ``record`` that are of another generation, and note ``cache``.

    A folder goes with all that lies in it, so what ``Dataset.map`` kept beside its rows goes too. One that is
    being written at this moment stays on record, to be deleted the next time. ``cache`` is None where nothing
    is cached, as in streaming. Raises UsageError for a damaged record, OSError for what cannot be deleted.
    """
    known = _read(record)
    kept = {one for one in known if one.generation == generation or not _delete(Path(one.path))}
    if cache is not None:
        kept.add(_Cache(str(cache.resolve()), generation))
    if kept != known:
        in_order = sorted(kept, key=lambda one: (one.path, one.generation))
        write_synced(record, msgspec.json.encode(in_order), mode=0o600)


def _read(record: Path) -> set[_Cache]:
    try:
        return msgspec.json.decode(record.read_bytes(), type=set[_Cache])
    except FileNotFoundError:
        return set()
    except msgspec.DecodeError as error:
        raise UsageError(
            f"{record} is damaged ({error}), so superseded caches cannot be found. Delete it and every "
            "folder fedi_dataset in your datasets caches, and load again"
        ) from error


def _delete(cache: Path) -> bool:
    """Delete a cache and what a killed process left of one; False if somebody is writing it."""
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
