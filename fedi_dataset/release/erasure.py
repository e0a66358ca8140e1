"""Withdrawal is erasure: somebody's event into the ledger, and their words out of everything we control.

The event comes first and stays, whatever happens next. Then the release is built again: only the cells whose digest
changed are worked on. What is left of the person in the workspace are keys, reasons and keyed hashes (suppression.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from fedi_dataset.cells import Foreseen
from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.ledger import Ledger, Withdrawn, append, spelling
from fedi_dataset.console import Ticker
from fedi_dataset.errors import UsageError
from fedi_dataset.files import sha256_of, write_synced
from fedi_dataset.pipeline import BuildReport, build, no_tick
from fedi_dataset.privacy.keys import key
from fedi_dataset.release.caches import forget_builds, forget_caches
from fedi_dataset.release.manifest import MANIFEST, Manifest, read_manifest
from fedi_dataset.release.publish import rows_in
from fedi_dataset.release.removed import removed_keys
from fedi_dataset.release.store import recover
from fedi_dataset.workspace import State, Workspace, default_workspace

__all__ = ["Certificate", "Plan", "Withdrawal", "withdraw"]

OUT_OF_REACH = (
    "Copies that others downloaded: they are asked to drop the rows in removed_keys.jsonl of each revision.",
    "Models that were trained on earlier revisions: what they learned is not unlearned.",
    "Backups of this machine, and file systems or disks that keep deleted blocks.",
    "Creative Commons licenses under which somebody already received a copy: they cannot be called back.",
    "Words of this person that other people repeated in their own posts without marking them as quotations.",
)
"""What an erasure here cannot do, in plain words."""

TOGETHER = (
    "Rows that leave together in one revision belong together: whoever holds an older copy can see which rows left, "
    "and so which conversations had somebody in common."
)


class Plan(msgspec.Struct, frozen=True):
    """What a withdrawal touches, known before anything is rewritten."""

    cells: int
    """Cells that are worked on again, of ``cells_in_all``."""
    cells_in_all: int
    rows_in_these_cells: dict[str, int]
    """Rows that those cells hold before, by table: the most that can change."""
    files: tuple[str, ...]
    """Data files of the release that hold one of those cells."""
    token_files: tuple[str, ...]
    exports: int
    """The persons' export files on this machine."""


class Certificate(msgspec.Struct, frozen=True):
    """What was done, without a word about who it was done for beyond the ledger's event."""

    event: str
    """Id of the ledger event."""
    at: datetime
    release: str
    before: dict[str, str]
    """Build and ledger head before."""
    after: dict[str, str]
    """Build and ledger head afterwards, and the manifest's SHA-256."""
    plan: Plan
    removed_rows: dict[str, int]
    """Rows by table that are gone or have changed."""
    changed_files: dict[str, tuple[str | None, str | None]]
    """Path → SHA-256 before and after; None where there was or is no such file."""
    deleted_exports: int
    kept_exports: int
    """The persons' export files that still lie on this machine."""
    deleted_caches: tuple[str, ...]
    """Folders of the datasets cache on this machine that held removed rows."""
    caches_in_use: tuple[str, ...]
    """Such folders that a running process is writing: delete them when it has ended."""
    out_of_reach: tuple[str, ...] = OUT_OF_REACH
    told: str = TOGETHER


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
    UsageError if there is no release or workspace, or if an account is in neither the ledger nor an export.
    """
    folder = Path(release)
    workspace = Workspace(Path(work) if work is not None else default_workspace(folder))
    secret, state = workspace.secret(), workspace.state()
    recorded = consent if consent is not None else state.ledger.path if state.ledger else None
    if recorded is None:
        raise UsageError(f"{workspace.path} records no ledger; name it with --consent")
    ledger = Path(recorded)
    _append(ledger, state, secret, accounts, now, event_id)
    with workspace.locked(wait=True):  # whoever is building takes the event in, or we do
        ground = _ground(folder, workspace)
    gone = _records(ground.state, secret, Ledger.load(ledger), now)
    plans: list[Plan] = []

    def foresee(foreseen: Foreseen) -> None:
        plans.append(_plan(ground, foreseen, len(gone)))
        if show is not None:
            show(plans[-1])

    deleted = _delete(gone) if delete_exports else []  # before their paths are forgotten
    report = build(
        [],
        consent=ledger,
        out=folder,
        work=workspace.path,
        config=BuildConfig.from_dict(ground.state.config, where=str(workspace.path)),
        as_of=ground.manifest.as_of,
        workers=workers,
        recorded=True,
        tick=tick,
        foresee=foresee,
    )
    kept = [path for path in gone if path not in deleted and Path(path).exists()]
    caches = _forget(ledger, folder)
    certificate = _certificate(ground, report, plans[-1], event_id, now, deleted, kept, caches)
    _keep(workspace, certificate)
    return Withdrawal(certificate, report, tuple(deleted), ground.recovered, tuple(kept))


def _ground(release: Path, workspace: Workspace) -> _Ground:
    recovered = recover(release)
    manifest = read_manifest(release)
    if manifest is None:
        raise UsageError(f"no release at {release}")
    return _Ground(release, workspace, workspace.state(), manifest, recovered)


def _append(
    path: Path, state: State, secret: bytes, accounts: Sequence[str], now: datetime, event_id: str
) -> None:
    """Append the event, once every account is known: a mistyped one would withdraw nobody."""
    ledger = Ledger.load(path)
    named = {spelling(one) for event in ledger.events for one in getattr(event, "accounts", ())}
    held = {spelled for record in state.exports for spelled in record.account_keys}
    unknown = [
        account
        for account in accounts
        if spelling(account) not in named and key(secret, "account", account).hex() not in held
    ]
    if unknown:
        raise UsageError(
            f"neither the ledger nor an export knows {', '.join(unknown)}. `fedi-dataset inspect EXPORT` and "
            "`fedi-dataset consent list LEDGER` show how accounts are written"
        )
    append(path, Withdrawn(id=event_id, at=now, accounts=tuple(accounts)))


def _records(state: State, secret: bytes, ledger: Ledger, now: datetime) -> list[str]:
    """Find the export files of everybody who has withdrawn, as far as their paths are still known."""
    named = {one for event in ledger.events for one in getattr(event, "accounts", ())}
    gone = {
        key(secret, "account", spelled).hex()
        for account in named
        if ledger.standing([account], now).withdrawn
        for spelled in (account, spelling(account))
    }
    return [
        record.path
        for record in state.exports
        if record.path and gone.intersection(record.account_keys)
    ]


def _plan(ground: _Ground, foreseen: Foreseen, exports: int) -> Plan:
    stale = ground.state.cells.keys() - foreseen.cells.values()
    numbers = {ground.state.cells[digest] for digest in stale} | foreseen.to_do
    files = [
        path
        for path, record in ground.manifest.files.items()
        if record.table is not None and _holds(path, numbers, ground.manifest.cell_bits)
    ]
    return Plan(
        cells=len(foreseen.to_do),
        cells_in_all=len(foreseen.cells),
        rows_in_these_cells=rows_in(stale, ground.workspace),
        files=tuple(path for path in files if not path.startswith("tokens/")),
        token_files=tuple(path for path in files if path.startswith("tokens/")),
        exports=exports,
    )


def _holds(path: str, cells: set[int], bits: int) -> bool:
    """Whether a shard's prefix is that of one of the cells."""
    prefix = path.rpartition("-b")[2].removesuffix(".parquet")
    return any(f"{cell:0{bits}b}".startswith(prefix) or not prefix for cell in cells)


