"""``fedi-dataset consent``: the commands that write and read the ledger of consent.

The clock is read and ids are drawn here and nowhere below. Nothing but click and the console is
imported before a command runs, so that ``--help`` stays quick.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from fedi_dataset.console import C, emit, guarded, say, time_option

if TYPE_CHECKING:
    from fedi_dataset.consent.events import (
        Event,
        Evidence,
        Exclude,
        Given,
        Line,
        Notice,
        Withdrawn,
    )
    from fedi_dataset.consent.ledger import Head

__all__ = ["consent"]

PURPOSES = ("llm-fine-tuning", "dataset-publication", "research")
RECIPIENTS = ("private", "gated", "public")
ACQUISITIONS = ("own-export", "capture")
USES = ("train", "context")
VISIBILITIES = ("public", "unlisted")
LANGUAGES = ("en", "de")
METHODS = ("self-asserted", "account-field", "proof")
"""The ledger's closed lists, again, so that --help need not load it; a test holds them equal."""

_LEDGER = click.argument("ledger", type=click.Path(dir_okay=False, path_type=Path))
_ACCOUNTS = click.argument("accounts", metavar="ACCOUNT...", nargs=-1, required=True)
_ACCOUNTS_TO_GIVE = click.argument("accounts", metavar="[ACCOUNT]...", nargs=-1)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


_AT = time_option("--at", "at", "When it was said, RFC 3339 with zone. [default: now]")

_CONSENT_OPTIONS: tuple[Callable[..., Any], ...] = (
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
    _AT,
    _JSON,
)


def _consent_options(command: C) -> C:
    for option in reversed(_CONSENT_OPTIONS):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def consent() -> None:
    """Record who agreed to what, and who took it back."""


