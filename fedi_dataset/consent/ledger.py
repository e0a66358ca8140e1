"""The ledger of consent: JSON lines, only ever appended to, each chained to the one before by hash.

Each line is one event of one subject: consent given or renewed, withdrawn, objected to. ``prev``
holds the SHA-256 of the line before, so that no line can be changed, dropped or moved unseen; a
remembered :class:`Head` shows when the last line was changed or lines are gone from the end. Fields
follow ISO/IEC TS 27560 as the W3C's Data Privacy Vocabulary words it.

What decides, for an account and a time: the newest consent by line whose ``at`` is not later than
that time. A withdrawal or an objection on any later line refuses, whatever its own time.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from filelock import FileLock, Timeout
from msgspec import Meta, Struct, field

from fedi_dataset.consent.licenses import parse_license
from fedi_dataset.errors import LedgerError, LedgerRolledBack, UsageError

__all__ = [
    "Event",
    "Evidence",
    "Exclude",
    "Given",
    "Head",
    "Ledger",
    "Notice",
    "Objected",
    "Renewed",
    "Standing",
    "Withdrawn",
    "append",
    "spelling",
]

NO_LINE: Final = "0" * 64
"""``prev`` of the first line."""

_LOCK_SECONDS: Final = 60.0

_ACCOUNT: Final = r"^(?:did:[a-z0-9]+:|(?i:https?|at)://)\S+\Z"

Text = Annotated[str, Meta(min_length=1)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Time = Annotated[datetime, Meta(tz=True)]
AccountUri = Annotated[str, Meta(pattern=_ACCOUNT)]
Accounts = Annotated[tuple[AccountUri, ...], Meta(min_length=1)]

Purpose = Literal["llm-fine-tuning", "dataset-publication", "research"]
Recipients = Literal["private", "gated", "public"]
Acquisition = Literal["own-export", "capture"]
Use = Literal["train", "context"]
Visibility = Literal["public", "unlisted"]
Method = Literal["self-asserted", "account-field", "proof"]


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a ledger ended: its number of lines and the hash of the last one."""

    lines: Annotated[int, Meta(ge=0)]
    sha256: Sha256
    """Lower-case hex SHA-256 of the last line's bytes without its newline; zeros for no lines."""


