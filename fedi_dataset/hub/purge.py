"""After an erasure: everything on the Hub but the present revision goes, and is asked for until it is not found.

A repository keeps what a new commit takes out: in its history, in branches, tags, pull requests and the Hub's own
conversions, and as large objects. In this order: refs but main are deleted; main is squashed to one commit; large
objects that it has not are deleted, out of every commit that names them. Then every revision and object that was
there before is asked for. What cannot be asked is what the certificate leaves to the Hub's word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedi_dataset.hub.client import DATASET
from fedi_dataset.hub.record import Pushed
from fedi_dataset.hub.repository import Remote, look

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["Former", "Purge", "former", "purge"]


@dataclass(frozen=True)
class Former:
    """What a repository held beside its present revision, before it was purged."""

    revisions: tuple[str, ...]
    """Commits that are not the present one, those that the workspace remembers included."""
    objects: dict[str, tuple[str, str]]
    """SHA-256 of large objects that the present revision has not → a revision and a path that led to it; both
    empty for one that no commit names."""


@dataclass(frozen=True)
class Purge:
    """What was deleted, and what was still found afterwards."""

    commit: str
    """The revision that is left."""
    former: Former
    deleted_refs: tuple[str, ...]
    still_there: tuple[str, ...]
    """Sentences; empty if nothing that was asked for was found."""


def former(api: HfApi, repo: str, present: Remote, known: Sequence[Pushed]) -> Former:
    """Look for everything that a purge must remove, in the repository and in what the workspace remembers."""
    refs = api.list_repo_refs(repo, repo_type=DATASET, include_pull_requests=True)
    names = [one.name for one in (*refs.branches, *refs.tags)]
    names += [one.ref for one in (*refs.converts, *(refs.pull_requests or []))]
    revisions = {one.commit for one in known if one.commit is not None}
    for name in names:
        commits = api.list_repo_commits(repo, revision=name, repo_type=DATASET)
        revisions.update(one.commit_id for one in commits)
    revisions.discard(present.commit)
    listed = api.list_lfs_files(repo, repo_type=DATASET)
    objects = {one.file_oid: ("", "") for one in listed}
    for sent in known:
        for path, sha256 in sent.objects.items():
            objects[sha256] = (sent.commit, path) if sent.commit else ("", "")
    for revision in sorted(revisions):
        if _is_there(api, repo, revision):
            for path, sha256 in look(api, repo, revision).objects.items():
                objects[sha256] = (revision, path)
    for sha256 in present.objects.values():
        objects.pop(sha256, None)
    return Former(tuple(sorted(revisions)), objects)


def purge(api: HfApi, repo: str, present: Remote, before: Former) -> Purge:
    """Remove all that ``before`` lists, and look for it. The files of main stay what they are."""
    deleted = [*_delete_refs(api, repo)]
    api.super_squash_history(
        repo, branch="main", commit_message="Former revisions were purged", repo_type=DATASET
    )
    doomed = [
        one
        for one in api.list_lfs_files(repo, repo_type=DATASET)
        if one.file_oid not in set(present.objects.values())
    ]
    if doomed:
        api.permanently_delete_lfs_files(repo, doomed, rewrite_history=True, repo_type=DATASET)
    head = str(api.dataset_info(repo).sha)
    return Purge(head, before, tuple(deleted), tuple(_found(api, repo, before, deleted)))


def _delete_refs(api: HfApi, repo: str) -> Iterator[str]:
    """Delete every ref that a client can; what the Hub refuses is found by looking afterwards."""
    from huggingface_hub.errors import HfHubHTTPError

    refs = api.list_repo_refs(repo, repo_type=DATASET)
    for tag in refs.tags:
        api.delete_tag(repo, tag=tag.name, repo_type=DATASET)
        yield tag.ref
    for branch in refs.branches:
        if branch.name != "main":
            api.delete_branch(repo, branch=branch.name, repo_type=DATASET)
            yield branch.ref
    for conversion in refs.converts:
        try:
            api.delete_branch(repo, branch=conversion.ref, repo_type=DATASET)
        except HfHubHTTPError:
            continue
        yield conversion.ref


def _found(api: HfApi, repo: str, before: Former, deleted: Collection[str]) -> Iterator[str]:
    """Ask for everything that must be gone; say what is found."""
    refs = api.list_repo_refs(repo, repo_type=DATASET, include_pull_requests=True)
    for ref in refs.pull_requests or []:
        yield (
            f"{ref.ref} keeps former commits, and no client can delete it: on its page close the pull request and "
            "press `Delete ref`"
        )
    for ref in (*refs.tags, *(one for one in refs.branches if one.name != "main")):
        yield f"{ref.ref} is there: somebody made it meanwhile"
    for ref in refs.converts:
        if ref.ref not in deleted:  # one that was deleted was made again, of what is there now
            yield f"{ref.ref}, the Hub's own copy of a former revision, could not be deleted"
    for revision in before.revisions:
        if _is_there(api, repo, revision):
            yield f"revision {revision} can still be read"
    listed = {one.file_oid for one in api.list_lfs_files(repo, repo_type=DATASET)}
    for sha256, (revision, path) in before.objects.items():
        if sha256 in listed:
            yield f"the object {sha256} is still listed"
        elif revision and _answers(api, repo, revision, path):
            yield f"the object {sha256} can still be downloaded"


def _is_there(api: HfApi, repo: str, revision: str) -> bool:
    from huggingface_hub.errors import RevisionNotFoundError

    try:
        api.dataset_info(repo, revision=revision)
    except RevisionNotFoundError:
        return False
    return True


def _answers(api: HfApi, repo: str, revision: str, path: str) -> bool:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.errors import RemoteEntryNotFoundError, RevisionNotFoundError

    url = hf_hub_url(repo, path, revision=revision, repo_type=DATASET, endpoint=api.endpoint)
    try:
        api.get_hf_file_metadata(url=url)
    except (RemoteEntryNotFoundError, RevisionNotFoundError):
        return False
    return True
