"""`fedi-dataset consent notice`: what people read before they agree."""

from __future__ import annotations

from pathlib import Path

import click

from fedi_dataset.commands.consent.options import LANGUAGES
from fedi_dataset.console import guarded

__all__ = ["notice"]


@click.command(
    epilog="""\b
Examples:
  fedi-dataset consent notice --lang de --out hinweis.md
  fedi-dataset consent give ledger.jsonl ACCOUNT --notice hinweis.md --notice-lang de ..."""
)
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="[default: stdout]")
@guarded
def notice(lang: str, out: Path | None) -> None:
    """Write the notice that people read before they agree, for you to fill in: {{...}}."""
    from importlib.resources import files

    text = (files("fedi_dataset") / "data" / "notices" / f"{lang}.md").read_text("utf-8")
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, "utf-8")
