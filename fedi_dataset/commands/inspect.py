"""`fedi-dataset inspect`: what is in exports, and what a ledger would admit of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from fedi_dataset.commands.options import AS_OF, FILE, JSON
from fedi_dataset.console import emit, guarded

__all__ = ["inspect"]


@click.command(
    epilog="\b\nExample:\n  fedi-dataset inspect ada.zip --consent ledger.jsonl",
)
@click.argument("exports", type=FILE, nargs=-1, required=True)
@click.option(
    "--consent", "ledger", type=FILE, help="The ledger: also show what would be admitted."
)
@AS_OF
@JSON
@guarded
def inspect(
    exports: tuple[Path, ...], ledger: Path | None, as_of: datetime | None, as_json: bool
) -> None:
    """Show what is in exports: format, account as the ledger takes it, and why posts would not be admitted."""
    from fedi_dataset.inspection import describe, inspect_exports

    found = inspect_exports(exports, ledger, as_of)
    emit({"exports": found}, as_json, (line for one in found for line in describe(one)))