@consent.command(
    epilog="""\b
Examples:
  fedi-dataset consent give ledger.jsonl https://mastodon.example/users/alice \\
      --license CC-BY-4.0 --age-at-least 18 --notice notice.md
  fedi-dataset consent give ledger.jsonl --signed signed.json \\
      --evidence-ref https://mastodon.example/users/alice"""
)
@_LEDGER
@_ACCOUNTS_TO_GIVE
@_consent_options
@guarded
def give(ledger: Path, accounts: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Record that the owner of one or more accounts consents. Begins the LEDGER if need be.

    ACCOUNT is the platform's own URI: an ActivityPub actor id, or a DID.
    """
    from fedi_dataset.consent.events import Given

    _agree(Given, ledger, accounts, given, None, as_json)


@consent.command(
    epilog="""\b
Example:
  fedi-dataset consent renew ledger.jsonl https://mastodon.example/users/alice \\
      --expires 2028-05-01T00:00:00Z --acknowledge 'bio:#noai'"""
)
@_LEDGER
@_ACCOUNTS_TO_GIVE
@_consent_options
@guarded
def renew(ledger: Path, accounts: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Record consent again. It takes the place of what was given before, as a whole.

    What no option says is as the newest consent of these accounts has it, but for the evidence, which
    is that of the renewal. To drop a limit, give anew.
    """
    from fedi_dataset.consent.events import Renewed

    former = None if given["signed"] else _newest(ledger, accounts)
    _agree(Renewed, ledger, accounts, given, former, as_json)


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
        if wanted is None or wanted in map(spelling, getattr(event, "accounts", ()))
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
    """Check every line of the LEDGER, the chain of hashes and the proofs; exit 1 where one is broken."""
    from fedi_dataset.consent.ledger import Ledger
    from fedi_dataset.errors import MissingExtra

    loaded = Ledger.load(ledger)
    if head is not None:
        loaded.check_extends(_head(head))
    lines, sha256 = loaded.head.lines, loaded.head.sha256
    proofs: int | None
    try:
        proofs = loaded.verify_proofs()
    except MissingExtra as error:
        say(f"note: the proofs were not verified and count as self-asserted. {error}")
        proofs = None
    emit(
        {
            "ledger": str(ledger),
            "events": lines,
            "head": {"lines": lines, "sha256": sha256},
            "proofs": proofs,
        },
        as_json,
        [
            f"{ledger}: {lines} events, the chain holds",
            *([f"{proofs} proofs verified"] if proofs else []),
            f"head {lines}:{sha256}",
        ],
    )


@consent.command(
    epilog="""\b
Example:
  fedi-dataset consent redact ledger.jsonl https://mastodon.example/users/alice"""
)
@_LEDGER
@_ACCOUNTS
@_AT
@_JSON
@guarded
def redact(ledger: Path, accounts: tuple[str, ...], at: datetime | None, as_json: bool) -> None:
    """Take out of the LEDGER all that it says of people who withdrew, once it need not be shown.

    Their accounts stay refused: they are remembered by HMACs under LEDGER.key, made beside the ledger.
    Back it up with the ledger, which is not read without it; whoever holds it can test an account.
    """
    from fedi_dataset.consent.redaction import redact as run

    event = run(ledger, accounts, identifier=uuid4().urn, at=at or datetime.now(UTC))
    emit(
        {"ledger": str(ledger), "event": _described(event)},
        as_json,
        [f"recorded: {_line(_described(event))}"],
    )


@consent.command(
    epilog="""\b
Examples:
  fedi-dataset consent receipt ledger.jsonl https://mastodon.example/users/alice --lang de
  fedi-dataset consent receipt ledger.jsonl https://mastodon.example/users/alice --json"""
)
@_LEDGER
@click.argument("account")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
@_AT
@_JSON
@guarded
def receipt(ledger: Path, account: str, lang: str, at: datetime | None, as_json: bool) -> None:
    """Show a person what they agreed to: Markdown, or JSON in the words of the W3C's DPV."""
    from fedi_dataset.consent.ledger import Ledger
    from fedi_dataset.consent.receipt import as_markdown, describe

    described = describe(Ledger.load(ledger), account, at or datetime.now(UTC))
    emit(described.as_dpv(), as_json, as_markdown(described, lang).splitlines())


@consent.command(
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


def _agree(
    kind: type[Given],
    ledger: Path,
    accounts: tuple[str, ...],
    given: dict[str, Any],
    former: Given | None,
    as_json: bool,
) -> None:
    """Record a consent, write its draft, or record the draft that came back signed."""
    from fedi_dataset.consent.events import checked, encode
    from fedi_dataset.consent.proofs import document_to_sign

    draft, signed = given.pop("draft"), given.pop("signed")
    if signed is not None:
        _record(ledger, _signed(kind, signed, accounts, given), as_json)
        return
    event = checked(_consent(kind, accounts, given, former))
    if draft is None:
        _record(ledger, event, as_json)
        return
    draft.write_text(json.dumps(document_to_sign(event), ensure_ascii=False, indent=2) + "\n")
    emit(
        {"draft": str(draft), "event": json.loads(encode(event))},
        as_json,
        [f"wrote {draft}: nothing is recorded before it comes back signed"],
    )


def _newest(ledger: Path, accounts: tuple[str, ...]) -> Given | None:
    """The newest consent that names one of the accounts."""
    from fedi_dataset.consent.events import Given, spelling
    from fedi_dataset.consent.ledger import Ledger

    if not ledger.exists():
        return None
    wanted = set(map(spelling, accounts))
    given = (event for event in Ledger.load(ledger).events if isinstance(event, Given))
    return max(
        (
            (line, event)
            for line, event in enumerate(given)
            if wanted.intersection(map(spelling, event.accounts))
        ),
        key=lambda numbered: numbered[0],
        default=(0, None),
    )[1]


def _consent(
    kind: type[Given], accounts: tuple[str, ...], given: dict[str, Any], former: Given | None
) -> Given:
    """A consent event from the options of give and renew, and from the consent that it renews."""
    import msgspec

    from fedi_dataset.consent.licenses import parse_license
    from fedi_dataset.errors import UsageError

    if not accounts:
        raise UsageError("name an ACCOUNT, or a draft that came back with --signed")
    stamp = _stamp(given.pop("at"))
    said = {
        "evidence": _evidence(given),
        "exclude": _exclude(given, former),
        "notice": _notice(given, former),
        **{name: value for name, value in given.items() if value not in (None, ())},
    }
    if "license" in said:
        said["license"] = parse_license(said["license"])
    kept = {} if former is None else msgspec.structs.asdict(former)
    fields = {"purposes": ("llm-fine-tuning",), "acquisition": ("own-export",), **kept, **said}
    fields |= {**stamp, "accounts": accounts, "prev": "", "proof": msgspec.UNSET}
    if missing := [
        f"--{name.replace('_', '-')}"
        for name in ("license", "age_at_least", "notice")
        if fields.get(name) is None
    ]:
        raise UsageError(f"missing option {', '.join(missing)}")
    if fields.get("expires") is not None and fields["expires"] <= stamp["at"]:
        raise UsageError("the consent would have expired already: say --expires")
    return kind(**fields)


def _notice(given: dict[str, Any], former: Given | None) -> Notice | None:
    from fedi_dataset.consent.events import Notice

    file, uri = given.pop("notice"), given.pop("notice_uri")
    lang, version = given.pop("notice_lang"), given.pop("notice_version")
    if file is None:
        return None if former is None else former.notice
    return Notice(
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(), uri=uri, lang=lang, version=version
    )


def _exclude(given: dict[str, Any], former: Given | None) -> Exclude:
    from fedi_dataset.consent.events import Exclude

    posts = given.pop("posts")
    tags = tuple(tag.removeprefix("#") for tag in given.pop("tags"))
    before = Exclude() if former is None else former.exclude
    return Exclude(posts=posts or before.posts, tags=tags or before.tags)


def _evidence(given: dict[str, Any]) -> Evidence:
    import msgspec

    from fedi_dataset.consent.events import Evidence
    from fedi_dataset.consent.proofs import statements_in
    from fedi_dataset.errors import UsageError

    method, ref = given.pop("method"), given.pop("evidence_ref")
    if method != "self-asserted" and not ref.strip():
        raise UsageError(f"--evidence {method} needs --evidence-ref: where can it be seen?")
    keys = _keys(given.pop("keys"))
    statements = tuple(
        statement
        for file in given.pop("statements")
        for statement in statements_in(_json_file(file))
    )
    return Evidence(
        method=method,
        ref=ref,
        keys=keys or msgspec.UNSET,
        statements=statements or msgspec.UNSET,
    )


def _keys(pairs: tuple[str, ...]) -> dict[str, str]:
    from fedi_dataset.errors import UsageError

    keys = {}
    for pair in pairs:
        account, equals, did = pair.rpartition("=")
        if not equals or not did.startswith("did:key:"):
            raise UsageError(f"--key {pair!r} is no ACCOUNT=did:key:...")
        keys[account] = did
    return keys


def _signed(
    kind: type[Given], file: Path, accounts: tuple[str, ...], given: dict[str, Any]
) -> Given:
    """A draft that came back with its proof; what it says of evidence must be what the steward says."""
    import msgspec

    from fedi_dataset.errors import UsageError

    if accounts:
        raise UsageError("--signed takes the accounts from its file: name no ACCOUNT")
    try:
        event: Given = msgspec.convert(_json_file(file), kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"{file} is no signed draft of this command: {error}") from error
    if event.proof is msgspec.UNSET:
        raise UsageError(f"{file} has no proof: it came back unsigned")
    keys = {} if event.evidence.keys is msgspec.UNSET else event.evidence.keys
    if (event.evidence.ref, keys) != (given["evidence_ref"], _keys(given["keys"])):
        raise UsageError(
            f"{file} comes from outside: repeat the --evidence-ref and each --key of the draft, "
            "so that it is you who says whose key it is"
        )
    return event


def _json_file(file: Path) -> Any:
    from fedi_dataset.errors import UsageError

    try:
        return json.loads(file.read_bytes())
    except ValueError as error:
        raise UsageError(f"{file} is no JSON: {error}") from error


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


def _described(event: Line, line: int | None = None) -> dict[str, object]:
    """An event as the ledger writes it, with its line where it is known."""
    import msgspec

    fields: dict[str, object] = msgspec.to_builtins(event)
    return fields if line is None else {"line": line, **fields}


def _line(event: Mapping[str, Any]) -> str:
    number = f"{event['line']}  " if "line" in event else ""
    if "line_sha256" in event:
        return f"{number}(redacted)"
    if event["event"] == "redacted":
        return f"{number}{event['at']}  redacted   {len(event['ids'])} events"
    what = event.get("license") or (
        "everything" if event["posts"] is None else f"{len(event['posts'])} posts"
    )
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
