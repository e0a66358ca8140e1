"""Arrow caches that datasets made of a release on this machine, found by the rows that they hold.

datasets never deletes a cache, and does not note which folder it was made from. But every row of ours carries a keyed
hash that occurs nowhere else: a cache with the key of a removed row holds that row, whoever made it.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
from filelock import FileLock

from fedi_dataset.builder_caches import delete_cache, forget_all
from fedi_dataset.workspace import Workspace

__all__ = ["forget_builds", "forget_caches"]

KEY_COLUMNS = frozenset({"dialogue_key", "conversation_key", "post_key"})


class _Info(msgspec.Struct, frozen=True):
    """What interests us in datasets' dataset_info.json."""

    features: dict[str, object] | None = None


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
        recorded = Workspace(work).state().ledger
        if recorded is not None and recorded.path == str(ledger.resolve()):
            folder = work.parent
            with FileLock(folder / "lock"):
                gone, busy = forget_all(folder / Inputs.RECORD)
                for built in (folder / "release", work):
                    shutil.rmtree(built, ignore_errors=True)
            deleted += [str(folder), *gone]
            in_use += busy
    return deleted, in_use


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
                    yield batch[name].to_pylist()
    except pa.ArrowInvalid:
        return  # not a finished Arrow stream
