"""A release in a dataset repository: what lies there, what differs, and one commit that makes it the same.

Parquet files are large objects there, told apart by their SHA-256; all others stand in the commits themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fedi_dataset.errors import HubError, UsageError
from fedi_dataset.hub.client import DATASET
from fedi_dataset.release.manifest import MANIFEST, Manifest, read_manifest

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationCopy, HfApi

__all__ = [
    "MOST_IN_A_COMMIT",
    "Changes",
    "Remote",
    "changes",
    "check_is",
    "check_ours",
    "commit",
    "look",
]

MOST_IN_A_COMMIT = 10_000
"""Files that are uploaded for one commit. The Hub's own limit is 25,000; large commits run into time-outs."""

ATTRIBUTES = ".gitattributes"
"""Made by the Hub, and not ours: it says which files are large objects."""


@dataclass(frozen=True)
class Remote:
    """The files of a revision."""

    commit: str
    objects: dict[str, str]
    """Path → SHA-256, of large objects."""
    blobs: dict[str, str]
    """Path → git's id, of all others."""

    def holds(self, path: str, file: Path, sha256: str) -> bool:
        """Whether a file is there with just this content."""
        if path in self.objects:
            return self.objects[path] == sha256
        return path in self.blobs and self.blobs[path] == _blob(file)

    @property
    def paths(self) -> set[str]:
        """All files but the Hub's own."""
        return {*self.objects, *self.blobs} - {ATTRIBUTES}


@dataclass(frozen=True)
class Changes:
    """What must be sent and deleted so that a revision is the release."""

    send: tuple[str, ...]
    delete: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.send or self.delete)


def look(api: HfApi, repo: str, revision: str) -> Remote:
    """See which files a revision has."""
    from huggingface_hub.hf_api import RepoFile

    objects: dict[str, str] = {}
    blobs: dict[str, str] = {}
    for one in api.list_repo_tree(repo, revision=revision, recursive=True, repo_type=DATASET):
        if isinstance(one, RepoFile):
            if one.lfs is not None:
                objects[one.path] = one.lfs.sha256
            else:
                blobs[one.path] = one.blob_id
    return Remote(revision, objects, blobs)


def check_ours(api: HfApi, repo: str, remote: Remote, manifest: Manifest) -> Manifest | None:
    """Give the manifest that a repository has; None if it is empty.

    Raises UsageError if it holds anything but a release of this workspace: a push deletes what is not the release.
    """
    if not remote.paths:
        return None
    found = None
    if MANIFEST in remote.paths:
        with TemporaryDirectory() as folder:
            api.hf_hub_download(
                repo, MANIFEST, revision=remote.commit, repo_type=DATASET, local_dir=folder
            )
            found = read_manifest(Path(folder))
    if found is None:
        raise UsageError(
            f"{repo} holds files that are no release of fedi_dataset, and a push would delete them; "
            "name another repository, or a new one"
        )
    if found.secret_fingerprint != manifest.secret_fingerprint:
        raise UsageError(
            f"{repo} holds a release that another workspace made; name another repository, or a new one"
        )
    return found


def changes(release: Path, files: Mapping[str, str], remote: Remote) -> Changes:
    """Compare a release (path → SHA-256) with a revision."""
    send = [
        path for path, sha256 in files.items() if not remote.holds(path, release / path, sha256)
    ]
    return Changes(tuple(sorted(send)), tuple(sorted(remote.paths - files.keys())))


def commit(
    api: HfApi,
    repo: str,
    release: Path,
    wanted: Changes,
    *,
    parent: str,
    build: str,
    before: Callable[[], None],
    most: int = MOST_IN_A_COMMIT,
) -> str:
    """Make main the release, in one commit on ``parent``, and give its id.

    Large objects are uploaded first; those that are there already are not sent again. Then ``before`` is called, which
    may raise; then comes the commit. If more than ``most`` files are to be sent, they are committed by parts to a
    branch of their own, so that what arrived is kept; the commit on main takes them from there.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    adds = [CommitOperationAdd(path, str(release / path)) for path in wanted.send]
    deletes = [CommitOperationDelete(path, is_folder=False) for path in wanted.delete]
    branch = None
    if len(adds) > most:
        branch = f"upload-{build[:12]}"
        adds = _by_parts(api, repo, adds, branch, parent, most)
    else:
        api.preupload_lfs_files(repo, adds, repo_type=DATASET, revision="main", free_memory=False)
    before()
    done = api.create_commit(
        repo,
        [*adds, *deletes],
        commit_message=f"Build {build}",
        repo_type=DATASET,
        parent_commit=parent,
    )
    if branch is not None:
        api.delete_branch(repo, branch=branch, repo_type=DATASET)
    return str(done.oid)


def _by_parts(
    api: HfApi, repo: str, adds: Sequence[CommitOperationAdd], branch: str, parent: str, most: int
) -> list[CommitOperationAdd | CommitOperationCopy]:
    """Commit files to a branch, ``most`` at a time; give the operations that take them from there."""
    from huggingface_hub import CommitOperationAdd, CommitOperationCopy

    api.create_branch(repo, branch=branch, revision=parent, repo_type=DATASET, exist_ok=True)
    for begin in range(0, len(adds), most):
        api.create_commit(
            repo,
            adds[begin : begin + most],
            commit_message=f"Part {begin // most + 1}",
            repo_type=DATASET,
            revision=branch,
        )
    arrived = look(api, repo, branch)
    return [
        CommitOperationCopy(one.path_in_repo, one.path_in_repo, src_revision=branch)
        if one.path_in_repo in arrived.objects
        else CommitOperationAdd(one.path_in_repo, one.path_or_fileobj)
        for one in adds
    ]


def check_is(release: Path, files: Mapping[str, str], remote: Remote) -> None:
    """Raise HubError unless a revision is the release, file by file."""
    wrong = changes(release, files, remote)
    if wrong:
        raise HubError(
            f"after the push {len(wrong.send) + len(wrong.delete)} files there are not those of the release, "
            f"such as {(*wrong.send, *wrong.delete)[0]}; run it again"
        )


def _blob(file: Path) -> str:
    content = file.read_bytes()
    head = b"blob %d\0" % len(content)
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()
