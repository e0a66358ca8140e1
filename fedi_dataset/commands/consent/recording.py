"""Putting an event on record, and showing events as the ledger holds them.

The clock is read and ids are drawn here and in :mod:`fedi_dataset.commands.consent.redact`, and nowhere below.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fedi_dataset.console import emit

if TYPE_CHECKING:
    from fedi_dataset.consent.events import Event, Line

__all__ = ["described", "line_of", "record", "stamp"]


def record(ledger: Path, event: Event, as_json: bool) -> None:
    """Append an event, and print it as it is stored."""
    from fedi_dataset.consent.ledger import append

    stored = described(append(ledger, event))
    emit({"ledger": str(ledger), "event": stored}, as_json, [f"recorded: {line_of(stored)}"])


def stamp(at: datetime | None) -> dict[str, Any]:
    """Give an event its id, and its time: now, if nobody said."""
    return {"id": uuid4().urn, "at": at or datetime.now(UTC)}


def described(event: Line, line: int | None = None) -> dict[str, object]:
    """Give an event as the ledger writes it, with its line where it is known."""
    import msgspec

    fields: dict[str, object] = msgspec.to_builtins(event)
    return fields if line is None else {"line": line, **fields}


def line_of(event: Mapping[str, Any]) -> str:
    """Give an event in one line for a person."""
    number = f"{event['line']}  " if "line" in event else ""
    if "line_sha256" in event:
        return f"{number}(redacted)"
    if event["event"] == "redacted":
        return f"{number}{event['at']}  redacted   {len(event['ids'])} events"
    what = event.get("license") or (
        "everything" if event["posts"] is None else f"{len(event['posts'])} posts"
    )
    return f"{number}{event['at']}  {event['event']:<9}  {what}  {' '.join(event['accounts'])}"