class Notice(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The text that the subject was shown before consenting."""

    sha256: Sha256
    uri: Text | None = None
    lang: Text | None = None
    version: Text | None = None


class Evidence(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """How the consent is known to come from the account's owner."""

    method: Method
    ref: str = ""
    """Where it can be seen: the URL of the field or post, of the proof."""


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
    """Covers posts written at or after this time."""
    until: Time | None = None
    """Covers posts written before this time."""
    expires: Time | None = None
    """Covers builds as of a time before this one."""
    exclude: Exclude = Exclude()
    use: Use = "train"
    acquisition: Annotated[tuple[Acquisition, ...], Meta(min_length=1)]
    terms_override: tuple[Text, ...] = ()
    acknowledged: tuple[Text, ...] = ()
    """Signals that the subject knows of and overrules in renewing."""
    notice: Notice
    evidence: Evidence
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


Event = Given | Renewed | Withdrawn | Objected

_DECODER: Final = msgspec.json.Decoder(Event)
_ENCODER: Final = msgspec.json.Encoder()


class Standing(NamedTuple):
    """What the ledger says of an account at a time."""

    deciding: Given | None
    """The consent that decides; None when there is none."""
    withdrawn: bool
    """Taken back as a whole, on a later line than ``deciding`` or without any."""
    withdrawn_posts: frozenset[str]
    """Posts taken back on later lines, as :func:`spelling` writes them."""


_URI: Final = re.compile(r"(https?)://([^/?#]*)(.*)", re.I | re.S)
_DID_PAGE: Final = re.compile(
    r"(?:at://|https://bsky\.app/profile/)(did:[a-z0-9]+:[^/?#\s]+)/?", re.I
)


def spelling(uri: str) -> str:
    """Give the spelling under which a URI is compared.

    Scheme and host in lower case and one trailing slash gone; of ``at://DID`` and
    ``https://bsky.app/profile/DID`` the DID. Everything else stays exact.
    """
    if page := _DID_PAGE.fullmatch(uri):
        return page[1]
    if parts := _URI.fullmatch(uri):
        return f"{parts[1].lower()}://{parts[2].lower()}{parts[3].removesuffix('/')}"
    return uri


class Ledger:
    """A ledger whose whole chain was verified when it was read. Make one with :meth:`load`."""

    def __init__(self, path: Path, events: tuple[Event, ...], last: str) -> None:
        self.path = path
        self.events = events
        """In the order of their lines; line numbers count from 1."""
        self.head = Head(len(events), last)
        self._given, self._taken, self._parent = _index(events)

    @classmethod
    def load(cls, path: Path) -> Ledger:
        """Read and verify a ledger.

        Raises :class:`UsageError` when there is no such file, and :class:`LedgerError`, naming the
        first line that is wrong, when a line or the chain is broken.
        """
        if not path.is_file():
            raise UsageError(
                f"there is no consent ledger at {path}; `fedi-dataset consent give` begins one"
            )
        return cls(path, *_read(path))

    def head_at(self, lines: int) -> Head:
        """Give the head that the ledger had when it was ``lines`` long."""
        if not 0 <= lines <= len(self.events):
            raise ValueError(f"the ledger has {len(self.events)} lines, not {lines}")
        return self.head if lines == len(self.events) else Head(lines, self.events[lines].prev)

    def check_extends(self, head: Head) -> None:
        """Raise :class:`LedgerRolledBack` unless the ledger begins with what ended at ``head``."""
        if head.lines > self.head.lines:
            raise LedgerRolledBack(
                f"{self.path} has {self.head.lines} lines, but had {head.lines} before: "
                "lines are gone from its end. Use the complete ledger"
            )
        if self.head_at(head.lines) != head:
            raise LedgerRolledBack(
                f"{self.path} is not the ledger that was used before, or was rewritten: "
                f"line {head.lines} has another hash than the one remembered"
            )

    def standing(self, spellings: Iterable[str], as_of: datetime) -> Standing:
        """Say what holds at ``as_of`` (aware) for the account that is spelled in these ways.

        A withdrawal by any account of a subject reaches all accounts that events of the same
        subject name, in whatever order the events come.
        """
        names = {spelling(name) for name in spellings}
        given = {line for name in names for line in self._given.get(name, ())}
        line = max((line for line in given if self.events[line].at <= as_of), default=-1)
        owners = {_root(self._parent, name) for name in names}
        taken = {at for owner in owners for at in self._taken.get(owner, ()) if at > line}
        posts = [_posts_of(self.events[at]) for at in taken]
        return Standing(
            deciding=_consent(self.events[line]) if line >= 0 else None,
            withdrawn=None in posts,
            withdrawn_posts=frozenset(spelling(post) for some in posts for post in some or ()),
        )


def append(path: Path, event: Event) -> Event:
    """Append an event, chained to the last line, and give it back as it is stored.

    Waits for other writers, verifies the whole ledger first, and returns once the line is on the
    disk; ``event.prev`` is replaced. A ledger that does not exist yet begins here, readable by its
    owner only. Raises :class:`UsageError` for an event that is not valid or whose id is taken, and
    :class:`LedgerError` for a broken ledger, which stays as it is.
    """
    try:
        with FileLock(f"{path}.lock", timeout=_LOCK_SECONDS):
            ledger = Ledger.load(path) if path.exists() else Ledger(path, (), NO_LINE)
            if any(event.id == other.id for other in ledger.events):
                raise UsageError(f"{path} already holds an event {event.id}")
            stored = _checked(msgspec.structs.replace(event, prev=ledger.head.sha256))
            _write(path, _ENCODER.encode(stored) + b"\n")
            return stored
    except Timeout as error:
        raise UsageError(
            f"another program has held {path}.lock for {_LOCK_SECONDS:.0f} seconds; try again"
        ) from error


def _read(path: Path) -> tuple[tuple[Event, ...], str]:
    """All events of a file, and the hash of its last line."""
    events: list[Event] = []
    ids: set[str] = set()
    last = NO_LINE
    with path.open("rb") as lines:
        for line in lines:
            body = line[:-1]
            try:
                if not line.endswith(b"\n"):
                    raise LedgerError("it is cut off: no newline ends it")
                event = _decode(body)
                if event.prev != last:
                    raise LedgerError(
                        "its prev is not the hash of the line before: that line was changed, "
                        "or lines were dropped, inserted or moved here"
                    )
                if event.id in ids:
                    raise LedgerError(f"the id {event.id} occurs before")
            except LedgerError as error:
                raise LedgerError(
                    f"{path}, line {len(events) + 1}: {error}. Restore the ledger from a copy"
                ) from error
            ids.add(event.id)
            events.append(event)
            last = hashlib.sha256(body).hexdigest()
    return tuple(events), last


def _decode(line: bytes) -> Event:
    """One event, validated; :class:`LedgerError` says what is wrong with it."""
    try:
        event: Event = _DECODER.decode(line)
        if isinstance(event, Given):
            parse_license(event.license)
    except (msgspec.MsgspecError, UnicodeDecodeError, UsageError) as error:
        raise LedgerError(f"not an event that this version knows: {error}") from error
    return event


def _checked(event: Event) -> Event:
    """The event as reading it back gives it, so that what is written can be read."""
    for account in event.accounts:
        if not re.match(_ACCOUNT, account):
            raise UsageError(
                f"{account!r} is no account's URI: write the actor id or the DID, "
                "as `fedi-dataset inspect` prints it"
            )
    try:
        return _decode(_ENCODER.encode(event))
    except LedgerError as error:
        raise UsageError(f"this event cannot be recorded: {error}") from error


def _write(path: Path, line: bytes) -> None:
    """Append bytes and sync them; on failure nothing of them stays."""
    begins = not path.exists()
    ledger = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(ledger).st_size
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(ledger, rest) :]
            os.fsync(ledger)
        except OSError:
            os.ftruncate(ledger, size)
            raise
    finally:
        os.close(ledger)
    if begins:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


