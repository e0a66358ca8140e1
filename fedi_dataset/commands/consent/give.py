"""`fedi-dataset consent give` and `renew`: what somebody agrees to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fedi_dataset.commands.consent.events import consent_of, signed_of
from fedi_dataset.commands.consent.options import consent_options
from fedi_dataset.commands.consent.recording import record
from fedi_dataset.console import emit, guarded

if TYPE_CHECKING:
    from fedi_dataset.consent.events import Given

__all__ = ["give", "renew"]


@click.command(
    epilog="""\b
Examples:
  fedi-dataset consent give ledger.jsonl https://mastodon.example/users/alice \\
      --license CC-BY-4.0 --age-at-least 18 --notice notice.md
  fedi-dataset consent give ledger.jsonl --signed signed.json \\
      --evidence-ref https://mastodon.example/users/alice"""
)
@consent_options
@guarded
def give(ledger: Path, accounts: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Record that the owner of one or more accounts consents. Begins the LEDGER if need be.

    ACCOUNT is the platform's own URI: an ActivityPub actor id, or a DID.
    """
    from fedi_dataset.consent.events import Given

    _agree(Given, ledger, accounts, given, None, as_json)


@click.command(
    epilog="""\b
Example:
  fedi-dataset consent renew ledger.jsonl https://mastodon.example/users/alice \\
      --expires 2028-05-01T00:00:00Z --acknowledge 'bio:#noai'"""
)
@consent_options
@guarded
def renew(ledger: Path, accounts: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Record consent again. It takes the place of what was given before, as a whole.

    What no option says is as the newest consent of these accounts has it, but for the evidence, which
    is that of the renewal; posts that were withdrawn one by one stay out. To drop a limit, give anew.
    """
    from fedi_dataset.consent.events import Renewed

    former, taken = (None, ()) if given["signed"] else _newest(ledger, accounts)
    if former is not None:
        posts = (*(given["posts"] or former.exclude.posts), *taken)
        given["posts"] = tuple(dict.fromkeys(posts))
    _agree(Renewed, ledger, accounts, given, former, as_json)


def _agree(
    kind: type[Given],
    ledger: Path,
    accounts: tuple[str, ...],
    given: dict[str, Any],
    former: Given | None,
    as_json: bool,
) -> None:
    """Record a consent, write its draft, or record the draft that came back signed."""
    from fedi_dataset.consent.events import checked, encode
    from fedi_dataset.consent.proofs import document_to_sign

    draft, signed = given.pop("draft"), given.pop("signed")
    if signed is not None:
        record(ledger, signed_of(kind, signed, accounts, given), as_json)
        return
    event = checked(consent_of(kind, accounts, given, former))
    if draft is None:
        record(ledger, event, as_json)
        return
    draft.write_text(json.dumps(document_to_sign(event), ensure_ascii=False, indent=2) + "\n")
    emit(
        {"draft": str(draft), "event": json.loads(encode(event))},
        as_json,
        [f"wrote {draft}: nothing is recorded before it comes back signed"],
    )


def _newest(ledger: Path, accounts: tuple[str, ...]) -> tuple[Given | None, tuple[str, ...]]:
    """The newest consent that names one of the accounts, and the posts that were taken back since."""
    from fedi_dataset.consent.ledger import Given, Ledger, Withdrawn

    if not ledger.exists():
        return None, ()
    loaded = Ledger.load(ledger)
    consents = [
        (line, event) for line, event in loaded.naming(accounts) if isinstance(event, Given)
    ]
    if not consents:
        return None, ()
    line, newest = consents[-1]
    owned = {one for account in accounts for one in loaded.accounts_with(account)}
    since = [event for later, event in loaded.naming(owned) if later > line]
    taken = (event.posts or () for event in since if isinstance(event, Withdrawn))
    return newest, tuple(post for posts in taken for post in posts)
