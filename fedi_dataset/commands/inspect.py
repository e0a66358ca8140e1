"""`fedi-dataset inspect`: what is in exports, and what a ledger would admit of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from fedi_dataset.commands.options import AS_OF, FILE, JSON, WORK
from fedi_dataset.console import emit, guarded

__all__ = ["inspect"]


@click.command(
    epilog="\b\nExample:\n  fedi-dataset inspect ada.zip --consent ledger.jsonl\n"
    "  fedi-dataset inspect exports --consent ledger.jsonl \\\n"
    "    --explain https://harbor.example/@ada/1 --release release",
)
@click.argument("exports", type=FILE, nargs=-1, required=True)
@click.option(
    "--consent",
    "ledger",
    type=FILE,
    help="The ledger: also show what would be admitted. [with --release: the recorded one]",
)
@click.option(
    "--explain",
    "post",
    metavar="POST",
    help="Tell the way of one post (id or URL) through all gates.",
)
@click.option(
    "--release", type=FILE, help="With --explain: judge as this build did; what became of the post."
)
@WORK
@AS_OF
@JSON
@guarded
def inspect(
    exports: tuple[Path, ...],
    ledger: Path | None,
    post: str | None,
    release: Path | None,
    work: Path | None,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    """Show what is in exports: format, account as the ledger takes it, and why posts would not be admitted."""
    from fedi_dataset.errors import UsageError
    from fedi_dataset.inspection import describe, inspect_exports

    if post is None and (release is not None or work is not None):
        raise UsageError("--release and --work go with --explain POST")
    if post is not None:
        if ledger is None and release is None:
            raise UsageError("--explain asks the gate, which needs the ledger: --consent LEDGER")
        from fedi_dataset.explain import explain, told
        from fedi_dataset.preview.terminal import visible

        now = datetime.now(UTC)
        story = explain(exports, ledger, post, now=now, as_of=as_of, release=release, work=work)
        emit(story.data(), as_json, map(visible, told(story)))
        return
    found = inspect_exports(exports, ledger, as_of)
    emit({"exports": found}, as_json, (line for one in found for line in describe(one)))
