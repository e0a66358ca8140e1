"""Options that several commands share, and the options of a build's config."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fedi_dataset.console import time_option

if TYPE_CHECKING:
    from fedi_dataset.config import BuildConfig

__all__ = ["AS_OF", "FILE", "JSON", "WORK", "config_of", "config_options"]


FILE = click.Path(path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
AS_OF = time_option("--as-of", "as_of", "Time that dates grants and expiries. [default: now]")
WORK = click.option("--work", type=FILE, help="The workspace. [default: RELEASE.work]")
OPERATOR = click.Choice(["placeholder", "mask", "remove", "hash", "surrogate"])


def config_options(command: Any) -> Any:
    """Give a command the flags that stand for the fields of BuildConfig."""
    options = [
        click.option(
            "--config", "config_file", type=FILE, help="YAML file with the fields of BuildConfig."
        ),
        click.option(
            "--language",
            "languages",
            multiple=True,
            metavar="TAG",
            help="Train on this language only; may be repeated.",
        ),
        click.option(
            "--language-scope",
            type=click.Choice(["response", "dialogue"]),
            help="What must be of these languages.",
        ),
        click.option(
            "--allow-license",
            "allow_licenses",
            multiple=True,
            metavar="SPDX",
            help="Take this license too; may be repeated.",
        ),
        click.option(
            "--terms",
            "terms_files",
            multiple=True,
            metavar="FILE",
            help="YAML file with terms of servers, beside the list that ships; may be repeated.",
        ),
        click.option(
            "--controller", help="Who answers for the processing, where consents name nobody."
        ),
        click.option(
            "--purpose",
            type=click.Choice(["llm-fine-tuning", "research"]),
            help="What consent must name.",
        ),
        click.option(
            "--recipients",
            type=click.Choice(["private", "gated", "public"]),
            help="Who will get the dataset.",
        ),
        click.option(
            "--unlisted",
            is_flag=True,
            default=None,
            help="Take unlisted posts where consent covers them.",
        ),
        click.option(
            "--sensitive",
            is_flag=True,
            default=None,
            help="Train on posts behind content warnings.",
        ),
        click.option("--bots", is_flag=True, default=None, help="Train on automated accounts."),
        click.option(
            "--alt-texts", is_flag=True, default=None, help="Append the descriptions of images."
        ),
        click.option(
            "--minimum-age", type=int, help="Age that authors must have declared. [default: 16]"
        ),
        click.option("--max-turns", type=int, help="Turns of a dialogue. [default: 16]"),
        click.option("--minimum-words", type=int, help="Words of a trained turn. [default: 3]"),
        click.option(
            "--detector",
            metavar="NAME[+NAME]...",
            help="rampart, a folder with its files, spacy:PACKAGE, presidio:PACKAGE, "
            "transformers:NAME or gliner:NAME; several, joined by +, all read. [default: rampart]",
        ),
        click.option(
            "--detector-language",
            "detector_languages",
            multiple=True,
            metavar="TAG",
            help="Language that the transformers and GLiNER models read; may be repeated.",
        ),
        click.option(
            "--patterns-only-language",
            "patterns_only_languages",
            multiple=True,
            metavar="TAG|und",
            help="Language that patterns alone may scrub, where names then stay; may be repeated.",
        ),
        click.option(
            "--also-mask",
            multiple=True,
            type=click.Choice(["places", "organizations"]),
            help="Topics to mask too; may be repeated.",
        ),
        click.option(
            "--keep-name",
            "keep_names",
            multiple=True,
            metavar="NAME",
            help="Full name of a public figure that is not masked; may be repeated.",
        ),
        click.option(
            "--operator",
            type=OPERATOR,
            help="What replaces identifiers. [default: placeholder]",
        ),
        click.option(
            "--operator-for",
            "operators",
            multiple=True,
            metavar="ENTITY=OPERATOR",
            callback=_operators,
            help="What replaces those of one kind, as EMAIL_ADDRESS=remove; may be repeated.",
        ),
        click.option(
            "--responses",
            type=click.Choice(["all", "best-branch", "longest-path"]),
            help="Responses of a thread that are trained. [default: all]",
        ),
        click.option(
            "--roles",
            metavar="response|op-as-user|multi-party|author=ACCOUNT",
            help="Who is the assistant. [default: response]",
        ),
        click.option(
            "--gap-policy",
            type=click.Choice(["cut", "placeholder", "drop"]),
            help="What becomes of posts below a missing one. [default: cut]",
        ),
        click.option(
            "--quotes",
            type=click.Choice(["text", "context"]),
            help="Where a quoted post of the conversation is read. [default: text]",
        ),
        click.option(
            "--titles",
            type=click.Choice(["text", "context"]),
            help="Whether titles are trained, or read only. [default: text]",
        ),
        click.option(
            "--content-warnings",
            type=click.Choice(["text", "context"]),
            help="Whether content warnings are trained, or read only. [default: text]",
        ),
        click.option("--max-characters", type=int, help="Characters of a dialogue."),
        click.option(
            "--minimum-speakers", type=int, help="People who speak in a dialogue. [default: 2]"
        ),
        click.option(
            "--max-per-author", type=int, help="Trained responses of one person, chosen by key."
        ),
        click.option(
            "--multi-turn",
            is_flag=True,
            default=None,
            help="Also write responses of one author on one way in one row, flagged.",
        ),
        click.option(
            "--splits",
            type=(float, float, float),
            metavar="TRAIN VALIDATION TEST",
            callback=_splits,
            help="Shares of conversations, which sum to 1. [default: 0.9 0.05 0.05]",
        ),
        click.option("--shard-bytes", type=int, help="Upper bound of a shard. [default: 64000000]"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _operators(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, str] | None:
    """Read ENTITY=OPERATOR; which entities there are, BuildConfig knows."""
    read = {}
    for one in given:
        entity, equals, operator = one.partition("=")
        if not (entity and equals):
            raise click.BadParameter(f"{one!r} is not ENTITY=OPERATOR", context, parameter)
        read[entity] = OPERATOR.convert(operator, parameter, context)
    return read or None


def _splits(
    context: click.Context, parameter: click.Parameter, given: tuple[float, ...] | None
) -> dict[str, float] | None:
    """Name the three shares."""
    del context, parameter
    return dict(zip(("train", "validation", "test"), given, strict=True)) if given else None


def config_of(config_file: Path | None, fields: Mapping[str, object]) -> BuildConfig:
    """Take the file's fields, and over them the flags that were given."""
    from fedi_dataset.config import BuildConfig

    base = BuildConfig.from_yaml(config_file).to_dict() if config_file else {}
    given = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in fields.items()
        if value is not None and value != ()
    }
    if "terms_files" in given:
        base.pop("terms_sha256", None)  # of other files
    return BuildConfig.from_dict({**base, **given}, where="options")
