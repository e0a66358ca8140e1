"""`fedi-dataset consent redact`: what the ledger no longer needs to say of people who withdrew."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import click

from fedi_dataset.commands.consent.options import ACCOUNTS, AT, JSON, LEDGER
from fedi_dataset.commands.consent.recording import described, line_of
from fedi_dataset.console import emit, guarded

__all__ = ["redact"]


@click.command(
    epilog="""\b
Example:
  fedi-dataset consent redact ledger.jsonl https://mastodon.example/users/alice"""
)
@LEDGER
@ACCOUNTS
@AT
@JSON
@guarded
def redact(ledger: Path, accounts: tuple[str, ...], at: datetime | None, as_json: bool) -> None:
    """Take out of the LEDGER all that it says of people who withdrew, once it need not be shown.

    Their accounts stay refused: they are remembered by HMACs under LEDGER.key, made beside the ledger.
    Back it up with the ledger, which is not read without it; whoever holds it can test an account.
    """
    from fedi_dataset.consent.redaction import redact as run

    event = run(ledger, accounts, identifier=uuid4().urn, at=at or datetime.now(UTC))
    stored = described(event)
    emit({"ledger": str(ledger), "event": stored}, as_json, [f"recorded: {line_of(stored)}"])