def _delete(exports: Sequence[str]) -> list[str]:
    """Delete export files; all formats that are read hold one person's posts. A folder is left to its owner."""
    deleted = [path for path in exports if Path(path).is_file()]
    for path in deleted:
        Path(path).unlink()
    return deleted


def _certificate(
    ground: _Ground,
    report: BuildReport,
    plan: Plan,
    event_id: str,
    now: datetime,
    deleted: Sequence[str],
    kept: Sequence[str],
    caches: tuple[Sequence[str], Sequence[str]],
) -> Certificate:
    before, after = ground.manifest, report.manifest
    return Certificate(
        event=event_id,
        at=now,
        release=str(ground.release),
        before={"build": before.build, "ledger": before.ledger.sha256},
        after={
            "build": after.build,
            "ledger": after.ledger.sha256,
            "manifest": sha256_of(ground.release / MANIFEST),
        },
        plan=plan,
        removed_rows=dict(Counter(table for table, _ in report.removed)),
        changed_files={
            path: (_sha(before, path), _sha(after, path))
            for path in sorted({*before.files, *after.files})
            if before.files.get(path) != after.files.get(path)
        },
        deleted_exports=len(deleted),
        kept_exports=len(kept),
        deleted_caches=tuple(caches[0]),
        caches_in_use=tuple(caches[1]),
    )


def _forget(ledger: Path, release: Path) -> tuple[list[str], list[str]]:
    """Delete the caches on this machine that hold removed rows, and what load_dataset built itself.

    Rows that any earlier revision held count: a command that broke off may have left their caches.
    """
    built, busy = forget_builds(ledger)
    deleted, in_use = forget_caches(removed_keys(release))
    return built + deleted, busy + in_use


def _keep(workspace: Workspace, certificate: Certificate) -> None:
    folder = workspace.path / "certificates"
    folder.mkdir(exist_ok=True, mode=0o700)
    name = f"{certificate.at:%Y%m%dT%H%M%SZ}-{certificate.event.rpartition(':')[2]}.json"
    content = msgspec.json.format(msgspec.json.encode(certificate), indent=1)
    write_synced(folder / name, content, mode=0o600)


def _sha(manifest: Manifest, path: str) -> str | None:
    record = manifest.files.get(path)
    return record.sha256 if record is not None else None
