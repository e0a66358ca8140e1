"""Options that the commands of the ledger share, and those that say what somebody agrees to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fedi_dataset.commands.options import JSON
from fedi_dataset.console import C, time_option

__all__ = [
    "ACCOUNTS",
    "AT",
    "JSON",
    "LANGUAGES",
    "LEDGER",
    "POSTS",
    "consent_options",
]

PURPOSES = ("llm-fine-tuning", "dataset-publication", "research")
RECIPIENTS = ("private", "gated", "public")
ACQUISITIONS = ("own-export", "capture")
USES = ("train", "context")
VISIBILITIES = ("public", "unlisted")
LANGUAGES = ("en", "de")
METHODS = ("self-asserted", "account-field", "proof")
"""The ledger's closed lists, again, so that --help need not load it; a test holds them equal."""

LEDGER = click.argument("ledger", type=click.Path(dir_okay=False, path_type=Path))
ACCOUNTS = click.argument("accounts", metavar="ACCOUNT...", nargs=-1, required=True)
POSTS = click.option(
    "--post", "posts", metavar="URI", multiple=True, help="Only this post; repeatable."
)
AT = time_option("--at", "at", "When it was said, RFC 3339 with zone. [default: now]")

_CONSENT_OPTIONS: tuple[Callable[..., Any], ...] = (
    LEDGER,
    click.argument("accounts", metavar="[ACCOUNT]...", nargs=-1),
    click.option("--license", "license", metavar="SPDX", help="License of the posts."),
    click.option("--age-at-least", type=click.IntRange(min=0), help="Years the author declares."),
    click.option(
        "--notice",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The text that the author agreed to; its SHA-256 is recorded.",
    ),
    click.option("--notice-uri", help="Where the notice is published."),
    click.option("--notice-lang", help="Its language, BCP 47."),
    click.option("--notice-version", help="Its version."),
    click.option(
        "--purpose",
        "purposes",
        type=click.Choice(PURPOSES),
        multiple=True,
        help="What it may be used for; repeatable. [default: llm-fine-tuning]",
    ),
    click.option(
        "--recipients",
        type=click.Choice(RECIPIENTS),
        help="Who may get the dataset. [default: private]",
    ),
    click.option(
        "--special-categories/--no-special-categories",
        default=None,
        help="Covers what reveals health, faith, politics and the like. [default: no]",
    ),
    click.option(
        "--acquisition",
        type=click.Choice(ACQUISITIONS),
        multiple=True,
        help="How exports may have been acquired; repeatable. [default: own-export]",
    ),
    click.option(
        "--evidence",
        "method",
        type=click.Choice(METHODS),
        default="self-asserted",
        show_default=True,
        help="How the consent is known to be the account's own.",
    ),
    click.option("--evidence-ref", default="", help="Where that can be seen."),
    click.option(
        "--key",
        "keys",
        metavar="ACCOUNT=did:key:...",
        multiple=True,
        help="A key that you know to be the account's; repeatable.",
    ),
    click.option(
        "--statement",
        "statements",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        multiple=True,
        help="An actor document, or identity statement (FEP-c390), that binds a key; repeatable.",
    ),
    click.option("--use", type=click.Choice(USES), help="[default: train]"),
    click.option("--attribution", help="How to be named. [default: none]"),
    click.option(
        "--visibility",
        "visibilities",
        type=click.Choice(VISIBILITIES),
        multiple=True,
        help="Posts of which visibility; repeatable. [default: public]",
    ),
    click.option("--exclude-post", "posts", metavar="URI", multiple=True, help="Leave out a post."),
    click.option(
        "--exclude-tag", "tags", metavar="TAG", multiple=True, help="Leave out a hashtag."
    ),
    click.option(
        "--terms-override",
        metavar="HOST",
        multiple=True,
        help="Own posts from this server too, although its terms forbid training; repeatable.",
    ),
    click.option(
        "--acknowledge",
        "acknowledged",
        metavar="SIGNAL",
        multiple=True,
        help="A signal that the author knows of; overruled by renewing; repeatable.",
    ),
    time_option(
        "--from",
        "from_",
        "Covers posts written at or after this time: the 16th birthday of whoever posted before.",
    ),
    time_option("--until", "until", "Covers posts written before this time."),
    time_option("--expires", "expires", "Covers builds as of a time before this one."),
    click.option("--subject", metavar="URN", help="Joins a person's accounts across events."),
    click.option("--controller", help="Who is responsible for the processing."),
    click.option(
        "--draft",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Record nothing: write the document that the author may sign.",
    ),
    click.option(
        "--signed",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Record a draft that came back with its proof; repeat the evidence that you know.",
    ),
    AT,
    JSON,
)


def consent_options(command: C) -> C:
    """Give a command its ledger, whose accounts it is about, and what their owner agrees to."""
    for option in reversed(_CONSENT_OPTIONS):
        command = option(command)
    return command
