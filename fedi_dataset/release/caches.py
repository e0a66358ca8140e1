"""Arrow caches that datasets made of a release on this machine, found by the rows that they hold.

datasets never deletes a cache, and does not note which folder it was made from. But every row of ours carries a keyed
hash that occurs nowhere else: a cache with the key of a removed row holds that row, whoever made it.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from fedi_dataset.builder_caches import delete_cache, forget_all
from fedi_dataset.errors import UsageError
from fedi_dataset.files import write_synced
from fedi_dataset.release.manifest import read_manifest
from fedi_dataset.release.removed import KEY_COLUMNS as KEY_OF
from fedi_dataset.release.removed import removed_lines
from fedi_dataset.workspace import Workspace

__all__ = ["Purged", "forget_builds", "forget_caches", "purge", "purge_is_due"]

KEY_COLUMNS = frozenset({"dialogue_key", "dialogue_keys", "conversation_key", "post_key"})


DUE = "purge-caches"
"""File in the workspace that says that caches must be purged."""
EVERYTHING = b"everything"


class _Info(msgspec.Struct, frozen=True):
    """What interests us in datasets' dataset_info.json."""

    features: dict[str, object] | None = None


class Purged(NamedTuple):
    """What became of caches that hold rows which the release has not any more."""

    deleted: tuple[str, ...] = ()
    in_use: tuple[str, ...] = ()
    """Those that a running process is writing: they stay."""


def purge_is_due(work: Path, *, everything: bool = False) -> None:
    """Put on record, before rows are gone, that caches must be purged, so that a crash does not forget it.

    ``everything``: some of the rows cannot be named, so that every cache of this release goes.
    """
    if everything or not (work / DUE).exists():
        write_synced(work / DUE, EVERYTHING if everything else b"", mode=0o600)


def purge(work: Path, release: Path) -> Purged:
    """Delete the caches of former revisions, if that is due; it stays so while one of them is in use."""
    due = work / DUE
    if not due.exists():
        return Purged()
    gone = {line.key for line in removed_lines(release)}
    if due.read_bytes() == EVERYTHING:
        gone.update(_keys_of(release))
    deleted, in_use = forget_caches(gone)
    if not in_use:
        due.unlink()
    return Purged(tuple(deleted), tuple(in_use))


def _keys_of(release: Path) -> Iterator[str]:
    manifest = read_manifest(release)
    for path, record in manifest.files.items() if manifest is not None else ():
        if record.table in KEY_OF:
            yield from pq.read_table(release / path, columns=["conversation_key"])[0].to_pylist()


def forget_caches(removed: Collection[str]) -> tuple[list[str], list[str]]:
    """Delete the caches that hold a row with one of these keys; give those deleted, and those in use now.

    A cache goes with all that Dataset.map kept beside it. One that another process is writing stays, and is named.
    """
    from datasets import config

    deleted: list[str] = []
    in_use: list[str] = []
    wanted = frozenset(removed)
    for cache in sorted(_caches(Path(config.HF_DATASETS_CACHE))) if wanted else ():
        if _holds(cache, wanted):
            (deleted if delete_cache(str(cache)) else in_use).append(str(cache))
    return deleted, in_use


def forget_builds(ledger: Path) -> tuple[list[str], list[str]]:
    """Delete what ``load_dataset("fedi_dataset", ...)`` built under a ledger: its next load builds it again.

    Gives the folders and caches that were deleted, and those that a process is writing now.
    """
    from fedi_dataset.builder_inputs import Inputs, workspaces

    deleted: list[str] = []
    in_use: list[str] = []
    for work in sorted(workspaces().glob("*/release.work")):
        if _is_of(work, ledger):
            folder = work.parent
            with FileLock(folder / "lock"):
                gone, busy = _forget_loads(folder / Inputs.RECORD)
                for built in (folder / "release", work):
                    shutil.rmtree(built, ignore_errors=True)
            deleted += [str(folder), *gone]
            in_use += busy
    return deleted, in_use


def _is_of(work: Path, ledger: Path) -> bool:
    try:
        recorded = Workspace(work).state().ledger
    except UsageError:  # damaged: it may be, and it is only a cache
        return True
    return recorded is not None and recorded.path == str(ledger.resolve())


def _forget_loads(record: Path) -> tuple[list[str], list[str]]:
    """Delete the caches on record; if the record is damaged, all that the builder ever made."""
    try:
        return forget_all(record)
    except UsageError:
        record.unlink()
    from datasets import config

    root = Path(config.HF_DATASETS_CACHE)
    found = [str(one) for one in _caches(root) if one.is_relative_to(root / "fedi_dataset")]
    deleted = [one for one in found if delete_cache(one)]
    return deleted, [one for one in found if one not in deleted]


def _caches(root: Path) -> Iterator[Path]:
    """Give the folders below the datasets cache whose features have a key of ours."""
    for info in root.glob("*/*/*/*/dataset_info.json"):
        try:
            features = msgspec.json.decode(info.read_bytes(), type=_Info).features
        except msgspec.DecodeError:
            continue  # not datasets' own: nothing of ours
        if KEY_COLUMNS & (features or {}).keys():
            yield info.parent


def _holds(cache: Path, removed: frozenset[str]) -> bool:
    return any(
        not removed.isdisjoint(keys) for file in cache.glob("*.arrow") for keys in _keys(file)
    )


def _keys(file: Path) -> Iterator[list[str]]:
    try:
        with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as reader:
            columns = [name for name in reader.schema.names if name in KEY_COLUMNS]
            for batch in reader:
                for name in columns:
                    column = batch[name]
                    keys = column.flatten() if pa.types.is_list(column.type) else column
                    yield keys.to_pylist()
    except pa.ArrowInvalid:
        return  # not a finished Arrow stream
