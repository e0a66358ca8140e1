"""A release in a storage bucket: files that are overwritten in place, without a history that could keep anything.

A bucket has no commits: readers may meet a push half-way, data first and the manifest last, and nobody can pin a
revision. What is overwritten or deleted is gone from the bucket at once. Buckets take files by hf_xet alone,
which sends only those parts of a file that it does not have.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fedi_dataset.errors import HubError, UsageError
from fedi_dataset.hub.certificate import PROMISED_OF_BUCKETS, HubCertificate, keep
from fedi_dataset.hub.ready import PushReport, Ready
from fedi_dataset.hub.record import note, note_gone
from fedi_dataset.release.manifest import MANIFEST, read_manifest
from fedi_dataset.release.publish import README

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["push_to_bucket"]


def push_to_bucket(api: HfApi, bucket: str, task: Ready) -> PushReport:
    """Make a private bucket hold the release and nothing else.

    Raises UsageError for other recipients than private ones, without hf_xet, or if the bucket holds something else, and
    HubError if it is public or is not the release afterwards.
    """
    if task.recipients != "private":
        raise UsageError("a storage bucket has no gate; push to a repository for other recipients")
    _check_xet()
    work = task.workspace.path
    api.create_bucket(bucket, private=True, exist_ok=True)
    _check_private(api, bucket)
    there = _sizes(api, bucket)
    known = task.known(api.endpoint)
    if there and not known:
        _check_ours(api, bucket, task)
    gone = sorted(there.keys() - task.files.keys())
    last = [path for path in (README, MANIFEST) if path in task.files]
    note(work, task.noted(api.endpoint, None))
    task.tick("uploading", 0, len(task.files))
    task.check_ledger()
    data = [path for path in sorted(task.files) if path not in last]
    api.batch_bucket_files(bucket, add=[(task.release / path, path) for path in data])
    api.batch_bucket_files(bucket, add=[(task.release / path, path) for path in last], delete=gone)
    task.tick("uploading", len(task.files), len(task.files))
    _check_private(api, bucket)
    found = _sizes(api, bucket)
    expected = {path: (task.release / path).stat().st_size for path in task.files}
    if missing := sorted(path for path, size in expected.items() if found.get(path) != size):
        raise HubError(f"{missing[0]} did not arrive as it is; run it again")
    certificate = None
    if any(one.removed < task.removed for one in known):
        objects = {sha for one in known for sha in one.objects.values()}
        certificate = HubCertificate(
            at=task.at,
            endpoint=api.endpoint,
            target=task.target,
            build=task.manifest.build,
            commit=None,
            ledger=task.manifest.ledger.sha256,
            revisions=(),
            objects=tuple(sorted(objects - set(task.files.values()))),
            deleted_refs=(),
            still_there=tuple(
                f"{path} is in the bucket, and not in the release"
                for path in sorted(found.keys() - expected.keys())
            ),
            promised=PROMISED_OF_BUCKETS,
        )
        if not certificate.still_there:
            note_gone(work, (one for one in known if one.removed < task.removed), task.at)
    return PushReport(
        target=task.target,
        url=f"{api.endpoint}/{task.target}",
        build=task.manifest.build,
        commit=None,
        recipients=task.recipients,
        sent=tuple(sorted(task.files)),
        deleted=tuple(gone),
        certificate=certificate,
        certificate_path=keep(work, certificate) if certificate is not None else None,
    )


def _check_xet() -> None:
    from huggingface_hub import constants

    if constants.HF_HUB_DISABLE_XET or find_spec("hf_xet") is None:
        raise UsageError(
            "a storage bucket is written with hf_xet alone: install it, and leave HF_HUB_DISABLE_XET unset. "
            "A repository needs neither"
        )


def _check_private(api: HfApi, bucket: str) -> None:
    if api.bucket_info(bucket).private is not True:
        raise HubError(
            f"{bucket} is a public bucket; name another one, or make this one private in its settings"
        )


def _sizes(api: HfApi, bucket: str) -> dict[str, int]:
    """Give the files of a bucket with their sizes in bytes."""
    tree = api.list_bucket_tree(bucket, recursive=True)
    return {one.path: one.size for one in tree if one.type == "file"}


def _check_ours(api: HfApi, bucket: str, task: Ready) -> None:
    """Raise UsageError if a bucket holds anything but a release of this workspace."""
    with TemporaryDirectory() as folder:
        copy = Path(folder, MANIFEST)
        api.download_bucket_files(bucket, [(MANIFEST, copy)])
        found = read_manifest(Path(folder)) if copy.is_file() else None
    if found is None or found.secret_fingerprint != task.manifest.secret_fingerprint:
        raise UsageError(
            f"{bucket} holds files that are no release of this workspace, and a push would delete them; "
            "name another bucket, or a new one"
        )
