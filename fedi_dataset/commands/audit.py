"""`fedi-dataset audit`: every promise of a release, checked."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from fedi_dataset.commands.options import FILE, JSON, WORK
from fedi_dataset.commands.reporting import audit_lines
from fedi_dataset.commands.suspicion import (
    canaries_json,
    canary_lines,
    residual_json,
    residual_lines,
)
from fedi_dataset.console import emit, guarded, progress

__all__ = ["audit"]


@click.command(epilog="\b\nExample:\n  fedi-dataset audit release")
@click.argument("release", type=FILE)
@click.option(
    "--consent", "ledger", type=FILE, help="The ledger. [default: what the workspace recorded]"
)
@WORK
@click.option(
    "--canaries",
    type=click.IntRange(1),
    metavar="N",
    help="Plant N identifiers of each kind in a copy of the input, build it, count survivors.",
)
@JSON
@guarded
def audit(
    release: Path, ledger: Path | None, work: Path | None, canaries: int | None, as_json: bool
) -> None:
    """Check every promise of a release by reading it again; exit 1 if one is broken.

    With --canaries also if a handle, an e-mail address, a DID or a person's link survived: those
    are found by their form. How many names and numbers survived is told with a bound.
    """
    from fedi_dataset.release.audit import audit as run

    report = run(release, consent=ledger, work=work)
    data: dict[str, object] = {
        "release": str(report.release),
        "ok": report.ok,
        "checks": [
            {"name": one.name, "ok": one.ok, "evidence": one.evidence, "problems": one.problems}
            for one in report.checks
        ],
    }
    lines = [*audit_lines(report.checks)]
    if any(one.name == "residual" and one.ok is not None for one in report.checks):
        from fedi_dataset.release.second_opinion import review

        found = review(release)
        data["residual"] = residual_json(found)
        lines += residual_lines(found)
    survived = False
    if canaries is not None:
        from fedi_dataset.release.canaries import plant_canaries

        with progress() as tick:
            planted = plant_canaries(
                release, canaries, consent=ledger, work=work, workers=os.cpu_count() or 1, tick=tick
            )
        data["canaries"] = canaries_json(planted)
        lines += canary_lines(planted)
        survived = not planted.ok
    emit(data, as_json, lines)
    if survived or not report.ok:
        sys.exit(1)