Index = tuple[dict[str, list[int]], dict[str, list[int]], dict[str, str]]


def _index(events: Iterable[Event]) -> Index:
    """Lines (from 0) of consents by account, of withdrawals by owner, and the owners' forest."""
    given: dict[str, list[int]] = {}
    withdrawals: list[tuple[int, list[str]]] = []
    parent: dict[str, str] = {}
    for line, event in enumerate(events):
        names = [spelling(account) for account in event.accounts]
        if isinstance(event, Given):
            for name in names:
                given.setdefault(name, []).append(line)
            subject = [f"subject {event.subject}"] if event.subject else []
            for name in (*names[1:], *subject):
                _join(parent, names[0], name)
        else:
            withdrawals.append((line, names))
    taken: dict[str, list[int]] = {}
    for line, names in withdrawals:
        for owner in {_root(parent, name) for name in names}:
            taken.setdefault(owner, []).append(line)
    return given, taken, parent


def _join(parent: dict[str, str], one: str, other: str) -> None:
    """Say that two names have the same owner."""
    if (root := _root(parent, one)) != (top := _root(parent, other)):
        parent[root] = top


def _root(parent: dict[str, str], name: str) -> str:
    """The name that stands for a name's owner; the way to it is halved each time."""
    while (above := parent.get(name)) is not None:
        if (higher := parent.get(above)) is not None:
            parent[name] = higher
        name = above
    return name


def _consent(event: Event) -> Given:
    assert isinstance(event, Given)
    return event


def _posts_of(event: Event) -> tuple[str, ...] | None:
    assert isinstance(event, Withdrawn)
    return event.posts
