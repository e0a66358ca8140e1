"""Withdrawal is erasure: somebody's event into the ledger, and their words out of everything we control.

What could stand in the way is looked for first. Then comes the event, which stays, whatever happens next. Then the
release is built again: only the cells whose digest changed are worked on. What is left of the person in the
workspace are keys, reasons and keyed hashes (suppression.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fedi_dataset.cells import Foreseen
from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.ledger import Ledger, Withdrawn, append, spelling
from fedi_dataset.console import Ticker
from fedi_dataset.errors import UsageError
from fedi_dataset.exports import digest_of
from fedi_dataset.files import sha256_of
from fedi_dataset.hub.record import not_gone, outdated
from fedi_dataset.pipeline import BuildReport, build, check_recorded, no_tick
from fedi_dataset.places import unseal_place
from fedi_dataset.privacy.keys import key_hex
from fedi_dataset.release.caches import Purged, forget_builds, purge_is_due
from fedi_dataset.release.certificate import (
    Certificate,
    Plan,
    changed_files,
    first_event,
    keep,
    removed_rows,
)
from fedi_dataset.release.manifest import MANIFEST, Manifest, read_manifest
from fedi_dataset.release.publish import rows_in
from fedi_dataset.release.removed import removed_lines
from fedi_dataset.release.revisions import Revision, revision_before, revision_of
from fedi_dataset.release.shards import holds
from fedi_dataset.release.store import is_interrupted, recover
from fedi_dataset.workspace import State, Workspace, default_workspace, fingerprint

__all__ = ["Certificate", "Plan", "Withdrawal", "withdraw"]


@dataclass(frozen=True)
class Withdrawal:
    """What ``withdraw`` did."""

    certificate: Certificate
    report: BuildReport
    deleted_exports: tuple[str, ...]
    recovered: str | None
    """An interrupted earlier command was first brought to this state: ``former`` or ``new``."""
    kept_exports: tuple[str, ...]
    """Paths of export files; they are not in the certificate, for they may name the person."""


@dataclass(frozen=True)
class _Ground:
    """Where a withdrawal works, and what was there before."""

    release: Path
    workspace: Workspace
    state: State
    manifest: Manifest
    revision: Revision
    recovered: str | None


def withdraw(
    release: Path | str,
    accounts: Sequence[str],
    *,
    now: datetime,
    event_id: str,
    work: Path | str | None = None,
    consent: Path | str | None = None,
    delete_exports: bool = False,
    workers: int = 1,
    show: Callable[[Plan], None] | None = None,
    tick: Ticker = no_tick,
) -> Withdrawal:
    """Withdraw everything of ``accounts`` (each with all accounts of its subject) and erase it from the release.

    ``now`` and ``event_id`` go into the ledger's event, which is appended at once, also while a build runs. ``show`` is
    given the plan before anything is rewritten. The build keeps the release's ``as_of`` and config. Raises
    UsageError if there is no release or workspace, if what is on record there cannot be relied on, or if an account
    is in neither the ledger nor an export: nothing is withdrawn then.
    """
    folder = Path(release)
    workspace = Workspace(Path(work) if work is not None else default_workspace(folder))
    state = workspace.state()
    recorded = consent if consent is not None else state.ledger.path if state.ledger else None
    if recorded is None:
        raise UsageError(f"{workspace.path} records no ledger; name it with --consent")
    path = Path(recorded)
    ledger = Ledger.load(path)
    _check(folder, workspace, state, ledger)
    _check_known(ledger, state, workspace.secret(), accounts)
    accounts = _with_spellings(ledger, state, workspace.secret(), accounts)
    append(path, Withdrawn(id=event_id, at=now, accounts=accounts))
    with workspace.locked(wait=True):  # whoever is building takes the event in, or we do
        ground = _ground(folder, workspace)
    ledger = Ledger.load(path)
    theirs = _exports(ground.state, workspace.secret(), ledger, accounts)
    plans: list[Plan] = []

    def foresee(foreseen: Foreseen) -> None:
        plans.append(_plan(ground, foreseen, len(theirs)))
        if show is not None:
            show(plans[-1])

    purge_is_due(workspace.path)  # a command that broke off may have left caches
    report = build(
        [],
        consent=path,
        out=folder,
        work=workspace.path,
        config=BuildConfig.from_dict(ground.state.config, where=str(workspace.path)),
        as_of=ground.manifest.as_of,
        workers=workers,
        recorded=True,
        tick=tick,
        foresee=foresee,
    )
    deleted = _delete(theirs) if delete_exports else []
    kept = [place for place in theirs if place not in deleted]
    built, busy = forget_builds(path)
    caches = Purged((*built, *report.caches.deleted), (*busy, *report.caches.in_use))
    line, first = first_event(ledger, accounts)
    before = _before(ground, line)
    after = report.manifest
    certificate = Certificate(
        event=event_id,
        first_event=first,
        at=now,
        release=str(folder),
        before={"build": before.build, "ledger": before.ledger.sha256},
        after={
            "build": after.build,
            "ledger": after.ledger.sha256,
            "manifest": sha256_of(folder / MANIFEST),
        },
        plan=plans[-1],
        removed_rows=removed_rows(folder, before),
        changed_files=changed_files(before, revision_of(after, folder)),
        deleted_exports=len(deleted),
        kept_exports=len(kept),
        deleted_caches=caches.deleted,
        caches_in_use=caches.in_use,
        shortfalls=report.shortfalls,
        hub=outdated(workspace.path, len(removed_lines(folder))),
    )
    keep(workspace.path, certificate)
    return Withdrawal(certificate, report, tuple(deleted), ground.recovered, tuple(kept))


def _check(release: Path, workspace: Workspace, state: State, ledger: Ledger) -> None:
    """Find what would stand in the way of the erasure, before the event is appended."""
    manifest = None if is_interrupted(release) else read_manifest(release)
    if manifest is None and not is_interrupted(release):
        raise UsageError(f"no release at {release}")
    if manifest is not None and fingerprint(workspace.secret()) != manifest.secret_fingerprint:
        raise UsageError(
            f"{release} was made with another secret than that of {workspace.path}; "
            "name its own workspace with --work"
        )
    BuildConfig.from_dict(state.config, where=str(workspace.path))
    check_recorded(workspace, state, manifest, ledger)


def _check_known(ledger: Ledger, state: State, secret: bytes, accounts: Sequence[str]) -> None:
    """Refuse an account that nobody knows: a mistyped one would withdraw nobody."""
    held = {spelled for record in state.exports for spelled in record.account_keys}
    unknown = [
        account
        for account in accounts
        if ledger.index.of(account) is None and key_hex(secret, "account", account) not in held
    ]
    if unknown:
        raise UsageError(
            f"neither the ledger nor an export knows {', '.join(unknown)}. `fedi-dataset inspect EXPORT` and "
            "`fedi-dataset consent list LEDGER` show how accounts are written"
        )


def _with_spellings(
    ledger: Ledger, state: State, secret: bytes, accounts: Sequence[str]
) -> tuple[str, ...]:
    """Add how the ledger spells the same accounts: one export may tell what another one does not."""
    named = {key_hex(secret, "account", one): one for one in ledger.accounts()}
    given = {key_hex(secret, "account", one) for name in accounts for one in (name, spelling(name))}
    same = {
        named[one]
        for record in state.exports
        if given.intersection(record.account_keys)
        for one in record.account_keys
        if one in named
    }
    known = {spelling(name) for name in accounts}
    return (*accounts, *sorted({spelling(name) for name in same} - known))


def _ground(release: Path, workspace: Workspace) -> _Ground:
    recovered = recover(release)
    manifest = read_manifest(release)
    if manifest is None:
        raise UsageError(f"no release at {release}")
    revision = revision_of(manifest, release)
    return _Ground(release, workspace, workspace.state(), manifest, revision, recovered)


def _before(ground: _Ground, line: int) -> Revision:
    """Give the last revision before the event on this line; the present one, if nothing superseded it since."""
    if ground.manifest.ledger.lines < line:
        return ground.revision
    return revision_before(ground.workspace.path, line) or ground.revision


def _exports(state: State, secret: bytes, ledger: Ledger, accounts: Sequence[str]) -> list[str]:
    """Find the export files, still there, of these people."""
    theirs = {name for one in accounts for name in (one, spelling(one), *ledger.accounts_with(one))}
    spelled = {key_hex(secret, "account", name): name for name in theirs}
    found: list[str] = []
    for record in state.exports:
        names = [spelled[one] for one in record.account_keys if one in spelled]
        sealed = (unseal_place(one, names, secret) for one in record.places if names)
        for place in dict.fromkeys([record.path if names else "", *sealed]):
            if place and _is_there(Path(place), record.export_id):
                found.append(place)
    return found


def _is_there(place: Path, export_id: str) -> bool:
    """Tell whether an export still lies at a place, and not another file."""
    try:
        return place.exists() and digest_of(place) == export_id
    except (UsageError, OSError):
        return False


def _delete(exports: Sequence[str]) -> list[str]:
    """Delete export files; all formats that are read hold one person's posts. A folder is left to its owner."""
    deleted = [path for path in exports if Path(path).is_file()]
    for path in deleted:
        Path(path).unlink()
    return deleted


def _plan(ground: _Ground, foreseen: Foreseen, exports: int) -> Plan:
    stale = ground.state.cells.keys() - foreseen.cells.values()
    numbers = {ground.state.cells[digest] for digest in stale} | foreseen.to_do
    files = [
        path
        for path, record in ground.manifest.files.items()
        if record.table is not None
        and any(holds(path, cell, ground.manifest.cell_bits) for cell in numbers)
    ]
    return Plan(
        cells=len(foreseen.to_do),
        cells_in_all=len(foreseen.cells),
        rows_in_these_cells=rows_in(stale, ground.workspace),
        files=tuple(path for path in files if not path.startswith("tokens/")),
        token_files=tuple(path for path in files if path.startswith("tokens/")),
        exports=exports,
        hub=not_gone(ground.workspace.path),
    )
