"""`fedi-dataset consent list`: the events of a ledger."""

from __future__ import annotations

from pathlib import Path

import click

from fedi_dataset.commands.consent.options import JSON, LEDGER
from fedi_dataset.commands.consent.recording import described, line_of
from fedi_dataset.console import emit, guarded

__all__ = ["list_"]


@click.command(
    name="list",
    epilog="""\b
Examples:
  fedi-dataset consent list ledger.jsonl
  fedi-dataset consent list ledger.jsonl https://mastodon.example/users/alice --json""",
)
@LEDGER
@click.argument("account", required=False)
@JSON
@guarded
def list_(ledger: Path, account: str | None, as_json: bool) -> None:
    """Show the events of the LEDGER, all of them or those that name an ACCOUNT."""
    from fedi_dataset.consent.ledger import Ledger

    loaded = Ledger.load(ledger)
    told = enumerate(loaded.events, start=1) if account is None else loaded.naming([account])
    events = [described(event, line) for line, event in told]
    emit({"ledger": str(ledger), "events": events}, as_json, map(line_of, events))
