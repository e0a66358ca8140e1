"""Audit: every promise of a release, checked by reading it again. It trusts nothing that build() counted.

1. consent: every row rests on consents that stand in the ledger now;
2. identifiers: no handle, DID, account URL or e-mail of anybody in the workspace stands in any file;
3. conversations: prompts begin with user and alternate, each response is trained exactly once;
4. files: each is what the manifest says, and rows in = rows kept + rows dropped;
5. residual risk: what an independent pass over a sample suspects is what manifest and card say of it.

Consent and identifiers need the workspace and the ledger; without them they are said to be unchecked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.ledger import Head, Ledger
from fedi_dataset.errors import LedgerError, UsageError
from fedi_dataset.privacy.operators import Operators
from fedi_dataset.release.dialogue_checks import dialogue_problems, rows_of_table
from fedi_dataset.release.grants import Grants, consents_by_conversation
from fedi_dataset.release.law import broken
from fedi_dataset.release.manifest import MANIFEST, Manifest, build_id, fault_of, read_manifest
from fedi_dataset.release.multi_turn_checks import multi_turn_problems
from fedi_dataset.release.residual import residual_of, sample
from fedi_dataset.release.scan import needles_of, strings_of
from fedi_dataset.release.standing import Consents, consents_now
from fedi_dataset.release.store import recover
from fedi_dataset.release.token_checks import token_problems, token_schema
from fedi_dataset.schema import RELEASE_TABLES
from fedi_dataset.workspace import Workspace, default_workspace, fingerprint

__all__ = ["AuditReport", "Check", "audit"]

MOST_PROBLEMS = 5
"""Problems that a check spells out; the rest is counted."""


@dataclass(frozen=True)
class Check:
    """One thing that was checked. ``ok`` is None if it could not be."""

    name: str
    ok: bool | None
    evidence: str
    problems: tuple[str, ...] = ()
    """Where it is broken; never a text."""


@dataclass(frozen=True)
class AuditReport:
    """All checks. ``ok``: nothing is broken, and nothing was left unchecked that could be."""

    release: Path
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether no promise is broken."""
        return all(check.ok is not False for check in self.checks)


def audit(
    release: Path | str,
    *,
    consent: Path | str | None = None,
    work: Path | str | None = None,
    now: datetime | None = None,
) -> AuditReport:
    """Check every promise of a release against its files, its workspace and the ledger as it is ``now``.

    ``consent`` defaults to the ledger that the workspace recorded. Raises UsageError if there is no release.
    """
    folder = Path(release)
    recover(folder)
    manifest = read_manifest(folder)
    if manifest is None:
        raise UsageError(f"no release at {folder}")
    workspace = Workspace(Path(work) if work is not None else default_workspace(folder))
    faults = _faults(folder, manifest)
    whole = not any(manifest.files[path].table for path in faults)
    checks = [_files(folder, manifest, faults)]
    if whole:
        checks += [
            _law(folder, manifest),
            *_conversations(folder, manifest),
            *_multi_turn(folder, manifest),
            _tokens(folder, manifest),
            _residual(folder, manifest),
        ]
    else:  # what is in broken files would only raise
        checks += [
            Check(name, None, "not checked: its files are broken")
            for name in ("conservation", "alternation", "exactly once", "tokens", "residual")
        ]
    readable = manifest if whole else msgspec.structs.replace(manifest, files={})
    checks.append(_consent(folder, readable, workspace, consent, now or datetime.now(UTC)))
    checks.append(_identifiers(folder, workspace))
    return AuditReport(folder, tuple(checks))


def _check(name: str, evidence: str, problems: Iterable[str]) -> Check:
    found = list(problems)
    shown = found[:MOST_PROBLEMS]
    if len(found) > len(shown):
        shown.append(f"and {len(found) - len(shown)} more")
    return Check(name, not found, evidence, tuple(shown))


def _faults(folder: Path, manifest: Manifest) -> dict[str, str]:
    """Say what is wrong with each file that is not as the manifest has it."""
    faults: dict[str, str] = {}
    schemas = {**RELEASE_TABLES, "tokens": token_schema(manifest)}
    for path, record in manifest.files.items():
        file = folder / path
        if fault := fault_of(file, record):
            faults[path] = fault
        elif record.table is not None and not _has_schema(file, schemas.get(record.table)):
            faults[path] = f"does not hold what the table {record.table} holds"
    return faults


def _files(folder: Path, manifest: Manifest, faults: Mapping[str, str]) -> Check:
    def problems() -> Iterator[str]:
        for path, fault in faults.items():
            yield f"{path} {fault}"
        for file in sorted(folder.rglob("*")):
            path = file.relative_to(folder).as_posix()
            if file.is_file() and path != MANIFEST and path not in manifest.files:
                yield f"{path} is not in the manifest"
        if build_id(manifest.files) != manifest.build:
            yield "the build's id is not that of its files"

    return _check("files", f"{len(manifest.files)} files against their SHA-256", problems())


def _has_schema(file: Path, schema: pa.Schema | None) -> bool:
    try:
        return schema is not None and bool(pq.read_schema(file).equals(schema))
    except (pa.ArrowException, OSError):
        return False


