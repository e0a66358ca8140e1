"""The consents of a world as a ledger: JSON lines, each chained to the one before by its hash.

Written with the standard library alone, so that it can disagree with the package that reads it.
"""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.world.people import Person

__all__ = ["GIVEN_FROM", "chained", "ledger_lines"]

GIVEN_FROM = datetime(2025, 7, 1, tzinfo=UTC)
"""The role ``dated`` gives what was written at or after this."""
EXPIRES = datetime(2026, 5, 20, tzinfo=UTC)
FIRST = datetime(2026, 5, 2, 9, tzinfo=UTC)
WITHDRAWN = datetime(2026, 5, 25, 18, tzinfo=UTC)
LATER = datetime(2026, 5, 30, 8, tzinfo=UTC)
NOTICE = b"What you hand over, what becomes of it, and how you take it back."


def ledger_lines(seed: int, people: Iterable[Person], withdrawn: Iterable[str]) -> list[str]:
    """Every line without its newline; ``withdrawn`` are accounts that withdraw after everything else."""
    return chained(_events(random.Random(f"{seed}/ledger"), list(people), withdrawn))


def chained(events: Iterable[dict[str, Any]]) -> list[str]:
    """Lines without their newlines, each with the hash of the one before."""
    lines: list[str] = []
    previous = "0" * 64
    for event in events:
        line = json.dumps({**event, "prev": previous}, ensure_ascii=False, separators=(",", ":"))
        lines.append(line)
        previous = hashlib.sha256(line.encode()).hexdigest()
    return lines


def _events(
    rng: random.Random, people: list[Person], withdrawn: Iterable[str]
) -> Iterator[dict[str, Any]]:
    asked = [person for person in people if person.role != "none"]
    for number, person in enumerate(asked):
        yield _given(rng, person, FIRST + timedelta(minutes=number))
    for number, person in enumerate(one for one in asked if one.role == "withdrawn"):
        yield _withdrawn(rng, person.uri, WITHDRAWN + timedelta(minutes=number))
    for number, account in enumerate(withdrawn):
        yield _withdrawn(rng, account, LATER + timedelta(minutes=number))


def _given(rng: random.Random, person: Person, at: datetime) -> dict[str, Any]:
    license_ = "CC0-1.0" if person.number % 4 == 3 else "CC-BY-4.0"
    return {
        "id": _id(rng),
        "event": "given",
        "at": _time(at),
        "subject": person.subject,
        "accounts": [person.uri],
        "controller": "https://steward.example",
        "recipients": "private",
        "purposes": ["llm-fine-tuning"],
        "license": "CC-BY-NC-4.0" if person.role == "noncommercial" else license_,
        "attribution": "none",
        "age_at_least": 15 if person.role == "under_age" else 18,
        "visibilities": ["public"],
        "from": _time(GIVEN_FROM) if person.role == "dated" else None,
        "until": None,
        "expires": _time(EXPIRES) if person.role == "expired" else None,
        "use": "context" if person.role == "context" else "train",
        "acquisition": ["own-export"],
        "notice": {
            "uri": "https://steward.example/notice",
            "lang": person.language,
            "version": "1",
            "sha256": hashlib.sha256(NOTICE).hexdigest(),
        },
        "evidence": _evidence(person),
    }


def _evidence(person: Person) -> dict[str, str]:
    """Anyone can fetch a repo, so its owner must have said so in it; an archive takes a login."""
    if person.platform == "mastodon" or person.role == "weak":
        return {"method": "self-asserted"}
    return {"method": "account-field", "ref": f"at://{person.uri}/app.bsky.actor.profile/self"}


def _withdrawn(rng: random.Random, account: str, at: datetime) -> dict[str, Any]:
    return {
        "id": _id(rng),
        "event": "withdrawn",
        "at": _time(at),
        "accounts": [account],
        "posts": None,
    }


def _id(rng: random.Random) -> str:
    return uuid.UUID(int=rng.getrandbits(128), version=4).urn


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
