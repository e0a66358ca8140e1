"""What a reader yields: exports, accounts and posts, as plain frozen values.

A :class:`Post` is light: id, parent, author, date, visibility, tags. Its words come from ``body()``,
which is called only once the gate has admitted it, so that of whoever is not admitted no word is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol

__all__ = [
    "Account",
    "Acquisition",
    "Body",
    "Export",
    "Facet",
    "Mention",
    "Post",
    "PostKind",
    "Quarantined",
    "Signal",
    "Visibility",
]

Acquisition = Literal["own-export", "capture"]
"""How an export came to the operator: the author handed it over, or somebody else recorded it."""


class Visibility(StrEnum):
    """Who could read a post where it was published (formats.md 1.2)."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    FOLLOWERS = "followers"
    DIRECT = "direct"
    LOCAL_ONLY = "local_only"
    UNKNOWN = "unknown"


class PostKind(StrEnum):
    """What an item of an export is: only ``POST`` can be admitted."""

    POST = "post"
    BOOST = "boost"
    VOTE = "vote"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Signal:
    """A word by which an account, or one post, denies such use. What is None narrows nothing."""

    name: str
    """As a renewal acknowledges it: ``bio:#noai``."""
    declared_at: datetime | None = None
    """When it was last said, where it says so."""
    before: datetime | None = None
    """It denies only what was written before this time."""
    older_than: timedelta | None = None
    """It denies only what is older than this when it is read."""
    visibility: Visibility | None = None
    """It denies only posts of this visibility."""
    entity: str | None = None
    """It denies only this consumer: a DID or a domain."""
    spares: tuple[str, ...] = ()
    """It denies everybody but these consumers."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as its own export, or a mention of it, describes it."""

    uri: str
    """Canonical: ActivityPub actor id, or DID."""
    aliases: tuple[str, ...] = ()
    """Other spellings of the same account (profile URLs), same host as ``uri``."""
    handles: tuple[str, ...] = ()
    """With the leading @: ``@alice@mastodon.example``, ``@alice.bsky.test``."""
    names: tuple[str, ...] = ()
    """Display names, custom emoji shortcodes removed."""
    urls: tuple[str, ...] = ()
    """Profile URLs."""
    is_bot: bool = False
    signals: tuple[Signal, ...] = ()
    """What in its actor document, bio or repo denies, sorted by name."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody named in a post by its structured data (a Mention tag, or a mention facet)."""

    account: str
    """Canonical URI or DID of who is mentioned."""
    name: str | None = None
    """As the tag writes it: ``@bob@server.example`` or ``@bob``; None for a facet."""


@dataclass(frozen=True, slots=True)
class Facet:
    """A rich-text annotation of AT Protocol: UTF-8 byte offsets into the text, end exclusive."""

    byte_start: int
    byte_end: int
    kind: Literal["mention", "link", "tag"]
    value: str
    """The DID, the full URI, or the tag without #."""


@dataclass(frozen=True, slots=True)
class Body:
    """The words of a post and what annotates them, as the export has them."""

    content: str
    content_type: Literal["text/html", "text/plain"]
    title: str | None = None
    summary: str | None = None
    """Content warning."""
    poll_options: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    """As the author declared them, BCP 47, in the export's order."""
    sensitive: bool = False
    mentions: tuple[Mention, ...] = ()
    facets: tuple[Facet, ...] = ()
    quote_of: str | None = None
    alt_texts: tuple[str, ...] = ()
    license: str | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One item of an export. ``position`` is its index there, from 0."""

    position: int
    uri: str
    account: str
    """Canonical URI of the author."""
    kind: PostKind
    visibility: Visibility
    created_at: datetime | None
    """UTC, aware. None when the export gives no usable date."""
    reply_to: str | None = None
    root_hint: str | None = None
    """AT Protocol's reply.root, ActivityPub's context or conversation: a hint, never a parent."""
    aliases: tuple[str, ...] = ()
    """Other ids of the same post (its HTML url, atomUri), and of the original elsewhere that it is a copy of."""
    edited_at: datetime | None = None
    deleted: bool = False
    tags: tuple[str, ...] = ()
    """Hashtags, casefolded, without #."""
    signals: tuple[Signal, ...] = ()
    """What of its own, beside tags and words, denies."""
    body: Callable[[], Body] = field(repr=False, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An item that could not be read: where, and a reason code; never its text."""

    position: int
    code: str


class Export(Protocol):
    """One opened export. Readers return objects of this shape; opening reads the head only."""

    @property
    def export_id(self) -> str:
        """Lower-case hex SHA-256 over the export's bytes (of a folder: see readers/archive.py)."""
        ...

    @property
    def format(self) -> str:
        """``mastodon-archive`` or ``atproto-repo``."""
        ...

    @property
    def platform(self) -> str:
        """``mastodon`` or ``bluesky``."""
        ...

    @property
    def acquisition(self) -> Acquisition:
        """How the operator came by it."""
        ...

    @property
    def owner(self) -> Account:
        """Whose export it is."""
        ...

    def posts(self) -> Iterator[Post | Quarantined]:
        """Everything in the export, in its order, other people's items included."""
        ...
