"""`fedi-dataset audit`: every promise of a release, checked."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fedi_dataset.commands.options import FILE, JSON, WORK
from fedi_dataset.commands.reporting import audit_lines
from fedi_dataset.console import emit, guarded

__all__ = ["audit"]


@click.command(epilog="\b\nExample:\n  fedi-dataset audit release")
@click.argument("release", type=FILE)
@click.option(
    "--consent", "ledger", type=FILE, help="The ledger. [default: what the workspace recorded]"
)
@WORK
@JSON
@guarded
def audit(release: Path, ledger: Path | None, work: Path | None, as_json: bool) -> None:
    """Check every promise of a release by reading it again; exit 1 if one is broken."""
    from fedi_dataset.release.audit import audit as run

    report = run(release, consent=ledger, work=work)
    data = {
        "release": str(report.release),
        "ok": report.ok,
        "checks": [
            {"name": one.name, "ok": one.ok, "evidence": one.evidence, "problems": one.problems}
            for one in report.checks
        ],
    }
    emit(data, as_json, audit_lines(report.checks))
    if not report.ok:
        sys.exit(1)
