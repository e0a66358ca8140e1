"""Audit: every promise of a release, checked by reading it again. It trusts nothing that build() counted.

1. consent: every row rests on consents that stand in the ledger now;
2. identifiers: no handle, DID, account URL or e-mail of anybody in the workspace stands in any file;
3. conversations: prompts begin with user and alternate, each response is trained exactly once;
4. files: each is what the manifest says, and rows in = rows kept + rows dropped.

Consent and identifiers need the workspace and the ledger; without them they are said to be unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from fedi_dataset.consent.ledger import Given, Ledger
from fedi_dataset.errors import UsageError
from fedi_dataset.files import sha256_of
from fedi_dataset.privacy.keys import key, key_hex
from fedi_dataset.release.law import broken
from fedi_dataset.release.manifest import MANIFEST, Manifest, read_manifest
from fedi_dataset.release.scan import needles_of, strings_of
from fedi_dataset.release.store import recover
from fedi_dataset.schema import TOKENS
from fedi_dataset.workspace import Workspace, default_workspace, fingerprint

__all__ = ["AuditReport", "Check", "audit"]

MOST_PROBLEMS = 5
"""Problems that a check spells out; the rest is counted."""

NUMBERED = re.compile(r"\[([A-Z_]+)_\d+\]")


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
    checks = [_files(folder, manifest)]
    if checks[0].ok:  # broken files would only raise below
        checks += [
            _law(folder, manifest),
            *_conversations(folder, manifest),
            _tokens(folder, manifest),
        ]
    checks.append(_consent(folder, manifest, workspace, consent, now or datetime.now(UTC)))
    checks.append(_identifiers(folder, workspace))
    return AuditReport(folder, tuple(checks))


def _check(name: str, evidence: str, problems: Iterable[str]) -> Check:
    found = list(problems)
    shown = found[:MOST_PROBLEMS]
    if len(found) > len(shown):
        shown.append(f"and {len(found) - len(shown)} more")
    return Check(name, not found, evidence, tuple(shown))


def _files(folder: Path, manifest: Manifest) -> Check:
    def problems() -> Iterator[str]:
        for path, record in manifest.files.items():
            file = folder / path
            if not file.is_file():
                yield f"{path} is missing"
            elif sha256_of(file) != record.sha256:
                yield f"{path} is not the file that was built"
        for file in sorted(folder.rglob("*")):
            path = file.relative_to(folder).as_posix()
            if file.is_file() and path != MANIFEST and path not in manifest.files:
                yield f"{path} is not in the manifest"

    return _check("files", f"{len(manifest.files)} files against their SHA-256", problems())


def _law(folder: Path, manifest: Manifest) -> Check:
    law = manifest.law

    def problems() -> Iterator[str]:
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
        if "tokens" in law and law["tokens"].kept != _rows(manifest, "tokens"):
            yield "there are not as many token rows as dialogues were kept"

    return _check("conservation", f"{len(law)} steps, rows in = kept + dropped", problems())


def _rows(manifest: Manifest, table: str) -> int:
    return sum(record.rows or 0 for record in manifest.files.values() if record.table == table)


def _conversations(folder: Path, manifest: Manifest) -> Iterator[Check]:
    turns = _turns(folder, manifest)
    alternation: list[str] = []
    once: list[str] = []
    seen: set[str] = set()
    responses: set[tuple[str, int]] = set()
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
        elif _unnumbered(turn["text"]) != _unnumbered(row["completion"][0]["content"]):
            once.append(f"{where} does not complete with the turn that it names")
        seen.add(row["dialogue_key"])
        responses.add(response)
    yield _check("alternation", f"{rows} dialogues: user first, then in turn", alternation)
    yield _check("exactly once", f"{rows} dialogues over {len(turns)} turns", once)


def _turns(folder: Path, manifest: Manifest) -> dict[tuple[str, int], dict[str, Any]]:
    return {
        (row["conversation_key"], turn["turn"]): turn
        for _, row in _table(folder, manifest, "conversations")
        for turn in row["turns"]
    }


def _alternates(row: Mapping[str, Any]) -> bool:
    roles = [message["role"] for message in [*row["prompt"], *row["completion"]]]
    expected = [("user", "assistant")[index % 2] for index in range(len(roles))]
    filled = all(message["content"].strip() for message in [*row["prompt"], *row["completion"]])
    return roles == expected and len(row["completion"]) == 1 and roles[-1] == "assistant" and filled


def _unnumbered(text: str) -> str:
    """A text with its placeholders' numbers taken off: each row numbers its own."""
    return NUMBERED.sub(r"[\1]", text)


