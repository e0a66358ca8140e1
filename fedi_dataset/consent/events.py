"""The lines of a ledger of consent: what each event says, and what makes it valid.

Fields follow ISO/IEC TS 27560 as the W3C's Data Privacy Vocabulary words it. A line is an event, or
the stub that redaction left of one. ``data/consent_event.schema.json`` says the same in JSON Schema,
but for what JSON Schema cannot say: that ``license`` is one that SPDX knows.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar, final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from fedi_dataset.consent.licenses import parse_license
from fedi_dataset.consent.uris import ACCOUNT_PATTERN, END, check_account, check_post
from fedi_dataset.errors import LedgerError, UsageError

__all__ = [
    "Event",
    "Evidence",
    "Exclude",
    "Given",
    "Line",
    "Notice",
    "Objected",
    "Redacted",
    "Renewed",
    "Stub",
    "Withdrawn",
    "check_terms",
    "checked",
    "decode",
    "encode",
    "parse",
]

SHA256_PATTERN: Final = rf"^[0-9a-f]{{64}}{END}"
_TIME: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    rf"(?:[Zz]|[+-][0-9]{{2}}:?[0-9]{{2}}){END}"
)
_DID_KEY: Final = rf"^did:key:z[1-9A-HJ-NP-Za-km-z]+{END}"

# What a long ledger repeats is matched once (see Known), so that these patterns stand in the schema
# alone: msgspec would match them on every line.
Sha256 = Annotated[
    str, Meta(min_length=64, max_length=64, extra_json_schema={"pattern": SHA256_PATTERN})
]
AccountUri = Annotated[str, Meta(min_length=1, extra_json_schema={"pattern": ACCOUNT_PATTERN})]
Text = Annotated[str, Meta(min_length=1)]
Time = Annotated[datetime, Meta(tz=True, extra_json_schema={"pattern": _TIME})]
Accounts = Annotated[tuple[AccountUri, ...], Meta(min_length=1)]
DidKey = Annotated[str, Meta(pattern=_DID_KEY)]
Key = Annotated[str, Meta(pattern=rf"^[0-9a-f]{{32}}{END}")]

Purpose = Literal["llm-fine-tuning", "dataset-publication", "research"]
Recipients = Literal["private", "gated", "public"]
Acquisition = Literal["own-export", "capture"]
Use = Literal["train", "context"]
Visibility = Literal["public", "unlisted"]
Method = Literal["self-asserted", "account-field", "proof"]


class Notice(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The text that the subject was shown before consenting."""

    sha256: Sha256
    uri: Text | None = None
    lang: Text | None = None
    version: Text | None = None


