"""`fedi-dataset consent withdraw` and `object`: what somebody takes back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fedi_dataset.commands.consent.options import ACCOUNTS, AT, JSON, LEDGER, POSTS
from fedi_dataset.commands.consent.recording import record, stamp
from fedi_dataset.console import C, guarded, say

if TYPE_CHECKING:
    from fedi_dataset.consent.events import Withdrawn

__all__ = ["object_", "withdraw"]


def _refusal_options(command: C) -> C:
    for option in (JSON, AT, POSTS, ACCOUNTS, LEDGER):
        command = option(command)
    return command


@click.command(
    epilog="""\b
Examples:
  fedi-dataset consent withdraw ledger.jsonl https://mastodon.example/users/alice
  fedi-dataset consent withdraw ledger.jsonl https://mastodon.example/users/alice \\
      --post https://mastodon.example/users/alice/statuses/1"""
)
@_refusal_options
@guarded
def withdraw(ledger: Path, **said: Any) -> None:
    """Record that consent is taken back: for all accounts of the person, or for some posts."""
    from fedi_dataset.consent.ledger import Withdrawn

    _refuse(Withdrawn, ledger, **said)


@click.command(
    name="object",
    epilog="""\b
Example:
  fedi-dataset consent object ledger.jsonl did:plc:ewvi7nxzyoun6zhxrhs64oiz""",
)
@_refusal_options
@guarded
def object_(ledger: Path, **said: Any) -> None:
    """Record an objection to the processing. It refuses as a withdrawal does."""
    from fedi_dataset.consent.ledger import Objected

    _refuse(Objected, ledger, **said)


def _refuse(
    kind: type[Withdrawn],
    ledger: Path,
    accounts: tuple[str, ...],
    posts: tuple[str, ...],
    at: datetime | None,
    as_json: bool,
) -> None:
    from fedi_dataset.consent.ledger import Given, Ledger

    # A mistyped path must not begin a new ledger, where the withdrawal would refuse nobody.
    known = Ledger.load(ledger)
    for account in accounts:
        if not any(isinstance(event, Given) for _, event in known.naming([account])):
            say(f"note: no consent in {ledger} names {account} in this spelling")
    record(ledger, kind(**stamp(at), accounts=accounts, posts=posts or None), as_json)
