"""Events of invented people, and ledgers made of them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from fedi_dataset.consent.ledger import (
    Event,
    Evidence,
    Given,
    Ledger,
    Notice,
    Objected,
    Renewed,
    Withdrawn,
)

ALICE = "https://mastodon.example/users/alice"
BOB = "https://mastodon.example/users/bob"
CAROL = "did:plc:carolcarolcarolcarolcaro"


def day(number: int) -> datetime:
    """A day of May 2026, at noon UTC."""
    return datetime(2026, 5, number, 12, tzinfo=UTC)


def _consent(kind: type[Given], changes: dict[str, Any]) -> Given:
    fields: dict[str, Any] = {
        "id": "urn:uuid:1",
        "at": day(1),
        "accounts": (ALICE,),
        "purposes": ("llm-fine-tuning",),
        "license": "CC-BY-4.0",
        "age_at_least": 18,
        "acquisition": ("own-export",),
        "notice": Notice(sha256="ab" * 32),
        "evidence": Evidence(method="self-asserted"),
    }
    return kind(**{**fields, **changes})


def given(**changes: Any) -> Given:
    """Alice's consent of 1 May, with fields changed."""
    return _consent(Given, changes)


def renewed(**changes: Any) -> Given:
    """The same, renewed."""
    return _consent(Renewed, changes)


def withdrawn(**changes: Any) -> Withdrawn:
    """Alice's withdrawal of 2 May, with fields changed."""
    return Withdrawn(**{"id": "urn:uuid:2", "at": day(2), "accounts": (ALICE,), **changes})


def objected(**changes: Any) -> Objected:
    """Alice's objection of 2 May, with fields changed."""
    return Objected(**{"id": "urn:uuid:2", "at": day(2), "accounts": (ALICE,), **changes})


def lines_of(events: Iterable[Event]) -> list[bytes]:
    """The events as a ledger's lines, newline included, chained and with ids of their own."""
    lines: list[bytes] = []
    prev = "0" * 64
    for number, event in enumerate(events):
        stored = msgspec.structs.replace(event, id=f"urn:uuid:{number}", prev=prev)
        body = msgspec.json.encode(stored)
        prev = hashlib.sha256(body).hexdigest()
        lines.append(body + b"\n")
    return lines


def loaded(content: bytes) -> Ledger:
    """The ledger that a file of this content is; raises what loading raises."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        path.write_bytes(content)
        return Ledger.load(path)


def ledger_of(*events: Event) -> Ledger:
    """A verified ledger of these events, in this order."""
    return loaded(b"".join(lines_of(events)))


def names_of(accounts: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """One or two of these accounts."""
    return st.lists(st.sampled_from(accounts), min_size=1, max_size=2, unique=True).map(tuple)


def consents(accounts: Sequence[str]) -> st.SearchStrategy[Given]:
    """Consents of these accounts, alone or with others, on any day, for any of two subjects or none."""
    return st.builds(
        lambda kind, **fields: kind(**fields),
        st.sampled_from([given, renewed]),
        at=st.integers(2, 9).map(day),
        accounts=names_of(accounts),
        subject=st.sampled_from([None, "urn:uuid:s", "urn:uuid:t"]),
    )


def refusals(accounts: Sequence[str], posts: Sequence[str]) -> st.SearchStrategy[Withdrawn]:
    """Withdrawals and objections of these accounts, of everything or of some posts."""
    return st.builds(
        lambda kind, **fields: kind(**fields),
        st.sampled_from([withdrawn, objected]),
        at=st.integers(2, 9).map(day),
        accounts=names_of(accounts),
        posts=st.one_of(st.none(), st.lists(st.sampled_from(posts), min_size=1).map(tuple)),
    )
