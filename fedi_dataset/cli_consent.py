"""``fedi-dataset consent``: the commands that write and read the ledger of consent.

The clock is read and ids are drawn here and nowhere below. Nothing but click and the console is
imported before a command runs, so that ``--help`` stays quick.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from fedi_dataset.console import C, emit, guarded, say, time_option

if TYPE_CHECKING:
    from fedi_dataset.consent.ledger import Event, Given, Head, Withdrawn

__all__ = ["consent"]

PURPOSES = ("llm-fine-tuning", "dataset-publication", "research")
RECIPIENTS = ("private", "gated", "public")
ACQUISITIONS = ("own-export", "capture")
USES = ("train", "context")
VISIBILITIES = ("public", "unlisted")
METHODS = ("self-asserted", "account-field", "proof")
"""The ledger's closed lists, again, so that --help need not load it; a test holds them equal."""

_LEDGER = click.argument("ledger", type=click.Path(dir_okay=False, path_type=Path))
_ACCOUNTS = click.argument("accounts", metavar="ACCOUNT...", nargs=-1, required=True)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


_AT = time_option("--at", "at", "When it was said, RFC 3339 with zone. [default: now]")

_CONSENT_OPTIONS: tuple[Callable[..., Any], ...] = (
    click.option(
        "--license", "license_", metavar="SPDX", required=True, help="License of the posts."
    ),
    click.option(
        "--age-at-least",
        type=click.IntRange(min=0),
        required=True,
        help="Years the author declares.",
    ),
    click.option(
        "--notice",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        required=True,
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
        default=("llm-fine-tuning",),
        show_default=True,
        help="What it may be used for; repeatable.",
    ),
    click.option(
        "--recipients",
        type=click.Choice(RECIPIENTS),
        default="private",
        show_default=True,
        help="Who may get the dataset.",
    ),
    click.option(
        "--special-categories",
        is_flag=True,
        help="Covers what reveals health, faith, politics and the like.",
    ),
    click.option(
        "--acquisition",
        type=click.Choice(ACQUISITIONS),
        multiple=True,
        default=("own-export",),
        show_default=True,
        help="How exports may have been acquired; repeatable.",
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
    click.option("--use", type=click.Choice(USES), default="train", show_default=True),
    click.option("--attribution", default="none", show_default=True, help="How to be named."),
    click.option(
        "--visibility",
        "visibilities",
        type=click.Choice(VISIBILITIES),
        multiple=True,
        default=("public",),
        show_default=True,
        help="Posts of which visibility; repeatable.",
    ),
    click.option("--exclude-post", "posts", metavar="URI", multiple=True, help="Leave out a post."),
    click.option(
        "--exclude-tag", "tags", metavar="TAG", multiple=True, help="Leave out a hashtag."
    ),
    time_option("--from", "from_", "Covers posts written at or after this time."),
    time_option("--until", "until", "Covers posts written before this time."),
    time_option("--expires", "expires", "Covers builds as of a time before this one."),
    click.option("--subject", metavar="URN", help="Joins a person's accounts across events."),
    click.option("--controller", help="Who is responsible for the processing."),
    _AT,
    _JSON,
)


def _consent_options(command: C) -> C:
    for option in reversed(_CONSENT_OPTIONS):
        command = option(command)
    return command


@click.group()
def consent() -> None:
    """Record who agreed to what, and who took it back."""


@consent.command(
    epilog="""\b
Example:
  fedi-dataset consent give ledger.jsonl https://mastodon.example/users/alice \\
      --license CC-BY-4.0 --age-at-least 18 --notice notice.md"""
)
@_LEDGER
@_ACCOUNTS
@_consent_options
@guarded
def give(ledger: Path, accounts: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Record that the owner of one or more accounts consents. Begins the LEDGER if need be.

    ACCOUNT is the platform's own URI: an ActivityPub actor id, or a DID.
    """
    from fedi_dataset.consent.ledger import Given

    _record(ledger, _consent(Given, accounts, given), as_json)


@consent.command(
    epilog="""\b
Example:
  fedi-dataset consent renew ledger.jsonl https://mastodon.example/users/alice \\
      --license CC-BY-4.0 --age-at-least 18 --notice notice.md --acknowledge 'bio:#noai'"""
)
@_LEDGER
@_ACCOUNTS
@click.option(
    "--acknowledge", "acknowledged", metavar="SIGNAL", multiple=True, help="A signal to overrule."
)
@_consent_options
@guarded
def renew(ledger: Path, accounts: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Record consent again. It takes the place of what was given before, as a whole."""
    from fedi_dataset.consent.ledger import Renewed

    _record(ledger, _consent(Renewed, accounts, given), as_json)


@consent.command(
    epilog="""\b
Examples:
  fedi-dataset consent withdraw ledger.jsonl https://mastodon.example/users/alice
  fedi-dataset consent withdraw ledger.jsonl https://mastodon.example/users/alice \\
      --post https://mastodon.example/users/alice/statuses/1"""
)
@_LEDGER
@_ACCOUNTS
@click.option("--post", "posts", metavar="URI", multiple=True, help="Only this post; repeatable.")
@_AT
@_JSON
@guarded
def withdraw(
    ledger: Path,
    accounts: tuple[str, ...],
    posts: tuple[str, ...],
    at: datetime | None,
    as_json: bool,
) -> None:
    """Record that consent is taken back: for all accounts of the person, or for some posts."""
    from fedi_dataset.consent.ledger import Withdrawn

    _record_refusal(Withdrawn, ledger, accounts, posts, at, as_json)


@consent.command(
    name="object",
    epilog="""\b
Example:
  fedi-dataset consent object ledger.jsonl did:plc:ewvi7nxzyoun6zhxrhs64oiz""",
)
@_LEDGER
@_ACCOUNTS
@click.option("--post", "posts", metavar="URI", multiple=True, help="Only this post; repeatable.")
@_AT
@_JSON
@guarded
def object_(
    ledger: Path,
    accounts: tuple[str, ...],
    posts: tuple[str, ...],
    at: datetime | None,
    as_json: bool,
) -> None:
    """Record an objection to the processing. It refuses as a withdrawal does."""
    from fedi_dataset.consent.ledger import Objected

    _record_refusal(Objected, ledger, accounts, posts, at, as_json)


@consent.command(
    name="list",
    epilog="""\b
Examples:
  fedi-dataset consent list ledger.jsonl
  fedi-dataset consent list ledger.jsonl https://mastodon.example/users/alice --json""",
)
@_LEDGER
@click.argument("account", required=False)
@_JSON
@guarded
def list_(ledger: Path, account: str | None, as_json: bool) -> None:
    """Show the events of the LEDGER, all of them or those that name an ACCOUNT."""
    from fedi_dataset.consent.ledger import Ledger, spelling

    wanted = None if account is None else spelling(account)
    events = [
        _described(event, line)
        for line, event in enumerate(Ledger.load(ledger).events, start=1)
        if wanted is None or wanted in map(spelling, event.accounts)
    ]
    emit({"ledger": str(ledger), "events": events}, as_json, map(_line, events))


@consent.command(
    epilog="""\b
Examples:
  fedi-dataset consent verify ledger.jsonl
  fedi-dataset consent verify ledger.jsonl --head 2:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b..."""
)
@_LEDGER
@click.option(
    "--head", metavar="LINES:SHA256", help="A remembered head that the ledger must extend."
)
@_JSON
@guarded
def verify(ledger: Path, head: str | None, as_json: bool) -> None:
    """Check every line of the LEDGER and the chain of hashes; exit 1 where it is broken."""
    from fedi_dataset.consent.ledger import Ledger

    loaded = Ledger.load(ledger)
    if head is not None:
        loaded.check_extends(_head(head))
    lines, sha256 = loaded.head.lines, loaded.head.sha256
    emit(
        {"ledger": str(ledger), "events": lines, "head": {"lines": lines, "sha256": sha256}},
        as_json,
        [f"{ledger}: {lines} events, the chain holds", f"head {lines}:{sha256}"],
    )


def _consent(kind: type[Given], accounts: tuple[str, ...], given: dict[str, Any]) -> Given:
    """A consent event from the options of give and renew."""
    from fedi_dataset.consent.ledger import Evidence, Exclude, Notice
    from fedi_dataset.consent.licenses import parse_license
    from fedi_dataset.errors import UsageError

    notice: Path = given.pop("notice")
    method, ref = given.pop("method"), given.pop("evidence_ref")
    if method != "self-asserted" and not ref.strip():
        raise UsageError(f"--evidence {method} needs --evidence-ref: where can it be seen?")
    return kind(
        **_stamp(given.pop("at")),
        accounts=accounts,
        license=parse_license(given.pop("license_")),
        exclude=Exclude(
            posts=given.pop("posts"),
            tags=tuple(tag.removeprefix("#") for tag in given.pop("tags")),
        ),
        notice=Notice(
            sha256=hashlib.sha256(notice.read_bytes()).hexdigest(),
            uri=given.pop("notice_uri"),
            lang=given.pop("notice_lang"),
            version=given.pop("notice_version"),
        ),
        evidence=Evidence(method=method, ref=ref),
        **given,
    )


def _record_refusal(
    kind: type[Withdrawn],
    ledger: Path,
    accounts: tuple[str, ...],
    posts: tuple[str, ...],
    at: datetime | None,
    as_json: bool,
) -> None:
    from fedi_dataset.consent.ledger import Given, Ledger, spelling

    # A mistyped path must not begin a new ledger, where the withdrawal would refuse nobody.
    given = [event for event in Ledger.load(ledger).events if isinstance(event, Given)]
    known = {spelling(account) for event in given for account in event.accounts}
    for account in accounts:
        if spelling(account) not in known:
            say(f"note: no consent in {ledger} names {account} in this spelling")
    _record(ledger, kind(**_stamp(at), accounts=accounts, posts=posts or None), as_json)


def _record(ledger: Path, event: Event, as_json: bool) -> None:
    from fedi_dataset.consent.ledger import append

    described = _described(append(ledger, event))
    emit({"ledger": str(ledger), "event": described}, as_json, [f"recorded: {_line(described)}"])


def _stamp(at: datetime | None) -> dict[str, Any]:
    return {"id": uuid4().urn, "at": at or datetime.now(UTC)}


def _described(event: Event, line: int | None = None) -> dict[str, object]:
    """An event as the ledger writes it, with its line where it is known."""
    import msgspec

    fields: dict[str, object] = msgspec.to_builtins(event)
    return fields if line is None else {"line": line, **fields}


def _line(event: Mapping[str, Any]) -> str:
    what = event.get("license") or (
        "everything" if event["posts"] is None else f"{len(event['posts'])} posts"
    )
    number = f"{event['line']}  " if "line" in event else ""
    return f"{number}{event['at']}  {event['event']:<9}  {what}  {' '.join(event['accounts'])}"


def _head(text: str) -> Head:
    import msgspec

    from fedi_dataset.consent.ledger import Head
    from fedi_dataset.errors import UsageError

    lines, _, sha256 = text.partition(":")
    try:
        head: Head = msgspec.convert({"lines": lines, "sha256": sha256}, Head, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"--head {text!r} is no LINES:SHA256, as verify prints it") from error
    return head
