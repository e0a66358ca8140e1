"""`fedi-dataset export`: a release in the shapes that other trainers read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedi_dataset.commands.options import FILE, JSON
from fedi_dataset.console import emit, guarded

if TYPE_CHECKING:
    from fedi_dataset.shapes import Format

__all__ = ["export"]


@click.command(
    epilog="\b\nExample:\n  fedi-dataset export release --format messages --out for-axolotl",
)
@click.argument("release", type=FILE)
@click.option(
    "--format",
    "shape",
    type=click.Choice(["messages", "sharegpt", "text", "datatrove"]),
    required=True,
    help="messages with train flags, sharegpt, text of what may be trained, datatrove's token files.",
)
@click.option("--out", type=FILE, required=True, help="A folder; an earlier export is replaced.")
@JSON
@guarded
def export(release: Path, shape: Format, out: Path, as_json: bool) -> None:
    """Write RELEASE for trainers that read neither prompt and completion nor input_ids and labels.

    Of a build with strategies, which leave turns or headings out, text has its responses and posts alone.

    An export is a copy: write it again after every withdrawal.
    """
    from fedi_dataset.shapes import export as run

    report = run(release, out, shape)
    data = {
        "folder": str(report.folder),
        "format": report.format,
        "build": report.build,
        "rows": dict(report.rows),
    }
    counts = ", ".join(f"{split} {rows}" for split, rows in report.rows.items())
    emit(data, as_json, [f"{report.format} written to {report.folder}: {counts}"])