def _law(folder: Path, manifest: Manifest) -> Check:
    law = manifest.law

    def problems() -> Iterator[str]:
        missing = {"items", "posts", "texts", "turns"} - law.keys()
        if missing:
            yield f"steps are missing: {', '.join(sorted(missing))}"
            return
        for step in broken(law):
            yield f"{step}: rows in are not rows kept + rows dropped"
        for before, after in (("items", "posts"), ("posts", "texts")):
            if law[before].kept != law[after].rows_in:
                yield f"{after} do not begin with what {before} kept"
        for path, record in manifest.files.items():
            if record.rows is not None and pq.read_metadata(folder / path).num_rows != record.rows:
                yield f"{path} has not the rows that the manifest says"
        if law["turns"].kept != _rows(manifest, "dialogues"):
            yield "there are not as many dialogues as turns were kept to be trained"

    return _check("conservation", f"{len(law)} steps, rows in = kept + dropped", problems())


def _rows(manifest: Manifest, table: str) -> int:
    return sum(record.rows or 0 for record in manifest.files.values() if record.table == table)


def _conversations(folder: Path, manifest: Manifest) -> Iterator[Check]:
    found = dialogue_problems(folder, manifest)
    of_all = f"{found.dialogues} dialogues"
    yield _check("alternation", f"{of_all}: user first, then in turn", found.alternation)
    yield _check("exactly once", f"{of_all} over {found.turns} turns", found.once)


def _multi_turn(folder: Path, manifest: Manifest) -> Iterator[Check]:
    if "multi_turn" in manifest.tables() or manifest.config.get("multi_turn"):
        yield _check(
            "multi-turn",
            f"{_rows(manifest, 'multi_turn')} rows against {_rows(manifest, 'dialogues')} dialogues",
            multi_turn_problems(folder, manifest),
        )


def _tokens(folder: Path, manifest: Manifest) -> Check:
    return _check(
        "tokens",
        f"{_rows(manifest, 'tokens')} rows of ids and labels",
        token_problems(folder, manifest),
    )


def _residual(folder: Path, manifest: Manifest) -> Check:
    operators = Operators.of(BuildConfig.from_dict(manifest.config, where="the manifest's config"))
    found = residual_of(*sample(manifest.files, lambda path: folder / path), operators)[0]
    problems = [] if found == manifest.residual else ["the manifest and card give another figure"]
    return _check("residual", found.sentence if found else "there are no texts", problems)


def _consent(
    folder: Path,
    manifest: Manifest,
    workspace: Workspace,
    consent: Path | str | None,
    now: datetime,
) -> Check:
    expired = manifest.valid_until is not None and now.date() > manifest.valid_until.date()
    late = [f"it was valid until {manifest.valid_until:%Y-%m-%d}; build again"] if expired else []
    if not workspace.exists:
        why = f"not checked: no workspace at {workspace.path} (--work DIR)"
        return Check("consent", False if late else None, why, tuple(late))
    recorded = workspace.state().ledger
    path = Path(consent) if consent is not None else Path(recorded.path) if recorded else None
    if path is None:
        why = "not checked: no ledger is recorded; name it with --consent"
        return Check("consent", False if late else None, why, tuple(late))
    if fingerprint(workspace.secret()) != manifest.secret_fingerprint:
        return Check("consent", False, f"{workspace.path} is not this release's workspace")
    try:
        ledger = Ledger.load(path)
        ledger.check_extends(Head(manifest.ledger.lines, manifest.ledger.sha256))
    except LedgerError as error:
        return Check("consent", False, "the ledger is broken", (str(error),))
    now_standing = consents_now(workspace, ledger, now)
    return _check(
        "consent",
        f"{len(now_standing.events)} standing consents in a ledger of {ledger.head.lines} lines",
        [*late, *now_standing.problems, *_ungranted(folder, manifest, workspace, now_standing)],
    )


def _ungranted(
    folder: Path, manifest: Manifest, workspace: Workspace, consents: Consents
) -> Iterator[str]:
    """Find rows that rest on anything but consents that stand."""
    hints = consents_by_conversation(workspace)
    grants = Grants(workspace.secret(), consents.events, hints)
    for table in RELEASE_TABLES:
        for shard, row in rows_of_table(folder, manifest, table, ["conversation_key", "grants"]):
            conversation = row["conversation_key"]
            if not grants.explain(conversation, row["grants"]):
                yield f"{shard}: a row of conversation {conversation} rests on no standing consent"


def _identifiers(folder: Path, workspace: Workspace) -> Check:
    if not workspace.exists:
        return Check(
            "identifiers", None, f"not checked: no workspace at {workspace.path} (--work DIR)"
        )
    if not workspace.state().parts:
        why = f"not checked: {workspace.path} keeps nothing of what was read"
        return Check("identifiers", None, why)
    needles = needles_of(workspace)

    def problems() -> Iterator[str]:
        for file in sorted(folder.rglob("*")):
            path = file.relative_to(folder).as_posix()
            if file.is_file() and path != "ATTRIBUTION.md":
                try:
                    kinds = {kind for text in strings_of(file) for kind in needles.found_in(text)}
                except (pa.ArrowException, OSError):
                    yield f"{path} cannot be read"
                else:
                    yield from (f"{path} holds {kind} of somebody" for kind in sorted(kinds))

    return _check(
        "identifiers", f"{needles.count} identifiers looked for in every file", problems()
    )
