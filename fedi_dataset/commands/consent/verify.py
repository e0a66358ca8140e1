"""`fedi-dataset consent verify`: whether a ledger is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedi_dataset.commands.consent.options import JSON, LEDGER
from fedi_dataset.console import emit, guarded, say

if TYPE_CHECKING:
    from fedi_dataset.consent.ledger import Head

__all__ = ["verify"]


@click.command(
    epilog="""\b
Examples:
  fedi-dataset consent verify ledger.jsonl
  fedi-dataset consent verify ledger.jsonl --head 2:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b..."""
)
@LEDGER
@click.option(
    "--head", metavar="LINES:SHA256", help="A remembered head that the ledger must extend."
)
@JSON
@guarded
def verify(ledger: Path, head: str | None, as_json: bool) -> None:
    """Check every line of the LEDGER, the chain of hashes and the proofs; exit 1 where one is broken."""
    from fedi_dataset.consent.ledger import Ledger
    from fedi_dataset.errors import MissingExtra

    loaded = Ledger.load(ledger)
    if head is not None:
        loaded.check_extends(_head(head))
    lines, sha256 = loaded.head.lines, loaded.head.sha256
    proofs: int | None
    try:
        proofs = loaded.verify_proofs()
    except MissingExtra as error:
        say(f"note: the proofs were not verified and count as self-asserted. {error}")
        proofs = None
    emit(
        {
            "ledger": str(ledger),
            "events": lines,
            "head": {"lines": lines, "sha256": sha256},
            "proofs": proofs,
        },
        as_json,
        [
            f"{ledger}: {lines} events, the chain holds",
            *([f"{proofs} proofs verified"] if proofs else []),
            f"head {lines}:{sha256}",
        ],
    )


def _head(text: str) -> Head:
    import msgspec

    from fedi_dataset.consent.ledger import Head
    from fedi_dataset.errors import UsageError

    lines, _, sha256 = text.partition(":")
    try:
        head: Head = msgspec.convert({"lines": lines, "sha256": sha256}, Head, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"--head {text!r} is no LINES:SHA256, as verify prints it") from error
    return head
