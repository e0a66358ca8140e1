"""A release that may be pushed: audited, for these recipients, with what a push needs to know about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fedi_dataset.config import BuildConfig, Recipients
from fedi_dataset.consent.ledger import Head, Ledger
from fedi_dataset.console import Ticker
from fedi_dataset.errors import FediDatasetError, HubError, UsageError
from fedi_dataset.files import sha256_of
from fedi_dataset.hub.certificate import HubCertificate
from fedi_dataset.hub.recipients import check_recipients
from fedi_dataset.hub.record import Pushed, pushed
from fedi_dataset.release.audit import audit
from fedi_dataset.release.manifest import MANIFEST, Manifest, read_manifest
from fedi_dataset.release.removed import removed_lines
from fedi_dataset.workspace import Workspace

__all__ = ["PushReport", "Ready", "make_ready"]


@dataclass(frozen=True)
class PushReport:
    """What a push did."""

    target: str
    url: str
    build: str
    commit: str | None
    """The revision that is there now; None for a bucket."""
    recipients: Recipients
    sent: tuple[str, ...]
    """Files that differed."""
    deleted: tuple[str, ...]
    certificate: HubCertificate | None
    """Of the purge, if one was due."""
    certificate_path: Path | None

    @property
    def ok(self) -> bool:
        """Whether nothing that had to be purged was found afterwards."""
        return self.certificate is None or not self.certificate.still_there


@dataclass(frozen=True)
class Ready:
    """A release that was audited and may be pushed."""

    release: Path
    workspace: Workspace
    manifest: Manifest
    ledger: Path
    head: Head
    target: str
    recipients: Recipients
    removed: int
    files: Mapping[str, str]
    at: datetime
    tick: Ticker

    def noted(self, endpoint: str, revision: str | None) -> Pushed:
        """Describe this push for the record."""
        objects = {path: sha for path, sha in self.files.items() if path.endswith(".parquet")}
        return Pushed(
            endpoint=endpoint,
            target=self.target,
            build=self.manifest.build,
            at=self.at,
            removed=self.removed,
            objects=objects,
            commit=revision,
        )

    def known(self, endpoint: str) -> list[Pushed]:
        """Give what was pushed there before, and is not known to be gone."""
        return [
            one
            for one in pushed(self.workspace.path)
            if (one.endpoint, one.target, one.gone) == (endpoint, self.target, None)
        ]

    def check_ledger(self) -> None:
        """Raise HubError if the ledger grew since the audit: somebody may have withdrawn meanwhile."""
        if Ledger.load(self.ledger).head != self.head:
            raise HubError(
                "the ledger grew during the upload, and nothing was committed. Build again, or finish the "
                "withdrawal, and push again"
            )


def make_ready(
    folder: Path,
    workspace: Workspace,
    target: str,
    kind: Recipients,
    consent: Path | str | None,
    *,
    now: datetime,
    tick: Ticker,
) -> Ready:
    """Check everything about a release that can be checked before anybody is called.

    Raises FediDatasetError if the audit finds a broken promise or could not look, or a consent covers fewer
    recipients, and UsageError if the release was built for fewer.
    """
    state = workspace.state()
    path = consent if consent is not None else state.ledger.path if state.ledger else None
    if path is None:
        raise UsageError(f"{workspace.path} records no ledger; name it with --consent")
    ledger = Ledger.load(Path(path))
    tick("auditing", 0, 1)
    report = audit(folder, consent=path, work=workspace.path, now=now)
    tick("auditing", 1, 1)
    if broken := [check.name for check in report.checks if not check.ok]:
        raise FediDatasetError(
            f"the audit does not find every promise kept: {', '.join(broken)}. Nothing was sent; "
            f"`fedi-dataset audit {folder}` says what is wrong"
        )
    manifest = read_manifest(folder)
    assert manifest is not None  # audit has read it
    config = BuildConfig.from_dict(manifest.config, where="the manifest's config")
    check_recipients(kind, config, workspace, ledger)
    return Ready(
        release=folder,
        workspace=workspace,
        manifest=manifest,
        ledger=Path(path),
        head=ledger.head,
        target=target,
        recipients=kind,
        removed=len(removed_lines(folder)),
        files=_files_of(folder, manifest),
        at=now,
        tick=tick,
    )


def _files_of(release: Path, manifest: Manifest) -> dict[str, str]:
    """Give all files of a release with their SHA-256: what the manifest names, and itself; nothing else leaves."""
    files = {path: record.sha256 for path, record in manifest.files.items()}
    return {**files, MANIFEST: sha256_of(release / MANIFEST)}
