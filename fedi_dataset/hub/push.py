"""push(): a release to the Hub, in the order in which nothing can leave too early.

The audit first; then for whom the release was made; then the repository, which must be as private as was asked before
the first byte leaves. One commit makes it the release. If rows were taken back since it was pushed before, the former
revisions are purged. Only files that the manifest names leave, and nothing of the workspace.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fedi_dataset.config import Recipients
from fedi_dataset.console import Ticker
from fedi_dataset.errors import HubError, UsageError
from fedi_dataset.hub.buckets import push_to_bucket
from fedi_dataset.hub.certificate import PROMISED, HubCertificate, keep
from fedi_dataset.hub.client import DATASET, connect, explained
from fedi_dataset.hub.purge import former, purge
from fedi_dataset.hub.ready import PushReport, Ready, make_ready
from fedi_dataset.hub.record import Pushed, note, note_gone
from fedi_dataset.hub.repository import (
    MOST_IN_A_COMMIT,
    Changes,
    Remote,
    changes,
    check_is,
    check_ours,
    commit,
    look,
)
from fedi_dataset.pipeline import no_tick
from fedi_dataset.release.manifest import Manifest
from fedi_dataset.release.removed import REMOVED_KEYS
from fedi_dataset.workspace import Workspace, default_workspace

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import DatasetInfo

__all__ = ["PushReport", "push"]

_TARGET = re.compile(r"(buckets/)?((?!buckets/)[\w.-]+/[\w.-]+)", re.ASCII)


def push(
    release: Path | str,
    target: str,
    *,
    public: bool = False,
    gated: bool = False,
    consent: Path | str | None = None,
    work: Path | str | None = None,
    purge_all: bool = False,
    most_in_a_commit: int = MOST_IN_A_COMMIT,
    now: datetime | None = None,
    tick: Ticker = no_tick,
) -> PushReport:
    """Push a release to the dataset repository ORG/NAME, or to the storage bucket buckets/ORG/NAME.

    It is private unless ``gated`` (whoever is let in by hand) or ``public`` is asked for, the release was built for
    such recipients and every consent behind it covers them. It becomes visible to them when it is complete. Former
    revisions are purged if rows were taken back since, or always with ``purge_all``. The token is the one that
    huggingface_hub finds.

    Raises FediDatasetError if the audit finds a broken promise, UsageError for what cannot be pushed there, and
    HubError for what the Hub refuses. Whatever is raised, main was either not touched or is the release.
    """
    kind: Recipients = "public" if public else "gated" if gated else "private"
    folder = Path(release)
    workspace = Workspace(Path(work) if work is not None else default_workspace(folder))
    named = _TARGET.fullmatch(target)
    if named is None:
        raise UsageError(f"{target!r} is neither ORG/NAME nor buckets/ORG/NAME")
    if public and gated:
        raise UsageError("a repository is gated or public, not both")
    if not workspace.exists:
        raise UsageError(
            f"no workspace at {workspace.path}: without it nobody can check the release before it leaves (--work DIR)"
        )
    with workspace.locked(), connect() as api:  # nobody changes the release meanwhile
        time = now or datetime.now(UTC)
        task = make_ready(folder, workspace, target, kind, consent, now=time, tick=tick)
        with explained(f"cannot push to {target}"):
            if named[1]:
                return push_to_bucket(api, named[2], task)
            return _to_repository(api, target, task, purge_all=purge_all, most=most_in_a_commit)


def _to_repository(api: HfApi, repo: str, task: Ready, *, purge_all: bool, most: int) -> PushReport:
    work = task.workspace.path
    api.create_repo(repo, repo_type=DATASET, private=True, exist_ok=True)
    info = api.dataset_info(repo)
    _check_visibility(info, repo, task.recipients)
    remote = look(api, repo, str(info.sha))
    there = check_ours(api, repo, remote, task.manifest)
    known = task.known(api.endpoint)
    opens = info.private and task.recipients != "private" and there is not None
    due = (
        purge_all
        or opens  # what was there was for fewer
        or any(one.removed < task.removed for one in known)
        or (there is not None and _list_of(there) != _list_of(task.manifest))
    )
    wanted = changes(task.release, task.files, remote)
    if wanted:
        remote = _send(api, repo, task, wanted, remote, most)
    note(work, task.noted(api.endpoint, remote.commit))
    certificate = _purge(api, repo, task, remote, known) if due else None
    kept = keep(work, certificate) if certificate is not None else None
    if certificate is None or not certificate.still_there:
        _open_to(api, repo, task.recipients)
    return PushReport(
        target=task.target,
        url=f"{api.endpoint}/datasets/{repo}",
        build=task.manifest.build,
        commit=certificate.commit if certificate is not None else remote.commit,
        recipients=task.recipients,
        sent=wanted.send,
        deleted=wanted.delete,
        certificate=certificate,
        certificate_path=kept,
    )


def _list_of(manifest: Manifest) -> str | None:
    """Give the digest of a release's list of removed keys: it differs if rows were taken back."""
    record = manifest.files.get(REMOVED_KEYS)
    return None if record is None else record.sha256


def _send(api: HfApi, repo: str, task: Ready, wanted: Changes, remote: Remote, most: int) -> Remote:
    """Make main the release, and see that it is."""
    note(task.workspace.path, task.noted(api.endpoint, None))
    task.tick("uploading", 0, len(wanted.send))

    def before_commit() -> None:
        task.tick("uploading", len(wanted.send), len(wanted.send))
        task.check_ledger()
        _check_visibility(api.dataset_info(repo), repo, task.recipients)

    head = commit(
        api,
        repo,
        task.release,
        wanted,
        parent=remote.commit,
        build=task.manifest.build,
        before=before_commit,
        most=most,
    )
    sent = look(api, repo, head)
    check_is(task.release, task.files, sent)
    return sent


def _purge(
    api: HfApi, repo: str, task: Ready, present: Remote, known: Sequence[Pushed]
) -> HubCertificate:
    """Purge all former revisions, and put on record which are gone."""
    work = task.workspace.path
    task.tick("purging", 0, 1)
    done = purge(api, repo, present, former(api, repo, present, known))
    check_is(task.release, task.files, look(api, repo, done.commit))
    note(work, task.noted(api.endpoint, done.commit))
    if not done.still_there:
        note_gone(work, known, task.at)
    task.tick("purging", 1, 1)
    return HubCertificate(
        at=task.at,
        endpoint=api.endpoint,
        target=task.target,
        build=task.manifest.build,
        commit=done.commit,
        ledger=task.manifest.ledger.sha256,
        revisions=done.former.revisions,
        objects=tuple(sorted(done.former.objects)),
        deleted_refs=done.deleted_refs,
        still_there=done.still_there,
        promised=PROMISED,
    )


def _check_visibility(info: DatasetInfo, repo: str, wanted: Recipients) -> None:
    """Raise HubError if more people see a repository than were asked for."""
    if info.private is True or wanted == "public" or (wanted == "gated" and info.gated):
        return
    raise HubError(
        f"{repo} is a public repository, and this push is for {wanted} recipients. Nothing was sent to it. Name "
        "another repository, or make this one private in its settings, if you know what has been in it"
    )


def _open_to(api: HfApi, repo: str, recipients: Recipients) -> None:
    """Let the recipients in, now that the release is complete; then see that it is so, and no further."""
    info = api.dataset_info(repo)
    if recipients != "private" and info.private:
        gated = {"gated": "manual"} if recipients == "gated" else {}
        api.update_repo_settings(repo, private=False, repo_type=DATASET, **gated)
        info = api.dataset_info(repo)
    _check_visibility(info, repo, recipients)
