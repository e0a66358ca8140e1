"""The ledger of the world of canaries: what everybody agreed to, and what they took back."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from tests.world.canaries.model import Part
from tests.world.canaries.papers import time_text
from tests.world.canaries.parts import CONTROLLER
from tests.world.canaries.plants import EXCLUDED_TAG
from tests.world.ledger import chained
from tests.world.people import Person

__all__ = ["Consents"]

GIVEN = datetime(2026, 5, 2, 9, tzinfo=UTC)


class Consents:
    """Events, in the order of their lines."""

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self.excluded: dict[str, list[str]] = {}
        """Account → posts that its consent leaves out."""
        self.taken_back: dict[str, list[str]] = {}
        """Account → single posts that are withdrawn."""

    def lines(self) -> list[str]:
        """Give the ledger's lines, without newlines."""
        return chained(self._events)

    def give(self, person: Person, part: Part) -> None:
        """Write the events of a part: one that covers everything, with what differs, and what came later."""
        if part.consent is None:
            return
        evidence = {
            "method": "account-field",
            "ref": f"at://{person.uri}/app.bsky.actor.profile/self",
        }
        given = {
            "event": "given",
            "at": time_text(GIVEN),
            "subject": person.subject,
            "accounts": [person.uri],
            "controller": CONTROLLER,
            "recipients": "gated",
            "purposes": ["llm-fine-tuning", "dataset-publication"],
            "special_categories": True,
            "license": "CC-BY-4.0",
            "age_at_least": 18,
            "visibilities": ["public", "unlisted"],
            "exclude": {"posts": self.excluded.get(person.uri, []), "tags": [EXCLUDED_TAG]},
            "acquisition": ["own-export"],
            "notice": {
                "sha256": sha256(b"What you hand over, and what becomes of it.").hexdigest()
            },
            "evidence": {"method": "self-asserted"} if person.platform == "mastodon" else evidence,
            **part.consent,
        }
        self._event(given)
        for more in part.later:
            again = given if more["event"] in ("given", "renewed") else {"accounts": [person.uri]}
            self._event({**again, "at": time_text(GIVEN + timedelta(days=9)), **more})
        if posts := self.taken_back.get(person.uri):
            self._event(
                {
                    "event": "withdrawn",
                    "at": time_text(GIVEN),
                    "accounts": [person.uri],
                    "posts": posts,
                }
            )

    def _event(self, event: dict[str, Any]) -> None:
        self._events.append({"id": uuid.UUID(int=len(self._events) + 1, version=4).urn, **event})
