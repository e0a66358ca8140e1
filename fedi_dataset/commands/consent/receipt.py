"""`fedi-dataset consent receipt`: what a person agreed to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from fedi_dataset.commands.consent.options import AT, JSON, LANGUAGES, LEDGER
from fedi_dataset.console import emit, guarded

__all__ = ["receipt"]


@click.command(
    epilog="""\b
Examples:
  fedi-dataset consent receipt ledger.jsonl https://mastodon.example/users/alice --lang de
  fedi-dataset consent receipt ledger.jsonl https://mastodon.example/users/alice --json"""
)
@LEDGER
@click.argument("account")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
@AT
@JSON
@guarded
def receipt(ledger: Path, account: str, lang: str, at: datetime | None, as_json: bool) -> None:
    """Show a person what they agreed to: Markdown, or JSON in the words of the W3C's DPV."""
    from fedi_dataset.consent.ledger import Ledger
    from fedi_dataset.consent.receipt import describe
    from fedi_dataset.consent.receipt_text import as_markdown

    described = describe(Ledger.load(ledger), account, at or datetime.now(UTC))
    emit(described.as_dpv(), as_json, as_markdown(described, lang).splitlines())
