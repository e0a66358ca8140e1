"""`fedi-dataset demo`: all of it, on the sample exports."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fedi_dataset.commands.options import FILE, JSON
from fedi_dataset.commands.reporting import audit_lines, build_json, build_lines
from fedi_dataset.console import emit, guarded, progress

__all__ = ["demo"]


@click.command(epilog="\b\nExample:\n  fedi-dataset demo --out demo-release")
@click.option(
    "--out", type=FILE, default="demo-release", show_default=True, help="The release's folder."
)
@JSON
@guarded
def demo(out: Path, as_json: bool) -> None:
    """Run the main job on the sample exports: build, tokenize, audit, and show what came out.

    Exports and ledger are copied to OUT.samples first, so that you can try every command on them.
    """
    from fedi_dataset.demo import run_demo

    with progress() as tick:
        report = run_demo(out, tick=tick)
    lines = [
        *build_lines(report.build),
        "",
        *audit_lines(report.audit.checks),
        "",
        "One dialogue:",
        *(f"  {line}" for line in report.dialogue),
        "",
        "Load it:",
        *(f"  {line}" for line in report.snippet),
    ]
    emit(
        {**build_json(report.build), "audit": report.audit.ok, "dialogue": report.dialogue},
        as_json,
        lines,
    )
    if not report.audit.ok:
        sys.exit(1)
