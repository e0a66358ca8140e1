"""Grants are recomputed from the few consents that can be meant, and still prove what they prove alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fedi_dataset.consent.ledger import Given, Ledger, Withdrawn, append
from fedi_dataset.privacy.keys import key_hex
from fedi_dataset.release import grants as room
from fedi_dataset.release.audit import audit
from fedi_dataset.release.grants import Grants, consents_by_conversation
from fedi_dataset.workspace import Workspace
from tests.conftest import ReleaseCopy
from tests.release.test_audit import NOW, broken, later, with_rows
from tests.test_pipeline import rows_of

SECRET = bytes(32)


def grant(event: str, conversation: str = "c") -> str:
    """What a row of a conversation rests on."""
    return key_hex(SECRET, "grant", event, conversation)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every key that is computed, by its domain."""
    domains: list[str] = []

    def count(secret: bytes, domain: Any, *parts: str | bytes) -> str:
        domains.append(domain)
        return key_hex(secret, domain, *parts)

    monkeypatch.setattr(room, "key_hex", count)
    return domains


def test_a_grant_is_explained_by_a_consent_that_stands_and_by_no_other() -> None:
    """Whether the workspace hints at it or not; none at all, and one of another conversation, prove nothing."""
    hints = {"c": frozenset({"one", "fallen"})}
    known = Grants(SECRET, frozenset({"one", "two", "three"}), hints)
    assert known.explain("c", [grant("one")])
    assert known.explain("c", [grant("one"), grant("two")])
    assert known.explain("d", [grant("three", "d")])
    assert not known.explain("c", [])
    assert not known.explain("c", [grant("one"), grant("fallen")])
    assert not known.explain("c", [grant("one"), grant("unknown")])
    assert not known.explain("c", [grant("one", "d")])


def test_what_is_computed_grows_with_the_rows_and_not_with_the_ledger(
    release_copy: ReleaseCopy, counted: list[str]
) -> None:
    """A grant for each consent that a conversation's posts rest on, for each row, though a thousand more stand."""
    workspace = Workspace(release_copy.work)
    hints = consents_by_conversation(workspace)
    rows = [
        row
        for table in ("dialogues", "conversations", "posts")
        for row in rows_of(release_copy.release, table)
    ]
    events = frozenset[str]().union(*hints.values())
    standing = events | {f"urn:uuid:{number}" for number in range(1_000)}
    known = Grants(workspace.secret(), standing, hints)
    counted.clear()
    assert all(known.explain(row["conversation_key"], row["grants"]) for row in rows)
    assert len(counted) <= sum(len(hints[row["conversation_key"]]) for row in rows)


def secret_alone(work: Path) -> None:
    """Leave nothing of a workspace but its secret."""
    for file in work.rglob("*"):
        if file.is_file() and file.name != "secret":
            file.unlink()


def forged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let a row rest on nothing that anybody gave."""
    rows[0]["grants"] = ["00" * 16]
    return rows


@pytest.mark.parametrize("forge", [False, True])
def test_ledger_and_secret_alone_prove_the_grants(release_copy: ReleaseCopy, forge: bool) -> None:
    """Who holds no more than these learns whether each row rests on a consent that stands."""
    if forge:
        with_rows(release_copy, forged)
    secret_alone(release_copy.work)
    report = audit(release_copy.release, consent=release_copy.ledger, now=NOW)
    assert broken(report) == ({"consent"} if forge else set())
    checks = {check.name: check.ok for check in report.checks}
    assert checks["identifiers"] is None


def test_ledger_and_secret_alone_show_a_withdrawal(release_copy: ReleaseCopy) -> None:
    """A consent that was taken back since explains no row."""
    secret_alone(release_copy.work)
    accounts = held_consent_accounts(release_copy)
    append(release_copy.ledger, Withdrawn(id="urn:uuid:w", at=later(), accounts=accounts))
    report = audit(release_copy.release, consent=release_copy.ledger, now=NOW)
    assert broken(report) == {"consent"}


def held_consent_accounts(copy: ReleaseCopy) -> tuple[str, ...]:
    """Accounts of the first consent of the ledger under which the release has rows."""
    secret = Workspace(copy.work).secret()
    rows = rows_of(copy.release, "conversations")
    for event in Ledger.load(copy.ledger).events:
        if isinstance(event, Given) and any(
            key_hex(secret, "grant", event.id, row["conversation_key"]) in row["grants"]
            for row in rows
        ):
            return event.accounts
    raise AssertionError("no consent is behind the release")
