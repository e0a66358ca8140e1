"""`fedi-dataset preview`: rows of a release in the terminal, with what is trained marked."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fedi_dataset.commands.options import FILE
from fedi_dataset.console import guarded, say

__all__ = ["preview"]


@click.command(
    epilog="\b\nExample:\n  fedi-dataset preview release --language de --min-turns 4\n"
    "  fedi-dataset preview release --config conversations --limit 1\n"
    "  fedi-dataset preview release --tokens --key 3fa9",
)
@click.argument("release", type=FILE)
@click.option("--config", help="Table to show. [default: the release's default config]")
@click.option("--split", help="Only this split.")
@click.option(
    "--language", "languages", multiple=True, metavar="TAG", help="Only this one; may be repeated."
)
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="NAME",
    help="Only this one; may be repeated.",
)
@click.option("--min-turns", type=click.IntRange(1), help="Only rows of at least so many turns.")
@click.option("--max-turns", type=click.IntRange(1), help="Only rows of at most so many turns.")
@click.option("--key", default="", metavar="PREFIX", help="Only rows whose key begins so.")
@click.option(
    "--limit", type=click.IntRange(1), default=5, show_default=True, help="Rows, at most."
)
@click.option("--tokens", is_flag=True, help="Also the tokens of dialogues, and their mask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@guarded
def preview(
    release: Path,
    config: str | None,
    split: str | None,
    languages: tuple[str, ...],
    platforms: tuple[str, ...],
    min_turns: int | None,
    max_turns: int | None,
    key: str,
    limit: int,
    tokens: bool,
    as_json: bool,
) -> None:
    """Show rows of RELEASE as a person reads them: speakers, placeholders, gaps.

    What is trained is green, and begins with > where there are no colors.
    """
    from fedi_dataset.preview import Wanted, lines_of
    from fedi_dataset.preview import preview as run
    from fedi_dataset.preview.terminal import print_lines

    wanted = Wanted(config, split, languages, platforms, min_turns, max_turns, key)
    rows = run(release, wanted, limit=limit, tokens=tokens)
    if as_json:
        shown = [one.data(tokens=tokens) for one in rows]
        # ASCII, because a terminal obeys some characters of texts that JSON may hold as they are
        found = json.dumps({"release": str(release), "rows": shown}).replace("\x7f", "\\u007f")
        click.echo(found)
        return
    count = 0
    for count, one in enumerate(rows, start=1):
        if count > 1:
            click.echo()
        print_lines(lines_of(one, tokens=tokens))
    if count == 0:
        say("no row is like that; `fedi-dataset preview` without filters shows what there is")
