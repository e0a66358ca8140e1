"""Audit: every promise of a release, checked by reading it again. It trusts nothing that build() counted.

1. consent: every row rests on consents that stand in the ledger now;
2. identifiers: no handle, DID, account URL or e-mail of anybody in the workspace stands in any file;
3. conversations: prompts begin with user and alternate, each response is trained exactly once;
4. files: each is what the manifest says, and rows in = rows kept + rows dropped;
5. residual risk: what an independent pass over a sample suspects is what manifest and card say of it.

Consent and identifiers need the workspace and the ledger; without them they are said to be unchecked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.ledger import Head, Ledger
from fedi_dataset.errors import LedgerError, UsageError
from fedi_dataset.files import sha256_of
from fedi_dataset.privacy.operators import Operators, unnumbered
from fedi_dataset.release.grants import Grants, consents_by_conversation
from fedi_dataset.release.law import broken
from fedi_dataset.release.manifest import MANIFEST, Manifest, build_id, read_manifest
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

Turn = tuple[str, int]
"""A turn's place: its conversation's key and its number there."""


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
        if not file.is_file():
            faults[path] = "is missing"
        elif (file.stat().st_size, sha256_of(file)) != (record.bytes, record.sha256):
            faults[path] = "is not the file that was built"
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
    config = BuildConfig.from_dict(manifest.config, where="the manifest's config")
    turns = _turns(folder, manifest)
    alternation: list[str] = []
    once: list[str] = []
    seen: set[str] = set()
    responses: set[Turn] = set()
    rows = 0
    for path, row in _table(folder, manifest, "dialogues"):
        rows += 1
        where = f"{path}: {row['dialogue_key']}"
        if not _alternates(row):
            alternation.append(where)
        response = (row["conversation_key"], row["response_turn"])
        turn = turns.get(response)
        if row["dialogue_key"] in seen or response in responses:
            once.append(f"{where} trains a response again")
        elif turn is None or not turn["trainable"]:
            once.append(f"{where} trains a turn that may not be")
        elif not _says(row["completion"], turn["text"], config):
            once.append(f"{where} does not complete with the turn that it names")
        seen.add(row["dialogue_key"])
        responses.add(response)
    once += [
        f"turn {turn} of conversation {conversation} may be trained and no dialogue does"
        for conversation, turn in sorted(_responses(turns, config) - responses)
    ]
    yield _check("alternation", f"{rows} dialogues: user first, then in turn", alternation)
    yield _check("exactly once", f"{rows} dialogues over {len(turns)} turns", once)


def _turns(folder: Path, manifest: Manifest) -> dict[Turn, dict[str, Any]]:
    return {
        (row["conversation_key"], turn["turn"]): turn
        for _, row in _table(folder, manifest, "conversations")
        for turn in row["turns"]
    }


def _says(completion: Sequence[Mapping[str, str | None]], text: str, config: BuildConfig) -> bool:
    """Whether a completion is a turn's text, or what is left of it without headings that are not trained."""
    said = [unnumbered(one) for one in _said(completion)]
    if not config.splits_headings or len(said) != 1:
        return said == [unnumbered(text)]
    paragraphs = iter(unnumbered(text).split("\n\n"))
    return all(one in paragraphs for one in said[0].split("\n\n"))


def _responses(turns: Mapping[Turn, Mapping[str, Any]], config: BuildConfig) -> set[Turn]:
    """Find the turns that must have a dialogue: trainable answers with somebody else before them."""
    if config.leaves_out:
        return set()  # which ones hangs on what is not in the release; how many, the law says
    found: set[Turn] = set()
    for (conversation, number), turn in turns.items():
        above, speakers = turn["reply_to_turn"], set()
        for _ in range(config.max_turns - 1):
            if (conversation, above) in turns:
                speakers.add(turns[conversation, above]["speaker"])
                above = turns[conversation, above]["reply_to_turn"]
        if turn["trainable"] and speakers - {turn["speaker"]}:
            found.add((conversation, number))
    return found


def _alternates(row: Mapping[str, Any]) -> bool:
    messages = [*row["prompt"], *row["completion"]]
    roles = [message["role"] for message in messages]
    expected = [("user", "assistant")[index % 2] for index in range(len(roles))]
    return (
        roles == expected
        and len(row["completion"]) == 1
        and roles[-1] == "assistant"
        and all(text.strip() for text in _said(messages))
    )


def _said(messages: Iterable[Mapping[str, str | None]]) -> list[str]:
    return [message["content"] or "" for message in messages]


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
        for shard, row in _table(folder, manifest, table, ["conversation_key", "grants"]):
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


def _table(
    folder: Path, manifest: Manifest, table: str, columns: list[str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of a table with the shard that it stands in, a row group at a time."""
    for path, record in sorted(manifest.files.items()):
        if record.table == table:
            with pq.ParquetFile(folder / path) as shard:
                for group in range(shard.num_row_groups):
                    for row in shard.read_row_group(group, columns=columns).to_pylist():
                        yield path, row
