"""`fedi-dataset lookup`: what is held about an account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from fedi_dataset.commands.options import FILE, JSON, WORK
from fedi_dataset.console import emit, guarded

__all__ = ["lookup"]


@click.command(
    epilog="\b\nExample:\n  fedi-dataset lookup release https://harbor.example/users/ada",
)
@click.argument("release", type=FILE)
@click.argument("account")
@click.option("--consent", "ledger", type=FILE, help="The ledger. [default: the recorded one]")
@WORK
@JSON
@guarded
def lookup(
    release: Path, account: str, ledger: Path | None, work: Path | None, as_json: bool
) -> None:
    """Tell what is held about ACCOUNT and all others of its subject: events, rows, what was dropped."""
    from dataclasses import asdict

    from fedi_dataset.release.lookup import lookup as run

    held = run(release, account, now=datetime.now(UTC), work=work, consent=ledger)
    emit(asdict(held), as_json, _held_lines(held))


def _held_lines(held: Any) -> Iterator[str]:
    from fedi_dataset.reasons import sentence

    yield f"accounts: {', '.join(held.accounts)}"
    yield f"consent: {'stands' if held.consenting else 'none that stands'}"
    for event in held.events:
        yield f"  {event['at']}  {event['event']:<10} {event['id']}"
    yield f"texts kept in the workspace: {held.texts}; keyed hashes of names: {held.hidden_forms}"
    yield f"accounts remembered, keyed, as one person's: {held.joined_accounts}"
    for reason, count in held.verdicts.items():
        told = "admitted" if reason == "admitted" else f"{reason}: {sentence(reason)}"
        yield f"  {count:>7} {told}"
    yield f"rows of the release: {len(held.rows)}"
    for row in held.rows:
        yield f"  {row.path}  {row.key}"
