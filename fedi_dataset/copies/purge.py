"""Empties this machine's caches of what a repository does not hold any more.

The Hub's cache keeps every revision that was ever loaded, and datasets keeps an Arrow copy of each, also when the
repository is gone or access was taken back: ``load_dataset`` then goes on giving the old rows, with a warning in a log.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fedi_dataset.builder_caches import delete_cache
from fedi_dataset.copies.check import current_revision
from fedi_dataset.errors import UsageError
from fedi_dataset.hub.client import connect

__all__ = ["LocalPurge", "purge_local"]


@dataclass(frozen=True)
class LocalPurge:
    """What was deleted of a repository's copies on this machine."""

    repository: str
    current: str | None
    """The commit that may stay; None if the repository cannot be seen any more, and then none stays."""
    revisions: tuple[str, ...]
    """Commits that went from the Hub's cache."""
    caches: tuple[str, ...]
    """Folders that went from datasets' cache."""
    in_use: tuple[str, ...]
    """Folders there that a running process is writing: delete them when it has ended."""


def purge_local(repo_id: str, *, dry_run: bool = False) -> LocalPurge:
    """Delete every cached revision of a repository but the newest; all of them if it cannot be seen any more.

    ``dry_run`` deletes nothing and tells what would be. Raises HubError if the Hub cannot be asked, and UsageError for
    a name that is not ORG/NAME.
    """
    if repo_id.count("/") != 1:
        raise UsageError(f"{repo_id} is not ORG/NAME of a repository on the Hub")
    with connect(anonymous=True) as api:
        current = current_revision(api, repo_id)
    revisions = sorted(_superseded_revisions(repo_id, current))
    found = sorted(_superseded_caches(repo_id, current))
    in_use: list[str] = []
    if not dry_run:
        _delete_revisions(repo_id, revisions)
        in_use = [str(cache) for cache in found if not delete_cache(str(cache))]
        _delete_empty(repo_id, current)
    deleted = tuple(str(cache) for cache in found if str(cache) not in in_use)
    return LocalPurge(repo_id, current, tuple(revisions), deleted, tuple(in_use))


def _superseded_revisions(repo_id: str, current: str | None) -> Iterator[str]:
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        cache = scan_cache_dir()
    except CacheNotFound:
        return
    for repo in cache.repos:
        if (repo.repo_type, repo.repo_id) == ("dataset", repo_id):
            yield from (one.commit_hash for one in repo.revisions if one.commit_hash != current)


def _delete_revisions(repo_id: str, revisions: list[str]) -> None:
    """Delete revisions, and what the client leaves beside them: downloads that broke off, marks of absent files."""
    from huggingface_hub import scan_cache_dir

    if revisions:
        scan_cache_dir().delete_revisions(*revisions).execute()
        for revision in revisions:
            shutil.rmtree(_cached(repo_id) / ".no_exist" / revision, ignore_errors=True)
        for broken in _cached(repo_id).glob("blobs/*.incomplete"):
            broken.unlink(missing_ok=True)


def _superseded_caches(repo_id: str, current: str | None) -> Iterator[Path]:
    """Give the folders of datasets' cache whose last name, the commit, is not the newest one."""
    yield from (path for path in _caches(repo_id) if path.name != current)


def _caches(repo_id: str) -> Iterator[Path]:
    """Folders are named ORG___NAME/CONFIG/VERSION/COMMIT."""
    yield from (path for path in _root(repo_id).glob("*/*/*") if path.is_dir())


def _root(repo_id: str) -> Path:
    from datasets import config

    return Path(config.HF_DATASETS_CACHE) / repo_id.replace("/", "___")


def _delete_empty(repo_id: str, current: str | None) -> None:
    """Delete what is left of a repository of which no copy may stay: folders, locks, the Hub's refs."""
    if current is None and not any(_caches(repo_id)):
        shutil.rmtree(_root(repo_id), ignore_errors=True)
    if current is None:
        shutil.rmtree(_cached(repo_id), ignore_errors=True)


def _cached(repo_id: str) -> Path:
    """Give the repository's folder in the cache of the Hub's client."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"datasets--{repo_id.replace('/', '--')}"