class Evidence(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """How the consent is known to come from the account's owner: the steward's word."""

    method: Method
    ref: str = ""
    """Where it can be seen: the URL of the field or post, of the account's page that shows the key."""
    keys: dict[Text, DidKey] | UnsetType = UNSET
    """Keys that the steward knows to be an account's: account → ``did:key``."""
    statements: tuple[dict[str, Any], ...] | UnsetType = UNSET
    """FEP-c390 identity statements, as the account's page at ``ref`` carries them."""


class Exclude(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What the author leaves out: posts by id, hashtags without #."""

    posts: tuple[Text, ...] = ()
    tags: tuple[Text, ...] = ()


class Given(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="event",
    tag="given",
    gc=False,
):
    """Consent of one subject for some of their accounts."""

    id: Text
    """Unique in the ledger; a ``urn:uuid:``."""
    at: Time
    subject: Text | None = None
    """Joins the accounts of one person across events; None: the accounts stand for themselves."""
    accounts: Accounts
    controller: Text | None = None
    recipients: Recipients = "private"
    purposes: Annotated[tuple[Purpose, ...], Meta(min_length=1)]
    special_categories: bool = False
    """Covers what reveals health, faith, politics and the like (GDPR article 9)."""
    license: Text
    """What :func:`fedi_dataset.consent.licenses.parse_license` reads."""
    attribution: Text = "none"
    """``none``, or the words by which the author wants to be named."""
    age_at_least: Annotated[int, Meta(ge=0)]
    """Years that the author declared to have reached."""
    visibilities: Annotated[tuple[Visibility, ...], Meta(min_length=1)] = ("public",)
    from_: Time | None = field(default=None, name="from")
    """Covers posts written at or after this time: the 16th birthday of whoever posted before it."""
    until: Time | None = None
    """Covers posts written, and last edited, before this time."""
    expires: Time | None = None
    """Covers builds as of a time before this one."""
    exclude: Exclude = Exclude()
    use: Use = "train"
    acquisition: Annotated[tuple[Acquisition, ...], Meta(min_length=1)]
    terms_override: tuple[Text, ...] = ()
    """Hosts whose terms forbid training, and whose posts the subject hands over all the same."""
    acknowledged: tuple[Text, ...] = ()
    """Signals that the subject knows of and overrules in renewing."""
    notice: Notice
    evidence: Evidence
    proof: dict[str, Any] | UnsetType = UNSET
    """A Data Integrity proof by the subject (see :mod:`fedi_dataset.consent.proofs`)."""
    prev: str = ""


class Renewed(
    Given,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="event",
    tag="renewed",
    gc=False,
):
    """Consent again: complete in itself, it takes the place of what was given before."""


class Withdrawn(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="event",
    tag="withdrawn",
    gc=False,
):
    """Consent taken back, for all accounts of the subject, or for some posts."""

    id: Text
    at: Time
    accounts: Accounts
    posts: Annotated[tuple[Text, ...], Meta(min_length=1)] | None = None
    """None: everything. An empty list is an error: it would withdraw nothing."""
    prev: str = ""


class Objected(
    Withdrawn,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="event",
    tag="objected",
    gc=False,
):
    """An objection to the processing (GDPR article 21); it refuses as a withdrawal does."""


class Redacted(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="event",
    tag="redacted",
    gc=False,
):
    """All lines of withdrawn subjects became stubs; their accounts refuse until a later ``given``."""

    id: Text
    at: Time
    ids: Annotated[tuple[Text, ...], Meta(min_length=1)]
    """Of the events that became stubs, in the order of their lines."""
    account_keys: Annotated[tuple[Key, ...], Meta(min_length=1)]
    """HMACs of the accounts under the ledger's key; whoever holds that key can test an account."""
    key: Key
    """Fingerprint of the ledger's key, so that another key is noticed."""
    prev: str = ""


@final
class Stub(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What redaction leaves of a line: its place in the chain and nothing of what it said."""

    id: Text
    redacted: Text
    """Id of the ``redacted`` event that names this stub."""
    line_sha256: Annotated[str, Meta(pattern=SHA256_PATTERN)]
    """Hash of the line that stood here, which the next line's ``prev`` repeats."""
    prev: str


Event = Given | Renewed | Withdrawn | Objected | Redacted
Line = Event | Stub

E_ = TypeVar("E_", bound=Event)

_EVENTS: Final = msgspec.json.Decoder(Event)
_STUBS: Final = msgspec.json.Decoder(Stub)
_ENCODER: Final = msgspec.json.Encoder()
_SHA256: Final = re.compile(SHA256_PATTERN)


def encode(line: Line) -> bytes:
    """Write a line as the ledger stores it, without its newline."""
    return _ENCODER.encode(line)


def parse(line: bytes) -> Line:
    """Read one line without its newline; :class:`LedgerError` says what is wrong with it.

    What the types leave open is for ``check_account`` and :func:`check_terms`: a long ledger says the
    same few things again and again, and need not have them checked each time.
    """
    try:
        event: Event = _EVENTS.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        try:
            return _STUBS.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise LedgerError(f"not an event that this version knows: {error}") from error
    return event


def check_terms(license_: str, notice_sha256: str) -> None:
    """Raise :class:`LedgerError` unless a license is known and a notice's digest is one."""
    try:
        parse_license(license_)
    except UsageError as error:
        raise LedgerError(f"not an event that this version knows: {error}") from error
    if not _SHA256.match(notice_sha256):
        raise LedgerError(
            "not an event that this version knows: notice.sha256 is no SHA-256 in lower-case hex"
        )


def decode(line: bytes) -> Line:
    """Read and validate one line without its newline; :class:`LedgerError` says what is wrong."""
    event = parse(line)
    if isinstance(event, Given | Withdrawn):
        for account in event.accounts:
            check_account(account)
    if isinstance(event, Given):
        check_terms(event.license, event.notice.sha256)
    return event


def checked(event: E_) -> E_:
    """Give an event as reading it back gives it, so that what is written can be read.

    Raises :class:`UsageError` for one that could not be read back, or names a post by what is no id.
    """
    try:
        line = decode(encode(event))
    except LedgerError as error:
        raise UsageError(f"this event cannot be recorded: {error}") from error
    for post in _posts(event):
        check_post(post)
    assert isinstance(line, type(event))
    return line


def _posts(event: Event) -> tuple[str, ...]:
    """The posts that an event names."""
    if isinstance(event, Given):
        return event.exclude.posts
    return (event.posts or ()) if isinstance(event, Withdrawn) else ()
