"""`fedi-dataset build`: exports and a ledger in, a release out."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

import click

from fedi_dataset.commands.options import AS_OF, FILE, JSON, WORK, config_of, config_options
from fedi_dataset.commands.reporting import build_json, build_lines, tell_problems
from fedi_dataset.console import DONE_WITH_QUARANTINE, emit, guarded, progress

__all__ = ["build"]


@click.command(
    epilog="\b\nExample:\n  fedi-dataset build exports/*.zip --consent ledger.jsonl --out release --language en",
)
@click.argument("exports", type=FILE, nargs=-1, required=True)
@click.option("--consent", "ledger", type=FILE, required=True, help="The consent ledger.")
@click.option("--out", type=FILE, required=True, help="The release's folder.")
@WORK
@config_options
@AS_OF
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    show_default="number of cores",
    help="Processes.",
)
@click.option("--add", is_flag=True, help="Take the exports of the last build along.")
@click.option("--prune", is_flag=True, help="Let exports of the last build go that are not named.")
@click.option("--fresh", is_flag=True, help="Forget finished cells and work on all of them.")
@click.option(
    "--allow-quarantine", is_flag=True, help="Exit 0 even if some input could not be read."
)
@JSON
@guarded
def build(
    exports: tuple[Path, ...],
    ledger: Path,
    out: Path,
    work: Path | None,
    as_of: datetime | None,
    workers: int,
    add: bool,
    prune: bool,
    fresh: bool,
    allow_quarantine: bool,
    as_json: bool,
    config_file: Path | None,
    **fields: object,
) -> None:
    """Build a release from EXPORTS (files, or folders of them) under a consent ledger."""
    from fedi_dataset.pipeline import build as run

    with progress() as tick:
        report = run(
            exports,
            consent=ledger,
            out=out,
            work=work,
            config=config_of(config_file, fields),
            as_of=as_of,
            workers=workers,
            add=add,
            prune=prune,
            fresh=fresh,
            tick=tick,
        )
    tell_problems(report)
    emit(build_json(report), as_json, build_lines(report))
    if (report.quarantined or report.problems) and not allow_quarantine:
        sys.exit(DONE_WITH_QUARANTINE)