def _tokens(folder: Path, manifest: Manifest) -> Check:
    def problems() -> Iterator[str]:
        dialogues = {
            row["dialogue_key"]
            for _, row in _table(folder, manifest, "dialogues", ["dialogue_key"])
        }
        for path, row in _table(folder, manifest, "tokens", TOKENS.names):
            where = f"{path}: {row['dialogue_key']}"
            if row["dialogue_key"] not in dialogues:
                yield f"{where} is of no dialogue"
            if len(row["input_ids"]) != len(row["labels"]):
                yield f"{where} has not a label an id"
            trained = [label for label in row["labels"] if label != -100]
            if not trained or any(
                label not in (-100, one)
                for one, label in zip(row["input_ids"], row["labels"], strict=False)
            ):
                yield f"{where} has labels that are not its ids"

    return _check("tokens", f"{_rows(manifest, 'tokens')} rows of ids and labels", problems())


def _consent(
    folder: Path,
    manifest: Manifest,
    workspace: Workspace,
    consent: Path | str | None,
    now: datetime,
) -> Check:
    if not workspace.exists:
        return Check("consent", None, f"not checked: no workspace at {workspace.path} (--work DIR)")
    recorded = workspace.state().ledger
    path = Path(consent) if consent is not None else Path(recorded.path) if recorded else None
    if path is None:
        return Check("consent", None, "not checked: no ledger is recorded; name it with --consent")
    secret = workspace.secret()
    if fingerprint(secret) != manifest.secret_fingerprint:
        return Check("consent", False, f"{workspace.path} is not this release's workspace")
    ledger = Ledger.load(path)
    standing = _standing_events(ledger, now)
    gone = _withdrawn_posts(ledger, secret)
    allowed: dict[str, set[str]] = {}

    def problems() -> Iterator[str]:
        if manifest.valid_until is not None and now >= manifest.valid_until:
            yield f"the release was valid until {manifest.valid_until.date()}; build it again"
        held = pq.read_table(workspace.tables / "posts.parquet", columns=["post_key", "event_id"])
        for event in sorted(set(held["event_id"].to_pylist()) - standing):
            yield f"the consent {event} does not stand any more; build again"
        if gone.intersection(held["post_key"].to_pylist()):
            yield "single posts that were withdrawn are still held; build again"
        for table in ("dialogues", "conversations", "posts"):
            for shard, row in _table(folder, manifest, table, ["conversation_key", "grants"]):
                conversation = row["conversation_key"]
                if conversation not in allowed:
                    allowed[conversation] = {
                        key_hex(secret, "grant", event, conversation) for event in standing
                    }
                if not row["grants"] or not allowed[conversation].issuperset(row["grants"]):
                    yield f"{shard}: a row of conversation {conversation} rests on no standing consent"

    return _check(
        "consent",
        f"{len(standing)} standing consents in a ledger of {ledger.head.lines} lines",
        problems(),
    )


def _standing_events(ledger: Ledger, now: datetime) -> set[str]:
    """Ids of the consents that decide for their accounts now: not superseded, withdrawn or expired."""
    standing: set[str] = set()
    for event in ledger.events:
        if isinstance(event, Given):
            found = ledger.standing(event.accounts, now)
            decides = found.deciding is not None and found.deciding.id == event.id
            if decides and not found.withdrawn and (event.expires is None or event.expires > now):
                standing.add(event.id)
    return standing


def _withdrawn_posts(ledger: Ledger, secret: bytes) -> set[bytes]:
    posts = {post for event in ledger.events for post in getattr(event, "posts", None) or ()}
    return {key(secret, "post", post) for post in posts}


def _identifiers(folder: Path, workspace: Workspace) -> Check:
    if not workspace.exists:
        return Check(
            "identifiers", None, f"not checked: no workspace at {workspace.path} (--work DIR)"
        )
    needles = needles_of(workspace)

    def problems() -> Iterator[str]:
        for file in sorted(folder.rglob("*")):
            path = file.relative_to(folder).as_posix()
            if file.is_file() and path != "ATTRIBUTION.md":
                kinds = sorted(
                    {kind for text in strings_of(file) for kind in needles.found_in(text)}
                )
                for kind in kinds:
                    yield f"{path} holds {kind} of somebody"

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
